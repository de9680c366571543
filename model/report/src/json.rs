//! Everything that was found, for other programs.
//!
//! [`document`] gives one JSON object per scenario and case, indented; [`line()`] the same on one line; [`mistakes`]
//! one for a file that could not be read. Fields may be added without notice; one that changes its meaning or goes away
//! raises `format`. An optional field is left out when it has nothing to say.
//!
//! | field | meaning |
//! |---|---|
//! | `format` | 1 |
//! | `scenario` | the scenario's name |
//! | `case` | its case; left out if it has none |
//! | `file` | the file it stands in; left out if there is none |
//! | `verdict` | what was found, and whether it is as expected, in words; left out if nobody judged |
//! | `grade` | `as-expected`, `not-as-expected` or `incomplete`; left out if nobody judged |
//! | `failures` | what is not as expected: `text`, `engines` (who found it), `token` (a schedule that shows it, if there is one) |
//! | `hash` | the program's, as in tokens |
//! | `grain` | how coarse the steps of primitives were, `coarse` or `fine=` with those that were fine; left out if all were |
//! | `atomics` | the blocks that are one step because the scenario says so: `line`, `why`; left out without any |
//! | `columns` | the names of an outcome's values: `thread.local`, then variables |
//! | `engines` | one object per engine that ran, below |
//!
//! An element of `engines`:
//!
//! | field | meaning |
//! |---|---|
//! | `engine` | `explicit`, `shuttle` or `loom` |
//! | `coverage` | `complete`, `preemption-bounded`, `sampled`, `incomplete` or `refused` |
//! | `preemptions` | the bound, if `preemption-bounded` |
//! | `why` | the reason, if `incomplete` or `refused` |
//! | `seconds` | how long it took; left out if nobody measured |
//! | `counts` | `states`, `transitions`, `terminals`, `depth`, `executions`, `blocked`, `unfair_cycles` (that only an unfair scheduler can take for ever); 0 where an engine has none; `permutations`, where threads are alike and the states are orbits of them; `beyond`, states that one preemption more than the bound leads to |
//! | `statements` | `came`, how many of the scenario's statements some execution came to, and `all`; left out if everything was looked at, or nobody counted |
//! | `walks` | what is known after walks at random (`--sample swarm`): how many `walks`, those `given_up`, their `steps`, those of the `longest`; the `states` that they met (`estimated`, if there were too many to keep), those met by one walk alone (`states_once`), the `new` ones in each tenth of the walks, the chance that a state of another walk is `unseen`; `outcomes_once`; `found`: which `walk` broke something, its `sort` and `steps` |
//! | `outcomes` | an array of strings for each way to end well, by `columns`; `-` is a local that was never set |
//! | `violations` | one object per broken property, below |
//! | `conditions` | for each condition: `text`, `judged`, `failed`, `seen_true`, `seen_false`; the latter two are tokens |
//!
//! An element of `violations`:
//!
//! | field | meaning |
//! |---|---|
//! | `property`, `meaning` | the property's name, and what is wrong when it is broken |
//! | `message` | what happened, in a sentence |
//! | `thread`, `line`, `op` | whose operation it was, its line in the scenario file (left out if nobody wrote it), its text (empty if it is no operation's) |
//! | `at`, `calls` | of that operation, as of a step |
//! | `object`, `other` | the object and the other thread concerned, if any |
//! | `token` | the schedule |
//! | `steps` | the counterexample, below |
//! | `loop_from` | for an execution that goes on for ever, the step with which its loop begins: the steps from there to the last are repeated |
//! | `preemptions` | how often it leaves a thread that could have gone on |
//! | `point_of_no_return` | `{"step": n, "passing": token}`: after step `n` nothing ends well, and a schedule that does; `{"never": true}` if none does; left out if not known |
//! | `waits` | if somebody waits at the end: `thread`, `for` (an object), `holds`, `from` (who could end the wait) |
//!
//! An element of `steps`:
//!
//! | field | meaning |
//! |---|---|
//! | `step` | its number, from 1 |
//! | `thread`, `line`, `op` | whose, and the operation |
//! | `at` | `FILE:LINE` of the operation; left out if nobody wrote it |
//! | `calls` | of an operation in procs, or in what the kernel calls through a pointer, the calls that lead there, the outermost first: `in` (what is called), `at`, `line` and `op` of who calls |
//! | `label` | what the step does, in the kernel's words |
//! | `first` | whether it is the operation's first step |
//! | `choice` | which way it went, if there were several |
//! | `result`, `into` | the operation's result, if this is its last step, and the local that took it |
//! | `asleep_on` | the object on which the thread went to sleep with this step |
//! | `switch` | whether it comes after a thread that could have gone on |
//! | `changes` | `what`, `from` (left out for an event), `to` |
//!
//! What makes a scenario's verdict empty is an object of its own after those of its cases: `format`, `file`,
//! `scenario`, and `warnings`, each with the fields of a mistake; `untold`, if there were more. There is none without
//! warnings.
//!
//! `mutants FILE` gives one object for each mistake that was put into the scenario: `format`, `file`, `line`, `column`,
//! `kind`, `was`, `becomes` (left out if nothing takes its place), `fate`, and for those that are noticed `case` and
//! `by`, for those that are explained `by`; then one with `format`, `file` and how many came to each fate. Of `mutants
//! --library NAME` the `file` is the library's, at the end its name.
//!
//! A case with inputs gives, from `check` and from `sweep FILE`, one object for each way in which tuples fail:
//! `format`, `file`, `scenario`, `case`, `way`, `tuples` (how many), `smallest`, and its `token` and `trace`; then one
//! with `inputs`, `verdict`, `grade`, `failures`, and how many `tuples` there were, `hold`, `fail`, are
//! `incomplete`, in how many `ways`.
//!
//! `stress` gives one object for each case, and `stress --memory` one: the fields of [`stress::Stressed`] and
//! [`stress::Memory`].
//!
//! A file with mistakes has `format`, `file`, and `mistakes`: for each its `kind` (a stable name such as `unknown-op`),
//! `file` if it is in a library's, `line` and `column` from 1, `message`, and `help` if a way out is known.

