//! What people write of modules.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(125, "try-module-get $m:module into=$i:own\nwhen \"$i == 1\" {\n...\nmodule-put $m\n}").wild(),
    idiom(126, "delete-module $m:module into=$r:local").sleeps().alone().wild(),
];
