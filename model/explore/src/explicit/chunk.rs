//! Some states in a row and what came of them: the steps, and what was seen on the way.
//!
//! Whoever expands a state writes here alone, and one thread takes chunks in, in the order of states
//! (`search.rs`). So nothing that a search says depends on who expanded what, or when.

use super::{Sightings, depend::Dependencies, orbits::Target, usage::Usage};
use fenceweave_kernel::{Action, Cover, ObjId, Outcome, Program, Renaming, Violation};
use std::collections::BTreeSet;

/// A step whose successor is still to be looked up.
///
/// A look-up misses the cache twice; looking up many in a row lets the misses overlap, one after each step does not.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub(super) action: Action,
    /// Whether it passed a `progress` mark.
    pub(super) progressed: bool,
    /// Of the successor.
    pub(super) print: u128,
    /// Where its encoding ends.
    pub(super) end: usize,
}

/// The steps of some states in a row.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) steps: Vec<Taken>,
    /// Encodings of the successors, one after the other.
    pub(super) bytes: Vec<u8>,
    /// For each expanded state, where its steps end.
    pub(super) states: Vec<usize>,
    /// Over orbits, who everybody is in the representative of each successor, and up to where in `keys` stands what it
    /// is known by.
    pub(super) images: Vec<(Renaming, usize)>,
    pub(super) keys: Vec<u8>,
    pub(super) notes: Notes,
}

/// What was seen in them.
#[derive(Default)]
pub(super) struct Notes {
    /// How often each instruction was come to; `None` if whoever expands keeps that himself.
    pub(super) cover: Option<Cover>,
    pub(super) terminals: u64,
    pub(super) good: Vec<u32>,
    pub(super) cut: Vec<u32>,
    pub(super) warned: Vec<u32>,
    pub(super) violations: Vec<(Violation, Target)>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) unsignaled: BTreeSet<ObjId>,
    pub(super) overflow: Option<Violation>,
    /// Of each condition.
    pub(super) glimpses: Vec<Glimpse>,
    /// All that this worker has seen so far, if there is something new: what it saw before was taken in already.
    pub(super) depend: Option<Box<Dependencies>>,
    pub(super) usage: Option<Usage>,
    /// Steps that broke a property with somebody in it who has others that are alike: from which state of the chunk.
    pub(super) named: Vec<(usize, Action, Violation)>,
    pub(super) unfit: bool,
    pub(super) uneven: bool,
}

/// What was seen of a condition.
#[derive(Clone, Default)]
pub(super) struct Glimpse {
    pub(super) seen_true: Option<Target>,
    pub(super) seen_false: Option<Target>,
    pub(super) failed: bool,
    /// It is true in some state of an orbit and false in another.
    pub(super) mixed: bool,
    /// Where it was last seen true, and false.
    pub(super) last: (Option<u32>, Option<u32>),
    pub(super) marked: Vec<u32>,
}

impl Chunk {
    /// Nothing yet, for a program with so many conditions.
    pub(super) fn new(conditions: usize) -> Chunk {
        let notes = Notes { glimpses: vec![Glimpse::default(); conditions], ..Notes::default() };
        Chunk { notes, ..Chunk::default() }
    }

    /// The same whose workers come and go: it has its own cover.
    pub(super) fn apart(conditions: usize, program: &Program) -> Chunk {
        let mut chunk = Chunk::new(conditions);
        chunk.notes.cover = Some(Cover::new(program));
        chunk
    }

    /// The encoding of a step's successor.
    pub(super) fn encoding(&self, step: usize) -> &[u8] {
        let from = step.checked_sub(1).map_or(0, |before| self.steps[before].end);
        &self.bytes[from..self.steps[step].end]
    }

    /// What a step's successor is known by.
    pub(super) fn key(&self, step: usize) -> &[u8] {
        match self.images.get(step) {
            None => self.encoding(step),
            Some((_, end)) => {
                let from = step.checked_sub(1).map_or(0, |before| self.images[before].1);
                &self.keys[from..*end]
            }
        }
    }

    /// Forgets everything but the memory that it took, and notes that were taken in.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.bytes.clear();
        self.states.clear();
        self.images.clear();
        self.keys.clear();
        self.notes.clear();
    }
}

impl Notes {
    fn clear(&mut self) {
        debug_assert!(self.outcomes.is_empty(), "[internal bug] an outcome was not taken in");
        self.terminals = 0;
        self.good.clear();
        self.cut.clear();
        self.warned.clear();
        self.violations.clear();
        self.named.clear();
        self.unsignaled.clear();
        (self.overflow, self.depend, self.usage) = (None, None, None);
        (self.unfit, self.uneven) = (false, false);
        for glimpse in &mut self.glimpses {
            let mut marked = std::mem::take(&mut glimpse.marked);
            marked.clear();
            *glimpse = Glimpse { marked, ..Glimpse::default() };
        }
    }
}

impl Sightings {
    /// Adds what was seen in the states that come next.
    pub(super) fn add(&mut self, next: &Glimpse) {
        self.seen_true = self.seen_true.or(next.seen_true);
        self.seen_false = self.seen_false.or(next.seen_false);
        self.failed |= next.failed;
        self.mixed |= next.mixed;
        next.marked.iter().for_each(|state| self.marked.insert(*state));
    }
}
