//! `wake_q`: wake-ups that are made later, when the lock under which they were decided is dropped.
//!
//! ```text
//!   lock l
//!   wake-q-add wq queue=q     (off the queue, on the list; nobody is woken)
//!   unlock l
//!   wake-q-flush wq           (each is woken, one step each)
//! ```
//!
//! A task has one link: while it is on somebody's list it is put on no other, and that one's flush wakes it. What is
//! never flushed is never woken.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Plain, Runtime, SharedCell, ThreadId, Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ids::ThreadQueue,
    primitives::waitqueue,
    protocol::Protocol,
    shared::Shared,
};

/// A `struct wake_q_head`.
#[derive(Clone)]
pub struct WakeQ<R: Runtime> {
    tasks: R::Cell<ThreadQueue>,
}

impl Copy for WakeQ<Plain> {}

impl<R: Runtime> WakeQ<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        WakeQ { tasks: R::Cell::new(ThreadQueue::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for WakeQ<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("tasks", Facet::Queue(self.tasks.peek()));
    }
}

impl Code for WakeQ<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.tasks.code(c);
    }
}

points! {
    /// What is done with a list of deferred wake-ups, one at a step.
    pub enum How {
        /// `wake_q_add()` of the first waiter of a wait queue, which leaves that queue.
        AddFirst = "wake_q_add (first waiter)",
        /// `wake_q_add()` of a task.
        AddTask = "wake_q_add",
        /// `wake_up_q()`: takes the first off the list and wakes it; one task a step.
        Flush = "wake_up_q",
    }
}

/// One operation on a list of deferred wake-ups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WakeQOp {
    pub(crate) how: How,
    pub(crate) wake_q: ObjId,
    /// The wait queue whose first waiter is taken.
    pub(crate) queue: ObjId,
    /// The task that is put on the list.
    pub(crate) task: ThreadId,
    /// Sleepers woken so far.
    pub(crate) woken: u8,
}

fields!(WakeQOp { how, wake_q, queue, task, woken });

impl WakeQOp {
    /// `__wake_q_add()`: nothing, if the task is on a list already.
    fn add<R: Runtime>(&self, cx: &mut Cx<'_, R>, task: ThreadId) -> Flow {
        cx.touch(ObjId::task(task));
        // smp_mb__before_atomic(): what was written before is seen by the task, even if another's flush wakes it.
        cx.full_barrier(Mutant::AddNoBarrier);
        let node = &mut cx.world.task_mut(task).wake_node;
        let added = node.compare_exchange(0, 1, Order::Relaxed).is_ok() || cx.mutated(Mutant::AddTwice);
        if added && !cx.mutated(Mutant::AddForgets) {
            let held = cx.enter(self.wake_q);
            let mut tasks = cx.wake_q(self.wake_q).tasks.get(held);
            tasks.push(task);
            cx.wake_q(self.wake_q).tasks.set(held, tasks);
        }
        Flow::Done(Value::Word(i32::from(added)))
    }

    fn flush<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.wake_q);
        let mut tasks = cx.wake_q(self.wake_q).tasks.get(held);
        if let Some(t) = tasks.pop() {
            cx.wake_q(self.wake_q).tasks.set(held, tasks);
            cx.touch(ObjId::task(t));
            // From here on it may be put on a list again.
            let node = u8::from(cx.mutated(Mutant::FlushKeepsNode));
            cx.world.task_mut(t).wake_node.store(node, Order::Relaxed);
            self.woken += u8::from(!cx.mutated(Mutant::FlushNoWake) && cx.wake(t));
        }
        let over = tasks.is_empty() || cx.mutated(Mutant::FlushStops);
        if over { Flow::Done(Value::Word(i32::from(self.woken))) } else { Flow::Go }
    }
}

impl Protocol for WakeQOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.how {
            How::AddFirst => match waitqueue::unlink_first(cx, self.queue) {
                Ok(Some(first)) => self.add(cx, first),
                Ok(None) => Flow::Done(Value::Word(0)),
                Err(spin) => spin,
            },
            How::AddTask => self.add(cx, self.task),
            How::Flush => self.flush(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.wake_q);
        let task = |t: Option<ThreadId>| t.map(ObjId::task);
        match self.how {
            How::AddFirst => f.write(self.queue).write_opt(task(waitqueue::first_waiter(v, self.queue))),
            How::AddTask => f.write_opt(task(Some(self.task))),
            How::Flush => f.write_opt(task(v.world.wake_q(self.wake_q).tasks.0.iter().next())),
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        (self.how == How::AddFirst).then_some(self.queue)
    }
}
