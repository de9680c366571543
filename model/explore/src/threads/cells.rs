//! What a shared cell is made of: a word is an atomic of the machine, all else is under a mutex.
//!
//! Cells are made once and used by all runs: each knows the value that a run begins with.

use super::lock;
use fenceweave_kernel::{AtomicCell, Bits, Held, ObjId, Order, SharedCell, runtime::NoteCell};
use std::{
    cell::RefCell,
    marker::PhantomData,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// A cell that takes part in what is done to all of them, while no thread runs.
pub(super) trait Slot: Send + Sync {
    /// Makes the value that it has the one that every run begins with.
    fn begin_here(&self);
    /// Goes back to that value.
    fn restart(&self);
    /// Remembers the value.
    fn save(&self);
    /// Goes back to the remembered value.
    fn restore(&self);
}

/// All cells of a world.
pub(super) type Slots = Vec<Arc<dyn Slot>>;

thread_local! {
    /// Where cells that are being made are noted: a world is made without a runtime value at hand.
    static MAKING: RefCell<Slots> = const { RefCell::new(vec![]) };
}

/// Makes something that consists of cells, which are listed.
pub(super) fn made<T>(make: impl FnOnce() -> T) -> (T, Slots) {
    MAKING.take();
    let made = make();
    (made, MAKING.take())
}

fn listed<S: Slot + 'static>(slot: S) -> Arc<S> {
    let slot = Arc::new(slot);
    MAKING.with_borrow_mut(|all| all.push(Arc::clone(&slot) as Arc<dyn Slot>));
    slot
}

/// A value under a mutex, and those that it goes back to.
struct Kept<T> {
    now: T,
    start: T,
    saved: T,
}

/// A value that is no word.
struct Data<T>(Mutex<Kept<T>>);

impl<T: Copy + Send> Data<T> {
    fn get(&self) -> T {
        lock(&self.0).now
    }
    fn set(&self, value: T) {
        lock(&self.0).now = value;
    }
}

impl<T: Copy + Send> Slot for Data<T> {
    fn begin_here(&self) {
        let mut kept = lock(&self.0);
        kept.start = kept.now;
    }
    fn restart(&self) {
        let mut kept = lock(&self.0);
        kept.now = kept.start;
    }
    fn save(&self) {
        let mut kept = lock(&self.0);
        kept.saved = kept.now;
    }
    fn restore(&self) {
        let mut kept = lock(&self.0);
        kept.now = kept.saved;
    }
}

fn data<T: Copy + Send + 'static>(value: T) -> Arc<Data<T>> {
    listed(Data(Mutex::new(Kept { now: value, start: value, saved: value })))
}

/// What a spinlock protects. The mutex is for the language: who has the lock of `gate` has it alone.
pub(super) struct RealCell<T> {
    data: Arc<Data<T>>,
    gate: ObjId,
}

impl<T> Clone for RealCell<T> {
    fn clone(&self) -> Self {
        RealCell { data: Arc::clone(&self.data), gate: self.gate }
    }
}

impl<T: Copy + Send + 'static> SharedCell<T> for RealCell<T> {
    fn new(value: T, gate: ObjId) -> Self {
        RealCell { data: data(value), gate }
    }
    fn get(&self, held: Held) -> T {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was read under another object's lock");
        self.data.get()
    }
    fn set(&mut self, held: Held, value: T) {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was written under another object's lock");
        self.data.set(value);
    }
    fn peek(&self) -> T {
        self.data.get()
    }
}

/// A note of the checker's.
pub(super) struct RealNote<T>(Arc<Data<T>>);

impl<T> Clone for RealNote<T> {
    fn clone(&self) -> Self {
        RealNote(Arc::clone(&self.0))
    }
}

impl<T: Copy + Send + 'static> NoteCell<T> for RealNote<T> {
    fn new(value: T) -> Self {
        RealNote(data(value))
    }
    fn update<V>(&mut self, change: impl FnOnce(&mut T) -> V) -> V {
        change(&mut lock(&self.0.0).now)
    }
    fn get(&self) -> T {
        self.0.get()
    }
    fn set(&mut self, value: T) {
        self.0.set(value);
    }
}

/// A word, and what it goes back to.
struct Word {
    bits: AtomicU64,
    start: AtomicU64,
    saved: AtomicU64,
}

