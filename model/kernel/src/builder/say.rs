//! An operation in the words of a scenario, for programs that are built in Rust: `lock-all a b ctx=c into=r`.
//!
//! It is looked up in the tables of the protocols, as a scenario's is, so a test says an operation as its author wrote
//! it down. What only the language has is not read here: expressions, `kind=`, `fail-nth=`.

use super::{ScriptBuilder, pool};
use crate::{
    Errno, Instr, Kind, LocalId, ObjId, Op, Operand, Place, Program, Script, ThreadId, Value,
    ids::{CalleeId, FieldName},
    op::{Args, Given, OpSpec, Opt, Takes},
    operations,
};

/// What was read, or what is wrong with it.
type Read<T> = Result<T, String>;

impl ScriptBuilder {
    /// An operation as a scenario writes it, its objects, words and threads by the names that they were declared by:
    /// `lock m ctx=c interruptible into=r`, `alloc gfp=atomic may-fail into=p`. A local must have been set before it is
    /// named. What takes an expression is given as the operation itself, to [`op`](ScriptBuilder::op).
    ///
    /// # Panics
    ///
    /// If it means nothing: a mistake of the caller, who wrote it down in Rust.
    pub fn say(&mut self, line: &str) -> &mut Self {
        let Script { name, locals, .. } = &self.script;
        let read = read(&mut Names { program: &mut self.program, own: name, locals }, line);
        let Said { op, into, may_fail } = read.unwrap_or_else(|why| panic!("[usage] `{line}`: {why}"));
        let into = into.map(|local| self.local(local));
        self.push(line, Instr::Op { op, into, may_fail });
        self
    }
}

/// A statement.
struct Said<'w> {
    op: Op,
    /// The name of the local for the result.
    into: Option<&'w str>,
    /// What it returns if it fails, which it may.
    may_fail: Option<Value>,
}

/// Names, as one script of a program knows them.
struct Names<'p> {
    program: &'p mut Program,
    /// The script that is being written, which is not one of the program's yet.
    own: &'p str,
    locals: &'p [String],
}

/// The words after an operation's name, sorted.
#[derive(Default)]
struct Words<'w> {
    operands: Vec<&'w str>,
    /// The element of an array.
    at: Option<&'w str>,
    into: Option<&'w str>,
    may_fail: Option<Option<&'w str>>,
    options: Vec<(&'static Opt, Option<&'w str>)>,
}

impl<'w> Words<'w> {
    fn sort(spec: &OpSpec, line: &'w str) -> Read<Words<'w>> {
        let mut words = Words::default();
        for word in line.split_whitespace().skip(1) {
            let (key, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
            let option = spec.options.iter().find(|o| o.name == key);
            match (key, option, value) {
                ("into", _, Some(_)) => words.into = value,
                ("may-fail", ..) => words.may_fail = Some(value),
                ("at", None, Some(_)) => words.at = value,
                (_, Some(option), Some(_)) if option.takes.is_some() => words.options.push((option, value)),
                (_, Some(option), None) if option.bare => words.options.push((option, None)),
                (_, _, None) => words.operands.push(word),
                _ => return Err(format!("it has no option `{word}`")),
            }
        }
        if spec.one_option && words.options.len() > 1 {
            return Err("of its options one excludes the others".into());
        }
        match spec.options.iter().find(|o| o.required && !words.options.iter().any(|(given, _)| given.name == o.name)) {
            Some(missing) => Err(format!("it needs `{}=`", missing.name)),
            None => Ok(words),
        }
    }
}

/// Reads a statement: the first meaning of the word that its operands fit.
///
/// # Errors
///
/// What keeps each of them from being meant.
fn read<'w>(names: &mut Names<'_>, line: &'w str) -> Read<Said<'w>> {
    let name = line.split_whitespace().next().unwrap_or_default();
    let mut wrong = Vec::new();
    for spec in operations::named(name) {
        match said(names, spec, line) {
            Ok(said) => return Ok(said),
            Err(why) => wrong.push(why),
        }
    }
    Err(if wrong.is_empty() { format!("`{name}` is no operation") } else { wrong.join(", or ") })
}

fn said<'w>(names: &mut Names<'_>, spec: &'static OpSpec, line: &'w str) -> Read<Said<'w>> {
    let words = Words::sort(spec, line)?;
    let mut args = Args::default();
    if words.into.is_some() {
        args.give("into", Given::Flag);
    }
    for (option, value) in &words.options {
        let given = match (option.takes, value) {
            (Some(takes), Some(value)) => names.given(takes, value, None)?,
            _ => Given::Flag,
        };
        args.give(option.name, given);
    }
    let mut operands = words.operands.as_slice();
    for param in spec.operands {
        let given = match (param.takes, operands) {
            (_, []) => return Err(format!("it needs one more operand, `{}`", param.name)),
            (Takes::Objects(_) | Takes::Fences, all) => {
                operands = &[];
                names.several(spec, param.takes, all)?
            }
            (takes, [word, rest @ ..]) => {
                operands = rest;
                names.given(takes, word, words.at)?
            }
        };
        args.give(param.name, given);
    }
    if let Some(extra) = operands.first() {
        return Err(format!("`{extra}` is too much"));
    }
    if spec.name.starts_with("mmap-") {
        // The semaphore of the address space goes without saying.
        let sem = names.program.mmap_lock.ok_or("there is no `mmap_lock`")?;
        args.give("sem", Given::Operand(Operand::Object(sem)));
    }
    let may_fail = match words.may_fail {
        None => None,
        Some(None) => Some(spec.fails.ok_or("it says not what it returns if it fails")?),
        Some(Some(error)) => Some(constant(error).ok_or(format!("`{error}` is no error"))?),
    };
    Ok(Said { op: (spec.build)(&args), into: words.into, may_fail })
}

