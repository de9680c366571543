//! `fenceweave mutants FILE[::CASE]`: one scenario with mistakes put into its text, one after the other. How many of
//! them its expectations notice is what its verdict is worth.

use super::{Exit, all_loaded, find, load, turns::in_order, usage, write};
use crate::{
    args::MutantsArgs,
    files,
    judge::Grade,
    run::{self, CaseRun, LimitOverrides, Options},
    tuples,
};
use fenceweave_explore::{Engine, interrupt};
use fenceweave_fuzz::{
    alter::{Alteration, alterations, alterations_of_library, at_most},
    campaign::quietly,
};
use fenceweave_kernel::{Cover, Outcome, Program, Violation, program::SourceLine};
use fenceweave_report::json;
use fenceweave_scenario::{Case, Fixed, Loaded, Replaced, Scenario, Swept, Verdict, library_files, load_as};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Instant,
};

/// What a mistake may need more than the scenario itself.
const ROOM: u64 = 20;
const ROOM_AT_LEAST: u64 = 20_000;
/// What it may need at first, where there are other scenarios that may notice it sooner.
const FIRST_ROOM: u64 = 2;
const FIRST_ROOM_AT_LEAST: u64 = 2_000;
/// What one mistake in a library may need in all cases together, before it is not decided: one that lets every search
/// grow without end would need it everywhere.
const MOST_STATES: u64 = 3_000_000;
/// Loom is asked about missing orders and barriers, which show with few preemptions.
const PREEMPTIONS: u32 = 2;
/// So many mistakes are tried before it is looked which cases have noticed them: the next ones are shown to those
/// first. What is told is the same for any number of jobs.
const AT_ONCE: usize = 8;
/// So many cases of those that have noticed a mistake in a function are kept.
const MOST_NOTICERS: usize = 8;
/// What it costs to load and begin the program of one tuple, in states.
const OF_A_TUPLE: u64 = 500;

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
    /// Nobody notices it, and its author says why.
    Explained(String),
    /// Its author says why nobody notices it, but somebody does: in which case, and what fails.
    WronglyExplained(String, String),
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
            Fate::Explained(_) => "explained",
            Fate::WronglyExplained(..) => "wrongly-explained",
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
    let mut round = Round::new(args);
    for subject in &subjects {
        let every = match alterations(&loaded.text, &subject.scenario.name) {
            Ok(every) => every,
            Err(report) => return super::Unread(report).tell(),
        };
        round.go(&loaded.file, every, |a, _| (subject.fate(a), None));
    }
    round.end(&loaded.file)
}

