//! Everything on a fence but waiting and callbacks: init, enable, signal, references, error, status.

use super::{
    DETACHED, ENABLED, Life, Mutant, Published, SIGNALED, TIMESTAMP,
    callback::{self, func_of},
    check_alive, check_readable, free, get, get_rcu, release, release_footprint, test_signaled,
};
use crate::{
    AtomicCell, Call, Code, Context, Cx, Errno, Family, Flow, Footprint, Held, ObjId, Order, Property, Runtime,
    SharedCell, Then, ThreadId, Value, View, Violation,
    coder::points,
    counted::Dropped,
    ground::functions::functions,
    primitives::{irq::irqs_footprint, rcu, slab::raw},
    property::Form,
    protocol::{self, Protocol, Standing},
};

points! {
    /// Where an operation on a fence is.
    pub(crate) enum At {
        /// `dma_fence_init()`: alive, with one reference of the caller's.
        Init = "dma_fence_init",
        /// Its later stores, which a reader that found the memory's fence before may come between: the flags.
        InitFlags = "dma_fence_init: flags",
        /// And the error, last.
        InitError = "dma_fence_init: error",
        /// `dma_fence_enable_sw_signaling()`.
        EnableSignaling = "dma_fence_enable_sw_signaling",
        /// `dma_fence_signal()`: takes the lock, sets the bit. Twice is a violation.
        Signal = "dma_fence_signal: set SIGNALED",
        /// `dma_fence_check_and_signal()`: tells whether it was signalled before.
        CheckAndSignal = "dma_fence_check_and_signal: set SIGNALED",
        /// `dma_fence_signal()` as it was until it returned nothing: -EINVAL if the fence was signalled before.
        SignalChecked = "dma_fence_signal: set SIGNALED",
        /// Then the timestamp, under the lock, where somebody looks at it.
        Stamp = "set TIMESTAMP",
        /// One callback, under the lock; the last one unlocks, unless it is the scenario's own.
        RunCallback = "run callback",
        /// After the last one.
        Unlock = "unlock fence",
        /// Inside of `ops->enable_signaling()`, under the lock.
        Enabling = "enable_signaling",
        /// It returned 0: signals at once, still under the lock.
        SignalNow = "enable_signaling failed: set SIGNALED",
        /// `spin_lock_irqsave(fence->lock)`, by a driver.
        TakeLock = "spin_lock_irqsave",
        /// `spin_unlock_irqrestore(fence->lock)`.
        ReleaseLock = "spin_unlock_irqrestore",
        /// `dma_fence_signal_locked()`.
        SignalLocked = "dma_fence_signal_locked",
        /// `dma_fence_is_signaled_locked()`.
        IsSignaledLocked = "dma_fence_is_signaled_locked",
        /// `dma_fence_is_signaled()`: 1 or 0, without the lock.
        IsSignaled = "dma_fence_is_signaled",
        /// `dma_fence_test_signaled_flag()`: the bit alone; nobody is asked, and nobody signals.
        TestFlag = "dma_fence_test_signaled_flag",
        /// Not yet, as far as the bit tells: `ops->signaled()` is asked, if there still is one.
        AskOps = "ops->signaled",
        /// It returned false: `rcu_read_unlock()`.
        NotSignaled = "ops->signaled: false",
        /// It returned true: `rcu_read_unlock()`.
        AskedTrue = "ops->signaled: true",
        /// Then whoever asked signals the fence, unless somebody was faster.
        SignalSeen = "ops->signaled: set SIGNALED",
        /// `fence->ops`, read by a driver: 1, or 0 if they are detached.
        HasOps = "fence->ops",
        /// `dma_fence_set_error()`.
        SetError = "dma_fence_set_error",
        /// `fence->error` as it is: 0, or the error.
        RawError = "fence->error",
        /// `fence->context`: set once, by `dma_fence_init()`.
        Context = "fence->context",
        /// `fence->seqno`, the same.
        Seqno = "fence->seqno",
        /// `dma_fence_get_status()`: 0 unsignalled, 1 signalled, or the error.
        GetStatus = "dma_fence_get_status",
        /// Inside of `ops->signaled()`, asked for the status under the lock.
        StatusAsked = "ops->signaled",
        /// It returned true: signals under the lock.
        StatusSeen = "ops->signaled: set SIGNALED",
        /// `dma_fence_timestamp()`: waits for whoever has signalled the fence to set it, too.
        Timestamp = "dma_fence_timestamp",
        /// `fence->timestamp` as it is: 1, or 0 if it is not set yet.
        RawTimestamp = "fence->timestamp",
        /// `dma_fence_get()`: gives the reference back.
        Get = "dma_fence_get",
        /// `dma_fence_get_rcu()`: 1 or 0.
        GetRcu = "dma_fence_get_rcu",
        /// `dma_fence_put()`.
        Put = "dma_fence_put",
        /// The same, by a pointer whose own reference this thread has dropped on every way here.
        PutAgain = "dma_fence_put",
        /// `dma_fence_release()`.
        Release = "dma_fence_release",
        /// `dma_fence_free()`: what a release function of the scenario's has to call.
        Free = "dma_fence_free",
    }
}

