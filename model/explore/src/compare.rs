//! The engines check each other: which outcome sets must be equal, and which contained.
//!
//! * Two complete searches on sequentially consistent memory (`explicit`, `shuttle`) have *equal* sets.
//! * A complete loom run *contains* that set. What it has beyond is *weak memory only*, and an error unless the scenario
//!   says that it is about weak memory.
//! * A bounded, sampled or cut run is *contained* in a complete one (a loom run: but for what weak memory adds).
//!
//! Whatever else is a disagreement: one of the engines, or the model, is wrong.

use crate::{Coverage, Engine, Exploration};
use fenceweave_kernel::{Outcome, Property};

/// Two engines, and an outcome that one has and the other must have but has not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// The engine that has the outcome.
    pub has: Engine,
    /// The engine that lacks it.
    pub lacks: Engine,
    /// The outcome.
    pub outcome: Outcome,
    /// Only weak memory can tell them apart: loom has it, a sequentially consistent engine lacks it.
    pub weak_memory_only: bool,
}

/// What was found by holding engines against each other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comparison {
    /// What must not be.
    pub disagreements: Vec<Disagreement>,
    /// Outcomes that only weak memory has, in a scenario that is about it.
    pub weak_only: Vec<Outcome>,
    /// The two complete searches of one graph did not visit as many states: `explicit`'s count, then `shuttle`'s.
    pub states_differ: Option<(u64, u64)>,
}

/// Compares every pair of engines that ran. `weak` says that the scenario is about weak memory.
pub fn compare(runs: &[Exploration], weak: bool) -> Comparison {
    let mut result = Comparison { states_differ: states_differ(runs), ..Comparison::default() };
    for a in runs {
        for b in runs {
            if a.engine != b.engine && ran(a) && b.coverage.is_complete() {
                must_contain(b, a, weak, &mut result);
            }
        }
    }
    result
}

/// Sleep sets leave out steps, never states: both engines share the encoding, so the counts must be the same.
fn states_differ(runs: &[Exploration]) -> Option<(u64, u64)> {
    let states = |engine| {
        let run = runs.iter().find(|r| r.engine == engine && r.coverage.is_complete())?;
        Some(run.counts.states)
    };
    let (a, b) = (states(Engine::Explicit)?, states(Engine::Shuttle)?);
    (a != b).then_some((a, b))
}

fn ran(e: &Exploration) -> bool {
    !matches!(e.coverage, Coverage::Refused(_))
}

/// Everything that `part` has, `whole` must have.
fn must_contain(whole: &Exploration, part: &Exploration, weak: bool, result: &mut Comparison) {
    let weak_memory_only = part.engine == Engine::Loom;
    for outcome in part.outcomes.difference(&whole.outcomes) {
        // Accesses that never overlap may still not be ordered: only a race detector sees that.
        let race = matches!(outcome, Outcome::Violated(v) if v.property == Property::DataRace);
        // And of some things loom says nothing.
        let unsaid = matches!(outcome, Outcome::Violated(v) if v.property.needs_one_order());
        if whole.engine == Engine::Loom && unsaid {
            continue;
        }
        if !(weak_memory_only && (weak || race)) {
            let (has, lacks, outcome) = (part.engine, whole.engine, outcome.clone());
            result.disagreements.push(Disagreement { has, lacks, outcome, weak_memory_only });
        } else if !result.weak_only.contains(outcome) {
            result.weak_only.push(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counts;
    use fenceweave_kernel::Value;
    use std::collections::BTreeSet;

    fn run(engine: Engine, coverage: Coverage, results: &[i32]) -> Exploration {
        let outcome = |r: &i32| Outcome::Finished { locals: vec![vec![Value::Word(*r)]], vars: vec![] };
        Exploration {
            engine,
            coverage,
            outcomes: results.iter().map(outcome).collect(),
            found: vec![],
            watched: vec![],
            counts: Counts::default(),
            cover: None,
            unsignaled: BTreeSet::new(),
        }
    }

    #[test]
    fn complete_searches_must_be_equal_in_both_directions() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let shuttle = run(Engine::Shuttle, Coverage::Complete, &[0, 2]);
        let c = compare(&[explicit, shuttle], false);
        assert_eq!(c.disagreements.len(), 2);
    }

    #[test]
    fn a_cut_run_may_lack_outcomes_but_not_invent_them() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let cut = |r| run(Engine::Shuttle, Coverage::Incomplete("executions".into()), r);
        assert_eq!(compare(&[explicit.clone(), cut(&[0])], false), Comparison::default());
        assert_eq!(compare(&[explicit, cut(&[3])], false).disagreements.len(), 1);
    }

    #[test]
    fn loom_may_have_more_only_where_the_scenario_is_about_weak_memory() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let loom = run(Engine::Loom, Coverage::Complete, &[0, 1, 2]);
        let runs = [explicit, loom];
        let strict = compare(&runs, false);
        assert_eq!(strict.disagreements.len(), 1);
        assert!(strict.disagreements[0].weak_memory_only);
        let weak = compare(&runs, true);
        assert!(weak.disagreements.is_empty());
        assert_eq!(weak.weak_only.len(), 1);
    }

    #[test]
    fn loom_must_not_lack_what_a_complete_search_has() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let loom = run(Engine::Loom, Coverage::Complete, &[0]);
        assert_eq!(compare(&[explicit, loom], true).disagreements.len(), 1);
    }
}
