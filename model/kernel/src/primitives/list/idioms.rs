//! What people write of lists.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(83, "lock $l:lock\nlist-add $a:list $o:struct\n...\nlist-del $a $o\nunlock $l").atomic().wild(),
    idiom(84, "lock $l:lock\nlist-each-safe $a:list into=entry {\nlist-del $a entry\n}\nunlock $l").atomic().wild(),
    idiom(85, "lock $l:lock\nlist-each $a:list into=entry {\nprogress\n}\nunlock $l").atomic().wild(),
    idiom(121, "lock $l:lock\nlist-del-init $n:list-node\nlist-add-tail $a:list $n\nunlock $l").atomic().wild(),
];
