//! `fenceweave check`: explore scenarios and hold them against what they expect.

use super::vacuity::{Ran, Together};
use super::{
    Exit, Unread, complain, engines, find, fitted, grained,
    hosts::Several,
    jobs_or_cores,
    kept::Kept,
    limits, load,
    progress::{Bar, Bars},
    sheet, short_name,
    turns::by_size,
    unbounded, usage, write,
};
use crate::{
    args::{CheckArgs, EngineArg, FormatArg, SamplerArg, StateArgs},
    commands::{coverage, export, inputs, pages, sample, vacuity},
    files::Selection,
    judge::Grade,
    render::{self, View},
    run::{self, CaseRun, LimitOverrides, Options},
};
use fenceweave_explore::{Engine, explicit::Spill, interrupt};
use fenceweave_report::{CountsShown, findings::Tested, json};
use fenceweave_scenario::{Case, Coverage, Fixed, Loaded};
use std::{ops::ControlFlow, path::Path};

/// What came of one file: what to print, and how each case went.
#[derive(Default)]
struct Checked {
    /// It is a library, and has no cases.
    library: bool,
    text: String,
    mistakes: String,
    graded: Vec<(String, Grade)>,
    unread: bool,
    warnings: usize,
    /// Its record in the format of LCOV.
    lcov: String,
    /// What a document or annotations have of it; empty where nobody wants any.
    tested: Vec<Tested>,
    /// A page for each scenario, if somebody wants any.
    pages: Vec<pages::Made>,
}

pub(super) fn check(args: &CheckArgs) -> Exit {
    if let Some(why) = contradiction(args) {
        return usage(why);
    }
    if let Err(why) = Fixed::read(&args.input) {
        return usage(&why);
    }
    let selection = Selection::of(&args.paths);
    let files = match find(&selection.paths()) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let bars = Bars::new();
    let mut folder = match args.html.as_deref().map(pages::Folder::at).transpose() {
        Ok(folder) => folder,
        Err(why) => return usage(&why),
    };
    let kept = match Kept::of(args, &files, &selection) {
        Ok(kept) => kept,
        Err(why) => return usage(&why),
    };
    let several = match Several::of(args, &files, &selection) {
        Ok(Some(several)) if several.helps() => return several.help(args, &options(args), &files, &selection),
        Ok(several) => several,
        Err(why) => return usage(&why),
    };
    let (mut total, mut looked_at) = (Total::default(), 0);
    let jobs = jobs_or_cores(args.jobs);
    let disk = match args.kept.spill.as_deref().map(Spill::at).transpose() {
        Ok(disk) => disk,
        Err(why) => return usage(&format!("--spill: {why}")),
    };
    let searches = jobs.min(files.len()).max(args.hosts.hosts.map_or(1, usize::from)) as u64;
    let args = &CheckArgs { searches, kept: StateArgs { disk, ..args.kept.clone() }, ..args.clone() };
    by_size(
        &files,
        jobs,
        |file| threads_in(file),
        |file| check_file(file, args, &selection, (&bars, kept.as_ref(), several.as_ref())),
        |file, checked| {
            total.add(file, &checked);
            looked_at += 1;
            folder.iter_mut().for_each(|folder| checked.pages.iter().for_each(|page| folder.put(page)));
            bars.aside(|| {
                complain(&checked.mistakes);
                // Nobody reads on: what is left need not be explored.
                if !export::shows_text(args) || write(&checked.text).is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })
        },
    );
    if let Some(refused) = kept.as_ref().and_then(Kept::refused).or(several.as_ref().and_then(Several::refused)) {
        return refused;
    }
    if interrupt::requested() {
        let (left, all) = (files.len() - looked_at, files.len());
        complain(&interrupted(left, all));
    } else if let Some(why) = total.missed(&selection, args) {
        return usage(&format!("{why}; `fenceweave list` shows them all"));
    }
    total.denied = args.deny_warnings;
    if let Err(exit) = deliver(&total, args, folder) {
        return exit;
    }
    kept.iter().for_each(Kept::end);
    total.exit()
}

