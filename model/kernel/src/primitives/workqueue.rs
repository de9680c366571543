//! Work items: `queue_work()`, `flush_work()`, `cancel_work_sync()`, and the worker that runs them.
//!
//! ```text
//!   queue_work      pending := 1 (coalesced if it was)      wakes the worker
//!   worker          pending := 0, running := 1   … body …   running := 0, wakes who flushes
//!   flush_work      sleeps until the run that is pending, or else the one in progress, is over
//! ```
//!
//! A *delayed* item has one pending bit for its timer and its queue: `queue_delayed_work()` sets it and arms the timer,
//! which expires at any moment from then on and puts the item on its queue. `mod_delayed_work()` takes it off either
//! and begins anew; `flush_delayed_work()` does not wait for the timer. `flush_work()` knows nothing of an item whose
//! timer runs.
//!
//! An item is *disabled* as often as somebody has done so (`disable_work_sync()`), and while somebody cancels it
//! (`cancel_work_sync()`, which disables and enables it): then it is not queued by anybody, also from its own function.
//!
//! An item never runs twice at once. Items of an ordered queue run one at a time, in the order in which they were
//! queued; others run at the same time as each other. Everything is under the pool's lock, which is the queue's object
//! here.
//!
//! `queue_work(wq, work)` says with each call on which queue (`queue=`). From then until that run is over the item is
//! that queue's. `__queue_work()` keeps an item from running twice at once only as long as it always comes to the same
//! queue: who queues it on another one while it runs has lost that (`work-on-two-queues`; "Non-reentrance" of
//! workqueue.rst). In a program that says so all queues are one pool, under one lock.
//!
//! Who runs an item is a thread of its own, whose script is the item's function; or, of a queue with workers
//! ([`pool`]), whichever of them comes to it, which calls the function.

pub(crate) mod idioms;
pub mod kind;
mod line;
mod mutants;
pub mod ops;
pub mod pool;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use kind::Workers;
use line::Line;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Held, ObjId, Patience, Plain, Program, Runtime, SharedCell, ThreadId, ThreadSet,
    Value, View,
    coder::{fields, points},
    cx::check_nothing_left,
    facet::{Facet, FacetSink},
    ground::{functions::functions, ids::CalleeId},
    property::Form,
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    pending: bool,
    /// It is pending on its timer, and on no queue.
    delayed: bool,
    running: bool,
    /// Who runs it.
    by: ThreadId,
    /// How often it is disabled, besides by those who cancel it.
    disabled: u8,
    /// Who cancels it: it cannot be queued meanwhile.
    cancelling: ThreadSet,
    /// What it was queued with.
    data: Value,
    /// What `INIT_WORK()` said that it calls, where that was said when it ran.
    func: Option<CalleeId>,
    /// The queue that it was put on, if not on its own; until that run is over.
    on: Option<ObjId>,
    /// Who waits for the run that is pending, and for the one in progress.
    after_pending: ThreadSet,
    after_running: ThreadSet,
}

impl State {
    fn is_disabled(&self) -> bool {
        self.disabled > 0 || !self.cancelling.is_empty()
    }

    /// It is on no queue any more, and no worker has it.
    fn settle(&mut self) {
        self.on = self.on.filter(|_| self.pending || self.running);
    }

    fn is_waited_for_by(&self, t: ThreadId) -> bool {
        self.after_pending.contains(t) || self.after_running.contains(t)
    }
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let waited = !self.after_pending.is_empty() || !self.after_running.is_empty() || !self.cancelling.is_empty();
        let on = self.on.is_some();
        let bits = [self.pending, self.running, waited, self.delayed, self.disabled > 0, self.func.is_some(), on];
        let mut flags = bits.iter().enumerate().fold(0, |f, (i, bit)| f | u8::from(*bit) << i);
        c.byte(&mut flags);
        (self.pending, self.running, self.delayed) = (flags & 1 != 0, flags & 2 != 0, flags & 8 != 0);
        if self.running {
            self.by.code(c);
        } else {
            self.by = ThreadId::default();
        }
        if flags & 16 != 0 {
            c.byte(&mut self.disabled);
        } else {
            self.disabled = 0;
        }
        if self.pending {
            self.data.code(c);
        } else {
            self.data = Value::Unset;
        }
        if flags & 32 != 0 {
            self.func.code(c);
        } else {
            self.func = None;
        }
        self.on = Some(self.on.unwrap_or_default()).filter(|_| flags & 64 != 0);
        self.on.iter_mut().for_each(|queue| queue.code(c));
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
    pub(crate) fn new(gate: ObjId) -> Self {
        Work { state: R::Cell::new(State::default(), gate) }
    }
}

