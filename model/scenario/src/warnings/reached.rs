//! Statements that no execution came to, and conditions that always fall the same way.
//!
//! Not everything that never ran is told. What stands behind an operation that was never over (a deadlock, a broken
//! property ended every execution there) is as its author expects it to be. Told is what some decision kept executions
//! from: a branch that was taken, never that way; a callee that nobody called; a work item that nobody queued.

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::{ExprNode, Instr, Passed, Program, Script};

use super::{About, NEVER_ENDS, NEVER_RUNS, ONE_WAY, STALE, UNREACHED, one_line};
use crate::lower::{alternatives, is_conditional_else};
use crate::mistakes::Place;
use crate::syntax::{Node, ValueKind};

/// What is known of a statement, all scripts and cases that have it together.
#[derive(Default)]
struct Known {
    /// Some case that has it was not looked at.
    unjudged: bool,
    /// Some case that has it was not looked at to the end.
    cut: bool,
    came: u64,
    /// How often its condition was true and false; `None` without one.
    ways: Option<(u64, u64)>,
    /// Some case that has it goes round for ever.
    endless: bool,
    /// Its condition reads a local.
    reads: bool,
    /// The cases in which a decision kept executions from it, as bits.
    kept_from: u32,
    /// Those in which it stands behind an operation that was never over.
    behind: u32,
}

impl Known {
    /// Whether there is something to tell of it: in some case nothing but a decision kept executions from it.
    fn is_told(&self) -> bool {
        self.came == 0 && !self.unjudged && self.kept_from & !self.behind != 0
    }
}

/// What is known of each statement, by its place.
type Statements = BTreeMap<Place, Known>;

/// What has a block of its own that runs.
const SCRIPTS: [&str; 10] = ["thread", "device", "irq", "work", "timer", "shrinker", "proc", "fn", "setup", "teardown"];

impl<'a> About<'a> {
    /// Tells statements that no execution came to, and branches that went one way only.
    pub(super) fn reached(&mut self) {
        let statements = self.statements();
        for section in self.sections().into_iter().filter(|node| SCRIPTS.contains(&node.name.text.as_str())) {
            if matches!(section.name.text.as_str(), "thread" | "device") {
                self.never_ends(section);
            }
            if !self.never_runs(section, &statements) {
                self.block(section.children(), &statements);
            }
        }
    }

    fn statements(&self) -> Statements {
        let mut all = Statements::new();
        let called = self.called();
        for (at, case) in self.cases.iter().enumerate() {
            let seen = self.seen.get(at).and_then(Option::as_ref);
            let of = Of {
                program: &case.program,
                bit: 1 << at,
                endless: seen.is_some_and(|seen| seen.endless),
                cut: seen.is_some_and(|seen| !seen.complete),
                called: &called,
            };
            for (at, script) in scripts(&case.program).enumerate() {
                of.note(script, seen.map(|seen| seen.cover.of(at)), &mut all);
            }
        }
        all
    }

