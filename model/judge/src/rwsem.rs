//! `kernel/locking/rwsem.c` as of Linux 6.15, one access a step.
//!
//! Left out: optimistic spinning (`CONFIG_RWSEM_SPIN_ON_OWNER`), HANDOFF (only a waiter that has waited for 4 ms, or of
//! real-time priority, asks for it), and everything that debug configurations add: so nobody clears
//! `RWSEM_READER_OWNED` when readers leave.

use crate::{
    Turn,
    program::{Op, Patience},
    state::{At as Point, Spin, State, TaskState, spin_trylock},
};

const WRITER_LOCKED: i32 = 1;
const FLAG_WAITERS: i32 = 2;
const READER_BIAS: i32 = 8;
const LOCK_MASK: i32 = !FLAG_WAITERS;

const EINTR: i32 = -4;

/// `sem->owner`, as far as anybody looks at it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Owner {
    #[default]
    Nobody,
    Writer,
    /// `RWSEM_READER_OWNED`.
    Reader,
}

/// A `struct rw_semaphore`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Rwsem {
    count: i32,
    owner: Owner,
    wait_lock: Spin,
    /// Who waits, and whether to write.
    wait_list: Vec<(usize, bool)>,
}

/// Who calls `rwsem_mark_wake()`, which says whom it may wake and where it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Wake {
    /// A reader that stole the lock: `RWSEM_WAKE_READ_OWNED`.
    Steal,
    /// A reader that has queued: `rwsem_cond_wake_waiter()`, readers only if the bool is true.
    ReadQueued(bool),
    /// A writer that has queued.
    WriteQueued(bool),
    /// `rwsem_wake()`.
    Up,
    /// `rwsem_downgrade_wake()`.
    Downgrade,
    /// `rwsem_del_wake_waiter()`.
    Leave,
}

impl Wake {
    fn any(self) -> bool {
        matches!(self, Wake::ReadQueued(false) | Wake::WriteQueued(false) | Wake::Up | Wake::Leave)
    }

    fn read_owned(self) -> bool {
        matches!(self, Wake::Steal | Wake::Downgrade)
    }
}

/// The accesses, in the order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum At {
    ReadAdd,
    ReadOwner,
    StealOwner,
    StealLock,
    StealList,
    ReadOwned,
    ReadLock,
    ReadCount,
    ReadEarlyUnlock,
    ReadQueue,
    ReadAdjust,
    ReadSetState,
    ReadTask,
    ReadSignal,
    ReadAbortLock,
    ReadAbortTask,
    ReadAbortUnlock,
    ReadSchedule,
    SetRunning,
    WriteTry,
    WriteOwner,
    WriteLock,
    WriteFlag,
    WriteLook,
    WriteRelock,
    WriteSetState,
    WriteRead,
    WriteCmpxchg,
    WriteUnlock,
    WriteSignal,
    WriteSchedule,
    WriteSetStateAgain,
    WriteLockAgain,
    WriteAbortRunning,
    WriteAbortLock,
    WriteGotOwner,
    WriteGotRunning,
    Del,
    DelFlag,
    TryReadLoad,
    TryReadCmpxchg,
    UpReadSub,
    UpWriteOwner,
    UpWriteSub,
    DowngradeAdd,
    DowngradeOwner,
    WakeLock(Wake),
    MarkCount(Wake),
    MarkAdd(Wake),
    MarkUndo(Wake),
    MarkOwner(Wake),
    MarkMove(Wake),
    MarkAdjust(Wake),
    MarkGrant(Wake),
    MarkAddWake(Wake),
    Unlock(Wake),
    WakeUp(Wake),
}

struct Call<'a> {
    s: &'a mut State,
    me: usize,
    m: usize,
    patience: Patience,
    op: Op,
}

/// Takes the next step of a call.
pub(crate) fn step(s: &mut State, me: usize, op: Op) -> Turn {
    let (m, patience, begin) = match op {
        Op::DownRead { sem, patience } => (sem, patience, At::ReadAdd),
        Op::DownWrite { sem, patience } => (sem, patience, At::WriteTry),
        Op::DownReadTryLock { sem } => (sem, Patience::default(), At::TryReadLoad),
        Op::DownWriteTryLock { sem } => (sem, Patience::default(), At::WriteTry),
        Op::UpRead { sem } => (sem, Patience::default(), At::UpReadSub),
        Op::UpWrite { sem } => (sem, Patience::default(), At::UpWriteOwner),
        Op::DowngradeWrite { sem } => (sem, Patience::default(), At::DowngradeAdd),
        _ => unreachable!("no call of a semaphore"),
    };
    let at = match s.threads[me].at {
        Point::Rwsem(at) => at,
        _ => begin,
    };
    Call { s, me, m, patience, op }.at(at)
}

