//! What people write of spinlocks.

use crate::ground::idiom::{ATOMIC, Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(17, "lock $l:lock\n...\nunlock $l").rank(ATOMIC).atomic(),
    idiom(18, "lock $l:lock irqsave\n...\nunlock $l irqrestore").rank(ATOMIC).atomic(),
    idiom(21, "trylock $l:lock into=$r:local\nwhen \"$r == 1\" {\n...\nunlock $l\n}").rank(ATOMIC).atomic(),
    idiom(22, "lock $k:lock\nlock-nested $l:lock nest=$k\n...\nunlock $l\nunlock $k").wild().atomic(),
    // It enables interrupts whatever was before: wrong in a handler, and inside of others.
    idiom(24, "lock $l:lock irq\n...\nunlock $l irq").rank(ATOMIC).atomic().wild(),
];
