//! `fenceweave replay`: one schedule again, from its token.

use super::{Exit, check::cases, complain, fitted, inputs, load, sheet, short_name, usage, write};
use crate::{
    args::{ReplayArgs, TraceFormatArg},
    files::{Selection, with_case},
};
use fenceweave_explore::{Found, PointOfNoReturn, Stale, Task, Trace, diagnose, loom, shuttle};
use fenceweave_kernel::{Action, Condition, Moment, Program, Property, State, ThreadId, Violation, thread::Run};
use fenceweave_report::{Clause, Counterexample, TokenError, chrome, mermaid, token, trace};
use fenceweave_scenario::{Case, Engine, Expected, Fixed, Loaded, Verdict};
use std::{fmt::Write as _, path::Path};

pub(super) fn replay(args: &ReplayArgs) -> Exit {
    let (file, _) = with_case(&args.file);
    let loaded = match load(&file) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let fixed = match Fixed::read(&args.input) {
        Ok(fixed) => fixed,
        Err(why) => return usage(&why),
    };
    let meant = Meant { said: &args.file, only: args.only.as_deref(), fixed: &fixed };
    let owned = meant.cases(&loaded, Some(&args.token));
    match meant.which(&owned, &args.token) {
        Ok((at, trace)) => show(&owned[at], trace, args, &file),
        Err(why) => usage(&why),
    }
}

/// Which cases of a file are meant.
pub(super) struct Meant<'a> {
    /// The file, and perhaps one of its scenarios or cases.
    pub(super) said: &'a Path,
    /// What a name has in it.
    pub(super) only: Option<&'a str>,
    /// What inputs are to be.
    pub(super) fixed: &'a Fixed,
}

impl Meant<'_> {
    /// The cases; of one with inputs the tuple whose program the token is of.
    pub(super) fn cases(&self, loaded: &Loaded, token: Option<&str>) -> Vec<Case> {
        let (file, _) = with_case(self.said);
        let selection = Selection::of(&[self.said.to_path_buf()]);
        let wanted = |c: &Case| {
            let name = &c.program.name;
            self.only.is_none_or(|only| name.contains(only)) && selection.takes(&file, name)
        };
        let of = |(scenario, case): (&str, &Case)| {
            let fits = |case: &Case| token.is_none_or(|token| token::decode(&case.program, token).is_ok());
            let found = || inputs::find(loaded, (scenario, case), self.fixed, fits);
            let with = (!case.tuple.is_empty()).then(found).flatten();
            with.unwrap_or_else(|| case.clone())
        };
        cases(loaded).filter(|(_, c)| wanted(c)).map(of).collect()
    }

    /// The place of the case that the token is of, and its steps. A token carries the hash of its program; one written
    /// by hand need not.
    pub(super) fn which(&self, all: &[Case], token: &str) -> Result<(usize, Trace), String> {
        if token.trim().is_empty() {
            return Err("the token is empty: it stands behind `replay:` at the end of a trace".to_owned());
        }
        let (mut fitting, mut others, mut why) = (vec![], 0, None);
        for (at, case) in all.iter().enumerate() {
            match token::decode(&case.program, token) {
                Ok(trace) => fitting.push((at, trace)),
                Err(e) => {
                    others += usize::from(matches!(e, TokenError::OtherProgram { .. }));
                    why.get_or_insert(e);
                }
            }
        }
        match (fitting.len(), why) {
            (1, _) => fitting.pop().ok_or_else(String::new),
            (0, None) => Err(self.none()),
            (0, Some(_)) if others == all.len() && others > 1 => Err(format!(
                "the token is of none of the {others} cases of {}: it is another file's, or the case has changed since",
                self.said.display()
            )),
            (0, Some(e)) => Err(e.to_string()),
            _ => {
                let names: Vec<&str> = fitting.iter().map(|(at, _)| all[*at].program.name.as_str()).collect();
                let names = names.join(", ");
                Err(format!("a token without `@` may be of any case: say by `--only` of which ({names})"))
            }
        }
    }

    /// What is said where no case is meant.
    pub(super) fn none(&self) -> String {
        let only = self.only.unwrap_or_default();
        format!("no scenario or case of {} has `{only}` in its name", self.said.display())
    }
}

/// Where a schedule leads.
struct End {
    /// The way there; a lasso if it was there before.
    trace: Trace,
    /// What is broken there.
    violation: Option<Violation>,
    /// Who could go on.
    next: Vec<String>,
    /// Whether every step could be taken.
    whole: bool,
    /// Whether nobody can go on.
    over: bool,
    /// What each condition comes to there, if that can be said.
    conditions: Vec<Option<bool>>,
}