    /// The callees that somebody called in some case.
    fn called(&self) -> BTreeSet<&'a str> {
        let mut called = BTreeSet::new();
        for (case, seen) in self.cases.iter().zip(self.seen) {
            let Some(seen) = seen else { continue };
            for (at, script) in scripts(&case.program).enumerate() {
                let came = |entry: u16| seen.cover.of(at).get(usize::from(entry)).is_some_and(|p| p.came > 0);
                let names = script.callees.iter().zip(&case.program.callees).filter(|(c, _)| came(c.entry));
                called.extend(names.map(|(_, name)| name.as_str()));
            }
        }
        called
    }

    /// A thread that can end, as its code says, and of which no execution ends: its end is never looked at.
    fn never_ends(&mut self, section: &'a Node) {
        let name = section.values().next().map(|value| value.span.of(self.text)).unwrap_or_default();
        let mut told = Vec::new();
        for (case, seen) in self.cases.iter().zip(self.seen) {
            let Some(seen) = seen.as_ref().filter(|seen| seen.complete && seen.holds) else { continue };
            let all = case.program.scripts.iter().enumerate();
            for (at, script) in all.filter(|(_, s)| !s.agent && is_named(s, name) && s.can_end()) {
                let end = script.code.iter().position(|instr| *instr == Instr::End);
                let came = end.and_then(|end| seen.cover.of(at).get(end)).is_some_and(|passed| passed.came > 0);
                let case = case.name.as_ref().map(|case| format!("in the case `{case}` "));
                if !came {
                    told.push(format!(
                        "{}no execution of `{}` ends, though its code can",
                        case.unwrap_or_default(),
                        script.name
                    ));
                }
            }
        }
        for said in told {
            let help = "let what its loop waits for happen, or leave the way out of the loop away: then it is one that runs \
                        for ever; or `expect { unreached \"why\" }`";
            self.warn(NEVER_ENDS, section.head, said, help);
        }
    }

    /// Work items, timers and handlers that never began, and callees that nobody called. True if there is nothing more
    /// to be said of what they consist of.
    fn never_runs(&mut self, section: &'a Node, statements: &Statements) -> bool {
        let name = section.values().next().map(|value| value.span.of(self.text)).unwrap_or_default();
        let meant = self.flat(section.children()).first().is_some_and(|first| first.name.text == "unreached");
        let (what, help) = match section.name.text.as_str() {
            "work" | "timer" | "irq" => match self.begins(name) {
                Some(cut) if !meant => (never(cut, "runs"), waits_for(&section.name.text, name)),
                Some(_) => return true,
                None => return false,
            },
            "proc" | "fn" | "shrinker" => match self.is_called(section, statements) {
                None => return false,
                Some(cut) if !meant => (
                    never(cut, "runs"),
                    "call it, name it in a `hook` or an `add-callback`, or leave it out".to_owned(),
                ),
                Some(_) => return true,
            },
            _ => return false,
        };
        let said = format!("the {} `{name}` {what}", section.name.text);
        let help = way_out(said.ends_with("limit"), &help);
        self.warn(NEVER_RUNS, section.head, said, help);
        true
    }

    /// For what waits to be started: `None` if it is, or if that is not known; else whether a limit was hit.
    fn begins(&self, name: &str) -> Option<bool> {
        let mut cut = None;
        for (at, case) in self.cases.iter().enumerate() {
            for (place, script) in case.program.scripts.iter().enumerate().filter(|(_, s)| is_named(s, name)) {
                let seen = self.seen.get(at).and_then(Option::as_ref)?;
                let first = seen.cover.of(place).first().copied().unwrap_or_default();
                if first.on > 0 || !waits_to_begin(script) {
                    return None;
                }
                cut = Some(cut.unwrap_or(false) | !seen.complete);
            }
        }
        cut
    }

    /// For procs and shrinkers, likewise. One that no script has a copy of is called by nobody.
    fn is_called(&self, section: &'a Node, statements: &Statements) -> Option<bool> {
        let mut known = None;
        let mut written = false;
        for node in self.flat(section.children()) {
            written |= !matches!(node.name.text.as_str(), "label" | "unreached");
            let Some(statement) = statements.get(&self.place(node.head)) else { continue };
            if !statement.is_told() {
                return None;
            }
            known = Some(known.unwrap_or(false) | statement.cut);
        }
        // A call has no instructions of its own: what is named somewhere may be called.
        let name = section.values().next()?.span;
        known.or((written && self.is_unnamed(name)).then_some(false))
    }

    /// Statements of a block, those in `only` in its place.
    fn flat(&self, nodes: &'a [Node]) -> Vec<&'a Node> {
        super::inside_only(nodes)
    }

    fn block(&mut self, nodes: &'a [Node], statements: &Statements) {
        let nodes = self.flat(nodes);
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            // A loop's own instruction is the jump back, which a turn that always leaves it never comes to.
            let here = statements.get(&self.place(node.head)).filter(|_| node.name.text != "loop");
            if node.name.text == "unreached" && here.is_some_and(|known| known.came > 0) {
                let said = format!("executions come to this `{}`", one_line(node.head, self.text));
                self.warn(STALE, node.head, said, "leave it out: what follows runs");
            }
            if self.turns_never(node) {
                at += 1;
                continue;
            }
            if here.is_some_and(|known| known.came == 0) {
                at += self.unreached(&nodes[at..], statements);
                continue;
            }
            let other = nodes.get(at + 1).copied().filter(|next| next.name.text == "else");
            if let Some(known) = here {
                self.one_way(node, other, known, statements);
            }
            if !self.is_never_entered(node, here) {
                self.block(node.children(), statements);
            }
            at += 1;
            let never = here.is_some_and(|known| matches!(known.ways, Some((_, 0))));
            at += match other {
                // Looked at as the statement that comes next, if anything comes to it.
                Some(other) if is_conditional_else(other) && !never => 0,
                Some(other) if is_conditional_else(other) => alternatives(&nodes[at..]).len(),
                Some(_) if never => 1,
                Some(other) => {
                    self.block(other.children(), statements);
                    1
                }
                None => 0,
            };
        }
    }

    /// `repeat 0` has no instructions of which anything was counted.
    fn turns_never(&mut self, node: &'a Node) -> bool {
        let turns = node.values().next().map(|value| &value.kind);
        if node.name.text != "repeat" || !matches!(turns, Some(ValueKind::Int(0))) {
            return false;
        }
        let inside = self.flat(node.children());
        if inside.first().is_none_or(|first| first.name.text != "unreached") {
            let said = format!("the block of `repeat 0` never runs{}", and_more(&inside));
            self.warn(UNREACHED, node.head, said, way_out(false, "let it have a turn, or leave it out"));
        }
        true
    }

    fn is_never_entered(&self, node: &Node, here: Option<&Known>) -> bool {
        is_condition(node) && here.is_some_and(|k| matches!(k.ways, Some((0, _))))
    }

    /// A run of statements that were not come to: one warning. How many statements of the block it is.
    fn unreached(&mut self, nodes: &[&'a Node], statements: &Statements) -> usize {
        let known = |node: &&&Node| statements.get(&place_in(self.text, node));
        let run = nodes
            .iter()
            .take_while(|node| node.name.text == "else" || known(node).is_some_and(|k| k.came == 0))
            .count();
        let (first, run) = (nodes[0], run.max(1));
        let meant = nodes[..run].iter().any(|node| node.name.text == "unreached");
        let told = nodes[..run].iter().filter_map(|node| known(&node)).find(|k| k.is_told());
        if let Some(told) = told.filter(|_| !meant) {
            let said =
                format!("{}: `{}`{}", no_execution(told.cut), one_line(first.head, self.text), and_more(&nodes[..run]));
            let help = way_out(told.cut, "leave it out, or mend what keeps executions from it");
            self.warn(UNREACHED, first.head, said, help);
        }
        run
    }

    /// A condition that was looked at and always falls the same way.
    fn one_way(&mut self, node: &'a Node, other: Option<&'a Node>, known: &Known, statements: &Statements) {
        if !is_condition(node) || known.unjudged || known.endless {
            return;
        }
        let (truth, unseen) = match (known.ways, other) {
            (Some((0, 1..)), _) => (false, Some(node)),
            (Some((1.., 0)), other) => (true, other),
            _ => return,
        };
        let inside = self.flat(unseen.map(Node::children).unwrap_or_default());
        if inside.first().is_some_and(|first| first.name.text == "unreached") {
            return;
        }
        let said = one_line(node.head, self.text);
        let fell = match (truth, known.cut) {
            (true, false) => "is always true",
            (true, true) => "was always true within the limit",
            (false, false) => "is never true",
            (false, true) => "was not true within the limit",
        };
        if inside.is_empty() {
            if known.reads {
                let help = "leave the condition out, or let what it reads take its other values".to_owned();
                let way = if truth { "; or say why in an `else { unreached \"why\" }`" } else { "" };
                self.warn(ONE_WAY, node.head, format!("the condition of `{said}` {fell}"), help + way);
            }
            return;
        }
        // What no case has in it is nothing that could run.
        let has_code = |node: &&Node| statements.get(&place_in(self.text, node)).is_some_and(|k| !k.unjudged);
        let Some(first) = inside.iter().find(|node| has_code(node)) else { return };
        let line = self.place(first.head).line;
        let said = format!(
            "the condition of `{said}` {fell}: what stands in its {} from line {line} on {}{}",
            if truth { "`else`" } else { "block" },
            if known.cut { "did not run" } else { "never runs" },
            and_more(&inside)
        );
        let help = way_out(known.cut, "let what it reads take its other values, or leave that out");
        self.warn(UNREACHED, node.head, said, help);
    }
}

