//! Our engines, on the scenario's text.

use crate::{cell::Result, programs::Program};
use fenceweave_explore::{Exploration, Limits, Task, explicit, shuttle};
use fenceweave_scenario::Case;

/// The one case of a program's scenario.
pub fn case(program: Program, n: usize) -> Case {
    let text = program.scenario(n);
    let loaded = fenceweave_scenario::load("bench", &text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    loaded.scenarios.into_iter().flat_map(|s| s.cases).next().expect("a scenario has a case")
}

fn limits() -> Limits {
    Limits { states: 400_000_000, executions: 400_000_000, memory_bytes: 16 << 30, ..Limits::default() }
}

fn result(e: Exploration) -> Result {
    Result {
        complete: e.coverage.is_complete(),
        wrong: !e.found.is_empty(),
        executions: e.counts.executions,
        states: e.counts.states,
        permutations: e.counts.permutations,
        ..Result::default()
    }
}

/// As the command line does it: one state of each orbit, where threads are alike.
pub fn explicit(program: Program, n: usize) -> Result {
    by_graph(program, n, explicit::SYMMETRY)
}

/// Every state, though threads are alike.
pub fn every_state(program: Program, n: usize) -> Result {
    by_graph(program, n, 0)
}

fn by_graph(program: Program, n: usize, symmetry: u64) -> Result {
    let case = case(program, n);
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let options = explicit::Options { symmetry, ..explicit::Options::default() };
    Result { executions: 0, ..result(explicit::explore_with(&task, &limits(), options, &())) }
}

pub fn shuttle(program: Program, n: usize) -> Result {
    let case = case(program, n);
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    result(shuttle::explore(&task, &limits(), &()))
}
