//! One execution: the threads' loops, sleeping, and how it ends.

use super::{
    Job,
    findings::{Findings, Moments, Shown, is_watched},
    hub::Hub,
    runtime::{self, Gates, Loom},
    system::System,
};
use crate::alone::Alone;
use ::loom::sync::{
    Mutex,
    atomic::{AtomicU8, Ordering},
    mpsc::{Receiver, Sender, channel},
};
use fenceweave_kernel::{
    Action, Moment, Outcome, Patience, Standing, Thread, ThreadId, Violation, World, program, references, task::Task,
    thread::Run,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, MutexGuard, PoisonError},
};

/// Longest execution, in steps; a longer one is a loop that does not come to an end.
const MAX_STEPS: usize = 5_000;

/// What a thread is doing, as far as the end of the execution is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Taking steps.
    Running,
    /// Holding still until it gets a token.
    Waiting,
    /// Nothing any more.
    Gone,
}

/// A thread's entry in the engine's own tables. Loom knows nothing of them.
struct Place {
    thread: RefCell<Thread>,
    doing: Cell<Doing>,
    /// Tokens sent or about to be sent, and not yet received.
    tokens: Cell<u32>,
    /// The step with which it broke a property.
    broke: Cell<Option<u32>>,
    sender: Sender<()>,
    receiver: Receiver<()>,
    /// For each of its choices, a word for each number of ways.
    sites: Vec<Vec<(u8, AtomicU8)>>,
}

thread_local! {
    /// The execution that loom is at, for what is left to say after a panic.
    static CURRENT: RefCell<Option<Rc<Execution>>> = const { RefCell::new(None) };
}

/// One execution, shared by its threads.
pub(super) struct Execution {
    job: Arc<Job>,
    system: Rc<System>,
    gates: Gates,
    places: Vec<Place>,
    trace: RefCell<Vec<Action>>,
    /// Nothing counts any more: leave.
    over: Cell<bool>,
    /// Two accesses to a plain variable were not ordered.
    raced: Cell<bool>,
}

impl Execution {
    /// The execution before its first step, setup done.
    pub(super) fn prepare(job: &Arc<Job>, system: Rc<System>) -> Rc<Execution> {
        // The one behind those of the objects is coarse grain's.
        let gates = runtime::gates(job.program.objects.len() + 1);
        system.hub.go_live(job.program.objects.len());
        let places = system.threads.iter().zip(&job.sites).map(|(thread, sites)| {
            let (sender, receiver) = channel();
            let site = |ways: &Vec<u8>| ways.iter().map(|n| (*n, AtomicU8::new(0))).collect();
            Place {
                thread: RefCell::new(thread.clone()),
                doing: Cell::new(Doing::Running),
                tokens: Cell::new(0),
                broke: Cell::new(None),
                sender,
                receiver,
                sites: sites.iter().map(site).collect(),
            }
        });
        let places = places.collect();
        let (trace, over, raced) = Default::default();
        let execution = Execution { job: Arc::clone(job), system, gates, places, trace, over, raced };
        execution.watch(&mut execution.findings());
        let first = |t: ThreadId| execution.system.threads[t.index()].warned();
        let setup = program::Alone { setup: execution.system.warned, ..Default::default() };
        for v in job.program.warnings(first, setup) {
            execution.findings().violated(&job.program, v, &execution.shown());
        }
        let execution = Rc::new(execution);
        CURRENT.set(Some(Rc::clone(&execution)));
        execution
    }

    /// The possibilities of every choice, as stores that no thread is ordered with. Call it after spawning.
    pub(super) fn offer_choices(&self) {
        for (ways, word) in self.places.iter().flat_map(|p| p.sites.iter().flatten()) {
            (1..*ways).for_each(|v| word.store(v, Ordering::Relaxed));
        }
    }

    /// The cells' hub.
    pub(super) fn hub(&self) -> Rc<Hub> {
        Rc::clone(&self.system.hub)
    }

