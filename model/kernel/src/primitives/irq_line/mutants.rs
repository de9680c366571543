//! Mistakes of irq line that can be built in.

use crate::ground::mutation::mutants;

mutants! { "irq line"
    DisableNoSync "irq-disable-no-sync" in "disable_irq()" "does not wait for the handler";
    LineIgnored "irq-line-ignored" in "handle_irq_event()" "the handler runs although its line is disabled";
}
