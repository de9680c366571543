//! What must hold of counts.

use crate::property::properties;

properties! {
    29 REFCOUNT_UNDERFLOW = "refcount-underflow",
        "a reference is dropped that nobody holds",
        "refcount_t: underflow; use-after-free",
        Says("{who} drops a reference to {what}, of which none is left{place}"), since LastReference;
    30 PUT_UNBALANCED = "put-unbalanced",
        "a reference is dropped by a pointer whose own reference the same thread has dropped before: somebody else's goes",
        "refcount_t: underflow; use-after-free, when they drop theirs; the checker's ledger says whose they are",
        Says("{who} drops a reference to {what} that is not its own: what this pointer had, it has dropped{place}"), since OwnReference;
    31 REFCOUNT_FROM_ZERO = "refcount-from-zero",
        "a reference is taken on an object whose last one is gone",
        "refcount_t: addition on 0; use-after-free",
        Says("{who} takes a reference to {what}, whose last one is gone{place}"), since LastReference;
}
