//! Every step of a small program, one after the other: for whoever wants to look at all of them and not for a verdict.

use fenceweave_kernel::{Action, Program, State};
use std::collections::{HashSet, VecDeque};

/// Takes every step from every reachable state and shows it, breadth-first: the state before, the step, the state after.
/// False if there are more states than this.
pub fn walk(program: &Program, most: usize, mut show: impl FnMut(&State, Action, &State)) -> bool {
    let (mut seen, mut todo) = (HashSet::new(), VecDeque::new());
    let mut initial = State::initial(program);
    let mut encoding = vec![];
    initial.encode(program, &mut encoding);
    seen.insert(encoding);
    todo.push_back(initial);
    while let Some(state) = todo.pop_front() {
        for thread in state.enabled(program).iter() {
            for choice in 0..state.ways(program, thread) {
                let action = Action { thread, choice };
                let (mut next, mut encoding) = (state, vec![]);
                next.step(program, action);
                show(&state, action, &next);
                next.encode(program, &mut encoding);
                if seen.len() < most && !seen.contains(&encoding) {
                    seen.insert(encoding);
                    todo.push_back(next);
                } else if !seen.contains(&encoding) {
                    return false;
                }
            }
        }
    }
    true
}
