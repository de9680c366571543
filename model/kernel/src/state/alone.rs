//! Setup and teardown: scripts that have the system to themselves, so that there is one way for them to go.
//!
//! What they queue or arm is pending when they are over. Only where they wait does something else run: an agent, if it
//! is the only one that can, for as long as they wait. Several, or a choice, would be more than one way, which nobody
//! looks at: that is no verdict.

use super::{State, of};
use crate::{
    Cover, Instr, ObjId, Patience, Plain, Program, Property, Script, Thread, ThreadId, Violation, fixed,
    program::{Fall, SlabKind},
    thread::{Run, Stepped},
};

/// Steps of setup or teardown that nobody looks at twice.
const FEW_ALONE_STEPS: usize = 1 << 10;
/// Most steps of setup or teardown.
pub const MAX_ALONE_STEPS: usize = 10_000_000;

/// Sees setup or teardown go: the state, whose step it is and that thread, before a step, and again with what it did.
pub type Watch<'a> = dyn FnMut(&State, ThreadId, &Thread, Option<&Stepped>) + 'a;

/// Whose step is next.
enum Turn {
    Mine,
    Agents(ThreadId),
    Stopped(Property, Option<ObjId>, Option<ThreadId>),
}

/// Where everything was once: an endless loop comes back to it.
#[derive(Default)]
struct Been {
    there: Option<(Thread, bool, Vec<u8>)>,
    next: usize,
}

impl Been {
    fn again(&mut self, program: &Program, state: &mut State, thread: &Thread, taken: usize) -> bool {
        let awake = |state: &State| state.is_awake(program.main_thread());
        if taken == self.next.max(FEW_ALONE_STEPS) {
            self.next = 2 * taken;
            self.there = Some((thread.clone(), awake(state), state.encoded(program)));
            return false;
        }
        let Some((then, was_awake, there)) = &self.there else { return false };
        then.pc() == thread.pc() && then == thread && *was_awake == awake(state) && *there == state.encoded(program)
    }
}

impl State {
    /// Runs a script from start to end while every other thread stands still. Where it sleeps, an agent runs. A loop
    /// must end: one that comes back to a state that was there before does not. `at` is its place among the scripts
    /// whose instructions are counted.
    pub(super) fn run_alone(
        &mut self,
        program: &Program,
        (script, at): (&Script, usize),
        cover: &mut Option<&mut Cover>,
        watch: &mut Watch<'_>,
    ) -> Option<Violation> {
        if script.code.is_empty() {
            return None;
        }
        let mut thread = Thread::default();
        let violation = self.go_alone(&mut thread, program, (script, at), cover, watch);
        let noted = if at == program.scripts.len() { &mut self.alone.setup } else { &mut self.alone.teardown };
        *noted |= thread.warned();
        violation
    }

    fn go_alone(
        &mut self,
        thread: &mut Thread,
        program: &Program,
        (script, at): (&Script, usize),
        cover: &mut Option<&mut Cover>,
        watch: &mut Watch<'_>,
    ) -> Option<Violation> {
        let (me, mut been) = (program.main_thread(), Been::default());
        let stopped = |thread: &Thread, property, object, other| {
            Some(Violation { object, other, ..Violation::new(property, me, thread.pc()) })
        };
        let mut violation =
            thread.start_covering((script, of(cover, at)), program, &mut self.world, me, &mut Plain::default());
        for taken in 0..MAX_ALONE_STEPS {
            if violation.is_some() || thread.run() == Run::Done {
                return violation;
            }
            if been.again(program, self, thread, taken) {
                let asleep = matches!(thread.run(), Run::Asleep(..));
                let property = if asleep { Property::LIVELOCK } else { Property::SPINS_LOCALLY };
                return stopped(thread, property, None, None);
            }
            let stepped = match self.turn(program, thread, script) {
                Turn::Mine => {
                    watch(self, me, thread, None);
                    let covered = (script, of(cover, at), None);
                    let stepped = thread.step_covering(covered, program, &mut self.world, me, &mut Plain::default());
                    watch(self, me, thread, Some(&stepped));
                    stepped
                }
                Turn::Agents(t) => {
                    watch(self, t, self.thread(t), None);
                    let stepped = self.agents_step(program, t, cover);
                    watch(self, t, self.thread(t), Some(&stepped));
                    stepped
                }
                Turn::Stopped(property, object, other) => return stopped(thread, property, object, other),
            };
            violation = stepped.violation;
            if stepped.worn {
                self.renumber(program, Some((thread, script)));
            }
        }
        stopped(thread, Property::CAPACITY_EXCEEDED, None, None)
    }

