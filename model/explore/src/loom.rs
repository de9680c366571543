//! The loom engine, the one with weak memory: the scripts on loom's threads, in every execution that the C11 memory
//! model allows with the kernel's memory orders. In code `loom` is this module, and `::loom` the crate.
//!
//! # The recipe, and why
//!
//! * *One loom thread for each script*, the last one without choices on loom's main thread, because loom has five in
//!   all. Threads take the kernel's own steps, in order; loom decides what happens between two operations on its
//!   objects.
//! * *A spinlock is loom's `Mutex<()>` with the data beside it*, held from the kernel's `enter` to the end of the step.
//!   An atomic word is loom's `AtomicU64` with the kernel's order; a full barrier is a sequentially consistent fence,
//!   since loom treats sequentially consistent accesses as mere acquire and release.
//! * *Loom proposes, `memory` judges.* What loom has in its atomics are numbers of stores, not values: so it is known
//!   which store every load returned. Loom's memory is not coherent (its issues 254, 282, 389, in 0.7.3 as well), and
//!   it knows neither address dependencies nor the order that an unlock and a lock make. An execution that the kernel's
//!   memory model does not have is run to its end, since loom's reduction needs it, and counted as *impossible*;
//!   nothing that it shows is reported. Races of plain variables are found there too, so loom need not stop at them.
//! * *A step looks and uses at once.* Whether memory is there is nothing that the kernel stores, so a step asks for it
//!   beside the access that it is about. Loom has other steps between the two; where the second half then depends on a
//!   step that freed what the first half found, the step was *torn*, and that execution is impossible as well
//!   (`Hub::is_torn`).
//! * *Sleeping is receiving from the thread's own channel*, waking is one send. Loom's `park` loses tokens, its
//!   condition variables wake in order only.
//! * *Loom never sees a deadlock*: its panic would lose the exploration. Tables beside loom say who waits and which
//!   tokens are under way. Whoever is about to wait or to leave looks; if nobody can run, that is the end of the
//!   execution, good or bad. The verdict is found on the latest values, exploration off, and everybody is sent home.
//! * *No `join`, no `loom::sync::Arc`*: each would be one more object that every thread races on (measured: 277 instead
//!   of 91,805 executions of five philosophers).
//! * *A choice is a relaxed load* of a word that main stored every possibility to after spawning: loom explores what a
//!   load may return.
//! * *An outcome comes with evidence*: of which words an execution with it has read stale stores. See
//!   [`compare`](crate::compare).
//! * *A thread that breaks a property stands still, the others go on*: loom's reduction reverses only what it has seen,
//!   so cutting an execution short would lose others. See `Execution::violated`.
//! * *Loom forgets all but the last load of a word*, and so misses executions; decoys make it see them. Which words
//!   need them is learnt on the way, and the search begins anew each time: counts include what was run before.
//!
//! * *In coarse grain the operations of a family are one after the other*: a gate is held from the step with which one
//!   begins to the one after which it may be left alone. So they are in one order that everybody sees, which is more
//!   than the kernel's memory promises; weak memory around them is looked at in fine grain.
//!
//! # What bounds it
//!
//! Threads that never end or spin on a word are refused before anything runs: an execution must come to an end by
//! itself.
//!
//! Loom remembers seven stores of a word; an execution in which a load may have missed one makes the result incomplete.
//! So does a word with more stores than `coherence` can tell apart, and whatever makes loom panic. The limit on
//! executions and the preemption bound are counted here.
//!
//! Complete is *complete without load buffering and late stores* ([`Engine::misses`]): loom runs the accesses of a
//! thread in their order, and a store takes its place in its word's order no later than others that are ordered behind
//! it by what anybody has seen. In four places more it is stronger than the kernel's memory, so what it shows is real
//! and something may be missing:
//!
//! * a compare-and-exchange that fails reads the youngest store, though the kernel's may read an older one;
//! * a `spin-trylock` that fails has met whoever took the lock, by the mutex that stands for it: the kernel's orders
//!   nothing;
//! * `rcu_dereference()` in the kernel's own code (`Order::Consume`) acquires, where the kernel has an address
//!   dependency only;
//! * the operands of one operation are ordered behind all loads that they came from, also those that are looked at
//!   late.
//!
//! `cells` holds what a word is made of, `data` what a lock protects, `hub` what all of them have in common, `memory`
//! who knows of which store, `coherence` whether a word's stores have an order, `runtime` what a step runs on,
//! `execution` the threads' loops, `replay` an execution taken again from its trace.

