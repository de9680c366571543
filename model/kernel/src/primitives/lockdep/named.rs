//! What a function's promise names, as it was named when the function was called: the words on a path are read then.
//!
//! The checker reads them, not the function: what is not there, may not be read, or is written at the same time is no
//! violation. Nothing leads on from it, and the promise says so, if it comes to be judged.

use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, ObjId, Runtime, Value, View,
    primitives::{slab::Slot, variable},
    program::SlabKind,
    protocol::Protocol,
};

/// A word that is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// The word; none if nothing leads to one.
    pub(super) word: Option<ObjId>,
    /// The slot that it is inside of.
    pub(super) slot: Option<Handle>,
}

impl Code for Named {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.word.code(c);
        self.slot.code(c);
    }
}

impl Named {
    pub(crate) const BLANK: Named = Named { word: None, slot: None };
}

impl Protocol for Named {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let typesafe = |slot: Handle| cx.program.slab_of(slot.obj) == SlabKind::TypesafeByRcu && cx.private.is_reader();
        let lives = |slot: Handle| cx.world.get::<Slot<R>>(slot.obj).is_some_and(|s| s.is_home_of(slot));
        let there = self.slot.is_none_or(|slot| lives(slot) || typesafe(slot));
        let seen = self.word.filter(|_| there).and_then(|word| variable::peep(cx, word));
        Flow::Done(seen.unwrap_or(Value::Unset))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let slot = self.slot.map_or(Footprint::NONE, |slot| Footprint::reads(slot.obj));
        self.word.map_or(slot, |word| variable::look_footprint(v, word, slot))
    }

    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, own: bool) -> bool {
        self.word.is_some_and(|word| variable::may_read_quietly(cx, word, self.slot, own))
    }

    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [self.slot.map(|slot| slot.obj), None]
    }

    fn is_visible(&self) -> bool {
        self.word.is_some()
    }

    fn is_only_current(&self) -> bool {
        self.word.is_none()
    }

    fn label(&self) -> &'static str {
        "named"
    }
}
