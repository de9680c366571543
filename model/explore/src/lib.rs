//! The engines: three ways to look at every interleaving of one program, and the comparison between them.
//!
//! # What lives here
//!
//! * [`explicit`]: the graph of states, each once, breadth-first. Shortest counterexamples, exact counts, the point of
//!   no return; livelock, starvation and what must happen `eventually`.
//! * [`shuttle`](mod@shuttle): the same scripts on shuttle's threads under a scheduler of ours (sleep sets, visited
//!   states where there are loops), shuttle's samplers, and replay.
//! * [`loom`](mod@loom): the same scripts on loom's threads, with the kernel's memory orders.
//! * [`threads`]: the same scripts on threads of the operating system, as often as there is time: it explores nothing.
//! * [`swarm`]: walks at random over plain states, for what nobody exhausts, and what is known after them.
//! * [`compare`]: which outcome sets must be equal and which contained.
//! * [`ahead`]: from any one state, the nearest end and the nearest at which something is wrong.
//!
//! # What must not
//!
//! No file format, no text layout. An engine knows nothing of protocols: it sees threads, steps and footprints.
//!
//! # Where to start reading
//!
//! [`Task`] and [`Exploration`] below: what goes in and what comes out. Then [`explicit`].

pub mod ahead;
mod alone;
pub mod compare;
pub mod diagnose;
pub mod explicit;
pub mod idle;
pub mod interrupt;
pub mod loom;
mod numbers;
mod panics;
mod room;
pub mod shuttle;
pub mod swarm;
pub mod threads;
mod unfold;
pub mod walk;

pub use compare::{About, Comparison, Disagreement};

use fenceweave_kernel::{Action, Condition, Cover, ObjId, Outcome, Program, Value, Violation};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, Instant},
};

/// An engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Engine {
    /// The graph of states.
    Explicit,
    /// Shuttle's threads, our scheduler.
    Shuttle,
    /// Loom's threads, weak memory.
    Loom,
    /// Threads of the operating system.
    Threads,
}

impl Engine {
    /// All that explore, in the order in which they are run and shown: [`Engine::Threads`] only samples.
    pub const ALL: [Engine; 3] = [Engine::Explicit, Engine::Shuttle, Engine::Loom];

    /// The name that the command line and a scenario's `engine=` use.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Explicit => "explicit",
            Engine::Shuttle => "shuttle",
            Engine::Loom => "loom",
            Engine::Threads => "threads",
        }
    }

    /// Whether its memory is weak: it sees what no interleaving alone shows.
    pub fn has_weak_memory(self) -> bool {
        self == Engine::Loom
    }

    /// What weak memory can do and this engine's cannot, even if it has looked at everything.
    ///
    /// Loom runs a thread's accesses in the order in which they are written: a load never returns what is stored after
    /// it in the order of execution (load buffering), and no read-modify-write comes before a store that was made
    /// earlier, nor does a word end with any but its youngest store, unless some load says so (late stores: 2+2W, and S
    /// or R where nobody reads the word in the end).
    pub fn misses(self) -> &'static [&'static str] {
        match self {
            Engine::Loom => &["load buffering", "late stores"],
            Engine::Explicit | Engine::Shuttle | Engine::Threads => &[],
        }
    }

    /// The engine that explores of that name.
    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|e| e.name() == name)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to be explored.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The program.
    pub program: &'a Program,
    /// Conditions to watch, by index.
    pub conditions: &'a [Condition],
    /// Whether a script can come back to where it was: a reduced search then needs visited states to end, and what
    /// waits is not let come later. Where it is not said and something goes round, inside of an operation that begins
    /// again, the search is done once more as if it were.
    pub has_loops: bool,
}

/// When to stop looking. A limit that was hit makes the result incomplete, never a pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most states to visit.
    pub states: u64,
    /// Most executions to run (shuttle, loom).
    pub executions: u64,
    /// Most steps of all executions together (loom), which tell better than their number how long they take.
    pub steps: u64,
    /// Most memory to use, in bytes: states, graph, outcomes, and what the process takes for itself.
    pub memory_bytes: u64,
    /// Most time to spend. Tests never set one.
    pub time: Option<Duration>,
    /// From when on it is spent; `None` from the beginning of the exploration. One that begins once more has the time
    /// that the first attempt has left, and says which limit was given.
    pub since: Option<Instant>,
    /// Most preemptions of one execution under loom; `None` explores them all.
    pub preemptions: Option<u32>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            states: 20_000_000,
            executions: 2_000_000,
            steps: u64::MAX,
            memory_bytes: 4 << 30,
            time: None,
            since: None,
            preemptions: None,
        }
    }
}

