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

use fenceweave_kernel::{AtomicCell, Bits, Held, ObjId, Order, SharedCell, runtime::NoteCell};
use loom::{
    cell::UnsafeCell,
    sync::{Mutex, atomic::AtomicU64},
};
use std::{
    cell::{Cell, Ref, RefCell},
    marker::PhantomData,
    rc::Rc,
    sync::atomic::Ordering,
};

/// How many stores of an atomic loom remembers.
const MAX_HISTORY: u32 = 7;

/// For each thread, its last step that something depends on.
type Clock = [u32; loom::MAX_THREADS];

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

/// An access to a plain variable that loom is being told about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Racing {
    /// Who accesses it.
    pub(super) who: usize,
    /// Which of the plain variables, in order of creation.
    pub(super) which: usize,
    /// Who had accessed it before, if somebody else had.
    pub(super) other: Option<usize>,
}

/// What all cells have in common. They are made once and used by every execution, because making them takes more stack
/// than loom gives to its threads.
#[derive(Default)]
pub(super) struct Hub {
    quiet: Cell<bool>,
    /// The thread whose handle on the world is being made.
    cloning_for: Cell<usize>,
    /// What the current step of each thread depends on.
    clocks: RefCell<[Clock; loom::MAX_THREADS]>,
    slots: RefCell<Vec<Rc<dyn Slot>>>,
    racy_words: Cell<usize>,
    racing: Cell<Option<Racing>>,
    lost_store: Cell<bool>,
    learnt: Cell<bool>,
}

thread_local! {
    /// Where cells that are being created belong to: a world is made without a runtime value at hand.
    static CREATING: RefCell<Option<Rc<Hub>>> = const { RefCell::new(None) };
}

impl Hub {
    /// A quiet hub, and whatever `make` creates as its cells.
    pub(super) fn create<T>(make: impl FnOnce() -> T) -> (Rc<Hub>, T) {
        let hub = Rc::new(Hub { quiet: Cell::new(true), ..Hub::default() });
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
        self.quiet.get()
    }

    /// Every execution begins with the values that the cells have now.
    pub(super) fn begin_here(&self) {
        self.slots.borrow().iter().for_each(|s| s.begin_here());
    }

    /// An execution begins: loom's objects are created, and the notes about the last execution forgotten.
    pub(super) fn go_live(&self) {
        self.clocks.take();
        self.racing.take();
        self.lost_store.take();
        self.slots.borrow().iter().for_each(|s| s.go_live());
        self.quiet.set(false);
    }

    /// From here on loom is told nothing. No thread may be inside of a step.
    pub(super) fn go_quiet(&self) {
        self.quiet.set(true);
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
    }

    /// A handle of thread `who` on something that consists of cells.
    pub(super) fn handle_for<T: Clone>(&self, who: usize, of: &T) -> T {
        self.cloning_for.set(who);
        of.clone()
    }

    /// A thread begins its next step: its number.
    pub(super) fn begin_step(&self, who: usize) -> u32 {
        let own = &mut self.clocks.borrow_mut()[who][who];
        *own += 1;
        *own
    }

    /// The last step of `of` that something in the past of `who` depends on.
    pub(super) fn depends_on(&self, who: usize, of: usize) -> u32 {
        self.clocks.borrow()[who][of]
    }

    /// The access to a plain variable that loom did not return from.
    pub(super) fn racing(&self) -> Option<Racing> {
        self.racing.get()
    }

    /// Whether a load could have returned a store that loom had forgotten.
    pub(super) fn lost_store(&self) -> bool {
        self.lost_store.get()
    }

    fn read(&self, who: usize, clock: &Cell<Clock>) {
        let from = clock.get();
        let mine = &mut self.clocks.borrow_mut()[who];
        mine.iter_mut().zip(from).for_each(|(m, f)| *m = f.max(*m));
    }

    fn wrote(&self, who: usize, clock: &Cell<Clock>) {
        clock.set(self.clocks.borrow()[who]);
    }
}