/// `fenceweave mutants --library NAME`: mistakes in a library, which the scenarios that use it should notice.
pub(super) fn library(args: &MutantsArgs, name: &str) -> Exit {
    let files = match library_texts(name) {
        Ok(files) => files,
        Err(why) => return usage(&why),
    };
    let paths = match find(&args.paths) {
        Ok(paths) => paths,
        Err(exit) => return exit,
    };
    let mut users = match all_loaded(&paths, args.jobs.into()) {
        Ok(users) => users,
        Err(exit) => return exit,
    };
    users.retain(|loaded| uses(loaded, &files));
    let (mut all, mut wrong): (Vec<Subject<'_>>, Option<String>) = (vec![], None);
    let each: Vec<usize> = (0..users.len()).collect();
    let look = |at: &usize| subjects(&users[*at], None, args);
    in_order(&each, args.jobs.into(), look, |at, found| match found {
        Ok(subjects) => {
            all.extend(subjects);
            ControlFlow::Continue(())
        }
        Err(why) => {
            wrong = Some(format!("{}: {why}", users[*at].file));
            ControlFlow::Break(())
        }
    });
    if let Some(why) = wrong {
        return usage(&why);
    }
    if all.is_empty() {
        return usage(&format!("no scenario there uses `{name}`: what would notice a mistake in it?"));
    }
    let mut round = Round::new(args);
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    for (file, text) in &files {
        let every = match alterations_of_library(text, &texts) {
            Ok(every) => every,
            Err(report) => return super::Unread(report).tell(),
        };
        round.go(file, every, |a, noticers| of_all(&all, a, file, noticers));
    }
    round.end(name)
}

/// A case that has noticed a mistake: of which subject, and which of its cases.
type Noticer = (usize, usize);

/// Who has noticed mistakes in a function, the last one first: by the line on which the function begins.
#[derive(Default)]
struct Noticers(BTreeMap<u32, Vec<Noticer>>);

impl Noticers {
    fn note(&mut self, function: u32, who: Noticer) {
        let known = self.0.entry(function).or_default();
        known.retain(|other| *other != who);
        known.insert(0, who);
        known.truncate(MOST_NOTICERS);
    }

    /// The place among those that have noticed mistakes there; who has not comes last.
    fn rank(&self, a: &Alteration, who: Noticer) -> usize {
        let known = self.0.get(a.section.start());
        known.and_then(|known| known.iter().position(|other| *other == who)).unwrap_or(MOST_NOTICERS)
    }
}

/// The first case that notices it, of those that come to its function at all: who has noticed others there, then the
/// smallest; else what most of them say. Each has little room at first: who has not noticed it there is asked again
/// when nobody else has.
fn of_all(all: &[Subject<'_>], a: &Alteration, file: &str, noticers: &Noticers) -> (Fate, Option<Noticer>) {
    let replaced = Replaced { file, text: &a.text };
    let each = |(of, subject): (usize, &Subject<'_>)| (0..subject.cases.len()).map(move |at| (of, at));
    let case = |(of, at): Noticer| &all[of].cases[at];
    let mut left: Vec<Noticer> = all.iter().enumerate().flat_map(each).collect();
    left.retain(|who| case(*who).comes_to(&replaced, a));
    left.sort_by_key(|who| (noticers.rank(a, *who), case(*who).cost));
    let mut read: Vec<Option<Swept>> = all.iter().map(|_| None).collect();
    let (mut worst, mut spent) = (Fate::Same, 0);
    for (times, least) in [(FIRST_ROOM, FIRST_ROOM_AT_LEAST), (ROOM, ROOM_AT_LEAST)] {
        let mut again = vec![];
        for who in left {
            let (subject, known) = (&all[who.0], case(who));
            let room = subject.most.unwrap_or(known.states * times + least);
            if spent + room > MOST_STATES {
                again.push(who);
                continue;
            }
            match subject.fate_replaced(&mut read[who.0], known, a, (replaced, room)) {
                fate @ Fate::Noticed(..) => return (fate, Some(who)),
                Fate::Unread => return (Fate::Unread, None),
                Fate::Undecided => {
                    spent += room;
                    again.push(who);
                }
                fate => worst = worse(worst, fate),
            }
        }
        left = again;
    }
    (if left.is_empty() { worst } else { worse(worst, Fate::Undecided) }, None)
}

/// The files of a library, built in or of somebody's own, each with its text.
fn library_texts(name: &str) -> Result<Vec<(String, String)>, String> {
    let built_in = library_files(name);
    if !built_in.is_empty() {
        return Ok(built_in.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect());
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(format!("there is no library `{name}`: `fenceweave library` lists them"));
    }
    let texts = files::find(&[path.to_path_buf()])?.into_iter().map(|file| {
        let text = files::read_text(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok((file.display().to_string(), text))
    });
    texts.collect()
}

/// Whether a scenario of the file has a use for one of these.
fn uses(loaded: &Loaded, library: &[(String, String)]) -> bool {
    let cases = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let mut read = cases.flat_map(|case| &case.program.files);
    read.any(|file| library.iter().any(|(known, _)| Replaced { file: known, text: "" }.is(file)))
}

/// All mistakes of one run of the command.
struct Round<'a> {
    args: &'a MutantsArgs,
    began: Instant,
    all: Tally,
}

impl<'a> Round<'a> {
    fn new(args: &'a MutantsArgs) -> Round<'a> {
        Round { args, began: Instant::now(), all: Tally::default() }
    }

    /// Puts these into a file, one after the other, and tells what becomes of each.
    fn go(
        &mut self,
        file: &str,
        mut every: Vec<Alteration>,
        fate: impl Fn(&Alteration, &Noticers) -> (Fate, Option<Noticer>) + Sync,
    ) {
        let (args, all, began) = (self.args, &mut self.all, self.began);
        every.retain(|a| args.at.is_empty() || args.at.iter().any(|place| place.has(file, a.line)));
        all.left_out += every.len().saturating_sub(args.max as usize);
        let every = at_most(args.max as usize, every);
        let late = || args.seconds.is_some_and(|most| began.elapsed() > most);
        let mut noticers = Noticers::default();
        for some in every.chunks(AT_ONCE) {
            let mut new = vec![];
            let mut goes_on = true;
            in_order(
                some,
                args.jobs.into(),
                |a| if late() { (Fate::NotTried, None) } else { quietly(|| fate(a, &noticers)) },
                |a, (fate, who)| {
                    // A search that the signal cut short says nothing about the mistake.
                    if interrupt::requested() {
                        goes_on = false;
                        return ControlFlow::Break(());
                    }
                    new.extend(who.map(|who| (*a.section.start(), who)));
                    let fate = explained(a, fate);
                    let line = if args.json { json_line(file, a, &fate) } else { line(file, a, &fate, args.all) };
                    all.fates.push(fate);
                    goes_on = write(&line).is_ok();
                    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                },
            );
            if !goes_on {
                return;
            }
            new.into_iter().for_each(|(function, who)| noticers.note(function, who));
        }
    }

    /// How many came to what. What its author says of a mistake has to be true, and one that ends differently has to be
    /// noticed; what makes no difference may be none.
    fn end(&self, file: &str) -> Exit {
        let _ = write(&if self.args.json { self.all.json(file) } else { self.all.text() });
        let any = |fates: &[&str]| fates.iter().any(|fate| self.all.count(fate) > 0);
        match any(&["wrongly-explained", "unnoticed"]) || self.args.deny && any(&["no-difference", "undecided"]) {
            true => Exit::Unexpected,
            false => Exit::Success,
        }
    }
}

/// What the author has said of it.
fn explained(a: &Alteration, fate: Fate) -> Fate {
    match (&a.because, fate) {
        (Some(why), Fate::Unnoticed | Fate::NoDifference | Fate::Undecided) => Fate::Explained(why.clone()),
        (Some(_), Fate::Noticed(case, by)) => Fate::WronglyExplained(case, by),
        (_, fate) => fate,
    }
}

/// A scenario that mistakes are put into.
struct Subject<'a> {
    file: &'a str,
    text: &'a str,
    scenario: &'a Scenario,
    /// The cases that are looked at.
    cases: Vec<Known<'a>>,
    /// Most states of one with a mistake in it, if the user says so.
    most: Option<u64>,
}

/// A case as it is without a mistake.
struct Known<'a> {
    case: &'a Case,
    ends: Ends,
    /// Of the largest of its programs.
    states: u64,
    /// What it takes to look at it, in states.
    cost: u64,
    /// The lines of each file on which there is a step; `None` if nobody has counted.
    lines: Option<Lines>,
}

/// By the name of a file, lines on which there is a step, and whether executions come to one of them.
type Lines = BTreeMap<String, BTreeMap<u32, bool>>;

impl Known<'_> {
    /// Whether any execution comes to this statement of a library's file; if it is no step of its own, to the function
    /// that it stands in. One that does not is the same whatever stands there.
    fn comes_to(&self, file: &Replaced<'_>, a: &Alteration) -> bool {
        let Some(known) = &self.lines else { return true };
        let mut there = known.iter().filter(|(name, _)| file.is(name)).map(|(_, lines)| lines);
        there.any(|lines| match lines.get(&a.line) {
            Some(came) => *came,
            None => lines.range(a.section.clone()).any(|(_, came)| *came),
        })
    }
}

/// Adds the lines of a program, and whether executions came there; nothing is known of them if nobody has counted.
fn add_lines(found: &mut Option<Lines>, program: &Program, cover: Option<&Cover>) {
    let Some(cover) = cover else { return *found = None };
    let Some(found) = found else { return };
    let scripts = program.scripts.iter().chain([&program.setup, &program.teardown]);
    for (at, script) in scripts.enumerate() {
        for (line, passed) in script.lines.iter().zip(cover.of(at)) {
            let Some(name) = usize::from(line.file).checked_sub(1).and_then(|file| program.files.get(file)) else {
                continue;
            };
            *found.entry(name.clone()).or_default().entry(line.line).or_default() |= passed.came > 0;
        }
    }
}

/// How a case ends.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Ends {
    /// With one of these outcomes.
    Outcomes(BTreeSet<Outcome>),
    /// Of a case with inputs: how many tuples fail, and in which ways.
    Tuples(Vec<(String, u64)>),
}

