//! The engines check each other: which outcome sets must be equal, and which contained.
//!
//! * Two complete searches on sequentially consistent memory (`explicit`, `shuttle`) have *equal* sets.
//! * A complete loom run *contains* that set. What it has beyond must be shown to be weak memory's.
//! * A bounded, sampled or cut run is *contained* in a complete one (a loom run: but for what weak memory adds).
//!
//! Whatever else is a disagreement: one of the engines, or the model, is wrong.
//!
//! # What shows that an outcome is weak memory's
//!
//! Loom takes steps in an order, and beside its memory runs one that is sequentially consistent. A load is *stale* if
//! it returned another value than that one holds. An execution without a stale load is an execution of sequentially
//! consistent memory, step by step: its outcome must be in the set of every complete search. So:
//!
//! 1. An outcome of which *some* execution has no stale load is a disagreement, whatever is declared: the other engine
//!    has missed an interleaving. That many other executions with it read something stale excuses nothing.
//! 2. Else every execution of it that was seen needs weak memory. It is as meant if in one of them all stale loads are
//!    of words that the scenario declares `weak`: then it takes no more than what the scenario is about. Otherwise it
//!    is a failure that names the words: that memory orders matter there is news to the author.
//!
//! Sets of words are enough, and one witness with declared words is, because of what rule 1 asks of all executions: if
//! a missed interleaving were behind an outcome beside which some declared word happens to be read stale, the same
//! interleaving with fresh loads is an execution as well, and its outcome is found by rule 1.
//!
//! A *data race* is excused from both rules: accesses that never overlap may still not be ordered, and only a race
//! detector with memory orders sees that. It is a violation, so it must be expected in any case.

use crate::{Coverage, Engine, Exploration, StaleWords};
use fenceweave_kernel::{Outcome, Program, Property};

/// Two engines, and an outcome that one has and the other must have but has not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// The engine that has the outcome.
    pub has: Engine,
    /// The engine that lacks it.
    pub lacks: Engine,
    /// The outcome.
    pub outcome: Outcome,
    /// Only weak memory has it, by stale reads of these words, which the scenario is not about.
    pub stale: Option<StaleWords>,
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

/// Of which words a scenario says that weak memory matters.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// Of those that the program declares `weak`.
    Declared(&'a Program),
    /// Nobody has said: of any.
    Anything,
}

impl About<'_> {
    fn covers(self, stale: &StaleWords) -> bool {
        match self {
            About::Anything => true,
            About::Declared(p) => stale.iter().all(|w| w.is_some_and(|w| p.weak.contains(&w))),
        }
    }
}

/// Compares every pair of engines that ran.
pub fn compare(runs: &[Exploration], about: About<'_>) -> Comparison {
    let mut result = Comparison { states_differ: states_differ(runs), ..Comparison::default() };
    for a in runs {
        for b in runs {
            if a.engine != b.engine && ran(a) && b.coverage.is_complete() {
                must_contain(b, a, about, &mut result);
            }
        }
    }
    result
}

/// Sleep sets leave out steps, never states: both engines share the encoding, so the counts must be the same. Orbits of
/// threads that are alike are fewer than states.
fn states_differ(runs: &[Exploration]) -> Option<(u64, u64)> {
    let states = |engine| {
        let run = runs.iter().find(|r| r.engine == engine && r.coverage.is_complete() && r.counts.permutations == 0)?;
        Some(run.counts.states)
    };
    let (a, b) = (states(Engine::Explicit)?, states(Engine::Shuttle)?);
    (a != b).then_some((a, b))
}

fn ran(e: &Exploration) -> bool {
    !matches!(e.coverage, Coverage::Refused(_))
}

/// Everything that `part` has, `whole` must have.
fn must_contain(whole: &Exploration, part: &Exploration, about: About<'_>, result: &mut Comparison) {
    for outcome in part.outcomes.difference(&whole.outcomes) {
        // Of some things loom says nothing.
        let unsaid = matches!(outcome, Outcome::Violated(v) if v.property.needs_one_order());
        if whole.engine == Engine::Loom && unsaid {
            continue;
        }
        match excuse(part, outcome, about) {
            Ok(()) if result.weak_only.contains(outcome) => {}
            Ok(()) => result.weak_only.push(outcome.clone()),
            Err(stale) => {
                let (has, lacks, outcome) = (part.engine, whole.engine, outcome.clone());
                result.disagreements.push(Disagreement { has, lacks, outcome, stale });
            }
        }
    }
}

