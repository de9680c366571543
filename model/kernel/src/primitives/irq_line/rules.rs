//! What must hold of interrupts' lines.

use crate::property::{forms, properties};

properties! {
    37 IRQ_NOT_DISABLED = "irq-not-disabled",
        "an interrupt's line is enabled more often than it was disabled: somebody else's disabling ends too early",
        "WARN in __enable_irq(): Unbalanced enable for IRQ",
        Says("{who} enables {what}, which is not disabled{place}");
}

forms! {
    6 IRQ_WAITS_FOR_ITSELF "{who} waits for itself: it is a handler of the interrupt{place}";
}