pub mod stress;

use crate::{
    line::Line,
    outcomes,
    replay::{End, Replay, Step},
    site, summary, token,
    trace::stale::is_news,
    verdict, waiting, words,
};
use fenceweave_explore::{
    Counts, Coverage, Exploration, Found, PointOfNoReturn, Stale, Stored, Trace, Watched, swarm::Summary,
};
use fenceweave_kernel::{Action, Outcome, Program, ThreadId};
use serde::Serialize;

/// The version of the format.
pub const FORMAT: u32 = 1;

/// What a document is about.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The case.
    pub case: Option<&'a str>,
    /// What was explored.
    pub program: &'a Program,
    /// The file it stands in.
    pub file: Option<&'a str>,
    /// What the caller concluded.
    pub judged: Option<Judged<'a>>,
    /// The conditions watched, as text, by index.
    pub conditions: &'a [String],
    /// What the engines found.
    pub explorations: &'a [Exploration],
    /// How long each took, in seconds, by index; empty if nobody measured.
    pub seconds: &'a [f64],
    /// If walks were made at random, what is known after them.
    pub walks: Option<&'a Summary>,
}

/// What the caller concluded: whether it is as the scenario expects.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// In words.
    pub verdict: &'a str,
    /// `as-expected`, `not-as-expected` or `incomplete`.
    pub grade: &'a str,
    /// What is not as expected.
    pub failures: &'a [Failed<'a>],
}

/// Something that is not as expected.
#[derive(Clone)]
pub struct Failed<'a> {
    /// What, in a line.
    pub text: &'a str,
    /// Who found it.
    pub engines: Vec<&'static str>,
    /// A schedule that shows it.
    pub trace: Option<&'a Trace>,
}

/// A mistake in a scenario file.
#[derive(Clone, Serialize)]
pub struct Mistake<'a> {
    /// A stable name.
    pub kind: &'a str,
    /// Its file, if it is not the scenario's but a library's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
    /// Where, from 1.
    pub line: u32,
    /// Where, in characters from 1.
    pub column: u32,
    /// What is wrong.
    pub message: &'a str,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<&'a str>,
}

