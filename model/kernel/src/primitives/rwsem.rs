//! `struct rw_semaphore`: many readers or one writer, in the order of a queue.
//!
//! The count is a word that is changed without any lock: a bit for the writer, a bit that says that somebody waits, and
//! the number of readers. A reader adds itself first and looks at what was there then; one that may not have the lock
//! takes itself off again in the slow path. The queue is under `wait_lock`:
//!
//! ```text
//!   count:  readers | WAITERS | WRITER        queue:  W1  R2  R3  W4
//!
//!   head is a writer:  it is woken, and tries itself; whoever runs first has the lock
//!   head is a reader:  the waker gives the lock to it and to every other reader of the queue, then wakes them
//! ```
//!
//! While somebody waits and readers hold it, a new reader queues. So a reader that takes the lock a second time deadlocks
//! as soon as a writer has queued between.
//!
//! Names follow `kernel/locking/rwsem.c`. No HANDOFF (a waiter of 4 ms or of real-time priority may reserve the lock):
//! it only forbids stealing, so nothing is missed but that a waiter cannot starve for ever. No optimistic spinning. The
//! looks at the count under `wait_lock` are read-modify-writes here: an old count is never seen there on weak memory.

use crate::{
    AtomicCell, Bits, Code, Coder, Cx, Errno, Flow, Footprint, Held, Mutation, ObjId, Object, Order, Patience, Plain,
    Property, Runtime, SharedCell, ThreadId, ThreadSet, Value, View, World,
    coder::{fields, points},
    ids::ThreadQueue,
    machine::Protocol,
    object::{Facet, FacetSink},
    runtime::NoteCell,
};

/// `sem->count`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// `RWSEM_WRITER_LOCKED`.
    writer: bool,
    /// `RWSEM_FLAG_WAITERS`: the queue is not empty.
    waiters: bool,
    /// Readers that hold it, and those that have added themselves and not yet seen that they may not.
    readers: u8,
}

const WRITER_BIT: u64 = 1;
const WAITERS_BIT: u64 = 2;
/// `RWSEM_READER_BIAS` of the packed form.
const READER_BIAS: i32 = 4;
/// More would not fit the packed byte.
const MAX_READERS: u8 = 60;

impl Count {
    /// `RWSEM_LOCK_MASK`: somebody has it, or is about to see that he may not.
    fn is_locked(self) -> bool {
        self.writer || self.readers > 0
    }
}

impl Bits for Count {
    fn to_bits(self) -> u64 {
        u64::from(self.writer) | u64::from(self.waiters) << 1 | u64::from(self.readers) << 2
    }
    fn from_bits(bits: u64) -> Self {
        Count { writer: bits & WRITER_BIT != 0, waiters: bits & WAITERS_BIT != 0, readers: (bits >> 2) as u8 & 63 }
    }
}

impl Code for Count {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut b = self.to_bits() as u8;
        c.byte(&mut b);
        *self = Count::from_bits(u64::from(b));
    }
}

/// Most waiters of one semaphore.
const MAX_WAITERS: usize = 8;
/// Marks a waiter that wants to write.
const WRITES: u8 = 0x80;

/// `sem->wait_list`: threads in order, and what they wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Waiters {
    len: u8,
    list: [u8; MAX_WAITERS],
}

impl Waiters {
    fn live(&self) -> impl Iterator<Item = (ThreadId, bool)> + use<> {
        let Waiters { len, list } = *self;
        list.into_iter().take(usize::from(len)).map(|e| (ThreadId(e & !WRITES), e & WRITES != 0))
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn first(&self) -> Option<(ThreadId, bool)> {
        self.live().next()
    }

    /// False if the list is full.
    fn push(&mut self, t: ThreadId, writes: bool) -> bool {
        let at = usize::from(self.len);
        if at == MAX_WAITERS {
            return false;
        }
        self.list[at] = t.0 | if writes { WRITES } else { 0 };
        self.len += 1;
        true
    }

    fn retain(&mut self, stays: impl Fn(ThreadId, bool) -> bool) {
        let old = *self;
        *self = Waiters::default();
        old.live().filter(|(t, w)| stays(*t, *w)).for_each(|(t, w)| {
            self.push(t, w);
        });
    }
}

impl Code for Waiters {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        self.list[..usize::from(self.len)].iter_mut().for_each(|e| c.byte(e));
    }
}