impl Ends {
    /// A statement more or less before the one that is wrong moves it to another instruction, and is no other end.
    fn of(outcomes: BTreeSet<Outcome>) -> Ends {
        let nowhere = |v: Violation| Violation { pc: 0, ..v };
        let ends = outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Finished { locals, vars, warned } => {
                Outcome::Finished { locals, vars, warned: warned.into_iter().map(nowhere).collect() }
            }
            Outcome::Violated(v) => Outcome::Violated(nowhere(v)),
        });
        Ends::Outcomes(ends.collect())
    }
}

/// The scenarios of the file; what is not as expected without a mistake shows nothing.
fn subjects<'a>(loaded: &'a Loaded, wanted: Option<&str>, args: &MutantsArgs) -> Result<Vec<Subject<'a>>, String> {
    let mut found = vec![];
    for scenario in &loaded.scenarios {
        let (file, text) = (loaded.file.as_str(), loaded.text.as_str());
        let mut subject = Subject { file, text, scenario, cases: vec![], most: args.states };
        for case in &scenario.cases {
            let is_it = |name: &str| case.name.as_deref() == Some(name) || case.program.name == name;
            if !wanted.is_none_or(is_it) {
                continue;
            }
            let look = Look { file, text, replaced: None, scenario: &scenario.name };
            let seen = look.at(case, &Options::default())?;
            match seen.grade {
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
            let Seen { ends, states, cost, lines, .. } = seen;
            subject.cases.push(Known { case, ends, states, cost, lines });
        }
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

/// Where a case is from: its tuples are lowered from there.
#[derive(Clone, Copy)]
struct Look<'a> {
    file: &'a str,
    text: &'a str,
    replaced: Option<Replaced<'a>>,
    scenario: &'a str,
}

/// What was seen of a case.
struct Seen {
    grade: Grade,
    /// The first thing that is not as expected.
    failure: Option<String>,
    complete: bool,
    ends: Ends,
    /// Of the largest of its programs.
    states: u64,
    /// Of all of them, and what it takes to begin one.
    cost: u64,
    lines: Option<Lines>,
}

fn states_of(run: &CaseRun) -> u64 {
    run.runs.iter().map(|r| r.counts.states).max().unwrap_or(0)
}

impl Look<'_> {
    fn at(&self, case: &Case, options: &Options) -> Result<Seen, String> {
        if !case.tuple.is_empty() {
            return self.at_tuples(case, options);
        }
        let run = run::run(case, options, &());
        let states = states_of(&run);
        let mut lines = Some(Lines::new());
        add_lines(&mut lines, &case.program, run.runs.first().and_then(|r| r.cover.as_ref()));
        Ok(Seen {
            grade: run.judgement.grade(),
            failure: run.judgement.failures.first().map(|f| f.text.clone()),
            complete: run.runs.iter().all(|r| r.coverage.is_complete()),
            states,
            cost: states,
            lines,
            ends: Ends::of(run.runs.into_iter().next().map(|r| r.outcomes).unwrap_or_default()),
        })
    }

    fn at_tuples(&self, case: &Case, options: &Options) -> Result<Seen, String> {
        let swept = Swept::read_replacing(Path::new(self.file), self.text, self.replaced);
        let swept = swept.map_err(|report| report.plain())?;
        let subject = tuples::Subject { swept: &swept, scenario: self.scenario, case };
        let wanted = tuples::Wanted { fixed: &Fixed::default(), most: tuples::OF_CHECK };
        let (mut states, mut cost, mut lines) = (0, 0, Some(Lines::new()));
        let mut see = |case: &Case, run: &CaseRun| {
            let of_it = states_of(run);
            (states, cost) = (of_it.max(states), cost + of_it + OF_A_TUPLE);
            add_lines(&mut lines, &case.program, run.runs.first().and_then(|r| r.cover.as_ref()));
        };
        let found = tuples::sweep_seeing(&subject, &wanted, options, &mut see);
        let found = found.map_err(|(report, _)| report.plain())?;
        let ways = found.tally.clusters.iter().map(|(way, of)| (way.clone(), of.programs));
        Ok(Seen {
            grade: found.judged.grade,
            failure: found.judged.failures.first().cloned(),
            complete: found.judged.grade != Grade::Incomplete,
            ends: Ends::Tuples(ways.collect()),
            states,
            cost,
            lines,
        })
    }
}