impl<R: Runtime> Shared<R> for Work<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("pending", Facet::Flag(s.pending));
        sink("running", Facet::Flag(s.running));
        sink("delayed", Facet::Flag(s.delayed));
        sink("disabled", Facet::Word(i32::from(s.disabled) + s.cancelling.iter().count() as i32));
    }

    renewed!(Work { state: cell });

    /// debugobjects: "free active work". A function may free what its own item is inside of.
    /// One that runs is not lost: process_one_work() does not look at it after its function, which is told if it does.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let s = self.state.peek();
        Lost::when(if s.delayed { Form::FREED_ARMED } else { Form::FREED_PENDING }, s.pending)
    }

    fn set_function(&mut self, func: CalleeId, held: Held) {
        let s = State { func: Some(func), ..self.state.get(held) };
        self.state.set(held, s);
    }

    fn runner(&self) -> Option<ThreadId> {
        let s = self.state.peek();
        s.running.then_some(s.by)
    }
}

impl Code for Work<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

/// Most times that an item can be disabled at once.
const MAX_DISABLED: u8 = 15;

/// A `struct workqueue_struct`.
#[derive(Clone)]
pub struct Workqueue<R: Runtime> {
    line: R::Cell<Line>,
}

impl Copy for Workqueue<Plain> {}

impl<R: Runtime> Workqueue<R> {
    pub(crate) fn new(gate: ObjId) -> Self {
        Workqueue { line: R::Cell::new(Line::default(), gate) }
    }
}

impl<R: Runtime> Shared<R> for Workqueue<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Word(self.line.peek().items().len() as i32));
    }
}

impl Code for Workqueue<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.line.code(c);
    }
}

points! {
    /// Where an operation on a work item is.
    pub(crate) enum At {
        /// `queue_work()`: 1 if it was not pending yet.
        Queue = "queue_work",
        /// `queue_delayed_work()`: the same; its timer is armed.
        QueueDelayed = "queue_delayed_work",
        /// `mod_delayed_work()`: takes it off its timer or its queue, and arms the timer. 1 if it was pending.
        Mod = "mod_delayed_work",
        /// The same with a delay of 0: queues it.
        ModNow = "mod_delayed_work (0)",
        /// `flush_delayed_work()`: as if the timer had expired, then `flush_work()`.
        FlushDelayed = "flush_delayed_work",
        /// `cancel_work()`, `cancel_delayed_work()`: takes it off; a run in progress goes on. 1 if it was pending.
        CancelOnly = "cancel_work",
        /// `disable_work()`: the same, and nobody queues it until it is enabled as often.
        Disable = "disable_work",
        /// `disable_work_sync()`: the same, and waits for the run in progress.
        DisableSync = "disable_work_sync",
        /// `enable_work()`: 1 if it can be queued again.
        Enable = "enable_work",
        /// `flush_work()`: 1 if there was something to wait for.
        Flush = "flush_work",
        /// Back from that sleep.
        Flushed = "flush_work: woken",
        /// `cancel_work_sync()`: takes it off the queue. 1 if it was pending.
        Cancel = "cancel_work_sync",
        /// No run is in progress any more: `enable_work()`.
        Cancelled = "cancel_work_sync: enable_work",
        /// `worker_thread()`: takes its item, or sleeps.
        Take = "worker takes work",
        /// The item's function has returned.
        Done = "work function returns",
    }
}

