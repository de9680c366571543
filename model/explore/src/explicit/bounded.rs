//! Every execution with at most so many preemptions, for programs whose graph nobody can exhaust.
//!
//! A *preemption* is a switch away from a thread that could go on; leaving one that sleeps, waits for a spinlock or is
//! done is free. What can still happen in a state then depends on who took the last step and on how many were used: the
//! search goes over these, breadth-first by steps.
//!
//! ```text
//!   entry   (state, used)   the least preemptions with which the state was met so far
//!   arrival (entry, last)   each thread that came there with so few, and from where: what a trace follows
//! ```
//!
//! Of a state only the arrivals with the fewest preemptions are gone on from: who is there with one more can do nothing
//! that they cannot, since at the price of one they switch to whomever they like. An arrival whose thread cannot go on
//! may switch for nothing, and stands for all others. Where a state is met again with fewer, it is entered again, at
//! most once for each preemption. So the search is exact for its bound, and a counterexample has the fewest steps that
//! there are within the bound and, of those, the fewest preemptions.
//!
//! # What is left out
//!
//! * Quiet accesses are merged into the step before them, as ever: nobody's turn depends on one. The end of a
//!   spinlock's section is not, since it is what somebody else may be waiting for: where it comes with the step before
//!   it, a waiter could go on earlier, and leaving him costs one.
//! * Who would only come to wait is not let come later: he could take his step, so that leaving him is a preemption.
//! * There are no orbits: who took the last step tells threads apart that are alike.
//! * Nothing is said of what goes on for ever, nor of the point of no return.
//!
//! # When it is more than a bound
//!
//! From each state at the bound all steps are looked at, also those that may not be taken. Where none of them leads to
//! a state that was not met, there is no other state: the search was whole, and is done as one.

use super::{
    Options,
    chunk::{Chunk, Glimpse, Notes},
    depend::{Dependencies, Link},
    expand::Expander,
    usage::Usage,
    visited::Visited,
};
use crate::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Progress, Task, Trace, Watched, diagnose,
    interrupt,
    room::{self, Headroom},
    unfold,
};
use fenceweave_kernel::{
    Action, Condition, Cover, Merging, Moment, ObjId, Outcome, Property, State, ThreadId, Violation,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
};

/// Entries between two looks at the limits.
const OFTEN: usize = 64;
/// How often the watcher is told.
const TICK: usize = 1 << 14;
/// What an element of a set of fingerprints takes, about.
const BEYOND_BYTES: usize = 2 * size_of::<u128>();

/// A state with the least preemptions with which it was met when it was.
struct Entry {
    state: u32,
    used: u32,
    /// The arrivals here, the youngest first.
    newest: u32,
    /// The state was entered before.
    again: bool,
}

/// Who came to an entry, and from where.
#[derive(Clone, Copy)]
struct Arrival {
    /// The step that led here; none led to the root.
    by: Option<Action>,
    /// The arrival that it was taken from.
    from: u32,
    /// Who else has arrived at the same entry.
    older: u32,
}

/// No arrival.
const NONE: u32 = u32::MAX;

/// What is known of a state.
#[derive(Clone, Copy)]
struct Least {
    /// Its youngest entry.
    entry: u32,
    /// Who has arrived there.
    lasts: u16,
    /// One of them may switch for nothing.
    free: bool,
}

/// Encodings of the states of a level.
#[derive(Default)]
struct Encodings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encodings {
    fn get(&self, at: usize) -> &[u8] {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[at]]
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<usize>() * self.ends.capacity()
    }

    fn growth(&self, encodings: usize, bytes: usize) -> usize {
        room::growth_bytes(&self.bytes, bytes) + room::growth_bytes(&self.ends, encodings)
    }
}

/// Where something was seen: the entry.
type Seen = Option<u32>;

