//! Which rule was broken, of a property that stands for several.

use crate::Property;

macro_rules! rules {
    ($($variant:ident of $property:ident = $text:literal, $why:literal;)*) => {
        /// A rule of a property that stands for several.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Rule { $(#[doc = $text] $variant),* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),*];

            /// The property that it belongs to.
            pub fn property(self) -> Property {
                match self { $(Rule::$variant => Property::$property),* }
            }

            /// What was done against it, in a few words.
            pub fn text(self) -> &'static str {
                match self { $(Rule::$variant => $text),* }
            }

            /// What it is there for.
            pub fn why(self) -> &'static str {
                match self { $(Rule::$variant => $why),* }
            }
        }
    };
}

rules! {
    CtxForeignClass of WwContract = "the context is of another class than the lock",
        "stamps are compared within one class only";
    CtxNotBegun of WwContract = "the acquire context is not begun, or another task's",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks";
    CtxInUse of WwContract = "the acquire context is begun already",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks";
    CtxSecond of WwContract = "the task has another acquire context of this class open",
        "two of them would wait for each other, and neither would be told to back off";
    CtxDoneTwice of WwContract = "ww_acquire_done() a second time",
        "it says once that no more locks will be taken";
    CtxHoldsAtFini of WwContract = "ww_acquire_fini() while locks taken with the context are still held",
        "whoever finds the context in such a lock compares stamps with one that is gone";
    CtxMiscounted of WwContract = "a lock is released that its acquire context does not count",
        "a context counts the locks that have it as their ctx";
    LockAfterDone of WwContract = "a lock is taken after ww_acquire_done()",
        "it says that no more locks will be taken";
    SlowWithoutDeadlock of WwContract = "the slow form without an -EDEADLK before it",
        "ww_mutex_lock_slow() is for the contended lock alone: it never tells anybody to back off";
    OtherBeforeContended of WwContract = "after -EDEADLK another lock is taken before the contended one",
        "back off: release all that the context has, and take the contended lock first";
    HoldsAtContended of WwContract = "after -EDEADLK the contended lock is taken with others still held",
        "back off: release all that the context has, and take the contended lock first";
    DeadlockUnanswered of WwContract = "-EDEADLK once more, and the first was not answered by a back-off",
        "back off: release all that the context has, and take the contended lock first";
    CtxLeftInLock of WwContract = "the free lock still has an acquire context in it",
        "it was released as a plain mutex, which knows nothing of contexts";
    ExecInUse of WwContract = "the drm_exec set is in use already",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks";
    ExecNotBegun of WwContract = "the drm_exec set is not begun, or another task's",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks";
    ExecOutsideLoop of WwContract = "a drm_exec set takes a lock outside of drm_exec_until_all_locked()",
        "the block begins again after -EDEADLK, and takes the contended lock first";
    OrderDocumented of LockOrder = "it is documented to be outside of a lock that is held",
        "whoever keeps to the order and meets this waits for ever; it need not be this time";
    OrderSameClass of LockOrder = "a second lock of the same ww class, and no acquire context to nest them",
        "two threads with two orders wait for each other; with a context one of them is told -EDEADLK";
    OrderBesideCtx of LockOrder = "a lock is waited for without the acquire context that the task has open",
        "to lockdep the context is the first lock of its class: this would be a second one, beside it";
    OrderCtxInside of LockOrder = "the acquire context begins with a lock of its class held",
        "the context is outside of all locks of its class; that one would be no part of it";
    OrderInReclaim of LockOrder = "it is waited for in memory reclaim, which is inside of it",
        "whoever allocates memory with it held has reclaim wait for himself; a trylock may be tried";
    OrderMmapInside of LockOrder = "mmap_lock is waited for with a reservation's lock held",
        "a page fault takes the reservation's lock with mmap_lock held";
    OrderNestNotHeld of LockOrder = "it is taken as nested in a lock or context that is not held",
        "nesting lets one thread at a time take several like it in any order: the one that has the outer one";
    SectionNotBegun of SignallingUnbalanced = "a fence-signalling section is ended that was not begun",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path";
    SectionLeftOpen of SignallingUnbalanced = "the fence-signalling section is still open at the end",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path";
    RcuNotBegun of RcuUnbalanced = "rcu_read_unlock() without rcu_read_lock()",
        "they come in pairs, on every path";
    RcuLeftOpen of RcuUnbalanced = "the RCU read-side section is still open at the end",
        "they come in pairs, on every path";
    IrqsNotOff of IrqsOffAtExit = "interrupts are enabled that were not disabled",
        "disabling and enabling come in pairs, on every path";
    IrqsLeftOff of IrqsOffAtExit = "interrupts are still disabled at the end",
        "disabling and enabling come in pairs, on every path";
    LockSoftirqOn of IrqDeadlock = "a lock that a soft interrupt takes is taken with soft interrupts enabled",
        "the timer or callback may come on the very CPU that holds the lock, and spins there for ever: {SOFTIRQ-ON-W} and {IN-SOFTIRQ-W}";
    LockHardirqOn of IrqDeadlock = "a lock that an interrupt handler takes is taken in a soft interrupt with interrupts enabled",
        "the handler may come on the very CPU that holds the lock, and spins there for ever: {HARDIRQ-ON-W} and {IN-HARDIRQ-W}";
    TimerSyncInHardirq of IrqDeadlock = "a timer's handler is waited for in an interrupt handler",
        "it may be the one that was interrupted: WARN_ON(in_hardirq()) in timer_delete_sync()";
    BhNotOff of BhUnbalanced = "soft interrupts are enabled that were not disabled",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path";
    BhLeftOff of BhUnbalanced = "soft interrupts are still disabled at the end",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path";
    BhIrqsOff of BhUnbalanced = "soft interrupts are enabled with interrupts off",
        "the last local_bh_enable() runs what soft interrupts are pending, and that enables interrupts";
    MutexInInterrupt of SleepInAtomic = "a mutex is tried in an interrupt",
        "its owner would be the task that was interrupted: mutex_trylock() must not be used in interrupt context";
    MutexInCallback of FenceCallbackContext = "a mutex is tried in what a fence calls",
        "that may be called in an interrupt: mutex_trylock() must not be used there";
    PreemptNotOff of PreemptUnbalanced = "preemption is enabled that was not disabled",
        "preempt_disable() and preempt_enable() come in pairs, on every path";
    PreemptLeftOff of PreemptUnbalanced = "preemption is still disabled at the end",
        "preempt_disable() and preempt_enable() come in pairs, on every path";
    CallbackNotDue of CallbackContract = "it is called again, or after it was taken off",
        "a callback runs once, or not at all if it was taken off";
    CallbackElsewhere of CallbackContract = "it is taken off a fence that it is not queued on, and is still to come",
        "dma_fence_remove_callback() returns false only if the callback has run, or is about to under the lock of that very fence";
    AllocUnderSectionLock of AllocInSignalling = "memory is allocated with a lock held that is taken inside of a fence-signalling section",
        "reclaim may wait for the fence, whose signaller waits for the lock: fs_reclaim and dma_fence_map of lockdep";
    LeakInCircle of LeakedReference = "objects have the last references to each other, and nothing else leads to them",
        "a circle of references is never dropped: one of its pointers must own none, or be cleared first";
    ListUnguarded of DataRace = "a list is changed or walked without the lock that it is declared with",
        "whoever has the lock counts on it that the links stay as they are";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_something_of_its_own() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(*rule as usize, i);
            assert!(!rule.why().is_empty());
            assert!(Rule::ALL[..i].iter().all(|other| other.text() != rule.text()), "{rule:?}");
        }
    }
}
