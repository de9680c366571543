//! What a page shows, as the script reads it.

use super::{
    Case, Covered, Page,
    by_hand::{self, Next, Way},
    state::{self, Facts, Subject, Waiting},
};
use crate::{
    line::Line,
    outcomes,
    replay::{End, Replay, Step},
    site,
    style::Role,
    token,
    trace::{self, Clause, Counterexample},
    words,
};
use fenceweave_explore::{PointOfNoReturn, Trace};
use fenceweave_kernel::{Program, State};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageOut<'a> {
    title: &'a str,
    about: &'a str,
    file: &'a str,
    text: &'a str,
    coverage: &'a [Covered],
    /// Those that a step stands in, or is called from.
    libraries: Vec<&'a (String, String)>,
    cases: Vec<CaseOut<'a>>,
}

#[derive(Serialize)]
struct CaseOut<'a> {
    name: &'a str,
    verdict: &'a str,
    grade: &'a str,
    notes: &'a [String],
    threads: Vec<ThreadOut<'a>>,
    subjects: Vec<Subject>,
    columns: Vec<String>,
    outcomes: Vec<OutcomeOut<'a>>,
    executions: Vec<ExecutionOut<'a>>,
    /// What each thread is called in a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    letters: Vec<char>,
}

#[derive(Serialize)]
struct ThreadOut<'a> {
    name: &'a str,
    /// The kernel's own: a worker, a handler.
    agent: bool,
}

#[derive(Serialize)]
struct OutcomeOut<'a> {
    cells: &'a [String],
    /// The place of an execution that ends so.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecutionOut<'a> {
    title: String,
    /// `wrong`, `expected` (wrong, and the scenario says so), `well`; `open` where somebody can go on.
    kind: &'static str,
    token: String,
    /// What is said of it: `bad`, `good` or nothing, and the line.
    lines: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_return: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loop_from: Option<usize>,
    /// The place of the nearest execution that ends well.
    #[serde(skip_serializing_if = "Option::is_none")]
    passing: Option<usize>,
    /// Of an execution that ends well beside one that does not: with how many steps they are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    same: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
    start: SeenOut<'a>,
    steps: Vec<StepOut<'a>>,
}

/// What is seen of a state: what is told of whom, and not if it is as before.
#[derive(Serialize, Default)]
struct SeenOut<'a> {
    facts: Vec<(usize, &'static str, Option<String>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Vec<Waiting>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Vec<(usize, String)>>,
    /// Every step that can be taken, where one is chosen by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Vec<Next<'a>>>,
    /// The clauses that are broken in a state that is passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breaks: Vec<&'a str>,
}

#[derive(Serialize)]
struct StepOut<'a> {
    /// The thread's place; that behind all threads is teardown's.
    t: usize,
    /// Which way it went, where it had to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u8>,
    op: &'a str,
    label: &'static str,
    first: bool,
    switch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// `asleep`, `calls`, `broken`, `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<AtOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallOut<'a>>,
    changes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wakes: Vec<usize>,
    #[serde(flatten)]
    seen: SeenOut<'a>,
}

/// A line; of the scenario's own file without a name.
#[derive(Serialize)]
pub(super) struct AtOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: u32,
}

#[derive(Serialize)]
struct CallOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<AtOut<'a>>,
}

pub(super) fn of<'a>(page: &'a Page<'a>) -> PageOut<'a> {
    let Page { title, about, file, text, coverage, libraries, cases } = page;
    let cases: Vec<CaseOut<'a>> = cases.iter().map(case).collect();
    let steps = cases.iter().flat_map(|c| &c.executions).flat_map(|e| &e.steps);
    let places = steps.flat_map(|s| s.at.iter().chain(s.calls.iter().filter_map(|call| call.at.as_ref())));
    let named: BTreeSet<&str> = places.filter_map(|at| at.file).collect();
    let libraries = libraries.iter().filter(|(name, _)| named.contains(&**name)).collect();
    PageOut { title, about, file, text, coverage, libraries, cases }
}

