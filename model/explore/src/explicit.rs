//! The graph of states, each once, breadth-first.
//!
//! No reduction but that quiet accesses are no steps of their own (`kernel/src/ground/cx/merging.rs`; `--fine` turns
//! that off): exact counts, the fewest switches of a counterexample and the point of no return all refer to the same
//! full graph. States themselves are not kept. What is kept of a visited state is a 128-bit fingerprint of its
//! canonical encoding and its outgoing edges; the encodings of two breadth-first levels are kept until they are
//! expanded, and a trace is recomputed from the root.
//!
//! ```text
//!   level k   [enc][enc][enc]…          decode ─ step every enabled thread, every choice ─ encode ─┐
//!   level k+1 [enc]…      <──── new? ── visited: fingerprint → index <─────────────────────────────┘
//!   graph     start[i]..start[i+1] → (successor, action)        indices grow with the level
//! ```
//!
//! Start reading at [`explore_with`]; `search` holds the loop, `visited` the table, `trace` the second pass that orders
//! counterexamples, `noreturn` the third, `liveness` the one that looks for what never happens.

mod contracts;
mod depend;
mod graph;
#[cfg(test)]
mod late;
mod liveness;
mod noreturn;
mod search;
mod stateset;
mod trace;
mod usage;
mod visited;

use crate::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Progress, Task, Trace, Watched, unfold,
};
pub use contracts::{Contracts, Held};
use fenceweave_kernel::{Condition, Moment, Property, Violation};
use liveness::Liveness;
use search::Search;
use stateset::StateSet;

/// How to identify states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Keep whole encodings instead of fingerprints: no collision is possible, at several times the memory.
    pub exact: bool,
    /// Let each access that nobody else can tell from one taken earlier be a step of its own
    /// ([`Merging`](fenceweave_kernel::Merging)).
    pub fine: bool,
    /// Let the end of a spinlock's section be one, at least.
    pub sections_apart: bool,
    /// End soon after the first violation, for who only asks whether there is one: nothing is complete then.
    pub until_violation: bool,
    /// Note what is locked under what, and what is held where ([`Contracts`]).
    pub contracts: bool,
}

/// Explores every state of a program.
pub fn explore(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    explore_with(task, limits, Options::default(), progress)
}

/// Explores every state of a program, identified as the options say.
pub fn explore_with(task: &Task<'_>, limits: &Limits, options: Options, progress: &dyn Progress) -> Exploration {
    let mut search = Search::new(task, limits, options);
    let mut coverage = search.run(progress);
    if search.unfit {
        let limits = &Limits { time: limits.time.map(|t| t.saturating_sub(search.elapsed())), ..*limits };
        let sections = search.merging.as_ref().is_some_and(|merging| merging.has_sections());
        drop(search);
        return explore_with(task, limits, Options { sections_apart: true, fine: !sections, ..options }, progress);
    }
    if coverage.is_complete() && task.has_loops && !search.has_room_to_judge() {
        let limit = limits.memory_bytes >> 20;
        coverage = Coverage::Incomplete(format!(
            "more than {limit} MiB of memory; every state was visited, but what goes on for ever was not looked for"
        ));
    }
    let complete = coverage.is_complete();
    let counts = search.counts();
    search.forget_states();
    let judged = if complete && task.has_loops { liveness::judge(&search, task) } else { Some(Liveness::default()) };
    let all_judged = judged.is_some();
    let liveness = judged.unwrap_or_default();
    let found = found(&search, task, &liveness, complete && all_judged);
    let sightings = task.conditions.iter().zip(&search.watched);
    let watched: Vec<Watched> = sightings.map(|(c, s)| s.resolve(c, &search, task, complete)).collect();
    if complete && (!all_judged || watched.iter().any(|w| w.not_judged)) {
        let why = search.out_of_time();
        coverage = Coverage::Incomplete(format!(
            "{why}; every state was visited, but what goes on for ever was not looked for to the end"
        ));
    }
    let counts = Counts { unfair_cycles: liveness.unfair, ..counts };
    let folds = search.merging.is_some() || task.program.has_rows();
    let initial = folds.then(|| search.initial());
    let Search { outcomes, cover, unsignaled, contracts, .. } = search;
    let contracts = contracts.map(contracts::Watch::ended);
    let (cover, evidence) = (Some(cover), Default::default());
    let engine = Engine::Explicit;
    let mut all =
        Exploration { engine, coverage, found, watched, counts, outcomes, cover, unsignaled, evidence, contracts };
    initial.iter().for_each(|initial| unfold::ways(&mut all, task, initial));
    all
}

