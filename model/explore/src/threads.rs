//! The program on threads of the operating system, again and again: nothing is explored, something may be met.
//!
//! # The recipe, and why
//!
//! * *One thread of the system for each script and agent.* Threads take the kernel's own steps; between two of them,
//!   and inside of one, the machine decides. What a spinlock protects is under a mutex, and the object's lock is held
//!   to the end of the step; a word is an `AtomicU64` that is accessed with the kernel's order; who sleeps is parked.
//! * *Threads propose, the model judges.* A step has no middle that others see, and which two of them came first no
//!   clock says for certain. So each step notes when it began and ended, and an execution counts once its steps have
//!   been put into one order, no step before another one that had ended when it began, in which the model takes them to
//!   the same end (`order`). What is reported is the end of *that* execution: it has a trace that anybody can replay.
//! * *What no order of its steps explains is counted, and is no outcome*: memory was weaker than sequential consistency
//!   there (whatever the processor does to the kernel's orders), or a step was seen in the middle. What it came to is
//!   kept beside the result, for whoever asks loom about it.
//! * *A deadlock is no time-out.* Who is about to wait or to leave looks whether anybody can run still; if nobody can,
//!   that is the end of the execution, and the model says what it is.
//! * *Luck is helped along.* Each run has a temper, drawn from the seed: steps are held up by yields and spins, or one
//!   thread is behind all others. The seed fixes what is drawn, not what the machine does with it.
//!
//! * *User space is touched by real addresses*, where the program has page tables: the processor says which accesses
//!   fault, and an access hangs in a real one while its handler runs in steps (`kernel/src/pte/processor.rs`).
//!
//! The result is *sampled*, whatever was seen: it never says that anything holds.
//!
//! # What it does not take
//!
//! Interrupt handlers (no thread can be held while one runs on its CPU), `atomic` blocks, and `spin-until` (nobody
//! would notice that it spins for ever). A script without an end is cut after [`MAX_STEPS`] steps. Two plain accesses
//! race where the order that explains a run has them overlap, which here is never: each is one step.
//!
//! `cells` holds what a shared cell is made of, `runtime` what a step runs on, `floor` who waits and who may go on,
//! `pool` the threads' loops, `order` the model's judgement.

mod cells;
mod dice;
mod floor;
mod judge;
mod order;
mod pool;
mod runtime;

pub use fenceweave_pages::Histogram;

use crate::{Engine, Exploration, Limits, Progress, Task, interrupt};
use fenceweave_kernel::{Instr, ObjId, Outcome, Program, State, ThreadId, memory::bytes::Figures, program::Role};
use judge::Judge;
use pool::Pool;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Most steps of one thread in one run; an execution with more is cut, and shows nothing but its steps.
pub const MAX_STEPS: usize = 5_000;
/// How often the watcher is told.
const TICK: Duration = Duration::from_millis(100);

/// How to run it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// What tempers are drawn from.
    pub seed: u64,
    /// Most runs.
    pub runs: u64,
    /// How long.
    pub time: Option<Duration>,
    /// How many instances of the program run at once, each with threads of its own.
    pub instances: u16,
    /// The CPUs that the threads may run on; all that the process has if there are none.
    pub cpus: Vec<usize>,
    /// Page faults are raised in software, whatever the system permits.
    pub software: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, runs: u64::MAX, time: None, instances: 1, cpus: vec![], software: false }
    }
}

/// What the runs came to, besides what the model says of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Runs begun and ended.
    pub runs: u64,
    /// Runs that the order of the clock explained, without a search.
    pub at_once: u64,
    /// Runs that another order explained.
    pub searched: u64,
    /// Runs that were cut: a thread had taken too many steps.
    pub cut: u64,
    /// What runs came to that no order of their steps explains.
    pub unexplained: BTreeMap<Unexplained, Seen>,
    /// Steps taken by all threads.
    pub steps: u64,
    /// How often a thread was parked until somebody let it go on.
    pub parked: u64,
    /// How often a thread found a spinlock held.
    pub spun: u64,
    /// How long a step took, in nanoseconds.
    pub step_time: Histogram,
    /// From the moment in which a parked thread was let go on until it did, in nanoseconds.
    pub wake_time: Histogram,
    /// How long a run took, in nanoseconds.
    pub run_time: Histogram,
    /// How long it all took.
    pub elapsed: Duration,
    /// Real memory, if the program has frames or page tables.
    pub memory: Option<Memory>,
    /// Why threads run where the system wants them and not where the user does.
    pub not_pinned: Option<String>,
}

