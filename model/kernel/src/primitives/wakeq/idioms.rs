//! What people write of deferred wake-ups.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] =
    &[idiom(75, "wake-q-add $w:wake-q queue=$q:wait-queue into=$r:local\n...\nwake-q-flush $w").wild()];
