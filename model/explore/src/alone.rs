//! What runs alone on quiet cells: setup, teardown, agents before the threads start, and the diagnosis of a stuck
//! state.
//!
//! Everything here has its counterpart in the kernel's `State` and in [`diagnose`](crate::diagnose), which work on
//! plain worlds. An engine whose threads share their cells begins on them, and under weak memory a stuck state cannot
//! be rebuilt from the steps that led to it: so the same rules are applied in place, on the latest values, and undone.

use fenceweave_kernel::{
    AtomicCell, Order, Program, Property, Runtime, Script, Thread, ThreadId, Violation, World,
    state::MAX_ALONE_STEPS,
    task::Task,
    thread::{Run, Stepped},
};

/// Shared cells on which nobody else works at the moment.
pub(crate) trait Quiet {
    /// What they are made of.
    type On: Runtime;
    /// What a step of whoever runs alone is taken on.
    fn runtime(&self) -> Self::On;
    /// Runs something and undoes what it did to the cells.
    fn undone<T>(&self, f: impl FnOnce() -> T) -> T;
}

/// A system on quiet cells.
pub(crate) struct Alone<'a, Q: Quiet> {
    /// What never changes.
    pub(crate) program: &'a Program,
    /// The cells.
    pub(crate) quiet: &'a Q,
    /// A handle on the shared objects.
    pub(crate) world: &'a mut World<Q::On>,
    /// What was warned of.
    pub(crate) warned: u32,
}

