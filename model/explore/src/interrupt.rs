//! A search that is told to stop: by a signal, or by whoever else will not wait.
//!
//! Every engine looks where it looks at the clock, and ends as at a limit: with what was covered.

use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Tells every search of this process to stop, now and from here on.
pub fn request() {
    REQUESTED.store(true, Ordering::Relaxed);
}

/// Whether searches are to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// How a result begins that is incomplete because somebody said so.
pub const INTERRUPTED: &str = "interrupted";
