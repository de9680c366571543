//! Mistakes of dma_fence_get_rcu_safe that can be built in.

use crate::ground::mutation::mutants;

mutants! { "dma_fence_get_rcu_safe"
    NoRecheck "rcu-safe-no-recheck" in "dma_fence_get_rcu_safe()" "does not look whether the pointer changed";
    KeepsOld "rcu-safe-keeps-old" in "dma_fence_get_rcu_safe()" "keeps the reference to a fence that was replaced";
    GivesUp "rcu-safe-gives-up" in "dma_fence_get_rcu_safe()" "NULL if the fence is being released, instead of another look";
}
