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
//! An entry is exclusive or not. Those that are not stand first, and `wake_up()` wakes them all; then it wakes one that is:
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
//! Entries remove themselves when woken (`autoremove_wake_function()`). A waiter that runs already (its timeout struck, a
//! signal or another queue woke it) and has not yet called `finish` is no sleeper to wake: it stays on the list, and the
//! wake-up is the next one's. The other way round a waiter that was woken in time may come back to a CPU too late: then
//! `schedule_timeout()` returns 0 although a wake-up was spent on it.

use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, Mutation, ObjId, Patience, Plain, Property, Runtime, SharedCell, ThreadId,
    ThreadSet, Value, View,
    coder::{fields, points},
    cx::{Woken, woken_by},
    ids::ThreadQueue,
    machine::Protocol,
    object::{Facet, FacetSink},
};

/// The list, under the queue's lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Waiters {
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

fields!(Waiters { queue, exclusive });

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

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        sink("waiters", Facet::Queue(self.waiters.peek().queue));
    }
}

/// Takes the first waiter off the list of a queue, whether it sleeps or not: for a waker that wakes it later.
pub(crate) fn unlink_first<R: Runtime>(cx: &mut Cx<'_, R>, queue: ObjId) -> Option<ThreadId> {
    let held = cx.enter(queue);
    let mut waiters = cx.wait_queue(queue).waiters.get(held);
    let first = waiters.queue.iter().next()?;
    waiters.remove(first);
    cx.wait_queue(queue).waiters.set(held, waiters);
    Some(first)
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
    pub enum At {
        /// `prepare_to_wait()`: on the list and sleeping from here on, though still on the CPU.
        Prepare = "prepare_to_wait",
        /// `prepare_to_wait_exclusive()`: the same, at the tail, for one wake-up of its own.
        PrepareExclusive = "prepare_to_wait_exclusive",
        /// `schedule()`.
        Schedule = "schedule",
        /// Back from `schedule()`.
        Woken = "back from schedule",
        /// Woken, but back on a CPU only when the time is over: `schedule_timeout()` says what is left of it, which may be nothing.
        Left = "back from schedule: time left",
        /// `finish_wait()`: running again, off the list.
        Finish = "finish_wait",
        /// The function returns, and its stack is gone: the entry must not be on the list any more.
        Leave = "return",
        /// `wake_up()`: every waiter that is not exclusive, and the first exclusive one that sleeps.
        WakeOne = "wake_up",
        /// `wake_up_all()`.
        WakeAll = "wake_up_all",
    }
}

/// One operation on a wait queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    pub(crate) at: At,
    pub(crate) queue: ObjId,
    pub(crate) patience: Patience,
}

fields!(Wait { at, queue, patience });

impl Wait {
    fn wake<R: Runtime>(&self, cx: &mut Cx<'_, R>, all: bool) -> Flow {
        let held = cx.enter(self.queue);
        let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
        let (mut woken, nobody) = (0, cx.mutated(Mutation::WqWakeNobody));
        // __wake_up_common(): an entry counts, and leaves the list, only if try_to_wake_up() found its task sleeping.
        for t in waiters.queue.iter().filter(|_| !nobody) {
            let exclusive = waiters.exclusive.contains(t) || cx.mutated(Mutation::WqWakeStopsEarly);
            if cx.wake(t) || cx.mutated(Mutation::WqWakeCountsRunning) {
                if !cx.mutated(Mutation::WqNoAutoremove) {
                    waiters.remove(t);
                }
                woken += 1;
                if exclusive && (!all || cx.mutated(Mutation::WqWakeAllStops)) {
                    break;
                }
            }
        }
        cx.wait_queue(self.queue).waiters.set(held, waiters);
        Flow::Done(Value::Word(woken))
    }

    /// `prepare_to_wait()`, and with a patience that heeds signals `prepare_to_wait_event()`: it does not queue who will not
    /// sleep, so that a wake-up meant for one waiter is not spent on somebody who leaves.
    fn prepare<R: Runtime>(&self, cx: &mut Cx<'_, R>, exclusive: bool) -> Flow {
        let held = cx.enter(self.queue);
        let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
        let interrupted = self.patience.interruptible() && cx.signal_pending();
        if interrupted && !cx.mutated(Mutation::WqPrepareQueuesInterrupted) {
            waiters.remove(cx.me);
        } else {
            if !cx.mutated(Mutation::WqPrepareNotQueued) {
                waiters.add(cx.me, exclusive && !cx.mutated(Mutation::WqExclusiveAtHead));
            }
            if !cx.mutated(Mutation::WqPrepareNoState) {
                cx.set_sleeping(self.patience);
            }
        }
        cx.wait_queue(self.queue).waiters.set(held, waiters);
        Flow::Done(if interrupted { Errno::ERESTARTSYS.into() } else { Value::Word(0) })
    }
}

impl Protocol for Wait {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        match self.at {
            At::Prepare => self.prepare(cx, false),
            At::PrepareExclusive => self.prepare(cx, true),
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
            At::Finish => {
                let held = cx.enter(self.queue);
                let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
                if !cx.mutated(Mutation::WqFinishStaysQueued) {
                    waiters.remove(me);
                }
                cx.wait_queue(self.queue).waiters.set(held, waiters);
                if !cx.mutated(Mutation::WqFinishKeepsState) {
                    cx.set_running();
                }
                Flow::Done(Value::Word(0))
            }
            At::Leave => {
                let held = cx.enter(self.queue);
                if cx.wait_queue(self.queue).waiters.get(held).queue.contains(me) {
                    cx.violate(Property::WaitEntryLeft, Some(self.queue));
                }
                Flow::Done(Value::Word(0))
            }
            At::WakeOne => self.wake(cx, false),
            At::WakeAll => self.wake(cx, true),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Prepare | At::PrepareExclusive | At::Finish => Footprint::writes(self.queue).write(v.my_task()),
            At::Schedule | At::Woken => Footprint::writes(v.my_task()),
            At::Leave => Footprint::reads(self.queue),
            At::Left => Footprint::NONE.ways(2),
            At::WakeOne | At::WakeAll => {
                let waiters = v.world.wait_queue(self.queue).waiters.0.queue;
                waiters.iter().fold(Footprint::writes(self.queue), |f, t| f.write(ObjId::task(t)))
            }
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
}
