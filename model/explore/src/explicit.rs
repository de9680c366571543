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
//! A level of many states is expanded by several threads (`together`), each of which writes what it saw into a chunk
//! (`expand`, `chunk`); one of them takes the chunks in, in the order of states (`search`).
//!
//! [`explore_bounded`] goes no further than some preemptions lead (`bounded`), over no graph of its own.
//!
//! Start reading at [`explore_with`]; `search` holds the loop, `visited` the table, `trace` the second pass that orders
//! counterexamples, `noreturn` the third, `liveness` the one that looks for what never happens.

pub(crate) mod ahead;
mod bounded;
mod chunk;
mod contracts;
mod depend;
mod expand;
mod frontier;
mod graph;
pub mod hosts;
#[cfg(test)]
mod late;
mod liveness;
mod noreturn;
mod orbits;
mod saved;
mod search;
mod shape;
mod slots;
mod spill;
mod stateset;
mod together;
mod trace;
mod usage;
mod visited;

use crate::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Progress, Task, Trace, Watched, panics,
    unfold,
};
pub use bounded::{explore_bounded, explore_deepening};
pub use contracts::{Contracts, Held};
use fenceweave_kernel::{Condition, Moment, Property, Symmetry, Violation};
use hosts::Team;
use liveness::Liveness;
use orbits::Target;
pub use saved::{FORMAT, Keeper, sum};
use search::{Search, Stage};
pub use spill::Spill;
use stateset::StateSet;
use std::{cell::RefCell, io::Read, num::NonZeroUsize};
use usage::Usage;

/// How to identify states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// Keep one state of each orbit where threads are alike and exchanging them makes at least so many of one; 0 keeps
    /// all. What is found is the same.
    pub symmetry: u64,
    /// How many threads expand states; what is [idle](crate::idle) helps. The result is the same, to the byte,
    /// whatever their number, unless time is over or a signal comes.
    pub workers: NonZeroUsize,
    /// How many of the first states of a search that was [kept](explore_kept) are looked at once more before it is gone
    /// on with: they must be as they were written.
    pub again: u32,
}

/// What takes a fraction of a second.
const AGAIN: u32 = if cfg!(debug_assertions) { 1 << 12 } else { 1 << 16 };

impl Default for Options {
    fn default() -> Options {
        Options {
            exact: false,
            fine: false,
            sections_apart: false,
            until_violation: false,
            contracts: false,
            symmetry: 0,
            workers: NonZeroUsize::MIN,
            again: AGAIN,
        }
    }
}

/// What pays: three threads that are alike, or two pairs with one more.
pub const SYMMETRY: u64 = 6;

/// Explores every state of a program.
pub fn explore(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    explore_with(task, limits, Options::default(), progress)
}

/// Explores every state of a program, identified as the options say.
pub fn explore_with(task: &Task<'_>, limits: &Limits, options: Options, progress: &dyn Progress) -> Exploration {
    let explored = explore_from(task, limits, options, Watchers::only(progress), None);
    explored.unwrap_or_else(|why| Exploration::refused(Engine::Explicit, task, format!("[internal bug] {why}")))
}

/// The same of which somebody keeps now and then what there is, and which goes on from what was kept: what is found is
/// the same as if it had not been interrupted. A limit that ends it, and a signal, are a reason to keep it as well.
///
/// # Errors
///
/// What was kept is damaged, or of something else.
pub fn explore_kept(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    (progress, keeper): (&dyn Progress, &dyn Keeper),
    from: Option<(&mut dyn Read, u64)>,
) -> Result<Exploration, String> {
    let options = Options { contracts: false, ..options };
    let watchers = Watchers { keeper: Some(keeper), ..Watchers::only(progress) };
    let Some((from, length)) = from else { return explore_from(task, limits, options, watchers, None) };
    let from = saved::Reader::new(from, length, limits.memory_bytes)?;
    go_on(task, limits, options, watchers, from)
}

/// Goes on from what was kept. What a step comes to in a state that somebody has made up, nobody knows; a panic there
/// is no reason to lose the message of which file it was.
fn go_on(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    watchers: Watchers<'_>,
    from: saved::Reader<'_>,
) -> Result<Exploration, String> {
    panics::catch_all(|| explore_from(task, limits, options, watchers, Some(from)))
        .unwrap_or_else(|why| Err(format!("it is damaged, or this is a mistake of ours ({why})")))
}

/// Explores every state of a program; what does not fit into the memory that a search may take goes to disk. What is
/// found is the same. Whole encodings ([`Options::exact`]) stay in memory whatever happens.
pub fn explore_spilled(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    progress: &dyn Progress,
    spill: &Spill,
) -> Exploration {
    let watchers = Watchers { spill: Some(spill), ..Watchers::only(progress) };
    let explored = explore_from(task, limits, options, watchers, None);
    explored.unwrap_or_else(|why| Exploration::refused(Engine::Explicit, task, format!("[internal bug] {why}")))
}

