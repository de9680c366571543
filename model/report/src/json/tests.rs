//! Reports as JSON, whole.

use super::*;
use crate::programs;

fn of(program: &Program) -> String {
    of_exploration(program, programs::explore(program))
}

fn of_exploration(program: &Program, mut exploration: Exploration) -> String {
    exploration.watched = vec![Watched { seen_true: Some(exploration.found[0].trace.clone()), ..Watched::default() }];
    let conditions = ["sometimes \"x\"".to_string()];
    let report = Report {
        scenario: "demo",
        case: Some("broken"),
        program,
        file: Some("demo.kdl"),
        judged: Some(Judged { verdict: "as expected", grade: "as-expected", failures: &[] }),
        conditions: &conditions,
        explorations: &[exploration, Exploration::refused(fenceweave_explore::Engine::Loom, &task(program), "too big")],
        walks: None,
        seconds: &[],
    };
    document(&report)
}

fn task(program: &Program) -> fenceweave_explore::Task<'_> {
    fenceweave_explore::Task { program, conditions: &[], has_loops: false }
}

#[test]
fn a_leak_as_json() {
    insta::assert_snapshot!(of(&programs::leak()));
}

#[test]
fn a_starvation_as_json() {
    let program = programs::endless(true);
    let mut exploration = programs::liveness(&program);
    exploration.found.truncate(1);
    insta::assert_snapshot!(of_exploration(&program, exploration));
}

#[test]
fn a_deadlock_as_json() {
    insta::assert_snapshot!(of(&programs::two_mutexes()));
}