impl Subject<'_> {
    /// What becomes of a mistake in the scenario itself.
    fn fate(&self, a: &Alteration) -> Fate {
        let Ok(loaded) = load_as(Path::new(self.file), &a.text) else { return Fate::Unread };
        let most = self.cases.iter().map(|known| known.states * ROOM + ROOM_AT_LEAST).max().unwrap_or(0);
        let most = self.most.unwrap_or(most);
        let mut worst = Fate::Same;
        let Some(scenario) = loaded.scenarios.iter().find(|s| s.name == self.scenario.name) else {
            return Fate::Unread;
        };
        for known in &self.cases {
            let other = scenario.cases.iter().find(|c| c.name == known.case.name);
            let fate = other.map_or(Fate::Same, |other| self.fate_there(other, known, a, (None, most)));
            if matches!(fate, Fate::Noticed(..) | Fate::Unread) {
                return fate;
            }
            worst = worse(worst, fate);
        }
        worst
    }

    /// What becomes of a mistake in a library in one case, which alone is lowered; the file is read once for all.
    fn fate_replaced(
        &self,
        read: &mut Option<Swept>,
        known: &Known<'_>,
        a: &Alteration,
        (replaced, most): (Replaced<'_>, u64),
    ) -> Fate {
        let read = match read {
            Some(read) => read,
            None => match Swept::read_replacing(Path::new(self.file), self.text, Some(replaced)) {
                Ok(changed) => read.insert(changed),
                Err(_) => return Fate::Unread,
            },
        };
        match read.case(&self.scenario.name, known.case.name.as_deref(), &known.case.tuple) {
            Ok(Some(other)) => self.fate_there(&other, known, a, (Some(replaced), most)),
            Ok(None) => Fate::Same,
            Err(_) => Fate::Unread,
        }
    }

    /// What becomes of it in one case as it is with the mistake, with room for so many states.
    fn fate_there(
        &self,
        other: &Case,
        known: &Known<'_>,
        a: &Alteration,
        (replaced, most): (Option<Replaced<'_>>, u64),
    ) -> Fate {
        // Of a case with inputs this is one program of many.
        if known.case.tuple.is_empty() && bare(&other.program) == bare(&known.case.program) {
            return Fate::Same;
        }
        let text = if replaced.is_some() { self.text } else { a.text.as_str() };
        let look = Look { file: self.file, text, replaced, scenario: &self.scenario.name };
        fate_of(other, known, a, (look, most))
    }
}

/// One case with the mistake in it. A panic is a check of the model's own, and notices it like any other.
fn fate_of(case: &Case, known: &Known<'_>, a: &Alteration, (look, most): (Look<'_>, u64)) -> Fate {
    let mut engines = vec![Engine::Explicit];
    if a.kind.needs_loom() && case.tuple.is_empty() && case.is_for(fenceweave_scenario::Engine::Loom) {
        engines.push(Engine::Loom);
    }
    let mut fate = Fate::NoDifference;
    for engine in engines {
        let preemptions = (engine == Engine::Loom).then_some(PREEMPTIONS);
        // What should hold is noticed by the first violation.
        let until_violation = *case.expectations.verdict(run::scenario_engine(engine)) == Verdict::Holds;
        let limits = LimitOverrides { states: Some(most), preemptions, until_violation, ..LimitOverrides::default() };
        let options = Options { engines: vec![engine], limits, ..Options::default() };
        let name = || case.program.name.clone();
        let seen = match catch_unwind(AssertUnwindSafe(|| look.at(case, &options))) {
            Ok(Ok(seen)) => seen,
            // With the values of some tuple it does not load.
            Ok(Err(_)) => return Fate::Unread,
            Err(_) => return Fate::Noticed(name(), "a check of the model's own".to_owned()),
        };
        if let Some(first) = seen.failure {
            return Fate::Noticed(name(), first);
        }
        fate = worse(
            fate,
            match (engine, seen.complete) {
                (Engine::Explicit, false) => Fate::Undecided,
                (Engine::Explicit, true) if seen.ends != known.ends => Fate::Unnoticed,
                _ => Fate::NoDifference,
            },
        );
    }
    fate
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
        Fate::Explained(why) if all => return format!("explained      {place}: {}: {why}\n", change(a)),
        Fate::WronglyExplained(case, by) => {
            return format!("NOT SO         {place}: {}: `survives` is said of it, but {case}: {by}\n", change(a));
        }
        Fate::Noticed(..) | Fate::Same | Fate::NotTried | Fate::Explained(_) => return String::new(),
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
        Fate::Noticed(case, by) | Fate::WronglyExplained(case, by) => (Some(case.as_str()), Some(by.as_str())),
        Fate::Explained(why) => (None, Some(why.as_str())),
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
            ("explained", "survive, and their author says why"),
            ("wrongly-explained", "are said to survive, and do not"),
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
            explained: count("explained"),
            wrongly_explained: count("wrongly-explained"),
        })
    }
}
