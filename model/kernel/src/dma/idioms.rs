//! What people write of how devices go to memory.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(141, "dma-map $d:dma-device $f:frame dir=0 into=bus\ndevice-write bus 5\ndevice-read bus into=$r:local\ndma-unmap bus dir=0"),
    idiom(142, "dma-map $d:dma-device $f:frame dir=1 into=bus\ndevice-job bus under=$g:fence\n...\ndma-invalidate bus\nsignal $g:fence\ndma-unmap bus dir=1").wild(),
];
