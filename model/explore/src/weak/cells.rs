//! What a shared cell is made of under loom, and what the engine notes about each.
//!
//! Every cell has its value beside loom, in an ordinary `Cell`: loom runs its threads one at a time on one OS thread, so
//! nothing here is really shared. What loom must know about (who may see which write of an atomic word, which accesses
//! are ordered) it is told through its own types. While the [`Hub`] is *quiet* nothing is told: that is how setup,
//! teardown and the diagnosis of a stuck state run, on the latest values and without a scheduling point.
//!
//! # Decoys
//!
//! Loom remembers one access of an atomic to reverse a store with: the last one. If two threads load a word and then one of
//! them stores to it, the other's load is forgotten, and never tried after the store (two threads that load and then
//! store, without a lock, show only two of their three outcomes). So a word that several threads load has a *decoy* for
//! each of them: a mutex that is always locked. Trying it does nothing, synchronises nothing, and counts as an access that
//! excludes others. A thread tries its own decoy before it loads, and everybody else's before it stores. Which words need
//! that is learnt on the way; see [`Hub::must_begin_anew`].

use super::memory::{Memory, Ordered};
use fenceweave_kernel::{
    AtomicCell, Bits, Held, ObjId, Order, Program, Property, SharedCell, ThreadId, Violation, runtime::NoteCell,
};
use loom::sync::{Mutex, atomic::AtomicU64};
use std::{
    cell::{Cell, RefCell, RefMut},
    marker::PhantomData,
    rc::Rc,
    sync::atomic::Ordering,
};

/// For each thread, its last step that something depends on.
type Clock = [u32; loom::MAX_THREADS];

/// A fact that the step in flight of a thread has looked at.
struct Fact {
    /// The word that it stands in.
    word: usize,
    /// For each thread, the first of its steps that has changed it since.
    changed: Clock,
}

/// A cell that takes part in what is done to all of them.
trait Slot {
    /// Makes the value that it has the one that every execution begins with.
    fn begin_here(&self);
    /// Goes back to that value and tells loom about the cell.
    fn go_live(&self);
    /// Remembers the value.
    fn save(&self);
    /// Goes back to the remembered value.
    fn restore(&self);
}

/// Who decides what a load returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Mode {
    /// Nobody: the latest value.
    #[default]
    Quiet,
    /// Loom.
    Live,
    /// A trace that is taken again.
    Told,
}

/// An access to a plain variable that races with another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Racing {
    /// Who accesses it.
    pub(super) who: usize,
    /// Which of the plain variables, in order of creation.
    pub(super) which: usize,
    /// Who accessed it before.
    pub(super) other: usize,
}

impl Racing {
    /// The violation that it is, by the instruction at `pc`.
    pub(super) fn violation(self, program: &Program, pc: u16) -> Violation {
        let plain = program.vars.iter().enumerate().filter(|(_, v)| v.racy).nth(self.which);
        Violation {
            property: Property::DataRace,
            thread: ThreadId(self.who as u8),
            pc,
            rule: None,
            object: plain.map(|(i, _)| ObjId::var(i)),
            other: Some(ThreadId(self.other as u8)),
        }
    }
}

/// What all cells have in common. They are made once and used by every execution, because making them takes more stack
/// than loom gives to its threads.
#[derive(Default)]
pub(super) struct Hub {
    mode: Cell<Mode>,
    /// The thread whose handle on the world is being made.
    cloning_for: Cell<usize>,
    /// What the current step of each thread depends on.
    clocks: RefCell<[Clock; loom::MAX_THREADS]>,
    slots: RefCell<Vec<Rc<dyn Slot>>>,
    words: RefCell<Vec<Rc<Word>>>,
    memory: RefCell<Memory>,
    /// Of a step that is taken again: for each of its reads that is left, how many stores back it goes.
    told: RefCell<Vec<u8>>,
    racy_words: Cell<usize>,
    racing: Cell<Option<Racing>>,
    learnt: Cell<bool>,
    /// For each thread, what its step in flight has looked at.
    facts: RefCell<[Vec<Fact>; loom::MAX_THREADS]>,
    torn: Cell<bool>,
}

thread_local! {
    /// Where cells that are being created belong to: a world is made without a runtime value at hand.
    static CREATING: RefCell<Option<Rc<Hub>>> = const { RefCell::new(None) };
}

impl Hub {
    /// A quiet hub, and whatever `make` creates as its cells.
    pub(super) fn create<T>(make: impl FnOnce() -> T) -> (Rc<Hub>, T) {
        let hub = Rc::new(Hub::default());
        CREATING.with_borrow_mut(|c| *c = Some(Rc::clone(&hub)));
        let made = make();
        CREATING.with_borrow_mut(|c| *c = None);
        (hub, made)
    }

    fn creating() -> Rc<Hub> {
        CREATING.with_borrow(Clone::clone).expect("[internal bug] a cell is created outside of Hub::create")
    }

    /// Whether loom is told nothing.
    pub(super) fn is_quiet(&self) -> bool {
        self.mode.get() == Mode::Quiet
    }

