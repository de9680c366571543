//! `struct lockdep_map` without a lock: an order that who waits for something keeps to, and nobody else knows of.
//!
//! ```text
//!   lock_map_acquire        as if a lock were taken that nobody else wants
//!   lock_map_acquire_read   the same, of which several may be in each other
//!   lock_map_release        and given back
//! ```
//!
//! As `lock_acquire()` of `kernel/locking/lockdep.c` (6.12): nobody waits, so no execution hangs on one; what was held
//! when it was acquired and what was taken while it was held are dependencies all the same, and a circle through one is
//! told by the engine that keeps them (`explicit`). Who acquires what he has acquired would wait for himself, unless he
//! reads.

pub(crate) mod idioms;
pub mod kind;
pub mod ops;
pub(crate) mod rules;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Plain, Property, Runtime, ThreadId, Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::readers::Readers,
    property::Form,
    protocol::Protocol,
    runtime::NoteCell,
    shared::{LeftOpen, Lost, Shared, renewed},
};

/// How often each thread has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Held {
    all: Readers,
    /// For reading only.
    reads: Readers,
}

fields!(Held { all, reads });

/// A `struct lockdep_map`.
#[derive(Clone)]
pub struct LockMap<R: Runtime> {
    held: R::Note<Held>,
}

impl Copy for LockMap<Plain> {}

impl<R: Runtime> LockMap<R> {
    pub(crate) fn new() -> Self {
        LockMap { held: R::Note::new(Held::default()) }
    }

    /// Whether a thread has it in a way in which he could not have it twice.
    fn is_held_to_write(&self, t: ThreadId) -> bool {
        let held = self.held.get();
        held.all.of(t) > held.reads.of(t)
    }
}

impl<R: Runtime> Shared<R> for LockMap<R> {
    renewed!(LockMap { held: note });

    /// `debug_check_no_locks_freed()`.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_lock(self.held.get().all.all().iter().next(), None)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("held", Facet::Queue(self.held.get().all.all()));
    }

    fn is_held_by(&self, t: ThreadId) -> bool {
        self.held.get().all.of(t) > 0
    }

    fn is_held_alone(&self, t: ThreadId) -> bool {
        self.is_held_to_write(t)
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.held.get().all.of(by) > 0).then_some(LeftOpen::Map)
    }
}

impl Code for LockMap<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.held.code(c);
    }
}

points! {
    /// What is done with one.
    pub enum How {
        /// `lock_map_acquire()`.
        Acquire = "lock_map_acquire",
        /// `lock_map_acquire_read()`.
        Read = "lock_map_acquire_read",
        /// `lock_map_acquire_tryread()`: nothing is waited for.
        TryRead = "lock_map_acquire_tryread",
        /// `lock_map_release()`.
        Release = "lock_map_release",
    }
}

/// One operation on a lockdep map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockMapOp {
    how: How,
    map: ObjId,
}

fields!(LockMapOp { how, map });

impl LockMapOp {
    pub(crate) const BLANK: LockMapOp = LockMapOp { how: How::Acquire, map: ObjId::object(0) };

    fn acquire<R: Runtime>(self, cx: &mut Cx<'_, R>, held: &mut Held) {
        let (me, reads) = (cx.me, self.how != How::Acquire);
        let (all, read) = (held.all.of(me), held.reads.of(me));
        // check_deadlock(): a recursive read is no deadlock where all before were reads.
        let recurses = all > 0 && !(reads && all == read);
        if recurses && self.how != How::TryRead {
            return cx.violate(Property::SELF_DEADLOCK, Some(self.map));
        }
        if self.how != How::TryRead {
            cx.about_to_lock(self.map);
        }
        if all == Readers::MOST {
            return cx.violate(Property::CAPACITY_EXCEEDED, Some(self.map));
        }
        held.all.set(me, all + 1);
        held.reads.set(me, read + u8::from(reads));
    }

    /// The one that was acquired last.
    fn release<R: Runtime>(self, cx: &mut Cx<'_, R>, held: &mut Held) {
        let me = cx.me;
        let (all, read) = (held.all.of(me), held.reads.of(me));
        match all.checked_sub(1) {
            Some(left) => {
                held.all.set(me, left);
                held.reads.set(me, read.min(left));
            }
            None => {
                let v = cx.violation_of(Property::UNLOCK_NOT_HELD);
                cx.note_violation(Violation { object: Some(self.map), form: Some(Form::MAP_NOT_ACQUIRED), ..v });
            }
        }
    }
}

impl Protocol for LockMapOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mut held = cx.lock_map(self.map).held.get();
        match self.how {
            How::Acquire | How::Read | How::TryRead => self.acquire(cx, &mut held),
            How::Release => self.release(cx, &mut held),
        }
        cx.lock_map(self.map).held.set(held);
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::writes(self.map)
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
