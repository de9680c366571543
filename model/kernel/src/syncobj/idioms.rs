//! What people write of syncobjs.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(42, "syncobj-wait $s:syncobj wait-for-submit timeout into=$r:local").sleeps(),
    idiom(43, "syncobj-replace-fence $s:syncobj $f:fence\n...\nsyncobj-reset $s"),
    idiom(44, "syncobj-query $s:syncobj into=$r:local"),
];
