//! Mistakes that can be built into the protocols one at a time, to see whether the shipped scenarios notice.
//!
//! A protocol asks `cx.mutated(Mutation::X)` at the point where the mistake would be. Without the feature `mutants` the
//! answer is a constant *no*, so that nothing of it is left in the code; with it the [`Program`] says which mutation is at
//! work, and notes which ones were asked for: what no scenario comes to, no scenario can notice.
//!
//! A mutation is one row of the table below and one `if` at the place of the mistake (`CONTRIBUTING.md` says how to add
//! one). [`EXPLAINED`] are those that no scenario can kill, each with the reason.

use crate::{Cx, Order, Program, Runtime};

macro_rules! mutations {
    ($($protocol:literal { $($variant:ident $name:literal in $function:literal $what:literal $(($loom:ident))?;)* })*) => {
        /// A mistake in one place of one protocol.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Mutation {
            $($(#[doc = concat!("`", $function, "`: ", $what, ".")] $variant,)*)*
        }

        impl Mutation {
            /// All of them, protocol by protocol.
            pub const ALL: &[Mutation] = &[$($(Mutation::$variant,)*)*];

            /// The name that the command line uses.
            pub fn name(self) -> &'static str {
                match self { $($(Mutation::$variant => $name,)*)* }
            }

            /// The protocol whose step it is.
            pub fn protocol(self) -> &'static str {
                match self { $($(Mutation::$variant => $protocol,)*)* }
            }

            /// The kernel's function in which the mistake would be.
            pub fn function(self) -> &'static str {
                match self { $($(Mutation::$variant => $function,)*)* }
            }

            /// What is wrong there.
            pub fn what(self) -> &'static str {
                match self { $($(Mutation::$variant => $what,)*)* }
            }

            /// Whether only loom can show it: a barrier or a memory order is missing, or the wake-up of a sleeper whom the
            /// other engines ask before every step whether it sleeps.
            pub fn needs_loom(self) -> bool {
                match self { $($(Mutation::$variant => false $(|| stringify!($loom) == "loom")?,)*)* }
            }
        }
    };
}