/// Whether an engine may have an outcome alone; if not, the words by whose stale reads it has it, unless it needs none.
fn excuse(part: &Exploration, outcome: &Outcome, about: About<'_>) -> Result<(), Option<StaleWords>> {
    if part.engine != Engine::Loom {
        return Err(None);
    }
    if matches!(outcome, Outcome::Violated(v) if v.property == Property::DATA_RACE) {
        return Ok(());
    }
    let sets = part.evidence.get(outcome).map_or(&[][..], Vec::as_slice);
    match sets.first() {
        None => Err(None),
        Some(_) if sets.iter().any(StaleWords::is_empty) => Err(None),
        Some(_) if sets.iter().any(|s| about.covers(s)) => Ok(()),
        Some(first) => Err(Some(first.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counts;
    use fenceweave_kernel::{ObjId, Value};
    use std::collections::{BTreeMap, BTreeSet};

    fn outcome(r: i32) -> Outcome {
        Outcome::Finished { locals: vec![vec![Value::Word(r)]], vars: vec![], warned: vec![] }
    }

    fn run(engine: Engine, coverage: Coverage, results: &[i32]) -> Exploration {
        Exploration {
            engine,
            coverage,
            outcomes: results.iter().map(|r| outcome(*r)).collect(),
            found: vec![],
            watched: vec![],
            counts: Counts::default(),
            evidence: BTreeMap::new(),
            cover: None,
            unsignaled: BTreeSet::new(),
            contracts: None,
        }
    }

    /// Loom with outcome 2 beyond the others', by executions that read stale stores of these variables.
    fn loom(sets: &[&[usize]]) -> [Exploration; 2] {
        let mut loom = run(Engine::Loom, Coverage::Complete, &[0, 1, 2]);
        let word = |i: &usize| Some(ObjId::var(*i));
        let sets = sets.iter().map(|s| s.iter().map(word).collect()).collect();
        loom.evidence.insert(outcome(2), sets);
        [run(Engine::Explicit, Coverage::Complete, &[0, 1]), loom]
    }

    fn about_the_first_variable() -> Program {
        Program { weak: vec![ObjId::var(0)], ..Program::default() }
    }

    #[test]
    fn complete_searches_must_be_equal_in_both_directions() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let shuttle = run(Engine::Shuttle, Coverage::Complete, &[0, 2]);
        let c = compare(&[explicit, shuttle], About::Anything);
        assert_eq!(c.disagreements.len(), 2);
    }

    #[test]
    fn a_cut_run_may_lack_outcomes_but_not_invent_them() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let cut = |r| run(Engine::Shuttle, Coverage::Incomplete("executions".into()), r);
        assert_eq!(compare(&[explicit.clone(), cut(&[0])], About::Anything), Comparison::default());
        assert_eq!(compare(&[explicit, cut(&[3])], About::Anything).disagreements.len(), 1);
    }

    #[test]
    fn what_loom_has_more_must_be_by_stale_reads_of_what_the_scenario_is_about() {
        let program = about_the_first_variable();
        let runs = loom(&[&[0]]);
        let strict = compare(&runs, About::Declared(&Program::default()));
        assert_eq!(strict.disagreements.len(), 1);
        assert_eq!(strict.disagreements[0].stale, Some(StaleWords::from([Some(ObjId::var(0))])));
        let weak = compare(&runs, About::Declared(&program));
        assert!(weak.disagreements.is_empty());
        assert_eq!(weak.weak_only.len(), 1);
        // One that needs no more than that is enough, and one that needs something else as well is not.
        assert!(compare(&loom(&[&[1], &[0]]), About::Declared(&program)).disagreements.is_empty());
        assert_eq!(compare(&loom(&[&[0, 1]]), About::Declared(&program)).disagreements.len(), 1);
    }

    #[test]
    fn an_execution_without_a_stale_read_is_nobodys_but_a_mistake() {
        let program = about_the_first_variable();
        for sets in [&[][..], &[&[][..]], &[&[0][..], &[]]] {
            for about in [About::Declared(&program), About::Anything] {
                let c = compare(&loom(sets), about);
                assert_eq!(c.disagreements.len(), 1, "{sets:?}");
                assert_eq!(c.disagreements[0].stale, None);
            }
        }
    }

    #[test]
    fn loom_must_not_lack_what_a_complete_search_has() {
        let explicit = run(Engine::Explicit, Coverage::Complete, &[0, 1]);
        let loom = run(Engine::Loom, Coverage::Complete, &[0]);
        assert_eq!(compare(&[explicit, loom], About::Anything).disagreements.len(), 1);
    }
}
