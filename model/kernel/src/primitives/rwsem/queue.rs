//! The queue of a semaphore, under `wait_lock`.
//!
//! A section that changes the count once is one step. One that changes it more than once keeps `wait_lock` from step to
//! step, with interrupts off as the kernel has it; whoever else wants it is held back, and the fast paths see each
//! change.

use super::{Count, Mutant, Queue, READER_BIAS, WAITERS_BIT, Waiters, op::At, op::RwSemOp};
use crate::{
    AtomicCell, Cx, Errno, Flow, Held, Order, Property, Runtime, SharedCell, ThreadId, primitives::rcu::as_reader,
};

/// `wait_lock`, held by this step and perhaps by others before and after it.
#[derive(Clone, Copy)]
struct Section {
    held: Held,
    queue: Queue,
    /// An earlier step took it.
    begun: bool,
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

impl RwSemOp {
    /// `raw_spin_lock_irq(&sem->wait_lock)`, or the section that it is in already.
    fn section<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Result<Section, Flow> {
        let (me, held) = (cx.me, cx.enter(self.sem));
        let mut queue = cx.rwsem(self.sem).queue.get(held);
        let begun = queue.wait_lock.owner() == Some(me);
        if !begun && !queue.wait_lock.try_take(me) {
            cx.rwsem(self.sem).queue.set(held, queue);
            return Err(Flow::Spin(self.sem));
        }
        Ok(Section { held, queue, begun })
    }

    /// The section goes on in the next step.
    fn keep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section, at: At) -> Flow {
        if !s.begun {
            as_reader(cx, |p| p.spin_depth += 1);
            cx.irqs_disable();
        }
        cx.rwsem(self.sem).queue.set(s.held, s.queue);
        self.at = at;
        Flow::Go
    }

    /// `raw_spin_unlock_irq(&sem->wait_lock)`.
    fn release<R: Runtime>(&self, cx: &mut Cx<'_, R>, mut s: Section) {
        s.queue.wait_lock.release().iter().for_each(|t| cx.rt.release(t));
        if s.begun {
            as_reader(cx, |p| p.spin_depth -= 1);
            cx.irqs_restore();
        }
        cx.rwsem(self.sem).queue.set(s.held, s.queue);
    }

