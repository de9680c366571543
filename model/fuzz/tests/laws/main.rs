//! What is true of every scenario: laws that are held on the shipped ones, which are read once for all of them, and on
//! generated programs.
//!
//! What takes minutes looks at smaller programs here than `ci/check` does, which says so in its environment.

mod agreement;
mod alike;
mod bounded;
mod counted;
mod decoded;
mod fine;
mod forged;
mod grain;
mod hosts;
mod kept;
mod programs;
mod second;
mod shipped;
mod shrinking;
mod spilled;
mod swarm;
mod workers;

use fenceweave_kernel::Condition;
use fenceweave_scenario::{
    Case, Engine, Loaded,
    generate::{Size, from_seed},
    load,
};
use std::collections::BTreeMap;

/// A number that the environment may replace.
fn limit(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// Of each subject so many files, far apart, and of each file its first case, which is mostly right, and its last one,
/// which is mostly wrong.
fn some_of_each_subject(files: usize) -> impl Iterator<Item = &'static Case> {
    let mut subjects: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, loaded) in shipped::scenarios() {
        subjects.entry(path.parent()).or_default().push(loaded);
    }
    let some = move |all: Vec<&'static Loaded>| all.clone().into_iter().step_by(all.len().div_ceil(files));
    let cases = |loaded: &'static Loaded| loaded.scenarios.iter().flat_map(|s| &s.cases);
    let two = move |loaded| cases(loaded).take(1).chain(cases(loaded).skip(1).last());
    subjects.into_values().flat_map(some).flat_map(two)
}

/// What a case expects of its states.
fn conditions_of(case: &Case) -> Vec<Condition> {
    case.expectations.conditions(Engine::Explicit).map(|e| e.condition.clone()).collect()
}

/// A generated text, of two sorts in turn.
fn text_of(number: u64) -> String {
    if number.is_multiple_of(2) { programs::program(number) } else { from_seed(number, &Size::default()).text }
}

/// The first cases of so many generated texts.
fn generated(texts: u64) -> impl Iterator<Item = Case> {
    (0..texts).filter_map(|number| {
        let loaded = load("generated.kdl", &text_of(number)).ok()?;
        loaded.scenarios.into_iter().flat_map(|s| s.cases).next()
    })
}
