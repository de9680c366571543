//! What must hold of words that are declared with what is counted on.

use crate::property::properties;

properties! {
    67 LOCK_NOT_HELD = "lock-not-held",
        "a word is accessed without the lock that it is declared with (`guarded-by`)",
        "lockdep_assert_held(); the comment that says which lock protects it",
        Says("{who} accesses {what} without the lock that guards it{place}");
    68 CONST_SET_LATE = "const-set-late",
        "a word that is declared `const` is set when another thread may have read it",
        "the kernel-doc of what never changes once its object is published",
        Says("{who} sets {what}, which is const and not its own any more{place}");
}
