//! Mistakes of xarrays that can be built in.

use crate::ground::mutation::mutants;

mutants! { "xarray"
    EraseKeeps "xa-erase-keeps" in "xa_erase()" "the entry stays";
    InsertOverwrites "xa-insert-overwrites" in "xa_insert()" "stores over what is there";
    AllocTakesUsed "xa-alloc-takes-used" in "xa_alloc()" "gives an index that is in use";
}
