//! Steps folded to the rows of a table.

use super::way;
use crate::{
    line::Line,
    replay::{Change, End, Replay, Step, merge},
    site::{self, Call},
    words,
};
use fenceweave_kernel::{Instr, Program, Rule, ThreadId, Value, Violation, program::Shows};

/// One row: steps of one thread at one operation, or of a call in which nothing happened.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// The first step's number, from 1.
    pub(super) first: usize,
    /// The last step's number.
    pub(super) last: usize,
    /// Whose column it stands in.
    pub(super) thread: ThreadId,
    /// The calls that it is inside of, the outermost first.
    pub(super) calls: Vec<Call<'a>>,
    /// The line of the operation.
    pub(super) line: Line<'a>,
    /// The author's text; empty for a further step of an operation that is shown step by step.
    pub(super) op: String,
    /// The result.
    pub(super) tail: String,
    /// The result with the name of what took it; empty if there is none.
    pub(super) saw: String,
    /// Lines under the operation.
    pub(super) under: Vec<String>,
    /// What changed.
    pub(super) changes: Vec<Change>,
    /// Whether it went through without anything that a reader must see: a sleep, a choice, a failure that was asked
    /// for.
    pub(super) is_plain: bool,
    /// What the row's last step broke: a property, or a clause.
    pub(super) broken: Option<String>,
    /// After this row nothing ends well any more.
    pub(super) no_return: bool,
    /// It comes after a thread that could have gone on: the how many-th time, of how many.
    pub(super) preemption: Option<(usize, usize)>,
    /// The loop of a lasso begins with it.
    pub(super) begins_loop: bool,
}

/// Folds steps to rows. A row never goes across the step `no_return` (from 0), nor into a loop.
///
/// A run of steps of one operation is one row if it ends with the operation or with going to sleep. One that is cut by
/// a switch is a row per step: where it was cut is what matters.
pub(super) fn fold<'a>(replay: &Replay<'a>, no_return: Option<usize>) -> Vec<Row<'a>> {
    let (steps, total) = (&replay.steps, replay.preemptions());
    let (mut rows, mut at, mut preemptions) = (vec![], 0, 0);
    while at < steps.len() {
        let end = run_end(replay, at, no_return);
        let cut = matches!(steps[end].end, End::Unfinished);
        let preemption = replay.preempts(at).then(|| {
            preemptions += 1;
            (preemptions, total)
        });
        let before = rows.len();
        if cut {
            rows.extend((at..=end).map(|i| row(replay, i, i, at, no_return)));
        } else {
            rows.push(row(replay, at, end, at, no_return));
        }
        rows[before].preemption = preemption;
        rows[before].begins_loop = replay.loop_from == Some(at);
        at = end + 1;
    }
    rows
}

/// The row of an operation that the trace leads to and does not take: by itself it breaks nothing, but with what other
/// executions do.
pub(super) fn to_come<'a>(replay: &Replay<'a>, v: Violation) -> Option<Row<'a>> {
    let is_taken = replay.steps.last().is_some_and(|s| (s.thread, s.pc) == (v.thread, v.pc));
    if !v.rule.is_some_and(Rule::is_to_come) || is_taken {
        return None;
    }
    let number = replay.steps.len() + 1;
    Some(Row {
        first: number,
        last: number,
        thread: v.thread,
        calls: site::calls(replay.program, v.thread, v.pc, &[]),
        line: words::line(replay.program, v.thread, v.pc),
        op: words::op_text(replay.program, v.thread, v.pc).to_owned(),
        tail: String::new(),
        saw: String::new(),
        is_plain: false,
        under: vec!["comes next".into()],
        changes: vec![],
        broken: Some(v.property.name().to_owned()),
        no_return: false,
        preemption: None,
        begins_loop: false,
    })
}

/// The last step of the run that begins at `at`.
fn run_end(replay: &Replay<'_>, at: usize, no_return: Option<usize>) -> usize {
    let (steps, mut end): (&[Step], usize) = (&replay.steps, at);
    while matches!(steps[end].end, End::Unfinished)
        && no_return != Some(end)
        && replay.loop_from != Some(end + 1)
        && steps.get(end + 1).is_some_and(|next| next.thread == steps[at].thread && next.depth() == steps[at].depth())
    {
        end += 1;
    }
    end
}

