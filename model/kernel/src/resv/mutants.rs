//! Mistakes of dma_resv that can be built in.

use crate::ground::mutation::mutants;

mutants! { "dma_resv"
    NoReset "resv-no-reset" in "dma_resv_reset_max_fences()" "reserved slots outlive the lock";
    ReserveNothing "resv-reserve-nothing" in "dma_resv_reserve_fences()" "succeeds without making room";
    ReserveOneShort "resv-reserve-one-short" in "dma_resv_reserve_fences()" "one slot less than asked for counts as enough";
    ReserveDropsLive "resv-reserve-drops-live" in "dma_resv_reserve_fences()" "fences that have not signalled are not copied";
    ReserveKeepsSignaled "resv-reserve-keeps-signaled" in "dma_resv_reserve_fences()" "signalled fences are copied";
    ReserveLeaks "resv-reserve-leaks" in "dma_resv_reserve_fences()" "fences that were not copied are not put";
    ReserveFreesNow "resv-reserve-frees-now" in "dma_resv_list_free()" "the old list is freed without a grace period";
    ReserveKeepsList "resv-reserve-keeps-list" in "dma_resv_list_free()" "the old list is not freed";
    AddNoGet "resv-add-no-get" in "dma_resv_add_fence()" "the list has no reference";
    AddReplacesStronger "resv-add-replaces-stronger" in "dma_resv_add_fence()" "takes the place of a fence of a stronger usage";
    AddReplacesNone "resv-add-replaces-none" in "dma_resv_add_fence()" "an earlier fence of the context stays";
    AddKeepsSignaled "resv-add-keeps-signaled" in "dma_resv_add_fence()" "a signalled fence is not replaced";
    AddPutsNone "resv-add-puts-none" in "dma_resv_add_fence()" "the replaced fence is not put";
    AddKernel "resv-add-usage" in "dma_resv_list_set()" "every fence is added as BOOKKEEP";
    AddNotCounted "resv-add-not-counted" in "dma_resv_add_fence()" "num_fences does not grow";
    ReplaceNoGet "resv-replace-no-get" in "dma_resv_replace_fences()" "the list has no reference";
    ReplacePutsNone "resv-replace-puts-none" in "dma_resv_replace_fences()" "the replaced fence is not put";
    ReplaceAnyContext "resv-replace-any-context" in "dma_resv_replace_fences()" "replaces fences of every context";
    ReplaceFirst "resv-replace-first" in "dma_resv_replace_fences()" "replaces only one fence";
    CopyKeepsUnpublished "resv-copy-keeps-restarted" in "dma_resv_copy_fences()" "a restarted walk adds to what was copied before";
    CopyNoGet "resv-copy-no-get" in "dma_resv_copy_fences()" "the copy has no references";
    CopyLeaks "resv-copy-leaks" in "dma_resv_copy_fences()" "the old list's fences are not put";
    CopyUsage "resv-copy-usage" in "dma_resv_copy_fences()" "every fence is copied as KERNEL";
    WalkNoRecheck "resv-walk-no-recheck" in "dma_resv_iter_next_unlocked()" "does not look whether the list was replaced";
    WalkSkipsDead "resv-walk-skips-dead" in "dma_resv_iter_walk_unlocked()" "goes on past a fence that is being released";
    WalkAnyUsage "resv-walk-any-usage" in "dma_resv_iter_walk_unlocked()" "finds fences of every usage";
    WalkOnlyUsage "resv-walk-less-usage" in "dma_resv_iter_walk_unlocked()" "finds only fences of a stronger usage";
    WalkSeesSignaled "resv-walk-sees-signaled" in "dma_resv_iter_walk_unlocked()" "finds signalled fences";
    WalkLeaks "resv-walk-leaks" in "dma_resv_iter_walk_unlocked()" "fences that it passes over are not put";
    WalkNoRcu "resv-walk-no-rcu" in "dma_resv_iter_next_unlocked()" "no rcu_read_lock()";
    RestartGoesOn "resv-restart-goes-on" in "dma_resv_iter_restart_unlocked()" "a new list is walked from where the old one was left";
    WaitFirstOnly "resv-wait-first-only" in "dma_resv_wait_timeout()" "waits for the first fence only";
    CursorNotRestarted "cursor-not-restarted" in "dma_resv_iter_restart_unlocked()" "a restart is not told";
    CursorResumesOld "cursor-resumes-old" in "dma_resv_iter_next_unlocked()" "goes on with a list that was replaced";
    CursorLockedAnyUsage "cursor-locked-any-usage" in "dma_resv_iter_next()" "finds fences of every usage";
    CursorLockedSkips "cursor-locked-skips" in "dma_resv_iter_next()" "the holder of the lock does not see signalled fences";
    CursorEndKeeps "cursor-end-keeps" in "dma_resv_iter_end()" "the last fence is not put";
    PublishRelaxed "resv-publish-relaxed" in "rcu_assign_pointer()" "a new list is published without an order" (loom);
    AppendRelaxed "resv-append-relaxed" in "dma_resv_add_fence()" "no smp_wmb() before num_fences grows" (loom);
    RestartRelaxed "resv-restart-relaxed" in "dma_resv_iter_restart_unlocked()" "num_fences is read without an order" (loom);
}
