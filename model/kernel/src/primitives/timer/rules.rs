//! What must hold of timers.

use crate::{property::forms, rule::rules};

rules! {
    31 TIMER_SYNC_IN_HARDIRQ of IRQ_DEADLOCK = "a timer's handler is waited for in an interrupt handler",
        "it may be the one that was interrupted: WARN_ON(in_hardirq()) in timer_delete_sync()",
        Says("{who} waits for the handler of {what}, which it may have interrupted{place}");
}

forms! {
    10 TIMER_WAITS_FOR_ITSELF "{who} waits for its own end: it is the handler of {what}{place}";
    24 FREED_TIMER_ARMED "{who} frees {what}, and {also}, a timer inside of it, is armed{place}";
}
