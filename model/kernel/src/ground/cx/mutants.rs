//! Mistakes of scheduler that can be built in.

use crate::ground::mutation::mutants;

mutants! { "scheduler"
    SleepNoBarrier "sleep-no-barrier" in "set_current_state()" "the state is set without a barrier after it" (loom);
    WakeNoBarrier "wake-no-barrier" in "try_to_wake_up()" "no barrier before the look at the task's state" (loom)
        survives "the waker's look at the task's state is a read-modify-write here, and the sleeper has a barrier after its own: the exchanges are ordered already";
    SignalNoWake "signal-no-wake" in "signal_wake_up()" "an interruptible sleeper is not woken" (loom);
    SignalNotPending "signal-not-pending" in "send_signal_locked()" "the signal is not noted as pending";
    ScheduleSleepsOnSignal "schedule-sleeps-on-signal" in "schedule()" "sleeps although a signal is pending"
        survives "a pending signal lets an interruptible sleeper run on whenever it came, so that it sleeps for no time at all";
}
