//! What must hold of what a GPU keeps of translations.

use crate::property::{forms, properties};

properties! {
    89 STALE_TRANSLATION = "stale-translation",
        "a GPU keeps a translation that leads to a frame which is freed, or one of another page table than its slot has: a job reads and \
         writes what is somebody else's",
        "panthor_vm_flush_range(), panthor_vm_unlock_region(): pages are given back, and a slot given on, after the flush",
        Says("{who} frees {also}, to which {what} keeps a translation{place}");
}

forms! {
    76 KEPT_OF_FREED "{who} lets {what} go on, which keeps a translation to {also}, and that was freed meanwhile{place}";
    77 KEPT_OF_OTHER "{who} gives {what} on, which keeps translations of another page table{place}";
}
