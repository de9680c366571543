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
//! minutes; its line of the snapshot says how far that is. Where `--include-ignored` is not said, it begins no search
//! that was cut there the last time: within the bound on preemptions that the snapshot has it looks at everything, and
//! nothing beyond; where not even one preemption came to its end, it makes a twentieth of the executions and steps. If
//! what is found is not as expected, or not what the snapshot has, it goes as far as with `--include-ignored`, and that
//! is what counts. With the environment variable `FENCEWEAVE_LOOM=reviewed` set, `--include-ignored` leaves it at that,
//! too; with `FENCEWEAVE_LOOM=whole` its tests go as far as `check` does, which takes several times as long
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
use fenceweave_scenario::{Case, Fixed, Loaded, Swept, while_typing};
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Executions of loom that a test takes of a case. Of the shipped cases whose exploration ends, nine in ten end within
/// that, and what `loom` alone shows of the others comes up within it, too.
const LOOM_EXECUTIONS: u64 = 2_000;
/// And of their steps: what a driver does over a library takes hundreds of them an execution.
const LOOM_STEPS: u64 = 200_000;
/// The part of both that is run every day of a search that they cut.
const CUT_PART: u64 = 20;

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

/// How far loom came in a case when its snapshot was written, if that was not the end.
enum Stood {
    /// To so many preemptions.
    To(u32),
    /// It was cut before that; its line.
    Cut(String),
}

impl Stood {
    fn of(line: &str) -> Option<Stood> {
        let said = line.strip_prefix(LOOM_LINE)?.trim_start();
        if said.starts_with("incomplete: more than ") {
            return Some(Stood::Cut(line.to_owned()));
        }
        let bound = said.strip_prefix("to ")?.split_once(" preemption")?.0;
        Some(Stood::To(bound.parse().ok()?))
    }
}

/// How loom's line of a case begins.
const LOOM_LINE: &str = "  loom  ";

/// A loaded scenario file with what was explored of it so far: two tests that need one exploration share it.
struct File {
    name: String,
    path: PathBuf,
    cases: Vec<(String, Case)>,
    runs: Vec<[OnceLock<Exploration>; 3]>,
    /// Of each case, how far loom goes; `None` is as far as it comes.
    stood: Vec<Option<Stood>>,
    /// What loom has found where that was not enough.
    further: Vec<OnceLock<Exploration>>,
    /// The reviewed snapshot.
    reviewed: String,
    text: Arc<render::FileText>,
    loaded: Loaded,
    sweeps: Vec<OnceLock<Result<(Grade, String), String>>>,
}

impl File {
    fn exploration(&self, case: usize, engine: Engine) -> &Exploration {
        let slot = &self.runs[case][engine as usize];
        slot.get_or_init(|| {
            let limits = match engine {
                Engine::Explicit | Engine::Shuttle | Engine::Threads => LimitOverrides::default(),
                Engine::Loom => self.limits_of_loom(case, self.stood[case].as_ref()),
            };
            self.explore(case, engine, limits)
        })
    }

    fn explore(&self, case: usize, engine: Engine, limits: LimitOverrides) -> Exploration {
        run::explore(&self.cases[case].1, engine, &Options { limits, unchecked: true, ..Options::default() }, &())
    }

    fn limits_of_loom(&self, case: usize, stood: Option<&Stood>) -> LimitOverrides {
        let own = self.cases[case].1.limits.executions;
        let executions = own.map_or(LOOM_EXECUTIONS, |own| own.min(LOOM_EXECUTIONS));
        let (part, preemptions) = match stood {
            None => (1, None),
            Some(Stood::To(bound)) => (1, Some(*bound)),
            Some(Stood::Cut(_)) => (CUT_PART, None),
        };
        let (executions, steps) = (Some((executions / part).max(1)), Some(LOOM_STEPS / part));
        LimitOverrides { executions, steps, preemptions, ..LimitOverrides::default() }
    }

    /// As far as loom comes, whatever the snapshot has.
    fn further(&self, case: usize) -> &Exploration {
        match self.stood[case] {
            None => self.exploration(case, Engine::Loom),
            Some(_) => self.further[case].get_or_init(|| {
                let limits = self.limits_of_loom(case, None);
                self.explore(case, Engine::Loom, limits)
            }),
        }
    }

