//! What each thread knows of the stores that were made: who may read what, by the kernel's memory model.
//!
//! Loom proposes executions, this judges them. Every store has a number, so that it is known which one a load returned.
//! From that, and from barriers and locks, follows what each thread *knows*: stores behind which it cannot go back. An
//! execution in which somebody did, or which has no order of a word's stores ([`Coherence`]), is none of the kernel's:
//! it is counted, and nothing that it shows is reported.
//!
//! # What makes a store known
//!
//! * Making it or reading it.
//! * Everything that its author knew when he made an acquired store: `smp_store_release()` tells what its author has
//!   read or written before (also by relaxed loads: the kernel's release is cumulative, C11's is not), a relaxed store
//!   what he knew at his last full barrier, or when he last took a lock: an unlock and a lock after it, on one CPU or
//!   of one lock, order what is before and behind them for everybody (`po-unlock-lock-po` of
//!   `tools/memory-model/linux-kernel.cat`).
//! * `smp_wmb()` makes later stores tell of those before it, and of what those tell.
//! * A relaxed load makes known no more than the store that it returned, until `smp_rmb()` or a full barrier makes up
//!   for it.
//! * *An address dependency*: an access by a reference, or at an index, that a load returned, comes after that load.
//!   The access knows what the store that was read tells, and only this access does. Dependencies are followed through
//!   locals and expressions over them; an operation that has several operands depends on all of them, which is stronger
//!   than the hardware for those that are looked at late.
//! * Full barriers have one order: a later one knows all that an earlier one knew. It is the order of execution.
//!
//! Loom's own rules, which are C11's, still hold; in a few places they are stronger than `linux-kernel.cat`: its
//! release fence, which stands for `smp_wmb()`, also passes on what its thread has acquired. A mutex of loom stands for
//! every spinlock, so a `trylock` that fails acquires here, which it does not in the kernel.
//!
//! # What is stale
//!
//! A load is *stale* if it returned another value than the store before it in the order of execution: something that
//! sequentially consistent memory cannot do. If no load of an execution is, the same steps in the same order lead to
//! the same end on such memory. So an outcome is *weak memory only* if no execution without a stale load has it.

use super::coherence::{Coherence, MAX_STORES};
use std::{collections::BTreeSet, rc::Rc};

/// Threads that loom can have.
const THREADS: usize = ::loom::MAX_THREADS;
/// How many stores of an atomic loom remembers.
const HISTORY: usize = 7;

/// Stores that are known, and steps of others that are in the past.
#[derive(Clone, Default)]
pub(super) struct View {
    /// For each word, its stores, a bit each.
    stores: Vec<u64>,
    /// For each thread, how many of its accesses.
    past: [u32; THREADS],
}

impl View {
    fn of(words: usize) -> View {
        View { stores: vec![0; words], past: [0; THREADS] }
    }

    fn join(&mut self, other: &View) {
        self.stores.iter_mut().zip(&other.stores).for_each(|(a, b)| *a |= b);
        self.past.iter_mut().zip(other.past).for_each(|(a, b)| *a = b.max(*a));
    }
}

/// A thread.
#[derive(Clone, Default)]
struct Mind {
    /// What its next access knows.
    now: View,
    /// What the stores tell that it has read and not acquired.
    heard: View,
    /// What its next relaxed store tells.
    tells: Rc<View>,
    /// Its own stores, and what they tell.
    made: View,
    /// What it knew when it last gave a lock back.
    at_unlock: View,
    /// What the operation in flight knows besides, by its address.
    address: Option<Rc<View>>,
    /// The accesses of the step in flight.
    step: Vec<Access>,
    /// What the loads of the step in flight returned, and what those stores tell.
    loaded: Vec<(u64, Rc<View>)>,
}

/// A store.
#[derive(Clone)]
struct Store {
    bits: u64,
    tells: Rc<View>,
}

