//! The plainest search there is: every state once, every enabled thread, every choice.

use fenceweave_explore::diagnose;
use fenceweave_kernel::{Action, Condition, Moment, Outcome, Program, State};
use std::collections::{BTreeSet, HashSet};

/// What there is to see.
pub(crate) struct Seen {
    pub(crate) outcomes: BTreeSet<Outcome>,
    pub(crate) states: u64,
    pub(crate) terminals: u64,
    /// Whether each condition is true, and false, somewhere.
    pub(crate) conditions: Vec<(bool, bool)>,
}

impl Seen {
    pub(crate) fn violated(&self) -> bool {
        self.outcomes.iter().any(|o| matches!(o, Outcome::Violated(_)))
    }

    fn judge(&mut self, program: &Program, state: &State, conditions: &[Condition], at_end: bool) {
        for (c, seen) in conditions.iter().zip(&mut self.conditions) {
            if (c.moment == Moment::AtEnd) == at_end {
                match c.eval(program, state) {
                    Ok(Some(true)) => seen.0 = true,
                    Ok(Some(false)) => seen.1 = true,
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, program: &Program, mut state: State, conditions: &[Condition]) {
        self.terminals += 1;
        let broken = state.violation().or_else(|| diagnose::stuck(program, &state)).or_else(|| state.conclude(program));
        match broken {
            Some(v) => drop(self.outcomes.insert(Outcome::Violated(v))),
            None => {
                self.outcomes.insert(state.outcome(program));
                self.judge(program, &state, conditions, true);
            }
        }
    }
}

/// Visits every state; `None` if there are more than the test has time for (a counter in a loop has billions).
pub(crate) fn search(program: &Program, conditions: &[Condition], most: usize) -> Option<Seen> {
    let seen = vec![(false, false); conditions.len()];
    let mut all = Seen { outcomes: BTreeSet::new(), states: 0, terminals: 0, conditions: seen };
    let (mut known, mut todo) = (HashSet::new(), vec![State::initial(program)]);
    while let Some(mut state) = todo.pop() {
        let mut encoding = vec![];
        state.encode(program, &mut encoding);
        if !known.insert(encoding) {
            continue;
        }
        if known.len() > most {
            return None;
        }
        all.judge(program, &state, conditions, false);
        let enabled = state.enabled(program);
        if enabled.is_empty() {
            all.end(program, state, conditions);
            continue;
        }
        for thread in enabled.iter() {
            for choice in 0..state.footprint(program, thread).ways {
                let mut next = state.clone();
                next.step(program, Action { thread, choice });
                todo.push(next);
            }
        }
    }
    all.states = known.len() as u64;
    Some(all)
}
