//! What people say of locks.

use crate::ground::idiom::{ATOMIC, Idiom, MUTEX, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(104, "lock $l:lock\nassert-held $l\n...\nunlock $l").rank(ATOMIC).atomic(),
    idiom(105, "lock $m:mutex\n...\nassert-held $m\nunlock $m\nassert-not-held $m").rank(MUTEX).sleeps(),
    idiom(106, "might-sleep").sleeps(),
];
