//! Every step of a small program, one after the other: for whoever wants to look at all of them and not for a verdict.

use fenceweave_kernel::{Action, Program, State};
use std::collections::{HashSet, VecDeque};
use xxhash_rust::xxh3::xxh3_128;

/// Takes every step from every reachable state and shows it, breadth-first: the state before, the step, the state
/// after. False if there are more states than this, or somebody has said to [stop](crate::interrupt).
///
/// Kept of a state is what `explicit` keeps of it: its fingerprint, and until its steps were taken its encoding.
pub fn walk(program: &Program, most: usize, mut show: impl FnMut(&State, Action, &State)) -> bool {
    let (mut seen, mut todo) = (HashSet::new(), VecDeque::new());
    let mut state = State::initial(program);
    let mut encoding = vec![];
    state.encode(program, &mut encoding);
    seen.insert(xxh3_128(&encoding));
    todo.push_back(encoding.clone());
    let mut next = state.clone();
    while let Some(here) = todo.pop_front() {
        state.decode(program, &here);
        if crate::interrupt::requested() {
            return false;
        }
        for thread in state.enabled(program).iter() {
            for choice in 0..state.ways(program, thread) {
                let action = Action { thread, choice };
                next.copy_from(&state, program);
                next.step(program, action);
                show(&state, action, &next);
                encoding.clear();
                next.encode(program, &mut encoding);
                if !seen.insert(xxh3_128(&encoding)) {
                    continue;
                }
                if seen.len() > most {
                    return false;
                }
                todo.push_back(encoding.clone());
            }
        }
    }
    true
}
