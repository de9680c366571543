//! Which threads of a program are alike.

use super::{
    Class, Renaming, Symmetry,
    names::{Names, Token, names_of, of_script},
};
use crate::{
    Condition, ExprNode, Leaf, MAX_THREADS, Moment, ObjId, Program, ThreadId, expr::Operator, fixed, program::Role,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

impl Symmetry {
    /// The classes of a program whose executions are judged by these conditions.
    ///
    /// # Errors
    ///
    /// Why it has none: `None` if no two threads do the same.
    pub fn of(program: &Program, conditions: &[Condition]) -> Result<Symmetry, Option<&'static str>> {
        let task = |t: &ThreadId| matches!(program.role(*t), Role::Task | Role::Device) && !program.is_agent(*t);
        let mut left: Vec<ThreadId> = program.scripted().filter(task).collect();
        let may_be = |t: &ThreadId| {
            let other = |o: &ThreadId| o != t && may_be_alike(program, *t, *o);
            left.iter().any(other)
        };
        left = left.iter().copied().filter(may_be).collect();
        if left.is_empty() {
            return Err(None);
        }
        if !renames_all(program) {
            return Err(Some("there are handlers of interrupts, or syncobjs"));
        }
        let text = Text::of(program, conditions);
        let (mut classes, mut differs): (Vec<Class>, Option<&'static str>) = (vec![], None);
        while let Some(first) = left.first().copied() {
            let mut class = Class { threads: vec![first], own: vec![] };
            for other in left[1..].iter().copied() {
                let pairs = match text.pairs(program, first, other) {
                    Ok(pairs) => pairs,
                    Err(why) => {
                        differs = differs.or(why);
                        continue;
                    }
                };
                let (own, others): (Vec<ObjId>, Vec<ObjId>) = pairs.into_iter().unzip();
                if class.own.first().is_some_and(|known| *known != own) {
                    continue;
                }
                if let Err(why) = text.is_the_same(program, &exchange(first, other, &own, &others)) {
                    differs = differs.or(Some(why));
                    continue;
                }
                class.own = if class.own.is_empty() { vec![own] } else { class.own };
                class.own.push(others);
                class.threads.push(other);
            }
            left.retain(|t| !class.threads.contains(t));
            if class.threads.len() > 1 {
                classes.push(class);
            }
        }
        if classes.is_empty() { Err(differs) } else { Ok(Symmetry::new(classes)) }
    }
}

/// A first look: as many instructions, of the same sorts.
fn may_be_alike(program: &Program, a: ThreadId, b: ThreadId) -> bool {
    let (a, b) = (&program.scripts[a.index()], &program.scripts[b.index()]);
    let same = |(a, b)| std::mem::discriminant::<crate::Instr>(a) == std::mem::discriminant(b);
    a.code.len() == b.code.len() && a.role == b.role && a.code.iter().zip(&b.code).all(same)
}

/// Whether everything that an object keeps of threads is written so that it can be renamed.
fn renames_all(program: &Program) -> bool {
    // An entry of each thread that waits stands at that thread's place; and on whose CPU a handler begins is a choice
    // among threads in their order.
    program.all::<fixed::Syncobj>().next().is_none() && program.scripts.iter().all(|s| s.role != Role::Irq)
}

/// One exchange of two threads with what belongs to them, before it is known whether it leads to the same program.
fn exchange(a: ThreadId, b: ThreadId, of_a: &[ObjId], of_b: &[ObjId]) -> Exchange {
    let both = || of_a.iter().zip(of_b);
    let ids = both().map(|(a, b)| (*a, *b)).chain(both().map(|(a, b)| (*b, *a))).collect();
    Exchange { threads: Renaming::exchange(a, b), ids }
}

struct Exchange {
    threads: Renaming,
    ids: BTreeMap<ObjId, ObjId>,
}

impl Exchange {
    fn id(&self, id: ObjId) -> ObjId {
        match id.as_task() {
            Some(t) if t.index() < MAX_THREADS => ObjId::task(self.threads.thread(t)),
            _ => self.ids.get(&id).copied().unwrap_or(id),
        }
    }

    fn names(&self, names: &Names) -> Names {
        let one = |token: &Token| match token {
            Token::Id(id) => Token::Id(self.id(*id)),
            Token::Thread(t) => Token::Thread(self.threads.thread(*t)),
            Token::Threads(bits) => Token::Threads(self.threads.bits(*bits)),
            Token::Text(text) => Token::Text(text.clone()),
        };
        names.iter().map(one).collect()
    }

    fn moves(&self, id: ObjId) -> bool {
        self.id(id) != id
    }

    fn keeps(&self, names: &Names) -> bool {
        self.names(names) == *names
    }

    fn keeps_set(&self, ids: &[ObjId]) -> bool {
        let (was, is): (BTreeSet<_>, BTreeSet<_>) = ids.iter().map(|id| (*id, self.id(*id))).unzip();
        was == is
    }
}

/// Everything of a program that an exchange must not change.
struct Text {
    scripts: Vec<Names>,
    objects: Vec<Names>,
    vars: Vec<Names>,
    conditions: Vec<Vec<String>>,
    watched: Vec<Condition>,
    /// Where nothing may be named that is exchanged.
    fixed: Names,
}

impl Text {
    fn of(program: &Program, conditions: &[Condition]) -> Text {
        let var = |v: &crate::program::VarDecl| {
            names_of(&format!("{:?} {} {} {:?} {:?} {:?}", v.init, v.racy, v.observed, v.ty, v.premise, v.keys))
        };
        let Program { page_tables, rcu, delayed_fput, shrinkers, powered, containers, mmap_lock, structs, .. } =
            program;
        let fixed = format!(
            "{page_tables:?} {rcu:?} {delayed_fput:?} {shrinkers:?} {powered:?} {containers:?} {mmap_lock:?} {structs:?}"
        );
        // What is looked at when everything is over is looked at in every state of an orbit.
        let watched: Vec<Condition> = conditions.iter().filter(|c| c.moment != Moment::AtEnd).cloned().collect();
        Text {
            scripts: program.scripts.iter().map(|script| of_script(program, script)).collect(),
            objects: program.objects.iter().map(|o| names_of(&format!("{:?}", o.kind))).collect(),
            vars: program.vars.iter().map(var).collect(),
            conditions: watched.iter().map(|c| of_condition(program, c, &|leaf| leaf)).collect(),
            watched,
            fixed: names_of(&fixed),
        }
    }

    /// What of the first thread stands where which of the second one does.
    ///
    /// # Errors
    ///
    /// Why not, if they do the same to it.
    fn pairs(&self, program: &Program, a: ThreadId, b: ThreadId) -> Result<Vec<(ObjId, ObjId)>, Option<&'static str>> {
        const OTHER: &str = "what each of them has of its own was declared differently";
        let mut all = Pairs { threads: (a, b), ids: vec![] };
        all.align(&self.scripts[a.index()], &self.scripts[b.index()]).ok_or(None)?;
        let mut at = 0;
        while let Some((a, b)) = all.ids.get(at).copied() {
            at += 1;
            if let (Some(a), Some(b)) = (a.as_object(), b.as_object()) {
                all.align(&self.objects[a], &self.objects[b]).ok_or(Some(OTHER))?;
            } else if let (Some(a), Some(b)) = (a.as_var(), b.as_var()) {
                all.align(&self.vars[a], &self.vars[b]).ok_or(Some(OTHER))?;
            } else {
                return Err(Some(OTHER));
            }
        }
        let own: BTreeSet<ObjId> = all.ids.iter().map(|(a, _)| *a).collect();
        let others: BTreeSet<ObjId> = all.ids.iter().map(|(_, b)| *b).collect();
        let apart = own.is_disjoint(&others) && own.len() == all.ids.len() && others.len() == all.ids.len();
        if !apart || all.ids.len() >= usize::from(u8::MAX) {
            return Err(Some("what one of them has of its own is the other's, too"));
        }
        match own.iter().chain(&others).find_map(|id| not_renamed(program, *id)) {
            Some(why) => Err(Some(why)),
            None => Ok(all.ids),
        }
    }

    /// The program says the same with two threads exchanged.
    ///
    /// # Errors
    ///
    /// What says something else.
    fn is_the_same(&self, program: &Program, by: &Exchange) -> Result<(), &'static str> {
        let object = |at: usize| {
            let to = by.id(ObjId::object(at)).as_object();
            to.is_some_and(|to| by.names(&self.objects[at]) == self.objects[to])
        };
        let var = |at: usize| {
            let to = by.id(ObjId::var(at)).as_var();
            to.is_some_and(|to| by.names(&self.vars[at]) == self.vars[to])
        };
        let script = |t: ThreadId| {
            let to = by.threads.thread(t);
            by.names(&self.scripts[t.index()]) == self.scripts[to.index()]
        };
        let sets = [&program.weak, &program.handed_to, &program.mms, &program.stubs];
        let others = by.keeps(&self.fixed)
            && sets.into_iter().all(|set| by.keeps_set(set))
            && orders(program, |id| id) == orders(program, |id| by.id(id))
            && program.inside.iter().flatten().all(|id| !by.moves(*id));
        let all: [(bool, &'static str); 4] = [
            (program.threads().all(script), "the script of a thread names one of them"),
            ((0..self.vars.len()).all(var) && (0..self.objects.len()).all(object), "a declaration names one of them"),
            (others, "an order, a set or a place among others names one of them"),
            (self.keeps_conditions(program, by), "a condition names one of them"),
        ];
        all.into_iter().find(|(same, _)| !same).map_or(Ok(()), |(_, why)| Err(why))
    }

    fn keeps_conditions(&self, program: &Program, by: &Exchange) -> bool {
        let renamed = |leaf| match leaf {
            Leaf::Local(t, l) => Leaf::Local(by.threads.thread(t), l),
            Leaf::Var(var) => Leaf::Var(by.id(var)),
            Leaf::Facet(obj, name) => Leaf::Facet(by.id(obj), name),
            Leaf::Through(at) => Leaf::Through(at),
        };
        let same = |(c, text): (&Condition, &Vec<String>)| {
            let exchanged = of_condition(program, c, &renamed);
            exchanged == *text && text.iter().all(|t| names_no_constant(&names_of(t), by))
        };
        self.watched.iter().zip(&self.conditions).all(same)
    }
}

