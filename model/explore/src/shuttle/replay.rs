//! One given schedule, step by step, on shuttle's threads.

use super::{
    rig::{self, At, Director, Offer},
    tally::Tally,
};
use crate::{Coverage, Exploration, Task};
use fenceweave_kernel::{Action, Program, ThreadSet};
use std::fmt;

/// Why a schedule could not be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Divergence {
    /// The program has no such thread.
    NoSuchThread,
    /// The thread is done, sleeps, or spins.
    Disabled,
    /// The step has fewer ways to go.
    NoSuchChoice {
        /// How many it has.
        ways: u8,
    },
    /// The execution was over: nobody can run, or the step before broke a property.
    Over,
}

/// A schedule that does not fit the program: at which step they part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayError {
    /// The place of the step in the schedule, from 0.
    pub at: usize,
    /// The step.
    pub action: Action,
    /// What is wrong with it.
    pub why: Divergence,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, thread, choice) = (self.at, self.action.thread.0, self.action.choice);
        write!(f, "the schedule diverges at step {at}: ")?;
        match self.why {
            Divergence::NoSuchThread => write!(f, "there is no thread {thread}"),
            Divergence::Disabled => write!(f, "thread {thread} cannot run"),
            Divergence::NoSuchChoice { ways } => {
                write!(f, "thread {thread} makes choice {choice}, but there are only {ways}")
            }
            Divergence::Over => write!(f, "the execution is over"),
        }
    }
}

impl std::error::Error for ReplayError {}

struct Replay {
    steps: Vec<Action>,
    begun: bool,
    tally: Tally,
    error: Option<ReplayError>,
}

impl Replay {
    /// What is wrong with taking this step now.
    fn check(&self, program: &Program, at: &At, action: Action) -> Result<(), Divergence> {
        if action.thread.index() >= program.scripts.len() {
            return Err(Divergence::NoSuchThread);
        }
        if at.state.enabled(program).is_empty() {
            return Err(Divergence::Over);
        }
        if !at.state.is_enabled(program, action.thread) {
            return Err(Divergence::Disabled);
        }
        let ways = at.state.ways(program, action.thread);
        if action.choice < ways { Ok(()) } else { Err(Divergence::NoSuchChoice { ways }) }
    }
}

impl Director for Replay {
    fn begin(&mut self, _program: &Program, _at: &mut At) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn next(&mut self, program: &Program, at: &mut At, _offer: &Offer<'_>) -> Option<Action> {
        let new = self.tally.arrive(program, at, ThreadSet::default()).new;
        let done = at.steps.len();
        let Some(action) = self.steps.get(done).copied() else {
            if at.state.enabled(program).is_empty() {
                self.tally.end(program, at, new);
            }
            return None;
        };
        if let Err(why) = self.check(program, at, action) {
            self.error = Some(ReplayError { at: done, action, why });
            return None;
        }
        self.tally.note_transition();
        Some(action)
    }
}

/// Takes the steps of a schedule, from the state after setup.
///
/// The result has the outcome of the execution, or none if the schedule stops before its end; what it found and saw of
/// the conditions is about this execution alone.
///
/// # Errors
///
/// The first step that the program cannot take.
pub fn replay(task: &Task<'_>, steps: &[Action]) -> Result<Exploration, ReplayError> {
    let replay = Replay { steps: steps.to_vec(), begun: false, tally: Tally::new(task), error: None };
    let replay = rig::run(task.program, replay, |_| {});
    match replay.error {
        Some(e) => Err(e),
        None => Ok(replay.tally.into_exploration(task, Coverage::Sampled)),
    }
}
