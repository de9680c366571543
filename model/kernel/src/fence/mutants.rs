//! Mistakes of dma_fence that can be built in.

use crate::ground::mutation::mutants;

mutants! { "dma_fence"
    InitOneStep "fence-init-one-step" in "dma_fence_init()" "coarse step put back: count, flags and error are stored at once";
    SignalNoFlag "fence-signal-late-flag" in "dma_fence_signal()" "calls back without setting SIGNALED";
    SignalNoCallbacks "fence-signal-no-callbacks" in "dma_fence_signal()" "sets SIGNALED and calls nobody";
    SignalTwice "fence-signal-twice" in "dma_fence_check_and_signal()" "says every time that it was the first";
    SignalWakesNobody "fence-signal-wakes-nobody" in "dma_fence_default_wait_cb()" "the waiter is not woken";
    CallbackNotCalled "fence-callback-not-called" in "dma_fence_signal()" "a callback's function is not called";
    AddNoTest "fence-add-no-test" in "dma_fence_add_callback()" "queues although the fence has signalled meanwhile";
    AddNotEnabled "fence-add-not-enabled" in "dma_fence_add_callback()" "does not enable signalling";
    AddNotQueued "fence-add-not-queued" in "dma_fence_add_callback()" "says that it queued and did not";
    RemoveKeeps "fence-remove-keeps" in "dma_fence_remove_callback()" "says that it removed and did not";
    RemoveSays "fence-remove-says" in "dma_fence_remove_callback()" "says that it removed although the callback ran";
    EnableTwice "fence-enable-twice" in "__dma_fence_enable_signaling()" "calls enable_signaling again";
    EnableNotSignalled "fence-enable-not-signalled" in "__dma_fence_enable_signaling()" "a refusal does not signal the fence";
    AsksNobody "fence-asks-nobody" in "dma_fence_is_signaled()" "ops->signaled is not asked";
    AsksDetached "fence-asks-detached" in "dma_fence_is_signaled()" "detached operations are called";
    AsksUnguarded "fence-asks-unguarded" in "dma_fence_is_signaled()" "no rcu_read_lock() around ops->signaled";
    SeenNotSignalled "fence-seen-not-signalled" in "dma_fence_is_signaled()" "does not signal what ops->signaled says";
    StatusNoError "fence-status-no-error" in "dma_fence_get_status()" "an error is told as success";
    StatusEarly "fence-status-early" in "dma_fence_get_status()" "an error shows before the fence is signalled";
    AddCalls "fence-add-calls" in "dma_fence_add_callback()" "calls back where the fence has signalled meanwhile";
    ErrorLost "fence-error-lost" in "dma_fence_set_error()" "the error is not kept";
    WaitNotEnabled "fence-wait-not-enabled" in "dma_fence_default_wait()" "does not enable signalling";
    WaitNoTest "fence-wait-no-test" in "dma_fence_default_wait()" "sleeps although the fence has signalled meanwhile";
    WaitNotQueued "fence-wait-not-queued" in "dma_fence_default_wait()" "sleeps without a callback";
    WaitStaysQueued "fence-wait-stays-queued" in "dma_fence_default_wait()" "who gives up stays on the list";
    WaitIgnoresSignal "fence-wait-ignores-signal" in "dma_fence_default_wait()" "a pending signal is told as success";
    PutNoRelease "fence-put-no-release" in "dma_fence_put()" "the last reference releases nothing";
    PutReleasesEarly "fence-put-releases-early" in "dma_fence_put()" "releases although there are other references";
    GetNothing "fence-get-nothing" in "dma_fence_get()" "does not count";
    GetRcuGets "fence-get-rcu-gets" in "dma_fence_get_rcu()" "gets from zero";
    ReleaseNotCalled "fence-release-not-called" in "dma_fence_release()" "ops->release is not called";
    FreeNow "fence-free-now" in "dma_fence_free()" "frees without a grace period";
    LaterInverted "fence-later-inverted" in "dma_fence_is_later()" "the earlier one counts as the later";
    LaterAnyContext "fence-later-any-context" in "dma_fence_is_later()" "seqnos of two contexts are compared";
    SignalRelaxed "fence-signal-relaxed" in "dma_fence_signal()" "SIGNALED is set without an order" (loom);
}
