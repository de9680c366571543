//! What it means that nobody can run: a deadlock, or a wake-up that was lost.

use fenceweave_kernel::{Action, Program, Property, State, ThreadId, Violation, thread::Run};

/// Most steps taken to see whether waking a sleeper for nothing leads on.
const MAX_STEPS: usize = 10_000;

/// The violation of a state in which nobody can take a step although a script is unfinished, or a worker is in the middle
/// of something; `None` if all are done.
///
/// It is a *lost wake-up* if and only if waking one sleeper for nothing leads somewhere else than back to sleep, and a
/// deadlock otherwise.
pub fn stuck(program: &Program, state: &State) -> Option<Violation> {
    let first = program.threads().find(|t| !state.is_over(program, *t))?;
    let lost = program.threads().filter(|t| !state.is_over(program, *t)).find(|t| leads_on(program, state, *t));
    let (property, thread) = match lost {
        Some(t) => (Property::LostWakeup, t),
        None => (Property::Deadlock, first),
    };
    let pc = state.thread(thread).pc();
    let object = match state.thread(thread).run() {
        Run::Asleep(on, _) => Some(on),
        _ => state.thread(thread).machine().spins_on(),
    };
    Some(Violation { property, thread, pc, object, other: None })
}

/// Whether the sleeper, woken for nothing, gets anywhere: alone, because everybody else is stuck.
fn leads_on(program: &Program, stuck: &State, sleeper: ThreadId) -> bool {
    if !matches!(stuck.thread(sleeper).run(), Run::Asleep(..)) {
        return false;
    }
    let mut state = *stuck;
    state.wake_for_nothing(sleeper);
    for _ in 0..MAX_STEPS {
        let Some(t) = state.enabled(program).iter().next() else { break };
        if t != sleeper {
            // It has made somebody else runnable: things go on.
            return true;
        }
        if state.step(program, Action { thread: t, choice: 0 }).violation.is_some() {
            return true;
        }
    }
    !state.same_threads(stuck, program)
}