mod address;
mod cells;
mod coherence;
mod data;
mod deepen;
mod execution;
mod findings;
mod hub;
mod memory;
mod replay;
mod runtime;
mod system;

pub use deepen::deepen;
pub use replay::{Replayed, replay};

use crate::{
    Counts, Coverage, Engine, Exploration, Limits, Progress, StaleWords, Task, Trace, Watched, interrupt,
    panics::{self, Stopped},
};
use execution::Execution;
use fenceweave_kernel::{Condition, Instr, Program, Script, State, ThreadId, program::Role};
use findings::{Findings, Shown};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    rc::Rc,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};
use system::System;

/// Most ways of one choice: as many stores as loom remembers.
const MAX_WAYS: u8 = 7;
/// Choices of one thread that loom is prepared for if the script has loops.
const MAX_PICKS: usize = 8;
/// Longest path of loom's search, in its own branches. An execution is cut at a number of steps long before.
const MAX_BRANCHES: usize = 200_000;
/// How often the watcher is told.
const TICK: Duration = Duration::from_millis(100);

/// An exploration: what every execution needs, and what all of them found.
struct Job {
    program: Program,
    conditions: Vec<Condition>,
    limits: Limits,
    /// For each thread and each of its choices, the numbers of ways that it may have.
    sites: Vec<Vec<Vec<u8>>>,
    /// The script that runs on loom's main thread.
    on_main: Option<ThreadId>,
    /// Executions begun.
    begun: AtomicU64,
    findings: Mutex<Findings>,
}

thread_local! {
    /// What the executions of this worker thread begin with. Loom's closure must be `Send`, so it cannot own it.
    static SYSTEM: RefCell<Option<Rc<System>>> = const { RefCell::new(None) };
}

/// Explores every execution of a program under weak memory, up to the limits.
pub fn explore(task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    explore_since(limits.since(), task, limits, progress)
}

/// The same, where the time has begun to run before.
fn explore_since(since: Instant, task: &Task<'_>, limits: &Limits, progress: &dyn Progress) -> Exploration {
    let job = match Job::new(task, &Limits { since: Some(since), ..*limits }) {
        Ok(job) => Arc::new(job),
        Err(why) => return Exploration::refused(Engine::Loom, task, why),
    };
    if let Some(v) = State::initial(task.program).violation() {
        let shown = Shown { trace: Trace::default(), stale: StaleWords::new() };
        job.findings().violated(task.program, v, &shown);
        return job.exploration(Ok(()));
    }
    let ended = run_watched(&job, progress);
    job.exploration(ended)
}

