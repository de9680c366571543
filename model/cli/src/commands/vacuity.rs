//! What makes a verdict empty, from what the engines came to.

use crate::run::{CaseRun, scenario_engine};
use fenceweave_explore::{Coverage, Engine};
use fenceweave_kernel::Property;
use fenceweave_report::json;
use fenceweave_scenario::{Case, Loaded, Looked, Place, Seen, Warnings, warnings};

/// The warnings of a scenario, whose cases were run as given; `None` for those that were not.
pub(super) fn of(loaded: &Loaded, scenario: usize, runs: &[Option<CaseRun>]) -> Warnings {
    let Some(it) = loaded.scenarios.get(scenario) else { return Warnings::default() };
    let seen: Vec<Option<Seen<'_>>> = it.cases.iter().zip(runs).map(|(case, run)| seen(case, run.as_ref()?)).collect();
    warnings(loaded, scenario, &seen)
}

/// What the search of the graph of states saw: the other engines leave steps out that change nothing.
fn seen<'a>(case: &Case, run: &'a CaseRun) -> Option<Seen<'a>> {
    let explicit = run.runs.iter().find(|r| r.engine == Engine::Explicit)?;
    if matches!(explicit.coverage, Coverage::Refused(_)) {
        return None;
    }
    let expected = case.expectations.conditions(scenario_engine(Engine::Explicit));
    let conditions = expected.zip(&explicit.watched).map(|(e, watched)| Looked {
        place: Place { line: e.line, column: e.column },
        moment: e.condition.moment,
        at_once: watched.seen_true.as_ref().is_some_and(|trace| trace.steps.is_empty()),
        judged: watched.seen_true.is_some() || watched.seen_false.is_some(),
    });
    Some(Seen {
        cover: explicit.cover.as_ref()?,
        complete: explicit.coverage.is_complete(),
        holds: explicit.found.is_empty(),
        endless: explicit.found.iter().any(|f| is_endless(f.violation.property)),
        unsignaled: explicit.unsignaled.iter().copied().collect(),
        conditions: conditions.collect(),
    })
}

fn is_endless(p: Property) -> bool {
    p.is_liveness() || p == Property::SPINS_LOCALLY
}

/// What is printed of them.
pub(super) fn text(warnings: &Warnings, file: &str, scenario: &str, as_json: bool) -> String {
    if warnings.count() == 0 {
        return String::new();
    }
    if as_json {
        let told: Vec<json::Mistake<'_>> = warnings.told.iter().map(|w| super::as_json(w, file)).collect();
        return json::warnings(file, scenario, &told, warnings.untold);
    }
    let told = warnings.told.iter().map(|w| format!("warning[{}]: {}", w.kind(), w.plain()));
    let mut out: String = told.collect();
    if warnings.untold > 0 {
        out.push_str(&format!("and {} more warnings\n", warnings.untold));
    }
    out
}
