//! Our steps in stateright: the same states and the same transitions, in somebody else's search.
//!
//! As somebody would write it who wants it quick: a state is its canonical encoding, taken apart once where its actions are asked
//! for and once for each successor, in a state of the thread's own; nothing else is allocated. Quiet accesses are no steps of their
//! own, as in `explicit`.

use crate::{cell::Result, ours, programs::Program};
use fenceweave_kernel::{Action, Merging, Program as Compiled, State};
use stateright::{Checker, Model, Property};
use std::{cell::RefCell, sync::Arc};

struct Machine {
    program: Compiled,
    initial: State,
}

thread_local! {
    /// What encodings are taken apart into, and what they are written into.
    static SCRATCH: RefCell<Option<(State, Vec<u8>)>> = const { RefCell::new(None) };
}

impl Machine {
    fn new(program: Compiled) -> Machine {
        let initial = State::initial(&program).merging(Merging::of(&program, &[]).map(Arc::new)).unchecked();
        Machine { initial, program }
    }

    /// Does something with the state that this encodes.
    fn with<T>(&self, encoding: &[u8], what: impl FnOnce(&mut State, &mut Vec<u8>) -> T) -> T {
        SCRATCH.with_borrow_mut(|scratch| {
            let (state, bytes) = scratch.get_or_insert_with(|| (self.initial.clone(), vec![]));
            state.decode(&self.program, encoding);
            bytes.clear();
            what(state, bytes)
        })
    }
}

impl Model for Machine {
    type State = Box<[u8]>;
    type Action = Action;

    fn init_states(&self) -> Vec<Box<[u8]>> {
        let mut bytes = vec![];
        self.initial.clone().encode(&self.program, &mut bytes);
        vec![bytes.into()]
    }

    fn actions(&self, encoding: &Box<[u8]>, actions: &mut Vec<Action>) {
        self.with(encoding, |state, _| {
            for thread in state.enabled(&self.program).iter() {
                actions.extend((0..state.ways(&self.program, thread)).map(|choice| Action { thread, choice }));
            }
        });
    }

    fn next_state(&self, encoding: &Box<[u8]>, action: Action) -> Option<Box<[u8]>> {
        self.with(encoding, |state, bytes| {
            state.step(&self.program, action);
            state.encode(&self.program, bytes);
            Some(bytes.as_slice().into())
        })
    }

    fn properties(&self) -> Vec<Property<Machine>> {
        vec![Property::always("nothing is broken and nobody is stuck", |m: &Machine, encoding: &Box<[u8]>| {
            m.with(encoding, |state, _| {
                let stuck = state.enabled(&m.program).is_empty() && !state.is_finished(&m.program);
                state.violation().is_none() && !stuck
            })
        })]
    }
}

pub fn stateright(program: Program, n: usize) -> Result {
    let checker = Machine::new(ours::case(program, n).program).checker().threads(1).spawn_bfs().join();
    Result {
        complete: checker.is_done(),
        wrong: !checker.discoveries().is_empty(),
        states: checker.unique_state_count() as u64,
        ..Result::default()
    }
}
