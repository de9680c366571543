//! The threads of one instance of the program: made once, and sent through run after run.

use super::{Histogram, MAX_STEPS, Options};
use super::{
    cells::{Slots, made},
    dice::{Dice, Temper},
    floor::{Floor, Woken},
    is_over,
    judge::Judge,
    lock,
    order::Mark,
    runtime::Real,
};
use crate::alone::Alone;
use fenceweave_kernel::{
    AtomicCell, Bits, ObjId, Outcome, Patience, Program, Property, Thread, ThreadId, Violation, World,
    memory::bytes::{self, Bytes, Figures},
    program,
    pte::processor,
    task::Task,
    thread::Run,
};
use std::{
    any::Any,
    hint,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often who waits for the end of a run looks at the clock.
const LOOK: Duration = Duration::from_millis(20);
/// How long threads that were sent home may take for it. A step takes no time that a person could tell.
const WAY_HOME: Duration = Duration::from_secs(30);
/// Longest wait with a timeout, in nanoseconds: it may strike at any moment.
const LONGEST_TIMEOUT: u64 = 100_000;

/// A step that was taken. Times are nanoseconds since the pool was made.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub(super) begin: u64,
    pub(super) end: u64,
    /// How its choice fell.
    pub(super) choice: u8,
    /// Where it led.
    pub(super) mark: Mark,
    /// What it broke.
    pub(super) broke: Option<Violation>,
}

/// What one thread did in a run.
#[derive(Default)]
pub(super) struct Log {
    pub(super) steps: Vec<Taken>,
    /// As it was in the end.
    pub(super) thread: Thread,
    pub(super) parked: u64,
    pub(super) spun: u64,
    pub(super) wake_time: Histogram,
    /// It has taken too many steps.
    pub(super) cut: bool,
    /// A check of the model's own failed.
    pub(super) panicked: Option<String>,
}

/// A run that is over.
pub(super) struct Ended<'a> {
    pub(super) logs: &'a [Log],
    /// Nobody could go on; else a property was broken, or it was cut.
    pub(super) at_rest: bool,
    pub(super) world: &'a World<Real>,
    pub(super) nanos: u64,
    /// What was done to real memory, if there is any.
    pub(super) memory: Option<Figures>,
    /// A frame that holds other bytes than its tag says, in the end.
    pub(super) differs: Option<Violation>,
}

impl Ended<'_> {
    /// What it came to, as the threads have left it.
    pub(super) fn outcome(&self, program: &Program) -> Option<Outcome> {
        if let Some(v) = self.broke() {
            return Some(Outcome::Violated(v));
        }
        let over = |t: ThreadId| {
            let thread = &self.logs[t.index()].thread;
            thread.run() == Run::Done || program.is_agent(t) && thread.is_idle()
        };
        let finished =
            || Outcome::finished(program, self.world, |t| &self.logs[t.index()].thread, program::Alone::default());
        program.threads().all(over).then(finished)
    }

    /// Real memory that is not what the model says it is, whatever else was broken.
    pub(super) fn differs(&self) -> Option<Violation> {
        let told = self.broke().filter(|v| v.property == Property::BYTES_DIFFER);
        told.or(self.differs)
    }

    /// What the words hold.
    pub(super) fn words(&self, program: &Program) -> impl Iterator<Item = u64> {
        (0..program.vars.len()).map(|v| self.world.var_value(ObjId::var(v)).to_bits())
    }

    /// What was broken.
    pub(super) fn broke(&self) -> Option<Violation> {
        let last = self.logs.iter().filter_map(|log| log.steps.last()).filter(|s| s.broke.is_some());
        last.min_by_key(|s| s.end).and_then(|s| s.broke)
    }
}

/// What the next run is.
#[derive(Clone, Copy)]
struct Next {
    run: u64,
    temper: Temper,
    quit: bool,
}

/// What the threads of a pool share.
struct Stage {
    program: Program,
    floor: Arc<Floor>,
    /// The memory of its frames, if it has any.
    bytes: Option<Arc<Bytes>>,
    /// The threads before their first step.
    first: Vec<Thread>,
    seed: u64,
    made: Instant,
    next: Mutex<Next>,
    logs: Vec<Mutex<Log>>,
    start: Barrier,
    /// How many are at the line.
    lined_up: AtomicUsize,
    home: (Mutex<usize>, Condvar),
}

/// The threads of one instance.
pub(super) struct Pool {
    stage: Arc<Stage>,
    slots: Slots,
    world: World<Real>,
    threads: Vec<thread::JoinHandle<()>>,
    /// Why threads are not where the user wants them.
    not_pinned: Option<String>,
}

