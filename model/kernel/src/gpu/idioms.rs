//! What people write of a GPU's MMU.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(135, "as-lock $s:gpu-as 0 n=2\n...\nas-flush $s:gpu-as\nas-unlock $s:gpu-as"),
    idiom(136, "gpu-access $s:gpu-as 0 write into=$r:local").sleeps().wild(),
];
