//! What does not fit into memory and goes to disk is no other: a search that writes its tables chunk by chunk comes to
//! the same result, to the last count and step of a trace, as one in memory. On shipped scenarios of every subject and
//! on generated programs, by one worker and by three, over all states and over orbits.
//!
//! `SPILLED_GENERATED=N` looks at more programs, `SPILLED_STATES=N` at larger ones.

use super::{conditions_of, generated, limit, shipped, some_of_each_subject};
use fenceweave_explore::{
    Exploration, Limits, Task,
    explicit::{self, Options, Spill},
};
use fenceweave_scenario::Case;
use std::{collections::BTreeSet, num::NonZeroUsize};

/// Files of each subject.
const CASES: usize = 2;
/// Tables of so many bytes are written: those of every chunk.
const TABLES: u64 = 256;

/// What was held against each other.
#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    complete: u64,
    cut: u64,
    by_orbits: u64,
    /// How often something was written.
    spilled: u64,
    /// Properties that were broken where something was.
    broken: BTreeSet<&'static str>,
    /// Conditions that are judged on the whole graph.
    of_the_whole: u64,
}

fn same(task: &Task<'_>, limits: &Limits, options: Options, seen: &mut Seen) -> Exploration {
    let whole = explicit::explore_with(task, limits, options, &());
    for workers in [1, 3] {
        let spill = Spill::at(&std::env::temp_dir()).expect("a directory").after(TABLES);
        let options = Options { workers: NonZeroUsize::new(workers).expect("some"), ..options };
        let spilled = explicit::explore_spilled(task, limits, options, &(), &spill);
        let name = &task.program.name;
        assert_eq!(whole.counts, spilled.counts, "{name} by {workers}, {options:?}");
        assert!(whole == spilled, "{name} by {workers}, {options:?}:\n{whole:#?}\n{spilled:#?}");
        if spill.written() > 0 {
            seen.spilled += 1;
            seen.broken.extend(whole.found.iter().map(|found| found.violation.property.name()));
            let of_the_whole = task.conditions.iter().filter(|c| c.moment.is_of_the_whole_graph());
            seen.of_the_whole += of_the_whole.count() as u64;
        }
    }
    whole
}

fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = Limits { states, ..Limits::default() };
    let options = Options { symmetry: 2, ..Options::default() };
    let whole = same(&task, &limits, options, seen);
    seen.programs += 1;
    seen.complete += u64::from(whole.coverage.is_complete());
    seen.by_orbits += u64::from(whole.counts.permutations > 0);
    if seen.programs.is_multiple_of(4) {
        // Somewhere in the middle of a level.
        let cut = Limits { states: whole.counts.states * 5 / 9, ..limits };
        let cut = same(&task, &cut, Options::default(), seen);
        seen.cut += u64::from(!cut.coverage.is_complete());
    }
}

#[test]
fn shipped_scenarios_come_to_the_same_on_disk() {
    let (mut seen, states) = (Seen::default(), limit("SPILLED_STATES", 500));
    for case in some_of_each_subject(CASES) {
        hold(case, states, &mut seen);
    }
    println!("shipped: {seen:?}");
    assert!(seen.complete > 60 && seen.cut > 10 && seen.by_orbits > 5, "{seen:?}");
    assert!(seen.spilled > 80 && seen.broken.len() > 8, "{seen:?}");
}

/// Those about what never happens are the ones that look at the graph in no order.
#[test]
fn livelocks_and_starvation_come_to_the_same_on_disk() {
    let mut seen = Seen::default();
    for (path, loaded) in shipped::scenarios() {
        if path.parent().is_some_and(|folder| folder.ends_with("liveness")) {
            loaded.scenarios.iter().flat_map(|s| &s.cases).for_each(|case| hold(case, 3_000, &mut seen));
        }
    }
    println!("liveness: {seen:?}");
    for property in ["livelock", "starvation", "fence-never-signals"] {
        assert!(seen.broken.contains(property), "no {property}: {seen:?}");
    }
    assert!(seen.of_the_whole > 3, "{seen:?}");
}

#[test]
fn generated_programs_come_to_the_same_on_disk() {
    let mut seen = Seen::default();
    generated(limit("SPILLED_GENERATED", 60)).for_each(|case| hold(&case, limit("SPILLED_STATES", 1_000), &mut seen));
    println!("generated: {seen:?}");
    assert!(seen.programs > 30 && seen.spilled > 30, "{seen:?}");
}
