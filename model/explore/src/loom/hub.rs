//! What all cells have in common: who decides what a load returns, what each step has looked at, and whether it was
//! torn.
//!
//! While the hub is *quiet* loom is told nothing: that is how setup, teardown and the diagnosis of a stuck state run,
//! on the latest values and without a scheduling point.

use super::{cells::Word, memory::Memory};
use fenceweave_kernel::{
    ObjId, Program, Property, ThreadId, Violation, fixed,
    memory::{self, bytes::Bytes},
};
use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
    sync::Arc,
};

/// For each thread, its last step that something depends on.
pub(super) type Clock = [u32; ::loom::MAX_THREADS];

/// A fact that the step in flight of a thread has looked at.
struct Fact {
    /// The word that it stands in.
    word: usize,
    /// For each thread, the first of its steps that has changed it since.
    changed: Clock,
}

/// A change of a fact.
struct Change {
    /// The word that it stands in.
    word: usize,
    /// Which of the word's stores it is.
    store: usize,
    /// Whose.
    who: usize,
    /// In which step.
    step: u32,
}

/// A fact that a step which is over has looked at.
struct Known {
    /// The word that it stands in.
    word: usize,
    /// What that step depended on.
    behind: Clock,
}

/// A cell that takes part in what is done to all of them.
pub(super) trait Slot {
    /// Makes the value that it has the one that every execution begins with.
    fn begin_here(&self);
    /// Goes back to that value and tells loom about the cell.
    fn go_live(&self);
    /// Remembers the value.
    fn save(&self);
    /// Goes back to the remembered value.
    fn restore(&self);
}

/// The memory behind the frames of a world.
struct RealMemory(Arc<Bytes>);

impl Slot for RealMemory {
    fn begin_here(&self) {}
    fn go_live(&self) {
        self.0.forget();
    }
    fn save(&self) {}
    fn restore(&self) {
        self.0.forget();
    }
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
        let other = ThreadId(self.other as u8);
        // A world makes its objects first; a frame has one such word.
        let mut frames = program.all::<fixed::Frame>();
        let Some(which) = self.which.checked_sub(frames.clone().count()) else {
            let frame = frames.nth(self.which).unwrap_or_default();
            return memory::frame::race(frame, other, (ThreadId(self.who as u8), pc));
        };
        let plain = program.vars.iter().enumerate().filter(|(_, v)| v.racy).nth(which);
        Violation {
            object: plain.map(|(i, _)| ObjId::var(i)),
            other: Some(other),
            ..Violation::new(Property::DATA_RACE, ThreadId(self.who as u8), pc)
        }
    }
}

/// What all cells have in common. They are made once and used by every execution, because making them takes more stack
/// than loom gives to its threads.
#[derive(Default)]
pub(super) struct Hub {
    mode: Cell<Mode>,
    /// The thread whose handle on the world is being made.
    pub(super) cloning_for: Cell<usize>,
    /// What the current step of each thread depends on.
    clocks: RefCell<[Clock; ::loom::MAX_THREADS]>,
    /// What that which the current step of each thread tells depends on besides.
    peeks: RefCell<[Clock; ::loom::MAX_THREADS]>,
    /// Whether what is peeked at decides what is told.
    looks: Cell<bool>,
    pub(super) slots: RefCell<Vec<Rc<dyn Slot>>>,
    pub(super) words: RefCell<Vec<Rc<Word>>>,
    memory: RefCell<Memory>,
    /// Of a step that is taken again: for each of its reads that is left, how many stores back it goes.
    pub(super) told: RefCell<Vec<u8>>,
    pub(super) racy_words: Cell<usize>,
    pub(super) racing: Cell<Option<Racing>>,
    pub(super) learnt: Cell<bool>,
    /// For each thread, what its step in flight has looked at.
    facts: RefCell<[Vec<Fact>; ::loom::MAX_THREADS]>,
    /// What was changed so far.
    changes: RefCell<Vec<Change>>,
    /// For each thread, what its steps before that have looked at, the last time of each.
    known: RefCell<[Vec<Known>; ::loom::MAX_THREADS]>,
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

