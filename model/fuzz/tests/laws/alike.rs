//! Threads that are alike may be exchanged. Each exchange takes a state to one from which the exchanged steps lead to
//! the exchanged states, and all states of an orbit have one representative; and a search that keeps one state of each
//! orbit finds what a search of all states finds: outcomes, violations, what each clause comes to, ways as long with as
//! few switches, and from where on it could not be helped. On the shipped scenarios and on generated programs in which
//! a thread is there several times.
//!
//! `ALIKE_GENERATED=N` and `ALIKE_STATES=N` look further: see `ci/alike`; `ALIKE_FROM=N` begins later.
//! `ALIKE_EXCHANGED=N` exchanges in more states of each case.

use super::{conditions_of, limit, shipped, text_of};
use fenceweave_explore::{Exploration, Limits, PointOfNoReturn, Task, Trace, explicit};
use fenceweave_kernel::{Action, Merging, Program, State, Symmetry, symmetry::Canonical};
use fenceweave_scenario::{Case, load};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

fn encoding(state: &State, program: &Program) -> Vec<u8> {
    let mut out = vec![];
    state.clone().encode(program, &mut out);
    out
}

/// Every exchange of two threads in the nearest states, and each step from there; returns how many steps.
fn exchange(case: &Case, symmetry: &Symmetry, different: &mut Vec<String>) -> usize {
    let (program, conditions) = (&case.program, conditions_of(case));
    let merging = Merging::of(program, &conditions).map(Arc::new);
    let initial = State::initial(program).merging(merging).grained(program, &conditions, case.has_loops);
    let (mut seen, most) = (BTreeSet::from([encoding(&initial, program)]), limit("ALIKE_EXCHANGED", 50) as usize);
    let (mut open, mut steps) = (VecDeque::from([initial.clone()]), 0);
    let (mut canonical, mut image) = (Canonical::new(symmetry), initial.clone());
    while let Some(mut state) = open.pop_front().filter(|_| seen.len() < most) {
        canonical.find(program, &mut state);
        let representative = canonical.bytes().to_vec();
        for by in symmetry.all_exchanges() {
            symmetry.rename(program, &mut state, by, &mut image);
            canonical.find(program, &mut image);
            if canonical.bytes() != representative {
                different.push(format!("{}: another representative", program.name));
                return steps;
            }
        }
        for thread in state.enabled(program).iter() {
            for choice in 0..state.ways(program, thread) {
                let mut next = state.clone();
                next.step(program, Action { thread, choice });
                for by in symmetry.all_exchanges() {
                    let mut to = initial.clone();
                    symmetry.rename(program, &mut next, by, &mut to);
                    symmetry.rename(program, &mut state, by, &mut image);
                    image.step(program, Action { thread: by.thread(thread), choice });
                    if encoding(&to, program) != encoding(&image, program) {
                        different.push(format!("{}: {:?}", program.name, state.thread(thread).machine()));
                        return steps;
                    }
                    steps += 1;
                }
                if seen.insert(encoding(&next, program)) {
                    open.push_back(next);
                }
            }
        }
    }
    steps
}

/// What was held against each other.
#[derive(Default)]
struct Seen {
    programs: u64,
    /// How many were explored by orbits to the end.
    by_orbits: u64,
    violated: u64,
    states: u64,
    orbits: u64,
    different: Vec<String>,
}

/// How long a way is, how often it goes on with another thread although the last one could, and where its loop begins.
fn shape(task: &Task<'_>, trace: &Trace) -> (usize, usize, Option<usize>) {
    let (mut state, mut switches, mut last) = (State::initial(task.program), 0, None);
    for action in &trace.steps {
        let left = |t| t != action.thread && state.is_enabled(task.program, t);
        switches += usize::from(last.is_some_and(left));
        state.step(task.program, *action);
        last = Some(action.thread);
    }
    (trace.steps.len(), switches, trace.loop_from)
}

