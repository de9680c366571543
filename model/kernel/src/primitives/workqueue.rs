//! Work items: `queue_work()`, `flush_work()`, `cancel_work_sync()`, and the worker that runs them.
//!
//! ```text
//!   queue_work      pending := 1 (coalesced if it was)      wakes the worker
//!   worker          pending := 0, running := 1   … body …   running := 0, wakes who flushes
//!   flush_work      sleeps until the run that is pending, or else the one in progress, is over
//! ```
//!
//! An item never runs twice at once. Items of an ordered queue run one at a time, in the order in which they were queued;
//! others run at the same time as each other. Everything is under the pool's lock, which is the queue's object here.

use crate::{
    Code, Coder, Cx, Flow, Footprint, Held, Mutation, ObjId, Patience, Plain, Runtime, SharedCell, ThreadId, ThreadSet,
    Value, View,
    coder::{fields, points},
    machine::Protocol,
    object::{Facet, FacetSink},
    program::ObjectKind,
    thread,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    pending: bool,
    running: bool,
    /// Who cancels it: it cannot be queued meanwhile.
    cancelling: ThreadSet,
    /// What it was queued with.
    data: Value,
    /// Who waits for the run that is pending, and for the one in progress.
    after_pending: ThreadSet,
    after_running: ThreadSet,
}

impl State {
    fn is_waited_for_by(&self, t: ThreadId) -> bool {
        self.after_pending.contains(t) || self.after_running.contains(t)
    }
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let waited = !self.after_pending.is_empty() || !self.after_running.is_empty() || !self.cancelling.is_empty();
        let mut flags = u8::from(self.pending) | u8::from(self.running) << 1 | u8::from(waited) << 2;
        c.byte(&mut flags);
        (self.pending, self.running) = (flags & 1 != 0, flags & 2 != 0);
        if self.pending {
            self.data.code(c);
        } else {
            self.data = Value::Unset;
        }
        if flags & 4 != 0 {
            self.cancelling.code(c);
            self.after_pending.code(c);
            self.after_running.code(c);
        } else {
            (self.cancelling, self.after_pending, self.after_running) = Default::default();
        }
    }
}

/// A `struct work_struct`.
#[derive(Clone)]
pub struct Work<R: Runtime> {
    state: R::Cell<State>,
}

impl Copy for Work<Plain> {}

impl<R: Runtime> Work<R> {
    pub(crate) fn new(queue: ObjId) -> Self {
        Work { state: R::Cell::new(State::default(), queue) }
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("pending", Facet::Flag(s.pending));
        sink("running", Facet::Flag(s.running));
    }
}

impl Code for Work<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

/// Most items of an ordered queue at once.
const CAPACITY: usize = 8;

/// The items of an ordered queue, first the one that runs or is about to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Line {
    len: u8,
    items: [u8; CAPACITY],
    /// The first one runs.
    busy: bool,
}

impl Line {
    fn items(&self) -> &[u8] {
        &self.items[..usize::from(self.len)]
    }

    fn first(&self) -> Option<ObjId> {
        self.items().first().map(|i| ObjId(*i))
    }

    fn push(&mut self, item: ObjId) -> bool {
        let at = usize::from(self.len);
        if at == CAPACITY {
            return false;
        }
        self.items[at] = item.0;
        self.len += 1;
        true
    }

    fn remove(&mut self, at: usize) {
        self.items.copy_within(at + 1.., at);
        self.len -= 1;
        self.items[usize::from(self.len)] = 0;
    }
}

impl Code for Line {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        if C::READING {
            self.items = [0; CAPACITY];
        }
        self.items[..usize::from(self.len)].iter_mut().for_each(|i| c.byte(i));
        self.busy.code(c);
    }
}

/// A `struct workqueue_struct`.
#[derive(Clone)]
pub struct Workqueue<R: Runtime> {
    line: R::Cell<Line>,
}

impl Copy for Workqueue<Plain> {}

impl<R: Runtime> Workqueue<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Workqueue { line: R::Cell::new(Line::default(), id) }
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Word(i32::from(self.line.peek().len)));
    }
}