functions! {
    /// A work item's functions, and the end of a run.
    pub enum How begins at At {
        /// `queue_work()`: 1 if it was not pending yet.
        Queue,
        /// `queue_delayed_work()`: the same; its timer is armed.
        QueueDelayed,
        /// `mod_delayed_work()`: takes it off its timer or its queue, and arms the timer. 1 if it was pending.
        Mod,
        /// The same with a delay of 0: queues it.
        ModNow,
        /// `flush_delayed_work()`: as if the timer had expired, then `flush_work()`.
        FlushDelayed,
        /// `cancel_work()`, `cancel_delayed_work()`: takes it off; a run in progress goes on. 1 if it was pending.
        CancelOnly,
        /// `disable_work()`: the same, and nobody queues it until it is enabled as often.
        Disable,
        /// `disable_work_sync()`: the same, and waits for the run in progress.
        DisableSync,
        /// `enable_work()`: 1 if it can be queued again.
        Enable,
        /// `flush_work()`: 1 if there was something to wait for.
        Flush,
        /// `cancel_work_sync()`: takes it off the queue. 1 if it was pending.
        Cancel,
        /// The item's function has returned.
        Done,
    }
}

/// An operation on a work item in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkOp {
    at: At,
    work: ObjId,
    data: Value,
    /// The queue that it is put on, if that is said.
    on: Option<ObjId>,
    was_pending: bool,
}

fields!(WorkOp { at, work, data, on, was_pending });

/// Where an item belongs.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// Whose lock its state is under.
    gate: ObjId,
    queue: ObjId,
    ordered: bool,
    runs: Runs<'p>,
}

/// Who runs it.
#[derive(Clone, Copy)]
enum Runs<'p> {
    Own(ThreadId),
    /// Any of these; `None` of a queue that has not got any, which no program has.
    Workers(Option<&'p Workers>),
}

impl Place<'_> {
    /// Of an item that is on a queue of others, or on its own.
    fn of(program: &crate::Program, work: ObjId, on: Option<ObjId>) -> Place<'_> {
        let item = program.kind(work);
        let queue = on.or(item.queue()).unwrap_or(work);
        let of = program.fixed::<kind::Workqueue>(queue);
        let runs = match item.runs() {
            Some(worker) => Runs::Own(worker),
            None => Runs::Workers(of.and_then(|q| q.workers.as_ref())),
        };
        Place { gate: program.gate_of(work), queue, ordered: of.is_some_and(|q| q.ordered), runs }
    }

    /// Whether it stands in its queue's line while it is queued: an item with a thread of its own only where its turn
    /// depends on the others.
    fn lines_up(&self) -> bool {
        self.ordered || matches!(self.runs, Runs::Workers(_))
    }

    /// Whom it may wake to be queued.
    fn worker(&self, line: Line) -> Option<ThreadId> {
        match self.runs {
            Runs::Own(worker) => Some(worker),
            Runs::Workers(workers) => workers.and_then(|w| line.idle_worker(w)),
        }
    }

    /// Adds to a footprint whom it may wake.
    fn wakes(&self, v: View<'_>, work: ObjId, f: Footprint) -> Footprint {
        let line = v.world.workqueue(self.queue).line.0;
        let woken = [timer_of(v.program, work), self.worker(line)];
        woken.into_iter().flatten().fold(f.write(self.queue), |f, t| f.write(ObjId::task(t)))
    }
}

/// Whom an item wakes to be put on its timer, which is on its own queue's CPU whatever queue it comes to then.
fn timer_of(program: &Program, work: ObjId) -> Option<ThreadId> {
    match Place::of(program, work, None).runs {
        // Its worker's thread is its timer, too.
        Runs::Own(worker) => Some(worker),
        Runs::Workers(workers) => workers.and_then(|w| w.timer),
    }
}

