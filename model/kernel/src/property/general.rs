//! What must hold of whatever is used: threads that hang, objects and their memory, words.

use crate::{property::properties, rule::rules};

properties! {
    0 DEADLOCK = "deadlock",
        "nobody can run and somebody is unfinished: threads wait for each other, or for what nobody will do any more",
        "lockdep; Coffman's circular wait",
        Told(Stuck), is [Stuck NobodyRuns Deadlock];
    1 LOST_WAKEUP = "lost-wakeup",
        "a thread sleeps for ever although what it waits for has happened: waking it for nothing would let it go on",
        "memory-barriers.rst, SLEEP AND WAKE-UP FUNCTIONS",
        Told(NobodyWakes), is [Stuck NobodyRuns];
    2 LIVELOCK = "livelock",
        "threads run for ever and none of them gets on: no thread that can run is held back, and nobody passes a `progress` mark",
        "cpu_relax() loops; the soft lockup detector",
        Told(Endless), is [Stuck Liveness];
    3 STARVATION = "starvation",
        "others get on for ever, and this thread, which is not finished and is not held back while it can run, never does",
        "weak fairness; khungtaskd",
        Told(Starved), is [Liveness];
    4 LOCK_HELD_AT_EXIT = "lock-held-at-exit",
        "a thread ends while it still holds a lock",
        "debug_check_no_locks_held()",
        Says("{who} ends and still holds {what}"), since Taken;
    7 UNLOCK_NOT_HELD = "unlock-not-held",
        "a lock is released by a thread that does not hold it",
        "DEBUG_LOCKS_WARN_ON in debug_mutex_unlock(); spin_bug(\"wrong owner\")",
        Says("{who} releases {what}, which {holder} holds{place}"), since Released;
    8 SELF_DEADLOCK = "self-deadlock",
        "a thread takes a lock that it already holds",
        "lockdep: possible recursive locking",
        Says("{who} takes {what}, which it holds already{place}"), since Taken, is [Deadlock];
    26 USE_AFTER_FREE = "use-after-free",
        "an object is used after it was freed, through a stale reference or by name",
        "KASAN",
        Says("{who} uses {what} after it was freed{place}"), since Freed;
    27 NULL_DEREFERENCE = "null-dereference",
        "NULL is used as a reference",
        "an oops",
        Says("{who} uses NULL as a reference{place}");
    28 DOUBLE_FREE = "double-free",
        "an object is freed twice",
        "KASAN",
        Says("{who} frees {what}, which is freed already{place}"), since Freed;
    32 LEAKED_REFERENCE = "leaked-reference",
        "references are left at the end that nothing reachable holds",
        "kmemleak; the checker's ledger says whose they are",
        Told(Leaked), since Kept, is [AtEnd];
    34 LEAKED_OBJECT = "leaked-object",
        "the last reference to an object was dropped, and it was never freed",
        "kmemleak",
        Says("{what} was released by its last user, and is still there at the end"), is [AtEnd];
    52 UNSET_READ = "unset-read",
        "a local, or a slot of a list, is read that was never set on this path",
        "KMSAN",
        Told(UnsetRead);
    53 WRONG_KIND = "wrong-kind",
        "an operation is applied to a reference that is not of its kind of object",
        "a bad cast",
        Told(WrongKind);
    54 ASSERT = "assert",
        "an assert of the scenario is false",
        "the scenario",
        Told(Asserted);
    55 SPINS_LOCALLY = "spins-locally",
        "a thread loops without touching anything shared",
        "the scenario",
        Says("{who} loops and touches nothing that others could change{place}");
    56 OUT_OF_BOUNDS = "out-of-bounds",
        "an array is accessed outside of its length",
        "UBSAN_BOUNDS",
        Told(OutOfBounds);
    57 DIVISION_BY_ZERO = "division-by-zero",
        "an expression divides by zero",
        "UBSAN_DIV_ZERO",
        Says("{who} divides by zero{place}");
    62 SIGNED_OVERFLOW = "signed-overflow",
        "a signed calculation has a result that does not fit in its type",
        "C11 6.5; UBSAN_SIGNED_WRAP",
        Told(Arithmetic);
    63 SHIFT_OUT_OF_BOUNDS = "shift-out-of-bounds",
        "a shift by the width of its left side or more, or by less than nothing",
        "C11 6.5.7; UBSAN_SHIFT",
        Told(Arithmetic);
    64 ERROR_POINTER = "error-pointer",
        "an ERR_PTR() is used as a pointer",
        "an oops; IS_ERR()",
        Told(ErrorPointer);
    65 WARN_ON = "warn-on",
        "the condition of a warn-on is true; the execution goes on, and what goes wrong later is told as well",
        "WARN_ON()",
        Told(Warned);
    66 BUG_ON = "bug-on",
        "the condition of a bug-on is true, which ends the execution",
        "BUG_ON()",
        Told(Warned);
    58 CAPACITY_EXCEEDED = "capacity-exceeded",
        "a fixed table of the model overflowed; the result is incomplete, not a finding",
        "Fenceweave's bounds",
        InGeneral;
    59 DATA_RACE = "data-race",
        "two accesses to a plain variable at once, one a write, with nothing that orders them: every engine sees those that \
         overlap, loom also those that only memory order lets; two changes of a list at once, or a change and a walk; or a \
         list's access without the lock that it is declared with",
        "KCSAN; LKMM; lockdep_assert_held()",
        Told(DataRace);
}

rules! {
    42 LEAK_IN_CIRCLE of LEAKED_REFERENCE = "objects have the last references to each other, and nothing else leads to them",
        "a circle of references is never dropped: one of its pointers must own none, or be cleared first",
        Says("only what {what} refers to leads to {what}: the references of a circle are left at the end, and nobody can drop them");
    52 NULL_SLOT of NULL_DEREFERENCE = "a slot of a table of functions is called that is NULL",
        "a slot that need not be filled is compared with NULL before it is called",
        Told(NullSlot);
}
