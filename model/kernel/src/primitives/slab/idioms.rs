//! What people write of a slab's objects.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(
        80,
        "rcu-read-lock\nget-unless-zero $o:struct into=$r:local\nrcu-read-unlock\nwhen $r is=1 {\n...\nput $o\n}",
    )
    .wild(),
    idiom(81, "get $o:struct into=mine\nload $o.state into=$r:local\n...\nput $o").wild(),
    idiom(82, "new $s:slab into=fresh\nstore fresh.state 1\n...\nput fresh kind=struct\nput fresh kind=struct")
        .sleeps()
        .wild(),
    idiom(139, "new $s:slab into=made\nset made {\nstate 1\n}\nload made.state into=$r:local\nput made kind=struct")
        .sleeps(),
    idiom(140, "new $s:slab into=made\ninit-object made {\nstate 2\n}\nfree made").sleeps().wild(),
];
