//! Where the thread that reads messages leaves work for another one: what is to be done, and a bell.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What two threads share.
#[derive(Debug, Default)]
pub(crate) struct Desk<Q> {
    queue: Mutex<Q>,
    pub(crate) more: Condvar,
}

impl<Q> Desk<Q> {
    /// What is to be done. Whoever panicked with it had not changed it by halves.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Q> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the bell rings.
    pub(crate) fn wait<'q>(&self, queue: MutexGuard<'q, Q>) -> MutexGuard<'q, Q> {
        self.more.wait(queue).unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, and no longer than that.
    pub(crate) fn wait_for<'q>(&self, queue: MutexGuard<'q, Q>, most: Duration) -> MutexGuard<'q, Q> {
        self.more.wait_timeout(queue, most).unwrap_or_else(PoisonError::into_inner).0
    }
}
