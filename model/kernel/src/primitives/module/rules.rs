//! What must hold of modules: nobody is in them, or looks into them, when they are gone.

use crate::{property::forms, rule::rules};

rules! {
    49 TABLE_GONE of USE_AFTER_FREE = "a slot of a table is read whose module is gone",
        "whoever calls through a table needs a reference to its module: try_module_get(), or what its exit waits for",
        Told(SlotOfGone);
}

forms! {
    37 CODE_GONE "{who} calls a function of {what}, and that module is gone{place}";
    38 CODE_FREED "{who} frees the code of {what}, and {other} is in the middle of a function of it{place}";
}
