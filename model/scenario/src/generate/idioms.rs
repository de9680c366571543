//! What people write: pairs of operations that belong together, with a hole between them.
//!
//! In a text, `$a:KIND` names an object of that kind, `$a` the same one again, `$x:var` a word, `$r:local` a local, and `...`
//! on a line of its own is the hole.

use arbitrary::Result;

use super::scene::Scene;
use super::scripts::Script;
use fenceweave_kernel::Kind;

/// A few lines that belong together.
#[derive(Debug)]
pub(super) struct Idiom {
    text: &'static str,
    /// Where it stands in the order of locks, if it takes one: what is inside comes later. Its first object is the lock.
    pub(super) rank: u8,
    /// Nothing may sleep in its hole.
    pub(super) atomic: bool,
    /// It may sleep.
    pub(super) sleeps: bool,
    /// Right only with nothing held.
    pub(super) alone: bool,
    /// It breaks no rule, where the order is kept.
    pub(super) disciplined: bool,
}

/// The rank of reservations and other ww mutexes.
pub(super) const RESERVATION: u8 = 4;

/// The lines of one use.
pub(super) struct Filled {
    pub(super) lines: Vec<String>,
    /// The first object that it names.
    pub(super) subject: Option<String>,
}

pub(super) const fn idiom(text: &'static str) -> Idiom {
    Idiom { text, rank: 0, atomic: false, sleeps: false, alone: false, disciplined: true }
}

impl Idiom {
    const fn rank(self, rank: u8) -> Idiom {
        Idiom { rank, ..self }
    }

    const fn atomic(self) -> Idiom {
        Idiom { atomic: true, ..self }
    }

    const fn sleeps(self) -> Idiom {
        Idiom { sleeps: true, ..self }
    }

    const fn alone(self) -> Idiom {
        Idiom { alone: true, ..self }
    }

    const fn wild(self) -> Idiom {
        Idiom { disciplined: false, ..self }
    }

    pub(super) fn has_hole(&self) -> bool {
        self.text.contains("...")
    }

    /// The kinds of object that it names.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        let named = |word: &'static str| {
            let (_, kind) = word.split_once(':').filter(|_| word.contains('$'))?;
            Kind::named(kind.trim_end_matches(['"', ')']))
        };
        self.text.split_whitespace().filter_map(named)
    }

    /// Names in the place of `$`; `None` if what it takes would be out of order here.
    pub(super) fn fill(&self, scene: &mut Scene<'_, '_>, script: &mut Script) -> Result<Option<Filled>> {
        let (mut known, mut subject): (Vec<(String, String)>, _) = (vec![], None);
        let mut lines = vec![];
        for line in self.text.lines() {
            let mut words = vec![];
            for word in line.split_whitespace() {
                let mut word = word.to_owned();
                while let Some(at) = word.find('$') {
                    let rest = &word[at + 1..];
                    let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-')));
                    let hole = &rest[..len.unwrap_or(rest.len())];
                    let (name, kind) = hole.split_once(':').unwrap_or((hole, ""));
                    let value = match known.iter().find(|(known, _)| known == name) {
                        Some((_, value)) => value.clone(),
                        None => {
                            let taken: Vec<String> = known.iter().map(|(_, value)| value.clone()).collect();
                            let value = name_one(scene, script, kind, &taken)?;
                            known.push((name.to_owned(), value.clone()));
                            if Kind::named(kind).is_some() {
                                subject.get_or_insert_with(|| value.clone());
                            }
                            value
                        }
                    };
                    word = word.replacen(&format!("${hole}"), &value, 1);
                }
                words.push(word);
            }
            lines.push(words.join(" "));
        }
        let taken = subject.clone().unwrap_or_default();
        let in_order = !scene.disciplined || self.rank == 0 || script.comes_after(self.rank, &taken);
        Ok(in_order.then_some(Filled { lines, subject }))
    }
}

