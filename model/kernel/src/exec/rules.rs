//! What must hold of a `drm_exec` set.

use crate::rule::rules;

rules! {
    13 EXEC_IN_USE of WW_CONTRACT = "the drm_exec set is in use already",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks",
        Says("{who} begins {what}, which is in use already{place}");
    14 EXEC_NOT_BEGUN of WW_CONTRACT = "the drm_exec set is not begun, or another task's",
        "drm_exec_init() comes first and drm_exec_fini() last, each once, in the task that locks",
        Says("{who} uses {what}, which is not begun, or is another task's{place}");
    15 EXEC_OUTSIDE_LOOP of WW_CONTRACT = "a drm_exec set takes a lock outside of drm_exec_until_all_locked()",
        "the block begins again after -EDEADLK, and takes the contended lock first",
        Says("{who} locks for {what} outside of drm_exec_until_all_locked(){place}");
}
