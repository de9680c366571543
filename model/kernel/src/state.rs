//! A whole modelled system as one flat value, and how sequential engines take steps in it.

mod alone;
mod checked;
mod encoding;
mod grain;
mod merging;

pub use alone::{MAX_ALONE_STEPS, Watch};
pub use encoding::Encoding;
use encoding::Gathered;
pub(crate) use encoding::Part;
use grain::Kept;

use crate::{
    Footprint, Grain, LocalId, MAX_THREADS, ObjId, ObjSet, Object, Plain, Program, Runtime, Thread, ThreadId, Value,
    View, Violation, World,
    cover::{Cover, Passed},
    cx::Merging,
    fixed,
    primitives::rcu::reader_footprint,
    task::Task,
    thread::{Run, Stepped},
};
use std::sync::Arc;

/// One step of one thread: who, and how its choice falls (0 without one).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Action {
    /// Who takes the step.
    pub thread: ThreadId,
    /// Which way its choice falls.
    pub choice: u8,
}

/// The threads that can take a step.
pub type Enabled = crate::ThreadSet;

/// A modelled system between two steps.
#[derive(Clone)]
pub struct State {
    /// The shared objects.
    pub world: World<Plain>,
    threads: [Thread; MAX_THREADS],
    /// The property that the last step broke; such a state is terminal.
    violation: Option<Violation>,
    /// Quiet accesses are no steps of their own.
    merging: Option<Arc<Merging>>,
    /// How coarse its steps are.
    grain: Grain,
    /// Whether some of its steps are rows of fine ones.
    has_rows: bool,
    /// Operations may be taken with others before them, where nobody can tell.
    widens: bool,
    /// Whether debug builds hold its steps against what they declare.
    checked: bool,
    /// Who would only come to wait for a mutex comes when nobody else can go on.
    defers: bool,
    /// What expectations look at in every state, where steps are coarse.
    watched: Option<Arc<[crate::Leaf]>>,
    kept: Kept,
    /// What setup has warned of, and teardown: no part of the encoding, since the one is the same in all states, and
    /// after the other there is none.
    alone: crate::program::Alone,
    /// What is gathered when the state is encoded: memory only.
    gathered: Gathered,
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepResult {
    /// The property that it broke.
    pub violation: Option<Violation>,
    /// The result of the operation, if this was its last step.
    pub result: Option<Value>,
    /// Everything in the world that it looked at or changed.
    pub touched: ObjSet,
    /// It passed a `progress` mark.
    pub progressed: bool,
    /// The instruction at which it allocated memory that may have to be reclaimed.
    pub allocates: Option<u16>,
    /// How many steps were taken with it: quiet accesses, and what belongs to it in coarse [grain](Grain).
    pub merged: u16,
    /// A search that takes quiet accesses with the step before them has to begin again without.
    pub unfit: bool,
    /// A lock that was taken, and may have been given back with the same step: in coarse grain.
    pub took: Option<ObjId>,
}

/// A terminal state as its observer sees it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// Every script ended, and nothing was wrong.
    Finished {
        /// Each scripted thread's locals, in order of declaration.
        locals: Vec<Vec<Value>>,
        /// The observed variables.
        vars: Vec<Value>,
        /// What was warned of on the way, in order.
        warned: Vec<Violation>,
    },
    /// A property was broken: which, by whom, at which operation.
    Violated(Violation),
}

impl Outcome {
    /// The outcome of an execution in which every script ended, on any runtime.
    pub fn finished<'a, R: Runtime>(
        program: &Program,
        world: &World<R>,
        thread: impl Fn(ThreadId) -> &'a Thread,
        alone: crate::program::Alone,
    ) -> Outcome {
        let seen = |v| crate::world::canonical(world, v);
        let locals = program.scripted().map(|t| {
            let names = &program.scripts[t.index()].locals;
            // A local without a name is the compiler's; nobody asked for it.
            let named =
                |l: usize| if names[l].is_empty() { Value::Unset } else { seen(thread(t).local(LocalId(l as u8))) };
            (0..names.len()).map(named).collect()
        });
        let vars = program.vars.iter().enumerate().filter(|(_, v)| v.observed);
        let vars = vars.map(|(i, _)| seen(world.var_value(ObjId::var(i)))).collect();
        let warned = program.warnings(|t| thread(t).warned(), alone);
        Outcome::Finished { locals: locals.collect(), vars, warned }
    }
}

