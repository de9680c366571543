//! Fence-signalling sections: `dma_fence_begin_signalling()` and `dma_fence_end_signalling()`.
//!
//! A section is the code that must run before a published fence can signal. What is forbidden in it is checked where it
//! happens: a lock ([`Cx::about_to_lock`]), a blocking allocation, a wait for a fence ([`Cx::about_to_wait_for`]).

use super::NO_FENCE;
use crate::{Cx, Flow, Footprint, ObjId, Property, Rule, Runtime, Value, View, coder::fields, protocol::Protocol};

/// The beginning or the end of a section: known to the running thread alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signalling {
    begin: bool,
    /// The fence that the section is for, if it says so.
    fence: Option<ObjId>,
}

fields!(Signalling { begin, fence });

impl Signalling {
    pub(crate) const BLANK: Signalling = Signalling { begin: true, fence: Some(NO_FENCE) };

    /// A section about to begin or to end.
    pub(crate) fn new(begin: bool, fence: Option<ObjId>) -> Signalling {
        Signalling { begin, fence }
    }
}

impl Protocol for Signalling {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // In atomic context the annotation is a no-op in the kernel; the section is one all the same.
        if self.begin {
            if !cx.private.begin_signalling(self.fence) {
                cx.violate(Property::CAPACITY_EXCEEDED, None);
            }
        } else if !cx.private.end_signalling() {
            cx.violate_rule(Rule::SECTION_NOT_BEGUN, None);
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE
    }

    fn label(&self) -> &'static str {
        if self.begin { "dma_fence_begin_signalling" } else { "dma_fence_end_signalling" }
    }

    /// What a section is begun for only its own thread knows.
    fn is_visible(&self) -> bool {
        false
    }

    fn is_only_current(&self) -> bool {
        true
    }
}
