//! What people write of timers.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(95, "mod-timer $t:timer into=$r:local"),
    idiom(96, "mod-timer $t:timer\n...\ndel-timer-sync $t into=$r:local").wild(),
];
