//! What a word that is accessed without a lock is made of under loom, and what the engine notes about each.
//!
//! Every word has its value beside loom, in an ordinary `Cell`: loom runs its threads one at a time on one OS thread,
//! so nothing here is really shared. What loom must know about (who may see which write of an atomic word, which
//! accesses are ordered) it is told through its own types, unless the [`Hub`] is *quiet*.
//!
//! # Decoys
//!
//! Loom remembers one access of an atomic to reverse a store with: the last one. If two threads load a word and then
//! one of them stores to it, the other's load is forgotten, and never tried after the store (two threads that load and
//! then store, without a lock, show only two of their three outcomes). So a word that several threads load has a
//! *decoy* for each of them: a mutex that is always locked. Trying it does nothing, synchronises nothing, and counts as
//! an access that excludes others. A thread tries its own decoy before it loads, and everybody else's before it stores.
//! Which words need that is learnt on the way; see [`Hub::must_begin_anew`].

use super::{
    hub::{Clock, Hub, Racing, Slot},
    memory::Ordered,
};
use ::loom::sync::{Mutex, atomic::AtomicU64};
use fenceweave_kernel::{AtomicCell, Bits, Order};
use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
    rc::Rc,
    sync::atomic::Ordering,
};

/// A word as loom's atomic, with a copy beside it of what was stored last. Loom has no values, but numbers of stores.
pub(super) struct Word {
    hub: Rc<Hub>,
    /// Which word, in order of creation.
    pub(super) index: usize,
    pub(super) bits: Cell<u64>,
    pub(super) start: Cell<u64>,
    saved: Cell<u64>,
    clock: Cell<Clock>,
    live: RefCell<Option<AtomicU64>>,
    /// Which of the plain variables it is, if it is one: unordered accesses to it are a data race.
    plain: Option<usize>,
    /// Whether it is the checker's knowledge.
    fact: bool,
    /// The threads that were ever seen to load it, a bit each, and whether anybody was seen to store.
    loaders: Cell<u8>,
    written: Cell<bool>,
    /// The decoys of this execution, by thread.
    decoys: RefCell<Vec<Option<Mutex<()>>>>,
}

impl Slot for Word {
    fn begin_here(&self) {
        self.start.set(self.bits.get());
    }
    fn go_live(&self) {
        self.bits.set(self.start.get());
        self.clock.take();
    }
    fn save(&self) {
        self.saved.set(self.bits.get());
    }
    fn restore(&self) {
        self.bits.set(self.saved.get());
    }
}

/// A mutex that is locked for ever.
fn decoy() -> Mutex<()> {
    let mutex = Mutex::new(());
    std::mem::forget(mutex.lock());
    mutex
}

impl Word {
    fn new(bits: u64, plain: bool, fact: bool) -> Rc<Word> {
        let hub = Hub::creating();
        let plain = plain.then(|| hub.racy_words.replace(hub.racy_words.get() + 1));
        let word = Rc::new(Word {
            hub: Rc::clone(&hub),
            index: hub.words(),
            bits: Cell::new(bits),
            start: Cell::new(bits),
            saved: Cell::new(bits),
            clock: Cell::default(),
            live: RefCell::default(),
            plain,
            fact,
            loaders: Cell::new(0),
            written: Cell::new(false),
            decoys: RefCell::default(),
        });
        hub.words.borrow_mut().push(Rc::clone(&word));
        hub.slots.borrow_mut().push(Rc::clone(&word) as Rc<dyn Slot>);
        word
    }

    /// Creates what loom has of it. The value at the start is its store 0.
    pub(super) fn give_to_loom(&self) {
        self.live.replace(Some(AtomicU64::new(0)));
        let decoyed = if self.needs_decoys() { self.loaders.get() } else { 0 };
        let decoys = (0..::loom::MAX_THREADS).map(|t| (decoyed >> t & 1 == 1).then(decoy));
        self.decoys.replace(decoys.collect());
    }

    fn needs_decoys(&self) -> bool {
        self.written.get() && self.loaders.get().count_ones() > 1
    }

    /// Another loader, or the first store.
    fn learn(&self, loaders: u8, written: bool) {
        let known = (self.loaders.get(), self.written.get());
        if known != (loaders, written) {
            self.loaders.set(loaders);
            self.written.set(written);
            self.hub.learnt.set(self.hub.learnt.get() | self.needs_decoys());
        }
    }

    /// Before a plain load.
    fn will_load(&self, who: usize) {
        self.learn(self.loaders.get() | 1 << who, self.written.get());
        self.try_decoys(|t| t == who);
    }

    /// Before anything else.
    fn will_store(&self, who: usize) {
        self.learn(self.loaders.get(), true);
        self.try_decoys(|t| t != who);
    }

    fn try_decoys(&self, whose: impl Fn(usize) -> bool) {
        for (t, decoy) in self.decoys.borrow().iter().enumerate() {
            if let Some(mutex) = decoy.as_ref().filter(|_| whose(t)) {
                let taken = mutex.try_lock().is_ok();
                debug_assert!(!taken, "[internal bug] a decoy was free");
            }
        }
    }

