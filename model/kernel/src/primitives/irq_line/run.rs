//! A line's interrupts as they come: who raises it, the CPU that runs its handler, the thread of a threaded one.
//!
//! ```text
//!   raise           pending; of several without anything to tell them apart one is left (an edge)
//!   handler         begins while one is pending and the line is open   IRQ_WAKE_THREAD: IRQTF_RUNTHREAD, wakes
//!   thread          sleeps until it is to run; then its function, which may sleep
//! ```
//!
//! As `handle_edge_irq()`, `__irq_wake_thread()`, `irq_thread()` and `irq_finalize_oneshot()` of `kernel/irq` (6.12).
//! What an interrupt is raised with stands for what hardware keeps for its handler, an entry of a status ring: no two
//! are one.

use super::State;
use crate::{
    Cx, Flow, Footprint, Held, ObjId, Patience, Property, Runtime, SharedCell, ThreadId, Value, View,
    coder::{fields, points},
    fixed,
    ground::{functions::functions, job::Job},
    primitives::irq::{HandlerHow, Irq},
    protocol::Protocol,
};

/// `IRQ_WAKE_THREAD`.
pub const WAKE_THREAD: i32 = 2;

points! {
    /// Where who raises a line is, or who handles it.
    pub(crate) enum At {
        /// It is pending from here on.
        Raise = "raise",
        /// `handle_irq_event()`: a CPU takes it.
        Begin = "irq_enter",
        /// The handler has returned; what it said.
        End = "irq_exit",
        /// `irq_wait_for_interrupt()`: sleeps until `IRQTF_RUNTHREAD`.
        Take = "irq_wait_for_interrupt",
        /// `irq_finalize_oneshot()`, `wake_threads_waitq()`.
        Done = "irq_finalize_oneshot",
    }
}

functions! {
    /// What is done with a line's interrupts.
    pub enum How begins at At {
        /// It is pending from here on.
        Raise,
        /// A CPU takes it.
        Begin,
        /// The handler has returned.
        End,
        /// Its thread waits for it.
        Take,
        /// And is done.
        Done,
    }
}

/// One of them in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRun {
    pub(super) at: At,
    pub(super) line: ObjId,
    /// What it is raised with, or what the handler said.
    pub(super) value: Value,
}

fields!(LineRun { at, line, value });

impl LineRun {
    pub(crate) const BLANK: LineRun = LineRun { at: At::Raise, line: ObjId::object(0), value: Value::Unset };

    fn raise<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) {
        let job = Job::of(self.value);
        // An edge that finds another one pending is the same interrupt.
        let same = job == Some(Job::Null) && s.pending.contains(&Job::Null);
        if !same && !job.is_some_and(|job| s.pending.push(job)) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.line));
        }
    }

    /// `__irq_wake_thread()`.
    fn wake_thread<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) {
        let Some(raised) = raised(cx.program, self.line) else { return };
        let (Some(thread), oneshot) = (raised.thread, raised.oneshot) else { return };
        s.oneshot |= oneshot;
        if !std::mem::replace(&mut s.run_thread, true) {
            s.active += 1;
            if !cx.mutated(super::Mutant::WakesNoThread) {
                cx.wake(thread);
            }
        }
    }

    fn step_held<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let mut s = cx.irq_line(self.line).state.get(held);
        let mut result = Value::Word(0);
        match self.at {
            At::Raise => self.raise(cx, &mut s),
            At::Begin => result = s.pending.take(0).map_or(Value::Null, Job::value),
            At::End if self.value == Value::Word(WAKE_THREAD) => self.wake_thread(cx, &mut s),
            At::End => {}
            At::Take if s.run_thread => {
                s.run_thread = false;
                cx.set_running();
            }
            At::Take => {
                cx.set_sleeping(Patience::Forever);
                return Flow::Sleep(self.line, Patience::Forever);
            }
            At::Done => {
                s.active = s.active.saturating_sub(1);
                // irq_finalize_oneshot() leaves it masked if the thread is to run again.
                s.oneshot &= s.run_thread;
                if s.active == 0 {
                    std::mem::take(&mut s.waiters).iter().for_each(|t| {
                        cx.wake(t);
                    });
                }
            }
        }
        cx.irq_line(self.line).state.set(held, s);
        Flow::Done(result)
    }

    fn handler(&self, program: &crate::Program) -> Irq {
        let how = if self.at == At::Begin { HandlerHow::Enter } else { HandlerHow::Exit };
        Irq { how, on: raised(program, self.line).and_then(|raised| raised.on), line: Some(self.line) }
    }
}

fn raised(program: &crate::Program, line: ObjId) -> Option<&super::kind::Raised> {
    program.fixed::<fixed::IrqLine>(line)?.raised.as_ref()
}

/// The thread of a threaded handler, if it has one.
pub(super) fn thread_of(program: &crate::Program, line: ObjId) -> Option<ThreadId> {
    raised(program, line)?.thread
}

impl Protocol for LineRun {
    const CHOOSES: bool = true;
    const HOLDS_BACK: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if matches!(self.at, At::Begin | At::End) {
            let _ = self.handler(cx.program).step(cx);
        }
        let held = cx.enter(self.line);
        self.step_held(cx, held)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.line);
        match self.at {
            At::Raise => f,
            At::Begin => self.handler(v.program).footprint(v).and(f),
            At::End => {
                let f = self.handler(v.program).footprint(v).and(f);
                thread_of(v.program, self.line).into_iter().fold(f, |f, t| f.write(ObjId::task(t)))
            }
            At::Take => f.write(v.my_task()),
            At::Done => {
                let waiters = v.world.irq_line(self.line).state.0.waiters;
                waiters.iter().fold(f, |f, t| f.write(ObjId::task(t)))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn is_held_back(&self, v: View<'_>) -> bool {
        let nothing = || v.world.irq_line(self.line).state.0.pending.is_empty();
        self.at == At::Begin && (nothing() || self.handler(v.program).is_held_back(v))
    }
}
