//! The text of a case: on the terminal, and in a snapshot.
//!
//! A reader of [`check_text`] wants to know what is wrong, on one screen; a reader of [`case_text`] wants everything.

use crate::{
    judge::{Failure, Grade, outcome_text, shortest},
    run::{CaseRun, scenario_engine},
};
use fenceweave_explore::{Coverage, Engine, Exploration, Found, Trace, Watched, diagnose::NO_ROOM};
use fenceweave_kernel::{Condition, Property, Symmetry};
use fenceweave_report::{Clause, Counterexample, CountsShown, Sheet, outcomes, style::Role, summary, token, trace};
use fenceweave_scenario::{Case, Expected, Loaded, Verdict};
use std::{fmt::Write as _, time::Duration};

/// Most lines of an outcome table, and most further counterexamples, that `check` shows; `explain` shows all.
const MAX_LINES: usize = 12;

/// What is shown besides the result.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// Exact counts of states and executions.
    pub counts: CountsShown,
    /// Seconds, and how much a second. Never in a snapshot.
    pub times: bool,
    /// What traces are written on.
    pub sheet: Sheet<'a>,
}

impl View<'_> {
    /// What a snapshot has: the same bytes on every machine and with every finer step of a protocol.
    fn of_snapshot() -> Self {
        View { counts: CountsShown::Hidden, times: false, sheet: Sheet::default() }
    }
}

/// What a file says about itself.
pub(crate) struct FileText {
    scenarios: Vec<(String, String)>,
}

impl FileText {
    pub(crate) fn of(loaded: &Loaded) -> FileText {
        FileText { scenarios: loaded.scenarios.iter().map(|s| (s.name.clone(), one_line(&s.about))).collect() }
    }

    fn about(&self, program: &str) -> Option<&str> {
        let name = program.split('/').next()?;
        self.scenarios.iter().find(|(n, _)| n == name).map(|(_, about)| about.as_str())
    }
}

/// A text that the author broke over several lines, on one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `name: what it is about`.
pub(crate) fn title(name: &str, about: &str) -> String {
    if about.is_empty() { format!("{name}:\n") } else { format!("{name}: {about}\n") }
}

/// What a snapshot has of a case: what is expected and found, the outcomes, and a counterexample for each property that
/// is expected to be broken. No counts and no times.
pub(crate) fn snapshot_of(case: &Case, run: &CaseRun) -> String {
    case_text(case, run, View::of_snapshot())
}

/// The snapshot of a file, of what it has of each case.
pub(crate) fn snapshot(file: &FileText, cases: &[(&Case, String)]) -> String {
    let mut out = String::new();
    let mut last = "";
    for (case, text) in cases {
        let name = case.program.name.split('/').next().unwrap_or_default();
        if name != last {
            out.push_str(if last.is_empty() { "" } else { "\n" });
            out.push_str(&title(name, file.about(name).unwrap_or_default()));
            last = name;
        }
        out.push('\n');
        out.push_str(text);
    }
    out
}

/// Everything about one case.
pub(crate) fn case_text(case: &Case, run: &CaseRun, view: View<'_>) -> String {
    let mut out = String::new();
    let case_name = case.name.as_ref().map_or(String::new(), |name| format!("case {name}: "));
    let _ = writeln!(out, "{case_name}{}", headline(case, run));
    out.push_str(&engine_lines(case, run, view));
    out.push_str(&atomics(case));
    let Some(main) = main_run(&run.runs) else { return out };
    if !main.outcomes.is_empty() {
        out.push('\n');
        out.push_str(&outcomes::table(&case.program, &main.outcomes, view.sheet.width));
    }
    for (i, f) in main.found.iter().filter(|f| f.trace.loop_from.is_some()).enumerate() {
        let blank = if i == 0 && main.outcomes.is_empty() { "\n" } else { "" };
        let (name, text) = (f.violation.property.name(), fenceweave_report::violation_text(&case.program, f.violation));
        let _ = writeln!(out, "{blank}  for ever  {name}: {text}");
    }
    for first in shortest(&main.found) {
        let _ = write!(out, "\n{}:\n", first.violation.property.name());
        out.push_str(&counterexample(case, first, &main.found, usize::MAX, &view.sheet));
    }
    for (name, way) in &run.judgement.broken {
        let Some(way) = way.as_ref().filter(|_| is_expected(case, name)) else { continue };
        let _ = write!(out, "\n{name}:\n");
        let named = |e: &&Expected| e.name.as_ref() == Some(name);
        match case.expectations.conditions(scenario_engine(main.engine)).position(|e| named(&e)) {
            Some(at) => out.push_str(&clause(case, main, at, way, &view.sheet)),
            None => out.push_str(&trace::render(&Counterexample::way(&case.program, way), &view.sheet)),
        }
    }
    let shown: Vec<Property> = main.found.iter().map(|f| f.violation.property).collect();
    let left = |f: &&Failure| f.property.is_none_or(|p| !shown.contains(&p));
    for f in run.judgement.failures.iter().filter(left) {
        out.push_str(&failure(case, run, f, &view.sheet));
    }
    notes(run, &mut out);
    out
}

