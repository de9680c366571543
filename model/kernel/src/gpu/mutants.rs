//! Mistakes of a GPU's MMU that can be built in.

use crate::ground::mutation::mutants;

mutants! { "GPU translation"
    FlushNothing "as-flush-nothing" in "AS_COMMAND_FLUSH_PT" "keeps all translations";
    LockNothing "as-lock-nothing" in "AS_COMMAND_LOCK" "lets accesses in the region go on";
}