/// A word.
#[derive(Default)]
struct Word {
    stores: Vec<Store>,
    order: Coherence,
    /// For each number under which loom has a store, ours: the order of execution.
    numbers: Vec<u8>,
    /// Of a plain variable: the last write, and the last read of each thread, by the number of the access.
    written: Option<(usize, u32)>,
    read: [u32; THREADS],
}

/// One access to a word, as the trace of an execution remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    /// Which word.
    pub(super) word: u16,
    /// The store that it returned.
    pub(super) read: Option<u8>,
    /// The store that it made.
    pub(super) made: Option<u8>,
}

/// How an access orders others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ordered {
    /// What comes after it stays after it.
    pub(super) acquires: bool,
    /// What came before it stays before it.
    pub(super) releases: bool,
}

/// The memory of one execution.
#[derive(Default)]
pub(super) struct Memory {
    words: Vec<Word>,
    minds: Vec<Mind>,
    /// What the last full barrier knew.
    barrier: View,
    /// What whoever gave a lock back last knew, by gate.
    gates: Vec<View>,
    /// What those who sent a thread a token knew.
    tokens: Vec<View>,
    /// The words of which a stale store was read.
    stale: BTreeSet<u16>,
    /// A word has more stores than can be told apart.
    full: bool,
    /// A load could have returned a store that loom had forgotten.
    lost: bool,
    /// The accesses of all steps, and where each step's end.
    accesses: Vec<Access>,
    ends: Vec<usize>,
}

impl Memory {
    /// An execution begins, on words with these values.
    pub(super) fn restart(&mut self, gates: usize, values: impl Iterator<Item = u64>) {
        let none = Rc::new(View::default());
        let mut count = 0;
        for (i, bits) in values.enumerate() {
            if i == self.words.len() {
                self.words.push(Word::default());
            }
            let w = &mut self.words[i];
            w.stores.clear();
            w.stores.push(Store { bits, tells: Rc::clone(&none) });
            w.order.restart();
            w.numbers.clear();
            w.numbers.push(0);
            (w.written, w.read) = (None, [0; THREADS]);
            count = i + 1;
        }
        let blank = View::of(count);
        let mind = Mind {
            now: blank.clone(),
            heard: blank.clone(),
            made: blank.clone(),
            at_unlock: blank.clone(),
            ..Mind::default()
        };
        self.minds = vec![Mind { tells: Rc::new(blank.clone()), ..mind }; THREADS + 1];
        self.gates = vec![blank.clone(); gates];
        self.tokens = vec![blank.clone(); THREADS + 1];
        self.barrier = blank;
        self.stale.clear();
        (self.full, self.lost) = (false, false);
        self.accesses.clear();
        self.ends.clear();
    }

    /// A number for loom to have the next store of a word under.
    pub(super) fn number(&mut self, word: usize) -> u64 {
        let numbers = &mut self.words[word].numbers;
        numbers.push(u8::MAX);
        numbers.len() as u64 - 1
    }

    /// The store that loom has under a number.
    pub(super) fn numbered(&self, word: usize, number: u64) -> usize {
        usize::from(self.words[word].numbers[number as usize])
    }

    /// The number under which loom has a store.
    pub(super) fn number_at(&self, word: usize, store: usize) -> u64 {
        let numbers = &self.words[word].numbers;
        numbers.iter().position(|n| usize::from(*n) == store).map_or(u64::MAX, |n| n as u64)
    }

    /// The number under which loom has the youngest store with this value.
    pub(super) fn number_of(&self, word: usize, bits: u64) -> Option<u64> {
        let store = self.words[word].stores.iter().rposition(|s| s.bits == bits)?;
        Some(self.number_at(word, store))
    }

    /// The value of a store.
    pub(super) fn bits(&self, word: usize, store: usize) -> u64 {
        self.words[word].stores[store].bits
    }

    /// The stores of a word so far.
    pub(super) fn youngest(&self, word: usize) -> usize {
        self.words[word].order.youngest()
    }