/// Whether a clause is expected to be broken; one that is not is a failure, and shown as that.
pub(crate) fn is_expected(case: &Case, name: &str) -> bool {
    fenceweave_scenario::Engine::ALL
        .into_iter()
        .any(|engine| case.expectations.broken(engine).any(|known| known == name))
}

/// What `check` tells of a case: a line if it is as expected, else what is not, each with the way there.
pub(crate) fn check_text(case: &Case, run: &CaseRun, view: View<'_>) -> String {
    let name = &case.program.name;
    if run.judgement.grade() == Grade::AsExpected {
        let mut out = format!("{name}: {}\n{}", verdict(case, run), atomics(case));
        if view.times || run.runs.len() > 1 {
            out.push_str(&engine_lines(case, run, view));
        }
        return out;
    }
    let headline = headline(case, run);
    let mut out =
        format!("{name}: {}\n{}", view.sheet.style.paint(Role::Bad, &headline), engine_lines(case, run, view));
    out.push_str(&failures(case, run, &view.sheet));
    // A failure that no schedule shows is seen from what there is instead.
    if let Some(main) = main_run(&run.runs)
        && !main.outcomes.is_empty()
        && run.judgement.failures.iter().any(|f| f.trace.is_none())
    {
        let _ =
            write!(out, "\nhow it ends:\n{}", cut(&outcomes::table(&case.program, &main.outcomes, view.sheet.width)));
    }
    notes(run, &mut out);
    if let Some(way) = way_out(run).filter(|_| run.judgement.grade() == Grade::Incomplete) {
        let _ = writeln!(out, "\n{way}");
    }
    out.push('\n');
    out
}

/// What is not as expected, each with the way there.
pub(crate) fn failures(case: &Case, run: &CaseRun, sheet: &Sheet<'_>) -> String {
    let mut out = String::new();
    for f in run.judgement.failures.iter().take(MAX_LINES) {
        out.push_str(&failure(case, run, f, sheet));
    }
    let left = run.judgement.failures.len().saturating_sub(MAX_LINES);
    if left > 0 {
        let _ = writeln!(out, "\n... and {left} more (`fenceweave explain` shows all)");
    }
    out
}

/// The way to one thing that is not as expected, without what that is.
pub(crate) fn failure_alone(case: &Case, run: &CaseRun, f: &Failure, view: View<'_>) -> String {
    let text = failure(case, run, f, &view.sheet);
    text.trim_start().split_once('\n').map_or(String::new(), |(_, way)| way.to_owned())
}

fn failure(case: &Case, run: &CaseRun, f: &Failure, sheet: &Sheet<'_>) -> String {
    let by = if run.runs.len() > 1 { format!(" ({})", names(&f.engines)) } else { String::new() };
    let mut out = format!("\nnot as expected{by}: {}\n", f.text);
    let Some(way) = &f.trace else { return out };
    let finder = f.engines.first().and_then(|e| run.runs.iter().find(|r| r.engine == *e));
    let all = finder.map_or(&[][..], |r| &r.found);
    match all.iter().find(|found| found.trace == *way && Some(found.violation.property) == f.property) {
        Some(found) => out.push_str(&counterexample(case, found, all, MAX_LINES / 2, sheet)),
        None if let (Some(at), Some(run)) = (f.clause, finder) => out.push_str(&clause(case, run, at, way, sheet)),
        None => out.push_str(&trace::render(&Counterexample::way(&case.program, way), sheet)),
    }
    out
}

