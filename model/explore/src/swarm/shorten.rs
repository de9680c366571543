//! A walk that shows something, with whatever it does not need left out: steps, and switches.
//!
//! Steps that cannot be taken where they come are left out as well, so any list of steps is a way. What is tried is the
//! same every time: without each thread, without each stretch of steps, the long ones first, then with somebody going
//! on in the place of a switch.

use crate::{Task, diagnose};
use fenceweave_kernel::{Action, Condition, Moment, Property, State, Violation};

/// Most steps of all trials together.
const MOST_STEPS: usize = 400_000;

/// Whether a state shows what a way is to lead to.
type Shows<'s> = &'s dyn Fn(&State) -> bool;

/// A way to a violation, made shorter.
pub(super) fn to_violation(task: &Task<'_>, initial: &State, steps: &[Action], v: Violation) -> Vec<Action> {
    let program = task.program;
    shorten(task, initial, steps, &|state| {
        if v.property == Property::WARN_ON && state.warnings(program).contains(&v) {
            return true;
        }
        if state.violation().is_some() {
            return state.violation() == Some(v);
        }
        if !state.enabled(program).is_empty() {
            return false;
        }
        let mut end = state.clone();
        let broken = diagnose::stuck(program, &end).or_else(|| end.conclude(program));
        broken == Some(v) || broken.is_none() && end.warnings(program).contains(&v)
    })
}

/// A way to a state in which a condition is true or false, made shorter.
pub(super) fn to_condition(
    task: &Task<'_>,
    initial: &State,
    steps: &[Action],
    condition: &Condition,
    wanted: bool,
) -> Vec<Action> {
    let program = task.program;
    shorten(task, initial, steps, &|state| {
        let mut judged = state.clone();
        if condition.moment == Moment::AtEnd {
            let ends = state.violation().is_none() && state.enabled(program).is_empty();
            if !ends || diagnose::stuck(program, state).is_some() || judged.conclude(program).is_some() {
                return false;
            }
        } else {
            let mut bytes = vec![];
            judged.encode(program, &mut bytes);
            judged.decode(program, &bytes);
        }
        condition.eval(program, &judged) == Ok(Some(wanted))
    })
}

struct Trials<'t> {
    task: &'t Task<'t>,
    initial: &'t State,
    shows: Shows<'t>,
    state: State,
    left: usize,
}

impl Trials<'_> {
    /// The steps of these that can be taken, up to where they show it; `None` if they do not.
    fn shown(&mut self, steps: &[Action]) -> Option<Vec<Action>> {
        let program = self.task.program;
        self.state.copy_from(self.initial, program);
        let mut taken = vec![];
        for action in steps {
            if (self.shows)(&self.state) {
                return Some(taken);
            }
            let can = self.state.enabled(program).contains(action.thread);
            if can && action.choice < self.state.ways(program, action.thread) {
                self.left = self.left.saturating_sub(1);
                self.state.step(program, *action);
                taken.push(*action);
            }
        }
        (self.shows)(&self.state).then_some(taken)
    }

    fn over(&self) -> bool {
        self.left == 0
    }
}

fn shorten(task: &Task<'_>, initial: &State, steps: &[Action], shows: Shows<'_>) -> Vec<Action> {
    let mut trials = Trials { task, initial, shows, state: initial.clone(), left: MOST_STEPS };
    let Some(mut best) = trials.shown(steps) else { return steps.to_vec() };
    loop {
        let before = (best.len(), switches(&best));
        for thread in task.program.threads() {
            let without: Vec<Action> = best.iter().copied().filter(|a| a.thread != thread).collect();
            if without.len() < best.len()
                && let Some(shorter) = trials.shown(&without)
            {
                best = shorter;
            }
        }
        drop_stretches(&mut trials, &mut best);
        join(&mut trials, &mut best);
        if (best.len(), switches(&best)) >= before || trials.over() {
            return best;
        }
    }
}

fn switches(steps: &[Action]) -> usize {
    steps.windows(2).filter(|two| two[0].thread != two[1].thread).count()
}

/// Leaves out stretches of steps, shorter and shorter ones.
fn drop_stretches(trials: &mut Trials<'_>, best: &mut Vec<Action>) {
    let mut size = best.len() / 2;
    while size > 0 && !trials.over() {
        let mut at = 0;
        while at < best.len() && !trials.over() {
            let to = (at + size).min(best.len());
            let without = [&best[..at], &best[to..]].concat();
            match trials.shown(&without) {
                Some(shorter) => *best = shorter,
                None => at += size,
            }
        }
        size /= 2;
    }
}

/// Lets a thread go on where another one comes in between, as far as it does later in one go.
fn join(trials: &mut Trials<'_>, best: &mut Vec<Action>) {
    let mut at = 1;
    while at < best.len() && !trials.over() {
        let thread = best[at - 1].thread;
        if best[at].thread == thread {
            at += 1;
            continue;
        }
        let again = best[at..].iter().position(|a| a.thread == thread).map(|by| at + by);
        let joined = again.and_then(|from| {
            let to = best[from..].iter().position(|a| a.thread != thread).map_or(best.len(), |by| from + by);
            let sooner = [&best[..at], &best[from..to], &best[at..from], &best[to..]].concat();
            trials.shown(&sooner)
        });
        match joined.filter(|joined| (joined.len(), switches(joined)) < (best.len(), switches(best))) {
            Some(joined) => *best = joined,
            None => at += 1,
        }
    }
}