    /// A thread's step begins; its operation's address came from these loads.
    pub(super) fn begin_step(&mut self, who: usize, address: Option<Rc<View>>) {
        let mind = &mut self.minds[who];
        mind.address = address;
        mind.step.clear();
        mind.loaded.clear();
    }

    /// A thread's step is over, and is the next one of the trace.
    pub(super) fn end_step(&mut self, who: usize) {
        self.accesses.append(&mut self.minds[who].step);
        self.ends.push(self.accesses.len());
    }

    fn known(&self, who: usize, word: usize) -> u64 {
        let mind = &self.minds[who];
        let by_address = mind.address.as_ref().map_or(0, |v| v.stores.get(word).copied().unwrap_or(0));
        mind.now.stores[word] | by_address
    }

    /// A load returned a store, whose value is the result. Loom looks at the youngest stores only: if this thread might
    /// still have read one that loom has forgotten, something was not explored.
    pub(super) fn loaded(&mut self, who: usize, word: usize, store: usize, how: Ordered) -> u64 {
        let newest_known = (self.known(who, word) | 1).ilog2() as usize;
        self.lost |= newest_known + HISTORY < self.words[word].order.len();
        let bits = self.met(who, word, store, how);
        self.minds[who].step.push(Access { word: word as u16, read: Some(store as u8), made: None });
        bits
    }

    /// A thread has met a store, by whatever means.
    pub(super) fn met(&mut self, who: usize, word: usize, store: usize, how: Ordered) -> u64 {
        let known = self.known(who, word);
        let w = &mut self.words[word];
        w.order.read(store, known);
        let newest = w.stores.last().map(|s| s.bits);
        let Store { bits, tells } = &w.stores[store];
        if newest != Some(*bits) {
            self.stale.insert(word as u16);
        }
        let mind = &mut self.minds[who];
        mind.now.stores[word] |= 1 << store;
        mind.now.past[who] += 1;
        if how.acquires {
            mind.now.join(tells);
        } else {
            mind.heard.join(tells);
        }
        mind.loaded.push((*bits, Rc::clone(tells)));
        *bits
    }

    /// A store was made; `read` is the one that it read if it was a read-modify-write, `number` loom's.
    pub(super) fn stored(&mut self, who: usize, word: usize, made: (u64, u64), read: Option<usize>, how: Ordered) {
        let ((bits, number), known) = (made, self.known(who, word));
        let store = self.words[word].order.len();
        if store == MAX_STORES {
            // The execution counts for nothing from here on; its values are still right.
            self.full = true;
            let w = &mut self.words[word];
            w.numbers[number as usize] = MAX_STORES as u8 - 1;
            w.stores[MAX_STORES - 1].bits = bits;
            return;
        }
        let mind = &mut self.minds[who];
        mind.now.stores[word] |= 1 << store;
        mind.now.past[who] += 1;
        let mut tells = Rc::clone(&mind.tells);
        if how.releases {
            let all = Rc::make_mut(&mut tells);
            all.join(&mind.now);
            all.join(&mind.heard);
        }
        let w = &mut self.words[word];
        if let Some(read) = read {
            // A read-modify-write goes on telling what the store told that it read.
            Rc::make_mut(&mut tells).join(&w.stores[read].tells);
        }
        w.order.store(known & !(1 << store), read);
        mind.made.join(&tells);
        mind.made.stores[word] |= 1 << store;
        w.stores.push(Store { bits, tells });
        w.numbers[number as usize] = store as u8;
        let access = Access { word: word as u16, read: read.map(|r| r as u8), made: Some(store as u8) };
        mind.step.push(access);
    }

    /// `smp_mb()`.
    pub(super) fn full_barrier(&mut self, who: usize) {
        let mind = &mut self.minds[who];
        mind.now.join(&mind.heard);
        mind.now.join(&self.barrier);
        self.barrier.join(&mind.now);
        mind.tells = Rc::new(mind.now.clone());
    }

