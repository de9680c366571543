//! Mistakes of workqueue that can be built in.

use crate::ground::mutation::mutants;

mutants! { "workqueue"
    QueueNoWake "work-queue-no-wake" in "queue_work()" "no worker is woken";
    QueueForgets "work-queue-forgets" in "queue_work()" "says that it queued and did not";
    QueueTwice "work-queue-twice" in "queue_work()" "says of a pending item that it queued it";
    FlushReturns "work-flush-returns" in "flush_work()" "does not wait for a run in progress";
    DoneNoWake "work-done-no-wake" in "process_one_work()" "who flushes is not woken";
    CancelKeepsPending "work-cancel-keeps-pending" in "cancel_work_sync()" "the item stays on the queue";
    CancelNoWait "work-cancel-no-wait" in "cancel_work_sync()" "does not wait for a run in progress";
    CancelLetsQueue "work-cancel-lets-queue" in "cancel_work_sync()" "the item may queue itself meanwhile";
    CancelForgetsFlush "work-cancel-forgets-flush" in "cancel_work_sync()" "who flushes the cancelled item is not woken";
    OrderedNoNext "work-ordered-no-next" in "pwq_dec_nr_in_flight()" "the next item of an ordered queue is not started";
    OrderedTogether "work-ordered-together" in "worker_thread()" "items of an ordered queue run at once";
    QueueDisabled "work-queue-disabled" in "queue_work()" "queues an item that is disabled";
    DisableNothing "work-disable-nothing" in "disable_work_sync()" "does not disable, only cancels";
    PoolRunsTwice "work-pool-runs-twice" in "find_worker_executing_work()" "an item that runs is run a second time at once";
    FlushLeavesTimer "work-flush-leaves-timer" in "flush_delayed_work()" "does not look at the timer";
}
