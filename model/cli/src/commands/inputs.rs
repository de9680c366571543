//! `fenceweave sweep FILE[::CASE]`: a case of a scenario with inputs, explored with one tuple after the other.
//!
//! What is found is kept as a sweep over generated programs keeps it, chunk by chunk, so that it can be resumed, and
//! parts merged.

use super::{
    Exit, Unread, check::exit_of, complain, engines, limits, load, sweep, turns::in_order, unbounded, usage, write,
};
use crate::{
    args::{EngineArg, SweepArgs},
    files::{Selection, with_case},
    judge::Grade,
    run::{CaseRun, LimitOverrides, Options},
    tuples::{self, Judged, Subject, Wanted},
};
use fenceweave_explore::interrupt;
use fenceweave_fuzz::sweep::{Tally, sum_of};
use fenceweave_scenario::{Case, Fixed, Loaded, Report, Swept, Tuple, Tuples};
use std::{ops::ControlFlow, path::Path};

/// Tuples between two lines of the state file.
const CHUNK: usize = 16;
/// Most tuples that a token is tried with.
const MOST_SOUGHT: usize = 100_000;

/// Explores the cases of a file that have inputs.
pub(super) fn sweep_file(args: &SweepArgs, said: &Path) -> Exit {
    if let Some(why) = unbounded(&args.limits, args.engine.unwrap_or(EngineArg::Explicit)) {
        return usage(why);
    }
    let (file, _) = with_case(said);
    let loaded = match load(&file) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let fixed = match Fixed::read(&args.input) {
        Ok(fixed) => fixed,
        Err(why) => return usage(&why),
    };
    let swept = match Swept::read(Path::new(&loaded.file), &loaded.text) {
        Ok(swept) => swept,
        Err(report) => return Unread(report).tell(),
    };
    let subjects = match subjects(&loaded, &swept, said) {
        Ok(subjects) => subjects,
        Err(why) => return usage(&why),
    };
    if subjects.len() > 1 && (args.state.is_some() || args.part.is_some() || args.resume.is_some()) {
        let names: Vec<&str> = subjects.iter().map(|s| s.case.program.name.as_str()).collect();
        return usage(&format!("a state file and a part are of one case: `FILE::CASE`, one of {}", names.join(", ")));
    }
    let wanted = Wanted { fixed: &fixed, most: args.tuples as usize };
    let mut exit = Exit::Success;
    for (at, subject) in subjects.iter().enumerate() {
        if at > 0 && !args.json {
            // What could not be written decides the exit code.
            let _ = write("\n");
        }
        exit = exit.max(one(args, &file, subject, &wanted));
        if interrupt::requested() {
            break;
        }
    }
    exit
}

/// What `check` says of a case with inputs: every tuple, up to a bound. `see` is shown each run.
pub(super) fn check(
    loaded: &Loaded,
    (scenario, case): (&str, &Case),
    input: &[String],
    (as_json, options): (bool, &Options),
    see: &mut dyn FnMut(&Case, &CaseRun),
) -> Result<(String, Grade), Unread> {
    let swept = Swept::read(Path::new(&loaded.file), &loaded.text).map_err(Unread)?;
    let subject = Subject { swept: &swept, scenario, case };
    let fixed = Fixed::read(input).unwrap_or_default();
    let wanted = Wanted { fixed: &fixed, most: tuples::OF_CHECK };
    let found = tuples::sweep_seeing(&subject, &wanted, options, see);
    let found = found.map_err(|(report, tuple)| {
        if !tuple.is_empty() {
            complain(&format!("{} with {tuple}:\n", case.program.name));
        }
        Unread(report)
    })?;
    let (name, judged) = (&case.program.name, &found.judged);
    let text = match (as_json, judged.grade) {
        (true, _) => tuples::json(&loaded.file, &subject, &found.tuples, &found.tally, judged),
        (false, Grade::AsExpected | Grade::Incomplete) => format!("{name}: {}\n", judged.verdict),
        (false, Grade::NotAsExpected) => tuples::text(name, &found.tuples, &found.tally, judged),
    };
    Ok((text, judged.grade))
}

/// The case with the smallest tuple that is wanted.
pub(super) fn smallest(loaded: &Loaded, scenario: &str, case: &Case, fixed: &Fixed) -> Result<Option<Case>, Report> {
    let swept = Swept::read(Path::new(&loaded.file), &loaded.text)?;
    let name = case.name.as_deref();
    match swept.tuples(scenario, name, fixed, 1)?.all.first() {
        Some(tuple) => swept.case(scenario, name, tuple),
        None => Ok(None),
    }
}

/// The first case of a file with inputs of which something is true, tuple by tuple.
pub(super) fn find(
    loaded: &Loaded,
    wanted: (&str, &Case),
    fixed: &Fixed,
    is_it: impl Fn(&Case) -> bool,
) -> Option<Case> {
    let (scenario, case) = wanted;
    let swept = Swept::read(Path::new(&loaded.file), &loaded.text).ok()?;
    let name = case.name.as_deref();
    let tuples = swept.tuples(scenario, name, fixed, MOST_SOUGHT).ok()?;
    let mut cases = tuples.all.iter().filter_map(|tuple| swept.case(scenario, name, tuple).ok().flatten());
    cases.find(is_it)
}

