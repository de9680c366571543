//! What went wrong, in words.

mod liveness;

use crate::{
    replay::{End, Replay},
    waiting::{self, Wait},
    words,
};
use fenceweave_kernel::{
    Facet, Instr, ObjId, ObjectKind, Op, Operand, Program, Property, ThreadId, Violation, primitives::waitqueue,
    thread::Run,
};

/// The verdict: what happened, what that means, and for those who wait, for what.
pub(crate) fn lines(replay: &Replay<'_>, v: Violation) -> Vec<String> {
    let mut out = vec![format!("{}: {}", v.property.name(), sentence(replay, v))];
    // A lost wake-up's meaning is told of its own sleeper.
    if v.property != Property::LostWakeup {
        out.push(format!("  {}", v.property.meaning()));
    }
    match v.property {
        Property::Deadlock => out.extend(deadlock(replay)),
        Property::LostWakeup => out.extend(lost_wakeup(replay, v)),
        Property::Livelock if replay.loop_from.is_none() => out.extend(deadlock(replay)),
        Property::Livelock | Property::Starvation => out.extend(liveness::lines(replay, v)),
        _ => {}
    }
    out
}

/// Who did what to whom.
pub(crate) fn sentence(replay: &Replay<'_>, v: Violation) -> String {
    let program = replay.program;
    let who = program.thread_name(v.thread);
    let what = v.object.map_or("nothing", |o| words::object_name(program, o));
    let place = words::place(program, v.thread, v.pc);
    match v.property {
        Property::Deadlock => stuck(replay),
        Property::LostWakeup => format!("{who} sleeps on {what} and nobody will wake it{place}"),
        Property::Livelock if replay.loop_from.is_none() => {
            format!("{who} spins on {what} for ever{place}")
        }
        Property::Livelock | Property::Starvation => liveness::sentence(replay, v),
        Property::FenceNeverSignals => {
            let when = if replay.loop_from.is_some() { "for ever" } else { "when everything is over" };
            format!("others may wait for {what}, and it is pending {when}; {who} signals it on other ways")
        }
        Property::DependencyCycle => {
            format!("{who} waits for {what}, or would with less luck, as a part of a circle through a fence{place}")
        }
        Property::FenceOrder => format!("{who} signals a fence while {what}, an earlier one, is pending{place}"),
        Property::LeakedReference => leaked(replay, v, what),
        Property::LeakedObject => format!("{what} was released by its last user, and is still there at the end"),
        Property::LockHeldAtExit => format!("{who} ends and still holds {what}"),
        Property::CtxOpenAtExit => format!("{who} ends without acquire-fini of {what}"),
        Property::UnlockNotHeld => {
            let sem = v.object.is_some_and(|o| o.as_object().is_some() && *program.kind(o) == ObjectKind::RwSem);
            match v.other {
                // Readers have it perhaps, the releasing thread among them.
                None if sem => format!("{who} releases {what}, which it does not hold that way{place}"),
                None => format!("{who} releases {what}, which nobody holds{place}"),
                Some(t) => format!("{who} releases {what}, which {} holds{place}", program.thread_name(t)),
            }
        }
        Property::SelfDeadlock => format!("{who} takes {what}, which it holds already{place}"),
        Property::FenceSignaledTwice => format!("{who} signals {what}, which is signaled already{place}"),
        Property::LockInSignalling | Property::AllocInSignalling | Property::WaitInSignalling => {
            let section = replay.last.thread(v.thread).private().section_fence();
            let of = section.map_or(String::new(), |f| format!(" for {}", words::object_name(program, f)));
            format!("{}, in a signalling section{of}", in_general(program, v))
        }
        Property::SleepInAtomic => format!("{}, {}", in_general(program, v), why_atomic(replay, v.thread)),
        Property::Assert => format!("{who} finds it false{place}"),
        _ => in_general(program, v),
    }
}

/// The sentence for whatever has no words of its own: who, on what, where, against whom. Also all that an outcome table
/// says.
pub fn in_general(program: &Program, v: Violation) -> String {
    let who = program.thread_name(v.thread);
    // A leak is nobody's step: it is seen when everything is over.
    let place = if v.property.is_seen_at_end() { String::new() } else { words::place(program, v.thread, v.pc) };
    let on = v.object.map_or(String::new(), |o| format!(" on {}", words::object_name(program, o)));
    let other = v.other.filter(|t| *t != v.thread);
    let with = other.map_or(String::new(), |t| format!(" (against {})", program.thread_name(t)));
    format!("{who}{on}{place}{with}")
}