    /// The end of the section; then the wake-ups, and what comes after them.
    fn unlock<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section) -> Flow {
        self.release(cx, s);
        self.proceed()
    }

    /// A look at the count under `wait_lock`: a read-modify-write, so that no old one is seen on weak memory.
    fn count<R: Runtime>(&self, cx: &mut Cx<'_, R>, order: Order) -> Count {
        cx.rwsem(self.sem).count.fetch_or(0, order)
    }

    /// `rwsem_add_waiter()`.
    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, waiters: &mut Waiters, writes: bool) {
        if !waiters.push(cx.me, writes) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.sem));
        }
    }

    fn read_queue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section) -> Flow {
        if !s.queue.waiters.is_empty() {
            return self.read_off(cx, s);
        }
        if self.count(cx, Order::Acquire).writer {
            return self.keep(cx, s, At::ReadOff);
        }
        // The writer is gone, and nobody came between: our reader stays in the count.
        self.release(cx, s);
        self.read_owned(cx, At::WakeUp, 0)
    }

    fn read_off<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, mut s: Section) -> Flow {
        let flag = s.queue.waiters.is_empty() && !cx.mutated(Mutant::ReadQueueNoFlag);
        self.queue(cx, &mut s.queue.waiters, false);
        let change = if flag { WAITERS_BIT as i32 - READER_BIAS } else { -READER_BIAS };
        // atomic_long_add_return()
        let was = cx.fully(|cx| cx.rwsem(self.sem).count.fetch_add(change, Order::Full));
        let now = Count { readers: was.readers - 1, ..was };
        self.afterwards(At::ReadSleep, 0);
        if cx.mutated(Mutant::ReadQueueNoWake) {
            return self.unlock(cx, s);
        }
        self.cond_wake(cx, s, now)
    }

    fn read_abort<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section) -> Flow {
        let bit = if cx.mutated(Mutant::ReadAbortIgnoresGrant) { 0 } else { 1 << cx.me.0 };
        if cx.rwsem(self.sem).granted.load(Order::Acquire) & bit != 0 {
            self.forget_grant(cx);
            self.afterwards(At::Running, 0);
            return self.unlock(cx, s);
        }
        self.leave(cx, s)
    }

    fn write_queue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, mut s: Section) -> Flow {
        self.queue(cx, &mut s.queue.waiters, true);
        self.afterwards(At::WriteSleep, 0);
        if s.queue.waiters.first().is_some_and(|(t, _)| t == cx.me) {
            if !cx.mutated(Mutant::WriteQueueNoFlag) {
                // atomic_long_or(), which orders nothing.
                cx.rwsem(self.sem).count.fetch_or(WAITERS_BIT, Order::Relaxed);
            }
        } else if !cx.mutated(Mutant::WriteQueueNoWake) {
            let now = self.count(cx, Order::Relaxed);
            return self.cond_wake(cx, s, now);
        }
        self.keep(cx, s, At::WriteSleep)
    }

    /// `rwsem_try_write_lock()`, and what the loop does if it fails.
    fn write_try<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, mut s: Section) -> Flow {
        let (me, mut left) = (cx.me, s.queue.waiters);
        left.retain(|t, _| t != me);
        // We are on the list, so the flag is set; the rest is a guess that the first exchange mends.
        let mut seen = Count { waiters: true, ..Count::default() };
        let over_readers = cx.mutated(Mutant::WriteOverReaders);
        while !seen.is_locked() || over_readers && !seen.writer {
            let wanted = Count { writer: true, waiters: !left.is_empty(), readers: 0 };
            match cx.rwsem(self.sem).count.compare_exchange(seen, wanted, Order::Acquire) {
                Ok(_) => {
                    s.queue.waiters = left;
                    cx.rwsem(self.sem).note_writer(Some(me));
                    self.set_owner(cx, false);
                    return self.keep(cx, s, At::WriteRunning);
                }
                Err(now) => seen = now,
            }
        }
        self.release(cx, s);
        if self.patience.interruptible() && cx.program.sends_signals && !cx.mutated(Mutant::WriteTryOneStep) {
            return self.go(At::WriteLook);
        }
        self.write_look(cx)
    }

    /// `signal_pending_state()`, then `schedule()`.
    pub(super) fn write_look<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.patience.interruptible() && cx.signal_pending() {
            return self.go(At::WriteAbort);
        }
        self.at = At::WriteSleep;
        Flow::Sleep(self.sem, self.patience)
    }

    /// `rwsem_cond_wake_waiter()`: what the count allows.
    fn cond_wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section, now: Count) -> Flow {
        match now {
            Count { writer: true, .. } => self.after_marks(cx, s),
            Count { readers: 0, .. } => self.mark_wake(cx, s, WakeType::Any),
            _ => self.mark_wake(cx, s, WakeType::Readers),
        }
    }

    /// Whom to wake is marked. A writer that is queuing and marked nobody stays in the section.
    fn after_marks<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section) -> Flow {
        if self.then == At::WriteSleep && self.wakes.is_empty() {
            return self.keep(cx, s, At::WriteSleep);
        }
        self.unlock(cx, s)
    }

    /// `rwsem_mark_wake()`: a writer at the head is only noted to be woken; readers are given the lock.
    fn mark_wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section, kind: WakeType) -> Flow {
        match s.queue.waiters.first() {
            None => self.after_marks(cx, s),
            Some((first, true)) => {
                if kind == WakeType::Any {
                    self.wakes.push(first);
                }
                self.after_marks(cx, s)
            }
            Some((_, false)) if kind == WakeType::ReadOwned => self.mark_rest(cx, s, 0),
            Some((_, false)) => self.keep(cx, s, At::MarkFirst),
        }
    }

    /// The first reader is counted before anybody else looks: a writer may be about to steal the lock.
    fn mark_first<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section) -> Flow {
        // atomic_long_fetch_add()
        let was = cx.fully(|cx| cx.rwsem(self.sem).count.fetch_add(READER_BIAS, Order::Full));
        self.check_room(cx, was, 1);
        let next = match () {
            () if was.writer => At::MarkUndo,
            // A store of what is there already, which only a writer would change.
            () if R::LEAVES_OUT && cx.rwsem(self.sem).reader_owned.peek() == 1 => At::MarkRest,
            () => At::MarkOwner,
        };
        self.keep(cx, s, next)
    }

    /// All readers of the queue leave it, are counted in one change of the count, and then given the lock.
    fn mark_rest<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, mut s: Section, counted: i32) -> Flow {
        let sem = self.sem;
        let all = s.queue.waiters;
        s.queue.waiters.retain(|_, writes| writes);
        let readers = || all.live().filter(|(_, writes)| !writes).map(|(t, _)| t);
        let more = readers().count() as i32 - counted;
        let more = if cx.mutated(Mutant::MarkWakeNotCounted) { 0 } else { more * READER_BIAS };
        let change = if s.queue.waiters.is_empty() { more - WAITERS_BIT as i32 } else { more };
        if change != 0 {
            let was = cx.rwsem(sem).count.fetch_add(change, Order::Relaxed);
            self.check_room(cx, was, more / READER_BIAS);
        }
        readers().for_each(|t| self.note_read(cx, t));
        if !cx.mutated(Mutant::MarkWakeNoGrant) {
            let given = readers().fold(0, |set, t: ThreadId| set | 1u64 << t.0);
            cx.rwsem(sem).granted.fetch_or(given, Order::Release);
        }
        if !cx.mutated(Mutant::MarkWakeNotWoken) {
            readers().for_each(|t| self.wakes.push(t));
        }
        self.after_marks(cx, s)
    }

    /// `rwsem_del_wake_waiter()`: a waiter that gives up. Those behind the first may have waited for it alone.
    fn leave<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, mut s: Section) -> Flow {
        let me = cx.me;
        self.afterwards(At::Running, -Errno::EINTR.0 as i8);
        let was_first = s.queue.waiters.first().is_some_and(|(t, _)| t == me);
        s.queue.waiters.retain(|t, _| t != me);
        if s.queue.waiters.is_empty() {
            let kept = if cx.mutated(Mutant::LeaveKeepsFlag) { u64::MAX } else { !WAITERS_BIT };
            cx.rwsem(self.sem).count.fetch_and(kept, Order::Relaxed);
        } else if was_first && !cx.mutated(Mutant::LeaveNoWake) {
            return self.mark_wake(cx, s, WakeType::Any);
        }
        self.unlock(cx, s)
    }

    /// A step that takes `wait_lock`, or is in a section that took it.
    pub(super) fn under_wait_lock<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let s = match self.section(cx) {
            Ok(s) => s,
            Err(spin) => return spin,
        };
        match self.at {
            At::ReadQueue => self.read_queue(cx, s),
            At::ReadOff => self.read_off(cx, s),
            At::ReadAbort => self.read_abort(cx, s),
            At::WriteQueue => self.write_queue(cx, s),
            At::WriteTry => self.write_try(cx, s),
            At::WriteRunning => {
                cx.set_running();
                self.afterwards(At::WakeUp, 0);
                self.unlock(cx, s)
            }
            At::WriteAbort => self.leave(cx, s),
            At::MarkFirst => self.mark_first(cx, s),
            At::MarkUndo => {
                cx.rwsem(self.sem).count.fetch_add(-READER_BIAS, Order::Relaxed);
                self.after_marks(cx, s)
            }
            At::MarkOwner => {
                self.set_owner(cx, true);
                self.keep(cx, s, At::MarkRest)
            }
            At::MarkRest => self.mark_rest(cx, s, 1),
            At::ReadTogether | At::DowngradeWake => self.wake(cx, s, WakeType::ReadOwned),
            _ => self.wake(cx, s, WakeType::Any),
        }
    }

    fn wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: Section, kind: WakeType) -> Flow {
        self.afterwards(At::WakeUp, 0);
        self.mark_wake(cx, s, kind)
    }
}
