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
//! While somebody waits and readers hold it, a new reader queues. So a reader that takes the lock a second time
//! deadlocks as soon as a writer has queued between. That is found where there is one; lockdep's report of the second
//! reading by itself ("possible recursive locking") is not made, since the kernel without lockdep lets it through.
//!
//! Who holds `wait_lock` changes the count more than once: a reader that queues takes itself off it, and may then find
//! that it can be let in again; a waker counts the first reader before it knows whether a writer was faster. Each of
//! these is seen by the fast paths, so each is a step, with `wait_lock` held between them (`queue.rs`). `sem->owner` is
//! a third word. Its `RWSEM_READER_OWNED` is stored after the count, stays when the readers are gone, and is what a
//! reader goes by that comes while somebody waits. What it holds while a writer has the lock nobody looks at.
//!
//! Names follow `kernel/locking/rwsem.c`. No HANDOFF (a waiter of 4 ms or of real-time priority may reserve the lock):
//! it only forbids stealing, so nothing is missed but that a waiter cannot starve for ever. No optimistic spinning. The
//! looks at the count under `wait_lock` are read-modify-writes here: an old count is never seen there on weak memory.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
mod op;
pub mod ops;
mod queue;
pub(crate) mod rules;

pub(crate) use op::At;
pub use op::{How, RwSemOp};

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Bits, Code, Coder, ObjId, Plain, Runtime, SharedCell, ThreadId,
    coder::fields,
    facet::{Facet, FacetSink},
    ground::{
        few::{Blank, Few},
        readers::Readers,
    },
    ids::ThreadQueue,
    primitives::spinlock::RawSpin,
    runtime::NoteCell,
    shared::{LeftOpen, Lost, Shared, renewed},
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

/// A `struct rwsem_waiter`: a thread, and whether it wants to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Waiter(u8);

impl Blank for Waiter {
    const BLANK: Waiter = Waiter(0);
}

impl Waiter {
    fn new(t: ThreadId, writes: bool) -> Waiter {
        Waiter(t.0 | if writes { WRITES } else { 0 })
    }

    fn task(self) -> (ThreadId, bool) {
        (ThreadId(self.0 & !WRITES), self.0 & WRITES != 0)
    }
}

/// `sem->wait_list`: threads in order, and what they wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Waiters(Few<Waiter, MAX_WAITERS>);

impl Waiters {
    fn live(&self) -> impl Iterator<Item = (ThreadId, bool)> + use<> {
        let list = self.0;
        (0..list.len()).map(move |at| list[at].task())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn first(&self) -> Option<(ThreadId, bool)> {
        self.0.first().map(|w| w.task())
    }

    /// False if the list is full.
    fn push(&mut self, t: ThreadId, writes: bool) -> bool {
        self.0.push(Waiter::new(t, writes))
    }

    fn retain(&mut self, stays: impl Fn(ThreadId, bool) -> bool) {
        self.0.retain(|w| stays(w.task().0, w.task().1));
    }
}

impl Code for Waiters {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut len = self.0.len() as u8;
        c.byte(&mut len);
        self.0.code_each(len, c, |w, c| {
            let (mut task, mut writes) = w.task();
            c.thread(&mut task);
            c.flag(&mut writes);
            *w = Waiter::new(task, writes);
        });
    }
}

/// What `wait_lock` protects, and the lock itself: it is held over several steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Queue {
    wait_lock: RawSpin,
    waiters: Waiters,
}

fields!(Queue { wait_lock, waiters });

/// Who holds it, for the rules that lockdep checks: what the kernel does not keep of readers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Holders {
    writer: Option<ThreadId>,
    /// How often each thread has taken it for reading.
    reads: Readers,
}

impl Code for Holders {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.writer.code(c);
        self.reads.code(c);
    }
}

/// A `struct rw_semaphore`.
#[derive(Clone)]
pub struct RwSem<R: Runtime> {
    count: R::Atomic<Count>,
    /// `RWSEM_READER_OWNED` of `sem->owner`: the last who took it was a reader, whether he still has it or not.
    reader_owned: R::Atomic<u8>,
    /// `waiter->task` of every reader that waits, in one word: set once the lock was given to it.
    granted: R::Atomic<u16>,
    queue: R::Cell<Queue>,
    holders: R::Note<Holders>,
}

impl Copy for RwSem<Plain> {}

impl<R: Runtime> RwSem<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        RwSem {
            count: R::Atomic::new(Count::default()),
            reader_owned: R::Atomic::new(0),
            granted: R::Atomic::new(0),
            queue: R::Cell::new(Queue::default(), id),
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
        holders.writer == Some(t) || holders.reads.of(t) > 0
    }

    fn note_reads(&mut self, t: ThreadId, change: i8) -> u8 {
        self.holders.update(|holders| {
            let now = holders.reads.of(t).wrapping_add_signed(change);
            holders.reads.set(t, now & Readers::MOST);
            now
        })
    }

    fn note_writer(&mut self, t: Option<ThreadId>) {
        self.holders.update(|holders| holders.writer = t);
    }
}

impl<R: Runtime> Shared<R> for RwSem<R> {
    renewed!(RwSem { count: atomic, reader_owned: atomic, granted: atomic, queue: cell, holders: note });

    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let mut ids = (0..crate::MAX_THREADS as u8).map(ThreadId);
        let waiter = self.queue.peek().waiters.live().next().map(|(t, _)| t);
        Lost::of_lock(ids.find(|t| self.is_held_by(*t)), waiter)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let holders = self.holders.get();
        sink("owner", Facet::Thread(holders.writer));
        sink("readers", Facet::Queue(holders.reads.all()));
        let mut queue = ThreadQueue::default();
        self.queue.peek().waiters.live().for_each(|(t, _)| queue.push(t));
        sink("waiters", Facet::Queue(queue));
    }

    /// Who holds `wait_lock`.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.queue.peek().wait_lock.owner()
    }

    fn is_held_by(&self, t: ThreadId) -> bool {
        RwSem::is_held_by(self, t)
    }

    fn is_held_alone(&self, t: ThreadId) -> bool {
        self.is_held_for_writing_by(t)
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        self.is_held_by(by).then_some(LeftOpen::Semaphore)
    }
}

impl Code for RwSem<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.count.code(c);
        self.reader_owned.code(c);
        c.thread_bits(&mut self.granted.0);
        self.queue.code(c);
        self.holders.code(c);
    }
}
