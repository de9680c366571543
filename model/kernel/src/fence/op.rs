//! Everything on a fence but waiting and callbacks: init, enable, signal, references, error, status.

use super::{ENABLED, Life, SIGNALED, WAKES, check_alive, get, get_rcu, release, release_footprint, test_signaled};
use crate::{
    AtomicCell, Code, Cx, Flow, Footprint, ObjId, Order, Property, Runtime, SharedCell, ThreadId, Value, View,
    coder::{fields, points},
    machine::Protocol,
    primitives::refcount::Dropped,
};

points! {
    /// Which operation, and where it is if it takes several steps.
    pub enum What {
        /// `dma_fence_init()`: alive, with one reference of the caller's.
        Init = "dma_fence_init",
        /// `dma_fence_enable_sw_signaling()`.
        EnableSignaling = "dma_fence_enable_sw_signaling",
        /// `dma_fence_signal()`: takes the lock, sets the bit. Twice is a violation.
        Signal = "dma_fence_signal: set SIGNALED",
        /// `dma_fence_check_and_signal()`: tells whether it was signalled before.
        CheckAndSignal = "dma_fence_check_and_signal: set SIGNALED",
        /// One callback, under the lock; the last one unlocks.
        RunCallback = "run callback",
        /// `dma_fence_is_signaled()`: 1 or 0, without the lock.
        IsSignaled = "dma_fence_is_signaled",
        /// `dma_fence_set_error()`.
        SetError = "dma_fence_set_error",
        /// `dma_fence_get_status()`: 0 unsignalled, 1 signalled, or the error.
        GetStatus = "dma_fence_get_status",
        /// `dma_fence_get()`.
        Get = "dma_fence_get",
        /// `dma_fence_get_rcu()`: 1 or 0.
        GetRcu = "dma_fence_get_rcu",
        /// `dma_fence_put()`.
        Put = "dma_fence_put",
        /// `dma_fence_release()`.
        Release = "dma_fence_release",
    }
}

/// An operation on a fence in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceOp {
    what: What,
    fence: ObjId,
    error: i16,
}

impl Code for i16 {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        let mut w = i32::from(*self);
        c.word(&mut w);
        *self = w as i16;
    }
}

fields!(FenceOp { what, fence, error });

impl FenceOp {
    pub(crate) const BLANK: FenceOp = FenceOp { what: What::Get, fence: super::NO_FENCE, error: 0 };

    /// An operation about to start; `error` is what `set-error` sets.
    pub fn new(what: What, fence: ObjId, error: i16) -> FenceOp {
        FenceOp { what, fence, error }
    }

