//! What must hold of trees.

use crate::property::{forms, properties};

properties! {
    72 TREE_CORRUPTION = "tree-corruption",
        "an entry is put into a tree while it is in one, taken out of one that it is not in, changes its key while it is in one, or is \
         a range that overlaps another",
        "lib/rbtree.c, which checks nothing; lib/maple_tree.c, -EEXIST",
        Says("{who} changes {what}, the key of what is in {also}{place}");
}

forms! {
    31 TREE_ADDED_TWICE "{who} adds {what} to a tree, which is in {also} already{place}";
    32 TREE_NOT_IN "{who} takes {also} out of {what}, which it is not in{place}";
    33 TREE_NEXT_OF_NONE "{who} goes on in {what} from {also}, which is not in it{place}";
    34 TREE_CLEARED "{who} clears {what}, which is still in {also}{place}";
    35 RANGE_OVERLAPS "{who} inserts into {what} what overlaps {also}{place}";
    36 RANGE_EMPTY "{who} inserts {also} into {what}, which ends before it begins{place}";
}