impl State {
    /// The state after setup, before the first step of any thread. What setup has queued or armed is pending.
    pub fn initial(program: &Program) -> State {
        State::initial_covering(program, None)
    }

    /// The same, counting what the scripts come to, if there is where to.
    pub fn initial_covering(program: &Program, mut cover: Option<&mut Cover>) -> State {
        let mut state = State {
            world: World::new(program),
            threads: std::array::from_fn(|_| Thread::default()),
            violation: None,
            gathered: Gathered::default(),
            merging: None,
            grain: Grain::FINE,
            has_rows: false,
            widens: false,
            checked: true,
            defers: false,
            watched: None,
            kept: Kept::default(),
            alone: Default::default(),
        };
        // Agents first: they find nothing to do and sleep, so that setup wakes them as a thread does.
        for t in program.threads().filter(|t| program.is_agent(*t)) {
            state.begin(program, t, &mut cover);
            // One that is called for by a line of an interrupt is held back instead.
            if state.is_enabled(program, t) {
                state.bare_step(program, Action { thread: t, choice: 0 }, &mut cover);
            }
            debug_assert!(!state.is_enabled(program, t), "[internal bug] an agent has work before setup");
        }
        state.violation =
            state.run_alone(program, (&program.setup, program.scripts.len()), &mut cover, &mut |_, _, _, _| ());
        for t in program.threads().filter(|t| !program.is_agent(*t)) {
            if state.violation.is_none() {
                state.violation = state.begin(program, t, &mut cover);
            }
        }
        state
    }

    /// The same state, from which quiet accesses are taken with the step before them: see [`Merging`].
    #[must_use]
    pub fn merging(self, merging: Option<Arc<Merging>>) -> State {
        State { merging, ..self }
    }

    /// Runs a thread's private decisions before its first visible step.
    fn begin(&mut self, program: &Program, t: ThreadId, cover: &mut Option<&mut Cover>) -> Option<Violation> {
        let (thread, world) = (&mut self.threads[t.index()], &mut self.world);
        let covered = (&program.scripts[t.index()], of(cover, t.index()));
        thread.start_covering(covered, program, world, t, &mut Plain::default())
    }

    /// A thread's private state.
    pub fn thread(&self, t: ThreadId) -> &Thread {
        &self.threads[t.index()]
    }

    /// The property that the last step broke.
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// What was warned of on the way here. That the execution went on is no part of it: after a violation it stands
    /// beside that.
    pub fn warnings(&self, program: &Program) -> Vec<Violation> {
        program.warnings(|t| self.thread(t).warned(), self.alone)
    }

    /// Makes this state equal to another of the same program.
    pub fn copy_from(&mut self, other: &State, program: &Program) {
        self.world.copy_from(&other.world);
        let n = program.scripts.len();
        for (to, from) in self.threads[..n].iter_mut().zip(&other.threads) {
            to.copy_live(from);
        }
        (self.violation, self.alone) = (other.violation, other.alone);
    }

    /// Whether the task's own state is that of one who runs, whatever its thread is doing.
    pub fn is_awake(&self, t: ThreadId) -> bool {
        !Task::<Plain>::is_asleep(self.world.task(t).state.0)
    }

    /// Whether the next step wants a spinlock that another thread holds, which will release it some time.
    fn spins(&self, thread: &Thread, me: ThreadId) -> bool {
        let owner = thread.machine().spins_on().and_then(|l| self.world.spin_owner(l));
        // A handler that wants the lock of the thread that it has interrupted gets its answer at once.
        owner.is_some_and(|o| o != me && thread.private().interrupted() != Some(o))
    }

    /// The word on which a thread spins by `spin-until`, if what is there now keeps it spinning.
    pub fn spins_until(&self, program: &Program, t: ThreadId) -> Option<ObjId> {
        let thread = &self.threads[t.index()];
        thread.machine().spins_until(|| thread.view(&self.world, program, t))
    }