/// Who holds it, for the rules that lockdep checks: `sem->owner`, and for readers what the kernel does not keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Holders {
    writer: Option<ThreadId>,
    /// How often each thread has taken it for reading, four bits a thread.
    reads: [u8; 8],
}

impl Holders {
    fn reads_of(&self, t: ThreadId) -> u8 {
        self.reads[t.index() / 2] >> (4 * (t.0 % 2)) & 15
    }

    fn set_reads(&mut self, t: ThreadId, n: u8) {
        let shift = 4 * (t.0 % 2);
        let pair = &mut self.reads[t.index() / 2];
        *pair = *pair & !(15 << shift) | n << shift;
    }

    fn any_reader(&self) -> bool {
        self.reads != [0; 8]
    }
}

impl Code for Holders {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.writer.code(c);
        let mut packed = u64::from_le_bytes(self.reads);
        c.packed(&mut packed);
        self.reads = packed.to_le_bytes();
    }
}

/// A `struct rw_semaphore`.
#[derive(Clone)]
pub struct RwSem<R: Runtime> {
    count: R::Atomic<Count>,
    /// `waiter->task` of every reader that waits, in one word: set once the lock was given to it.
    granted: R::Atomic<u16>,
    waiters: R::Cell<Waiters>,
    holders: R::Note<Holders>,
}

impl Copy for RwSem<Plain> {}

impl<R: Runtime> RwSem<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        RwSem {
            count: R::Atomic::new(Count::default()),
            granted: R::Atomic::new(0),
            waiters: R::Cell::new(Waiters::default(), id),
            holders: R::Note::new(Holders::default()),
        }
    }

    /// Whether the thread holds it for writing.
    pub(crate) fn is_held_for_writing_by(&self, t: ThreadId) -> bool {
        self.holders.get().writer == Some(t)
    }

    /// Whether the thread holds it, either way.
    pub fn is_held_by(&self, t: ThreadId) -> bool {
        let holders = self.holders.get();
        holders.writer == Some(t) || holders.reads_of(t) > 0
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        let holders = self.holders.get();
        sink("owner", Facet::Thread(holders.writer));
        let mut readers = ThreadQueue::default();
        let ids = (0..crate::MAX_THREADS as u8).map(ThreadId);
        ids.filter(|t| holders.reads_of(*t) > 0).for_each(|t| readers.push(t));
        sink("readers", Facet::Queue(readers));
        let mut queue = ThreadQueue::default();
        self.waiters.peek().live().for_each(|(t, _)| queue.push(t));
        sink("waiters", Facet::Queue(queue));
    }

    fn note_reads(&mut self, t: ThreadId, change: i8) -> u8 {
        let mut holders = self.holders.get();
        let now = holders.reads_of(t).wrapping_add_signed(change);
        holders.set_reads(t, now & 15);
        self.holders.set(holders);
        now
    }

    fn note_writer(&mut self, t: Option<ThreadId>) {
        let holders = self.holders.get();
        self.holders.set(Holders { writer: t, ..holders });
    }
}

impl Code for RwSem<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.count.code(c);
        self.granted.code(c);
        self.waiters.code(c);
        self.holders.code(c);
    }
}

/// Every semaphore that a thread holds, for the checks at its exit.
pub(crate) fn held_by<R: Runtime>(world: &World<R>, t: ThreadId) -> impl Iterator<Item = ObjId> {
    world.objects().filter_map(move |(id, o)| match o {
        Object::RwSem(s) if s.is_held_by(t) => Some(id),
        _ => None,
    })
}

points! {
    /// Where an operation on a semaphore is.
    pub enum At {
        /// `down_read()`: `rwsem_read_trylock()` adds a reader and looks; a free lock may be had even if somebody waits.
        Read = "down_read: add a reader",
        /// Got it although somebody waits: `rwsem_mark_wake()` lets the other readers of the queue in (`wait_lock`).
        ReadTogether = "down_read: wake readers (wait_lock)",
        /// `rwsem_down_read_slowpath()`: takes the reader off the count and queues (`wait_lock`).
        ReadQueue = "down_read: queue (wait_lock)",
        /// Sleeping, or back from `schedule()`: has a waker given us the lock?
        ReadWait = "down_read: given the lock?",
        /// A signal is pending: gives up, unless the lock was given to us meanwhile (`wait_lock`).
        ReadAbort = "down_read: signal pending (wait_lock)",
        /// `down_write()`: `rwsem_write_trylock()`, only if nobody holds it or waits.
        Write = "down_write: cmpxchg count",
        /// `rwsem_down_write_slowpath()`: queues, and the first turn of the loop (`wait_lock`).
        WriteQueue = "down_write: queue (wait_lock)",
        /// A turn of that loop, `rwsem_try_write_lock()`: any queued writer may take a free lock (`wait_lock`).
        WriteWait = "down_write: try (wait_lock)",
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
        /// `wake_up_q()`, after `wait_lock`.
        WakeUp = "wake_up_q",
    }
}