/// A word as loom's atomic, with a copy of its latest value beside it.
struct Word {
    hub: Rc<Hub>,
    bits: Cell<u64>,
    start: Cell<u64>,
    saved: Cell<u64>,
    clock: Cell<Clock>,
    live: RefCell<Option<AtomicU64>>,
    /// Stores so far, the value at the start included.
    stores: Cell<u32>,
    /// For each thread, the youngest store that it is known to have met: it can read none that is older.
    met: Cell<[u32; loom::MAX_THREADS]>,
    plain: Option<PlainWord>,
    /// The threads that were ever seen to load it, a bit each, and whether anybody was seen to store.
    loaders: Cell<u8>,
    written: Cell<bool>,
    /// The decoys of this execution, by thread.
    decoys: RefCell<Vec<Option<Mutex<()>>>>,
}

/// What makes a plain variable different: unordered accesses are a data race.
struct PlainWord {
    which: usize,
    cell: RefCell<Option<UnsafeCell<()>>>,
    last_access: Cell<Option<usize>>,
    last_write: Cell<Option<usize>>,
}

impl Slot for Word {
    fn begin_here(&self) {
        self.start.set(self.bits.get());
    }
    fn go_live(&self) {
        let start = self.start.get();
        self.bits.set(start);
        self.clock.take();
        self.stores.set(1);
        self.met.set([1; loom::MAX_THREADS]);
        self.live.replace(Some(AtomicU64::new(start)));
        let decoyed = if self.needs_decoys() { self.loaders.get() } else { 0 };
        let decoys = (0..loom::MAX_THREADS).map(|t| (decoyed >> t & 1 == 1).then(decoy));
        self.decoys.replace(decoys.collect());
        if let Some(p) = &self.plain {
            p.last_access.take();
            p.last_write.take();
            p.cell.replace(Some(UnsafeCell::new(())));
        }
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

    fn new(bits: u64, plain: bool) -> Rc<Word> {
        let hub = Hub::creating();
        let plain = plain.then(|| {
            let which = hub.racy_words.replace(hub.racy_words.get() + 1);
            let (last_access, last_write) = (Cell::new(None), Cell::new(None));
            PlainWord { which, cell: RefCell::default(), last_access, last_write }
        });
        let word = Rc::new(Word {
            hub: Rc::clone(&hub),
            bits: Cell::new(bits),
            start: Cell::new(bits),
            saved: Cell::new(bits),
            clock: Cell::default(),
            live: RefCell::default(),
            stores: Cell::new(1),
            met: Cell::new([1; loom::MAX_THREADS]),
            plain,
            loaders: Cell::new(0),
            written: Cell::new(false),
            decoys: RefCell::default(),
        });
        hub.slots.borrow_mut().push(Rc::clone(&word) as Rc<dyn Slot>);
        word
    }

    /// Loom's atomic, unless loom is told nothing.
    fn live(&self) -> Option<Ref<'_, AtomicU64>> {
        let live = (!self.hub.is_quiet()).then(|| self.live.borrow())?;
        Ref::filter_map(live, Option::as_ref).ok()
    }

    fn met_newest(&self, who: usize) {
        let mut met = self.met.get();
        met[who] = self.stores.get();
        self.met.set(met);
    }

    /// A plain load happened. Loom looks at the youngest stores only: if this thread might still have read an older
    /// one, something was not explored.
    fn loaded(&self, who: usize) {
        self.hub.read(who, &self.clock);
        let forgotten = self.stores.get().saturating_sub(MAX_HISTORY);
        if self.met.get()[who] <= forgotten {
            self.hub.lost_store.set(true);
        }
    }

    fn stored(&self, who: usize, bits: u64) {
        self.bits.set(bits);
        self.stores.set(self.stores.get() + 1);
        self.met_newest(who);
        self.hub.wrote(who, &self.clock);
    }

    /// A read-modify-write happened; it always meets the youngest store.
    fn modified(&self, who: usize, new: Option<u64>) {
        self.hub.read(who, &self.clock);
        match new {
            Some(bits) => self.stored(who, bits),
            None => self.met_newest(who),
        }
    }