/// NULL, a number, `-ENOMEM`.
fn constant(word: &str) -> Option<Value> {
    let errno = || word.strip_prefix('-').and_then(Errno::from_name).map(Value::from);
    match word {
        "NULL" => Some(Value::Null),
        _ => word.parse().ok().map(Value::Word).or_else(errno),
    }
}

impl Names<'_> {
    fn given(&self, takes: Takes, word: &str, at: Option<&str>) -> Read<Given> {
        Ok(match takes {
            Takes::Object(kinds) => Given::Operand(self.object(kinds, word)?),
            Takes::Callback => Given::Operand(self.object(&[Kind::Callback], word)?),
            Takes::Member => return Err(format!("`{word}`: what is inside of objects is for scenarios")),
            Takes::Struct => Given::Operand(Operand::Object(self.slot(word)?)),
            Takes::Value => Given::Operand(self.value(word)?),
            Takes::Cursor | Takes::Local => {
                Given::Operand(Operand::Local(self.local(word).ok_or(format!("`{word}` is no local"))?))
            }
            Takes::Place => Given::Place(self.place(word, at)?),
            Takes::Array | Takes::PageTable => Given::Place(self.element(word, Operand::Const(Value::Word(0)))?),
            Takes::Thread | Takes::Irq => Given::Thread(self.thread(word)?),
            Takes::OneOf(known) => {
                Given::Word(known.iter().find(|k| **k == word).ok_or(format!("`{word}` is none of {known:?}"))?)
            }
            Takes::Number { min, max } => match word.parse() {
                Ok(number) if (min..=max).contains(&number) => Given::Number(number),
                _ => return Err(format!("`{word}` is no number from {min} to {max}")),
            },
            Takes::Proc(_) => Given::Callee(self.callee(word)?),
            Takes::Condition | Takes::Shared | Takes::Type | Takes::Objects(_) | Takes::Fences => {
                return Err(format!("what `{word}` means only a scenario's text says: give the operation itself"));
            }
        })
    }

    fn local(&self, name: &str) -> Option<LocalId> {
        self.locals.iter().position(|l| l == name).map(|at| LocalId(at as u8))
    }

    fn object(&self, kinds: &[Kind], word: &str) -> Read<Operand> {
        if let Some(local) = self.local(word) {
            return Ok(Operand::Local(local));
        }
        // A reservation's lock has its name.
        for name in [word, &format!("{word}.fences")] {
            let named = self.program.objects.iter().position(|object| object.name == name);
            let kind = named.and_then(|at| Kind::of(&self.program.objects[at].kind));
            if let Some(at) = named.filter(|_| kind.is_some_and(|kind| kinds.contains(&kind))) {
                return Ok(Operand::Object(ObjId::object(at)));
            }
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        Err(format!("`{word}` is no {}", kinds.join(" or ")))
    }

    /// The slot that a `new` prefers: one by its name, or the first of a struct.
    fn slot(&self, word: &str) -> Read<ObjId> {
        match self.program.structs.iter().find(|s| s.name == word) {
            Some(of) => Ok(ObjId::numbered(of.slots.start)),
            None => match self.object(&[Kind::Struct], word)? {
                Operand::Object(slot) => Ok(slot),
                Operand::Local(_) | Operand::Const(_) | Operand::Member { .. } => Err(format!("`{word}` is no struct")),
            },
        }
    }

    fn value(&self, word: &str) -> Read<Operand> {
        match constant(word) {
            Some(constant) => Ok(Operand::Const(constant)),
            None => self.object(Kind::ALL, word),
        }
    }

    fn place(&self, word: &str, at: Option<&str>) -> Read<Place> {
        if let Some(at) = at {
            return self.element(word, self.value(at)?);
        }
        if let Some(var) = self.program.vars.iter().position(|var| var.name == word) {
            return Ok(Place::Var(ObjId::var(var)));
        }
        let (base, field) = word.split_once('.').ok_or(format!("`{word}` is no variable"))?;
        let known = self.program.field_names.iter().position(|name| name == field);
        let field = known.ok_or(format!("`{field}` is no field"))?;
        Ok(Place::Field { base: self.object(&[Kind::Struct], base)?, field: FieldName(field as u8) })
    }

    /// An element of an array, whose words are named `NAME[0]`, `NAME[1]` and so on.
    fn element(&self, name: &str, index: Operand) -> Read<Place> {
        let is_element = |var: &str| var.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
        let first = self.program.vars.iter().position(|var| is_element(&var.name));
        let first = first.ok_or(format!("`{name}` is no array"))?;
        let len = self.program.vars[first..].iter().take_while(|var| is_element(&var.name)).count() as u16;
        Ok(Place::Element { first: ObjId::var(first), len, index })
    }

    /// A thread that is there, or the one that speaks.
    fn thread(&self, word: &str) -> Read<ThreadId> {
        let scripts = &self.program.scripts;
        let at = scripts.iter().position(|s| s.name == word).or((self.own == word).then_some(scripts.len()));
        at.map(|at| ThreadId(at as u8)).ok_or(format!("`{word}` is no thread so far"))
    }

    fn callee(&self, word: &str) -> Read<CalleeId> {
        let at = self.program.callees.iter().position(|name| name == word);
        at.map(|at| CalleeId(at as u8)).ok_or(format!("`{word}` is called by nobody"))
    }

    /// Several at once stand in the program's pool.
    fn several(&mut self, spec: &OpSpec, takes: Takes, words: &[&str]) -> Read<Given> {
        let of = |word: &&str| match takes {
            Takes::Objects(kinds) => self.one_of_several(kinds, word),
            _ if constant(word) == Some(Value::Null) => Ok(Operand::Const(Value::Null)),
            _ => self.object(&[Kind::Fence], word),
        };
        let mut all: Vec<Operand> = vec![];
        for operand in words.iter().map(of).collect::<Read<Vec<Operand>>>()? {
            if !(spec.each_once && all.contains(&operand)) {
                all.push(operand);
            }
        }
        Ok(Given::Operands(pool(self.program, &all)))
    }

    /// One of them, which may not be a local; of a reservation among mutexes its lock.
    fn one_of_several(&self, kinds: &[Kind], word: &str) -> Read<Operand> {
        match self.object(kinds, word)? {
            Operand::Object(id) => {
                let is_resv = Kind::of(self.program.kind(id)) == Some(Kind::Resv);
                let takes_locks = kinds.contains(&Kind::WwMutex);
                Ok(Operand::Object(if is_resv && takes_locks { self.program.resv_parts(id).lock } else { id }))
            }
            Operand::Local(_) | Operand::Const(_) | Operand::Member { .. } => {
                Err(format!("`{word}` is a local: this takes names only"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Order, Patience,
        builder::ProgramBuilder,
        fixed, lock_all,
        primitives::{alloc, completion, irq, list, rcu, signal, spinlock, variable, wakeq},
        program::{ObjectDecl, PoolRange, SlabKind, StructDecl},
        resv::{self, Usage},
        ww,
    };

    const UNSET: Operand = Operand::Const(Value::Unset);

    /// A reservation, and one object of several kinds; array `a`, struct `item` with a field `state`.
    fn program() -> Program {
        let mut b = ProgramBuilder::new("names");
        let (variant, config) = (ww::Variant::Upstream, Default::default());
        let class = b.object("class", fixed::WwClass { wound_wait: false, variant, inject_deadlock: 0, config });
        b.resv("fb", class);
        b.object("ctx", fixed::AcquireCtx { class });
        b.object("l", fixed::Spinlock);
        b.object("m", fixed::Mutex { config });
        b.object("list", fixed::List::PLAIN);
        b.object("done", fixed::Completion);
        b.object("wq", fixed::WakeQ);
        b.object("q", fixed::WaitQueue);
        for name in ["x", "a[0]", "a[1]", "b"] {
            b.var(name, Value::Null);
        }
        b.field("state");
        b.thread("first", |_| {});
        let mut program = b.build();
        program.callees.push("release".into());
        program
    }

    fn object(program: &Program, name: &str) -> Operand {
        let at = program.objects.iter().position(|o| o.name == name);
        Operand::Object(ObjId::object(at.unwrap_or_else(|| panic!("no `{name}`"))))
    }

    /// What a line means to a thread `me` that has set the local `p`.
    fn meant<'w>(program: &mut Program, line: &'w str) -> Read<Said<'w>> {
        read(&mut Names { program, own: "me", locals: &["p".to_owned()] }, line)
    }

    #[test]
    fn what_is_said_is_the_operation_that_its_row_builds() {
        use variable::How::{Add, CmpXchg, FullBarrier, Load, Store};
        let mut p = program();
        let (local, one) = (Operand::Local(LocalId(0)), Operand::Const(Value::Word(1)));
        let x = Place::Var(ObjId::var(0));
        let element = |index| Place::Element { first: ObjId::var(1), len: 2, index };
        let access =
            |how, order, place, a, b| Op::from(variable::ops::Access { how, order, place, a, b, benign: false });
        let (relaxed, full) = (Order::Relaxed, Order::Full);
        let spin = |how| Op::from(spinlock::ops::Spin { how, lock: object(&program(), "l") });
        let resv = Operand::Object(ObjId::object(2));
        let (fb, ctx) = (object(&p, "fb"), object(&p, "ctx"));
        let rows = [
            ("load x", access(Load, relaxed, x, UNSET, UNSET)),
            ("load a at=p order=acquire", access(Load, Order::Acquire, element(local), UNSET, UNSET)),
            ("store a at=1 p", access(Store, relaxed, element(one), local, UNSET)),
            ("add x 1", access(Add, relaxed, x, one, UNSET)),
            ("add x 1 into=r", access(Add, full, x, one, UNSET)),
            ("cmpxchg x NULL -EINTR", {
                access(CmpXchg, full, x, Operand::Const(Value::Null), Operand::Const(Errno::EINTR.into()))
            }),
            ("store p.state 1", {
                access(Store, relaxed, Place::Field { base: local, field: FieldName(0) }, one, UNSET)
            }),
            ("smp-mb", access(FullBarrier, full, Place::Var(ObjId::default()), UNSET, UNSET)),
            ("lock l irqsave", spin(spinlock::How::LockIrqSave)),
            ("lock fb ctx=ctx interruptible into=r", {
                ww::ops::WwLock { how: ww::How::Interruptible, mutex: fb, ctx: Some(ctx) }.into()
            }),
            ("lock m", ww::ops::WwLock { how: ww::How::Lock, mutex: object(&p, "m"), ctx: None }.into()),
            ("reserve fb slots=2", resv::ops::Reserve { resv, slots: 2 }.into()),
            ("test-signaled fb usage=read", resv::ops::TestSignaled { resv, usage: Usage::Read }.into()),
            ("list-add list p", {
                list::ops::List {
                    how: list::How::Add,
                    list: object(&p, "list"),
                    entry: Some(local),
                    at: None,
                    from: None,
                }
                .into()
            }),
            ("wait-for-completion done timeout", {
                let (how, completion) = (completion::How::Wait, object(&p, "done"));
                completion::ops::Complete { how, completion, patience: Patience::Timed }.into()
            }),
            ("wake-q-add wq task=first", {
                let (how, wake_q, task) = (wakeq::How::AddTask, object(&p, "wq"), ThreadId(0));
                wakeq::ops::WakeQ { how, wake_q, queue: None, task }.into()
            }),
            ("raise signal to=me", signal::ops::Raise { to: ThreadId(1) }.into()),
            ("call-rcu p func=release", rcu::ops::CallRcu { target: local, func: CalleeId(0) }.into()),
            ("alloc gfp=atomic", alloc::ops::Alloc { gfp: alloc::Gfp::Atomic }.into()),
            ("preempt-disable", irq::ops::LocalIrq { how: irq::How::PreemptDisable }.into()),
        ];
        for (line, op) in rows {
            let said = meant(&mut p, line).unwrap_or_else(|why| panic!("{line}: {why}"));
            assert_eq!(said.op, op, "{line}");
            assert_eq!(said.into, line.contains("into=r").then_some("r"), "{line}");
        }
    }

    /// Several operands stand in the pool, and what may fail says what it then returns.
    #[test]
    fn several_operands_and_failures_are_read() {
        let mut p = program();
        let before = p.pool.len() as u16;
        let op = meant(&mut p, "unlock-all fb m").map(|said| said.op);
        assert!(op.is_err(), "`m` is no ww mutex");
        assert_eq!(p.pool.len() as u16, before, "what means nothing leaves nothing behind");
        let (twice, ctx) = (PoolRange { start: before, len: 2 }, object(&p, "ctx"));
        let op = meant(&mut p, "lock-all fb fb.fences ctx=ctx").map(|said| said.op);
        assert_eq!(op, Ok(lock_all::ops::LockAll { locks: twice, ctx, interruptible: false }.into()));
        assert_eq!(p.pool_range(twice), [object(&p, "fb"); 2], "of a reservation its lock");
        let once = PoolRange { start: before + 2, len: 1 };
        let op = meant(&mut p, "unlock-all fb fb").map(|said| said.op);
        assert_eq!(op, Ok(lock_all::ops::UnlockAll { locks: once }.into()), "taken once, though named twice");
        let fails = |p: &mut Program, line| meant(p, line).ok().and_then(|said| said.may_fail);
        assert_eq!(fails(&mut p, "alloc may-fail"), Some(Value::Null));
        assert_eq!(fails(&mut p, "alloc may-fail=-ENOMEM"), Some(Errno::ENOMEM.into()));
        assert_eq!(fails(&mut p, "alloc"), None);
    }

    #[test]
    fn the_preferred_slot_is_a_structs_first() {
        let mut p = program();
        let slot = p.objects.len() as u16;
        let named = |name: &str| ObjectDecl { name: name.into(), kind: fixed::Slot { of: 0 }.into() };
        p.objects.extend([named("item"), named("item.1")]);
        p.structs.push(StructDecl {
            name: "item".into(),
            slab: SlabKind::Plain,
            slots: slot..slot + 2,
            refs: None,
            refs_at: 0,
            release: None,
            fields: vec![],
            first_var: 0,
            members: Default::default(),
        });
        let new = |p: &mut Program, line| meant(p, line).map(|said| said.op.row().operands[0]);
        assert_eq!(new(&mut p, "new item"), Ok(Some(Operand::Object(ObjId::numbered(slot)))));
        assert_eq!(new(&mut p, "new item.1"), Ok(Some(Operand::Object(ObjId::numbered(slot + 1)))));
    }

    #[test]
    fn what_means_nothing_is_told() {
        let rows = [
            ("", "`` is no operation"),
            ("lokc l", "`lokc` is no operation"),
            ("trylock done", "`done` is no lock, or "),
            ("lock l irq bh", "of its options one excludes the others"),
            ("store x", "it needs one more operand, `value`"),
            ("store x 1 2", "`2` is too much"),
            ("store y 1", "`y` is no variable"),
            ("load x at=0", "`x` is no array"),
            ("load p.size", "`size` is no field"),
            ("load x order=full", "`full` is none of [\"relaxed\", \"acquire\"]"),
            ("reserve fb slots=9", "`9` is no number from 1 to 8"),
            ("lock-all fb", "it needs `ctx=`"),
            ("raise signal to=last", "`last` is no thread so far"),
            ("call-rcu p func=free", "`free` is called by nobody"),
            ("alloc flags=atomic", "it has no option `flags=atomic`"),
            ("load x may-fail", "it says not what it returns if it fails"),
            ("alloc may-fail=-ENOSUCH", "`-ENOSUCH` is no error"),
            ("iter-next fb", "`fb` is no local"),
            ("spin-until x x", "what `x` means only a scenario's text says"),
            ("mmap-lock read", "there is no `mmap_lock`"),
        ];
        let mut p = program();
        for (line, why) in rows {
            let told = meant(&mut p, line).map(|said| said.op);
            assert!(told.as_ref().is_err_and(|told| told.starts_with(why)), "{line}: {told:?}");
        }
    }

    #[test]
    #[should_panic(expected = "[usage] `lock nobody`: `nobody` is no lock")]
    fn a_builder_says_where_it_went_wrong() {
        ProgramBuilder::new("wrong").thread("t", |s| {
            s.say("lock nobody");
        });
    }
}
