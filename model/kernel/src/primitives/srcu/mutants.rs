//! Mistakes of sleepable RCU that can be built in.

use crate::ground::mutation::mutants;

mutants! { "srcu"
    UnlockNoWake "srcu-unlock-no-wake" in "srcu_read_unlock()" "who waits for the last reader is not woken";
    OneScan "srcu-one-scan" in "srcu_advance_state()" "readers that were late for the flip before are not waited for";
    QueueNoWake "srcu-queue-no-wake" in "call_srcu()" "no grace period is started";
    CallNoWait "srcu-call-no-wait" in "srcu_invoke_callbacks()" "callbacks are called before a grace period is over";
    BarrierReturns "srcu-barrier-returns" in "srcu_barrier()" "waits for no callback";
    BarrierForgotten "srcu-barrier-forgotten" in "srcu_barrier_cb()" "who waits for the callbacks is not woken";
    NoWait "srcu-no-wait" in "synchronize_srcu()" "does not wait for readers of before the flip";
}