struct Bounded<'a> {
    task: &'a Task<'a>,
    limits: Limits,
    options: Options,
    bound: u32,
    initial: State,
    visited: Visited,
    states: Vec<Least>,
    entries: Vec<Entry>,
    arrivals: Vec<Arrival>,
    /// The first entry of each level.
    levels: Vec<u32>,
    here: Encodings,
    above: Encodings,
    /// States that one preemption more leads to, and that were not met.
    beyond: HashSet<u128>,
    outcomes: BTreeSet<Outcome>,
    violations: BTreeMap<Violation, u32>,
    /// Of each condition, where it was true and false, and whether it could not be evaluated.
    watched: Vec<(Seen, Seen, bool)>,
    depend: Option<Dependencies>,
    usage: Option<Usage>,
    cover: Cover,
    unsignaled: BTreeSet<ObjId>,
    overflow: Option<Violation>,
    unfit: bool,
    terminals: u64,
    transitions: u64,
    expanded: usize,
    headroom: Headroom,
    noted: usize,
}

/// What came of a bounded search.
enum Ended {
    /// Everything within the bound was looked at.
    Exhausted,
    /// The same, and there is nothing beyond it.
    Whole,
    /// A limit was hit.
    Cut(String),
}

/// Explores every execution with at most so many preemptions. The coverage is [`Coverage::Preemptions`], unless
/// everything was seen: then the result is that of [`explore_with`](super::explore_with).
pub fn explore_bounded(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    bound: u32,
    progress: &dyn Progress,
) -> Exploration {
    let limits = &limits.begun();
    let mut search = Bounded::new(task, limits, options, bound);
    let ended = search.run(progress);
    if search.unfit {
        drop(search);
        return explore_bounded(task, limits, Options { fine: true, ..options }, bound, progress);
    }
    let coverage = match ended {
        Ended::Whole => {
            drop(search);
            return super::explore_with(task, limits, options, progress);
        }
        Ended::Exhausted => Coverage::Preemptions(bound),
        Ended::Cut(why) => Coverage::Incomplete(why),
    };
    search.into_exploration(coverage)
}

/// The same with no preemption, with one, and so on, to at most so many, until something is violated or a condition
/// broken, everything was seen, or a limit hit: what was looked at to the end before that is said.
pub fn explore_deepening(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    most: u32,
    progress: &dyn Progress,
) -> Exploration {
    let (limits, mut before): (_, Option<Exploration>) = (&limits.begun(), None);
    for bound in 0..=most {
        let mut all = explore_bounded(task, limits, options, bound, progress);
        let cut = matches!(all.coverage, Coverage::Incomplete(_));
        if let (Coverage::Incomplete(why), Some(smaller)) = (&mut all.coverage, before.take().filter(|_| cut)) {
            let n = bound - 1;
            *why = format!("{why}; before that all within {n} {} was looked at", preemptions(n));
            add(&mut all, smaller);
        }
        if cut || all.coverage.is_complete() || is_broken(task, &all) || bound == most {
            return all;
        }
        before = Some(all);
    }
    Exploration::refused(Engine::Explicit, task, "[internal bug] there is no bound")
}

fn preemptions(n: u32) -> &'static str {
    if n == 1 { "preemption" } else { "preemptions" }
}

/// Whether something is violated, or a condition broken.
fn is_broken(task: &Task<'_>, all: &Exploration) -> bool {
    let broken = |(c, seen): (&Condition, &Watched)| match c.moment {
        Moment::Never => seen.seen_true.is_some(),
        Moment::Always | Moment::AtEnd => seen.seen_false.is_some(),
        Moment::Sometimes | Moment::Eventually | Moment::Settles => false,
    };
    !all.found.is_empty() || task.conditions.iter().zip(&all.watched).any(broken)
}

