//! Both grains come to the same. In coarse grain an operation on a fence, a reservation or a mutex is a step or two; so
//! every coarse execution is a fine one, and what is held against the fine grain here is that none of its outcomes,
//! violations and verdicts is lost, on the shipped scenarios and on generated programs.
//!
//! `GRAIN_STATES=N` and `GRAIN_GENERATED=N` look further: see `ci/grain`; `GRAIN_FROM=N` begins later.

use super::{conditions_of, fine::Seen, limit, programs, shipped};
use fenceweave_explore::{Exploration, Limits, Task, explicit};
use fenceweave_kernel::{Grain, Outcome, Program, Property, Violation};
use fenceweave_scenario::{
    Case,
    generate::{Size, from_seed},
    load, load_file,
};
use std::collections::{BTreeMap, BTreeSet};

/// Who is named beside who breaks a rule of these has the lock at that moment, or nobody has: that he who had it took
/// and released it in one coarse step changes the name, and nothing else.
const NAMES_THE_OWNER: [Property; 3] =
    [Property::UNLOCK_NOT_HELD, Property::RESV_NOT_HELD, Property::FENCE_LOCK_NOT_HELD];

/// A violation, but for who happens to have a lock that who needs it has not.
fn apart_from_the_owner(v: Violation) -> Violation {
    Violation { other: v.other.filter(|_| !NAMES_THE_OWNER.contains(&v.property)), ..v }
}

/// The outcomes, all the same.
fn outcomes(e: &Exploration) -> BTreeSet<Outcome> {
    let of = |outcome: &Outcome| match outcome {
        Outcome::Violated(v) => Outcome::Violated(apart_from_the_owner(*v)),
        other => other.clone(),
    };
    e.outcomes.iter().map(of).collect()
}

/// What must be equal: outcomes, violations, and what each clause comes to.
fn result(e: &Exploration) -> String {
    let broken: BTreeSet<_> = e.found.iter().map(|f| apart_from_the_owner(f.violation)).collect();
    let watched: Vec<_> = e.watched.iter().map(|w| (w.seen_true.is_some(), w.seen_false.is_some(), w.failed)).collect();
    format!("{:?}\n{broken:?}\n{watched:?}", outcomes(e))
}

/// In what they differ: outcomes that one of them has alone, and what else is not the same.
fn difference(fine: &Exploration, coarse: &Exploration) -> String {
    let (all, few) = (outcomes(fine), outcomes(coarse));
    let (lost, new): (Vec<_>, Vec<_>) = (all.difference(&few).collect(), few.difference(&all).collect());
    let rest = |e: &Exploration| result(e).split_once('\n').map(|(_, rest)| rest.to_owned());
    let mut out = format!("lost: {lost:#?}\nnew: {new:#?}\n");
    if rest(fine) != rest(coarse) {
        out += &format!("fine: {}\ncoarse: {}\n", rest(fine).unwrap_or_default(), rest(coarse).unwrap_or_default());
    }
    out
}

fn of_grain(program: &Program, grain: Grain) -> Program {
    Program { grain, ..program.clone() }
}

/// Holds both grains of a case against each other.
fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let limits = Limits { states, executions: 2_000, ..Limits::default() };
    let programs = [Grain::FINE, Grain::COARSE].map(|grain| of_grain(&case.program, grain));
    let task = |program| Task { program, conditions: &conditions, has_loops: case.has_loops };
    let [fine, coarse] = [0, 1].map(|i| explicit::explore(&task(&programs[i]), &limits, &()));
    if !fine.coverage.is_complete() {
        seen.limited += 1;
        return;
    }
    if (fine.counts.states, fine.counts.transitions) == (coarse.counts.states, coarse.counts.transitions) {
        return;
    }
    let name = &case.program.name;
    seen.add((&task(&programs[1]), &limits), &fine, &coarse);
    assert!(coarse.outcomes.is_subset(&fine.outcomes), "{name}: an outcome that the fine grain has not");
    if result(&fine) != result(&coarse) {
        println!("{name} in coarse grain:\n{}", difference(&fine, &coarse));
        seen.different.push(name.clone());
    }
}

#[test]
fn shipped_scenarios_come_to_the_same_in_both_grains() {
    let root = shipped::root();
    let states = limit("GRAIN_STATES", 300);
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    for (path, loaded) in shipped::scenarios() {
        let subject = path.strip_prefix(&root).ok().and_then(|p| p.iter().next()).unwrap_or_default();
        let seen = all.entry(subject.to_string_lossy().into_owned()).or_default();
        loaded.scenarios.iter().flat_map(|s| &s.cases).for_each(|case| hold(case, states, seen));
    }
    let mut unknown = vec![];
    for (subject, seen) in &all {
        seen.tell(subject);
        unknown.extend(&seen.different);
    }
    assert!(unknown.is_empty(), "they come to something else in coarse grain: {unknown:#?}");
    let programs: u64 = all.values().map(|seen| seen.programs).sum();
    assert!(programs > 50, "{programs} programs");
}