/// The document, indented, with a newline at its end.
pub fn document(report: &Report<'_>) -> String {
    text(serde_json::to_string_pretty(&document_of(report)))
}

/// The document on one line, with a newline at its end.
pub fn line(report: &Report<'_>) -> String {
    text(serde_json::to_string(&document_of(report)))
}

/// The document of a file that could not be read, on one line, with a newline at its end.
pub fn mistakes(file: &str, mistakes: &[Mistake<'_>]) -> String {
    text(serde_json::to_string(&MistakesOut { format: FORMAT, file, mistakes }))
}

/// The document of a scenario's warnings, on one line, with a newline at its end.
pub fn warnings(file: &str, scenario: &str, warnings: &[Mistake<'_>], untold: usize) -> String {
    let untold = (untold > 0).then_some(untold);
    text(serde_json::to_string(&WarningsOut { format: FORMAT, file, scenario, warnings, untold }))
}

/// A mistake that was put into a scenario.
#[derive(Clone, Serialize)]
pub struct Mutant<'a> {
    /// The scenario's file.
    pub file: &'a str,
    /// Where, from 1.
    pub line: u32,
    /// Where, in characters from 1.
    pub column: u32,
    /// What sort.
    pub kind: &'a str,
    /// What was there.
    pub was: &'a str,
    /// What is there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becomes: Option<&'a str>,
    /// What became of it.
    pub fate: &'a str,
    /// The case that notices it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<&'a str>,
    /// What fails there, or why nobody notices it, if its author says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a str>,
}

/// How many mistakes came to each fate.
#[derive(Clone, Serialize)]
#[expect(missing_docs, reason = "each is the number of those with the fate that it is named after")]
pub struct Mutants<'a> {
    pub file: &'a str,
    pub noticed: usize,
    pub unnoticed: usize,
    pub no_difference: usize,
    pub undecided: usize,
    pub same_program: usize,
    pub does_not_load: usize,
    pub not_tried: usize,
    pub explained: usize,
    pub wrongly_explained: usize,
}

/// A way in which tuples of inputs fail.
#[derive(Clone, Serialize)]
pub struct Way<'a> {
    /// The scenario's file.
    pub file: &'a str,
    /// The scenario's name.
    pub scenario: &'a str,
    /// The case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<&'a str>,
    /// What is broken, and where.
    pub way: &'a str,
    /// In how many tuples.
    pub tuples: u64,
    /// The smallest of them, as `NAME=VALUE` with blanks between.
    pub smallest: &'a str,
    /// A schedule of the smallest that shows it; empty if none does.
    pub token: &'a str,
    /// The same in words.
    pub trace: &'a str,
}

/// What the tuples of a case come to together.
#[derive(Clone, Serialize)]
pub struct Swept<'a> {
    /// The scenario's file.
    pub file: &'a str,
    /// The scenario's name.
    pub scenario: &'a str,
    /// The case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<&'a str>,
    /// The inputs, in the order of their declarations.
    pub inputs: &'a [String],
    /// In words.
    pub verdict: &'a str,
    /// `as-expected`, `not-as-expected` or `incomplete`.
    pub grade: &'a str,
    /// What is not as expected.
    pub failures: &'a [String],
    /// How many tuples were explored.
    pub tuples: u64,
    /// How many of them hold.
    pub hold: u64,
    /// How many fail.
    pub fail: u64,
    /// How many searches hit a limit.
    pub incomplete: u64,
    /// In how many ways they fail.
    pub ways: usize,
}

#[derive(Serialize)]
struct Numbered<T> {
    format: u32,
    #[serde(flatten)]
    what: T,
}

/// The document of a mistake that was put into a scenario, on one line, with a newline at its end.
pub fn mutant(mutant: &Mutant<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: mutant }))
}

/// The document of all of them together, likewise.
pub fn mutants(mutants: &Mutants<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: mutants }))
}

/// The document of a way in which tuples of inputs fail, on one line, with a newline at its end.
pub fn way(way: &Way<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: way }))
}

/// The document of all tuples of a case, likewise.
pub fn swept(swept: &Swept<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: swept }))
}

