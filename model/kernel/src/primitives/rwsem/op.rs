//! The operations on a semaphore, as far as they touch the count alone; what is done under `wait_lock` is `queue.rs`.

use super::{Count, MAX_READERS, Mutant, READER_BIAS, WRITER_BIT};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Patience, Property, Runtime, ThreadId, Value, View,
    Violation, coder::points, ground::functions::functions, ids::ThreadQueue, primitives::irq::irqs_footprint,
    property::Form, protocol::Protocol, runtime::NoteCell,
};

points! {
    /// Where an operation on a semaphore is.
    pub(crate) enum At {
        /// `down_read()`: `rwsem_read_trylock()` adds a reader and looks.
        Read = "down_read: add a reader",
        /// Somebody waits, and others are in the count: if the owner word says that readers have it, we stand behind
        /// him.
        ReadOwner = "down_read: owned by readers?",
        /// `rwsem_set_reader_owned()`: the lock is ours already, the owner word is stored after the count.
        SetOwner = "down_read: set reader owned",
        /// Got it although somebody waits: `rwsem_mark_wake()` lets the other readers of the queue in (`wait_lock`).
        ReadTogether = "down_read: wake readers (wait_lock)",
        /// `rwsem_down_read_slowpath()`: takes `wait_lock`; is the writer gone, and the queue empty? (`wait_lock`)
        ReadQueue = "down_read: writer gone? (wait_lock)",
        /// The same, still in that section: on the queue, and off the count.
        ReadOff = "down_read: queue, off the count (wait_lock)",
        /// `set_current_state()` before each look.
        ReadSleep = "down_read: set_current_state",
        /// Has a waker given us the lock? If not, sleeps.
        ReadWait = "down_read: given the lock?",
        /// A signal is pending: gives up, unless the lock was given to us meanwhile (`wait_lock`).
        ReadAbort = "down_read: signal pending (wait_lock)",
        /// `down_write()`: `rwsem_write_trylock()`, only if nobody holds it or waits.
        Write = "down_write: cmpxchg count",
        /// `rwsem_down_write_slowpath()`: queues. The first sets WAITERS, another one looks at the count (`wait_lock`).
        WriteQueue = "down_write: queue (wait_lock)",
        /// `set_current_state()` before each try; before the first one in that section.
        WriteSleep = "down_write: set_current_state",
        /// `rwsem_try_write_lock()`: any queued writer may take a free lock (`wait_lock`).
        WriteTry = "down_write: try (wait_lock)",
        /// It could not, and has dropped `wait_lock`: is a signal pending? If not, sleeps. Where nobody sends signals
        /// this is part of the try.
        WriteLook = "down_write: signal pending?",
        /// It did: running again, and out of that section.
        WriteRunning = "down_write: got it, running (wait_lock)",
        /// A signal is pending: leaves the queue, and wakes whom it held up (`wait_lock`).
        WriteAbort = "down_write: signal pending (wait_lock)",
        /// `down_read_trylock()`: 1 or 0.
        TryRead = "down_read_trylock",
        /// `down_write_trylock()`: 1 or 0.
        TryWrite = "down_write_trylock",
        /// `up_read()`: the last reader looks whether somebody waits.
        UpRead = "up_read",
        /// `up_write()`.
        UpWrite = "up_write",
        /// `downgrade_write()`: a writer becomes a reader without letting go.
        Downgrade = "downgrade_write",
        /// `rwsem_wake()`: `rwsem_mark_wake()` of the head of the queue (`wait_lock`).
        Wake = "rwsem_wake (wait_lock)",
        /// `rwsem_downgrade_wake()`: the same, but readers only (`wait_lock`).
        DowngradeWake = "rwsem_downgrade_wake (wait_lock)",
        /// `rwsem_mark_wake()`: the first reader is counted, and the count tells whether a writer was faster
        /// (`wait_lock`).
        MarkFirst = "rwsem_mark_wake: count a reader (wait_lock)",
        /// A writer was: takes that back (`wait_lock`).
        MarkUndo = "rwsem_mark_wake: a writer was faster (wait_lock)",
        /// None was: `__rwsem_set_reader_owned()` on behalf of the first (`wait_lock`).
        MarkOwner = "rwsem_mark_wake: set reader owned (wait_lock)",
        /// Counts all the others, and gives the lock to each (`wait_lock`).
        MarkRest = "rwsem_mark_wake: let the readers in (wait_lock)",
        /// `wake_up_q()`, after `wait_lock`: the next of those marked.
        WakeUp = "wake_up_q",
        /// `__set_current_state(TASK_RUNNING)`, when the wait is over.
        Running = "__set_current_state(TASK_RUNNING)",
    }
}

