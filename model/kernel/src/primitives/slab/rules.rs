//! What must hold of memory that goes: what is inside of it has come to its own end.

use crate::property::{forms, properties};

properties! {
    71 FREED_IN_USE = "freed-in-use",
        "an object is freed, and what is inside of it is in use: a lock is held or waited for, a list is not empty, a \
         callback is queued, a fence that others have seen is not signalled",
        "debug_check_no_locks_freed(); debugobjects; KASAN, at the next access",
        Says("{who} frees {what}, and {also} inside of it is in use{place}");
    74 USED_UNINITIALISED = "used-uninitialised",
        "what is inside of an object is used, and nobody has initialised it since the memory was allocated, or the whole was copied over",
        "lockdep: trying to register non-static key; DEBUG_SPINLOCK: bad magic; debugobjects; KASAN or an oops, at the next list head",
        Says("{who} uses {what}, which nobody has initialised{place}");
    75 INITIALISED_IN_USE = "initialised-in-use",
        "what is in use is initialised again, or another is copied over it: a lock that is held or waited for, a list that is not empty, \
         an item that is queued, a count that is not 0",
        "debugobjects: init active; a lock, a list or a queue that leads nowhere",
        Says("{who} initialises {what}, which is in use{place}");
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
    40 USED_ZEROED "{who} uses {what}, and nobody has initialised it: it is as kzalloc() left it{place}";
    41 USED_UNSET "{who} uses {what}, and nobody has initialised it: it is as kmalloc() left it{place}";
    42 USED_COPIED "{who} uses {what}, which came there with a copy of {also}: nobody has initialised it since{place}";
    43 INIT_IN_USE "{who} initialises {what}, which is in use{place}";
    44 INIT_HELD "{who} initialises {what}, which is held by {other}{place}";
    45 INIT_WAITED_FOR "{who} initialises {what}, which {other} waits for{place}";
    46 INIT_NOT_EMPTY "{who} initialises {what}, which is not empty{place}";
    47 INIT_PENDING "{who} initialises {what}, a work item that is pending{place}";
    48 INIT_ARMED "{who} initialises {what}, a timer that is armed{place}";
    49 INIT_COUNTED "{who} initialises the count of {what}, which is not 0{place}";
    79 CLEARED_IN_USE "{who} clears the memory of {what}, which is in use{place}";
    50 COPIED_OVER "{who} copies another object over {what}, which is in use{place}";
    91 FINI_HELD "{who} ends {what}, which is held by {other}{place}";
    92 FINI_OWN "{who} ends {what}, which it holds itself{place}";
    51 FREED_READ "{who} frees {what}, and somebody is in a read-side section of {also}, which is inside of it{place}";
    52 FREED_TASK_WORK "{who} frees {what}, and {also}, a task work inside of it, is still queued{place}";
    53 FREED_RCU_HEAD "{who} frees {what}, and {also}, an rcu-head inside of it, is still queued{place}";
    54 FREED_ENTRIES "{who} frees {what}, and {also}, an xarray inside of it, still has entries{place}";
    55 INIT_OWN "{who} initialises {what}, which it holds itself{place}";
}
