//! What runs alone on quiet cells: setup, teardown, agents before the threads start, and the diagnosis of a stuck
//! state.
//!
//! Everything here has its counterpart in the kernel's `State` and in [`diagnose`](crate::diagnose), which work on
//! plain worlds. Under weak memory a stuck state cannot be rebuilt there by replaying the steps that led to it, so the
//! same rules are applied in place, on the latest values, and undone.

use super::{hub::Hub, memory::Memory, runtime::Loom};
use crate::{Stale, StaleWords, Stored, Trace};
use fenceweave_kernel::{
    Action, AtomicCell, Bits, ObjId, Order, Program, Property, Script, Thread, ThreadId, Value, Violation, World,
    fixed,
    memory::bytes::Bytes,
    state::MAX_ALONE_STEPS,
    task::Task,
    thread::{Run, Stepped},
};
use std::{cell::RefCell, rc::Rc};

/// What every execution begins with. Only the values of the cells change from one to the next.
pub(super) struct System {
    /// The cells' hub.
    pub(super) hub: Rc<Hub>,
    /// Each thread's handle on the shared objects; the last one is nobody's.
    pub(super) worlds: Vec<RefCell<World<Loom>>>,
    /// The threads before their first step.
    pub(super) threads: Vec<Thread>,
    /// Whose each word is: a variable, or the object that it is part of; a task's is nobody's.
    owners: Vec<Option<ObjId>>,
    /// Whether there are plain variables.
    has_plain: bool,
    /// What setup has warned of.
    pub(super) warned: u32,
}

impl System {
    /// The system after setup.
    pub(super) fn new(program: &Program) -> System {
        let (hub, mut world) = Hub::create(|| World::new(program));
        let mut alone = Alone { program, hub: &hub, world: &mut world, warned: 0 };
        let (threads, warned) = (alone.set_up(), alone.warned);
        hub.begin_here();
        let bytes = Bytes::of(program);
        world.set_bytes(bytes.clone());
        bytes.into_iter().for_each(|bytes| hub.add_memory(bytes));
        let handles = 0..=program.scripts.len();
        let worlds = handles.map(|who| RefCell::new(hub.handle_for(who, &world))).collect();
        let frames = program.all::<fixed::Frame>().next().is_some();
        let has_plain = frames || program.vars.iter().any(|v| v.racy);
        System { hub, worlds, threads, owners: owners(program), has_plain, warned }
    }

    /// The words of which a stale store was read.
    pub(super) fn stale(&self, memory: &Memory) -> StaleWords {
        memory.stale().iter().map(|w| self.owners[usize::from(*w)]).collect()
    }

    /// The trace of these steps, with the reads that did not return the youngest store. The steps are those of the
    /// trace, one after the other: a read in the middle of somebody else's step may have none.
    pub(super) fn trace(&self, steps: &[Action], memory: &Memory) -> Trace {
        let mut made: Vec<Vec<(u8, Option<usize>)>> = vec![vec![(0, None)]; self.owners.len()];
        let mut weak = vec![];
        for (step, accesses) in memory.steps().enumerate() {
            let mut nth = 0;
            for a in accesses {
                let (word, made) = (usize::from(a.word), &mut made[usize::from(a.word)]);
                if let Some(at) = a.read.and_then(|read| made.iter().rposition(|(s, _)| *s == read)) {
                    let stored = |at: usize| {
                        let (store, step) = made[at];
                        let owner = self.owners[word].filter(|o| o.as_var().is_some());
                        let bits = memory.bits(word, usize::from(store));
                        Stored { value: owner.map(|_| Value::from_bits(bits)), step }
                    };
                    let (age, newest) = ((made.len() - 1 - at) as u8, stored(made.len() - 1));
                    let stale = Stale { step, nth, age, word: self.owners[word], got: stored(at), newest };
                    weak.extend((age > 0).then_some(stale));
                }
                nth += u8::from(a.read.is_some());
                made.extend(a.made.map(|store| (store, Some(step))));
            }
        }
        // Without a stale read any memory shows the same, unless plain accesses are not ordered; those are one step
        // here.
        let needed = !weak.is_empty() || self.has_plain;
        Trace { weak: needed.then_some(weak), ..Trace::of(steps.to_vec()) }
    }