    /// Whether a thread can take a step. It is disabled if it is done, sleeps, spins, is held back, or interrupted; and
    /// by nothing else.
    pub fn is_enabled(&self, program: &Program, t: ThreadId) -> bool {
        let thread = &self.threads[t.index()];
        let up = match thread.run() {
            Run::Done => false,
            Run::Ready => true,
            Run::Asleep(_, p) => {
                let signal = p.interruptible() && self.world.task(t).pending.0 != 0;
                self.is_awake(t) || p.timed() || signal
            }
        };
        // What a sleeper does first when it is back may be to take a spinlock.
        let interrupted = program.has_irqs && self.world.task(t).cpu.0.handler.is_some();
        up && !interrupted && !self.spins(thread, t) && !self.is_held_back(program, t)
    }

    /// Whether something else than a spinlock keeps the thread from its next step.
    fn is_held_back(&self, program: &Program, t: ThreadId) -> bool {
        self.threads[t.index()].machine().is_held_back(|| self.view(program, t))
    }

    fn view<'a>(&'a self, program: &'a Program, me: ThreadId) -> View<'a> {
        self.threads[me.index()].view(&self.world, program, me)
    }

    /// Whether a thread has nothing left to do: its script is over, it is an agent that waits for work, or an interrupt
    /// whose line is disabled.
    pub fn is_over(&self, program: &Program, t: ThreadId) -> bool {
        let thread = self.thread(t);
        thread.run() == Run::Done
            || program.scripts[t.index()].agent && thread.is_idle()
            || thread.machine().is_shut_out(&self.world)
    }

    /// Every thread that can take a step; nobody after a violation. In coarse grain, without those who may as well come
    /// later.
    pub fn enabled(&self, program: &Program) -> Enabled {
        let mut set = Enabled::default();
        if self.violation.is_none() {
            program.threads().filter(|t| self.is_enabled(program, *t)).for_each(|t| set.insert(t));
        }
        if self.defers { self.without_waiters(program, set) } else { set }
    }

    /// Whether every script is over, and no agent is in the middle of something.
    pub fn is_finished(&self, program: &Program) -> bool {
        program.threads().all(|t| self.is_over(program, t))
    }

    /// What a thread's next step touches, and how many ways it can go.
    pub fn footprint(&self, program: &Program, t: ThreadId) -> Footprint {
        let step = self.fine_footprint(program, t);
        if self.has_rows { self.whole_footprint(program, t, step) } else { step }
    }

    fn fine_footprint(&self, program: &Program, t: ThreadId) -> Footprint {
        let step = self.threads[t.index()].footprint(self.view(program, t));
        match &self.merging {
            Some(merging) if merging.has_sections() => self.held(program, t).and(step).and(merging.premises()),
            Some(merging) => step.and(merging.premises()),
            None => step,
        }
    }

    /// What a step touches that may release with it what its thread holds.
    fn held(&self, program: &Program, t: ThreadId) -> Footprint {
        let mut locks = program.all::<fixed::Spinlock>().filter(|lock| self.world.spin_owner(*lock) == Some(t));
        let Some(one) = locks.next() else { return Footprint::NONE };
        locks.fold(reader_footprint(self.view(program, t), Footprint::writes(one)), Footprint::write)
    }

    /// How many ways a thread's next step can go: what its footprint declares, without computing the rest.
    pub fn ways(&self, program: &Program, t: ThreadId) -> u8 {
        self.threads[t.index()].machine().ways(|| self.view(program, t))
    }

    /// Whether anybody else can see a thread's next step. One that nobody can is a step only where a quiet access came
    /// before it, with which it could not be taken back.
    pub fn is_next_visible(&self, t: ThreadId) -> bool {
        self.threads[t.index()].machine().is_visible()
    }

    /// The same state, whose steps debug builds do not hold against their footprints: for a search over states that
    /// another one takes the same steps from, which are checked there.
    #[must_use]
    pub fn unchecked(self) -> State {
        State { checked: false, ..self }
    }

    /// Takes a step. Debug builds check it against its footprint.
    pub fn step(&mut self, program: &Program, action: Action) -> StepResult {
        self.step_covering(program, action, None)
    }

