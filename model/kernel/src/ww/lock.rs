//! Taking a `ww_mutex`: `ww_mutex_lock()`, its interruptible, slow and try forms; `__mutex_lock_common()` step by step.

use super::{
    Config, Mutant, Unlock, Waiter, Waiters, check_waiters, config,
    ctx::{Debug, class_of, injects_every},
    die, holds_locks, invariant, is_wound_wait, is_younger, mark_wounded, slow_path_footprint, waiters, wake_wounded,
};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Family, Flow, Footprint, Held, ObjId, Order, Patience, Program, Property, Rule,
    Runtime, SharedCell, Standing, ThreadId, Value, View,
    coder::points,
    primitives::irq::irqs_footprint,
    protocol::{self, Protocol},
    runtime::NoteCell,
};

points! {
    /// Program points of `__mutex_lock_common()` for a ww mutex.
    enum At {
        /// `__mutex_trylock()` without any lock held.
        TryTake = "trylock: cmpxchg owner",
        /// The fast path failed, and the context is wounded: `__mutex_lock_common()` forgives that, then tries itself.
        TrySlow = "slow path: trylock",
        /// `mutex_optimistic_spin()` before queueing: its last look.
        Spin = "optimistic spin: trylock",
        /// We own it: `ww_mutex_set_context_fastpath()` counts it and publishes the ctx.
        PublishCtx = "publish ctx",
        /// After a full barrier: did somebody queue while our ctx was not yet visible?
        ReadWaiters = "read WAITERS flag",
        /// Somebody did: look at the waiters under `wait_lock`.
        CheckWaiters = "check waiters (wait_lock)",
        /// Under `wait_lock`: try again, queue, and the first turn of the wait loop, unless that is a step of its own.
        Enqueue = "queue (wait_lock)",
        /// The first turn of the wait loop of one that has wounded the holder, in the same section.
        FirstTurn = "queued: first turn (wait_lock)",
        /// Back from `schedule()`: `set_current_state()`, then trylock outside of `wait_lock`; the first waiter sets
        /// HANDOFF if that fails.
        Woken = "woken: trylock",
        /// `mutex_optimistic_spin()` of the first waiter: its last look.
        SpinFirst = "first waiter spins: trylock",
        /// That failed: the next turn of the wait loop, under `wait_lock`.
        Recheck = "woken: recheck (wait_lock)",
        /// That succeeded: leave the list and publish the ctx, under `wait_lock`.
        Dequeue = "acquired: leave wait list (wait_lock)",
        /// `ww_mutex_deadlock_injection()`: releases it again, to return -EDEADLK.
        Injected = "injected -EDEADLK: ww_mutex_unlock",
    }
}

/// Which form of the lock operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum How {
    /// `ww_mutex_lock()`.
    Lock,
    /// `ww_mutex_lock_interruptible()`.
    Interruptible,
    /// `ww_mutex_lock_slow()`: like lock, checked to follow an -EDEADLK.
    Slow,
    /// `ww_mutex_lock_slow_interruptible()`.
    SlowInterruptible,
    /// `ww_mutex_trylock()`: 1 or 0.
    Try,
}

impl How {
    const ALL: [How; 5] = [How::Lock, How::Interruptible, How::Slow, How::SlowInterruptible, How::Try];

    pub(super) fn is_slow(self) -> bool {
        matches!(self, How::Slow | How::SlowInterruptible)
    }

    /// Whether the one that asks stays until it has the lock.
    pub(super) fn is_just_waited_for(self) -> bool {
        matches!(self, How::Lock | How::Slow)
    }

    fn patience(self) -> Patience {
        Patience::of(matches!(self, How::Interruptible | How::SlowInterruptible), false)
    }
}

impl Code for How {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = How::ALL[usize::from(tag)];
        }
    }
}

/// A lock operation in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    at: At,
    pub(super) how: How,
    pub(super) mutex: ObjId,
    pub(super) ctx: Option<ObjId>,
    /// `mutex_lock_nest_lock()`: under which lock or context. Asked for at the beginning only.
    pub(super) nest: Option<ObjId>,
    /// Of an injected -EDEADLK.
    unlock: Unlock,
    /// The holder that was wounded by a step which kept `wait_lock`.
    victim: Option<ThreadId>,
}