    /// The engine's own judgement; it is also held against the complete search.
    fn check(&self, case: usize, engine: Engine) -> Result<(), Failed> {
        if engine == Engine::Loom && is_whole() {
            let own = run::explore(&self.cases[case].1, engine, &Options::default(), &());
            return self.judge(case, engine, own);
        }
        let judged = self.judge(case, engine, self.exploration(case, engine).clone());
        match judged {
            Err(_) if engine == Engine::Loom => self.judge(case, engine, self.further(case).clone()),
            judged => judged,
        }
    }

    fn judge(&self, case: usize, engine: Engine, own: Exploration) -> Result<(), Failed> {
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
            (case, self.report_of(i))
        };
        let cases: Vec<(&Case, String)> = (0..self.cases.len()).map(of).collect();
        render::snapshot(&self.text, &cases)
    }

    /// What the report has of a case. Loom goes no further than it came before if everything is as it was then.
    fn report_of(&self, i: usize) -> String {
        let with = |loom: &Exploration| {
            let case = &self.cases[i].1;
            let of = |engine| if engine == Engine::Loom { loom.clone() } else { self.exploration(i, engine).clone() };
            render::snapshot_of(case, &CaseRun::of(case, Engine::ALL.map(of).to_vec()))
        };
        let text = with(self.exploration(i, Engine::Loom));
        let text = match &self.stood[i] {
            None => return text,
            Some(Stood::To(_)) => text,
            Some(Stood::Cut(line)) => with_loom_line(&text, line),
        };
        if self.reviewed.contains(text.trim_end()) { text } else { with(self.further(i)) }
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
    is_loom_to_go("whole")
}

/// Whether the environment says that of how far loom is to go.
fn is_loom_to_go(how_far: &str) -> bool {
    std::env::var_os("FENCEWEAVE_LOOM").is_some_and(|v| v == how_far)
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
    for ((name, path), file) in named.iter().zip(load_all(&named, suite)) {
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

/// Each file, read on as many threads as there are processors. Those of one folder take long and those of another do
/// not, so each thread takes the next one.
fn load_all(named: &[(String, PathBuf)], suite: &Suite) -> Vec<Result<File, String>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, read) = (AtomicUsize::new(0), named.iter().map(|_| OnceLock::new()).collect::<Vec<_>>());
    let take = || {
        let next = || next.fetch_add(1, Ordering::Relaxed);
        for at in std::iter::repeat_with(next).take_while(|at| *at < named.len()) {
            let (name, path) = &named[at];
            let _ = read[at].set(load(name, path, suite));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(take))));
    read.into_iter().map(|file| file.into_inner().unwrap_or_else(|| Err("it was not read".to_owned()))).collect()
}

fn load(name: &str, path: &Path, suite: &Suite) -> Result<File, String> {
    let read = || fenceweave_scenario::load_file_as(&format!("{name}.kdl"), path);
    // A library is read anew by each of its scenarios: what only the `kdl` crate would tell, which takes most of the
    // time, is told where all is asked for, and by `check`.
    let loaded = if suite.whole { read() } else { while_typing(read) }.map_err(|report| report.plain())?;
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
    let reviewed = std::fs::read_to_string(suite.snapshots.join(format!("{name}.snap"))).unwrap_or_default();
    let stood = stood(&cases, &reviewed, suite);
    let further = cases.iter().map(|_| OnceLock::new()).collect();
    Ok(File {
        name: name.into(),
        path: path.to_path_buf(),
        cases,
        runs,
        stood,
        further,
        reviewed,
        text,
        loaded,
        sweeps,
    })
}

/// How far loom came in each case. Of another number of cases nothing is known, and of all if all is asked for.
fn stood(cases: &[(String, Case)], reviewed: &str, suite: &Suite) -> Vec<Option<Stood>> {
    let mut lines = reviewed.lines().filter(|line| line.starts_with(LOOM_LINE));
    let asked = cases.iter().filter(|(_, case)| case.tuple.is_empty()).count();
    let is_all = suite.whole && !is_loom_to_go("reviewed") || is_whole();
    if is_all || lines.clone().count() != asked {
        return cases.iter().map(|_| None).collect();
    }
    let of = |(_, case): &(String, Case)| if case.tuple.is_empty() { lines.next().and_then(Stood::of) } else { None };
    cases.iter().map(of).collect()
}

/// The text with that in the place of loom's line, if that says that loom was cut as well.
fn with_loom_line(text: &str, line: &str) -> String {
    let is_cut = |old: &str| matches!(Stood::of(old), Some(Stood::Cut(_)));
    let lines = text.lines().map(|old| if is_cut(old) { line } else { old });
    lines.flat_map(|line| [line, "\n"]).collect()
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
