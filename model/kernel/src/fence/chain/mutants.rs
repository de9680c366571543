//! Mistakes of dma_fence_chain that can be built in.

use crate::ground::mutation::mutants;

mutants! { "dma_fence_chain"
    NoGet "chain-no-get" in "dma_fence_chain_enable_signaling()" "the callback has no reference to the node";
    NoGetContained "chain-no-get-contained" in "dma_fence_chain_enable_signaling()" "the callback has no reference to the fence";
    FirstOnly "chain-first-only" in "dma_fence_chain_walk()" "only the node's own fence counts";
    ExchangePutsOld "chain-exchange-puts-old" in "dma_fence_chain_walk()" "who finds prev changed drops what was there all the same";
    UnlinksShared "chain-unlinks-shared" in "dma_fence_chain_release()" "takes apart a node that others refer to";
    ReleaseKeepsPrev "chain-release-keeps-prev" in "dma_fence_chain_release()" "prev is not put";
    ReleaseKeepsFence "chain-release-keeps-fence" in "dma_fence_chain_release()" "the contained fence is not put";
    FindsLate "chain-finds-late" in "dma_fence_chain_find_seqno()" "finds the node before the right one";
    FindsFuture "chain-finds-future" in "dma_fence_chain_find_seqno()" "a point that there is not yet is found";
    TestsNodes "chain-skips-unsignalled" in "dma_fence_chain_walk()" "drops nodes that are not signalled";
}
