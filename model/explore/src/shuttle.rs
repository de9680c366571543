//! The scripts on shuttle's threads, every inequivalent interleaving of them: depth-first, with sleep sets.
//!
//! One shuttle thread stands for each script. It takes one kernel step on the shared state, yields, and so on: the
//! yield is the only scheduling point, and nothing ever blocks in shuttle. Who may run is asked of the kernel state, so
//! a sleeper or a spinner is never offered. What was decided on the way lives in a stack of levels, one for each step;
//! an execution starts from the last state on the way that was saved, and one in 64 from the beginning.
//!
//! # Sleep sets
//!
//! When everything that begins with thread `t` has been explored from a state, `t` goes to sleep there: the other
//! branches need not take `t` before somebody does something that conflicts with `t`'s next step, because the order of
//! two steps that do not conflict does not matter. `a` writes x; `b` writes y; `c` reads x:
//!
//! ```text
//!                    {}                      the sleep set of each state
//!       a ┌──────────┼ b ──────┐ c
//!         {}         {a}       {b}            c conflicts with a: there a is awake again
//!     b ┌─┴─┐ c      │ c       │ a
//!       {}  {b}      {}        {b}
//!     c │    ×       │ a        ×             everybody enabled is asleep: blocked
//!       {}           {}
//!       a.b.c        b.c.a                    two executions for two classes
//! ```
//!
//! Three things make this exact here rather than merely sound:
//!
//! * A step with a choice stands for several transitions of one thread. They are explored one after the other, before
//!   any sibling, and the thread goes to sleep after the last of them. So a sleeping thread has always all of its
//!   choices covered; and since no step that leaves it asleep touches what it reads, its choices are still the same
//!   ones.
//! * A step that breaks a property ends the execution, so it disables everybody: it conflicts with every step there is,
//!   and its thread does not go to sleep after it. Hence the violating states are all visited, like the others.
//! * Sleeping threads are enabled: only a conflicting step could have disabled one, and it would have woken it.
//!
//! Every state is visited, and every class of equivalent executions exactly once, at the price of some prefixes that
//! end with everybody enabled asleep. There is no persistent set and no backtracking rule: with loops, or together with
//! sleep sets, those lose executions.
//!
//! # Visited states
//!
//! A program with loops has executions without end. There, the engine keeps for each state the sleep set with which it
//! was left, by the fingerprint of its encoding. A state that is reached again with sleep set `Z` owes only what was
//! asleep each time before and is not now:
//!
//! ```text
//!   first visit, Z:        explore enabled - Z          stored := Z
//!   revisit, Z:            explore stored - Z           stored := stored & Z         (nothing left: cut)
//!   asleep for the steps taken from there: stored (after), then each thread that was explored
//! ```
//!
//! The steps after a revisit start from the *intersection*: what `Z` has beyond it was explored on another way here,
//! and a successor that relied on `Z` could be relied on by `Z` in turn. A stored set only ever shrinks and a revisit
//! that goes on shrinks it, so a state is entered at most once more than there are threads, cycles or not.
//!
//! A program without loops is explored without visited states, so that its count of executions is the number of
//! classes. If that takes more than [`RESTART`] executions, the search starts again with visited states.
//!
//! Start reading at [`explore_with`]; `rig` puts scripts on shuttle's threads, `search` decides what they do, `tally`
//! notes what was seen, `checkpoints` saves what need not be done again, `sample` picks executions at random, `replay`
//! takes a given one.

mod checkpoints;
mod replay;
pub(crate) mod rig;
mod sample;
mod search;
pub(crate) mod tally;

pub use replay::{Divergence, ReplayError, replay};
pub use sample::{Sampler, sample};

use crate::{Coverage, Exploration, Limits, Progress, Task, unfold};
use fenceweave_kernel::{Merging, State};
use search::{Search, Verdict};
use std::sync::Arc;

/// Executions (complete and blocked) of a loop-free program after which the search starts again with visited states.
///
/// A count, not a time, so that it falls the same everywhere.
pub const RESTART: u64 = 20_000;

