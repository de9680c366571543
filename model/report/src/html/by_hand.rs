//! A way through a program whose every step was chosen by somebody, and what can be chosen next.

use super::data::{self, AtOut};
use crate::{
    replay, site,
    trace::{self, Clause, Counterexample},
    words,
};
use fenceweave_explore::{Trace, ahead};
use fenceweave_kernel::{Action, Moment, Program, State};
use serde::Serialize;

/// A way that was gone by hand, as far as it goes.
pub struct Way<'a> {
    /// The steps, and what is wrong at their end.
    pub example: Counterexample<'a>,
    /// Whether it is over.
    pub is_over: bool,
    /// What must be true, each as its author wrote it.
    pub clauses: &'a [(Clause<'a>, String)],
}

impl Way<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match (self.example.violation.is_some() || self.example.clause.is_some(), self.is_over) {
            (true, _) => "wrong",
            (false, true) => "well",
            (false, false) => "open",
        }
    }
}

/// A step that can be taken.
#[derive(Serialize)]
pub(super) struct Next<'a> {
    /// The thread's place.
    t: usize,
    /// Which way, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u8>,
    /// What that means, after the operation's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    falls: Option<String>,
    op: &'a str,
    label: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<AtOut<'a>>,
    /// What it is inside of, the outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<&'a str>,
}

/// Every step that can be taken in a state.
pub(super) fn next<'a>(program: &'a Program, state: &State) -> Vec<Next<'a>> {
    let of = |action: Action| {
        let (t, thread) = (action.thread, state.thread(action.thread));
        let (pc, callers) = (thread.pc(), thread.callers().collect::<Vec<_>>());
        let several = state.ways(program, t) > 1;
        Next {
            t: t.index(),
            choice: several.then_some(action.choice),
            falls: several.then(|| trace::way(program, words::instr(program, t, pc), action.choice)),
            op: words::op_text(program, t, pc),
            label: thread.machine().label(),
            at: data::place(words::line(program, t, pc)),
            calls: site::calls(program, t, pc, &callers).into_iter().map(|call| call.name).collect(),
        }
    };
    ahead::actions(program, state).into_iter().map(of).collect()
}

/// The clauses that a state breaks although it is passed.
pub(super) fn breaks<'a>(program: &Program, state: &State, clauses: &'a [(Clause<'a>, String)]) -> Vec<&'a str> {
    let is_broken = |clause: &Clause<'_>| {
        let value = || clause.condition.eval(program, state).ok().flatten();
        match clause.condition.moment {
            Moment::Never => value() == Some(true),
            Moment::Always => value() == Some(false),
            _ => false,
        }
    };
    clauses.iter().filter(|(clause, _)| is_broken(clause)).map(|(_, text)| &**text).collect()
}

/// The state that some steps lead to.
///
/// # Errors
///
/// If one of them cannot be taken: its number, and why.
pub fn follow(program: &Program, trace: &Trace) -> Result<State, String> {
    let mut state = State::initial(program);
    for (i, action) in trace.steps.iter().enumerate() {
        if let Some(why) = replay::misfit(program, &state, *action) {
            return Err(format!("step {} cannot be taken: {why}", i + 1));
        }
        state.step(program, *action);
    }
    Ok(state)
}

/// What a page is told that asked for a way: the steps from a place on, where it has the others.
#[derive(Serialize)]
struct Answer<'a> {
    from: usize,
    /// How many of the steps were chosen; those behind them are teardown's.
    taken: usize,
    execution: data::ExecutionOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// A way as JSON, without the first steps of it, with something to be said beside it.
pub fn answer(way: &Way<'_>, from: usize, note: Option<&str>) -> String {
    let taken = way.example.trace.steps.len();
    let from = from.min(taken);
    crate::json::text(serde_json::to_string(&Answer { from, taken, execution: data::of_way(way, from), note }))
}