functions! {
    /// A fence's functions.
    pub enum How begins at At {
        /// `dma_fence_init()`: alive, with one reference of the caller's.
        Init,
        /// `dma_fence_enable_sw_signaling()`.
        EnableSignaling,
        /// `dma_fence_signal()`: takes the lock, sets the bit. Twice is a violation.
        Signal,
        /// `dma_fence_check_and_signal()`: tells whether it was signalled before.
        CheckAndSignal,
        /// `dma_fence_signal()` as it was until it returned nothing: -EINVAL if the fence was signalled before.
        SignalChecked,
        /// `spin_lock_irqsave(fence->lock)`, by a driver.
        TakeLock,
        /// `spin_unlock_irqrestore(fence->lock)`.
        ReleaseLock,
        /// `dma_fence_signal_locked()`.
        SignalLocked,
        /// `dma_fence_is_signaled_locked()`.
        IsSignaledLocked,
        /// `dma_fence_is_signaled()`: 1 or 0, without the lock.
        IsSignaled,
        /// `dma_fence_test_signaled_flag()`: the bit alone; nobody is asked, and nobody signals.
        TestFlag,
        /// `fence->ops`, read by a driver: 1, or 0 if they are detached.
        HasOps,
        /// `dma_fence_set_error()`.
        SetError,
        /// `fence->error` as it is: 0, or the error.
        RawError,
        /// `fence->context`.
        Context,
        /// `fence->seqno`.
        Seqno,
        /// `dma_fence_get_status()`: 0 unsignalled, 1 signalled, or the error.
        GetStatus,
        /// `dma_fence_timestamp()`: waits for whoever has signalled the fence to set it, too.
        Timestamp,
        /// `fence->timestamp` as it is: 1, or 0 if it is not set yet.
        RawTimestamp,
        /// `dma_fence_get()`: gives the reference back.
        Get,
        /// `dma_fence_get_rcu()`: 1 or 0.
        GetRcu,
        /// `dma_fence_put()`.
        Put,
        /// The same, by a pointer whose own reference this thread has dropped on every way here.
        PutAgain,
        /// `dma_fence_free()`: what a release function of the scenario's has to call.
        Free,
    }
}

impl At {
    /// Whether it may meet a fence whose last reference is gone, as long as the memory stays: what only looks, and what
    /// a signaller has still to do whose callbacks have dropped it.
    fn looks(self) -> bool {
        let looks =
            matches!(self, At::IsSignaled | At::TestFlag | At::AskOps | At::NotSignaled | At::HasOps | At::RawError);
        let status = matches!(self, At::GetStatus | At::Timestamp | At::RawTimestamp | At::Context | At::Seqno);
        let under_lock = matches!(self, At::Stamp | At::RunCallback | At::Unlock | At::TakeLock | At::ReleaseLock);
        looks || status || under_lock
    }
}

/// An operation on a fence in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceOp {
    pub(super) at: At,
    pub(super) fence: ObjId,
    /// What `set-error` sets; for a signaller, and for who asks for the status, its result, if it was the first.
    pub(super) number: i16,
    /// Whether the caller has the fence's lock and keeps it.
    pub(super) locked: bool,
}

