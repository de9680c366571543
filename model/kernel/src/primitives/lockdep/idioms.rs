//! What people say of locks, and what they warn of.

use crate::ground::idiom::{ATOMIC, Idiom, MUTEX, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(109, "lock $l:lock\nassert-held $l\n...\nunlock $l").rank(ATOMIC).atomic(),
    idiom(110, "lock $m:mutex\n...\nassert-held $m\nunlock $m\nassert-not-held $m").rank(MUTEX).sleeps(),
    idiom(111, "might-sleep").sleeps(),
    idiom(112, "might-lock $m:mutex").rank(MUTEX).sleeps(),
    idiom(113, "load $x:var into=$r:local\nwarn-on \"$r == 1\" into=$s:local").wild(),
    idiom(114, "load $x:var into=$r:local\nbug-on \"$r == 2\" \"two\"").wild(),
];
