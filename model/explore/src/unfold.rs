//! The ways that were found, with each quiet access as a step of its own: as whoever replays them takes them.

use crate::{Coverage, Exploration, Found, PointOfNoReturn, Task, Trace};
use fenceweave_kernel::{Action, Moment, Program, State};

/// Unfolds every way of a result. What was found in coarse grain is taken again in fine steps before it is told.
pub(crate) fn ways(all: &mut Exploration, task: &Task<'_>, initial: &State) {
    unfold_all(all, task, initial);
    let unconfirmed = all.found.iter().find(|found| !is_confirmed(found, task.program));
    if let Some(found) = unconfirmed {
        let what = found.violation.property.name();
        all.coverage = Coverage::Incomplete(format!("{what} was found, and its steps in fine grain do not lead there"));
    }
}

/// Whether the steps of a way, each by itself, lead to what it is to show. What no single step shows is judged where
/// they end.
fn is_confirmed(found: &Found, program: &Program) -> bool {
    let mut state = State::initial(program);
    for action in &found.trace.steps {
        if state.violation().is_some() || !state.is_enabled(program, action.thread) {
            return false;
        }
        state.step(program, *action);
    }
    state.violation().is_none_or(|v| v == found.violation)
}

fn unfold_all(all: &mut Exploration, task: &Task<'_>, initial: &State) {
    let of = |trace: &mut Trace, point: &mut PointOfNoReturn| unfold(initial, task.program, trace, point);
    for found in &mut all.found {
        of(&mut found.trace, &mut found.point_of_no_return);
    }
    for (condition, watched) in task.conditions.iter().zip(&mut all.watched) {
        let (broken, other) = match condition.moment {
            Moment::Never => (&mut watched.seen_true, &mut watched.seen_false),
            _ => (&mut watched.seen_false, &mut watched.seen_true),
        };
        broken.iter_mut().for_each(|trace| of(trace, &mut watched.point_of_no_return));
        other.iter_mut().for_each(|trace| of(trace, &mut PointOfNoReturn::NotKnown));
    }
}

/// Unfolds a way, and where it can still be helped.
fn unfold(initial: &State, program: &Program, trace: &mut Trace, point: &mut PointOfNoReturn) {
    let mut state = initial.clone();
    // Where each step of the way begins in the unfolded one.
    let mut begins = vec![0];
    let mut steps = vec![];
    let mut parting = None;
    for (at, action) in trace.steps.iter().enumerate() {
        if matches!(point, PointOfNoReturn::At { after, .. } if *after == at) {
            parting = Some(state.clone());
        }
        take(&mut state, program, *action, &mut steps);
        begins.push(steps.len());
    }
    trace.loop_from = trace.loop_from.and_then(|from| begins.get(from).copied());
    if let PointOfNoReturn::At { after, passing } = point {
        let mut state = parting.unwrap_or(state);
        let mut way = vec![];
        passing.iter().for_each(|action| take(&mut state, program, *action, &mut way));
        (*after, *passing) = (begins.get(*after).copied().unwrap_or(*after), way);
    }
    trace.steps = steps;
}

/// Takes a step, and writes down what it was: the step, and the quiet accesses after it.
fn take(state: &mut State, program: &Program, action: Action, steps: &mut Vec<Action>) {
    let merged = state.step(program, action).merged;
    steps.push(action);
    steps.extend((0..merged).map(|_| Action { choice: 0, ..action }));
}
