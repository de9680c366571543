//! Where engines have real memory behind the frames and a processor for the page tables: entries are laid as they
//! change, and an access goes through them or faults as the processor says. What that says must be what the entry does.

use super::{entries, frame, writable};
use crate::{
    Cx, ObjId, Program, Property, Runtime, Value, World,
    memory::{bytes::Bytes, frame::bare},
};
use fenceweave_pages::{PageIndex, Tag};
use std::sync::Arc;

/// The processor, if there is one.
fn of<R: Runtime>(cx: &Cx<'_, R>) -> Option<Arc<Bytes>> {
    cx.world.bytes().filter(|bytes| bytes.has_processor())
}

/// The address of an entry: its place among those of all tables.
fn address(program: &Program, word: ObjId) -> PageIndex {
    PageIndex(entries(program).position(|entry| entry == word).unwrap_or_default() as u32)
}

/// What an entry says.
fn leads(entry: Value) -> Option<(i32, bool)> {
    frame(entry).map(|number| (number, writable(entry)))
}

/// The real memory begins anew as the page tables of a world say.
pub fn begin<R: Runtime>(world: &World<R>, program: &Program) {
    let Some(bytes) = world.bytes() else { return };
    bytes.restart();
    if bytes.has_processor() {
        for (at, entry) in entries(program).enumerate() {
            bytes.lay(program, PageIndex(at as u32), leads(world.var_value(entry)));
        }
    }
}

/// Tells that the processor does not go by the entry.
fn judge<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, agrees: bool) {
    if !agrees && cx.violation.is_none() {
        cx.violate(Property::BYTES_DIFFER, Some(word));
    }
}

/// An entry may have changed.
pub(super) fn follow<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) {
    let Some(bytes) = of(cx) else { return };
    let laid = bytes.lay(cx.program, address(cx.program, word), leads(cx.world.var_value(word)));
    judge(cx, word, laid);
}

/// User space stores a whole page, of a frame of the scenario's or not. Whether there was a processor to do it.
pub(super) fn store<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, frame: Option<ObjId>, tag: Tag) -> bool {
    let Some(bytes) = of(cx) else { return false };
    follow(cx, word);
    let stored = bytes.store(cx.me, address(cx.program, word), frame, tag);
    judge(cx, word, stored);
    true
}

/// User space loads a whole page, and finds in a frame of the scenario's what is known to be there.
pub(super) fn load<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, frame: Option<(ObjId, Tag)>) {
    let Some(bytes) = of(cx) else { return };
    follow(cx, word);
    let known = frame.map(|(frame, tag)| (frame, bare(tag)));
    let loaded = bytes.load(cx.program, cx.me, address(cx.program, word), known);
    judge(cx, frame.map_or(word, |(frame, _)| frame), loaded);
}

/// An access that the entry does not allow. Nothing handles its fault if it is `over`.
pub(super) fn fault<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, writes: bool, over: bool) {
    let Some(bytes) = of(cx) else { return };
    follow(cx, word);
    let faults = bytes.fault(cx.me, address(cx.program, word), writes);
    judge(cx, word, faults);
    if over {
        give_up(cx, word);
    }
}

/// The handler says that the access is not made.
pub(super) fn give_up<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) {
    let Some(bytes) = of(cx) else { return };
    let out = bytes.give_up(cx.me);
    judge(cx, word, out);
}