/// Only maps with keys that are no strings and failing writers make this fail, and there are none.
pub(crate) fn text(made: serde_json::Result<String>) -> String {
    made.map_or_else(|e| format!("{{\"error\": \"{e}\"}}"), |text| text + "\n")
}

fn document_of<'a>(report: &Report<'a>) -> Document<'a> {
    let engines = report.explorations.iter().enumerate();
    Document {
        format: FORMAT,
        scenario: report.scenario,
        case: report.case,
        file: report.file,
        verdict: report.judged.map(|j| j.verdict),
        grade: report.judged.map(|j| j.grade),
        failures: report.judged.map(|j| j.failures.iter().map(|f| failure(report.program, f)).collect()),
        hash: token::hash(report.program),
        grain: Some(report.program.grain).filter(|grain| !grain.is_fine()).map(|grain| grain.to_string()),
        atomics: report.program.atomics().into_iter().map(|(line, why)| AtomicOut { line, why }).collect(),
        columns: outcomes::columns(report.program),
        engines: engines.map(|(i, e)| engine(report, e, report.seconds.get(i).copied())).collect(),
    }
}

#[derive(Serialize)]
struct MistakesOut<'a> {
    format: u32,
    file: &'a str,
    mistakes: &'a [Mistake<'a>],
}

#[derive(Serialize)]
struct WarningsOut<'a> {
    format: u32,
    file: &'a str,
    scenario: &'a str,
    warnings: &'a [Mistake<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    untold: Option<usize>,
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    scenario: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<FailureOut<'a>>>,
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grain: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    atomics: Vec<AtomicOut<'a>>,
    columns: Vec<String>,
    engines: Vec<EngineOut<'a>>,
}

/// A block that the scenario says is one step.
#[derive(Serialize)]
struct AtomicOut<'a> {
    line: u32,
    why: &'a str,
}

#[derive(Serialize)]
struct FailureOut<'a> {
    text: &'a str,
    engines: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

#[derive(Serialize)]
struct EngineOut<'a> {
    engine: &'static str,
    coverage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preemptions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    without: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    counts: CountsOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<StatementsOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    walks: Option<WalksOut>,
    outcomes: Vec<Vec<String>>,
    violations: Vec<ViolationOut<'a>>,
    conditions: Vec<ConditionOut<'a>>,
}

#[derive(Serialize)]
struct CountsOut {
    states: u64,
    transitions: u64,
    terminals: u64,
    depth: u64,
    executions: u64,
    blocked: u64,
    impossible: u64,
    unfair_cycles: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    permutations: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beyond: Option<u64>,
}

/// How much of the text was come to.
#[derive(Serialize)]
struct StatementsOut {
    came: usize,
    all: usize,
}

impl StatementsOut {
    fn of((came, all): (usize, usize)) -> StatementsOut {
        StatementsOut { came, all }
    }
}

/// What is known after walks at random.
#[derive(Serialize)]
struct WalksOut {
    walks: u64,
    given_up: u64,
    steps: u64,
    longest: u64,
    states: u64,
    estimated: bool,
    states_once: u64,
    new: [u64; 10],
    unseen: f64,
    outcomes_once: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<FinderOut>,
}

#[derive(Serialize)]
struct FinderOut {
    walk: u64,
    sort: String,
    steps: usize,
}

impl WalksOut {
    fn of(known: &Summary) -> WalksOut {
        let Summary { walks, given_up, steps, longest, states, estimated, .. } = *known;
        let Summary { states_once, new, unseen, outcomes_once, .. } = *known;
        let found = known.found.map(|f| FinderOut { walk: f.walk, sort: f.sort.to_string(), steps: f.steps });
        WalksOut { walks, given_up, steps, longest, states, estimated, states_once, new, unseen, outcomes_once, found }
    }
}

#[derive(Serialize)]
struct ViolationOut<'a> {
    property: &'static str,
    meaning: &'static str,
    message: String,
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<&'a str>,
    token: String,
    preemptions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    point_of_no_return: Option<PointOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits: Vec<WaitOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loop_from: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stale: Vec<StaleOut<'a>>,
    steps: Vec<StepOut<'a>>,
}

