//! `fenceweave replay`: one schedule again, from its token.

use super::{Exit, check::cases, load, print, style, usage};
use crate::args::ReplayArgs;
use fenceweave_explore::{Found, PointOfNoReturn, Task, Trace, diagnose, shuttle};
use fenceweave_kernel::{Action, Program, State, Violation};
use fenceweave_report::{Counterexample, token, trace};
use fenceweave_scenario::Case;

pub(super) fn replay(args: &ReplayArgs) -> Exit {
    let loaded = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let wanted = |c: &Case| args.only.as_ref().is_none_or(|only| c.program.name.contains(only.as_str()));
    let all: Vec<&Case> = cases(&loaded).map(|(_, c)| c).filter(|c| wanted(c)).collect();
    // The token has the program's hash, which says which case it is of.
    let mut why = None;
    for case in &all {
        match token::decode(&case.program, &args.token) {
            Ok(steps) => return show(case, steps, args.shuttle),
            Err(e) => {
                why.get_or_insert(e.to_string());
            }
        }
    }
    usage(&why.unwrap_or_else(|| "no scenario or case has that in its name".into()))
}

fn show(case: &Case, steps: Vec<Action>, on_shuttle: bool) -> Exit {
    let program = &case.program;
    let (violation, taken) = follow(program, &steps);
    let (trace, point_of_no_return) = (Trace { steps: steps.clone() }, PointOfNoReturn::NotKnown);
    let text = match violation {
        Some(violation) => {
            let found = Found { violation, trace, point_of_no_return };
            trace::render(&Counterexample::of(program, &found), style())
        }
        None => trace::render(&Counterexample::way(program, &trace), style()),
    };
    print(&format!("{}\n{text}", program.name));
    if taken < steps.len() {
        return Exit::Usage;
    }
    if on_shuttle { shuttle_agrees(case, &steps, violation) } else { Exit::Success }
}

/// Takes the steps as far as they go; the violation that they end in, if they do.
fn follow(program: &Program, steps: &[Action]) -> (Option<Violation>, usize) {
    let mut state = State::initial(program);
    for (i, action) in steps.iter().enumerate() {
        let possible = state.enabled(program).contains(action.thread);
        if !possible || action.choice >= state.ways(program, action.thread) {
            return (None, i);
        }
        state.step(program, *action);
    }
    let mut violation = state.violation();
    if violation.is_none() && state.enabled(program).is_empty() {
        violation = diagnose::stuck(program, &state);
        if violation.is_none() {
            violation = state.conclude(program);
        }
    }
    (violation, steps.len())
}

fn shuttle_agrees(case: &Case, steps: &[Action], violation: Option<Violation>) -> Exit {
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    match shuttle::replay(&task, steps) {
        Ok(e) if e.found.first().map(|f| f.violation) == violation => {
            print("shuttle: the same\n");
            Exit::Success
        }
        Ok(_) => {
            print("shuttle: another result\n");
            Exit::Unexpected
        }
        Err(e) => {
            print(&format!("shuttle: {e}\n"));
            Exit::Unexpected
        }
    }
}