impl Code for Workqueue<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.line.code(c);
    }
}

points! {
    /// Where an operation on a work item is.
    pub enum At {
        /// `queue_work()`: 1 if it was not pending yet.
        Queue = "queue_work",
        /// `flush_work()`: 1 if there was something to wait for.
        Flush = "flush_work",
        /// Back from that sleep.
        Flushed = "flush_work: woken",
        /// `cancel_work_sync()`: takes it off the queue. 1 if it was pending.
        Cancel = "cancel_work_sync",
        /// Back from waiting for the run in progress.
        Cancelled = "cancel_work_sync: woken",
        /// `worker_thread()`: takes its item, or sleeps.
        Take = "worker takes work",
        /// The item's function has returned.
        Done = "work function returns",
    }
}

/// An operation on a work item in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkOp {
    at: At,
    work: ObjId,
    data: Value,
    was_pending: bool,
}

fields!(WorkOp { at, work, data, was_pending });

/// The worker and the queue of an item.
fn parts(program: &crate::Program, work: ObjId) -> (ThreadId, ObjId, bool) {
    let ObjectKind::Work { worker, queue } = *program.kind(work) else { return (ThreadId(0), work, false) };
    (worker, queue, matches!(program.kind(queue), ObjectKind::Workqueue { ordered: true }))
}

impl WorkOp {
    pub(crate) const BLANK: WorkOp = WorkOp { at: At::Queue, work: ObjId(0), data: Value::Unset, was_pending: false };

    /// An operation about to start.
    pub(crate) fn new(at: At, work: ObjId, data: Value) -> WorkOp {
        WorkOp { at, work, data, was_pending: false }
    }

