//! What must hold of user memory.

use crate::property::properties;

properties! {
    46 USER_ACCESS_UNDER_RESV = "user-access-under-resv",
        "user memory is accessed with a reservation's lock held: a page fault takes mmap_lock, which is outside of it",
        "might_fault(); dma_resv_lockdep()",
        Says("{who} accesses user memory and holds {what}{place}");
}
