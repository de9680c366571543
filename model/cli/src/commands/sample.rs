//! `fenceweave check --sample`: executions at random, where there are too many to see them all.

use crate::{
    args::{SampleArgs, SamplerArg},
    run::{self, CaseRun, Options},
};
use fenceweave_explore::{Engine, Limits, Progress, Task, shuttle, swarm};
use fenceweave_kernel::Condition;
use fenceweave_report::summary;
use fenceweave_scenario::Case;
use std::time::Instant;

/// Executions of a sample, if the user does not say.
const SAMPLE_EXECUTIONS: u64 = 10_000;

/// Samples a case; what to know to have the same sample again is among the notes.
pub(super) fn sample(
    case: &Case,
    arg: SamplerArg,
    args: &SampleArgs,
    options: &Options,
    progress: &dyn Progress,
) -> CaseRun {
    let (sampler, name) = match arg {
        SamplerArg::Urw => (shuttle::Sampler::Urw, "urw".to_owned()),
        SamplerArg::Pct => (shuttle::Sampler::Pct { depth: args.depth.into() }, format!("pct, depth {}", args.depth)),
        // Walks are no executions of shuttle's.
        SamplerArg::Random | SamplerArg::Swarm => (shuttle::Sampler::Random, "random".to_owned()),
    };
    let all = case.expectations.conditions(run::scenario_engine(Engine::Shuttle));
    let conditions: Vec<Condition> = all.map(|e| e.condition.clone()).collect();
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let executions = options.limits.executions.unwrap_or(SAMPLE_EXECUTIONS);
    let default = Limits::default();
    let states = options.limits.states.unwrap_or(default.states);
    let memory_bytes = options.limits.memory_or_default();
    let limits = Limits { states, memory_bytes, time: options.limits.time, ..default };
    let start = Instant::now();
    let runs = vec![shuttle::sample(&task, sampler, args.seed, executions, &limits, progress)];
    let times = vec![start.elapsed()];
    let mut run = CaseRun { times, ..CaseRun::of(case, runs) };
    let done = run.runs.first().map_or(0, |r| r.counts.executions);
    let sampled = format!("{done} executions by {name}, seed {}; a sample finds mistakes, but never shows", args.seed);
    run.judgement.notes.push(format!("{sampled} that there are none"));
    run
}

/// Walks at random through a case, until one breaks something; what is known after them is among the notes.
pub(super) fn walk(case: &Case, args: &SampleArgs, options: &Options, progress: &dyn Progress) -> CaseRun {
    let conditions = run::conditions(case, run::scenario_engine(Engine::Explicit));
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let given = options.limits;
    // Who gives them time wants as many as there is time for.
    let default = if given.time.is_some() { u64::MAX } else { SAMPLE_EXECUTIONS };
    let how = swarm::Options {
        walks: given.executions.unwrap_or(default),
        depth: args.depth,
        seed: args.seed,
        fine: given.fine,
        ..swarm::Options::default()
    };
    let limits = Limits {
        states: given.states.unwrap_or(Limits::default().states),
        memory_bytes: given.memory_or_default(),
        time: given.time,
        ..Limits::default()
    };
    let start = Instant::now();
    let (found, walks) = swarm::walk(&task, how, &limits, progress);
    let times = vec![start.elapsed()];
    let mut run = CaseRun { times, ..CaseRun::of(case, vec![found]) };
    run.judgement.notes.extend(known(&walks, &how, run.runs.first().map_or(0, |r| r.outcomes.len())));
    CaseRun { walks: Some(walks), ..run }
}

/// What is known after some walks.
fn known(walks: &swarm::Summary, how: &swarm::Options, outcomes: usize) -> Vec<String> {
    let n = |n: u64| summary::grouped(n);
    let mean = walks.steps / walks.walks.max(1);
    let made = format!(
        "{} of {mean} steps in the mean and {} at most, by swarm to depth {}, seed {}; a sample finds mistakes, but never \
         shows that there are none",
        count(walks.walks, "walk"),
        n(walks.longest),
        how.depth,
        how.seed,
    );
    if let Some(found) = walks.found {
        let (walk, sort, steps) = (n(found.walk), found.sort, found.steps);
        let first = format!("walk {walk} ({sort}) was the first to break something, with {steps} steps");
        return vec![format!("{first}; what it did not need is left out"), made];
    }
    let about = if walks.estimated { "about " } else { "" };
    let tenths: Vec<String> = walks.new.iter().map(|new| n(*new)).collect();
    let given_up = match walks.given_up {
        0 => String::new(),
        few => format!("; {} given up after very many steps", count(few, "walk")),
    };
    let met = format!(
        "{about}{} met, {} of them by one walk alone; new in each tenth of the walks: {}{given_up}",
        count(walks.states, "state"),
        n(walks.states_once),
        tenths.join(" ")
    );
    let ends = walks.outcomes_once as f64 / walks.walks.max(1) as f64;
    let unseen = format!(
        "of the states of another walk {} would be new, and it would end in a new way with a chance of {}; {} of {} met \
         by one walk alone",
        chance(walks.unseen, walks.walks),
        chance(ends, walks.walks),
        n(walks.outcomes_once),
        count(outcomes as u64, "outcome"),
    );
    vec![made, met, unseen]
}

/// `1 state`, `2,000 states`.
fn count(n: u64, what: &str) -> String {
    let many = if n == 1 { "" } else { "s" };
    format!("{} {what}{many}", summary::grouped(n))
}

/// `1.2 %`; what so many walks have not shown at all is not known to be nothing.
fn chance(share: f64, walks: u64) -> String {
    let percent = 100.0 * share;
    match share {
        0.0 => format!("less than {:.2} %", 100.0 / walks.max(1) as f64),
        _ if percent < 0.01 => "less than 0.01 %".to_owned(),
        _ if percent < 10.0 => format!("{percent:.2} %"),
        _ => format!("{percent:.0} %"),
    }
}