    /// Asks loom, or the trace, which store an access reads.
    fn pick(&self, ask: impl FnOnce(&AtomicU64) -> u64) -> usize {
        if self.hub.is_live() {
            let live = self.live.borrow();
            let live = live.as_ref().expect("[internal bug] a word is live that loom has not");
            let number = ask(live);
            return self.hub.memory().numbered(self.index, number);
        }
        let age = self.hub.told.borrow_mut().pop().unwrap_or(0);
        self.hub.memory().youngest(self.index).saturating_sub(usize::from(age))
    }

    fn load(&self, who: usize, order: Order) -> u64 {
        if self.hub.is_live() {
            self.will_load(who);
        }
        let store = self.pick(|live| live.load(load_order(order)));
        self.read(who, store);
        self.hub.memory().loaded(who, self.index, store, ordered(order))
    }

    fn store(&self, who: usize, bits: u64, order: Order) {
        let number = self.hub.memory().number(self.index);
        if self.hub.is_live() {
            self.will_store(who);
            if let Some(live) = self.live.borrow().as_ref() {
                live.store(number, store_order(order));
            }
        }
        self.stored(who, (bits, number), None, order);
    }

    fn stored(&self, who: usize, made: (u64, u64), read: Option<usize>, order: Order) {
        self.bits.set(made.0);
        self.hub.wrote(who, &self.clock);
        if self.fact {
            let store = self.hub.memory().youngest(self.index) + 1;
            self.hub.changed(who, self.index, store);
        }
        self.hub.memory().stored(who, self.index, made, read, ordered(order));
    }

    /// A read-modify-write that always writes. To loom it is an exchange, whatever it computes.
    fn modify(&self, who: usize, order: Order, new: impl FnOnce(u64) -> u64) -> u64 {
        let number = self.hub.memory().number(self.index);
        if self.hub.is_live() {
            self.will_store(who);
        }
        let store = self.pick(|live| live.swap(number, modify_order(order)));
        self.read(who, store);
        let old = self.hub.memory().met(who, self.index, store, ordered(order));
        self.stored(who, (new(old), number), Some(store), order);
        old
    }

    /// A compare-and-exchange. Loom compares the numbers of stores, so the store with the expected value has to be
    /// guessed: the youngest. If loom picks another one with that value, that is the next guess; each wrong guess was a
    /// load of what the exchange may then read, and orders nothing.
    fn compare_exchange(&self, who: usize, (current, new): (u64, u64), order: Order) -> Result<u64, u64> {
        let number = self.hub.memory().number(self.index);
        if self.hub.is_live() {
            self.will_store(who);
        }
        let mut guess = self.hub.memory().number_of(self.index, current).unwrap_or(NONE);
        loop {
            let store = self.pick(|live| match live.compare_exchange(guess, number, modify_order(order), FAILED) {
                Ok(number) | Err(number) => number,
            });
            self.read(who, store);
            let mut memory = self.hub.memory();
            if memory.bits(self.index, store) != current {
                return Err(memory.loaded(who, self.index, store, ordered(Order::Relaxed)));
            }
            let picked = memory.number_at(self.index, store);
            if picked == guess || !self.hub.is_live() {
                memory.met(who, self.index, store, ordered(order));
                drop(memory);
                self.stored(who, (new, number), Some(store), order);
                return Ok(current);
            }
            memory.met(who, self.index, store, ordered(Order::Relaxed));
            guess = picked;
        }
    }

    /// The youngest store, found by a compare-and-exchange that fails: loom lets every read-modify-write meet the
    /// youngest, and one that fails adds none.
    fn newest(&self, who: usize, order: Order) -> u64 {
        if !self.hub.is_live() {
            return self.bits.get();
        }
        let store = self.pick(|live| {
            live.compare_exchange(NONE, NONE, modify_order(order), load_order(order)).unwrap_or_else(|number| number)
        });
        self.read(who, store);
        self.hub.memory().met(who, self.index, store, ordered(order))
    }

    fn read(&self, who: usize, store: usize) {
        let before = self.hub.clock(who);
        self.hub.read(who, &self.clock);
        if self.fact {
            self.hub.looked(who, self.index, store, before);
        }
    }

    /// Looks whether an access to a plain variable races with another.
    fn check_race(&self, who: usize, writes: bool) {
        let Some(which) = self.plain.filter(|_| !self.hub.is_quiet()) else { return };
        if let Some(other) = self.hub.memory().race(who, self.index, writes) {
            self.hub.racing.set(self.hub.racing.get().or(Some(Racing { who, which, other })));
        }
    }
}

/// What no store has as its number.
const NONE: u64 = u64::MAX;

/// A compare-and-exchange that fails orders nothing.
const FAILED: Ordering = Ordering::Relaxed;

fn ordered(o: Order) -> Ordered {
    Ordered {
        // Dependencies within an operation are not followed: rcu_dereference() in the kernel's own code acquires.
        acquires: matches!(o, Order::Acquire | Order::Consume | Order::AcqRel | Order::Full),
        releases: matches!(o, Order::Release | Order::AcqRel | Order::Full),
    }
}

