//! `fenceweave check`: explore scenarios and hold them against what they expect.

use super::{Exit, engines, find, limits, load, print, progress::Bar, style};
use crate::{
    args::{CheckArgs, SampleArgs, SamplerArg},
    judge::{self, Grade},
    render,
    run::{self, CaseRun, Options},
};
use fenceweave_explore::{Comparison, Engine, Limits, Task, shuttle};
use fenceweave_kernel::Condition;
use fenceweave_report::{CountsShown, json};
use fenceweave_scenario::{Case, Loaded};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What came of one file: its text, and how bad it is.
struct Checked {
    text: String,
    exit: Exit,
    cases: usize,
    bad: usize,
}

pub(super) fn check(args: &CheckArgs) -> Exit {
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let mut total = Checked { text: String::new(), exit: Exit::Success, cases: 0, bad: 0 };
    for checked in in_order(&files, args.jobs, |f| check_file(f, args)) {
        print(&checked.text);
        total.exit = total.exit.max(checked.exit);
        total.cases += checked.cases;
        total.bad += checked.bad;
    }
    if total.cases == 0 && total.exit == Exit::Success {
        return super::usage("no scenario has that in its name");
    }
    if !args.json {
        let (cases, bad) = (total.cases, total.bad);
        print(&format!("\n{cases} cases in {} files: {} as expected, {bad} not\n", files.len(), cases - bad));
    }
    total.exit
}

/// Does the work on several threads, and gives the results in the order of the files, so that the output is the same
/// for any number of them.
fn in_order<T: Send>(files: &[PathBuf], jobs: usize, work: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<T>>> = files.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let (Some(file), Some(slot)) = (files.get(i), done.get(i)) else { return };
            let result = work(file);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|s| {
        for _ in 1..jobs.clamp(1, files.len().max(1)) {
            s.spawn(worker);
        }
        worker();
    });
    done.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

fn check_file(file: &Path, args: &CheckArgs) -> Checked {
    let mut checked = Checked { text: String::new(), exit: Exit::Success, cases: 0, bad: 0 };
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(exit) => return Checked { exit, ..checked },
    };
    for (scenario, case) in cases(&loaded) {
        if args.only.as_ref().is_some_and(|only| !case.program.name.contains(only.as_str())) {
            continue;
        }
        let run = run_case(case, args);
        checked.cases += 1;
        let grade = run.judgement.grade();
        checked.bad += usize::from(grade != Grade::AsExpected);
        checked.exit = checked.exit.max(exit_of(grade));
        checked.text.push_str(&text(scenario, case, &run, args));
    }
    checked
}

/// The cases of a file, each with its scenario's name.
pub(super) fn cases(loaded: &Loaded) -> impl Iterator<Item = (&str, &Case)> {
    loaded.scenarios.iter().flat_map(|s| s.cases.iter().map(|c| (s.name.as_str(), c)))
}

pub(super) fn exit_of(grade: Grade) -> Exit {
    match grade {
        Grade::AsExpected => Exit::Success,
        Grade::Incomplete => Exit::Incomplete,
        Grade::NotAsExpected => Exit::Unexpected,
    }
}

fn run_case(case: &Case, args: &CheckArgs) -> CaseRun {
    let bar = Bar::new(&case.program.name);
    let options = Options { engines: engines(args.engine), exact: args.exact, limits: limits(&args.limits) };
    match args.sample.sample {
        Some(sampler) => sample(case, sampler, &args.sample, &options, &bar),
        None => run::run(case, &options, &bar),
    }
}

/// Executions of a sample, if the user does not say.
const SAMPLE_EXECUTIONS: u64 = 10_000;

fn sample(case: &Case, sampler: SamplerArg, args: &SampleArgs, options: &Options, bar: &Bar) -> CaseRun {
    let sampler = match sampler {
        SamplerArg::Urw => shuttle::Sampler::Urw,
        SamplerArg::Pct => shuttle::Sampler::Pct { depth: args.depth },
        SamplerArg::Random => shuttle::Sampler::Random,
    };
    let all = case.expectations.conditions(run::scenario_engine(Engine::Shuttle));
    let conditions: Vec<Condition> = all.map(|e| e.condition.clone()).collect();
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let executions = options.limits.executions.unwrap_or(SAMPLE_EXECUTIONS);
    let runs = vec![shuttle::sample(&task, sampler, args.seed, executions, &Limits::default(), bar)];
    let comparison = Comparison::default();
    let judgement = judge::judge(case, &runs, &comparison);
    CaseRun { runs, comparison, judgement }
}

/// A line for what is as expected; everything for what is not.
fn text(scenario: &str, case: &Case, run: &CaseRun, args: &CheckArgs) -> String {
    if args.json {
        return json_line(scenario, case, run);
    }
    let name = &case.program.name;
    let counts = if args.stats { CountsShown::Exact } else { CountsShown::Hidden };
    if run.judgement.grade() == Grade::AsExpected {
        let mut out = format!("{name}: {}\n", render::verdict(run));
        if args.stats || run.runs.len() > 1 {
            for r in &run.runs {
                out.push_str(&format!("  {}\n", fenceweave_report::summary::line(r, counts).trim_end()));
            }
        }
        return out;
    }
    format!("{name}: {}\n", render::case_text(case, run, counts, style()))
}

fn json_line(scenario: &str, case: &Case, run: &CaseRun) -> String {
    let conditions: Vec<String> = case
        .expectations
        .conditions(run::scenario_engine(run.runs.first().map_or(Engine::Explicit, |r| r.engine)))
        .map(|e| e.text.clone())
        .collect();
    let verdict = render::verdict(run);
    json::document(&json::Report {
        scenario,
        case: case.name.as_deref(),
        program: &case.program,
        verdict: Some(&verdict),
        conditions: &conditions,
        explorations: &run.runs,
    })
}
