//! `wait_queue_head_t`: prepare, look, sleep, finish, each its own step, so that a lost wake-up can be written.
//!
//! ```text
//!   waiter                         waker
//!   prepare q   (on the list, state := sleeping)
//!   load cond                      store cond 1
//!   sleep q     (schedule())       wake-all q   (off the list, state := running)
//!   finish q
//! ```
//!
//! An entry is exclusive or not. Those that are not stand first, and `wake_up()` wakes them all; then it wakes one that
//! is:
//!
//! ```text
//!   head                                            tail
//!   [c] [b] [a]                  [d!] [e!] [f!]
//!   prepare_to_wait()            prepare_to_wait_exclusive()
//!   `---------- wake-one: these, and d ----------'
//! ```
//!
//! An entry is on its waiter's stack: whoever returns and is still on the list leaves a pointer to what is gone.
//!
//! Entries remove themselves when woken (`autoremove_wake_function()`). A waiter that runs already (its timeout struck,
//! a signal or another queue woke it) and has not yet called `finish` is no sleeper to wake: it stays on the list, and
//! the wake-up is the next one's. A waker looks at one entry a step, with the queue's lock held from the first to the
//! last: who is woken first may do something to the next one before that one is woken, as long as he does not need the
//! lock (who is off the list finishes without it). The other way round a waiter that was woken in time may come back to
//! a CPU too late: then `schedule_timeout()` returns 0 although a wake-up was spent on it.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, Held, ObjId, Patience, Plain, Program, Property, Runtime, SharedCell,
    ThreadId, ThreadSet, Value, View,
    coder::{fields, points},
    cx::{Woken, woken_by},
    facet::{Facet, FacetSink},
    ground::functions::functions,
    ids::ThreadQueue,
    primitives::{irq::irqs_footprint, rcu::as_reader, spinlock::RawSpin},
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

/// The list, under the queue's lock, and the lock: a waker holds it over several steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Waiters {
    lock: RawSpin,
    /// Those that are not exclusive first, the latest of them at the head.
    queue: ThreadQueue,
    /// `WQ_FLAG_EXCLUSIVE`.
    exclusive: ThreadSet,
}

impl Waiters {
    /// `prepare_to_wait()`: one that is on the list already keeps its place.
    fn add(&mut self, t: ThreadId, exclusive: bool) {
        match (self.queue.contains(t), exclusive) {
            (false, true) => self.queue.push(t),
            (false, false) => self.queue.push_front(t),
            (true, _) => {}
        }
        self.exclusive.remove(t);
        if exclusive {
            self.exclusive.insert(t);
        }
    }

    fn remove(&mut self, t: ThreadId) {
        self.queue.remove(t);
        self.exclusive.remove(t);
    }
}

fields!(Waiters { lock, queue, exclusive });

/// A `wait_queue_head_t`.
#[derive(Clone)]
pub struct WaitQueue<R: Runtime> {
    waiters: R::Cell<Waiters>,
}

impl Copy for WaitQueue<Plain> {}

impl<R: Runtime> WaitQueue<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        WaitQueue { waiters: R::Cell::new(Waiters::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for WaitQueue<R> {
    renewed!(WaitQueue { waiters: cell });

    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let waiters = self.waiters.peek();
        Lost::of_lock(waiters.lock.owner(), waiters.queue.iter().next())
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("waiters", Facet::Queue(self.waiters.peek().queue));
    }

    /// The waker that holds the queue's lock over several steps.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.waiters.peek().lock.owner()
    }
}

/// `spin_lock_irqsave(&wq_head->lock)`, by a step that releases it or by a waker that has it already.
fn enter<R: Runtime>(cx: &mut Cx<'_, R>, queue: ObjId) -> Result<(Held, Waiters), Flow> {
    let (me, held) = (cx.me, cx.enter(queue));
    let mut waiters = cx.wait_queue(queue).waiters.get(held);
    if waiters.lock.owner().is_some_and(|owner| owner != me) {
        waiters.lock.try_take(me);
        cx.wait_queue(queue).waiters.set(held, waiters);
        return Err(Flow::Spin(queue));
    }
    Ok((held, waiters))
}

