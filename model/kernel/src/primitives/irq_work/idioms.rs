//! What people write of irq works.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(137, "irq-work-queue $w:irq-work into=$r:local"),
    idiom(138, "irq-work-queue $w:irq-work\n...\nirq-work-sync $w").sleeps().wild(),
];
