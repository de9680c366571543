//! The sentence of a broken property: who did what to whom.

use super::{liveness, since};
use crate::{replay::Replay, waiting, words};
use fenceweave_kernel::{
    Facet, Instr, LocalId, ObjId, Operand, Program, Property, ThreadId, Type, Value, Violation,
    expr::{Operator, Trouble},
    fixed,
    observe::facets,
    program::Role,
    property::{Blank, Sentence, Tale},
    value::Handle,
};

/// Who did what to whom, and where: in the words of the property or of its rule.
pub(crate) fn sentence(replay: &Replay<'_>, v: Violation) -> String {
    match v.sentence() {
        Sentence::Says(words) => said(replay, v, words),
        Sentence::Told(tale) => told(replay, v, tale),
        Sentence::InGeneral => in_general(replay.program, v),
    }
}

/// Who broke it, and with what.
fn who_and_what(program: &Program, v: Violation) -> (&str, &str) {
    let who = match v.rule {
        Some(_) => program.thread_name(v.thread),
        None => words::who(program, v.thread, v.pc),
    };
    (who, v.object.map_or("nothing", |o| words::authors_name(program, o)))
}

/// Words with everything in its place.
fn said(replay: &Replay<'_>, v: Violation, words: &str) -> String {
    let program = replay.program;
    let (who, what) = who_and_what(program, v);
    let stands_for = |blank: Blank| match blank {
        Blank::Who => who.into(),
        Blank::What => what.into(),
        Blank::Also => v.also.map_or("another", |o| words::authors_name(program, o)).into(),
        Blank::Other => other(program, v, "somebody").into(),
        Blank::Holder => other(program, v, "nobody").into(),
        Blank::Place => words::place(program, v.thread, v.pc),
        Blank::There => v.other.map_or(String::new(), |t| place_at(replay, t, what)),
        Blank::Section => of_section(replay, v.thread),
        Blank::Contended => since::contended(replay, v),
    };
    let mut parts = words.split('{');
    let mut out: String = parts.next().unwrap_or_default().into();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        // A test of the tables knows that every name is one.
        out.push_str(&Blank::named(name).map_or(String::new(), stands_for));
        out.push_str(rest);
    }
    out
}

/// What takes more than words.
fn told(replay: &Replay<'_>, v: Violation, tale: Tale) -> String {
    let program = replay.program;
    let (who, what) = who_and_what(program, v);
    let place = words::place(program, v.thread, v.pc);
    let on = v.object.map_or(String::new(), |_| format!(" on {what}"));
    match tale {
        Tale::Stuck => stuck(replay, v),
        Tale::NobodyWakes => format!("{who} sleeps on {what} and nobody will wake it{place}"),
        Tale::Endless | Tale::Starved => liveness::sentence(replay, v),
        Tale::NeverSignals => never_signals(replay, who, what),
        Tale::DependencyLost => dependency_lost(replay, v, what),
        Tale::ResvNotHeld => {
            let meanwhile = match v.other {
                None => ", and nobody holds its lock".into(),
                Some(t) => format!(", while {} holds its lock", program.thread_name(t)),
            };
            format!("{who} changes {what}, or walks it as if locked{meanwhile}{place}")
        }
        Tale::Leaked => leaked(replay, v, what),
        Tale::Missing => missing(replay, v, what),
        Tale::IrqsEnabledEarly => {
            let with = v.object.map_or(String::new(), |_| format!(" with {what}"));
            format!("{who} enables interrupts{with}, {}{place}", why_off(replay, v.thread))
        }
        Tale::SleepInAtomic => format!("{}, {}{place}", may_sleep(program, v, who, &on), why_atomic(replay, v.thread)),
        Tale::CallbackSleeps => {
            format!("{}, which a fence calls in {who} this time, may sleep{on}{place}", callee_of(program, v))
        }
        Tale::LockInSignalling => lock_in_signalling(replay, v, who, what, &place),
        Tale::UnsetRead => unset_read(replay, v),
        Tale::WrongKind if v.object.is_none() => not_a_word(replay, v, who, &place),
        Tale::WrongKind => format!("{who} does this to {what}, which is of another kind{place}"),
        Tale::Asserted => asserted(program, v, who, "false"),
        Tale::Warned => asserted(program, v, who, "true"),
        Tale::Returned => returned(replay, v, who, what),
        Tale::Arithmetic => arithmetic(replay, v, who, &place),
        Tale::ErrorPointer => error_pointer(replay, v, who, &place),
        Tale::OutOfBounds => {
            let array = what.split('[').next().unwrap_or(what);
            format!("{who} accesses {array} outside of its length{place}")
        }
        Tale::DataRace => data_race(replay, v, who, what, &place),
        Tale::SlotOfGone => {
            let slot = slot_read(program, v);
            format!("{who} reads {slot}, and its module {what} is gone{place}")
        }
        Tale::NullSlot => format!("{who} calls {}, which is NULL{place}", slot_read(program, v)),
        Tale::SlotCalled | Tale::SlotReturned => slot_contract(program, v, who, what, tale),
        Tale::HoldsAtFini => {
            let held = v.object.map_or(vec![], |ctx| locked_with(replay, ctx));
            format!("{who} finishes {what} and still holds {}{place}", words::list(&held, "and"))
        }
    }
}

