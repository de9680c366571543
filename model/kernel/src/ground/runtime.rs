//! What a shared cell is made of. The protocols are written once over [`Runtime`]; an engine picks one.
//!
//! A `World<R>` is one thread's *handle* on the shared objects. Under [`Plain`] the handle is the data itself: cloning
//! it forks the system, which is what an explicit-state search wants. Under a threading checker each cell is a shared
//! pointer, so cloning the handle gives another thread access to the same objects.
//!
//! Two kinds of cell, and the choice between them is part of the model:
//!
//! * [`Runtime::Cell`] is what a named spinlock of the kernel protects. It can only be touched inside
//!   [`Cx::enter`](crate::Cx::enter), which under a threading checker takes that lock.
//! * [`Runtime::Atomic`] is what the kernel reads or writes without a lock, with the kernel's memory order.

use crate::{
    Expr, ObjId, ThreadId,
    granularity::{self, Kind},
    value::{Handle, Value},
};

/// A memory order, as the kernel's accessors give it (`READ_ONCE` is relaxed, `smp_load_acquire` acquires, …).
///
/// A *full* barrier is not an order of an access: see [`Runtime::full_barrier`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// `READ_ONCE`, `WRITE_ONCE`, `atomic_*` without return value.
    Relaxed,
    /// `smp_load_acquire`, `*_acquire`.
    Acquire,
    /// `rcu_dereference()`: what is reached through the value is read after it (an address dependency), and nothing
    /// else is ordered. A threading checker that knows no dependencies acquires.
    Consume,
    /// `smp_store_release`, `*_release`.
    Release,
    /// Both, for read-modify-write operations.
    AcqRel,
    /// A value-returning atomic without suffix: a full barrier on both sides.
    Full,
}

/// A small value that fits a 64-bit word, and back.
pub trait Bits: Copy + PartialEq + Send + 'static {
    /// Whether it is no word of the kernel's that another CPU could see: whether memory is there, and what one's own
    /// CPU does, which only those see that run on it. See [`granularity`].
    const FACT: bool = false;
    /// Packs the value.
    fn to_bits(self) -> u64;
    /// Unpacks what [`to_bits`](Bits::to_bits) made.
    fn from_bits(bits: u64) -> Self;
}

/// Proof that a step is inside the critical section of `gate`'s spinlock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held(pub(crate) ObjId);

impl Held {
    /// The object whose lock is held.
    pub fn gate(self) -> ObjId {
        self.0
    }
}

/// A value that a spinlock of the kernel protects.
pub trait SharedCell<T: Copy>: Clone {
    /// A cell of the object `gate`.
    fn new(value: T, gate: ObjId) -> Self;
    /// Reads the value inside the critical section.
    fn get(&self, held: Held) -> T;
    /// Writes the value inside the critical section.
    fn set(&mut self, held: Held, value: T);
    /// The value as an observer outside of the model sees it (for traces, oracles and tests).
    fn peek(&self) -> T;
}

