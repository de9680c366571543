//! One execution for each way in which a program ends well: engines keep the ways, and not how each was come to.

use fenceweave_explore::{Trace, walk};
use fenceweave_kernel::{Action, Outcome, Program, State};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most states that are looked at one after the other; a larger program is run at random.
const MOST_STATES: usize = 20_000;
/// Executions that are run at random, and most steps of one.
const RUNS: u32 = 300;
const MOST_STEPS: usize = 5_000;

/// An execution for each of these outcomes, as far as there is one within the bounds: the shortest, of a small program.
pub(super) fn of(program: &Program, wanted: &BTreeSet<Outcome>) -> BTreeMap<Outcome, Trace> {
    let wanted: BTreeSet<&Outcome> = wanted.iter().filter(|o| matches!(o, Outcome::Finished { .. })).collect();
    let mut found = BTreeMap::new();
    if !wanted.is_empty() && !walked(program, &wanted, &mut found) {
        at_random(program, &wanted, &mut found);
    }
    found
}

/// How a state ends, if all is over there and it is one that is wanted.
fn ending(program: &Program, state: &State, wanted: &BTreeSet<&Outcome>) -> Option<Outcome> {
    let over = state.violation().is_none() && state.is_finished(program);
    let mut end = over.then(|| state.clone())?;
    end.conclude(program);
    Some(end.outcome(program)).filter(|outcome| wanted.contains(outcome))
}

/// Every state, the nearest first; false if there are too many.
fn walked(program: &Program, wanted: &BTreeSet<&Outcome>, found: &mut BTreeMap<Outcome, Trace>) -> bool {
    let encoding = |state: &State| {
        let (mut own, mut out) = (state.clone(), vec![]);
        own.encode(program, &mut out);
        out
    };
    // How each state was come to first: from which one, by which step.
    let mut numbers = HashMap::from([(encoding(&State::initial(program)), 0)]);
    let mut ways: Vec<Option<(usize, Action)>> = vec![None];
    walk::walk(program, MOST_STATES, |before, action, after| {
        let (from, to) = (numbers.get(&encoding(before)).copied(), encoding(after));
        let Some(from) = from.filter(|_| !numbers.contains_key(&to)) else { return };
        numbers.insert(to, ways.len());
        ways.push(Some((from, action)));
        if let Some(outcome) = ending(program, after, wanted) {
            found.entry(outcome).or_insert_with(|| way_to(&ways, ways.len() - 1));
        }
    })
}

fn way_to(ways: &[Option<(usize, Action)>], mut at: usize) -> Trace {
    let mut steps = vec![];
    while let Some((from, action)) = ways.get(at).copied().flatten() {
        steps.push(action);
        at = from;
    }
    steps.reverse();
    Trace::of(steps)
}

/// Some executions, the same ones every time.
fn at_random(program: &Program, wanted: &BTreeSet<&Outcome>, found: &mut BTreeMap<Outcome, Trace>) {
    let mut seed = 1_u64;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n.max(1)
    };
    for _ in 0..RUNS {
        let (mut state, mut steps) = (State::initial(program), vec![]);
        while steps.len() < MOST_STEPS && state.violation().is_none() {
            let enabled: Vec<_> = state.enabled(program).iter().collect();
            let Some(thread) = enabled.get(pick(enabled.len())).copied() else { break };
            let choice = pick(usize::from(state.ways(program, thread))) as u8;
            let action = Action { thread, choice };
            state.step(program, action);
            steps.push(action);
        }
        if let Some(outcome) = ending(program, &state, wanted) {
            found.entry(outcome).or_insert(Trace::of(steps));
        }
        if found.len() == wanted.len() {
            return;
        }
    }
}