/// The other one concerned.
fn other<'a>(program: &'a Program, v: Violation, unknown: &'a str) -> &'a str {
    v.other.map_or(unknown, |t| program.thread_name(t))
}

fn never_signals(replay: &Replay<'_>, who: &str, what: &str) -> String {
    let when = if replay.loop_from.is_some() { "for ever" } else { "when everything is over" };
    format!("others may wait for {what}, and it is pending {when}: {who} signals it on other paths, not on this one")
}

/// What a fence called.
fn callee_of(program: &Program, v: Violation) -> &str {
    let (script, pc) = program.script_at(v.thread, v.pc);
    script.callee_at(pc).map_or("what a fence calls", |(id, _)| &program.callees[usize::from(id.0)])
}

fn lock_in_signalling(replay: &Replay<'_>, v: Violation, who: &str, what: &str, place: &str) -> String {
    let section = of_section(replay, v.thread);
    match v.object {
        Some(lock) if !replay.program.is_mmap_lock(lock) => {
            format!("{who} takes {what} inside of a signalling section{section}{place}")
        }
        _ => format!("{who} takes mmap_lock, or would in a page fault, inside of a signalling section{section}{place}"),
    }
}

/// The sentence for whatever has no words of its own: who, on what, where, against whom. Also all that an outcome table
/// says.
pub fn in_general(program: &Program, v: Violation) -> String {
    let who = words::who(program, v.thread, v.pc);
    // A leak is nobody's step: it is seen when everything is over.
    let place = if v.property.is_seen_at_end() { String::new() } else { words::place(program, v.thread, v.pc) };
    let on = v.object.map_or(String::new(), |o| format!(" on {}", words::authors_name(program, o)));
    let other = v.other.filter(|t| *t != v.thread);
    let with = other.map_or(String::new(), |t| format!(" (against {})", program.thread_name(t)));
    let rule = v.rule.map_or(String::new(), |r| format!(": {}", r.text()));
    format!("{who}{on}{place}{with}{rule}")
}

/// ` for job`, if the thread's signalling section says what it is for.
fn of_section(replay: &Replay<'_>, t: ThreadId) -> String {
    let section = replay.thread(t).private().section_fence();
    section.map_or(String::new(), |f| format!(" for {}", words::object_name(replay.program, f)))
}

/// The mutexes that have an acquire context in them.
fn locked_with(replay: &Replay<'_>, ctx: ObjId) -> Vec<String> {
    let objects = (0..replay.program.objects.len()).map(ObjId::object);
    let with = objects.filter(|m| replay.last.object(*m).facet("ctx") == Some(Facet::Object(Some(ctx))));
    with.map(|m| words::object_name(replay.program, m).into()).collect()
}

/// Which fence went, and what came in its place.
fn dependency_lost(replay: &Replay<'_>, v: Violation, resv: &str) -> String {
    let (who, place) = (replay.program.thread_name(v.thread), words::place(replay.program, v.thread, v.pc));
    match since::replaced_entry(replay) {
        Some((old, new)) => {
            let [old, new] = [old, new].map(|f| words::object_name(replay.program, f));
            format!("{who} replaces {old}, which is pending, by {new}, which does not stand for it, in {resv}{place}")
        }
        None => format!("{who} takes a pending fence out of {resv}, and nothing stands for it{place}"),
    }
}

