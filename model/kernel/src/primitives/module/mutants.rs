//! Mistakes of modules that can be built in.

use crate::ground::mutation::mutants;

mutants! { "module"
    GetGoing "module-get-going" in "try_module_get()" "takes a reference although the module's own is gone";
    DeleteUsed "module-delete-used" in "try_release_module_ref()" "unloads what somebody has a reference to";
    FreeNoWait "module-free-no-wait" in "free_module()" "does not wait for readers";
}
