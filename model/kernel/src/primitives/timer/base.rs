//! The CPUs on which timers expire whose handler is a function: each takes whichever armed timer may be next, and calls
//! it.
//!
//! ```text
//!   __run_timers()    nothing is armed: idle, sleeps
//!   expire_timers()   takes an armed timer that does not run: pending := 0, running
//!                     … the function, in soft interrupt context …
//!                     not running
//! ```
//!
//! Which timer expires first, nobody can tell: a choice. One that is armed again while its handler runs stays on the
//! base where that is (`base->running_timer`), so it never runs twice at once: who runs it comes back to it. Everything
//! is under the base's lock. Expiry lets the lock go while the function runs, and does not look at the timer again
//! that may be gone by then.

use super::{Mutant, end_handler, kind};
use crate::{
    Code, Coder, Context, Cx, Flow, Footprint, Held, ObjId, Patience, Plain, Runtime, SharedCell, ThreadId, Value,
    View,
    coder::{fields, points},
    cx::{Call, Then, check_nothing_left},
    facet::FacetSink,
    ground::functions::functions,
    primitives::{rcu, workqueue::pool::Ready},
    protocol::Protocol,
    shared::Shared,
};

/// The CPUs that have nothing to do, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Idle(u8);

impl Code for Idle {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.0);
    }
}

impl Idle {
    fn set(&mut self, base: &kind::TimerBase, cpu: ThreadId, idle: bool) {
        let bit = 1 << (cpu.0 - base.first.0);
        self.0 = if idle { self.0 | bit } else { self.0 & !bit };
    }

    fn first(self, base: &kind::TimerBase) -> Option<ThreadId> {
        (self.0 != 0).then(|| ThreadId(base.first.0 + self.0.trailing_zeros() as u8))
    }
}

/// A `struct timer_base`.
#[derive(Clone)]
pub struct TimerBase<R: Runtime> {
    idle: R::Cell<Idle>,
}

impl Copy for TimerBase<Plain> {}

impl<R: Runtime> TimerBase<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        TimerBase { idle: R::Cell::new(Idle::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for TimerBase<R> {
    /// Who has nothing to do is no matter of the program's.
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for TimerBase<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.idle.code(c);
    }
}

/// A timer of the base is armed: an idle CPU, if there is one, has something to do.
pub(super) fn kick<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, id: ObjId) {
    let program = cx.program;
    let Some(base) = program.fixed::<kind::TimerBase>(id) else { return };
    let mut idle = cx.timer_base(id).idle.get(held);
    if let Some(cpu) = idle.first(base) {
        idle.set(base, cpu, false);
        cx.timer_base(id).idle.set(held, idle);
        cx.wake(cpu);
    }
}

/// Whom that may wake.
pub(super) fn kicked(v: View<'_>, id: ObjId) -> Option<ThreadId> {
    v.world.timer_base(id).idle.0.first(v.program.fixed(id)?)
}

points! {
    /// Where a CPU of a base is.
    pub(crate) enum At {
        /// `expire_timers()`: takes an armed timer, or sleeps.
        Expire = "timer expires",
        /// Its function has returned.
        Done = "timer function returns",
    }
}

functions! {
    /// What a CPU of a base does.
    pub enum How begins at At {
        /// `expire_timers()`: takes an armed timer, or sleeps.
        Expire,
        /// Its function has returned.
        Done,
    }
}

/// What a CPU of a base does, in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BaseOp {
    at: At,
    base: ObjId,
    /// The timer whose function has run; or, of many, the first one that is left to choose from.
    timer: ObjId,
}

fields!(BaseOp { at, base, timer });

impl BaseOp {
    pub(crate) const BLANK: BaseOp = BaseOp { at: At::Expire, base: ObjId::object(0), timer: ObjId::object(0) };

    /// What a CPU is about to do; of a function that has returned, of which timer.
    pub(super) fn new(how: How, base: ObjId, timer: ObjId) -> BaseOp {
        BaseOp { at: how.begins(), base, timer }
    }

    fn expire<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let program = cx.program;
        let Some(base) = program.fixed::<kind::TimerBase>(self.base) else { return Flow::Done(Value::Unset) };
        let ready = Ready::of(&base.timers, self.timer, |timer| {
            // What is inside of an object that is gone is not armed.
            cx.note(timer);
            cx.world.timer(timer).state.get(held).is_ready()
        });
        if ready.is_empty() {
            self.timer = ObjId::default();
            let mut idle = cx.timer_base(self.base).idle.get(held);
            idle.set(base, cx.me, true);
            cx.timer_base(self.base).idle.set(held, idle);
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.base, Patience::Forever);
        }
        cx.set_running();
        match ready.choose(cx) {
            Ok(timer) => self.call(cx, held, timer),
            Err(rest) => {
                self.timer = rest;
                Flow::Go
            }
        }
    }

    /// `call_timer_fn()`.
    fn call<R: Runtime>(self, cx: &mut Cx<'_, R>, held: Held, timer: ObjId) -> Flow {
        let mut s = cx.timer(timer).state.get(held);
        let data = s.begin_handler(cx.me, cx.mutated(Mutant::ExpiresTwice));
        cx.timer(timer).state.set(held, s);
        rcu::as_reader(cx, |p| p.enter(Context::Softirq));
        let this = cx.refer(timer);
        let said = s.func.or(cx.program.kind(timer).function().map(|function| function.callee));
        match said {
            None => Flow::Done(this),
            Some(callee) => {
                let args = [this, data];
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Done(this) })
            }
        }
    }

    /// The function has returned, and may have freed what the timer is inside of.
    fn done<R: Runtime>(self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        check_nothing_left(cx);
        rcu::as_reader(cx, |p| p.leave(Context::Softirq));
        cx.note(self.timer);
        if cx.world.timer(self.timer).running() == Some(cx.me) {
            end_handler(cx, held, self.timer);
        }
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for BaseOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.base);
        match self.at {
            At::Expire => self.expire(cx, held),
            At::Done => self.done(cx, held),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = rcu::reader_footprint(v, Footprint::writes(self.base).write(v.my_task()));
        let Some(base) = v.program.fixed::<kind::TimerBase>(self.base).filter(|_| self.at == At::Expire) else {
            return f.write(self.timer);
        };
        let ready = Ready::of(&base.timers, self.timer, |timer| v.world.timer(timer).state.0.is_ready());
        base.timers.iter().fold(f, |f, timer| f.write(*timer)).ways(ready.ways())
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