/// The same by several processes, of which this is the first one, and all others do [`serve`](hosts::serve): what is
/// found is the same.
///
/// # Errors
///
/// Another process is lost: which one, and what was covered. Or what was kept is damaged, or of something else.
pub fn explore_with_others(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    (progress, keeper): (&dyn Progress, Option<&dyn Keeper>),
    from: Option<(&mut dyn Read, u64)>,
    team: Team,
) -> Result<Exploration, String> {
    let options = Options { contracts: false, ..options };
    let from = from.map(|(from, length)| saved::Reader::new(from, length, limits.memory_bytes)).transpose()?;
    let team = RefCell::new(team);
    let watchers = Watchers { keeper, team: Some(&team), ..Watchers::only(progress) };
    let explored = match from {
        Some(from) => go_on(task, limits, options, watchers, from),
        None => explore_from(task, limits, options, watchers, None),
    };
    match explored {
        Ok(explored) => team.into_inner().end().map(|()| explored),
        Err(why) => {
            team.into_inner().refuse(&why);
            Err(why)
        }
    }
}

/// Who is told of a search, who keeps what it writes, where to what does not fit into memory goes, and which processes
/// take part.
#[derive(Clone, Copy)]
struct Watchers<'w> {
    progress: &'w dyn Progress,
    keeper: Option<&'w dyn Keeper>,
    spill: Option<&'w Spill>,
    team: Option<&'w RefCell<Team>>,
}

impl<'w> Watchers<'w> {
    fn only(progress: &'w dyn Progress) -> Watchers<'w> {
        Watchers { progress, keeper: None, spill: None, team: None }
    }
}

fn explore_from(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    watchers: Watchers<'_>,
    mut from: Option<saved::Reader<'_>>,
) -> Result<Exploration, String> {
    let stage: Option<Stage> = from.as_mut().map(|from| from.get()).transpose()?;
    let wanted = options.symmetry > 0 && !options.contracts && stage.is_none_or(|stage| stage.orbits);
    let symmetry = if wanted { symmetry_of(task, options.symmetry) } else { None };
    if stage.is_some_and(|stage| stage.orbits != symmetry.is_some()) {
        return Err("it is damaged (which threads are alike)".into());
    }
    // The search may have been done again as one of a program that has loops.
    let task = &Task { has_loops: stage.map_or(task.has_loops, |stage| stage.has_loops), ..*task };
    let given = options;
    let options =
        stage.map_or(options, |stage| Options { fine: stage.fine, sections_apart: stage.sections_apart, ..options });
    let limits = &limits.begun();
    if let Some(symmetry) = &symmetry {
        let quotient = attempt(task, limits, options, Some(symmetry), watchers, from.take())?;
        if let Some(explored) = quotient {
            return Ok(explored);
        }
    }
    let options = if symmetry.is_some() { given } else { options };
    let plain = attempt(task, limits, options, None, watchers, from)?;
    Ok(plain.unwrap_or_else(|| Exploration::refused(Engine::Explicit, task, "[internal bug] it had no orbits")))
}

/// Explores one state of each orbit of threads that somebody says are alike; `None` if it was noticed that they are
/// not, or something has to be looked for among all states.
pub fn explore_alike(
    task: &Task<'_>,
    limits: &Limits,
    symmetry: &Symmetry,
    progress: &dyn Progress,
) -> Option<Exploration> {
    attempt(task, limits, Options::default(), Some(symmetry), Watchers::only(progress), None).ok().flatten()
}

/// The threads that are alike, if there are enough of them.
fn symmetry_of(task: &Task<'_>, least: u64) -> Option<Symmetry> {
    let symmetry = Symmetry::of(task.program, task.conditions).ok()?;
    // The usage of a lock is that of all executions together, and noted by its name.
    let of_all = Usage::new(task.program).is_some() && task.program.ids().any(|id| symmetry.has_own(id));
    (symmetry.order() >= least && !of_all).then_some(symmetry)
}

/// Explores with one state of each orbit, if there is a symmetry; `None` if that does not do.
fn attempt<'a>(
    task: &'a Task<'a>,
    limits: &Limits,
    options: Options,
    symmetry: Option<&'a Symmetry>,
    watchers: Watchers<'_>,
    from: Option<saved::Reader<'_>>,
) -> Result<Option<Exploration>, String> {
    let (resumed, limits) = (from.is_some(), &limits.begun());
    let mut search = Search::new(task, limits, options, symmetry);
    let mut coverage = search.run_kept(from, watchers)?;
    if search.uneven {
        return Ok(None);
    }
    if search.unfit {
        let sections = search.merging.as_ref().is_some_and(|merging| merging.has_sections());
        drop(search);
        let options = Options { sections_apart: true, fine: !sections, ..options };
        return attempt(task, limits, options, symmetry, watchers, None);
    }
    let may_go_round = task.has_loops || search.graph.goes_back();
    if coverage.is_complete() && may_go_round && !search.has_room_to_judge() {
        let limit = limits.memory_bytes >> 20;
        coverage = Coverage::Incomplete(format!(
            "more than {limit} MiB of memory; every state was visited, but what goes on for ever was not looked for"
        ));
    }
    let complete = coverage.is_complete();
    let counts = search.counts();
    search.forget_states();
    if symmetry.is_some() && !search.is_told_by_orbits(complete) {
        return Ok(None);
    }
    if complete && !task.has_loops && liveness::has_cycles(&search.graph) {
        // An operation that begins again as often as the others have it do so.
        drop(search);
        return attempt(&Task { has_loops: true, ..*task }, limits, options, symmetry, watchers, None);
    }
    let judged = if complete && task.has_loops { liveness::judge(&search, task) } else { Some(Liveness::default()) };
    let all_judged = judged.is_some();
    let liveness = judged.unwrap_or_default();
    let found = found(&search, &liveness, complete && all_judged);
    let sightings = task.conditions.iter().zip(&search.watched);
    let watched: Vec<Watched> = sightings.map(|(c, s)| s.resolve(c, &search, task, complete)).collect();
    resumed.then(|| search.is_so(&found, &watched)).transpose()?;
    if complete && (!all_judged || watched.iter().any(|w| w.not_judged)) {
        let why = search.out_of_time();
        coverage = Coverage::Incomplete(format!(
            "{why}; every state was visited, but what goes on for ever was not looked for to the end"
        ));
    }
    if let Some(why) = search.graph.unreadable() {
        // No way is to be believed.
        return Ok(Some(Exploration::refused(Engine::Explicit, task, why)));
    }
    let permutations = symmetry.map_or(0, Symmetry::order);
    let counts = Counts { unfair_cycles: liveness.unfair, permutations, ..counts };
    let folds = search.merging.is_some() || task.program.has_rows();
    let initial = folds.then(|| search.initial());
    let Search { outcomes, mut cover, unsignaled, contracts, .. } = search;
    let classes = symmetry.map_or(&[][..], Symmetry::classes);
    classes.iter().for_each(|class| cover.share(&class.threads));
    let contracts = contracts.map(contracts::Watch::ended);
    let (cover, evidence) = (Some(cover), Default::default());
    let engine = Engine::Explicit;
    let mut all =
        Exploration { engine, coverage, found, watched, counts, outcomes, cover, unsignaled, evidence, contracts };
    initial.iter().for_each(|initial| unfold::ways(&mut all, task, initial));
    Ok(Some(all))
}

