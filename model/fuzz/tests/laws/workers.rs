//! Who expands a state, and when, tells nothing: one, two and three workers come to the same result, to the last count
//! and step of a trace, whole or cut by a limit. On shipped scenarios of every subject and on generated programs.
//!
//! Debug builds give a level to several workers that has a handful of states, in chunks of a few.
//!
//! `WORKERS_GENERATED=N` looks at more programs, `WORKERS_STATES=N` at larger ones.

use super::{conditions_of, generated, limit, some_of_each_subject};
use fenceweave_explore::{Exploration, Limits, Task, explicit};
use fenceweave_scenario::Case;
use std::num::NonZeroUsize;

/// Files of each subject.
const CASES: usize = 4;

/// What was held against each other.
#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    complete: u64,
    cut: u64,
    violated: u64,
    by_orbits: u64,
}

/// The same by one, two and three workers.
fn explored(task: &Task<'_>, limits: &Limits, options: explicit::Options) -> Exploration {
    let by = |workers| {
        let workers = NonZeroUsize::new(workers).expect("some workers");
        explicit::explore_with(task, limits, explicit::Options { workers, ..options }, &())
    };
    let one = by(1);
    for workers in [2, 3] {
        let several = by(workers);
        let name = &task.program.name;
        assert_eq!(one.coverage, several.coverage, "{name} by {workers} workers, {options:?}");
        assert_eq!(one.counts, several.counts, "{name} by {workers} workers, {options:?}");
        assert!(one == several, "{name} by {workers} workers, {options:?}:\n{one:#?}\n{several:#?}");
    }
    one
}

fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = Limits { states, ..Limits::default() };
    let options = explicit::Options { symmetry: 2, ..explicit::Options::default() };
    let whole = explored(&task, &limits, options);
    seen.programs += 1;
    seen.complete += u64::from(whole.coverage.is_complete());
    seen.violated += u64::from(!whole.found.is_empty());
    seen.by_orbits += u64::from(whole.counts.permutations > 0);
    // Somewhere in the middle of a level.
    let cut = explored(&task, &Limits { states: whole.counts.states * 5 / 9, ..limits }, explicit::Options::default());
    seen.cut += u64::from(!cut.coverage.is_complete());
    if !whole.found.is_empty() {
        explored(&task, &limits, explicit::Options { until_violation: true, ..options });
    }
    if seen.programs.is_multiple_of(8) {
        let exact = explicit::Options { exact: true, fine: true, ..options };
        explored(&task, &Limits { memory_bytes: 400 << 10, ..limits }, exact);
        explored(&task, &limits, explicit::Options { contracts: true, ..options });
    }
}

#[test]
fn shipped_scenarios_come_to_the_same_by_any_number_of_workers() {
    let (mut seen, states) = (Seen::default(), limit("WORKERS_STATES", 1_000));
    for case in some_of_each_subject(CASES) {
        hold(case, states, &mut seen);
    }
    println!("shipped: {seen:?}");
    assert!(seen.complete > 60 && seen.cut > 60 && seen.violated > 20, "{seen:?}");
}

#[test]
fn generated_programs_come_to_the_same_by_any_number_of_workers() {
    let mut seen = Seen::default();
    generated(limit("WORKERS_GENERATED", 80)).for_each(|case| hold(&case, limit("WORKERS_STATES", 1_000), &mut seen));
    println!("generated: {seen:?}");
    assert!(seen.programs > 40 && seen.complete > 15, "{seen:?}");
}