/// One word for the number and the lock: in every number of 14 bits the bit below the sign is a copy of it.
impl Code for FenceOp {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        const LOCKED: i16 = 1 << 14;
        self.at.code(c);
        self.fence.code(c);
        let mut word = self.number & !LOCKED | if self.locked { LOCKED } else { 0 };
        word.code(c);
        if C::READING {
            self.locked = word & LOCKED != 0;
            self.number = if word < 0 { word | LOCKED } else { word & !LOCKED };
        }
    }
}

impl Code for i16 {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        let mut w = i32::from(*self);
        c.word(&mut w);
        *self = w as i16;
    }
}

impl FenceOp {
    pub(crate) const BLANK: FenceOp = FenceOp { at: At::Get, fence: super::NO_FENCE, number: 0, locked: false };

    /// Of a second `put`: the pointer came of a `get` by the fence's name.
    pub(super) const BY_NAME: i16 = 1;
    /// Of a `put`: it names the fence.
    pub(super) const NAMED: i16 = 2;

    /// Where it is.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// An operation about to start; `number` is what `set-error` sets. What is no error is none as one of 14 bits.
    pub(crate) fn new(at: At, fence: ObjId, number: i16) -> FenceOp {
        FenceOp { at, fence, number: number.clamp(-0x2000, 0x1fff), locked: false }
    }