functions! {
    /// A semaphore's functions.
    pub enum How begins at At {
        /// `down_read()`: `rwsem_read_trylock()` adds a reader and looks.
        Read,
        /// `down_write()`: `rwsem_write_trylock()`, only if nobody holds it or waits.
        Write,
        /// `down_read_trylock()`: 1 or 0.
        TryRead,
        /// `down_write_trylock()`: 1 or 0.
        TryWrite,
        /// `up_read()`: the last reader looks whether somebody waits.
        UpRead,
        /// `up_write()`.
        UpWrite,
        /// `downgrade_write()`: a writer becomes a reader without letting go.
        Downgrade,
    }
}

impl At {
    /// Whether the step takes `wait_lock`.
    fn takes_wait_lock(self) -> bool {
        use At::{DowngradeWake, ReadAbort, ReadQueue, ReadTogether, Wake, WriteAbort, WriteQueue, WriteTry};
        matches!(self, ReadTogether | ReadQueue | ReadAbort | WriteQueue | WriteTry | WriteAbort | Wake | DowngradeWake)
    }

    /// Whether the step is inside of a section that an earlier one began.
    fn is_inside(self) -> bool {
        use At::{MarkFirst, MarkOwner, MarkRest, MarkUndo, ReadOff, WriteRunning};
        matches!(self, ReadOff | WriteRunning | MarkFirst | MarkUndo | MarkOwner | MarkRest)
    }
}

/// One operation on a semaphore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RwSemOp {
    pub(super) at: At,
    pub(super) sem: ObjId,
    pub(super) patience: Patience,
    /// A release by who does not hold it is nothing, instead of a violation.
    pub(super) if_held: bool,
    /// Whom `wake_up_q()` is still to wake.
    pub(super) wakes: ThreadQueue,
    /// Where it goes on after the section or the owner word, and after the wake-ups; [`At::WakeUp`] if it is over then.
    pub(super) then: At,
    result: i8,
}

impl Code for RwSemOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.sem.code(c);
        self.patience.code(c);
        self.if_held.code(c);
        self.wakes.code(c);
        self.then.code(c);
        let mut result = self.result as u8;
        result.code(c);
        self.result = result as i8;
    }
}

impl RwSemOp {
    /// An operation about to start.
    pub(crate) const fn new(at: At, sem: ObjId, patience: Patience, if_held: bool) -> RwSemOp {
        RwSemOp { at, sem, patience, if_held, wakes: ThreadQueue(0), then: At::WakeUp, result: 0 }
    }

    /// The end of the operation, after the wake-ups that are still to be made.
    pub(super) fn done(&mut self, result: i8) -> Flow {
        (self.then, self.result) = (At::WakeUp, result);
        self.proceed()
    }

    /// Goes on at a point, after the wake-ups that are still to be made.
    pub(super) fn go(&mut self, at: At) -> Flow {
        self.then = at;
        self.proceed()
    }

    /// The wake-ups, then what comes after them.
    pub(super) fn proceed(&mut self) -> Flow {
        if !self.wakes.is_empty() {
            self.at = At::WakeUp;
            return Flow::Go;
        }
        if self.then == At::WakeUp {
            return Flow::Done(Value::Word(i32::from(self.result)));
        }
        (self.at, self.then) = (self.then, At::WakeUp);
        Flow::Go
    }

    /// At the end of a section: where to go on is [`then`](RwSemOp::then), and a result that is still to be told.
    pub(super) fn afterwards(&mut self, then: At, result: i8) {
        (self.then, self.result) = (then, result);
    }

    fn wake_up<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(t) = self.wakes.pop() {
            cx.wake(t);
        }
        self.proceed()
    }

    /// What lockdep says before a thread waits for itself; false ends the operation. A second reading waits for nobody
    /// unless a writer has come between, and then it is the deadlock that is told.
    fn check_entry<R: Runtime>(&self, cx: &mut Cx<'_, R>, writes: bool) -> bool {
        let me = cx.me;
        cx.about_to_lock(self.sem);
        cx.might_sleep(self.sem);
        let holders = cx.rwsem(self.sem).holders.get();
        if holders.writer == Some(me) || writes && holders.reads.of(me) > 0 {
            cx.violate(Property::SELF_DEADLOCK, Some(self.sem));
            return false;
        }
        true
    }

    /// So many readers are added to a count: it may not go round, not even for the moment until one is taken off again.
    pub(super) fn check_room<R: Runtime>(&self, cx: &mut Cx<'_, R>, was: Count, more: i32) {
        if i32::from(was.readers) + more > i32::from(MAX_READERS) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.sem));
        }
    }

    /// The lock is this thread's, for reading.
    pub(super) fn note_read<R: Runtime>(&self, cx: &mut Cx<'_, R>, t: ThreadId) {
        let count = cx.rwsem(self.sem).count.peek();
        if cx.rwsem(self.sem).note_reads(t, 1) > 15 || count.readers > MAX_READERS {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.sem));
        }
    }

    /// It has the lock for reading: stores the owner word, then goes on. Nothing is to be seen of a store of what is
    /// there already, and nobody changes it while a reader has the lock.
    pub(super) fn read_owned<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, then: At, result: i8) -> Flow {
        let me = cx.me;
        self.note_read(cx, me);
        self.afterwards(then, result);
        if R::LEAVES_OUT && cx.rwsem(self.sem).reader_owned.peek() == 1 {
            return self.proceed();
        }
        self.at = At::SetOwner;
        Flow::Go
    }

    pub(super) fn set_owner<R: Runtime>(&self, cx: &mut Cx<'_, R>, readers: bool) {
        cx.rwsem(self.sem).reader_owned.store(u8::from(readers), Order::Relaxed);
    }
}

