//! What must hold of sleepable RCU.

use crate::property::forms;

forms! {
    25 SRCU_NOT_IN "{who} leaves a read-side section of {what} that it is not in{place}";
}