    /// `dma_fence_init()` stores the count first. In memory that is typesafe a reader may have a reference from there
    /// on, and see what the fence before left in the flags and the error. Nobody knows other memory yet.
    fn init<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        let typesafe = cx.program.fence_ops(self.fence).typesafe;
        let was_raw = raw::initialise(cx, self.fence);
        let fence = cx.fence(self.fence);
        if was_raw {
            fence.life.swap(Life::Unborn, Order::AcqRel);
        }
        let life = fence.life.load(Order::Relaxed);
        if life != Life::Unborn && !(typesafe && life == Life::Freed) {
            // Once released its memory is kfree_rcu()'s: what is initialised in it would be freed by that.
            let property = if life == Life::Alive { Property::FENCE_REINITIALISED } else { Property::USE_AFTER_FREE };
            cx.violate(property, Some(self.fence));
            return Flow::Done(Value::Word(0));
        }
        // That it is a fence again is a fact: nobody has a reference to one that is none.
        fence.life.swap(Life::Alive, Order::AcqRel);
        if fence.published.peek().0 {
            fence.published.swap(Published(false), Order::Relaxed);
        }
        fence.refs.reset(1);
        fence.refs.book(me, 1);
        self.at = At::InitFlags;
        if typesafe && !cx.mutated(Mutant::InitOneStep) {
            return Flow::Go;
        }
        self.init_rest(cx);
        self.init_rest(cx)
    }

    fn init_rest<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::InitFlags {
            cx.fence(self.fence).flags.store(0, Order::Relaxed);
            self.at = At::InitError;
            return Flow::Go;
        }
        cx.fence(self.fence).error.store(0, Order::Relaxed);
        Flow::Done(Value::Word(0))
    }

    fn enable<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        match enable_signaling(cx, self.fence, held) {
            Some(call) => {
                self.at = At::Enabling;
                Flow::Call(call)
            }
            None => Flow::Done(Value::Word(0)),
        }
    }

    /// Held by another over several steps: a threaded runtime must wait.
    pub(super) fn spin<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Flow> {
        super::wait::spin_if_locked(cx, self.fence)
    }

    /// Sets SIGNALED, and detaches the operations if nobody needs them after that: true if it was signalled already.
    fn set_signaled<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let ops = cx.program.fence_ops(self.fence);
        let detach = if ops.release.is_none() && !ops.stay { DETACHED } else { 0 };
        let signaled = if cx.mutated(Mutant::SignalNoFlag) { 0 } else { SIGNALED };
        if !cx.fence(self.fence).is_signaled() {
            super::order::check(cx, self.fence);
        }
        let was = if cx.mutated(Mutant::SignalRelaxed) {
            cx.fence(self.fence).flags.fetch_or(u64::from(signaled | detach), Order::Relaxed)
        } else {
            super::test_and_set(cx, self.fence, signaled | detach)
        };
        was & SIGNALED != 0
    }

    /// What a signaller returns who was the first.
    fn signaled_first(&self) -> Flow {
        Flow::Done(Value::Word(i32::from(self.number)))
    }

    /// `dma_fence_signal_timestamp_locked()` up to the callbacks. Without callbacks the lock is released at once.
    fn signal<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let checks = !matches!(self.at, At::Signal | At::SignalLocked);
        let checked = self.at == At::SignalChecked;
        let held = cx.enter(self.fence);
        if !self.locked
            && let Some(spin) = self.spin(cx)
        {
            return spin;
        }
        if self.set_signaled(cx) {
            if !checks {
                cx.violate(Property::FENCE_SIGNALED_TWICE, Some(self.fence));
            }
            let before = if checked { Value::from(Errno::EINVAL) } else { Value::Word(1) };
            return Flow::Done(if cx.mutated(Mutant::SignalTwice) { Value::Word(0) } else { before });
        }
        let mut locked = cx.fence(self.fence).locked.get(held);
        if locked.len == 0 && !cx.program.timestamps || cx.mutated(Mutant::SignalNoCallbacks) {
            return self.signaled_first();
        }
        if !self.locked {
            super::hold(cx, self.fence, &mut locked);
            cx.fence(self.fence).locked.set(held, locked);
        }
        self.at = if cx.program.timestamps { At::Stamp } else { At::RunCallback };
        Flow::Go
    }

    /// `fence->timestamp`, and its bit; the list of callbacks was in its place until now. `set_bit()` orders nothing.
    fn stamp<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        cx.fence(self.fence).flags.fetch_or(u64::from(TIMESTAMP), Order::Relaxed);
        let empty = cx.fence(self.fence).locked.get(held).len == 0;
        self.at = if empty { At::Unlock } else { At::RunCallback };
        Flow::Go
    }

    /// A signalled fence whose timestamp is to come is still locked by whoever signals it. This waits until it is
    /// unlocked, which may be later than the kernel does: after the callbacks.
    fn timestamp<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let mut set = cx.fence(self.fence).flags.load(Order::Relaxed) & TIMESTAMP != 0;
        if self.at == At::Timestamp && !set {
            if let Some(spin) = self.spin(cx) {
                return spin;
            }
            // What test_bit() did not see yet, it sees some turns later.
            set = cx.fence(self.fence).flags.load(Order::Relaxed) & TIMESTAMP != 0;
        }
        Flow::Done(Value::Word(i32::from(set)))
    }

    fn run_callback<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        callback::over(cx, self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        let entry = locked.callbacks[0];
        // The node is unlinked before it is called.
        locked.remove(entry);
        let own = func_of(cx.program, entry);
        let last = locked.len == 0 && own.is_none();
        if locked.len == 0 {
            self.at = At::Unlock;
        }
        if last && !self.locked {
            super::let_go(cx, self.fence, &mut locked);
        }
        cx.fence(self.fence).locked.set(held, locked);
        if let Some(waiter) = entry.as_task() {
            if !cx.mutated(Mutant::SignalWakesNobody) {
                cx.wake(waiter);
            }
        } else {
            let data = callback::run(cx, entry, own.map(|_| self.fence));
            if let Some(callee) = own.filter(|_| !cx.mutated(Mutant::CallbackNotCalled)) {
                let args = [cx.refer(self.fence), data];
                return Flow::Call(Call { callee, args, context: Context::Fence, then: Then::Resume });
            }
        }
        if last { self.signaled_first() } else { Flow::Go }
    }

    fn unlock<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        callback::over(cx, self.fence);
        if !self.locked {
            let mut locked = cx.fence(self.fence).locked.get(held);
            super::let_go(cx, self.fence, &mut locked);
            cx.fence(self.fence).locked.set(held, locked);
        }
        self.signaled_first()
    }

    fn take_lock<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        if let Some(spin) = self.spin(cx) {
            return spin;
        }
        let mut locked = cx.fence(self.fence).locked.get(held);
        super::hold(cx, self.fence, &mut locked);
        cx.fence(self.fence).locked.set(held, locked);
        Flow::Done(Value::Word(0))
    }

    fn release_lock<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        match self.lock_owner(cx) {
            Some(owner) if owner == cx.me => {
                super::let_go(cx, self.fence, &mut locked);
                cx.fence(self.fence).locked.set(held, locked);
            }
            owner => cx.violate_with(Property::UNLOCK_NOT_HELD, Some(self.fence), owner),
        }
        Flow::Done(Value::Word(0))
    }

    /// Who holds the lock, be it the fence's own or one that it shares.
    fn lock_owner<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<ThreadId> {
        if let Some(lock) = cx.world.fence(self.fence).shared() {
            cx.enter(lock);
        }
        cx.world.spin_owner(self.fence)
    }

    /// `lockdep_assert_held(fence->lock)` of the forms for who has it.
    fn begin_locked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.enter(self.fence);
        let owner = self.lock_owner(cx);
        if owner != Some(cx.me) {
            let form = (self.at != At::SignalLocked).then_some(Form::FENCE_ASKED_UNLOCKED);
            let v = cx.violation_of(Property::FENCE_LOCK_NOT_HELD);
            cx.note_violation(Violation { object: Some(self.fence), other: owner, form, ..v });
            return Flow::Done(Value::Unset);
        }
        self.locked = true;
        if self.at == At::SignalLocked { self.signal(cx) } else { self.is_signaled(cx) }
    }

    /// The lock is held already.
    pub(super) fn signal_now<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        if !cx.mutated(Mutant::EnableNotSignalled) {
            self.set_signaled(cx);
        }
        let empty = cx.fence(self.fence).locked.get(held).len == 0;
        self.at = match (cx.program.timestamps, empty) {
            (true, _) => At::Stamp,
            (_, true) => At::Unlock,
            _ => At::RunCallback,
        };
        Flow::Go
    }

    fn set_error<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let late = test_signaled(cx, self.fence);
        let error = self.number;
        if late || !(-4095..0).contains(&error) {
            let form = (!late).then_some(Form::FENCE_ERROR_IS_NONE);
            let v = cx.violation_of(Property::FENCE_ERROR_LATE);
            return cx.note_violation(Violation { object: Some(self.fence), form, ..v });
        }
        if !cx.mutated(Mutant::ErrorLost) {
            cx.fence(self.fence).error.store(error.unsigned_abs(), Order::Relaxed);
        }
    }

    fn put<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, program) = (cx.me, cx.program);
        let own = self.number == FenceOp::NAMED && me == program.main_thread() && program.declared_refs(self.fence) > 0;
        let refs = &mut cx.fence(self.fence).refs;
        let dropped = if own { refs.put_declared(me) } else { refs.put(me) };
        if self.at == At::PutAgain && self.is_unbalanced(cx) {
            cx.violate(Property::PUT_UNBALANCED, Some(self.fence));
            return Flow::Done(Value::Word(0));
        }
        match cx.dropped(dropped) {
            Dropped::More if !cx.mutated(Mutant::PutReleasesEarly) => Flow::Done(Value::Word(0)),
            Dropped::Last if cx.mutated(Mutant::PutNoRelease) => Flow::Done(Value::Word(1)),
            Dropped::More | Dropped::Last => {
                self.at = At::Release;
                Flow::Go
            }
            Dropped::Underflow => {
                cx.violate(Property::REFCOUNT_UNDERFLOW, Some(self.fence));
                Flow::Done(Value::Word(0))
            }
        }
    }

    /// Whether the reference that this thread has just dropped was not its own. By a pointer that it did not get by the
    /// fence's name, the one that was declared may have come to it on ways on which nobody keeps count (off a list, as
    /// data).
    fn is_unbalanced<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let (me, program) = (cx.me, cx.program);
        let ledger = cx.fence(self.fence).refs.ledger();
        let declared = program.declared_refs(self.fence) > 0 && !ledger.is_given();
        let judged = self.number == FenceOp::BY_NAME || !declared;
        judged && me != program.main_thread() && ledger.is_overdrawn_by(me)
    }

    /// Operations that end where they begin.
    fn single<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        match self.at {
            At::SetError => self.set_error(cx),
            At::Get => {
                get(cx, self.fence);
                return cx.refer(self.fence);
            }
            At::GetRcu => return Value::Word(i32::from(get_rcu(cx, self.fence))),
            At::Free => free(cx, self.fence),
            _ => debug_assert!(false, "[internal bug] {:?} has several steps", self.at),
        }
        Value::Word(0)
    }
}