    /// Tells loom of an access to a plain variable; loom panics if it races with another.
    fn check_race(&self, who: usize, writes: bool) {
        // Quiet cells are somebody's alone.
        let Some(p) = &self.plain else { return };
        let cell = p.cell.borrow();
        let Some(cell) = cell.as_ref() else { return };
        let before = if writes { p.last_access.get() } else { p.last_write.get() };
        let other = before.filter(|o| *o != who);
        self.hub.racing.set(Some(Racing { who, which: p.which, other }));
        if writes {
            cell.with_mut(|_| ());
            p.last_write.set(Some(who));
        } else {
            cell.with(|_| ());
        }
        p.last_access.set(Some(who));
        self.hub.racing.set(None);
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
        LoomAtomic { word: Word::new(value.to_bits(), plain), who: 0, value: PhantomData }
    }

    /// The youngest value, acquired: for the engine's own looks, which must not be explored with older ones.
    pub(super) fn newest(&self) -> T {
        // A compare-and-exchange that fails: loom lets every read-modify-write meet the youngest store, and one that
        // fails adds none. No packed value has all bits set.
        let Some(live) = self.word.live() else { return self.peek() };
        let seen = live.compare_exchange(u64::MAX, u64::MAX, Ordering::AcqRel, Ordering::Acquire);
        self.word.modified(self.who, None);
        T::from_bits(seen.unwrap_or_else(|bits| bits))
    }

    fn load_unchecked(&self, order: Order) -> T {
        let Some(live) = self.word.live() else { return self.peek() };
        self.word.will_load(self.who);
        let bits = live.load(load_order(order));
        self.word.loaded(self.who);
        T::from_bits(bits)
    }

    fn store_unchecked(&self, value: T, order: Order) {
        let Some(live) = self.word.live() else { return self.word.bits.set(value.to_bits()) };
        self.word.will_store(self.who);
        live.store(value.to_bits(), store_order(order));
        self.word.stored(self.who, value.to_bits());
    }

    /// A read-modify-write that always writes: `live` does it in loom, `quiet` computes the new value of the old.
    fn modify(&self, live: impl FnOnce(&AtomicU64) -> u64, new: impl FnOnce(u64) -> u64) -> T {
        let old = match self.word.live() {
            None => {
                let old = self.word.bits.get();
                self.word.bits.set(new(old));
                old
            }
            Some(atomic) => {
                self.word.will_store(self.who);
                let old = live(&atomic);
                self.word.modified(self.who, Some(new(old)));
                self.word.check_race(self.who, true);
                old
            }
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
        self.modify(|a| a.swap(bits, modify_order(order)), |_| bits)
    }

    fn compare_exchange(&mut self, current: T, new: T, order: Order) -> Result<T, T> {
        let (current, new) = (current.to_bits(), new.to_bits());
        let result = match self.word.live() {
            None => {
                let seen = self.word.bits.get();
                if seen == current {
                    self.word.bits.set(new);
                    Ok(seen)
                } else {
                    Err(seen)
                }
            }
            Some(live) => {
                self.word.will_store(self.who);
                let result = live.compare_exchange(current, new, modify_order(order), Ordering::Relaxed);
                self.word.modified(self.who, result.is_ok().then_some(new));
                // One that fails counts as a write, too: so every engine has it, and KCSAN.
                self.word.check_race(self.who, true);
                result
            }
        };
        result.map(T::from_bits).map_err(T::from_bits)
    }

    fn fetch_add(&mut self, delta: i32, order: Order) -> T {
        let delta = i64::from(delta) as u64;
        self.modify(|a| a.fetch_add(delta, modify_order(order)), |old| old.wrapping_add(delta))
    }

    fn fetch_or(&mut self, bits: u64, order: Order) -> T {
        self.modify(|a| a.fetch_or(bits, modify_order(order)), |old| old | bits)
    }

    fn fetch_and(&mut self, bits: u64, order: Order) -> T {
        self.modify(|a| a.fetch_and(bits, modify_order(order)), |old| old & bits)
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