impl Program {
    /// Under whose lock a queue is, and all that is on it: its own, or that of the one pool of all queues.
    pub(crate) fn pool_of(&self, queue: ObjId) -> ObjId {
        self.one_pool.filter(|_| self.is::<kind::Workqueue>(queue)).unwrap_or(queue)
    }

    /// Under whose lock the state of an object is.
    pub(crate) fn gate_of(&self, id: ObjId) -> ObjId {
        let kind = self.kind(id);
        kind.queue().map(|queue| self.pool_of(queue)).or(kind.gate()).unwrap_or(id)
    }
}

impl WorkOp {
    pub(crate) const BLANK: WorkOp =
        WorkOp { at: At::Queue, work: ObjId::object(0), data: Value::Unset, on: None, was_pending: false };

    /// An operation about to start.
    pub(crate) fn new(at: At, work: ObjId, data: Value) -> WorkOp {
        WorkOp { at, work, data, ..WorkOp::BLANK }
    }

    /// The same, on a queue that is said.
    pub(crate) fn on(self, program: &Program, queue: Option<ObjId>) -> WorkOp {
        let own = program.kind(self.work).queue();
        WorkOp { on: queue.filter(|queue| own != Some(*queue)), ..self }
    }

    fn get<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held) -> State {
        cx.work(self.work).state.get(held)
    }

    fn set<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, s: State) {
        cx.work(self.work).state.set(held, s);
    }

    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        let ignores = s.is_disabled() && !cx.mutated(Mutant::QueueDisabled);
        if s.pending || ignores {
            return Flow::Done(Value::Word(i32::from(cx.mutated(Mutant::QueueTwice))));
        }
        if !cx.mutated(Mutant::QueueForgets) {
            self.make_pending(cx, held, &mut s, self.at == At::QueueDelayed);
            self.set(cx, held, s);
        }
        Flow::Done(Value::Word(1))
    }

    /// On its timer, or on its queue.
    fn make_pending<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, s: &mut State, delayed: bool) {
        if s.running && s.on != self.on {
            cx.violate(crate::Property::WORK_ON_TWO_QUEUES, Some(self.work));
        }
        if self.on.is_some() && cx.program.kind(self.work).runs().is_some() {
            // Its own thread is its queue's worker, and no other one's.
            cx.violate(crate::Property::WRONG_KIND, Some(self.work));
        }
        (s.pending, s.data, s.delayed, s.on) = (true, self.data, delayed, self.on);
        if delayed {
            timer_of(cx.program, self.work).into_iter().for_each(|t| {
                cx.wake(t);
            });
        } else {
            line_up(cx, held, self.work, *s);
        }
    }

    /// `mod_delayed_work()`.
    fn modify<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        self.grab(cx, held, &mut s);
        if !s.is_disabled() {
            self.make_pending(cx, held, &mut s, self.at == At::Mod);
        }
        self.set(cx, held, s);
        Flow::Done(Value::Word(i32::from(self.was_pending)))
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
        if self.at == At::FlushDelayed && s.delayed && !cx.mutated(Mutant::FlushLeavesTimer) {
            s.delayed = false;
            line_up(cx, held, self.work, s);
        }
        if s.pending && !s.delayed {
            s.after_pending.insert(cx.me);
        } else if s.running && !cx.mutated(Mutant::FlushReturns) {
            s.after_running.insert(cx.me);
        } else {
            self.set(cx, held, s);
            return Flow::Done(Value::Word(0));
        }
        self.set(cx, held, s);
        self.wait(cx, At::Flushed, s, 1)
    }

    /// `work_grab_pending()`: takes it off its timer or its queue. Who flushes it has nothing to wait for.
    fn grab<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, s: &mut State) {
        let place = Place::of(cx.program, self.work, s.on);
        self.was_pending = s.pending;
        if !s.pending {
            return;
        }
        s.pending = cx.mutated(Mutant::CancelKeepsPending);
        s.delayed &= s.pending;
        std::mem::take(&mut s.after_pending).iter().for_each(|t| {
            if !cx.mutated(Mutant::CancelForgetsFlush) {
                cx.wake(t);
            }
        });
        let mut line = cx.workqueue(place.queue).line.get(held);
        if place.lines_up() && line.take_off(self.work) {
            cx.workqueue(place.queue).line.set(held, line);
            if let Runs::Own(_) = place.runs {
                start_next(cx, line);
            }
        }
        s.settle();
    }

    /// `cancel_work()`, `disable_work()` and those that wait for the run in progress.
    fn cancel<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        self.judge(cx);
        let (at, me) = (self.at, cx.me);
        self.grab(cx, held, &mut s);
        if matches!(at, At::Disable | At::DisableSync) {
            if s.disabled == MAX_DISABLED {
                cx.violate(crate::Property::CAPACITY_EXCEEDED, Some(self.work));
            }
            s.disabled += u8::from(!cx.mutated(Mutant::DisableNothing));
        }
        if at == At::Cancel && !cx.mutated(Mutant::CancelLetsQueue) {
            s.cancelling.insert(me);
        }
        let waits = matches!(at, At::Cancel | At::DisableSync) && s.running;
        if waits && !cx.mutated(Mutant::CancelNoWait) {
            s.after_running.insert(me);
        }
        self.set(cx, held, s);
        if s.is_waited_for_by(me) || at != At::Cancel {
            let was = i32::from(self.was_pending);
            return self.wait(cx, At::Cancelled, s, was);
        }
        self.at = At::Cancelled;
        Flow::Go
    }

    fn enable<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        match s.disabled.checked_sub(1) {
            // "work disable count underflowed"
            None => cx.violate(crate::Property::WORK_NOT_DISABLED, Some(self.work)),
            Some(left) => s.disabled = left,
        }
        self.set(cx, held, s);
        Flow::Done(Value::Word(i32::from(!s.is_disabled())))
    }

    fn cancelled<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        if !s.is_waited_for_by(cx.me) {
            s.cancelling.remove(cx.me);
            self.set(cx, held, s);
        }
        let was = i32::from(self.was_pending);
        self.wait(cx, At::Cancelled, s, was)
    }

    fn take<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut s: State) -> Flow {
        if s.pending && s.delayed {
            // delayed_work_timer_fn()
            s.delayed = false;
            self.set(cx, held, s);
            line_up(cx, held, self.work, State { running: false, ..s });
            cx.set_running();
            return Flow::Go;
        }
        let Place { queue, ordered, .. } = Place::of(cx.program, self.work, None);
        let mut line = cx.workqueue(queue).line.get(held);
        let turn = !ordered || cx.mutated(Mutant::OrderedTogether) || !line.busy && line.first() == Some(self.work);
        if !s.pending || !turn {
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.work, Patience::Forever);
        }
        cx.set_running();
        line.busy = ordered;
        cx.workqueue(queue).line.set(held, line);
        let data = s.begin_run(cx.me);
        self.set(cx, held, s);
        Flow::Done(data)
    }

    fn done<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let Place { queue, ordered, .. } = Place::of(cx.program, self.work, None);
        end_run(cx, held, self.work);
        if ordered {
            let mut line = cx.workqueue(queue).line.get(held);
            line.remove(0);
            line.busy = false;
            cx.workqueue(queue).line.set(held, line);
            start_next(cx, line);
        }
        Flow::Done(Value::Word(0))
    }
}

