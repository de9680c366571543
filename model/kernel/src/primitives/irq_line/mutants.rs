//! Mistakes of irq line that can be built in.

use crate::ground::mutation::mutants;

mutants! { "irq line"
    DisableNoSync "irq-disable-no-sync" in "disable_irq()" "does not wait for the handler";
    WakesNoThread "irq-wakes-no-thread" in "__irq_wake_thread()" "the thread of a handler is not woken";
    LineIgnored "irq-line-ignored" in "handle_irq_event()" "the handler runs although its line is disabled";
}