mutations! {
    "scheduler" {
        SleepNoBarrier "sleep-no-barrier" in "set_current_state()" "the state is set without a barrier after it" (loom);
        WakeNoBarrier "wake-no-barrier" in "try_to_wake_up()" "no barrier before the look at the task's state" (loom);
        SignalNoWake "signal-no-wake" in "signal_wake_up()" "an interruptible sleeper is not woken" (loom);
        SignalNotPending "signal-not-pending" in "send_signal_locked()" "the signal is not noted as pending";
        ScheduleSleepsOnSignal "schedule-sleeps-on-signal" in "schedule()" "sleeps although a signal is pending";
    }
    "wait queue" {
        WqPrepareNoState "wq-prepare-no-state" in "prepare_to_wait()" "queues without setting the task's state";
        WqPrepareNotQueued "wq-prepare-not-queued" in "prepare_to_wait()" "sets the state without queueing";
        WqPrepareQueuesInterrupted "wq-prepare-queues-interrupted" in "prepare_to_wait_event()" "queues although a signal is pending";
        WqExclusiveAtHead "wq-exclusive-at-head" in "prepare_to_wait_exclusive()" "the entry is not exclusive";
        WqWakeNobody "wq-wake-nobody" in "wake_up()" "wakes nobody";
        WqWakeStopsEarly "wq-wake-stops-early" in "__wake_up_common()" "stops at the first waiter, exclusive or not";
        WqWakeAllStops "wq-wake-all-stops" in "wake_up_all()" "stops at the first exclusive waiter";
        WqWakeCountsRunning "wq-wake-counts-running" in "__wake_up_common()" "a waiter that runs already uses up the wake-up";
        WqPrepareOneStep "wq-prepare-one-step" in "prepare_to_wait_event()" "coarse step put back: the look for a signal and the state are one step";
        WqWakeOneStep "wq-wake-one-step" in "__wake_up_common()" "coarse step put back: all sleepers are woken at once";
        WqNoAutoremove "wq-no-autoremove" in "autoremove_wake_function()" "a woken waiter stays on the list";
        WqFinishStaysQueued "wq-finish-stays-queued" in "finish_wait()" "leaves the entry on the list";
        WqFinishKeepsState "wq-finish-keeps-state" in "finish_wait()" "the task's state is not reset";
    }
    "completion" {
        CompleteNoWake "complete-no-wake" in "complete()" "counts and wakes nobody";
        CompleteNoCount "complete-no-count" in "complete()" "wakes and does not count";
        CompleteAllWakesOne "complete-all-wakes-one" in "complete_all()" "wakes only the first";
        CompleteAllCountsOne "complete-all-counts-one" in "complete_all()" "counts like complete()";
        WaitKeepsCount "completion-wait-keeps-count" in "do_wait_for_common()" "does not take what it waited for";
        WaitTimeoutQueued "completion-timeout-queued" in "do_wait_for_common()" "stays on the list after a timeout";
        TryWaitKeepsCount "completion-try-keeps-count" in "try_wait_for_completion()" "does not take it";
        ReinitNothing "completion-reinit-nothing" in "reinit_completion()" "does not reset the count";
    }
    "spinlock" {
        SpinLockNothing "spin-lock-nothing" in "spin_lock()" "goes on without the lock";
        SpinTryLockFails "spin-trylock-fails" in "spin_trylock()" "always fails";
        SpinUnlockNothing "spin-unlock-nothing" in "spin_unlock()" "does not release";
        SpinIrqsaveLeavesOn "spin-irqsave-leaves-on" in "spin_lock_irqsave()" "interrupts stay on";
        SpinIrqrestoreLeavesOff "spin-irqrestore-leaves-off" in "spin_unlock_irqrestore()" "interrupts stay off";
    }
    "rwsem" {
        RwReadIgnoresWriter "rwsem-read-ignores-writer" in "rwsem_read_trylock()" "a writer's lock is not seen";
        RwReadIgnoresQueue "rwsem-read-ignores-queue" in "rwsem_down_read_slowpath()" "a reader overtakes a writer that waits";
        RwReadAloneInQueue "rwsem-read-alone" in "rwsem_down_read_slowpath()" "who finds the lock free lets no other reader in";
        RwReadQueueNoFlag "rwsem-read-queue-no-flag" in "rwsem_down_read_slowpath()" "queues without the WAITERS flag";
        RwReadQueueNoWake "rwsem-read-queue-no-wake" in "rwsem_down_read_slowpath()" "queues without a look at what the count allows";
        RwReadAbortIgnoresGrant "rwsem-read-abort-ignores-grant" in "rwsem_down_read_slowpath()" "a signal wins over a lock that was given";
        RwWriteQueueNoFlag "rwsem-write-queue-no-flag" in "rwsem_down_write_slowpath()" "queues without the WAITERS flag";
        RwWriteQueueNoWake "rwsem-write-queue-no-wake" in "rwsem_down_write_slowpath()" "queues behind others without a look at what the count allows";
        RwWriteOverReaders "rwsem-write-over-readers" in "rwsem_try_write_lock()" "takes the lock although readers have it";
        RwUpReadNoWake "rwsem-up-read-no-wake" in "__up_read()" "the last reader wakes nobody";
        RwUpWriteNoWake "rwsem-up-write-no-wake" in "__up_write()" "wakes nobody";
        RwDowngradeNoWake "rwsem-downgrade-no-wake" in "__downgrade_write()" "lets no waiting reader in";
        RwMarkWakeNoGrant "rwsem-mark-wake-no-grant" in "rwsem_mark_wake()" "wakes readers without giving them the lock";
        RwMarkWakeNotWoken "rwsem-mark-wake-not-woken" in "rwsem_mark_wake()" "gives readers the lock and does not wake them";
        RwMarkWakeNotCounted "rwsem-mark-wake-not-counted" in "rwsem_mark_wake()" "readers are let in uncounted";
        RwReadQueueOneStep "rwsem-read-queue-one-step" in "rwsem_down_read_slowpath()" "coarse step put back: the whole section under wait_lock is one step";
        RwOwnerOneStep "rwsem-owner-one-step" in "rwsem_set_reader_owned()" "coarse step put back: the owner word is stored together with the count";
        RwMarkWakeOneStep "rwsem-mark-wake-one-step" in "rwsem_mark_wake()" "coarse step put back: the first reader is counted and all are let in at once";
        RwWriteTryOneStep "rwsem-write-try-one-step" in "rwsem_down_write_slowpath()" "coarse step put back: the try and the look for a signal are one step";
        RwLeaveNoWake "rwsem-leave-no-wake" in "rwsem_del_wake_waiter()" "who gives up wakes nobody";
        RwLeaveKeepsFlag "rwsem-leave-keeps-flag" in "rwsem_del_waiter()" "the last waiter leaves the WAITERS flag";
        RwTryReadIgnoresWriter "rwsem-try-read-ignores-queue" in "__down_read_trylock()" "succeeds although somebody waits";
        RwUpWriteRelaxed "rwsem-up-write-relaxed" in "__up_write()" "releases without an order" (loom);
        RwUpReadRelaxed "rwsem-up-read-relaxed" in "__up_read()" "releases without an order" (loom);
        RwWriteRelaxed "rwsem-write-relaxed" in "rwsem_write_trylock()" "takes the lock without an order" (loom);
    }
    "refcount" {
        RefGetUnlessZeroGets "ref-get-unless-zero-gets" in "refcount_inc_not_zero()" "gets from zero";
        RefPutNotLast "ref-put-not-last" in "refcount_dec_and_test()" "the last reference is not told";
        RefGetNothing "ref-get-nothing" in "refcount_inc()" "does not count";
    }
    "slab" {
        SlabPutFreesEarly "slab-put-frees-early" in "kref_put()" "releases although there are other references";
        SlabPutNoRelease "slab-put-no-release" in "kref_put()" "the last reference releases nothing";
        SlabGetNothing "slab-get-nothing" in "kref_get()" "does not count";
        SlabGetUnlessZeroGets "slab-get-unless-zero-gets" in "kref_get_unless_zero()" "gets from zero";
        SlabAllocKeepsFields "slab-alloc-keeps-fields" in "kmem_cache_alloc()" "fields keep what the last object left";
        SlabNewOneStep "slab-new-one-step" in "kmem_cache_alloc()" "coarse step put back: an object of a typesafe slab is initialised at once";
        SlabFreeRcuNow "slab-free-rcu-now" in "kfree_rcu()" "frees without a grace period";
    }
    "rcu" {
        RcuReadLockNothing "rcu-read-lock-nothing" in "rcu_read_lock()" "the reader is not noted";
        RcuReadUnlockNoWake "rcu-read-unlock-no-wake" in "rcu_read_unlock_special()" "a grace period that waits is not told";
        RcuPeriodIgnoresReaders "rcu-period-ignores-readers" in "rcu_gp_init()" "waits for no reader";
        RcuQueueJoinsRunning "rcu-queue-joins-running" in "call_rcu()" "a callback joins the grace period that runs already";
        RcuQueueNoWake "rcu-queue-no-wake" in "call_rcu()" "no grace period is started";
        RcuSynchronizeReturns "rcu-synchronize-returns" in "synchronize_rcu()" "returns at once";
        RcuCallbackNotCalled "rcu-callback-not-called" in "rcu_do_batch()" "a callback's function is not called";
    }
    "workqueue" {
        WorkQueueNoWake "work-queue-no-wake" in "queue_work()" "no worker is woken";
        WorkQueueForgets "work-queue-forgets" in "queue_work()" "says that it queued and did not";
        WorkQueueTwice "work-queue-twice" in "queue_work()" "says of a pending item that it queued it";
        WorkFlushReturns "work-flush-returns" in "flush_work()" "does not wait for a run in progress";
        WorkDoneNoWake "work-done-no-wake" in "process_one_work()" "who flushes is not woken";
        WorkCancelKeepsPending "work-cancel-keeps-pending" in "cancel_work_sync()" "the item stays on the queue";
        WorkCancelNoWait "work-cancel-no-wait" in "cancel_work_sync()" "does not wait for a run in progress";
        WorkCancelLetsQueue "work-cancel-lets-queue" in "cancel_work_sync()" "the item may queue itself meanwhile";
        WorkCancelForgetsFlush "work-cancel-forgets-flush" in "cancel_work_sync()" "who flushes the cancelled item is not woken";
        WorkOrderedNoNext "work-ordered-no-next" in "pwq_dec_nr_in_flight()" "the next item of an ordered queue is not started";
        WorkOrderedTogether "work-ordered-together" in "worker_thread()" "items of an ordered queue run at once";
    }
    "irq line" {
        IrqDisableNoSync "irq-disable-no-sync" in "disable_irq()" "does not wait for the handler";
        IrqLineIgnored "irq-line-ignored" in "handle_irq_event()" "the handler runs although its line is disabled";
    }
    "timer" {
        TimerModNoStart "timer-mod-no-start" in "mod_timer()" "the timer is not started";
        TimerDelKeepsPending "timer-del-keeps-pending" in "timer_delete()" "the timer stays armed";
        TimerDelSyncNoWait "timer-del-sync-no-wait" in "timer_delete_sync()" "does not wait for the handler";
        TimerExpiresTwice "timer-expires-twice" in "expire_timers()" "an expired timer stays armed";
    }
    "irq" {
        IrqDisableNothing "irq-disable-nothing" in "local_irq_disable()" "handlers begin all the same";
        IrqEnableNothing "irq-enable-nothing" in "local_irq_enable()" "no handler begins any more";
        IrqExitKeepsCpu "irq-exit-keeps-cpu" in "irq_exit()" "the interrupted thread does not go on";
    }
    "wake_q" {
        WakeQAddTwice "wakeq-add-twice" in "__wake_q_add()" "adds a task that is on a list already";
        WakeQAddForgets "wakeq-add-forgets" in "__wake_q_add()" "does not add";
        WakeQFlushNoWake "wakeq-flush-no-wake" in "wake_up_q()" "wakes nobody";
        WakeQFlushKeepsNode "wakeq-flush-keeps-node" in "wake_up_q()" "a woken task cannot be added again";
        WakeQFlushStops "wakeq-flush-stops" in "wake_up_q()" "wakes the first and forgets the others";
        WakeQAddNoBarrier "wakeq-add-no-barrier" in "__wake_q_add()" "no barrier before the look at the node" (loom);
    }
    "list" {
        ListAddTailAtHead "list-add-tail-at-head" in "list_add_tail()" "adds at the head";
        ListAddAtTail "list-add-at-tail" in "list_add()" "adds at the tail";
        ListDelNothing "list-del-nothing" in "list_del()" "the entry stays";
        ListSpliceKeeps "list-splice-keeps" in "list_splice_init()" "the other list is not emptied";
        ListMoveToHead "list-move-to-head" in "list_move_tail()" "moves to the head";
        ListNextFirst "list-next-stops" in "list_next_entry()" "ends one entry early";
    }
    "ww_mutex" {
        WwYoungerInverted "ww-younger-inverted" in "__ww_ctx_less()" "the older one counts as the younger";
        WwLockIgnoresWaiters "ww-lock-ignores-waiters" in "ww_mutex_set_context_fastpath()" "does not look whether somebody queued meanwhile";
        WwLockWakesNoWaiter "ww-lock-wakes-no-waiter" in "ww_mutex_set_context_fastpath()" "looks, and tells those who wait nothing";
        WwLockNoSecondTry "ww-lock-no-second-try" in "__mutex_lock_common()" "queues without another try under wait_lock";
        WwLockNoFlag "ww-lock-no-flag" in "__mutex_add_waiter()" "queues without MUTEX_FLAG_WAITERS";
        WwLockNoWound "ww-lock-no-wound" in "__ww_mutex_add_waiter()" "an older waiter does not wound the holder";
        WwWoundWakesNobody "ww-wound-wakes-nobody" in "__ww_mutex_wound()" "a wounded holder that sleeps is not woken";
        WwDieWakesNobody "ww-die-wakes-nobody" in "__ww_mutex_die()" "a younger waiter is not woken to die";
        WwPlaceLast "ww-place-last" in "__ww_mutex_add_waiter()" "queues at the end, not in the order of stamps";
        WwPlaceNoKill "ww-place-no-kill" in "__ww_mutex_add_waiter()" "queues behind an older waiter, holding locks";
        WwNeverDies "ww-never-dies" in "__ww_mutex_check_kill()" "a younger waiter waits on";
        WwIgnoresWound "ww-ignores-wound" in "__ww_mutex_check_kill()" "a wounded context waits on";
        WwKillsWithoutLocks "ww-kills-without-locks" in "__ww_mutex_kill()" "-EDEADLK for a context that holds nothing";
        WwSignalFirst "ww-signal-first" in "__mutex_lock_common()" "a signal wins over a free lock";
        WwSignalIgnored "ww-signal-ignored" in "__mutex_lock_common()" "an interruptible lock is not interrupted";
        WwLeaveQueued "ww-leave-queued" in "__mutex_remove_waiter()" "who gives up stays on the list";
        WwOwnerQueued "ww-owner-queued" in "__mutex_remove_waiter()" "the new owner stays on the list";
        WwOwnerChecksNobody "ww-owner-checks-nobody" in "__mutex_lock_common()" "who overtook others does not let them wound it";
        WwTryLockWaits "ww-trylock-fails" in "ww_mutex_trylock()" "fails on a free lock";
        WwNoAlready "ww-no-already" in "__mutex_lock_common()" "a lock that the context holds is waited for";
        WwTryLockForgetsCtx "ww-trylock-forgets-ctx" in "ww_mutex_trylock()" "does not record the context";
        WwWoundAtOnce "ww-wound-at-once" in "__mutex_lock_common()" "a wounded context is refused a free lock";
        WwOvertakesPlain "ww-overtakes-plain" in "__ww_mutex_add_waiter()" "overtakes waiters without a context";
        WwInjectedKeepsLock "ww-injected-keeps-lock" in "ww_mutex_deadlock_injection()" "does not release the lock";
        WwUnlockClearsWound "ww-unlock-clears-wound" in "__ww_mutex_unlock()" "an unlock heals the wound";
        WwUnlockWakesNobody "ww-unlock-wakes-nobody" in "__mutex_unlock_slowpath()" "wakes nobody";
        MutexWakeUnderLock "mutex-wake-under-lock" in "__mutex_unlock_slowpath()" "coarse step put back: wakes under wait_lock, not after it";
        WwQueueOneStep "ww-queue-one-step" in "__mutex_lock_common()" "coarse step put back: a wounded holder releases nothing before the waiter's first turn";
        WwUnlockWakesLast "ww-unlock-wakes-last" in "__mutex_unlock_slowpath()" "wakes the last waiter";
        WwUnlockNoSlowPath "ww-unlock-no-slow-path" in "__mutex_unlock_fast()" "releases without a look at the flags";
        WwUnlockKeepsCtx "ww-unlock-keeps-ctx" in "__ww_mutex_unlock()" "leaves the ctx behind";
        WwUnlockKeepsCount "ww-unlock-keeps-count" in "__ww_mutex_unlock()" "the context does not count down";
        WwInitOldStamp "ww-init-old-stamp" in "ww_acquire_init()" "every context gets the same stamp";
        WwLockNoBarrier "ww-lock-no-barrier" in "ww_mutex_set_context_fastpath()" "no barrier between the ctx and the look at the flag" (loom);
        WwQueueNoBarrier "ww-queue-no-barrier" in "__ww_mutex_add_waiter()" "no barrier between the flag and the look at the ctx" (loom);
        WwUnlockRelaxed "ww-unlock-relaxed" in "__mutex_unlock_fast()" "releases without an order" (loom);
    }
    "lock-all" {
        LockAllKeepsLocks "lock-all-keeps-locks" in "(back-off loop)" "does not release what it holds before it waits";
        LockAllNoSlow "lock-all-no-slow" in "(back-off loop)" "starts again from the first lock, not with the contended one";
        LockAllGivesUp "lock-all-gives-up" in "(back-off loop)" "returns -EDEADLK";
    }
    "drm_exec" {
        ExecForgetsContended "exec-forgets-contended" in "drm_exec_lock_obj()" "the contended object is not taken first";
        ExecKeepsContended "exec-keeps-contended" in "drm_exec_lock_contended()" "an interrupted wait leaves it contended";
        ExecCleanupKeepsLocks "exec-cleanup-keeps-locks" in "drm_exec_cleanup()" "does not release the locks of the lost round";
        ExecCleanupEnds "exec-cleanup-ends" in "drm_exec_cleanup()" "no other round after contention";
        ExecPrelockedAgain "exec-prelocked-again" in "drm_exec_lock_obj()" "locks again what the round began with";
        ExecDuplicateFails "exec-duplicate-fails" in "drm_exec_lock_obj()" "DRM_EXEC_IGNORE_DUPLICATES is ignored";
        ExecFiniKeepsLocks "exec-fini-keeps-locks" in "drm_exec_fini()" "does not release the locks";
        ExecPrepareNoRoom "exec-prepare-no-room" in "drm_exec_prepare_obj()" "locks and makes no room";
        ExecNotInterruptible "exec-not-interruptible" in "drm_exec_lock_obj()" "DRM_EXEC_INTERRUPTIBLE_WAIT is ignored";
        ExecUnlockForgets "exec-unlock-forgets" in "drm_exec_unlock_obj()" "the object stays in the set";
    }
    "dma_fence" {
        FenceInitOneStep "fence-init-one-step" in "dma_fence_init()" "coarse step put back: count, flags and error are stored at once";
        FenceSignalNoFlag "fence-signal-late-flag" in "dma_fence_signal()" "calls back without setting SIGNALED";
        FenceSignalNoCallbacks "fence-signal-no-callbacks" in "dma_fence_signal()" "sets SIGNALED and calls nobody";
        FenceSignalTwice "fence-signal-twice" in "dma_fence_check_and_signal()" "says every time that it was the first";
        FenceSignalWakesNobody "fence-signal-wakes-nobody" in "dma_fence_default_wait_cb()" "the waiter is not woken";
        FenceCallbackNotCalled "fence-callback-not-called" in "dma_fence_signal()" "a callback's function is not called";
        FenceAddNoTest "fence-add-no-test" in "dma_fence_add_callback()" "queues although the fence has signalled meanwhile";
        FenceAddNotEnabled "fence-add-not-enabled" in "dma_fence_add_callback()" "does not enable signalling";
        FenceAddNotQueued "fence-add-not-queued" in "dma_fence_add_callback()" "says that it queued and did not";
        FenceRemoveKeeps "fence-remove-keeps" in "dma_fence_remove_callback()" "says that it removed and did not";
        FenceRemoveSays "fence-remove-says" in "dma_fence_remove_callback()" "says that it removed although the callback ran";
        ShrinkerFreeNoWait "shrinker-free-no-wait" in "shrinker_free()" "does not wait for who runs it";
        WorkQueueDisabled "work-queue-disabled" in "queue_work()" "queues an item that is disabled";
        WorkDisableNothing "work-disable-nothing" in "disable_work_sync()" "does not disable, only cancels";
        WorkFlushLeavesTimer "work-flush-leaves-timer" in "flush_delayed_work()" "does not look at the timer";
        FenceEnableTwice "fence-enable-twice" in "__dma_fence_enable_signaling()" "calls enable_signaling again";
        FenceEnableNotSignalled "fence-enable-not-signalled" in "__dma_fence_enable_signaling()" "a refusal does not signal the fence";
        FenceAsksNobody "fence-asks-nobody" in "dma_fence_is_signaled()" "ops->signaled is not asked";
        FenceAsksDetached "fence-asks-detached" in "dma_fence_is_signaled()" "detached operations are called";
        FenceAsksUnguarded "fence-asks-unguarded" in "dma_fence_is_signaled()" "no rcu_read_lock() around ops->signaled";
        FenceSeenNotSignalled "fence-seen-not-signalled" in "dma_fence_is_signaled()" "does not signal what ops->signaled says";
        FenceStatusNoError "fence-status-no-error" in "dma_fence_get_status()" "an error is told as success";
        FenceStatusEarly "fence-status-early" in "dma_fence_get_status()" "an error shows before the fence is signalled";
        FenceAddCalls "fence-add-calls" in "dma_fence_add_callback()" "calls back where the fence has signalled meanwhile";
        FenceErrorLost "fence-error-lost" in "dma_fence_set_error()" "the error is not kept";
        FenceWaitNotEnabled "fence-wait-not-enabled" in "dma_fence_default_wait()" "does not enable signalling";
        FenceWaitNoTest "fence-wait-no-test" in "dma_fence_default_wait()" "sleeps although the fence has signalled meanwhile";
        FenceWaitNotQueued "fence-wait-not-queued" in "dma_fence_default_wait()" "sleeps without a callback";
        FenceWaitStaysQueued "fence-wait-stays-queued" in "dma_fence_default_wait()" "who gives up stays on the list";
        FenceWaitIgnoresSignal "fence-wait-ignores-signal" in "dma_fence_default_wait()" "a pending signal is told as success";
        FencePutNoRelease "fence-put-no-release" in "dma_fence_put()" "the last reference releases nothing";
        FencePutReleasesEarly "fence-put-releases-early" in "dma_fence_put()" "releases although there are other references";
        FenceGetNothing "fence-get-nothing" in "dma_fence_get()" "does not count";
        FenceGetRcuGets "fence-get-rcu-gets" in "dma_fence_get_rcu()" "gets from zero";
        FenceReleaseNotCalled "fence-release-not-called" in "dma_fence_release()" "ops->release is not called";
        FenceFreeNow "fence-free-now" in "dma_fence_free()" "frees without a grace period";
        FenceLaterInverted "fence-later-inverted" in "dma_fence_is_later()" "the earlier one counts as the later";
        FenceLaterAnyContext "fence-later-any-context" in "dma_fence_is_later()" "seqnos of two contexts are compared";
        FenceSignalRelaxed "fence-signal-relaxed" in "dma_fence_signal()" "SIGNALED is set without an order" (loom);
    }
    "dma_fence_get_rcu_safe" {
        RcuSafeNoRecheck "rcu-safe-no-recheck" in "dma_fence_get_rcu_safe()" "does not look whether the pointer changed";
        RcuSafeKeepsOld "rcu-safe-keeps-old" in "dma_fence_get_rcu_safe()" "keeps the reference to a fence that was replaced";
        RcuSafeGivesUp "rcu-safe-gives-up" in "dma_fence_get_rcu_safe()" "NULL if the fence is being released, instead of another look";
    }
    "dma_fence_array" {
        ArrayNoGet "array-no-get" in "dma_fence_array_enable_signaling()" "callbacks have no reference to the array";
        ArrayNoError "array-no-error" in "dma_fence_array_set_pending_error()" "a member's error is lost";
        ArrayFirstCounts "array-first-counts" in "dma_fence_array_cb_func()" "the first member signals the array";
        ArrayNeverLast "array-never-last" in "dma_fence_array_cb_func()" "the last member does not signal the array";
        ArrayReleaseKeeps "array-release-keeps" in "dma_fence_array_release()" "members are not put";
        ArrayIgnoresCount "array-ignores-count" in "dma_fence_array_signaled()" "is signalled whatever its members are";
        ArrayCountRelaxed "array-count-relaxed" in "dma_fence_array_cb_func()" "counts down without an order" (loom);
    }
    "dma_fence_chain" {
        ChainNoGet "chain-no-get" in "dma_fence_chain_enable_signaling()" "the callback has no reference to the node";
        ChainNoGetContained "chain-no-get-contained" in "dma_fence_chain_enable_signaling()" "the callback has no reference to the fence";
        ChainFirstOnly "chain-first-only" in "dma_fence_chain_walk()" "only the node's own fence counts";
        ChainExchangePutsOld "chain-exchange-puts-old" in "dma_fence_chain_walk()" "who finds prev changed drops what was there all the same";
        ChainUnlinksShared "chain-unlinks-shared" in "dma_fence_chain_release()" "takes apart a node that others refer to";
        ChainReleaseKeepsPrev "chain-release-keeps-prev" in "dma_fence_chain_release()" "prev is not put";
        ChainReleaseKeepsFence "chain-release-keeps-fence" in "dma_fence_chain_release()" "the contained fence is not put";
        ChainFindsLate "chain-finds-late" in "dma_fence_chain_find_seqno()" "finds the node before the right one";
        ChainFindsFuture "chain-finds-future" in "dma_fence_chain_find_seqno()" "a point that there is not yet is found";
        ChainTestsNodes "chain-skips-unsignalled" in "dma_fence_chain_walk()" "drops nodes that are not signalled";
    }
    "dma_resv" {
        ResvNoReset "resv-no-reset" in "dma_resv_reset_max_fences()" "reserved slots outlive the lock";
        ResvReserveNothing "resv-reserve-nothing" in "dma_resv_reserve_fences()" "succeeds without making room";
        ResvReserveOneShort "resv-reserve-one-short" in "dma_resv_reserve_fences()" "one slot less than asked for counts as enough";
        ResvReserveDropsLive "resv-reserve-drops-live" in "dma_resv_reserve_fences()" "fences that have not signalled are not copied";
        ResvReserveKeepsSignaled "resv-reserve-keeps-signaled" in "dma_resv_reserve_fences()" "signalled fences are copied";
        ResvReserveLeaks "resv-reserve-leaks" in "dma_resv_reserve_fences()" "fences that were not copied are not put";
        ResvReserveFreesNow "resv-reserve-frees-now" in "dma_resv_list_free()" "the old list is freed without a grace period";
        ResvReserveKeepsList "resv-reserve-keeps-list" in "dma_resv_list_free()" "the old list is not freed";
        ResvAddNoGet "resv-add-no-get" in "dma_resv_add_fence()" "the list has no reference";
        ResvAddReplacesStronger "resv-add-replaces-stronger" in "dma_resv_add_fence()" "takes the place of a fence of a stronger usage";
        ResvAddReplacesNone "resv-add-replaces-none" in "dma_resv_add_fence()" "an earlier fence of the context stays";
        ResvAddKeepsSignaled "resv-add-keeps-signaled" in "dma_resv_add_fence()" "a signalled fence is not replaced";
        ResvAddPutsNone "resv-add-puts-none" in "dma_resv_add_fence()" "the replaced fence is not put";
        ResvAddKernel "resv-add-usage" in "dma_resv_list_set()" "every fence is added as BOOKKEEP";
        ResvAddNotCounted "resv-add-not-counted" in "dma_resv_add_fence()" "num_fences does not grow";
        ResvReplaceNoGet "resv-replace-no-get" in "dma_resv_replace_fences()" "the list has no reference";
        ResvReplacePutsNone "resv-replace-puts-none" in "dma_resv_replace_fences()" "the replaced fence is not put";
        ResvReplaceAnyContext "resv-replace-any-context" in "dma_resv_replace_fences()" "replaces fences of every context";
        ResvReplaceFirst "resv-replace-first" in "dma_resv_replace_fences()" "replaces only one fence";
        ResvCopyKeepsUnpublished "resv-copy-keeps-restarted" in "dma_resv_copy_fences()" "a restarted walk adds to what was copied before";
        ResvCopyNoGet "resv-copy-no-get" in "dma_resv_copy_fences()" "the copy has no references";
        ResvCopyLeaks "resv-copy-leaks" in "dma_resv_copy_fences()" "the old list's fences are not put";
        ResvCopyUsage "resv-copy-usage" in "dma_resv_copy_fences()" "every fence is copied as KERNEL";
        ResvWalkNoRecheck "resv-walk-no-recheck" in "dma_resv_iter_next_unlocked()" "does not look whether the list was replaced";
        ResvWalkSkipsDead "resv-walk-skips-dead" in "dma_resv_iter_walk_unlocked()" "goes on past a fence that is being released";
        ResvWalkAnyUsage "resv-walk-any-usage" in "dma_resv_iter_walk_unlocked()" "finds fences of every usage";
        ResvWalkOnlyUsage "resv-walk-less-usage" in "dma_resv_iter_walk_unlocked()" "finds only fences of a stronger usage";
        ResvWalkSeesSignaled "resv-walk-sees-signaled" in "dma_resv_iter_walk_unlocked()" "finds signalled fences";
        ResvWalkLeaks "resv-walk-leaks" in "dma_resv_iter_walk_unlocked()" "fences that it passes over are not put";
        ResvWalkNoRcu "resv-walk-no-rcu" in "dma_resv_iter_next_unlocked()" "no rcu_read_lock()";
        ResvRestartGoesOn "resv-restart-goes-on" in "dma_resv_iter_restart_unlocked()" "a new list is walked from where the old one was left";
        ResvWaitFirstOnly "resv-wait-first-only" in "dma_resv_wait_timeout()" "waits for the first fence only";
        CursorNotRestarted "cursor-not-restarted" in "dma_resv_iter_restart_unlocked()" "a restart is not told";
        CursorResumesOld "cursor-resumes-old" in "dma_resv_iter_next_unlocked()" "goes on with a list that was replaced";
        CursorLockedAnyUsage "cursor-locked-any-usage" in "dma_resv_iter_next()" "finds fences of every usage";
        CursorLockedSkips "cursor-locked-skips" in "dma_resv_iter_next()" "the holder of the lock does not see signalled fences";
        CursorEndKeeps "cursor-end-keeps" in "dma_resv_iter_end()" "the last fence is not put";
        ResvPublishRelaxed "resv-publish-relaxed" in "rcu_assign_pointer()" "a new list is published without an order" (loom);
        ResvAppendRelaxed "resv-append-relaxed" in "dma_resv_add_fence()" "no smp_wmb() before num_fences grows" (loom);
        ResvRestartRelaxed "resv-restart-relaxed" in "dma_resv_iter_restart_unlocked()" "num_fences is read without an order" (loom);
    }
    "sync_file" {
        FileCreateNoGet "file-create-no-get" in "sync_file_create()" "the file has no reference";
        FileGetNothing "file-get-nothing" in "sync_file_get_fence()" "gives what it has no reference to";
        FilePollNotQueued "file-poll-not-queued" in "sync_file_poll()" "does not go on the wait queue";
        FilePollAddsNone "file-poll-adds-none" in "sync_file_poll()" "does not put the callback on the fence";
        FilePollAddsAgain "file-poll-adds-again" in "sync_file_poll()" "every poll puts the callback on the fence";
        FilePollNoWake "file-poll-no-wake" in "sync_file_poll()" "who finds the fence signalled tells no other poll";
        FilePollNoTest "file-poll-no-test" in "sync_file_poll()" "does not look whether the fence is signalled";
        FilePollIgnoresSignal "file-poll-ignores-signal" in "do_poll()" "a pending signal does not end it";
        FilePollStaysQueued "file-poll-stays-queued" in "poll_freewait()" "stays on the wait queue";
        FileWakesNobody "file-wakes-nobody" in "fence_check_cb_func()" "wakes nobody";
        FileWakesOne "file-wakes-one" in "fence_check_cb_func()" "wakes the first alone";
        FileReleaseKeepsCallback "file-release-keeps-callback" in "sync_file_release()" "the callback stays on the fence";
        FileReleaseKeepsFence "file-release-keeps-fence" in "sync_file_release()" "the fence is not put";
    }
    "drm_syncobj" {
        SyncobjNoGet "syncobj-no-get" in "drm_syncobj_replace_fence()" "the syncobj has no reference";
        SyncobjKeepsOld "syncobj-keeps-old" in "drm_syncobj_replace_fence()" "what was there is not put";
        SyncobjTellsNobody "syncobj-tells-nobody" in "drm_syncobj_replace_fence()" "nobody on the list is told";
        SyncobjTellsFirst "syncobj-tells-first" in "drm_syncobj_replace_fence()" "only the first on the list is told";
        SyncobjGiveNoGet "syncobj-give-no-get" in "syncobj_wait_syncobj_func()" "the waiter's entry has no reference";
        SyncobjGiveEarly "syncobj-give-early" in "syncobj_wait_syncobj_func()" "given although the point is not there";
        SyncobjGiveNoWake "syncobj-give-no-wake" in "syncobj_wait_syncobj_func()" "the waiter is not woken";
        SyncobjGiveStaysListed "syncobj-give-stays-listed" in "syncobj_wait_syncobj_func()" "the waiter stays on the list";
        SyncobjMissedLeaks "syncobj-missed-leaks" in "syncobj_wait_syncobj_func()" "what is not given is not put";
        SyncobjPointNoPrev "syncobj-point-no-prev" in "drm_syncobj_add_point()" "what comes before the point is forgotten";
        SyncobjPointKeepsPrev "syncobj-point-keeps-prev" in "drm_syncobj_add_point()" "the reference of the pointer is not put";
        SyncobjPointNoWalk "syncobj-point-no-walk" in "drm_syncobj_add_point()" "signalled nodes stay in the chain";
        SyncobjWaitNoCallback "syncobj-wait-no-callback" in "drm_syncobj_array_wait_timeout()" "sleeps without a callback";
        SyncobjWaitAny "syncobj-wait-any" in "drm_syncobj_array_wait_timeout()" "WAIT_ALL is ignored";
        SyncobjWaitSaysFirst "syncobj-wait-says-first" in "drm_syncobj_array_wait_timeout()" "says that it was the first one";
        SyncobjWaitIgnoresSignal "syncobj-wait-ignores-signal" in "drm_syncobj_array_wait_timeout()" "a pending signal does not end it";
        SyncobjWaitKeepsCallback "syncobj-wait-keeps-callback" in "drm_syncobj_array_wait_timeout()" "the callback stays on the fence";
        SyncobjWaitKeepsFence "syncobj-wait-keeps-fence" in "drm_syncobj_array_wait_timeout()" "the fence is not put";
        SyncobjWaitStaysListed "syncobj-wait-stays-listed" in "drm_syncobj_remove_wait()" "who gives up stays on the list";
        SyncobjFindsHead "syncobj-finds-head" in "drm_syncobj_find_fence()" "the point is not looked for";
        SyncobjNoSecondLook "syncobj-no-second-look" in "drm_syncobj_fence_add_wait()" "does not look again under the lock";
        SyncobjQueryOwn "syncobj-query-own" in "drm_syncobj_query_ioctl()" "a pending point counts as signalled";
        SyncobjQueryLeaks "syncobj-query-leaks" in "drm_syncobj_query_ioctl()" "the last node is not put";
    }
    "uaccess" {
        UaccessFaultNoLock "uaccess-fault-no-lock" in "do_user_addr_fault()" "the fault is handled without mmap_lock";
        UaccessKeepsLock "uaccess-keeps-lock" in "do_user_addr_fault()" "mmap_lock stays locked";
        UaccessInatomicSleeps "uaccess-inatomic-faults" in "__copy_from_user_inatomic()" "handles the fault like any access";
    }
}

