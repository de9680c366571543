//! What must be true of any scenario, whoever wrote it: the engines agree, a counterexample can be taken again, the
//! text says the same when it is printed, and nothing panics.
//!
//! | check | what is held against what |
//! |---|---|
//! | `panic` | anything that any of the others does |
//! | `load`, `format` | the text, and the text as the formatter prints it: the same programs |
//! | `exact` | `explicit` by whole encodings, and by fingerprints: everything the same |
//! | `fine` | `explicit` with each quiet access a step of its own, and as it is: the same outcomes and violations, in no fewer states |
//! | `shuttle`, `shuttle-visited`, `shuttle-sleep`, `shuttle-bare` | shuttle as it decides itself, with visited states only, with sleep sets only, with neither: outcomes as [`compare`] has it, violations, states |
//! | `loom` | loom, as far as its few executions go: what a complete run lacks |
//! | `replay` | each counterexample, through its token, on shuttle's threads: the same violation, besides warnings |
//! | `discipline` | of a scenario that keeps the rules, no built-in property is violated |
//!
//! An engine that a limit stopped is compared as far as that goes, and counted apart.

use std::{
    any::Any,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fenceweave_explore::{About, Comparison, Exploration, Found, Limits, Task, compare, explicit, loom, shuttle};
use fenceweave_kernel::{Merging, Program, Property, Violation};
use fenceweave_report::token;
use fenceweave_scenario::{Case, Loaded, format, load};

use crate::contention;

/// How far the engines go with one scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// States of the search that the others are held against: one that was cut says little of them.
    pub whole: u64,
    /// States of each other search.
    pub states: u64,
    /// Executions of each search on shuttle's threads.
    pub executions: u64,
    /// Executions on loom's threads; 0 leaves loom out.
    pub loom: u64,
    /// A mistake made on purpose, in shuttle's reductions.
    pub sabotage: Option<shuttle::Sabotage>,
}

impl Bounds {
    /// For builds that check every step.
    const CHECKED: Bounds = Bounds { whole: 10_000, states: 1_000, executions: 200, loom: 15, sabotage: None };
    /// For builds that do not.
    const QUICK: Bounds = Bounds { whole: 300_000, states: 5_000, executions: 1_200, loom: 50, sabotage: None };
}

impl Default for Bounds {
    /// Some tens of milliseconds a scenario; a build that checks every step goes less far.
    fn default() -> Bounds {
        if cfg!(debug_assertions) { Bounds::CHECKED } else { Bounds::QUICK }
    }
}

/// What was seen of a scenario that failed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// More than one outcome, or somebody had to wait.
    pub contended: bool,
    /// A limit stopped the search that the others are held against.
    pub limited: bool,
    /// Searches that were held against it, and that a limit stopped.
    pub partial: u32,
    /// Searches that were held against it, and ended by themselves.
    pub compared: u32,
    /// Some property is violated.
    pub violated: bool,
    /// Counterexamples that were taken again.
    pub replayed: u32,
    /// States of the graph.
    pub states: u64,
    /// States of the graphs in which quiet accesses are no steps, of programs that have some; and where they are.
    pub merged: (u64, u64),
}

/// Something that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Which check; for `discipline` and `panic` with what it was about.
    pub check: String,
    /// What was seen.
    pub detail: String,
}

impl Failure {
    pub(crate) fn of(check: impl Into<String>, detail: impl Into<String>) -> Failure {
        Failure { check: check.into(), detail: detail.into() }
    }

    /// Whether two failures are one bug, as far as one can tell.
    pub fn is_like(&self, other: &Failure) -> bool {
        self.check == other.check
    }
}

/// Holds a scenario against everything that must be true of it.
///
/// # Errors
///
/// The first thing that is not true.
pub fn judge(text: &str, disciplined: bool, bounds: &Bounds) -> Result<Facts, Failure> {
    let all = AssertUnwindSafe(|| {
        let loaded = read(text)?;
        let mut facts = Facts::default();
        for case in loaded.scenarios.iter().flat_map(|scenario| &scenario.cases) {
            judge_case(case, disciplined, bounds, &mut facts)?;
        }
        Ok(facts)
    });
    catch_unwind(all).unwrap_or_else(|payload| Err(panicked(payload.as_ref())))
}

/// What somebody panicked about: the first line, numbers blotted out, is what makes two of them alike.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Failure {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
    let first = text.lines().next().unwrap_or_default();
    let blotted: String = first.chars().filter(|c| !c.is_ascii_digit()).take(80).collect();
    Failure::of(format!("panic: {blotted}"), text)
}

