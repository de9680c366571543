//! What a smaller scenario still has to show.

use std::collections::BTreeSet;

use fenceweave_explore::{
    Limits, Task, explicit,
    shuttle::{self, Sampler},
};
use fenceweave_kernel::Property;
use fenceweave_scenario::{Case, Loaded, load};

use crate::oracle::{self, Bounds, Failure};

/// Whether a text fails alike.
pub type Predicate<'a> = dyn Fn(&str) -> bool + 'a;

/// The text violates a property, in this case if it has cases, within so many states.
pub fn property(property: Property, case: Option<String>, states: u64) -> impl Fn(&str) -> bool {
    move |text| violated(text, case.as_deref(), states).is_some_and(|seen| seen.violated.contains(&property))
}

/// The same check fails.
pub fn same_failure(failure: Failure, disciplined: bool, bounds: Bounds) -> impl Fn(&str) -> bool {
    move |text| oracle::judge(text, disciplined, &bounds).is_err_and(|other| other.is_like(&failure))
}

/// Executions picked at random, where so many states are not all.
pub const EXECUTIONS: u64 = 400;

/// What was seen of a case.
pub struct Seen {
    /// The properties that it violates.
    pub violated: BTreeSet<Property>,
    /// Whether those are all: every state was visited.
    pub complete: bool,
}

/// The properties that a case violates, as far as so many states tell; if those are not all, a few executions at random
/// look further down.
pub fn properties_of(case: &Case, states: u64) -> Seen {
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let limits = Limits { states, ..Limits::default() };
    let seen = explicit::explore(&task, &limits, &());
    let complete = seen.coverage.is_complete();
    let deep = (!complete).then(|| shuttle::sample(&task, Sampler::Urw, 1, EXECUTIONS, &Limits::default(), &()));
    let found = seen.found.iter().chain(deep.iter().flat_map(|deep| &deep.found));
    Seen { violated: found.map(|found| found.violation.property).collect(), complete }
}

fn violated(text: &str, case: Option<&str>, states: u64) -> Option<Seen> {
    let loaded = load("shrunk.kdl", text).ok()?;
    Some(properties_of(case_of(&loaded, case)?, states))
}

/// The case that is meant: by its name, or the only one once the others are gone.
fn case_of<'a>(loaded: &'a Loaded, name: Option<&str>) -> Option<&'a Case> {
    let mut cases = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases);
    let Some(name) = name else { return cases.next() };
    let all: Vec<&Case> = cases.collect();
    let is_it = |case: &&&Case| case.name.as_deref() == Some(name) || case.program.name == name;
    match all.as_slice() {
        [only] if only.name.is_none() => Some(only),
        all => all.iter().find(is_it).copied(),
    }
}
