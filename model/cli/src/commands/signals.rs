//! SIGINT and SIGTERM: what was covered is told, and then it is over. A second one ends the process at once.

use fenceweave_explore::interrupt;
use signal_hook::{consts::TERM_SIGNALS, flag};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// As a shell says it of a process that a signal has ended.
const ENDED: i32 = 130;

/// From here on a signal stops every search. Where the system has no signals, nothing is lost.
pub(super) fn listen() {
    let asked = interrupt::flag();
    let again = Arc::new(AtomicBool::new(false));
    debug_assert!(!asked.load(Ordering::Relaxed));
    for signal in TERM_SIGNALS {
        // In this order: the first signal finds `again` unset, and sets it.
        let _ = flag::register_conditional_shutdown(*signal, ENDED, Arc::clone(&again));
        let _ = flag::register(*signal, Arc::clone(&again));
        let _ = flag::register(*signal, Arc::clone(&asked));
    }
}
