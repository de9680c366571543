//! What must hold of shrinkers.

use crate::property::forms;

forms! {
    5 SHRINKER_REGISTERED_TWICE "{who} registers {what}, which is registered already{place}";
}
