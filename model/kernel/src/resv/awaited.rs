//! What a walk without the lock owes its caller, and the checker's note of it.
//!
//! The kernel's walk is no snapshot: it looks at one entry after the other, so that what it finds may never have been
//! in the list at one time. What whoever waits for all that it finds relies on is less, and exactly this: *every fence
//! that was in the list when the walk last started is looked at, or has signalled, or has left the list, or a later one
//! of its context was looked at, by the end of the walk.* So the memory is as idle as it was pending at that start.
//!
//! The note is the set of fences of the list at the start that are still to be looked at: a bit each, by their order in
//! the program. It is empty but for walks under way, and empty at the end of all walks that nobody disturbs. A fence
//! that is still noted then must be signalled or gone. (One that was taken out and put back counts as having stayed.)
//!
//! Entries are looked at as they are, with no memory order of the reader's own; so under a runtime where a reader may
//! see them late, nothing is noted.

use super::{Entry, Usage};
use crate::{
    AtomicCell, Code, Coder, Cx, Footprint, ObjId, Order, Property, Runtime, View,
    fence::{self, is_later_or_same},
    program::Program,
};

/// The fences that a walk must still look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Awaited(pub(super) u16);

impl Code for Awaited {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.0.code(c);
    }
}

/// The fences of a program, in order.
fn fences(program: &Program) -> impl Iterator<Item = ObjId> {
    program.all::<crate::fence::kind::Fence>()
}

impl Awaited {
    /// The walk (re)starts with this list, which has so many entries.
    pub(super) fn start<R: Runtime>(cx: &mut Cx<'_, R>, list: Option<ObjId>, num: u8, usage: Usage) -> Awaited {
        let mut all = Awaited::default();
        let Some(list) = list.filter(|_| R::SEES_OVERLAP) else { return all };
        for i in 0..usize::from(num) {
            let entry: Entry = cx.list(list).entries[i].peek();
            let Some(f) = entry.fence.filter(|_| entry.usage <= usage) else { continue };
            match fences(cx.program).position(|g| g == f) {
                Some(bit) if bit < 16 => all.0 |= 1 << bit,
                // No room in the note: nothing may be said about what follows.
                _ => cx.violate(Property::CAPACITY_EXCEEDED, Some(list)),
            }
        }
        all
    }

    fn iter(self, program: &Program) -> impl Iterator<Item = (u16, ObjId)> {
        fences(program).take(16).enumerate().map(|(i, f)| (1 << i, f)).filter(move |(bit, _)| self.0 & bit != 0)
    }

    /// The walk has loaded an entry with this fence: that one and those that it stands for are accounted for.
    pub(super) fn look_at<R: Runtime>(&mut self, world: &crate::World<R>, program: &Program, fence: ObjId) {
        if self.0 != 0 {
            let done = self.iter(program).filter(|(_, f)| is_later_or_same(world, program, fence, *f));
            self.0 &= !done.fold(0, |mask, (bit, _)| mask | bit);
        }
    }

    /// The walk is at its end: nothing that it did not look at is pending in the list.
    pub(super) fn end<R: Runtime>(self, cx: &mut Cx<'_, R>, list: Option<ObjId>, usage: Usage) {
        let (Some(list), program) = (list.filter(|_| self.0 != 0), cx.program) else { return };
        for (_, f) in self.iter(program) {
            let list = cx.list(list);
            let entries = list.entries.iter().take(usize::from(list.num.peek()));
            let there = entries.map(|e| e.peek()).any(|e| e.fence == Some(f) && e.usage <= usage);
            if there && !fence::test_signaled(cx, f) {
                cx.violate(Property::FENCE_MISSED, Some(f));
            }
        }
    }

    /// What [`end`](Awaited::end) touches.
    pub(super) fn end_footprint(self, v: View<'_>, resv: ObjId, f: Footprint) -> Footprint {
        if self.0 == 0 {
            return f;
        }
        let f = v.world.resv(resv).list.load(Order::Relaxed).map_or(f, |l| f.read(l));
        self.iter(v.program).fold(f, |f, (_, fence)| f.read(fence))
    }
}