impl Limits {
    /// The same, with the time running.
    pub(crate) fn begun(&self) -> Limits {
        Limits { since: Some(self.since()), ..*self }
    }

    /// Since when it runs.
    pub(crate) fn since(&self) -> Instant {
        self.since.unwrap_or_else(Instant::now)
    }

    /// Why there is no time left, if it runs and there is none.
    pub(crate) fn late(&self) -> Option<String> {
        let time = self.time.filter(|time| self.since().elapsed() > *time)?;
        Some(out_of_time(time))
    }

    /// When there is no time left.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.time.and_then(|time| self.since().checked_add(time))
    }
}

/// Why an exploration ended that had so much time.
pub(crate) fn out_of_time(time: Duration) -> String {
    format!("more than {} s", time.as_secs_f64())
}

/// How much of what there is was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// All of it; of loom's, all but [`Engine::misses`].
    Complete,
    /// Everything with at most this many preemptions.
    Preemptions(u32),
    /// Some executions, picked at random.
    Sampled,
    /// A limit was hit; the text says which.
    Incomplete(String),
    /// Nothing: the engine cannot take this program; the text says why.
    Refused(String),
}

impl Coverage {
    /// Whether a property that was not seen broken holds.
    pub fn is_complete(&self) -> bool {
        *self == Coverage::Complete
    }
}

/// Exact counts. Those that an engine does not have are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Distinct states visited; orbits of them, if threads are alike and one of each was enough.
    pub states: u64,
    /// How many permutations of threads that are alike there are, if the states are orbits of those: an orbit is that
    /// many states at most.
    pub permutations: u64,
    /// Steps taken between them.
    pub transitions: u64,
    /// States in which nobody can take a step, or a property was broken.
    pub terminals: u64,
    /// Steps of the longest of all shortest ways to a state.
    pub depth: u64,
    /// Executions run to an end.
    pub executions: u64,
    /// Executions given up because everything from there on is covered by others.
    pub blocked: u64,
    /// States that one preemption more than the bound leads to, and none fewer.
    pub beyond: u64,
    /// Executions that loom ran and that no coherent memory has, or that tore a step: nothing that they show counts.
    pub impossible: u64,
    /// Cycles that only an unfair scheduler can take for ever: it holds a thread back that can run, or lets a choice
    /// always fall the same way. `explicit` counts them where the program has loops.
    pub unfair_cycles: u64,
}

/// One way through a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// The steps, from the state after setup.
    pub steps: Vec<Action>,
    /// For a lasso, how many steps lead to its loop; those that follow lead back there, and can be taken for ever.
    pub loop_from: Option<usize>,
    /// For an execution on weak memory, its reads that did not return the youngest store, in order; none for any other.
    pub weak: Option<Vec<Stale>>,
}

/// A read that returned another store than the youngest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stale {
    /// Which step of the trace, from 0.
    pub step: usize,
    /// Which of the step's reads, from 0.
    pub nth: u8,
    /// How many stores back it went.
    pub age: u8,
    /// The word: a variable, the object that it is part of, or none if it is a task's.
    pub word: Option<ObjId>,
    /// What it returned.
    pub got: Stored,
    /// The youngest store.
    pub newest: Stored,
}

/// A store as a trace tells of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stored {
    /// The value, if the word is a variable.
    pub value: Option<Value>,
    /// The step that made it, from 0; none if it was there at the start.
    pub step: Option<usize>,
}

impl Trace {
    /// A way that ends somewhere.
    pub fn of(steps: Vec<Action>) -> Trace {
        Trace { steps, ..Trace::default() }
    }

    /// A way that goes on for ever: the way into the loop, and the loop once.
    pub fn lasso(way_in: Vec<Action>, round: Vec<Action>) -> Trace {
        let loop_from = Some(way_in.len());
        Trace { steps: [way_in, round].concat(), loop_from, weak: None }
    }
}