/// The cases of the file that have inputs and are asked for.
fn subjects<'a>(loaded: &'a Loaded, swept: &'a Swept, said: &Path) -> Result<Vec<Subject<'a>>, String> {
    let (file, _) = with_case(said);
    let selection = Selection::of(&[said.to_path_buf()]);
    let all = || loaded.scenarios.iter().flat_map(|s| s.cases.iter().map(move |case| (s, case)));
    if let Some(why) = selection.missed(all().map(|(_, case)| case.program.name.as_str())) {
        return Err(format!("{why}; `fenceweave list` shows them all"));
    }
    let chosen = all().filter(|(_, case)| !case.tuple.is_empty() && selection.takes(&file, &case.program.name));
    let found: Vec<Subject<'a>> =
        chosen.map(|(scenario, case)| Subject { swept, scenario: &scenario.name, case }).collect();
    match found.is_empty() {
        true => Err(format!("{} has no inputs: `input NAME to=N` declares one", said.display())),
        false => Ok(found),
    }
}

/// What is left of the sweep of a case.
struct Job<'a> {
    subject: &'a Subject<'a>,
    wanted: &'a Wanted<'a>,
    tuples: Tuples,
    kept: sweep::Kept,
}

fn one(args: &SweepArgs, file: &Path, subject: &Subject<'_>, wanted: &Wanted<'_>) -> Exit {
    let name = &subject.case.program.name;
    let tuples = subject.swept.tuples(subject.scenario, subject.case.name.as_deref(), wanted.fixed, wanted.most);
    let tuples = match tuples {
        Ok(tuples) => tuples,
        Err(report) => return Unread(report).tell(),
    };
    if let Some(unknown) = wanted.fixed.unknown(&tuples.names) {
        return usage(&format!("{name} has no input `{unknown}`; it has {}", tuples.names.join(", ")));
    }
    if tuples.all.is_empty() {
        return usage(&format!("{name} has no tuple with {}", wanted.fixed));
    }
    let options = Options {
        engines: engines(args.engine.unwrap_or(EngineArg::Explicit)),
        limits: LimitOverrides { at_once: args.jobs.into(), ..limits(&args.limits) },
        ..Options::default()
    };
    let plan = plan(args, file, subject, &tuples, wanted);
    let kept = match sweep::kept(args, &plan) {
        Ok(kept) => kept,
        Err(why) => return usage(&why),
    };
    let mut job = Job { subject, wanted, tuples, kept };
    match job.run(args.jobs.into(), &options) {
        Ok(()) => {}
        Err(Stop::Mistake(report, tuple)) => {
            complain(&format!("{name} with {tuple}:\n"));
            return Unread(report).tell();
        }
        Err(Stop::State(why)) => return usage(&format!("the state file cannot be written: {why}")),
    }
    job.report(args, &file.display().to_string())
}

/// What is swept, in a line: the same line, the same sweep.
fn plan(args: &SweepArgs, file: &Path, subject: &Subject<'_>, tuples: &Tuples, wanted: &Wanted<'_>) -> String {
    let hash = sum_of(&format!("{:?} {:?}", args.engine, args.limits), subject.swept.text());
    let more = if tuples.more { " and more" } else { "" };
    let fixed = if wanted.fixed.is_empty() { String::new() } else { format!(" with {}", wanted.fixed) };
    let (name, all) = (&subject.case.program.name, tuples.all.len());
    format!("{name} of {}: {all} tuples{more}{fixed} {hash:016x}", file.display())
}

/// Why a sweep ended.
enum Stop {
    Mistake(Report, Tuple),
    State(String),
}

impl Job<'_> {
    fn run(&mut self, jobs: usize, options: &Options) -> Result<(), Stop> {
        let indexed: Vec<(usize, &Tuple)> = self.tuples.all.iter().enumerate().collect();
        let chunks = indexed.chunks(CHUNK).enumerate().filter(|(i, _)| self.kept.part.has(*i));
        let to_do: Vec<(usize, &[(usize, &Tuple)])> = chunks.filter(|(i, _)| !self.kept.done.contains_key(i)).collect();
        let mut stop = None;
        let (subject, kept) = (self.subject, &mut self.kept);
        in_order(
            &to_do,
            jobs,
            |(_, chunk)| {
                let mut tally = Tally::default();
                for tuple in *chunk {
                    drop(subject.look(*tuple, options, &mut tally).map_err(|report| (report, tuple.1.clone()))?);
                }
                Ok(tally)
            },
            |(i, _), tally: Result<Tally, (Report, Tuple)>| {
                // What a signal has cut short is done again another time.
                if interrupt::requested() {
                    return ControlFlow::Break(());
                }
                let added = tally.map_err(|(report, tuple)| Stop::Mistake(report, tuple));
                stop = added.and_then(|tally| kept.add(*i, tally).map_err(|e| Stop::State(e.to_string()))).err();
                if stop.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        );
        if let Some(stop) = stop {
            return Err(stop);
        }
        if interrupt::requested() {
            return Ok(());
        }
        self.kept.end().map_err(|e| Stop::State(e.to_string()))
    }

    fn report(&self, args: &SweepArgs, file: &str) -> Exit {
        let tally = self.kept.tally();
        let looked_at = usize::try_from(tally.programs).unwrap_or(usize::MAX);
        let engine = engines(args.engine.unwrap_or(EngineArg::Explicit)).swap_remove(0);
        let judged: Judged = tuples::judge(
            self.subject.case,
            &tally,
            tuples::left(&self.tuples, looked_at, self.wanted).as_deref(),
            engine,
        );
        let name = &self.subject.case.program.name;
        let text = match args.json {
            true => tuples::json(file, self.subject, &self.tuples, &tally, &judged),
            false => tuples::text(name, &self.tuples, &tally, &judged),
        };
        // What could not be written decides the exit code.
        let _ = write(&text);
        exit_of(judged.grade)
    }
}

/// Whether the plan of a sweep is one of a file's.
pub(super) fn is_plan(plan: &str) -> bool {
    plan.contains(" tuples")
}
