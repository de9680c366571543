//! A search that is told to stop: by a signal, or by whoever else will not wait.
//!
//! Every engine looks where it looks at the clock, and ends as at a limit: with what was covered.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering},
};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// What tells every search of this process to stop once it is true: for a handler of signals to set.
pub fn flag() -> Arc<AtomicBool> {
    Arc::clone(&REQUESTED)
}

/// Whether searches are to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// How a result begins that is incomplete because somebody said so.
pub const INTERRUPTED: &str = "interrupted";
