//! Mistakes of lock-all that can be built in.

use crate::ground::mutation::mutants;

mutants! { "lock-all"
    KeepsLocks "lock-all-keeps-locks" in "(back-off loop)" "does not release what it holds before it waits";
    NoSlow "lock-all-no-slow" in "(back-off loop)" "starts again from the first lock, not with the contended one";
    GivesUp "lock-all-gives-up" in "(back-off loop)" "returns -EDEADLK";
}