/// How many threads a file has, about: each is several times the states, and cases and statements tell less. That much
/// can be said without reading it with its libraries.
fn threads_in(file: &Path) -> u64 {
    let text = fenceweave_scenario::read(file).unwrap_or_default();
    let count = |line: &str| {
        let said = line.split_once("count=").map(|(_, said)| said.split(|c: char| !c.is_ascii_digit()).next());
        said.flatten().and_then(|said| said.parse().ok()).unwrap_or(1u64)
    };
    text.lines().filter(|line| line.trim_start().starts_with("thread ")).map(count).fold(0, u64::saturating_add)
}

/// Writes what came of all files together; an error is how the command ends then.
fn deliver(total: &Total, args: &CheckArgs, folder: Option<pages::Folder>) -> Result<(), Exit> {
    if export::format_of(args) != FormatArg::Json && export::shows_text(args) {
        // What could not be written decides the exit code.
        let _ = write(&total.text());
    }
    export::deliver(&total.tested, args)?;
    if let Some(Err(why)) = folder.map(pages::Folder::close) {
        return Err(usage(&why));
    }
    match &args.coverage_lcov {
        Some(path) => {
            let written = crate::files::write_whole(path, &total.lcov);
            written.map_err(|e| usage(&format!("{}: {e}", path.display())))
        }
        None => Ok(()),
    }
}

/// Whether a program (`scenario/case`) of a file is to be explored.
pub(super) fn takes(args: &CheckArgs, selection: &Selection, file: &Path, program: &str) -> bool {
    args.only.as_ref().is_none_or(|only| program.contains(only.as_str())) && selection.takes(file, program)
}

/// Options that cannot both be meant.
fn contradiction(args: &CheckArgs) -> Option<&'static str> {
    let sampled = args.sample.sample.is_some();
    let swarm = args.sample.sample == Some(SamplerArg::Swarm);
    let covers = args.coverage || args.coverage_lcov.is_some();
    let bounded = args.limits.preemptions.is_some() || args.limits.deepen;
    let unbounded = unbounded(&args.limits, args.engine.unwrap_or(EngineArg::Explicit));
    if let Some(why) = export::contradiction(args).or(unbounded) {
        return Some(why);
    }
    match args.engine {
        Some(EngineArg::Shuttle | EngineArg::Loom) if covers => {
            Some("coverage is counted by explicit: leave `--engine` out")
        }
        _ if sampled && covers => Some("coverage is counted by the exhaustive search: leave it or `--sample` out"),
        Some(EngineArg::Shuttle | EngineArg::Loom) if args.kept.spill.is_some() => {
            Some("`--spill` is for explicit, which alone has tables that grow: leave it or `--engine` out")
        }
        _ if bounded && args.kept.spill.is_some() => {
            Some("`--spill` is for whole explorations: leave it or the bound on preemptions out")
        }
        Some(e) if swarm && e != EngineArg::Explicit => {
            Some("walks are over the states of explicit: leave `--engine` out")
        }
        Some(e) if sampled && !swarm && e != EngineArg::Shuttle => {
            Some("`--sample` is done by shuttle: leave `--engine` out")
        }
        _ if sampled && bounded => Some("a sample has no bound on preemptions: leave it or `--sample` out"),
        _ if bounded && args.kept.state.is_some() => {
            Some("`--state` keeps whole explorations: leave it or the bound on preemptions out")
        }
        _ if bounded && (args.hosts.workers.is_some() || args.hosts.hosts.is_some()) => {
            Some("several processes make whole explorations: leave them or the bound on preemptions out")
        }
        _ if sampled && args.exact => Some("`--exact` is for the exhaustive search: leave it or `--sample` out"),
        _ => None,
    }
}