/// Whether its block runs under a condition.
fn is_condition(node: &Node) -> bool {
    matches!(node.name.text.as_str(), "when" | "while") || is_conditional_else(node)
}

/// How an author says that it is meant.
const WAY_OUT: &str = "; if it is meant, begin its block with `unreached \"why\"`";

/// What to do about it; a search that was cut may just not have come so far.
fn way_out(cut: bool, help: &str) -> String {
    if cut { "raise the limit".to_owned() } else { help.to_owned() + WAY_OUT }
}

fn never(cut: bool, runs: &str) -> String {
    if cut { "did not run within the limit".to_owned() } else { format!("never {runs}") }
}

fn no_execution(cut: bool) -> &'static str {
    if cut { "no execution came here within the limit" } else { "no execution comes here" }
}

fn waits_for(kind: &str, name: &str) -> String {
    match kind {
        "work" => format!("`queue-work {name}` somewhere, or leave it out"),
        "timer" => format!("`mod-timer {name}` somewhere, or leave it out"),
        _ => "let the thread that it interrupts run, or leave it out".to_owned(),
    }
}

/// ` (3 statements)`
fn and_more(nodes: &[&Node]) -> String {
    fn count(nodes: &[&Node]) -> usize {
        nodes.iter().filter(|n| !matches!(n.name.text.as_str(), "label" | "else")).count()
            + nodes.iter().map(|n| count(&super::inside_only(n.children()))).sum::<usize>()
    }
    match count(nodes) {
        0 | 1 => String::new(),
        more => format!(" ({more} statements)"),
    }
}