/// Readers.
impl RwSemOp {
    fn read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.check_entry(cx, false) {
            return Flow::Done(Value::Word(0));
        }
        let was = cx.rwsem(self.sem).count.fetch_add(READER_BIAS, Order::Acquire);
        self.check_room(cx, was, 1);
        if was.writer && !cx.mutated(Mutant::ReadIgnoresWriter) {
            return self.go(At::ReadQueue);
        }
        if was.waiters && was.readers > 0 && !cx.mutated(Mutant::ReadIgnoresQueue) {
            return self.go(At::ReadOwner);
        }
        // A lock that is free is taken even if somebody waits; the first who does so lets the queued readers in too.
        let together = was.waiters && was.readers == 0 && !cx.mutated(Mutant::ReadAloneInQueue);
        self.read_owned(cx, if together { At::ReadTogether } else { At::WakeUp }, 0)
    }

    /// While readers have it we stand behind who waits. Those in the count may not have it, or not say so yet.
    fn read_owner<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.rwsem(self.sem).reader_owned.load(Order::Relaxed) == 1 {
            return self.go(At::ReadQueue);
        }
        self.read_owned(cx, At::WakeUp, 0)
    }

    fn read_wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let bit = 1 << cx.me.0;
        if cx.rwsem(self.sem).granted.load(Order::Acquire) & bit != 0 {
            self.forget_grant(cx);
            return self.go(At::Running);
        }
        if self.patience.interruptible() && cx.signal_pending() {
            return self.go(At::ReadAbort);
        }
        self.at = At::ReadSleep;
        Flow::Sleep(self.sem, self.patience)
    }

    /// `waiter` is on the stack of who waited: the next one's says that the lock is still to be given.
    pub(super) fn forget_grant<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let bit = 1 << cx.me.0;
        cx.rwsem(self.sem).granted.fetch_and(!bit, Order::Relaxed);
    }

    fn try_read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mut expected = Count::default();
        let overtakes = cx.mutated(Mutant::TryReadIgnoresWriter);
        while !expected.writer && (!expected.waiters || overtakes) {
            let wanted = Count { readers: expected.readers + 1, ..expected };
            match cx.rwsem(self.sem).count.compare_exchange(expected, wanted, Order::Acquire) {
                Ok(_) => return self.read_owned(cx, At::WakeUp, 1),
                Err(seen) => expected = seen,
            }
        }
        Flow::Done(Value::Word(0))
    }

    fn up_read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        if cx.rwsem(self.sem).holders.get().reads.of(me) == 0 {
            return self.not_held(cx);
        }
        let order = cx.order(Mutant::UpReadRelaxed, Order::Release);
        let was = cx.rwsem(self.sem).count.fetch_add(-READER_BIAS, order);
        cx.rwsem(self.sem).note_reads(me, -1);
        let now = Count { readers: was.readers - 1, ..was };
        let nobody = !now.waiters || cx.mutated(Mutant::UpReadNoWake);
        if now.is_locked() || nobody { Flow::Done(Value::Word(0)) } else { self.go(At::Wake) }
    }
}