/// `__dma_fence_enable_signaling()` under the fence's lock. What has to be called for it is called with the lock held.
pub(super) fn enable_signaling<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId, held: Held) -> Option<Call> {
    let was = super::test_and_set(cx, fence, ENABLED);
    let callee = cx.program.fence_ops(fence).enable_signaling?;
    if was & (ENABLED | SIGNALED) != 0 && !cx.mutated(Mutant::EnableTwice) {
        return None;
    }
    let mut locked = cx.fence(fence).locked.get(held);
    super::hold(cx, fence, &mut locked);
    cx.fence(fence).locked.set(held, locked);
    let args = [cx.refer(fence), Value::Unset];
    Some(Call { callee, args, context: Context::Fence, then: Then::Resume })
}

impl FenceOp {
    /// [`Protocol::amid`] of an operation that another one has begun: that it stands at its beginning is the other's
    /// affair.
    pub(crate) fn amid_of<R: Runtime>(&self, at: Standing<'_, R>, outer: Family) -> Option<Family> {
        if self.at == At::Put { Some(outer) } else { self.amid(at) }
    }

    fn own_footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::IsSignaled | At::TestFlag | At::HasOps | At::RawTimestamp | At::RawError | At::Context | At::Seqno => {
                Footprint::reads(self.fence)
            }
            At::AskOps | At::NotSignaled | At::AskedTrue => rcu::section_footprint(v).read(self.fence),
            At::Release | At::Free => release_footprint(v, self.fence),
            At::GetStatus => irqs_footprint(v, Footprint::writes(self.fence)),
            At::RunCallback => {
                let target = v.world.fence(self.fence).locked.0.callbacks[0];
                let f = Footprint::writes(self.fence).write(target);
                irqs_footprint(v, callback::over_footprint(v, self.fence, callback::run_footprint(v, target, f)))
            }
            // These may hold the lock from here on, or release it: with interrupts off.
            At::Signal | At::SignalLocked | At::CheckAndSignal | At::SignalChecked | At::SignalSeen => {
                irqs_footprint(v, super::order::footprint(v, self.fence, Footprint::writes(self.fence)))
            }
            At::SignalNow | At::Enabling => super::order::footprint(v, self.fence, Footprint::writes(self.fence)),
            At::Unlock => irqs_footprint(v, callback::over_footprint(v, self.fence, Footprint::writes(self.fence))),
            At::EnableSignaling | At::TakeLock | At::ReleaseLock => irqs_footprint(v, Footprint::writes(self.fence)),
            At::Init => raw::footprint(v, self.fence, Footprint::writes(self.fence)),
            _ => Footprint::writes(self.fence),
        }
    }
}

