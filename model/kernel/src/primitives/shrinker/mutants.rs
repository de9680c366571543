//! Mistakes of shrinker that can be built in.

use crate::ground::mutation::mutants;

mutants! { "shrinker"
    FreeNoWait "shrinker-free-no-wait" in "shrinker_free()" "does not wait for who runs it";
}