fn point(of: &PointOfNoReturn) -> String {
    match of {
        PointOfNoReturn::At { after, passing } => format!("{after} and {}", passing.len()),
        other => format!("{other:?}"),
    }
}

/// What must be equal.
fn result(task: &Task<'_>, e: &Exploration) -> String {
    let broken = e.found.iter().map(|f| (f.violation, shape(task, &f.trace), point(&f.point_of_no_return)));
    let broken: Vec<_> = broken.collect();
    let way = |trace: &Option<Trace>| trace.as_ref().map(|trace| shape(task, trace).0);
    let watched = e.watched.iter();
    let watched: Vec<_> =
        watched.map(|w| (way(&w.seen_true), way(&w.seen_false), w.failed, point(&w.point_of_no_return))).collect();
    format!("{:#?}\n{broken:#?}\n{watched:#?}\n{:?}", e.outcomes, e.unsignaled)
}

/// Holds a search over orbits against one of all states.
fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let Ok(symmetry) = Symmetry::of(&case.program, &conditions) else { return };
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = Limits { states, ..Limits::default() };
    let all = explicit::explore(&task, &limits, &());
    if !all.coverage.is_complete() {
        return;
    }
    let options = explicit::Options { symmetry: 2, ..explicit::Options::default() };
    let orbits = explicit::explore_with(&task, &limits, options, &());
    let exact = explicit::explore_with(&task, &limits, explicit::Options { exact: true, ..options }, &());
    assert_eq!(orbits, exact, "{}", case.program.name);
    seen.programs += 1;
    seen.violated += u64::from(!all.found.is_empty());
    if orbits.counts.permutations > 0 {
        seen.by_orbits += 1;
        seen.states += all.counts.states;
        seen.orbits += orbits.counts.states;
        let (most, least) = (all.counts.states, all.counts.states.div_ceil(symmetry.order()));
        assert!((least..=most).contains(&orbits.counts.states), "{}: {:?}", case.program.name, orbits.counts);
    }
    let (one, other) = (result(&task, &all), result(&task, &orbits));
    if one != other {
        let both = one.lines().zip(other.lines()).filter(|(a, b)| a != b);
        both.take(8).for_each(|(a, b)| println!("{}:\n  all    {a}\n  orbits {b}", case.program.name));
        seen.different.push(case.program.name.clone());
    }
}

fn told(what: &str, seen: &Seen) {
    let Seen { programs, by_orbits, violated, states, orbits, .. } = seen;
    println!(
        "{what}: {programs} programs ({violated} violate something), {by_orbits} by orbits: {orbits} of {states} states"
    );
}

#[test]
fn exchanging_threads_that_are_alike_takes_executions_to_executions() {
    let (mut steps, mut different, mut classes) = (0, vec![], 0);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen = Seen::default();
    for (_, loaded) in shipped::scenarios() {
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
            match Symmetry::of(&case.program, &conditions_of(case)) {
                Ok(symmetry) => {
                    classes += 1;
                    steps += exchange(case, &symmetry, &mut different);
                    hold(case, 20_000, &mut seen);
                }
                Err(why) => *reasons.entry(why.unwrap_or("no two threads do the same")).or_insert(0) += 1,
            }
        }
    }
    println!("{steps} steps, {classes} cases, {reasons:?}");
    told("shipped", &seen);
    assert!(different.is_empty(), "{different:#?}");
    assert!(seen.different.is_empty(), "{:?}", seen.different);
    assert!(steps > 5_000 && classes > 40, "{steps} steps of {classes} cases");
}

/// A program in which some thread is there several times. What it expects may name that one: then it only expects that
/// nothing is broken.
fn several(number: u64) -> Option<Case> {
    let text = text_of(number);
    let plain = text.find("expect {").map_or(text.clone(), |at| format!("{}expect {{ holds }}\n}}\n", &text[..at]));
    [text, plain].iter().find_map(|text| {
        let threads: Vec<usize> = text.match_indices("thread ").map(|(at, _)| at).collect();
        (0..threads.len()).find_map(|by| {
            let at = threads[(number as usize / 2 + by) % threads.len()];
            let open = at + text[at..].find('{')?;
            let count = if number.is_multiple_of(5) { 3 } else { 2 };
            let text = format!("{}count={count} {}", &text[..open], &text[open..]);
            let loaded = load("generated.kdl", &text).ok()?;
            let case = loaded.scenarios.into_iter().flat_map(|s| s.cases).next()?;
            Symmetry::of(&case.program, &conditions_of(&case)).is_ok().then_some(case)
        })
    })
}

