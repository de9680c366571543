//! What must hold of reader-writer semaphores.

use crate::property::forms;

forms! {
    7 RWSEM_NOT_HELD_SO "{who} releases {what}, which it does not hold that way{place}";
}
