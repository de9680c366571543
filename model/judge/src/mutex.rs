//! `kernel/locking/mutex.c` and `ww_mutex.h` as of Linux 6.15, one access a step.
//!
//! Left out: optimistic spinning (`CONFIG_MUTEX_SPIN_ON_OWNER`), and everything that debug configurations add.

use crate::{
    Turn,
    program::{Class, Op, Patience, Program},
    state::{At as Point, Spin, State, TaskState, spin_trylock},
};

const FLAG_WAITERS: i32 = 1;
const FLAG_HANDOFF: i32 = 2;
const FLAG_PICKUP: i32 = 4;
const FLAGS: i32 = 7;

const EINTR: i32 = -4;
const EDEADLK: i32 = -35;
const EALREADY: i32 = -114;

/// `__owner_task()` of a task.
fn pointer(task: usize) -> i32 {
    (task as i32 + 1) << 3
}

fn task_of(owner: i32) -> Option<usize> {
    usize::try_from((owner >> 3) - 1).ok()
}

/// A `struct mutex`, and what a `struct ww_mutex` has besides.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Mutex {
    owner: i32,
    wait_lock: Spin,
    /// Who waits, and for which context.
    wait_list: Vec<(usize, Option<usize>)>,
    ctx: Option<usize>,
}

/// A `struct ww_acquire_ctx`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Context {
    pub(crate) stamp: i32,
    pub(crate) acquired: i32,
    pub(crate) wounded: bool,
}

/// Who calls `__mutex_trylock_common()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Try {
    /// `mutex_trylock()`.
    Only,
    /// `__mutex_lock_common()`, before `wait_lock`.
    Entry,
    /// The same, with `wait_lock`, before it queues.
    Locked,
    /// In its loop.
    Loop,
    /// Back from `schedule()`, without `wait_lock`.
    Woken,
}

/// Who calls `__ww_mutex_check_waiters()`, or sets a context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum For {
    /// `ww_mutex_set_context_fastpath()`.
    Fastpath,
    /// `__mutex_lock_common()`, which found the mutex free under `wait_lock`.
    SkipWait,
    /// The same, which has waited.
    Acquired,
}

/// The accesses, in the order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum At {
    Fast,
    Already,
    ResetWounded,
    TryRead(Try),
    TryCmpxchg(Try),
    WaitLock,
    AddScan,
    AddDieRead,
    AddDieWake,
    AddInsert,
    AddFlag,
    AddWoundCtx,
    AddWoundOwner,
    AddWound,
    AddWoundWake,
    SetState,
    Signal,
    KillCtx,
    KillWounded,
    SleepUnlock,
    SleepWake,
    Schedule,
    IsFirst,
    SetStateAgain,
    Relock,
    RelockAcquired,
    SetRunning,
    Remove,
    ClearFlags,
    CountAcquired(For),
    SetCtx(For),
    HasWaiters,
    FastpathLock,
    CheckDieRead(For),
    CheckDieWake(For),
    CheckOwner(For),
    CheckAcquired(For),
    CheckWound(For),
    CheckWoundWake(For),
    EndUnlock,
    EndWake,
    UnlockCount,
    UnlockCtx,
    UnlockFast,
    UnlockRead,
    UnlockCmpxchg,
    UnlockLock,
    UnlockFirst,
    HandoffRead,
    HandoffCmpxchg,
}

/// One call in flight.
struct Call<'a> {
    s: &'a mut State,
    me: usize,
    m: usize,
    ctx: Option<usize>,
    patience: Patience,
    class: Option<Class>,
}

/// The first point of a call.
fn begin(s: &State, me: usize, op: Op) -> At {
    match op {
        Op::MutexLock { .. } => At::Fast,
        Op::MutexTryLock { ctx: Some(c), .. } if s.contexts[c].acquired == 0 => At::ResetWounded,
        Op::MutexTryLock { .. } => At::TryRead(Try::Only),
        Op::MutexUnlock { mutex } => {
            debug_assert_eq!(task_of(s.mutexes[mutex].owner), Some(me), "only the owner unlocks");
            if s.mutexes[mutex].ctx.is_some() { At::UnlockCount } else { At::UnlockFast }
        }
        _ => unreachable!("no call of a mutex"),
    }
}

