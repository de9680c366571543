//! Which rule was broken, of a property that stands for several.

use crate::{
    Property,
    property::{Sentence, Tale},
};

macro_rules! rules {
    ($($variant:ident of $property:ident = $text:literal, $why:literal, $sentence:expr;)*) => {
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

            /// Who did what to whom, for the last line of a trace.
            pub fn sentence(self) -> Sentence {
                use Sentence::{InGeneral, Says, Told};
                match self { $(Rule::$variant => $sentence),* }
            }
        }
    };
}

rules! {
    CtxForeignClass of WwContract = "the context is of another class than the lock",
        "stamps are compared within one class only",
        Says("{who} locks with {what}, a context of another class{place}");
    CtxNotBegun of WwContract = "the acquire context is not begun, or another task's",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks",
        Says("{who} uses {what}, which is not begun, or is another task's{place}");
    CtxInUse of WwContract = "the acquire context is begun already",
        "ww_acquire_init() comes first and ww_acquire_fini() last, each once, in the task that locks",
        Says("{who} begins {what}, which is begun already{place}");
    CtxSecond of WwContract = "the task has another acquire context of this class open",
        "two of them would wait for each other, and neither would be told to back off",
        Says("{who} begins {what} and has another context of its class open{place}");
    CtxDoneTwice of WwContract = "ww_acquire_done() a second time",
        "it says once that no more locks will be taken",
        Says("{who} says ww_acquire_done() of {what} a second time{place}");
    CtxHoldsAtFini of WwContract = "ww_acquire_fini() while locks taken with the context are still held",
        "whoever finds the context in such a lock compares stamps with one that is gone",
        Told(Tale::HoldsAtFini);
    CtxMiscounted of WwContract = "a lock is released that its acquire context does not count",
        "a context counts the locks that have it as their ctx",
        InGeneral;
    LockAfterDone of WwContract = "a lock is taken after ww_acquire_done()",
        "it says that no more locks will be taken",
        Says("{who} takes a lock with {what} after ww_acquire_done(){place}");
    SlowWithoutDeadlock of WwContract = "the slow form without an -EDEADLK before it",
        "ww_mutex_lock_slow() is for the contended lock alone: it never tells anybody to back off",
        Says("{who} takes a lock the slow way, and {what} has met no -EDEADLK{place}");
    OtherBeforeContended of WwContract = "after -EDEADLK another lock is taken before the contended one",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, and takes another lock before that{place}");
    HoldsAtContended of WwContract = "after -EDEADLK the contended lock is taken with others still held",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, and takes it with others still held{place}");
    DeadlockUnanswered of WwContract = "-EDEADLK once more, and the first was not answered by a back-off",
        "back off: release all that the context has, and take the contended lock first",
        Says("{who} met -EDEADLK on {contended}, did not back off, and meets it again{place}");
    CtxLeftInLock of WwContract = "the free lock still has an acquire context in it",
        "it was released as a plain mutex, which knows nothing of contexts",
        InGeneral;
    ExecInUse of WwContract = "the drm_exec set is in use already",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks",
        Says("{who} begins {what}, which is in use already{place}");
    ExecNotBegun of WwContract = "the drm_exec set is not begun, or another task's",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks",
        Says("{who} uses {what}, which is not begun, or is another task's{place}");
    ExecOutsideLoop of WwContract = "a drm_exec set takes a lock outside of drm_exec_until_all_locked()",
        "the block begins again after -EDEADLK, and takes the contended lock first",
        Says("{who} locks for {what} outside of drm_exec_until_all_locked(){place}");
    OrderDocumented of LockOrder = "it is documented to be outside of a lock that is held",
        "whoever keeps to the order and meets this waits for ever; it need not be this time",
        Says("{who} holds {what}, and waits for a lock that is documented to be outside of it{place}");
    OrderSameClass of LockOrder = "a second lock of the same ww class, and no acquire context to nest them",
        "two threads with two orders wait for each other; with a context one of them is told -EDEADLK",
        Says("{who} holds {what}, and waits for another lock of its class without an acquire context{place}");
    OrderBesideCtx of LockOrder = "a lock is waited for without the acquire context that the task has open",
        "to lockdep the context is the first lock of its class: this would be a second one, beside it",
        Says("{who} has {what} open, and waits for a lock of its class without it{place}");
    OrderCtxInside of LockOrder = "the acquire context begins with a lock of its class held",
        "the context is outside of all locks of its class; that one would be no part of it",
        Says("{who} holds {what}, and begins an acquire context of its class{place}");
    OrderInReclaim of LockOrder = "it is waited for in memory reclaim, which is inside of it",
        "whoever allocates memory with it held has reclaim wait for himself; a trylock may be tried",
        Says("{who} waits for {what} in memory reclaim, which may come while {what} is held{place}");
    OrderMmapInside of LockOrder = "mmap_lock is waited for with a reservation's lock held",
        "a page fault takes the reservation's lock with mmap_lock held",
        Says("{who} holds {what}, and waits for mmap_lock, which is outside of it{place}");
    OrderNestNotHeld of LockOrder = "it is taken as nested in a lock or context that is not held",
        "nesting lets one thread at a time take several like it in any order: the one that has the outer one",
        Says("{who} takes a lock as nested in {what}, and does not hold {what}{place}");
    SectionNotBegun of SignallingUnbalanced = "a fence-signalling section is ended that was not begun",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path",
        Says("{who} ends a fence-signalling section that it has not begun{place}");
    SectionLeftOpen of SignallingUnbalanced = "the fence-signalling section is still open at the end",
        "dma_fence_begin_signalling() and dma_fence_end_signalling() come in pairs, on every path",
        Says("{who} ends inside of its fence-signalling section{section}");
    RcuNotBegun of RcuUnbalanced = "rcu_read_unlock() without rcu_read_lock()",
        "they come in pairs, on every path",
        Says("{who} leaves an RCU read-side section that it is not in{place}");
    RcuLeftOpen of RcuUnbalanced = "the RCU read-side section is still open at the end",
        "they come in pairs, on every path",
        Says("{who} ends inside of an RCU read-side section");
    IrqsNotOff of IrqsOffAtExit = "interrupts are enabled that were not disabled",
        "disabling and enabling come in pairs, on every path",
        Says("{who} enables interrupts that it has not disabled{place}");
    IrqsLeftOff of IrqsOffAtExit = "interrupts are still disabled at the end",
        "disabling and enabling come in pairs, on every path",
        Says("{who} ends with interrupts disabled");
    LockSoftirqOn of IrqDeadlock = "a lock that a soft interrupt takes is taken with soft interrupts enabled",
        "the timer or callback may come on the very CPU that holds the lock, and spins there for ever: {SOFTIRQ-ON-W} and {IN-SOFTIRQ-W}",
        Says("{who} takes {what} with soft interrupts enabled, and {other}, which is one, takes it too{place}");
    LockHardirqOn of IrqDeadlock = "a lock that an interrupt handler takes is taken in a soft interrupt with interrupts enabled",
        "the handler may come on the very CPU that holds the lock, and spins there for ever: {HARDIRQ-ON-W} and {IN-HARDIRQ-W}",
        Says("{who}, a soft interrupt, takes {what} with interrupts enabled, and {other}, which is one, takes it too{place}");
    TimerSyncInHardirq of IrqDeadlock = "a timer's handler is waited for in an interrupt handler",
        "it may be the one that was interrupted: WARN_ON(in_hardirq()) in timer_delete_sync()",
        Says("{who} waits for the handler of {what}, which it may have interrupted{place}");
    BhNotOff of BhUnbalanced = "soft interrupts are enabled that were not disabled",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path",
        Says("{who} enables soft interrupts that it has not disabled{place}");
    BhLeftOff of BhUnbalanced = "soft interrupts are still disabled at the end",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path",
        Says("{who} ends with soft interrupts disabled");
    BhIrqsOff of BhUnbalanced = "soft interrupts are enabled with interrupts off",
        "the last local_bh_enable() runs what soft interrupts are pending, and that enables interrupts",
        Says("{who} enables soft interrupts with interrupts off{place}");
    MutexInInterrupt of SleepInAtomic = "a mutex is tried in an interrupt",
        "its owner would be the task that was interrupted: mutex_trylock() must not be used in interrupt context",
        Says("{who} tries {what} in interrupt context{place}");
    MutexInCallback of FenceCallbackContext = "a mutex is tried in what a fence calls",
        "that may be called in an interrupt: mutex_trylock() must not be used there",
        Says("{who} tries {what} in what a fence calls, which an interrupt may{place}");
    PreemptNotOff of PreemptUnbalanced = "preemption is enabled that was not disabled",
        "preempt_disable() and preempt_enable() come in pairs, on every path",
        Says("{who} enables preemption that it has not disabled{place}");
    PreemptLeftOff of PreemptUnbalanced = "preemption is still disabled at the end",
        "preempt_disable() and preempt_enable() come in pairs, on every path",
        Says("{who} ends with preemption disabled");
    CallbackNotDue of CallbackContract = "it is called again, or after it was taken off",
        "a callback runs once, or not at all if it was taken off",
        Says("{what} is called in {who}, and is over, or was taken off{place}");
    CallbackElsewhere of CallbackContract = "it is taken off a fence that it is not queued on, and is still to come",
        "dma_fence_remove_callback() returns false only if the callback has run, or is about to under the lock of that very fence",
        Says("{who} takes {what} off a fence that it is not queued on, and it is still to come{place}");
    AllocUnderSectionLock of AllocInSignalling = "memory is allocated with a lock held that is taken inside of a fence-signalling section",
        "reclaim may wait for the fence, whose signaller waits for the lock: fs_reclaim and dma_fence_map of lockdep",
        Says("{who} allocates memory and holds {what}, which {other} takes inside of a fence-signalling section, or with another lock held{place}");
    LeakInCircle of LeakedReference = "objects have the last references to each other, and nothing else leads to them",
        "a circle of references is never dropped: one of its pointers must own none, or be cleared first",
        Says("only what {what} refers to leads to {what}: the references of a circle are left at the end, and nobody can drop them");
    ListUnguarded of DataRace = "a list is changed or walked without the lock that it is declared with",
        "whoever has the lock counts on it that the links stay as they are",
        Told(Tale::ListUnguarded);
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
