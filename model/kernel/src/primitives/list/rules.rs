//! What must hold of lists.

use crate::{property::properties, rule::rules};

properties! {
    60 LIST_CORRUPTION = "list-corruption",
        "an entry is put on a list that it is on, or taken off or looked for on one that it is not on",
        "CONFIG_DEBUG_LIST",
        Told(ListCorruption);
    61 FREED_ON_LIST = "freed-on-list",
        "an object is freed while a list still has it",
        "KASAN, at the next walk of the list",
        Says("{who} frees {what}, and a list still has it{place}"), since Freed;
}

rules! {
    43 LIST_UNGUARDED of DATA_RACE = "a list is changed or walked without the lock that it is declared with",
        "whoever has the lock counts on it that the links stay as they are",
        Told(ListUnguarded);
}