/// What was done to real memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// The program has page tables, and user space is touched through them.
    pub has_faults: bool,
    /// Why page faults are raised in software, if they are.
    pub why_software: Option<String>,
    /// Pages, accesses, faults.
    pub figures: Figures,
}

/// How often it was seen, and how far an order came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// How many runs.
    pub runs: u64,
    /// What stopped the longest order of the first of them.
    pub stopped: Option<Stopped>,
}

/// What an order does not get past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// A thread's step leads somewhere else, or cannot be taken.
    Step {
        /// Whose.
        thread: ThreadId,
        /// At which instruction it is.
        pc: u16,
        /// What it does.
        label: &'static str,
    },
    /// All steps were taken, and a word holds something else.
    Word(ObjId),
    /// All steps were taken, and somebody could go on.
    GoesOn,
}

/// What a run has shown that no order of its steps explains.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unexplained {
    /// All came to an end, or a property was broken.
    Came(Outcome),
    /// Nobody could go on.
    Stuck,
    /// The model's own checks failed in the middle of it; the text is the first one's.
    Panicked(String),
    /// There were too many orders to try them all.
    TooMany,
}

impl Summary {
    /// How many runs no order of their steps explains.
    pub fn unexplained(&self) -> u64 {
        self.unexplained.values().map(|seen| seen.runs).sum()
    }
}

/// Why a program cannot be run here.
fn refusal(program: &Program) -> Option<String> {
    if program.has_irqs || program.threads().any(|t| program.role(t) == Role::Irq) {
        return Some("interrupt handlers (no thread can be held while a handler runs on its CPU)".into());
    }
    if let Some((line, _)) = program.atomics().first() {
        return Some(format!("an `atomic` block (line {line}: the machine takes each access by itself)"));
    }
    let spins = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().spins_on_word);
    program.threads().find_map(|t| {
        let script = &program.scripts[t.index()];
        let at = script.code.iter().position(spins)?;
        let text = script.lines.get(at).map_or("", |line| &line.text);
        Some(format!("`{text}` in {} (nobody would notice that it spins for ever)", script.name))
    })
}

/// Runs a program until there were enough runs, the time is over, or somebody says so.
pub fn stress(task: &Task<'_>, options: &Options, limits: &Limits, progress: &dyn Progress) -> (Exploration, Summary) {
    if let Some(why) = refusal(task.program) {
        return (Exploration::refused(Engine::Threads, task, why), Summary::default());
    }
    let started = Instant::now();
    let judge = Arc::new(Mutex::new(Judge::new(task, limits)));
    if State::initial(task.program).violation().is_some() {
        lock(&judge).broken_before();
    } else {
        run_all(task.program, options, &judge, started, progress);
    }
    let judge = std::mem::replace(&mut *lock(&judge), Judge::new(task, limits));
    let (exploration, summary) = judge.finish(task);
    (exploration, Summary { elapsed: started.elapsed(), ..summary })
}

/// Runs all instances, until each has come to its end.
fn run_all(program: &Program, options: &Options, judge: &Arc<Mutex<Judge>>, started: Instant, progress: &dyn Progress) {
    let until = options.time.map(|time| started + time);
    let instances: Vec<_> = (0..options.instances.max(1))
        .map(|i| {
            let (program, options, judge) = (program.clone(), options.clone(), Arc::clone(judge));
            thread::spawn(move || Pool::new(&program, &options, u64::from(i)).run(&judge, options.runs, until))
        })
        .collect();
    while !instances.iter().all(thread::JoinHandle::is_finished) {
        thread::sleep(TICK.min(until.map_or(TICK, |u| u.saturating_duration_since(Instant::now()))));
        let (runs, steps) = lock(judge).progress();
        progress.tick(runs, steps);
    }
    for instance in instances {
        instance.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether it is over: somebody said so, or the time is.
fn is_over(until: Option<Instant>) -> bool {
    interrupt::requested() || until.is_some_and(|until| Instant::now() >= until)
}