impl Pool {
    /// The threads, at the start.
    pub(super) fn new(program: &Program, options: &Options, instance: u64) -> Pool {
        let (mut world, slots) = made(|| World::<Real>::new(program));
        let first = Alone { program, quiet: &slots, world: &mut world, warned: 0 }.set_up();
        slots.iter().for_each(|s| s.begin_here());
        let bytes = Bytes::with_processor(program, options.software);
        world.set_bytes(bytes.clone());
        let n = program.scripts.len();
        let stage = Arc::new(Stage {
            program: program.clone(),
            bytes: bytes.clone(),
            floor: Arc::new(Floor::new(program.objects.len(), n)),
            first,
            seed: Dice::new(options.seed, instance, 0).next(),
            made: Instant::now(),
            next: Mutex::new(Next { run: 0, temper: Temper::Straight, quit: false }),
            logs: (0..n).map(|_| Mutex::default()).collect(),
            start: Barrier::new(n + 1),
            lined_up: AtomicUsize::new(0),
            home: (Mutex::new(0), Condvar::new()),
        });
        let not_pinned = pinned(&options.cpus).err();
        let spawn = |t: ThreadId| {
            let (stage, world, cpus) = (Arc::clone(&stage), world.clone(), options.cpus.clone());
            thread::spawn(move || {
                // The pool has said so if it cannot be.
                let _ = pinned(&cpus);
                stage.live(t, world);
            })
        };
        let threads = program.threads().map(spawn).collect();
        Pool { stage, slots, world, threads, not_pinned }
    }

    /// Runs the program until there were enough runs or the time is over.
    pub(super) fn run(self, judge: &Mutex<Judge>, runs: u64, until: Option<Instant>) {
        let stage = &self.stage;
        let mut logs: Vec<Log> = stage.logs.iter().map(|_| Log::default()).collect();
        if let Some(why) = &self.not_pinned {
            lock(judge).not_pinned(why);
        }
        if let Some(bytes) = stage.bytes.as_ref().filter(|bytes| bytes.has_processor()) {
            lock(judge).has_processor(bytes.why_software());
        }
        while !is_over(until) {
            let Some(run) = lock(judge).next_run(runs) else { break };
            self.slots.iter().for_each(|s| s.restart());
            processor::begin(&self.world, &stage.program);
            stage.floor.restart();
            stage.lined_up.store(0, Ordering::Relaxed);
            *lock(&stage.home.0) = 0;
            let temper = Temper::draw(stage.seed, run, self.threads.len());
            *lock(&stage.next) = Next { run, temper, quit: false };
            let begun = Instant::now();
            stage.start.wait();
            if !stage.all_home(self.threads.len(), until) {
                // The threads are lost, and so is what they hold.
                return lock(judge).hangs();
            }
            for (log, of) in logs.iter_mut().zip(&stage.logs) {
                std::mem::swap(log, &mut lock(of));
            }
            let at_rest = stage.floor.is_at_rest();
            let nanos = nanos(begun.elapsed());
            let memory = stage.bytes.as_ref().map(|bytes| bytes.take_figures());
            let differs = if at_rest { bytes::differ(&self.world, &stage.program) } else { None };
            lock(judge).judge(&Ended { logs: &logs, at_rest, world: &self.world, nanos, memory, differs });
        }
        lock(&stage.next).quit = true;
        stage.start.wait();
        for thread in self.threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    }
}

impl Stage {
    /// Waits for the end of a run; false if somebody does not come back.
    fn all_home(&self, threads: usize, until: Option<Instant>) -> bool {
        let mut sent = None;
        let mut home = lock(&self.home.0);
        while *home < threads {
            home = self.home.1.wait_timeout(home, LOOK).unwrap_or_else(|e| e.into_inner()).0;
            if *home < threads && is_over(until) {
                self.floor.end();
                let sent = sent.get_or_insert_with(Instant::now);
                if sent.elapsed() > WAY_HOME {
                    return false;
                }
            }
        }
        true
    }

    /// The life of one thread.
    fn live(&self, me: ThreadId, mut world: World<Real>) {
        loop {
            self.start.wait();
            let next = *lock(&self.next);
            if next.quit {
                return;
            }
            let mut log = lock(&self.logs[me.index()]);
            log.begin();
            self.line_up();
            let dice = Dice::new(self.seed, next.run, u64::from(me.0));
            let mut rt = Real::seated(&self.floor, dice.clone());
            let one = AssertUnwindSafe(|| self.go(me, &mut world, &mut rt, &mut log, (next.temper, dice)));
            if let Err(payload) = catch_unwind(one) {
                log.panicked = Some(text_of(payload.as_ref()));
                rt.end_step();
                self.floor.end();
            }
            drop(log);
            *lock(&self.home.0) += 1;
            self.home.1.notify_one();
        }
    }

