//! `dma_fence_init(fence, ops, lock, context, seqno)` where the context and the number are known when it runs.
//!
//! ```text
//!   fence->context, fence->seqno       nobody else knows the fence
//!   then as of one whose point is declared
//! ```
//!
//! A driver takes both from its ring: `dma_fence_init(&job->fence, &ops, &ring->lock, ring->context, ++ring->seqno)`.
//! In memory that is typesafe a reader may still have the fence before: he looks at its point at his own risk, and the
//! reference that he takes keeps the new one.

use super::{FenceAt, FenceOp, Point};
use crate::{
    Cx, Family, Flow, Footprint, ObjId, Property, Runtime, Standing, View, coder::fields, protocol::Protocol,
    runtime::NoteCell,
};

/// A `fence-init` that says which point of which timeline it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitAt {
    init: FenceOp,
    fence: ObjId,
    context: i32,
    seqno: i32,
}

fields!(InitAt { init, fence, context, seqno });

impl InitAt {
    pub(crate) const BLANK: InitAt = InitAt { init: FenceOp::BLANK, fence: super::NO_FENCE, context: 0, seqno: 0 };

    /// A fence about to be initialised.
    pub(crate) fn new(fence: ObjId, context: i32, seqno: i32) -> InitAt {
        InitAt { init: FenceOp::new(FenceAt::Init, fence, 0), fence, context, seqno }
    }

    /// Numbers wrap around, unless those of the fence's kind are of 64 bits: one that is wider than ours, and a context
    /// that is, is none of the scenario's mistakes.
    fn point<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Point> {
        let wide = cx.program.fence_ops(self.fence).seqno64;
        let seqno = if wide { u16::try_from(self.seqno).ok() } else { Some(self.seqno as u16) };
        let point = u8::try_from(self.context).ok().zip(seqno);
        if point.is_none() {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.fence));
        }
        point.map(|(context, seqno)| Point { context, seqno })
    }
}

impl Protocol for InitAt {
    const FAMILY: Option<Family> = FenceOp::FAMILY;

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        self.init.amid(at)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let begins = self.init.at() == FenceAt::Init;
        let point = if begins { self.point(cx) } else { None };
        let flow = self.init.step(cx);
        if begins && cx.violation.is_none() {
            cx.fence(self.fence).point.set(point);
        }
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        self.init.footprint(v)
    }

    fn label(&self) -> &'static str {
        self.init.label()
    }
}
