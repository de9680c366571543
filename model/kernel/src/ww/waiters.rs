//! The wait list, under the mutex's `wait_lock`.

use crate::{Bits, Code, Coder, MAX_THREADS, ObjId, ThreadId};

/// A `struct mutex_waiter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiter {
    pub(crate) task: ThreadId,
    pub(crate) ctx: Option<ObjId>,
}

/// Most waiters of one mutex.
const MAX_WAITERS: usize = 8;

/// The wait list, under `wait_lock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiters {
    len: u8,
    list: [Waiter; MAX_WAITERS],
}

impl Waiters {
    pub(crate) fn live(&self) -> &[Waiter] {
        &self.list[..usize::from(self.len)]
    }

    /// The first waiter's task: whom an unlocker wakes, or hands the mutex to.
    pub(crate) fn first(&self) -> Option<ThreadId> {
        self.live().first().map(|w| w.task)
    }

    /// False if the list is full.
    pub(super) fn insert(&mut self, at: usize, w: Waiter) -> bool {
        let n = usize::from(self.len);
        if n == MAX_WAITERS {
            return false;
        }
        self.list.copy_within(at..n, at + 1);
        self.list[at] = w;
        self.len += 1;
        true
    }

    fn position(&self, t: ThreadId) -> Option<usize> {
        self.live().iter().position(|w| w.task == t)
    }

    pub(super) fn remove(&mut self, t: ThreadId) {
        if let Some(at) = self.position(t) {
            self.list.copy_within(at + 1.., at);
            self.len -= 1;
            self.list[usize::from(self.len)] = Waiter::default();
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
        c.byte(&mut self.len);
        for w in &mut self.list[..usize::from(self.len)] {
            w.task.code(c);
            w.ctx.code(c);
        }
    }
}

const _: () = assert!(MAX_WAITERS <= MAX_THREADS);
