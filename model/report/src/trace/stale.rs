//! What an execution on weak memory read that sequentially consistent memory would not have given it.

use crate::{replay::Replay, words};
use fenceweave_explore::{Stale, Stored, Trace};
use fenceweave_kernel::ObjId;

/// A line for each read that returned another value than the youngest store's, as far as the values are known.
pub(super) fn lines(replay: &Replay<'_>, trace: &Trace) -> Vec<String> {
    trace.weak.iter().flatten().filter(|s| is_news(s)).map(|s| line(replay, s)).collect()
}

/// The same value twice is nothing that anybody could tell.
pub(crate) fn is_news(s: &Stale) -> bool {
    s.got.value.is_none() || s.got.value != s.newest.value
}

/// `stale: R's `load data` at step 4 (line 7) reads data = 0, from the start; the youngest is 1, by W's `store data
/// 1` at step 1`.
fn line(replay: &Replay<'_>, s: &Stale) -> String {
    let program = replay.program;
    let who = replay.steps.get(s.step).map_or_else(String::new, |step| {
        let (name, text) = (program.thread_name(step.thread), words::op_text(program, step.thread, step.pc));
        format!("{name}'s `{text}` ")
    });
    let at = format!("stale: {who}at step {}", s.step + 1);
    match s.word {
        Some(w) if w.as_var().is_some() => {
            let (name, got, newest) =
                (words::object_name(program, w), stored(replay, w, s.got), stored(replay, w, s.newest));
            format!("{at} reads {name} = {got}; the youngest is {newest}")
        }
        Some(object) => {
            let (name, back) = (words::object_name(program, object), words::count(usize::from(s.age), "store"));
            format!("{at} reads a word of {name} that is {back} old; the table cannot show it")
        }
        None => format!("{at} reads a word of a task that is {} old", words::count(usize::from(s.age), "store")),
    }
}

/// `1, by W's `store data 1` at step 1`.
fn stored(replay: &Replay<'_>, word: ObjId, s: Stored) -> String {
    let (program, ty) = (replay.program, replay.program.var_type(word));
    let value = s.value.map_or_else(String::new, |v| words::typed_in(program, &replay.last.world, ty, v));
    let by = s.step.and_then(|at| replay.steps.get(at).map(|step| (at, step)));
    match by {
        Some((at, step)) => {
            let (name, text) = (program.thread_name(step.thread), words::op_text(program, step.thread, step.pc));
            format!("{value}, by {name}'s `{text}` at step {}", at + 1)
        }
        None => format!("{value}, from the start"),
    }
}
