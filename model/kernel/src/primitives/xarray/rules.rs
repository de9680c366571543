//! What must hold of xarrays.

use crate::rule::rules;

rules! {
    46 XARRAY_UNLOCKED of DATA_RACE = "an xarray is changed by who says that he has its lock, and has it not",
        "`__xa_store()` and its like are for who holds `xa_lock`; so say their comments, and lockdep where it is on",
        Says("{who} changes {what} without its xa_lock{place}");
}
