//! `*a = *b`, and `memset(a, 0, sizeof(*a))`: the words of one object into another, each read and each written by
//! itself, as `memcpy()` does. What else is inside comes with it and is good for nothing there: a list head that leads
//! to the other one's entries, a lock whose waiters are the other one's. Zero is good for a word, a pointer and a
//! count, as after `kzalloc()`.

use super::{Memory, init, members, raw};
use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, ObjId, Order, Program, Runtime, Value, View,
    coder::points,
    fixed,
    primitives::variable::{Access, How},
    property::Form,
    protocol::Protocol,
};

points! {
    /// Where a copy is.
    pub(crate) enum At {
        /// Reads a word of the one.
        Read = "copy: read a word",
        /// Writes it into the other.
        Write = "copy: write it",
        /// Writes 0 into a word: `memset()`.
        Clear = "memset: write a word",
        /// What is inside besides words.
        Inside = "copy what is inside",
    }
}

/// A copy in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyOp {
    at: At,
    to: Handle,
    from: Handle,
    /// Which word is next.
    word: u8,
    /// What was read of it.
    value: Value,
    /// A plain access to it has begun.
    open: bool,
}

impl Code for CopyOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.to.code(c);
        self.from.code(c);
        c.byte(&mut self.word);
        self.value.code(c);
        c.flag(&mut self.open);
    }
}

/// The words of an object, with those of the structs inside of it, and what each is declared to begin as.
fn words(program: &Program, slot: ObjId) -> impl Iterator<Item = (ObjId, Value)> {
    let inner = program.inside_of(slot).filter(|id| program.is::<fixed::Slot>(*id));
    std::iter::once(slot).chain(inner).flat_map(|slot| program.fields_of(slot))
}

impl CopyOp {
    pub(crate) const BLANK: CopyOp =
        CopyOp { at: At::Inside, to: Handle::NONE, from: Handle::NONE, word: 0, value: Value::Unset, open: false };

    /// A copy about to start.
    pub(super) fn new(program: &Program, to: Handle, from: Handle) -> CopyOp {
        let at = if words(program, to.obj).next().is_some() { At::Read } else { At::Inside };
        CopyOp { at, to, from, ..CopyOp::BLANK }
    }

    /// A `memset()` about to start.
    pub(super) fn clear(program: &Program, to: Handle) -> CopyOp {
        let at = if words(program, to.obj).next().is_some() { At::Clear } else { At::Inside };
        CopyOp { at, to, ..CopyOp::BLANK }
    }

    /// Whether there is no other one.
    fn clears(&self) -> bool {
        self.from == Handle::NONE
    }

    /// The access to the word at hand.
    fn access(&self, program: &Program) -> Option<Access> {
        let (how, slot) = match self.at {
            At::Read => (How::Load, self.from),
            At::Write | At::Clear => (How::Store, self.to),
            At::Inside => return None,
        };
        let (target, init) = words(program, slot.obj).nth(usize::from(self.word))?;
        let a = if self.at == At::Clear { Memory::Zeroed.holds(init) } else { self.value };
        Some(Access {
            how,
            order: Order::Relaxed,
            target,
            slot: Some(slot),
            a,
            b: Value::Unset,
            benign: false,
            open: self.open,
        })
    }

    /// After an access.
    fn next(&mut self, program: &Program, seen: Value) {
        (self.at, self.value) = match self.at {
            At::Read => (At::Write, seen),
            _ => {
                self.word += 1;
                let more = words(program, self.to.obj).nth(usize::from(self.word)).is_some();
                let again = if self.clears() { At::Clear } else { At::Read };
                (if more { again } else { At::Inside }, Value::Unset)
            }
        };
    }

    /// What is inside is the other one's, bit by bit.
    fn copy_inside<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (program, slot) = (cx.program, self.to.obj);
        if !super::check_alive(cx, self.to) {
            return;
        }
        for part in program.inside_of(slot).filter(|id| program.root_of(*id).is_some()) {
            cx.note(part);
            if program.is::<fixed::Slot>(part) {
                continue;
            }
            super::made_anew(cx, part);
            if raw::left(cx, part).is_none() {
                let form = if self.clears() { Form::CLEARED_IN_USE } else { Form::COPIED_OVER };
                init::check_unused(cx, part, form);
            }
            if cx.violation.is_some() {
                return;
            }
            members::renew(cx, part);
            init::clear_entries(cx, part);
        }
        cx.touch(slot);
        if self.clears() {
            self.clear_counts(cx);
            raw::leave(cx, slot, raw::Left::Zeroed, None);
        } else {
            raw::leave(cx, slot, raw::Left::Copied, Some(self.from.obj));
        }
    }
}

impl CopyOp {
    /// A count that somebody's references stand in is not to be lost: the object's, and those of what is inside.
    fn clear_counts<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (program, slot) = (cx.program, self.to.obj);
        let inner = program.inside_of(slot).filter(|id| program.is::<fixed::Slot>(*id));
        for counted in std::iter::once(slot).chain(inner).filter(|id| program.counts(*id)) {
            cx.note(counted);
            if cx.world.slot(counted).refs.count() != 0 && raw::left(cx, counted).is_none() {
                return init::tell(cx, counted, None, Form::CLEARED_IN_USE);
            }
            cx.world.slot_mut(counted).refs.reset(0);
        }
    }
}

impl Protocol for CopyOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(mut access) = self.access(cx.program) else {
            self.copy_inside(cx);
            return Flow::Done(Value::Word(0));
        };
        let flow = access.step(cx);
        self.open = access.open && flow == Flow::Go;
        if let Flow::Done(seen) = flow {
            self.next(cx.program, seen);
            let copies = cx.program.inside_of(self.to.obj).next().is_some() || cx.program.counts(self.to.obj);
            if self.at == At::Inside && !copies {
                return Flow::Done(Value::Word(0));
            }
        }
        Flow::Go
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        if let Some(access) = self.access(v.program) {
            return access.footprint(v);
        }
        let f = raw::footprint(v, self.to.obj, Footprint::writes(self.to.obj));
        members::footprint(v, self.to.obj, f)
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