/// Mutations that no scenario can kill, with the reason. `fenceweave mutants` fails if one of them is killed after all.
pub const EXPLAINED: &[(Mutation, &str)] = &[
    (
        Mutation::WakeNoBarrier,
        "the waker's look at the task's state is a read-modify-write here, and the sleeper has a barrier after its own: the \
         exchanges are ordered already",
    ),
    (
        Mutation::ScheduleSleepsOnSignal,
        "a pending signal lets an interruptible sleeper run on whenever it came, so that it sleeps for no time at all",
    ),
    (
        Mutation::RwReadAloneInQueue,
        "a lock that is free while readers wait is about to be given to them by the rwsem_wake() of whoever released it",
    ),
    (
        Mutation::RwMarkWakeOneStep,
        "whoever looks at the count in between finds what was there before, that nobody writes and somebody waits, and comes to \
         the same end: no scenario was found that can tell",
    ),
    (
        Mutation::RwWriteQueueNoWake,
        "whoever made the lock free, or was in the way of the wake-up for a moment, wakes the head of the queue itself",
    ),
    (
        Mutation::WwLockNoSecondTry,
        "the first turn of the wait loop tries again in the same critical section; the -EDEADLK that may come before that is \
         what comes if the holder releases a moment later",
    ),
    (Mutation::WwPlaceNoKill, "__ww_mutex_check_kill() finds the older waiter in the same critical section"),
];