/// What was never set: locals that the author's line names, or a slot of a list.
fn unset_read(replay: &Replay<'_>, v: Violation) -> String {
    let (program, t) = (replay.program, v.thread);
    let (who, place) = (program.thread_name(t), words::place(program, t, v.pc));
    if let Some(list) = v.object {
        return format!("{who} reads a slot of {} that nobody has written{place}", words::object_name(program, list));
    }
    let unset: Vec<String> =
        since::locals_named(replay, v).filter(|l| l.value == Value::Unset).map(|l| l.name).collect();
    match unset.len() {
        0 => format!("{who} reads a local that was never set on this path{place}"),
        1 => format!("{who} reads `{}`, which was never set on this path{place}", unset[0]),
        _ => format!("{who} reads {}, which were never set on this path{place}", words::list(&unset, "and")),
    }
}

/// Both sides of a race, each with its line where it is known.
fn data_race(replay: &Replay<'_>, v: Violation, who: &str, what: &str, place: &str) -> String {
    let Some(other) = v.other.filter(|t| *t != v.thread) else {
        return format!("{who} accesses {what}{place}, and somebody does so at the same time");
    };
    let (name, there) = (replay.program.thread_name(other), place_at(replay, other, what));
    format!("{who} accesses {what}{place}, and {name} does so at the same time{there}")
}

/// Where another thread is, if it is at the same object. Where accesses overlap, the other is in the middle of its own.
/// A race without overlap is known by its memory order.
fn place_at(replay: &Replay<'_>, other: ThreadId, what: &str) -> String {
    let (program, pc) = (replay.program, replay.thread(other).pc());
    let base = what.split(['[', '.']).next().unwrap_or(what);
    let at_it = words::op_text(program, other, pc).split_whitespace().any(|w| w.split(['.', '[']).next() == Some(base));
    if at_it { words::place(program, other, pc) } else { String::new() }
}

/// Which function returned what, with which lock or without.
fn returned(replay: &Replay<'_>, v: Violation, who: &str, lock: &str) -> String {
    let program = replay.program;
    let (script, pc) = program.script_at(v.thread, v.pc);
    let (function, locals) = script
        .callee_at(pc)
        .map_or(("it", &[][..]), |(id, callee)| (&program.callees[usize::from(id.0)], &callee.locals));
    let result = locals.iter().position(|name| name == "return").and_then(|at| u8::try_from(at).ok());
    let result = result.and_then(|at| replay.thread(v.thread).local_here(LocalId(at)));
    let result = result.filter(|value| *value != Value::Unset);
    let result = result
        .map_or(String::new(), |value| format!(" {}", words::typed_in(program, &replay.last.world, Type::S64, value)));
    let not_held = words::op_text(program, v.thread, v.pc).starts_with("assert-not-held");
    let holds = if not_held { "holds" } else { "does not hold" };
    format!("{function} returns{result} in {who}, which then {holds} {lock}{}", words::place(program, v.thread, v.pc))
}

/// `vram-funcs.move`, of an instruction that calls or reads it.
fn slot_read(program: &Program, v: Violation) -> &str {
    let text = words::op_text(program, v.thread, v.pc);
    text.split_once(' ').map_or(text, |(_, slot)| slot)
}

/// Which slot is called with which lock or without, and where; or what fills it and returned so.
fn slot_contract(program: &Program, v: Violation, who: &str, lock: &str, tale: Tale) -> String {
    let source = words::source(program, v.thread, v.pc);
    let call = source.and_then(|source| source.calls.last());
    let slot = call.map_or("a slot", |call| call.proc.as_str());
    let not_held = words::op_text(program, v.thread, v.pc).starts_with("assert-not-held");
    let place = words::place(program, v.thread, v.pc);
    match (tale, not_held) {
        (Tale::SlotCalled, true) => format!("{who} calls {slot} and holds {lock}{place}"),
        (Tale::SlotCalled, false) => format!("{who} calls {slot} without holding {lock}{place}"),
        (_, true) => format!("{slot}, returns to {who} with {lock} held{place}"),
        (_, false) => format!("{slot}, returns to {who} with {lock} not held{place}"),
    }
}

