//! What must always hold, by name, and the values that say it did not.

use crate::{ObjId, ThreadId};

macro_rules! properties {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $meaning:literal, $origin:literal;)*) => {
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
        }
    };
}

properties! {
    Deadlock = "deadlock",
        "threads wait for each other for ever: nobody can run and somebody is unfinished",
        "lockdep; Coffman's circular wait";
    LostWakeup = "lost-wakeup",
        "a thread sleeps for ever although what it waits for has happened: waking it for nothing would let it go on",
        "memory-barriers.rst, SLEEP AND WAKE-UP FUNCTIONS";
    Livelock = "livelock",
        "threads run for ever and none of them gets on: no thread that can run is held back, and nobody passes a `progress` mark",
        "cpu_relax() loops; the soft lockup detector";
    Starvation = "starvation",
        "others get on for ever, and this thread, which is not finished and is not held back while it can run, never does",
        "weak fairness; khungtaskd";
    LockHeldAtExit = "lock-held-at-exit",
        "a thread ends while it still holds a lock",
        "debug_check_no_locks_held()";
    CtxOpenAtExit = "acquire-ctx-open-at-exit",
        "a thread ends with an acquire context that was never finished",
        "ww-mutex-design.rst; ww_acquire_fini()";
    UnlockNotHeld = "unlock-not-held",
        "a lock is released by a thread that does not hold it",
        "DEBUG_LOCKS_WARN_ON in debug_mutex_unlock(); spin_bug(\"wrong owner\")";
    SelfDeadlock = "self-deadlock",
        "a thread takes a lock that it already holds",
        "lockdep: possible recursive locking";
    WwContract = "ww-contract",
        "the rules of acquire contexts are broken: lock after done, fini with locks held, another lock taken before the contended one, a foreign class, two contexts at once",
        "CONFIG_DEBUG_WW_MUTEX_SLOWPATH, lib/locking-selftest.c ww rows";
    FenceSignaledTwice = "fence-signaled-twice",
        "dma_fence_signal() on a fence that is already signalled",
        "dma_fence_signal() returns -EINVAL; WARN in drivers";
    FenceErrorLate = "fence-error-late",
        "an error set on a fence that is already signalled, or an error outside of -4095..-1",
        "dma_fence_set_error()";
    FenceReleasedPending = "fence-released-pending",
        "the last reference to an unsignalled fence is dropped while callbacks are queued",
        "WARN in dma_fence_release()";
    FenceReinitialised = "fence-reinitialised",
        "dma_fence_init() on a fence that is alive",
        "dma_fence_init(); debugobjects";
    CallbackReused = "callback-reused",
        "a dma_fence_cb is added while it is still queued on a fence",
        "dma_fence_add_callback()";
    NoSlotReserved = "no-slot-reserved",
        "a fence is added to a reservation without a slot reserved under the same hold of the lock",
        "BUG_ON in dma_resv_add_fence()";
    ResvNotHeld = "resv-not-held",
        "a reservation is changed by a thread that does not hold its lock",
        "dma_resv_assert_held()";
    UseAfterFree = "use-after-free",
        "an object is used after it was freed, through a stale reference or by name",
        "KASAN";
    NullDereference = "null-dereference",
        "NULL is used as a reference",
        "an oops";
    DoubleFree = "double-free",
        "an object is freed twice",
        "KASAN";
    RefcountUnderflow = "refcount-underflow",
        "a reference is dropped that nobody holds",
        "refcount_t: underflow; use-after-free";
    RefcountFromZero = "refcount-from-zero",
        "a reference is taken on an object whose last one is gone",
        "refcount_t: addition on 0; use-after-free";
    LeakedReference = "leaked-reference",
        "references are left at the end that nothing reachable holds",
        "kmemleak; the checker's ledger says whose they are";
    RcuUnbalanced = "rcu-unbalanced",
        "rcu_read_unlock() without rcu_read_lock(), or a read-side section still open at thread exit",
        "PROVE_RCU";
    SleepInAtomic = "sleep-in-atomic",
        "a thread sleeps while it holds a spinlock or is in an RCU read-side section",
        "might_sleep(), DEBUG_ATOMIC_SLEEP";
    UnsetRead = "unset-read",
        "a local is read that was never set on this path",
        "KMSAN";
    WrongKind = "wrong-kind",
        "an operation is applied to a reference that is not of its kind of object",
        "a bad cast";
    Assert = "assert",
        "an assert of the scenario is false",
        "the scenario";
    SpinsLocally = "spins-locally",
        "a thread loops without touching anything shared",
        "the scenario";
    OutOfBounds = "out-of-bounds",
        "an array is accessed outside of its length",
        "UBSAN_BOUNDS";
    DivisionByZero = "division-by-zero",
        "an expression divides by zero",
        "UBSAN_DIV_ZERO";
    CapacityExceeded = "capacity-exceeded",
        "a fixed table of the model overflowed; the result is incomplete, not a finding",
        "Fenceweave's bounds";
    DataRace = "data-race",
        "two accesses to a plain variable at once, one a write, with no ordering between them (seen by loom)",
        "KCSAN; LKMM";
}

impl Property {
    /// Whether it is about what never happens, and so broken by an execution that goes on for ever.
    pub fn is_liveness(self) -> bool {
        matches!(self, Property::Livelock | Property::Starvation)
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
    /// The object concerned, if there is one.
    pub object: Option<ObjId>,
    /// Another thread concerned: the owner of a leaked reference, of a lock, …
    pub other: Option<ThreadId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_resolve() {
        for p in Property::ALL {
            assert_eq!(Property::from_name(p.name()), Some(*p));
            assert!(!p.meaning().is_empty() && !p.origin().is_empty());
        }
    }
}
