//! `struct timer_list`: armed, it expires at any moment, and its handler runs in soft interrupt context.
//!
//! ```text
//!   mod_timer        pending := 1                         wakes the handler's thread
//!   handler          pending := 0, running     … body …   not running
//!   del_timer_sync   pending := 0, waits, without sleeping, until it does not run
//! ```
//!
//! The handler runs on a CPU of its own. In the kernel it may run on any, in the middle of the thread that holds the
//! lock which it takes: that no execution shows, but the lock's use, in all executions together (lockdep's usage
//! classes).
//!
//! `timer_delete_sync()` in an interrupt handler, which may have interrupted the timer's on this CPU, is the kernel's
//! `WARN_ON(in_hardirq() && !(timer->flags & TIMER_IRQSAFE))`.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Context, Cx, Flow, Footprint, ObjId, Patience, Plain, Property, Rule, Runtime, SharedCell, ThreadId,
    Value, View, Violation,
    coder::{fields, points},
    cx::check_nothing_left,
    facet::{Facet, FacetSink},
    ground::functions::functions,
    primitives::{rcu, spinlock::RawSpin},
    program::Role,
    property::Form,
    protocol::Protocol,
    shared::Shared,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    pending: bool,
    /// What its handler will get.
    data: Value,
    /// Held by the handler while it runs.
    running: RawSpin,
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.pending.code(c);
        if self.pending {
            self.data.code(c);
        } else {
            self.data = Value::Unset;
        }
        self.running.code(c);
    }
}

/// A `struct timer_list`.
#[derive(Clone)]
pub struct Timer<R: Runtime> {
    state: R::Cell<State>,
}

impl Copy for Timer<Plain> {}

impl<R: Runtime> Timer<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Timer { state: R::Cell::new(State::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for Timer<R> {
    fn is_run_unlocked(&self) -> bool {
        true
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("pending", Facet::Flag(s.pending));
        sink("running", Facet::Flag(s.running.owner().is_some()));
    }

    /// Who runs its handler.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.state.peek().running.owner()
    }
}

impl Code for Timer<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

points! {
    /// Where an operation on a timer is.
    pub(crate) enum At {
        /// `mod_timer()`: 1 if it was pending already.
        Mod = "mod_timer",
        /// `timer_delete()`: 1 if it was pending.
        Del = "timer_delete",
        /// `timer_delete_sync()`: disabled while the handler runs.
        DelSync = "timer_delete_sync",
        /// It expires, if it is armed.
        Expire = "timer expires",
        /// The handler has returned.
        Done = "timer function returns",
    }
}

functions! {
    /// A timer's functions, and the end of its handler.
    pub enum How begins at At {
        /// `mod_timer()`: 1 if it was pending already.
        Mod,
        /// `timer_delete()`: 1 if it was pending.
        Del,
        /// `timer_delete_sync()`: disabled while the handler runs.
        DelSync,
        /// The handler has returned.
        Done,
    }
}

/// An operation on a timer in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerOp {
    pub(crate) at: At,
    pub(crate) timer: ObjId,
    pub(crate) data: Value,
}

fields!(TimerOp { at, timer, data });

impl Protocol for TimerOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, held) = (cx.me, cx.enter(self.timer));
        let mut s = cx.timer(self.timer).state.get(held);
        let was = Value::Word(i32::from(s.pending));
        if self.at == At::DelSync && cx.program.role(me) == Role::Irq {
            cx.violate_rule(Rule::TIMER_SYNC_IN_HARDIRQ, Some(self.timer));
        }
        let flow = match self.at {
            At::Mod => {
                (s.pending, s.data) = (true, self.data);
                if let Some(handler) = cx.program.kind(self.timer).runs()
                    && !cx.mutated(Mutant::ModNoStart)
                {
                    cx.wake(handler);
                }
                Flow::Done(was)
            }
            At::DelSync if s.running.owner().is_some_and(|o| o != me) => {
                s.running.try_take(me);
                Flow::Spin(self.timer)
            }
            At::DelSync if s.running.owner() == Some(me) => {
                // It would wait for itself.
                let v = cx.violation_of(Property::SELF_DEADLOCK);
                let form = Some(Form::TIMER_WAITS_FOR_ITSELF);
                cx.note_violation(Violation { object: Some(self.timer), form, ..v });
                Flow::Done(was)
            }
            At::Del | At::DelSync => {
                s.pending &= cx.mutated(Mutant::DelKeepsPending);
                s.data = if s.pending { s.data } else { Value::Unset };
                Flow::Done(was)
            }
            At::Expire if !s.pending => {
                cx.set_sleeping(Patience::Forever);
                Flow::Sleep(self.timer, Patience::Forever)
            }
            At::Expire => {
                cx.set_running();
                s.pending = cx.mutated(Mutant::ExpiresTwice);
                let data = s.data;
                s.data = if s.pending { data } else { Value::Unset };
                s.running.try_take(me);
                rcu::as_reader(cx, |p| p.enter(Context::Softirq));
                Flow::Done(data)
            }
            At::Done => {
                check_nothing_left(cx);
                rcu::as_reader(cx, |p| p.leave(Context::Softirq));
                s.running.release().iter().for_each(|t| cx.rt.release(t));
                Flow::Done(was)
            }
        };
        cx.timer(self.timer).state.set(held, s);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.timer);
        match (self.at, v.program.kind(self.timer).runs()) {
            (At::Mod, Some(handler)) => f.write(ObjId::task(handler)),
            (At::Expire | At::Done, _) => rcu::reader_footprint(v, f.write(v.my_task())),
            _ => f,
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        (self.at == At::DelSync).then_some(self.timer)
    }
}
