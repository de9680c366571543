//! What must hold of contexts: what may be done with interrupts off, with a spinlock held, in a handler.

use crate::{property::properties, rule::rules};

properties! {
    38 SLEEP_IN_ATOMIC = "sleep-in-atomic",
        "something that may sleep is called with a spinlock held, with interrupts disabled, in a handler, or in an RCU read-side section",
        "might_sleep(), DEBUG_ATOMIC_SLEEP",
        Told(SleepInAtomic);
    45 LOCK_ORDER = "lock-order",
        "a lock is waited for with one held that is documented to be inside of it, or with another of its ww class and no context to nest them, or as nested in one that is not held, even if it was free this time",
        "lockdep; dma_resv_lockdep(): mmap_lock, reservations, reclaim; the scenario's lock-order",
        InGeneral;
    47 IRQ_DEADLOCK = "irq-deadlock",
        "an interrupt handler takes a lock that the code it interrupted holds, or might: a lock that a handler or a soft \
         interrupt (a timer, an RCU callback) takes is taken elsewhere with such interrupts enabled (that is about all \
         executions together, and found by `explicit`)",
        "lockdep: inconsistent lock state, {HARDIRQ-ON-W} -> {IN-HARDIRQ-W}, {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W}",
        Says("{who} takes {what}, which {other} holds, whom it interrupted{place}");
    48 IRQS_OFF_AT_EXIT = "irqs-off-at-exit",
        "a thread ends with interrupts disabled, or enables them more often than it disabled them",
        "WARN_ON_ONCE(irqs_disabled())",
        InGeneral;
    49 IRQS_ENABLED_EARLY = "irqs-enabled-early",
        "spin_unlock_irq() or local_irq_enable() where interrupts were off before: whoever disabled them first counts on it that they stay so",
        "raw_check_bogus_irq_restore(); lockdep_hardirqs_on_prepare() in hard interrupt context",
        Told(IrqsEnabledEarly);
    50 BH_UNBALANCED = "bh-unbalanced",
        "a thread ends with soft interrupts disabled, enables them more often than it disabled them, or does so with interrupts off",
        "__local_bh_enable_ip(): lockdep_assert_irqs_enabled(); DEBUG_LOCKS_WARN_ON in __local_bh_enable()",
        InGeneral;
    51 PREEMPT_UNBALANCED = "preempt-unbalanced",
        "a thread ends with preemption disabled, or enables it more often than it disabled it",
        "preempt_count_sub(): DEBUG_LOCKS_WARN_ON(val > preempt_count()); \"exited with preempt_count\" in do_exit()",
        InGeneral;
}

rules! {
    16 ORDER_DOCUMENTED of LOCK_ORDER = "it is documented to be outside of a lock that is held",
        "whoever keeps to the order and meets this waits for ever; it need not be this time",
        Says("{who} holds {what}, and waits for a lock that is documented to be outside of it{place}");
    20 ORDER_IN_RECLAIM of LOCK_ORDER = "it is waited for in memory reclaim, which is inside of it",
        "whoever allocates memory with it held has reclaim wait for himself; a trylock may be tried",
        Says("{who} waits for {what} in memory reclaim, which may come while {what} is held{place}");
    21 ORDER_MMAP_INSIDE of LOCK_ORDER = "mmap_lock is waited for with a reservation's lock held",
        "a page fault takes the reservation's lock with mmap_lock held",
        Says("{who} holds {what}, and waits for mmap_lock, which is outside of it{place}");
    22 ORDER_NEST_NOT_HELD of LOCK_ORDER = "it is taken as nested in a lock or context that is not held",
        "nesting lets one thread at a time take several like it in any order: the one that has the outer one",
        Says("{who} takes a lock as nested in {what}, and does not hold {what}{place}");
    27 IRQS_NOT_OFF of IRQS_OFF_AT_EXIT = "interrupts are enabled that were not disabled",
        "disabling and enabling come in pairs, on every path",
        Says("{who} enables interrupts that it has not disabled{place}");
    28 IRQS_LEFT_OFF of IRQS_OFF_AT_EXIT = "interrupts are still disabled at the end",
        "disabling and enabling come in pairs, on every path",
        Says("{who} ends with interrupts disabled");
    29 LOCK_SOFTIRQ_ON of IRQ_DEADLOCK = "a lock that a soft interrupt takes is taken with soft interrupts enabled",
        "the timer or callback may come on the very CPU that holds the lock, and spins there for ever: {SOFTIRQ-ON-W} and {IN-SOFTIRQ-W}",
        Says("{who} takes {what} with soft interrupts enabled, and {other}, which is one, takes it too{place}"), is [AllExecutions];
    30 LOCK_HARDIRQ_ON of IRQ_DEADLOCK = "a lock that an interrupt handler takes is taken in a soft interrupt with interrupts enabled",
        "the handler may come on the very CPU that holds the lock, and spins there for ever: {HARDIRQ-ON-W} and {IN-HARDIRQ-W}",
        Says("{who}, a soft interrupt, takes {what} with interrupts enabled, and {other}, which is one, takes it too{place}"), is [AllExecutions];
    54 LOCK_BEHIND_LINE of IRQ_DEADLOCK = "a lock that an interrupt handler takes is taken with interrupts enabled, and only the handler's line is disabled",
        "lockdep knows nothing of disable_irq(): {HARDIRQ-ON-W} and {IN-HARDIRQ-W}, and from there on it is off",
        Says("{who} takes {what} with interrupts enabled, {other}, which is one, takes it too, and only its line is disabled{place}"), is [AllExecutions];
    32 BH_NOT_OFF of BH_UNBALANCED = "soft interrupts are enabled that were not disabled",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path",
        Says("{who} enables soft interrupts that it has not disabled{place}");
    33 BH_LEFT_OFF of BH_UNBALANCED = "soft interrupts are still disabled at the end",
        "local_bh_disable() and local_bh_enable(), spin_lock_bh() and spin_unlock_bh() come in pairs, on every path",
        Says("{who} ends with soft interrupts disabled");
    34 BH_IRQS_OFF of BH_UNBALANCED = "soft interrupts are enabled with interrupts off",
        "the last local_bh_enable() runs what soft interrupts are pending, and that enables interrupts",
        Says("{who} enables soft interrupts with interrupts off{place}");
    35 MUTEX_IN_INTERRUPT of SLEEP_IN_ATOMIC = "a mutex is tried in an interrupt",
        "its owner would be the task that was interrupted: mutex_trylock() must not be used in interrupt context",
        Says("{who} tries {what} in interrupt context{place}");
    37 PREEMPT_NOT_OFF of PREEMPT_UNBALANCED = "preemption is enabled that was not disabled",
        "preempt_disable() and preempt_enable() come in pairs, on every path",
        Says("{who} enables preemption that it has not disabled{place}");
    38 PREEMPT_LEFT_OFF of PREEMPT_UNBALANCED = "preemption is still disabled at the end",
        "preempt_disable() and preempt_enable() come in pairs, on every path",
        Says("{who} ends with preemption disabled");
}
