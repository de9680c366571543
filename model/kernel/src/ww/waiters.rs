//! The wait list, under the mutex's `wait_lock`, and that lock where it is held over two steps.

use crate::{
    Bits, Code, Coder, Cx, Flow, Held, MAX_THREADS, ObjId, Runtime, SharedCell, ThreadId, ThreadSet,
    primitives::rcu::as_reader,
};

/// A `struct mutex_waiter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiter {
    pub(crate) task: ThreadId,
    pub(crate) ctx: Option<ObjId>,
}

/// Most waiters of one mutex.
const MAX_WAITERS: usize = 8;

/// Of [`Waiters::head`]: the list's length.
const LEN: u8 = 15;
/// Above it.
const PLACE_SHIFT: u32 = LEN.count_ones();

const _: () = assert!(MAX_WAITERS <= MAX_THREADS && MAX_WAITERS <= LEN as usize);

/// The wait list, and `wait_lock` with it: between two steps only somebody on the list has that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiters {
    /// How many there are; above that the place, from 1 on, of the one that holds `wait_lock`.
    head: u8,
    list: [Waiter; MAX_WAITERS],
    /// Threads that a threaded runtime holds back until `wait_lock` is released, as bytes: the object is as small as it
    /// was.
    spinners: [u8; 2],
}

impl Waiters {
    fn len(&self) -> usize {
        usize::from(self.head & LEN)
    }

    pub(crate) fn live(&self) -> &[Waiter] {
        &self.list[..self.len()]
    }

    /// Who holds `wait_lock` over several steps.
    pub(super) fn lock_owner(&self) -> Option<ThreadId> {
        let place = usize::from(self.head >> PLACE_SHIFT);
        place.checked_sub(1).map(|at| self.list[at].task)
    }

    /// Notes that this waiter keeps `wait_lock`.
    fn lock(&mut self, t: ThreadId) {
        let place = self.position(t).map_or(0, |at| at as u8 + 1);
        self.head = self.head & LEN | place << PLACE_SHIFT;
    }

    /// Notes that `wait_lock` is free; the result is who may try again.
    fn unlock(&mut self) -> ThreadSet {
        self.head &= LEN;
        ThreadSet(u16::from_le_bytes(std::mem::take(&mut self.spinners)))
    }

    fn hold_back(&mut self, t: ThreadId) {
        let mut spinners = ThreadSet(u16::from_le_bytes(self.spinners));
        spinners.insert(t);
        self.spinners = spinners.0.to_le_bytes();
    }

    /// The first waiter's task: whom an unlocker wakes, or hands the mutex to.
    pub(crate) fn first(&self) -> Option<ThreadId> {
        self.live().first().map(|w| w.task)
    }

    /// False if the list is full.
    pub(super) fn insert(&mut self, at: usize, w: Waiter) -> bool {
        let n = self.len();
        if n == MAX_WAITERS {
            return false;
        }
        self.list.copy_within(at..n, at + 1);
        self.list[at] = w;
        self.head += 1;
        true
    }

    fn position(&self, t: ThreadId) -> Option<usize> {
        self.live().iter().position(|w| w.task == t)
    }

    pub(super) fn remove(&mut self, t: ThreadId) {
        if let Some(at) = self.position(t) {
            self.list.copy_within(at + 1.., at);
            self.head -= 1;
            self.list[self.len()] = Waiter::default();
        }
    }
}

/// The first waiter's task as one word, or nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct FirstWaiter(u8);

impl FirstWaiter {
    pub(super) fn of(task: Option<ThreadId>) -> FirstWaiter {
        FirstWaiter(task.map_or(0, |t| t.0 + 1))
    }
}

impl Bits for FirstWaiter {
    fn to_bits(self) -> u64 {
        u64::from(self.0)
    }
    fn from_bits(bits: u64) -> Self {
        FirstWaiter(bits as u8)
    }
}

impl Code for Waiters {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // Spinners exist on threaded runtimes only, and only the plain world is encoded.
        c.byte(&mut self.head);
        let len = self.len();
        for w in &mut self.list[..len] {
            w.task.code(c);
            w.ctx.code(c);
        }
    }
}

/// `raw_spin_lock_irqsave(&lock->wait_lock)`, by a step that releases it or by a waiter that has it already.
pub(super) fn enter<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId) -> Result<(Held, Waiters), Flow> {
    let (me, held) = (cx.me, cx.enter(m));
    let mut waiters = cx.ww(m).waiters.get(held);
    if waiters.lock_owner().is_some_and(|owner| owner != me) {
        waiters.hold_back(me);
        cx.ww(m).waiters.set(held, waiters);
        return Err(Flow::Spin(m));
    }
    Ok((held, waiters))
}

/// `wait_lock` stays held: the next step goes on with it.
pub(super) fn keep<R: Runtime>(cx: &mut Cx<'_, R>, waiters: &mut Waiters) {
    waiters.lock(cx.me);
    as_reader(cx, |p| p.spin_depth += 1);
    cx.irqs_disable();
}

/// `raw_spin_unlock_irqrestore()` of what was kept.
pub(super) fn release<R: Runtime>(cx: &mut Cx<'_, R>, waiters: &mut Waiters) {
    waiters.unlock().iter().for_each(|t| cx.rt.release(t));
    as_reader(cx, |p| p.spin_depth -= 1);
    cx.irqs_restore();
}
