//! Mistakes of drm_syncobj that can be built in.

use crate::ground::mutation::mutants;

mutants! { "drm_syncobj"
    NoGet "syncobj-no-get" in "drm_syncobj_replace_fence()" "the syncobj has no reference";
    KeepsOld "syncobj-keeps-old" in "drm_syncobj_replace_fence()" "what was there is not put";
    TellsNobody "syncobj-tells-nobody" in "drm_syncobj_replace_fence()" "nobody on the list is told";
    TellsFirst "syncobj-tells-first" in "drm_syncobj_replace_fence()" "only the first on the list is told";
    GiveNoGet "syncobj-give-no-get" in "syncobj_wait_syncobj_func()" "the waiter's entry has no reference";
    GiveEarly "syncobj-give-early" in "syncobj_wait_syncobj_func()" "given although the point is not there";
    GiveNoWake "syncobj-give-no-wake" in "syncobj_wait_syncobj_func()" "the waiter is not woken";
    GiveStaysListed "syncobj-give-stays-listed" in "syncobj_wait_syncobj_func()" "the waiter stays on the list";
    MissedLeaks "syncobj-missed-leaks" in "syncobj_wait_syncobj_func()" "what is not given is not put";
    PointNoPrev "syncobj-point-no-prev" in "drm_syncobj_add_point()" "what comes before the point is forgotten";
    PointKeepsPrev "syncobj-point-keeps-prev" in "drm_syncobj_add_point()" "the reference of the pointer is not put";
    PointNoWalk "syncobj-point-no-walk" in "drm_syncobj_add_point()" "signalled nodes stay in the chain";
    WaitNoCallback "syncobj-wait-no-callback" in "drm_syncobj_array_wait_timeout()" "sleeps without a callback";
    WaitAny "syncobj-wait-any" in "drm_syncobj_array_wait_timeout()" "WAIT_ALL is ignored";
    WaitSaysFirst "syncobj-wait-says-first" in "drm_syncobj_array_wait_timeout()" "says that it was the first one";
    WaitIgnoresSignal "syncobj-wait-ignores-signal" in "drm_syncobj_array_wait_timeout()" "a pending signal does not end it";
    WaitKeepsCallback "syncobj-wait-keeps-callback" in "drm_syncobj_array_wait_timeout()" "the callback stays on the fence";
    WaitKeepsFence "syncobj-wait-keeps-fence" in "drm_syncobj_array_wait_timeout()" "the fence is not put";
    WaitStaysListed "syncobj-wait-stays-listed" in "drm_syncobj_remove_wait()" "who gives up stays on the list";
    FindsHead "syncobj-finds-head" in "drm_syncobj_find_fence()" "the point is not looked for";
    NoSecondLook "syncobj-no-second-look" in "drm_syncobj_fence_add_wait()" "does not look again under the lock";
    QueryOwn "syncobj-query-own" in "drm_syncobj_query_ioctl()" "a pending point counts as signalled";
    QueryLeaks "syncobj-query-leaks" in "drm_syncobj_query_ioctl()" "the last node is not put";
}