    pub(super) fn creating() -> Rc<Hub> {
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

    /// Real memory behind frames: what it holds is another state's whenever the cells go back to an earlier value.
    pub(super) fn add_memory(&self, bytes: Arc<Bytes>) {
        self.slots.borrow_mut().push(Rc::new(RealMemory(bytes)));
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
        self.peeks.take();
        self.looks.take();
        self.racing.take();
        self.torn.take();
        self.facts.take();
        self.known.take();
        self.changes.take();
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

    /// Whether an execution has shown that a word needs decoys that it does not have. Executions from then on have
    /// them, so the branches that loom remembers are wrong: the search must begin anew.
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
        let behind = self.clocks.borrow()[who];
        let known = &mut self.known.borrow_mut()[who];
        for Fact { word, .. } in self.facts.borrow_mut()[who].drain(..) {
            match known.iter_mut().find(|k| k.word == word) {
                Some(known) => known.behind = behind,
                None => known.push(Known { word, behind }),
            }
        }
        self.peeks.borrow_mut()[who] = Clock::default();
        let own = &mut self.clocks.borrow_mut()[who][who];
        *own += 1;
        *own
    }

    /// The last step of `of` that something in the past of `who` depends on, or what its current step tells.
    pub(super) fn depends_on(&self, who: usize, of: usize) -> u32 {
        self.clocks.borrow()[who][of].max(self.peeks.borrow()[who][of])
    }

    /// From here on, or no more, what is peeked at decides what is told. No other thread runs in between.
    pub(super) fn looks(&self, on: bool) {
        self.looks.set(on && self.is_live());
    }

    /// Somebody has peeked at what was last written as `clock` says.
    pub(super) fn peeked(&self, who: usize, clock: &Cell<Clock>) {
        if self.looks.get() {
            let seen = &mut self.peeks.borrow_mut()[who];
            seen.iter_mut().zip(clock.get()).for_each(|(s, c)| *s = c.max(*s));
        }
    }

    /// An access of the last step that raced with another.
    pub(super) fn take_race(&self) -> Option<Racing> {
        self.racing.take()
    }

    /// Whether a step was torn: a fact that it had looked at was changed, and it went on to depend on the step that
    /// changed it. Whether memory is there is the checker's knowledge, not a word of the kernel's, so looking and using
    /// are one. Loom also runs the two steps one after the other, both ways round; between the two halves there is
    /// nothing. The step that changes the fact is torn if another one depended on it before, and looked all the same:
    /// who asks for the readers of this moment and who frees are one as well.
    pub(super) fn is_torn(&self) -> bool {
        self.torn.get()
    }

    /// A step has looked where another one is in the middle of what is one step.
    pub(super) fn tear(&self) {
        self.torn.set(true);
    }

    /// What the step in flight of a thread depends on so far.
    pub(super) fn clock(&self, who: usize) -> Clock {
        self.clocks.borrow()[who]
    }

    /// A thread has looked at a fact, as one of its word's stores has it: those that came later have changed it since,
    /// unless the step depended on them before (`clock`).
    pub(super) fn looked(&self, who: usize, word: usize, store: usize, clock: Clock) {
        let facts = &mut self.facts.borrow_mut()[who];
        if !facts.iter().any(|f| f.word == word) {
            facts.push(Fact { word, changed: Clock::default() });
        }
        let Some(fact) = facts.iter_mut().find(|f| f.word == word) else { return };
        let changes = self.changes.borrow();
        let later = changes.iter().filter(|c| c.word == word && c.store > store && clock[c.who] < c.step);
        for change in later.filter(|c| c.who != who) {
            let first = &mut fact.changed[change.who];
            *first = if *first == 0 { change.step } else { change.step.min(*first) };
        }
    }

    /// A thread has changed a fact.
    pub(super) fn changed(&self, who: usize, word: usize, store: usize) {
        let clocks = self.clocks.borrow();
        let step = clocks[who][who];
        self.changes.borrow_mut().push(Change { word, store, who, step });
        let mut facts = self.facts.borrow_mut();
        for (other, looked_at) in facts.iter_mut().enumerate().filter(|(t, _)| *t != who) {
            for fact in looked_at.iter_mut().filter(|f| f.word == word && f.changed[who] == 0) {
                fact.changed[who] = step;
                self.torn.set(self.torn.get() || clocks[other][who] >= step);
            }
        }
        let known = self.known.borrow();
        let mut looked = known.iter().enumerate().filter(|(t, _)| *t != who).flat_map(|(_, known)| known);
        let between = looked.any(|k| k.word == word && k.behind[who] >= step);
        self.torn.set(self.torn.get() || between);
    }

    /// A thread's step comes behind what this clock says.
    fn comes_behind(&self, who: usize, clock: Clock) {
        let behind = |f: &Fact| f.changed.iter().zip(clock).any(|(step, to)| *step != 0 && to >= *step);
        self.torn.set(self.torn.get() || self.facts.borrow()[who].iter().any(behind));
    }

    pub(super) fn read(&self, who: usize, clock: &Cell<Clock>) {
        let from = clock.get();
        self.comes_behind(who, from);
        let mine = &mut self.clocks.borrow_mut()[who];
        mine.iter_mut().zip(from).for_each(|(m, f)| *m = f.max(*m));
    }

    /// Who has read what is kept by this clock.
    pub(super) fn is_read(&self, who: usize, readers: &Cell<Clock>) {
        let mut all = readers.get();
        all.iter_mut().zip(self.clocks.borrow()[who]).for_each(|(a, c)| *a = c.max(*a));
        readers.set(all);
    }

    pub(super) fn wrote(&self, who: usize, clock: &Cell<Clock>) {
        self.comes_behind(who, clock.get());
        clock.set(self.clocks.borrow()[who]);
    }
}