/// A read of weak memory that did not return the youngest store; steps from 1, none for what was there at the start.
#[derive(Serialize)]
struct StaleOut<'a> {
    step: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<&'a str>,
    stores_back: u8,
    got: StoredOut,
    youngest: StoredOut,
}

#[derive(Serialize)]
struct StoredOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
}

#[derive(Serialize)]
struct Place<'a> {
    thread: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    op: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallOut<'a>>,
}

/// A call that leads to a place.
#[derive(Serialize)]
struct CallOut<'a> {
    r#in: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    op: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PointOut {
    At { step: usize, passing: String },
    Never { never: bool },
}

#[derive(Serialize)]
struct WaitOut<'a> {
    thread: &'a str,
    r#for: &'a str,
    holds: Vec<&'a str>,
    from: Vec<&'a str>,
}

#[derive(Serialize)]
struct StepOut<'a> {
    step: usize,
    #[serde(flatten)]
    place: Place<'a>,
    label: &'static str,
    first: bool,
    switch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asleep_on: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeOut>,
}

#[derive(Serialize)]
struct ChangeOut {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: String,
}

#[derive(Serialize)]
struct ConditionOut<'a> {
    text: &'a str,
    judged: bool,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_true: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_false: Option<String>,
}

fn failure<'a>(program: &Program, f: &Failed<'a>) -> FailureOut<'a> {
    let token = f.trace.map(|t| token::of_trace(program, t));
    FailureOut { text: f.text, engines: f.engines.clone(), token }
}

fn engine<'a>(report: &Report<'a>, e: &'a Exploration, seconds: Option<f64>) -> EngineOut<'a> {
    let program = report.program;
    let (coverage, preemptions, why) = match &e.coverage {
        Coverage::Complete => ("complete", None, None),
        Coverage::Preemptions(n) => ("preemption-bounded", Some(*n), None),
        Coverage::Sampled => ("sampled", None, None),
        Coverage::Incomplete(why) => ("incomplete", None, Some(&why[..])),
        Coverage::Refused(why) => ("refused", None, Some(&why[..])),
    };
    let finished = e.outcomes.iter().filter_map(|o| match o {
        Outcome::Finished { locals, vars, warned } => Some(outcomes::cells(program, locals, vars, warned)),
        Outcome::Violated(_) => None,
    });
    let Counts { states, transitions, terminals, depth, executions, blocked, impossible, unfair_cycles, .. } = e.counts;
    let cover = e.cover.as_ref().filter(|_| !e.coverage.is_complete());
    let permutations = Some(e.counts.permutations).filter(|n| *n > 0);
    let conditions = e.watched.iter().zip(report.conditions).map(|(w, text)| condition(program, w, text));
    EngineOut {
        engine: e.engine.name(),
        coverage,
        preemptions,
        why,
        without: e.engine.misses(),
        seconds,
        counts: CountsOut {
            states,
            transitions,
            terminals,
            depth,
            executions,
            blocked,
            impossible,
            unfair_cycles,
            permutations,
            beyond: Some(e.counts.beyond).filter(|n| *n > 0),
        },
        statements: cover.map(|cover| summary::statements(program, cover)).map(StatementsOut::of),
        walks: report.walks.map(WalksOut::of),
        outcomes: finished.collect(),
        violations: e.found.iter().map(|f| violation(report, f)).collect(),
        conditions: conditions.collect(),
    }
}

fn condition<'a>(program: &Program, w: &Watched, text: &'a str) -> ConditionOut<'a> {
    let token = |t: &Trace| token::of_trace(program, t);
    ConditionOut {
        text,
        judged: !w.not_judged,
        failed: w.failed,
        seen_true: w.seen_true.as_ref().map(token),
        seen_false: w.seen_false.as_ref().map(token),
    }
}