    /// Whether loom decides what loads return.
    pub(super) fn is_live(&self) -> bool {
        self.mode.get() == Mode::Live
    }

    /// What each thread knows of the stores of this execution.
    pub(super) fn memory(&self) -> RefMut<'_, Memory> {
        self.memory.borrow_mut()
    }

    /// How many words there are.
    pub(super) fn words(&self) -> usize {
        self.words.borrow().len()
    }

    /// Every execution begins with the values that the cells have now.
    pub(super) fn begin_here(&self) {
        self.slots.borrow().iter().for_each(|s| s.begin_here());
    }

    /// An execution begins: loom's objects are created, and the notes about the last execution forgotten.
    pub(super) fn go_live(&self, gates: usize) {
        self.restart(gates);
        self.words.borrow().iter().for_each(|w| w.give_to_loom());
        self.mode.set(Mode::Live);
    }

    /// An execution is taken again from its trace, without loom.
    pub(super) fn go_told(&self, gates: usize) {
        self.restart(gates);
        self.mode.set(Mode::Told);
    }

    fn restart(&self, gates: usize) {
        self.clocks.take();
        self.racing.take();
        self.torn.take();
        self.facts.take();
        self.slots.borrow().iter().for_each(|s| s.go_live());
        self.memory().restart(gates, self.words.borrow().iter().map(|w| w.start.get()));
    }

    /// How many stores back each read of the next step goes; those that are not named return the youngest.
    pub(super) fn tell(&self, ages: &[u8]) {
        self.told.replace(ages.iter().rev().copied().collect());
    }

    /// From here on loom is told nothing. No thread may be inside of a step.
    pub(super) fn go_quiet(&self) {
        self.mode.set(Mode::Quiet);
    }

    /// The threads are over: each word is left with the last of its stores, which need not be the last that was made.
    pub(super) fn settle(&self) {
        let memory = self.memory();
        self.words.borrow().iter().for_each(|w| w.bits.set(memory.final_bits(w.index)));
    }

    /// Whether an execution has shown that a word needs decoys that it does not have. Executions from then on have them,
    /// so the branches that loom remembers are wrong: the search must begin anew.
    pub(super) fn must_begin_anew(&self) -> bool {
        self.learnt.get()
    }

    /// The search begins anew.
    pub(super) fn begin_anew(&self) {
        self.learnt.set(false);
    }

    /// Runs something on the quiet cells and undoes what it did to them.
    pub(super) fn undone<T>(&self, f: impl FnOnce() -> T) -> T {
        debug_assert!(self.is_quiet(), "[internal bug] loom cannot undo");
        self.slots.borrow().iter().for_each(|s| s.save());
        let result = f();
        self.slots.borrow().iter().for_each(|s| s.restore());
        result
    }

    /// Forgets the cells, so that they can go: they refer to the hub.
    pub(super) fn dissolve(&self) {
        self.slots.borrow_mut().clear();
        self.words.borrow_mut().clear();
    }

    /// A handle of thread `who` on something that consists of cells.
    pub(super) fn handle_for<T: Clone>(&self, who: usize, of: &T) -> T {
        self.cloning_for.set(who);
        of.clone()
    }

    /// A thread begins its next step: its number.
    pub(super) fn begin_step(&self, who: usize) -> u32 {
        self.facts.borrow_mut()[who].clear();
        let own = &mut self.clocks.borrow_mut()[who][who];
        *own += 1;
        *own
    }

    /// The last step of `of` that something in the past of `who` depends on.
    pub(super) fn depends_on(&self, who: usize, of: usize) -> u32 {
        self.clocks.borrow()[who][of]
    }

    /// An access of the last step that raced with another.
    pub(super) fn take_race(&self) -> Option<Racing> {
        self.racing.take()
    }

    /// Whether a step was torn: a fact that it had looked at was changed, and it went on to depend on the step that
    /// changed it. Whether memory is there is the checker's knowledge, not a word of the kernel's, so looking and using
    /// are one. Loom also runs the two steps one after the other, both ways round; between the two halves there is nothing.
    pub(super) fn is_torn(&self) -> bool {
        self.torn.get()
    }

    /// A thread has looked at a fact.
    fn looked(&self, who: usize, word: usize) {
        let facts = &mut self.facts.borrow_mut()[who];
        if !facts.iter().any(|f| f.word == word) {
            facts.push(Fact { word, changed: Clock::default() });
        }
    }

    /// A thread has changed a fact.
    fn changed(&self, who: usize, word: usize) {
        let clocks = self.clocks.borrow();
        let step = clocks[who][who];
        let mut facts = self.facts.borrow_mut();
        for (other, looked_at) in facts.iter_mut().enumerate().filter(|(t, _)| *t != who) {
            for fact in looked_at.iter_mut().filter(|f| f.word == word && f.changed[who] == 0) {
                fact.changed[who] = step;
                self.torn.set(self.torn.get() || clocks[other][who] >= step);
            }
        }
    }

    /// A thread's step comes behind what this clock says.
    fn comes_behind(&self, who: usize, clock: Clock) {
        let behind = |f: &Fact| f.changed.iter().zip(clock).any(|(step, to)| *step != 0 && to >= *step);
        self.torn.set(self.torn.get() || self.facts.borrow()[who].iter().any(behind));
    }

    fn read(&self, who: usize, clock: &Cell<Clock>) {
        let from = clock.get();
        self.comes_behind(who, from);
        let mine = &mut self.clocks.borrow_mut()[who];
        mine.iter_mut().zip(from).for_each(|(m, f)| *m = f.max(*m));
    }

    fn wrote(&self, who: usize, clock: &Cell<Clock>) {
        self.comes_behind(who, clock.get());
        clock.set(self.clocks.borrow()[who]);
    }
}