/// What makes the context of a thread atomic.
fn why_atomic(replay: &Replay<'_>, t: ThreadId) -> String {
    let private = replay.last.thread(t).private();
    let locks = waiting::spinlocks_of(replay.program, &replay.last, t);
    let names: Vec<String> = locks.iter().map(|l| words::object_name(replay.program, *l).into()).collect();
    if !names.is_empty() {
        format!("holding {}", words::list(&names, "and"))
    } else if private.rcu_depth > 0 {
        "in an RCU read-side section".into()
    } else if private.irqs_off > 0 {
        "with interrupts off".into()
    } else {
        "in interrupt context".into()
    }
}

fn stuck(replay: &Replay<'_>) -> String {
    let program = replay.program;
    let mut unfinished: Vec<ThreadId> =
        program.scripted().filter(|t| replay.last.thread(*t).run() != Run::Done).collect();
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
            format!("{who} took a reference to {what} and did not drop it; {n} {are} left at the end")
        }
        _ => format!("{who} made {what} and did not free it"),
    }
}

/// The cycle if there is one, then everybody else who waits.
fn deadlock(replay: &Replay<'_>) -> Vec<String> {
    let program = replay.program;
    let waits = waiting::waits(program, &replay.last);
    let cycle = waiting::cycle(&waits);
    let mut out = vec![];
    if !cycle.is_empty() {
        out.push("wait-for cycle:".into());
        out.extend(cycle.iter().map(|i| describe(program, &waits[*i])));
    }
    let rest: Vec<&Wait> = waits.iter().enumerate().filter(|(i, _)| !cycle.contains(i)).map(|(_, w)| w).collect();
    if !rest.is_empty() {
        out.push(if cycle.is_empty() { "who waits for what:" } else { "also stuck:" }.into());
        out.extend(rest.into_iter().map(|w| describe(program, w)));
    }
    out
}

/// `cpu holds a, waits for b (line 3: lock b) → held by gpu`.
fn describe(program: &Program, w: &Wait) -> String {
    let name = |o: &ObjId| words::object_name(program, *o).to_string();
    let holds: Vec<String> = w.holds.iter().map(name).collect();
    let holds = if holds.is_empty() { String::new() } else { format!(" holds {},", words::list(&holds, "and")) };
    let place = words::place(program, w.thread, w.pc);
    let comma = if w.provided.starts_with('→') { "" } else { "," };
    let who = program.thread_name(w.thread);
    format!("  {who}{holds} waits for {}{place}{comma} {}", name(&w.on), w.provided)
}

/// Which wake-up came too early, if there was one.
fn lost_wakeup(replay: &Replay<'_>, v: Violation) -> Vec<String> {
    let (program, Some(queue)) = (replay.program, v.object) else { return vec![] };
    let (sleeper, on) = (program.thread_name(v.thread), words::object_name(program, queue));
    let mut out = vec![format!("  what it waits for has happened: waking {sleeper} for nothing would let it go on")];
    let missed =
        replay.steps.iter().enumerate().rev().find(|(_, s)| {
            s.thread != v.thread && matches!(s.end, End::Done(_)) && wakes(program, s.thread, s.pc, queue)
        });
    if let Some((at, step)) = missed {
        let (waker, text) = (program.thread_name(step.thread), words::op_text(program, step.thread, step.pc));
        let why = if step.changes.iter().any(|c| c.wakes(sleeper)) {
            format!("was spent on an earlier sleep of {sleeper}")
        } else if queued_at(replay, v.thread, on).is_some_and(|queued| queued > at) {
            format!("came too early: {sleeper} was not on {on} yet")
        } else {
            format!("did not reach {sleeper}")
        };
        out.push(format!("  the wake-up at step {}, {waker}'s `{text}`, {why}", at + 1));
    }
    out
}

/// The step with which the thread got on a wait list for the last time.
fn queued_at(replay: &Replay<'_>, t: ThreadId, list: &str) -> Option<usize> {
    let subject = format!("{list}.waiters");
    replay.steps.iter().rposition(|s| s.thread == t && s.changes.iter().any(|c| c.subject == subject))
}

fn wakes(program: &Program, t: ThreadId, pc: u16, queue: ObjId) -> bool {
    use waitqueue::At::{WakeAll, WakeOne};
    matches!(
        words::instr(program, t, pc),
        Some(Instr::Op { op: Op::Wait { at: WakeOne | WakeAll, queue: Operand::Object(q), .. }, .. }) if q == queue
    )
}