/// A counterexample for each violation, in order.
fn found(search: &Search<'_>, task: &Task<'_>, liveness: &Liveness, complete: bool) -> Vec<Found> {
    let graph = &search.graph;
    let wants = complete && (!search.violations.is_empty() || !liveness.found.is_empty());
    let good = noreturn::can_end_well(search, &liveness.well, &StateSet::default(), wants);
    let warns = wants && search.violations.keys().any(|v| v.property == Property::WARN_ON);
    let silent = noreturn::can_end_well(search, &liveness.well, &search.warned, warns);
    let safety = search.violations.iter().map(|(violation, targets)| {
        let path = trace::best(graph, task.program, targets);
        let good = if violation.property == Property::WARN_ON { &silent } else { &good };
        let point_of_no_return = noreturn::locate(graph, good, &path, complete);
        Found { violation: *violation, trace: path.into_trace(), point_of_no_return }
    });
    let lassos = liveness.found.iter().map(|(violation, trace): &(Violation, Trace)| {
        let path = trace::follow(graph, &trace.steps);
        let point_of_no_return = noreturn::locate(graph, &good, &path, complete);
        Found { violation: *violation, trace: trace.clone(), point_of_no_return }
    });
    let cycle = if search.has_deadlock() { vec![] } else { search.dependency_cycle() };
    // Where it was told of one execution, or reclaim was seen to wait, that says it all.
    let told = search.has_deadlock() || !cycle.is_empty() || search.has(Property::ALLOC_IN_SIGNALLING);
    let reclaim = if told { None } else { search.reclaim_cycle() };
    let cycle = cycle.into_iter().chain(reclaim).chain(search.lock_usage()).map(|(violation, state, step)| {
        let mut trace = trace::best(graph, task.program, &[state]).into_trace();
        trace.steps.extend(step);
        Found { violation, trace, point_of_no_return: PointOfNoReturn::NotKnown }
    });
    let mut found: Vec<Found> = safety.chain(lassos).chain(cycle).collect();
    found.sort_by_key(|f| f.violation);
    found
}

/// Where a condition was first seen true and false, as indices into the graph.
#[derive(Clone, Default)]
struct Sightings {
    seen_true: Option<u32>,
    seen_false: Option<u32>,
    failed: bool,
    /// Every state in which a condition that must be true `eventually`, or settle, is, and in which another one is
    /// broken.
    marked: StateSet,
}

impl Sightings {
    fn resolve(&self, condition: &Condition, search: &Search<'_>, task: &Task<'_>, complete: bool) -> Watched {
        let graph = &search.graph;
        let to = |at: Option<u32>| at.map(|i| -> Trace { trace::best(graph, task.program, &[i]).into_trace() });
        let (seen_true, failed) = (to(self.seen_true), self.failed);
        if !condition.moment.is_of_the_whole_graph() {
            let seen_false = to(self.seen_false);
            let broken = if condition.moment == Moment::Never { &seen_true } else { &seen_false };
            let point_of_no_return = broken.as_ref().map(|by| self.no_return(condition.moment, search, by, complete));
            let point_of_no_return = point_of_no_return.unwrap_or_default();
            return Watched { seen_true, seen_false, failed, not_judged: false, point_of_no_return };
        }
        let seen_false = match condition.moment {
            Moment::Settles => liveness::unsettled(search, task, &self.marked, complete),
            _ => liveness::never(search, task, &self.marked, complete),
        };
        let not_judged = seen_false.is_none() && (!complete || graph.is_late());
        Watched { seen_true, seen_false, failed, not_judged, ..Watched::default() }
    }

    /// From where on no execution ends well that keeps the condition all the way.
    fn no_return(&self, moment: Moment, search: &Search<'_>, by: &Trace, complete: bool) -> PointOfNoReturn {
        if moment == Moment::Sometimes || !complete {
            return PointOfNoReturn::NotKnown;
        }
        let path = trace::follow(&search.graph, &by.steps);
        let good = noreturn::can_end_well(search, &[], &self.marked, true);
        noreturn::locate(&search.graph, &good, &path, complete)
    }
}

/// The chance that two different states had one fingerprint, at most: n² / 2¹²⁹.
pub fn collision_bound(states: u64) -> f64 {
    let n = states as f64;
    n * n / 2f64.powi(129)
}