impl Code for Lock {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.how.code(c);
        self.mutex.code(c);
        self.ctx.code(c);
        if self.at == At::TryTake {
            self.nest.code(c);
        } else {
            self.nest = None;
        }
        if self.at == At::Injected {
            self.unlock.code(c);
        } else {
            self.unlock = Unlock::new(self.mutex);
        }
        if self.at == At::FirstTurn {
            self.victim.code(c);
        } else {
            self.victim = None;
        }
    }
}

/// Whether others may free the mutex as soon as they have had it, or make it anew: then they can tell whether it is
/// taken in the section in which they queued, and an unlocker still comes back for that section's lock.
pub(super) fn may_go(program: &Program, mutex: ObjId) -> bool {
    program.may_go(mutex) && !program.mutated(protocol::Mutant::NothingGoes)
}

fn error(e: Errno) -> Flow {
    Flow::Done(Value::from(e))
}

impl Lock {
    /// A lock operation about to start.
    pub const fn new(mutex: ObjId, ctx: Option<ObjId>, how: How) -> Lock {
        Lock { at: At::TryTake, how, mutex, ctx, nest: None, unlock: Unlock::new(mutex), victim: None }
    }

    /// Whether who asks for it stays until he has it, and so do all others.
    fn is_just_waited_for(&self, program: &Program) -> bool {
        let waits = self.how.is_just_waited_for() && self.ctx.is_none();
        waits && !program.has_way_out && !may_go(program, self.mutex)
    }

    /// The mutex inside, nested in what else is held.
    pub(crate) fn nested(self, nest: ObjId) -> Lock {
        Lock { nest: Some(nest), ..self }
    }