/// Loads the text, formats it, and loads that.
fn read(text: &str) -> Result<Loaded, Failure> {
    let told = |check: &str, report: &fenceweave_scenario::Report| Failure::of(check, report.plain());
    let loaded = load("generated.kdl", text).map_err(|report| told("load", &report))?;
    let once = format("generated.kdl", text).map_err(|report| told("format", &report))?;
    let twice = format("generated.kdl", &once).map_err(|report| told("format", &report))?;
    if once != twice {
        return Err(Failure::of("format", "formatting twice is not formatting once"));
    }
    let again = load("generated.kdl", &once).map_err(|report| told("format", &report))?;
    if programs(&loaded) != programs(&again) {
        return Err(Failure::of("format", "the formatted text is another program"));
    }
    Ok(loaded)
}

/// The programs without the lines that they stand in.
fn programs(loaded: &Loaded) -> Vec<Program> {
    let cases = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let placeless = |case: &Case| {
        let mut program = case.program.clone();
        let scripts = program.scripts.iter_mut().chain([&mut program.setup, &mut program.teardown]);
        for line in scripts.flat_map(|script| &mut script.lines) {
            (line.line, line.column) = (0, 0);
            line.calls.iter_mut().for_each(|call| (call.line, call.column) = (0, 0));
        }
        program
    };
    cases.map(placeless).collect()
}

fn judge_case(case: &Case, disciplined: bool, bounds: &Bounds, facts: &mut Facts) -> Result<(), Failure> {
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let limits = Limits { states: bounds.states, executions: bounds.executions, ..Limits::default() };
    let far = Limits { states: bounds.whole, ..limits };
    let whole = explicit::explore(&task, &far, &());
    facts.limited |= !whole.coverage.is_complete();
    facts.violated |= !whole.found.is_empty();
    facts.states += whole.counts.states;
    facts.contended |= whole.outcomes.len() > 1 || contention::somebody_waits(&case.program);
    exact(&task, &far, &whole)?;
    fine(&task, &far, &whole, facts)?;
    shuttle_agrees(&task, &limits, &whole, bounds.sabotage, facts)?;
    if bounds.loom > 0 && !facts.limited {
        loom_agrees(&task, bounds, &whole, facts)?;
    }
    for found in &whole.found {
        replays(&task, found)?;
        facts.replayed += 1;
    }
    match whole.found.iter().find(|f| f.violation.property.is_kept_by_discipline()) {
        Some(found) if disciplined => {
            let detail = format!("{:?}, by {}", found.violation, token::of_trace(&case.program, &found.trace));
            Err(Failure::of(format!("discipline: {}", found.violation.property.name()), detail))
        }
        _ => Ok(()),
    }
}

/// A collision of fingerprints is less likely than anything, so this is about the two tables.
fn exact(task: &Task<'_>, limits: &Limits, whole: &Exploration) -> Result<(), Failure> {
    let exact =
        explicit::explore_with(task, limits, explicit::Options { exact: true, ..explicit::Options::default() }, &());
    if exact == *whole { Ok(()) } else { Err(Failure::of("exact", different(whole, &exact))) }
}

/// What the merging of quiet accesses rests on: nobody can tell.
fn fine(task: &Task<'_>, limits: &Limits, whole: &Exploration, facts: &mut Facts) -> Result<(), Failure> {
    if Merging::of(task.program, task.conditions).is_none() {
        return Ok(());
    }
    let options = explicit::Options { fine: true, ..explicit::Options::default() };
    let fine = explicit::explore_with(task, limits, options, &());
    if !both_complete(whole, &fine) {
        return Ok(());
    }
    facts.merged.0 += whole.counts.states;
    facts.merged.1 += fine.counts.states;
    let broken = |e: &Exploration| e.found.iter().map(|f| f.violation).collect::<Vec<_>>();
    let same = whole.outcomes == fine.outcomes && broken(whole) == broken(&fine);
    // A thread that breaks a property behind a quiet access stands before that again, which is one more place.
    let fewer = whole.counts.states <= fine.counts.states || !whole.found.is_empty();
    if same && fewer { Ok(()) } else { Err(Failure::of("fine", different(whole, &fine))) }
}

/// The ways to search on shuttle's threads. Without visited states and with loops there is no end.
const SEARCHES: [(&str, Option<bool>, bool); 5] = [
    ("shuttle", None, true),
    ("shuttle-visited-sleep", Some(true), true),
    ("shuttle-visited", Some(true), false),
    ("shuttle-sleep", Some(false), true),
    ("shuttle-bare", Some(false), false),
];