/// What a search within a smaller bound has seen besides: each of its executions is a real one.
fn add(all: &mut Exploration, smaller: Exploration) {
    all.outcomes.extend(smaller.outcomes);
    for (seen, before) in all.watched.iter_mut().zip(smaller.watched) {
        seen.seen_true = before.seen_true.or(seen.seen_true.take());
        seen.seen_false = before.seen_false.or(seen.seen_false.take());
        seen.failed |= before.failed;
    }
    if let (Some(cover), Some(before)) = (&mut all.cover, &smaller.cover) {
        cover.add(before);
    }
}

impl<'a> Bounded<'a> {
    fn new(task: &'a Task<'a>, limits: &Limits, options: Options, bound: u32) -> Bounded<'a> {
        let mut cover = Cover::new(task.program);
        let merging = Merging::of(task.program, task.conditions).filter(|_| !options.fine);
        let merging = merging.and_then(Merging::without_sections).map(std::sync::Arc::new);
        let initial = State::initial_covering(task.program, Some(&mut cover)).merging(merging);
        // Whoever would only come to wait could go on: that he is let come later is for who counts no preemptions.
        let initial = initial.grained(task.program, task.conditions, true);
        Bounded {
            task,
            limits: limits.begun(),
            options,
            bound,
            initial,
            visited: Visited::new(options.exact),
            states: vec![],
            entries: vec![],
            arrivals: vec![],
            levels: vec![],
            here: Encodings::default(),
            above: Encodings::default(),
            beyond: HashSet::new(),
            outcomes: BTreeSet::new(),
            violations: BTreeMap::new(),
            watched: vec![(None, None, false); task.conditions.len()],
            depend: Dependencies::new(task.program),
            usage: Usage::new(task.program),
            cover,
            unsignaled: BTreeSet::new(),
            overflow: None,
            unfit: false,
            terminals: 0,
            transitions: 0,
            expanded: 0,
            headroom: Headroom::default(),
            noted: 0,
        }
    }

    fn run(&mut self, progress: &dyn Progress) -> Ended {
        let mut root = vec![];
        self.initial.clone().encode(self.task.program, &mut root);
        self.arrive((Visited::fingerprint(&root), &root), (None, NONE), 0);
        let mut expander = Expander::new(self.task, &self.initial, self.options, None);
        let mut chunk = Chunk::new(self.task.conditions.len());
        let mut first = 0;
        let mut cut = Ok(());
        while cut.is_ok() && first < self.entries.len() {
            self.levels.push(first as u32);
            self.here.clear();
            std::mem::swap(&mut self.here, &mut self.above);
            let level = first..self.entries.len();
            first = level.end;
            cut = self.expand_level(level, &mut expander, &mut chunk, progress);
            expander.close(&mut chunk);
            self.take_in_all(&mut chunk.notes);
            chunk.clear();
        }
        expander.cover.drain_into(&mut self.cover);
        match (cut, self.overflow) {
            (Err(why), _) => Ended::Cut(format!("{why}; {}", self.covered())),
            (Ok(()), Some(v)) => Ended::Cut(diagnose::overflow(self.task.program, v)),
            (Ok(()), None) if self.beyond.is_empty() => Ended::Whole,
            (Ok(()), None) => Ended::Exhausted,
        }
    }

    /// Expands all entries of a level; an error is the limit that was hit.
    fn expand_level(
        &mut self,
        level: Range<usize>,
        expander: &mut Expander<'a>,
        chunk: &mut Chunk,
        progress: &dyn Progress,
    ) -> Result<(), String> {
        for entry in level.clone() {
            let at = entry - level.start;
            if at.is_multiple_of(OFTEN) {
                self.limit_hit()?;
            }
            expander.expand(self.here.get(at), entry as u32, chunk);
            self.make_room(chunk)?;
            self.take_in(entry as u32, chunk);
            chunk.clear();
            self.expanded += 1;
            if self.expanded.is_multiple_of(TICK) {
                let waiting = self.entries.len() - entry;
                progress.ahead(waiting as u64, self.levels.len() as u64);
                progress.tick(self.expanded as u64, self.transitions);
            }
        }
        Ok(())
    }

    fn limit_hit(&self) -> Result<(), String> {
        let most = self.limits.states.min(u64::from(u32::MAX / 2));
        if u64::from(self.visited.len()) > most || self.arrivals.len() > (u32::MAX / 2) as usize {
            return Err(format!("more than {most} states"));
        }
        if interrupt::requested() {
            return Err(interrupt::INTERRUPTED.into());
        }
        if self.unfit {
            return Err("a quiet access was seen".into());
        }
        if self.options.until_violation && !self.violations.is_empty() {
            return Err("a violation, which was enough".into());
        }
        self.limits.late().map_or(Ok(()), Err)
    }

    /// Makes room for what came of an entry, if there is any.
    fn make_room(&mut self, chunk: &Chunk) -> Result<(), String> {
        let (steps, bytes) = (chunk.steps.len(), chunk.bytes.len());
        let growth = self.visited.growth(steps, bytes)
            + self.above.growth(steps, bytes)
            + room::growth_bytes(&self.states, steps)
            + room::growth_bytes(&self.entries, steps)
            + room::growth_bytes(&self.arrivals, steps);
        let (limit, then) = (self.limits.memory_bytes, self.bytes() + growth);
        if (then + room::own(limit)) as u64 > limit {
            return Err(format!("more than {} MiB of memory", limit >> 20));
        }
        let made = self.headroom.is_there(then)
            && room::reserve(&mut self.above.bytes, bytes).is_ok()
            && room::reserve(&mut self.above.ends, steps).is_ok()
            && room::reserve(&mut self.states, steps).is_ok()
            && room::reserve(&mut self.entries, steps).is_ok()
            && room::reserve(&mut self.arrivals, steps).is_ok()
            && self.visited.reserve(steps, bytes);
        if made { Ok(()) } else { Err(room::NO_MORE.into()) }
    }

    fn bytes(&self) -> usize {
        self.visited.bytes()
            + self.here.bytes()
            + self.above.bytes()
            + size_of::<Least>() * self.states.capacity()
            + size_of::<Entry>() * self.entries.capacity()
            + size_of::<Arrival>() * self.arrivals.capacity()
            + BEYOND_BYTES * self.beyond.capacity()
            + self.noted
    }

    /// Takes in what came of an entry.
    fn take_in(&mut self, entry: u32, chunk: &mut Chunk) {
        self.note(entry, &mut chunk.notes);
        let used = self.entries[entry as usize].used;
        let enabled = chunk.steps.iter().fold(0u16, |set, step| set | 1 << step.action.thread.0);
        self.note_free(entry, enabled);
        for step in 0..chunk.steps.len() {
            let (taken, encoding) = (chunk.steps[step], chunk.encoding(step));
            let (from, cost) = self.least(entry, taken.action.thread, enabled);
            if used + cost > self.bound {
                if self.visited.find(taken.print, encoding).is_none() {
                    self.beyond.insert(taken.print);
                }
                continue;
            }
            self.transitions += 1;
            self.arrive((taken.print, encoding), (Some(taken.action), from), used + cost);
        }
    }

    /// Somebody who has arrived cannot go on: whoever comes later with as many preemptions can do no more.
    fn note_free(&mut self, entry: u32, enabled: u16) {
        let Entry { state, used, mut newest, .. } = self.entries[entry as usize];
        let youngest = self.states[state as usize].entry;
        while let Some(arrival) = self.arrivals.get(newest as usize) {
            let free = arrival.by.is_none_or(|by| enabled >> by.thread.0 & 1 == 0);
            self.states[state as usize].free |= free && self.entries[youngest as usize].used == used;
            newest = arrival.older;
        }
    }

    /// The arrival from which a thread's step is taken at the least price, and what it costs.
    fn least(&self, entry: u32, thread: ThreadId, enabled: u16) -> (u32, u32) {
        let (mut at, mut first) = (self.entries[entry as usize].newest, NONE);
        let mut free = None;
        while at != NONE {
            let arrival = self.arrivals[at as usize];
            let last = arrival.by.map(|by| by.thread);
            if last == Some(thread) {
                return (at, 0);
            }
            if last.is_none_or(|last| enabled >> last.0 & 1 == 0) {
                free = Some(at);
            }
            (first, at) = (at, arrival.older);
        }
        free.map_or((first, 1), |free| (free, 0))
    }

    /// Somebody comes to a state with so many preemptions.
    fn arrive(&mut self, (print, encoding): (u128, &[u8]), by: (Option<Action>, u32), used: u32) {
        let (state, new) = self.visited.insert(print, encoding);
        if new {
            self.beyond.remove(&print);
            self.states.push(Least { entry: NONE, lasts: 0, free: false });
        }
        let bit = by.0.map_or(0, |by| 1 << by.thread.0);
        let known = self.states[state as usize];
        let before = self.entries.get(known.entry as usize).map(|entry| entry.used);
        match before {
            Some(least) if used > least => return,
            Some(least) if used == least && (known.free || known.lasts & bit != 0) => return,
            // It is still to be expanded, and was met on a worse way.
            Some(least) if used < least && self.is_above(known.entry) => {
                let entry = &mut self.entries[known.entry as usize];
                (entry.used, entry.newest) = (used, NONE);
                self.states[state as usize] = Least { entry: known.entry, lasts: 0, free: false };
            }
            Some(least) if used == least && self.is_above(known.entry) => {}
            _ => {
                let entry = self.entries.len() as u32;
                self.above.bytes.extend_from_slice(encoding);
                self.above.ends.push(self.above.bytes.len());
                self.entries.push(Entry { state, used, newest: NONE, again: !new });
                self.states[state as usize] = match before {
                    Some(least) if used == least => Least { entry, ..known },
                    _ => Least { entry, lasts: 0, free: false },
                };
            }
        }
        let least = &mut self.states[state as usize];
        least.lasts |= bit;
        let (entry, at) = (least.entry, self.arrivals.len() as u32);
        let older = std::mem::replace(&mut self.entries[entry as usize].newest, at);
        self.arrivals.push(Arrival { by: by.0, from: by.1, older });
    }

    /// Whether an entry is of the level that comes next.
    fn is_above(&self, entry: u32) -> bool {
        let next = self.entries.len() - self.above.ends.len();
        entry as usize >= next
    }

    fn level_of(&self, entry: u32) -> usize {
        self.levels.partition_point(|first| *first <= entry)
    }

    /// The better of two places to show something at: fewer steps, then fewer preemptions.
    fn better(&self, known: Seen, entry: u32) -> u32 {
        let cost = |entry: u32| (self.level_of(entry), self.entries[entry as usize].used);
        known.filter(|known| cost(*known) <= cost(entry)).unwrap_or(entry)
    }

    fn note(&mut self, entry: u32, notes: &mut Notes) {
        self.terminals += if self.entries[entry as usize].again { 0 } else { notes.terminals };
        self.unsignaled.append(&mut notes.unsignaled);
        self.overflow = self.overflow.or(notes.overflow);
        self.unfit |= notes.unfit;
        notes.outcomes.drain(..).for_each(|outcome| self.note_outcome(outcome));
        for (v, _) in notes.violations.drain(..) {
            self.note_outcome(Outcome::Violated(v));
            let best = self.better(self.violations.get(&v).copied(), entry);
            self.violations.insert(v, best);
        }
        for (at, glimpse) in notes.glimpses.iter().enumerate() {
            let Glimpse { seen_true, seen_false, failed, .. } = glimpse;
            let (known_true, known_false, known_failed) = self.watched[at];
            let now = |seen: bool, known: Seen| if seen { Some(self.better(known, entry)) } else { known };
            let (now_true, now_false) = (now(seen_true.is_some(), known_true), now(seen_false.is_some(), known_false));
            self.watched[at] = (now_true, now_false, known_failed | failed);
        }
    }

    /// What is about all executions together: of a level.
    fn take_in_all(&mut self, notes: &mut Notes) {
        if let (Some(depend), Some(more)) = (&mut self.depend, &notes.depend) {
            depend.add(more);
        }
        if let (Some(usage), Some(more)) = (&mut self.usage, &notes.usage) {
            usage.add(more);
        }
    }

    fn note_outcome(&mut self, outcome: Outcome) {
        let bytes = room::of_outcome(&outcome);
        if self.outcomes.insert(outcome) {
            self.noted += bytes;
        }
    }

    /// What was covered when a limit was hit.
    fn covered(&self) -> String {
        let (bound, steps) = (self.bound, self.levels.len().saturating_sub(1));
        let (found, looked_at) = (self.visited.len(), self.expanded);
        format!(
            "within {bound} {} {found} states were found and {looked_at} looked at, to depth {steps}",
            preemptions(bound)
        )
    }

    /// The steps to an entry.
    fn way_to(&self, entry: u32) -> Vec<Action> {
        let (mut steps, mut at) = (vec![], self.entries[entry as usize].newest);
        while let Some(arrival) = self.arrivals.get(at as usize) {
            steps.extend(arrival.by);
            at = arrival.from;
        }
        steps.reverse();
        steps
    }

    fn into_exploration(self, coverage: Coverage) -> Exploration {
        let task = self.task;
        let found_at = |violation: Violation, steps: Vec<Action>| Found {
            violation,
            trace: Trace::of(steps),
            point_of_no_return: PointOfNoReturn::NotKnown,
        };
        let mut found: Vec<Found> = self.violations.iter().map(|(v, at)| found_at(*v, self.way_to(*at))).collect();
        for (v, at, step) in self.of_all_executions() {
            found.push(found_at(v, self.way_to(at).into_iter().chain(step).collect()));
        }
        found.sort_by_key(|f| f.violation);
        let way = |at: Seen| at.map(|at| Trace::of(self.way_to(at)));
        let watched = task.conditions.iter().zip(&self.watched).map(|(c, (seen_true, seen_false, failed))| {
            let not_judged = c.moment.is_of_the_whole_graph();
            let (seen_true, seen_false) = if not_judged { (None, None) } else { (way(*seen_true), way(*seen_false)) };
            Watched { seen_true, seen_false, failed: *failed, not_judged, ..Watched::default() }
        });
        let counts = Counts {
            states: u64::from(self.visited.len()),
            transitions: self.transitions,
            terminals: self.terminals,
            depth: (self.levels.len() as u64).saturating_sub(1),
            beyond: if matches!(coverage, Coverage::Preemptions(_)) { self.beyond.len() as u64 } else { 0 },
            ..Counts::default()
        };
        let mut all = Exploration {
            engine: Engine::Explicit,
            coverage,
            watched: watched.collect(),
            found,
            counts,
            evidence: BTreeMap::new(),
            contracts: None,
            outcomes: self.outcomes,
            cover: Some(self.cover),
            unsignaled: self.unsignaled,
        };
        unfold::ways(&mut all, task, &self.initial);
        all
    }

    /// What no single execution shows, from what is known of those that were looked at.
    fn of_all_executions(&self) -> Vec<Link> {
        let hangs = self.violations.keys().any(|v| v.property.is_deadlock());
        let reclaims = self.violations.keys().any(|v| v.property == Property::ALLOC_IN_SIGNALLING);
        let depend = self.depend.as_ref().filter(|_| !hangs);
        let circle = depend.map_or(vec![], Dependencies::circle);
        let told = hangs || reclaims || !circle.is_empty();
        let reclaim = self.depend.as_ref().filter(|_| !told).and_then(Dependencies::reclaim);
        let usage = self.usage.as_ref().map_or(vec![], Usage::inconsistent);
        circle.into_iter().chain(reclaim).chain(usage).collect()
    }
}
