//! What people write of how devices go to memory.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(141, "dma-map $d:dma-device $f:frame dir=0 into=a\ndevice-write a 5\ndevice-read a into=$r:local\ndma-unmap a dir=0"),
    idiom(142, "dma-map $d:dma-device $f:frame dir=1 into=a\ndevice-job a under=$g:fence\n...\ndma-invalidate a\nsignal $g:fence\ndma-unmap a dir=1").wild(),
];
