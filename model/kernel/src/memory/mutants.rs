//! Mistakes of memory that can be built in.

use crate::ground::mutation::mutants;

mutants! { "memory"
    FillUnseen "memory-fill-unseen" in "dma_fence_wait()" "who touches a frame does not ask who writes it";
    DrainUnseen "memory-drain-unseen" in "dma_fence_wait()" "who writes a frame does not ask who reads it";
    ForeignUnseen "memory-foreign-unseen" in "alloc_page()" "what a former owner left is the new one's";
    FreeKeeps "memory-free-keeps" in "__free_pages()" "the frame stays allocated";
    ClearNothing "memory-clear-nothing" in "clear_page()" "clears nothing";
    CopyHalf "memory-copy-half" in "copy_page()" "the second half is not copied";
    PinNothing "memory-pin-nothing" in "pin_user_pages()" "does not count";
    FillNothing "memory-fill-nothing" in "dma_fence_signal()" "the device writes nothing";
    CleanNothing "memory-cache-clean-nothing" in "dcache_clean_poc()" "writes nothing back";
    InvalidateNothing "memory-cache-invalidate-nothing" in "dcache_inval_poc()" "throws nothing away";
    FlushNothing "memory-cache-flush-nothing" in "dcache_clean_inval_poc()" "neither of both";
    DrainNothing "memory-wmb-drains-nothing" in "wmb()" "what was gathered stays in its buffer";
    UnmapAny "memory-kunmap-any" in "kunmap_local()" "does not ask for the order";
}
