//! `fenceweave mutants FILE[::CASE]`: one scenario with mistakes put into its text, one after the other. How many of
//! them its expectations notice is what its verdict is worth.

use super::{Exit, in_order, load, usage, write};
use crate::{
    args::MutantsArgs,
    judge::Grade,
    run::{self, CaseRun, LimitOverrides, Options},
};
use fenceweave_explore::Engine;
use fenceweave_fuzz::{
    alter::{Alteration, alterations, at_most},
    campaign::quietly,
};
use fenceweave_kernel::{Outcome, Program, program::SourceLine};
use fenceweave_report::json;
use fenceweave_scenario::{Case, Loaded, Scenario};
use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Instant,
};

/// What a mistake may need more than the scenario itself.
const ROOM: u64 = 20;
const ROOM_AT_LEAST: u64 = 20_000;
/// Loom is asked about missing orders and barriers, which show with few preemptions.
const PREEMPTIONS: u32 = 2;

/// What became of a mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Fate {
    /// The scenario's expectations notice it: in which case, and what fails.
    Noticed(String, String),
    /// It ends differently, and no expectation notices.
    Unnoticed,
    /// It ends in the same ways: most likely it is no mistake.
    NoDifference,
    /// A limit was hit before anything showed.
    Undecided,
    /// The programs are the same: the statement is not part of them.
    Same,
    /// The text does not load.
    Unread,
    /// The time was up.
    NotTried,
}

impl Fate {
    fn name(&self) -> &'static str {
        match self {
            Fate::Noticed(..) => "noticed",
            Fate::Unnoticed => "unnoticed",
            Fate::NoDifference => "no-difference",
            Fate::Undecided => "undecided",
            Fate::Same => "same-program",
            Fate::Unread => "does-not-load",
            Fate::NotTried => "not-tried",
        }
    }
}

/// The file that a path names, and the case behind `::`; `None` if it names no file.
pub(super) fn file_and_case(path: &Path) -> Option<(PathBuf, Option<String>)> {
    if path.is_file() {
        return Some((path.to_path_buf(), None));
    }
    let (file, case) = path.to_str()?.rsplit_once("::")?;
    Path::new(file).is_file().then(|| (PathBuf::from(file), Some(case.to_owned())))
}

pub(super) fn altered(args: &MutantsArgs, file: &Path, case: Option<&str>) -> Exit {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let subjects = match subjects(&loaded, case, args) {
        Ok(subjects) => subjects,
        Err(why) => return usage(&why),
    };
    let began = Instant::now();
    let mut all = Tally::default();
    for subject in &subjects {
        let every = match alterations(&loaded.text, &subject.scenario.name) {
            Ok(every) => every,
            Err(report) => return super::Unread(report).tell(),
        };
        let left_out = every.len().saturating_sub(args.max as usize);
        all.left_out += left_out;
        let every = at_most(args.max as usize, every);
        let late = || args.seconds.is_some_and(|most| began.elapsed() > most);
        in_order(
            &every,
            args.jobs.into(),
            |a| if late() { Fate::NotTried } else { quietly(|| subject.fate(a)) },
            |a, fate| {
                let line =
                    if args.json { json_line(&loaded.file, a, &fate) } else { line(&loaded.file, a, &fate, args.all) };
                all.fates.push(fate);
                if write(&line).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        );
    }
    let _ = write(&if args.json { all.json(&loaded.file) } else { all.text() });
    Exit::Success
}

/// A scenario that mistakes are put into.
struct Subject<'a> {
    file: &'a str,
    scenario: &'a Scenario,
    /// The cases that are looked at, each with how it ends without a mistake.
    cases: Vec<(&'a Case, BTreeSet<Outcome>)>,
    states: u64,
}

/// The scenarios of the file; what is not as expected without a mistake shows nothing.
fn subjects<'a>(loaded: &'a Loaded, wanted: Option<&str>, args: &MutantsArgs) -> Result<Vec<Subject<'a>>, String> {
    let mut found = vec![];
    for scenario in &loaded.scenarios {
        let mut subject = Subject { file: &loaded.file, scenario, cases: vec![], states: 0 };
        for case in &scenario.cases {
            let is_it = |name: &str| case.name.as_deref() == Some(name) || case.program.name == name;
            if !wanted.is_none_or(is_it) {
                continue;
            }
            let run = run::run(case, &Options::default(), &());
            match run.judgement.grade() {
                Grade::AsExpected => {}
                Grade::NotAsExpected => {
                    let name = &case.program.name;
                    return Err(format!(
                        "{name} is not as expected without any mutation: `fenceweave check` says more"
                    ));
                }
                Grade::Incomplete => {
                    let name = &case.program.name;
                    return Err(format!("the search of {name} does not end: what is not noticed would say nothing"));
                }
            }
            let states = run.runs.iter().map(|r| r.counts.states).max().unwrap_or(0);
            subject.states = subject.states.max(states * ROOM + ROOM_AT_LEAST);
            subject.cases.push((case, outcomes(&run)));
        }
        subject.states = args.states.unwrap_or(subject.states);
        if !subject.cases.is_empty() {
            found.push(subject);
        }
    }
    if found.is_empty() {
        let name = wanted.unwrap_or_default();
        return Err(format!("no case has the name `{name}`; `fenceweave list` shows them all"));
    }
    Ok(found)
}

