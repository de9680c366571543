//! Mistakes of uaccess that can be built in.

use crate::ground::mutation::mutants;

mutants! { "uaccess"
    FaultNoLock "uaccess-fault-no-lock" in "do_user_addr_fault()" "the fault is handled without mmap_lock";
    KeepsLock "uaccess-keeps-lock" in "do_user_addr_fault()" "mmap_lock stays locked";
    InatomicSleeps "uaccess-inatomic-faults" in "__copy_from_user_inatomic()" "handles the fault like any access";
}
