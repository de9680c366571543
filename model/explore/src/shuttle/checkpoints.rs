//! States along the execution at hand, so that the next one need not take all of its steps again.
//!
//! ```text
//!   depth   0 . . . . . . . 8 . . . . . . . 16 . . . . . . 24 . .
//!   saved   ^               ^               ^              (stale: it belongs to a branch that was left)
//!                                              ^ here the next execution parts from this one: it begins at 16
//! ```
//!
//! A script on one of shuttle's threads keeps nothing between two steps, so an execution that begins with a saved state
//! is the one that would have come there. Now and then one is played from its start all the same and held against
//! what was saved.

use fenceweave_kernel::{Program, State};

/// Steps between two saved states, as long as there is room.
const EVERY: usize = 8;
/// Most states saved. When there are so many, every other one goes, and the distance doubles.
const MOST: usize = 256;

/// The saved states.
pub(super) struct Checkpoints {
    every: usize,
    /// The `i`th is the state at depth `i * every`.
    saved: Vec<State>,
}

impl Checkpoints {
    pub(super) fn new() -> Checkpoints {
        Checkpoints { every: EVERY, saved: vec![] }
    }

    /// The execution at hand has come to a new state at this depth.
    pub(super) fn note(&mut self, program: &Program, depth: usize, state: &State) {
        if !depth.is_multiple_of(self.every) {
            return;
        }
        if depth / self.every == MOST {
            self.thin(program);
            return self.note(program, depth, state);
        }
        match self.saved.get_mut(depth / self.every) {
            Some(old) => old.copy_from(state, program),
            None => {
                let mut saved = state.clone();
                // The memory behind the frames is that of the execution at hand alone.
                saved.world.set_bytes(None);
                self.saved.push(saved);
            }
        }
    }

    fn thin(&mut self, program: &Program) {
        for i in 1..self.saved.len().div_ceil(2) {
            let later = self.saved[2 * i].clone();
            self.saved[i].copy_from(&later, program);
        }
        self.saved.truncate(self.saved.len().div_ceil(2));
        self.every *= 2;
    }

    /// The deepest saved state that is not behind `depth`, and its own depth. None before the first execution.
    pub(super) fn at_most(&self, depth: usize) -> Option<(usize, &State)> {
        let i = depth / self.every;
        self.saved.get(i).map(|state| (i * self.every, state))
    }

    /// An execution played from its start has come to this depth again.
    ///
    /// # Panics
    ///
    /// If it is not the state that was saved there: a step depends on something that is not in the state.
    pub(super) fn check(&self, program: &Program, depth: usize, state: &State) {
        let Some((at, saved)) = self.at_most(depth) else { return };
        if at == depth {
            let code = |s: &State| {
                let mut code = vec![];
                s.clone().encode(program, &mut code);
                code
            };
            assert!(code(state) == code(saved), "[internal bug] the same steps lead to another state at step {depth}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fenceweave_kernel::builder::ProgramBuilder;

    #[test]
    fn however_deep_it_gets_the_states_saved_are_few_and_at_their_depths() {
        let program = ProgramBuilder::new("empty").build();
        let state = State::initial(&program);
        let mut checkpoints = Checkpoints::new();
        for depth in 0..10_000 {
            checkpoints.note(&program, depth, &state);
            let (at, _) = checkpoints.at_most(depth).unwrap();
            assert!(at <= depth && depth - at < checkpoints.every);
            assert!(checkpoints.saved.len() <= MOST);
        }
        assert_eq!(checkpoints.every, 64);
    }
}