impl Call<'_> {
    fn go(&mut self, at: At) -> Turn {
        self.s.threads[self.me].at = Point::Rwsem(at);
        Turn::On
    }

    fn sem(&mut self) -> &mut Rwsem {
        &mut self.s.rwsems[self.m]
    }

    fn seen(&mut self) -> &mut i32 {
        &mut self.s.threads[self.me].seen
    }

    fn extra(&mut self) -> &mut i32 {
        &mut self.s.threads[self.me].extra
    }

    fn lock(&mut self, then: At) -> Turn {
        let me = self.me;
        if spin_trylock(&mut self.sem().wait_lock, me) { self.go(then) } else { Turn::Blocked }
    }

    fn at(&mut self, at: At) -> Turn {
        match at {
            At::ReadAdd | At::ReadOwner | At::StealOwner | At::StealLock | At::StealList | At::ReadOwned => {
                self.read(at)
            }
            At::ReadLock | At::ReadCount | At::ReadEarlyUnlock | At::ReadQueue | At::ReadAdjust => self.read_queue(at),
            At::ReadSetState | At::ReadTask | At::ReadSignal | At::ReadSchedule | At::SetRunning => self.read_wait(at),
            At::ReadAbortLock | At::ReadAbortTask | At::ReadAbortUnlock => self.read_abort(at),
            At::WriteTry | At::WriteOwner | At::WriteLock | At::WriteFlag | At::WriteLook | At::WriteRelock => {
                self.write(at)
            }
            At::WriteSetState | At::WriteRead | At::WriteCmpxchg | At::WriteGotOwner | At::WriteGotRunning => {
                self.write_try(at)
            }
            At::WriteUnlock | At::WriteSignal | At::WriteSchedule | At::WriteSetStateAgain | At::WriteLockAgain => {
                self.write_wait(at)
            }
            At::WriteAbortRunning | At::WriteAbortLock | At::Del | At::DelFlag => self.leave(at),
            At::TryReadLoad | At::TryReadCmpxchg => self.try_read(at),
            At::UpReadSub | At::UpWriteOwner | At::UpWriteSub | At::DowngradeAdd | At::DowngradeOwner => self.up(at),
            At::WakeLock(wake) => {
                let me = self.me;
                if !spin_trylock(&mut self.sem().wait_lock, me) {
                    return Turn::Blocked;
                }
                if self.sem().wait_list.is_empty() { self.go(At::Unlock(wake)) } else { self.mark_wake(wake) }
            }
            At::MarkCount(_) | At::MarkAdd(_) | At::MarkUndo(_) | At::MarkOwner(_) => self.mark(at),
            At::MarkMove(_) | At::MarkAdjust(_) | At::MarkGrant(_) | At::MarkAddWake(_) => self.grant(at),
            At::Unlock(wake) => {
                self.sem().wait_lock = None;
                if self.s.threads[self.me].wake_q.is_empty() { self.after(wake) } else { self.go(At::WakeUp(wake)) }
            }
            At::WakeUp(wake) if self.s.wake_up_q(self.me) => self.after(wake),
            At::WakeUp(_) => Turn::On,
        }
    }

    /// `__down_read_common()`, and `rwsem_down_read_slowpath()` up to `queue:`.
    fn read(&mut self, at: At) -> Turn {
        match at {
            At::ReadAdd => {
                self.sem().count += READER_BIAS;
                let count = self.sem().count;
                *self.seen() = count;
                let failed = count & (WRITER_LOCKED | FLAG_WAITERS) != 0;
                self.go(if failed { At::ReadOwner } else { At::ReadOwned })
            }
            At::ReadOwner => {
                let (owner, count) = (self.sem().owner, *self.seen());
                let queues = owner == Owner::Reader && count / READER_BIAS > 1 && count & WRITER_LOCKED == 0;
                let steals = !queues && count & WRITER_LOCKED == 0;
                self.go(if steals { At::StealOwner } else { At::ReadLock })
            }
            At::StealOwner => {
                self.sem().owner = Owner::Reader;
                let count = *self.seen();
                let alone = count / READER_BIAS == 1 && count & FLAG_WAITERS != 0;
                if alone { self.go(At::StealLock) } else { Turn::Done(0) }
            }
            At::StealLock => self.lock(At::StealList),
            At::StealList if self.sem().wait_list.is_empty() => self.go(At::Unlock(Wake::Steal)),
            At::StealList => self.mark_wake(Wake::Steal),
            _ => {
                self.sem().owner = Owner::Reader;
                Turn::Done(*self.extra())
            }
        }
    }

    fn read_queue(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::ReadLock => {
                if !spin_trylock(&mut self.sem().wait_lock, me) {
                    return Turn::Blocked;
                }
                *self.extra() = -READER_BIAS;
                *self.seen() = 0;
                self.s.threads[me].waiter_task = true;
                let alone = self.sem().wait_list.is_empty();
                self.go(if alone { At::ReadCount } else { At::ReadQueue })
            }
            At::ReadCount if self.sem().count & WRITER_LOCKED == 0 => self.go(At::ReadEarlyUnlock),
            At::ReadCount => {
                *self.extra() += FLAG_WAITERS;
                self.go(At::ReadQueue)
            }
            At::ReadEarlyUnlock => {
                *self.extra() = 0;
                self.s.threads[me].waiter_task = false;
                self.sem().wait_lock = None;
                self.go(At::ReadOwned)
            }
            At::ReadQueue => {
                self.sem().wait_list.push((me, false));
                self.go(At::ReadAdjust)
            }
            _ => {
                let adjustment = std::mem::take(self.extra());
                self.sem().count += adjustment;
                let count = self.sem().count;
                self.cond_wake(count, Wake::ReadQueued)
            }
        }
    }

    /// `rwsem_cond_wake_waiter()`.
    fn cond_wake(&mut self, count: i32, queued: fn(bool) -> Wake) -> Turn {
        if count & WRITER_LOCKED != 0 {
            return self.marked(queued(true));
        }
        self.mark_wake(queued(count / READER_BIAS > 0))
    }

    /// Waits to be given the lock.
    fn read_wait(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::ReadSetState => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::ReadTask)
            }
            At::ReadTask if !self.s.threads[me].waiter_task => self.go(At::SetRunning),
            At::ReadTask if self.patience.interruptible => self.go(At::ReadSignal),
            At::ReadTask => self.go(At::ReadSchedule),
            At::ReadSignal if self.s.signal_pending(me, true) => self.go(At::ReadAbortLock),
            At::ReadSignal => self.go(At::ReadSchedule),
            At::ReadSchedule if self.s.schedule(me, false) => self.go(At::ReadSetState),
            At::ReadSchedule => Turn::Blocked,
            _ => {
                self.s.threads[me].state = TaskState::Running;
                Turn::Done(*self.extra())
            }
        }
    }

    fn read_abort(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::ReadAbortLock => self.lock(At::ReadAbortTask),
            At::ReadAbortTask if self.s.threads[me].waiter_task => self.go(At::Del),
            At::ReadAbortTask => self.go(At::ReadAbortUnlock),
            _ => {
                self.sem().wait_lock = None;
                self.go(At::SetRunning)
            }
        }
    }

    /// `rwsem_write_trylock()`, and `rwsem_down_write_slowpath()` up to its loop.
    fn write(&mut self, at: At) -> Turn {
        let (me, tries) = (self.me, matches!(self.op, Op::DownWriteTryLock { .. }));
        match at {
            At::WriteTry if self.sem().count == 0 => {
                self.sem().count = WRITER_LOCKED;
                self.go(At::WriteOwner)
            }
            At::WriteTry if tries => Turn::Done(0),
            At::WriteTry => self.go(At::WriteLock),
            At::WriteOwner => {
                self.sem().owner = Owner::Writer;
                Turn::Done(i32::from(tries))
            }
            At::WriteLock => {
                if !spin_trylock(&mut self.sem().wait_lock, me) {
                    return Turn::Blocked;
                }
                self.sem().wait_list.push((me, true));
                let first = self.sem().wait_list[0].0 == me;
                self.go(if first { At::WriteFlag } else { At::WriteLook })
            }
            At::WriteFlag => {
                self.sem().count |= FLAG_WAITERS;
                self.go(At::WriteSetState)
            }
            At::WriteLook => {
                let count = self.sem().count;
                self.cond_wake(count, Wake::WriteQueued)
            }
            _ => self.lock(At::WriteSetState),
        }
    }

    /// `rwsem_try_write_lock()`.
    fn write_try(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WriteSetState => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::WriteRead)
            }
            At::WriteRead => {
                *self.seen() = self.sem().count;
                self.write_seen()
            }
            At::WriteCmpxchg => {
                let (count, seen) = (self.sem().count, *self.seen());
                if count != seen {
                    *self.seen() = count;
                    return self.write_seen();
                }
                let alone = self.sem().wait_list.len() == 1;
                self.sem().count = if alone { WRITER_LOCKED } else { WRITER_LOCKED | FLAG_WAITERS };
                self.sem().wait_list.retain(|w| w.0 != me);
                self.go(At::WriteGotOwner)
            }
            At::WriteGotOwner => {
                self.sem().owner = Owner::Writer;
                self.go(At::WriteGotRunning)
            }
            _ => {
                self.s.threads[me].state = TaskState::Running;
                self.go(At::Unlock(Wake::Up))
            }
        }
    }

    fn write_seen(&mut self) -> Turn {
        let locked = *self.seen() & LOCK_MASK != 0;
        self.go(if locked { At::WriteUnlock } else { At::WriteCmpxchg })
    }

    fn write_wait(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WriteUnlock => {
                self.sem().wait_lock = None;
                self.go(if self.patience.interruptible { At::WriteSignal } else { At::WriteSchedule })
            }
            At::WriteSignal if self.s.signal_pending(me, true) => self.go(At::WriteAbortRunning),
            At::WriteSignal => self.go(At::WriteSchedule),
            At::WriteSchedule if self.s.schedule(me, false) => self.go(At::WriteSetStateAgain),
            At::WriteSchedule => Turn::Blocked,
            At::WriteSetStateAgain => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::WriteLockAgain)
            }
            _ => self.lock(At::WriteRead),
        }
    }

    /// `out_nolock:`, `rwsem_del_wake_waiter()`.
    fn leave(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WriteAbortRunning => {
                self.s.threads[me].state = TaskState::Running;
                self.go(At::WriteAbortLock)
            }
            At::WriteAbortLock => self.lock(At::Del),
            At::Del => {
                *self.extra() = EINTR;
                let first = self.sem().wait_list[0].0 == me;
                self.sem().wait_list.retain(|w| w.0 != me);
                match (self.sem().wait_list.is_empty(), first) {
                    (true, _) => self.go(At::DelFlag),
                    (false, true) => self.mark_wake(Wake::Leave),
                    (false, false) => self.go(At::Unlock(Wake::Leave)),
                }
            }
            _ => {
                self.sem().count &= !FLAG_WAITERS;
                self.go(At::Unlock(Wake::Leave))
            }
        }
    }

    /// `__down_read_trylock()`.
    fn try_read(&mut self, at: At) -> Turn {
        let count = self.sem().count;
        if at == At::TryReadCmpxchg && count == *self.seen() {
            self.sem().count += READER_BIAS;
            *self.extra() = 1;
            return self.go(At::ReadOwned);
        }
        *self.seen() = count;
        let failed = count & (WRITER_LOCKED | FLAG_WAITERS) != 0;
        if failed { Turn::Done(0) } else { self.go(At::TryReadCmpxchg) }
    }

    /// `__up_read()`, `__up_write()`, `__downgrade_write()`.
    fn up(&mut self, at: At) -> Turn {
        match at {
            At::UpReadSub => {
                self.sem().count -= READER_BIAS;
                let last = self.sem().count == FLAG_WAITERS;
                if last { self.go(At::WakeLock(Wake::Up)) } else { Turn::Done(0) }
            }
            At::UpWriteOwner => {
                self.sem().owner = Owner::Nobody;
                self.go(At::UpWriteSub)
            }
            At::UpWriteSub => {
                let was = self.sem().count;
                self.sem().count -= WRITER_LOCKED;
                if was & FLAG_WAITERS != 0 { self.go(At::WakeLock(Wake::Up)) } else { Turn::Done(0) }
            }
            At::DowngradeAdd => {
                *self.seen() = self.sem().count;
                self.sem().count += READER_BIAS - WRITER_LOCKED;
                self.go(At::DowngradeOwner)
            }
            _ => {
                self.sem().owner = Owner::Reader;
                let wakes = *self.seen() & FLAG_WAITERS != 0;
                if wakes { self.go(At::WakeLock(Wake::Downgrade)) } else { Turn::Done(0) }
            }
        }
    }

    /// `rwsem_mark_wake()`, from its first look at the queue on.
    fn mark_wake(&mut self, wake: Wake) -> Turn {
        let (me, (first, writes)) = (self.me, self.sem().wait_list[0]);
        if writes {
            if wake.any() {
                self.s.wake_q_add(me, first);
            }
            return self.marked(wake);
        }
        self.go(At::MarkCount(wake))
    }

    fn mark(&mut self, at: At) -> Turn {
        match at {
            // Only looks whether there are too many readers.
            At::MarkCount(wake) if wake.read_owned() => self.go(At::MarkMove(wake)),
            At::MarkCount(wake) => self.go(At::MarkAdd(wake)),
            At::MarkAdd(wake) => {
                let was = self.sem().count;
                self.sem().count += READER_BIAS;
                self.go(if was & WRITER_LOCKED != 0 { At::MarkUndo(wake) } else { At::MarkOwner(wake) })
            }
            At::MarkUndo(wake) => {
                self.sem().count -= READER_BIAS;
                self.marked(wake)
            }
            At::MarkOwner(wake) => {
                self.sem().owner = Owner::Reader;
                self.go(At::MarkMove(wake))
            }
            _ => unreachable!("a point of another function"),
        }
    }

    fn grant(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::MarkMove(wake) => {
                let readers = self.sem().wait_list.iter().filter(|w| !w.1).map(|w| w.0);
                let readers: Vec<usize> = readers.collect();
                self.sem().wait_list.retain(|w| w.1);
                let counted = if wake.read_owned() { 0 } else { 1 };
                let mut adjustment = (readers.len() as i32 - counted) * READER_BIAS;
                if self.sem().wait_list.is_empty() {
                    adjustment -= FLAG_WAITERS;
                }
                self.s.threads[me].wlist = readers;
                *self.seen() = adjustment;
                self.go(if adjustment == 0 { At::MarkGrant(wake) } else { At::MarkAdjust(wake) })
            }
            At::MarkAdjust(wake) => {
                let adjustment = std::mem::take(self.seen());
                self.sem().count += adjustment;
                self.go(At::MarkGrant(wake))
            }
            At::MarkGrant(wake) => {
                let reader = self.s.threads[me].wlist[0];
                self.s.threads[reader].waiter_task = false;
                self.go(At::MarkAddWake(wake))
            }
            At::MarkAddWake(wake) => {
                let reader = self.s.threads[me].wlist.remove(0);
                self.s.wake_q_add(me, reader);
                let more = !self.s.threads[me].wlist.is_empty();
                if more { self.go(At::MarkGrant(wake)) } else { self.marked(wake) }
            }
            _ => unreachable!("a point of another function"),
        }
    }

    /// The end of `rwsem_mark_wake()`: a writer that has nobody to wake keeps `wait_lock`.
    fn marked(&mut self, wake: Wake) -> Turn {
        let keeps = matches!(wake, Wake::WriteQueued(_)) && self.s.threads[self.me].wake_q.is_empty();
        self.go(if keeps { At::WriteSetState } else { At::Unlock(wake) })
    }

    /// Where it goes on when `wait_lock` is released and all are woken.
    fn after(&mut self, wake: Wake) -> Turn {
        match wake {
            Wake::ReadQueued(_) => self.go(At::ReadSetState),
            Wake::WriteQueued(_) => self.go(At::WriteRelock),
            Wake::Leave if matches!(self.op, Op::DownRead { .. }) => self.go(At::SetRunning),
            Wake::Steal | Wake::Up | Wake::Downgrade | Wake::Leave => Turn::Done(*self.extra()),
        }
    }
}