/// The way to where a clause is broken, by its place among those that the engine judges.
pub(crate) fn clause(case: &Case, run: &Exploration, at: usize, way: &Trace, sheet: &Sheet<'_>) -> String {
    let Some(e) = case.expectations.conditions(scenario_engine(run.engine)).nth(at) else { return String::new() };
    let clause = Clause { condition: &e.condition, name: e.name.as_deref() };
    let shows = |seen: &&Watched| [&seen.seen_true, &seen.seen_false].contains(&&Some(way.clone()));
    let no_return = run.watched.get(at).filter(shows).map(|seen| &seen.point_of_no_return);
    trace::render(&Counterexample::clause(&case.program, way, clause, no_return), sheet)
}

/// A counterexample, and a line for each of the others of its property: they mostly differ in who was involved.
fn counterexample(case: &Case, first: &Found, all: &[Found], most: usize, sheet: &Sheet<'_>) -> String {
    let mut out = trace::render(&Counterexample::of(&case.program, first), sheet);
    let property = first.violation.property;
    let others: Vec<&Found> =
        all.iter().filter(|f| f.violation.property == property && !std::ptr::eq(*f, first)).collect();
    if property == Property::DEPENDENCY_CYCLE {
        let links: Vec<&Found> = std::iter::once(first).chain(others).collect();
        out.push_str("the circle:\n");
        fenceweave_report::circle(&case.program, &links).iter().for_each(|l| out.extend([l, "\n"]));
        return out;
    }
    for f in others.iter().take(most) {
        out.push_str(&also(case, f));
    }
    if others.len() > most {
        let _ = writeln!(out, "also: {} more (`fenceweave explain` shows all)", others.len() - most);
    }
    out
}

/// `also: unlock-not-held by worker on fb (line 24: unlock fb): W1I2@e15bc2`.
fn also(case: &Case, found: &Found) -> String {
    let (program, v) = (&case.program, found.violation);
    let token = token::of_trace(program, &found.trace);
    format!("also: {} by {}: {token}\n", v.property.name(), fenceweave_report::violation_text(program, v))
}

/// The exploration that outcomes and traces are shown of: the first that ran, `explicit` if it did.
pub(crate) fn main_run(runs: &[Exploration]) -> Option<&Exploration> {
    let explicit = runs.iter().find(|r| r.engine == Engine::Explicit && ran(r));
    explicit.or_else(|| runs.iter().find(|r| ran(r)))
}

/// What was found, in a word or two, and whether it is as expected.
pub(crate) fn verdict(case: &Case, run: &CaseRun) -> String {
    let (says, grain) = (found_text(run), grain(case));
    match run.judgement.grade() {
        Grade::AsExpected => format!("{says}{}{grain}, as expected", reservation(case, run)),
        Grade::NotAsExpected => format!("{says}{grain}, not as expected"),
        Grade::Incomplete => format!("{}{grain}, incomplete", so_far(run)),
    }
}

/// The blocks that a scenario says are one step: a line each.
fn atomics(case: &Case) -> String {
    case.program.atomics().iter().map(|(line, why)| format!("  one step  line {line}: {why}\n")).collect()
}

/// In which grain it was looked for, if not in the finest.
fn grain(case: &Case) -> String {
    let grain = case.program.grain;
    if grain.is_fine() { String::new() } else { format!(" (grain {grain})") }
}

fn found_text(run: &CaseRun) -> String {
    let mut all: Vec<_> = run.runs.iter().flat_map(|r| &r.found).map(|f| f.violation.property).collect();
    all.sort_unstable();
    all.dedup();
    let clauses = run.judgement.broken.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = all.into_iter().map(|p| p.name()).chain(clauses).collect();
    if names.is_empty() { "holds".to_owned() } else { format!("violates {}", names.join(", ")) }
}

/// What was found, and how far it was looked: a bound that was looked at to its end says more than nothing.
fn so_far(run: &CaseRun) -> String {
    let within = match &run.runs[..] {
        [Exploration { engine: Engine::Explicit, coverage: Coverage::Preemptions(n), .. }] => {
            Some(if *n == 1 { "1 preemption".to_owned() } else { format!("{n} preemptions") })
        }
        _ => None,
    };
    match (found_text(run), within) {
        (says, Some(bound)) if says == "holds" => format!("no violation within {bound}"),
        (says, Some(bound)) => format!("{says} within {bound}"),
        (says, None) => format!("{says} so far"),
    }
}