    /// The result of a successful operation, unless the debug option makes another one of it.
    fn acquired<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(ctx) = self.injects(cx.program)
            && cx.ctx(ctx).acquired() > 1
            && cx.ctx(ctx).inject_deadlock()
        {
            let debug = cx.ctx(ctx).debug.get();
            cx.ctx(ctx).debug.set(Debug { contending: Some(self.mutex), ..debug });
            self.at = At::Injected;
            return Flow::Go;
        }
        Flow::Done(Value::Word(i32::from(self.how == How::Try)))
    }

    /// The context that the class may inject -EDEADLK into; a trylock returns none.
    fn injects(&self, program: &crate::Program) -> Option<ObjId> {
        let injecting = self.how != How::Try && injects_every(program, class_of(program, self.mutex)) > 0;
        self.ctx.filter(|_| injecting)
    }

    /// `ww_mutex_deadlock_injection()` after its decision.
    fn injected<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.mutated(Mutant::InjectedKeepsLock) {
            return error(Errno::EDEADLK);
        }
        self.unlock.step(cx).once_over(|_| error(Errno::EDEADLK))
    }

    /// `acquired++` and `lock->ctx = ctx`.
    fn publish<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId) {
        self.check_acquired(cx, ctx);
        let held = cx.ctx(ctx).acquired();
        cx.ctx(ctx).set_acquired(held + 1);
        cx.ww(self.mutex).ctx.store(Some(ctx), Order::Relaxed);
        invariant::published(cx, self.mutex, ctx);
    }

    /// `__ww_mutex_kill()`: -EDEADLK, remembered so that the caller backs off as it must. Only who holds locks dies.
    fn kill<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId) -> bool {
        if !holds_locks(cx, ctx) && !cx.mutated(Mutant::KillsWithoutLocks) {
            return false;
        }
        let debug = cx.ctx(ctx).debug.get();
        if debug.contending.is_some() {
            cx.violate_rule(Rule::DEADLOCK_UNANSWERED, Some(ctx));
        }
        cx.ctx(ctx).debug.set(Debug { contending: Some(self.mutex), ..debug });
        invariant::killed(cx, self.mutex, ctx);
        true
    }

    /// might_sleep() and what lockdep says of any lock that is waited for.
    fn check_context<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.how == How::Try {
            return cx.about_to_try_mutex(self.mutex);
        }
        cx.might_sleep(self.mutex);
        cx.about_to_lock_under(self.mutex, self.nest);
    }

    /// Ours, but not through this context: that is no -EALREADY.
    fn is_own<R: Runtime>(&self, cx: &Cx<'_, R>) -> bool {
        self.how != How::Try && cx.world.ww(self.mutex).owner() == Some(cx.me)
    }

    fn try_take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, mutex) = (cx.me, self.mutex);
        if self.at == At::TryTake {
            if !self.check_entry(cx) {
                return Flow::Done(Value::Word(0));
            }
            self.check_context(cx);
            if self.stays_wounded(cx) {
                return self.try_fast(cx);
            }
        }
        if let Some(ctx) = self.ctx {
            // Only this task ever stores its ctx into a mutex, and nobody wounds a context that holds nothing: both
            // looks are private decisions, so they share the step of the trylock.
            if self.how != How::Try && !cx.mutated(Mutant::NoAlready) && cx.ww(mutex).ctx.peek() == Some(ctx) {
                return error(Errno::EALREADY);
            }
            // Storing 0 over 0 is nothing that anybody could see.
            if !holds_locks(cx, ctx) && cx.ctx(ctx).was_wounded() {
                cx.ctx(ctx).set_wounded(false);
            }
            if cx.mutated(Mutant::WoundAtOnce) && cx.ctx(ctx).was_wounded() && self.kill(cx, ctx) {
                return error(Errno::EDEADLK);
            }
        }
        if self.is_own(cx) {
            cx.violate(Property::SELF_DEADLOCK, Some(mutex));
            return Flow::Done(Value::Word(0));
        }
        if self.how != How::Try && !self.check_nesting(cx) {
            return Flow::Done(Value::Word(0));
        }
        let fails = self.how == How::Try && cx.mutated(Mutant::TryLockWaits);
        if !fails && cx.ww(mutex).try_take(me, false) {
            return self.taken_at_once(cx);
        }
        if self.how == How::Try {
            return Flow::Done(Value::Word(0));
        }
        self.at = if config(cx.program, mutex).optimistic_spin { At::Spin } else { At::Enqueue };
        Flow::Go
    }

    /// Whether the fast path leaves a trace: it forgives no wound. Any other context may as well begin with the slow
    /// path's trylock.
    fn stays_wounded<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let Some(ctx) = self.ctx.filter(|_| self.how != How::Try) else { return false };
        !holds_locks(cx, ctx) && cx.ctx(ctx).was_wounded() && !config(cx.program, self.mutex).debug_lock_alloc
    }

    /// `__mutex_trylock_fast()`: only if there is neither an owner nor a flag.
    fn try_fast<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        if cx.ww(self.mutex).try_take_fast(me) {
            return self.taken_at_once(cx);
        }
        self.at = At::TrySlow;
        Flow::Go
    }

    /// Taken without having queued.
    fn taken_at_once<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.ctx.is_none() || self.how == How::Try && cx.mutated(Mutant::TryLockForgetsCtx) {
            return self.acquired(cx);
        }
        self.at = At::PublishCtx;
        Flow::Go
    }

    fn spin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        if cx.ww(self.mutex).try_take(me, false) {
            return self.taken_at_once(cx);
        }
        self.at = At::Enqueue;
        Flow::Go
    }

    /// `ww_mutex_set_context_fastpath()` after its barrier.
    fn read_waiters<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.full_barrier(Mutant::LockNoBarrier);
        if !cx.ww(self.mutex).owner.load(Order::Relaxed).waiters() || cx.mutated(Mutant::LockIgnoresWaiters) {
            return self.acquired(cx);
        }
        self.at = At::CheckWaiters;
        Flow::Go
    }

    fn check_waiters<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (_, waiters) = match waiters::enter(cx, self.mutex) {
            Ok(entered) => entered,
            Err(spin) => return spin,
        };
        if let Some(ctx) = self.ctx.filter(|_| !cx.mutated(Mutant::LockWakesNoWaiter)) {
            check_waiters(cx, self.mutex, ctx, &waiters);
        }
        self.acquired(cx)
    }

    fn enqueue<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, mutex) = (cx.me, self.mutex);
        let (held, mut waiters) = match waiters::enter(cx, mutex) {
            Ok(entered) => entered,
            Err(spin) => return spin,
        };
        if !cx.mutated(Mutant::LockNoSecondTry) && cx.ww(mutex).try_take(me, false) {
            // Somebody released it in between. Here the waiters are checked before the ctx is published, under the
            // same wait_lock.
            if let Some(ctx) = self.ctx {
                check_waiters(cx, mutex, ctx, &waiters);
                self.publish(cx, ctx);
            }
            return self.acquired(cx);
        }
        let Some(at) = self.place(cx, &waiters) else { return error(Errno::EDEADLK) };
        if !waiters.insert(at, Waiter { task: me, ctx: self.ctx }) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(mutex));
        }
        if cx.mutated(Mutant::LockNoFlag) {
            cx.ww(mutex).waiters.set(held, waiters);
        } else {
            cx.ww(mutex).store_waiters(held, waiters);
        }
        invariant::queued(cx, mutex, &waiters, at);
        let (mut wounded, mut apart) = (None, may_go(cx.program, mutex));
        if let Some(ctx) = self.ctx
            && is_wound_wait(cx.program, mutex)
            && !cx.mutated(Mutant::LockNoWound)
        {
            cx.full_barrier(Mutant::QueueNoBarrier);
            let holder = cx.ww(mutex).ctx.load(Order::Relaxed);
            wounded = mark_wounded(cx, mutex, ctx, holder);
            apart |= wounded.is_some() && self.turns_apart(cx, ctx, at);
        }
        if apart {
            waiters::keep(cx, &mut waiters);
            cx.ww(mutex).waiters.set(held, waiters);
            (self.at, self.victim) = (At::FirstTurn, wounded);
            return Flow::Go;
        }
        wake_wounded(cx, mutex, wounded);
        cx.set_sleeping(self.how.patience());
        self.turn(cx, held, waiters)
    }

    /// Whether it matters if the holder, who was wounded just now, releases the mutex before the first turn of the wait
    /// loop or after it. A waiter that is first and would sleep gets it a moment later as well, whatever wakes it; one
    /// that would leave does not, and one behind others would come after them.
    fn turns_apart<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId, place: usize) -> bool {
        let leaves = cx.ctx(ctx).wounded() || self.how.patience().interruptible() && cx.signal_pending();
        (leaves || place > 0) && !cx.mutated(Mutant::QueueOneStep)
    }

    /// The rest of the section in which it queued. The holder is woken by what ends that section (`wake_q`): one that
    /// sleeps does not see before that that it is wounded.
    fn first_turn<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (held, mut waiters) = match waiters::enter(cx, self.mutex) {
            Ok(entered) => entered,
            Err(spin) => return spin,
        };
        waiters::release(cx, &mut waiters);
        cx.ww(self.mutex).waiters.set(held, waiters);
        wake_wounded(cx, self.mutex, self.victim);
        cx.set_sleeping(self.how.patience());
        self.turn(cx, held, waiters)
    }

    /// `__ww_mutex_add_waiter()`: where to stand in the list. `None`: wait-die, an older one waits already and we hold
    /// locks.
    fn place<R: Runtime>(&self, cx: &mut Cx<'_, R>, waiters: &Waiters) -> Option<usize> {
        let mut at = waiters.live().len();
        let Some(ctx) = self.ctx else { return Some(at) };
        let sorted = !cx.mutated(Mutant::PlaceLast);
        for (i, w) in waiters.live().iter().enumerate().rev().filter(|_| sorted) {
            // Waiters without a context keep their place: they are passed over, not overtaken.
            let Some(other) = w.ctx else {
                if cx.mutated(Mutant::OvertakesPlain) {
                    at = i;
                }
                continue;
            };
            if is_younger(cx, ctx, other) {
                let dies = !is_wound_wait(cx.program, self.mutex) && !cx.mutated(Mutant::PlaceNoKill);
                if dies && self.kill(cx, ctx) {
                    return None;
                }
                break;
            }
            at = i;
            die(cx, self.mutex, *w, ctx);
        }
        Some(at)
    }

    /// One turn of the wait loop, under `wait_lock`. The order matters: a free lock wins over a signal, a signal wins
    /// over a kill.
    fn turn<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, waiters: Waiters) -> Flow {
        let me = cx.me;
        let signal_first = cx.mutated(Mutant::SignalFirst) && self.how.patience().interruptible();
        if !(signal_first && cx.signal_pending()) && cx.ww(self.mutex).try_take(me, false) {
            return self.leave_as_owner(cx, held, waiters);
        }
        let heeds = self.how.patience().interruptible() && !cx.mutated(Mutant::SignalIgnored);
        if heeds && cx.signal_pending() {
            return self.leave(cx, held, waiters, Errno::EINTR);
        }
        if let Some(ctx) = self.ctx
            && self.must_die(cx, ctx, &waiters)
            && self.kill(cx, ctx)
        {
            return self.leave(cx, held, waiters, Errno::EDEADLK);
        }
        invariant::goes_to_sleep(cx, self.mutex, &waiters);
        self.at = At::Woken;
        Flow::Sleep(self.mutex, self.how.patience())
    }

    /// `__ww_mutex_check_kill()`.
    fn must_die<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId, waiters: &Waiters) -> bool {
        if !holds_locks(cx, ctx) && !cx.mutated(Mutant::KillsWithoutLocks) || cx.mutated(Mutant::NeverDies) {
            return false;
        }
        if is_wound_wait(cx.program, self.mutex) {
            return !cx.mutated(Mutant::IgnoresWound) && cx.ctx(ctx).wounded();
        }
        let holder = cx.ww(self.mutex).ctx.load(Order::Relaxed);
        let older_holder = holder.is_some_and(|h| is_younger(cx, ctx, h));
        // The list is sorted: any context ahead of us is older.
        let ahead = waiters.live().iter().take_while(|w| w.task != cx.me);
        older_holder || ahead.into_iter().any(|w| w.ctx.is_some())
    }

    fn leave<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, mut waiters: Waiters, e: Errno) -> Flow {
        cx.set_running();
        if !cx.mutated(Mutant::LeaveQueued) {
            waiters.remove(cx.me);
        }
        cx.ww(self.mutex).store_waiters(held, waiters);
        error(e)
    }

    /// Label `acquired:` of `__mutex_lock_common()`.
    fn leave_as_owner<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held, mut waiters: Waiters) -> Flow {
        cx.set_running();
        if let Some(ctx) = self.ctx {
            // Wound-wait, and we were not first: those whom we overtook may wound us.
            let first = waiters.live().first().is_some_and(|w| w.task == cx.me);
            if is_wound_wait(cx.program, self.mutex) && !first && !cx.mutated(Mutant::OwnerChecksNobody) {
                check_waiters(cx, self.mutex, ctx, &waiters);
            }
        }
        if !cx.mutated(Mutant::OwnerQueued) {
            waiters.remove(cx.me);
        }
        cx.ww(self.mutex).store_waiters(held, waiters);
        if let Some(ctx) = self.ctx {
            self.publish(cx, ctx);
        }
        self.acquired(cx)
    }

    fn woken<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, mutex) = (cx.me, self.mutex);
        let Config { handoff, optimistic_spin, .. } = config(cx.program, mutex);
        let first = (handoff || optimistic_spin) && cx.ww(mutex).is_first(me);
        cx.set_sleeping(self.how.patience());
        let otherwise = if first && optimistic_spin { At::SpinFirst } else { At::Recheck };
        self.try_queued(cx, first && handoff, otherwise)
    }

    /// `__mutex_trylock_or_handoff()` of a waiter, outside of `wait_lock`.
    fn try_queued<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, handoff: bool, otherwise: At) -> Flow {
        let me = cx.me;
        let taken = cx.ww(self.mutex).try_take(me, handoff);
        if taken {
            // From here on nothing looks at the task's state before it is running again: whether a waker comes between
            // makes no difference, so it is told right away.
            cx.set_running();
        }
        self.at = if taken { At::Dequeue } else { otherwise };
        Flow::Go
    }
}

