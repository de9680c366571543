//! What the executions so far have shown.

use super::runtime::Loom;
use crate::{Found, PointOfNoReturn, StaleWords, Trace, Watched};
use crate::{
    diagnose,
    room::{self, Headroom},
};
use fenceweave_kernel::{
    Condition, Leaf, Moment, Outcome, Program, Property, Thread, ThreadId, Violation, World, observe,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything found in an exploration.
#[derive(Default)]
pub(super) struct Findings {
    /// Steps taken in all of them.
    pub(super) steps: u64,
    /// Every distinct outcome, with the least sets of stale words that executions with it have read.
    pub(super) outcomes: BTreeMap<Outcome, Vec<StaleWords>>,
    /// Executions that no coherent memory has, or in which a step was torn.
    pub(super) impossible: u64,
    /// What outcomes take, in bytes.
    noted: usize,
    headroom: Headroom,
    /// The first of the shortest ways to each violation.
    found: BTreeMap<Violation, Trace>,
    watched: Vec<Watched>,
    /// An execution did not come to its end. Loom would look into every turn of its loop.
    pub(super) endless: bool,
    /// Why not everything was looked at, if so.
    pub(super) incomplete: Option<String>,
}

/// What conditions are judged on.
pub(super) struct Moments<'a> {
    /// What never changes.
    pub(super) program: &'a Program,
    /// A handle on the shared objects.
    pub(super) world: &'a World<Loom>,
    /// The threads as of their last steps.
    pub(super) threads: &'a [Thread],
    /// The way here, unless no memory can go it.
    pub(super) way: &'a dyn Fn() -> Option<Trace>,
}

/// What an execution shows with its end.
pub(super) struct Shown {
    /// The way there.
    pub(super) trace: Trace,
    /// The words of which it has read a stale store.
    pub(super) stale: StaleWords,
}

/// Most sets of stale words that are kept of an outcome.
const MAX_SETS: usize = 8;

/// Adds a set, unless it is larger than one that is known.
pub(super) fn add_least(sets: &mut Vec<StaleWords>, new: StaleWords) {
    if !sets.iter().any(|s| s.is_subset(&new)) {
        sets.retain(|s| !new.is_subset(s));
        if sets.len() < MAX_SETS {
            sets.push(new);
        }
    }
}

impl Findings {
    /// Nothing yet, about this many conditions.
    pub(super) fn new(conditions: usize) -> Findings {
        Findings { watched: vec![Watched::default(); conditions], ..Findings::default() }
    }

    /// Notes a reason why not everything was looked at; the first one counts.
    pub(super) fn cut(&mut self, why: impl Into<String>) {
        self.incomplete.get_or_insert_with(|| why.into());
    }

    /// An execution came to this end.
    pub(super) fn ended(&mut self, outcome: Outcome, stale: StaleWords) {
        self.noted += if self.outcomes.contains_key(&outcome) { 0 } else { room::of_outcome(&outcome) };
        add_least(self.outcomes.entry(outcome).or_default(), stale);
    }

    /// A property was broken at the end of these steps.
    pub(super) fn violated(&mut self, program: &Program, v: Violation, shown: &Shown) {
        if v.property == Property::CAPACITY_EXCEEDED {
            return self.cut(diagnose::overflow(program, v));
        }
        self.ended(Outcome::Violated(v), shown.stale.clone());
        let length = |t: &Trace| (t.steps.len(), t.weak.as_ref().map_or(0, Vec::len));
        let known = self.found.entry(v).or_insert_with(|| shown.trace.clone());
        if length(&shown.trace) < length(known) {
            known.clone_from(&shown.trace);
        }
    }

    /// Whether outcomes have taken more memory than the limit says, or than there is.
    pub(super) fn out_of_memory(&mut self, limit: u64) -> Option<String> {
        let bytes = self.noted + room::own(limit);
        if bytes as u64 > limit {
            return Some(format!("more than {} MiB of memory", limit >> 20));
        }
        (!self.headroom.is_there(bytes)).then(|| room::NO_MORE.into())
    }

    /// Judges the conditions that `which` picks.
    pub(super) fn judge(&mut self, conditions: &[Condition], at: &Moments<'_>, which: fn(&Condition) -> bool) {
        let local = |t: ThreadId, l| at.threads[t.index()].local(l);
        for (c, seen) in conditions.iter().zip(&mut self.watched) {
            if !which(c) {
                continue;
            }
            let value = c.eval_with(|leaf| observe::read(at.program, at.world, local, leaf));
            let sighting = match value {
                Ok(Some(true)) => &mut seen.seen_true,
                Ok(Some(false)) => &mut seen.seen_false,
                Ok(None) => continue,
                Err(_) => {
                    seen.failed = true;
                    continue;
                }
            };
            if sighting.is_none() {
                *sighting = (at.way)();
            }
        }
    }

    /// The counterexamples, in order.
    pub(super) fn take_found(&mut self) -> Vec<Found> {
        let found = std::mem::take(&mut self.found).into_iter();
        found
            .map(|(violation, trace)| Found { violation, trace, point_of_no_return: PointOfNoReturn::NotKnown })
            .collect()
    }

    /// What was seen of each condition.
    pub(super) fn take_watched(&mut self, conditions: &[Condition]) -> Vec<Watched> {
        let watched = std::mem::take(&mut self.watched).into_iter();
        watched.zip(conditions).map(|(w, c)| Watched { not_judged: !is_judged(c, &w), ..w }).collect()
    }
}

/// Whether a condition is looked at after every step.
///
/// A partial-order reduction keeps what one thread sees, not which states of several threads exist at the same time,
/// and a shared word has no single value under weak memory. So nothing but locals is looked at.
pub(super) fn is_watched(c: &Condition) -> bool {
    c.moment != Moment::AtEnd && !c.moment.is_of_the_whole_graph() && c.is_local()
}

/// Whether what was seen of a condition answers it: always for locals of one thread; for several threads only if it was
/// seen to be what decides.
fn is_judged(c: &Condition, seen: &Watched) -> bool {
    let leaves = c.all.iter().flat_map(|e| e.reads());
    let threads: BTreeSet<ThreadId> = leaves
        .filter_map(|l| match l {
            Leaf::Local(t, _) => Some(t),
            _ => None,
        })
        .collect();
    let decided = match c.moment {
        Moment::AtEnd => true,
        // That takes the whole graph.
        Moment::Eventually | Moment::Settles => return false,
        Moment::Never | Moment::Sometimes => seen.seen_true.is_some(),
        Moment::Always => seen.seen_false.is_some(),
    };
    decided || is_watched(c) && threads.len() <= 1
}