/// On what memory it holds, and without what: where nobody has looked at everything but an engine that cannot do all
/// that memory can; where one that was to look at weak memory has not, or not at everything; and where none was to,
/// though the scenario is about it.
fn reservation(case: &Case, run: &CaseRun) -> String {
    const ONLY: &str = " on sequentially consistent memory only";
    if run.runs.iter().any(|r| !r.found.is_empty()) {
        return String::new();
    }
    match run.runs.iter().find(|r| r.engine.has_weak_memory()).map(|r| &r.coverage) {
        None if !case.program.weak.is_empty() => return ONLY.into(),
        Some(Coverage::Refused(_)) => return ONLY.into(),
        Some(part @ Coverage::Preemptions(_)) => {
            return format!(" on sequentially consistent memory, on weak memory {}", summary::bare(part));
        }
        Some(Coverage::Incomplete(_) | Coverage::Sampled) => {
            return " on sequentially consistent memory, on weak memory in part".into();
        }
        None | Some(Coverage::Complete) => {}
    }
    let mut complete = run.runs.iter().filter(|r| r.coverage.is_complete()).map(|r| r.engine);
    match complete.next() {
        Some(engine) if complete.all(|e| e == engine) && !engine.misses().is_empty() => {
            format!(" {}", summary::without(engine))
        }
        _ => String::new(),
    }
}

/// The judgement in a line, such as `violates use-after-free, as expected`.
fn headline(case: &Case, run: &CaseRun) -> String {
    let (says, expected, grain) = (found_text(run), expected_text(case), grain(case));
    match run.judgement.grade() {
        Grade::AsExpected => format!("{says}{}{grain}, as expected", reservation(case, run)),
        Grade::Incomplete => format!("INCOMPLETE: {}{grain}", so_far(run)),
        Grade::NotAsExpected if says != expected => format!("NOT AS EXPECTED: {says}{grain}; expected: {expected}"),
        Grade::NotAsExpected => match &run.judgement.failures[..] {
            [one] => format!("NOT AS EXPECTED: {}{grain}", one.text),
            several => format!("NOT AS EXPECTED: {} expectations fail{grain}", several.len()),
        },
    }
}

fn expected_text(case: &Case) -> String {
    let engine = fenceweave_scenario::Engine::Explicit;
    let mut all = match case.expectations.verdict(engine) {
        Verdict::Holds => vec![],
        Verdict::Violates(p) => p.to_vec(),
    };
    all.sort_unstable();
    let names: Vec<&str> = all.iter().map(|p| p.name()).chain(case.expectations.broken(engine)).collect();
    if names.is_empty() { "holds".into() } else { format!("violates {}", names.join(", ")) }
}

/// A line for each engine: how much it looked at, what it counted, and whether the others found the same.
fn engine_lines(case: &Case, run: &CaseRun, view: View<'_>) -> String {
    let main = main_run(&run.runs);
    let mut out = String::new();
    for (i, line) in summary::lines(&run.runs, view.counts).lines().enumerate() {
        out.push_str(line);
        let Some(r) = run.runs.get(i) else { continue };
        if let Some(time) = run.times.get(i).filter(|_| view.times && ran(r)) {
            let _ = write!(out, ", {}", speed(r, *time));
        }
        if let Some(main) = main.filter(|m| m.engine != r.engine && ran(r)) {
            let _ = write!(out, "; {}", compared(r, main));
        }
        if let Some(known) = known_so_far(case, r) {
            let _ = write!(out, "; {known}");
        }
        if let Some(why) = not_by_orbits(case, r).filter(|_| view.times) {
            let _ = write!(out, "; not by orbits: threads do the same, but {why}");
        }
        out.push('\n');
    }
    for o in &run.comparison.weak_only {
        let _ = writeln!(out, "  weak memory only: {}", outcome_text(&case.program, o));
    }
    out
}

/// Of a search that did not look at everything: how much of the text it came to, so that it says what it does not know.
fn known_so_far(case: &Case, r: &Exploration) -> Option<String> {
    let cover = r.cover.as_ref().filter(|_| !r.coverage.is_complete())?;
    let ((came, all), outcomes) = (summary::statements(&case.program, cover), r.outcomes.len());
    let ends = if outcomes == 1 { "outcome" } else { "outcomes" };
    let beyond = match r.counts.beyond {
        0 => String::new(),
        1 => "; 1 state lies one preemption further".into(),
        n => format!("; {} states lie one preemption further", summary::grouped(n)),
    };
    (all > 0).then(|| format!("came to {came} of {all} statements, {outcomes} {ends}{beyond}"))
}