    /// The handle that belongs to no thread.
    pub(super) fn world(&self) -> &RefCell<World<Loom>> {
        &self.worlds[self.threads.len()]
    }
}

/// How many words a world has that begins with so many objects of a program.
fn words(program: &Program, objects: usize) -> usize {
    let mut first = program.clone();
    first.objects.truncate(objects);
    // What a variable begins with may be an object that is not there.
    first.vars.iter_mut().for_each(|var| var.init = Value::Unset);
    let (hub, _) = Hub::create(|| World::<Loom>::new(&first));
    let words = hub.words();
    hub.dissolve();
    words
}

/// Whose each word is. A world makes its words in order: those of objects, variables, tasks.
fn owners(program: &Program) -> Vec<Option<ObjId>> {
    let others = words(program, 0);
    let mut owners = vec![];
    for i in 0..program.objects.len() {
        owners.resize(words(program, i + 1) - others, Some(ObjId::object(i)));
    }
    owners.extend((0..program.vars.len()).map(|i| Some(ObjId::var(i))));
    owners.resize(owners.len().max(words(program, program.objects.len())), None);
    owners
}

impl Drop for System {
    fn drop(&mut self) {
        self.hub.dissolve();
    }
}

/// A system on quiet cells.
pub(super) struct Alone<'a> {
    /// What never changes.
    pub(super) program: &'a Program,
    /// The cells' hub.
    pub(super) hub: &'a Rc<Hub>,
    /// A handle on the shared objects.
    pub(super) world: &'a mut World<Loom>,
    /// What was warned of.
    pub(super) warned: u32,
}

impl Alone<'_> {
    fn step(&mut self, script: &Script, thread: &mut Thread, t: ThreadId) -> Stepped {
        thread.step(script, self.program, self.world, t, &mut Loom::alone(self.hub))
    }

    /// The threads after setup, each before its first visible step; agents asleep, but for those that setup has woken.
    ///
    /// A violation cannot come from here: a program whose setup breaks a property is not given to loom.
    pub(super) fn set_up(&mut self) -> Vec<Thread> {
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
        let (program, rt) = (self.program, &mut Loom::alone(self.hub));
        let _ = threads[t.index()].start(&program.scripts[t.index()], program, self.world, t, rt);
    }

    /// Runs a script from start to end while every other thread stands still. Where it sleeps, an agent runs: as in
    /// `State`.
    pub(super) fn run_script(&mut self, script: &Script, threads: &mut [Thread]) -> Option<Violation> {
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
        let mut violation = thread.start(script, program, self.world, me, &mut Loom::alone(self.hub));
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
        let (program, hub) = (self.program, self.hub);
        for t in program.threads() {
            let (thread, script) = (threads[t.index()].clone(), &program.scripts[t.index()]);
            if !self.is_agent_enabled(threads, t) || !thread.is_idle() {
                continue;
            }
            let sleeps = hub.undone(|| {
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
        !Task::<Loom>::is_asleep(self.world.task(t).state.peek())
    }

    fn spins(&self, thread: &Thread, me: ThreadId) -> bool {
        let owner = thread.machine().spins_on().and_then(|lock| self.world.spin_owner(lock));
        owner.is_some_and(|o| o != me)
    }

    pub(super) fn is_enabled(&self, thread: &Thread, t: ThreadId) -> bool {
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
    pub(super) fn stuck(&mut self, threads: &[Thread]) -> Option<Violation> {
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
        let hub = self.hub;
        asleep && hub.undone(|| self.moves(stuck, sleeper))
    }

    fn moves(&mut self, stuck: &[Thread], sleeper: ThreadId) -> bool {
        /// As many as the other engines look at.
        const LOOK_AHEAD: usize = 10_000;
        let program = self.program;
        self.world.task(sleeper).state.clone().store(Task::<Loom>::RUNNING, Order::Relaxed);
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