/// The author's own words for what went wrong, if there are any, and the condition.
fn asserted(program: &Program, v: Violation, who: &str, what: &str) -> String {
    let text = words::op_text(program, v.thread, v.pc);
    let place = match words::line_of(program, v.thread, v.pc) {
        Some(line) => format!(" ({line})"),
        None => String::new(),
    };
    let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    match quoted[..] {
        [condition, message] => format!("{message}: `{condition}` is {what} in {who}{place}"),
        [condition] => format!("`{condition}` is {what} in {who}{place}"),
        _ => format!("it is {what} in {who}{}", words::place(program, v.thread, v.pc)),
    }
}

/// A reference stands where only a number can: which local holds it, and how one asks about it.
fn not_a_word(replay: &Replay<'_>, v: Violation, who: &str, place: &str) -> String {
    let program = replay.program;
    let references = since::locals_named(replay, v).filter_map(|since::Named { name: local, value, .. }| match value {
        // What was freed has no name that one could ask about.
        Value::Ref(to) if to.generation != Handle::STALE => Some((local, words::authors_name(program, to.obj))),
        _ => None,
    });
    let told: Vec<String> = references.map(|(local, object)| format!("`{local}` refers to {object}")).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", words::list(&told, "and")) };
    format!(
        "{who} calculates with a reference, or asks whether it is less than a number{place}{told}; a reference compares by \
         == and !=, and `IS_ERR(p)` asks whether `p` is an error"
    )
}

/// A calculation in which the result does not fit, or a shift by too much, with its numbers.
fn arithmetic(replay: &Replay<'_>, v: Violation, who: &str, place: &str) -> String {
    let thread = replay.thread(v.thread);
    let expr = match words::instr(replay.program, v.thread, v.pc) {
        Some(
            Instr::Let { expr, .. } | Instr::Branch { expr, .. } | Instr::Assert { expr } | Instr::Warn { expr, .. },
        ) => expr,
        _ => return format!("{who} calculates what its type does not hold{place}"),
    };
    let read = |local| thread.local_here(local).unwrap_or_default();
    let trouble = replay.program.exprs.get(usize::from(expr)).and_then(|expr| expr.trouble(read));
    let Some(Trouble { op, ty, left, right }) = trouble else {
        return format!("{who} calculates what its type does not hold{place}");
    };
    let (sign, left) = (crate::conditions::sign(op), ty.exact(left));
    if v.property == Property::SHIFT_OUT_OF_BOUNDS {
        let bits = ty.bits();
        return format!(
            "{who} shifts {left} by {right}, and an `{ty}` has {bits} bits{place}: C does not say what comes of that"
        );
    }
    let calculated =
        if op == Operator::Neg { format!("-({left})") } else { format!("{left} {sign} {}", ty.exact(right)) };
    format!("{who} calculates {calculated}, which does not fit in an `{ty}`{place}")
}

/// An error where a pointer was meant.
fn error_pointer(replay: &Replay<'_>, v: Violation, who: &str, place: &str) -> String {
    let errors = since::locals_named(replay, v).filter(|local| local.value.word().is_some_and(|w| w < 0));
    let text = |value| words::typed(replay.program, fenceweave_kernel::Type::Errno, value);
    let told: Vec<String> = errors.map(|l| format!("`{}` is ERR_PTR({})", l.name, text(l.value))).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", words::list(&told, "and")) };
    format!("{who} uses an error as a pointer{place}{told}; `IS_ERR(p)` asks for that")
}

/// Who may sleep; of a slot of a table who calls it.
fn may_sleep(program: &Program, v: Violation, who: &str, on: &str) -> String {
    let source = words::source(program, v.thread, v.pc);
    // No proc has a dot in its name.
    match source.and_then(|source| source.calls.last()).filter(|call| call.proc.contains('.')) {
        Some(call) => format!("{who} calls {}, which may sleep", call.proc),
        None => format!("{who} may sleep{on}"),
    }
}

/// What makes the context of a thread atomic.
fn why_atomic(replay: &Replay<'_>, t: ThreadId) -> String {
    let private = replay.thread(t).private();
    let locks = waiting::spinlocks_of(replay.program, &replay.last, t);
    let names: Vec<String> = locks.iter().map(|l| words::object_name(replay.program, *l).into()).collect();
    if !names.is_empty() {
        format!("holding {}", words::list(&names, "and"))
    } else if private.rcu_depth > 0 {
        "in an RCU read-side section".into()
    } else if private.irqs_off > 0 {
        "with interrupts off".into()
    } else if private.bh_off > 0 {
        "with soft interrupts off".into()
    } else if private.preempt_off > 0 {
        "with preemption off".into()
    } else {
        "in interrupt context".into()
    }
}

