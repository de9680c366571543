//! What is counted on of a word, judged at each access: that its lock is held, or that it is not set any more.
//!
//! A new object is its maker's: who allocated it may set its `const` fields, and access the others without their locks,
//! until another thread has accessed the field. What setup made is nobody's, and so is a variable.

use super::{Access, How, Variable, Watch};
use crate::{
    Cx, Handle, ObjId, Order, Property, Runtime, ThreadId, Value, View, World,
    program::{Premise, SlabKind},
    runtime::NoteCell,
};

impl<R: Runtime> Variable<R> {
    /// Whose it still is alone.
    pub(crate) fn maker(&self) -> Option<ThreadId> {
        if self.watch == Watch::Maker { self.overlap.get().writer } else { None }
    }

    /// Says whose it is alone, if that is of interest.
    pub(crate) fn made_by(&mut self, maker: Option<ThreadId>) {
        if self.watch == Watch::Maker {
            let mut overlap = self.overlap.get();
            overlap.writer = maker;
            self.overlap.set(overlap);
        }
    }
}

/// Whether a thread has what a word is declared with: any of its locks to read it, all of them to write it.
fn is_held<R: Runtime>(world: &World<R>, locks: &[ObjId], me: ThreadId, writes: bool) -> bool {
    match writes {
        true => locks.iter().all(|lock| world.is_held_alone(*lock, me)),
        false => locks.iter().any(|lock| world.is_held_by(*lock, me)),
    }
}

/// What an access breaks, if it does.
fn broken<R: Runtime>(
    world: &World<R>,
    premise: &Premise,
    word: ObjId,
    (me, writes): (ThreadId, bool),
) -> Option<Property> {
    let keeps = match premise {
        Premise::Nothing => true,
        Premise::Const => !writes,
        Premise::Guarded(locks) => is_held(world, locks, me, writes),
    };
    if keeps || world.var(word).maker() == Some(me) {
        return None;
    }
    Some(if *premise == Premise::Const { Property::CONST_SET_LATE } else { Property::LOCK_NOT_HELD })
}

/// Whether a thread may read a word without breaking what is counted on of it.
pub(super) fn may_read<R: Runtime>(cx: &Cx<'_, R>, word: ObjId) -> bool {
    cx.me == cx.program.main_thread() || broken(cx.world, cx.program.premise_of(word), word, (cx.me, false)).is_none()
}

/// Tells an access that somebody counts on not to be there. False if it is one.
pub(super) fn judge<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, writes: bool) -> bool {
    let (me, premise) = (cx.me, cx.program.premise_of(word));
    if *premise == Premise::Nothing || me == cx.program.main_thread() {
        return true;
    }
    if let Some(property) = broken(cx.world, premise, word, (me, writes)) {
        cx.violate(property, Some(word));
        // Who ended by a quiet access that it was this thread's alone might have done so later.
        cx.unfit |= cx.merging.is_some() && cx.program.slot_of(word).is_some();
        return false;
    }
    true
}

/// The access was made. Under a threaded runtime somebody else may have made his since it was judged.
pub(super) fn settle<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, writes: bool) {
    let me = cx.me;
    if *cx.program.premise_of(word) == Premise::Nothing || me == cx.program.main_thread() {
        return;
    }
    if cx.world.var(word).maker().is_some_and(|maker| maker != me) {
        cx.touch(word);
        cx.world.var_mut(word).made_by(None);
    } else if !R::SEES_OVERLAP {
        judge(cx, word, writes);
    }
}

/// Whether an access, as its next step finds it, breaks something.
pub(super) fn is_broken(v: View<'_>, word: ObjId, writes: bool) -> bool {
    broken(v.world, v.program.premise_of(word), word, (v.me, writes)).is_some()
}

/// Whether it ends that the word is its maker's alone.
pub(super) fn settles(v: View<'_>, word: ObjId) -> bool {
    v.world.var(word).maker().is_some_and(|maker| maker != v.me)
}

/// Whether a look at a word inside of another operation can be told from one taken earlier by nobody.
pub(crate) fn may_look_quietly<R: Runtime>(cx: &Cx<'_, R>, word: ObjId) -> bool {
    let settled = match cx.program.premise_of(word) {
        Premise::Guarded(locks) => is_held(cx.world, locks, cx.me, false),
        Premise::Const => true,
        Premise::Nothing => false,
    };
    settled && !cx.program.weak.contains(&word) && !cx.program.is_racy(word)
}

/// Whether nobody else can tell when a word is read.
pub(crate) fn may_read_quietly<R: Runtime>(cx: &Cx<'_, R>, target: ObjId, slot: Option<Handle>, own: bool) -> bool {
    let (how, order, nothing) = (How::Load, Order::Relaxed, Value::Unset);
    Access { how, order, target, slot, a: nothing, b: nothing, benign: true, open: false }.is_silent(cx, own)
}

impl Access {
    /// Whether nobody else can tell when it is taken: its premise holds, and nobody looks at what it writes. A pointer
    /// that is written changes whose its reference is.
    pub(super) fn is_silent<R: Runtime>(&self, cx: &Cx<'_, R>, own: bool) -> bool {
        let (Some(merging), false) = (cx.merging, self.how.is_barrier()) else { return false };
        let word = self.target;
        let there = cx.world.var_value(word);
        let points = || [there, self.a, self.b].into_iter().any(|v| matches!(v, Value::Ref(_)));
        if self.writes() && (!merging.may_write(word) || points()) || cx.program.weak.contains(&word) {
            return false;
        }
        // Whether it may change the key of what is in a tree is decided there.
        if self.writes() && !cx.program.keyed_by(word).is_empty() {
            return false;
        }
        // Who looked the memory up before may look on.
        let typesafe = |slot: Handle| cx.program.slab_of(slot.obj) == SlabKind::TypesafeByRcu;
        if self.slot.is_some_and(typesafe) || cx.program.is_racy(word) {
            return false;
        }
        match cx.program.premise_of(word) {
            _ if own => true,
            Premise::Guarded(locks) => is_held(cx.world, locks, cx.me, self.writes()),
            Premise::Const => !self.writes(),
            Premise::Nothing => false,
        }
    }
}
