//! What people write of mutexes, and ww mutexes with a context.

use crate::ground::idiom::{Idiom, MUTEX, RESERVATION, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(26, "lock $m:mutex\n...\nunlock $m").rank(MUTEX).sleeps(),
    idiom(27, "trylock $m:mutex into=$r:local\nwhen $r is=1 {\n...\nunlock $m\n}").rank(MUTEX).sleeps(),
    idiom(47, "lock $b:ww-mutex\n...\nunlock $b").rank(RESERVATION).sleeps(),
    idiom(
        50,
        "acquire-init $c:acquire-ctx\nlock $a:resv ctx=$c into=$r:local\nwhen $r is=0 {\nlock $b:resv ctx=$c into=$s:local\n\
         when $s is=-EDEADLK {\nunlock $a\nlock-slow $b ctx=$c\nlock $a ctx=$c into=$s\n}\n...\nunlock $b\nunlock $a\n}\n\
         acquire-fini $c",
    )
    .wild(),
];
