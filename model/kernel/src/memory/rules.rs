//! What must hold of frames.

use crate::property::{forms, properties};

properties! {
    77 FRAME_BUSY = "frame-busy",
        "a frame is touched while a device writes it, written while a device reads it, or system memory is freed while either goes on: \
         the fence that says that it is over has not signalled",
        "dma-fence and dma-resv: whoever touches a buffer waits for its fences, DMA_RESV_USAGE_KERNEL first of all",
        Says("{who} touches {what} before {also} has signalled, until which a device writes it{place}");
    78 FRAME_REUSED = "frame-reused",
        "nothing orders the first access of a frame's new owner after the last one of its former owner",
        "TTM, pipelined eviction: the manager's eviction fences are the new owner's, too (ttm_bo_add_pipelined_eviction_fences())",
        Says("{who} touches {what}, which has another owner by now who has used it already{place}"), since Freed;
    79 FOREIGN_CONTENTS = "foreign-contents",
        "a frame is read that its owner has not written since it was allocated: what is there is a former owner's",
        "TTM_TT_FLAG_ZERO_ALLOC; init_on_alloc; an information leak",
        Says("{who} reads {what}, and what is there is a former owner's: nobody has cleared or written it since it was allocated{place}");
    80 UNDEFINED_CONTENTS = "undefined-contents",
        "a page is read whose contents are nobody's: a device failed while it wrote it, or two halves of it are not of one page",
        "i915: an object whose copy has failed (unknown_state)",
        Says("{who} reads {what}, which a device was to write and failed to{place}");
    81 LEAKED_FRAME = "leaked-frame",
        "a frame is allocated at the end, and nothing leads to it",
        "kmemleak; TTM's check that a manager is empty when it goes",
        Says("{what} is still allocated at the end, and nothing leads to it"), is [AtEnd];
    82 FRAME_PINNED = "frame-pinned",
        "a frame is freed while it is pinned, or unpinned more often than pinned",
        "unpin_user_page(); ttm_bo_unpin()",
        Says("{who} frees {what}, which is pinned{place}");
    83 KMAP_ORDER = "kmap-order",
        "local mappings are undone in another order than the opposite one, or left",
        "kunmap_local(): nested mappings are unmapped in reverse order",
        Says("{who} unmaps {what}, which is not what it has mapped last{place}");
    86 CACHING_CONFLICT = "caching-conflict",
        "a page is mapped in two ways at once, one cached and one not, or is freed while the kernel's own mapping of it is not cached: \
         what is written through one of them the other need not see",
        "arch/x86/mm/pat: memtype_reserve(), set_pages_array_wb() before a free; Arm ARM, mismatched memory attributes",
        Says("{who} maps {what} in another way than {also} does{place}"), since Mapped;
    87 STALE_READ = "stale-read",
        "a page is read in a CPU's cache, and memory was written beside that: nothing has invalidated what may be there of before",
        "dma_sync_single_for_cpu(); dma_buf_begin_cpu_access(); Arm ARM, mismatched memory attributes",
        Says("{who} may find {what} in its cache as it was before memory was written: nothing has invalidated the line{place}");
    88 LOST_WRITE = "lost-write",
        "what was written to memory is overwritten by something older, that a cache or a write buffer still had",
        "dma_sync_single_for_device(), arch_sync_dma_for_device(): dirty lines are written back before memory is written beside them",
        Says("an old dirty line of {what} may be written back over what memory has got since, which {who} is about to find{place}");
    84 BYTES_DIFFER = "bytes-differ",
        "real memory holds other bytes than its tag says: a page copy has not copied, or the checker is wrong",
        "Fenceweave's own page-copy engine",
        Says("{who} finds other bytes in {what} than what was written there{place}");
}

forms! {
    57 DRAINED "{who} writes {what} before {also} has signalled, until which a device reads it{place}";
    58 FREED_FILLING "{who} frees {what} before {also} has signalled, until which a device writes it{place}";
    59 FREED_DRAINED "{who} frees {what} before {also} has signalled, until which a device reads it{place}";
    60 FREED_TOUCHED "{who} frees {what} while {other} is in the middle of an access to it{place}";
    61 PAGE_RACE "{who} touches {what} while {other} is in the middle of an access to it, and one of the two writes{place}";
    62 REUSED_EARLY "{who} touches {what} before {also} has signalled, until which a device uses it for its former owner{place}";
    63 TORN_READ "{who} reads {what}, which is torn: its halves are of different contents{place}";
    64 UNPINNED "{who} unpins {what}, which is not pinned{place}";
    66 OUTSIDE_APERTURE "{who} maps a page that lies outside of the aperture, as {what} has it{place}";
    67 PAST_LAST_SEGMENT "{who} goes past the last segment of {what}: there is none, and its length is read{place}";
    71 CACHED_ELSEWHERE "{who} maps {what} in another way than the kernel's own mapping of all memory does{place}";
    72 ATTRIBUTES_CHANGED "{who} changes how the kernel's own mapping has {what}, to which {also} leads in another way{place}";
    73 FREED_UNCACHED "{who} frees {what}, which the kernel's own mapping does not cache{place}";
    74 BUFFERED "an older write to {what} may leave its write buffer over what memory has got since, which {who} is about to find{place}";
    75 FREED_GATHERED "{who} frees {what} while a gathered write of {other} is on its way to it{place}";
    65 KMAP_LEFT "{who} ends and has still mapped {what}";
}