/// From where on a counterexample cannot be saved any more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum PointOfNoReturn {
    /// After this many steps of the trace some continuation still ends well, after one more none does; `passing` is
    /// the shortest that does, from the state after `after` steps.
    At {
        /// Steps of the trace that can still be taken.
        after: usize,
        /// A continuation that ends well.
        passing: Vec<Action>,
    },
    /// No execution ends well, whatever happens.
    Never,
    /// The search did not see everything.
    #[default]
    NotKnown,
}

/// A broken property with the way there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What was broken.
    pub violation: Violation,
    /// The way there; for `explicit` the shortest, with the fewest switches of thread. A lasso if it is about what goes
    /// on for ever.
    pub trace: Trace,
    /// From where on it could not be helped.
    pub point_of_no_return: PointOfNoReturn,
}

/// What was seen of a condition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Watched {
    /// It was true somewhere: the way there.
    pub seen_true: Option<Trace>,
    /// It was false somewhere where it could be judged: the way there.
    pub seen_false: Option<Trace>,
    /// It could not be evaluated (a division by zero, arithmetic on a reference).
    pub failed: bool,
    /// This engine does not judge it.
    pub not_judged: bool,
    /// If it is broken, from where on the way there could not be saved any more; `explicit` alone looks for it.
    pub point_of_no_return: PointOfNoReturn,
}

/// What an engine found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exploration {
    /// Which engine.
    pub engine: Engine,
    /// How much was looked at.
    pub coverage: Coverage,
    /// Every distinct outcome, violations included; what goes on for ever comes to none.
    pub outcomes: BTreeSet<Outcome>,
    /// One counterexample for each distinct violation, in the order of [`Violation`].
    pub found: Vec<Found>,
    /// What was seen of each condition of the task.
    pub watched: Vec<Watched>,
    /// Exact counts.
    pub counts: Counts,
    /// For each outcome of an engine with weak memory, of what words an execution with it has read stale stores: the
    /// least sets that were found, an empty one if sequentially consistent memory does as well.
    pub evidence: BTreeMap<Outcome, Vec<StaleWords>>,
    /// What happened at every instruction; `None` if this engine does not count it.
    pub cover: Option<Cover>,
    /// Fences that some execution published and left unsignalled at its end, though nothing in the program signals
    /// them.
    pub unsignaled: BTreeSet<ObjId>,
    /// What was locked under what, if `explicit` was asked for it.
    pub contracts: Option<explicit::Contracts>,
}

/// The words of which an execution has read a stale store: variables, objects for the words that they consist of, none
/// for the tasks'.
pub type StaleWords = BTreeSet<Option<ObjId>>;

impl Exploration {
    /// A result that says that the engine did not even start.
    pub fn refused(engine: Engine, task: &Task<'_>, why: impl Into<String>) -> Exploration {
        let watched = vec![Watched { not_judged: true, ..Watched::default() }; task.conditions.len()];
        Exploration {
            engine,
            coverage: Coverage::Refused(why.into()),
            outcomes: BTreeSet::new(),
            found: vec![],
            watched,
            counts: Counts::default(),
            evidence: BTreeMap::new(),
            cover: None,
            unsignaled: BTreeSet::new(),
            contracts: None,
        }
    }
}

/// Told about the progress of a long search, now and then.
pub trait Progress: Sync {
    /// States or executions so far, and transitions.
    fn tick(&self, done: u64, transitions: u64);

    /// States that wait to be expanded, and how many steps away they are: of a search by steps, before a tick.
    fn ahead(&self, _frontier: u64, _depth: u64) {}
}

/// Nobody watches.
impl Progress for () {
    fn tick(&self, _done: u64, _transitions: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_begins_once_more_has_what_is_left_and_says_what_was_given() {
        let limits = Limits { time: Some(Duration::from_millis(3)), ..Limits::default() };
        assert_eq!(limits.late(), None);
        let begun = limits.begun();
        std::thread::sleep(Duration::from_millis(4));
        assert_eq!(begun.begun().late().as_deref(), Some("more than 0.003 s"));
        assert_eq!((begun.begun(), begun.deadline()), (begun, begun.since.map(|at| at + Duration::from_millis(3))));
    }
}
