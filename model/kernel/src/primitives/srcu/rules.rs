//! What must hold of sleepable RCU.

use crate::property::forms;

forms! {
    69 SRCU_HEAD_TWICE "{who} calls call_srcu() with {what}, which is queued already{place}";
    70 FREED_CALLBACKS "{who} frees {what}, and functions are still to be called after a grace period of {also}, which is inside of it{place}";
    25 SRCU_NOT_IN "{who} leaves a read-side section of {what} that it is not in{place}";
}
