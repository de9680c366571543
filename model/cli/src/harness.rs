//! Every scenario as a test: by name, on every engine, against its reviewed snapshot.
//!
//! A test binary of three lines runs a folder of scenarios, here and in anybody's repository:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     fenceweave::scenario_tests("scenarios", "snapshots")
//! }
//! ```
//!
//! with `harness = false` for that test in `Cargo.toml`. Tests are named `FILE::CASE::ENGINE` (the case is left out if
//! there is none), and `FILE::snapshot` holds the file's report against `snapshots/FILE.snap`. So
//! `cargo test evict-race` runs what has that in its name, and `cargo insta review` (or
//! `INSTA_UPDATE=always cargo test`) accepts a change.
//!
//! Where cases take longer than an everyday `cargo test` should, [`scenario_tests_up_to`] says how long they may be:
//! the others are *ignored*, with the snapshot of their file, until `cargo test -- --include-ignored`.
//!
//! Loom runs at most 2,000 executions of a case, and 200,000 steps, so that the tests of hundreds of scenarios take
//! minutes; its line of the snapshot says how far that is. With the environment variable `FENCEWEAVE_LOOM=whole` set
//! its tests go as far as `check` does, which takes several times as long
//! (`FENCEWEAVE_LOOM=whole cargo test -- ::loom`).

use crate::{
    files,
    judge::Grade,
    render,
    run::{self, CaseRun, LimitOverrides, Options},
    tuples::{self, Subject, Wanted},
};
use fenceweave_explore::{Counts, Engine, Exploration};
use fenceweave_report::Sheet;
use fenceweave_scenario::{Case, Fixed, Loaded, Swept};
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, OnceLock},
};

/// Executions of loom that a test takes of a case. Of the shipped cases whose exploration ends, nine in ten end within
/// that, and what `loom` alone shows of the others comes up within it, too.
const LOOM_EXECUTIONS: u64 = 2_000;
/// And of their steps: what a driver does over a library takes hundreds of them an execution.
const LOOM_STEPS: u64 = 200_000;

/// Where things are, and how long a test may be.
struct Suite {
    scenarios: PathBuf,
    snapshots: PathBuf,
    /// The lines of `counts.snap` as they were.
    counts: BTreeMap<String, String>,
    /// Transitions of the longest case that is not ignored; `None` where none is.
    transitions: Option<u64>,
    /// Those that are ignored run as well.
    whole: bool,
}

impl Suite {
    fn new([scenarios, snapshots]: [&Path; 2], transitions: Option<u64>, whole: bool) -> Suite {
        let snapshots = absolute(snapshots);
        let text = std::fs::read_to_string(snapshots.join("counts.snap")).unwrap_or_default();
        let counts = text.lines().filter_map(|line| Some((line.split_once(": ")?.0.to_owned(), line.to_owned())));
        Suite { scenarios: absolute(scenarios), counts: counts.collect(), snapshots, transitions, whole }
    }

    /// Whether a case took more transitions than an everyday test may when it was last counted. One that nobody counted
    /// yet did not.
    fn is_long(&self, case: &str) -> bool {
        let counted =
            self.counts.get(case).and_then(|line| line.split(", ").find_map(|n| n.strip_suffix(" transitions")));
        let counted = counted.and_then(|n| n.parse::<u64>().ok());
        counted.zip(self.transitions).is_some_and(|(counted, most)| counted > most)
    }
}

/// A loaded scenario file with what was explored of it so far: two tests that need one exploration share it.
struct File {
    name: String,
    path: PathBuf,
    cases: Vec<(String, Case)>,
    runs: Vec<[OnceLock<Exploration>; 3]>,
    text: Arc<render::FileText>,
    loaded: Loaded,
    sweeps: Vec<OnceLock<Result<(Grade, String), String>>>,
}