/// The lock stays held: the next step goes on with it.
fn keep<R: Runtime>(cx: &mut Cx<'_, R>, waiters: &mut Waiters) {
    if waiters.lock.owner().is_none() {
        waiters.lock.try_take(cx.me);
        as_reader(cx, |p| p.spin_depth += 1);
        cx.irqs_disable();
    }
}

/// `spin_unlock_irqrestore()`, if an earlier step took it.
fn release<R: Runtime>(cx: &mut Cx<'_, R>, waiters: &mut Waiters) {
    if waiters.lock.owner().is_some() {
        waiters.lock.release().iter().for_each(|t| cx.rt.release(t));
        as_reader(cx, |p| p.spin_depth -= 1);
        cx.irqs_restore();
    }
}

/// Takes the first waiter off the list of a queue, whether it sleeps or not: for a waker that wakes it later.
pub(crate) fn unlink_first<R: Runtime>(cx: &mut Cx<'_, R>, queue: ObjId) -> Result<Option<ThreadId>, Flow> {
    let (held, mut waiters) = enter(cx, queue)?;
    let Some(first) = waiters.queue.iter().next() else { return Ok(None) };
    waiters.remove(first);
    cx.wait_queue(queue).waiters.set(held, waiters);
    Ok(Some(first))
}

/// Whom [`unlink_first`] takes.
pub(crate) fn first_waiter(v: View<'_>, queue: ObjId) -> Option<ThreadId> {
    v.world.wait_queue(queue).waiters.0.queue.iter().next()
}

impl Code for WaitQueue<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.waiters.code(c);
    }
}

points! {
    /// Where an operation on a wait queue is.
    pub(crate) enum At {
        /// `prepare_to_wait()`: on the list and sleeping from here on, though still on the CPU.
        Prepare = "prepare_to_wait",
        /// `prepare_to_wait_exclusive()`: the same, at the tail, for one wake-up of its own.
        PrepareExclusive = "prepare_to_wait_exclusive",
        /// `prepare_to_wait_event()`, which has looked for a signal before: on the list and sleeping, with the lock
        /// held.
        PrepareEvent = "prepare_to_wait_event: queue, state (lock)",
        /// The same at the tail.
        PrepareEventExclusive = "prepare_to_wait_event: queue at the tail, state (lock)",
        /// `schedule()`.
        Schedule = "schedule",
        /// Back from `schedule()`.
        Woken = "back from schedule",
        /// Woken, but back on a CPU only when the time is over: `schedule_timeout()` says what is left of it, which may
        /// be nothing.
        Left = "back from schedule: time left",
        /// `finish_wait()`: running again, off the list.
        Finish = "finish_wait",
        /// Still on the list, whose lock a waker holds.
        FinishLocked = "finish_wait: off the list (lock)",
        /// The function returns, and its stack is gone: the entry must not be on the list any more.
        Leave = "return",
        /// `wake_up()`: every waiter that is not exclusive, and the first exclusive one that sleeps. One entry a step.
        WakeOne = "wake_up",
        /// `wake_up_all()`.
        WakeAll = "wake_up_all",
    }
}

functions! {
    /// What a thread does with a wait queue.
    pub enum How begins at At {
        /// `prepare_to_wait()`: on the list and sleeping from here on, though still on the CPU.
        Prepare,
        /// `prepare_to_wait_exclusive()`: the same, at the tail, for one wake-up of its own.
        PrepareExclusive,
        /// `schedule()`.
        Schedule,
        /// `finish_wait()`: running again, off the list.
        Finish,
        /// The function returns, and its stack is gone: the entry must not be on the list any more.
        Leave,
        /// `wake_up()`: every waiter that is not exclusive, and the first exclusive one that sleeps. One entry a step.
        WakeOne,
        /// `wake_up_all()`.
        WakeAll,
    }
}

/// One operation on a wait queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    pub(crate) at: At,
    pub(crate) queue: ObjId,
    pub(crate) patience: Patience,
    /// Entries that the waker has passed and left on the list.
    pub(crate) passed: u8,
    /// Sleepers that it woke.
    pub(crate) woken: u8,
}

fields!(Wait { at, queue, patience, passed, woken });

