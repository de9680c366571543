//! Waiting for a fence: `dma_fence_wait_timeout()` with `dma_fence_default_wait()`.

use super::{FenceAt, FenceOp, Locked, Mutant, NO_FENCE, check_alive, lock_footprint, test_signaled};
use crate::{
    Call, Context, Cx, Family, Flow, Footprint, Held, ObjId, Patience, Program, Property, Runtime, SharedCell,
    Standing, Then, Value, View,
    coder::{fields, points},
    cx::{Woken, woken_by},
    primitives::spinlock::blocked_by_own_cpu,
    protocol::Protocol,
};

points! {
    /// Program points of a wait; each is one critical section under the fence's lock.
    enum At {
        /// `dma_fence_enable_sw_signaling()`.
        Enable = "enable signalling (fence lock)",
        /// `ops->wait()`.
        Hook = "ops->wait",
        /// It has returned.
        Waited = "ops->wait: done",
        /// Not signalled: on the callback list and asleep.
        Queue = "queue callback (fence lock)",
        /// Back from `schedule_timeout()`, under the lock again.
        Woken = "woken (fence lock)",
    }
}

/// A wait in flight. Its result is that of `dma_fence_wait_timeout()`: 1 signalled, 0 timed out, -ERESTARTSYS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceWait {
    at: At,
    fence: ObjId,
    patience: Patience,
    /// A timeout of zero: looks and does not sleep.
    poll: bool,
    /// Where enabling signalling is.
    enable: FenceAt,
    /// What `ops->wait()` returned.
    result: i16,
}

fields!(FenceWait { at, fence, patience, poll, enable, result });

/// The fence's lock is held over several steps by another thread: under a threaded runtime the step must wait for it.
pub(super) fn spin_if_locked<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> Option<Flow> {
    if let Some(lock) = cx.world.fence(fence).shared() {
        return spin_if_shared(cx, lock);
    }
    let (me, held) = (cx.me, cx.enter(fence));
    let mut locked = cx.fence(fence).locked.get(held);
    let Some(owner) = locked.lock.owner() else {
        cx.about_to_lock(fence);
        return None;
    };
    if blocked_by_own_cpu(cx, fence, Some(owner)) {
        return Some(Flow::Done(Value::Unset));
    }
    locked.lock.try_take(me);
    cx.fence(fence).locked.set(held, locked);
    Some(Flow::Spin(fence))
}

/// The same of a lock that the fence shares with others.
fn spin_if_shared<R: Runtime>(cx: &mut Cx<'_, R>, lock: ObjId) -> Option<Flow> {
    let (me, held) = (cx.me, cx.enter(lock));
    let mut raw = cx.spin(lock).raw.get(held);
    let Some(owner) = raw.owner() else {
        cx.about_to_lock(lock);
        return None;
    };
    if blocked_by_own_cpu(cx, lock, Some(owner)) {
        return Some(Flow::Done(Value::Unset));
    }
    raw.try_take(me);
    cx.spin(lock).raw.set(held, raw);
    Some(Flow::Spin(lock))
}

impl FenceWait {
    pub(crate) const BLANK: FenceWait = FenceWait {
        at: At::Enable,
        fence: NO_FENCE,
        patience: Patience::Forever,
        poll: false,
        enable: FenceAt::EnableSignaling,
        result: 0,
    };

    /// A wait about to start.
    pub fn new(fence: ObjId, patience: Patience, poll: bool) -> FenceWait {
        FenceWait { fence, patience, poll, ..FenceWait::BLANK }
    }

    /// Whether it looks and does not sleep.
    pub(crate) fn is_poll(&self) -> bool {
        self.poll
    }

    /// Whether a pending signal ends it.
    pub(crate) fn is_interruptible(&self) -> bool {
        self.patience.interruptible()
    }

    /// The same wait, for the next fence of a reservation.
    pub(crate) fn restart(self, fence: ObjId) -> FenceWait {
        FenceWait { at: At::Enable, enable: FenceAt::EnableSignaling, fence, ..self }
    }

    /// `dma_fence_enable_sw_signaling()`, with a hold of the lock of its own.
    fn enabling(&self) -> FenceOp {
        FenceOp::new(self.enable, self.fence, 0)
    }

