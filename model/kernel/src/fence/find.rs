//! `dma_fence_chain_find_seqno()` with the reference that its caller has, and waking a task from a fence: what those
//! need who wait for a timeline's point from outside.

use super::{CallbackOp, FenceAt, FenceOp, NO_FENCE, callback, chain, get, unwrap::Inner, walk::ChainWalk};
use crate::{
    Cx, Errno, Flow, Footprint, ObjId, Runtime, ThreadId, Value, View,
    coder::{fields, points},
    protocol::Protocol,
};

points! {
    /// Program points of looking for a point.
    enum At {
        /// Begins at the head, with a reference for the walk.
        Begin = "dma_fence_chain_find_seqno",
        /// `dma_fence_chain_walk()`.
        Walk = "chain walk",
        /// It is found: the caller's reference to the head goes.
        PutHead = "dma_fence_chain_find_seqno: put head",
    }
}

/// No node: all of the timeline up to the point is signalled.
const NONE: ObjId = ObjId::NONE;

/// Looking for a point. The result is a reference in the place of that to the head; NULL if all of it is signalled;
/// -EINVAL if the point is not there yet, and then the reference is still to the head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FindSeqno {
    at: At,
    head: ObjId,
    /// Where the walk is, in the end what was found.
    node: ObjId,
    point: u8,
    inner: Inner,
}

fields!(FindSeqno { at, head, node, point, inner });

impl FindSeqno {
    pub(crate) const BLANK: FindSeqno =
        FindSeqno { at: At::Begin, head: NO_FENCE, node: NONE, point: 0, inner: Inner::NONE };

    /// A search about to start.
    pub(crate) fn new(head: ObjId, point: u8) -> FindSeqno {
        FindSeqno { head, point, ..FindSeqno::BLANK }
    }

    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !chain::is_there(cx, self.head, u16::from(self.point)) {
            return Flow::Done(Value::from(Errno::EINVAL));
        }
        get(cx, self.head);
        self.visit(cx, Some(self.head))
    }

    /// The walk has come to a node, or past the last one.
    fn visit<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, node: Option<ObjId>) -> Flow {
        self.node = node.unwrap_or(NONE);
        match node {
            Some(node) if !chain::ends_at(cx, self.head, node, u16::from(self.point)) => {
                (self.at, self.inner) = (At::Walk, Inner::Walk(ChainWalk::new(cx.program, node)));
            }
            _ => (self.at, self.inner) = (At::PutHead, Inner::Fence(FenceOp::new(FenceAt::Put, self.head, 0))),
        }
        Flow::Go
    }

    /// What it is inside of is over.
    fn after<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, result: Value) -> Flow {
        match self.at {
            At::Walk => self.visit(cx, super::container::found(result)),
            _ if self.node == NONE => Flow::Done(Value::Null),
            _ => Flow::Done(cx.refer(self.node)),
        }
    }
}

impl Protocol for FindSeqno {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::Begin {
            return self.begin(cx);
        }
        self.inner.step(cx).once_over(|result| self.after(cx, result))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        if self.at == At::Begin { Footprint::writes(self.head) } else { self.inner.footprint(v) }
    }

    fn label(&self) -> &'static str {
        if self.at == At::Walk { self.inner.label() } else { self.at.label() }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.inner.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.inner.returned(value);
    }
}

/// `dma_fence_add_callback()` and `dma_fence_remove_callback()` of a callback on a waiter's stack, which wakes the
/// waiter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Waker {
    fence: ObjId,
    at: callback::At,
    signal: FenceAt,
}

fields!(Waker { fence, at, signal });

impl Waker {
    pub(crate) const BLANK: Waker = Waker::new(true, NO_FENCE);

    /// An operation about to start.
    pub(crate) const fn new(add: bool, fence: ObjId) -> Waker {
        let at = if add { callback::At::Test } else { callback::At::Remove };
        Waker { fence, at, signal: FenceAt::SignalNow }
    }

    /// Whom it wakes is told by who takes the step.
    fn op(&self, me: ThreadId) -> CallbackOp {
        CallbackOp::resume(self.at, self.fence, ObjId::task(me), self.signal)
    }

    fn keep(&mut self, op: CallbackOp) {
        (self.at, self.signal) = op.place();
    }
}

impl Protocol for Waker {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mut op = self.op(cx.me);
        let flow = op.step(cx);
        self.keep(op);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        self.op(v.me).footprint(v)
    }

    fn label(&self) -> &'static str {
        self.op(ThreadId(0)).label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.op(ThreadId(0)).spins_on()
    }

    fn returned(&mut self, value: Value) {
        let mut op = self.op(ThreadId(0));
        op.returned(value);
        self.keep(op);
    }
}