impl Wait {
    /// An operation about to start.
    pub(crate) fn new(at: At, queue: ObjId, patience: Patience) -> Wait {
        Wait { at, queue, patience, passed: 0, woken: 0 }
    }

    /// A step of `__wake_up_common()`: an entry counts, and leaves the list, only if `try_to_wake_up()` found its task
    /// sleeping. Until the last one is looked at the lock stays held.
    fn wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, all: bool) -> Flow {
        let (held, mut waiters) = match enter(cx, self.queue) {
            Ok(entered) => entered,
            Err(spin) => return spin,
        };
        let next = waiters.queue.iter().nth(usize::from(self.passed));
        let over = match next.filter(|_| !cx.mutated(Mutant::WakeNobody)) {
            Some(t) => self.wake_entry(cx, &mut waiters, t, all),
            None => true,
        };
        if over {
            release(cx, &mut waiters)
        } else {
            keep(cx, &mut waiters)
        }
        cx.wait_queue(self.queue).waiters.set(held, waiters);
        if over { Flow::Done(Value::Word(i32::from(self.woken))) } else { Flow::Go }
    }

    /// Whether no other entry is looked at after this one.
    fn wake_entry<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, t: ThreadId, all: bool) -> bool {
        let exclusive = waiters.exclusive.contains(t) || cx.mutated(Mutant::WakeStopsEarly);
        let wakes = cx.wake(t) || cx.mutated(Mutant::WakeCountsRunning);
        if wakes && !cx.mutated(Mutant::NoAutoremove) {
            waiters.remove(t);
        } else {
            self.passed += 1;
        }
        self.woken += u8::from(wakes);
        let enough = wakes && exclusive && (!all || cx.mutated(Mutant::WakeAllStops));
        enough || waiters.queue.iter().nth(usize::from(self.passed)).is_none()
    }

    /// `prepare_to_wait()`, and with a patience that heeds signals `prepare_to_wait_event()`: it does not queue who
    /// will not sleep, so that a wake-up meant for one waiter is not spent on somebody who leaves. A signal may come
    /// after that look and before the state is set, though: then it finds nobody to wake, and a waker finds a sleeper.
    fn prepare<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, exclusive: bool) -> Flow {
        let (held, mut waiters) = match enter(cx, self.queue) {
            Ok(entered) => entered,
            Err(spin) => return spin,
        };
        let interrupted = self.patience.interruptible() && cx.signal_pending();
        let looks_apart = self.looks_apart(cx.program);
        let flow = if interrupted && !cx.mutated(Mutant::PrepareQueuesInterrupted) {
            waiters.remove(cx.me);
            Flow::Done(Errno::ERESTARTSYS.into())
        } else if looks_apart {
            keep(cx, &mut waiters);
            self.at = if exclusive { At::PrepareEventExclusive } else { At::PrepareEvent };
            Flow::Go
        } else {
            self.add(cx, &mut waiters, exclusive);
            Flow::Done(if interrupted { Errno::ERESTARTSYS.into() } else { Value::Word(0) })
        };
        cx.wait_queue(self.queue).waiters.set(held, waiters);
        flow
    }

    /// Whether a signal may come between the look for one and the rest.
    fn looks_apart(&self, program: &Program) -> bool {
        let mutated = program.mutated(Mutant::PrepareOneStep) || program.mutated(Mutant::PrepareQueuesInterrupted);
        self.patience.interruptible() && program.sends_signals && !mutated
    }

    /// On the list, and sleeping.
    fn add<R: Runtime>(&self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, exclusive: bool) {
        if !cx.mutated(Mutant::PrepareNotQueued) {
            waiters.add(cx.me, exclusive && !cx.mutated(Mutant::ExclusiveAtHead));
        }
        if !cx.mutated(Mutant::PrepareNoState) {
            cx.set_sleeping(self.patience);
        }
    }

    fn prepare_event<R: Runtime>(&self, cx: &mut Cx<'_, R>, exclusive: bool) -> Flow {
        match enter(cx, self.queue) {
            Ok((held, mut waiters)) => {
                self.add(cx, &mut waiters, exclusive);
                release(cx, &mut waiters);
                cx.wait_queue(self.queue).waiters.set(held, waiters);
                Flow::Done(Value::Word(0))
            }
            Err(spin) => spin,
        }
    }

    /// `finish_wait()`: the lock is wanted only by who is still on the list (`list_empty_careful()`).
    fn finish<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, held) = (cx.me, cx.enter(self.queue));
        let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
        if !cx.mutated(Mutant::FinishKeepsState) {
            cx.set_running();
        }
        if waiters.queue.contains(me) && !cx.mutated(Mutant::FinishStaysQueued) {
            if waiters.lock.owner().is_some() {
                self.at = At::FinishLocked;
                return Flow::Go;
            }
            waiters.remove(me);
            cx.wait_queue(self.queue).waiters.set(held, waiters);
        }
        Flow::Done(Value::Word(0))
    }

    fn finish_locked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match enter(cx, self.queue) {
            Ok((held, mut waiters)) => {
                waiters.remove(cx.me);
                cx.wait_queue(self.queue).waiters.set(held, waiters);
                Flow::Done(Value::Word(0))
            }
            Err(spin) => spin,
        }
    }

    /// The entry that a waker looks at, and the lock if there are several.
    fn wake_footprint(&self, v: View<'_>) -> Footprint {
        let waiters = v.world.wait_queue(self.queue).waiters.0;
        let f = Footprint::writes(self.queue);
        let mut entries = waiters.queue.iter().skip(usize::from(self.passed)).map(ObjId::task);
        if v.program.mutated(Mutant::WakeOneStep) {
            return irqs_footprint(v, entries.fold(f, Footprint::write));
        }
        let f = f.write_opt(entries.next());
        let several = entries.next().is_some() || waiters.lock.owner().is_some();
        if several { irqs_footprint(v, f) } else { f }
    }
}