impl File {
    fn exploration(&self, case: usize, engine: Engine) -> &Exploration {
        let slot = &self.runs[case][engine as usize];
        slot.get_or_init(|| {
            let case = &self.cases[case].1;
            let executions = match engine {
                Engine::Explicit | Engine::Shuttle | Engine::Threads => None,
                Engine::Loom => Some(case.limits.executions.map_or(LOOM_EXECUTIONS, |own| own.min(LOOM_EXECUTIONS))),
            };
            let steps = (engine == Engine::Loom).then_some(LOOM_STEPS);
            let limits = LimitOverrides { executions, steps, ..LimitOverrides::default() };
            run::explore(case, engine, &Options { limits, unchecked: true, ..Options::default() }, &())
        })
    }

    /// The engine's own judgement; it is also held against the complete search.
    fn check(&self, case: usize, engine: Engine) -> Result<(), Failed> {
        let own = match engine {
            Engine::Loom if is_whole() => run::explore(&self.cases[case].1, engine, &Options::default(), &()),
            _ => self.exploration(case, engine).clone(),
        };
        let mut runs = vec![own];
        if engine != Engine::Explicit {
            runs.push(self.exploration(case, Engine::Explicit).clone());
        }
        let case = &self.cases[case].1;
        let mut run = CaseRun::of(case, runs);
        run.judgement.failures.retain(|f| f.engines.contains(&engine));
        match run.judgement.grade() {
            Grade::AsExpected => Ok(()),
            Grade::Incomplete => Err(run.judgement.incomplete.join("\n").into()),
            Grade::NotAsExpected => Err(render::failures(case, &run, &Sheet::default()).into()),
        }
    }

    /// The report of the whole file, as its snapshot has it.
    fn report(&self) -> String {
        let of = |i: usize| {
            let case = &self.cases[i].1;
            if !case.tuple.is_empty() {
                return (case, self.sweep(i).map_or_else(|why| why, |(_, text)| text));
            }
            let runs = Engine::ALL.map(|e| self.exploration(i, e).clone()).to_vec();
            (case, render::snapshot_of(case, &CaseRun::of(case, runs)))
        };
        let cases: Vec<(&Case, String)> = (0..self.cases.len()).map(of).collect();
        render::snapshot(&self.text, &cases)
    }

    /// What all tuples of a case with inputs come to, on `explicit`; its test and the snapshot share it.
    fn sweep(&self, case: usize) -> Result<(Grade, String), String> {
        self.sweeps[case].get_or_init(|| self.explore_tuples(case)).clone()
    }

    fn explore_tuples(&self, case: usize) -> Result<(Grade, String), String> {
        let case = &self.cases[case].1;
        let name = case.program.name.as_str();
        let text = (self.path.as_path(), self.loaded.text.as_str());
        let swept = Swept::read_called(&self.loaded.file, text, None).map_err(|report| report.plain())?;
        let scenario = name.split('/').next().unwrap_or_default();
        let subject = Subject { swept: &swept, scenario, case };
        let wanted = Wanted { fixed: &Fixed::default(), most: tuples::OF_CHECK };
        let found = tuples::sweep(&subject, &wanted, &Options::default());
        let found = found.map_err(|(report, tuple)| format!("{name} with {tuple}:\n{}", report.plain()))?;
        Ok((found.judged.grade, tuples::text(name, &found.tuples, &found.tally, &found.judged)))
    }

    fn check_sweep(&self, case: usize) -> Result<(), Failed> {
        match self.sweep(case)? {
            (Grade::AsExpected, _) => Ok(()),
            (Grade::Incomplete | Grade::NotAsExpected, text) => Err(text.into()),
        }
    }

    /// A case by its name in tests and in `counts.snap`.
    fn name_of(&self, case: usize) -> String {
        let label = &self.cases[case].0;
        if label.is_empty() { self.name.clone() } else { format!("{}::{label}", self.name) }
    }