/// The row of the steps `first..=last` of a run that begins at `run`.
fn row<'a>(replay: &Replay<'a>, first: usize, last: usize, run: usize, no_return: Option<usize>) -> Row<'a> {
    let (steps, program) = (&replay.steps, replay.program);
    let (start, end) = (&steps[first], &steps[last]);
    let text = match words::op_text(program, start.thread, start.pc) {
        "" => start.label,
        text => text,
    };
    let op = match (start.first, first == run) {
        (true, _) => text.into(),
        (false, true) => format!("... {text}"),
        // A further step of a run that is shown step by step: its label says it all.
        (false, false) => String::new(),
    };
    let mut under: Vec<String> = start.unwoken.map(String::from).into_iter().collect();
    let is_whole = start.first && matches!(end.end, End::Done(_) | End::Broken(_));
    if !is_whole && first == last && start.label != text && !matches!(end.end, End::Asleep(_)) {
        under.push(start.label.to_string());
    }
    if is_injected(replay.program, end) {
        under.push("injected failure".into());
    }
    if let Some(choice) = start.choice.filter(|_| !matches!(end.end, End::Done(_))) {
        under.push(way(program, words::instr(program, start.thread, start.pc), choice));
    }
    let mut broken = None;
    match end.end {
        End::Asleep(on) => under.push(format!("asleep on {}", words::object_name(program, on))),
        End::Broken(v) => broken = Some(v.property.name().to_owned()),
        End::Called(callee) => under.push(format!("calls {}", program.callees[usize::from(callee.0)])),
        _ => {}
    }
    // The violation of a private instruction after a finished operation is on the replayed state only.
    if last + 1 == steps.len()
        && broken.is_none()
        && let Some(v) = replay.last.violation().filter(|v| !v.property.is_seen_at_end())
    {
        broken = Some(v.property.name().to_owned());
        let text = words::op_text(program, v.thread, v.pc);
        under.push(if text.is_empty() { "end of script".into() } else { text.into() });
    }
    let goes_on = matches!(end.end, End::Done(_) | End::Called(_));
    Row {
        first: first + 1,
        last: last + 1,
        thread: start.thread,
        calls: site::calls(program, start.thread, start.pc, &start.callers),
        line: words::line(program, start.thread, start.pc),
        op,
        tail: result(replay, end),
        saw: saw(replay, end),
        // A line under it that says whom it calls is no event: the call's own rows are there.
        is_plain: goes_on && start.choice.is_none() && under.len() <= usize::from(matches!(end.end, End::Called(_))),
        under,
        changes: merge(steps[first..=last].iter().map(|s| &s.changes[..])),
        broken,
        no_return: no_return == Some(last),
        preemption: None,
        begins_loop: false,
    }
}

/// Whether the step is a failure that the scenario asks for: no protocol returned this.
fn is_injected(program: &Program, step: &Step) -> bool {
    let fails = matches!(step.end, End::Done(v) if v != Value::Unset);
    match words::instr(program, step.thread, step.pc) {
        Some(Instr::Fails { .. }) => true,
        Some(Instr::Op { op, .. }) if op.row().result == Shows::Injected => true,
        Some(Instr::Op { may_fail: Some(_), .. } | Instr::MayFail { .. }) => fails && step.label == "may fail",
        _ => false,
    }
}

/// `→ -EDEADLK`, `→ r=1`; nothing for an operation whose result says nothing.
fn result(replay: &Replay<'_>, step: &Step) -> String {
    let (Some(text), program) = (&step.result, replay.program) else { return String::new() };
    let shows = match words::instr(program, step.thread, step.pc) {
        Some(Instr::Op { op, .. }) => op.row().result,
        Some(Instr::Choose { .. }) => Shows::Answer,
        _ => Shows::Success,
    };
    let wakes = shows == Shows::Woken;
    // What was written its change shows already.
    let is_seen = || shows == Shows::Written && step.changes.iter().any(|c| c.to() == text);
    let into = step.into.map(|l| words::local_at(program, step.thread, step.pc, l));
    // What has no name is the compiler's own.
    match into.filter(|name| !name.is_empty()) {
        None if wakes && text == "0" => " → nobody woken".into(),
        None if wakes => format!(" → {text} woken"),
        None if shows != Shows::Answer && (text == "0" || is_seen()) || text == words::UNSET => String::new(),
        Some(name) if !names_local(program_text(replay, step), name) => format!(" → {name}={text}"),
        _ => format!(" → {text}"),
    }
}

/// `r=1`, as a call that is folded to one row tells what its operations came to; nothing where [`result`] says nothing.
fn saw(replay: &Replay<'_>, step: &Step) -> String {
    let told = result(replay, step);
    // What a proc calls it has no other name than in its text.
    let by_text = program_text(replay, step).split_whitespace().find_map(|w| w.strip_prefix("into="));
    let into = step.into.map(|l| words::local_at(replay.program, step.thread, step.pc, l));
    match (into.filter(|name| !name.is_empty()).or(by_text), &step.result) {
        _ if told.is_empty() => told,
        (Some(name), Some(text)) => format!("{name}={text}"),
        _ => told.trim_start_matches([' ', '→']).to_owned(),
    }
}

fn program_text<'a>(replay: &Replay<'a>, step: &Step) -> &'a str {
    words::op_text(replay.program, step.thread, step.pc)
}

/// Whether the author's text says already where the result goes.
fn names_local(text: &str, local: &str) -> bool {
    text.split_whitespace().any(|w| w.strip_prefix("into=") == Some(local))
}
