//! The ways that were found, with each quiet access as a step of its own: as whoever replays them takes them.

use crate::{Coverage, Exploration, Found, PointOfNoReturn, Task, Trace};
use fenceweave_kernel::{Action, Moment, Program, Property, State, ThreadId};

/// Unfolds every way of a result. What was found in coarse grain is taken again in fine steps before it is told.
pub(crate) fn ways(all: &mut Exploration, task: &Task<'_>, initial: &State) {
    let unconfirmed = unfold_all(all, task, initial);
    if let Some(found) = unconfirmed.and_then(|at| all.found.get(at)) {
        let what = found.violation.property.name();
        all.coverage = Coverage::Incomplete(format!("{what} was found, and its steps in fine grain do not lead there"));
    }
}

/// Whether a step of a way breaks what it shows, rather than where it ends.
fn is_of_a_step(found: &Found, initial: &State, program: &Program) -> bool {
    let mut state = initial.clone();
    for action in &found.trace.steps {
        state.step(program, *action);
    }
    state.violation() == Some(found.violation)
}

/// Whether the steps of a way, each by itself, lead to what it is to show. What no single step shows is judged where
/// they end.
fn is_confirmed(found: &Found, of_a_step: bool, program: &Program) -> bool {
    let mut state = State::initial(program);
    for action in &found.trace.steps {
        if state.violation().is_some() || !state.is_enabled(program, action.thread) {
            return false;
        }
        state.step(program, *action);
    }
    if found.violation.property == Property::WARN_ON {
        // It went on, and the same step may have ended it.
        return state.warnings(program).contains(&found.violation);
    }
    state.violation().map_or(!of_a_step, |v| v == found.violation)
}

/// The first whose steps do not lead there is the result.
fn unfold_all(all: &mut Exploration, task: &Task<'_>, initial: &State) -> Option<usize> {
    let mut unconfirmed = None;
    let of =
        |trace: &mut Trace, point: &mut PointOfNoReturn| unfold(initial, task.program, Quiet::AtOnce, trace, point);
    for (at, found) in all.found.iter_mut().enumerate() {
        let of_a_step = is_of_a_step(found, initial, task.program);
        let merged = (found.trace.clone(), found.point_of_no_return.clone());
        of(&mut found.trace, &mut found.point_of_no_return);
        if !is_confirmed(found, of_a_step, task.program) {
            (found.trace, found.point_of_no_return) = merged;
            unfold(initial, task.program, Quiet::Late, &mut found.trace, &mut found.point_of_no_return);
            if !is_confirmed(found, of_a_step, task.program) {
                unconfirmed = unconfirmed.or(Some(at));
            }
        }
    }
    for (condition, watched) in task.conditions.iter().zip(&mut all.watched) {
        let (broken, other) = match condition.moment {
            Moment::Never => (&mut watched.seen_true, &mut watched.seen_false),
            _ => (&mut watched.seen_false, &mut watched.seen_true),
        };
        broken.iter_mut().for_each(|trace| of(trace, &mut watched.point_of_no_return));
        other.iter_mut().for_each(|trace| of(trace, &mut PointOfNoReturn::NotKnown));
    }
    unconfirmed
}

/// Where the quiet accesses of a way are among its steps. Nobody can tell, but for what has no step of its own and
/// comes right behind one: each by itself it is taken with that, and what it breaks ends the way there.
#[derive(Clone, Copy, PartialEq)]
enum Quiet {
    /// Right behind the step that they were taken with.
    AtOnce,
    /// Before the next step of their thread, or when somebody else has to wait for them.
    Late,
}

/// Unfolds a way, and where it can still be helped.
fn unfold(initial: &State, program: &Program, quiet: Quiet, trace: &mut Trace, point: &mut PointOfNoReturn) {
    let mut way = Unfolding::new(initial, program, quiet);
    // Where each step of the way begins in the unfolded one.
    let mut begins = vec![0];
    let mut parting = None;
    for (at, action) in trace.steps.iter().enumerate() {
        if matches!(point, PointOfNoReturn::At { after, .. } if *after == at) {
            parting = Some(way.clone());
        }
        way.take(*action);
        begins.push(way.steps.len());
    }
    trace.loop_from = trace.loop_from.and_then(|from| begins.get(from).copied());
    if let PointOfNoReturn::At { after, passing } = point {
        let mut other = parting.unwrap_or_else(|| way.clone());
        let from = other.steps.len();
        passing.iter().for_each(|action| other.take(*action));
        (*after, *passing) = (begins.get(*after).copied().unwrap_or(*after), other.steps.split_off(from));
    }
    trace.steps = way.steps;
}

/// A way while it is unfolded.
#[derive(Clone)]
struct Unfolding<'a> {
    program: &'a Program,
    merged: State,
    /// Where the steps lead, each by itself: who puts accesses off has to know who can go on without them.
    fine: Option<State>,
    /// Of each thread, how many quiet accesses were put off.
    owed: Vec<u16>,
    steps: Vec<Action>,
}

impl<'a> Unfolding<'a> {
    fn new(initial: &State, program: &'a Program, quiet: Quiet) -> Unfolding<'a> {
        let fine = (quiet == Quiet::Late).then(|| State::initial(program));
        let owed = vec![0; program.scripts.len()];
        Unfolding { program, merged: initial.clone(), fine, owed, steps: vec![] }
    }

    /// Takes a step, and writes down what it was: the step, and the quiet accesses after it. What nobody can see is a
    /// step only behind a quiet access: each by itself, it is taken with that.
    fn take(&mut self, action: Action) {
        self.pay(action.thread);
        let waits = self.fine.as_ref().is_some_and(|fine| !fine.is_enabled(self.program, action.thread));
        if waits {
            self.program.threads().for_each(|t| self.pay(t));
        }
        let seen = self.merged.is_next_visible(action.thread);
        let quiet = self.merged.step(self.program, action).merged;
        if seen {
            self.push(action);
        }
        self.owed[action.thread.index()] += quiet;
        if self.fine.is_none() {
            self.pay(action.thread);
        }
    }

    fn pay(&mut self, thread: ThreadId) {
        for _ in 0..std::mem::take(&mut self.owed[thread.index()]) {
            self.push(Action { thread, choice: 0 });
        }
    }

    fn push(&mut self, action: Action) {
        self.steps.push(action);
        let Some(fine) = &mut self.fine else { return };
        if fine.violation().is_none() && fine.is_enabled(self.program, action.thread) {
            fine.step(self.program, action);
        }
    }
}