    fn init<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let me = cx.me;
        let fence = cx.fence(self.fence);
        let life = fence.life.load(Order::Relaxed);
        if life != Life::Unborn as u8 {
            // Once released its memory is kfree_rcu()'s: what is initialised in it would be freed by that.
            let alive = life == Life::Alive as u8;
            let property = if alive { Property::FenceReinitialised } else { Property::UseAfterFree };
            return cx.violate(property, Some(self.fence));
        }
        fence.flags.store(0, Order::Relaxed);
        fence.error.store(0, Order::Relaxed);
        fence.refs.reset(1);
        fence.refs.book(me, 1);
        fence.life.swap(Life::Alive as u8, Order::AcqRel);
    }

    fn enable<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        let _ = held;
        cx.fence(self.fence).flags.fetch_or(u64::from(ENABLED), Order::AcqRel);
        Flow::Done(Value::Word(0))
    }

    /// Held by another over several steps: a threaded runtime must wait.
    fn spin<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Flow> {
        super::wait::spin_if_locked(cx, self.fence)
    }

    /// `dma_fence_signal_timestamp_locked()` up to the callbacks. Without callbacks the lock is released at once.
    fn signal<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, checks) = (cx.me, self.what == What::CheckAndSignal);
        let held = cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        let was = cx.fence(self.fence).flags.fetch_or(u64::from(SIGNALED), Order::AcqRel) & SIGNALED != 0;
        if was {
            if !checks {
                cx.violate(Property::FenceSignaledTwice, Some(self.fence));
            }
            return Flow::Done(Value::Word(1));
        }
        let mut locked = cx.fence(self.fence).locked.get(held);
        if locked.len == 0 {
            return Flow::Done(Value::Word(0));
        }
        locked.lock.try_take(me);
        cx.private.spin_depth += 1;
        cx.fence(self.fence).locked.set(held, locked);
        self.what = What::RunCallback;
        Flow::Go
    }

    fn run_callback<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        let entry = locked.callbacks[0];
        // The node is unlinked before it is called.
        locked.remove(entry);
        let last = locked.len == 0;
        let released = if last { locked.lock.release() } else { Default::default() };
        cx.fence(self.fence).locked.set(held, locked);
        if entry & WAKES != 0 {
            cx.wake(ThreadId(entry & !WAKES));
        } else {
            cx.callback(ObjId(entry)).run();
        }
        if !last {
            return Flow::Go;
        }
        cx.private.spin_depth -= 1;
        released.iter().for_each(|t| cx.rt.release(t));
        Flow::Done(Value::Word(0))
    }

    fn set_error<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let late = test_signaled(cx, self.fence);
        if late || !(-4095..0).contains(&self.error) {
            return cx.violate(Property::FenceErrorLate, Some(self.fence));
        }
        cx.fence(self.fence).error.store(self.error.unsigned_abs(), Order::Relaxed);
    }

    fn status<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        if !test_signaled(cx, self.fence) {
            return Flow::Done(Value::Word(0));
        }
        let error = i32::from(cx.fence(self.fence).error.load(Order::Relaxed));
        Flow::Done(Value::Word(if error == 0 { 1 } else { -error }))
    }

    fn put<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        match cx.fence(self.fence).refs.put(me) {
            Dropped::More => Flow::Done(Value::Word(0)),
            Dropped::Last => {
                self.what = What::Release;
                Flow::Go
            }
            Dropped::Underflow => {
                cx.violate(Property::RefcountUnderflow, Some(self.fence));
                Flow::Done(Value::Word(0))
            }
        }
    }

    /// Operations that end where they begin.
    fn single<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        match self.what {
            What::Init => self.init(cx),
            What::SetError => self.set_error(cx),
            What::Get => get(cx, self.fence),
            What::IsSignaled => return Value::Word(i32::from(test_signaled(cx, self.fence))),
            What::GetRcu => return Value::Word(i32::from(get_rcu(cx, self.fence))),
            What::Release => {
                release(cx, self.fence);
                return Value::Word(1);
            }
            _ => debug_assert!(false, "[internal bug] {:?} has several steps", self.what),
        }
        Value::Word(0)
    }
}

impl Protocol for FenceOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let unchecked = matches!(self.what, What::Init | What::Get | What::GetRcu | What::Release);
        if !unchecked && !check_alive(cx, self.fence) {
            return Flow::Done(Value::Unset);
        }
        match self.what {
            What::EnableSignaling => self.enable(cx),
            What::Signal | What::CheckAndSignal => self.signal(cx),
            What::RunCallback => self.run_callback(cx),
            What::GetStatus => self.status(cx),
            What::Put => self.put(cx),
            _ => Flow::Done(self.single(cx)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.what {
            What::IsSignaled => Footprint::reads(self.fence),
            What::Release => release_footprint(v, self.fence),
            What::RunCallback => {
                let entry = v.world.fence(self.fence).locked.0.callbacks[0];
                let target = if entry & WAKES != 0 { ObjId::task(ThreadId(entry & !WAKES)) } else { ObjId(entry) };
                Footprint::writes(self.fence).write(target)
            }
            _ => Footprint::writes(self.fence),
        }
    }

    fn label(&self) -> &'static str {
        self.what.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        let locks = matches!(self.what, What::EnableSignaling | What::Signal | What::CheckAndSignal | What::GetStatus);
        locks.then_some(self.fence)
    }
}