    fn get<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held) -> State {
        cx.work(self.work).state.get(held)
    }

    fn set<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, s: State) {
        cx.work(self.work).state.set(held, s);
    }

    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        let (worker, queue, ordered) = parts(cx.program, self.work);
        if s.pending || !s.cancelling.is_empty() {
            return Flow::Done(Value::Word(i32::from(cx.mutated(Mutation::WorkQueueTwice))));
        }
        if cx.mutated(Mutation::WorkQueueForgets) {
            return Flow::Done(Value::Word(1));
        }
        (s.pending, s.data) = (true, self.data);
        self.set(cx, held, s);
        let mut line = cx.workqueue(queue).line.get(held);
        if ordered && !line.push(self.work) {
            cx.violate(crate::Property::CapacityExceeded, Some(queue));
        }
        cx.workqueue(queue).line.set(held, line);
        if (!ordered || line.first() == Some(self.work)) && !cx.mutated(Mutation::WorkQueueNoWake) {
            cx.wake(worker);
        }
        Flow::Done(Value::Word(1))
    }

    /// Sleeps until the thread is in neither set of waiters.
    fn wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, at: At, s: State, result: i32) -> Flow {
        self.at = at;
        if s.is_waited_for_by(cx.me) {
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.work, Patience::Forever);
        }
        cx.set_running();
        Flow::Done(Value::Word(result))
    }

    fn flush<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        self.judge(cx);
        if s.pending {
            s.after_pending.insert(cx.me);
        } else if s.running && !cx.mutated(Mutation::WorkFlushReturns) {
            s.after_running.insert(cx.me);
        } else {
            return Flow::Done(Value::Word(0));
        }
        self.set(cx, held, s);
        self.wait(cx, At::Flushed, s, 1)
    }

    fn cancel<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        self.judge(cx);
        let (_, queue, ordered) = parts(cx.program, self.work);
        self.was_pending = s.pending;
        if s.pending {
            s.pending = cx.mutated(Mutation::WorkCancelKeepsPending);
            std::mem::take(&mut s.after_pending).iter().for_each(|t| {
                if !cx.mutated(Mutation::WorkCancelForgetsFlush) {
                    cx.wake(t);
                }
            });
            let mut line = cx.workqueue(queue).line.get(held);
            // The first of a busy line is the run in progress, which goes on.
            let from = usize::from(line.busy);
            let at = line.items().iter().skip(from).position(|i| *i == self.work.0);
            if let Some(at) = at.filter(|_| ordered) {
                line.remove(from + at);
                cx.workqueue(queue).line.set(held, line);
                WorkOp::start_next(cx, line);
            }
        }
        if s.running && !cx.mutated(Mutation::WorkCancelNoWait) {
            s.after_running.insert(cx.me);
            if !cx.mutated(Mutation::WorkCancelLetsQueue) {
                s.cancelling.insert(cx.me);
            }
        }
        self.set(cx, held, s);
        let was = i32::from(self.was_pending);
        self.wait(cx, At::Cancelled, s, was)
    }

    fn cancelled<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        if !s.is_waited_for_by(cx.me) {
            s.cancelling.remove(cx.me);
            self.set(cx, held, s);
        }
        let was = i32::from(self.was_pending);
        self.wait(cx, At::Cancelled, s, was)
    }

    /// The first item of an ordered queue that nobody runs: its worker can go.
    fn start_next<R: Runtime>(cx: &mut Cx<'_, R>, line: Line) {
        if let Some(next) = line.first().filter(|_| !line.busy && !cx.mutated(Mutation::WorkOrderedNoNext)) {
            let (worker, ..) = parts(cx.program, next);
            cx.wake(worker);
        }
    }

    fn take<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        let (_, queue, ordered) = parts(cx.program, self.work);
        let mut line = cx.workqueue(queue).line.get(held);
        let turn =
            !ordered || cx.mutated(Mutation::WorkOrderedTogether) || !line.busy && line.first() == Some(self.work);
        if !s.pending || !turn {
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.work, Patience::Forever);
        }
        cx.set_running();
        line.busy = ordered;
        cx.workqueue(queue).line.set(held, line);
        let data = std::mem::take(&mut s.data);
        (s.pending, s.running) = (false, true);
        s.after_running = ThreadSet(s.after_running.0 | std::mem::take(&mut s.after_pending).0);
        self.set(cx, held, s);
        Flow::Done(data)
    }

    fn done<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        let (_, queue, ordered) = parts(cx.program, self.work);
        // "BUG: workqueue leaked lock or atomic"
        thread::check_nothing_left(cx);
        s.running = false;
        let waiters = std::mem::take(&mut s.after_running);
        self.set(cx, held, s);
        waiters.iter().for_each(|t| {
            if !cx.mutated(Mutation::WorkDoneNoWake) {
                cx.wake(t);
            }
        });
        if ordered {
            let mut line = cx.workqueue(queue).line.get(held);
            line.remove(0);
            line.busy = false;
            cx.workqueue(queue).line.set(held, line);
            WorkOp::start_next(cx, line);
        }
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for WorkOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (_, queue, _) = parts(cx.program, self.work);
        let held = cx.enter(queue);
        let s = self.get(cx, held);
        match self.at {
            At::Queue => self.queue(cx, held, s),
            At::Flush => self.flush(cx, held, s),
            At::Flushed => self.wait(cx, At::Flushed, s, 1),
            At::Cancel => self.cancel(cx, held, s),
            At::Cancelled => self.cancelled(cx, held, s),
            At::Take => self.take(cx, held, s),
            At::Done => self.done(cx, held, s),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let (worker, queue, ordered) = parts(v.program, self.work);
        let mut f = Footprint::writes(queue).write(self.work);
        let s = v.world.work(self.work).state.0;
        let waiters = ThreadSet(s.after_pending.0 | s.after_running.0);
        if matches!(self.at, At::Cancel | At::Done) {
            f = waiters.iter().fold(f, |f, t| f.write(ObjId::task(t)));
            if ordered {
                // Whoever is next: any of the queue's workers.
                let line = v.world.workqueue(queue).line.0;
                f = line.items().iter().fold(f, |f, i| f.write(ObjId::task(parts(v.program, ObjId(*i)).0)));
            }
        }
        match self.at {
            At::Queue => f.write(ObjId::task(worker)),
            At::Done => f,
            _ => f.write(v.my_task()),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if matches!(self.at, At::Flush | At::Cancel) {
            cx.might_sleep(self.work);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
