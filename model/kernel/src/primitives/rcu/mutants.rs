//! Mistakes of rcu that can be built in.

use crate::ground::mutation::mutants;

mutants! { "rcu"
    ReadLockNothing "rcu-read-lock-nothing" in "rcu_read_lock()" "the reader is not noted";
    ReadUnlockNoWake "rcu-read-unlock-no-wake" in "rcu_read_unlock_special()" "a grace period that waits is not told";
    PeriodIgnoresReaders "rcu-period-ignores-readers" in "rcu_gp_init()" "waits for no reader";
    QueueJoinsRunning "rcu-queue-joins-running" in "call_rcu()" "a callback joins the grace period that runs already";
    QueueNoWake "rcu-queue-no-wake" in "call_rcu()" "no grace period is started";
    SynchronizeReturns "rcu-synchronize-returns" in "synchronize_rcu()" "returns at once";
    BarrierSynchronizes "rcu-barrier-synchronizes" in "rcu_barrier()" "waits for a grace period, and for no callback";
    CallbackNotCalled "rcu-callback-not-called" in "rcu_do_batch()" "a callback's function is not called";
}