impl State {
    /// `process_one_work()`: from here on it may be queued again. Who waits for what was pending waits for this run.
    fn begin_run(&mut self, by: ThreadId) -> Value {
        (self.pending, self.running, self.by) = (false, true, by);
        self.after_running = ThreadSet(self.after_running.0 | std::mem::take(&mut self.after_pending).0);
        std::mem::take(&mut self.data)
    }
}

/// The item's function has returned.
fn end_run<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, work: ObjId) {
    // "BUG: workqueue leaked lock or atomic"
    check_nothing_left(cx);
    // process_one_work() does not look at an item again that may be gone: that it ran is the pool's knowledge.
    cx.note(work);
    if cx.program.root_of(work).is_some() && cx.world.work(work).runner() != Some(cx.me) {
        return;
    }
    let item = &mut cx.world.work_mut(work).state;
    let mut s = item.get(held);
    (s.running, s.by) = (false, ThreadId::default());
    s.settle();
    let waiters = std::mem::take(&mut s.after_running);
    item.set(held, s);
    waiters.iter().for_each(|t| {
        if !cx.mutated(Mutant::DoneNoWake) {
            cx.wake(t);
        }
    });
}

/// `__queue_work()`: its worker runs it, if it is its turn; or an idle one of the queue's does (`kick_pool()`). Who
/// runs it now comes back to it by himself.
fn line_up<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, work: ObjId, s: State) {
    let place = Place::of(cx.program, work, s.on);
    let mut line = cx.workqueue(place.queue).line.get(held);
    if place.lines_up() && !line.push(work, place.ordered) {
        cx.violate(crate::Property::CAPACITY_EXCEEDED, Some(place.queue));
    }
    match place.runs {
        Runs::Own(worker) => {
            if (!place.ordered || line.first() == Some(work)) && !cx.mutated(Mutant::QueueNoWake) {
                cx.wake(worker);
            }
        }
        Runs::Workers(workers) if !s.running => {
            workers.into_iter().for_each(|workers| pool::kick(cx, &mut line, workers));
        }
        Runs::Workers(_) => {}
    }
    cx.workqueue(place.queue).line.set(held, line);
}

