//! Walks at random over plain states, by all threads that have nothing else to do, for programs that nobody exhausts.
//!
//! Each walk goes its own way: by priorities that change at a few random points (PCT), of one depth after the other; by
//! threads as likely as they have steps left (uniform random walk); or by a fair coin. And each lets choices (what
//! fails, what stays away) fall in its own manner: any way, mostly the first, mostly the last. Its number and the seed
//! are all that it is made from, beside how long the walks before its batch were, and walks are taken in by their
//! numbers: what is found is the same whatever the number of threads.
//!
//! ```text
//!   batch   [walk][walk][walk]…   on several threads, each from the state after setup
//!   take in, by number: states (fingerprints), ends, what was broken ─ the first that breaks something is the last
//!   longest walk, steps of each thread ─> where the next batch changes priorities
//! ```
//!
//! What is not known is told as well: how many states the walks met, how many of those only once. By Good and Turing
//! the share of the latter among all that was met is the chance that the next walk's next state is one that nobody has
//! met. The states are those of `explicit`'s graph, so that the numbers can be held against each other.

mod met;
mod plan;
mod shorten;
mod walk;

use crate::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Progress, Task, Trace, Watched, diagnose,
    idle, interrupt, unfold,
};
use fenceweave_kernel::{Action, Condition, Cover, Merging, Moment, Outcome, Property, State, Violation};
use met::Met;
pub use plan::Sort;
use plan::{Lengths, Plan};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use walk::{End, Walked, Walker};

/// Threads that walks have some use for.
const MOST_WORKERS: usize = 16;
/// Most walks of a batch, and most steps of all of them together, about.
const BATCH: usize = 256;
const BATCH_STEPS: usize = 1 << 18;

/// How to walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Most walks.
    pub walks: u64,
    /// The most ordering constraints of a bug that priorities aim at; at least 1.
    pub depth: u8,
    /// The seed.
    pub seed: u64,
    /// Let each access that nobody else can tell from one taken earlier be a step of its own
    /// ([`Merging`]).
    pub fine: bool,
    /// How many threads walk; what is [idle] helps.
    pub workers: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Options {
        Options { walks: 10_000, depth: 3, seed: 1, fine: false, workers: NonZeroUsize::MIN }
    }
}

/// What is known of what was looked at, and of what was not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Summary {
    /// How many walks.
    pub walks: u64,
    /// Those that were given up after very many steps.
    pub given_up: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Steps of the longest.
    pub longest: u64,
    /// Different states that were met.
    pub states: u64,
    /// There were too many to keep all: the number is an estimate from a part of them, picked by their fingerprints.
    pub estimated: bool,
    /// Of these, those that one walk alone has met.
    pub states_once: u64,
    /// New states in each tenth of the walks.
    pub new: [u64; 10],
    /// The chance that a state of another walk is one that nobody has met (Good and Turing).
    pub unseen: f64,
    /// Outcomes that one walk alone has come to.
    pub outcomes_once: u64,
    /// The walk that broke something, and was the last.
    pub found: Option<Finder>,
}

/// The walk that broke something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finder {
    /// Its number, from 1.
    pub walk: u64,
    /// How it went.
    pub sort: Sort,
    /// Its steps.
    pub steps: usize,
}

/// Walks through a program until something is broken, so many walks were made, or time is over.
///
/// The coverage is [`Coverage::Sampled`], unless a signal came or a table of the model was full.
pub fn walk(task: &Task<'_>, options: Options, limits: &Limits, progress: &dyn Progress) -> (Exploration, Summary) {
    let limits = &limits.begun();
    let mut swarm = Swarm::new(task, options, limits);
    let coverage = swarm.run(progress);
    if swarm.unfit {
        drop(swarm);
        return walk(task, Options { fine: true, ..options }, limits, progress);
    }
    swarm.end(coverage)
}

/// What was found, and what of a condition was seen, on the shortest way.
type Ways = BTreeMap<Violation, Vec<Action>>;

struct Swarm<'a> {
    task: &'a Task<'a>,
    options: Options,
    limits: Limits,
    initial: State,
    lengths: Lengths,
    met: Met,
    outcomes: BTreeMap<Outcome, u64>,
    found: Ways,
    watched: Vec<Watched>,
    counts: Counts,
    summary: Summary,
    /// New states in each batch, and up to which walk it went.
    new: Vec<(u64, u64)>,
    cover: Cover,
    overflow: Option<Violation>,
    unfit: bool,
}