/// A counterexample for each violation, in order.
fn found(search: &Search<'_>, liveness: &Liveness, complete: bool) -> Vec<Found> {
    let wants = complete && (!search.violations.is_empty() || !liveness.found.is_empty());
    let good = noreturn::can_end_well(search, &liveness.well, &StateSet::default(), wants);
    let warns = wants && search.violations.keys().any(|v| v.property == Property::WARN_ON);
    let silent = noreturn::can_end_well(search, &liveness.well, &search.warned, warns);
    let safety = search.violations.iter().map(|(violation, targets)| {
        let path = search.way_to_violation(*violation, targets);
        let good = if violation.property == Property::WARN_ON { &silent } else { &good };
        let point_of_no_return = noreturn::locate(search, good, &path, complete);
        Found { violation: *violation, trace: path.into_trace(), point_of_no_return }
    });
    let lassos = liveness.found.iter().map(|(violation, trace): &(Violation, Trace)| {
        let path = search.follow(&trace.steps);
        let point_of_no_return = noreturn::locate(search, &good, &path, complete);
        Found { violation: *violation, trace: trace.clone(), point_of_no_return }
    });
    let cycle = if search.has_deadlock() { vec![] } else { search.dependency_cycle() };
    // Where it was told of one execution, or reclaim was seen to wait, that says it all.
    let told = search.has_deadlock() || !cycle.is_empty() || search.has(Property::ALLOC_IN_SIGNALLING);
    let reclaim = if told { None } else { search.reclaim_cycle() };
    let cycle = cycle.into_iter().chain(reclaim).chain(search.lock_usage()).map(|(violation, state, step)| {
        let mut trace = search.way_to_one(Target::kept(state)).into_trace();
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
    seen_true: Option<Target>,
    seen_false: Option<Target>,
    failed: bool,
    /// It is true in some state of an orbit and false in another.
    mixed: bool,
    /// Every state in which a condition that must be true `eventually`, or settle, is, and in which another one is
    /// broken.
    marked: StateSet,
}

impl Sightings {
    /// Whether a condition of the end is not the same in all states of some orbit, and broken: from where on is a
    /// matter of each then.
    fn is_mixed(&self, condition: &Condition) -> bool {
        self.mixed && condition.moment == Moment::AtEnd && self.seen_false.is_some()
    }

    fn resolve(&self, condition: &Condition, search: &Search<'_>, task: &Task<'_>, complete: bool) -> Watched {
        let graph = &search.graph;
        let to = |at: Option<Target>| at.map(|target| -> Trace { search.way_to_one(target).into_trace() });
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
        let path = search.follow(&by.steps);
        let good = noreturn::can_end_well(search, &[], &self.marked, true);
        noreturn::locate(search, &good, &path, complete)
    }
}

/// The chance that two different states had one fingerprint, at most: n² / 2¹²⁹.
pub fn collision_bound(states: u64) -> f64 {
    let n = states as f64;
    n * n / 2f64.powi(129)
}
