//! Whether anybody ever has to wait for somebody else.

use fenceweave_kernel::{Action, Program, State};

/// Walks at random; the same ones for the same program.
const WALKS: u64 = 16;
/// Steps of a walk: loops have no end.
const STEPS: usize = 400;

/// Looks at a few executions for a state in which a script that is not over cannot go on.
pub fn somebody_waits(program: &Program) -> bool {
    (0..WALKS).any(|seed| walk(program, seed))
}

fn walk(program: &Program, seed: u64) -> bool {
    let mut state = State::initial(program);
    let mut dice = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..STEPS {
        let enabled = state.enabled(program);
        if state.violation().is_some() {
            return false;
        }
        let held_up = program.threads().any(|t| !enabled.contains(t) && !state.is_over(program, t));
        if held_up {
            return true;
        }
        let able: Vec<_> = program.threads().filter(|t| enabled.contains(*t)).collect();
        if able.is_empty() {
            return false;
        }
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let thread = able[(dice >> 33) as usize % able.len()];
        let choice = (dice >> 20) as u8 % state.ways(program, thread).max(1);
        state.step(program, Action { thread, choice });
    }
    false
}