/// The same with a way that is gone by hand in each of its cases, and every file.
pub(super) fn by_hand<'a>(page: &'a Page<'a>, ways: &'a [Way<'a>]) -> PageOut<'a> {
    let mut out = of(page);
    out.libraries = page.libraries.iter().collect();
    for (case, way) in out.cases.iter_mut().zip(ways) {
        case.letters = token::letters(way.example.program);
        case.executions.push(of_way(way, 0));
    }
    out
}

/// A way that is gone by hand, without the first steps of it, which the page has.
pub(super) fn of_way<'a>(way: &'a Way<'a>, from: usize) -> ExecutionOut<'a> {
    let program = way.example.program;
    let mut out = execution(program, &way.example, String::new(), way.kind(), Some(way.clauses));
    out.steps.drain(..from.min(out.steps.len()));
    out
}

fn case<'a>(case: &'a Case<'a>) -> CaseOut<'a> {
    let program = case.program;
    let mut executions: Vec<ExecutionOut<'a>> = vec![];
    for found in &case.executions {
        let kind = if found.expected { "expected" } else { "wrong" };
        let mut shown = execution(program, &found.example, found.title.clone(), kind, None);
        if let Some((after, passing)) = found.example.passing_trace() {
            let at = executions.len() + 1;
            shown.passing = Some(at);
            let title = format!("{}: a schedule that passes", found.title);
            let way = execution(program, &Counterexample::way(program, &passing), title, "well", None);
            executions.push(shown);
            executions.push(ExecutionOut { same: Some(after), ..way });
            continue;
        }
        executions.push(shown);
    }
    let mut endings = vec![];
    for (at, ending) in case.outcomes.iter().enumerate() {
        let place = ending.example.as_ref().map(|example| {
            executions.push(execution(program, example, format!("ends well, {}", at + 1), "well", None));
            executions.len() - 1
        });
        endings.push(OutcomeOut { cells: &ending.cells, execution: place });
    }
    let thread = |t| ThreadOut { name: program.thread_name(t), agent: program.scripts[t.index()].agent };
    CaseOut {
        name: case.name,
        verdict: &case.verdict,
        grade: case.grade,
        notes: &case.notes,
        threads: program.threads().map(thread).collect(),
        subjects: state::subjects(program),
        columns: outcomes::columns(program),
        outcomes: endings,
        executions,
        letters: vec![],
    }
}

/// What was seen of the last state that was looked at.
#[derive(Default)]
struct Last {
    facts: Facts,
    waits: Vec<Waiting>,
    holds: Vec<(usize, String)>,
}

impl Last {
    /// What is new in a state.
    fn see<'a>(&mut self, program: &'a Program, state: &State) -> SeenOut<'a> {
        let facts = state::facts(program, state);
        let (waits, holds) = (state::waits(program, state), state::holds(program, state));
        let mut told: Vec<(usize, &'static str, Option<String>)> = vec![];
        for ((at, name), value) in &facts {
            if self.facts.get(&(*at, *name)) != Some(value) {
                told.push((*at, *name, Some(value.clone())));
            }
        }
        let gone = self.facts.keys().filter(|key| !facts.contains_key(*key));
        told.extend(gone.map(|(at, name)| (*at, *name, None)));
        let seen = SeenOut {
            facts: told,
            waits: (self.waits != waits).then(|| waits.clone()),
            holds: (self.holds != holds).then(|| holds.clone()),
            ..SeenOut::default()
        };
        *self = Last { facts, waits, holds };
        seen
    }
}

fn execution<'a>(
    program: &'a Program,
    example: &Counterexample<'_>,
    title: String,
    kind: &'static str,
    by_hand: Option<&'a [(Clause<'a>, String)]>,
) -> ExecutionOut<'a> {
    let mut last = Last::default();
    let mut look = |state: &State| {
        let seen = last.see(program, state);
        let Some(clauses) = by_hand else { return seen };
        SeenOut { next: Some(by_hand::next(program, state)), breaks: by_hand::breaks(program, state, clauses), ..seen }
    };
    let start = look(&State::initial(program));
    let mut seen = vec![];
    let mut see = |state: &State| seen.push(look(state));
    let replay = match example.needs_teardown() {
        true => Replay::seeing_all(program, example.trace, &mut see),
        false => Replay::seeing(program, example.trace, &mut see),
    };
    let role = |role| match role {
        Some(Role::Bad) => "bad",
        Some(Role::Good) => "good",
        _ => "",
    };
    let lines = trace::under(example, &replay).into_iter().map(|(of, line)| (role(of), line));
    let no_return = match example.point_of_no_return {
        Some(PointOfNoReturn::At { after, .. }) => Some(*after),
        _ => None,
    };
    let broken = example.violation.map(|v| v.property.name().to_owned());
    let clause = example.clause.map(|c| c.name.unwrap_or(c.condition.moment.keyword()).to_owned());
    ExecutionOut {
        title,
        kind,
        token: token::of_trace(program, example.trace),
        lines: lines.skip_while(|(_, line)| line.is_empty()).collect(),
        no_return,
        loop_from: loop_from(example.trace, &replay),
        passing: None,
        same: None,
        broken: broken.or(clause),
        start,
        steps: replay.steps.iter().enumerate().zip(seen).map(|((at, s), seen)| step(&replay, at, s, seen)).collect(),
    }
}

fn loop_from(trace: &Trace, replay: &Replay<'_>) -> Option<usize> {
    trace.loop_from.filter(|from| *from < replay.steps.len())
}

fn step<'a>(replay: &Replay<'a>, at: usize, s: &Step, seen: SeenOut<'a>) -> StepOut<'a> {
    let program: &'a Program = replay.program;
    let calls = site::calls(program, s.thread, s.pc, &s.callers);
    StepOut {
        t: s.thread.index(),
        choice: s.choice,
        op: words::op_text(program, s.thread, s.pc),
        label: s.label,
        first: s.first,
        switch: replay.preempts(at),
        result: s.result.clone().filter(|_| s.into.is_some()),
        end: match s.end {
            End::Asleep(_) => Some("asleep"),
            End::Called(_) => Some("calls"),
            End::Broken(_) => Some("broken"),
            End::Done(_) => Some("done"),
            End::Unfinished => None,
        },
        at: place(words::line(program, s.thread, s.pc)),
        calls: calls.into_iter().map(|c| CallOut { name: c.name, at: place(c.line) }).collect(),
        changes: s.changes.iter().map(ToString::to_string).collect(),
        wakes: program.threads().filter(|t| s.changes.iter().any(|c| c.wakes(*t))).map(|t| t.index()).collect(),
        seen,
    }
}

pub(super) fn place(line: Line<'_>) -> Option<AtOut<'_>> {
    (line.number > 0).then(|| AtOut { file: line.file(), line: line.number })
}
