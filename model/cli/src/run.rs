//! One case through the engines: what each found, and whether they agree.

use crate::{
    judge::{self, Judgement},
    memory,
};
use fenceweave_explore::{
    About, Comparison, Engine, Exploration, Limits, Progress, Task, compare,
    explicit::{
        self,
        hosts::{self, Team},
    },
    loom, shuttle, swarm, threads,
};
use fenceweave_kernel::Condition;
use fenceweave_scenario::Case;
use std::{
    io::Read,
    time::{Duration, Instant},
};

/// What the caller wants of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engines to run, in this order.
    pub engines: Vec<Engine>,
    /// Keep whole encodings in `explicit` instead of fingerprints.
    pub exact: bool,
    /// Note in `explicit` what is locked under what.
    pub contracts: bool,
    /// Let `shuttle` check no step in a debug build: `explicit` is asked as well, and does.
    pub unchecked: bool,
    /// Where to what `explicit` has no memory for is written.
    pub spill: Option<explicit::Spill>,
    /// Limits that replace those of the scenario and the defaults.
    pub limits: LimitOverrides,
}

impl Default for Options {
    fn default() -> Options {
        let engines = vec![Engine::Explicit];
        let limits = LimitOverrides::default();
        Options { engines, exact: false, contracts: false, unchecked: false, spill: None, limits }
    }
}

impl Options {
    fn of_explicit(&self) -> explicit::Options {
        let LimitOverrides { fine, until_violation, no_symmetry, .. } = self.limits;
        let (exact, contracts) = (self.exact, self.contracts);
        let symmetry = if no_symmetry { 0 } else { explicit::SYMMETRY };
        explicit::Options { exact, contracts, fine, until_violation, symmetry, ..Default::default() }
    }

    /// Where loom runs beside it the bound is loom's, and explicit looks at everything; a scenario's own bound is
    /// loom's alone.
    fn bound(&self) -> Option<Bound> {
        let LimitOverrides { preemptions, deepen, .. } = self.limits;
        if self.contracts || self.engines != [Engine::Explicit] {
            return None;
        }
        match preemptions {
            _ if deepen => Some(Bound::UpTo(preemptions.unwrap_or(u32::MAX))),
            bound => bound.map(Bound::Within),
        }
    }
}

/// How many preemptions explicit looks at, if not at all.
enum Bound {
    /// At most so many.
    Within(u32),
    /// At none, at one, and so on, to at most so many.
    UpTo(u32),
}

/// Limits given by the user for one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitOverrides {
    /// Most states.
    pub states: Option<u64>,
    /// Most executions.
    pub executions: Option<u64>,
    /// Most steps of all of loom's executions together.
    pub steps: Option<u64>,
    /// Most memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Most time.
    pub time: Option<Duration>,
    /// Most preemptions, under loom and, where nothing else is asked for, under explicit.
    pub preemptions: Option<u32>,
    /// Let explicit go from no preemption up to as many.
    pub deepen: bool,
    /// Let `explicit` take each access that nobody else can tell as a step of its own.
    pub fine: bool,
    /// Let `explicit` keep every state, also where threads are alike.
    pub no_symmetry: bool,
    /// Let `explicit` end soon after the first violation.
    pub until_violation: bool,
    /// How many searches share the memory that there is.
    pub at_once: u64,
}

/// What the engines found about one case.
#[derive(Clone, Debug)]
pub struct CaseRun {
    /// One exploration for each engine that was asked for.
    pub runs: Vec<Exploration>,
    /// Where they agree and disagree.
    pub comparison: Comparison,
    /// Whether it is what the scenario expects.
    pub judgement: Judgement,
    /// How long each took; empty if nobody measured.
    pub times: Vec<Duration>,
    /// If walks were made at random, what is known after them.
    pub walks: Option<swarm::Summary>,
}

impl CaseRun {
    /// Holds the engines against each other, and what they found against what the scenario expects.
    pub fn of(case: &Case, runs: Vec<Exploration>) -> CaseRun {
        let comparison = compare::compare(&runs, About::Declared(&case.program));
        let judgement = judge::judge(case, &runs, &comparison);
        CaseRun { runs, comparison, judgement, times: vec![], walks: None }
    }
}

/// Executions of shuttle's exhaustive search before it is called incomplete: as many as explicit may visit states,
/// since an execution adds about a state. A hundred thousand take some two seconds.
const SHUTTLE_EXECUTIONS: u64 = 20_000_000;
/// Executions of loom before it is called incomplete; loom runs some ten thousand a second.
const LOOM_EXECUTIONS: u64 = 10_000;

/// Runs a case on every engine asked for, and judges the result.
pub fn run(case: &Case, options: &Options, progress: &dyn Progress) -> CaseRun {
    let (mut runs, mut times) = (vec![], vec![]);
    for engine in &options.engines {
        let start = Instant::now();
        runs.push(explore(case, *engine, options, progress));
        times.push(start.elapsed());
    }
    CaseRun { times, ..CaseRun::of(case, runs) }
}

