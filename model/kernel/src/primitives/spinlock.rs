//! `spinlock_t` held over several steps.
//!
//! A critical section that is a single step needs none of this: it is [`Cx::enter`](crate::Cx::enter). A spinlock that
//! is held while other steps are taken (a script's, or a fence's around its callbacks) is state: whoever wants it while
//! it is held is *disabled*, not queued and not retrying.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Merging, ObjId, Plain, Property, Runtime, SharedCell, ThreadId, ThreadSet, Value,
    View,
    coder::points,
    facet::{Facet, FacetSink},
    primitives::{
        irq::irqs_footprint,
        rcu::{as_reader, reader_footprint},
    },
    protocol::Protocol,
    runtime::AtomicCell,
    shared::{LeftOpen, Lost, Shared, renewed},
};

/// The state of a spinlock: inside [`SpinLock`], and inside objects that have one of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RawSpin {
    owner: Option<ThreadId>,
    /// Threads that a threaded runtime holds back until the lock is released; always empty under [`Plain`].
    spinners: ThreadSet,
}

impl RawSpin {
    /// Takes the lock if it is free; otherwise notes who spins.
    pub(crate) fn try_take(&mut self, me: ThreadId) -> bool {
        if self.owner.is_none() {
            self.owner = Some(me);
            return true;
        }
        self.spinners.insert(me);
        false
    }

    /// Releases the lock; the result is who may try again.
    pub(crate) fn release(&mut self) -> ThreadSet {
        self.owner = None;
        std::mem::take(&mut self.spinners)
    }

    /// Who is held back until it is released.
    pub(crate) fn spinners(self) -> ThreadSet {
        self.spinners
    }

    /// Who holds it.
    pub fn owner(self) -> Option<ThreadId> {
        self.owner
    }
}

impl Code for RawSpin {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // Spinners exist on threaded runtimes only, and only the plain world is encoded.
        self.owner.code(c);
    }
}

/// A `spinlock_t`.
#[derive(Clone)]
pub struct SpinLock<R: Runtime> {
    pub(crate) raw: R::Cell<RawSpin>,
}

impl Copy for SpinLock<Plain> {}

impl<R: Runtime> SpinLock<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        SpinLock { raw: R::Cell::new(RawSpin::default(), id) }
    }

    /// Who holds it.
    pub fn owner(&self) -> Option<ThreadId> {
        self.raw.peek().owner
    }
}

impl<R: Runtime> Shared<R> for SpinLock<R> {
    renewed!(Spin { raw: cell });

    /// `spin_lock_debug`: "already freed" is told of the next who looks.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_lock(self.owner(), None)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("owner", Facet::Thread(self.owner()));
    }

    fn lock_owner(&self) -> Option<ThreadId> {
        self.owner()
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.owner() == Some(by)).then_some(LeftOpen::Spinlock)
    }
}

impl Code for SpinLock<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.raw.code(c);
    }
}

points! {
    /// What is done with a spinlock; each is one step.
    pub enum How {
        /// `spin_lock()`: disabled while another thread holds the lock.
        Lock = "spin_lock",
        /// `spin_trylock()`: 1 or 0.
        TryLock = "spin_trylock",
        /// `spin_unlock()`.
        Unlock = "spin_unlock",
        /// `spin_lock_irqsave()`: no handler begins on this CPU until the lock is released.
        LockIrqSave = "spin_lock_irqsave",
        /// `spin_unlock_irqrestore()`.
        UnlockIrqRestore = "spin_unlock_irqrestore",
        /// `spin_lock_irq()`: for who knows that interrupts are enabled.
        LockIrq = "spin_lock_irq",
        /// `spin_unlock_irq()`: enables them, whatever they were before.
        UnlockIrq = "spin_unlock_irq",
        /// `spin_lock_bh()`: no soft interrupt comes on this CPU until the lock is released.
        LockBh = "spin_lock_bh",
        /// `spin_unlock_bh()`.
        UnlockBh = "spin_unlock_bh",
    }
}

/// Whether the lock can never be had because this CPU holds it: the thread itself, or the one that it interrupted. That
/// is reported.
pub(crate) fn blocked_by_own_cpu<R: Runtime>(cx: &mut Cx<'_, R>, lock: ObjId, owner: Option<ThreadId>) -> bool {
    let Some(owner) = owner else { return false };
    if owner == cx.me {
        cx.violate(Property::SELF_DEADLOCK, Some(lock));
    } else if cx.private.interrupted() == Some(owner) {
        cx.violate_with(Property::IRQ_DEADLOCK, Some(lock), Some(owner));
    } else {
        return false;
    }
    true
}