impl Slot for Word {
    fn begin_here(&self) {
        self.start.store(self.bits.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    fn restart(&self) {
        self.bits.store(self.start.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    fn save(&self) {
        self.saved.store(self.bits.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    fn restore(&self) {
        self.bits.store(self.saved.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A word that is accessed without a lock, with the kernel's order.
pub(super) struct RealAtomic<T> {
    word: Arc<Word>,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for RealAtomic<T> {
    fn clone(&self) -> Self {
        RealAtomic { word: Arc::clone(&self.word), value: PhantomData }
    }
}

fn load_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed | Order::Release => Ordering::Relaxed,
        // The compiler promises no dependencies.
        Order::Acquire | Order::Consume | Order::AcqRel => Ordering::Acquire,
        Order::Full => Ordering::SeqCst,
    }
}

fn store_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed | Order::Acquire | Order::Consume => Ordering::Relaxed,
        Order::Release | Order::AcqRel => Ordering::Release,
        Order::Full => Ordering::SeqCst,
    }
}

fn modify_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed => Ordering::Relaxed,
        Order::Acquire | Order::Consume => Ordering::Acquire,
        Order::Release => Ordering::Release,
        Order::AcqRel => Ordering::AcqRel,
        Order::Full => Ordering::SeqCst,
    }
}

impl<T: Bits> RealAtomic<T> {
    fn bits(&self) -> &AtomicU64 {
        &self.word.bits
    }
}

impl<T: Bits> AtomicCell<T> for RealAtomic<T> {
    fn new(value: T) -> Self {
        let new = || AtomicU64::new(value.to_bits());
        RealAtomic { word: listed(Word { bits: new(), start: new(), saved: new() }), value: PhantomData }
    }
    fn load(&self, order: Order) -> T {
        T::from_bits(self.bits().load(load_order(order)))
    }
    fn store(&mut self, value: T, order: Order) {
        self.bits().store(value.to_bits(), store_order(order));
    }
    fn swap(&mut self, value: T, order: Order) -> T {
        T::from_bits(self.bits().swap(value.to_bits(), modify_order(order)))
    }
    fn compare_exchange(&mut self, current: T, new: T, order: Order) -> Result<T, T> {
        let (current, new) = (current.to_bits(), new.to_bits());
        let was = self.bits().compare_exchange(current, new, modify_order(order), Ordering::Relaxed);
        was.map(T::from_bits).map_err(T::from_bits)
    }
    fn fetch_add(&mut self, delta: i32, order: Order) -> T {
        T::from_bits(self.bits().fetch_add(i64::from(delta) as u64, modify_order(order)))
    }
    fn fetch_or(&mut self, bits: u64, order: Order) -> T {
        T::from_bits(self.bits().fetch_or(bits, modify_order(order)))
    }
    fn fetch_and(&mut self, bits: u64, order: Order) -> T {
        T::from_bits(self.bits().fetch_and(bits, modify_order(order)))
    }
    fn fetch_update(&mut self, new: impl Fn(T) -> T, order: Order) -> T {
        let made = |old| Some(new(T::from_bits(old)).to_bits());
        let was = self.bits().fetch_update(modify_order(order), Ordering::Relaxed, made);
        T::from_bits(was.unwrap_or_else(|was| was))
    }
    fn peek(&self) -> T {
        T::from_bits(self.bits().load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_goes_back_to_where_a_run_begins_and_to_what_was_saved() {
        let ((mut word, mut note), slots) = made(|| (RealAtomic::<u8>::new(1), RealNote::new([1u8; 3])));
        assert_eq!(slots.len(), 2);
        word.store(2, Order::Release);
        note.set([2; 3]);
        slots.iter().for_each(|s| s.begin_here());
        assert_eq!(word.swap(3, Order::Full), 2);
        slots.iter().for_each(|s| s.save());
        word.store(4, Order::Relaxed);
        note.set([4; 3]);
        slots.iter().for_each(|s| s.restore());
        assert_eq!((word.peek(), note.get()), (3, [2; 3]));
        assert_eq!(word.compare_exchange(4, 5, Order::AcqRel), Err(3));
        assert_eq!(word.fetch_update(|w| w + 1, Order::Acquire), 3);
        slots.iter().for_each(|s| s.restart());
        assert_eq!((word.load(Order::Acquire), note.get()), (2, [2; 3]));
    }
}
