//! Mistakes of rwsem that can be built in.

use crate::ground::mutation::mutants;

mutants! { "rwsem"
    ReadIgnoresWriter "rwsem-read-ignores-writer" in "rwsem_read_trylock()" "a writer's lock is not seen";
    ReadIgnoresQueue "rwsem-read-ignores-queue" in "rwsem_down_read_slowpath()" "a reader overtakes a writer that waits";
    ReadAloneInQueue "rwsem-read-alone" in "rwsem_down_read_slowpath()" "who finds the lock free lets no other reader in"
        survives "a lock that is free while readers wait is about to be given to them by the rwsem_wake() of whoever released it";
    ReadQueueNoFlag "rwsem-read-queue-no-flag" in "rwsem_down_read_slowpath()" "queues without the WAITERS flag";
    ReadQueueNoWake "rwsem-read-queue-no-wake" in "rwsem_down_read_slowpath()" "queues without a look at what the count allows";
    ReadAbortIgnoresGrant "rwsem-read-abort-ignores-grant" in "rwsem_down_read_slowpath()" "a signal wins over a lock that was given";
    WriteQueueNoFlag "rwsem-write-queue-no-flag" in "rwsem_down_write_slowpath()" "queues without the WAITERS flag";
    WriteQueueNoWake "rwsem-write-queue-no-wake" in "rwsem_down_write_slowpath()" "queues behind others without a look at what the count allows"
        survives "whoever made the lock free, or was in the way of the wake-up for a moment, wakes the head of the queue itself";
    WriteOverReaders "rwsem-write-over-readers" in "rwsem_try_write_lock()" "takes the lock although readers have it";
    UpReadNoWake "rwsem-up-read-no-wake" in "__up_read()" "the last reader wakes nobody";
    UpWriteNoWake "rwsem-up-write-no-wake" in "__up_write()" "wakes nobody";
    DowngradeNoWake "rwsem-downgrade-no-wake" in "__downgrade_write()" "lets no waiting reader in";
    MarkWakeNoGrant "rwsem-mark-wake-no-grant" in "rwsem_mark_wake()" "wakes readers without giving them the lock";
    MarkWakeNotWoken "rwsem-mark-wake-not-woken" in "rwsem_mark_wake()" "gives readers the lock and does not wake them";
    MarkWakeNotCounted "rwsem-mark-wake-not-counted" in "rwsem_mark_wake()" "readers are let in uncounted";
    ReadQueueOneStep "rwsem-read-queue-one-step" in "rwsem_down_read_slowpath()" "coarse step put back: the whole section under wait_lock is one step";
    OwnerOneStep "rwsem-owner-one-step" in "rwsem_set_reader_owned()" "coarse step put back: the owner word is stored together with the count";
    MarkWakeOneStep "rwsem-mark-wake-one-step" in "rwsem_mark_wake()" "coarse step put back: the first reader is counted and all are let in at once"
        survives "whoever looks at the count in between finds what was there before, that nobody writes and somebody waits, and comes to the same end: no scenario was found that can tell";
    WriteTryOneStep "rwsem-write-try-one-step" in "rwsem_down_write_slowpath()" "coarse step put back: the try and the look for a signal are one step";
    LeaveNoWake "rwsem-leave-no-wake" in "rwsem_del_wake_waiter()" "who gives up wakes nobody";
    LeaveKeepsFlag "rwsem-leave-keeps-flag" in "rwsem_del_waiter()" "the last waiter leaves the WAITERS flag";
    TryReadIgnoresWriter "rwsem-try-read-ignores-queue" in "__down_read_trylock()" "succeeds although somebody waits";
    UpWriteRelaxed "rwsem-up-write-relaxed" in "__up_write()" "releases without an order" (loom);
    UpReadRelaxed "rwsem-up-read-relaxed" in "__up_read()" "releases without an order" (loom);
    WriteRelaxed "rwsem-write-relaxed" in "rwsem_write_trylock()" "takes the lock without an order" (loom);
}
