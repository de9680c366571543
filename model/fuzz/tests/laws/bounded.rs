//! A search within a bound on preemptions is exact for it: it comes to what a naive enumeration comes to, which tries
//! every schedule step by step and counts. More preemptions never come to less, and where a bound is said to have been
//! none, there was nothing beyond it. On programs made at random, and on shipped scenarios.
//!
//! `BOUNDED_GENERATED=N` looks at more programs, `BOUNDED_STATES=N` at larger scenarios.

use super::{conditions_of, limit, programs, shipped};
use fenceweave_explore::{Coverage, Exploration, Limits, Task, diagnose, explicit};
use fenceweave_kernel::{Action, Outcome, Program, Property, State, ThreadId};
use fenceweave_scenario::{
    Case,
    generate::{Size, from_seed},
    load,
};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of a naive enumeration before it is given up.
const NAIVE_STEPS: usize = 60_000;
/// The bounds that are held against it.
const BOUNDS: std::ops::Range<u32> = 0..4;

/// What every schedule comes to, and of each way to fail the fewest steps.
#[derive(Default)]
struct Naive {
    ends: BTreeSet<Outcome>,
    least: BTreeMap<Outcome, usize>,
    steps: usize,
}

/// Every schedule, one after the other, that leaves a thread which could go on at most so many times. Nothing is
/// remembered of states. `None` if there are too many.
fn enumerate(program: &Program, bound: u32) -> Option<Naive> {
    let mut seen = Naive::default();
    let initial = State::initial(program).grained(program, &[], true);
    go_on(program, &initial, (None, 0), (bound, 0), &mut seen).then_some(seen)
}

fn go_on(
    program: &Program,
    state: &State,
    (last, used): (Option<ThreadId>, u32),
    (bound, depth): (u32, usize),
    seen: &mut Naive,
) -> bool {
    if seen.steps > NAIVE_STEPS || depth > 400 {
        return false;
    }
    let enabled = state.enabled(program);
    if enabled.is_empty() {
        let end = end(program, state);
        if matches!(end, Outcome::Violated(_)) {
            let least = seen.least.entry(end.clone()).or_insert(depth);
            *least = depth.min(*least);
        }
        seen.ends.insert(end);
        return true;
    }
    for thread in enabled.iter() {
        let leaves = last.is_some_and(|last| last != thread && enabled.contains(last));
        let used = used + u32::from(leaves);
        if used > bound {
            continue;
        }
        for choice in 0..state.ways(program, thread) {
            let mut next = state.clone();
            next.step(program, Action { thread, choice });
            seen.steps += 1;
            if !go_on(program, &next, (Some(thread), used), (bound, depth + 1), seen) {
                return false;
            }
        }
    }
    true
}

fn end(program: &Program, state: &State) -> Outcome {
    let mut end = state.clone();
    let broken = state.violation().or_else(|| diagnose::stuck(program, state)).or_else(|| end.conclude(program));
    broken.map_or_else(|| end.outcome(program), Outcome::Violated)
}

/// How often a way leaves a thread that could go on.
fn preemptions(program: &Program, steps: &[Action]) -> u32 {
    let mut state = State::initial(program);
    let (mut last, mut used): (Option<ThreadId>, u32) = (None, 0);
    for action in steps {
        let enabled = state.enabled(program);
        used += u32::from(last.is_some_and(|last| last != action.thread && enabled.contains(last)));
        state.step(program, *action);
        last = Some(action.thread);
    }
    used
}

/// Outcomes, but for warnings, which end nothing.
fn ends(e: &Exploration) -> BTreeSet<Outcome> {
    let warns = |o: &&Outcome| matches!(o, Outcome::Violated(v) if v.property == Property::WARN_ON);
    e.outcomes.iter().filter(|o| !warns(o)).cloned().collect()
}

#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    bounded: u64,
    whole: u64,
    violated: u64,
    /// A bound comes to less than the next one.
    grows: u64,
    too_large: u64,
}

fn within(task: &Task<'_>, limits: &Limits, bound: u32, fine: bool) -> Exploration {
    let options = explicit::Options { fine, ..explicit::Options::default() };
    explicit::explore_bounded(task, limits, options, bound, &())
}

