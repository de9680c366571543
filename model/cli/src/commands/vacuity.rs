//! What makes a verdict empty, from what the engines came to.

use crate::run::{CaseRun, scenario_engine};
use fenceweave_explore::{Coverage, Engine};
use fenceweave_kernel::{Cover, Property};
use fenceweave_report::json;
use fenceweave_scenario::{Case, Loaded, Looked, Place, Seen, Warnings, warnings};

/// What was run of a case.
pub(super) enum Ran {
    /// Its program.
    Once(Box<CaseRun>),
    /// The programs of all its tuples.
    Tuples(Together),
}

impl Ran {
    fn seen(&self, case: &Case) -> Option<Seen<'_>> {
        match self {
            Ran::Once(run) => seen(case, run),
            Ran::Tuples(all) => all.seen(),
        }
    }
}

/// What the searches of a case's tuples came to together: they are programs of the same instructions.
#[derive(Default)]
pub(super) struct Together {
    cover: Option<Cover>,
    /// Some program was not searched, or has other instructions.
    apart: bool,
    complete: bool,
    violated: bool,
    endless: bool,
}

impl Together {
    /// Adds one more.
    pub(super) fn add(&mut self, run: &CaseRun) {
        let explicit = run.runs.iter().find(|r| r.engine == Engine::Explicit);
        let Some((explicit, cover)) = explicit.and_then(|r| Some((r, r.cover.as_ref()?))) else {
            self.apart = true;
            return;
        };
        match &mut self.cover {
            None => self.cover = Some(cover.clone()),
            Some(all) => self.apart |= !all.add(cover),
        }
        self.violated |= !explicit.found.is_empty();
        self.endless |= explicit.found.iter().any(|f| is_endless(f.violation.property));
    }

    /// All were added, or some are missing.
    pub(super) fn ended(self, complete: bool) -> Together {
        Together { complete, ..self }
    }

    fn seen(&self) -> Option<Seen<'_>> {
        let cover = self.cover.as_ref().filter(|_| !self.apart)?;
        let (unsignaled, conditions) = (vec![], vec![]);
        let (complete, holds, endless) = (self.complete, !self.violated, self.endless);
        Some(Seen { cover, complete, holds, endless, unsignaled, conditions })
    }
}

/// The warnings of a scenario, whose cases were run as given; `None` for those that were not.
pub(super) fn of(loaded: &Loaded, scenario: usize, runs: &[Option<Ran>]) -> Warnings {
    let Some(it) = loaded.scenarios.get(scenario) else { return Warnings::default() };
    let seen: Vec<Option<Seen<'_>>> = it.cases.iter().zip(runs).map(|(case, ran)| ran.as_ref()?.seen(case)).collect();
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
