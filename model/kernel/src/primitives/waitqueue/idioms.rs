//! What people write of wait queues.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(65, "prepare $q:wait-queue\nload $x:var into=$r:local\nwhen $r is=0 {\nsleep $q\n}\nfinish $q")
        .sleeps()
        .wild(),
    idiom(66, "prepare $q:wait-queue\nsleep $q timeout into=$r:local\nfinish $q").sleeps(),
    idiom(67, "store $x:var 1\nwake-all $q:wait-queue into=$r:local"),
    idiom(68, "wait-event $q:wait-queue \"$x:var != 0\" timeout into=$r:local").sleeps(),
    idiom(69, "wake-one $q:wait-queue into=$r:local"),
];
