//! Releasing a `ww_mutex`: `ww_mutex_unlock()`.

use super::{Mutant, invariant, owner::Released, resv_of, waiters};
use crate::{
    AtomicCell, Cx, Family, Flow, Footprint, ObjId, Order, Program, Property, Rule, Runtime, ThreadId, Value, View,
    coder::{fields, points},
    protocol::{self, Protocol, Standing},
    registry::upcalls,
};

points! {
    /// Program points of `ww_mutex_unlock()`.
    enum At {
        /// `__ww_mutex_unlock()`: the context counts down, the mutex forgets it. For a reservation's lock this is
        /// `dma_resv_unlock()`: unused slots end with the hold.
        ClearCtx = "clear ctx",
        /// `mutex_unlock()` of the mutex inside of a ww mutex: who took it with a context leaves that behind.
        BaseOnly = "mutex_unlock of the base",
        /// `__mutex_unlock_fast()`, or the first half of the slow path: the owner word is released, flags stay.
        Release = "release owner",
        /// The slow path's second half, under `wait_lock`: wakes the first waiter, and only it.
        WakeFirst = "wake first waiter (wait_lock)",
        /// The same where HANDOFF was found: the owner word was not released, but is given to that waiter.
        HandOff = "hand over to first waiter (wait_lock)",
        /// `wake_up_q()`, after `wait_lock`: who was the first waiter may have left meanwhile.
        WakeUp = "wake_up_q",
    }
}

/// An unlock operation in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unlock {
    at: At,
    mutex: ObjId,
    /// Whom `wake_up_q()` is to wake.
    first: Option<ThreadId>,
}

fields!(Unlock { at, mutex, first });

impl Unlock {
    /// An unlock operation about to start.
    pub const fn new(mutex: ObjId) -> Unlock {
        Unlock { at: At::ClearCtx, mutex, first: None }
    }

    /// A plain `mutex_unlock()` of a ww mutex's base, which knows no contexts.
    pub(crate) const fn of_base(mutex: ObjId) -> Unlock {
        Unlock { at: At::BaseOnly, mutex, first: None }
    }

    /// Whether the caller holds it at all.
    fn check_owner<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let held = cx.ww(self.mutex).owner() == Some(cx.me);
        if !held {
            // Who holds it instead is another thread's to change: a look that is ordered with his.
            let owner = cx.ww(self.mutex).owner.latest().task();
            cx.violate_with(Property::UNLOCK_NOT_HELD, Some(self.mutex), owner);
        }
        held
    }

    fn clear_ctx<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.check_owner(cx) {
            return Flow::Done(Value::Word(0));
        }
        if let Some(resv) = resv_of(cx.program, self.mutex) {
            upcalls::reset_max_fences(cx, resv);
        }
        let Some(ctx) = cx.ww(self.mutex).ctx.peek() else {
            // Taken without a context: nothing to clear, so this is the releasing step already.
            return self.release(cx);
        };
        let held = cx.ctx(ctx).acquired();
        if held == 0 {
            cx.violate_rule(Rule::CTX_MISCOUNTED, Some(ctx));
            return Flow::Done(Value::Word(0));
        }
        if !cx.mutated(Mutant::UnlockKeepsCount) {
            cx.ctx(ctx).set_acquired(held - 1);
        }
        if !cx.mutated(Mutant::UnlockKeepsCtx) {
            cx.ww(self.mutex).ctx.store(None, Order::Relaxed);
        }
        if cx.mutated(Mutant::UnlockClearsWound) {
            cx.ctx(ctx).set_wounded(false);
        }
        invariant::counted(cx, ctx);
        self.at = At::Release;
        Flow::Go
    }

    fn release<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        let order = cx.order(Mutant::UnlockRelaxed, Order::Release);
        self.at = match cx.ww(self.mutex).release(me, order) {
            Released::Alone => return Flow::Done(Value::Word(0)),
            _ if cx.mutated(Mutant::UnlockNoSlowPath) => return Flow::Done(Value::Word(0)),
            Released::Waiters => At::WakeFirst,
            Released::HandOff => At::HandOff,
        };
        Flow::Go
    }

    /// The second half of `__mutex_unlock_slowpath()`.
    fn wake_first<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let waiters = match waiters::enter(cx, self.mutex) {
            Ok((_, waiters)) => waiters,
            Err(spin) => return spin,
        };
        let first = waiters.first();
        if self.at == At::HandOff {
            cx.ww(self.mutex).hand_off(first);
        }
        let last = waiters.live().last().map(|w| w.task);
        let woken = if cx.mutated(Mutant::UnlockWakesLast) { last } else { first };
        let woken = woken.filter(|_| !cx.mutated(Mutant::UnlockWakesNobody));
        if !cx.program.bare_sleeps || cx.mutated(Mutant::MutexWakeUnderLock) {
            return Unlock::wake_up(cx, woken);
        }
        (self.at, self.first) = (At::WakeUp, woken);
        Flow::Go
    }

    fn wake_up<R: Runtime>(cx: &mut Cx<'_, R>, first: Option<ThreadId>) -> Flow {
        if let Some(first) = first {
            cx.wake(first);
        }
        Flow::Done(Value::Word(0))
    }
}