fn outcomes(run: &CaseRun) -> BTreeSet<Outcome> {
    run.runs.first().map(|r| r.outcomes.clone()).unwrap_or_default()
}

impl Subject<'_> {
    fn fate(&self, a: &Alteration) -> Fate {
        let Ok(loaded) = fenceweave_scenario::load_as(Path::new(self.file), &a.text) else { return Fate::Unread };
        let Some(scenario) = loaded.scenarios.iter().find(|s| s.name == self.scenario.name) else {
            return Fate::Unread;
        };
        let mut worst = Fate::Same;
        for (case, ends) in &self.cases {
            let Some(other) = scenario.cases.iter().find(|c| c.name == case.name) else { continue };
            if bare(&other.program) == bare(&case.program) {
                continue;
            }
            let fate = self.fate_of(other, ends, a);
            if matches!(fate, Fate::Noticed(..)) {
                return fate;
            }
            worst = worse(worst, fate);
        }
        worst
    }

    /// One case with the mistake in it. A panic is a check of the model's own, and notices it like any other.
    fn fate_of(&self, case: &Case, ends: &BTreeSet<Outcome>, a: &Alteration) -> Fate {
        let mut engines = vec![Engine::Explicit];
        if a.kind.needs_loom() && case.is_for(fenceweave_scenario::Engine::Loom) {
            engines.push(Engine::Loom);
        }
        let mut fate = Fate::NoDifference;
        for engine in engines {
            let preemptions = (engine == Engine::Loom).then_some(PREEMPTIONS);
            let limits = LimitOverrides { states: Some(self.states), preemptions, ..LimitOverrides::default() };
            let options = Options { engines: vec![engine], exact: false, limits };
            let Ok(run) = catch_unwind(AssertUnwindSafe(|| run::run(case, &options, &()))) else {
                return Fate::Noticed(case.program.name.clone(), "a check of the model's own".to_owned());
            };
            if let Some(first) = run.judgement.failures.first() {
                return Fate::Noticed(case.program.name.clone(), first.text.clone());
            }
            let complete = run.runs.iter().all(|r| r.coverage.is_complete());
            fate = worse(
                fate,
                match (engine, complete) {
                    (Engine::Explicit, false) => Fate::Undecided,
                    (Engine::Explicit, true) if outcomes(&run) != *ends => Fate::Unnoticed,
                    _ => Fate::NoDifference,
                },
            );
        }
        fate
    }
}

