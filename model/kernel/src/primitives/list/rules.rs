//! What must hold of lists.

use crate::{
    property::{forms, properties},
    rule::rules,
};

properties! {
    60 LIST_CORRUPTION = "list-corruption",
        "an entry is put on a list that it is on, or taken off or looked for on one that it is not on",
        "CONFIG_DEBUG_LIST",
        Says("{who} takes off an entry that is not on {what}{place}");
    61 FREED_ON_LIST = "freed-on-list",
        "an object is freed while a list still has it",
        "KASAN, at the next walk of the list",
        Says("{who} frees {what}, and a list still has it{place}"), since Freed;
}

rules! {
    43 LIST_UNGUARDED of DATA_RACE = "a list or a tree is changed or walked without the lock that it is declared with",
        "whoever has the lock counts on it that the links stay as they are",
        Says("{who} changes {what} without the lock that guards it{place}");
}

forms! {
    0 LIST_ADDED_TWICE "{who} adds an entry that is on a list already to {what}{place}";
    1 LIST_NEXT_OF_NONE "{who} goes on from an entry that is not on {what}{place}";
    2 LIST_WALKED_UNGUARDED "{who} walks {what} without the lock that guards it{place}";
    3 LIST_CHANGED_AT_ONCE "{who} changes {what}{place}, and {other} is in the middle of changing it{there}";
    26 LIST_ADDED_ELSEWHERE "{who} adds an entry to {what} that is still on {also}{place}";
    27 LIST_POISONED "{who} takes {what} off a list, which it was taken off before and not initialised since: LIST_POISON1{place}";
    28 LIST_BESIDE_NONE "{who} names a place on {what} by an entry that is not on it{place}";
    4 LIST_WALKED_AT_ONCE "{who} walks {what}{place}, and {other} is in the middle of changing it{there}";
}