impl Mutation {
    /// The mutation of that name.
    pub fn from_name(name: &str) -> Option<Mutation> {
        Mutation::ALL.iter().copied().find(|m| m.name() == name)
    }

    /// Why no scenario can kill it, if none can.
    pub fn explained(self) -> Option<&'static str> {
        EXPLAINED.iter().find(|(m, _)| *m == self).map(|(_, why)| *why)
    }
}

#[cfg(feature = "mutants")]
pub use at_work::AtWork;

#[cfg(feature = "mutants")]
mod at_work {
    use super::Mutation;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    /// Words of a set of mutations.
    const WORDS: usize = 5;
    const _: () = assert!(Mutation::ALL.len() <= 64 * WORDS);

    /// The mutation that a program runs with, and those that its steps asked for.
    #[derive(Clone, Debug, Default)]
    pub struct AtWork {
        mutation: Option<Mutation>,
        /// Shared by all copies of the program: engines run on copies.
        asked: Arc<[AtomicU64; WORDS]>,
    }

    impl PartialEq for AtWork {
        fn eq(&self, other: &AtWork) -> bool {
            self.mutation == other.mutation
        }
    }

    impl Eq for AtWork {}

    impl AtWork {
        /// This mutation, or none.
        pub fn new(mutation: Option<Mutation>) -> AtWork {
            AtWork { mutation, ..AtWork::default() }
        }