/// The measure of the whole: with `GRAIN_BENCH=1`, since it takes half a minute where every step is checked.
#[test]
fn two_importers_with_devices_are_few_states() {
    if limit("GRAIN_BENCH", 0) == 0 {
        return;
    }
    let path = shipped::root().join("../ci/bench/late-unmap.kdl");
    let loaded = load_file(&path).expect("a scenario of the bench");
    // With a third importer it is the measure of something else.
    let of_two = |case: &&Case| case.name.as_deref() != Some("three");
    for case in loaded.scenarios.iter().flat_map(|s| &s.cases).filter(of_two) {
        let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
        let found = explicit::explore(&task, &Limits::default(), &());
        println!("{}: {} states, {:?}", case.program.name, found.counts.states, found.coverage);
        assert!(found.coverage.is_complete() && found.counts.states < 40_000, "{}", case.program.name);
    }
}

#[test]
fn generated_programs_come_to_the_same_in_both_grains() {
    let mut seen = Seen::default();
    for number in limit("GRAIN_FROM", 0)..limit("GRAIN_GENERATED", 150) {
        for text in texts(number) {
            let before = seen.different.len();
            hold(&case_of(&text), limit("GRAIN_GENERATED_STATES", 2_000), &mut seen);
            if seen.different.len() > before {
                println!("{number} comes to something else in coarse grain:\n{text}");
            }
        }
    }
    seen.tell("generated");
    assert!(seen.different.is_empty(), "{} of {} differ", seen.different.len(), seen.programs);
    assert!(seen.fine > seen.states && seen.programs > 60, "{} states of {}", seen.states, seen.fine);
}

#[test]
fn each_stage_makes_programs_that_can_be_read() {
    for text in (0..400).flat_map(|number| [programs::program(number), programs::anew(number)]) {
        let case = case_of(&text);
        assert!(case.program.scripts.len() > 1, "{}", case.program.name);
    }
}

/// The texts of a number: one of a stage that is about fences, reservations or mutexes, one of the generator's, with
/// all operations, and of every fourth one in which objects are freed or made anew.
fn texts(number: u64) -> Vec<String> {
    let mut all = vec![programs::program(number), from_seed(number, &Size::default()).text];
    if number.is_multiple_of(4) {
        all.push(programs::anew(number));
    }
    all
}

/// The case of a text, of which there is one.
fn case_of(text: &str) -> Case {
    let loaded = load("generated.kdl", text).unwrap_or_else(|e| panic!("{}\n{text}", e.plain()));
    loaded.scenarios.into_iter().flat_map(|s| s.cases).next().expect("a case")
}

/// What a mistake in coarse grain would do: some generated program comes to something else than in fine grain, to which
/// the same program comes in coarse grain without it.
#[test]
#[ignore = "minutes long: `ci/check` runs it"]
fn a_mistake_that_is_planted_in_coarse_grain_is_found() {
    use fenceweave_kernel::Mutation;
    let most = limit("GRAIN_PLANTED", 500);
    let mut missing: Vec<Mutation> = Mutation::ALL.iter().copied().filter(|m| m.protocol() == "grain").collect();
    for number in 0..most {
        for text in texts(number) {
            let case = case_of(&text);
            let limits = Limits { states: 3_000, ..Limits::default() };
            let fine = explored(&case, Grain::FINE, None, &limits);
            if !fine.coverage.is_complete() {
                continue;
            }
            let coarse = explored(&case, Grain::COARSE, None, &limits);
            let same = result(&coarse) == result(&fine);
            assert!(same, "without a mistake\n{text}{}", difference(&fine, &coarse));
            missing.retain(|mutation| {
                let coarse = explored(&case, Grain::COARSE, Some(*mutation), &limits);
                let found = coarse.coverage.is_complete() && result(&coarse) != result(&fine);
                if found {
                    println!("{}: program {number}, `{}`", mutation.name(), case.program.name);
                }
                !found
            });
        }
        if missing.is_empty() {
            return;
        }
    }
    let missing: Vec<_> = missing.iter().map(|m| m.name()).collect();
    panic!("nobody tells within {most} programs: {missing:?}");
}

/// What a case comes to in a grain, with a mistake or without.
fn explored(case: &Case, grain: Grain, mistake: Option<fenceweave_kernel::Mutation>, limits: &Limits) -> Exploration {
    let mutation = fenceweave_kernel::mutations::AtWork::new(mistake);
    let program = Program { mutation, ..of_grain(&case.program, grain) };
    let conditions = conditions_of(case);
    explicit::explore(&Task { program: &program, conditions: &conditions, has_loops: case.has_loops }, limits, &())
}
