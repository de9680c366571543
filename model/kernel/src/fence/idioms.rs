//! What people write of fences.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(19, "fence-lock $f:fence\n...\nfence-unlock $f").atomic().wild(),
    idiom(20, "fence-lock $f:fence\nis-signaled-locked $f into=$r:local\nwhen $r is=0 {\nsignal-locked $f\n}\nfence-unlock $f").wild(),
    idiom(41, "unwrap-each $f:fence into=leaf {\nis-signaled leaf kind=fence into=$r:local\n}"),
    idiom(53, "signal $f:fence").wild(),
    idiom(54, "check-and-signal $f:fence into=$r:local"),
    idiom(55, "is-signaled $f:fence into=$r:local"),
    idiom(56, "get-status $f:fence into=$r:local"),
    idiom(57, "enable-signaling $f:fence").wild(),
    idiom(58, "set-error $f:fence -5\nsignal $f").wild(),
    idiom(59, "wait $f:fence timeout into=$r:local").sleeps(),
    idiom(60, "wait $f:fence into=$r:local").sleeps().wild(),
    idiom(61, "get $f:fence into=mine\n...\nput $f"),
    idiom(62, "unwrap-each $f:fence into=seen {\nget-status seen into=$r:local\n}"),
    idiom(63, "add-callback $f:fence $c:callback into=$r:local\n...\nremove-callback $f $c").wild(),
    idiom(64, "begin-signalling\n...\ncheck-and-signal $f:fence\nend-signalling").wild(),
];
