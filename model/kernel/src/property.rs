//! What must always hold, by name, and the values that say it did not.

use crate::{ObjId, Rule, ThreadId};

/// The sentence that a trace ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sentence {
    /// These words, with what stands for [`PLACES`] in them.
    Says(&'static str),
    /// It takes more than that: what happened before, or what is held.
    Told(Tale),
    /// Who, on what, where, against whom.
    InGeneral,
}

/// What may stand in the words of a sentence: who did it; to what; the other one concerned; the place in the scenario; what the
/// signalling section is for; the lock that a context met -EDEADLK on.
pub const PLACES: [&str; 6] = ["{who}", "{what}", "{other}", "{place}", "{section}", "{contended}"];

/// The earlier step that has to do with a broken property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Earlier {
    /// It was freed, or released.
    Freed,
    /// It lost its last reference.
    LastReference,
    /// The thread dropped the reference that was its own.
    OwnReference,
    /// It was signalled.
    Signalled,
    /// The thread took it.
    Taken,
    /// The thread's entry was queued on it.
    Queued,
    /// The thread released it.
    Released,
    /// The thread took the reference that is left.
    Kept,
}

/// Sentences that take more than words: whoever tells them must know each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tale {
    /// Who can never go on.
    Stuck,
    /// Who sleeps, and nobody will wake it.
    NobodyWakes,
    /// Who goes round, or waits, for ever.
    Endless,
    /// A fence stays pending.
    NeverSignals,
    /// A fence signals before an earlier one.
    FenceOrder,
    /// An error is set too late, or is none.
    ErrorLate,
    /// A reservation loses a fence.
    DependencyLost,
    /// A reservation's lock is not held.
    ResvNotHeld,
    /// A fence's lock is not held.
    FenceLockNotHeld,
    /// Whose references are left.
    Leaked,
    /// Whose references are not there.
    Missing,
    /// A lock is released that is not held, or that another one holds.
    UnlockNotHeld,
    /// A thread waits for itself.
    SelfDeadlock,
    /// Interrupts had to stay off.
    IrqsEnabledEarly,
    /// What makes the context atomic.
    SleepInAtomic,
    /// Which callee may sleep.
    CallbackSleeps,
    /// A lock, or user memory, in a signalling section.
    LockInSignalling,
    /// What was never set.
    UnsetRead,
    /// What is of another kind, or no number.
    WrongKind,
    /// The author's own words.
    Asserted,
    /// Which array.
    OutOfBounds,
    /// Both sides of a race.
    DataRace,
    /// What was tried with a list.
    ListCorruption,
    /// The same, without its lock.
    ListUnguarded,
    /// Which locks a context still has.
    HoldsAtFini,
}

macro_rules! properties {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $meaning:literal, $origin:literal, $sentence:expr
       $(, since $earlier:ident)?;)*) => {
        /// A built-in property. All are on for every scenario.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Property { $($(#[$meta])* #[doc = $meaning] $variant),* }

        impl Property {
            /// Every property, in the order in which they are listed.
            pub const ALL: &'static [Property] = &[$(Property::$variant),*];

            /// The name that a scenario's `violates` uses.
            pub fn name(self) -> &'static str {
                match self { $(Property::$variant => $name),* }
            }

            /// What is wrong when it is violated, in a line.
            pub fn meaning(self) -> &'static str {
                match self { $(Property::$variant => $meaning),* }
            }

            /// Where the rule comes from.
            pub fn origin(self) -> &'static str {
                match self { $(Property::$variant => $origin),* }
            }

            /// Who did what to whom, for the last line of a trace.
            pub fn sentence(self) -> Sentence {
                use Sentence::{InGeneral, Says, Told};
                match self { $(Property::$variant => $sentence),* }
            }

            /// Which earlier step made it wrong, if that is worth a line.
            pub fn since(self) -> Option<Earlier> {
                match self { $(Property::$variant => [$(Some(Earlier::$earlier),)? None][0]),* }
            }
        }
    };
}