/// Whether no constant reference in a condition is one of those that are exchanged: leaves are renamed, constants are
/// not.
fn names_no_constant(names: &Names, by: &Exchange) -> bool {
    let after_const = |pair: &[Token]| match pair {
        [Token::Text(before), Token::Id(id)] if before.ends_with("Handle { obj: ") => !by.moves(*id),
        _ => true,
    };
    names.windows(2).all(after_const)
}

/// The documented orders of locks, each class of locks as a set.
fn orders(program: &Program, name: impl Fn(ObjId) -> ObjId) -> BTreeSet<Vec<BTreeSet<ObjId>>> {
    let class = |ids: &Vec<ObjId>| ids.iter().map(|id| name(*id)).collect();
    program.lock_orders.iter().map(|order| order.iter().map(class).collect()).collect()
}

/// Why it cannot be exchanged; `None` if the encodings of everything that may refer to an object say so in a way that
/// can be renamed, and it stands in no row whose others are known by their places.
fn not_renamed(program: &Program, id: ObjId) -> Option<&'static str> {
    const SLOT: &str = "each takes another one of the slots of a struct";
    let Some(at) = id.as_object() else {
        let of_slot = program.slot_of(id).is_some();
        let own = program.is_own_word(id).then_some("each has a word of an object of its own");
        return of_slot.then_some(SLOT).or(own);
    };
    if program.is::<fixed::Slot>(id) {
        return Some(SLOT);
    }
    let alone = program.is::<fixed::AcquireCtx>(id)
        || program.is::<fixed::Exec>(id)
        || program.is::<fixed::WakeQ>(id)
        || program.is::<fixed::Spinlock>(id)
        || program.is::<fixed::Mutex>(id)
        || program.is::<fixed::Completion>(id)
        || program.is::<fixed::WaitQueue>(id)
        || program.is::<fixed::RwSem>(id);
    let inside = program.inside.get(at).copied().flatten().is_some();
    (!alone || inside).then_some("each has an object of its own that others refer to by its place")
}

