//! A state that was written down and read again goes on as it would have: what its encoding leaves out, nobody tells.
//!
//! A search goes on from encodings, and so does `explicit`; `shuttle` goes on from the states themselves. What one of
//! them has and the other has not would be a state more here and none there.

use super::{conditions_of, shipped};
use fenceweave_kernel::{Action, Merging, Program, State};
use fenceweave_scenario::Case;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// States of each case that are held against what was read of them.
const STATES: usize = 60;

fn encoding(state: &State, program: &Program) -> Vec<u8> {
    let mut out = vec![];
    state.clone().encode(program, &mut out);
    out
}

/// Every state from here, the nearest first, up to so many; returns how many steps were held against each other.
fn hold(case: &Case) -> usize {
    let program = &case.program;
    let conditions = conditions_of(case);
    let merging = Merging::of(program, &conditions).map(Arc::new);
    let initial = State::initial(program).merging(merging).grained(program, &conditions, case.has_loops);
    let mut seen = BTreeSet::from([encoding(&initial, program)]);
    let (mut open, mut steps) = (VecDeque::from([initial.clone()]), 0);
    while let Some(state) = open.pop_front().filter(|_| seen.len() < STATES) {
        if state.violation().is_some() {
            continue;
        }
        let mut read = initial.clone();
        read.decode(program, &encoding(&state, program));
        for thread in state.enabled(program).iter() {
            for choice in 0..state.ways(program, thread) {
                let (mut one, mut other) = (state.clone(), read.clone());
                one.step(program, Action { thread, choice });
                other.step(program, Action { thread, choice });
                let next = encoding(&one, program);
                let name = (&program.name, program.thread_name(thread));
                assert_eq!(next, encoding(&other, program), "{name:?} goes on otherwise: {:?}", state.thread(thread));
                steps += 1;
                if seen.insert(next) {
                    open.push_back(one);
                }
            }
        }
    }
    steps
}

#[test]
fn a_state_that_was_read_again_goes_on_as_it_would_have() {
    let mut steps = 0;
    for (_, loaded) in shipped::scenarios() {
        steps += loaded.scenarios.iter().flat_map(|s| &s.cases).map(hold).sum::<usize>();
    }
    println!("{steps} steps");
    assert!(steps > 10_000, "{steps} steps");
}