fn show(case: &Case, trace: Trace, args: &ReplayArgs, file: &Path) -> Exit {
    let (program, name) = (&case.program, short_name(file));
    let sheet = sheet(&args.traces, &name);
    let engine = if trace.weak.is_some() { Engine::Loom } else { Engine::Explicit };
    let expected: Vec<&Expected> = case.expectations.conditions(engine).collect();
    let conditions: Vec<Condition> = expected.iter().map(|e| e.condition.clone()).collect();
    let end = match trace.weak {
        Some(_) => match follow_weak(program, &trace, &conditions) {
            Ok(end) => end,
            Err(why) => return usage(&why),
        },
        None => follow(program, &trace.steps, &conditions),
    };
    if args.format != TraceFormatArg::Text {
        return export(case, &end, args.format);
    }
    let with = if case.tuple.is_empty() { String::new() } else { format!(" with {}", case.tuple) };
    let mut out = format!("{}{with}\n", program.name);
    if let Some(grain) = token::grain_of(&args.token).filter(|grain| *grain != program.grain) {
        let same = "its steps are accesses in any grain, and are taken as they were found";
        let _ = writeln!(out, "the token is of grain {grain}, and the case has grain {}: {same}", program.grain);
    }
    match end.violation {
        Some(violation) => {
            let point_of_no_return = PointOfNoReturn::NotKnown;
            let found = Found { violation, trace: end.trace.clone(), point_of_no_return };
            out.push_str(&trace::render(&Counterexample::of(program, &found), &sheet));
        }
        None => {
            let way = Counterexample::way(program, &end.trace);
            let clause = broken(&expected, &end).next();
            let clause = clause.map(|e| Clause { condition: &e.condition, name: e.name.as_deref() });
            out.push_str(&trace::render(&Counterexample { clause, ..way }, &sheet));
        }
    }
    if end.violation.is_none() && end.whole {
        if let Some(back_at) = end.trace.loop_from {
            let _ = writeln!(out, "the schedule comes back to where it was after step {back_at}");
        }
        let last =
            if end.next.is_empty() { "nothing is left to do, and nothing is wrong".to_owned() } else { open(&end) };
        let broken = broken_clauses(&expected, &end);
        let _ = writeln!(out, "{}", if broken.is_empty() { last } else { broken });
    }
    let agreement = (args.shuttle && end.whole).then(|| shuttle_agrees(case, &end));
    let agreed = agreement.as_ref().is_none_or(Result::is_ok);
    if let Some(Ok(line) | Err(line)) = agreement {
        let _ = writeln!(out, "shuttle: {line}");
    }
    // What could not be written decides the exit code.
    let _ = write(&fitted(out, &args.traces));
    let as_expected = is_expected(case, engine, &end) && broken_clauses(&expected, &end).is_empty();
    match (end.whole, agreed && as_expected) {
        (false, _) => Exit::Usage,
        (true, false) => Exit::Unexpected,
        (true, true) => Exit::Success,
    }
}

/// The schedule for another program, which draws it: that what it leads to is wrong is no failure here.
fn export(case: &Case, end: &End, format: TraceFormatArg) -> Exit {
    let (program, point_of_no_return) = (&case.program, PointOfNoReturn::NotKnown);
    let found = end.violation.map(|violation| Found { violation, trace: end.trace.clone(), point_of_no_return });
    let example = match &found {
        Some(found) => Counterexample::of(program, found),
        None => Counterexample::way(program, &end.trace),
    };
    let text = match format {
        TraceFormatArg::Chrome => Some(chrome::document(&example)),
        TraceFormatArg::Waits => mermaid::waits(&example),
        TraceFormatArg::Text | TraceFormatArg::Mermaid => Some(mermaid::diagram(&example)),
    };
    let Some(text) = text else {
        return usage("nobody waits at the end of this schedule: `--format mermaid` draws its steps");
    };
    if !end.whole {
        complain("warning: the schedule cannot be taken to its end; the rest is not there\n");
    }
    // What could not be written decides the exit code.
    let _ = write(&text);
    if end.whole { Exit::Success } else { Exit::Usage }
}

/// Whether the scenario says that what is broken at the end is to be broken.
fn is_expected(case: &Case, engine: Engine, end: &End) -> bool {
    end.violation.is_none_or(|v| match case.expectations.verdict(engine) {
        Verdict::Holds => false,
        Verdict::Violates(all) => all.contains(&v.property),
    })
}

/// The clauses that the state at the end breaks, a line each.
fn broken_clauses(expected: &[&Expected], end: &End) -> String {
    let lines: Vec<String> =
        broken(expected, end).map(|e| format!("line {}: `{}` does not hold", e.line, e.text)).collect();
    lines.join("\n")
}