properties! {
    Deadlock = "deadlock",
        "nobody can run and somebody is unfinished: threads wait for each other, or for what nobody will do any more",
        "lockdep; Coffman's circular wait",
        Told(Tale::Stuck);
    LostWakeup = "lost-wakeup",
        "a thread sleeps for ever although what it waits for has happened: waking it for nothing would let it go on",
        "memory-barriers.rst, SLEEP AND WAKE-UP FUNCTIONS",
        Told(Tale::NobodyWakes);
    Livelock = "livelock",
        "threads run for ever and none of them gets on: no thread that can run is held back, and nobody passes a `progress` mark",
        "cpu_relax() loops; the soft lockup detector",
        Told(Tale::Endless);
    Starvation = "starvation",
        "others get on for ever, and this thread, which is not finished and is not held back while it can run, never does",
        "weak fairness; khungtaskd",
        Told(Tale::Endless);
    LockHeldAtExit = "lock-held-at-exit",
        "a thread ends while it still holds a lock",
        "debug_check_no_locks_held()",
        Says("{who} ends and still holds {what}"), since Taken;
    WaitEntryLeft = "wait-entry-left",
        "a function returns while its entry is still on a wait queue: it is on the stack, and the next wake-up goes through it",
        "DEFINE_WAIT(), finish_wait(); KASAN: stack-out-of-bounds in __wake_up_common()",
        Says("{who} returns and is still on {what}: the entry is on its stack, and nobody has called finish_wait()"), since Queued;
    CtxOpenAtExit = "acquire-ctx-open-at-exit",
        "a thread ends with an acquire context that was never finished",
        "ww-mutex-design.rst; ww_acquire_fini()",
        Says("{who} ends without acquire-fini of {what}");
    UnlockNotHeld = "unlock-not-held",
        "a lock is released by a thread that does not hold it",
        "DEBUG_LOCKS_WARN_ON in debug_mutex_unlock(); spin_bug(\"wrong owner\")",
        Told(Tale::UnlockNotHeld), since Released;
    SelfDeadlock = "self-deadlock",
        "a thread takes a lock that it already holds",
        "lockdep: possible recursive locking",
        Told(Tale::SelfDeadlock), since Taken;
    WwContract = "ww-contract",
        "the rules of acquire contexts are broken: lock after done, fini with locks held, another lock taken before the contended one, a foreign class, two contexts at once",
        "CONFIG_DEBUG_WW_MUTEX_SLOWPATH, lib/locking-selftest.c ww rows",
        InGeneral;
    WwInvariant = "ww-invariant",
        "a ww mutex breaks its own promise: its context's task does not hold it, a context miscounts its locks, contexts wait out of order, one sleeps that must die, or -EDEADLK goes to one that holds nothing or is the oldest",
        "comments and MUTEX_WARN_ON in kernel/locking/ww_mutex.h; ww-mutex-design.rst",
        InGeneral;
    FenceSignaledTwice = "fence-signaled-twice",
        "dma_fence_signal() on a fence that is already signalled",
        "dma_fence_signal() returns -EINVAL; WARN in drivers",
        Says("{who} signals {what}, which is signalled already{place}"), since Signalled;
    FenceErrorLate = "fence-error-late",
        "an error set on a fence that is already signalled, or an error outside of -4095..-1",
        "dma_fence_set_error()",
        Told(Tale::ErrorLate), since Signalled;
    FenceReleasedPending = "fence-released-pending",
        "the last reference to an unsignalled fence is dropped while callbacks are queued: the kernel warns, and signals it with \
         -EDEADLK, so that nobody hangs; here the execution ends with the warning",
        "WARN in dma_fence_release()",
        Says("{who} drops the last reference to {what}, which is pending and has callbacks queued{place}");
    FenceReinitialised = "fence-reinitialised",
        "dma_fence_init() on a fence that is alive",
        "dma_fence_init(); debugobjects",
        Says("{who} initialises {what}, which is alive{place}");
    ContainerInContainer = "container-in-container",
        "an array is made with a member that is made of other fences itself, or a chain's node with a fence that is one",
        "WARN_ON in dma_fence_array_init(), dma_fence_chain_init()",
        Says("{who} puts {what}, which is made of other fences itself, into a container{place}");
    ContainerInResv = "container-in-resv",
        "an array or a chain's node is added to a reservation, which wants each fence by itself",
        "WARN_ON(dma_fence_is_container()) in dma_resv_add_fence()",
        Says("{who} adds {what}, which is made of other fences, to a reservation{place}");
    FenceNeverSignals = "fence-never-signals",
        "a fence that others have seen is still pending when everything is over, or for ever: whoever waits for it hangs",
        "dma-buf.rst, DMA fence cross-driver contract: fences must complete in a reasonable time",
        Told(Tale::NeverSignals);
    FenceOrder = "fence-order",
        "a fence signals while an earlier one of its context is pending: whoever replaced the earlier one by it goes on too early",
        "dma_fence_context_alloc(): fences of a context are ordered; dma_fence_is_later()",
        Told(Tale::FenceOrder);
    CallbackReused = "callback-reused",
        "a dma_fence_cb is added while it is still queued on a fence",
        "dma_fence_add_callback()",
        Says("{who} adds {what}, which is still queued on a fence{place}");
    CallbackContract = "callback-contract",
        "a fence's callback runs again or after it was taken off, or is still to come or in the middle when it is said to be over",
        "dma_fence_remove_callback(): when it returns false, the callback has run or is about to, under the fence's lock",
        InGeneral;
    NoSlotReserved = "no-slot-reserved",
        "a fence is added to a reservation without a slot reserved under the same hold of the lock",
        "BUG_ON in dma_resv_add_fence(); dma_resv_reserve_fences(), counted for each hold",
        Says("{who} adds a fence to {what}, with no slot reserved under this hold of its lock{place}");
    DependencyLost = "dependency-lost",
        "a pending fence leaves a reservation, and what takes its place does not stand for it: whoever looks finds the memory idle too early",
        "dma_resv_add_fence(); dma_resv_list: dependencies are only replaced by later ones of their context",
        Told(Tale::DependencyLost);
    FenceMissed = "fence-missed",
        "a walk without the lock ends without a fence that was there from its last start to its end, and is pending",
        "dma_resv_iter_next_unlocked(); dma-resv.h: a fence that is in the list all the time is returned",
        Says("{who}'s walk ends without {what}, which was there all the time and is pending{place}");
    ResvNotHeld = "resv-not-held",
        "a reservation is changed, or walked as if locked, by a thread that does not hold its lock",
        "dma_resv_assert_held()",
        Told(Tale::ResvNotHeld);
    FenceLockNotHeld = "fence-lock-not-held",
        "a fence is signalled, or asked, in the form for who has its lock, by a thread that does not have it",
        "lockdep_assert_held(fence->lock) in dma_fence_signal_locked()",
        Told(Tale::FenceLockNotHeld);
    UseAfterFree = "use-after-free",
        "an object is used after it was freed, through a stale reference or by name",
        "KASAN",
        Says("{who} uses {what} after it was freed{place}"), since Freed;
    NullDereference = "null-dereference",
        "NULL is used as a reference",
        "an oops",
        Says("{who} uses NULL as a reference{place}");
    DoubleFree = "double-free",
        "an object is freed twice",
        "KASAN",
        Says("{who} frees {what}, which is freed already{place}"), since Freed;
    RefcountUnderflow = "refcount-underflow",
        "a reference is dropped that nobody holds",
        "refcount_t: underflow; use-after-free",
        Says("{who} drops a reference to {what}, of which none is left{place}"), since LastReference;
    PutUnbalanced = "put-unbalanced",
        "a reference is dropped by a pointer whose own reference the same thread has dropped before: somebody else's goes",
        "refcount_t: underflow; use-after-free, when they drop theirs; the checker's ledger says whose they are",
        Says("{who} drops a reference to {what} that is not its own: what this pointer had, it has dropped{place}"), since OwnReference;
    RefcountFromZero = "refcount-from-zero",
        "a reference is taken on an object whose last one is gone",
        "refcount_t: addition on 0; use-after-free",
        Says("{who} takes a reference to {what}, whose last one is gone{place}"), since LastReference;
    LeakedReference = "leaked-reference",
        "references are left at the end that nothing reachable holds",
        "kmemleak; the checker's ledger says whose they are",
        Told(Tale::Leaked), since Kept;
    MissingReference = "missing-reference",
        "a fence has fewer references than reservations and files still hold of it: somebody dropped one that was not his",
        "refcount_t: underflow, when they drop theirs; use-after-free before that",
        Told(Tale::Missing), since LastReference;
    LeakedObject = "leaked-object",
        "the last reference to an object was dropped, and it was never freed",
        "kmemleak",
        Says("{what} was released by its last user, and is still there at the end");
    RcuUnbalanced = "rcu-unbalanced",
        "rcu_read_unlock() without rcu_read_lock(), or a read-side section still open at thread exit",
        "PROVE_RCU",
        InGeneral;
    WorkNotDisabled = "work-not-disabled",
        "a work item is enabled more often than it was disabled: somebody else's disabling ends too early",
        "WARN_ONCE in enable_work(): work disable count underflowed",
        InGeneral;
    IrqNotDisabled = "irq-not-disabled",
        "an interrupt's line is enabled more often than it was disabled: somebody else's disabling ends too early",
        "WARN in __enable_irq(): Unbalanced enable for IRQ",
        Says("{who} enables {what}, which is not disabled{place}");
    SleepInAtomic = "sleep-in-atomic",
        "something that may sleep is called with a spinlock held, with interrupts disabled, in a handler, or in an RCU read-side section",
        "might_sleep(), DEBUG_ATOMIC_SLEEP",
        Told(Tale::SleepInAtomic);
    FenceCallbackContext = "fence-callback-context",
        "a fence's callback or operation sleeps or takes a reservation's lock: it may be called in any context, whatever it is this time",
        "dma_fence_add_callback(): callbacks may be called from atomic context or irq context",
        Told(Tale::CallbackSleeps);
    LockInSignalling = "lock-in-signalling",
        "a reservation's lock or mmap_lock is taken inside of a fence-signalling section, or user memory is accessed there, \
         which may fault: others wait for fences with those held",
        "dma_fence_begin_signalling(); might_fault(); dma-buf.rst, DMA fence cross-driver contract",
        Told(Tale::LockInSignalling);
    AllocInSignalling = "alloc-in-signalling",
        "a blocking allocation inside of a fence-signalling section, or with a lock held that is taken in one: reclaim may \
         wait for fences (the second is about all executions together, and found by `explicit`)",
        "dma_fence_begin_signalling(); dma-buf.rst, DMA fence cross-driver contract",
        Says("{who} allocates, and may have to reclaim, inside of a signalling section{section}{place}");
    WaitInSignalling = "wait-in-signalling",
        "a fence is waited for inside of a signalling section that it may depend on",
        "dma_fence_begin_signalling(); __dma_fence_might_wait()",
        Says("{who} waits for {what} inside of a signalling section{section}{place}");
    DependencyCycle = "dependency-cycle",
        "a fence is waited for with a lock held that its signaller takes first, or in a longer circle: with less luck it hangs",
        "lockdep; dma-buf.rst, DMA fence cross-driver contract: no circular dependencies",
        Says("{who} waits for {what}, or would with less luck, and that closes a circle through a fence{place}");
    SignallingUnbalanced = "signalling-unbalanced",
        "a fence-signalling section is ended that was not begun, or is still open at thread exit",
        "dma_fence_end_signalling()",
        InGeneral;
    LockOrder = "lock-order",
        "a lock is waited for with one held that is documented to be inside of it, or with another of its ww class and no context to nest them, or as nested in one that is not held, even if it was free this time",
        "lockdep; dma_resv_lockdep(): mmap_lock, reservations, reclaim; the scenario's lock-order",
        InGeneral;
    UserAccessUnderResv = "user-access-under-resv",
        "user memory is accessed with a reservation's lock held: a page fault takes mmap_lock, which is outside of it",
        "might_fault(); dma_resv_lockdep()",
        Says("{who} accesses user memory and holds {what}{place}");
    IrqDeadlock = "irq-deadlock",
        "an interrupt handler takes a lock that the code it interrupted holds, or might: a lock that a handler or a soft \
         interrupt (a timer, an RCU callback) takes is taken elsewhere with such interrupts enabled (that is about all \
         executions together, and found by `explicit`)",
        "lockdep: inconsistent lock state, {HARDIRQ-ON-W} -> {IN-HARDIRQ-W}, {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W}",
        Says("{who} takes {what}, which {other} holds, whom it interrupted{place}");
    IrqsOffAtExit = "irqs-off-at-exit",
        "a thread ends with interrupts disabled, or enables them more often than it disabled them",
        "WARN_ON_ONCE(irqs_disabled())",
        InGeneral;
    IrqsEnabledEarly = "irqs-enabled-early",
        "spin_unlock_irq() or local_irq_enable() where interrupts were off before: whoever disabled them first counts on it that they stay so",
        "raw_check_bogus_irq_restore(); lockdep_hardirqs_on_prepare() in hard interrupt context",
        Told(Tale::IrqsEnabledEarly);
    BhUnbalanced = "bh-unbalanced",
        "a thread ends with soft interrupts disabled, enables them more often than it disabled them, or does so with interrupts off",
        "__local_bh_enable_ip(): lockdep_assert_irqs_enabled(); DEBUG_LOCKS_WARN_ON in __local_bh_enable()",
        InGeneral;
    PreemptUnbalanced = "preempt-unbalanced",
        "a thread ends with preemption disabled, or enables it more often than it disabled it",
        "preempt_count_sub(): DEBUG_LOCKS_WARN_ON(val > preempt_count()); \"exited with preempt_count\" in do_exit()",
        InGeneral;
    UnsetRead = "unset-read",
        "a local, or a slot of a list, is read that was never set on this path",
        "KMSAN",
        Told(Tale::UnsetRead);
    WrongKind = "wrong-kind",
        "an operation is applied to a reference that is not of its kind of object",
        "a bad cast",
        Told(Tale::WrongKind);
    Assert = "assert",
        "an assert of the scenario is false",
        "the scenario",
        Told(Tale::Asserted);
    SpinsLocally = "spins-locally",
        "a thread loops without touching anything shared",
        "the scenario",
        Says("{who} loops and touches nothing that others could change{place}");
    OutOfBounds = "out-of-bounds",
        "an array is accessed outside of its length",
        "UBSAN_BOUNDS",
        Told(Tale::OutOfBounds);
    DivisionByZero = "division-by-zero",
        "an expression divides by zero",
        "UBSAN_DIV_ZERO",
        Says("{who} divides by zero{place}");
    CapacityExceeded = "capacity-exceeded",
        "a fixed table of the model overflowed; the result is incomplete, not a finding",
        "Fenceweave's bounds",
        InGeneral;
    DataRace = "data-race",
        "two accesses to a plain variable at once, one a write, with nothing that orders them: every engine sees those that \
         overlap, loom also those that only memory order lets; two changes of a list at once, or a change and a walk; or a \
         list's access without the lock that it is declared with",
        "KCSAN; LKMM; lockdep_assert_held()",
        Told(Tale::DataRace);
    ListCorruption = "list-corruption",
        "an entry is put on a list that it is on, or taken off or looked for on one that it is not on",
        "CONFIG_DEBUG_LIST",
        Told(Tale::ListCorruption);
    FreedOnList = "freed-on-list",
        "an object is freed while a list still has it",
        "KASAN, at the next walk of the list",
        Says("{who} frees {what}, and a list still has it{place}"), since Freed;
}