impl Protocol for Lock {
    const FAMILY: Option<Family> = Some(Family::Mutex);

    /// Whoever comes between the owner word and the context, or between the look and the queue, finds what he would
    /// have found before or after; each of these windows is closed by another look. A spin ends when it likes, and a
    /// first turn is apart only where somebody can tell.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        let amid = match self.at {
            At::TryTake | At::Woken | At::Spin | At::SpinFirst | At::FirstTurn => false,
            At::TrySlow | At::PublishCtx | At::ReadWaiters | At::CheckWaiters => true,
            At::Enqueue | At::Recheck | At::Dequeue => true,
            At::Injected => return self.unlock.amid_of(at),
        };
        amid.then_some(Family::Mutex)
    }

    /// Where every lock is just waited for, only those look whether it is taken who then wait.
    fn takes_along(&self, program: &Program) -> Option<(Family, ObjId)> {
        self.is_just_waited_for(program).then_some((Family::Mutex, self.mutex))
    }

    /// Where every lock is just waited for, the order in which the waiters come is any.
    fn only_waits<R: Runtime>(&self, at: Standing<'_, R>, me: ThreadId) -> Option<(Family, ObjId)> {
        let begins = self.at == At::TryTake && self.is_just_waited_for(at.program);
        let held = || at.world.ww(self.mutex).owner().is_some_and(|owner| owner != me);
        let spins = || config(at.program, self.mutex).optimistic_spin;
        (begins && held() && !spins()).then_some((Family::Mutex, self.mutex))
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::TryTake | At::TrySlow => self.try_take(cx),
            At::PublishCtx => {
                if let Some(ctx) = self.ctx {
                    self.publish(cx, ctx);
                }
                self.at = At::ReadWaiters;
                Flow::Go
            }
            At::ReadWaiters => self.read_waiters(cx),
            At::CheckWaiters => self.check_waiters(cx),
            At::Enqueue => self.enqueue(cx),
            At::FirstTurn => self.first_turn(cx),
            At::Spin => self.spin(cx),
            At::Woken => self.woken(cx),
            At::SpinFirst => self.try_queued(cx, false, At::Recheck),
            At::Injected => self.injected(cx),
            At::Recheck | At::Dequeue => {
                let (held, waiters) = match waiters::enter(cx, self.mutex) {
                    Ok(entered) => entered,
                    Err(spin) => return spin,
                };
                match self.at {
                    At::Dequeue => self.leave_as_owner(cx, held, waiters),
                    _ => self.turn(cx, held, waiters),
                }
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let own = Footprint::writes(self.mutex).write_opt(self.ctx);
        match self.at {
            At::TryTake | At::TrySlow | At::Spin | At::PublishCtx => own,
            At::ReadWaiters => Footprint::reads(self.mutex).write_opt(self.injects(v.program)),
            At::Woken | At::SpinFirst => own.write(v.my_task()),
            At::Injected => self.unlock.footprint(v),
            At::CheckWaiters | At::Recheck | At::Dequeue => slow_path_footprint(v, self.mutex, self.ctx),
            At::Enqueue if self.ctx.is_some() && is_wound_wait(v.program, self.mutex) => {
                irqs_footprint(v, slow_path_footprint(v, self.mutex, self.ctx))
            }
            At::Enqueue => slow_path_footprint(v, self.mutex, self.ctx),
            At::FirstTurn => {
                let f = slow_path_footprint(v, self.mutex, self.ctx).write_opt(self.victim.map(ObjId::task));
                irqs_footprint(v, f)
            }
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if !self.check_entry(cx) {
            return;
        }
        self.check_context(cx);
        let has_it = self.ctx.is_some_and(|ctx| cx.world.ww(self.mutex).ctx.peek() == Some(ctx));
        if self.how == How::Try || has_it {
            return;
        }
        if self.is_own(cx) {
            cx.violate(Property::SELF_DEADLOCK, Some(self.mutex));
        } else {
            self.check_nesting(cx);
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Injected => self.unlock.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::CheckWaiters | At::Enqueue | At::FirstTurn | At::Recheck | At::Dequeue => Some(self.mutex),
            At::Injected => self.unlock.spins_on(),
            _ => None,
        }
    }
}