/// Holds a program against the naive enumeration of its schedules.
fn hold(case: &Case, seen: &mut Seen) {
    let program = &case.program;
    let task = Task { program, conditions: &[], has_loops: case.has_loops };
    let limits = Limits { states: 20_000, ..Limits::default() };
    let full = explicit::explore(&task, &limits, &());
    let overflows = full.outcomes.iter().any(|o| matches!(o, Outcome::Violated(v) if v.property == Property::WARN_ON));
    if !full.coverage.is_complete() || overflows {
        return;
    }
    let mut before: Option<BTreeSet<Outcome>> = None;
    for bound in BOUNDS {
        let Some(naive) = enumerate(program, bound) else {
            seen.too_large += 1;
            return;
        };
        let name = &program.name;
        for fine in [true, false] {
            let found = within(&task, &limits, bound, fine);
            assert_eq!(ends(&found), naive.ends, "{name} to {bound} preemptions, fine={fine}\n{}", case_text(case));
            match found.coverage {
                Coverage::Complete => {
                    assert_eq!(naive.ends, ends(&full), "{name}: there was something beyond {bound} preemptions");
                    seen.whole += 1;
                    continue;
                }
                Coverage::Preemptions(n) => assert_eq!(n, bound),
                other => panic!("{name}: {other:?}"),
            }
            seen.bounded += 1;
            for f in &found.found {
                let (steps, least) = (&f.trace.steps, naive.least.get(&Outcome::Violated(f.violation)));
                let used = preemptions(program, steps);
                assert!(used <= bound, "{name}: {used} preemptions within {bound} for {:?}", f.violation);
                if let Some(least) = least.filter(|_| fine) {
                    assert_eq!(steps.len(), *least, "{name}: {:?} to {bound} preemptions", f.violation);
                }
            }
            seen.violated += u64::from(!found.found.is_empty());
        }
        if let Some(before) = &before {
            assert!(before.is_subset(&naive.ends), "{name}");
            seen.grows += u64::from(*before != naive.ends);
        }
        before = Some(naive.ends);
    }
    seen.programs += 1;
}

fn case_text(case: &Case) -> String {
    let lines =
        |s: &fenceweave_kernel::Script| s.lines.iter().map(|l| l.text.to_string()).collect::<Vec<_>>().join("; ");
    case.program.scripts.iter().map(lines).collect::<Vec<_>>().join("\n")
}

#[test]
fn generated_programs_come_to_what_every_schedule_within_the_bound_comes_to() {
    let mut seen = Seen::default();
    let small = Size { threads: 3, ops: 3, ..Size::default() };
    for number in 0..limit("BOUNDED_GENERATED", 24) {
        let text = match number % 3 {
            0 => programs::program(number),
            _ => from_seed(number, &small).text,
        };
        let loaded = load("generated.kdl", &text).ok();
        let case = loaded.and_then(|loaded| loaded.scenarios.into_iter().flat_map(|s| s.cases).next());
        case.iter().filter(|case| case.program.grain.is_fine()).for_each(|case| hold(case, &mut seen));
    }
    println!("generated: {seen:?}");
    assert!(seen.programs > 8 && seen.bounded > 50 && seen.whole > 15 && seen.violated > 20, "{seen:?}");
    assert!(seen.grows > 5, "{seen:?}");
}

/// The end of a section is what a waiter waits for: with it in the step before, he could go on earlier, and leaving him
/// there would cost a preemption more.
#[test]
fn the_end_of_a_section_is_a_step_where_preemptions_are_counted() {
    let text = r#"scenario waits {
        lock l
        var x guarded-by=l
        var y
        thread a { lock l; store x 1; unlock l; store y 1 }
        thread b { load y into=before; lock l; load x into=r; unlock l; load y into=after }
        expect { holds }
    }"#;
    let loaded = load("waits.kdl", text).expect("a scenario");
    let mut seen = Seen::default();
    hold(&loaded.scenarios[0].cases[0], &mut seen);
    assert_eq!((seen.programs, seen.too_large), (1, 0), "{seen:?}");
}

/// Scenarios as they are shipped: more preemptions come to more, and to nothing that the whole search does not.
#[test]
fn shipped_scenarios_come_to_more_with_more_preemptions() {
    let (mut programs, mut whole, mut found) = (0, 0, 0);
    let limits = Limits { states: limit("BOUNDED_STATES", 600), ..Limits::default() };
    for (_, loaded) in shipped::scenarios().iter().step_by(41) {
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases).filter(|c| c.tuple.is_empty()).take(2) {
            let conditions = conditions_of(case);
            let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
            let full = explicit::explore(&task, &limits, &());
            if !full.coverage.is_complete() {
                continue;
            }
            programs += 1;
            let more = Limits { states: 20 * limits.states, ..limits };
            let mut before: BTreeSet<Outcome> = BTreeSet::new();
            for bound in BOUNDS {
                let part = within(&task, &more, bound, false);
                let name = &case.program.name;
                assert!(!matches!(part.coverage, Coverage::Incomplete(_)), "{name}: {:?}", part.coverage);
                assert!(before.is_subset(&part.outcomes), "{name} to {bound} preemptions");
                assert!(part.outcomes.is_subset(&full.outcomes), "{name} to {bound} preemptions");
                before = part.outcomes;
                whole += u64::from(part.coverage.is_complete());
                found += u64::from(!part.found.is_empty());
            }
        }
    }
    println!("{programs} programs, {whole} bounds that were none, {found} in which something was found");
    assert!(programs > 8 && whole > 10 && found > 2, "{programs} {whole} {found}");
}
