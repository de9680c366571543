//! The order within a context: fences signal in the order of their numbers.
//!
//! A reservation keeps the last fence of a context only, and an unwrap merge does so too: whoever waits for that one
//! takes it that the earlier ones have signalled with it. Only a fence that others may have seen counts: an earlier one
//! that never got so far, on an error path, holds nobody up. Nor is asked about fences that are made of others (whether
//! those are signalled is not in their bit), and fences with a `signaled` operation, whose bit only follows what their
//! hardware says.

use super::kind;
use crate::primitives::slab::members;
use crate::{Cx, Footprint, ObjId, Program, Property, Runtime, View, Violation, World};

/// Every object that may be a fence.
fn candidates(program: &Program) -> impl Iterator<Item = ObjId> {
    (0..program.objects.len()).map(ObjId::object)
}

/// Whether `g` is an earlier fence of the context of `fence`.
fn is_earlier<R: Runtime>(world: &World<R>, program: &Program, g: ObjId, fence: ObjId) -> bool {
    let plain = program.is::<kind::Fence>(g) && g != fence;
    plain && program.says_itself(fence) && program.says_itself(g) && super::is_later_or_same(world, program, fence, g)
}

/// The fence is about to be signalled: no earlier one of its context is pending.
pub(super) fn check<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    let program = cx.program;
    for g in candidates(program) {
        // As the signaller sees it: that it happened first by chance would not help a waiter, who may see the later one
        // only. One whose memory is not there was never seen, or is nobody's any more.
        let there = is_earlier(cx.world, program, g, fence) && !members::is_gone(cx, g);
        let pending = there && cx.fence(g).was_published();
        if pending && !super::test_signaled(cx, g) {
            let v = cx.violation_of(Property::FENCE_ORDER);
            return cx.note_violation(Violation { object: Some(g), also: Some(fence), ..v });
        }
    }
}

/// What [`check`] looks at besides the fence.
pub(super) fn footprint(v: View<'_>, fence: ObjId, f: Footprint) -> Footprint {
    // Where points are told at run time, another one may be told any moment that it is earlier.
    let may_be = |g: &ObjId| v.program.fence_points && v.program.is::<kind::Fence>(*g) && v.program.says_itself(*g);
    candidates(v.program).filter(|g| may_be(g) || is_earlier(v.world, v.program, *g, fence)).fold(f, Footprint::read)
}
