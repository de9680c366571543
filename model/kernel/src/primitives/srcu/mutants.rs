//! Mistakes of sleepable RCU that can be built in.

use crate::ground::mutation::mutants;

mutants! { "srcu"
    UnlockNoWake "srcu-unlock-no-wake" in "srcu_read_unlock()" "who waits for the last reader is not woken";
    OneScan "srcu-one-scan" in "srcu_advance_state()" "readers that were late for the flip before are not waited for";
    NoWait "srcu-no-wait" in "synchronize_srcu()" "does not wait for readers of before the flip";
}
