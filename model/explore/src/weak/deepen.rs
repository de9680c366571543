//! As far as loom gets: every execution if there are few, else every one with at most so many preemptions.

use super::explore;
use crate::{Coverage, Exploration, Limits, Progress, Task};

/// The bounds to fall back to, one after the other. Most bugs need one preemption or two.
const BOUNDS: [Option<u32>; 3] = [None, Some(2), Some(1)];

/// Explores without a bound, and with smaller and smaller ones as long as the limit on executions cuts the search short.
/// The coverage is that of the last search; outcomes and violations are those of all, since each execution is a real
/// one.
pub fn deepen(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    let mut all: Option<Exploration> = None;
    for preemptions in BOUNDS {
        let next = explore(task, &Limits { preemptions, ..*limits }, progress);
        let cut_short = matches!(next.coverage, Coverage::Incomplete(_)) && next.counts.executions >= limits.executions;
        all = Some(match all.take() {
            Some(before) => merge(before, next),
            None => next,
        });
        if !cut_short {
            break;
        }
    }
    // There is at least one bound to try, so this is never the default's turn.
    all.unwrap_or_else(|| explore(task, limits, progress))
}

fn merge(before: Exploration, after: Exploration) -> Exploration {
    let mut all = after;
    all.outcomes.extend(before.outcomes);
    for f in before.found {
        if !all.found.iter().any(|known| known.violation == f.violation) {
            all.found.push(f);
        }
    }
    all.found.sort_by_key(|f| f.violation);
    for (w, old) in all.watched.iter_mut().zip(before.watched) {
        w.seen_true = w.seen_true.take().or(old.seen_true);
        w.seen_false = w.seen_false.take().or(old.seen_false);
        w.failed |= old.failed;
    }
    all.counts.executions += before.counts.executions;
    all.counts.transitions += before.counts.transitions;
    all
}
