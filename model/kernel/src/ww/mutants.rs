//! Mistakes of ww_mutex that can be built in.

use crate::ground::mutation::mutants;

mutants! { "ww_mutex"
    YoungerInverted "ww-younger-inverted" in "__ww_ctx_less()" "the older one counts as the younger";
    LockIgnoresWaiters "ww-lock-ignores-waiters" in "ww_mutex_set_context_fastpath()" "does not look whether somebody queued meanwhile";
    LockWakesNoWaiter "ww-lock-wakes-no-waiter" in "ww_mutex_set_context_fastpath()" "looks, and tells those who wait nothing";
    LockNoSecondTry "ww-lock-no-second-try" in "__mutex_lock_common()" "queues without another try under wait_lock"
        survives "the first turn of the wait loop tries again in the same critical section; the -EDEADLK that may come before that is what comes if the holder releases a moment later";
    LockNoFlag "ww-lock-no-flag" in "__mutex_add_waiter()" "queues without MUTEX_FLAG_WAITERS";
    LockNoWound "ww-lock-no-wound" in "__ww_mutex_add_waiter()" "an older waiter does not wound the holder";
    WoundWakesNobody "ww-wound-wakes-nobody" in "__ww_mutex_wound()" "a wounded holder that sleeps is not woken";
    DieWakesNobody "ww-die-wakes-nobody" in "__ww_mutex_die()" "a younger waiter is not woken to die";
    PlaceLast "ww-place-last" in "__ww_mutex_add_waiter()" "queues at the end, not in the order of stamps";
    PlaceNoKill "ww-place-no-kill" in "__ww_mutex_add_waiter()" "queues behind an older waiter, holding locks"
        survives "__ww_mutex_check_kill() finds the older waiter in the same critical section";
    NeverDies "ww-never-dies" in "__ww_mutex_check_kill()" "a younger waiter waits on";
    IgnoresWound "ww-ignores-wound" in "__ww_mutex_check_kill()" "a wounded context waits on";
    KillsWithoutLocks "ww-kills-without-locks" in "__ww_mutex_kill()" "-EDEADLK for a context that holds nothing";
    SignalFirst "ww-signal-first" in "__mutex_lock_common()" "a signal wins over a free lock";
    SignalIgnored "ww-signal-ignored" in "__mutex_lock_common()" "an interruptible lock is not interrupted";
    LeaveQueued "ww-leave-queued" in "__mutex_remove_waiter()" "who gives up stays on the list";
    OwnerQueued "ww-owner-queued" in "__mutex_remove_waiter()" "the new owner stays on the list";
    OwnerChecksNobody "ww-owner-checks-nobody" in "__mutex_lock_common()" "who overtook others does not let them wound it";
    TryLockWaits "ww-trylock-fails" in "ww_mutex_trylock()" "fails on a free lock";
    NoAlready "ww-no-already" in "__mutex_lock_common()" "a lock that the context holds is waited for";
    TryLockForgetsCtx "ww-trylock-forgets-ctx" in "ww_mutex_trylock()" "does not record the context";
    WoundAtOnce "ww-wound-at-once" in "__mutex_lock_common()" "a wounded context is refused a free lock";
    OvertakesPlain "ww-overtakes-plain" in "__ww_mutex_add_waiter()" "overtakes waiters without a context";
    InjectedKeepsLock "ww-injected-keeps-lock" in "ww_mutex_deadlock_injection()" "does not release the lock";
    UnlockClearsWound "ww-unlock-clears-wound" in "__ww_mutex_unlock()" "an unlock heals the wound";
    UnlockWakesNobody "ww-unlock-wakes-nobody" in "__mutex_unlock_slowpath()" "wakes nobody";
    MutexWakeUnderLock "mutex-wake-under-lock" in "__mutex_unlock_slowpath()" "coarse step put back: wakes under wait_lock, not after it";
    QueueOneStep "ww-queue-one-step" in "__mutex_lock_common()" "coarse step put back: a wounded holder releases nothing before the waiter's first turn";
    UnlockWakesLast "ww-unlock-wakes-last" in "__mutex_unlock_slowpath()" "wakes the last waiter";
    UnlockNoSlowPath "ww-unlock-no-slow-path" in "__mutex_unlock_fast()" "releases without a look at the flags";
    UnlockKeepsCtx "ww-unlock-keeps-ctx" in "__ww_mutex_unlock()" "leaves the ctx behind";
    UnlockKeepsCount "ww-unlock-keeps-count" in "__ww_mutex_unlock()" "the context does not count down";
    InitOldStamp "ww-init-old-stamp" in "ww_acquire_init()" "every context gets the same stamp";
    LockNoBarrier "ww-lock-no-barrier" in "ww_mutex_set_context_fastpath()" "no barrier between the ctx and the look at the flag" (loom);
    QueueNoBarrier "ww-queue-no-barrier" in "__ww_mutex_add_waiter()" "no barrier between the flag and the look at the ctx" (loom);
    UnlockRelaxed "ww-unlock-relaxed" in "__mutex_unlock_fast()" "releases without an order" (loom);
}