/// Which waiters `rwsem_mark_wake()` may let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WakeType {
    /// `RWSEM_WAKE_ANY`: whoever is first.
    Any,
    /// `RWSEM_WAKE_READERS`: readers, if no writer was faster.
    Readers,
    /// `RWSEM_WAKE_READ_OWNED`: readers; the caller holds the lock as one.
    ReadOwned,
}

/// One operation on a semaphore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RwSemOp {
    at: At,
    sem: ObjId,
    patience: Patience,
    /// A release by who does not hold it is nothing, instead of a violation.
    if_held: bool,
    /// Whom `wake_up_q()` will wake, and where it goes on then; [`At::WakeUp`] itself if the operation is over.
    wakes: ThreadSet,
    then: At,
    result: i32,
}

fields!(RwSemOp { at, sem, patience, if_held, wakes, then, result });

impl RwSemOp {
    /// An operation about to start.
    pub const fn new(at: At, sem: ObjId, patience: Patience, if_held: bool) -> RwSemOp {
        RwSemOp { at, sem, patience, if_held, wakes: ThreadSet(0), then: At::WakeUp, result: 0 }
    }

    /// The end of the operation, after the wake-ups that are still to be made.
    fn done(&mut self, result: i32) -> Flow {
        if self.wakes.is_empty() {
            return Flow::Done(Value::Word(result));
        }
        (self.at, self.then, self.result) = (At::WakeUp, At::WakeUp, result);
        Flow::Go
    }

    /// Goes on at a point, after the wake-ups that are still to be made.
    fn go(&mut self, at: At) -> Flow {
        (self.at, self.then) = if self.wakes.is_empty() { (at, At::WakeUp) } else { (At::WakeUp, at) };
        Flow::Go
    }

    fn wake_up<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        for t in std::mem::take(&mut self.wakes).iter() {
            cx.wake(t);
        }
        match self.then {
            At::WakeUp => self.done(self.result),
            at => self.go(at),
        }
    }

    /// What lockdep says before a thread waits for itself; false ends the operation.
    fn check_entry<R: Runtime>(&self, cx: &mut Cx<'_, R>, writes: bool) -> bool {
        let me = cx.me;
        cx.about_to_lock(self.sem);
        cx.might_sleep(self.sem);
        let holders = cx.rwsem(self.sem).holders.get();
        if holders.writer == Some(me) || writes && holders.reads_of(me) > 0 {
            cx.violate(Property::SelfDeadlock, Some(self.sem));
            return false;
        }
        true
    }

    /// The lock is this thread's, for reading.
    fn note_read<R: Runtime>(&self, cx: &mut Cx<'_, R>, t: ThreadId) {
        let count = cx.rwsem(self.sem).count.peek();
        if cx.rwsem(self.sem).note_reads(t, 1) > 15 || count.readers > MAX_READERS {
            cx.violate(Property::CapacityExceeded, Some(self.sem));
        }
    }

    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, writes: bool) {
        if !waiters.push(cx.me, writes) {
            cx.violate(Property::CapacityExceeded, Some(self.sem));
        }
    }
}

