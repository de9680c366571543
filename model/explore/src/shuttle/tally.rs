//! What an exploration on shuttle's threads has seen so far.

use super::rig::At;
use crate::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Task, Trace, Watched, diagnose,
    room::{self, Headroom},
};
use fenceweave_kernel::{Action, Condition, Moment, Outcome, Program, Property, State, ThreadSet, Violation};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasherDefault, Hasher},
};
use xxhash_rust::xxh3::xxh3_128;

/// Fingerprints are hashes already.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = self.0.rotate_left(32) ^ v;
    }
}

/// A 128-bit fingerprint, in halves: half the padding beside a small value.
type Print = (u64, u64);

/// What was seen of a state before, as [`Tally::arrive`] finds it.
pub(crate) struct Sight<'a> {
    /// It had never been seen.
    pub(crate) new: bool,
    /// The sleep set kept with it; of a new state, the one it was reached with.
    pub(crate) stored: &'a mut ThreadSet,
}

/// Results and counts.
pub(crate) struct Tally {
    conditions: Vec<Condition>,
    seen: HashMap<Print, ThreadSet, BuildHasherDefault<Fold>>,
    outcomes: BTreeSet<Outcome>,
    found: BTreeMap<Violation, Vec<Action>>,
    watched: Vec<Watched>,
    counts: Counts,
    overflow: Option<String>,
    /// What outcomes, and the ways to what was found, take in bytes.
    noted: usize,
    headroom: Headroom,
    /// Working memory: a state to conclude or to judge, and an encoding.
    scratch: State,
    encoding: Vec<u8>,
}

