//! What people write of page tables.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(129, "insert-pfn $t:page-table 1 65\n...\nzap $t:page-table 0 n=2 into=$r:local"),
    idiom(130, "insert-pfn $t:page-table 0 66 readonly\n...\nuser-access $t:page-table 0 write into=$r:local").wild(),
];