fn place_in(text: &str, node: &Node) -> Place {
    crate::mistakes::place_of(text, node.head.start)
}

/// In the order of [`Cover`](fenceweave_kernel::Cover).
pub(super) fn scripts(program: &Program) -> impl Iterator<Item = &Script> {
    program.scripts.iter().chain([&program.setup, &program.teardown])
}

/// Its first operation waits until somebody wants it to run.
fn waits_to_begin(script: &Script) -> bool {
    matches!(script.code.first(), Some(Instr::Op { op, .. }) if op.row().is_called_for)
}

/// Whether a script is the section's, or one of its identical threads.
fn is_named(script: &Script, name: &str) -> bool {
    script.name == name || script.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}

/// One case whose scripts are gone through.
struct Of<'p> {
    program: &'p Program,
    bit: u32,
    cut: bool,
    endless: bool,
    called: &'p BTreeSet<&'p str>,
}

impl Of<'_> {
    /// Adds what one script says of its statements.
    fn note(&self, script: &Script, passed: Option<&[Passed]>, all: &mut Statements) {
        let mut kept_from = passed.map(|passed| self.kept_from(script, passed)).unwrap_or_default();
        let mut behind = passed.map(|passed| behind(script, passed)).unwrap_or_default();
        if self.endless {
            behind.iter_mut().zip(&mut kept_from).for_each(|(behind, kept)| *behind |= std::mem::take(kept));
        }
        if self.cut {
            // An operation that was not over when the limit was hit has broken nothing: that is what kept executions.
            kept_from.iter_mut().zip(&mut behind).for_each(|(kept, behind)| *kept |= std::mem::take(behind));
        }
        for (pc, (instr, line)) in
            script.code.iter().zip(&script.lines).enumerate().filter(|(_, (_, l))| super::is_own(l))
        {
            let known = all.entry(Place { line: line.line, column: line.column }).or_default();
            known.cut |= self.cut;
            known.endless |= self.endless;
            let Some(here) = passed.and_then(|passed| passed.get(pc)) else {
                known.unjudged = true;
                continue;
            };
            known.came = known.came.saturating_add(here.came);
            known.kept_from |= if kept_from[pc] { self.bit } else { 0 };
            known.behind |= if behind[pc] { self.bit } else { 0 };
            if let Instr::Branch { expr, .. } = instr {
                let (on, over) = known.ways.unwrap_or_default();
                known.ways = Some((on.saturating_add(here.on), over.saturating_add(here.over)));
                let nodes = self.program.exprs.get(usize::from(*expr)).map_or(&[][..], |e| e.nodes());
                known.reads |= nodes.iter().any(|node| matches!(node, ExprNode::Read(_)));
            }
        }
    }

    /// Which instructions a decision kept every execution from: those behind a way that was never taken where another
    /// was, those that nothing leads to, and what nobody called or started.
    fn kept_from(&self, script: &Script, passed: &[Passed]) -> Vec<bool> {
        let entries: Vec<usize> = script.callees.iter().map(|c| usize::from(c.entry)).chain([0]).collect();
        let leads = flood(script, entries.clone(), &|_| true);
        let callees = script.callees.iter().zip(&self.program.callees);
        let uncalled = callees.filter(|(_, name)| !self.called.contains(name.as_str()));
        let mut open: Vec<usize> = uncalled.map(|(c, _)| usize::from(c.entry)).collect();
        open.extend((0..script.code.len()).filter(|at| !leads[*at]));
        for (at, (instr, here)) in script.code.iter().zip(passed).enumerate() {
            let (next, other) = ways(at, instr);
            let waits = at == 0 && waits_to_begin(script);
            match (here.came, here.on, here.over) {
                (0, ..) => {}
                (_, 0, 1..) => open.extend(next),
                (_, 1.., 0) => open.extend(other),
                (_, 0, 0) if waits => open.extend(next),
                _ => {}
            }
        }
        open.retain(|at| passed.get(*at).is_some_and(|p| p.came == 0));
        flood(script, open, &|at| passed.get(at).is_some_and(|p| p.came == 0))
    }
}

