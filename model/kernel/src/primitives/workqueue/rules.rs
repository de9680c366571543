//! What must hold of work items.

use crate::property::properties;

properties! {
    36 WORK_NOT_DISABLED = "work-not-disabled",
        "a work item is enabled more often than it was disabled: somebody else's disabling ends too early",
        "WARN_ONCE in enable_work(): work disable count underflowed",
        InGeneral;
}