/// Readers.
impl RwSemOp {
    fn read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.check_entry(cx, false) {
            return Flow::Done(Value::Word(0));
        }
        let me = cx.me;
        let was = cx.rwsem(self.sem).count.fetch_add(READER_BIAS, Order::AcqRel);
        if was.writer && !cx.mutated(Mutation::RwReadIgnoresWriter) {
            return self.go(At::ReadQueue);
        }
        if !was.waiters {
            self.note_read(cx, me);
            return Flow::Done(Value::Word(0));
        }
        // Somebody waits. While readers have it we stand behind him; a lock that is free is taken all the same, and the
        // first who does so lets the queued readers in too.
        let stands_behind = !cx.mutated(Mutation::RwReadIgnoresQueue);
        if stands_behind && was.readers > 0 && cx.rwsem(self.sem).holders.get().any_reader() {
            return self.go(At::ReadQueue);
        }
        self.note_read(cx, me);
        let together = was.readers == 0 && !cx.mutated(Mutation::RwReadAloneInQueue);
        if together { self.go(At::ReadTogether) } else { Flow::Done(Value::Word(0)) }
    }

    fn read_queue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let me = cx.me;
        let mut waiters = cx.rwsem(self.sem).waiters.get(held);
        if waiters.is_empty() {
            // The writer is gone, and nobody came between: our reader stays in the count.
            if !cx.rwsem(self.sem).count.fetch_or(0, Order::Acquire).writer {
                self.note_read(cx, me);
                return self.done(0);
            }
            if !cx.mutated(Mutation::RwReadQueueNoFlag) {
                cx.rwsem(self.sem).count.fetch_or(WAITERS_BIT, Order::Relaxed);
            }
        }
        self.queue(cx, &mut waiters, false);
        let was = cx.rwsem(self.sem).count.fetch_add(-READER_BIAS, Order::AcqRel);
        let now = Count { readers: was.readers - 1, ..was };
        if !cx.mutated(Mutation::RwReadQueueNoWake) {
            self.cond_wake(cx, &mut waiters, now);
        }
        cx.rwsem(self.sem).waiters.set(held, waiters);
        self.go(At::ReadWait)
    }

    fn read_wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let bit = 1 << cx.me.0;
        cx.set_sleeping(self.patience);
        if cx.rwsem(self.sem).granted.load(Order::Acquire) & bit != 0 {
            cx.rwsem(self.sem).granted.fetch_and(!u64::from(bit), Order::Relaxed);
            cx.set_running();
            return self.done(0);
        }
        if self.patience.interruptible() && cx.signal_pending() {
            return self.go(At::ReadAbort);
        }
        Flow::Sleep(self.sem, self.patience)
    }

    fn read_abort<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        cx.set_running();
        let bit = if cx.mutated(Mutation::RwReadAbortIgnoresGrant) { 0 } else { 1 << cx.me.0 };
        if cx.rwsem(self.sem).granted.load(Order::Acquire) & bit != 0 {
            cx.rwsem(self.sem).granted.fetch_and(!u64::from(bit), Order::Relaxed);
            return self.done(0);
        }
        self.leave(cx, held)
    }

    fn try_read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        let mut expected = Count::default();
        let overtakes = cx.mutated(Mutation::RwTryReadIgnoresWriter);
        while !expected.writer && (!expected.waiters || overtakes) {
            let wanted = Count { readers: expected.readers + 1, ..expected };
            match cx.rwsem(self.sem).count.compare_exchange(expected, wanted, Order::Acquire) {
                Ok(_) => {
                    self.note_read(cx, me);
                    return Flow::Done(Value::Word(1));
                }
                Err(seen) => expected = seen,
            }
        }
        Flow::Done(Value::Word(0))
    }

    fn up_read<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        if cx.rwsem(self.sem).holders.get().reads_of(me) == 0 {
            return self.not_held(cx);
        }
        let order = cx.order(Mutation::RwUpReadRelaxed, Order::Release);
        let was = cx.rwsem(self.sem).count.fetch_add(-READER_BIAS, order);
        cx.rwsem(self.sem).note_reads(me, -1);
        let now = Count { readers: was.readers - 1, ..was };
        let nobody = !now.waiters || cx.mutated(Mutation::RwUpReadNoWake);
        if now.is_locked() || nobody { Flow::Done(Value::Word(0)) } else { self.go(At::Wake) }
    }
}

