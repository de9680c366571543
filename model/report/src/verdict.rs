//! What went wrong, in words.

mod circle;
mod liveness;
mod sentence;
mod since;

pub use circle::circle;
pub use sentence::in_general;
pub(crate) use sentence::sentence;

use crate::{
    replay::{End, Replay, Step},
    waiting::{self, Wait},
    words,
};
use fenceweave_kernel::{
    Instr, ObjId, Operand, Program, ThreadId, Violation,
    program::Ends,
    property::{Sentence, Tale},
};

/// The verdict: what happened, what that means, and for those who wait, for what.
pub(crate) fn lines(replay: &Replay<'_>, v: Violation) -> Vec<String> {
    let mut out = vec![format!("{}: {}", v.property.name(), sentence(replay, v))];
    out.extend(since::line(replay, v));
    // Not every deadlock is a circle.
    let alone = || waiting::cycle(&waiting::waits(replay.program, &replay.last)).is_empty();
    match (v.property.sentence(), v.rule) {
        // A lost wake-up's meaning is told of its own sleeper.
        (Sentence::Told(Tale::NobodyWakes), _) => {}
        (_, Some(rule)) => out.push(format!("  {}", rule.why())),
        (Sentence::Told(Tale::Asserted), _) => out.extend(values(replay, v)),
        (Sentence::Told(Tale::Stuck), _) if alone() => {
            out.push("  nobody can run, and what is waited for cannot happen any more".into())
        }
        (_, None) => out.push(format!("  {}", v.property.meaning())),
    }
    match v.property.sentence() {
        Sentence::Told(Tale::Stuck) => out.extend(deadlock(replay)),
        Sentence::Told(Tale::NobodyWakes) => out.extend(lost_wakeup(replay, v)),
        Sentence::Told(Tale::Endless | Tale::Starved) => out.extend(liveness::lines(replay, v)),
        Sentence::Told(Tale::DataRace) => out.extend(guard(replay, v)),
        Sentence::Told(_) | Sentence::Says(_) | Sentence::InGeneral => {}
    }
    out
}

/// The lock that would guard a list, if one of the two who race for it has one.
fn guard(replay: &Replay<'_>, v: Violation) -> Option<String> {
    let list = v.object.filter(|o| o.as_object().is_some())?;
    let name = words::authors_name(replay.program, list);
    let of = |t: ThreadId| Some((t, *since::locks_of(replay, t).first()?));
    let told = match of(v.thread).or_else(|| v.other.and_then(of)) {
        Some((t, lock)) => format!(
            "  {} holds {lock}: if that guards {name}, take it on both sides, and say so: `list {name} guarded-by={lock}`",
            replay.program.thread_name(t)
        ),
        None => format!("  neither holds a lock: take one around both, and say so: `list {name} guarded-by=LOCK`"),
    };
    Some(told)
}

/// What an assert saw: `  idle=1 rendered=0`.
fn values(replay: &Replay<'_>, v: Violation) -> Option<String> {
    let text = |local: since::Named| words::typed(replay.program, local.ty, local.value);
    let named = since::locals_named(replay, v);
    let pairs: Vec<String> = named.map(|local| format!("{}={}", local.name.clone(), text(local))).collect();
    (!pairs.is_empty()).then(|| format!("  {}", pairs.join(" ")))
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
        let why = if step.changes.iter().any(|c| c.wakes(v.thread)) {
            format!("was spent on an earlier sleep of {sleeper}")
        } else if queued_at(replay, v.thread, queue).is_some_and(|queued| queued > at) {
            format!("came too early: {sleeper} was not on {on} yet")
        } else if let Some(other) = woken_by(replay, step) {
            format!("woke {other}, not {sleeper}")
        } else {
            format!("did not reach {sleeper}")
        };
        out.push(format!("  the wake-up at step {}, {waker}'s `{text}`, {why}", at + 1));
    }
    out
}

/// Whom a step woke.
fn woken_by<'a>(replay: &Replay<'a>, step: &Step) -> Option<&'a str> {
    let program = replay.program;
    let woken = program.threads().find(|t| step.changes.iter().any(|c| c.wakes(*t)));
    woken.map(|t| program.thread_name(t))
}

/// The step with which the thread got on a wait list for the last time.
fn queued_at(replay: &Replay<'_>, t: ThreadId, list: ObjId) -> Option<usize> {
    replay.steps.iter().rposition(|s| s.thread == t && s.changes.iter().any(|c| c.of(list, "waiters").is_some()))
}

fn wakes(program: &Program, t: ThreadId, pc: u16, queue: ObjId) -> bool {
    let Some(Instr::Op { op, .. }) = words::instr(program, t, pc) else { return false };
    matches!(op.row().ends, Ends::Wakes(Operand::Object(q)) if q == queue)
}