/// Runs loom on a thread of its own (what a panic leaves behind goes with it) and tells the watcher meanwhile.
fn run_watched(job: &Arc<Job>, progress: &dyn Progress) -> Result<(), Stopped> {
    let (done, ended) = channel::<()>();
    let worker = Arc::clone(job);
    let worker = thread::spawn(move || {
        let _done = done;
        worker.run()
    });
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        progress.tick(job.begun.load(Ordering::Relaxed), 0);
    }
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Job {
    /// The exploration of a task, or why loom cannot take it.
    fn new(task: &Task<'_>, limits: &Limits) -> Result<Job, String> {
        let program = task.program;
        if program.has_irqs {
            let handlers = named(program, |t| program.role(t) == Role::Irq);
            let why = "loom cannot hold a thread while a handler runs on its CPU";
            return Err(format!("interrupt handlers{handlers} ({why})"));
        }
        if let Some((line, _)) = program.atomics().first() {
            return Err(format!("an `atomic` block (line {line}: loom takes each access by itself)"));
        }
        if let Some(why) = runs_for_ever(program) {
            return Err(why);
        }
        let sites: Vec<Vec<Vec<u8>>> =
            program.scripts.iter().map(|s| choice_sites(program, s, task.has_loops)).collect();
        let ways = sites.iter().flatten().flatten().max().copied().unwrap_or(0);
        let makes = |t: ThreadId, at_least: u8| sites[t.index()].iter().flatten().any(|ways| *ways >= at_least);
        if ways > MAX_WAYS {
            let who = named(program, |t| makes(t, MAX_WAYS + 1));
            return Err(format!("a choice among {ways} possibilities{who} (loom takes {MAX_WAYS})"));
        }
        // The possibilities of every choice are stores that main makes. Whoever met something that main did later would
        // see the last of them only, so main runs no script where anybody chooses.
        let chooses = sites.iter().any(|s| !s.is_empty());
        let on_main = if chooses { None } else { program.threads().last() };
        let needed = program.scripts.len() + usize::from(on_main.is_none());
        if needed > ::loom::MAX_THREADS {
            let (n, all) = (program.scripts.len(), named(program, |_| true));
            let choosers = named(program, |t| makes(t, 2));
            let main = match chooses {
                true => format!("; where somebody chooses{choosers}, one less"),
                false => String::new(),
            };
            return Err(format!("{n} threads and agents{all} (loom takes {}{main})", ::loom::MAX_THREADS));
        }
        Ok(Job {
            program: program.clone(),
            conditions: task.conditions.to_vec(),
            limits: *limits,
            sites,
            on_main,
            begun: AtomicU64::new(0),
            findings: Mutex::new(Findings::new(task.conditions.len())),
        })
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs every execution.
    fn run(self: Arc<Self>) -> Result<(), Stopped> {
        let mut builder = ::loom::model::Builder::new();
        // Every option, so that no environment variable changes what a run covers.
        builder.max_threads = ::loom::MAX_THREADS;
        builder.max_branches = MAX_BRANCHES;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.preemption_bound = self.limits.preemptions.map(|n| n.min(u32::from(u8::MAX)) as usize);
        builder.checkpoint_file = None;
        builder.checkpoint_interval = usize::MAX;
        builder.expect_explicit_explore = true;
        builder.location = false;
        builder.log = false;
        let system = Rc::new(System::new(&self.program));
        SYSTEM.set(Some(Rc::clone(&system)));
        loop {
            let job = Arc::clone(&self);
            let ended = panics::catch(|| builder.check(move || job.execute()));
            if let Err(Stopped::ByLoom(_)) = &ended {
                Execution::abandon();
            }
            let by_loom = matches!(ended, Err(Stopped::ByLoom(_)));
            if by_loom || !system.hub.must_begin_anew() || self.findings().incomplete.is_some() {
                return ended;
            }
            system.hub.begin_anew();
        }
    }

    /// One execution, on loom's main thread. Exploration is off at first.
    fn execute(self: &Arc<Self>) {
        let system = SYSTEM.with_borrow(Clone::clone);
        let system = system.expect("[internal bug] a worker thread has a system");
        self.check_limits();
        if system.hub.must_begin_anew() {
            panics::stop();
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        let execution = Execution::prepare(self, system);
        for t in self.program.threads().filter(|t| Some(*t) != self.on_main) {
            let execution = Rc::clone(&execution);
            // Nobody joins it.
            drop(::loom::thread::spawn(move || execution.run(t)));
        }
        execution.offer_choices();
        ::loom::explore();
        match self.on_main {
            Some(t) => execution.run(t),
            // Without any thread nobody else would notice that it is over.
            None => execution.end_if_empty(),
        }
    }

    /// Stops the exploration at a limit: there is one more execution, and it may not run.
    fn check_limits(&self) {
        if self.findings().endless {
            panics::stop();
        }
        let begun = self.begun.load(Ordering::Relaxed);
        let memory = self.findings().out_of_memory(self.limits.memory_bytes);
        let stopped = interrupt::requested().then(|| interrupt::INTERRUPTED.to_owned());
        let why = match stopped.or(memory).or(self.limits.late()) {
            Some(why) => format!("{why}; {begun} executions were run"),
            None if begun >= self.limits.executions => format!("more than {begun} executions"),
            None if self.findings().steps >= self.limits.steps => {
                format!("more than {} steps; {begun} executions were run", self.limits.steps)
            }
            None => return,
        };
        self.findings().cut(why);
        panics::stop()
    }

    /// What was found, once all has ended.
    fn exploration(&self, ended: Result<(), Stopped>) -> Exploration {
        let mut findings = self.findings();
        if let Err(Stopped::ByLoom(message)) = ended {
            findings.cut(format!("loom gave up: {}", message.lines().next().unwrap_or("no reason given")));
        }
        let coverage = match (findings.incomplete.take(), self.limits.preemptions) {
            (Some(why), _) => Coverage::Incomplete(why),
            (None, Some(n)) => Coverage::Preemptions(n),
            (None, None) => Coverage::Complete,
        };
        let counts = Counts {
            executions: self.begun.load(Ordering::Relaxed),
            transitions: findings.steps,
            impossible: findings.impossible,
            ..Counts::default()
        };
        let watched: Vec<Watched> = findings.take_watched(&self.conditions);
        Exploration {
            engine: Engine::Loom,
            coverage,
            found: findings.take_found(),
            watched,
            counts,
            outcomes: findings.outcomes.keys().cloned().collect(),
            evidence: std::mem::take(&mut findings.outcomes),
            cover: None,
            contracts: None,
            unsignaled: BTreeSet::new(),
        }
    }
}

/// The threads and agents that `which` picks, by their names behind a colon.
fn named(program: &Program, which: impl Fn(ThreadId) -> bool) -> String {
    let picked = program.threads().filter(|t| which(*t));
    let names: Vec<&str> = picked.map(|t| program.thread_name(t)).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

/// What loom has no way to run to its end: a thread without an end, and one that spins without a step.
fn runs_for_ever(program: &Program) -> Option<String> {
    let spins = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().spins_on_word);
    let mut written = program.scripted().map(|t| &program.scripts[t.index()]);
    written.find_map(|s| {
        let name = &s.name;
        if let Some(at) = s.code.iter().position(spins) {
            let text = s.lines.get(at).map_or("", |line| &line.text);
            return Some(format!("`{text}` in {name} (loom would let it spin for ever)"));
        }
        (!s.can_end()).then(|| format!("{name} never ends (loom runs every execution to its end)"))
    })
}

/// For each choice that a script may make, the numbers of ways that it may have; empty if it makes none.
fn choice_sites(program: &Program, script: &Script, has_loops: bool) -> Vec<Vec<u8>> {
    let mut ways = BTreeSet::new();
    let mut count = 0;
    for instr in &script.code {
        match instr {
            Instr::Choose { of, .. } if of.len > 1 => {
                ways.insert(of.len);
                count += 1;
            }
            Instr::MayFail { .. } => {
                ways.insert(2);
                count += 1;
            }
            Instr::Op { op, may_fail, .. } => {
                if may_fail.is_some() {
                    ways.insert(2);
                    count += 1;
                }
                if let Some(choice) = op.choice(program) {
                    ways.extend(2..=choice.ways);
                    count += usize::from(choice.times);
                }
            }
            _ => {}
        }
    }
    // What is called through a pointer may be called any number of times.
    let again = has_loops || !script.callees.is_empty();
    let picks = if again && count > 0 { MAX_PICKS.max(count) } else { count };
    vec![ways.into_iter().collect(); picks]
}
