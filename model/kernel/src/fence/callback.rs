//! `struct dma_fence_cb`: `dma_fence_add_callback()` and `dma_fence_remove_callback()`.

use super::{ENABLED, check_alive, test_signaled, wait::spin_if_locked};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Flow, Footprint, ObjId, Order, Plain, Property, Runtime, SharedCell, Value,
    View,
    coder::{fields, points},
    machine::Protocol,
    object::{Facet, FacetSink},
};

/// A `struct dma_fence_cb` whose function notes that it ran.
#[derive(Clone)]
pub struct Callback<R: Runtime> {
    queued: R::Atomic<u8>,
    ran: R::Atomic<u8>,
}

impl Copy for Callback<Plain> {}

impl<R: Runtime> Callback<R> {
    pub(crate) fn new() -> Self {
        Callback { queued: R::Atomic::new(0), ran: R::Atomic::new(0) }
    }

    /// The fence calls it, its node already unlinked.
    pub(super) fn run(&mut self) {
        self.queued.store(0, Order::Relaxed);
        self.ran.fetch_add(1, Order::Relaxed);
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Flag(self.queued.peek() != 0));
        sink("ran", Facet::Word(i32::from(self.ran.peek())));
    }
}

impl Code for Callback<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.queued.code(c);
        self.ran.code(c);
    }
}

points! {
    /// Program points of adding and removing a callback.
    enum At {
        /// `dma_fence_add_callback()` looks before it locks: -ENOENT if signalled.
        Test = "add_callback: test SIGNALED",
        /// Under the lock: enables signalling, looks again, queues.
        Add = "add_callback (fence lock)",
        /// `dma_fence_remove_callback()`, under the lock: 1 if it was still queued.
        Remove = "remove_callback (fence lock)",
    }
}

/// An operation on a callback in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallbackOp {
    at: At,
    fence: ObjId,
    callback: ObjId,
}

fields!(CallbackOp { at, fence, callback });

impl CallbackOp {
    pub(crate) const BLANK: CallbackOp = CallbackOp { at: At::Test, fence: super::NO_FENCE, callback: super::NO_FENCE };

    /// An operation about to start.
    pub fn new(add: bool, fence: ObjId, callback: ObjId) -> CallbackOp {
        CallbackOp { at: if add { At::Test } else { At::Remove }, fence, callback }
    }

    fn add<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        cx.fence(self.fence).flags.fetch_or(u64::from(ENABLED), Order::AcqRel);
        if test_signaled(cx, self.fence) {
            return Flow::Done(Value::from(Errno::ENOENT));
        }
        let mut locked = cx.fence(self.fence).locked.get(held);
        if cx.callback(self.callback).queued.load(Order::Relaxed) != 0 {
            cx.violate(Property::CallbackReused, Some(self.callback));
        } else if !locked.push(self.callback.0) {
            cx.violate(Property::CapacityExceeded, Some(self.fence));
        }
        cx.callback(self.callback).queued.store(1, Order::Relaxed);
        cx.fence(self.fence).locked.set(held, locked);
        Flow::Done(Value::Word(0))
    }

    fn remove<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        let was_queued = locked.remove(self.callback.0);
        cx.fence(self.fence).locked.set(held, locked);
        if was_queued {
            cx.callback(self.callback).queued.store(0, Order::Relaxed);
        }
        Flow::Done(Value::Word(i32::from(was_queued)))
    }
}

impl Protocol for CallbackOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !check_alive(cx, self.fence) {
            return Flow::Done(Value::Unset);
        }
        if self.at == At::Test {
            if test_signaled(cx, self.fence) {
                return Flow::Done(Value::from(Errno::ENOENT));
            }
            self.at = At::Add;
            return Flow::Go;
        }
        cx.enter(self.fence);
        if let Some(spin) = spin_if_locked(cx, self.fence) {
            return spin;
        }
        if self.at == At::Add { self.add(cx) } else { self.remove(cx) }
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        match self.at {
            At::Test => Footprint::reads(self.fence),
            At::Add | At::Remove => Footprint::writes(self.fence).write(self.callback),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        (self.at != At::Test).then_some(self.fence)
    }
}
