//! What is inside of an object lives and dies with it: locks, fences, other structs.
//!
//! A member is an object like any other, at an id of its own. It begins with its object, whose address nobody else has
//! yet (`kzalloc()` and the init functions), and is found as it was in the beginning when that memory is used again:
//! whoever frees leaves it so. What has an end of its own that was left out is told at the free; whatever touches it
//! later uses memory after it was freed.

use super::{Life, Memory, Slot, Stage, init, raw};
use crate::{
    AtomicCell, Cx, Footprint, Held, ObjId, Object, Order, Plain, Program, Property, Runtime, Value, View, Violation,
    fixed, primitives::list, property::Form, shared::Lost,
};

/// An access to what is inside of another is one to that. Nothing else frees than steps that write all that is inside,
/// so a footprint that has the member has said it all.
#[inline(never)]
pub(crate) fn check_member<R: Runtime>(cx: &mut Cx<'_, R>, member: ObjId) {
    let Some(root) = cx.program.root_of(member) else { return };
    let Some(life) = super::life_of(cx, root) else { return };
    let outdated = cx.met.iter().flatten().any(|h| h.obj == root && h.generation != life.generation);
    if life.stage == Stage::Free || outdated {
        tell(cx, Property::USE_AFTER_FREE, (root, member), Form::INSIDE_USED);
    } else if cx.world.object(member).generation().is_none() {
        raw::check(cx, member);
    }
}

/// Whether what a member is inside of was freed.
pub(crate) fn is_gone<R: Runtime>(cx: &mut Cx<'_, R>, member: ObjId) -> bool {
    let life = cx.program.root_of(member).and_then(|root| super::life_of(cx, root));
    life.is_some_and(|life| life.stage == Stage::Free)
}

/// What is inside of an object was not allocated by itself, and is not freed by itself: KASAN's invalid-free.
pub(super) fn is_inside<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) -> bool {
    let root = cx.program.root_of(slot);
    if let Some(root) = root {
        tell(cx, Property::DOUBLE_FREE, (root, slot), Form::FREES_INSIDE);
    }
    root.is_some()
}

fn tell<R: Runtime>(cx: &mut Cx<'_, R>, property: Property, (root, member): (ObjId, ObjId), form: Form) {
    let v = cx.violation_of(property);
    let (object, also) = (Some(root), Some(cx.program.named_by(member)));
    cx.note_violation(Violation { object, also, form: Some(form), ..v });
}

/// What is inside of a slot and is the slot's memory: a reservation's lists of fences are allocated by themselves.
fn inside(program: &Program, slot: ObjId) -> impl Iterator<Item = ObjId> {
    program.inside_of(slot).filter(|id| program.root_of(*id).is_some())
}

/// The memory goes: what is inside of it must have come to its own end.
pub(super) fn check_free<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) {
    for member in inside(cx.program, slot) {
        cx.note(member);
        let is_entry = cx.program.is::<fixed::Slot>(member) || cx.program.is::<fixed::Fence>(member);
        if is_entry {
            list::check_free(cx, member);
        }
        if let Some(lost) = lost(cx, member) {
            let v = cx.violation_of(Property::FREED_IN_USE);
            let member = cx.program.named_by(member);
            let (object, also) = lost.with.map_or((slot, member), |with| (member, with));
            let (object, also) = (Some(object), Some(also));
            let own = lost.form == Form::FREED_HELD && lost.by == Some(cx.me);
            let form = Some(if own { Form::FREED_OWN } else { lost.form });
            cx.note_violation(Violation { object, also, other: lost.by, form, ..v });
            return;
        }
    }
}

/// What is lost with a member; of an xarray that has entries the nodes that `xa_destroy()` would have freed.
pub(super) fn lost<R: Runtime>(cx: &mut Cx<'_, R>, member: ObjId) -> Option<Lost> {
    let xarray = cx.program.fixed::<fixed::Xarray>(member);
    cx.rt.looks(true);
    let has_entries = |xa| init::entries(xa).any(|word| cx.world.var_value(word) != Value::Null);
    let entries = xarray.is_some_and(has_entries);
    let lost = Lost::when(Form::FREED_ENTRIES, entries).or_else(|| cx.world.object(member).lost(cx.me));
    cx.rt.looks(false);
    lost
}

/// Of what was on a stack the block is what goes.
pub(super) fn tell_of_stack<R: Runtime>(cx: &mut Cx<'_, R>) {
    if let Some(v) = &mut cx.violation {
        if v.property == Property::FREED_IN_USE {
            let listed = v.form == Some(Form::FREED_LISTED);
            v.form = Some(if listed { Form::STACK_LEFT_LISTED } else { Form::STACK_LEFT });
        } else if v.property == Property::FREED_ON_LIST {
            v.form = Some(Form::STACK_LEFT_ON_LIST);
        }
    }
}

/// A new object: the structs inside of it live, too, as long as it does.
pub(super) fn begin<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId, life: Life, memory: Memory) {
    let ready = memory == Memory::Ready;
    for member in inside(cx.program, slot) {
        cx.touch(member);
        if let Some(generation) = cx.world.object(member).generation() {
            debug_assert!(generation <= life.generation, "[internal bug] a member is older than what it is inside of");
            let refs = if ready { cx.program.initial_refs(member) } else { 0 };
            let me = cx.me;
            let inner = cx.world.slot_mut(member);
            inner.life.swap(life, Order::AcqRel);
            inner.refs.reset(refs);
            inner.refs.book(me, refs as i8);
            super::store_fields(cx, member, memory);
        }
    }
    if ready {
        raw::leave_unsaid(cx, slot);
    }
}

/// The memory is somebody else's from here on, and all that is inside as it was in the beginning.
pub(super) fn end<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId, life: Life) {
    raw::forget(cx, slot);
    for member in inside(cx.program, slot) {
        cx.note(member);
        if cx.world.object(member).generation().is_some() {
            let inner: &mut Slot<R> = cx.world.slot_mut(member);
            inner.life.swap(life, Order::AcqRel);
            inner.refs.reset(0);
        } else {
            renew(cx, member);
            init::clear_entries(cx, member);
        }
    }
}

/// As it was in the beginning. Whoever spins on it looks again, and finds it gone.
pub(super) fn renew<R: Runtime>(cx: &mut Cx<'_, R>, member: ObjId) {
    cx.world.object(member).spinners().iter().for_each(|t| cx.rt.release(t));
    let (kind, program) = (cx.program.kind(member), cx.program);
    if R::SEES_OVERLAP {
        // The memory is the data itself.
        *cx.world.object_mut(member) = Object::new(kind, member, program);
    } else {
        // Nobody else may look: what is written here is no access of the kernel's.
        let gate = program.gate_of(member);
        cx.world.object_mut(member).renew(&Object::<Plain>::new(kind, member, program), Held(gate));
    }
}

/// What [`begin`], [`check_free`] and [`end`] touch.
pub(crate) fn footprint(v: View<'_>, slot: ObjId, f: Footprint) -> Footprint {
    if !v.program.has_members() {
        return f;
    }
    inside(v.program, slot).fold(f, |f, member| {
        let f = v.program.fixed::<fixed::Xarray>(member).into_iter().flat_map(init::entries).fold(f, Footprint::write);
        let f = f.write(member);
        v.program.fields_of(member).fold(f, |f, (var, _)| f.write(var))
    })
}