/// What came of all files.
#[derive(Default)]
struct Total {
    files: usize,
    /// Files that are libraries: they have no cases.
    libraries: usize,
    /// Each case by name and file.
    graded: Vec<(String, Grade)>,
    /// Each case by its name alone.
    programs: Vec<String>,
    unread: Vec<String>,
    warnings: usize,
    lcov: String,
    tested: Vec<Tested>,
    /// Whether a warning is a failure.
    denied: bool,
    /// Whether the last thing printed was a blank line.
    blank: bool,
}

impl Total {
    fn add(&mut self, file: &Path, checked: &Checked) {
        let file = file.display();
        self.blank = checked.text.ends_with("\n\n");
        self.files += usize::from(!checked.graded.is_empty());
        self.libraries += usize::from(checked.library);
        self.programs.extend(checked.graded.iter().map(|(name, _)| name.clone()));
        self.graded.extend(checked.graded.iter().map(|(name, grade)| (format!("{name} ({file})"), *grade)));
        self.warnings += checked.warnings;
        self.lcov.push_str(&checked.lcov);
        self.tested.extend(checked.tested.iter().cloned());
        if checked.unread {
            self.unread.push(file.to_string());
        }
    }

    /// What was asked for and is not there. A file with mistakes has no cases to be missed.
    fn missed(&self, selection: &Selection, args: &CheckArgs) -> Option<String> {
        if !self.unread.is_empty() {
            return None;
        }
        let only = args.only.as_deref().unwrap_or_default();
        let nothing = self.graded.is_empty() && (self.libraries == 0 || !only.is_empty());
        let none = nothing.then(|| format!("no scenario or case has `{only}` in its name"));
        selection.missed(self.programs.iter().map(String::as_str)).or(none)
    }

    fn names(&self, grade: Grade) -> Vec<&str> {
        self.graded.iter().filter(|(_, g)| *g == grade).map(|(name, _)| name.as_str()).collect()
    }

    fn exit(&self) -> Exit {
        let worst = self.graded.iter().map(|(_, g)| exit_of(*g)).max().unwrap_or(Exit::Success);
        let worst = if self.denied && self.warnings > 0 { worst.max(Exit::Unexpected) } else { worst };
        if self.unread.is_empty() { worst } else { worst.max(Exit::Usage) }
    }

    /// How many went how, and, where somebody has to do something, which.
    fn text(&self) -> String {
        let unread: Vec<&str> = self.unread.iter().map(String::as_str).collect();
        let bad = [
            ("not as expected", self.names(Grade::NotAsExpected)),
            ("incomplete", self.names(Grade::Incomplete)),
            ("with mistakes", unread),
        ];
        let bad = || bad.iter().filter(|(_, which)| !which.is_empty());
        let mut parts = vec![format!("{} as expected", self.names(Grade::AsExpected).len())];
        parts.extend(bad().map(|(what, which)| match *what {
            "with mistakes" => format!("{} {what}", plural(which.len(), "file")),
            _ => format!("{} {what}", which.len()),
        }));
        if self.warnings > 0 {
            let denied = if self.denied { ", which are denied" } else { "" };
            parts.push(format!("{}{denied}", plural(self.warnings, "warning")));
        }
        let (cases, files) = (plural(self.graded.len(), "case"), plural(self.files, "file"));
        let mut out = String::from(if self.blank { "" } else { "\n" });
        out.push_str(&match self.graded.len() {
            0 if parts.len() == 1 => format!("{} without mistakes of form\n", plural(self.libraries, "library file")),
            0 => format!("{}\n", parts.split_off(1).join(", ")),
            _ => format!("{cases} in {files}: {}\n", parts.join(", ")),
        });
        if self.graded.len() + self.unread.len() > 1 {
            for (what, which) in bad() {
                out.push_str(&format!("{what}:\n  {}\n", which.join("\n  ")));
            }
        }
        out
    }
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// What a signal left undone. The file that it came in was begun.
fn interrupted(left: usize, all: usize) -> String {
    match (left, all) {
        (0, _) => "interrupted: not everything was looked at\n".to_owned(),
        (1, 1) => "interrupted: the file was not looked at\n".to_owned(),
        (1, _) => format!("interrupted: 1 of {all} files was not looked at\n"),
        _ => format!("interrupted: {left} of {all} files were not looked at\n"),
    }
}

/// What is shown while it is explored, what is kept of it, and who explores with this process.
type Watchers<'w> = (&'w Bars, Option<&'w Kept>, Option<&'w Several>);

