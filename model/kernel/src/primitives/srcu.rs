//! Sleepable RCU: `srcu_read_lock()`, `srcu_read_unlock()`, `synchronize_srcu()`; and `call_srcu()` ([`callbacks`]).
//!
//! ```text
//!   srcu_read_lock     idx := srcu_idx         count[idx] + 1
//!   srcu_read_unlock                           count[idx] - 1, wakes who waits for the last one
//!   synchronize_srcu   until count[!srcu_idx] is 0
//!                      srcu_idx := !srcu_idx
//!                      until count[of before] is 0
//! ```
//!
//! A reader reads the index and counts himself in two steps, and may sleep between them as everywhere: one who was late
//! stands in the count that the next grace period looks at first. As `srcu_advance_state()` and `try_check_zero()` of
//! `kernel/rcu/srcutree.c`, 6.12; a grace period at a time, each by who wants one. Left out: grace periods that several
//! share, and the order of weak memory, for each step is one critical section here and the kernel's are full barriers.
//!
//! To lockdep a section is a lock of the task that is in it (`srcu_lock_acquire()` of `include/linux/srcu.h`): who has
//! none of his own may not leave one, and nobody ends or goes back to user space in one.

pub mod callbacks;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use callbacks::Queues;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Held, ObjId, Patience, Plain, Property, Runtime, SharedCell, ThreadId, ThreadSet,
    Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::{functions::functions, readers::Readers},
    property::Form,
    protocol::Protocol,
    runtime::NoteCell,
    shared::{LeftOpen, Lost, Shared, renewed},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    /// Which count readers that come now are in.
    index: bool,
    counts: [u8; 2],
    /// A grace period is under way.
    busy: bool,
    /// Who waits for readers, and who for that grace period.
    waiters: ThreadSet,
    /// What `call_srcu()` has left.
    queues: Queues,
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.index.code(c);
        self.counts.iter_mut().for_each(|count| c.byte(count));
        // What a program has no use for takes no room.
        let mut flags = u8::from(self.busy) | u8::from(self.queues != Queues::default()) << 1;
        c.byte(&mut flags);
        self.busy = flags & 1 != 0;
        if flags & 2 != 0 {
            self.queues.code(c);
        } else {
            self.queues = Queues::default();
        }
        self.waiters.code(c);
    }
}

/// A `struct srcu_struct`.
#[derive(Clone)]
pub struct Srcu<R: Runtime> {
    state: R::Cell<State>,
    /// How often each thread is in a section, as lockdep's `srcu_dep_map` has it.
    readers: R::Note<Readers>,
}

impl Copy for Srcu<Plain> {}

impl<R: Runtime> Srcu<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Srcu { state: R::Cell::new(State::default(), id), readers: R::Note::new(Readers::default()) }
    }

    /// `srcu_read_lock_held()`
    pub(crate) fn has_reader(&self, t: ThreadId) -> bool {
        self.readers.get().of(t) > 0
    }

    /// `srcu_lock_acquire()`: false if there is no room.
    fn note_in(&mut self, t: ThreadId) -> bool {
        let mut readers = self.readers.get();
        let depth = readers.of(t);
        let fits = depth < Readers::MOST;
        if fits {
            readers.set(t, depth + 1);
            self.readers.set(readers);
        }
        fits
    }

    /// `srcu_lock_release()`: false if the thread is in no section.
    fn note_out(&mut self, t: ThreadId) -> bool {
        let mut readers = self.readers.get();
        let depth = readers.of(t);
        if depth > 0 {
            readers.set(t, depth - 1);
            self.readers.set(readers);
        }
        depth > 0
    }
}

impl<R: Runtime> Shared<R> for Srcu<R> {
    renewed!(Srcu { state: cell, readers: note });

    /// `cleanup_srcu_struct()`: "Leaking SRCU readers", or somebody waits for a grace period.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let s = self.state.peek();
        let reads = Lost::when(Form::FREED_READ, s.counts != [0, 0]);
        // "Forgot srcu_barrier(), so just leak it!"
        let called = || Lost::when(Form::FREED_CALLBACKS, !s.queues.are_done());
        reads.or_else(called).or_else(|| Lost::of_event(s.waiters.iter().next()))
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("readers", Facet::Word(i32::from(s.counts[0]) + i32::from(s.counts[1])));
        sink("queued", Facet::Word(s.queues.len()));
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.readers.get().of(by) > 0).then_some(LeftOpen::Srcu)
    }
}

impl Code for Srcu<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
        self.readers.code(c);
    }
}

points! {
    /// Where a reader is, or who waits for readers.
    pub(crate) enum At {
        /// Which count it is to be in.
        ReadLock = "srcu_read_lock: srcu_idx",
        /// It is in that.
        Count = "srcu_read_lock: lock_count",
        /// And out of it.
        ReadUnlock = "srcu_read_unlock",
        /// A grace period begins, when the one before is over.
        Sync = "synchronize_srcu",
        /// Readers that were late for the flip before.
        First = "srcu_advance_state: SRCU_STATE_SCAN1",
        /// Readers come into the other count from here on.
        Flip = "srcu_flip",
        /// Readers of before the flip.
        Second = "srcu_advance_state: SRCU_STATE_SCAN2",
        /// Behind all that is to be called, if that is anything.
        Barrier = "srcu_barrier",
        /// Back from that sleep.
        Barred = "srcu_barrier: woken",
    }
}