fn violation<'a>(report: &Report<'a>, found: &'a Found) -> ViolationOut<'a> {
    let (program, v, steps) = (report.program, found.violation, &found.trace.steps);
    let replay = Replay::of(program, &found.trace);
    let point = match &found.point_of_no_return {
        PointOfNoReturn::At { after, passing } => {
            let way: Vec<Action> = steps[..(*after).min(steps.len())].iter().chain(passing).copied().collect();
            Some(PointOut::At { step: after + 1, passing: token::encode(program, &way) })
        }
        PointOfNoReturn::Never => Some(PointOut::Never { never: true }),
        PointOfNoReturn::NotKnown => None,
    };
    let name = |t: &ThreadId| program.thread_name(*t);
    let waits = waiting::waits(program, &replay.last).into_iter().map(|w| WaitOut {
        thread: name(&w.thread),
        r#for: words::object_name(program, w.on),
        holds: w.holds.iter().map(|o| words::object_name(program, *o)).collect(),
        from: w.providers.iter().map(name).collect(),
    });
    let waits = if replay.last.violation().is_none() { waits.collect() } else { vec![] };
    ViolationOut {
        property: v.property.name(),
        meaning: v.property.meaning(),
        message: verdict::sentence(&replay, v),
        // A leak is nobody's step: it is seen when everything is over.
        place: if v.property.is_seen_at_end() {
            Place { thread: program.thread_name(v.thread), line: None, at: None, op: "", calls: vec![] }
        } else {
            let step = replay.steps.iter().rfind(|s| (s.thread, s.pc) == (v.thread, v.pc));
            place(report, v.thread, v.pc, step.map_or(&[], |s| &s.callers))
        },
        object: v.object.map(|o| words::object_name(program, o)),
        other: v.other.map(|t| program.thread_name(t)),
        token: token::of_trace(program, &found.trace),
        preemptions: replay.preemptions(),
        point_of_no_return: point,
        waits,
        loop_from: replay.loop_from.map(|from| from + 1),
        stale: found.trace.weak.iter().flatten().filter(|s| is_news(s)).map(|s| stale(&replay, s)).collect(),
        steps: (0..replay.steps.len()).map(|i| step(report, &replay, i)).collect(),
    }
}

fn stale<'a>(replay: &Replay<'a>, s: &Stale) -> StaleOut<'a> {
    let program = replay.program;
    let ty = s.word.map_or_else(Default::default, |word| program.var_type(word));
    let stored = |s: &Stored| StoredOut {
        value: s.value.map(|v| words::typed_in(program, &replay.last.world, ty, v)),
        step: s.step.map(|at| at + 1),
    };
    StaleOut {
        step: s.step + 1,
        word: s.word.map(|w| words::object_name(program, w)),
        stores_back: s.age,
        got: stored(&s.got),
        youngest: stored(&s.newest),
    }
}

fn place<'a>(report: &Report<'a>, t: ThreadId, pc: u16, callers: &[u16]) -> Place<'a> {
    let program = report.program;
    let line = words::line(program, t, pc);
    let in_file = |line: Line<'_>| report.file.and_then(|file| line.in_file(file));
    let calls = site::calls(program, t, pc, callers).into_iter().map(|c| CallOut {
        r#in: c.name,
        line: (c.line.number > 0).then_some(c.line.number),
        at: in_file(c.line),
        op: c.op,
    });
    Place {
        thread: program.thread_name(t),
        line: (line.number > 0).then_some(line.number),
        at: in_file(line),
        op: words::op_text(program, t, pc),
        calls: calls.collect(),
    }
}

fn step<'a>(report: &Report<'a>, replay: &Replay<'a>, at: usize) -> StepOut<'a> {
    let (program, s): (&'a Program, &Step) = (report.program, &replay.steps[at]);
    let changes = s.changes.iter().map(|c| ChangeOut {
        what: c.subject.clone(),
        from: c.from().map(String::from),
        to: c.to().into(),
    });
    StepOut {
        step: at + 1,
        place: place(report, s.thread, s.pc, &s.callers),
        label: s.label,
        first: s.first,
        switch: replay.preempts(at),
        choice: s.choice,
        result: s.result.clone(),
        into: s.into.map(|l| words::local_at(program, s.thread, s.pc, l)),
        asleep_on: match s.end {
            End::Asleep(on) => Some(words::object_name(program, on)),
            _ => None,
        },
        changes: changes.collect(),
    }
}

#[cfg(test)]
mod tests;