fn check_file(file: &Path, args: &CheckArgs, selection: &Selection, (bars, kept, several): Watchers<'_>) -> Checked {
    let loaded = match load(file) {
        Ok(loaded) => grained(loaded, args.limits.grain),
        Err(unread) => return not_read(file, &unread, args),
    };
    let (mut checked, mut covered) = (Checked::default(), Coverage::default());
    checked.library = loaded.scenarios.is_empty();
    for (at, scenario) in loaded.scenarios.iter().enumerate() {
        let mut runs = vec![];
        for case in &scenario.cases {
            let name = &case.program.name;
            if !takes(args, selection, file, name) {
                runs.push(None);
                continue;
            }
            if !case.tuple.is_empty() {
                let mut all = Together::default();
                let mut see = |case: &Case, run: &CaseRun| {
                    coverage::add(&mut covered, case, run);
                    all.add(run);
                };
                let how = (export::format_of(args) == FormatArg::Json, &options(args));
                match inputs::check(&loaded, (&scenario.name, case), &args.input, how, &mut see) {
                    Ok((text, grade)) => {
                        checked.graded.push((name.clone(), grade));
                        checked.tested.extend(export::tuples(args, scenario, (file, name), grade, &text));
                        if !args.failures || grade != Grade::AsExpected {
                            checked.text.push_str(&text);
                        }
                        // Of the tuples that `--input` leaves out nothing is known.
                        let all = args.input.is_empty().then(|| all.ended(grade != Grade::Incomplete));
                        runs.push(all.map(Ran::Tuples));
                    }
                    Err(unread) => return not_read(file, &unread, args),
                }
                continue;
            }
            let Some(run) = run_case(case, args, (&bars.bar(name), kept, several)) else { return checked };
            checked.graded.push((name.clone(), run.judgement.grade()));
            coverage::add(&mut covered, case, &run);
            checked.text.push_str(&text(file, &scenario.name, case, &run, args));
            checked.tested.extend(export::case(args, scenario, file, (case, &run)));
            runs.push(Some(Ran::Once(Box::new(run))));
        }
        if runs.iter().any(Option::is_some) {
            let warnings = vacuity::of(&loaded, at, &runs);
            checked.warnings += warnings.count();
            let as_json = export::format_of(args) == FormatArg::Json;
            checked.text.push_str(&vacuity::text(&warnings, &loaded.file, &scenario.name, as_json));
            export::warn(args, &warnings, &mut checked.tested);
            if args.html.is_some() {
                let ran = scenario.cases.iter().zip(&runs).filter_map(|(case, ran)| Some((case, ran.as_ref()?)));
                let cases: Vec<_> = ran.map(|(case, ran)| (case, pages::run_of(case, ran, &options(args)))).collect();
                checked.pages.push(pages::made(&loaded, scenario, &cases, &covered));
            }
        }
    }
    if args.coverage && export::format_of(args) != FormatArg::Json && !checked.graded.is_empty() {
        checked.text.push_str(&coverage::text(&loaded, &covered));
    }
    if args.coverage_lcov.is_some() && !checked.graded.is_empty() {
        checked.lcov = coverage::lcov(&loaded, &covered);
    }
    checked
}

