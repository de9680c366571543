//! What people write of words, and what a script does with what it read.

use crate::ground::idiom::{ATOMIC, Idiom, MUTEX, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(0, "load $x:var into=$r:local"),
    idiom(1, "store $x:var $v:word"),
    idiom(2, "add $x:var 1 into=$r:local"),
    idiom(3, "or $x:var $v:word into=$r:local"),
    idiom(4, "and $x:var $v:word into=$r:local"),
    idiom(5, "xor $x:var $v:word into=$r:local"),
    idiom(6, "xchg $x:var $v:word into=$r:local"),
    idiom(7, "cmpxchg $x:var 0 $v:word into=$r:local"),
    idiom(8, "load $x:var into=$r:local\nwhen \"$r == 0\" {\n...\n}"),
    idiom(9, "load $x:var into=$r:local\nwhen \"$r > 0\" {\n...\n}\nelse {\nstore $x 1\n}"),
    idiom(10, "repeat 2 {\n...\n}"),
    idiom(11, "choose 0 1 into=$r:local\nwhen $r is=1 {\n...\n}"),
    idiom(12, "let $r:local=0\nwhile \"$r < 2\" {\n...\nlet $r=\"$r + 1\"\n}").wild(),
    idiom(13, "loop {\nload $x:var into=$r:local\nwhen \"$r != 0\" {\nbreak\n}\n...\nprogress\nbreak\n}"),
    idiom(14, "load $x:var into=$r:local\nwhen $r is=2 {\nreturn \"$r\"\n}").wild(),
    idiom(15, "load $x:var into=$r:local\nassert \"$r < 2\"").wild(),
    idiom(16, "load $x:var into=$r:local\nspin-until $x \"value != 0\"").wild(),
    idiom(99, "local u8 byte\nload $x:var into=byte\nlet byte=\"byte - 1\"\nstore $x byte").wild(),
    idiom(
        100,
        "local u64 wide\nload $x:var into=wide\nlet wide=\"wide ? ~wide << 33 : max(wide, (u32)wide + 3) % 5\"\nstore $x wide",
    )
    .wild(),
    idiom(101, "local s32 int\nload $x:var into=int\nlet int=\"int > 1 ? 1 << int : (int + 1) * 0x7fff\"\nadd $x int").wild(),
    idiom(102, "let $r:local=0\ndo {\n...\nlet $r=\"$r + 1\"\n}\nwhile \"$r < 2\"").wild(),
    idiom(103, "defer {\nadd $x:var 1\n}\n..."),
    idiom(122, "lock $l:guard-lock\nload $w:guarded into=$r:local\n...\nstore $w $v:word\nunlock $l").rank(ATOMIC).atomic(),
    idiom(123, "lock $m:guard-mutex\nadd $w:guarded 1 into=$r:local\n...\nload $w into=$r\nunlock $m").rank(MUTEX).sleeps(),
    idiom(124, "load $w:guarded into=$r:local").wild(),
];
