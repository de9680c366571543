//! One execution: the threads' loops, sleeping, and how it ends.

use super::{
    Job,
    alone::{Alone, System},
    cells::Hub,
    findings::{Findings, Moments, is_watched},
    runtime::{self, Gates, Loom},
};
use fenceweave_kernel::{
    Action, Moment, ObjId, Outcome, Patience, Property, Thread, ThreadId, Violation, World, object::Task, thread::Run,
    world,
};
use loom::sync::{
    Mutex,
    atomic::{AtomicU8, Ordering},
    mpsc::{Receiver, Sender, channel},
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
    thread: Cell<Thread>,
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
}

impl Execution {
    /// The execution before its first step, setup done.
    pub(super) fn prepare(job: &Arc<Job>, system: Rc<System>) -> Rc<Execution> {
        let gates = runtime::gates(job.program.objects.len());
        system.hub.go_live();
        let places = system.threads.iter().zip(&job.sites).map(|(thread, sites)| {
            let (sender, receiver) = channel();
            let site = |ways: &Vec<u8>| ways.iter().map(|n| (*n, AtomicU8::new(0))).collect();
            Place {
                thread: Cell::new(*thread),
                doing: Cell::new(Doing::Running),
                tokens: Cell::new(0),
                broke: Cell::new(None),
                sender,
                receiver,
                sites: sites.iter().map(site).collect(),
            }
        });
        let places = places.collect();
        let (trace, over) = Default::default();
        let execution = Execution { job: Arc::clone(job), system, gates, places, trace, over };
        execution.watch(&mut execution.findings());
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
    pub(super) fn gate(&self, gate: ObjId) -> &'static Mutex<()> {
        &self.gates[gate.as_object().expect("[internal bug] only objects have a lock")]
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
        let mut thread = self.place(me).thread.get();
        while !self.over.get() {
            match thread.run() {
                Run::Done => return self.leave(me),
                Run::Asleep(_, patience) if !self.sleep(&world, me, patience) => return,
                Run::Asleep(..) | Run::Ready => {}
            }
            let before = thread;
            let step = self.system.hub.begin_step(me.index());
            let stepped = thread.step(script, &self.job.program, &mut world, me, &mut rt);
            let choice = rt.end_step();
            if stepped.spins.is_some() {
                // Nothing was done but to ask for a token when the lock is released.
                thread = before;
                if !self.wait(me) {
                    return;
                }
                continue;
            }
            self.place(me).thread.set(thread);
            self.stepped(Action { thread: me, choice });
            if let Some(v) = stepped.violation {
                self.violated(me, step, v);
                return self.leave(me);
            }
        }
    }

    /// `schedule()`: returns when the task may run; false if the execution is over.
    ///
    /// The task's state decides, not the token: there may be one of a sleep that did not come about, or of a signal that
    /// this sleep does not heed.
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

    /// A property was broken. The thread stands still from here on; the others go on, because an ordering that loom is to
    /// reverse must be seen first. What they break counts only if it does not depend on the step that broke something
    /// before: then there is an execution without that step.
    fn violated(&self, me: ThreadId, step: u32, v: Violation) {
        let depends = |(other, place): (usize, &Place)| {
            let broke = place.broke.get();
            broke.is_some_and(|step| self.system.hub.depends_on(me.index(), other) >= step)
        };
        let first = !self.places.iter().enumerate().any(depends);
        self.place(me).broke.set(Some(step));
        if first && !self.over.get() {
            self.findings().violated(&self.job.program, v, &self.trace.borrow());
        }
    }

    fn threads(&self) -> Vec<Thread> {
        self.places.iter().map(|p| p.thread.get()).collect()
    }

    fn watch(&self, findings: &mut Findings) {
        if self.job.conditions.iter().any(is_watched) {
            let (threads, trace) = (self.threads(), self.trace.borrow());
            let (program, world) = (&self.job.program, &self.system.world().borrow());
            let now = Moments { program, world, threads: &threads, trace: &trace };
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
        loom::skip_branch();
        self.system.hub.go_quiet();
        self.conclude();
        self.end();
        true
    }

    /// Sends everybody home. What follows is tidying up: loom need not explore it.
    fn end(&self) {
        loom::skip_branch();
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
        if self.system.hub.lost_store() {
            findings.cut("a word was stored to more often than loom remembers, and then read");
        }
        if self.places.iter().any(|p| p.broke.get().is_some()) {
            return;
        }
        let (program, mut threads, trace) = (&self.job.program, self.threads(), self.trace.borrow());
        let world = &mut *self.system.world().borrow_mut();
        let mut alone = Alone { program, hub: &self.system.hub, world };
        let stuck = alone.stuck(&threads);
        let broken = stuck.or_else(|| alone.run_script(&program.teardown, &mut threads));
        if let Some(v) = broken.or_else(|| world::left_over(world, program)) {
            return findings.violated(program, v, &trace);
        }
        findings.note(Outcome::finished(program, world, |t| &threads[t.index()]));
        let end = Moments { program, world, threads: &threads, trace: &trace };
        findings.judge(&self.job.conditions, &end, |c| c.moment == Moment::AtEnd);
    }

    /// Loom has panicked in the middle of an execution. If that was a data race, it is reported.
    pub(super) fn abandon() {
        let Some(execution) = CURRENT.take() else { return };
        execution.report_race();
        // The threads were left where they stood, and loom's objects must not be dropped outside of loom.
        std::mem::forget(execution);
    }

    /// The access at which loom stopped because it races with another, unless it depends on a property broken before.
    fn report_race(&self) {
        let Some(race) = self.system.hub.racing() else { return };
        if race.who >= self.places.len() {
            // Nobody's access: the threads are over, but loom was told so by nothing that it knows of.
            return self.findings().cut("teardown accesses a plain variable, and loom takes that for a race");
        }
        let program = &self.job.program;
        let plain = program.vars.iter().enumerate().filter(|(_, v)| v.racy).nth(race.which);
        let thread = ThreadId(race.who as u8);
        let v = Violation {
            property: Property::DataRace,
            thread,
            pc: self.place(thread).thread.get().pc(),
            rule: None,
            object: plain.map(|(i, _)| ObjId::var(i)),
            other: race.other.map(|o| ThreadId(o as u8)),
        };
        self.violated(thread, u32::MAX, v);
    }
}