/// One thread's handle on a word.
pub(super) struct LoomAtomic<T> {
    word: Rc<Word>,
    who: usize,
    value: PhantomData<T>,
}

impl<T> Clone for LoomAtomic<T> {
    fn clone(&self) -> Self {
        LoomAtomic { word: Rc::clone(&self.word), who: self.word.hub.cloning_for.get(), value: PhantomData }
    }
}

fn load_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed | Order::Release => Ordering::Relaxed,
        Order::Acquire | Order::Consume | Order::AcqRel | Order::Full => Ordering::Acquire,
    }
}

fn store_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed | Order::Acquire | Order::Consume => Ordering::Relaxed,
        Order::Release | Order::AcqRel | Order::Full => Ordering::Release,
    }
}

fn modify_order(o: Order) -> Ordering {
    match o {
        Order::Relaxed => Ordering::Relaxed,
        Order::Acquire | Order::Consume => Ordering::Acquire,
        Order::Release => Ordering::Release,
        Order::AcqRel | Order::Full => Ordering::AcqRel,
    }
}

impl<T: Bits> LoomAtomic<T> {
    fn create(value: T, plain: bool) -> Self {
        LoomAtomic { word: Word::new(value.to_bits(), plain, T::FACT), who: 0, value: PhantomData }
    }

    /// The youngest value, acquired: for the engine's own looks, which must not be explored with older ones.
    pub(super) fn newest(&self) -> T {
        T::from_bits(self.word.newest(self.who, Order::Acquire))
    }

    fn load_unchecked(&self, order: Order) -> T {
        match self.word.hub.is_quiet() {
            true => self.peek(),
            false => T::from_bits(self.word.load(self.who, order)),
        }
    }

    fn store_unchecked(&self, value: T, order: Order) {
        match self.word.hub.is_quiet() {
            true => self.word.bits.set(value.to_bits()),
            false => self.word.store(self.who, value.to_bits(), order),
        }
    }

    /// A read-modify-write that always writes.
    fn modify(&self, order: Order, new: impl FnOnce(u64) -> u64) -> T {
        let old = if self.word.hub.is_quiet() {
            let old = self.word.bits.get();
            self.word.bits.set(new(old));
            old
        } else {
            let old = self.word.modify(self.who, order, new);
            self.word.check_race(self.who, true);
            old
        };
        T::from_bits(old)
    }
}

impl<T: Bits> AtomicCell<T> for LoomAtomic<T> {
    fn new(value: T) -> Self {
        LoomAtomic::create(value, false)
    }

    fn racy(value: T) -> Self {
        LoomAtomic::create(value, true)
    }

    fn load(&self, order: Order) -> T {
        let value = self.load_unchecked(order);
        self.word.check_race(self.who, false);
        value
    }

    fn store(&mut self, value: T, order: Order) {
        self.store_unchecked(value, order);
        self.word.check_race(self.who, true);
    }

    fn load_racing(&self) -> T {
        self.load_unchecked(Order::Relaxed)
    }

    fn store_racing(&mut self, value: T) {
        self.store_unchecked(value, Order::Relaxed);
    }

    fn swap(&mut self, value: T, order: Order) -> T {
        let bits = value.to_bits();
        self.modify(order, |_| bits)
    }

    fn compare_exchange(&mut self, current: T, new: T, order: Order) -> Result<T, T> {
        let (current, new) = (current.to_bits(), new.to_bits());
        let result = if self.word.hub.is_quiet() {
            let seen = self.word.bits.get();
            if seen == current {
                self.word.bits.set(new);
                Ok(seen)
            } else {
                Err(seen)
            }
        } else {
            let result = self.word.compare_exchange(self.who, (current, new), order);
            // One that fails counts as a write, too: so every engine has it, and KCSAN.
            self.word.check_race(self.who, true);
            result
        };
        result.map(T::from_bits).map_err(T::from_bits)
    }

    fn fetch_add(&mut self, delta: i32, order: Order) -> T {
        let delta = i64::from(delta) as u64;
        self.modify(order, |old| old.wrapping_add(delta))
    }

    fn fetch_or(&mut self, bits: u64, order: Order) -> T {
        self.modify(order, |old| old | bits)
    }

    fn fetch_update(&mut self, new: impl Fn(T) -> T, order: Order) -> T {
        self.modify(order, |old| new(T::from_bits(old)).to_bits())
    }

    fn fetch_and(&mut self, bits: u64, order: Order) -> T {
        self.modify(order, |old| old & bits)
    }

    fn latest(&mut self) -> T {
        if self.word.hub.is_live() {
            self.word.will_store(self.who);
        }
        T::from_bits(self.word.newest(self.who, Order::Relaxed))
    }

    fn peek(&self) -> T {
        self.word.hub.peeked(self.who, &self.word.clock);
        T::from_bits(self.word.bits.get())
    }
}