    /// The counts of its cases; of one that was too long, the line that stands.
    fn counts(&self, suite: &Suite) -> Vec<String> {
        let line = |i: usize| {
            let name = self.name_of(i);
            if let Some(line) = suite.counts.get(&name).filter(|_| !suite.whole && suite.is_long(&name)) {
                return line.clone();
            }
            let c = self.exploration(i, Engine::Explicit).counts;
            let states = if c.permutations > 0 { "orbits" } else { "states" };
            let Counts { states: n, transitions, terminals, depth, .. } = c;
            format!("{name}: {n} {states}, {transitions} transitions, {terminals} terminal, depth {depth}")
        };
        (0..self.cases.len()).filter(|i| self.cases[*i].1.tuple.is_empty()).map(line).collect()
    }
}

/// Runs the scenarios below a folder as tests, with snapshots below another. Relative folders are relative to the
/// directory that the test runs in: the package's. Exact counts of all files are held against `counts.snap`.
pub fn scenario_tests(scenarios: impl AsRef<Path>, snapshots: impl AsRef<Path>) -> ExitCode {
    run_tests(&Arguments::from_args(), scenarios.as_ref(), snapshots.as_ref(), None).exit_code()
}

/// [`scenario_tests`] for folders with cases that take too long for every day: one that took more transitions than this
/// when `counts.snap` was written is ignored, and so is the snapshot of its file.
/// `cargo test -- --include-ignored` runs them all, which is what a CI should say.
pub fn scenario_tests_up_to(transitions: u64, scenarios: impl AsRef<Path>, snapshots: impl AsRef<Path>) -> ExitCode {
    run_tests(&Arguments::from_args(), scenarios.as_ref(), snapshots.as_ref(), Some(transitions)).exit_code()
}

/// [`scenario_tests_up_to`] with the arguments of a test binary given, and how many tests went how. Without a number
/// of transitions nothing is ignored.
pub fn run_tests(arguments: &Arguments, scenarios: &Path, snapshots: &Path, transitions: Option<u64>) -> Conclusion {
    let suite = Suite::new([scenarios, snapshots], transitions, arguments.include_ignored);
    libtest_mimic::run(arguments, trials(&Arc::new(suite)))
}

/// Whether loom goes as far as `check` does.
fn is_whole() -> bool {
    std::env::var_os("FENCEWEAVE_LOOM").is_some_and(|v| v == "whole")
}

fn absolute(p: &Path) -> PathBuf {
    let full = std::path::absolute(p).unwrap_or_else(|_| p.to_path_buf());
    full.canonicalize().unwrap_or(full)
}

fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let found = match files::find(std::slice::from_ref(&suite.scenarios)) {
        Ok(found) => found,
        Err(e) => return vec![Trial::test("scenarios", move || Err(e.into()))],
    };
    let mut trials = vec![];
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut loaded: Vec<Arc<File>> = vec![];
    let named = found.into_iter().map(|path| (files::name_of(&path, &suite.scenarios), path)).collect::<Vec<_>>();
    for ((name, path), file) in named.iter().zip(load_all(&named)) {
        let (name, path) = (name.clone(), path.clone());
        names.insert(name.clone(), path);
        match file {
            // A library beside scenarios, which they use.
            Ok(file) if file.cases.is_empty() => {
                names.remove(&name);
            }
            Ok(file) => {
                let file = Arc::new(file);
                loaded.push(file.clone());
                trials.extend(trials_of(&file, suite));
            }
            Err(text) => trials.push(Trial::test(format!("{name}::load"), move || Err(text.into()))),
        }
    }
    // One engine after the other: two tests of one case wait for each other, since each needs what `explicit` found.
    let last = |name: &str| name.rsplit("::").next().map(str::to_owned);
    let engine = |name: &str| Engine::ALL.iter().position(|e| last(name).is_some_and(|last| last == e.to_string()));
    let is_snapshot = |name: &str| last(name).is_some_and(|last| last == "snapshot");
    trials.sort_by_key(|trial| (is_snapshot(trial.name()), engine(trial.name())));
    let all = loaded.clone();
    let counted = suite.clone();
    trials.push(Trial::test("counts", move || compare_counts(&all, &counted)));
    let orphans = suite.clone();
    trials.push(Trial::test("no-snapshot-without-scenario", move || no_orphans(&names, &orphans)));
    trials
}