/// Of two the one that says less for the scenario.
fn worse(one: Fate, other: Fate) -> Fate {
    let rank = |fate: &Fate| match fate {
        Fate::Same => 0,
        Fate::NoDifference => 1,
        Fate::Undecided => 2,
        _ => 3,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// A program without where it is written.
fn bare(program: &Program) -> Program {
    let mut bare = program.clone();
    let scripts = bare.scripts.iter_mut().chain([&mut bare.setup, &mut bare.teardown]);
    scripts.for_each(|script| script.lines.fill(SourceLine::default()));
    bare
}

/// What was there, and what is instead.
fn change(a: &Alteration) -> String {
    match a.becomes.as_str() {
        "" => format!("without `{}`", a.was),
        new => format!("`{new}` instead of `{}`", a.was),
    }
}

fn line(file: &str, a: &Alteration, fate: &Fate, all: bool) -> String {
    let place = format!("{file}:{}:{}", a.line, a.column);
    let head = match fate {
        Fate::Noticed(case, by) if all => return format!("noticed        {place}: {}: {case}: {by}\n", change(a)),
        Fate::Noticed(..) | Fate::Same | Fate::NotTried => return String::new(),
        Fate::Unread if !all => return String::new(),
        Fate::Unnoticed => "NOBODY NOTICES",
        Fate::NoDifference => "no difference",
        Fate::Undecided => "undecided",
        Fate::Unread => "does not load",
    };
    format!("{head:14} {place}: {}\n", change(a))
}

fn json_line(file: &str, a: &Alteration, fate: &Fate) -> String {
    let (case, by) = match fate {
        Fate::Noticed(case, by) => (Some(case.as_str()), Some(by.as_str())),
        _ => (None, None),
    };
    let (kind, fate) = (a.kind.name(), fate.name());
    let (was, becomes) = (a.was.as_str(), Some(a.becomes.as_str()).filter(|new| !new.is_empty()));
    json::mutant(&json::Mutant { file, line: a.line, column: a.column, kind, was, becomes, fate, case, by })
}

/// What became of all of them.
#[derive(Default)]
struct Tally {
    fates: Vec<Fate>,
    left_out: usize,
}

impl Tally {
    fn count(&self, name: &str) -> usize {
        self.fates.iter().filter(|fate| fate.name() == name).count()
    }

    /// Those that show something.
    fn tried(&self) -> usize {
        ["noticed", "unnoticed", "no-difference"].iter().map(|name| self.count(name)).sum()
    }

    fn text(&self) -> String {
        let [noticed, unnoticed, same_ends] = ["noticed", "unnoticed", "no-difference"].map(|name| self.count(name));
        let share = 100.0 * noticed as f64 / self.tried().max(1) as f64;
        let mut out = format!("\n{noticed} of {} mistakes are noticed ({share:.0} %)", self.tried());
        if unnoticed > 0 {
            out += &format!("; {unnoticed} end differently and nobody notices");
        }
        if same_ends > 0 {
            out += &format!("; {same_ends} make no difference that is seen at an end");
        }
        for (name, said) in [
            ("undecided", "not decided within the limit"),
            ("does-not-load", "do not load"),
            ("same-program", "are not part of these cases"),
            ("not-tried", "not tried, the time was up"),
        ] {
            if self.count(name) > 0 {
                out += &format!("; {} {said}", self.count(name));
            }
        }
        if self.left_out > 0 {
            out += &format!("; {} more were left out (`--max`)", self.left_out);
        }
        out + "\n"
    }

    fn json(&self, file: &str) -> String {
        let count = |name: &str| self.count(name);
        json::mutants(&json::Mutants {
            file,
            noticed: count("noticed"),
            unnoticed: count("unnoticed"),
            no_difference: count("no-difference"),
            undecided: count("undecided"),
            same_program: count("same-program"),
            does_not_load: count("does-not-load"),
            not_tried: count("not-tried") + self.left_out,
        })
    }
}
