//! Threads that a search may use besides its own: what is left of those that the process is to use.
//!
//! Whoever runs several searches at once offers what has nothing to do any more, and a search takes it for one level of
//! its graph (`explicit/together.rs`). What is found is the same by any number of them.

use std::sync::atomic::{AtomicUsize, Ordering};

static LEFT: AtomicUsize = AtomicUsize::new(0);

/// So many threads more may be used.
pub fn offer(threads: usize) {
    LEFT.fetch_add(threads, Ordering::Relaxed);
}

/// So many that were offered may not be used any more.
pub fn withdraw(threads: usize) {
    let _ = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(threads)));
}

/// Threads that were taken; they are given back when this is dropped.
pub(crate) struct Taken(pub(crate) usize);

/// Takes all that are left, and no more than so many.
pub(crate) fn take(most: usize) -> Taken {
    let mut taken = 0;
    let _ = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        taken = left.min(most);
        Some(left - taken)
    });
    Taken(taken)
}

impl Drop for Taken {
    fn drop(&mut self) {
        offer(self.0);
    }
}
