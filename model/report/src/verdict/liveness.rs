//! What goes on for ever, in words: who goes round, who waits, and what could be done about it.

use crate::{replay::Replay, words};
use fenceweave_explore::diagnose;
use fenceweave_kernel::{
    Instr, Program, ThreadId, Violation,
    property::{Sentence, Tale},
    thread::Run,
};

/// Who never gets on.
pub(super) fn sentence(replay: &Replay<'_>, v: Violation) -> String {
    let program = replay.program;
    if replay.loop_from.is_none() && !starves(v) {
        let (who, place) = (words::who(program, v.thread, v.pc), words::place(program, v.thread, v.pc));
        let what = v.object.map_or("nothing", |o| words::authors_name(program, o));
        return format!("{who} spins on {what} for ever{place}");
    }
    if starves(v) {
        let others = busy(replay).into_iter().filter(|t| *t != v.thread && progresses(replay, *t));
        let others: Vec<ThreadId> = others.collect();
        let does = if others.len() == 1 { "does" } else { "do" };
        let names = list(program, others.into_iter());
        return format!("{} never gets on while {names} {does}", program.thread_name(v.thread));
    }
    match busy(replay)[..] {
        [one] => format!("{} goes round for ever and gets nowhere", program.thread_name(one)),
        ref several => {
            let names = list(program, several.iter().copied());
            let nobody = if several.len() == 2 { "neither" } else { "none of them" };
            format!("{names} go round for ever and {nobody} gets on")
        }
    }
}

/// What each thread does in the loop, whether a lock-step schedule is needed, and what to write if it is meant so.
pub(super) fn lines(replay: &Replay<'_>, v: Violation) -> Vec<String> {
    let program = replay.program;
    if replay.loop_from.is_none() && !starves(v) {
        return super::deadlock(replay);
    }
    let unfinished = program.scripted().filter(|t| replay.last.thread(*t).run() != Run::Done);
    let mut out: Vec<String> = unfinished.map(|t| doing(replay, t)).collect();
    if let Some((after, who)) = alone(replay, v) {
        let name = program.thread_name(who);
        let takes = if starves(v) { "others that are always first" } else { "a lock-step schedule" };
        out.push(format!("  it takes {takes}: left alone after step {after}, {name} would get on"));
    }
    let mut blamed = busy(replay);
    blamed.retain(|t| !starves(v) || *t == v.thread);
    let endless = blamed.into_iter().filter(|t| !is_marked(program, *t) && !program.scripts[t.index()].can_end());
    let endless = list(program, endless);
    if !endless.is_empty() {
        out.push(format!("  {endless} never ends: if that is meant, mark in the loop where it gets on, by `progress`"));
    }
    out
}

/// Whether one thread waits for ever while others get on; otherwise nobody does.
fn starves(v: Violation) -> bool {
    v.property.sentence() == Sentence::Told(Tale::Starved)
}

/// The scripts with a step in the loop.
fn busy(replay: &Replay<'_>) -> Vec<ThreadId> {
    let steps = |t: &ThreadId| replay.round().iter().any(|s| s.thread == *t);
    replay.program.scripted().filter(steps).collect()
}

fn progresses(replay: &Replay<'_>, t: ThreadId) -> bool {
    replay.round().iter().any(|s| s.thread == t && s.progressed)
}

fn is_marked(program: &Program, t: ThreadId) -> bool {
    program.scripts[t.index()].code.contains(&Instr::Progress)
}

fn list(program: &Program, threads: impl Iterator<Item = ThreadId>) -> String {
    let names: Vec<String> = threads.map(|t| program.thread_name(t).into()).collect();
    words::list(&names, "and")
}

/// `  gpu: asleep on q (line 7: sleep q)`.
fn doing(replay: &Replay<'_>, t: ThreadId) -> String {
    let (program, state) = (replay.program, &replay.last);
    let steps = replay.round().iter().filter(|s| s.thread == t).count();
    let marks = replay.round().iter().filter(|s| s.thread == t && s.progressed).count();
    let what = match (steps, state.thread(t).run(), diagnose::waits_for(program, state, t)) {
        (0, Run::Asleep(..), Some(on)) => format!("asleep on {}", words::object_name(program, on)),
        (0, _, Some(on)) => format!("spins on {}", words::object_name(program, on)),
        (0, ..) => "does nothing".into(),
        (n, ..) if marks > 0 => format!("{} in each turn, and gets on", words::count(n, "step")),
        (n, ..) => format!("{} in each turn", words::count(n, "step")),
    };
    let place = if steps == 0 { words::place(program, t, state.thread(t).pc()) } else { String::new() };
    format!("  {}: {what}{place}", program.thread_name(t))
}

/// From where in the loop, and who, would get on if nobody else ran: of a starving thread that thread itself.
fn alone(replay: &Replay<'_>, v: Violation) -> Option<(usize, ThreadId)> {
    let (program, from) = (replay.program, replay.loop_from?);
    let mut state = replay.initial.clone();
    let who = if starves(v) { vec![v.thread] } else { busy(replay) };
    for (i, step) in replay.steps.iter().enumerate() {
        if i >= from
            && let Some(t) = who.iter().find(|t| diagnose::gets_on_alone(program, &state, **t))
        {
            return Some((i, *t));
        }
        state.step(program, step.action());
    }
    None
}
