//! What must hold of irq works.

use crate::property::forms;

forms! {
    78 FREED_IRQ_WORK "{who} frees {what}, and {also}, an irq work inside of it, is pending{place}";
    89 INIT_IRQ_WORK "{who} initialises {what}, an irq work that is pending{place}";
}
