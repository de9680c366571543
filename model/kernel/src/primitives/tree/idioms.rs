//! What people write of trees.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(118, "lock $l:lock\nrb-add $o:ordered $n:tree-node\nrb-each $o into=entry {\nprogress\n}\n...\nrb-erase $o $n clear\nunlock $l").atomic().wild(),
    idiom(119, "lock $l:lock\nrb-each-safe $o:ordered into=entry {\nrb-erase $o entry clear\n}\nunlock $l").atomic().wild(),
    idiom(120, "lock $l:lock\nrange-insert $r:ranges $n:tree-node into=$i:own\n...\nrange-each $r into=entry from=0 to=2 {\nprogress\n}\nrange-each-safe $r into=entry {\nrange-erase $r entry\n}\nunlock $l")
        .atomic()
        .wild(),
];
