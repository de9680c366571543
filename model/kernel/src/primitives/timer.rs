//! `struct timer_list`: armed, it expires at any moment, and its handler runs in soft interrupt context.
//!
//! ```text
//!   mod_timer        pending := 1                         wakes the handler's thread
//!   handler          pending := 0, running     … body …   not running
//!   del_timer_sync   pending := 0, waits, without sleeping, until it does not run
//! ```
//!
//! The handler is a script with a thread of its own, or a function that a CPU of the timers' base calls ([`base`]).
//!
//! The handler runs on a CPU of its own. In the kernel it may run on any, in the middle of the thread that holds the
//! lock which it takes: that no execution shows, but the lock's use, in all executions together (lockdep's usage
//! classes).
//!
//! `timer_delete_sync()` in an interrupt handler, which may have interrupted the timer's on this CPU, is the kernel's
//! `WARN_ON(in_hardirq() && !(timer->flags & TIMER_IRQSAFE))`.

pub mod base;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Context, Cx, Flow, Footprint, Held, ObjId, Patience, Plain, Property, Rule, Runtime, SharedCell,
    ThreadId, ThreadSet, Value, View, Violation,
    coder::{fields, points},
    cx::check_nothing_left,
    facet::{Facet, FacetSink},
    ground::{functions::functions, ids::CalleeId},
    primitives::{rcu, spinlock::RawSpin},
    program::Role,
    property::Form,
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    pending: bool,
    /// What its handler will get.
    data: Value,
    /// What `timer_setup()` said that it calls, where that was said when it ran.
    func: Option<CalleeId>,
    /// Held by the handler while it runs.
    running: RawSpin,
}

impl State {
    fn is_ready(&self) -> bool {
        self.pending && self.running.owner().is_none()
    }

    /// `detach_expired_timer()`, and its handler runs; the result is what that gets.
    fn begin_handler(&mut self, by: ThreadId, stays_armed: bool) -> Value {
        let data = self.data;
        self.pending = stays_armed;
        self.data = if stays_armed { data } else { Value::Unset };
        self.running.try_take(by);
        data
    }
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut flags = u8::from(self.pending) | u8::from(self.func.is_some()) << 1;
        c.byte(&mut flags);
        self.pending = flags & 1 != 0;
        if flags & 2 != 0 {
            self.func.code(c);
        } else {
            self.func = None;
        }
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
    /// Under the lock of its base, or its own.
    pub(crate) fn new(gate: ObjId) -> Self {
        Timer { state: R::Cell::new(State::default(), gate) }
    }

    fn running(&self) -> Option<ThreadId> {
        self.state.peek().running.owner()
    }
}

impl<R: Runtime> Shared<R> for Timer<R> {
    fn is_run_unlocked(&self) -> bool {
        true
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("pending", Facet::Flag(self.state.peek().pending));
        sink("running", Facet::Flag(self.running().is_some()));
    }

    renewed!(Timer { state: cell });

    /// debugobjects: "free active timer_list". One whose handler runs is not lost: call_timer_fn() does not look at it
    /// after its function, which is told if it does.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_TIMER_ARMED, self.state.peek().pending)
    }

    fn set_function(&mut self, func: CalleeId, held: Held) {
        let s = State { func: Some(func), ..self.state.get(held) };
        self.state.set(held, s);
    }

    fn spinners(&self) -> ThreadSet {
        self.state.peek().running.spinners()
    }

    fn runner(&self) -> Option<ThreadId> {
        self.running()
    }

    /// Who runs its handler.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.running()
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

/// The handler has returned: whoever waits for that goes on.
fn end_handler<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, timer: ObjId) {
    cx.note(timer);
    let mut s = cx.world.timer(timer).state.get(held);
    s.running.release().iter().for_each(|t| cx.rt.release(t));
    cx.world.timer_mut(timer).state.set(held, s);
}

/// It is to be armed: who runs its handler has something to do. Who runs it now comes back to it by himself, and of one
/// that is armed already a CPU knows.
fn start<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, timer: ObjId, s: State) {
    let kind = cx.program.kind(timer);
    kind.runs().into_iter().for_each(|handler| {
        cx.wake(handler);
    });
    if let Some(base) = kind.queue().filter(|_| !s.pending && s.running.owner().is_none()) {
        base::kick(cx, held, base);
    }
}

impl Protocol for TimerOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let gate = cx.program.kind(self.timer).queue().unwrap_or(self.timer);
        let (me, held) = (cx.me, cx.enter(gate));
        let mut s = cx.timer(self.timer).state.get(held);
        let was = Value::Word(i32::from(s.pending));
        if self.at == At::DelSync && cx.program.role(me) == Role::Irq {
            cx.violate_rule(Rule::TIMER_SYNC_IN_HARDIRQ, Some(self.timer));
        }
        let flow = match self.at {
            At::Mod => {
                if !cx.mutated(Mutant::ModNoStart) {
                    start(cx, held, self.timer, s);
                }
                (s.pending, s.data) = (true, self.data);
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
                let data = s.begin_handler(me, cx.mutated(Mutant::ExpiresTwice));
                rcu::as_reader(cx, |p| p.enter(Context::Softirq));
                Flow::Done(data)
            }
            At::Done => {
                check_nothing_left(cx);
                rcu::as_reader(cx, |p| p.leave(Context::Softirq));
                end_handler(cx, held, self.timer);
                return Flow::Done(was);
            }
        };
        cx.timer(self.timer).state.set(held, s);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let kind = v.program.kind(self.timer);
        let f = kind.queue().into_iter().fold(Footprint::writes(self.timer), |f, base| f.write(base));
        let starts = || kind.runs().or_else(|| base::kicked(v, kind.queue()?));
        match (self.at, starts()) {
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