    fn agents_step(&mut self, program: &Program, t: ThreadId, cover: &mut Option<&mut Cover>) -> Stepped {
        let (agent, script) = (&mut self.threads[t.index()], &program.scripts[t.index()]);
        agent.step_covering((script, of(cover, t.index()), None), program, &mut self.world, t, &mut Plain::default())
    }

    fn encoded(&mut self, program: &Program) -> Vec<u8> {
        let mut out = vec![];
        self.encode(program, &mut out);
        out
    }

    fn turn(&mut self, program: &Program, thread: &Thread, script: &Script) -> Turn {
        let me = program.main_thread();
        if self.spins(thread, me) {
            return Turn::Stopped(Property::DEADLOCK, None, None);
        }
        if let Some(word) = self.spins_until(program, me) {
            return Turn::Stopped(Property::LIVELOCK, Some(word), None);
        }
        match thread.run() {
            Run::Asleep(on, patience) if !self.is_awake(me) => {
                self.send_to_sleep(program);
                self.turn_asleep(program, on, patience)
            }
            // One way would be taken, and the others not looked at.
            _ if thread.machine().ways(|| thread.view(&self.world, program, me)) > 1
                && !self.takes_any_slot(program, script, thread) =>
            {
                Turn::Stopped(Property::CAPACITY_EXCEEDED, None, Some(me))
            }
            _ => Turn::Mine,
        }
    }

    /// Whether its operation is a `new` that chooses among slots which nobody can tell from each other: in setup, as
    /// long as none of them was anything before. All hold the same then and nobody points to one, so whichever it
    /// takes, the rest is the same but for their numbers. A slot that was freed holds what its object left, and who
    /// kept a pointer to that finds the new one there or does not.
    fn takes_any_slot(&self, program: &Program, script: &Script, thread: &Thread) -> bool {
        let instr = script.code.get(usize::from(thread.pc()));
        let takes = matches!(instr, Some(Instr::Op { op, .. }) if matches!(op.row().chooses, Some((Fall::Slot, _))));
        let typesafe = |slot: &ObjId| program.slab_of(*slot) == SlabKind::TypesafeByRcu;
        let was_used = |slot| {
            let object = self.world.object(slot);
            !object.lives() && object.generation() != Some(0)
        };
        takes && std::ptr::eq(script, &program.setup) && !program.all::<fixed::Slot>().filter(typesafe).any(was_used)
    }

    /// Agents that would find nothing to do find it.
    fn send_to_sleep(&mut self, program: &Program) {
        for t in program.threads().filter(|t| program.is_agent(*t)) {
            if self.thread(t).is_idle() && self.is_enabled(program, t) {
                let before = self.clone();
                let stepped = self.agents_step(program, t, &mut None);
                if !self.thread(t).is_idle() || self.is_enabled(program, t) || stepped.violation.is_some() {
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
            (None, _) => Turn::Stopped(Property::DEADLOCK, None, None),
            (Some(t), None) if !patience.timed() && self.ways(program, t) == 1 => Turn::Agents(t),
            (other, _) => Turn::Stopped(Property::CAPACITY_EXCEEDED, Some(on), other),
        }
    }
}
