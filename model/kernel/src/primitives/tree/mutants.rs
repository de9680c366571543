//! Mistakes of trees that can be built in.

use crate::ground::mutation::mutants;

mutants! { "tree"
    AddTieFirst "rb-add-tie-first" in "rb_add()" "what has the same key comes before";
    EraseNothing "rb-erase-nothing" in "rb_erase()" "the entry stays";
    InsertOverlaps "range-insert-overlaps" in "mtree_insert_range()" "looks for no overlap";
    ContainsEnd "range-find-end" in "mtree_load()" "finds a range by what is right behind it";
}
