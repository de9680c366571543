//! What people write of sets of locks.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(
        51,
        "exec-init $e:exec\nexec-until-all-locked $e {\nexec-lock $e $a:resv into=$r:local\nexec-retry-on-contention $e\n\
         exec-prepare $e $b:resv into=$r\nexec-retry-on-contention $e\n}\n...\nexec-fini $e",
    )
    .wild(),
    idiom(
        52,
        "exec-init $e:exec\nexec-until-all-locked $e {\nexec-prepare-array $e $a:resv $b:resv into=$r:local\n\
         exec-retry-on-contention $e\n}\n...\nexec-fini $e",
    )
    .wild(),
];
