//! What people write of the back-off loop.

use crate::ground::idiom::{CONTEXT, Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(
        48,
        "acquire-init $c:acquire-ctx\nlock-all $a:resv $b:resv ctx=$c into=$r:local\nacquire-done $c\n...\nunlock-all $a \
         $b\nacquire-fini $c",
    )
    .rank(CONTEXT)
    .sleeps()
    .alone(),
    idiom(
        49,
        "acquire-init $c:acquire-ctx\nlock-all $b:ww-mutex $a:ww-mutex ctx=$c into=$r:local\n...\nunlock-all $b $a\n\
         acquire-fini $c",
    )
    .rank(CONTEXT)
    .sleeps()
    .alone(),
];
