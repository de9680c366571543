//! What must hold of page tables.

use crate::property::{forms, properties};

properties! {
    76 STALE_MAPPING = "stale-mapping",
        "a page table still leads to a frame that its object leaves, or that is freed: user space reads and writes what is somebody else's",
        "unmap_mapping_range() before memory is given up: ttm_bo_unmap_virtual()",
        Says("{who} gives up the frame that {what} still leads to{place}"), since Mapped;
}

forms! {
    68 FREED_MAPPED "{who} frees {also}, to which {what} still leads{place}";
}