/// A word as loom's atomic, with a copy beside it of what was stored last. Loom has no values, but numbers of stores.
struct Word {
    hub: Rc<Hub>,
    /// Which word, in order of creation.
    index: usize,
    bits: Cell<u64>,
    start: Cell<u64>,
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
    fn give_to_loom(&self) {
        self.live.replace(Some(AtomicU64::new(0)));
        let decoyed = if self.needs_decoys() { self.loaders.get() } else { 0 };
        let decoys = (0..loom::MAX_THREADS).map(|t| (decoyed >> t & 1 == 1).then(decoy));
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
        self.read(who);
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
            self.hub.changed(who, self.index);
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
        self.read(who);
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
            self.read(who);
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

    /// The youngest store, found by a compare-and-exchange that fails: loom lets every read-modify-write meet the youngest,
    /// and one that fails adds none.
    fn newest(&self, who: usize, order: Order) -> u64 {
        if !self.hub.is_live() {
            return self.bits.get();
        }
        let store = self.pick(|live| {
            live.compare_exchange(NONE, NONE, modify_order(order), load_order(order)).unwrap_or_else(|number| number)
        });
        self.read(who);
        self.hub.memory().met(who, self.index, store, ordered(order))
    }

    fn read(&self, who: usize) {
        self.hub.read(who, &self.clock);
        if self.fact {
            self.hub.looked(who, self.index);
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
        T::from_bits(self.word.bits.get())
    }
}

/// A value beside loom.
struct Data<T> {
    hub: Rc<Hub>,
    value: Cell<T>,
    start: Cell<T>,
    saved: Cell<T>,
    clock: Cell<Clock>,
}

impl<T: Copy> Slot for Data<T> {
    fn begin_here(&self) {
        self.start.set(self.value.get());
    }
    fn go_live(&self) {
        self.value.set(self.start.get());
        self.clock.take();
    }
    fn save(&self) {
        self.saved.set(self.value.get());
    }
    fn restore(&self) {
        self.value.set(self.saved.get());
    }
}

impl<T: Copy + 'static> Data<T> {
    fn new(value: T) -> Rc<Data<T>> {
        let hub = Hub::creating();
        let (value, start, saved) = (Cell::new(value), Cell::new(value), Cell::new(value));
        let data = Rc::new(Data { hub: Rc::clone(&hub), value, start, saved, clock: Cell::default() });
        hub.slots.borrow_mut().push(Rc::clone(&data) as Rc<dyn Slot>);
        data
    }
}

/// One thread's handle on a value that a spinlock protects. The lock orders the accesses, so loom needs no cell.
pub(super) struct LoomCell<T> {
    data: Rc<Data<T>>,
    gate: ObjId,
    who: usize,
}

impl<T> Clone for LoomCell<T> {
    fn clone(&self) -> Self {
        LoomCell { data: Rc::clone(&self.data), gate: self.gate, who: self.data.hub.cloning_for.get() }
    }
}

impl<T: Copy + 'static> SharedCell<T> for LoomCell<T> {
    fn new(value: T, gate: ObjId) -> Self {
        LoomCell { data: Data::new(value), gate, who: 0 }
    }

    fn get(&self, held: Held) -> T {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was read under another object's lock");
        if !self.data.hub.is_quiet() {
            self.data.hub.read(self.who, &self.data.clock);
        }
        self.data.value.get()
    }

    fn set(&mut self, held: Held, value: T) {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was written under another object's lock");
        self.data.value.set(value);
        if !self.data.hub.is_quiet() {
            self.data.hub.wrote(self.who, &self.data.clock);
        }
    }

    fn peek(&self) -> T {
        self.data.value.get()
    }
}

/// A handle on a note of the checker's: nothing that a thread does may depend on it.
pub(super) struct LoomNote<T>(Rc<Data<T>>);

impl<T> Clone for LoomNote<T> {
    fn clone(&self) -> Self {
        LoomNote(Rc::clone(&self.0))
    }
}

impl<T: Copy + 'static> NoteCell<T> for LoomNote<T> {
    fn new(value: T) -> Self {
        LoomNote(Data::new(value))
    }
    fn get(&self) -> T {
        self.0.value.get()
    }
    fn set(&mut self, value: T) {
        self.0.value.set(value);
    }
}