        /// Whether the mistake is to be made.
        pub(crate) fn is(&self, m: Mutation) -> bool {
            let (word, bit) = (&self.asked[m as usize / 64], 1 << (m as usize % 64));
            // Nearly always it was asked for before, and a look disturbs nobody.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
            self.mutation == Some(m)
        }

        /// Whether a step came to the place of the mistake.
        pub fn was_asked(&self, m: Mutation) -> bool {
            self.asked[m as usize / 64].load(Ordering::Relaxed) >> (m as usize % 64) & 1 == 1
        }
    }
}

#[cfg(feature = "mutants")]
impl Program {
    /// Whether the program runs with that mistake built in.
    pub(crate) fn mutated(&self, m: Mutation) -> bool {
        self.mutation.is(m)
    }
}

#[cfg(not(feature = "mutants"))]
impl Program {
    /// Never: there are mutations only with the feature `mutants`.
    #[inline(always)]
    pub(crate) const fn mutated(&self, _m: Mutation) -> bool {
        false
    }
}

impl<R: Runtime> Cx<'_, R> {
    /// Whether the program runs with that mistake built in.
    #[inline(always)]
    pub(crate) fn mutated(&self, m: Mutation) -> bool {
        self.program.mutated(m)
    }

    /// The memory order of an access, unless leaving it out is the mistake.
    #[inline(always)]
    pub(crate) fn order(&self, unless: Mutation, order: Order) -> Order {
        if self.mutated(unless) { Order::Relaxed } else { order }
    }

    /// `smp_mb()`, unless leaving it out is the mistake.
    #[inline(always)]
    pub(crate) fn full_barrier(&mut self, unless: Mutation) {
        if !self.mutated(unless) {
            self.rt.full_barrier();
        }
    }
}
