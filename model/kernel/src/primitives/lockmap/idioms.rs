//! What people write of lockdep maps.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(127, "lock-map-acquire $m:map\n...\nlock-map-release $m").wild(),
    idiom(128, "lock-map-acquire $m:map read\n...\nlock-map-release $m").wild(),
];