fn broken<'e>(expected: &'e [&Expected], end: &End) -> impl Iterator<Item = &'e Expected> {
    let is_broken = |moment, value| match (moment, value) {
        (Moment::Never, Some(true)) | (Moment::Always, Some(false)) => true,
        (Moment::AtEnd, Some(false)) => end.over,
        _ => false,
    };
    let of = expected.iter().zip(&end.conditions).filter(move |(e, value)| is_broken(e.condition.moment, **value));
    of.map(|(e, _)| *e)
}

fn open(end: &End) -> String {
    format!("the schedule ends here; who could go on: {}", end.next.join(", "))
}

/// Takes the steps as far as they go.
fn follow(program: &Program, steps: &[Action], conditions: &[Condition]) -> End {
    let mut state = State::initial(program);
    let mut passed = vec![];
    let mut trace = Trace::of(steps.to_vec());
    for action in steps {
        passed.push(encoding(&state, program));
        let possible = state.enabled(program).contains(action.thread);
        if !possible || action.choice >= state.ways(program, action.thread) {
            return End { trace, violation: None, next: vec![], whole: false, over: false, conditions: vec![] };
        }
        state.step(program, *action);
    }
    let enabled = state.enabled(program);
    let mut violation = state.violation();
    let here = encoding(&state, program);
    let over = violation.is_none() && enabled.is_empty();
    if over {
        violation = diagnose::stuck(program, &state).or_else(|| state.conclude(program));
    }
    let next = program.threads().filter(|t| enabled.contains(*t)).map(|t| program.thread_name(t).to_owned()).collect();
    trace.loop_from = passed.iter().rposition(|before| *before == here).filter(|_| violation.is_none());
    let conditions = conditions.iter().map(|c| c.eval(program, &state).ok().flatten()).collect();
    End { trace, violation, next, whole: true, over, conditions }
}

/// Takes the steps of an execution on weak memory, whose reads the trace gives: every one of them, or none.
fn follow_weak(program: &Program, trace: &Trace, conditions: &[Condition]) -> Result<End, String> {
    let replayed = loom::replay(program, conditions, trace);
    refuse_reads(trace, &replayed)?;
    if let Some(action) = trace.steps.get(replayed.taken) {
        // A table, which is of one memory, might show a way on where there is none.
        let (step, thread) = (replayed.taken + 1, program.thread_name(action.thread));
        return Err(format!(
            "step {step} cannot be taken: with what the token's reads return, {thread} does not go on"
        ));
    }
    let goes_on = |t: &ThreadId| !replayed.over && replayed.threads[t.index()].run() == Run::Ready;
    let next = program.threads().filter(goes_on).map(|t| program.thread_name(t).to_owned()).collect();
    let loom::Replayed { trace, violation, over, conditions, .. } = replayed;
    Ok(End { trace, violation, next, whole: true, over, conditions })
}

/// A read of the token that goes back where its step reads nothing, or further than there are stores that it may see.
fn refuse_reads(trace: &Trace, replayed: &loom::Replayed) -> Result<(), String> {
    let real = |asked: &Stale| {
        let mut turned_out = replayed.trace.weak.iter().flatten();
        turned_out.any(|s| (s.step, s.nth, s.age) == (asked.step, asked.nth, asked.age))
    };
    let asked = trace.weak.iter().flatten().filter(|s| s.age > 0 && s.step < replayed.taken);
    match asked.into_iter().find(|s| !real(s)) {
        None => Ok(()),
        Some(Stale { step, nth, age, .. }) => Err(format!(
            "the token has read {} of step {} go {age} back in the stores (`~`): there is no such read, or none so old; \
             the tokens that `check --engine loom` prints have only what there is",
            nth + 1,
            step + 1
        )),
    }
}

fn encoding(state: &State, program: &Program) -> Vec<u8> {
    let (mut state, mut out) = (state.clone(), vec![]);
    state.encode(program, &mut out);
    out
}

fn shuttle_agrees(case: &Case, end: &End) -> Result<String, String> {
    if end.trace.weak.is_some() {
        return Ok("has no weak memory".to_owned());
    }
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let replayed = shuttle::replay(&task, &end.trace.steps).map_err(|e| e.to_string())?;
    // A warning goes on, and is told before what comes after it.
    let mut seen: Vec<Violation> = replayed.found.iter().map(|f| f.violation).collect();
    seen.retain(|v| Some(*v) == end.violation || v.property != Property::WARN_ON);
    if seen == Vec::from_iter(end.violation) { Ok("the same".to_owned()) } else { Err("another result".to_owned()) }
}
