//! What people write of completions.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(70, "complete $d:completion"),
    idiom(71, "wait-for-completion $d:completion timeout into=$r:local").sleeps(),
    idiom(72, "wait-for-completion $d:completion into=$r:local").sleeps().wild(),
    idiom(73, "try-wait-for-completion $d:completion into=$r:local"),
];
