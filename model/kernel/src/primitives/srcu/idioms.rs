//! What people write of sleepable RCU.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(116, "srcu-read-lock $s:srcu into=$i:own\n...\nsrcu-read-unlock $s $i"),
    idiom(117, "synchronize-srcu $s:srcu").sleeps().alone(),
];