fn name_one(scene: &mut Scene<'_, '_>, script: &mut Script, kind: &str, taken: &[String]) -> Result<String> {
    Ok(match kind {
        "var" => scene.var()?,
        "local" => {
            let local = format!("r{}", scene.below(2)?);
            script.set(&local);
            local
        }
        "word" => scene.below(3)?.to_string(),
        "usage" => ["kernel", "write", "read", "bookkeep"][scene.below(4)?].to_owned(),
        "thread" => {
            let at = scene.below(scene.threads.len())?;
            scene.threads[at].clone()
        }
        "slab" => {
            scene.object(Kind::Struct, &[])?;
            scene.structs.first().cloned().unwrap_or_default()
        }
        kind => match Kind::named(kind) {
            Some(kind) => {
                let name = scene.object(kind, taken)?;
                if kind == Kind::Struct {
                    script.find(&name);
                }
                name
            }
            None => String::new(),
        },
    })
}

/// Ranks: mmap_lock, mutexes, semaphores, reservations, then what is atomic inside.
pub(super) const IDIOMS: &[Idiom] = &[
    // Words.
    idiom("load $x:var into=$r:local"),
    idiom("store $x:var $v:word"),
    idiom("add $x:var 1 into=$r:local"),
    idiom("or $x:var $v:word into=$r:local"),
    idiom("and $x:var $v:word into=$r:local"),
    idiom("xor $x:var $v:word into=$r:local"),
    idiom("xchg $x:var $v:word into=$r:local"),
    idiom("cmpxchg $x:var 0 $v:word into=$r:local"),
    idiom("load $x:var into=$r:local\nwhen \"$r == 0\" {\n...\n}"),
    idiom("load $x:var into=$r:local\nwhen \"$r > 0\" {\n...\n}\nelse {\nstore $x 1\n}"),
    idiom("repeat 2 {\n...\n}"),
    idiom("choose 0 1 into=$r:local\nwhen $r is=1 {\n...\n}"),
    idiom("let $r:local=0\nwhile \"$r < 2\" {\n...\nlet $r=\"$r + 1\"\n}").wild(),
    idiom("loop {\nload $x:var into=$r:local\nwhen \"$r != 0\" {\nbreak\n}\n...\nprogress\nbreak\n}"),
    idiom("load $x:var into=$r:local\nwhen $r is=2 {\nreturn \"$r\"\n}").wild(),
    idiom("load $x:var into=$r:local\nassert \"$r < 2\"").wild(),
    idiom("load $x:var into=$r:local\nspin-until $x \"value != 0\"").wild(),
    // Locks.
    idiom("lock $l:lock\n...\nunlock $l").rank(6).atomic(),
    idiom("lock $l:lock irqsave\n...\nunlock $l irqrestore").rank(6).atomic(),
    idiom("fence-lock $f:fence\n...\nfence-unlock $f").atomic().wild(),
    idiom("fence-lock $f:fence\nis-signaled-locked $f into=$r:local\nwhen $r is=0 {\nsignal-locked $f\n}\nfence-unlock $f").wild(),
    idiom("trylock $l:lock into=$r:local\nwhen \"$r == 1\" {\n...\nunlock $l\n}").rank(6).atomic(),
    idiom("lock $k:lock\nlock-nested $l:lock nest=$k\n...\nunlock $l\nunlock $k").wild().atomic(),
    idiom("local-irq-save\n...\nlocal-irq-restore").atomic(),
    // These enable interrupts whatever was before: wrong in a handler, and inside of others.
    idiom("lock $l:lock irq\n...\nunlock $l irq").rank(6).atomic().wild(),
    idiom("local-irq-disable\n...\nlocal-irq-enable").atomic().wild(),
    idiom("lock $m:mutex\n...\nunlock $m").rank(2).sleeps(),
    idiom("trylock $m:mutex into=$r:local\nwhen $r is=1 {\n...\nunlock $m\n}").rank(2).sleeps(),
    idiom("down-read $s:rwsem\n...\nup-read $s").rank(3).sleeps(),
    idiom("down-write $s:rwsem\n...\nup-write $s").rank(3).sleeps(),
    idiom("down-write $s:rwsem\n...\ndowngrade-write $s\nup-read $s").rank(3).sleeps(),
    idiom("down-read-trylock $s:rwsem into=$r:local\nwhen $r is=1 {\n...\nup-read $s\n}").rank(3).sleeps(),
    idiom("mmap-lock read\n...\nmmap-unlock read").rank(1).sleeps().alone(),
    idiom("mmap-lock write\n...\nmmap-unlock write").rank(1).sleeps().alone(),
    // Reservations and ww mutexes.
    idiom("lock $b:resv\n...\nunlock $b").rank(RESERVATION).sleeps(),
    idiom("lock $b:resv\nreserve $b\nadd-fence $b $f:fence usage=$u:usage\n...\nunlock $b").rank(RESERVATION).sleeps(),
    idiom("lock $b:resv\nreplace-fences $b $f:fence context=1 usage=$u:usage\nunlock $b").rank(RESERVATION).sleeps(),
    // From a reservation without fences it takes the list away, and who walks that without the lock goes round for ever.
    idiom("lock $b:resv\ncopy-fences $b $c:resv\nunlock $b").rank(RESERVATION).sleeps().wild(),
    idiom("lock $b:resv\niter-each $b usage=$u:usage into=seen {\nget-status seen into=$r:local\n}\nunlock $b").rank(RESERVATION).sleeps(),
    idiom("iter-each $b:resv usage=$u:usage unlocked into=seen {\nget-status seen into=$r:local\n}"),
    idiom("wait $b:resv usage=$u:usage timeout into=$r:local").sleeps(),
    idiom("unwrap-each $f:fence into=leaf {\nis-signaled leaf kind=fence into=$r:local\n}"),
    // Syncobjs.
    idiom("syncobj-wait $s:syncobj wait-for-submit timeout into=$r:local").sleeps(),
    idiom("syncobj-replace-fence $s:syncobj $f:fence\n...\nsyncobj-reset $s"),
    idiom("syncobj-query $s:syncobj into=$r:local"),
    idiom("test-signaled $b:resv usage=$u:usage into=$r:local"),
    idiom("trylock $b:resv into=$r:local\nwhen $r is=1 {\n...\nunlock $b\n}").rank(RESERVATION).sleeps(),
    idiom("lock $b:ww-mutex\n...\nunlock $b").rank(RESERVATION).sleeps(),
    idiom(
        "acquire-init $c:acquire-ctx\nlock-all $a:resv $b:resv ctx=$c into=$r:local\nacquire-done $c\n...\nunlock-all $a \
         $b\nacquire-fini $c",
    )
    .rank(5)
    .sleeps()
    .alone(),
    idiom(
        "acquire-init $c:acquire-ctx\nlock-all $b:ww-mutex $a:ww-mutex ctx=$c into=$r:local\n...\nunlock-all $b $a\n\
         acquire-fini $c",
    )
    .rank(5)
    .sleeps()
    .alone(),
    idiom(
        "acquire-init $c:acquire-ctx\nlock $a:resv ctx=$c into=$r:local\nwhen $r is=0 {\nlock $b:resv ctx=$c into=$s:local\n\
         when $s is=-EDEADLK {\nunlock $a\nlock-slow $b ctx=$c\nlock $a ctx=$c into=$s\n}\n...\nunlock $b\nunlock $a\n}\n\
         acquire-fini $c",
    )
    .wild(),
    idiom(
        "exec-init $e:exec\nexec-until-all-locked $e {\nexec-lock $e $a:resv into=$r:local\nexec-retry-on-contention $e\n\
         exec-prepare $e $b:resv into=$r\nexec-retry-on-contention $e\n}\n...\nexec-fini $e",
    )
    .wild(),
    idiom(
        "exec-init $e:exec\nexec-until-all-locked $e {\nexec-prepare-array $e $a:resv $b:resv into=$r:local\n\
         exec-retry-on-contention $e\n}\n...\nexec-fini $e",
    )
    .wild(),
    // Fences.
    idiom("signal $f:fence").wild(),
    idiom("check-and-signal $f:fence into=$r:local"),
    idiom("is-signaled $f:fence into=$r:local"),
    idiom("get-status $f:fence into=$r:local"),
    idiom("enable-signaling $f:fence").wild(),
    idiom("set-error $f:fence -5\nsignal $f").wild(),
    idiom("wait $f:fence timeout into=$r:local").sleeps(),
    idiom("wait $f:fence into=$r:local").sleeps().wild(),
    idiom("get $f:fence into=mine\n...\nput $f"),
    idiom("unwrap-each $f:fence into=seen {\nget-status seen into=$r:local\n}"),
    idiom("add-callback $f:fence $c:callback into=$r:local\n...\nremove-callback $f $c").wild(),
    idiom("begin-signalling\n...\ncheck-and-signal $f:fence\nend-signalling").wild(),
    // Sleeping and waking.
    idiom("prepare $q:wait-queue\nload $x:var into=$r:local\nwhen $r is=0 {\nsleep $q\n}\nfinish $q").sleeps().wild(),
    idiom("prepare $q:wait-queue\nsleep $q timeout into=$r:local\nfinish $q").sleeps(),
    idiom("store $x:var 1\nwake-all $q:wait-queue into=$r:local"),
    idiom("wait-event $q:wait-queue \"$x:var != 0\" timeout into=$r:local").sleeps(),
    idiom("wake-one $q:wait-queue into=$r:local"),
    idiom("complete $d:completion"),
    idiom("wait-for-completion $d:completion timeout into=$r:local").sleeps(),
    idiom("wait-for-completion $d:completion into=$r:local").sleeps().wild(),
    idiom("try-wait-for-completion $d:completion into=$r:local"),
    idiom("barrier-wait $b:barrier").sleeps().wild(),
    idiom("wake-q-add $w:wake-q queue=$q:wait-queue into=$r:local\n...\nwake-q-flush $w").wild(),
    idiom("raise signal to=$t:thread").wild(),
    // Read-side sections, references, lists.
    idiom("rcu-read-lock\n...\nrcu-read-unlock").atomic(),
    idiom("synchronize-rcu").sleeps(),
    idiom("get $c:refcount\n...\nput $c into=$r:local"),
    idiom("rcu-read-lock\nget-unless-zero $o:struct into=$r:local\nrcu-read-unlock\nwhen $r is=1 {\n...\nput $o\n}").wild(),
    idiom("get $o:struct into=mine\nload $o.state into=$r:local\n...\nput $o").wild(),
    idiom("new $s:slab into=fresh\nstore fresh.state 1\n...\nput fresh kind=struct\nput fresh kind=struct").sleeps().wild(),
    idiom("lock $l:lock\nlist-add $a:list $o:struct\n...\nlist-del $a $o\nunlock $l").atomic().wild(),
    idiom("lock $l:lock\nlist-each-safe $a:list into=entry {\nlist-del $a entry\n}\nunlock $l").atomic().wild(),
    idiom("lock $l:lock\nlist-each $a:list into=entry {\nprogress\n}\nunlock $l").atomic().wild(),
    // What runs later.
    idiom("queue-work $w:work into=$r:local"),
    idiom("queue-work $w:work\n...\nflush-work $w into=$r:local").sleeps().wild(),
    idiom("queue-work $w:work\ncancel-work-sync $w into=$r:local").sleeps().alone(),
    idiom("queue-delayed-work $w:delayed-work into=$r:local"),
    idiom("mod-delayed-work $w:delayed-work into=$r:local"),
    idiom("queue-delayed-work $w:delayed-work\n...\nflush-delayed-work $w into=$r:local").sleeps().wild(),
    idiom("queue-delayed-work $w:delayed-work\ncancel-delayed-work-sync $w into=$r:local").sleeps().alone(),
    idiom("disable-work-sync $w:work into=$r:local\n...\nenable-work $w").sleeps().alone(),
    idiom("disable-work-sync $w:delayed-work into=$r:local\nenable-work $w").sleeps().alone(),
    idiom("mod-timer $t:timer into=$r:local"),
    idiom("mod-timer $t:timer\n...\ndel-timer-sync $t into=$r:local").wild(),
    idiom("alloc into=$r:local").sleeps(),
    idiom("copy-from-user into=$r:local").sleeps().alone(),
];
