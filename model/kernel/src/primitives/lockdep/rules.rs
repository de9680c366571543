//! What must hold of what the code says of locks.

use crate::{
    property::{forms, properties},
    rule::rules,
};

properties! {
    69 LOCK_ASSERTION = "lock-assertion",
        "the code says that a lock is held, or that it is not, and that is not so",
        "lockdep_assert_held(), lockdep_assert_not_held()",
        InGeneral;
    70 ON_RETURN = "on-return",
        "a function returns with a lock that its `on-return` says is not held then, or without one that is",
        "__must_hold(), __acquires(), __releases(): sparse's context; the comment above the function",
        Told(Returned);
    73 SLOT_CONTRACT = "slot-contract",
        "a function is called through a table, or returns to who did, against what the table's `ops-type` says of locks",
        "the comments in struct dma_buf_ops, struct drm_gem_object_funcs and their like; lockdep_assert_held() in who fills them",
        InGeneral;
}

rules! {
    47 SAID_HELD of LOCK_ASSERTION = "a lock is not held that is said to be",
        "what follows relies on the lock, even if nobody is in the way this time",
        Says("{who} says that it holds {what}, and does not{place}");
    48 SAID_NOT_HELD of LOCK_ASSERTION = "a lock is held that is said not to be",
        "what follows takes it, or waits for somebody who does, even if it does not this time",
        Says("{who} says that it does not hold {what}, and does{place}");
    50 SLOT_CALLED of SLOT_CONTRACT = "a slot is called with a lock that may not be held then, or without one that has to be",
        "whoever fills it relies on that, also those whom this scenario does not have",
        Told(SlotCalled);
    51 SLOT_RETURNED of SLOT_CONTRACT = "what fills a slot returns with a lock that its caller does not expect, or without one that it does",
        "the caller goes on as if nothing had happened to it",
        Told(SlotReturned);
}

forms! {
    56 NAMED_NOTHING "a function returns in {who}, and what it promises of a lock is of none: when it was called, its path led over NULL, or over what is gone or may not be read{place}";
}