impl<Q: Quiet> Alone<'_, Q> {
    fn step(&mut self, script: &Script, thread: &mut Thread, t: ThreadId) -> Stepped {
        thread.step(script, self.program, self.world, t, &mut self.quiet.runtime())
    }

    /// The threads after setup, each before its first visible step; agents asleep, but for those that setup has woken.
    ///
    /// A violation cannot come from here: a program whose setup breaks a property is not given to loom.
    pub(crate) fn set_up(&mut self) -> Vec<Thread> {
        let program = self.program;
        let mut threads = vec![Thread::default(); program.scripts.len()];
        let (agents, others): (Vec<_>, Vec<_>) = program.threads().partition(|t| program.is_agent(*t));
        for t in agents {
            self.begin(&mut threads, t);
            self.step(&program.scripts[t.index()], &mut threads[t.index()], t);
        }
        let _ = self.run_script(&program.setup, &mut threads);
        others.into_iter().for_each(|t| self.begin(&mut threads, t));
        threads
    }

    fn begin(&mut self, threads: &mut [Thread], t: ThreadId) {
        let (program, rt) = (self.program, &mut self.quiet.runtime());
        let _ = threads[t.index()].start(&program.scripts[t.index()], program, self.world, t, rt);
    }

    /// Runs a script from start to end while every other thread stands still. Where it sleeps, an agent runs: as in
    /// `State`.
    pub(crate) fn run_script(&mut self, script: &Script, threads: &mut [Thread]) -> Option<Violation> {
        if script.code.is_empty() {
            return None;
        }
        let mut thread = Thread::default();
        let violation = self.go(script, &mut thread, threads);
        self.warned |= thread.warned();
        violation
    }

    fn go(&mut self, script: &Script, thread: &mut Thread, threads: &mut [Thread]) -> Option<Violation> {
        let (program, me) = (self.program, self.program.main_thread());
        let mut violation = thread.start(script, program, self.world, me, &mut self.quiet.runtime());
        let ends_with = |property, thread: &Thread| Some(Violation::new(property, me, thread.pc()));
        for _ in 0..MAX_ALONE_STEPS {
            if violation.is_some() || thread.run() == Run::Done {
                return violation;
            }
            if self.spins(thread, me) {
                return ends_with(Property::DEADLOCK, thread);
            }
            let timed = match thread.run() {
                Run::Asleep(_, patience) if !self.is_awake(me) => Some(patience.timed()),
                _ => None,
            };
            let Some(timed) = timed else {
                violation = self.step(script, thread, me).violation;
                continue;
            };
            self.send_to_sleep(threads);
            let mut agents = program.threads().filter(|t| self.is_agent_enabled(threads, *t));
            violation = match (agents.next(), agents.next()) {
                (None, _) if timed => self.step(script, thread, me).violation,
                (None, _) => return ends_with(Property::DEADLOCK, thread),
                (Some(t), None) if !timed => {
                    self.step(&program.scripts[t.index()], &mut threads[t.index()], t).violation
                }
                _ => return ends_with(Property::CAPACITY_EXCEEDED, thread),
            };
        }
        ends_with(Property::CAPACITY_EXCEEDED, thread)
    }

    fn is_agent_enabled(&self, threads: &[Thread], t: ThreadId) -> bool {
        self.program.is_agent(t) && self.is_enabled(&threads[t.index()], t)
    }

    /// Agents that would find nothing to do find it.
    fn send_to_sleep(&mut self, threads: &mut [Thread]) {
        let (program, quiet) = (self.program, self.quiet);
        for t in program.threads() {
            let (thread, script) = (threads[t.index()].clone(), &program.scripts[t.index()]);
            if !self.is_agent_enabled(threads, t) || !thread.is_idle() {
                continue;
            }
            let sleeps = quiet.undone(|| {
                let mut thread = thread.clone();
                let violation = self.step(script, &mut thread, t).violation;
                violation.is_none() && thread.is_idle() && !self.is_enabled(&thread, t)
            });
            if sleeps {
                self.step(script, &mut threads[t.index()], t);
            }
        }
    }

    fn is_awake(&self, t: ThreadId) -> bool {
        !Task::<Q::On>::is_asleep(self.world.task(t).state.peek())
    }

    fn spins(&self, thread: &Thread, me: ThreadId) -> bool {
        let owner = thread.machine().spins_on().and_then(|lock| self.world.spin_owner(lock));
        owner.is_some_and(|o| o != me)
    }

    pub(crate) fn is_enabled(&self, thread: &Thread, t: ThreadId) -> bool {
        let up = match thread.run() {
            Run::Done => false,
            Run::Ready => true,
            Run::Asleep(_, p) => {
                let signal = p.interruptible() && self.world.task(t).pending.peek() != 0;
                self.is_awake(t) || p.timed() || signal
            }
        };
        up && !self.spins(thread, t)
    }

    /// The violation of a state in which nobody can run; `None` if every script is over.
    pub(crate) fn stuck(&mut self, threads: &[Thread]) -> Option<Violation> {
        let program = self.program;
        let is_over = |t: &ThreadId| {
            let thread = &threads[t.index()];
            thread.run() == Run::Done || program.is_agent(*t) && thread.is_idle()
        };
        let first = program.threads().find(|t| !is_over(t))?;
        let lost = program.threads().filter(|t| !is_over(t)).find(|t| self.leads_on(threads, *t));
        let (property, thread) = match lost {
            Some(t) => (Property::LOST_WAKEUP, t),
            None => (Property::DEADLOCK, first),
        };
        let stuck = &threads[thread.index()];
        let object = match stuck.run() {
            Run::Asleep(on, _) => Some(on),
            _ => stuck.machine().spins_on(),
        };
        Some(Violation { object, ..Violation::new(property, thread, stuck.pc()) })
    }

    /// Whether the sleeper, woken for nothing, gets anywhere.
    fn leads_on(&mut self, stuck: &[Thread], sleeper: ThreadId) -> bool {
        let asleep = matches!(stuck[sleeper.index()].run(), Run::Asleep(..));
        let quiet = self.quiet;
        asleep && quiet.undone(|| self.moves(stuck, sleeper))
    }

    fn moves(&mut self, stuck: &[Thread], sleeper: ThreadId) -> bool {
        /// As many as the other engines look at.
        const LOOK_AHEAD: usize = 10_000;
        let program = self.program;
        self.world.task(sleeper).state.clone().store(Task::<Q::On>::RUNNING, Order::Relaxed);
        let mut threads = stuck.to_vec();
        for _ in 0..LOOK_AHEAD {
            let next = program.threads().find(|t| self.is_enabled(&threads[t.index()], *t));
            let Some(t) = next else { break };
            if t != sleeper {
                return true;
            }
            let (script, thread) = (&program.scripts[t.index()], &mut threads[t.index()]);
            if self.step(script, thread, t).violation.is_some() {
                return true;
            }
        }
        threads != stuck
    }
}
