//! `fenceweave replay`: one schedule again, from its token.

use super::{Exit, check::cases, load, style, usage, write};
use crate::args::ReplayArgs;
use fenceweave_explore::{Found, PointOfNoReturn, Task, Trace, diagnose, shuttle};
use fenceweave_kernel::{Action, Program, State, Violation};
use fenceweave_report::{Counterexample, TokenError, token, trace};
use fenceweave_scenario::Case;
use std::fmt::Write as _;

pub(super) fn replay(args: &ReplayArgs) -> Exit {
    let loaded = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let wanted = |c: &Case| args.only.as_ref().is_none_or(|only| c.program.name.contains(only.as_str()));
    let all: Vec<&Case> = cases(&loaded).map(|(_, c)| c).filter(|c| wanted(c)).collect();
    match which(&all, args) {
        Ok((case, steps)) => show(case, steps, args.shuttle),
        Err(why) => usage(&why),
    }
}

/// The case that the token is of, and its steps. A token carries the hash of its program; one written by hand need not.
fn which<'a>(all: &[&'a Case], args: &ReplayArgs) -> Result<(&'a Case, Vec<Action>), String> {
    let (mut fitting, mut others, mut why) = (vec![], 0, None);
    for case in all {
        match token::decode(&case.program, &args.token) {
            Ok(steps) => fitting.push((*case, steps)),
            Err(e) => {
                others += usize::from(matches!(e, TokenError::OtherProgram { .. }));
                why.get_or_insert(e);
            }
        }
    }
    let file = args.file.display();
    match (fitting.len(), why) {
        (1, _) => fitting.pop().ok_or_else(String::new),
        (0, None) => {
            let only = args.only.as_deref().unwrap_or_default();
            Err(format!("no scenario or case of {file} has `{only}` in its name"))
        }
        (0, Some(_)) if others == all.len() && others > 1 => Err(format!(
            "the token is of none of the {others} cases of {file}: it is another file's, or the case has changed since"
        )),
        (0, Some(e)) => Err(e.to_string()),
        _ => {
            let names: Vec<&str> = fitting.iter().map(|(c, _)| c.program.name.as_str()).collect();
            Err(format!("a token without `@` may be of any case: say by `--only` of which ({})", names.join(", ")))
        }
    }
}

/// Where a schedule leads.
struct End {
    /// What is broken there.
    violation: Option<Violation>,
    /// Who could go on.
    next: Vec<String>,
    /// Whether every step could be taken.
    whole: bool,
    /// The number of steps after which it was where it is at the end: what follows is a loop.
    back_at: Option<usize>,
}

fn show(case: &Case, steps: Vec<Action>, on_shuttle: bool) -> Exit {
    let program = &case.program;
    let end = follow(program, &steps);
    let trace = Trace { loop_from: end.back_at, steps };
    let mut out = format!("{}\n", program.name);
    match end.violation {
        Some(violation) => {
            let point_of_no_return = PointOfNoReturn::NotKnown;
            let found = Found { violation, trace: trace.clone(), point_of_no_return };
            out.push_str(&trace::render(&Counterexample::of(program, &found), style()));
        }
        None => out.push_str(&trace::render(&Counterexample::way(program, &trace), style())),
    }
    if end.violation.is_none() && end.whole {
        if let Some(back_at) = end.back_at {
            let _ = writeln!(out, "the schedule comes back to where it was after step {back_at}");
        }
        let last =
            if end.next.is_empty() { "nothing is left to do, and nothing is wrong".to_owned() } else { open(&end) };
        let _ = writeln!(out, "{last}");
    }
    let agreement = (on_shuttle && end.whole).then(|| shuttle_agrees(case, &trace.steps, end.violation));
    let agreed = agreement.as_ref().is_none_or(Result::is_ok);
    if let Some(Ok(line) | Err(line)) = agreement {
        let _ = writeln!(out, "shuttle: {line}");
    }
    // What could not be written decides the exit code.
    let _ = write(&out);
    match (end.whole, agreed) {
        (false, _) => Exit::Usage,
        (true, false) => Exit::Unexpected,
        (true, true) => Exit::Success,
    }
}

fn open(end: &End) -> String {
    format!("the schedule ends here; who could go on: {}", end.next.join(", "))
}

/// Takes the steps as far as they go.
fn follow(program: &Program, steps: &[Action]) -> End {
    let mut state = State::initial(program);
    let mut passed = vec![];
    for action in steps {
        passed.push(encoding(&state, program));
        let possible = state.enabled(program).contains(action.thread);
        if !possible || action.choice >= state.ways(program, action.thread) {
            return End { violation: None, next: vec![], whole: false, back_at: None };
        }
        state.step(program, *action);
    }
    let enabled = state.enabled(program);
    let mut violation = state.violation();
    if violation.is_none() && enabled.is_empty() {
        violation = diagnose::stuck(program, &state).or_else(|| state.conclude(program));
    }
    let next = program.threads().filter(|t| enabled.contains(*t)).map(|t| program.thread_name(t).to_owned()).collect();
    let here = encoding(&state, program);
    let back_at = passed.iter().rposition(|before| *before == here).filter(|_| violation.is_none());
    End { violation, next, whole: true, back_at }
}

fn encoding(state: &State, program: &Program) -> Vec<u8> {
    let (mut state, mut out) = (*state, vec![]);
    state.encode(program, &mut out);
    out
}

fn shuttle_agrees(case: &Case, steps: &[Action], violation: Option<Violation>) -> Result<String, String> {
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let replayed = shuttle::replay(&task, steps).map_err(|e| e.to_string())?;
    if replayed.found.first().map(|f| f.violation) == violation {
        Ok("the same".to_owned())
    } else {
        Err("another result".to_owned())
    }
}