impl Unlock {
    /// [`Protocol::amid`] of an unlock that a lock has begun.
    pub(super) fn amid_of<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        if matches!(self.at, At::ClearCtx | At::BaseOnly) { Some(Family::Mutex) } else { self.amid(at) }
    }
}

impl Protocol for Unlock {
    const FAMILY: Option<Family> = Some(Family::Mutex);

    /// Who steals the mutex before the first waiter is woken would have stolen it from one who was. Who is woken after
    /// `wait_lock` may have left meanwhile, and sleep elsewhere.
    fn amid<R: Runtime>(&self, _at: Standing<'_, R>) -> Option<Family> {
        let amid = match self.at {
            At::ClearCtx | At::BaseOnly => false,
            At::Release | At::WakeFirst | At::HandOff => true,
            At::WakeUp => false,
        };
        amid.then_some(Family::Mutex)
    }

    /// Where every lock is just waited for, whoever asks for it before it is released gets it as if he had asked later.
    /// What it is inside of may be freed by who does not ask.
    fn joins(&self, program: &Program) -> Option<Family> {
        let plain = !program.has_way_out && !program.may_go(self.mutex);
        (plain || program.mutated(protocol::Mutant::LocksWhole)).then_some(Family::Mutex)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::ClearCtx => self.clear_ctx(cx),
            At::BaseOnly if !self.check_owner(cx) => Flow::Done(Value::Word(0)),
            At::BaseOnly | At::Release => self.release(cx),
            At::WakeFirst | At::HandOff => self.wake_first(cx),
            At::WakeUp => Unlock::wake_up(cx, self.first),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let mutex = v.world.ww(self.mutex);
        let f = Footprint::writes(self.mutex);
        match self.at {
            At::ClearCtx => {
                let f = f.write_opt(mutex.ctx.0);
                match resv_of(v.program, self.mutex) {
                    Some(resv) => upcalls::reset_footprint(v, resv, f),
                    None => f,
                }
            }
            At::BaseOnly | At::Release => f,
            At::WakeFirst | At::HandOff if v.program.bare_sleeps && !v.program.mutated(Mutant::MutexWakeUnderLock) => f,
            At::WakeFirst | At::HandOff => f.write_opt(mutex.waiters.0.first().map(ObjId::task)),
            At::WakeUp => Footprint::NONE.write_opt(self.first.map(ObjId::task)),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        matches!(self.at, At::WakeFirst | At::HandOff).then_some(self.mutex)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Action, Operand, Property, State, ThreadId,
        builder::ProgramBuilder,
        fixed,
        ww::{CtxHow, How, Variant, ops},
    };

    /// LS-11: no script can make a context's count wrong, so the count is changed behind its back, as the kernel's own
    /// test does.
    #[test]
    fn a_lock_whose_context_counts_none_is_not_released() {
        let mut b = ProgramBuilder::new("LS-11-object-lock-unbalanced");
        let class = fixed::WwClass {
            wound_wait: false,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        };
        let class = b.object("class", class);
        let o = b.object("o", fixed::WwMutex { class, resv: None });
        let t = b.object("t", fixed::AcquireCtx { class });
        b.thread("main", |s| {
            let ctx = Operand::Object(t);
            s.op("acquire-init", ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
            s.op_into("lock", ops::WwLock { mutex: Operand::Object(o), ctx: Some(ctx), how: How::Lock }, "r");
            s.unlock(o);
        });
        let program = b.build();
        let mut state = State::initial(&program);
        let mut forced = false;
        while state.violation().is_none() && !state.is_finished(&program) {
            state.step(&program, Action { thread: ThreadId(0), choice: 0 });
            if !forced && state.world.ctx(t).acquired() == 1 {
                state.world.ctx_mut(t).set_acquired(0);
                forced = true;
            }
        }
        assert!(forced);
        assert_eq!(state.violation().map(|v| v.property), Some(Property::WW_CONTRACT));
    }
}