/// Why the states of threads that do the same were not taken together.
fn not_by_orbits(case: &Case, r: &Exploration) -> Option<&'static str> {
    if r.engine != Engine::Explicit || r.counts.permutations > 0 || !ran(r) {
        return None;
    }
    let expected = case.expectations.conditions(scenario_engine(r.engine));
    let conditions: Vec<Condition> = expected.map(|e| e.condition.clone()).collect();
    Symmetry::of(&case.program, &conditions).err().flatten()
}

fn ran(r: &Exploration) -> bool {
    !matches!(r.coverage, Coverage::Refused(_))
}

/// `0.012 s, 1,240,000 states/s`.
fn speed(r: &Exploration, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let states = if r.counts.permutations > 0 { "orbits" } else { "states" };
    let (done, unit) =
        if r.counts.executions > 0 { (r.counts.executions, "executions") } else { (r.counts.states, states) };
    // Nothing can be said of what took no measurable time.
    let per_second = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    format!("{seconds:.3} s, {} {unit}/s", summary::grouped(per_second as u64))
}

/// What another engine has beyond the one that is shown.
fn compared(r: &Exploration, main: &Exploration) -> String {
    let missing = main.outcomes.difference(&r.outcomes).count();
    let more = r.outcomes.difference(&main.outcomes).count();
    let all = main.outcomes.len();
    match (missing, more) {
        (0, 0) if all == 0 => "no end either".into(),
        (0, 0) if all == 1 => "the same outcome".into(),
        (0, 0) => format!("the same {all} outcomes"),
        (m, 0) => format!("{m} of the {all} outcomes not seen"),
        (0, n) => format!("the same outcomes and {n} more"),
        (m, n) => format!("{m} of the {all} outcomes not seen, and {n} more"),
    }
}

fn notes(run: &CaseRun, out: &mut String) {
    for note in &run.judgement.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    // Where one engine saw everything, the engines' own lines do not say why the whole is incomplete.
    if run.runs.iter().any(|r| r.coverage.is_complete()) {
        for why in &run.judgement.incomplete {
            let _ = writeln!(out, "\nincomplete: {why}");
        }
    }
}

/// What to do about a result that is incomplete; a sample says so itself.
fn way_out(run: &CaseRun) -> Option<&'static str> {
    let all = |f: fn(&Coverage) -> bool| run.runs.iter().all(|r| f(&r.coverage));
    let by_explicit = || run.runs.iter().any(|r| r.engine == Engine::Explicit);
    if all(|c| matches!(c, Coverage::Sampled)) || all(Coverage::is_complete) && by_explicit() {
        None
    } else if all(Coverage::is_complete) {
        Some("`--engine explicit` looks for what goes on for ever, too")
    } else if all(|c| matches!(c, Coverage::Refused(_))) {
        let by_scenario = |c: &Coverage| matches!(c, Coverage::Refused(why) if why.starts_with("the scenario says"));
        match run.runs.iter().all(|r| by_scenario(&r.coverage)) {
            true => Some("the scenario's own `engines` or `no-engine` leaves these engines out"),
            false => Some("`--engine explicit` takes every scenario"),
        }
    } else if all(|c| matches!(c, Coverage::Preemptions(_))) {
        Some(match by_explicit() {
            true => "raise `--preemptions`, or leave it out to look at everything",
            false => "raise `--preemptions`, or let `--engine explicit` look at everything",
        })
    } else if all(|c| matches!(c, Coverage::Incomplete(why) if why.starts_with(NO_ROOM))) {
        Some("no limit helps: let the scenario ask for less, or declare what it needs")
    } else {
        Some(
            "raise the limit (--states, --executions, --memory, --time), or look at less (--preemptions 2, --sample swarm)",
        )
    }
}

fn names(engines: &[Engine]) -> String {
    engines.iter().map(|e| e.name()).collect::<Vec<_>>().join(", ")
}

/// The first lines of a text that may be long.
fn cut(text: &str) -> String {
    let all = text.lines().count();
    let mut out: String = text.lines().take(MAX_LINES).flat_map(|l| [l, "\n"]).collect();
    if all > MAX_LINES {
        let _ = writeln!(out, "  ... and {} more lines (`fenceweave explain` shows all)", all - MAX_LINES);
    }
    out
}
