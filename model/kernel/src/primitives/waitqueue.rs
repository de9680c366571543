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
//! Entries are exclusive and remove themselves when woken (`autoremove_wake_function()`). A waiter that runs already (its
//! timeout struck, another queue woke it) and has not yet called `finish` is no sleeper to wake: it stays on the list,
//! and the wake-up is the next one's.

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Runtime, SharedCell, Value, View,
    coder::{fields, points},
    cx::woken_by,
    ids::ThreadQueue,
    machine::Protocol,
    object::{Facet, FacetSink},
};

/// A `wait_queue_head_t`.
#[derive(Clone)]
pub struct WaitQueue<R: Runtime> {
    waiters: R::Cell<ThreadQueue>,
}

impl Copy for WaitQueue<Plain> {}

impl<R: Runtime> WaitQueue<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        WaitQueue { waiters: R::Cell::new(ThreadQueue::default(), id) }
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        sink("waiters", Facet::Queue(self.waiters.peek()));
    }
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
        /// `schedule()`.
        Schedule = "schedule",
        /// Back from `schedule()`.
        Woken = "back from schedule",
        /// `finish_wait()`: running again, off the list.
        Finish = "finish_wait",
        /// `wake_up()`: the first waiter that sleeps.
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
        let mut woken = 0;
        // __wake_up_common(): an entry counts, and leaves the list, only if try_to_wake_up() found its task sleeping.
        for t in waiters.iter() {
            if cx.wake(t) {
                waiters.remove(t);
                woken += 1;
                if !all {
                    break;
                }
            }
        }
        cx.wait_queue(self.queue).waiters.set(held, waiters);
        Flow::Done(Value::Word(woken))
    }
}

impl Protocol for Wait {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        match self.at {
            At::Prepare => {
                let held = cx.enter(self.queue);
                let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
                if !waiters.contains(me) {
                    waiters.push(me);
                }
                cx.wait_queue(self.queue).waiters.set(held, waiters);
                cx.set_sleeping();
                Flow::Done(Value::Word(0))
            }
            At::Schedule => {
                self.at = At::Woken;
                Flow::Sleep(self.queue, self.patience)
            }
            At::Woken => {
                let cause = woken_by(cx, self.patience);
                cx.set_running();
                Flow::Done(cause.result())
            }
            At::Finish => {
                let held = cx.enter(self.queue);
                let mut waiters = cx.wait_queue(self.queue).waiters.get(held);
                waiters.remove(me);
                cx.wait_queue(self.queue).waiters.set(held, waiters);
                cx.set_running();
                Flow::Done(Value::Word(0))
            }
            At::WakeOne => self.wake(cx, false),
            At::WakeAll => self.wake(cx, true),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Prepare | At::Finish => Footprint::writes(self.queue).write(v.my_task()),
            At::Schedule => Footprint::reads(v.my_task()),
            At::Woken => Footprint::writes(v.my_task()),
            At::WakeOne | At::WakeAll => {
                let waiters = v.world.wait_queue(self.queue).waiters.0;
                waiters.iter().fold(Footprint::writes(self.queue), |f, t| f.write(ObjId::task(t)))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
