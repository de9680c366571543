//! What people write of interrupts on this CPU.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(23, "local-irq-save\n...\nlocal-irq-restore").atomic(),
    // It enables interrupts whatever was before: wrong in a handler, and inside of others.
    idiom(25, "local-irq-disable\n...\nlocal-irq-enable").atomic().wild(),
];