    fn enable<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.enable == FenceAt::EnableSignaling {
            self.judge(cx);
        }
        if cx.mutated(Mutant::WaitNotEnabled) {
            self.at = At::Queue;
            return Flow::Go;
        }
        let mut enabling = self.enabling();
        let flow = enabling.step(cx);
        self.enable = enabling.at();
        flow.once_over(|_| {
            self.at = if cx.program.fence_ops(self.fence).wait.is_some() { At::Hook } else { At::Queue };
            Flow::Go
        })
    }

    /// The driver waits in its own way: what it returns is the result.
    fn hook<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.fence(self.fence).publish();
        match cx.program.fence_ops(self.fence).wait.filter(|_| !self.enabling().is_detached(cx)) {
            Some(callee) => Flow::Call(Call {
                callee,
                args: [cx.refer(self.fence), Value::Word(i32::from(self.patience.interruptible()))],
                context: Context::Caller,
                then: Then::Resume,
            }),
            // Its operations are gone with the signal.
            None => {
                self.at = At::Queue;
                Flow::Go
            }
        }
    }

    fn queue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        if test_signaled(cx, self.fence) && !cx.mutated(Mutant::WaitNoTest) {
            return Flow::Done(Value::Word(1));
        }
        if self.patience.interruptible() && cx.signal_pending() {
            return Flow::Done(Woken::Signal.result());
        }
        if self.poll {
            return Flow::Done(Value::Word(0));
        }
        cx.fence(self.fence).publish();
        let mut locked = cx.fence(self.fence).locked.get(held);
        if !cx.mutated(Mutant::WaitNotQueued) && !locked.push(ObjId::task(cx.me)) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.fence));
        }
        cx.fence(self.fence).locked.set(held, locked);
        self.sleep(cx)
    }

    fn sleep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.set_sleeping(self.patience);
        self.at = At::Woken;
        Flow::Sleep(self.fence, self.patience)
    }

    /// The order is the kernel's: a timeout or a signal counts even if the fence signalled meanwhile.
    fn woken<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let cause = woken_by(cx, self.patience);
        let signal = self.patience.interruptible() && cx.signal_pending();
        let result = match cause {
            Woken::Timeout => Woken::Timeout,
            _ if signal && !cx.mutated(Mutant::WaitIgnoresSignal) => Woken::Signal,
            _ if test_signaled(cx, self.fence) => Woken::WakeUp,
            _ => return self.sleep(cx),
        };
        let mut locked: Locked = cx.fence(self.fence).locked.get(held);
        if !cx.mutated(Mutant::WaitStaysQueued) {
            locked.remove(ObjId::task(cx.me));
        }
        cx.fence(self.fence).locked.set(held, locked);
        cx.set_running();
        Flow::Done(result.result())
    }
}

impl FenceWait {
    /// Whether it can tell that the fence signalled after its driver was asked to see to that, without having slept.
    fn sees_what_it_made(&self, program: &Program) -> bool {
        let turns_back = self.poll || self.patience.interruptible() && program.sends_signals;
        turns_back && program.fence_ops(self.fence).enable_signaling.is_some()
    }

    /// [`Protocol::amid`] of a wait that another operation has begun.
    pub(crate) fn amid_of<R: Runtime>(&self, at: Standing<'_, R>, outer: Family) -> Option<Family> {
        match (self.at, self.enable) {
            (At::Enable, FenceAt::EnableSignaling) => Some(outer),
            _ => self.amid(at),
        }
    }
}

impl Protocol for FenceWait {
    const FAMILY: Option<Family> = Some(Family::Fence);

    /// What it sees under the lock is what it goes to sleep on; what came before that, it sees there.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Enable => self.enabling().amid(at),
            At::Queue if self.sees_what_it_made(at.program) => None,
            At::Waited | At::Queue => Some(Family::Fence),
            // The operations may be detached before it.
            At::Hook | At::Woken => None,
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !check_alive(cx, self.fence) {
            return Flow::Done(Value::Unset);
        }
        match self.at {
            At::Enable => return self.enable(cx),
            At::Hook => return self.hook(cx),
            At::Waited => return Flow::Done(Value::Word(i32::from(self.result))),
            At::Queue | At::Woken => {}
        }
        let held = cx.enter(self.fence);
        if let Some(spin) = spin_if_locked(cx, self.fence) {
            return spin;
        }
        if self.at == At::Queue { self.queue(cx, held) } else { self.woken(cx, held) }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = lock_footprint(v, self.fence, Footprint::writes(self.fence));
        match self.at {
            At::Enable => self.enabling().footprint(v),
            At::Hook => f,
            At::Waited => Footprint::reads(self.fence),
            At::Queue | At::Woken => f.write(v.my_task()),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        cx.might_sleep(self.fence);
        cx.about_to_wait_for(self.fence);
    }

    fn label(&self) -> &'static str {
        match self.enable {
            FenceAt::EnableSignaling => self.at.label(),
            // Inside of what the hook made necessary.
            _ if self.at == At::Enable => self.enable.label(),
            _ => self.at.label(),
        }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Hook {
            (self.at, self.result) =
                (At::Waited, value.word().unwrap_or(1).clamp(i16::MIN.into(), i16::MAX.into()) as i16);
            return;
        }
        let mut enabling = self.enabling();
        enabling.returned(value);
        self.enable = enabling.at();
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Enable => self.enabling().spins_on(),
            At::Hook | At::Waited => None,
            At::Queue | At::Woken => Some(self.fence),
        }
    }
}
