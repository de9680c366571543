//! The programs of a plan, up to renaming.

use super::{Kind, Plan};
use std::{cmp::Ordering, fmt::Write};

/// An operation on objects: the index of the operation in the plan, and of its objects among those of the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Letter {
    op: u8,
    objects: [u8; 2],
}

/// No object.
const NONE: u8 = u8::MAX;

/// A program: for each thread its script, as an index into all scripts; in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    scripts: Vec<u32>,
    /// How many programs are the same but for names.
    pub orbit: u64,
}

/// The programs of a plan.
pub struct Programs<'a> {
    plan: &'a Plan,
    /// The kind of each object.
    kinds: Vec<Kind>,
    /// Every script, shorter ones first, then in the order of letters.
    scripts: Vec<Vec<Letter>>,
    /// What each renaming of the objects makes of each script; the first renames nothing.
    renamed: Vec<Vec<u32>>,
}

/// Most scripts of a plan: more leave no hope for their combinations.
const MAX_SCRIPTS: u64 = 1_000_000;

impl<'a> Programs<'a> {
    /// Makes the scripts of a plan.
    ///
    /// # Errors
    ///
    /// If there are too many, in words.
    pub fn new(plan: &'a Plan) -> Result<Programs<'a>, super::NoPlan> {
        let kinds: Vec<Kind> = plan.objects.iter().flat_map(|(k, n)| std::iter::repeat_n(*k, *n)).collect();
        let letters = letters(plan, &kinds);
        let count = (1..=plan.ops as u32).map(|n| (letters.len() as u64).saturating_pow(n)).sum::<u64>();
        if count > MAX_SCRIPTS {
            return Err(super::NoPlan(format!(
                "{count} scripts are too many to be swept: fewer operations or objects"
            )));
        }
        let mut scripts: Vec<Vec<Letter>> = vec![];
        let mut last: Vec<Vec<Letter>> = vec![vec![]];
        for _ in 0..plan.ops {
            let longer = |s: &Vec<Letter>| letters.iter().map(|l| [s.as_slice(), &[*l]].concat()).collect::<Vec<_>>();
            last = last.iter().flat_map(longer).collect();
            scripts.extend(last.iter().cloned());
        }
        let mut programs = Programs { plan, kinds, scripts, renamed: vec![] };
        if plan.balanced {
            let right: Vec<bool> = (0..programs.scripts.len() as u32).map(|i| programs.is_right_alone(i)).collect();
            // Renaming makes a right script of a right one, so the renamings still lead from script to script.
            let mut right = right.into_iter();
            programs.scripts.retain(|_| right.next().unwrap_or(false));
        }
        programs.renamed = permutations(&programs.kinds).iter().map(|p| programs.rename_all(p)).collect();
        Ok(programs)
    }

    /// Whether a script breaks no rule by itself, nor if all that it waits for has come.
    fn is_right_alone(&self, script: u32) -> bool {
        let alone = |script| self.is_right(&Program { scripts: vec![script], orbit: 1 });
        let waits = |l: &&Letter| self.plan.over[usize::from(l.op)].waits;
        let letters = &self.scripts[script as usize];
        let others: Vec<Letter> = letters.iter().filter(|l| !waits(l)).copied().collect();
        alone(script) && (others.is_empty() || alone(self.index_of(&others)))
    }

    fn rename_all(&self, to: &[u8]) -> Vec<u32> {
        let rename = |o: u8| if o == NONE { NONE } else { to[usize::from(o)] };
        let renamed = |s: &Vec<Letter>| -> Vec<Letter> {
            s.iter().map(|l| Letter { objects: l.objects.map(rename), ..*l }).collect()
        };
        self.scripts.iter().map(|s| self.index_of(&renamed(s))).collect()
    }

    /// Where a script stands in the list, which is sorted by length and letters.
    fn index_of(&self, script: &[Letter]) -> u32 {
        let order = |s: &Vec<Letter>| -> Ordering { s.len().cmp(&script.len()).then_with(|| s.as_slice().cmp(script)) };
        // A renaming maps scripts to scripts, so it is there.
        self.scripts.binary_search_by(order).unwrap_or_else(|_| unreachable!("[internal bug] a script is missing"))
            as u32
    }

    /// How many programs there are if every name counts.
    pub fn labelled(&self) -> u64 {
        (1..=self.plan.threads as u32).map(|t| (self.scripts.len() as u64).pow(t)).sum()
    }

    /// One program of each kind up to renaming, smallest number of threads first; the order is that of a sweep.
    pub fn each(&self) -> impl Iterator<Item = Program> + '_ {
        (1..=self.plan.threads).flat_map(move |t| Sorted::new(self.scripts.len() as u32, t)).filter_map(|scripts| {
            let orbit = self.orbit(&scripts)?;
            Some(Program { scripts, orbit })
        })
    }

