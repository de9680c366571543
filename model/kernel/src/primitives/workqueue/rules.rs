//! What must hold of work items.

use crate::property::properties;

properties! {
    36 WORK_NOT_DISABLED = "work-not-disabled",
        "a work item is enabled more often than it was disabled: somebody else's disabling ends too early",
        "WARN_ONCE in enable_work(): work disable count underflowed",
        InGeneral;
    90 WORK_ON_TWO_QUEUES = "work-on-two-queues",
        "a work item is queued on one queue while it runs on another: nothing keeps it from running twice at once",
        "\"Non-reentrance\" in Documentation/core-api/workqueue.rst; __queue_work() looks for the same queue",
        Says("{who} queues {what} while it runs on another queue: it may run twice at once{place}");
}
