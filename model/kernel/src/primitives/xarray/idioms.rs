//! What people write of xarrays.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(107, "xa-alloc $x:xarray $o:struct into=$i:own\nwhen \"$i >= 0\" {\n...\nxa-erase $x $i into=was\n}")
        .sleeps(),
    idiom(108, "xa-lock $x:xarray\nxa-load $x:xarray 0 into=seen\n...\nxa-unlock $x").atomic().wild(),
];
