//! What must hold of a device's power.

use crate::{property::properties, rule::rules};

properties! {
    85 DEVICE_OFF = "device-off",
        "a device is off, and is accessed or given a job, or does one; or it has jobs when it is switched off",
        "runtime_pm.rst: pm_runtime_get_sync() before a device is touched, pm_runtime_put() when it is idle",
        InGeneral;
}

rules! {
    56 SUBMITTED_OFF of DEVICE_OFF = "a device that is off is given a job",
        "nobody does what is submitted to a device without power, and its fence never signals",
        Says("{who} submits to {what}, which is off{place}");
    57 ACCESSED_OFF of DEVICE_OFF = "a register of a device that is off is accessed",
        "a read returns all ones or hangs the bus, a write is lost",
        Says("{who} accesses {what}, which is off{place}");
    58 OFF_WITH_JOBS of DEVICE_OFF = "a device is switched off with jobs that it has not done",
        "they are lost, and so are their fences: wait for them first",
        Says("{who} switches {what} off, which has jobs still to do{place}");
    59 RUNS_OFF of DEVICE_OFF = "a device is switched off in the middle of a job",
        "the job is lost half-way, and so is its fence: wait for it first",
        Says("{what} is in the middle of a job, and off{place}");
}