/// What of one thread stands where what of the other does.
struct Pairs {
    threads: (ThreadId, ThreadId),
    ids: Vec<(ObjId, ObjId)>,
}

impl Pairs {
    fn align(&mut self, a: &Names, b: &Names) -> Option<()> {
        if a.len() != b.len() {
            return None;
        }
        for pair in a.iter().zip(b) {
            match pair {
                (Token::Text(a), Token::Text(b)) if a == b => {}
                (Token::Threads(a), Token::Threads(b)) if a == b => {}
                (Token::Thread(a), Token::Thread(b)) => self.threads(*a, *b)?,
                (Token::Id(a), Token::Id(b)) => match (a.as_task(), b.as_task()) {
                    (Some(a), Some(b)) => self.threads(a, b)?,
                    (None, None) => self.ids(*a, *b)?,
                    _ => return None,
                },
                _ => return None,
            }
        }
        Some(())
    }

    fn threads(&mut self, a: ThreadId, b: ThreadId) -> Option<()> {
        let (first, second) = self.threads;
        let neither = |t| t != first && t != second;
        (a == b && neither(a) || (a, b) == (first, second) || (a, b) == (second, first)).then_some(())
    }

    fn ids(&mut self, a: ObjId, b: ObjId) -> Option<()> {
        if a != b && !self.ids.contains(&(a, b)) {
            self.ids.push((a, b));
        }
        Some(())
    }
}