impl Property {
    /// Whether it is about more than one execution that ends: about what never happens, and so broken by one that goes on
    /// for ever, or about all executions together. The engine that keeps the whole graph looks for it.
    pub fn is_liveness(self) -> bool {
        const ALL: [Property; 4] =
            [Property::Livelock, Property::Starvation, Property::FenceNeverSignals, Property::DependencyCycle];
        ALL.contains(&self)
    }

    /// Whether judging it takes one order of all accesses: where a reader may see them late, nobody can say what was there
    /// at a time.
    pub fn needs_one_order(self) -> bool {
        self == Property::FenceMissed
    }

    /// Whether it is seen when everything is over, so that no step breaks it.
    pub fn is_seen_at_end(self) -> bool {
        const ALL: [Property; 4] = [
            Property::LeakedReference,
            Property::MissingReference,
            Property::LeakedObject,
            Property::FenceNeverSignals,
        ];
        ALL.contains(&self)
    }

    /// The property of that name.
    pub fn from_name(name: &str) -> Option<Property> {
        Property::ALL.iter().copied().find(|p| p.name() == name)
    }
}

/// A property broken by a step. It ends that execution; the search goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Violation {
    /// Which property.
    pub property: Property,
    /// Whose step it was. For a deadlock, the first thread that waits.
    pub thread: ThreadId,
    /// The instruction in the thread's script.
    pub pc: u16,
    /// Which rule of it, if it stands for several.
    pub rule: Option<Rule>,
    /// The object concerned, if there is one.
    pub object: Option<ObjId>,
    /// Another thread concerned: the owner of a leaked reference, of a lock, …
    pub other: Option<ThreadId>,
}