impl<'a> Swarm<'a> {
    fn new(task: &'a Task<'a>, options: Options, limits: &Limits) -> Swarm<'a> {
        let mut cover = Cover::new(task.program);
        let merging = Merging::of(task.program, task.conditions).filter(|_| !options.fine).map(Arc::new);
        let initial = State::initial_covering(task.program, Some(&mut cover)).merging(merging);
        let initial = initial.grained(task.program, task.conditions, task.has_loops);
        let watched = |c: &Condition| Watched { not_judged: c.moment.is_of_the_whole_graph(), ..Watched::default() };
        Swarm {
            task,
            options,
            limits: *limits,
            initial,
            lengths: Lengths::new(task.program),
            met: Met::new(limits),
            outcomes: BTreeMap::new(),
            found: BTreeMap::new(),
            watched: task.conditions.iter().map(watched).collect(),
            counts: Counts::default(),
            summary: Summary::default(),
            new: vec![],
            cover,
            overflow: None,
            unfit: false,
        }
    }

    fn run(&mut self, progress: &dyn Progress) -> Coverage {
        let idle = idle::take(MOST_WORKERS.saturating_sub(self.options.workers.get()));
        let workers = self.options.workers.get() + idle.0;
        let mut walkers: Vec<Walker<'a>> = (0..workers).map(|_| Walker::new(self.task, &self.initial)).collect();
        while self.summary.walks < self.options.walks && self.summary.found.is_none() && !self.unfit {
            let before = self.met.states();
            let made = self.batch(&mut walkers);
            let whole = made.iter().all(Option::is_some);
            for walked in made.into_iter().map_while(|walked| walked) {
                self.take_in(walked);
                if self.summary.found.is_some() {
                    break;
                }
            }
            self.new.push((self.summary.walks, self.met.states().saturating_sub(before)));
            progress.tick(self.summary.walks, self.counts.transitions);
            if !whole {
                break;
            }
        }
        walkers.iter_mut().for_each(|walker| walker.cover.drain_into(&mut self.cover));
        match self.overflow {
            Some(v) => Coverage::Incomplete(diagnose::overflow(self.task.program, v)),
            None if interrupt::requested() => {
                Coverage::Incomplete(format!("{} after {} walks", interrupt::INTERRUPTED, self.summary.walks))
            }
            None => Coverage::Sampled,
        }
    }

    /// How many walks the next batch has: few at first, from which it is learnt how long they are.
    fn batch_size(&self) -> u64 {
        let longest = self.summary.longest.max(1);
        let most = BATCH.min(BATCH_STEPS / longest as usize).max(16) as u64;
        let left = self.options.walks - self.summary.walks;
        (2 * self.summary.walks).clamp(1, most).min(left)
    }

    /// Makes the walks of a batch; none where time was over.
    fn batch(&self, walkers: &mut [Walker<'a>]) -> Vec<Option<Walked>> {
        let (first, size) = (self.summary.walks, self.batch_size() as usize);
        let (next, plan) = (AtomicUsize::new(0), Plan { options: self.options, lengths: &self.lengths });
        let deadline = self.limits.deadline();
        let work = |walker: &mut Walker<'a>| {
            let mut made = vec![];
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let late = interrupt::requested() || deadline.is_some_and(|deadline| Instant::now() >= deadline);
                if at >= size || late {
                    return made;
                }
                made.push((at, walker.walk(plan.walk(first + at as u64))));
            }
        };
        let mut all: Vec<Option<Walked>> = (0..size).map(|_| None).collect();
        let made: Vec<(usize, Walked)> = match walkers {
            [alone] => work(alone),
            several if size == 1 => work(&mut several[0]),
            several => std::thread::scope(|scope| {
                let threads: Vec<_> = several.iter_mut().map(|walker| scope.spawn(|| work(walker))).collect();
                let ended = threads.into_iter().map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
                ended.flatten().collect()
            }),
        };
        made.into_iter().for_each(|(at, walked)| all[at] = Some(walked));
        all
    }

    /// Takes in a walk: the next by its number.
    fn take_in(&mut self, walked: Walked) {
        let steps = walked.steps.len() as u64;
        self.summary.walks += 1;
        self.summary.steps += steps;
        self.summary.longest = self.summary.longest.max(steps);
        self.counts.transitions += steps;
        self.unfit |= walked.unfit;
        self.lengths.learn(&walked.steps);
        self.met.meet(&walked.prints);
        match &walked.end {
            End::GivenUp => {
                self.summary.given_up += 1;
                self.counts.blocked += 1;
            }
            End::Overflow(v) => {
                self.counts.executions += 1;
                self.overflow.get_or_insert(*v);
            }
            End::Violated => self.counts.executions += 1,
            End::Well(outcome) => {
                self.counts.executions += 1;
                *self.outcomes.entry(outcome.clone()).or_default() += 1;
            }
        }
        let mut broken = !walked.violations.is_empty();
        for (v, at) in &walked.violations {
            *self.outcomes.entry(Outcome::Violated(*v)).or_default() += 1;
            self.found.entry(*v).or_insert_with(|| walked.steps[..*at].to_vec());
        }
        for ((condition, seen), (was_true, was_false, failed)) in
            self.task.conditions.iter().zip(&mut self.watched).zip(&walked.seen)
        {
            let way = |at: usize| Trace::of(walked.steps[..at].to_vec());
            broken |= match condition.moment {
                Moment::Never => was_true.is_some(),
                Moment::Always | Moment::AtEnd => was_false.is_some(),
                Moment::Sometimes | Moment::Eventually | Moment::Settles => false,
            };
            seen.seen_true = seen.seen_true.take().or(was_true.map(way));
            seen.seen_false = seen.seen_false.take().or(was_false.map(way));
            seen.failed |= failed;
        }
        if broken {
            let (walk, sort) = (self.summary.walks, walked.sort);
            self.summary.found = Some(Finder { walk, sort, steps: walked.steps.len() });
        }
    }

    /// New states in each tenth of the walks, from those of the batches.
    fn tenths(&self) -> [u64; 10] {
        let (mut tenths, mut from) = ([0; 10], 0);
        for (to, new) in &self.new {
            // A batch that lies in several tenths is shared among them.
            let walks = to - from;
            for walk in from..*to {
                let tenth = (walk * 10 / self.summary.walks.max(1)).min(9) as usize;
                let nth = walk - from;
                tenths[tenth] += new * (nth + 1) / walks - new * nth / walks;
            }
            from = *to;
        }
        tenths
    }

    fn end(mut self, coverage: Coverage) -> (Exploration, Summary) {
        let (task, initial) = (self.task, self.initial.clone());
        let found = std::mem::take(&mut self.found).into_iter();
        let found = found.map(|(violation, steps)| Found {
            violation,
            trace: Trace::of(shorten::to_violation(task, &initial, &steps, violation)),
            point_of_no_return: PointOfNoReturn::NotKnown,
        });
        for (condition, seen) in task.conditions.iter().zip(&mut self.watched) {
            let broken = match condition.moment {
                Moment::Never => seen.seen_true.as_mut().map(|way| (way, true)),
                Moment::Always | Moment::AtEnd => seen.seen_false.as_mut().map(|way| (way, false)),
                Moment::Sometimes | Moment::Eventually | Moment::Settles => None,
            };
            if let Some((way, wanted)) = broken {
                way.steps = shorten::to_condition(task, &initial, &way.steps, condition, wanted);
            }
        }
        let summary = Summary {
            states: self.met.states(),
            estimated: self.met.is_estimate(),
            states_once: self.met.once(),
            unseen: self.met.unseen(),
            new: self.tenths(),
            outcomes_once: self.outcomes.values().filter(|walks| **walks == 1).count() as u64,
            ..self.summary
        };
        let counts = Counts { states: summary.states, ..self.counts };
        let mut all = Exploration {
            engine: Engine::Explicit,
            coverage,
            found: found.collect(),
            watched: self.watched,
            counts,
            outcomes: self.outcomes.into_keys().collect(),
            evidence: BTreeMap::new(),
            cover: Some(self.cover),
            unsignaled: BTreeSet::new(),
            contracts: None,
        };
        unfold::ways(&mut all, task, &initial);
        (all, summary)
    }
}

/// Whether it is a table of ours that is full: that breaks nothing.
fn overflows(v: Violation) -> bool {
    v.property == Property::CAPACITY_EXCEEDED
}