fn not_read(file: &Path, unread: &Unread, args: &CheckArgs) -> Checked {
    let as_json = export::format_of(args) == FormatArg::Json;
    let text = if as_json { unread.json(&file.display().to_string()) } else { String::new() };
    let tested = export::unread(args, file, unread).into_iter().collect();
    Checked { text, mistakes: unread.text(), unread: true, tested, ..Checked::default() }
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

fn options(args: &CheckArgs) -> Options {
    Options {
        engines: engines(args.engine.unwrap_or(EngineArg::Explicit)),
        exact: args.exact,
        spill: args.kept.disk.clone(),
        limits: LimitOverrides { at_once: args.searches, ..limits(&args.limits) },
        ..Options::default()
    }
}

/// Explores a case; `None` if it cannot be gone on with.
fn run_case(
    case: &Case,
    args: &CheckArgs,
    (bar, kept, several): (&Bar, Option<&Kept>, Option<&Several>),
) -> Option<CaseRun> {
    let options = options(args);
    match (args.sample.sample, kept, several) {
        (Some(SamplerArg::Swarm), ..) => Some(sample::walk(case, &args.sample, &options, bar)),
        (Some(sampler), ..) => Some(sample::sample(case, sampler, &args.sample, &options, bar)),
        (None, Some(kept), _) => kept.run(case, &options, bar, several),
        (None, None, Some(several)) => several.run(case, &options, bar),
        (None, None, None) => Some(run::run(case, &options, bar)),
    }
}

fn text(file: &Path, scenario: &str, case: &Case, run: &CaseRun, args: &CheckArgs) -> String {
    if args.failures && run.judgement.grade() == Grade::AsExpected {
        return String::new();
    }
    if export::format_of(args) == FormatArg::Json {
        return json_line(file, scenario, case, run, args.stats);
    }
    let counts = if args.stats { CountsShown::Exact } else { CountsShown::Hidden };
    let name = short_name(file);
    let view = View { counts, times: args.stats, sheet: sheet(&args.traces, &name) };
    fitted(render::check_text(case, run, view), &args.traces)
}

fn json_line(file: &Path, scenario: &str, case: &Case, run: &CaseRun, timed: bool) -> String {
    let engine = run::scenario_engine(run.runs.first().map_or(Engine::Explicit, |r| r.engine));
    let conditions: Vec<String> = case.expectations.conditions(engine).map(|e| e.text.clone()).collect();
    let (verdict, file) = (render::verdict(case, run), file.display().to_string());
    let failures: Vec<json::Failed<'_>> = run
        .judgement
        .failures
        .iter()
        .map(|f| json::Failed {
            text: &f.text,
            engines: f.engines.iter().map(|e| e.name()).collect(),
            trace: f.trace.as_ref(),
        })
        .collect();
    let grade = match run.judgement.grade() {
        Grade::AsExpected => "as-expected",
        Grade::Incomplete => "incomplete",
        Grade::NotAsExpected => "not-as-expected",
    };
    let seconds: Vec<f64> = run.times.iter().filter(|_| timed).map(|t| t.as_secs_f64()).collect();
    json::line(&json::Report {
        scenario,
        case: case.name.as_deref(),
        program: &case.program,
        file: Some(&file),
        judged: Some(json::Judged { verdict: &verdict, grade, failures: &failures }),
        conditions: &conditions,
        explorations: &run.runs,
        seconds: &seconds,
        walks: run.walks.as_ref(),
    })
}

#[cfg(test)]
mod tests {
    use super::interrupted;

    #[test]
    fn a_signal_leaves_files_or_part_of_one() {
        assert_eq!(interrupted(0, 1), "interrupted: not everything was looked at\n");
        assert_eq!(interrupted(1, 1), "interrupted: the file was not looked at\n");
        assert_eq!(interrupted(1, 3), "interrupted: 1 of 3 files was not looked at\n");
        assert_eq!(interrupted(2, 3), "interrupted: 2 of 3 files were not looked at\n");
    }
}
