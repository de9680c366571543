//! Mistakes of page tables that can be built in.

use crate::ground::mutation::mutants;

mutants! { "page tables"
    CachingUnseen "pte-caching-unseen" in "memtype_reserve()" "a page is mapped in whichever way";
    InsertOverwrites "insert-pfn-overwrites" in "insert_pfn()" "stores over the entry that is there";
    MkWriteAnything "mkwrite-not-same" in "finish_mkwrite_fault()" "makes writable whatever is there now";
    ZapKeepsLast "zap-keeps-last" in "zap_page_range_single()" "leaves the last entry of the range";
    WritesReadOnly "write-through-read-only" in "the CPU" "writes through an entry that is read-only";
}