/// One operation on a spinlock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spin {
    pub(crate) how: How,
    pub(crate) lock: ObjId,
    /// `spin_lock_nest_lock()`: under which lock or context.
    pub(crate) nest: Option<ObjId>,
}

crate::coder::fields!(Spin { how, lock, nest });

impl Spin {
    /// Whether it waits until it has the lock.
    fn takes(&self) -> bool {
        matches!(self.how, How::Lock | How::LockBh | How::LockIrq | How::LockIrqSave)
    }
}

impl Protocol for Spin {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, held) = (cx.me, cx.enter(self.lock));
        let mut raw = cx.spin(self.lock).raw.get(held);
        let flow = match self.how {
            _ if self.takes() && blocked_by_own_cpu(cx, self.lock, raw.owner) => Flow::Done(Value::Word(0)),
            _ if self.takes() && !cx.mutated(Mutant::LockNothing) && !raw.try_take(me) => Flow::Spin(self.lock),
            How::Lock | How::LockBh | How::LockIrq | How::LockIrqSave => {
                cx.about_to_lock_under(self.lock, self.nest);
                as_reader(cx, |p| p.spin_depth += 1);
                match self.how {
                    How::LockBh => cx.bh_disable(),
                    How::LockIrq | How::LockIrqSave if !cx.mutated(Mutant::IrqsaveLeavesOn) => cx.irqs_disable(),
                    _ => {}
                }
                Flow::Done(Value::Word(0))
            }
            How::TryLock => {
                let got = !cx.mutated(Mutant::TryLockFails) && raw.owner.is_none() && raw.try_take(me);
                as_reader(cx, |p| p.spin_depth += u8::from(got));
                Flow::Done(Value::Word(i32::from(got)))
            }
            How::Unlock | How::UnlockBh | How::UnlockIrq | How::UnlockIrqRestore if raw.owner != Some(me) => {
                cx.violate_with(Property::UNLOCK_NOT_HELD, Some(self.lock), raw.owner);
                Flow::Done(Value::Word(0))
            }
            How::Unlock | How::UnlockBh | How::UnlockIrq | How::UnlockIrqRestore => {
                as_reader(cx, |p| p.spin_depth -= 1);
                match self.how {
                    How::UnlockIrqRestore if !cx.mutated(Mutant::IrqrestoreLeavesOff) => cx.irqs_restore(),
                    How::UnlockBh => cx.bh_enable(Some(self.lock)),
                    How::UnlockIrq => cx.irqs_enable(Some(self.lock)),
                    _ => {}
                }
                if !cx.mutated(Mutant::UnlockNothing) {
                    raw.release().iter().for_each(|t| cx.rt.release(t));
                }
                Flow::Done(Value::Word(0))
            }
        };
        cx.spin(self.lock).raw.set(held, raw);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.lock);
        if matches!(self.how, How::Lock | How::Unlock | How::TryLock | How::LockBh | How::UnlockBh) {
            reader_footprint(v, f)
        } else {
            irqs_footprint(v, f)
        }
    }

    /// Whoever wants the lock is held back until it is released, and nobody else can tell; a grace period that has
    /// begun waits for its holder.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        let ends = match self.how {
            How::Unlock => true,
            How::UnlockIrqRestore => cx.private.irqs_off > 0,
            _ => false,
        };
        let reader = cx.world.task(cx.me).reader.peek();
        // Which locks are taken with which, and in which context, is looked at in the states after the steps: one that
        // takes a lock, or allocates, leaves it held.
        let seen = !cx.touched.contains(self.lock) && cx.allocates.is_none();
        ends && seen
            && !reader.awaited
            && !reader.keeps
            && cx.merging.is_some_and(Merging::has_sections)
            && cx.world.spin(self.lock).owner() == Some(cx.me)
    }

    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [Some(self.lock), None]
    }

    fn label(&self) -> &'static str {
        if self.nest.is_some() { "spin_lock_nest_lock" } else { self.how.label() }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.takes().then_some(self.lock)
    }
}
