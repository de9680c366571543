//! What must hold of RCU.

use crate::{property::properties, rule::rules};

properties! {
    35 RCU_UNBALANCED = "rcu-unbalanced",
        "rcu_read_unlock() without rcu_read_lock(), or a read-side section still open at thread exit",
        "PROVE_RCU",
        InGeneral;
}

rules! {
    25 RCU_NOT_BEGUN of RCU_UNBALANCED = "rcu_read_unlock() without rcu_read_lock()",
        "they come in pairs, on every path",
        Says("{who} leaves an RCU read-side section that it is not in{place}");
    26 RCU_LEFT_OPEN of RCU_UNBALANCED = "the RCU read-side section is still open at the end",
        "they come in pairs, on every path",
        Says("{who} ends inside of an RCU read-side section");
    55 RCU_HEAD_TWICE of LIST_CORRUPTION = "an rcu_head is queued that is queued already",
        "its link to the next one is overwritten, and what came after it on the list is never called",
        Says("{who} calls call_rcu() with {what}, which is queued already{place}");
}
