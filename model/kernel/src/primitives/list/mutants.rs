//! Mistakes of list that can be built in.

use crate::ground::mutation::mutants;

mutants! { "list"
    AddTailAtHead "list-add-tail-at-head" in "list_add_tail()" "adds at the head";
    AddAtTail "list-add-at-tail" in "list_add()" "adds at the tail";
    DelNothing "list-del-nothing" in "list_del()" "the entry stays";
    DelRcuPoisons "list-del-rcu-poisons" in "list_del_rcu()" "who stands there cannot go on";
    SpliceKeeps "list-splice-keeps" in "list_splice_init()" "the other list is not emptied";
    MoveToHead "list-move-to-head" in "list_move_tail()" "moves to the head";
    NextFirst "list-next-stops" in "list_next_entry()" "ends one entry early";
}
