//! `struct rcu_head`: what RCU finds an object by that `call_rcu()` was called with.

use crate::{
    AtomicCell, Code, Coder, Order, Plain, Runtime, ThreadId,
    facet::{Facet, FacetSink},
    property::Form,
    shared::{Lost, Shared, renewed},
};

/// A `struct rcu_head`. Nothing initialises one but `call_rcu()`.
#[derive(Clone)]
pub struct RcuHead<R: Runtime> {
    queued: R::Atomic<u8>,
}

impl Copy for RcuHead<Plain> {}

impl<R: Runtime> RcuHead<R> {
    pub(crate) fn new() -> Self {
        RcuHead { queued: R::Atomic::new(0) }
    }

    /// It is on RCU's list from here on, or not any more. Whether it was.
    pub(super) fn queue(&mut self, on: bool) -> bool {
        self.queued.swap(u8::from(on), Order::Relaxed) != 0
    }
}

impl<R: Runtime> Shared<R> for RcuHead<R> {
    renewed!(RcuHead { queued: atomic });

    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Flag(self.queued.peek() != 0));
    }

    /// RCU's list goes through it. One that is called is off that already, and may free what it is inside of.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_RCU_HEAD, self.queued.peek() != 0)
    }
}

impl Code for RcuHead<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.queued.code(c);
    }
}
