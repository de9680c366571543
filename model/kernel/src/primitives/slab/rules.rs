//! What must hold of memory that goes: what is inside of it has come to its own end.

use crate::property::{forms, properties};

properties! {
    71 FREED_IN_USE = "freed-in-use",
        "an object is freed, and what is inside of it is in use: a lock is held or waited for, a list is not empty, a \
         callback is queued, a fence that others have seen is not signalled",
        "debug_check_no_locks_freed(); debugobjects; KASAN, at the next access",
        Says("{who} frees {what}, and {also} inside of it is in use{place}");
}

forms! {
    11 INSIDE_USED "{who} uses {also}, which is inside of {what}, after {what} was freed{place}";
    12 FREED_HELD "{who} frees {what}, and {also} inside of it is held by {other}{place}";
    13 FREED_WAITED_FOR "{who} frees {what}, and {other} waits for {also}, which is inside of it{place}";
    14 FREED_NOT_EMPTY "{who} frees {what}, and {also} inside of it is not empty{place}";
    15 FREED_QUEUED "{who} frees {what}, and {also}, a callback inside of it, is still queued{place}";
    16 FREED_OWED "{who} frees {what}, and {also}, a fence inside of it that others have seen, is not signalled{place}";
    17 FREED_WITHOUT_FINI "{who} frees {what} without `resv-fini` of {also}, which is inside of it: its list of fences is lost{place}";
    18 FREES_INSIDE "{who} frees {also}, which is inside of {what}: what was allocated is {what}{place}";
    19 FREED_OWN "{who} frees {what} and holds {also}, which is inside of it{place}";
    20 FREED_PENDING "{who} frees {what}, and {also}, a work item inside of it, is pending{place}";
    21 STACK_LEFT_ON_LIST "{who} leaves the block that has {what} on its stack, and a list still has it{place}";
    22 FREED_ARMED "{who} frees {what}, and the timer of {also}, which is inside of it, is armed{place}";
    23 STACK_LEFT "{who} leaves the block that has {what} on its stack, and {also} inside of it is in use{place}";
    29 FREED_LISTED "{who} frees the memory of {what}, which is still on {also}{place}";
    30 STACK_LEFT_LISTED "{who} leaves the block that has {what} on its stack, which is still on {also}{place}";
}
