//! Mistakes of irq work that can be built in.

use crate::ground::mutation::mutants;

mutants! { "irq work"
    QueueTwice "irq-work-queue-twice" in "irq_work_queue()" "says of a pending one that it was queued";
    QueueForgets "irq-work-queue-forgets" in "irq_work_queue()" "nothing is pending";
    QueueNotBusy "irq-work-queue-not-busy" in "irq_work_claim()" "BUSY is not set: nobody waits for one that is pending";
    StaysPending "irq-work-stays-pending" in "irq_work_single()" "PENDING stays";
    StaysBusy "irq-work-stays-busy" in "irq_work_single()" "BUSY stays";
    DoneNoWake "irq-work-done-no-wake" in "irq_work_single()" "who waits is not woken";
    SyncReturns "irq-work-sync-returns" in "irq_work_sync()" "does not wait";
}
