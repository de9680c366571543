//! Asking whether a fence is signalled: `dma_fence_is_signaled()` and `dma_fence_get_status()`, which ask its driver
//! where the bit is not set.
//!
//! ```text
//!   is_signaled                                       who signals it and unloads the driver
//!   bit? no                                           SIGNALED := 1, ops := NULL
//!   rcu_read_lock; ops? ops->signaled()               …
//!   rcu_read_unlock; true: signals the fence          synchronize_rcu(): nobody is inside any more
//! ```

use super::{DETACHED, FenceAt, FenceOp, Mutant, test_signaled};
use crate::{AtomicCell, Call, Context, Cx, Flow, Order, Runtime, SharedCell, Then, Value, primitives::rcu};

impl FenceOp {
    /// Whether `fence->ops` is NULL. What they point to never changes, so the dependency orders nothing that is
    /// modelled.
    pub(super) fn is_detached<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        cx.fence(self.fence).flags.load(Order::Relaxed) & DETACHED != 0
    }

    /// Whether who calls an operation is in a read-side section meanwhile: then whoever wants to unload the module
    /// waits for its fences and for a grace period.
    pub(super) fn guards_ops<R: Runtime>(&self, cx: &Cx<'_, R>) -> bool {
        !cx.program.fence_ops(self.fence).stay && !cx.mutated(Mutant::AsksUnguarded)
    }

    /// `ops->signaled()`, which whoever asks must be ready to find detached: the fence was signalled meanwhile. The
    /// section begins before that look: one that begins after a grace period sees what was there before it.
    pub(super) fn ask_ops<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.guards_ops(cx) {
            rcu::read_lock(cx);
        }
        let detached = self.is_detached(cx) && !cx.mutated(Mutant::AsksDetached);
        match cx.program.fence_ops(self.fence).signaled.filter(|_| !detached) {
            Some(callee) => {
                let args = [cx.refer(self.fence), Value::Unset];
                Flow::Call(Call { callee, args, context: Context::Fence, then: Then::Resume })
            }
            None => {
                self.at = FenceAt::NotSignaled;
                self.asked(cx)
            }
        }
    }

    /// The operation is over: what it said.
    pub(super) fn asked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.guards_ops(cx) {
            rcu::read_unlock(cx);
        }
        if self.at == FenceAt::NotSignaled {
            return Flow::Done(Value::Word(0));
        }
        self.at = FenceAt::SignalSeen;
        Flow::Go
    }

    pub(super) fn is_signaled<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let signaled = test_signaled(cx, self.fence);
        let asks = !cx.mutated(Mutant::AsksNobody);
        if signaled || !asks || cx.program.fence_ops(self.fence).signaled.is_none() {
            return Flow::Done(Value::Word(i32::from(signaled)));
        }
        self.at = FenceAt::AskOps;
        Flow::Go
    }

    /// `dma_fence_get_status_locked()`, which asks the driver while the lock is held.
    pub(super) fn status<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        if test_signaled(cx, self.fence) {
            return Flow::Done(Value::Word(i32::from(self.status_of_signaled(cx))));
        }
        if cx.mutated(Mutant::StatusEarly) && self.status_of_signaled(cx) < 0 {
            return Flow::Done(Value::Word(i32::from(self.status_of_signaled(cx))));
        }
        let Some(callee) = cx.program.fence_ops(self.fence).signaled else { return Flow::Done(Value::Word(0)) };
        let mut locked = cx.fence(self.fence).locked.get(held);
        super::hold(cx, self.fence, &mut locked);
        cx.fence(self.fence).locked.set(held, locked);
        self.at = FenceAt::StatusAsked;
        let args = [cx.refer(self.fence), Value::Unset];
        Flow::Call(Call { callee, args, context: Context::Fence, then: Then::Resume })
    }

    /// 1, or the error.
    pub(super) fn status_of_signaled<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> i16 {
        let error = cx.fence(self.fence).error.load(Order::Relaxed) & !super::PENDING_ERROR;
        let success = error == 0 || cx.mutated(Mutant::StatusNoError);
        if success { 1 } else { -(error as i16) }
    }

    /// The driver says that it is done.
    pub(super) fn status_seen<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let flow = self.signal_now(cx);
        self.number = self.status_of_signaled(cx);
        flow
    }
}
