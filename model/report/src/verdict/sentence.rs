//! The sentence of a broken property: who did what to whom.

use super::{liveness, since};
use crate::{replay::Replay, waiting, words};
use fenceweave_kernel::{
    Facet, Instr, ObjId, ObjectKind, Op, Operand, Program, Property, Rule, ThreadId, Value, Violation, fence::What,
    observe::facets, primitives::list::How, program::Role,
};

/// Who did what to whom, and where.
pub(crate) fn sentence(replay: &Replay<'_>, v: Violation) -> String {
    if let Some(rule) = v.rule {
        return broken_rule(replay, v, rule);
    }
    let program = replay.program;
    let who = words::who(program, v.thread, v.pc);
    let what = v.object.map_or("nothing", |o| words::authors_name(program, o));
    let place = words::place(program, v.thread, v.pc);
    let section = of_section(replay, v.thread);
    match v.property {
        Property::Deadlock => stuck(replay),
        Property::LostWakeup => format!("{who} sleeps on {what} and nobody will wake it{place}"),
        Property::Livelock if replay.loop_from.is_none() => format!("{who} spins on {what} for ever{place}"),
        Property::Livelock | Property::Starvation => liveness::sentence(replay, v),
        Property::FenceNeverSignals => {
            let when = if replay.loop_from.is_some() { "for ever" } else { "when everything is over" };
            format!(
                "others may wait for {what}, and it is pending {when}: {who} signals it on other paths, not on this one"
            )
        }
        Property::DependencyCycle => {
            format!("{who} waits for {what}, or would with less luck, and that closes a circle through a fence{place}")
        }
        Property::FenceOrder => {
            let signaled = fence_at(replay, v).map_or("a fence", |f| words::authors_name(program, f));
            format!("{who} signals {signaled} while {what}, an earlier one, is pending{place}")
        }
        Property::FenceSignaledTwice => format!("{who} signals {what}, which is signalled already{place}"),
        Property::FenceErrorLate if is_signaled(replay, v) => {
            format!("{who} sets an error on {what}, which is signalled already{place}")
        }
        Property::FenceErrorLate => format!("{who} sets an error on {what} that is none of -4095..-1{place}"),
        Property::FenceReleasedPending => {
            format!("{who} drops the last reference to {what}, which is pending and has callbacks queued{place}")
        }
        Property::FenceReinitialised => format!("{who} initialises {what}, which is alive{place}"),
        Property::ContainerInContainer => {
            format!("{who} puts {what}, which is made of other fences itself, into a container{place}")
        }
        Property::ContainerInResv => {
            format!("{who} adds {what}, which is made of other fences, to a reservation{place}")
        }
        Property::CallbackReused => format!("{who} adds {what}, which is still queued on a fence{place}"),
        Property::NoSlotReserved => {
            format!("{who} adds a fence to {what}, with no slot reserved under this hold of its lock{place}")
        }
        Property::DependencyLost => dependency_lost(replay, v, what),
        Property::FenceMissed => {
            format!("{who}'s walk ends without {what}, which was there all the time and is pending{place}")
        }
        Property::ResvNotHeld => match v.other {
            None => format!("{who} changes {what}, or walks it as if locked, and nobody holds its lock{place}"),
            Some(t) => {
                let owner = program.thread_name(t);
                format!("{who} changes {what}, or walks it as if locked, while {owner} holds its lock{place}")
            }
        },
        Property::FenceLockNotHeld => {
            let owner = v.other.map_or("nobody", |t| program.thread_name(t));
            let does = if asks(program, v) { "asks" } else { "signals" };
            format!("{who} {does} {what} as if it had its lock, which {owner} holds{place}")
        }
        Property::UseAfterFree => format!("{who} uses {what} after it was freed{place}"),
        Property::DoubleFree => format!("{who} frees {what}, which is freed already{place}"),
        Property::RefcountUnderflow => format!("{who} drops a reference to {what}, of which none is left{place}"),
        Property::PutUnbalanced => {
            format!(
                "{who} drops a reference to {what} that is not its own: what this pointer had, it has dropped{place}"
            )
        }
        Property::RefcountFromZero => {
            format!("{who} takes a reference to {what}, whose last one is gone{place}")
        }
        Property::LeakedReference => leaked(replay, v, what),
        Property::LeakedObject => format!("{what} was released by its last user, and is still there at the end"),
        Property::FreedOnList => format!("{who} frees {what}, and a list still has it{place}"),
        Property::LockHeldAtExit => format!("{who} ends and still holds {what}"),
        Property::WaitEntryLeft => {
            format!(
                "{who} returns and is still on {what}: the entry is on its stack, and nobody has called finish_wait()"
            )
        }
        Property::CtxOpenAtExit => format!("{who} ends without acquire-fini of {what}"),
        Property::UnlockNotHeld => unlock_not_held(program, v, who, what, &place),
        Property::SelfDeadlock if is_irq_line(program, v) => {
            format!("{who} waits for itself: it is a handler of the interrupt{place}")
        }
        Property::IrqNotDisabled => format!("{who} enables {what}, which is not disabled{place}"),
        Property::SelfDeadlock => format!("{who} takes {what}, which it holds already{place}"),
        Property::IrqDeadlock => {
            let owner = v.other.map_or("somebody", |t| program.thread_name(t));
            format!("{who} takes {what}, which {owner} holds, whom it interrupted{place}")
        }
        Property::IrqsEnabledEarly => {
            let with = v.object.map_or(String::new(), |_| format!(" with {what}"));
            format!("{who} enables interrupts{with}, {}{place}", why_off(replay, v.thread))
        }
        Property::MissingReference => missing(replay, v, what),
        Property::SleepInAtomic => {
            let on = v.object.map_or(String::new(), |_| format!(" on {what}"));
            format!("{who} may sleep{on}, {}{place}", why_atomic(replay, v.thread))
        }
        Property::FenceCallbackContext => {
            let (script, pc) = program.script_at(v.thread, v.pc);
            let callee = script.callee_at(pc);
            let callee = callee.map_or("what a fence calls", |(id, _)| &program.callees[usize::from(id.0)]);
            let on = v.object.map_or(String::new(), |_| format!(" on {what}"));
            format!("{callee}, which a fence calls in {who} this time, may sleep{on}{place}")
        }
        Property::LockInSignalling if v.object.is_none_or(|o| program.is_mmap_lock(o)) => {
            format!("{who} takes mmap_lock, or would in a page fault, inside of a signalling section{section}{place}")
        }
        Property::LockInSignalling => format!("{who} takes {what} inside of a signalling section{section}{place}"),
        Property::AllocInSignalling => {
            format!("{who} allocates, and may have to reclaim, inside of a signalling section{section}{place}")
        }
        Property::WaitInSignalling => format!("{who} waits for {what} inside of a signalling section{section}{place}"),
        Property::UserAccessUnderResv => format!("{who} accesses user memory and holds {what}{place}"),
        Property::UnsetRead => unset_read(replay, v),
        Property::NullDereference => format!("{who} uses NULL as a reference{place}"),
        Property::DivisionByZero => format!("{who} divides by zero{place}"),
        Property::SpinsLocally => format!("{who} loops and touches nothing that others could change{place}"),
        Property::ListCorruption if is_shrinker(program, v) => {
            format!("{who} registers {what}, which is registered already{place}")
        }
        Property::ListCorruption => {
            format!("{who} {} {what}{place}", list_mistake(program, v))
        }
        Property::OutOfBounds => {
            let array = what.split('[').next().unwrap_or(what);
            format!("{who} accesses {array} outside of its length{place}")
        }
        Property::WrongKind if v.object.is_none() => not_a_word(replay, v, who, &place),
        Property::WrongKind => format!("{who} does this to {what}, which is of another kind{place}"),
        Property::DataRace => data_race(replay, v, who, what, &place),
        Property::Assert => asserted(program, v, who),
        _ => in_general(program, v),
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

/// A property that stands for several rules: which one, and about what.
fn broken_rule(replay: &Replay<'_>, v: Violation, rule: Rule) -> String {
    let program = replay.program;
    let who = program.thread_name(v.thread);
    let what = v.object.map_or("nothing", |o| words::authors_name(program, o));
    let place = words::place(program, v.thread, v.pc);
    let contended = || since::contended(replay, v);
    match rule {
        Rule::CtxForeignClass => format!("{who} locks with {what}, a context of another class{place}"),
        Rule::CtxNotBegun => format!("{who} uses {what}, which is not begun, or is another task's{place}"),
        Rule::CtxInUse => format!("{who} begins {what}, which is begun already{place}"),
        Rule::CtxSecond => format!("{who} begins {what} and has another context of its class open{place}"),
        Rule::CtxDoneTwice => format!("{who} says ww_acquire_done() of {what} a second time{place}"),
        Rule::CtxHoldsAtFini => {
            let held = v.object.map_or(vec![], |ctx| locked_with(replay, ctx));
            format!("{who} finishes {what} and still holds {}{place}", words::list(&held, "and"))
        }
        Rule::LockAfterDone => format!("{who} takes a lock with {what} after ww_acquire_done(){place}"),
        Rule::SlowWithoutDeadlock => {
            format!("{who} takes a lock the slow way, and {what} has met no -EDEADLK{place}")
        }
        Rule::OtherBeforeContended => {
            format!("{who} met -EDEADLK on {}, and takes another lock before that{place}", contended())
        }
        Rule::HoldsAtContended => {
            format!("{who} met -EDEADLK on {}, and takes it with others still held{place}", contended())
        }
        Rule::DeadlockUnanswered => {
            format!("{who} met -EDEADLK on {}, did not back off, and meets it again{place}", contended())
        }
        Rule::ExecInUse => format!("{who} begins {what}, which is in use already{place}"),
        Rule::ExecNotBegun => format!("{who} uses {what}, which is not begun, or is another task's{place}"),
        Rule::ExecOutsideLoop => {
            format!("{who} locks for {what} outside of drm_exec_until_all_locked(){place}")
        }
        Rule::OrderDocumented => {
            format!("{who} holds {what}, and waits for a lock that is documented to be outside of it{place}")
        }
        Rule::OrderSameClass => {
            format!("{who} holds {what}, and waits for another lock of its class without an acquire context{place}")
        }
        Rule::OrderBesideCtx => format!("{who} has {what} open, and waits for a lock of its class without it{place}"),
        Rule::OrderCtxInside => format!("{who} holds {what}, and begins an acquire context of its class{place}"),
        Rule::OrderInReclaim => {
            format!("{who} waits for {what} in memory reclaim, which may come while {what} is held{place}")
        }
        Rule::OrderNestNotHeld => format!("{who} takes a lock as nested in {what}, and does not hold {what}{place}"),
        Rule::OrderMmapInside => format!("{who} holds {what}, and waits for mmap_lock, which is outside of it{place}"),
        Rule::SectionNotBegun => format!("{who} ends a fence-signalling section that it has not begun{place}"),
        Rule::SectionLeftOpen => {
            format!("{who} ends inside of its fence-signalling section{}", of_section(replay, v.thread))
        }
        Rule::RcuNotBegun => format!("{who} leaves an RCU read-side section that it is not in{place}"),
        Rule::RcuLeftOpen => format!("{who} ends inside of an RCU read-side section"),
        Rule::IrqsNotOff => format!("{who} enables interrupts that it has not disabled{place}"),
        Rule::IrqsLeftOff => format!("{who} ends with interrupts disabled"),
        Rule::LockSoftirqOn => {
            let by = v.other.map_or("somebody", |t| program.thread_name(t));
            format!("{who} takes {what} with soft interrupts enabled, and {by}, which is one, takes it too{place}")
        }
        Rule::LockHardirqOn => {
            let by = v.other.map_or("somebody", |t| program.thread_name(t));
            format!(
                "{who}, a soft interrupt, takes {what} with interrupts enabled, and {by}, which is one, takes it too{place}"
            )
        }
        Rule::TimerSyncInHardirq => {
            format!("{who} waits for the handler of {what}, which it may have interrupted{place}")
        }
        Rule::BhNotOff => format!("{who} enables soft interrupts that it has not disabled{place}"),
        Rule::BhLeftOff => format!("{who} ends with soft interrupts disabled"),
        Rule::BhIrqsOff => format!("{who} enables soft interrupts with interrupts off{place}"),
        Rule::MutexInInterrupt => format!("{who} tries {what} in interrupt context{place}"),
        Rule::MutexInCallback => format!("{who} tries {what} in what a fence calls, which an interrupt may{place}"),
        Rule::PreemptNotOff => format!("{who} enables preemption that it has not disabled{place}"),
        Rule::PreemptLeftOff => format!("{who} ends with preemption disabled"),
        Rule::CallbackNotDue => format!("{what} is called in {who}, and is over, or was taken off{place}"),
        Rule::CallbackElsewhere => {
            format!("{who} takes {what} off a fence that it is not queued on, and it is still to come{place}")
        }
        Rule::AllocUnderSectionLock => {
            let by = v.other.map_or("somebody", |t| program.thread_name(t));
            format!(
                "{who} allocates memory and holds {what}, which {by} takes inside of a fence-signalling section, or with another \
                 lock held{place}"
            )
        }
        Rule::LeakInCircle => {
            format!(
                "only what {what} refers to leads to {what}: the references of a circle are left at the end, and nobody can drop them"
            )
        }
        Rule::ListUnguarded => {
            format!("{who} {} {what} without the lock that guards it{place}", list_access(program, v))
        }
        Rule::CtxLeftInLock | Rule::CtxMiscounted => in_general(program, v),
    }
}

fn is_shrinker(program: &Program, v: Violation) -> bool {
    v.object.is_some_and(|o| o.as_object().is_some() && matches!(program.kind(o), ObjectKind::Shrinker { .. }))
}

fn is_irq_line(program: &Program, v: Violation) -> bool {
    v.object.is_some_and(|o| o.as_object().is_some() && matches!(program.kind(o), ObjectKind::IrqLine { .. }))
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

/// What was done to a list, before its name.
fn list_access(program: &Program, v: Violation) -> &'static str {
    match words::instr(program, v.thread, v.pc) {
        Some(Instr::Op { op: Op::List { how: How::First | How::Next, .. }, .. }) => "walks",
        _ => "changes",
    }
}

/// What was tried with an entry, before the name of the list.
fn list_mistake(program: &Program, v: Violation) -> &'static str {
    match words::instr(program, v.thread, v.pc) {
        Some(Instr::Op { op: Op::List { how: How::Add | How::AddTail, .. }, .. }) => {
            "adds an entry that is on a list already to"
        }
        Some(Instr::Op { op: Op::List { how: How::Next, .. }, .. }) => "goes on from an entry that is not on",
        _ => "takes off an entry that is not on",
    }
}

fn is_signaled(replay: &Replay<'_>, v: Violation) -> bool {
    v.object.is_some_and(|f| replay.last.object(f).facet("signaled") == Some(Facet::Flag(true)))
}

fn unlock_not_held(program: &Program, v: Violation, who: &str, what: &str, place: &str) -> String {
    let sem = v.object.is_some_and(|o| o.as_object().is_some() && *program.kind(o) == ObjectKind::RwSem);
    match v.other {
        // Readers have it perhaps, the releasing thread among them.
        None if sem => format!("{who} releases {what}, which it does not hold that way{place}"),
        None => format!("{who} releases {what}, which nobody holds{place}"),
        Some(t) => format!("{who} releases {what}, which {} holds{place}", program.thread_name(t)),
    }
}

/// Which fence went, and what came in its place.
fn dependency_lost(replay: &Replay<'_>, v: Violation, resv: &str) -> String {
    let (who, place) = (replay.program.thread_name(v.thread), words::place(replay.program, v.thread, v.pc));
    match since::replaced_entry(replay) {
        Some((old, new)) => {
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
        since::locals_named(replay, v).filter(|(_, value)| value == words::UNSET).map(|(name, _)| name).collect();
    match unset.len() {
        0 => format!("{who} reads a local that was never set on this path{place}"),
        1 => format!("{who} reads `{}`, which was never set on this path{place}", unset[0]),
        _ => format!("{who} reads {}, which were never set on this path{place}", words::list(&unset, "and")),
    }
}

/// Both sides of a race, each with its line where it is known.
fn data_race(replay: &Replay<'_>, v: Violation, who: &str, what: &str, place: &str) -> String {
    let program = replay.program;
    // A list, whose changes take several stores.
    let is_list = v.object.is_some_and(|o| o.as_object().is_some());
    let (does, meanwhile) = match is_list {
        true => (list_access(program, v), "is in the middle of changing it"),
        false => ("accesses", "does so at the same time"),
    };
    let Some(other) = v.other.filter(|t| *t != v.thread) else {
        return format!("{who} {does} {what}{place}, and somebody {meanwhile}");
    };
    // Where accesses overlap, the other is in the middle of its own. A race without overlap is known by its memory order.
    let pc = replay.thread(other).pc();
    let base = what.split(['[', '.']).next().unwrap_or(what);
    let at_it = words::op_text(program, other, pc).split_whitespace().any(|w| w.split(['.', '[']).next() == Some(base));
    let there = if at_it { words::place(program, other, pc) } else { String::new() };
    format!("{who} {does} {what}{place}, and {} {meanwhile}{there}", program.thread_name(other))
}

/// The author's own words for what went wrong, if there are any, and the condition.
fn asserted(program: &Program, v: Violation, who: &str) -> String {
    let text = words::op_text(program, v.thread, v.pc);
    let place = match words::line_of(program, v.thread, v.pc) {
        Some(line) => format!(" ({line})"),
        None => String::new(),
    };
    let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    match quoted[..] {
        [condition, message] => format!("{message}: `{condition}` is false in {who}{place}"),
        [condition] => format!("`{condition}` is false in {who}{place}"),
        _ => format!("it is false in {who}{}", words::place(program, v.thread, v.pc)),
    }
}

/// A reference stands where only a number can: which local holds it, and how one asks about it.
fn not_a_word(replay: &Replay<'_>, v: Violation, who: &str, place: &str) -> String {
    let program = replay.program;
    let is_object = |name: &String| program.objects.iter().any(|o| o.name == *name);
    let references = since::locals_named(replay, v).filter(|(_, value)| is_object(value));
    let told: Vec<String> = references.map(|(local, object)| format!("`{local}` refers to {object}")).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", words::list(&told, "and")) };
    format!(
        "{who} calculates with a reference, or asks whether it is less than a number{place}{told}; a reference compares by \
         == and !=, and `IS_ERR(p)` asks whether `p` is an error"
    )
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

fn stuck(replay: &Replay<'_>) -> String {
    let program = replay.program;
    let mut unfinished: Vec<ThreadId> = program.scripted().filter(|t| !replay.last.is_over(program, *t)).collect();
    let agents = waiting::waits(program, &replay.last).into_iter().map(|w| w.thread);
    unfinished.extend(agents.filter(|t| program.scripted().all(|s| s != *t)));
    let names: Vec<String> = unfinished.into_iter().map(|t| program.thread_name(t).into()).collect();
    format!("{} can never go on", words::list(&names, "and"))
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
        _ => format!("{} made {what} and did not free it", since::maker(replay, what).unwrap_or_else(|| who.into())),
    }
}

/// Whether the step only asks about a fence.
fn asks(program: &Program, v: Violation) -> bool {
    let op = words::instr(program, v.thread, v.pc);
    matches!(op, Some(Instr::Op { op: Op::Fence { what: What::IsSignaledLocked, .. }, .. }))
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
            Facet::Object(of) => of == v.object && matches!(program.kind(*id), ObjectKind::SyncFile { .. }),
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

/// The fence that the thread was about to signal.
fn fence_at(replay: &Replay<'_>, v: Violation) -> Option<ObjId> {
    let Some(Instr::Op { op: Op::Fence { fence, .. }, .. }) = words::instr(replay.program, v.thread, v.pc) else {
        return None;
    };
    let value = match fence {
        Operand::Object(id) => return Some(id),
        Operand::Const(value) => value,
        Operand::Local(local) => replay.thread(v.thread).local(local),
    };
    match value {
        Value::Ref(handle) => Some(handle.obj),
        _ => None,
    }
}
