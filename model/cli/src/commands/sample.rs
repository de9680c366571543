//! `fenceweave check --sample`: executions at random, where there are too many to see them all.

use crate::{
    args::{SampleArgs, SamplerArg},
    run::{self, CaseRun, Options},
};
use fenceweave_explore::{Engine, Limits, Progress, Task, shuttle};
use fenceweave_kernel::Condition;
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
        SamplerArg::Random => (shuttle::Sampler::Random, "random".to_owned()),
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
