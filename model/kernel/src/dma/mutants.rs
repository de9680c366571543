//! Mistakes of how devices go to memory that can be built in.

use crate::ground::mutation::mutants;

mutants! { "DMA"
    UnmapInFlight "dma-unmap-in-flight" in "dma_unmap_page()" "takes a mapping down that a job uses";
    UnmapNothing "dma-unmap-nothing" in "dma_unmap_page()" "the address stays mapped";
    InvalidateNothing "dma-invalidate-nothing" in "dma_buf_invalidate_mappings()" "the mapping leads on to where the buffer was";
    JobNeverOver "dma-job-never-over" in "dma_fence_signal()" "a job goes on after its fence has signalled";
}