    /// The spinlock of an object.
    pub(super) fn gate(&self, object: usize) -> &'static Mutex<()> {
        &self.gates[object]
    }

    /// A thread's `k`-th choice among `ways`.
    pub(super) fn pick(&self, me: ThreadId, k: usize, ways: u8) -> u8 {
        let site = self.place(me).sites.get(k).and_then(|s| s.iter().find(|(n, _)| *n == ways));
        match site {
            Some((_, word)) => word.load(Ordering::Relaxed),
            None => {
                self.findings().cut("a script made more choices than loom was prepared for");
                0
            }
        }
    }

    /// Lets a thread go on, if it waits.
    pub(super) fn send_token(&self, t: ThreadId) {
        let place = self.place(t);
        place.tokens.set(place.tokens.get() + 1);
        // The receiver lives as long as the sender, in the same place.
        let _ = place.sender.send(());
    }

    fn place(&self, t: ThreadId) -> &Place {
        &self.places[t.index()]
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.job.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one thread.
    pub(super) fn run(self: Rc<Self>, me: ThreadId) {
        let mut world = self.system.worlds[me.index()].borrow_mut();
        let mut rt = Loom::seated(&self, me);
        let script = &self.job.program.scripts[me.index()];
        let mut thread = self.place(me).thread.borrow().clone();
        let mut undivided = None;
        while !self.over.get() {
            match thread.run() {
                Run::Done => return self.leave(me),
                Run::Asleep(_, patience) if !self.sleep(&world, me, patience) => return,
                Run::Asleep(..) | Run::Ready => {}
            }
            if undivided.is_none() {
                undivided = self.undivided(&thread, &world);
            }
            let before = thread.clone();
            let step = self.system.hub.begin_step(me.index());
            rt.begin_step(&thread, script);
            let stepped = thread.step(script, &self.job.program, &mut world, me, &mut rt);
            let choice = rt.end_step(&world, stepped.spins.is_some());
            if stepped.spins.is_some() || stepped.violation.is_some() || !self.goes_on(&thread, &world) {
                undivided = None;
            }
            if stepped.spins.is_some() {
                // Nothing was done but to ask for a token when the lock is released.
                thread = before;
                if !self.wait(me) {
                    return;
                }
                continue;
            }
            self.place(me).thread.replace(thread.clone());
            let race = self.system.hub.take_race().filter(|_| self.counts());
            self.raced.set(self.raced.get() || race.is_some());
            self.stepped(Action { thread: me, choice });
            if let Some(race) = race {
                self.raced(me, race.violation(&self.job.program, before.pc()));
            }
            self.warned(me, &before, &thread);
            if let Some(v) = stepped.violation {
                self.violated(me, step, v);
                return self.leave(me);
            }
        }
    }

    /// The gate of coarse grain, if the next step is of a family that is: its operations are one after the other.
    fn undivided(&self, thread: &Thread, world: &World<Loom>) -> Option<::loom::sync::MutexGuard<'static, ()>> {
        let (machine, grain) = (thread.machine(), self.job.program.grain);
        let coarse = [machine.family(), machine.amid(self.standing(world))]
            .into_iter()
            .flatten()
            .any(|family| grain.is_coarse(family));
        let gate = self.gate(self.job.program.objects.len());
        coarse.then(|| gate.lock().unwrap_or_else(|_| panic!("[internal bug] loom's mutexes are never poisoned")))
    }

    fn standing<'a>(&'a self, world: &'a World<Loom>) -> Standing<'a, Loom> {
        Standing { program: &self.job.program, world }
    }

    /// Whether its next step belongs to the one that it has just taken.
    fn goes_on(&self, thread: &Thread, world: &World<Loom>) -> bool {
        let amid =
            thread.machine().amid(self.standing(world)).is_some_and(|family| self.job.program.grain.is_coarse(family));
        amid && thread.run() == Run::Ready
    }

    /// `schedule()`: returns when the task may run; false if the execution is over.
    ///
    /// The task's state decides, not the token: there may be one of a sleep that did not come about, or of a signal
    /// that this sleep does not heed.
    fn sleep(&self, world: &World<Loom>, me: ThreadId, patience: Patience) -> bool {
        let task = world.task(me);
        loop {
            let up = patience.timed() || !Task::<Loom>::is_asleep(task.state.newest());
            if up || patience.interruptible() && task.pending.newest() != 0 {
                return true;
            }
            if !self.wait(me) {
                return false;
            }
        }
    }

    /// Holds still until there is a token; false if the execution is over.
    fn wait(&self, me: ThreadId) -> bool {
        // Cut short while this thread was in the middle of a step: nobody will send anything any more.
        if self.over.get() {
            return false;
        }
        let place = self.place(me);
        place.doing.set(Doing::Waiting);
        if self.end_if_nobody_can_run() {
            return false;
        }
        // It fails when all senders are gone; there is one beside the receiver.
        let _ = place.receiver.recv();
        place.tokens.set(place.tokens.get() - 1);
        self.system.hub.memory().received(me.index());
        place.doing.set(Doing::Running);
        !self.over.get()
    }

    fn leave(&self, me: ThreadId) {
        self.place(me).doing.set(Doing::Gone);
        self.end_if_nobody_can_run();
    }

    fn stepped(&self, action: Action) {
        if self.over.get() {
            return;
        }
        self.system.hub.memory().end_step(action.thread.index());
        self.trace.borrow_mut().push(action);
        let steps = self.trace.borrow().len();
        let mut findings = self.findings();
        findings.steps += 1;
        self.watch(&mut findings);
        if steps > MAX_STEPS {
            findings.cut(format!("an execution of more than {MAX_STEPS} steps: a loop that loom does not get out of"));
            findings.endless = true;
            drop(findings);
            self.end();
        }
    }

    /// A property was broken. The thread stands still from here on; the others go on, because an ordering that loom is
    /// to reverse must be seen first. What they break counts only if it does not depend on the step that broke
    /// something before: then there is an execution without that step.
    fn violated(&self, me: ThreadId, step: u32, v: Violation) {
        self.place(me).broke.set(Some(step));
        if self.depends_on_nothing_broken(me) && !self.over.get() && self.counts() {
            self.findings().violated(&self.job.program, v, &self.shown());
        }
    }

    /// The step that a thread is in breaks a property. Who sees the rest of it sees what would not have come.
    pub(super) fn breaks(&self, me: ThreadId) {
        self.place(me).broke.set(Some(self.system.hub.depends_on(me.index(), me.index())));
    }

    /// Two accesses raced. Both threads go on, as they do on a machine: memory without the race detector has the same
    /// executions, and does not end them here.
    fn raced(&self, me: ThreadId, v: Violation) {
        if self.depends_on_nothing_broken(me) && !self.over.get() {
            self.findings().violated(&self.job.program, v, &self.shown());
        }
    }

    /// What a thread's step has warned of. It goes on.
    fn warned(&self, me: ThreadId, before: &Thread, now: &Thread) {
        let new = now.warned() & !before.warned();
        if new == 0 || !self.depends_on_nothing_broken(me) || self.over.get() || !self.counts() {
            return;
        }
        let of = |t: ThreadId| if t == me { new } else { 0 };
        for v in self.job.program.warnings(of, Default::default()) {
            self.findings().violated(&self.job.program, v, &self.shown());
        }
    }

    fn depends_on_nothing_broken(&self, me: ThreadId) -> bool {
        let depends = |(other, place): (usize, &Place)| {
            let broke = place.broke.get();
            other != me.index() && broke.is_some_and(|step| self.system.hub.depends_on(me.index(), other) >= step)
        };
        !self.places.iter().enumerate().any(depends)
    }

    /// Whether what this execution shows now counts: some memory has it, and it does not only come of a race. After
    /// that nobody says what a load may return; what sequentially consistent memory does is still among it.
    fn counts(&self) -> bool {
        self.is_possible() && (!self.raced.get() || self.system.hub.memory().stale().is_empty())
    }

    /// Whether a memory has what has happened so far (loom's is not coherent), with no step torn.
    fn is_possible(&self) -> bool {
        let memory = self.system.hub.memory();
        memory.is_possible() && !memory.is_full() && !self.system.hub.is_torn()
    }

    /// What this execution shows, as of now.
    fn shown(&self) -> Shown {
        let (memory, trace) = (self.system.hub.memory(), self.trace.borrow());
        Shown { trace: self.system.trace(&trace, &memory), stale: self.system.stale(&memory) }
    }

    fn threads(&self) -> Vec<Thread> {
        self.places.iter().map(|p| p.thread.borrow().clone()).collect()
    }

    fn watch(&self, findings: &mut Findings) {
        if self.job.conditions.iter().any(is_watched) {
            let threads = self.threads();
            let (program, world) = (&self.job.program, &self.system.world().borrow());
            let now = Moments { program, world, threads: &threads, way: &|| self.counts().then(|| self.shown().trace) };
            findings.judge(&self.job.conditions, &now, is_watched);
        }
    }

    /// Ends an execution that has no thread to end it.
    pub(super) fn end_if_empty(&self) {
        if self.places.is_empty() {
            self.end_if_nobody_can_run();
        }
    }

    fn end_if_nobody_can_run(&self) -> bool {
        let idle = |p: &Place| match p.doing.get() {
            Doing::Running => false,
            Doing::Waiting => p.tokens.get() == 0,
            Doing::Gone => true,
        };
        if !self.places.iter().all(idle) {
            return false;
        }
        // Nobody is inside of a step: what is left to do needs neither loom nor its memory model.
        ::loom::skip_branch();
        self.system.hub.go_quiet();
        self.conclude();
        self.end();
        true
    }

    /// Sends everybody home. What follows is tidying up: loom need not explore it.
    fn end(&self) {
        ::loom::skip_branch();
        self.over.set(true);
        // Loom's objects must go while loom still knows them.
        drop(CURRENT.take());
        for (i, place) in self.places.iter().enumerate() {
            if place.doing.get() == Doing::Waiting {
                self.send_token(ThreadId(i as u8));
            }
        }
    }

    /// What this execution has shown.
    fn conclude(&self) {
        let mut findings = self.findings();
        {
            let memory = self.system.hub.memory();
            if memory.has_lost() {
                findings.cut("a word was stored to more often than loom remembers, and then read");
            }
            if memory.is_full() {
                return findings.cut("a word was stored to more often than this engine can tell stores apart");
            }
        }
        if !self.is_possible() {
            findings.impossible += 1;
            return;
        }
        if self.places.iter().any(|p| p.broke.get().is_some()) || !self.counts() {
            return;
        }
        let (program, mut threads) = (&self.job.program, self.threads());
        let shown = self.shown();
        self.system.hub.settle();
        let world = &mut *self.system.world().borrow_mut();
        let mut alone = Alone { program, quiet: &self.system.hub, world, warned: 0 };
        let stuck = alone.stuck(&threads);
        let broken =
            stuck.or_else(|| alone.run_script(&program.teardown, &mut threads).map(|v| program.of_teardown(v)));
        let warned = program::Alone { setup: self.system.warned, teardown: alone.warned };
        if let Some(v) = broken.or_else(|| references::left_over(world, program)) {
            return findings.violated(program, v, &shown);
        }
        // All others were told when they came.
        let late = program::Alone { setup: 0, ..warned };
        program.warnings(|_| 0, late).into_iter().for_each(|v| findings.violated(program, v, &shown));
        findings.ended(Outcome::finished(program, world, |t| &threads[t.index()], warned), shown.stale);
        let end = Moments { program, world, threads: &threads, way: &|| Some(shown.trace.clone()) };
        findings.judge(&self.job.conditions, &end, |c| c.moment == Moment::AtEnd);
    }

    /// Loom has panicked in the middle of an execution.
    pub(super) fn abandon() {
        // The threads were left where they stood, and loom's objects must not be dropped outside of loom.
        std::mem::forget(CURRENT.take());
    }
}
