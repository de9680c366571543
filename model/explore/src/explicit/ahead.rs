//! The graph of all that lies ahead of one state, for who goes step by step and asks what may go on for ever there, and
//! what may never come true.

use super::{graph::Graph, liveness, search::MOST_WAYS, stateset::StateSet, trace};
use crate::{
    Trace,
    ahead::{Here, Scene, Standing},
};
use fenceweave_kernel::{Action, Moment, Program, State};

/// Room for choosing among ways that are equally short. The graph is a small one.
const ROOM: usize = 1 << 26;

/// All states that a state leads to, in the order in which they are found, the nearest first; the state itself is 0.
pub(crate) struct Following {
    graph: Graph,
    /// The first state that is a step further away.
    level_end: usize,
    /// Some step does not fit, or a condition compares what cannot be compared: it is not judged.
    is_partial: bool,
    /// The conditions that are of more than one state, each with the states in which it is true.
    holds: Vec<(usize, StateSet)>,
}

impl Following {
    pub(crate) fn new(scene: Scene<'_>) -> Following {
        let mut graph = Graph::new(false);
        graph.room = ROOM;
        let of_more = scene.conditions.iter().enumerate().filter(|(_, c)| c.moment.is_of_the_whole_graph());
        let holds = of_more.map(|(at, _)| (at, StateSet::default())).collect();
        Following { graph, level_end: 0, is_partial: false, holds }
    }

    /// Begins with the edges of a state, when so many are known. They come in the order of their numbers.
    pub(crate) fn begin(&mut self, number: usize, known: usize, (scene, state): (Scene<'_>, &State)) {
        if number == self.level_end {
            self.graph.begin_level(number as u32);
            self.level_end = known;
        }
        self.graph.begin_state();
        for (at, holds) in &mut self.holds {
            match scene.conditions[*at].eval(scene.program, state) {
                Ok(Some(true)) => holds.insert(number as u32),
                Ok(_) => {}
                Err(_) => self.is_partial = true,
            }
        }
    }

    /// An edge of the state at hand.
    pub(crate) fn edge(&mut self, action: Action, progress: bool, to: usize) {
        self.is_partial |= u64::from(action.choice) >= MOST_WAYS;
        if !self.is_partial {
            self.graph.edge(action, progress, to as u32);
        }
    }

    /// What goes on for ever and should not, and what may never come true, each with the shortest way in from this
    /// state, the nearest first; `None` if that could not be judged. All that follows must have been looked at.
    pub(crate) fn wrong(&self, scene: Scene<'_>, from: Here<'_>) -> Option<Vec<(Standing, Trace)>> {
        let (program, graph) = (scene.program, &self.graph);
        let judged = (!self.is_partial).then(|| liveness::judge_graph(graph, program, from.state.clone()))??;
        let mut found: Vec<(Standing, Trace)> =
            judged.found.into_iter().map(|(violation, trace)| (Standing::Broken(violation), trace)).collect();
        let (initial, goes_round) = (from.state.clone(), graph.goes_back());
        let ground = liveness::Ground { graph, program, initial, cut: &StateSet::default(), goes_round };
        for (at, holds) in &self.holds {
            let execution = match scene.conditions[*at].moment {
                Moment::Settles => ground.unsettled(holds).map(|(state, round)| (self.way(program, state), round)),
                // What has come true once need not again.
                _ if from.came.contains(at) => None,
                _ => ground.never(holds).map(|course| (course.way, course.round)),
            };
            found.extend(execution.map(|(way, round)| (Standing::Condition(*at), liveness::execution(way, round))));
        }
        found.sort_by_key(|(_, trace)| trace.loop_from.unwrap_or(trace.steps.len()));
        (!graph.is_late()).then_some(found)
    }

    fn way(&self, program: &Program, to: u32) -> Vec<Action> {
        trace::best(&self.graph, program, &[to], None).steps
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
            let scene = Scene { program: &program, conditions: &[] };
            let mut following = Following::new(scene);
            following.begin(0, 1, (scene, &state));
            following.edge(Action { thread: ThreadId(0), choice }, true, 0);
            following.wrong(scene, Here { state: &state, came: &[] }).is_some()
        };
        assert!(!judged(MOST_WAYS as _));
    }
}
