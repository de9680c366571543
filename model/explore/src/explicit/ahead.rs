//! The graph of all that lies ahead of one state, for who goes step by step and asks what may go on for ever there.

use super::{graph::Graph, liveness, search::MOST_WAYS};
use crate::Trace;
use fenceweave_kernel::{Action, Program, State, Violation};

/// Room for choosing among ways that are equally short. The graph is a small one.
const ROOM: usize = 1 << 26;

/// All states that a state leads to, in the order in which they are found, the nearest first; the state itself is 0.
pub(crate) struct Following {
    graph: Graph,
    /// The first state that is a step further away.
    level_end: usize,
    /// Some step does not fit: it is not judged.
    is_partial: bool,
}

impl Following {
    pub(crate) fn new() -> Following {
        let mut graph = Graph::new(false);
        graph.room = ROOM;
        Following { graph, level_end: 0, is_partial: false }
    }

    /// Begins with the edges of a state, when so many are known. They come in the order of their numbers.
    pub(crate) fn begin(&mut self, state: usize, known: usize) {
        if state == self.level_end {
            self.graph.begin_level(state as u32);
            self.level_end = known;
        }
        self.graph.begin_state();
    }

    /// An edge of the state at hand.
    pub(crate) fn edge(&mut self, action: Action, progress: bool, to: usize) {
        self.is_partial |= u64::from(action.choice) >= MOST_WAYS;
        if !self.is_partial {
            self.graph.edge(action, progress, to as u32);
        }
    }

    /// What goes on for ever and should not, each with the shortest way in from this state, the nearest first; `None`
    /// if that could not be judged. All that follows must have been looked at.
    pub(crate) fn endless(&self, program: &Program, from: &State) -> Option<Vec<(Violation, Trace)>> {
        let judged = (!self.is_partial).then(|| liveness::judge_graph(&self.graph, program, from.clone()))??;
        let mut found = judged.found;
        found.sort_by_key(|(_, trace)| trace.loop_from);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fenceweave_kernel::{ThreadId, builder::ProgramBuilder};

    #[test]
    fn a_step_that_does_not_fit_is_no_verdict() {
        let program = ProgramBuilder::new("x").build();
        let state = State::initial(&program);
        let judged = |choice| {
            let mut following = Following::new();
            following.begin(0, 1);
            following.edge(Action { thread: ThreadId(0), choice }, true, 0);
            following.endless(&program, &state).is_some()
        };
        assert!(!judged(MOST_WAYS as _));
    }
}