    /// Nobody begins before all are there.
    fn line_up(&self) {
        self.lined_up.fetch_add(1, Ordering::AcqRel);
        let mut turns = 0u32;
        while self.lined_up.load(Ordering::Acquire) < self.first.len() {
            turns += 1;
            if turns.is_multiple_of(50) { thread::yield_now() } else { hint::spin_loop() }
        }
    }

    /// One thread through one run.
    fn go(
        &self,
        me: ThreadId,
        world: &mut World<Real>,
        rt: &mut Real,
        log: &mut Log,
        (temper, mut dice): (Temper, Dice),
    ) {
        let script = &self.program.scripts[me.index()];
        let mut thread = self.first[me.index()].clone();
        let floor = &self.floor;
        while !floor.is_over() {
            let goes_on = match thread.run() {
                Run::Done => {
                    floor.leave(me);
                    false
                }
                Run::Asleep(_, patience) => self.sleep(world, me, patience, (log, &mut dice)),
                Run::Ready => true,
            };
            if !goes_on || log.steps.len() >= MAX_STEPS {
                log.cut = goes_on;
                break;
            }
            temper.hold(&mut dice, me.0.into());
            let before = thread.clone();
            if let Some(bytes) = &self.bytes {
                bytes.is_at(me, thread.depth());
            }
            let begin = nanos(self.made.elapsed());
            let stepped = thread.step(script, &self.program, world, me, rt);
            let choice = rt.end_step();
            let end = nanos(self.made.elapsed());
            if stepped.spins.is_some() {
                // Nothing was done but to ask to be let go on when the lock is released.
                thread = before;
                log.spun += 1;
                if !wait(floor, me, None, log) {
                    break;
                }
                continue;
            }
            log.steps.push(Taken { begin, end, choice, mark: Mark::of(&thread), broke: stepped.violation });
            if stepped.violation.is_some() {
                floor.end();
                break;
            }
        }
        if log.cut {
            floor.end();
        }
        log.thread = thread;
    }

    /// `schedule()`: returns when the task may run; false if the run is over.
    ///
    /// The task's state decides, not that it was let go on: that may be of a sleep that did not come about, or by a
    /// signal that this sleep does not heed.
    fn sleep(&self, world: &World<Real>, me: ThreadId, patience: Patience, (log, dice): (&mut Log, &mut Dice)) -> bool {
        let task = world.task(me);
        loop {
            let up = !Task::<Real>::is_asleep(task.state.peek());
            if up || patience.interruptible() && task.pending.peek() != 0 {
                return true;
            }
            let most = patience.timed().then(|| Duration::from_nanos(dice.below(LONGEST_TIMEOUT)));
            match wait(&self.floor, me, most, log) {
                false => return false,
                // Whether somebody woke it or the time was over, its next step finds out.
                true if patience.timed() => return true,
                true => {}
            }
        }
    }
}

impl Log {
    fn begin(&mut self) {
        self.steps.clear();
        (self.parked, self.spun, self.cut, self.panicked) = (0, 0, false, None);
        self.wake_time = Histogram::default();
    }
}

fn wait(floor: &Floor, me: ThreadId, most: Option<Duration>, log: &mut Log) -> bool {
    log.parked += 1;
    match floor.wait(me, most) {
        Woken::Over => false,
        Woken::Told(Some(ago)) => {
            log.wake_time.add(nanos(ago));
            true
        }
        Woken::Told(None) | Woken::Late => true,
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a step failed").to_owned()
}

/// Keeps the calling thread, and those that it makes, on these CPUs.
#[cfg(target_os = "linux")]
fn pinned(cpus: &[usize]) -> Result<(), String> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for cpu in cpus {
        if *cpu >= CpuSet::MAX_CPU {
            return Err(format!("there is no CPU {cpu}"));
        }
        set.set(*cpu);
    }
    sched_setaffinity(None, &set).map_err(|e| format!("threads cannot be kept on these CPUs: {e}"))
}

/// Elsewhere there is no way to.
#[cfg(not(target_os = "linux"))]
fn pinned(cpus: &[usize]) -> Result<(), String> {
    if cpus.is_empty() { Ok(()) } else { Err("threads can be kept on CPUs on Linux only".into()) }
}
