//! As far as loom gets: every execution if there are few, else every one with at most so many preemptions.

use super::{explore, explore_since, findings::add_least};
use crate::{Coverage, Exploration, Limits, Progress, Task};
use std::time::Instant;

/// The bounds, one after the other, as long as they are affordable. Most bugs need one preemption or two.
const BOUNDS: [Option<u32>; 3] = [Some(1), Some(2), None];

/// A search with two preemptions takes 3 to 17 times the steps of one with one preemption (a tenth and nine tenths of
/// the shipped cases). Where steps are bounded, as in tests, and less than that is over the bound, it is not begun.
const SECOND_FACTOR: u64 = 12;

/// A search without a bound takes 20 to 200 times the executions of one to two preemptions (shipped scenarios,
/// measured). Where even the least of that is over the limit, it is not begun.
const UNBOUNDED_FACTOR: u64 = 20;

/// Explores with larger and larger bounds, and without one at last, as long as nothing cuts the search short: the limit
/// on executions, a word with more stores than loom remembers, a data race. The coverage is that of the last search
/// that came to its end; outcomes and violations are those of all, since each execution is a real one. Where no search
/// has come to its end, larger bounds still show more.
pub fn deepen(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    let mut all: Option<Exploration> = None;
    let started = Instant::now();
    for preemptions in BOUNDS {
        // The time is that of all of them together.
        let next = explore_since(started, task, &Limits { preemptions, ..*limits }, progress);
        let cut_short = matches!(next.coverage, Coverage::Incomplete(_));
        let (counted, steps) = (next.counts.executions, next.counts.transitions);
        let refused = matches!(next.coverage, Coverage::Refused(_));
        let too_many = match preemptions {
            // One that did not end says nothing of the next.
            Some(1) => !cut_short && steps > limits.steps / SECOND_FACTOR,
            Some(2) => counted > limits.executions / UNBOUNDED_FACTOR || steps > limits.steps / UNBOUNDED_FACTOR,
            _ => false,
        };
        all = Some(match all.take() {
            Some(before) if cut_short => merge(next, before),
            Some(before) => merge(before, next),
            None => next,
        });
        let ended_before = all.as_ref().is_some_and(|a| !matches!(a.coverage, Coverage::Incomplete(_)));
        let late = limits.time.is_some_and(|t| started.elapsed() >= t);
        let spent = counted >= limits.executions || steps >= limits.steps;
        let enough = cut_short && (ended_before || late || spent);
        if enough || refused || too_many {
            break;
        }
    }
    // There is at least one bound to try, so this is never the default's turn.
    all.unwrap_or_else(|| explore(task, limits, progress))
}

/// What both found; the coverage is `last`'s.
fn merge(other: Exploration, last: Exploration) -> Exploration {
    let mut all = last;
    all.outcomes.extend(other.outcomes);
    for (outcome, sets) in other.evidence {
        let known = all.evidence.entry(outcome).or_default();
        sets.into_iter().for_each(|set| add_least(known, set));
    }
    for f in other.found {
        if !all.found.iter().any(|known| known.violation == f.violation) {
            all.found.push(f);
        }
    }
    all.found.sort_by_key(|f| f.violation);
    for (w, old) in all.watched.iter_mut().zip(other.watched) {
        w.seen_true = w.seen_true.take().or(old.seen_true);
        w.seen_false = w.seen_false.take().or(old.seen_false);
        w.failed |= old.failed;
    }
    all.counts.executions += other.counts.executions;
    all.counts.transitions += other.counts.transitions;
    all.counts.impossible += other.counts.impossible;
    all
}