/// Writers.
impl RwSemOp {
    /// `rwsem_write_trylock()`.
    fn take_unlocked<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let (me, writer) = (Some(cx.me), Count { writer: true, ..Count::default() });
        let order = cx.order(Mutation::RwWriteRelaxed, Order::Acquire);
        let sem = cx.rwsem(self.sem);
        let taken = sem.count.compare_exchange(Count::default(), writer, order).is_ok();
        if taken {
            sem.note_writer(me);
        }
        taken
    }

    fn write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.check_entry(cx, true) || self.take_unlocked(cx) {
            return Flow::Done(Value::Word(0));
        }
        self.go(At::WriteQueue)
    }

    fn write_queue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let mut waiters = cx.rwsem(self.sem).waiters.get(held);
        self.queue(cx, &mut waiters, true);
        if waiters.first().is_some_and(|(t, _)| t == cx.me) {
            if !cx.mutated(Mutation::RwWriteQueueNoFlag) {
                cx.rwsem(self.sem).count.fetch_or(WAITERS_BIT, Order::AcqRel);
            }
        } else if !cx.mutated(Mutation::RwWriteQueueNoWake) {
            let now = cx.rwsem(self.sem).count.fetch_or(0, Order::Relaxed);
            self.cond_wake(cx, &mut waiters, now);
        }
        cx.rwsem(self.sem).waiters.set(held, waiters);
        if self.wakes.is_empty() {
            return self.write_wait(cx, held);
        }
        self.go(At::WriteWait)
    }

    /// `rwsem_try_write_lock()`, and what the loop does if it fails.
    fn write_wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let me = cx.me;
        cx.set_sleeping(self.patience);
        let mut waiters = cx.rwsem(self.sem).waiters.get(held);
        waiters.retain(|t, _| t != me);
        // We are on the list, so the flag is set; the rest is a guess that the first exchange mends.
        let mut seen = Count { waiters: true, ..Count::default() };
        let over_readers = cx.mutated(Mutation::RwWriteOverReaders);
        while !seen.is_locked() || over_readers && !seen.writer {
            let wanted = Count { writer: true, waiters: !waiters.is_empty(), readers: 0 };
            match cx.rwsem(self.sem).count.compare_exchange(seen, wanted, Order::Acquire) {
                Ok(_) => {
                    cx.rwsem(self.sem).waiters.set(held, waiters);
                    cx.rwsem(self.sem).note_writer(Some(me));
                    cx.set_running();
                    return self.done(0);
                }
                Err(now) => seen = now,
            }
        }
        if self.patience.interruptible() && cx.signal_pending() {
            return self.go(At::WriteAbort);
        }
        self.at = At::WriteWait;
        Flow::Sleep(self.sem, self.patience)
    }

    fn try_write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let taken = self.take_unlocked(cx);
        Flow::Done(Value::Word(i32::from(taken)))
    }

    fn up_write<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.rwsem(self.sem).holders.get().writer != Some(cx.me) {
            return self.not_held(cx);
        }
        let order = cx.order(Mutation::RwUpWriteRelaxed, Order::Release);
        let was = cx.rwsem(self.sem).count.fetch_and(!WRITER_BIT, order);
        cx.rwsem(self.sem).note_writer(None);
        let wakes = was.waiters && !cx.mutated(Mutation::RwUpWriteNoWake);
        if wakes { self.go(At::Wake) } else { Flow::Done(Value::Word(0)) }
    }

    fn downgrade<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        if cx.rwsem(self.sem).holders.get().writer != Some(me) {
            return self.not_held(cx);
        }
        let was = cx.rwsem(self.sem).count.fetch_add(READER_BIAS - WRITER_BIT as i32, Order::Release);
        cx.rwsem(self.sem).note_writer(None);
        self.note_read(cx, me);
        let wakes = was.waiters && !cx.mutated(Mutation::RwDowngradeNoWake);
        if wakes { self.go(At::DowngradeWake) } else { Flow::Done(Value::Word(0)) }
    }

    fn not_held<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.if_held {
            // Who holds it instead is another thread's to change: a look that is ordered with his.
            cx.rwsem(self.sem).count.latest();
            let writer = cx.rwsem(self.sem).holders.get().writer;
            cx.violate_with(Property::UnlockNotHeld, Some(self.sem), writer);
        }
        Flow::Done(Value::Word(0))
    }
}