impl Tally {
    pub(crate) fn new(task: &Task<'_>) -> Tally {
        Tally {
            conditions: task.conditions.to_vec(),
            seen: HashMap::default(),
            outcomes: BTreeSet::new(),
            found: BTreeMap::new(),
            watched: task
                .conditions
                .iter()
                .map(|c| Watched { not_judged: c.moment.is_of_the_whole_graph(), ..Watched::default() })
                .collect(),
            counts: Counts::default(),
            overflow: None,
            noted: 0,
            headroom: Headroom::default(),
            scratch: State::initial(task.program),
            encoding: vec![],
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts { states: self.states(), ..self.counts }
    }

    pub(crate) fn states(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Makes sure that another state may be seen, and that there is room for it; an error is the limit that was hit.
    /// What the search has allocated besides, in bytes, is counted.
    pub(crate) fn make_room(&mut self, limits: &Limits, besides: usize) -> Result<(), String> {
        if self.states() > limits.states {
            return Err(format!("more than {} states", limits.states));
        }
        // A table is filled to seven eighths and has a byte for each place. While it grows, both old and new are there.
        let table = self.seen.capacity() * (size_of::<(Print, ThreadSet)>() + 1) * 8 / 7;
        let is_full = self.seen.len() == self.seen.capacity();
        let growth = if is_full { 2 * table } else { 0 };
        let bytes = table + growth + self.noted + besides + room::own(limits.memory_bytes);
        if bytes as u64 > limits.memory_bytes {
            return Err(format!("more than {} MiB of memory", limits.memory_bytes >> 20));
        }
        let more = self.headroom.is_there(bytes) && (!is_full || self.seen.try_reserve(1).is_ok());
        if !more {
            return Err(room::NO_MORE.into());
        }
        Ok(())
    }

    /// Executions begun and ended, one way or the other.
    pub(crate) fn runs(&self) -> u64 {
        self.counts.executions + self.counts.blocked
    }

    /// A step is taken that was not taken from this place before.
    pub(crate) fn note_transition(&mut self) {
        self.counts.transitions += 1;
    }

    /// The execution is given up: others cover what is behind.
    pub(crate) fn note_blocked(&mut self) {
        self.counts.blocked += 1;
    }

    /// An execution has come to a state, with this sleep set.
    pub(crate) fn arrive(&mut self, program: &Program, at: &mut At, sleep: ThreadSet) -> Sight<'_> {
        self.encoding.clear();
        at.state.encode(program, &mut self.encoding);
        let print = xxh3_128(&self.encoding);
        let before = self.seen.len();
        let print = (print as u64, (print >> 64) as u64);
        self.seen.entry(print).or_insert(sleep);
        let new = self.seen.len() > before;
        if new && program.warns() {
            self.note_warnings(at.state.warnings(program), &at.steps);
        }
        if new && !self.conditions.is_empty() {
            // As it is encoded: stamps as ranks, the way every engine shows them.
            self.scratch.decode(program, &self.encoding);
            self.judge(program, &at.steps, |c| c.moment != Moment::AtEnd);
        }
        let stored = self.seen.entry(print).or_insert(sleep);
        Sight { new, stored }
    }

    /// An execution is over: nobody can run, or its last step broke a property.
    pub(crate) fn end(&mut self, program: &Program, at: &mut At, new: bool) {
        self.counts.executions += 1;
        self.counts.terminals += u64::from(new);
        let broken = at.state.violation().or_else(|| diagnose::stuck(program, &at.state)).or_else(|| {
            self.scratch.copy_from(&at.state, program);
            self.scratch.conclude_covering(program, at.cover.as_mut())
        });
        match broken {
            Some(v) if v.property == Property::CAPACITY_EXCEEDED => {
                self.overflow.get_or_insert_with(|| diagnose::overflow(program, v));
            }
            Some(v) => self.break_property(v, &at.steps),
            None if new => {
                self.note_warnings(self.scratch.warnings(program), &at.steps);
                self.note(self.scratch.outcome(program));
                self.judge(program, &at.steps, |c| c.moment == Moment::AtEnd);
            }
            None => {}
        }
    }

    fn note_warnings(&mut self, warnings: Vec<Violation>, steps: &[Action]) {
        warnings.into_iter().for_each(|v| self.break_property(v, steps));
    }

    fn note(&mut self, outcome: Outcome) {
        let bytes = room::of_outcome(&outcome);
        if self.outcomes.insert(outcome) {
            self.noted += bytes;
        }
    }

    /// Of several ways to break a property, the first shortest is kept.
    pub(crate) fn break_property(&mut self, v: Violation, steps: &[Action]) {
        self.note(Outcome::Violated(v));
        match self.found.get_mut(&v) {
            Some(known) if known.len() <= steps.len() => {}
            Some(known) => steps.clone_into(known),
            None => {
                self.noted += size_of_val(steps);
                self.found.insert(v, steps.to_vec());
            }
        }
    }

    /// Notes where conditions are true and false in the scratch state.
    fn judge(&mut self, program: &Program, steps: &[Action], which: fn(&Condition) -> bool) {
        let trace = || Trace::of(steps.to_vec());
        for (c, seen) in self.conditions.iter().zip(&mut self.watched).filter(|(c, _)| which(c)) {
            match c.eval(program, &self.scratch) {
                Ok(Some(true)) => drop(seen.seen_true.get_or_insert_with(trace)),
                Ok(Some(false)) => drop(seen.seen_false.get_or_insert_with(trace)),
                Ok(None) => {}
                Err(_) => seen.failed = true,
            }
        }
    }

    /// The result; a table of the model that overflowed makes it incomplete.
    pub(crate) fn into_exploration(self, task: &Task<'_>, coverage: Coverage) -> Exploration {
        debug_assert_eq!(task.conditions.len(), self.watched.len());
        let counts = self.counts();
        let found = self.found.into_iter().map(|(violation, steps)| Found {
            violation,
            trace: Trace::of(steps),
            point_of_no_return: PointOfNoReturn::NotKnown,
        });
        Exploration {
            engine: Engine::Shuttle,
            coverage: match (coverage, self.overflow) {
                (Coverage::Complete, Some(text)) => Coverage::Incomplete(text),
                (coverage, _) => coverage,
            },
            outcomes: self.outcomes,
            found: found.collect(),
            watched: self.watched,
            counts,
            evidence: BTreeMap::new(),
            cover: None,
            unsignaled: BTreeSet::new(),
            contracts: None,
        }
    }
}
