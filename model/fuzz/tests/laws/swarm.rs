//! Walks at random come to nothing that the whole search does not, in states that it has; the same by any number of
//! threads; to all of it, where there is little; and what they show is shown by a way that was shortened.

use super::{conditions_of, shipped};
use fenceweave_explore::{Coverage, Exploration, Limits, Task, explicit, swarm};
use fenceweave_kernel::{Action, State};
use fenceweave_scenario::{
    generate::{Size, from_seed},
    load,
};
use std::num::NonZeroUsize;

fn walked(task: &Task<'_>, options: swarm::Options) -> (Exploration, swarm::Summary) {
    let by = |workers| {
        let options = swarm::Options { workers: NonZeroUsize::new(workers).expect("some workers"), ..options };
        swarm::walk(task, options, &Limits::default(), &())
    };
    let (one, three) = (by(1), by(3));
    assert!(one == three, "{}: {one:#?}\n{three:#?}", task.program.name);
    one
}

/// Whether each step of a way can be taken.
fn is_a_way(task: &Task<'_>, steps: &[Action]) -> bool {
    let mut state = State::initial(task.program);
    steps.iter().all(|action| {
        let can = state.violation().is_none() && state.is_enabled(task.program, action.thread);
        state.step(task.program, *action);
        can
    })
}

#[test]
fn shipped_scenarios_are_walked_through_within_their_graphs() {
    let (mut programs, mut found, mut all, mut shown) = (0, 0, 0, 0);
    for (_, loaded) in shipped::scenarios().iter().skip(2).step_by(61) {
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases).filter(|c| c.tuple.is_empty()).take(2) {
            let conditions = conditions_of(case);
            let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
            let full = explicit::explore(&task, &Limits { states: 600, ..Limits::default() }, &());
            if !full.coverage.is_complete() {
                continue;
            }
            programs += 1;
            let (part, known) = walked(&task, swarm::Options { walks: 80, ..swarm::Options::default() });
            let name = &case.program.name;
            assert_eq!(part.coverage, Coverage::Sampled, "{name}");
            assert!(part.outcomes.is_subset(&full.outcomes), "{name}");
            assert!(known.states <= full.counts.states, "{name}: {} of {}", known.states, full.counts.states);
            assert!(!known.estimated && known.states_once <= known.states, "{name}");
            assert_eq!(known.new.iter().sum::<u64>(), known.states, "{name}");
            for f in &part.found {
                found += 1;
                shown += f.trace.steps.len();
                assert!(is_a_way(&task, &f.trace.steps), "{name}: {:?}", f.violation);
                let shortest = full.found.iter().find(|g| g.violation == f.violation);
                let least = shortest.map(|g| g.trace.steps.len());
                assert!(least.is_some_and(|least| least <= f.trace.steps.len()), "{name}: {:?}", f.violation);
            }
            all += u64::from(known.found.is_none() && known.states == full.counts.states);
        }
    }
    println!("{programs} programs: {found} found, in {shown} steps; {all} met every state");
    assert!(programs > 4 && found > 0, "{programs} {found} {all}");
}

#[test]
fn generated_programs_are_walked_through_within_their_graphs() {
    let (mut programs, mut found, mut all) = (0, 0, 0);
    for number in 0..12 {
        let text = from_seed(number, &Size { threads: 3, ops: 3, ..Size::default() }).text;
        let loaded = load("generated.kdl", &text).ok();
        let case = loaded.and_then(|loaded| loaded.scenarios.into_iter().flat_map(|s| s.cases).next());
        let Some(case) = case else { continue };
        let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
        let full = explicit::explore(&task, &Limits { states: 2_000, ..Limits::default() }, &());
        if !full.coverage.is_complete() {
            continue;
        }
        programs += 1;
        let (part, known) = walked(&task, swarm::Options { walks: 100, seed: number, ..swarm::Options::default() });
        assert!(part.outcomes.is_subset(&full.outcomes) && known.states <= full.counts.states, "{number}");
        found += u64::from(known.found.is_some());
        all += u64::from(known.found.is_none() && known.states == full.counts.states);
        // What cannot go wrong is not found wrong.
        assert!(known.found.is_none() || !full.found.is_empty(), "{number}");
    }
    println!("{programs} programs: {found} found, {all} met every state");
    assert!(programs > 3, "{programs} {found} {all}");
}
