//! Mistakes of drm_exec that can be built in.

use crate::ground::mutation::mutants;

mutants! { "drm_exec"
    ForgetsContended "exec-forgets-contended" in "drm_exec_lock_obj()" "the contended object is not taken first";
    KeepsContended "exec-keeps-contended" in "drm_exec_lock_contended()" "an interrupted wait leaves it contended";
    CleanupKeepsLocks "exec-cleanup-keeps-locks" in "drm_exec_cleanup()" "does not release the locks of the lost round";
    CleanupEnds "exec-cleanup-ends" in "drm_exec_cleanup()" "no other round after contention";
    PrelockedAgain "exec-prelocked-again" in "drm_exec_lock_obj()" "locks again what the round began with";
    DuplicateFails "exec-duplicate-fails" in "drm_exec_lock_obj()" "DRM_EXEC_IGNORE_DUPLICATES is ignored";
    FiniKeepsLocks "exec-fini-keeps-locks" in "drm_exec_fini()" "does not release the locks";
    PrepareNoRoom "exec-prepare-no-room" in "drm_exec_prepare_obj()" "locks and makes no room";
    NotInterruptible "exec-not-interruptible" in "drm_exec_lock_obj()" "DRM_EXEC_INTERRUPTIBLE_WAIT is ignored";
    UnlockForgets "exec-unlock-forgets" in "drm_exec_unlock_obj()" "the object stays in the set";
}
