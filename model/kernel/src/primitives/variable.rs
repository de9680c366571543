//! Shared words: `READ_ONCE()`, `WRITE_ONCE()`, `atomic_*()`, `cmpxchg()`, `xchg()`, barriers, and plain racy variables.

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Plain, Property, Runtime, Value, View,
    coder::{fields, points},
    machine::Protocol,
    value::Handle,
};

/// A shared word, one element of an array, or one field of a `struct` slot.
#[derive(Clone)]
pub struct Variable<R: Runtime> {
    pub(crate) cell: R::Atomic<Value>,
}

impl Copy for Variable<Plain> {}

impl<R: Runtime> Variable<R> {
    /// A word; `racy` if the modelled code accesses it plainly.
    pub(crate) fn new(init: Value, racy: bool) -> Self {
        Variable { cell: if racy { R::Atomic::racy(init) } else { R::Atomic::new(init) } }
    }
}

impl Code for Variable<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.cell.code(c);
    }
}

points! {
    /// What is done to a word; each is one step.
    pub enum How {
        /// Reads it.
        Load = "load",
        /// Writes it.
        Store = "store",
        /// Adds to it; the result is the new value, as `atomic_add_return()` gives it.
        Add = "atomic add",
        /// Writes the new value if the old one is there; the result is what was there.
        CmpXchg = "cmpxchg",
        /// Writes it; the result is what was there.
        Xchg = "xchg",
        /// `smp_mb()`: touches no word.
        FullBarrier = "smp_mb",
    }
}

impl Code for Order {
    fn code<C: Coder>(&mut self, c: &mut C) {
        const ALL: [Order; 5] = [Order::Relaxed, Order::Acquire, Order::Release, Order::AcqRel, Order::Full];
        let mut tag = *self as u8;
        c.byte(&mut tag);
        *self = ALL[usize::from(tag)];
    }
}

/// One access to a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    pub(crate) how: How,
    pub(crate) order: Order,
    pub(crate) target: ObjId,
    /// The slot whose field it is: checked for use after free at the access.
    pub(crate) slot: Option<Handle>,
    /// The value to write or to add; for `cmpxchg` the expected one.
    pub(crate) a: Value,
    /// The new value of a `cmpxchg`.
    pub(crate) b: Value,
}

fields!(Access { how, order, target, slot, a, b });

impl Access {
    fn perform<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        cx.touch(self.target);
        let cell = &mut cx.world.var_mut(self.target).cell;
        match self.how {
            How::Load => cell.load(self.order),
            How::Store => {
                cell.store(self.a, self.order);
                self.a
            }
            How::Add => {
                let delta = self.a.word().unwrap_or_default();
                let Value::Word(old) = cell.fetch_add(delta, self.order) else {
                    // A reference plus one is no reference to anything.
                    cx.violate(Property::WrongKind, Some(self.target));
                    return Value::Unset;
                };
                Value::Word(old.wrapping_add(delta))
            }
            How::Xchg => cell.swap(self.a, self.order),
            How::CmpXchg => {
                let seen = match cell.compare_exchange(self.a, self.b, self.order) {
                    // NULL and 0 are the same to C, but not the same bits here.
                    Err(other) if crate::expr::same(other, self.a) => cell.compare_exchange(other, self.b, self.order),
                    result => result,
                };
                seen.unwrap_or_else(|other| other)
            }
            How::FullBarrier => Value::Word(0),
        }
    }
}

impl Protocol for Access {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(handle) = self.slot
            && !crate::primitives::slab::check_alive(cx, handle)
        {
            return Flow::Done(Value::Unset);
        }
        if self.order == Order::Full {
            cx.rt.full_barrier();
        }
        let result = if self.how == How::FullBarrier { Value::Word(0) } else { self.perform(cx) };
        if self.order == Order::Full && self.how != How::FullBarrier {
            cx.rt.full_barrier();
        }
        Flow::Done(result)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        // A barrier orders this thread's own accesses: on sequentially consistent memory it is a visible step of its
        // own that touches nobody else.
        let base = match self.how {
            How::FullBarrier => Footprint::reads(v.my_task()),
            How::Load => Footprint::reads(self.target),
            _ => Footprint::writes(self.target),
        };
        match self.slot {
            Some(h) => base.read(h.obj),
            None => base,
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