impl Protocol for FenceOp {
    const FAMILY: Option<Family> = Some(Family::Fence);

    /// Others see SIGNALED before a callback runs, and a count of 0 before the release; operations may be detached
    /// before they are asked; typesafe memory has readers while it is filled in. Nobody can tell whether a waiter is
    /// woken with the bit or after it: who has not run yet may as well not have been let. The others are the ends of
    /// sections that were begun.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        let amid = match self.at {
            At::Unlock | At::NotSignaled | At::AskedTrue => true,
            At::RunCallback => {
                let waiters = at.world.fence(self.fence).locked.peek().live().iter().all(|e| e.as_task().is_some());
                waiters || at.program.mutated(protocol::Mutant::SignalsWhole)
            }
            At::Release => at.program.mutated(protocol::Mutant::PutsWhole),
            _ => false,
        };
        amid.then_some(Family::Fence)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let known = match self.at {
            At::Init | At::Get | At::GetRcu | At::Release | At::Free => true,
            At::InitFlags | At::InitError => true,
            at if at.looks() => check_readable(cx, self.fence),
            _ => check_alive(cx, self.fence),
        };
        if !known {
            return Flow::Done(Value::Unset);
        }
        match self.at {
            At::Init => self.init(cx),
            At::InitFlags | At::InitError => self.init_rest(cx),
            At::EnableSignaling => self.enable(cx),
            At::SignalSeen if cx.mutated(Mutant::SeenNotSignalled) => Flow::Done(Value::Word(1)),
            At::Signal | At::CheckAndSignal | At::SignalChecked | At::SignalSeen => self.signal(cx),
            At::IsSignaled => self.is_signaled(cx),
            At::TakeLock => self.take_lock(cx),
            At::ReleaseLock => self.release_lock(cx),
            At::SignalLocked | At::IsSignaledLocked => self.begin_locked(cx),
            At::TestFlag => Flow::Done(Value::Word(i32::from(test_signaled(cx, self.fence)))),
            At::AskOps => self.ask_ops(cx),
            At::NotSignaled | At::AskedTrue => self.asked(cx),
            At::HasOps => Flow::Done(Value::Word(i32::from(!self.is_detached(cx)))),
            At::RawError => {
                let error = cx.fence(self.fence).error.load(Order::Relaxed) & !super::PENDING_ERROR;
                Flow::Done(Value::Word(-i32::from(error)))
            }
            At::Context | At::Seqno => {
                let (context, seqno) = cx.world.fence_point(cx.program, self.fence);
                let number = if self.at == At::Context { u16::from(context) } else { seqno };
                Flow::Done(Value::Word(i32::from(number)))
            }
            At::RunCallback => self.run_callback(cx),
            At::Stamp => self.stamp(cx),
            At::Timestamp | At::RawTimestamp => self.timestamp(cx),
            At::Unlock => self.unlock(cx),
            At::SignalNow | At::Enabling => self.signal_now(cx),
            At::Release => release(cx, self.fence),
            At::GetStatus => self.status(cx),
            At::StatusSeen => self.status_seen(cx),
            At::Put | At::PutAgain => self.put(cx),
            _ => Flow::Done(self.single(cx)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        super::lock_footprint(v, self.fence, self.own_footprint(v))
    }

    fn returned(&mut self, value: Value) {
        let no = value.word() == Some(0);
        match self.at {
            At::Enabling => self.at = if no { At::SignalNow } else { At::Unlock },
            At::StatusAsked => self.at = if no { At::Unlock } else { At::StatusSeen },
            At::AskOps if no => self.at = At::NotSignaled,
            At::AskOps => (self.at, self.number) = (At::AskedTrue, 1),
            _ => {}
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        let locks = matches!(
            self.at,
            At::EnableSignaling
                | At::TakeLock
                | At::Signal
                | At::CheckAndSignal
                | At::SignalChecked
                | At::SignalSeen
                | At::GetStatus
                | At::Timestamp
        );
        (locks && !self.locked).then_some(self.fence)
    }
}

#[cfg(test)]
mod tests {
    use super::{At, FenceOp};
    use crate::{
        Code, ObjId,
        coder::{Canon, Reader, Writer},
    };

    #[test]
    fn a_number_and_the_lock_do_not_disturb_each_other() {
        for number in [-4095, -1, 0, 1, 4095] {
            for locked in [false, true] {
                let mut op = FenceOp { locked, ..FenceOp::new(At::Signal, ObjId::numbered(3), number) };
                let mut bytes = vec![];
                op.code(&mut Writer { out: &mut bytes, canon: &Canon::default(), generations: &[] });
                let mut read = FenceOp::BLANK;
                read.code(&mut Reader { bytes: &bytes, at: 0 });
                assert_eq!((read, read.number, read.locked), (op, number, locked));
            }
        }
        assert!(!(-4095..4096).contains(&FenceOp::new(At::SetError, ObjId::numbered(3), i16::MIN).number));
    }
}
