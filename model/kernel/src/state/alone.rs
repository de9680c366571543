//! Setup and teardown: scripts that have the system to themselves, so that there is one way for them to go.
//!
//! What they queue or arm is pending when they are over. Only where they wait does something else run: an agent, if it is
//! the only one that can, for as long as they wait. Several, or a choice, would be more than one way, which nobody looks
//! at: that is no verdict.

use super::State;
use crate::{
    Action, ObjId, Patience, Plain, Program, Property, Script, Thread, ThreadId, Violation, coder::Writer, thread::Run,
};

/// Most steps of setup or of teardown.
pub const MAX_STEPS_ALONE: usize = 1_000_000;
/// After so many it is looked whether they come back to where they were.
const FEW_STEPS: usize = 1_000;

/// Whose step is next.
enum Turn {
    Mine,
    Agents(ThreadId),
    Stopped(Property, Option<ObjId>, Option<ThreadId>),
}

/// A place that an endless loop comes back to (Brent's method): what was there, and when to look at a later one.
#[derive(Default)]
struct Been {
    there: Vec<u8>,
    here: Vec<u8>,
    until: usize,
}

impl Been {
    /// Whether everything is as it was before.
    fn again(&mut self, program: &Program, state: &mut State, thread: &mut Thread, script: &Script, at: usize) -> bool {
        if at < FEW_STEPS {
            return false;
        }
        self.here.clear();
        state.encode(program, &mut self.here);
        // The encoding of a state has no part for who runs alone.
        self.here.push(u8::from(state.is_awake(program.main_thread())));
        let (generations, canon) = (state.world.generations(), state.world.canon());
        thread.code_with(&mut Writer { out: &mut self.here, canon, generations: &generations }, script);
        let again = self.here == self.there;
        if at >= self.until {
            self.until = 2 * at;
            std::mem::swap(&mut self.here, &mut self.there);
        }
        again
    }
}

impl State {
    /// Runs a script from start to end while every other thread stands still. Where it sleeps, an agent runs.
    pub(super) fn run_alone(&mut self, program: &Program, script: &Script) -> Option<Violation> {
        let me = program.main_thread();
        let (mut thread, mut rt, mut been) = (Thread::default(), Plain::default(), Been::default());
        if script.code.is_empty() {
            return None;
        }
        let stopped = |thread: &Thread, property, object, other| {
            Some(Violation { property, thread: me, pc: thread.pc(), rule: None, object, other })
        };
        let mut violation = thread.start(script, program, &mut self.world, me, &mut rt);
        for step in 0..MAX_STEPS_ALONE {
            if violation.is_some() || thread.run() == Run::Done {
                return violation;
            }
            if been.again(program, self, &mut thread, script, step) {
                return stopped(&thread, Property::Livelock, None, None);
            }
            violation = match self.turn(program, &thread) {
                Turn::Mine => thread.step(script, program, &mut self.world, me, &mut rt).violation,
                Turn::Agents(thread) => {
                    self.bare_step(program, Action { thread, choice: 0 });
                    self.violation.take()
                }
                Turn::Stopped(property, object, other) => stopped(&thread, property, object, other),
            };
        }
        stopped(&thread, Property::CapacityExceeded, None, Some(me))
    }

    fn turn(&mut self, program: &Program, thread: &Thread) -> Turn {
        let me = program.main_thread();
        if self.spins(thread, me) {
            return Turn::Stopped(Property::Deadlock, None, None);
        }
        if let Some(word) = thread.spins_until(&self.world, program) {
            return Turn::Stopped(Property::Livelock, Some(word), None);
        }
        match thread.run() {
            Run::Asleep(on, patience) if !self.is_awake(me) => {
                self.send_to_sleep(program);
                self.turn_asleep(program, on, patience)
            }
            _ => Turn::Mine,
        }
    }

    /// Agents that would find nothing to do find it.
    fn send_to_sleep(&mut self, program: &Program) {
        for t in program.threads().filter(|t| program.is_agent(*t)) {
            if self.thread(t).is_idle() && self.is_enabled(program, t) {
                let before = *self;
                self.bare_step(program, Action { thread: t, choice: 0 });
                if !self.thread(t).is_idle() || self.is_enabled(program, t) || self.violation.is_some() {
                    *self = before;
                }
            }
        }
    }

    /// Somebody else's, if it can only be one's; a timeout comes where nobody can run.
    fn turn_asleep(&self, program: &Program, on: ObjId, patience: Patience) -> Turn {
        let mut agents = program.threads().filter(|t| program.is_agent(*t) && self.is_enabled(program, *t));
        match (agents.next(), agents.next()) {
            (None, _) if patience.timed() => Turn::Mine,
            (None, _) => Turn::Stopped(Property::Deadlock, None, None),
            (Some(t), None) if !patience.timed() && self.ways(program, t) == 1 => Turn::Agents(t),
            (other, _) => Turn::Stopped(Property::CapacityExceeded, Some(on), other),
        }
    }
}
