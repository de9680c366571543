//! What people write of reservations.

use crate::ground::idiom::{Idiom, RESERVATION, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(34, "lock $b:resv\n...\nunlock $b").rank(RESERVATION).sleeps(),
    idiom(35, "lock $b:resv\nreserve $b\nadd-fence $b $f:fence usage=$u:usage\n...\nunlock $b")
        .rank(RESERVATION)
        .sleeps(),
    idiom(36, "lock $b:resv\nreplace-fences $b $f:fence context=1 usage=$u:usage\nunlock $b")
        .rank(RESERVATION)
        .sleeps(),
    // From a reservation without fences it takes the list away, and who walks that without the lock goes round for
    // ever.
    idiom(37, "lock $b:resv\ncopy-fences $b $c:resv\nunlock $b").rank(RESERVATION).sleeps().wild(),
    idiom(38, "lock $b:resv\niter-each $b usage=$u:usage into=seen {\nget-status seen into=$r:local\n}\nunlock $b")
        .rank(RESERVATION)
        .sleeps(),
    idiom(39, "iter-each $b:resv usage=$u:usage unlocked into=seen {\nget-status seen into=$r:local\n}"),
    idiom(40, "wait $b:resv usage=$u:usage timeout into=$r:local").sleeps(),
    idiom(45, "test-signaled $b:resv usage=$u:usage into=$r:local"),
    idiom(46, "trylock $b:resv into=$r:local\nwhen $r is=1 {\n...\nunlock $b\n}").rank(RESERVATION).sleeps(),
];