/// Rules about all executions together: what is allocated under a lock of a fence-signalling section, and in which contexts a
/// lock is taken.
const OF_ALL_EXECUTIONS: &[Rule] = &[Rule::AllocUnderSectionLock, Rule::LockSoftirqOn, Rule::LockHardirqOn];

impl Property {
    /// Whether some rule of it is about all executions together ([`Violation::is_of_all_executions`]).
    pub fn has_rule_of_all_executions(self) -> bool {
        OF_ALL_EXECUTIONS.iter().any(|rule| rule.property() == self)
    }
}

impl Violation {
    /// Whether it is about all executions together, and no one shows it: the engine that keeps the whole graph finds it.
    pub fn is_of_all_executions(&self) -> bool {
        self.property == Property::DependencyCycle || self.rule.is_some_and(|rule| OF_ALL_EXECUTIONS.contains(&rule))
    }

    /// What is seen of an object when everything is over: nobody's step.
    pub(crate) fn at_end(property: Property, thread: ThreadId, object: ObjId) -> Violation {
        Violation { property, thread, pc: 0, rule: None, object: Some(object), other: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_sentence_have_known_places_only() {
        let rules = Rule::ALL.iter().map(|r| r.sentence());
        for sentence in Property::ALL.iter().map(|p| p.sentence()).chain(rules) {
            let Sentence::Says(words) = sentence else { continue };
            let left = PLACES.iter().fold(words.to_owned(), |words, place| words.replace(place, ""));
            assert!(!left.contains(['{', '}']), "{words}");
            assert!(words.contains("{who}") || words.contains("{what}"), "{words}");
        }
    }

    #[test]
    fn names_are_unique_and_resolve() {
        for p in Property::ALL {
            assert_eq!(Property::from_name(p.name()), Some(*p));
            assert!(!p.meaning().is_empty() && !p.origin().is_empty());
        }
    }
}