/// Which instructions stand behind one that was come to and never over.
fn behind(script: &Script, passed: &[Passed]) -> Vec<bool> {
    let never_over = |p: &Passed| p.came > 0 && p.on == 0 && p.over == 0;
    let all = script.code.iter().zip(passed).enumerate();
    let stuck = all.filter(|(at, (_, p))| never_over(p) && !(*at == 0 && waits_to_begin(script)));
    let open = stuck.flat_map(|(at, (instr, _))| {
        let (next, other) = ways(at, instr);
        next.into_iter().chain(other)
    });
    flood(script, open.collect(), &|at| passed.get(at).is_some_and(|p| p.came == 0))
}

/// The instruction after this one, and the other that it may go to.
fn ways(at: usize, instr: &Instr) -> (Option<usize>, Option<usize>) {
    match instr {
        Instr::End | Instr::Return { .. } => (None, None),
        Instr::Jump(to) => (Some(usize::from(*to)), None),
        Instr::Branch { otherwise: to, .. } | Instr::Nth { otherwise: to, .. } | Instr::MayFail { over: to, .. } => {
            (Some(at + 1), Some(usize::from(*to)))
        }
        _ => (Some(at + 1), None),
    }
}

/// What these instructions lead to, through those that may be gone through.
fn flood(script: &Script, mut open: Vec<usize>, through: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut met = vec![false; script.code.len()];
    while let Some(at) = open.pop() {
        let Some(instr) = script.code.get(at).filter(|_| through(at)) else { continue };
        if !std::mem::replace(&mut met[at], true) {
            let (next, other) = ways(at, instr);
            open.extend(next.into_iter().chain(other));
        }
    }
    met
}
