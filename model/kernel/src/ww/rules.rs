//! What must hold of acquire contexts and ww mutexes.

use crate::{property::properties, rule::rules};

properties! {
    6 CTX_OPEN_AT_EXIT = "acquire-ctx-open-at-exit",
        "a thread ends with an acquire context that was never finished",
        "ww-mutex-design.rst; ww_acquire_fini()",
        Says("{who} ends without acquire-fini of {what}");
    9 WW_CONTRACT = "ww-contract",
        "the rules of acquire contexts are broken: lock after done, fini with locks held, another lock taken before the contended one, a foreign class, two contexts at once",
        "CONFIG_DEBUG_WW_MUTEX_SLOWPATH, lib/locking-selftest.c ww rows",
        InGeneral;
    10 WW_INVARIANT = "ww-invariant",
        "a ww mutex breaks its own promise: its context's task does not hold it, a context miscounts its locks, contexts wait out of order, one sleeps that must die, or -EDEADLK goes to one that holds nothing or is the oldest",
        "comments and MUTEX_WARN_ON in kernel/locking/ww_mutex.h; ww-mutex-design.rst",
        InGeneral;
}

rules! {
    0 CTX_FOREIGN_CLASS of WW_CONTRACT = "the context is of another class than the lock",
        "stamps are compared within one class only",
        Says("{who} locks with {what}, a context of another class{place}");
    1 CTX_NOT_BEGUN of WW_CONTRACT = "the acquire context is not begun, or another task's",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks",
        Says("{who} uses {what}, which is not begun, or is another task's{place}");
    2 CTX_IN_USE of WW_CONTRACT = "the acquire context is begun already",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks",
        Says("{who} begins {what}, which is begun already{place}");
    3 CTX_SECOND of WW_CONTRACT = "the task has another acquire context of this class open",
        "two of them would wait for each other, and neither would be told to back off",
        Says("{who} begins {what} and has another context of its class open{place}");
    4 CTX_DONE_TWICE of WW_CONTRACT = "ww_acquire_done() a second time",
        "it says once that no more locks will be taken",
        Says("{who} says ww_acquire_done() of {what} a second time{place}");
    5 CTX_HOLDS_AT_FINI of WW_CONTRACT = "ww_acquire_fini() while locks taken with the context are still held",
        "whoever finds the context in such a lock compares stamps with one that is gone",
        Told(HoldsAtFini);
    6 CTX_MISCOUNTED of WW_CONTRACT = "a lock is released that its acquire context does not count",
        "a context counts the locks that have it as their ctx",
        InGeneral;
    7 LOCK_AFTER_DONE of WW_CONTRACT = "a lock is taken after ww_acquire_done()",
        "it says that no more locks will be taken",
        Says("{who} takes a lock with {what} after ww_acquire_done(){place}");
    8 SLOW_WITHOUT_DEADLOCK of WW_CONTRACT = "the slow form without an -EDEADLK before it",
        "ww_mutex_lock_slow() is for the contended lock alone: it never tells anybody to back off",
        Says("{who} takes a lock the slow way, and {what} has met no -EDEADLK{place}");
    9 OTHER_BEFORE_CONTENDED of WW_CONTRACT = "after -EDEADLK another lock is taken before the contended one",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, and takes another lock before that{place}");
    10 HOLDS_AT_CONTENDED of WW_CONTRACT = "after -EDEADLK the contended lock is taken with others still held",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, and takes it with others still held{place}");
    11 DEADLOCK_UNANSWERED of WW_CONTRACT = "-EDEADLK once more, and the first was not answered by a back-off",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, did not back off, and meets it again{place}");
    12 CTX_LEFT_IN_LOCK of WW_CONTRACT = "the free lock still has an acquire context in it",
        "it was released as a plain mutex, which knows nothing of contexts",
        InGeneral;
    17 ORDER_SAME_CLASS of LOCK_ORDER = "a second lock of the same ww class, and no acquire context to nest them",
        "two threads with two orders wait for each other; with a context one of them is told -EDEADLK",
        Says("{who} holds {what}, and waits for another lock of its class without an acquire context{place}");
    18 ORDER_BESIDE_CTX of LOCK_ORDER = "a lock is waited for without the acquire context that the task has open",
        "to lockdep the context is the first lock of its class: this would be a second one, beside it",
        Says("{who} has {what} open, and waits for a lock of its class without it{place}");
    19 ORDER_CTX_INSIDE of LOCK_ORDER = "the acquire context begins with a lock of its class held",
        "the context is outside of all locks of its class; that one would be no part of it",
        Says("{who} holds {what}, and begins an acquire context of its class{place}");
}