/// Takes the next step of a call.
pub(crate) fn step(program: &Program, s: &mut State, me: usize, op: Op) -> Turn {
    let (m, ctx, patience) = match op {
        Op::MutexLock { mutex, ctx, patience, .. } => (mutex, ctx, patience),
        Op::MutexTryLock { mutex, ctx } => (mutex, ctx, Patience::default()),
        Op::MutexUnlock { mutex } => (mutex, None, Patience::default()),
        Op::CtxInit { ctx } => {
            s.stamp += 1;
            s.contexts[ctx] = Context { stamp: s.stamp, ..Context::default() };
            return Turn::Done(0);
        }
        _ => return Turn::Done(0),
    };
    let at = match s.threads[me].at {
        Point::Mutex(at) => at,
        _ => begin(s, me, op),
    };
    Call { s, me, m, ctx, patience, class: program.class }.at(at)
}

/// `__ww_ctx_less()`: the first is younger.
fn younger(s: &State, one: usize, other: usize) -> bool {
    s.contexts[one].stamp > s.contexts[other].stamp
}

impl Call<'_> {
    fn go(&mut self, at: At) -> Turn {
        self.s.threads[self.me].at = Point::Mutex(at);
        Turn::On
    }

    fn mutex(&mut self) -> &mut Mutex {
        &mut self.s.mutexes[self.m]
    }

    fn seen(&mut self) -> &mut i32 {
        &mut self.s.threads[self.me].seen
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.s.threads[self.me].cursor
    }

    fn at(&mut self, at: At) -> Turn {
        match at {
            At::Fast | At::Already | At::ResetWounded | At::TryRead(_) | At::TryCmpxchg(_) | At::WaitLock => {
                self.entry(at)
            }
            At::AddScan | At::AddDieRead | At::AddDieWake | At::AddInsert | At::AddFlag => self.add(at),
            At::AddWoundCtx | At::AddWoundOwner | At::AddWound | At::AddWoundWake => self.add_wound(at),
            At::SetState | At::Signal | At::KillCtx | At::KillWounded | At::SleepUnlock | At::SleepWake => {
                self.wait(at)
            }
            At::Schedule | At::IsFirst | At::SetStateAgain | At::Relock | At::RelockAcquired => self.woken(at),
            At::SetRunning | At::Remove | At::ClearFlags | At::EndUnlock | At::EndWake => self.end(at),
            At::CountAcquired(_) | At::SetCtx(_) | At::HasWaiters | At::FastpathLock => self.set_context(at),
            At::CheckDieRead(_) | At::CheckDieWake(_) => self.check_die(at),
            At::CheckOwner(_) | At::CheckAcquired(_) | At::CheckWound(_) | At::CheckWoundWake(_) => {
                self.check_wound(at)
            }
            At::UnlockCount | At::UnlockCtx | At::UnlockFast | At::UnlockRead | At::UnlockCmpxchg => self.unlock(at),
            At::UnlockLock | At::UnlockFirst | At::HandoffRead | At::HandoffCmpxchg => self.unlock_slow(at),
        }
    }

    /// `mutex_lock()`'s fast path, and what `__mutex_lock_common()` does before it queues.
    fn entry(&mut self, at: At) -> Turn {
        let (me, ctx) = (self.me, self.ctx);
        match at {
            At::Fast if self.mutex().owner == 0 => {
                self.mutex().owner = pointer(me);
                self.taken_at_once()
            }
            At::Fast if ctx.is_some() => self.go(At::Already),
            At::Fast => self.go(At::TryRead(Try::Entry)),
            At::Already if self.mutex().ctx == ctx => Turn::Done(EALREADY),
            At::Already if ctx.is_some_and(|c| self.s.contexts[c].acquired == 0) => self.go(At::ResetWounded),
            At::Already => self.go(At::TryRead(Try::Entry)),
            At::ResetWounded => {
                let is_lock = self.s.threads[me].at != Point::Begin;
                if let Some(c) = ctx {
                    self.s.contexts[c].wounded = false;
                }
                self.go(At::TryRead(if is_lock { Try::Entry } else { Try::Only }))
            }
            At::TryRead(who) => {
                *self.seen() = self.mutex().owner;
                self.try_again(who)
            }
            At::TryCmpxchg(who) => {
                let (owner, seen) = (self.mutex().owner, *self.seen());
                let Some(new) = self.wanted(seen, who) else { unreachable!("it was wanted before") };
                if owner != seen {
                    *self.seen() = owner;
                    return self.try_again(who);
                }
                self.mutex().owner = new;
                if task_of(new) == Some(me) { self.got(who) } else { self.failed(who) }
            }
            _ => {
                if !spin_trylock(&mut self.mutex().wait_lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::TryRead(Try::Locked))
            }
        }
    }

    /// What `__mutex_trylock_common()` would write over this owner.
    fn wanted(&mut self, owner: i32, who: Try) -> Option<i32> {
        let (flags, me) = (owner & FLAGS, self.me);
        match task_of(owner) {
            None => Some(pointer(me) | flags),
            Some(task) if flags & FLAG_PICKUP != 0 => (task == me).then_some(owner & !FLAG_PICKUP),
            Some(_) => {
                let asks = who == Try::Woken && *self.cursor() == 1 && flags & FLAG_HANDOFF == 0;
                asks.then_some(owner | FLAG_HANDOFF)
            }
        }
    }

    fn try_again(&mut self, who: Try) -> Turn {
        let seen = *self.seen();
        if self.wanted(seen, who).is_some() { self.go(At::TryCmpxchg(who)) } else { self.failed(who) }
    }

    fn got(&mut self, who: Try) -> Turn {
        match who {
            Try::Only if self.ctx.is_none() => Turn::Done(1),
            Try::Only => {
                self.s.threads[self.me].extra = 1;
                self.go(At::CountAcquired(For::Fastpath))
            }
            Try::Entry => self.taken_at_once(),
            Try::Locked if self.ctx.is_some() => self.check_waiters(For::SkipWait, 0),
            Try::Locked => self.go(At::EndUnlock),
            Try::Loop => self.go(At::SetRunning),
            Try::Woken => self.go(At::RelockAcquired),
        }
    }

    fn failed(&mut self, who: Try) -> Turn {
        match who {
            Try::Only => Turn::Done(0),
            Try::Entry => self.go(At::WaitLock),
            Try::Locked => {
                *self.cursor() = self.mutex().wait_list.len();
                self.go(if self.ctx.is_some() { At::AddScan } else { At::AddInsert })
            }
            Try::Loop if self.patience.interruptible => self.go(At::Signal),
            Try::Loop => self.check_kill(),
            Try::Woken => self.go(At::Relock),
        }
    }

    fn taken_at_once(&mut self) -> Turn {
        if self.ctx.is_some() { self.go(At::CountAcquired(For::Fastpath)) } else { Turn::Done(0) }
    }

    /// `__mutex_add_waiter()`, and `__ww_mutex_add_waiter()` from the last waiter on, which is why `cursor` counts down
    /// and the place (`extra`, counted from the end) is where it would be put now.
    fn add(&mut self, at: At) -> Turn {
        let me = self.me;
        match (at, self.ctx) {
            (At::AddScan, Some(c)) => {
                while *self.cursor() > 0 {
                    let cursor = *self.cursor() - 1;
                    let Some(other) = self.mutex().wait_list[cursor].1 else {
                        *self.cursor() = cursor;
                        continue;
                    };
                    if younger(self.s, c, other) {
                        let dies = self.class == Some(Class::WaitDie) && self.s.contexts[c].acquired > 0;
                        return if dies { self.leave(EDEADLK) } else { self.go(At::AddInsert) };
                    }
                    self.s.threads[me].extra = (self.mutex().wait_list.len() - cursor) as i32;
                    *self.cursor() = cursor;
                    if self.class == Some(Class::WaitDie) {
                        return self.go(At::AddDieRead);
                    }
                }
                self.go(At::AddInsert)
            }
            (At::AddDieRead, Some(c)) => {
                let cursor = *self.cursor();
                let other = self.mutex().wait_list[cursor].1;
                let dies = other.is_some_and(|o| self.s.contexts[o].acquired > 0 && younger(self.s, o, c));
                self.go(if dies { At::AddDieWake } else { At::AddScan })
            }
            (At::AddDieWake, _) => {
                let cursor = *self.cursor();
                let task = self.mutex().wait_list[cursor].0;
                self.s.wake_q_add(me, task);
                self.go(At::AddScan)
            }
            (At::AddFlag, _) => {
                self.mutex().owner |= FLAG_WAITERS;
                self.added()
            }
            (_, ctx) => {
                let back = std::mem::take(&mut self.s.threads[me].extra) as usize;
                let list = &mut self.mutex().wait_list;
                list.insert(list.len() - back, (me, ctx));
                if list[0].0 == me { self.go(At::AddFlag) } else { self.added() }
            }
        }
    }

    fn added(&mut self) -> Turn {
        let wounds = self.ctx.is_some() && self.class == Some(Class::WoundWait);
        self.go(if wounds { At::AddWoundCtx } else { At::SetState })
    }

    /// `__ww_mutex_wound()` of whoever has the mutex, by a waiter.
    fn add_wound(&mut self, at: At) -> Turn {
        let (me, Some(c)) = (self.me, self.ctx) else { unreachable!("only contexts wound") };
        match at {
            At::AddWoundCtx => {
                let Some(holder) = self.mutex().ctx else { return self.go(At::SetState) };
                self.s.threads[me].extra = holder as i32;
                self.go(At::AddWoundOwner)
            }
            At::AddWoundOwner => {
                let owner = task_of(self.mutex().owner);
                let holder = self.s.threads[me].extra as usize;
                let wounds = self.s.contexts[c].acquired > 0 && younger(self.s, holder, c);
                let Some(owner) = owner.filter(|_| wounds) else { return self.go(At::SetState) };
                *self.cursor() = owner;
                self.go(At::AddWound)
            }
            At::AddWound => {
                let holder = self.s.threads[me].extra as usize;
                self.s.contexts[holder].wounded = true;
                let owner = *self.cursor();
                self.go(if owner == me { At::SetState } else { At::AddWoundWake })
            }
            _ => {
                let owner = *self.cursor();
                self.s.wake_q_add(me, owner);
                self.go(At::SetState)
            }
        }
    }

    /// A turn of the loop, with `wait_lock`.
    fn wait(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::SetState => {
                (self.s.threads[me].extra, *self.cursor()) = (0, 0);
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::TryRead(Try::Loop))
            }
            At::Signal if self.s.signal_pending(me, true) => self.fail(EINTR),
            At::Signal => self.check_kill(),
            At::KillCtx => {
                let (holder, Some(c)) = (self.mutex().ctx, self.ctx) else { unreachable!("only contexts die") };
                if self.s.contexts[c].acquired == 0 {
                    return self.go(At::SleepUnlock);
                }
                if self.class == Some(Class::WoundWait) {
                    return self.go(At::KillWounded);
                }
                let before = self.mutex().wait_list.iter().take_while(|w| w.0 != me).any(|w| w.1.is_some());
                let dies = before || holder.is_some_and(|h| younger(self.s, c, h));
                if dies { self.fail(EDEADLK) } else { self.go(At::SleepUnlock) }
            }
            At::KillWounded if self.ctx.is_some_and(|c| self.s.contexts[c].wounded) => self.fail(EDEADLK),
            At::KillWounded => self.go(At::SleepUnlock),
            At::SleepUnlock => {
                self.mutex().wait_lock = None;
                let nobody = self.s.threads[me].wake_q.is_empty();
                self.go(if nobody { At::Schedule } else { At::SleepWake })
            }
            _ if self.s.wake_up_q(me) => self.go(At::Schedule),
            _ => Turn::On,
        }
    }

    fn check_kill(&mut self) -> Turn {
        self.go(if self.ctx.is_some() { At::KillCtx } else { At::SleepUnlock })
    }

    /// Leaves the queue with an error.
    fn fail(&mut self, error: i32) -> Turn {
        self.s.threads[self.me].extra = error;
        self.go(At::SetRunning)
    }

    /// Leaves `wait_lock` without having been on the queue.
    fn leave(&mut self, error: i32) -> Turn {
        self.s.threads[self.me].extra = error;
        self.go(At::EndUnlock)
    }

    /// The loop without `wait_lock`.
    fn woken(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::Schedule if self.s.schedule(me, false) => self.go(At::IsFirst),
            At::Schedule => Turn::Blocked,
            At::IsFirst => {
                *self.cursor() = usize::from(self.mutex().wait_list[0].0 == me);
                self.go(At::SetStateAgain)
            }
            At::SetStateAgain => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::TryRead(Try::Woken))
            }
            _ => {
                if !spin_trylock(&mut self.mutex().wait_lock, me) {
                    return Turn::Blocked;
                }
                *self.cursor() = 0;
                self.go(if at == At::Relock { At::TryRead(Try::Loop) } else { At::SetRunning })
            }
        }
    }

    /// From `acquired:` or `err:` on; `extra` is what is returned.
    fn end(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::SetRunning => {
                self.s.threads[me].state = TaskState::Running;
                let stole = self.mutex().wait_list[0].0 != me && self.s.threads[me].extra == 0;
                match (self.ctx, self.class) {
                    (Some(_), Some(Class::WoundWait)) if stole => self.check_waiters(For::Acquired, 0),
                    _ => self.go(At::Remove),
                }
            }
            At::Remove => {
                let list = &mut self.mutex().wait_list;
                list.retain(|w| w.0 != me);
                if list.is_empty() { self.go(At::ClearFlags) } else { self.skip_wait() }
            }
            At::ClearFlags => {
                self.mutex().owner &= !FLAGS;
                self.skip_wait()
            }
            At::EndUnlock => {
                self.mutex().wait_lock = None;
                if self.s.threads[me].wake_q.is_empty() { self.over() } else { self.go(At::EndWake) }
            }
            _ if self.s.wake_up_q(me) => self.over(),
            _ => Turn::On,
        }
    }

    fn over(&mut self) -> Turn {
        Turn::Done(self.s.threads[self.me].extra)
    }

    fn skip_wait(&mut self) -> Turn {
        let sets = self.ctx.is_some() && self.s.threads[self.me].extra == 0;
        self.go(if sets { At::CountAcquired(For::Acquired) } else { At::EndUnlock })
    }

    /// `ww_mutex_lock_acquired()`, and what follows it in `ww_mutex_set_context_fastpath()`.
    fn set_context(&mut self, at: At) -> Turn {
        let (me, Some(c)) = (self.me, self.ctx) else { unreachable!("there is a context to set") };
        match at {
            At::CountAcquired(whose) => {
                self.s.contexts[c].acquired += 1;
                self.go(At::SetCtx(whose))
            }
            At::SetCtx(whose) => {
                self.mutex().ctx = Some(c);
                self.go(if whose == For::Fastpath { At::HasWaiters } else { At::EndUnlock })
            }
            At::HasWaiters if self.mutex().owner & FLAG_WAITERS == 0 => self.over(),
            At::HasWaiters => self.go(At::FastpathLock),
            _ => {
                if !spin_trylock(&mut self.mutex().wait_lock, me) {
                    return Turn::Blocked;
                }
                self.check_waiters(For::Fastpath, 0)
            }
        }
    }

    /// `__ww_mutex_check_waiters()`, from this waiter on.
    fn check_waiters(&mut self, whose: For, from: usize) -> Turn {
        let next = self.mutex().wait_list.iter().skip(from).position(|w| w.1.is_some());
        let Some(next) = next else { return self.checked(whose) };
        *self.cursor() = from + next;
        let dies = self.class == Some(Class::WaitDie);
        self.go(if dies { At::CheckDieRead(whose) } else { At::CheckOwner(whose) })
    }

    fn checked(&mut self, whose: For) -> Turn {
        *self.cursor() = 0;
        match whose {
            For::Fastpath => self.go(At::EndUnlock),
            For::SkipWait => self.go(At::CountAcquired(For::SkipWait)),
            For::Acquired => self.go(At::Remove),
        }
    }

    /// `__ww_mutex_die()` of a waiter, by the new holder.
    fn check_die(&mut self, at: At) -> Turn {
        let (me, Some(c), cursor) = (self.me, self.ctx, *self.cursor()) else { unreachable!("only contexts kill") };
        let (task, other) = self.mutex().wait_list[cursor];
        match at {
            At::CheckDieRead(whose) => {
                let dies = other.is_some_and(|o| self.s.contexts[o].acquired > 0 && younger(self.s, o, c));
                if dies { self.go(At::CheckDieWake(whose)) } else { self.checked(whose) }
            }
            At::CheckDieWake(whose) => {
                self.s.wake_q_add(me, task);
                self.checked(whose)
            }
            _ => unreachable!("a point of another function"),
        }
    }

    /// `__ww_mutex_wound()` of the new holder, by a waiter.
    fn check_wound(&mut self, at: At) -> Turn {
        let (me, Some(c), cursor) = (self.me, self.ctx, *self.cursor()) else { unreachable!("only contexts wound") };
        let other = self.mutex().wait_list[cursor].1;
        match at {
            At::CheckOwner(whose) => {
                *self.seen() = self.mutex().owner;
                let owned = task_of(*self.seen()).is_some();
                if owned { self.go(At::CheckAcquired(whose)) } else { self.check_waiters(whose, cursor + 1) }
            }
            At::CheckAcquired(whose) => {
                let wounds = other.is_some_and(|o| self.s.contexts[o].acquired > 0 && younger(self.s, c, o));
                if wounds { self.go(At::CheckWound(whose)) } else { self.check_waiters(whose, cursor + 1) }
            }
            At::CheckWound(whose) => {
                self.s.contexts[c].wounded = true;
                let mine = task_of(*self.seen()) == Some(me);
                if mine { self.checked(whose) } else { self.go(At::CheckWoundWake(whose)) }
            }
            At::CheckWoundWake(whose) => {
                let owner = task_of(*self.seen());
                owner.into_iter().for_each(|o| self.s.wake_q_add(me, o));
                self.checked(whose)
            }
            _ => unreachable!("a point of another function"),
        }
    }

    /// `ww_mutex_unlock()`, `mutex_unlock()`, and the first half of `__mutex_unlock_slowpath()`.
    fn unlock(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::UnlockCount => {
                if let Some(c) = self.mutex().ctx {
                    self.s.contexts[c].acquired -= 1;
                }
                self.go(At::UnlockCtx)
            }
            At::UnlockCtx => {
                self.mutex().ctx = None;
                self.go(At::UnlockFast)
            }
            At::UnlockFast if self.mutex().owner == pointer(me) => {
                self.mutex().owner = 0;
                Turn::Done(0)
            }
            At::UnlockFast => self.go(At::UnlockRead),
            At::UnlockRead => {
                *self.seen() = self.mutex().owner;
                self.unlock_seen()
            }
            _ => {
                let (owner, seen) = (self.mutex().owner, *self.seen());
                if owner != seen {
                    *self.seen() = owner;
                    return self.unlock_seen();
                }
                self.mutex().owner = seen & FLAGS;
                if seen & FLAG_WAITERS == 0 { Turn::Done(0) } else { self.go(At::UnlockLock) }
            }
        }
    }

    fn unlock_seen(&mut self) -> Turn {
        let hands_off = *self.seen() & FLAG_HANDOFF != 0;
        self.go(if hands_off { At::UnlockLock } else { At::UnlockCmpxchg })
    }

    /// The second half, with `wait_lock`.
    fn unlock_slow(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::UnlockLock => {
                if !spin_trylock(&mut self.mutex().wait_lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::UnlockFirst)
            }
            At::UnlockFirst => {
                let first = self.mutex().wait_list.first().map(|w| w.0);
                first.into_iter().for_each(|f| self.s.wake_q_add(me, f));
                self.s.threads[me].cursor = first.map_or(0, |f| f + 1);
                let hands_off = *self.seen() & FLAG_HANDOFF != 0;
                self.go(if hands_off { At::HandoffRead } else { At::EndUnlock })
            }
            At::HandoffRead => {
                *self.seen() = self.mutex().owner;
                self.go(At::HandoffCmpxchg)
            }
            _ => {
                let (owner, seen) = (self.mutex().owner, *self.seen());
                if owner != seen {
                    *self.seen() = owner;
                    return Turn::On;
                }
                let next = (*self.cursor()).checked_sub(1);
                let given = next.map_or(0, |n| pointer(n) | FLAG_PICKUP);
                self.mutex().owner = owner & FLAG_WAITERS | given;
                self.go(At::EndUnlock)
            }
        }
    }
}
