//! Mistakes of irq that can be built in.

use crate::ground::mutation::mutants;

mutants! { "irq"
    DisableNothing "irq-disable-nothing" in "local_irq_disable()" "handlers begin all the same";
    EnableNothing "irq-enable-nothing" in "local_irq_enable()" "no handler begins any more";
    ExitKeepsCpu "irq-exit-keeps-cpu" in "irq_exit()" "the interrupted thread does not go on";
}