/// The queue, under `wait_lock`.
impl RwSemOp {
    /// `rwsem_cond_wake_waiter()`: what the count allows.
    fn cond_wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, now: Count) {
        match now {
            Count { writer: true, .. } => {}
            Count { readers: 0, .. } => self.mark_wake(cx, waiters, WakeType::Any),
            _ => self.mark_wake(cx, waiters, WakeType::Readers),
        }
    }

    /// `rwsem_mark_wake()`: a writer at the head is only noted to be woken; readers are given the lock here.
    fn mark_wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, kind: WakeType) {
        let sem = self.sem;
        match waiters.first() {
            None => return,
            Some((first, true)) => {
                if kind == WakeType::Any {
                    self.wakes.insert(first);
                }
                return;
            }
            Some((_, false)) => {}
        }
        // The first reader is counted before anybody else looks: a writer may be about to steal the lock.
        let mut counted = 0;
        if kind != WakeType::ReadOwned {
            let was = cx.rwsem(sem).count.fetch_add(READER_BIAS, Order::AcqRel);
            if was.writer {
                cx.rwsem(sem).count.fetch_add(-READER_BIAS, Order::Relaxed);
                return;
            }
            counted = 1;
        }
        let all = *waiters;
        waiters.retain(|_, writes| writes);
        let readers = || all.live().filter(|(_, writes)| !writes).map(|(t, _)| t);
        let more = readers().count() as i32 - counted;
        if !cx.mutated(Mutation::RwMarkWakeNotCounted) {
            cx.rwsem(sem).count.fetch_add(more * READER_BIAS, Order::Relaxed);
        }
        if waiters.is_empty() {
            cx.rwsem(sem).count.fetch_and(!WAITERS_BIT, Order::Relaxed);
        }
        for t in readers() {
            self.note_read(cx, t);
            if !cx.mutated(Mutation::RwMarkWakeNoGrant) {
                cx.rwsem(sem).granted.fetch_or(1 << t.0, Order::Release);
            }
            if !cx.mutated(Mutation::RwMarkWakeNotWoken) {
                self.wakes.insert(t);
            }
        }
    }

    fn wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, kind: WakeType) -> Flow {
        let mut waiters = cx.rwsem(self.sem).waiters.get(held);
        self.mark_wake(cx, &mut waiters, kind);
        cx.rwsem(self.sem).waiters.set(held, waiters);
        self.done(0)
    }

    /// `rwsem_del_wake_waiter()`: a waiter that gives up. Those behind the first may have waited for it alone.
    fn leave<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let me = cx.me;
        cx.set_running();
        let mut waiters = cx.rwsem(self.sem).waiters.get(held);
        let was_first = waiters.first().is_some_and(|(t, _)| t == me);
        waiters.retain(|t, _| t != me);
        if waiters.is_empty() {
            let kept = if cx.mutated(Mutation::RwLeaveKeepsFlag) { u64::MAX } else { !WAITERS_BIT };
            cx.rwsem(self.sem).count.fetch_and(kept, Order::Relaxed);
        } else if was_first && !cx.mutated(Mutation::RwLeaveNoWake) {
            self.mark_wake(cx, &mut waiters, WakeType::Any);
        }
        cx.rwsem(self.sem).waiters.set(held, waiters);
        self.done(-Errno::EINTR.0)
    }
}

impl Protocol for RwSemOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Read => self.read(cx),
            At::ReadWait => self.read_wait(cx),
            At::TryRead => self.try_read(cx),
            At::UpRead => self.up_read(cx),
            At::Write => self.write(cx),
            At::TryWrite => self.try_write(cx),
            At::UpWrite => self.up_write(cx),
            At::Downgrade => self.downgrade(cx),
            At::WakeUp => self.wake_up(cx),
            under_wait_lock => {
                let held = cx.enter(self.sem);
                match under_wait_lock {
                    At::ReadQueue => self.read_queue(cx, held),
                    At::ReadAbort => self.read_abort(cx, held),
                    At::WriteQueue => self.write_queue(cx, held),
                    At::WriteWait => self.write_wait(cx, held),
                    At::WriteAbort => self.leave(cx, held),
                    At::ReadTogether | At::DowngradeWake => self.wake(cx, held, WakeType::ReadOwned),
                    _ => self.wake(cx, held, WakeType::Any),
                }
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let sem = Footprint::writes(self.sem);
        match self.at {
            At::ReadWait | At::ReadAbort | At::WriteQueue | At::WriteWait | At::WriteAbort => sem.write(v.my_task()),
            At::WakeUp => self.wakes.iter().fold(Footprint::NONE, |f, t| f.write(ObjId::task(t))),
            _ => sem,
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if matches!(self.at, At::Read | At::Write) {
            self.check_entry(cx, self.at == At::Write);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