impl Protocol for Wait {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Prepare => self.prepare(cx, false),
            At::PrepareExclusive => self.prepare(cx, true),
            At::PrepareEvent | At::PrepareEventExclusive => {
                self.prepare_event(cx, self.at == At::PrepareEventExclusive)
            }
            At::Schedule => {
                cx.schedule(self.patience);
                self.at = At::Woken;
                Flow::Sleep(self.queue, self.patience)
            }
            At::Woken => {
                let cause = woken_by(cx, self.patience);
                cx.set_running();
                if cause == Woken::WakeUp && self.patience.timed() {
                    self.at = At::Left;
                    return Flow::Go;
                }
                Flow::Done(cause.result())
            }
            At::Left => {
                let cause = if cx.choose(2) == 0 { Woken::WakeUp } else { Woken::Timeout };
                Flow::Done(cause.result())
            }
            At::Finish => self.finish(cx),
            At::FinishLocked => self.finish_locked(cx),
            At::WakeOne | At::WakeAll => {
                let all = self.at == At::WakeAll;
                let mut flow = self.wake(cx, all);
                while flow == Flow::Go && cx.mutated(Mutant::WakeOneStep) {
                    flow = self.wake(cx, all);
                }
                flow
            }
            At::Leave => {
                let held = cx.enter(self.queue);
                if cx.wait_queue(self.queue).waiters.get(held).queue.contains(cx.me) {
                    cx.violate(Property::WAIT_ENTRY_LEFT, Some(self.queue));
                }
                Flow::Done(Value::Word(0))
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Prepare | At::PrepareExclusive if self.looks_apart(v.program) => {
                irqs_footprint(v, Footprint::writes(self.queue).write(v.my_task()))
            }
            At::PrepareEvent | At::PrepareEventExclusive => {
                irqs_footprint(v, Footprint::writes(self.queue).write(v.my_task()))
            }
            At::Prepare | At::PrepareExclusive | At::Finish => Footprint::writes(self.queue).write(v.my_task()),
            At::FinishLocked => Footprint::writes(self.queue),
            At::Schedule | At::Woken => Footprint::writes(v.my_task()),
            At::Leave => Footprint::reads(self.queue),
            At::Left => Footprint::NONE.ways(2),
            At::WakeOne | At::WakeAll => self.wake_footprint(v),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        // "BUG: scheduling while atomic"
        if self.at == At::Schedule {
            cx.might_sleep(self.queue);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Schedule | At::Woken | At::Left | At::Finish | At::Leave => None,
            _ => Some(self.queue),
        }
    }
}