#[test]
fn generated_programs_come_to_the_same_by_orbits() {
    let mut seen = Seen::default();
    let (from, to) = (limit("ALIKE_FROM", 0), limit("ALIKE_GENERATED", 150));
    for number in from..to {
        let Some(case) = several(number) else { continue };
        let before = seen.different.len();
        hold(&case, limit("ALIKE_STATES", 2_000), &mut seen);
        if seen.different.len() > before {
            println!("{number} comes to something else by orbits");
        }
    }
    told("generated", &seen);
    assert!(seen.different.is_empty(), "{:?}", seen.different);
    assert!(seen.by_orbits * 8 > to - from, "{} by orbits", seen.by_orbits);
}

/// Two programs of a number: some thread is there twice, and in the second one the copy has another constant.
fn differing(number: u64) -> Option<[Case; 2]> {
    let text = text_of(number);
    let threads: Vec<usize> = text.match_indices("thread ").map(|(at, _)| at).collect();
    (0..threads.len()).find_map(|by| {
        let at = threads[(number as usize / 2 + by) % threads.len()];
        let open = at + text[at..].find('{')?;
        let mut depth = 0;
        let inside = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        };
        let body = &text[open..=open + text[open..].find(inside)?];
        let digits = body.match_indices(|c: char| c.is_ascii_digit()).filter(|(at, _)| body[..*at].ends_with(' '));
        let digits: Vec<usize> = digits.map(|(at, _)| at).collect();
        let one = *digits.get((number as usize / 7) % digits.len().max(1))?;
        let other = if &body[one..=one] == "1" { "2" } else { "1" };
        let changed = format!("{}{other}{}", &body[..one], &body[one + 1..]);
        let case = |copy: &str| {
            let text = format!("{}thread copy {copy}\n{}", &text[..at], &text[at..]);
            load("generated.kdl", &text).ok()?.scenarios.into_iter().flat_map(|s| s.cases).next()
        };
        Some([case(body)?, case(&changed)?])
    })
}

/// What a wrong merge would do: threads that differ in one constant are taken for alike, and either a search notices,
/// or it finds something else than there is.
#[test]
fn threads_that_differ_in_a_constant_and_are_taken_for_alike_are_found() {
    let (mut tried, mut noticed, mut told) = (0, 0, 0);
    for number in 0..limit("ALIKE_PLANTED", 500) {
        let Some([same, differs]) = differing(number) else { continue };
        let conditions = conditions_of(&differs);
        let Ok(symmetry) = Symmetry::of(&same.program, &conditions_of(&same)) else { continue };
        let at_place = differs.program.scripts.len() == same.program.scripts.len()
            && differs.program.objects.len() == same.program.objects.len();
        if !at_place || Symmetry::of(&differs.program, &conditions).is_ok() {
            continue;
        }
        let task = Task { program: &differs.program, conditions: &conditions, has_loops: differs.has_loops };
        let limits = Limits { states: 3_000, ..Limits::default() };
        let all = explicit::explore(&task, &limits, &());
        if !all.coverage.is_complete() {
            continue;
        }
        tried += 1;
        match explicit::explore_alike(&task, &limits, &symmetry, &()) {
            None => noticed += 1,
            Some(orbits) => told += u64::from(result(&task, &all) != result(&task, &orbits)),
        }
        if noticed > 20 {
            break;
        }
    }
    println!("{tried} programs: {noticed} noticed, {told} come to something else");
    assert!(noticed + told > 0, "nobody tells within {tried} programs");
}
