//! Our steps in stateright: the same states and the same transitions, in somebody else's search.

use crate::{cell::Result, ours, programs::Program};
use fenceweave_kernel::{Action, Program as Compiled, State};
use stateright::{Checker, Model, Property};

struct Machine {
    program: Compiled,
}

impl Machine {
    fn state(&self, encoding: &[u8]) -> State {
        let mut state = State::initial(&self.program);
        state.decode(&self.program, encoding);
        state
    }

    fn encoding(&self, state: &State) -> Vec<u8> {
        let mut state = *state;
        let mut bytes = vec![];
        state.encode(&self.program, &mut bytes);
        bytes
    }
}

impl Model for Machine {
    type State = Vec<u8>;
    type Action = Action;

    fn init_states(&self) -> Vec<Vec<u8>> {
        vec![self.encoding(&State::initial(&self.program))]
    }

    fn actions(&self, encoding: &Vec<u8>, actions: &mut Vec<Action>) {
        let state = self.state(encoding);
        for thread in state.enabled(&self.program).iter() {
            actions.extend((0..state.ways(&self.program, thread)).map(|choice| Action { thread, choice }));
        }
    }

    fn next_state(&self, encoding: &Vec<u8>, action: Action) -> Option<Vec<u8>> {
        let mut state = self.state(encoding);
        state.step(&self.program, action);
        Some(self.encoding(&state))
    }

    fn properties(&self) -> Vec<Property<Machine>> {
        vec![Property::always("nothing is broken and nobody is stuck", |m: &Machine, encoding: &Vec<u8>| {
            let state = m.state(encoding);
            let stuck = state.enabled(&m.program).is_empty() && !state.is_finished(&m.program);
            state.violation().is_none() && !stuck
        })]
    }
}

pub fn stateright(program: Program, n: usize) -> Result {
    let checker = Machine { program: ours::case(program, n).program }.checker().threads(1).spawn_bfs().join();
    Result {
        complete: checker.is_done(),
        wrong: !checker.discoveries().is_empty(),
        states: checker.unique_state_count() as u64,
        ..Result::default()
    }
}
