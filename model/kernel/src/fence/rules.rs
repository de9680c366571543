//! What must hold of fences, their callbacks and signalling sections.

use crate::{
    property::{forms, properties},
    rule::rules,
};

properties! {
    11 FENCE_SIGNALED_TWICE = "fence-signaled-twice",
        "dma_fence_signal() on a fence that is already signalled",
        "dma_fence_signal() returns -EINVAL; WARN in drivers",
        Says("{who} signals {what}, which is signalled already{place}"), since Signalled;
    12 FENCE_ERROR_LATE = "fence-error-late",
        "an error set on a fence that is already signalled, or an error outside of -4095..-1",
        "dma_fence_set_error()",
        Says("{who} sets an error on {what}, which is signalled already{place}"), since Signalled;
    13 FENCE_RELEASED_PENDING = "fence-released-pending",
        "the last reference to an unsignalled fence is dropped while callbacks are queued: the kernel warns, and signals it with \
         -EDEADLK, so that nobody hangs; here the execution ends with the warning",
        "WARN in dma_fence_release()",
        Says("{who} drops the last reference to {what}, which is pending and has callbacks queued{place}");
    14 FENCE_REINITIALISED = "fence-reinitialised",
        "dma_fence_init() on a fence that is alive",
        "dma_fence_init(); debugobjects",
        Says("{who} initialises {what}, which is alive{place}");
    15 CONTAINER_IN_CONTAINER = "container-in-container",
        "an array is made with a member that is made of other fences itself, or a chain's node with a fence that is one",
        "WARN_ON in dma_fence_array_init(), dma_fence_chain_init()",
        Says("{who} puts {what}, which is made of other fences itself, into a container{place}");
    17 FENCE_NEVER_SIGNALS = "fence-never-signals",
        "a fence that others have seen is still pending when everything is over, or for ever: whoever waits for it hangs",
        "dma-buf.rst, DMA fence cross-driver contract: fences must complete in a reasonable time",
        Told(NeverSignals), is [Liveness AtEnd BesideRules];
    18 FENCE_ORDER = "fence-order",
        "a fence signals while an earlier one of its context is pending: whoever replaced the earlier one by it goes on too early",
        "dma_fence_context_alloc(): fences of a context are ordered; dma_fence_is_later()",
        Says("{who} signals {also} while {what}, an earlier one, is pending{place}");
    19 CALLBACK_REUSED = "callback-reused",
        "a dma_fence_cb is added while it is still queued on a fence",
        "dma_fence_add_callback()",
        Says("{who} adds {what}, which is still queued on a fence{place}");
    20 CALLBACK_CONTRACT = "callback-contract",
        "a fence's callback runs again or after it was taken off, or is still to come or in the middle when it is said to be over",
        "dma_fence_remove_callback(): when it returns false, the callback has run or is about to, under the fence's lock",
        InGeneral;
    25 FENCE_LOCK_NOT_HELD = "fence-lock-not-held",
        "a fence is signalled, or asked, in the form for who has its lock, by a thread that does not have it",
        "lockdep_assert_held(fence->lock) in dma_fence_signal_locked()",
        Says("{who} signals {what} as if it had its lock, which {holder} holds{place}");
    33 MISSING_REFERENCE = "missing-reference",
        "a fence has fewer references than reservations and files still hold of it: somebody dropped one that was not his",
        "refcount_t: underflow, when they drop theirs; use-after-free before that",
        Told(Missing), since LastReference, is [AtEnd];
    39 FENCE_CALLBACK_CONTEXT = "fence-callback-context",
        "a fence's callback or operation sleeps or takes a reservation's lock: it may be called in any context, whatever it is this time",
        "dma_fence_add_callback(): callbacks may be called from atomic context or irq context",
        Told(CallbackSleeps);
    40 LOCK_IN_SIGNALLING = "lock-in-signalling",
        "a reservation's lock or mmap_lock is taken inside of a fence-signalling section, or user memory is accessed there, \
         which may fault: others wait for fences with those held",
        "dma_fence_begin_signalling(); might_fault(); dma-buf.rst, DMA fence cross-driver contract",
        Told(LockInSignalling);
    41 ALLOC_IN_SIGNALLING = "alloc-in-signalling",
        "a blocking allocation inside of a fence-signalling section, or with a lock held that is taken in one: reclaim may \
         wait for fences (the second is about all executions together, and found by `explicit`)",
        "dma_fence_begin_signalling(); dma-buf.rst, DMA fence cross-driver contract",
        Says("{who} allocates, and may have to reclaim, inside of a signalling section{section}{place}");
    42 WAIT_IN_SIGNALLING = "wait-in-signalling",
        "a fence is waited for inside of a signalling section that it may depend on",
        "dma_fence_begin_signalling(); __dma_fence_might_wait()",
        Says("{who} waits for {what} inside of a signalling section{section}{place}");
    43 DEPENDENCY_CYCLE = "dependency-cycle",
        "a fence is waited for with a lock held that its signaller takes first, or in a longer circle: with less luck it hangs",
        "lockdep; dma-buf.rst, DMA fence cross-driver contract: no circular dependencies",
        Says("{who} waits for {what}, or would with less luck, and that closes a circle through a fence{place}"), is [Liveness AllExecutions BesideRules];
    44 SIGNALLING_UNBALANCED = "signalling-unbalanced",
        "a fence-signalling section is ended that was not begun, or is still open at thread exit",
        "dma_fence_end_signalling()",
        InGeneral;
}

rules! {
    23 SECTION_NOT_BEGUN of SIGNALLING_UNBALANCED = "a fence-signalling section is ended that was not begun",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path",
        Says("{who} ends a fence-signalling section that it has not begun{place}");
    24 SECTION_LEFT_OPEN of SIGNALLING_UNBALANCED = "the fence-signalling section is still open at the end",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path",
        Says("{who} ends inside of its fence-signalling section{section}");
    36 MUTEX_IN_CALLBACK of FENCE_CALLBACK_CONTEXT = "a mutex is tried in what a fence calls",
        "that may be called in an interrupt: mutex_trylock() must not be used there",
        Says("{who} tries {what} in what a fence calls, which an interrupt may{place}");
    39 CALLBACK_NOT_DUE of CALLBACK_CONTRACT = "it is called again, or after it was taken off",
        "a callback runs once, or not at all if it was taken off",
        Says("{what} is called in {who}, and is over, or was taken off{place}");
    40 CALLBACK_ELSEWHERE of CALLBACK_CONTRACT = "it is taken off a fence that it is not queued on, and is still to come",
        "dma_fence_remove_callback() returns false only if the callback has run, or is about to under the lock of that very fence",
        Says("{who} takes {what} off a fence that it is not queued on, and it is still to come{place}");
    41 ALLOC_UNDER_SECTION_LOCK of ALLOC_IN_SIGNALLING = "memory is allocated with a lock held that is taken inside of a fence-signalling section",
        "reclaim may wait for the fence, whose signaller waits for the lock: fs_reclaim and dma_fence_map of lockdep",
        Says("{who} allocates memory and holds {what}, which {other} takes inside of a fence-signalling section, or with another lock held{place}"), is [AllExecutions ToCome];
}

forms! {
    8 FENCE_ASKED_UNLOCKED "{who} asks {what} as if it had its lock, which {holder} holds{place}";
    9 FENCE_ERROR_IS_NONE "{who} sets an error on {what} that is none of -4095..-1{place}";
}
