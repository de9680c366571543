//! Mistakes of wake_q that can be built in.

use crate::ground::mutation::mutants;

mutants! { "wake_q"
    AddTwice "wakeq-add-twice" in "__wake_q_add()" "adds a task that is on a list already";
    AddForgets "wakeq-add-forgets" in "__wake_q_add()" "does not add";
    FlushNoWake "wakeq-flush-no-wake" in "wake_up_q()" "wakes nobody";
    FlushKeepsNode "wakeq-flush-keeps-node" in "wake_up_q()" "a woken task cannot be added again";
    FlushStops "wakeq-flush-stops" in "wake_up_q()" "wakes the first and forgets the others";
    AddNoBarrier "wakeq-add-no-barrier" in "__wake_q_add()" "no barrier before the look at the node" (loom);
}
