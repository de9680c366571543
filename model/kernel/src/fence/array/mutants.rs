//! Mistakes of dma_fence_array that can be built in.

use crate::ground::mutation::mutants;

mutants! { "dma_fence_array"
    NoGet "array-no-get" in "dma_fence_array_enable_signaling()" "callbacks have no reference to the array";
    NoError "array-no-error" in "dma_fence_array_set_pending_error()" "a member's error is lost";
    FirstCounts "array-first-counts" in "dma_fence_array_cb_func()" "the first member signals the array";
    NeverLast "array-never-last" in "dma_fence_array_cb_func()" "the last member does not signal the array";
    ReleaseKeeps "array-release-keeps" in "dma_fence_array_release()" "members are not put";
    IgnoresCount "array-ignores-count" in "dma_fence_array_signaled()" "is signalled whatever its members are";
    CountRelaxed "array-count-relaxed" in "dma_fence_array_cb_func()" "counts down without an order" (loom);
}