fn shuttle_agrees(
    task: &Task<'_>,
    limits: &Limits,
    whole: &Exploration,
    sabotage: Option<shuttle::Sabotage>,
    facts: &mut Facts,
) -> Result<(), Failure> {
    for (name, visited, sleep_sets) in SEARCHES {
        if task.has_loops && visited == Some(false) {
            continue;
        }
        let options = shuttle::Options { visited, sleep_sets, sabotage, ..shuttle::Options::default() };
        let other = shuttle::explore_with(task, limits, options, &());
        count(facts, whole, &other);
        agree(name, whole, &other)?;
        let bare = visited == Some(true) && !sleep_sets && both_complete(whole, &other);
        if bare && whole.counts.transitions != other.counts.transitions {
            // Without sleep sets each edge is taken once.
            return Err(Failure::of(name, different(whole, &other)));
        }
    }
    Ok(())
}

/// Loom may have more if it can show that weak memory has it: nothing that is generated says what it is about.
fn loom_agrees(task: &Task<'_>, bounds: &Bounds, whole: &Exploration, facts: &mut Facts) -> Result<(), Failure> {
    let limits = Limits { executions: bounds.loom, ..Limits::default() };
    let loom = loom::explore(task, &limits, &());
    count(facts, whole, &loom);
    let Comparison { disagreements, .. } = compare::compare(&[whole.clone(), loom.clone()], About::Anything);
    if disagreements.is_empty() { Ok(()) } else { Err(Failure::of("loom", different(whole, &loom))) }
}

fn count(facts: &mut Facts, whole: &Exploration, other: &Exploration) {
    let complete = both_complete(whole, other);
    facts.compared += u32::from(complete);
    facts.partial += u32::from(!complete);
}

fn both_complete(a: &Exploration, b: &Exploration) -> bool {
    a.coverage.is_complete() && b.coverage.is_complete()
}

fn agree(check: &str, whole: &Exploration, other: &Exploration) -> Result<(), Failure> {
    let Comparison { disagreements, states_differ, .. } =
        compare::compare(&[whole.clone(), other.clone()], About::Anything);
    let broken = |e: &Exploration| -> BTreeSet<Violation> {
        e.found.iter().filter(|f| is_of_one_execution(f)).map(|f| f.violation).collect()
    };
    let violations_differ = both_complete(whole, other) && broken(whole) != broken(other);
    match disagreements.is_empty() && states_differ.is_none() && !violations_differ {
        true => Ok(()),
        false => Err(Failure::of(check, different(whole, other))),
    }
}

/// Whether an execution that ends shows it. What goes on for ever, and what no execution shows alone, only explicit
/// sees.
fn is_of_one_execution(found: &Found) -> bool {
    found.trace.loop_from.is_none() && !found.violation.is_of_all_executions()
}

/// A counterexample goes through its token, as a user passes it on.
fn replays(task: &Task<'_>, found: &Found) -> Result<(), Failure> {
    let said = token::encode(task.program, &found.trace.steps);
    let failed = |why: String| Err(Failure::of("replay", format!("{:?} by {said}: {why}", found.violation)));
    let steps = match token::decode(task.program, &said) {
        Ok(trace) if trace.steps == found.trace.steps => trace.steps,
        Ok(_) => return failed("the token is of another schedule".into()),
        Err(error) => return failed(error.to_string()),
    };
    let seen = match shuttle::replay(task, &steps) {
        Ok(seen) => seen,
        Err(error) => return failed(error.to_string()),
    };
    let expected = is_of_one_execution(found).then_some(found.violation);
    let seen: Vec<Violation> = seen.found.iter().map(|f| f.violation).collect();
    // A warning goes on: what the schedule is about may come after some, and what ends it in the step of a warning.
    let warns = |v: &Violation| v.property == Property::WARN_ON;
    let is_there = expected.is_none_or(|v| seen.contains(&v));
    let as_said =
        is_there && (expected.is_some_and(|v| warns(&v)) || seen.iter().all(|v| Some(*v) == expected || warns(v)));
    if as_said { Ok(()) } else { failed(format!("shuttle sees {seen:?}")) }
}

/// Where two results differ, in a few lines.
fn different(one: &Exploration, other: &Exploration) -> String {
    let mut out = String::new();
    for (a, b) in [(one, other), (other, one)] {
        let only: Vec<_> = a.outcomes.difference(&b.outcomes).take(3).collect();
        out += &format!(
            "{} {:?}: {} outcomes, {} violations, {:?}\n  only here: {only:?}\n",
            a.engine,
            a.coverage,
            a.outcomes.len(),
            a.found.len(),
            a.counts
        );
    }
    out
}