/// How to search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Whether to cut at visited states. `None`: where the program has loops, or turns out to be large. Without, a
    /// program with loops ends incomplete.
    pub visited: Option<bool>,
    /// Whether to use sleep sets. Without them the search takes every interleaving.
    pub sleep_sets: bool,
    /// A mistake made on purpose.
    pub sabotage: Option<Sabotage>,
    /// Let each access that nobody else can tell from one taken earlier be a step of its own
    /// ([`Merging`]).
    pub fine: bool,
    /// Let the end of a spinlock's section be one, at least.
    pub sections_apart: bool,
    /// Hold no step against its footprint in a debug build: `explicit` takes the same ones, and does.
    pub unchecked: bool,
}

/// A mistake in a reduction, made on purpose: whoever checks the engines against each other can show that it would be
/// found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A conflicting step does not wake who sleeps.
    NobodyWakes,
    /// Steps are held to conflict only if both write.
    ReadsDoNotConflict,
    /// A thread goes to sleep after a step that broke a property.
    SleepsAfterViolation,
}

impl Sabotage {
    /// Each of them.
    pub const ALL: [Sabotage; 3] =
        [Sabotage::NobodyWakes, Sabotage::ReadsDoNotConflict, Sabotage::SleepsAfterViolation];
}

impl Default for Options {
    fn default() -> Options {
        Options {
            visited: None,
            sleep_sets: true,
            sabotage: None,
            fine: false,
            sections_apart: false,
            unchecked: false,
        }
    }
}

/// Explores every state and every outcome of a program on shuttle's threads.
pub fn explore(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    explore_with(task, limits, Options::default(), progress)
}

/// Explores every state and every outcome of a program on shuttle's threads, as the options say.
///
/// [`Counts::executions`](crate::Counts) are those that came to an end, `blocked` those that were given up because
/// others cover them; `states` and `transitions` are what was seen and taken for the first time by this search.
///
/// # Panics
///
/// If an internal check of the modelled kernel fails; the message has the schedule that led there.
pub fn explore_with(task: &Task<'_>, limits: &Limits, options: Options, progress: &dyn Progress) -> Exploration {
    let limits = &limits.begun();
    let merging = Merging::of(task.program, task.conditions).filter(|_| !options.fine);
    let merging = if options.sections_apart { merging.and_then(Merging::without_sections) } else { merging };
    let merging = merging.map(Arc::new);
    let initial = State::initial(task.program).merging(merging.clone());
    let initial = initial.grained(task.program, task.conditions, task.has_loops);
    let initial = if options.unchecked { initial.unchecked() } else { initial };
    let visited = options.visited.unwrap_or(task.has_loops);
    let restart = (options.visited.is_none() && !visited).then_some(RESTART);
    let mut search = Search::new(task, limits, visited, options);
    search.restart_after = restart;
    let (mut verdict, mut tally) = run(task, &initial, search, progress);
    if verdict == Verdict::Restart {
        let search = Search::new(task, limits, true, options);
        (verdict, tally) = run(task, &initial, search, progress);
    }
    let coverage = match verdict {
        Verdict::Endless => {
            return explore_with(&Task { has_loops: true, ..*task }, limits, options, progress);
        }
        Verdict::Unfit => {
            let sections = merging.is_some_and(|merging| merging.has_sections());
            return explore_with(task, limits, Options { sections_apart: true, fine: !sections, ..options }, progress);
        }
        Verdict::Exhausted => Coverage::Complete,
        Verdict::Restart => Coverage::Incomplete("the search did not end".into()),
        Verdict::Stopped(why) => Coverage::Incomplete(why),
    };
    let mut all = tally.into_exploration(task, coverage);
    if merging.is_some() || task.program.has_rows() {
        unfold::ways(&mut all, task, &initial);
    }
    all
}

fn run(task: &Task<'_>, initial: &State, search: Search, progress: &dyn Progress) -> (Verdict, tally::Tally) {
    let search = rig::run_from(initial.clone(), task.program, search, |s| {
        let counts = s.tally.counts();
        progress.tick(counts.executions + counts.blocked, counts.transitions);
    });
    (search.verdict, search.tally)
}
