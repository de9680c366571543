//! What people write of frames.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(131, "frames-alloc $m:memory zero into=fresh\nwhen fresh {\npage-write fresh 7\n...\npage-read fresh into=$r:local\nframes-free fresh\n}").wild(),
    idiom(132, "frame-fill $p:frame fence=$f:fence contents=9\n...\nwait $f\npage-read $p into=$r:local").sleeps().wild(),
    idiom(133, "kmap-local $p:frame\n...\npage-clear $p\nkunmap-local $p").wild(),
];