/// A word that is read and written without a lock.
pub trait AtomicCell<T: Bits>: Clone {
    /// A word.
    fn new(value: T) -> Self;
    /// A word that the kernel accesses plainly: two accesses at once, one a write, are a data race.
    fn racy(value: T) -> Self {
        Self::new(value)
    }
    /// Reads it.
    fn load(&self, order: Order) -> T;
    /// Writes it.
    fn store(&mut self, value: T, order: Order);
    /// Reads a plain word in a way that says that a race is meant (`data_race()`).
    fn load_racing(&self) -> T {
        self.load(Order::Relaxed)
    }
    /// Writes a plain word in a way that says that a race is meant (`data_race()`).
    fn store_racing(&mut self, value: T) {
        self.store(value, Order::Relaxed);
    }
    /// Writes it and returns what was there.
    fn swap(&mut self, value: T, order: Order) -> T;
    /// Writes `new` if `current` is there; returns what was there either way. One that fails orders nothing.
    fn compare_exchange(&mut self, current: T, new: T, order: Order) -> Result<T, T>;
    /// Adds to the packed form and returns the old value.
    fn fetch_add(&mut self, delta: i32, order: Order) -> T;
    /// Sets bits of the packed form and returns the old value.
    fn fetch_or(&mut self, bits: u64, order: Order) -> T;
    /// Keeps only these bits of the packed form and returns the old value.
    fn fetch_and(&mut self, bits: u64, order: Order) -> T;
    /// Replaces the value by what `new` makes of it, in one access, and returns the old value.
    fn fetch_update(&mut self, new: impl Fn(T) -> T, order: Order) -> T;
    /// The latest written value as the checker asks for it: other accesses are ordered before or after, but it
    /// synchronises with none. Whether memory is freed is a fact, not something that a CPU may see late.
    fn latest(&mut self) -> T {
        self.fetch_or(0, Order::Relaxed)
    }
    /// The latest written value: no memory order, no scheduling point. For oracles, and for what a thread reads back
    /// that only it ever writes (whether it is the owner, whether this is its ctx).
    fn peek(&self) -> T;
}

/// The checker's own bookkeeping about an object (who took which reference): no part of the modelled memory, so it has
/// neither order nor scheduling point.
pub trait NoteCell<T: Copy>: Clone {
    /// A note.
    fn new(value: T) -> Self;
    /// What the machine itself keeps, such as what a frame holds: what a step does may depend on it, so whoever reads
    /// it comes behind who wrote it, and who writes it behind who has read it.
    fn machine(value: T) -> Self {
        Self::new(value)
    }
    /// Reads it.
    fn get(&self) -> T;
    /// Overwrites it.
    fn set(&mut self, value: T);
    /// Changes it, and nobody comes in between.
    fn update<V>(&mut self, change: impl FnOnce(&mut T) -> V) -> V {
        let mut value = self.get();
        let made = change(&mut value);
        self.set(value);
        made
    }
}

/// What a shared cell is made of, and the few things that a step may ask of whoever runs it.
pub trait Runtime: Clone + 'static {
    /// Data under a spinlock.
    type Cell<T: Copy + Send + 'static>: SharedCell<T>;
    /// A word with memory orders.
    type Atomic<T: Bits>: AtomicCell<T>;
    /// Bookkeeping of the checker.
    type Note<T: Copy + Send + 'static>: NoteCell<T>;
    /// Whether plain accesses that overlap are seen by the model itself, in two steps each. A threading checker has a
    /// race detector of its own.
    const SEES_OVERLAP: bool;
    /// Whether a store of what is there already is no step, where nobody could tell it: not if its order counts.
    const LEAVES_OUT: bool = Self::SEES_OVERLAP;

    /// Takes the spinlock of `gate` for the rest of the step.
    fn enter(&mut self, gate: ObjId);
    /// `smp_mb()`.
    fn full_barrier(&mut self);
    /// `smp_wmb()`.
    fn write_barrier(&mut self);
    /// `smp_rmb()`.
    fn read_barrier(&mut self);
    /// Picks one of `n` possibilities.
    fn choose(&mut self, n: u8) -> u8;
    /// The thread has just been made runnable: lets it go on, if it is held.
    fn release(&mut self, thread: ThreadId);
    /// What frames hold, and what is known about that, is this step's alone from here on: it comes before all that it
    /// enters. Of a runtime that does not take steps at once.
    fn has_frames(&mut self) {}
    /// The step has seen the middle of another one, which has none: of a runtime that does not take steps at once, what
    /// came of it shows nothing.
    fn torn(&mut self) {}
    /// The step breaks a property, whatever else it still does: who sees that comes behind what ended the execution.
    fn broken(&mut self) {}
    /// From here on, or no more: what is peeked at decides what the step tells, so that this depends on who wrote it.
    /// Of a runtime that does not take steps at once.
    fn looks(&mut self, _on: bool) {}
    /// An operation's result goes into a local. Like the next three for a runtime that follows address dependencies: an
    /// access by what a load returned comes after that load.
    fn result_into(&mut self, _local: usize, _value: Value) {}
    /// A local is computed from others, those of the window that begins at `base`.
    fn computed(&mut self, _local: usize, _of: &Expr, _base: usize) {}
    /// A callee begins, whose locals lie from here on.
    fn called(&mut self, _base: usize) {}
    /// A function returned: what was in one local, if it returned that, is in another.
    fn returned(&mut self, _from: Option<usize>, _to: usize) {}
}