functions! {
    /// What a script does with one.
    pub enum How begins at At {
        /// Returns the index for the unlock.
        ReadLock,
        /// Takes it back.
        ReadUnlock,
        /// Sleeps until all are out that were in.
        Sync,
        /// Sleeps until what `call_srcu()` has queued has returned.
        Barrier,
    }
}

/// An operation on SRCU in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrcuOp {
    at: At,
    srcu: ObjId,
    /// A reader's index.
    index: u8,
}

fields!(SrcuOp { at, srcu, index });

impl SrcuOp {
    pub(crate) const BLANK: SrcuOp = SrcuOp { at: At::ReadLock, srcu: ObjId::object(0), index: 0 };

    fn read<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        let me = cx.me;
        let count = &mut s.counts[usize::from(self.index)];
        match count.checked_add(1) {
            Some(more) if cx.srcu(self.srcu).note_in(me) => *count = more,
            _ => cx.violate(Property::CAPACITY_EXCEEDED, Some(self.srcu)),
        }
        Flow::Done(Value::Word(i32::from(self.index)))
    }

    fn unlock<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        let me = cx.me;
        let is_in = cx.srcu(self.srcu).note_out(me);
        if !is_in {
            let v = cx.violation_of(Property::UNLOCK_NOT_HELD);
            cx.note_violation(Violation { object: Some(self.srcu), form: Some(Form::SRCU_NOT_IN), ..v });
            return Flow::Done(Value::Word(0));
        }
        match s.counts.get_mut(usize::from(self.index)).filter(|count| **count > 0) {
            None => cx.violate(Property::UNLOCK_NOT_HELD, Some(self.srcu)),
            Some(count) => {
                *count -= 1;
                if *count == 0 && !cx.mutated(Mutant::UnlockNoWake) {
                    SrcuOp::wake_all(cx, s);
                }
            }
        }
        Flow::Done(Value::Word(0))
    }

    /// Whoever it is looks again.
    fn wake_all<R: Runtime>(cx: &mut Cx<'_, R>, s: &mut State) {
        std::mem::take(&mut s.waiters).iter().for_each(|t| {
            cx.wake(t);
        });
    }

    /// Goes on to `next` if it need not wait.
    fn wait_unless<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: &mut State, over: bool, next: At) -> Flow {
        if !over {
            s.waiters.insert(cx.me);
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.srcu, Patience::Forever);
        }
        cx.set_running();
        s.waiters.remove(cx.me);
        self.at = next;
        Flow::Go
    }

    fn advance<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        // Of a flip's readers, those of before it.
        let other = usize::from(!s.index);
        match self.at {
            At::Sync => {
                let over = !s.busy;
                let flow = self.wait_unless(cx, s, over, At::First);
                s.busy |= flow == Flow::Go;
                flow
            }
            At::First => {
                let over = s.counts[other] == 0 || cx.mutated(Mutant::OneScan);
                self.wait_unless(cx, s, over, At::Flip)
            }
            At::Flip => {
                s.index = !s.index;
                self.at = At::Second;
                Flow::Go
            }
            _ => {
                let over = s.counts[other] == 0 || cx.mutated(Mutant::NoWait);
                match self.wait_unless(cx, s, over, At::Second) {
                    Flow::Go => {
                        s.busy = false;
                        SrcuOp::wake_all(cx, s);
                        Flow::Done(Value::Word(0))
                    }
                    sleeps => sleeps,
                }
            }
        }
    }

    fn take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let mut s = cx.srcu(self.srcu).state.get(held);
        let flow = match self.at {
            At::ReadLock => {
                (self.index, self.at) = (u8::from(s.index), At::Count);
                Flow::Go
            }
            At::Count => self.read(cx, &mut s),
            At::ReadUnlock => self.unlock(cx, &mut s),
            At::Barrier | At::Barred => self.bar(cx, &mut s),
            At::Sync | At::First | At::Flip | At::Second => self.advance(cx, &mut s),
        };
        cx.srcu(self.srcu).state.set(held, s);
        flow
    }
}

impl Protocol for SrcuOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.judge(cx);
        let held = cx.enter(self.srcu);
        self.take(cx, held)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.srcu);
        let waiters = v.world.srcu(self.srcu).state.0.waiters;
        match self.at {
            At::ReadLock => Footprint::reads(self.srcu),
            At::Count => f,
            At::Barrier | At::Barred => f.write(v.my_task()),
            At::ReadUnlock => waiters.iter().fold(f, |f, t| f.write(ObjId::task(t))),
            At::Sync | At::First | At::Flip | At::Second => {
                waiters.iter().fold(f.write(v.my_task()), |f, t| f.write(ObjId::task(t)))
            }
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if matches!(self.at, At::Sync | At::Barrier) {
            cx.might_sleep(self.srcu);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