fn stuck(replay: &Replay<'_>, v: Violation) -> String {
    let program = replay.program;
    let mut unfinished: Vec<ThreadId> = program.scripted().filter(|t| !replay.last.is_over(program, *t)).collect();
    let agents = waiting::waits(program, &replay.last).into_iter().map(|w| w.thread);
    unfinished.extend(agents.filter(|t| program.scripted().all(|s| s != *t)));
    let names: Vec<String> = unfinished.into_iter().map(|t| program.thread_name(t).into()).collect();
    if names.is_empty() || v.thread == program.main_thread() {
        return stuck_alone(program, v);
    }
    format!("{} can never go on", words::list(&names, "and"))
}

/// Setup or teardown, which runs while no thread does.
fn stuck_alone(program: &Program, v: Violation) -> String {
    let (script, _) = program.script_at(v.thread, v.pc);
    let on = match words::instr(program, v.thread, v.pc) {
        Some(Instr::Op { op, .. }) => op.row().operands.into_iter().flatten().find_map(|operand| match operand {
            Operand::Object(id) => Some(format!(", which waits for {}", words::authors_name(program, id))),
            _ => None,
        }),
        _ => None,
    };
    format!("{} can never go on{}{}", script.name, on.unwrap_or_default(), words::place(program, v.thread, v.pc))
}

fn leaked(replay: &Replay<'_>, v: Violation, what: &str) -> String {
    let who = v.other.map_or("somebody", |t| replay.program.thread_name(t));
    match v.object.and_then(|o| replay.last.object(o).facet("refs")) {
        Some(Facet::Word(n)) if n > 0 => {
            let are = if n == 1 { "is" } else { "are" };
            let references = v.object.and_then(|o| replay.last.world.references(replay.program, o));
            let owned = match references.map_or(0, |(_, owned)| owned) {
                0 => String::new(),
                1 => ", of which 1 has an owner".into(),
                owned => format!(", of which {owned} have owners"),
            };
            format!("{who} took a reference to {what} and did not drop it; {n} {are} left at the end{owned}")
        }
        // What has no count is owed by who made it.
        _ => {
            let maker = v.object.and_then(|o| since::maker(replay, o)).unwrap_or_else(|| who.into());
            format!("{maker} made {what} and did not free it")
        }
    }
}

/// Why interrupts were off before, and had to stay so.
fn why_off(replay: &Replay<'_>, t: ThreadId) -> String {
    if replay.program.role(t) == Role::Irq {
        return "in an interrupt handler".into();
    }
    let locks = waiting::spinlocks_of(replay.program, &replay.last, t);
    let names: Vec<String> = locks.iter().map(|l| words::object_name(replay.program, *l).into()).collect();
    match names.len() {
        0 => "which were off before".into(),
        1 => format!("which were off before, and {} is still held", names[0]),
        _ => format!("which were off before, and {} are still held", words::list(&names, "and")),
    }
}

/// Who still has a reference to a fence that has none to give.
fn missing(replay: &Replay<'_>, v: Violation, what: &str) -> String {
    let program = replay.program;
    let has = |id: &ObjId| {
        facets(replay.last.object(*id)).into_iter().any(|(_, facet)| match facet {
            Facet::Object(of) => of == v.object && program.is::<fixed::SyncFile>(*id),
            Facet::Fence(entry) => entry.is_some_and(|(of, _)| Some(of) == v.object),
            _ => false,
        })
    };
    let holders = (0..program.objects.len()).map(ObjId::object).filter(has);
    let holders: Vec<String> = holders.map(|id| words::object_name(program, id).into()).collect();
    let have = if holders.len() == 1 { "has" } else { "have" };
    let left = match v.object.and_then(|f| replay.last.object(f).facet("refs")) {
        Some(Facet::Word(left)) if left > 0 => format!(", of which {left} is left"),
        _ => String::new(),
    };
    format!("{} still {have} a reference to {what}{left}", words::list(&holders, "and"))
}