/// Plain data, one step at a time: sequentially consistent. The explicit and the shuttle engine run on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    /// The answer to the step's `choose`, if it has one.
    pub choice: u8,
}

impl Runtime for Plain {
    type Cell<T: Copy + Send + 'static> = PlainCell<T>;
    type Atomic<T: Bits> = PlainCell<T>;
    type Note<T: Copy + Send + 'static> = PlainCell<T>;
    const SEES_OVERLAP: bool = true;

    fn enter(&mut self, _gate: ObjId) {}
    fn full_barrier(&mut self) {}
    fn write_barrier(&mut self) {}
    fn read_barrier(&mut self) {}
    fn choose(&mut self, n: u8) -> u8 {
        debug_assert!(self.choice < n, "[internal bug] choice {} of {n}", self.choice);
        self.choice
    }
    fn release(&mut self, _thread: ThreadId) {}
}

/// A plain value that serves as cell and as atomic word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlainCell<T>(pub T);

impl<T: Copy> SharedCell<T> for PlainCell<T> {
    fn new(value: T, _gate: ObjId) -> Self {
        PlainCell(value)
    }
    fn get(&self, _held: Held) -> T {
        self.0
    }
    fn set(&mut self, _held: Held, value: T) {
        self.0 = value;
    }
    fn peek(&self) -> T {
        granularity::note::<T>(std::ptr::from_ref(self).addr(), Kind::Read);
        self.0
    }
}

impl<T: Copy> NoteCell<T> for PlainCell<T> {
    fn new(value: T) -> Self {
        PlainCell(value)
    }
    fn get(&self) -> T {
        self.0
    }
    fn set(&mut self, value: T) {
        self.0 = value;
    }
}

impl<T: Bits> PlainCell<T> {
    /// Writes it and returns what was there.
    fn put(&mut self, value: T, how: Kind) -> T {
        self.note(if self.0 == value { Kind::Read } else { how });
        std::mem::replace(&mut self.0, value)
    }

    fn note(&self, kind: Kind) {
        if !T::FACT {
            granularity::note::<T>(std::ptr::from_ref(self).addr(), kind);
        }
    }
}

impl<T: Bits> AtomicCell<T> for PlainCell<T> {
    fn new(value: T) -> Self {
        PlainCell(value)
    }
    fn load(&self, _order: Order) -> T {
        self.note(Kind::Read);
        self.0
    }
    fn store(&mut self, value: T, _order: Order) {
        self.put(value, Kind::Write);
    }
    fn swap(&mut self, value: T, _order: Order) -> T {
        self.put(value, Kind::Write)
    }
    fn compare_exchange(&mut self, current: T, new: T, _order: Order) -> Result<T, T> {
        if self.0 == current {
            Ok(self.put(new, Kind::Exchange))
        } else {
            self.note(Kind::Failed);
            Err(self.0)
        }
    }
    fn fetch_add(&mut self, delta: i32, _order: Order) -> T {
        self.put(T::from_bits(self.0.to_bits().wrapping_add(i64::from(delta) as u64)), Kind::Write)
    }
    fn fetch_or(&mut self, bits: u64, _order: Order) -> T {
        self.put(T::from_bits(self.0.to_bits() | bits), Kind::Write)
    }
    fn fetch_and(&mut self, bits: u64, _order: Order) -> T {
        self.put(T::from_bits(self.0.to_bits() & bits), Kind::Write)
    }
    fn latest(&mut self) -> T {
        self.0
    }
    fn fetch_update(&mut self, new: impl Fn(T) -> T, _order: Order) -> T {
        self.put(new(self.0), Kind::Write)
    }
    fn peek(&self) -> T {
        self.0
    }
}

