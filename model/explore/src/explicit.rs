//! The graph of states, each once, breadth-first.
//!
//! No reduction: exact counts, the fewest switches of a counterexample and the point of no return all refer to the same
//! full graph. States themselves are not kept. What is kept of a visited state is a 128-bit fingerprint of its canonical
//! encoding and its outgoing edges; the encodings of two breadth-first levels are kept until they are expanded, and a
//! trace is recomputed from the root.
//!
//! ```text
//!   level k   [enc][enc][enc]…          decode ─ step every enabled thread, every choice ─ encode ─┐
//!   level k+1 [enc]…      <──── new? ── visited: fingerprint → index <─────────────────────────────┘
//!   graph     start[i]..start[i+1] → (successor, action)        indices grow with the level
//! ```
//!
//! Start reading at [`explore_with`]; `search` holds the loop, `visited` the table, `trace` the second pass that orders
//! counterexamples, `noreturn` the third.

mod graph;
mod noreturn;
mod search;
mod trace;
mod visited;

use crate::{Engine, Exploration, Found, Limits, Progress, Task, Trace, Watched};
use graph::Graph;
use search::Search;

/// How to identify states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Keep whole encodings instead of fingerprints: no collision is possible, at several times the memory.
    pub exact: bool,
}

/// Explores every state of a program.
pub fn explore(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    explore_with(task, limits, Options::default(), progress)
}

/// Explores every state of a program, identified as the options say.
pub fn explore_with(task: &Task<'_>, limits: &Limits, options: Options, progress: &dyn Progress) -> Exploration {
    let mut search = Search::new(task, limits, options);
    let coverage = search.run(progress);
    let good = noreturn::can_end_well(&search);
    let complete = coverage.is_complete();
    let found = search.violations.iter().map(|(violation, targets)| {
        let path = trace::best(&search.graph, task.program, targets);
        let point_of_no_return = noreturn::locate(&search.graph, &good, &path, complete);
        Found { violation: *violation, trace: path.into_trace(), point_of_no_return }
    });
    let found = found.collect();
    let watched = search.watched.iter().map(|w| w.resolve(&search.graph, task)).collect();
    Exploration {
        engine: Engine::Explicit,
        coverage,
        found,
        watched,
        counts: search.counts(),
        outcomes: search.outcomes,
    }
}

/// Where a condition was first seen true and false, as indices into the graph.
#[derive(Clone, Copy, Default)]
struct Sightings {
    seen_true: Option<u32>,
    seen_false: Option<u32>,
    failed: bool,
}

impl Sightings {
    fn resolve(self, graph: &Graph, task: &Task<'_>) -> Watched {
        let to = |at: Option<u32>| at.map(|i| -> Trace { trace::best(graph, task.program, &[i]).into_trace() });
        Watched {
            seen_true: to(self.seen_true),
            seen_false: to(self.seen_false),
            failed: self.failed,
            not_judged: false,
        }
    }
}

/// The chance that two different states had one fingerprint, at most: n² / 2¹²⁹.
pub fn collision_bound(states: u64) -> f64 {
    let n = states as f64;
    n * n / 2f64.powi(129)
}
