//! What is inside of an object and was not initialised: after `kzalloc()`, after `kmalloc()`, after a copy.
//!
//! The state of such a member is as in the beginning, so that no two states differ by what nobody may look at; that it
//! must not be used is a note of the slot that it is inside of. What needs no initialising (a `dma_fence_cb`, which
//! `dma_fence_add_callback()` fills in) is never noted.

use super::Slot;
use crate::{
    Code, Coder, Cx, Footprint, ObjId, Program, Property, Runtime, View, Violation, fixed, property::Form,
    runtime::NoteCell,
};

/// How memory came to be what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// `kzalloc()`.
    Zeroed,
    /// `kmalloc()`.
    Unset,
    /// `*a = *b`.
    Copied,
}

/// Most of what is told apart inside of one object.
const MOST: usize = 64;

/// What of an object nobody has initialised: its count, and what is inside of it, by its place there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Raw {
    /// Two bits for each, one of them in each word.
    bits: [u64; 2],
    /// What it was copied from.
    from: ObjId,
}

impl Raw {
    pub(crate) fn is_blank(self) -> bool {
        self.bits == [0, 0]
    }

    fn at(self, place: usize) -> Option<Left> {
        match self.bits.map(|word| word >> (place % MOST) & 1) {
            [0, 0] => None,
            [1, 0] => Some(Left::Zeroed),
            [0, _] => Some(Left::Unset),
            [..] => Some(Left::Copied),
        }
    }

    fn put(&mut self, place: usize, left: Option<Left>) {
        let bits = match left {
            None => [0, 0],
            Some(Left::Zeroed) => [1, 0],
            Some(Left::Unset) => [0, 1],
            Some(Left::Copied) => [1, 1],
        };
        for (word, bit) in self.bits.iter_mut().zip(bits) {
            *word = *word & !(1 << (place % MOST)) | bit << (place % MOST);
        }
        // Where nothing is a copy any more, nobody asks from where.
        if self.bits[0] & self.bits[1] == 0 {
            self.from = ObjId::default();
        }
    }
}

impl Code for Raw {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.bits.iter_mut().for_each(|word| c.packed(word));
        if self.bits[0] & self.bits[1] != 0 {
            self.from.code(c);
        } else {
            self.from = ObjId::default();
        }
    }
}

impl Program {
    /// The object that something is a part of, the outermost, and its place there; of such an object itself, that of
    /// its count.
    fn raw_place(&self, id: ObjId) -> Option<(ObjId, usize)> {
        let Some(root) = self.root_of(id) else { return self.is::<fixed::Slot>(id).then_some((id, 0)) };
        let first = self.inside_of(root).next()?;
        Some((root, usize::from(id.number() - first.number()) + 1))
    }
}

/// Notes how a part of an object was left.
fn note<R: Runtime>(cx: &mut Cx<'_, R>, part: ObjId, left: Option<Left>, from: Option<ObjId>) {
    let Some((root, place)) = cx.program.raw_place(part) else { return };
    if place >= MOST {
        if left.is_some() {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(root));
        }
        return;
    }
    cx.note(root);
    let slot: &mut Slot<R> = cx.world.slot_mut(root);
    let mut raw = slot.raw.get();
    if let Some(from) = from {
        raw.from = from;
    }
    raw.put(place, left);
    slot.raw.set(raw);
}

/// How a part of an object was left, if nobody has initialised it since.
pub(crate) fn left<R: Runtime>(cx: &Cx<'_, R>, part: ObjId) -> Option<Left> {
    let (root, place) = cx.program.raw_place(part)?;
    let raw = cx.world.slot(root).raw.get();
    if raw.is_blank() || place >= MOST { None } else { raw.at(place) }
}

/// All that is inside of an object is initialised, or nobody's any more.
pub(super) fn forget<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) {
    let slot: &mut Slot<R> = cx.world.slot_mut(slot);
    if !slot.raw.get().is_blank() {
        slot.raw.set(Raw::default());
    }
}

/// The parts of an object that has to be initialised: a reservation's lock is one of its own.
pub(super) fn needy(program: &Program, slot: ObjId) -> impl Iterator<Item = ObjId> {
    let inside = program.inside_of(slot).filter(|id| program.root_of(*id).is_some());
    inside.filter(|id| program.row(*id).is_some_and(|row| !row.init.is_empty()))
}

/// Notes it of all that is inside of an object and needs to be initialised; with its count, if it has one.
pub(super) fn leave<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId, left: Left, from: Option<ObjId>) {
    let program = cx.program;
    for part in needy(program, slot) {
        // No reference at all, no entry: what the kernel's zero means.
        let good = left == Left::Zeroed && program.row(part).is_some_and(|row| row.zero_is_good);
        if good {
            cx.note(part);
            cx.world.object_mut(part).refs_mut().into_iter().for_each(|refs| refs.reset(0));
        } else {
            note(cx, part, Some(left), from);
        }
    }
    let counted = |id: &ObjId| program.counts(*id) && left != Left::Zeroed;
    let slots = program.inside_of(slot).filter(|id| program.is::<fixed::Slot>(*id));
    for counted in slots.chain([slot]).filter(counted) {
        note(cx, counted, Some(left), from);
    }
}

/// What a new object's items have to be told before anybody may use them: an item without a function.
pub(super) fn leave_unsaid<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) {
    let program = cx.program;
    for part in program.inside_of(slot).filter(|id| program.kind(*id).lacks_function()) {
        note(cx, part, Some(Left::Zeroed), None);
    }
}

/// The part is initialised from here on. Whether it had to be.
pub(crate) fn initialise<R: Runtime>(cx: &mut Cx<'_, R>, part: ObjId) -> bool {
    let was = left(cx, part).is_some();
    if was {
        note(cx, part, None, None);
    }
    was
}

/// What [`initialise`] touches.
pub(crate) fn footprint(v: View<'_>, part: ObjId, f: Footprint) -> Footprint {
    f.write_opt(v.program.root_of(part).filter(|_| v.program.has_members()))
}

/// Tells the use of what nobody has initialised.
pub(super) fn check<R: Runtime>(cx: &mut Cx<'_, R>, part: ObjId) {
    let Some(left) = left(cx, part) else { return };
    let form = match left {
        Left::Zeroed => Form::USED_ZEROED,
        Left::Unset => Form::USED_UNSET,
        Left::Copied => Form::USED_COPIED,
    };
    let root = cx.program.root_of(part).unwrap_or(part);
    let from = cx.world.slot(root).raw.get().from;
    let v = cx.violation_of(Property::USED_UNINITIALISED);
    let also = Some(if left == Left::Copied { from } else { root });
    cx.note_violation(Violation { object: Some(cx.program.named_by(part)), also, form: Some(form), ..v });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_told_from_the_others_and_a_source_is_kept_as_long_as_there_is_a_copy() {
        let mut raw = Raw::default();
        assert!(raw.is_blank());
        raw.put(0, Some(Left::Unset));
        raw.put(63, Some(Left::Copied));
        raw.from = ObjId::object(7);
        raw.put(5, Some(Left::Zeroed));
        assert_eq!(
            [0, 1, 5, 63].map(|at| raw.at(at)),
            [Some(Left::Unset), None, Some(Left::Zeroed), Some(Left::Copied)]
        );
        raw.put(63, None);
        assert_eq!((raw.at(63), raw.from), (None, ObjId::default()));
        raw.put(0, None);
        raw.put(5, None);
        assert!(raw.is_blank());
    }
}