    /// Every program under every name, for tests of the reduction.
    pub fn each_labelled(&self) -> impl Iterator<Item = Program> + '_ {
        let n = self.scripts.len() as u32;
        (1..=self.plan.threads as u32).flat_map(move |t| {
            (0..n.pow(t)).map(move |i| {
                let scripts = (0..t).map(|k| i / n.pow(k) % n).collect();
                Program { scripts, orbit: 1 }
            })
        })
    }

    /// How many programs are the same as this one, whose scripts are in order; `None` if another one stands for them.
    fn orbit(&self, scripts: &[u32]) -> Option<u64> {
        let mut images: Vec<Vec<u32>> = Vec::with_capacity(self.renamed.len());
        for renaming in &self.renamed {
            let mut image: Vec<u32> = scripts.iter().map(|s| renaming[*s as usize]).collect();
            image.sort_unstable();
            if image.as_slice() < scripts {
                return None;
            }
            images.push(image);
        }
        images.sort_unstable();
        images.dedup();
        Some(images.iter().map(|i| arrangements(i)).sum())
    }

    /// How large a program is: operations, then threads.
    pub(super) fn size(&self, p: &Program) -> (usize, usize) {
        let ops = p.scripts.iter().map(|s| self.scripts[*s as usize].len()).sum();
        (ops, p.scripts.len())
    }

    /// The program as a scenario, with what is to be expected of it.
    pub fn text(&self, p: &Program, name: &str, expectation: &str) -> String {
        let used = |o: u8| self.letters(p).any(|l| l.objects.contains(&o));
        let ctx = self.letters(p).any(|l| self.plan.over[usize::from(l.op)].ctx);
        let mut out = format!("scenario {name} {{\n");
        let mut line = |text: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "    {text}");
        };
        for (i, kind) in self.kinds.iter().enumerate().filter(|(i, _)| used(*i as u8)) {
            line(&kind.declaration(&self.name(i as u8)));
        }
        if ctx {
            if !self.kinds.contains(&Kind::Resv) {
                line("acquire-ctx t per-thread");
            } else {
                line("acquire-ctx t per-thread class=reservation_ww_class");
            }
        }
        for (i, script) in p.scripts.iter().enumerate() {
            line(&format!("thread t{i} {{"));
            let own_ctx = self.scripts[*script as usize].iter().any(|l| self.plan.over[usize::from(l.op)].ctx);
            if own_ctx {
                line("    acquire-init t");
            }
            for l in &self.scripts[*script as usize] {
                line(&format!("    {}", self.op_text(*l)));
            }
            if own_ctx {
                line("    acquire-fini t");
            }
            line("}");
        }
        line(&format!("expect {{ {expectation} }}"));
        out.push_str("}\n");
        out
    }

    fn letters<'p>(&'p self, p: &'p Program) -> impl Iterator<Item = &'p Letter> {
        p.scripts.iter().flat_map(|s| &self.scripts[*s as usize])
    }

    fn name(&self, object: u8) -> String {
        let at = usize::from(object);
        let kind = self.kinds[at];
        let nth = self.kinds[..at].iter().filter(|k| **k == kind).count();
        format!("{}{nth}", kind.letter())
    }

    fn op_text(&self, l: Letter) -> String {
        let mut text = self.plan.over[usize::from(l.op)].text.to_string();
        for (i, o) in l.objects.iter().enumerate().filter(|(_, o)| **o != NONE) {
            text = text.replace(&format!("{{{i}}}"), &self.name(*o));
        }
        text
    }

    /// The name of the operation at which a thread stands, from the text of its line.
    pub(super) fn operation_of(&self, p: &Program, thread: usize, text: &str) -> Option<&'static str> {
        let script = self.scripts.get(*p.scripts.get(thread)? as usize)?;
        let found = script.iter().find(|l| self.op_text(**l) == text)?;
        Some(self.plan.over[usize::from(found.op)].name)
    }
}

/// Every operation on every choice of objects.
fn letters(plan: &Plan, kinds: &[Kind]) -> Vec<Letter> {
    let mut all = vec![];
    for (i, op) in plan.over.iter().enumerate() {
        let fitting = |operand: usize| -> Vec<u8> {
            let Some(takes) = op.takes.get(operand) else { return vec![NONE] };
            (0..kinds.len() as u8).filter(|o| takes.contains(&kinds[usize::from(*o)])).collect()
        };
        for a in fitting(0) {
            all.extend(fitting(1).iter().map(|b| Letter { op: i as u8, objects: [a, *b] }));
        }
    }
    all.sort_unstable();
    all
}

/// Every renaming of the objects within their kinds; the one that renames nothing is the first.
fn permutations(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let mut all = vec![vec![]];
    for kind in kinds {
        let of_kind: Vec<u8> = (0..kinds.len() as u8).filter(|o| kinds[usize::from(*o)] == *kind).collect();
        all = all
            .iter()
            .flat_map(|p: &Vec<u8>| {
                let free = of_kind.iter().filter(|o| !p.contains(o));
                free.map(|o| [p.as_slice(), &[*o]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    all
}

/// In how many orders a sorted list can stand.
fn arrangements(sorted: &[u32]) -> u64 {
    let factorial = |n: usize| (1..=n as u64).product::<u64>();
    sorted.chunk_by(|a, b| a == b).fold(factorial(sorted.len()), |n, same| n / factorial(same.len()))
}

/// Every sorted list of `len` numbers below `n`.
struct Sorted {
    n: u32,
    next: Option<Vec<u32>>,
}

impl Sorted {
    fn new(n: u32, len: usize) -> Sorted {
        Sorted { n, next: (n > 0).then(|| vec![0; len]) }
    }
}

impl Iterator for Sorted {
    type Item = Vec<u32>;

    fn next(&mut self) -> Option<Vec<u32>> {
        let now = self.next.take()?;
        if let Some(at) = now.iter().rposition(|v| v + 1 < self.n) {
            let mut next = now.clone();
            let value = next[at] + 1;
            next[at..].fill(value);
            self.next = Some(next);
        }
        Some(now)
    }
}