impl<T: crate::Code> crate::Code for PlainCell<T> {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        self.0.code(c);
    }
}

macro_rules! integer_bits {
    ($($t:ty),*) => {$(
        impl Bits for $t {
            fn to_bits(self) -> u64 {
                u64::from(self)
            }
            fn from_bits(bits: u64) -> Self {
                bits as $t
            }
        }
    )*};
}
integer_bits!(u8, u16);

impl Bits for Option<ObjId> {
    fn to_bits(self) -> u64 {
        self.map_or(0, |o| u64::from(o.number()) + 1)
    }
    fn from_bits(bits: u64) -> Self {
        (bits as u16).checked_sub(1).map(ObjId::numbered)
    }
}

/// Words are stored with a bias so that adding to the packed form never borrows from the tag.
const TAG: u32 = 56;
const WORD_TAG: u64 = 1 << TAG;
const WORD_BIAS: i64 = 1 << 31;
const NULL_BITS: u64 = 2 << TAG;
const REF_TAG: u64 = 3 << TAG;
const CURSOR_TAG: u64 = 4 << TAG;
const UNWRAP_TAG: u64 = 5 << TAG;
const WIDE_TAG: u64 = 6 << TAG;

impl Bits for Value {
    fn to_bits(self) -> u64 {
        match self {
            Value::Unset => 0,
            Value::Word(w) => WORD_TAG + (i64::from(w) + WORD_BIAS) as u64,
            Value::Null => NULL_BITS,
            Value::Ref(h) => REF_TAG + u64::from(h.obj.number()) + (u64::from(h.generation) << 16),
            Value::Cursor(c) => CURSOR_TAG + c.to_bits(),
            Value::Unwrap(c) => UNWRAP_TAG + c.to_bits(),
            Value::Wide(wide) => {
                let [a, b, c, d, e, f, g] = wide.to_bytes();
                WIDE_TAG + u64::from_le_bytes([a, b, c, d, e, f, g, 0])
            }
        }
    }
    fn from_bits(bits: u64) -> Self {
        match bits >> TAG {
            1 => Value::Word(((bits & (WORD_TAG - 1)) as i64 - WORD_BIAS) as i32),
            2 => Value::Null,
            3 => Value::Ref(Handle { obj: ObjId::numbered(bits as u16), generation: (bits >> 16) as u8 }),
            4 => Value::Cursor(Bits::from_bits(bits - CURSOR_TAG)),
            5 => Value::Unwrap(Bits::from_bits(bits - UNWRAP_TAG)),
            6 => {
                let [a, b, c, d, e, f, g, _] = bits.to_le_bytes();
                Value::Wide(crate::number::Wide::from_bytes([a, b, c, d, e, f, g]))
            }
            _ => Value::Unset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_packing_and_adding() {
        for v in [
            Value::Unset,
            Value::Word(0),
            Value::Word(-1),
            Value::Word(i32::MAX),
            Value::Word(i32::MIN),
            Value::of(1 << 40).expect("it fits"),
            Value::of(i64::MIN).expect("it fits"),
            Value::of(i64::MAX - 1).expect("it fits"),
            Value::Null,
            Value::Ref(Handle { obj: ObjId::numbered(233), generation: 255 }),
            Value::Cursor(crate::resv::Cursor::new(ObjId::numbered(255), crate::resv::Usage::Bookkeep, true)),
            Value::Unwrap(crate::fence::Unwrap::default()),
        ] {
            assert_eq!(Value::from_bits(v.to_bits()), v);
        }
        let mut c = PlainCell(Value::Word(0));
        assert_eq!(c.fetch_add(-1, Order::Relaxed), Value::Word(0));
        assert_eq!(c.0, Value::Word(-1));
    }
}
