//! What people write of system calls.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    // Two threads may add the same one at once.
    idiom(104, "syscall {\ntask-work-add $t:task-work\n...\n}").alone().wild(),
    idiom(105, "syscall {\nnew $s:slab into=file\n...\nfput file kind=struct\n}").sleeps().alone().wild(),
    idiom(106, "syscall {\nget $o:struct into=mine\n...\nfput $o\n}").alone().wild(),
];