    /// The same, counting what the script comes to, if there is where to.
    pub fn step_covering(&mut self, program: &Program, action: Action, mut cover: Option<&mut Cover>) -> StepResult {
        let stepped = match cfg!(debug_assertions) && self.checked {
            true => self.checked_step(program, action, &mut cover),
            false => self.whole_step(program, action, &mut cover),
        };
        if stepped.worn {
            self.renumber(program, None);
        }
        stepped.into()
    }

    fn bare_step(&mut self, program: &Program, action: Action, cover: &mut Option<&mut Cover>) -> Stepped {
        let t = action.thread;
        let mut rt = Plain { choice: action.choice };
        let script = &program.scripts[t.index()];
        let covered = (script, of(cover, t.index()), self.merging.as_deref());
        let stepped = self.threads[t.index()].step_covering(covered, program, &mut self.world, t, &mut rt);
        debug_assert!(stepped.spins.is_none(), "[internal bug] a disabled step was taken");
        self.violation = stepped.violation;
        stepped
    }

    /// Runs the teardown and looks for what is left over. Call it on a finished state; it is the last thing to happen.
    pub fn conclude(&mut self, program: &Program) -> Option<Violation> {
        self.conclude_covering(program, None)
    }

    /// The same, counting what the teardown comes to, if there is where to.
    pub fn conclude_covering(&mut self, program: &Program, mut cover: Option<&mut Cover>) -> Option<Violation> {
        self.tear_down(program, &mut cover, &mut |_, _, _, _| ())
    }

    /// The same for whoever shows the teardown's steps.
    pub fn conclude_watched(&mut self, program: &Program, watch: &mut Watch<'_>) -> Option<Violation> {
        self.tear_down(program, &mut None, watch)
    }

    fn tear_down(
        &mut self,
        program: &Program,
        cover: &mut Option<&mut Cover>,
        watch: &mut Watch<'_>,
    ) -> Option<Violation> {
        if self.violation.is_none() {
            let teardown = (&program.teardown, program.scripts.len() + 1);
            let broken = self.run_alone(program, teardown, cover, watch).map(|v| program.of_teardown(v));
            self.violation = broken.or_else(|| crate::references::left_over(&self.world, program));
        }
        self.violation
    }

    /// What the observer sees of a terminal state.
    pub fn outcome(&self, program: &Program) -> Outcome {
        if let Some(v) = self.violation {
            return Outcome::Violated(v);
        }
        Outcome::finished(program, &self.world, |t| self.thread(t), self.alone)
    }

    /// Makes a sleeper runnable although nobody woke it, to see whether that leads on.
    pub fn wake_for_nothing(&mut self, t: ThreadId) {
        self.world.task_mut(t).state.0 = Task::<Plain>::RUNNING;
    }

    /// Makes a variable look as a stale load sees it, for a step; what it was is the result.
    pub fn show_in(&mut self, variable: ObjId, value: Value) -> Value {
        std::mem::replace(&mut self.world.var_mut(variable).cell.0, value)
    }

    /// Ends the execution with a violation that no single step committed (a deadlock).
    pub fn end_with(&mut self, v: Violation) {
        self.violation = Some(v);
    }

    /// Whether the two states differ in what the threads are about to do or know.
    pub fn same_threads(&self, other: &State, program: &Program) -> bool {
        let n = program.scripts.len();
        self.threads[..n] == other.threads[..n]
    }

    /// The object in a slot of the world.
    pub fn object(&self, id: ObjId) -> &Object<Plain> {
        self.world.object(id)
    }
}

/// Where it is counted what a script comes to.
fn of<'c>(cover: &'c mut Option<&mut Cover>, script: usize) -> Option<&'c mut [Passed]> {
    cover.as_mut().and_then(|c| c.of_mut(script))
}

impl From<Stepped> for StepResult {
    fn from(s: Stepped) -> StepResult {
        StepResult {
            violation: s.violation,
            result: s.result,
            touched: s.touched,
            progressed: s.progressed,
            allocates: s.allocates,
            merged: s.merged,
            unfit: s.unfit,
            took: s.took,
        }
    }
}