    /// `smp_rmb()`: what was loaded is known to later loads.
    pub(super) fn read_barrier(&mut self, who: usize) {
        let mind = &mut self.minds[who];
        mind.now.join(&mind.heard);
    }

    /// `smp_wmb()`: later stores tell of those before it, and of what those tell.
    pub(super) fn write_barrier(&mut self, who: usize) {
        let mind = &mut self.minds[who];
        mind.made.past[who] = mind.now.past[who];
        Rc::make_mut(&mut mind.tells).join(&mind.made);
    }

    /// A spinlock was taken; in the middle of holding it (`is_mine`) that is how the next step is told, no more.
    pub(super) fn locked(&mut self, who: usize, gate: usize, is_mine: bool) {
        let (mind, gate) = (&mut self.minds[who], &self.gates[gate]);
        mind.now.join(gate);
        if !is_mine {
            mind.now.join(&mind.at_unlock);
            let tells = Rc::make_mut(&mut mind.tells);
            tells.join(gate);
            tells.join(&mind.at_unlock);
        }
    }

    /// A spinlock was given back.
    pub(super) fn unlocked(&mut self, who: usize, gate: usize) {
        let mind = &mut self.minds[who];
        mind.at_unlock.join(&mind.now);
        mind.at_unlock.join(&mind.heard);
        self.gates[gate].join(&mind.at_unlock);
    }

    /// A token was sent to a thread.
    pub(super) fn sent(&mut self, who: usize, to: usize) {
        let now = &self.minds[who].now;
        self.tokens[to].join(now);
    }

    /// A thread has got a token.
    pub(super) fn received(&mut self, who: usize) {
        self.minds[who].now.join(&self.tokens[who]);
    }

    /// An access to a plain variable; the thread that it races with, if it is not ordered behind the other's access.
    pub(super) fn race(&mut self, who: usize, word: usize, writes: bool) -> Option<usize> {
        let mind = &self.minds[who];
        let past = |t: usize| mind.address.as_ref().map_or(0, |v| v.past[t]).max(mind.now.past[t]);
        let me = mind.now.past[who];
        let w = &mut self.words[word];
        let written = w.written.filter(|(t, at)| *t != who && past(*t) < *at).map(|(t, _)| t);
        let reader = (0..THREADS).find(|t| writes && *t != who && past(*t) < w.read[*t]);
        if writes {
            w.written = Some((who, me));
        } else {
            w.read[who] = me;
        }
        written.or(reader)
    }

    /// What the loads of a thread's step tell that returned this value: the youngest of them.
    pub(super) fn told_by(&self, who: usize, bits: u64) -> Option<Rc<View>> {
        self.minds[who].loaded.iter().rev().find(|(b, _)| *b == bits).map(|(_, tells)| Rc::clone(tells))
    }

    /// Whether all this can happen: each word's stores have an order.
    pub(super) fn is_possible(&self) -> bool {
        self.words.iter().all(|w| w.order.is_possible())
    }

    /// Whether a load could have returned a store that loom had forgotten.
    pub(super) fn has_lost(&self) -> bool {
        self.lost
    }

    /// Whether a word had more stores than can be told apart.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The words of which a stale store was read.
    pub(super) fn stale(&self) -> &BTreeSet<u16> {
        &self.stale
    }

    /// The value that a word is left with: that of the last store in its order.
    pub(super) fn final_bits(&self, word: usize) -> u64 {
        let w = &self.words[word];
        w.stores[w.order.last()].bits
    }

    /// The accesses of each step of the trace.
    pub(super) fn steps(&self) -> impl Iterator<Item = &[Access]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, to)| &self.accesses[from..*to])
    }
}

/// What several views know together.
pub(super) fn together(mut views: impl Iterator<Item = Rc<View>>) -> Option<Rc<View>> {
    let mut all = views.next()?;
    for v in views {
        if !Rc::ptr_eq(&all, &v) {
            Rc::make_mut(&mut all).join(&v);
        }
    }
    Some(all)
}