/// Writers.
impl RwSemOp {
    /// `rwsem_write_trylock()`.
    fn take_unlocked<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let (me, writer) = (Some(cx.me), Count { writer: true, ..Count::default() });
        let order = cx.order(Mutant::WriteRelaxed, Order::Acquire);
        let sem = cx.rwsem(self.sem);
        let taken = sem.count.compare_exchange(Count::default(), writer, order).is_ok();
        if taken {
            sem.note_writer(me);
            self.set_owner(cx, false);
        }
        taken
    }

    fn write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.check_entry(cx, true) || self.take_unlocked(cx) {
            return Flow::Done(Value::Word(0));
        }
        self.go(At::WriteQueue)
    }

    fn try_write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let taken = self.take_unlocked(cx);
        Flow::Done(Value::Word(i32::from(taken)))
    }

    fn up_write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.rwsem(self.sem).holders.get().writer != Some(cx.me) {
            return self.not_held(cx);
        }
        let order = cx.order(Mutant::UpWriteRelaxed, Order::Release);
        let was = cx.rwsem(self.sem).count.fetch_and(!WRITER_BIT, order);
        cx.rwsem(self.sem).note_writer(None);
        let wakes = was.waiters && !cx.mutated(Mutant::UpWriteNoWake);
        if wakes { self.go(At::Wake) } else { Flow::Done(Value::Word(0)) }
    }

    fn downgrade<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.rwsem(self.sem).holders.get().writer != Some(cx.me) {
            return self.not_held(cx);
        }
        let was = cx.rwsem(self.sem).count.fetch_add(READER_BIAS - WRITER_BIT as i32, Order::Release);
        cx.rwsem(self.sem).note_writer(None);
        let wakes = was.waiters && !cx.mutated(Mutant::DowngradeNoWake);
        self.read_owned(cx, if wakes { At::DowngradeWake } else { At::WakeUp }, 0)
    }

    fn not_held<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.if_held {
            // Who holds it instead is another thread's to change: a look that is ordered with his.
            cx.rwsem(self.sem).count.latest();
            let writer = cx.rwsem(self.sem).holders.get().writer;
            // Readers have it perhaps, the releasing thread among them.
            let form = writer.is_none().then_some(Form::RWSEM_NOT_HELD_SO);
            let v = cx.violation_of(Property::UNLOCK_NOT_HELD);
            cx.note_violation(Violation { object: Some(self.sem), other: writer, form, ..v });
        }
        Flow::Done(Value::Word(0))
    }
}

impl RwSemOp {
    /// A coarse step put back: the whole section of a reader that queues, or of a waker once it has counted the first;
    /// the owner word together with the count.
    fn goes_on_at_once<R: Runtime>(&self, cx: &mut Cx<'_, R>, queues: bool) -> bool {
        queues && self.at.is_inside() && cx.mutated(Mutant::ReadQueueOneStep)
            || matches!(self.at, At::MarkUndo | At::MarkOwner | At::MarkRest) && cx.mutated(Mutant::MarkWakeOneStep)
            || self.at == At::SetOwner && cx.mutated(Mutant::OwnerOneStep)
    }

    fn one<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Read => self.read(cx),
            At::ReadOwner => self.read_owner(cx),
            At::SetOwner => {
                self.set_owner(cx, true);
                self.proceed()
            }
            At::ReadSleep => {
                cx.set_sleeping(self.patience);
                self.at = At::ReadWait;
                Flow::Go
            }
            At::ReadWait => self.read_wait(cx),
            At::WriteSleep => {
                cx.set_sleeping(self.patience);
                self.at = At::WriteTry;
                Flow::Go
            }
            At::WriteLook => self.write_look(cx),
            At::TryRead => self.try_read(cx),
            At::UpRead => self.up_read(cx),
            At::Write => self.write(cx),
            At::TryWrite => self.try_write(cx),
            At::UpWrite => self.up_write(cx),
            At::Downgrade => self.downgrade(cx),
            At::WakeUp => self.wake_up(cx),
            At::Running => {
                cx.set_running();
                self.done(self.result)
            }
            _ => self.under_wait_lock(cx),
        }
    }
}

impl Protocol for RwSemOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let queues = self.at == At::ReadQueue;
        let mut flow = self.one(cx);
        while flow == Flow::Go && self.goes_on_at_once(cx, queues) {
            flow = self.one(cx);
        }
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let sem = Footprint::writes(self.sem);
        let touched = match self.at {
            At::ReadSleep | At::WriteSleep | At::WriteLook | At::Running => Footprint::writes(v.my_task()),
            At::ReadWait | At::WriteTry | At::WriteRunning => sem.write(v.my_task()),
            At::WakeUp => self.wakes.iter().take(1).fold(Footprint::NONE, |f, t| f.write(ObjId::task(t))),
            _ => sem,
        };
        // Any step under `wait_lock` may be the one that begins or ends it.
        if self.at.takes_wait_lock() || self.at.is_inside() { irqs_footprint(v, touched) } else { touched }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if matches!(self.at, At::Read | At::Write) {
            self.check_entry(cx, self.at == At::Write);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.at.takes_wait_lock().then_some(self.sem)
    }
}
