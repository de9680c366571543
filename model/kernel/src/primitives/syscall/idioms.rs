//! What people write of system calls.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(104, "syscall {\ntask-work-add $t:task-work\n...\n}").alone(),
    idiom(105, "syscall {\nnew $s:slab into=file\n...\nfput file kind=struct\n}").sleeps().alone().wild(),
    idiom(106, "syscall {\nget $o:struct into=mine\n...\nfput $o\n}").alone().wild(),
];