/// The first item of an ordered queue that nobody runs: its worker can go.
fn start_next<R: Runtime>(cx: &mut Cx<'_, R>, line: Line) {
    let next = line.first().filter(|_| !line.busy && !cx.mutated(Mutant::OrderedNoNext));
    if let Some(worker) = next.and_then(|next| cx.program.kind(next).runs()) {
        cx.wake(worker);
    }
}

impl Protocol for WorkOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(cx.program.gate_of(self.work));
        let s = self.get(cx, held);
        match self.at {
            At::Queue | At::QueueDelayed => self.queue(cx, held, s),
            At::Mod | At::ModNow => self.modify(cx, held, s),
            At::Enable => self.enable(cx, held, s),
            At::Flush | At::FlushDelayed => self.flush(cx, held, s),
            At::Flushed => self.wait(cx, At::Flushed, s, 1),
            At::Cancel | At::CancelOnly | At::Disable | At::DisableSync => self.cancel(cx, held, s),
            At::Cancelled => self.cancelled(cx, held, s),
            At::Take => self.take(cx, held, s),
            At::Done => self.done(cx, held),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let s = v.world.work(self.work).state.0;
        let place = Place::of(v.program, self.work, s.on);
        let mut f = Footprint::writes(place.gate).write(place.queue).write(self.work);
        let waiters = ThreadSet(s.after_pending.0 | s.after_running.0);
        let grabs =
            matches!(self.at, At::Cancel | At::CancelOnly | At::Disable | At::DisableSync | At::Mod | At::ModNow);
        if grabs || self.at == At::Done {
            f = waiters.iter().fold(f, |f, t| f.write(ObjId::task(t)));
            if place.ordered {
                // Whoever is next: any of the queue's items with threads of their own.
                let line = v.world.workqueue(place.queue).line.0;
                let runs = line.items().iter().filter_map(|i| v.program.kind(*i).runs());
                f = runs.fold(f, |f, t| f.write(ObjId::task(t)));
            }
        }
        match self.at {
            At::Queue | At::QueueDelayed | At::Mod | At::ModNow => {
                Place::of(v.program, self.work, self.on).wakes(v, self.work, f)
            }
            At::FlushDelayed => place.wakes(v, self.work, f).write(v.my_task()),
            At::Done => f,
            _ => f.write(v.my_task()),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if matches!(self.at, At::Flush | At::FlushDelayed | At::Cancel | At::DisableSync) {
            cx.might_sleep(self.work);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