/// Each file, read on as many threads as there are processors.
fn load_all(named: &[(String, PathBuf)]) -> Vec<Result<File, String>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let all = |part: &[(String, PathBuf)]| part.iter().map(|(name, path)| load(name, path)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let parts = named.chunks(named.len().div_ceil(threads).max(1)).map(|part| scope.spawn(move || all(part)));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    })
}

fn load(name: &str, path: &Path) -> Result<File, String> {
    let loaded = fenceweave_scenario::load_file_as(&format!("{name}.kdl"), path).map_err(|report| report.plain())?;
    let several = loaded.scenarios.len() > 1;
    let mut cases = vec![];
    for s in &loaded.scenarios {
        for c in &s.cases {
            let case = c.name.clone().unwrap_or_default();
            let label = match (several, case.is_empty()) {
                (false, _) => case,
                (true, true) => s.name.clone(),
                (true, false) => format!("{}/{case}", s.name),
            };
            cases.push((label, c.clone()));
        }
    }
    let runs = cases.iter().map(|_| Default::default()).collect();
    let text = Arc::new(render::FileText::of(&loaded));
    let sweeps = cases.iter().map(|_| OnceLock::new()).collect();
    Ok(File { name: name.into(), path: path.to_path_buf(), cases, runs, text, loaded, sweeps })
}

fn trials_of(file: &Arc<File>, suite: &Arc<Suite>) -> Vec<Trial> {
    let mut trials = vec![];
    let mut has_long = false;
    for (i, (_, of)) in file.cases.iter().enumerate() {
        let case = file.name_of(i);
        if !of.tuple.is_empty() {
            let file = file.clone();
            trials.push(Trial::test(format!("{case}::sweep"), move || file.check_sweep(i)));
            continue;
        }
        let is_long = suite.is_long(&case);
        has_long |= is_long;
        for engine in Engine::ALL {
            let file = file.clone();
            let trial = Trial::test(format!("{case}::{engine}"), move || file.check(i, engine));
            trials.push(trial.with_ignored_flag(is_long));
        }
    }
    let (of_file, in_suite) = (file.clone(), suite.clone());
    let snapshot = Trial::test(format!("{}::snapshot", file.name), move || {
        compare_snapshot(&in_suite, &of_file.name, &of_file.report());
        Ok(())
    });
    trials.push(snapshot.with_ignored_flag(has_long));
    trials
}

/// Panics, as `insta` does, if the text differs from the reviewed one.
fn compare_snapshot(suite: &Suite, name: &str, text: &str) {
    let path = suite.snapshots.join(name);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(path.parent().unwrap_or(&suite.snapshots));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let file = path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
    settings.bind(|| insta::assert_snapshot!(file, text));
}

/// Exact counts stand in one file: a finer step of a protocol is that file's diff, and no other's.
fn compare_counts(files: &[Arc<File>], suite: &Suite) -> Result<(), Failed> {
    let lines: Vec<String> = files.iter().flat_map(|f| f.counts(suite)).collect();
    compare_snapshot(suite, "counts", &lines.join("\n"));
    Ok(())
}

/// A snapshot whose scenario is gone is a review that nobody will do.
fn no_orphans(names: &BTreeMap<String, PathBuf>, suite: &Suite) -> Result<(), Failed> {
    let mut left = BTreeSet::new();
    snapshots_below(&suite.snapshots, &mut left);
    let known = |p: &PathBuf| {
        let name = files::name_of(p, &suite.snapshots);
        name == "counts" || names.contains_key(&name)
    };
    let orphans: Vec<String> = left.iter().filter(|p| !known(p)).map(|p| p.display().to_string()).collect();
    if orphans.is_empty() { Ok(()) } else { Err(format!("no scenario for: {}", orphans.join(", ")).into()) }
}

fn snapshots_below(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            snapshots_below(&path, found);
        } else if path.extension().is_some_and(|e| e == "snap") {
            found.insert(path);
        }
    }
}