/// What a condition says, with what it reads renamed. Where the order of two sides does not matter, they stand in one.
fn of_condition(program: &Program, condition: &Condition, name: &dyn Fn(Leaf) -> Leaf) -> Vec<String> {
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Through(at) => match program.paths.get(usize::from(*at)) {
            Some(path) => format!("{:?}->{:?}", name(path.from), path.fields),
            None => "?".into(),
        },
        other => format!("{:?}", name(*other)),
    };
    let text = |expr: &crate::Expr<Leaf>| {
        let mut stack: Vec<(Option<Operator>, Vec<String>)> = vec![];
        for node in expr.nodes() {
            let mut sides = stack.split_off(stack.len().saturating_sub(node.takes()));
            let whole = match node {
                ExprNode::Read(l) => (None, vec![leaf(l)]),
                ExprNode::Apply(op) if commutes(*op) => {
                    let parts = sides.drain(..).flat_map(|side| parts(side, *op)).collect();
                    (Some(*op), parts)
                }
                other => {
                    let sides: Vec<String> = sides.into_iter().map(joined).collect();
                    (None, vec![format!("{other:?}({})", sides.join(", "))])
                }
            };
            stack.push(whole);
        }
        stack.into_iter().map(joined).collect::<String>()
    };
    let mut all: Vec<String> = condition.all.iter().map(text).collect();
    all.sort();
    all
}

fn commutes(op: Operator) -> bool {
    use Operator::{Add, And, BitAnd, BitOr, BitXor, Eq, Max, Min, Mul, Ne, Or};
    matches!(op, Add | And | BitAnd | BitOr | BitXor | Eq | Max | Min | Mul | Ne | Or)
}

/// What stands on one side of an operator: if it is the same again, and associates, what that is over.
fn parts(side: (Option<Operator>, Vec<String>), op: Operator) -> Vec<String> {
    let associates = !matches!(op, Operator::Eq | Operator::Ne);
    if side.0 == Some(op) && associates { side.1 } else { vec![joined(side)] }
}

fn joined((op, mut parts): (Option<Operator>, Vec<String>)) -> String {
    parts.sort();
    let mut text = String::new();
    let told = match op {
        Some(op) => write!(text, "{op:?}({})", parts.join(", ")),
        None => write!(text, "{}", parts.concat()),
    };
    debug_assert!(told.is_ok(), "[internal bug] a text was not written");
    text
}
