//! What must hold of wait queues.

use crate::property::properties;

properties! {
    5 WAIT_ENTRY_LEFT = "wait-entry-left",
        "a function returns while its entry is still on a wait queue: it is on the stack, and the next wake-up goes through it",
        "DEFINE_WAIT(), finish_wait(); KASAN: stack-out-of-bounds in __wake_up_common()",
        Says("{who} returns and is still on {what}: the entry is on its stack, and nobody has called finish_wait()"), since Queued;
}