/// Runs a case on one engine.
pub fn explore(case: &Case, engine: Engine, options: &Options, progress: &dyn Progress) -> Exploration {
    let conditions = conditions(case, scenario_engine(engine));
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let excluded = case.excluded.iter().find(|(e, _)| *e == scenario_engine(engine));
    if let Some((_, reason)) = excluded {
        return Exploration::refused(engine, &task, format!("the scenario says: {reason}"));
    }
    let limits = limits(case, engine, &options.limits);
    match engine {
        Engine::Explicit => match options.bound() {
            Some(Bound::Within(bound)) => {
                explicit::explore_bounded(&task, &limits, options.of_explicit(), bound, progress)
            }
            Some(Bound::UpTo(most)) => {
                explicit::explore_deepening(&task, &limits, options.of_explicit(), most, progress)
            }
            None => spilled(&task, &limits, options, progress),
        },
        Engine::Shuttle => {
            let (fine, unchecked) = (options.limits.fine, options.unchecked);
            let how = shuttle::Options { fine, unchecked, ..shuttle::Options::default() };
            shuttle::explore_with(&task, &limits, how, progress)
        }
        Engine::Loom if limits.preemptions.is_some() => loom::explore(&task, &limits, progress),
        Engine::Loom => loom::deepen(&task, &limits, progress),
        Engine::Threads => {
            let how = threads::Options { runs: limits.executions, time: limits.time, ..Default::default() };
            threads::stress(&task, &how, &limits, progress).0
        }
    }
}

/// Explores with what does not fit into memory on disk, if there is such a place.
fn spilled(task: &Task<'_>, limits: &Limits, options: &Options, progress: &dyn Progress) -> Exploration {
    match &options.spill {
        Some(spill) => explicit::explore_spilled(task, limits, options.of_explicit(), progress, spill),
        None => explicit::explore_with(task, limits, options.of_explicit(), progress),
    }
}

/// Runs a case on explicit with somebody who keeps what it finds, and goes on from what was kept.
pub(crate) fn explore_kept(
    case: &Case,
    options: &Options,
    watchers: (&dyn Progress, &dyn explicit::Keeper),
    from: Option<(&mut dyn Read, u64)>,
) -> Result<Exploration, String> {
    let conditions = conditions(case, scenario_engine(Engine::Explicit));
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = limits(case, Engine::Explicit, &options.limits);
    explicit::explore_kept(&task, &limits, options.of_explicit(), watchers, from)
}

/// Runs a case on explicit with other processes, of which this is the first.
pub(crate) fn explore_with_others(
    case: &Case,
    options: &Options,
    watchers: (&dyn Progress, Option<&dyn explicit::Keeper>),
    from: Option<(&mut dyn Read, u64)>,
    team: Team,
) -> Result<Exploration, String> {
    let conditions = conditions(case, scenario_engine(Engine::Explicit));
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = limits(case, Engine::Explicit, &options.limits);
    explicit::explore_with_others(&task, &limits, options.of_explicit(), watchers, from, team)
}

/// Takes part in that, until the first process says that it is over, or a signal comes.
pub(crate) fn serve(case: &Case, options: &Options, team: Team, signal: &dyn Fn() -> bool) -> Result<(), String> {
    let conditions = conditions(case, scenario_engine(Engine::Explicit));
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = limits(case, Engine::Explicit, &options.limits);
    hosts::serve(&task, &limits, options.of_explicit(), team, signal)
}

/// What a scenario expects of its states, for an engine.
pub(crate) fn conditions(case: &Case, engine: fenceweave_scenario::Engine) -> Vec<Condition> {
    case.expectations.conditions(engine).map(|e| e.condition.clone()).collect()
}

/// Runs a case on threads of the system.
pub(crate) fn on_threads(
    case: &Case,
    how: &threads::Options,
    limits: &Limits,
    progress: &dyn Progress,
) -> (Exploration, threads::Summary) {
    let engine = fenceweave_scenario::Engine::Threads;
    let conditions = conditions(case, engine);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    if let Some((_, reason)) = case.excluded.iter().find(|(e, _)| *e == engine) {
        let refused = Exploration::refused(Engine::Threads, &task, format!("the scenario says: {reason}"));
        return (refused, threads::Summary::default());
    }
    threads::stress(&task, how, limits, progress)
}

/// The user's limits win over the scenario's, and those over the defaults. All defaults are counts, so that a bounded
/// result is the same everywhere where there is memory enough.
fn limits(case: &Case, engine: Engine, given: &LimitOverrides) -> Limits {
    let default = Limits::default();
    let executions = if engine == Engine::Loom { LOOM_EXECUTIONS } else { SHUTTLE_EXECUTIONS };
    Limits {
        states: given.states.or(case.limits.states).unwrap_or(default.states),
        executions: given.executions.or(case.limits.executions).unwrap_or(executions),
        steps: given.steps.unwrap_or(default.steps),
        memory_bytes: given.memory_or_default(),
        time: given.time,
        since: None,
        preemptions: given.preemptions.or(case.limits.preemptions),
    }
}

impl LimitOverrides {
    /// Most memory of one search, in bytes: what the user says, or what the system gives.
    pub(crate) fn memory_or_default(&self) -> u64 {
        self.memory_bytes.unwrap_or_else(|| memory::default_limit(self.at_once.max(1)))
    }
}

/// The engine as the scenario language names it.
pub(crate) fn scenario_engine(engine: Engine) -> fenceweave_scenario::Engine {
    match engine {
        Engine::Explicit => fenceweave_scenario::Engine::Explicit,
        Engine::Shuttle => fenceweave_scenario::Engine::Shuttle,
        Engine::Loom => fenceweave_scenario::Engine::Loom,
        Engine::Threads => fenceweave_scenario::Engine::Threads,
    }
}
