//! Mistakes of wait queue that can be built in.

use crate::ground::mutation::mutants;

mutants! { "wait queue"
    PrepareNoState "wq-prepare-no-state" in "prepare_to_wait()" "queues without setting the task's state";
    PrepareNotQueued "wq-prepare-not-queued" in "prepare_to_wait()" "sets the state without queueing";
    PrepareQueuesInterrupted "wq-prepare-queues-interrupted" in "prepare_to_wait_event()" "queues although a signal is pending";
    ExclusiveAtHead "wq-exclusive-at-head" in "prepare_to_wait_exclusive()" "the entry is not exclusive";
    WakeNobody "wq-wake-nobody" in "wake_up()" "wakes nobody";
    WakeStopsEarly "wq-wake-stops-early" in "__wake_up_common()" "stops at the first waiter, exclusive or not";
    WakeAllStops "wq-wake-all-stops" in "wake_up_all()" "stops at the first exclusive waiter";
    WakeCountsRunning "wq-wake-counts-running" in "__wake_up_common()" "a waiter that runs already uses up the wake-up";
    PrepareOneStep "wq-prepare-one-step" in "prepare_to_wait_event()" "coarse step put back: the look for a signal and the state are one step";
    WakeOneStep "wq-wake-one-step" in "__wake_up_common()" "coarse step put back: all sleepers are woken at once";
    NoAutoremove "wq-no-autoremove" in "autoremove_wake_function()" "a woken waiter stays on the list";
    FinishStaysQueued "wq-finish-stays-queued" in "finish_wait()" "leaves the entry on the list";
    FinishKeepsState "wq-finish-keeps-state" in "finish_wait()" "the task's state is not reset";
}
