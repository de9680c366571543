//! What people write of reader-writer semaphores, `mmap_lock` among them.

use crate::ground::idiom::{Idiom, MMAP_LOCK, SEMAPHORE, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(28, "down-read $s:rwsem\n...\nup-read $s").rank(SEMAPHORE).sleeps(),
    idiom(29, "down-write $s:rwsem\n...\nup-write $s").rank(SEMAPHORE).sleeps(),
    idiom(30, "down-write $s:rwsem\n...\ndowngrade-write $s\nup-read $s").rank(SEMAPHORE).sleeps(),
    idiom(31, "down-read-trylock $s:rwsem into=$r:local\nwhen $r is=1 {\n...\nup-read $s\n}").rank(SEMAPHORE).sleeps(),
    idiom(32, "mmap-lock read\n...\nmmap-unlock read").rank(MMAP_LOCK).sleeps().alone(),
    idiom(33, "mmap-lock write\n...\nmmap-unlock write").rank(MMAP_LOCK).sleeps().alone(),
];
