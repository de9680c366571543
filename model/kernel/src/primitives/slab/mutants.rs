//! Mistakes of slab that can be built in.

use crate::ground::mutation::mutants;

mutants! { "slab"
    PutFreesEarly "slab-put-frees-early" in "kref_put()" "releases although there are other references";
    PutNoRelease "slab-put-no-release" in "kref_put()" "the last reference releases nothing";
    GetNothing "slab-get-nothing" in "kref_get()" "does not count";
    GetUnlessZeroGets "slab-get-unless-zero-gets" in "kref_get_unless_zero()" "gets from zero";
    AllocKeepsFields "slab-alloc-keeps-fields" in "kmem_cache_alloc()" "fields keep what the last object left";
    NewOneStep "slab-new-one-step" in "kmem_cache_alloc()" "coarse step put back: an object of a typesafe slab is initialised at once";
    FputAtOnce "slab-fput-at-once" in "fput()" "the last one releases the file inline";
    FreeRcuNow "slab-free-rcu-now" in "kfree_rcu()" "frees without a grace period";
}
