//! The stages: what there is, and what is done with it. A deed ends what it begins (it unlocks what it locked, and puts
//! what it got), so that deeds may come in any order; what is left wrong by a choice is a violation, in both grains.

/// What programs of a kind have in common. In the texts `<a|b>` is either, `$T` the thread's number, `$U` a usage.
pub(super) struct Stage {
    /// Declarations.
    pub(super) declares: &'static str,
    /// Declarations for each thread.
    pub(super) each: &'static str,
    /// What setup does.
    pub(super) setup: &'static str,
    /// What threads do, in one role or the other.
    pub(super) roles: &'static [&'static [&'static str]],
    /// What may be there besides.
    pub(super) beside: &'static [&'static str],
    /// What may be asked for in every state.
    pub(super) facts: &'static [&'static str],
}

const KILLER: &str = "thread killer { raise signal to=w<0|1> }";

/// All of them; a program's number says which it has.
pub(super) const STAGES: &[Stage] = &[WALKS, CALLBACKS, REFERENCES, CONTAINERS, WAITS, LOCKS, MEMORY, ADDS];

/// Who walks a reservation without its lock, and who changes its list meanwhile.
const WALKS: Stage = Stage {
    declares: "ww-class k kind=$K; resv r class=k; resv q class=k; fence f context=1 seqno=1; fence g context=1 seqno=2; \
               fence h context=2 seqno=1; fence-array both spare=2; var x; ",
    each: "var got$T len=4 init=NULL; ",
    setup: "lock r; reserve r slots=2; add-fence r f usage=$U; <|add-fence r h usage=$U; >unlock r",
    roles: &[
        &[
            "lock r; reserve r; add-fence r <g|h|h> usage=$U; unlock r; check-and-signal f",
            "lock r; reserve r<| slots=3> <may-fail into=c|>; add-fence r <g|h> usage=$U; unlock r",
            "check-and-signal <f|f|g|h> into=c; store x 1",
            "lock r; <|reserve r; >replace-fences r <g|h> context=<1|2> usage=$U; unlock r",
            "lock r; copy-fences r q; unlock r",
            "lock q; copy-fences q r; unlock q",
            "load x into=b",
        ],
        &[
            "test-signaled r usage=$U into=a; <|load x into=b>",
            "test-signaled r usage=$U into=a",
            "wait r usage=$U timeout=0 into=a; <|store x 2>",
            "wait r usage=$U <|timeout|interruptible> into=a; load x into=b",
            "get-fences r got$T usage=$U <may-run-out|> into=a; let c=0; while \"a > c\" { load got$T at=c into=ref; \
             put ref kind=fence; let c=\"c + 1\" }",
            "get-singleton r usage=$U <may-run-out|> into=ref; when \"ref != -ENOMEM\" { put ref kind=fence }",
            "iter-each r usage=$U unlocked into=ref { load x into=b }",
            "lock r; iter-each r usage=$U into=ref { is-signaled ref kind=fence into=b }; unlock r",
        ],
    ],
    beside: &[KILLER, "device gpu { check-and-signal <f|h> }"],
    facts: &["f.signaled", "!h.signaled", "w1.a == 1", "w1.a == 0", "x == 1", "r.owner == NULL", "f.refs == 1"],
};

/// What is queued on a fence that is signalled, and who believes the bit.
const CALLBACKS: Stage = Stage {
    declares: "fence f; fence g; callback cb; callback heard run=note; var x; var y; proc note fence data { store y 1 }; \
               struct job slots=2 { cb type=callback }; sync-file s; ",
    each: "callback own$T; ",
    setup: "add-callback f cb; <add-callback f heard|enable-signaling f|>; <sync-file-create s f; fd-install s|>",
    roles: &[
        &[
            "store x 1; check-and-signal f into=a; load y into=b",
            "check-and-signal f into=a; <load y into=b|remove-callback f cb into=b|>",
            "fence-lock f; is-signaled-locked f into=a; when \"a == 0\" { signal-locked f }; fence-unlock f",
            "check-and-signal g into=a; store x 2",
        ],
        &[
            "<is-signaled|test-signaled-flag> f into=a; when \"a == 1\" { <load y into=b|add-callback g cb into=b|\
             remove-callback f heard into=b> }",
            "is-signaled f into=a; when \"a == 1\" { add-callback g cb into=b }",
            "remove-callback f <cb|heard> into=a; when \"a == 1\" { add-callback g cb into=b }",
            "add-callback <f|g> own$T into=a; <|is-signaled f into=b; >remove-callback <f|g> own$T into=c",
            "wait f <|timeout|interruptible|timeout=0> into=a; <load y into=b|load x into=b>",
            "get-status f into=a; load y into=b",
            "new job into=j; add-callback f j.cb into=a; is-signaled f into=b; when \"b == 1\" { free j } else { \
             remove-callback f j.cb into=c; free j }",
            "poll s <|timeout|interruptible|timeout=0> into=a; load <x|y> into=b",
        ],
    ],
    beside: &[KILLER, "irq done on=<w0|any> { check-and-signal f }", "thread late { wait f into=r }"],
    facts: &[
        "f.signaled",
        "cb.ran == 1",
        "cb.queued",
        "y == 1",
        "x == 1",
        "w1.a == 1",
        "w1.b == 0",
        "f.callbacks == 1",
    ],
};

/// Who looks at a fence in a slot whose owner drops it.
const REFERENCES: Stage = Stage {
    declares: "fence f <|typesafe-by-rcu>; fence g; var slot init=f; var x; var gone; <|hook f release=end; >\
               proc end fence { store gone 1; fence-free fence }; ",
    each: "",
    setup: "<|add x 1; >check-and-signal <f|g>",
    roles: &[
        &[
            "xchg slot <NULL|NULL|g> into=ref; put ref kind=fence; <|load x into=b>",
            "xchg slot NULL into=ref; store x 1; put ref kind=fence; load gone into=b",
            "check-and-signal <f|g> into=c",
            "xchg slot NULL into=ref; <|synchronize-rcu; >put ref kind=fence; load x into=b",
            "get <g|g|f> into=ref; store x 3; put ref; load gone into=b",
        ],
        &[
            "rcu-read-lock; load slot into=ref; when \"ref\" { get-rcu ref kind=fence into=a; when \"a == 0\" { let ref=NULL \
             } }; rcu-read-unlock; <is-signaled f into=b; |>put ref kind=fence; <store x 2|load x into=c>",
            "rcu-read-lock; get-rcu-safe slot into=ref; rcu-read-unlock; put ref kind=fence; load x into=b",
            "rcu-read-lock; load slot into=ref; when \"ref\" { is-signaled ref kind=fence into=a; load x into=b }; \
             rcu-read-unlock",
            "load gone into=a; load x into=b; load slot into=ref",
        ],
    ],
    beside: &["thread late { load gone into=r; load x into=s }"],
    facts: &["f.refs == 0", "f.refs == 2", "gone == 1", "slot == NULL", "x == 1", "w1.a == 0", "g.refs == 1"],
};

/// Fences made of others, files and places for them.
const CONTAINERS: Stage = Stage {
    declares: "fence f; fence g; fence-array all <|any> { f; g }; fence-chain point contains=f seqno=1; \
               fence-chain next contains=g prev=point seqno=2; fence-array merged spare=2; fence stub spare; \
               syncobj obj; callback cb; var x; ",
    each: "callback own$T; ",
    setup: "<|enable-signaling all; >syncobj-replace-fence obj <f|all>; <|add-callback f cb|add-callback all cb>",
    roles: &[
        &[
            "check-and-signal <f|g> into=a; <load x into=b|is-signaled all into=b>",
            "check-and-signal f into=a; check-and-signal g into=b",
            "is-signaled all into=a; store x 1; check-and-signal g into=b",
            "syncobj-replace-fence obj <g|f>; store x 2",
        ],
        &[
            "is-signaled <f|g> into=a; is-signaled <all|next|point> into=b",
            "wait <all|next> <|timeout|interruptible|timeout=0> into=a; <load x into=b|is-signaled f into=b>",
            "add-callback <all|next> own$T into=a; is-signaled f into=b; remove-callback <all|next> own$T into=c",
            "fence-merge f g into=ref; is-signaled f into=a; put ref kind=fence",
            "syncobj-wait obj <|timeout|timeout=0|interruptible> into=a; load x into=b",
            "syncobj-find-fence obj into=ref; is-signaled ref kind=fence into=a; put ref kind=fence",
        ],
    ],
    beside: &[KILLER, "device gpu { check-and-signal f }"],
    facts: &["f.signaled", "all.signaled", "!all.signaled", "cb.ran == 1", "x == 1", "w1.a == 1", "w1.b == 0"],
};

/// Sleeps that are ended in several ways, and drivers that are asked.
const WAITS: Stage = Stage {
    declares: "fence f; fence g; var x; var y; callback cb; <|hook f enable-signaling=arm; ><|hook f signaled=is-done; >\
               <||hook f wait=by-hand; >proc arm fence { store y 1; return <1|1|0> }; \
               proc is-done fence { load x into=n; return n }; proc by-hand fence intr { load x into=n; return <1|n> }; ",
    each: "callback own$T; ",
    setup: "<|enable-signaling f|add-callback f cb>",
    roles: &[
        &[
            "store x 1; check-and-signal f into=a; load y into=b",
            "check-and-signal <f|g> into=a; store x <1|2>",
            "store x 1; is-signaled f into=a; load y into=b",
            "raise signal to=w1; load x into=b",
        ],
        &[
            "wait f <timeout|timeout|interruptible|> into=a; load <x|y> into=b",
            "wait f <timeout|interruptible> into=a; wait g timeout into=b",
            "wait f timeout=0 into=a; load x into=b",
            "enable-signaling f; load x into=a; load y into=b",
            "add-callback f own$T into=a; load y into=b; remove-callback f own$T into=c",
            "get-status f into=a; load x into=b",
            "is-signaled f into=a; load x into=b",
        ],
    ],
    beside: &[
        KILLER,
        "irq done on=<w0|w1|any> { check-and-signal f into=a; load x into=b }",
        "timer late { check-and-signal f into=a }\nthread arms { mod-timer late }",
        "thread other { wait f timeout into=r; load x into=s }",
    ],
    facts: &[
        "f.signaled",
        "y == 1",
        "x == 1",
        "w1.a == 0",
        "w1.a == 1",
        "cb.ran == 1",
        "w0.b == 0",
        "f.callbacks == 2",
    ],
};

/// Locks that are waited for, tried, and given way in.
const LOCKS: Stage = Stage {
    declares: "ww-class k kind=$K no-lockdep; resv r class=k; resv s class=k; <lock m kind=mutex|lock m kind=mutex \
               no-handoff|lock m kind=mutex optimistic-spin>; completion done; var x; var y guarded-by=m; var z; ",
    each: "acquire-ctx t$T class=k; ",
    setup: "<complete done; >store z 0",
    roles: &[
        &[
            "lock m; load x into=b; store x \"b + 1\"; unlock m",
            "lock m; load y into=b; store y \"b + 1\"; unlock m; load x into=d",
            "lock r; store z 1; unlock r",
            "lock s; store z 1; unlock s",
            "store x 1; complete done; load z into=b",
            "acquire-init t$T; lock-all <r s|s r> ctx=t$T into=c; unlock-all r s; acquire-fini t$T",
        ],
        &[
            "trylock m into=c; when \"c == 1\" { store x 4; unlock m }",
            "lock m <|interruptible> into=a; when \"a == 0\" { load x into=b; unlock m }",
            "trylock r into=c; when \"c == 1\" { load z into=d; unlock r }",
            "lock m; load y into=b; unlock m; store z 2",
            "wait-for-completion done <|timeout|interruptible> into=a; load x into=b",
            "try-wait-for-completion done into=a; load x into=b",
            "lock r; load z into=d; unlock r",
        ],
    ],
    beside: &[KILLER, "thread lets { complete<|-all> done }"],
    facts: &["m.owner == NULL", "r.owner != NULL", "x == 1", "z == 1", "w1.c == 1", "w1.a == 0", "m.waiters == 1"],
};

/// Locks and fences inside of what may be freed.
const MEMORY: Stage = Stage {
    declares: "struct bo slots=1 { refs 1; _resv type=resv; fence type=fence; lock type=lock kind=mutex }; fence f; \
               var shared init=NULL; var x; hook bo release=end; \
               proc end b { <resv-fini b._resv; |>store x 5; free b }; ",
    each: "",
    setup: "new bo into=b; store shared b",
    roles: &[
        &[
            "load shared into=p; when \"p\" { lock p.lock; load x into=b; unlock p.lock }",
            "load shared into=p; when \"p\" { lock p._resv; reserve p._resv; add-fence p._resv f usage=$U; unlock p._resv }",
            "xchg shared NULL into=p; when \"p\" { <lock p.lock; unlock p.lock; |lock p._resv; unlock p._resv; |>put p }",
            "xchg shared NULL into=p; when \"p\" { lock p.lock; put p; unlock p.lock }",
            "check-and-signal f into=a; load x into=b",
        ],
        &[
            "load shared into=p; when \"p\" { lock p.lock; store x 1; unlock p.lock }",
            "load shared into=p; when \"p\" { get-unless-zero p into=c; when \"c == 1\" { lock p.lock; load x into=b; \
             unlock p.lock; put p } }",
            "load shared into=p; when \"p\" { test-signaled p._resv usage=$U into=a }",
            "load shared into=p; when \"p\" { check-and-signal p.fence into=a; load x into=b }",
            "load shared into=p; when \"p\" { trylock p.lock into=c; when \"c == 1\" { unlock p.lock } }",
        ],
    ],
    beside: &["device gpu { check-and-signal f }"],
    facts: &["x == 5", "x == 1", "f.signaled", "w1.a == 1", "w1.c == 0", "f.refs == 2"],
};

/// Jobs of several rings on two reservations, by whatever takes them.
const ADDS: Stage = Stage {
    declares: "ww-class k kind=$K; resv r class=k; resv q class=k; fence f context=1 seqno=1; fence g context=1 seqno=2; \
               fence h context=2 seqno=1; var x; exec set per-thread; ",
    each: "acquire-ctx t$T class=k; callback own$T; ",
    setup: "<lock r; reserve r; add-fence r f usage=$U; unlock r|>",
    roles: &[
        &[
            "lock r; reserve r <may-fail into=c|>; when \"c == 0\" { add-fence r <f|g|h> usage=$U }; unlock r",
            "lock r; reserve r slots=2; add-fence r <f|g> usage=$U; add-fence r h usage=$U; unlock r",
            "lock r; wait r usage=$U <|timeout|interruptible|timeout=0> into=a; store x 1; unlock r",
            "acquire-init t$T; lock-all <r q|q r> ctx=t$T <interruptible|> into=a; when \"a == 0\" { store x 2; \
             unlock-all r q }; acquire-fini t$T",
            "exec-init set; exec-until-all-locked set { exec-prepare set <r|q> into=a; exec-retry-on-contention set; \
             exec-prepare set <q|r> into=b; exec-retry-on-contention set }; exec-fini set",
        ],
        &[
            "wait <r|r|q> usage=$U <|timeout|interruptible|timeout=0> into=a; load x into=b",
            "test-signaled r usage=$U into=a; load x into=b",
            "check-and-signal <f|g|h> into=c; store x 3",
            "lock r; load x into=b; unlock r",
            "lock q; load x into=b; unlock q",
            "get <f|g> into=ref; load x into=b; put ref",
            "add-callback <f|h> own$T into=c; remove-callback <f|h> own$T into=d",
        ],
    ],
    beside: &[KILLER, "device gpu { check-and-signal <f|h> }"],
    facts: &["f.signaled", "x == 1", "x == 3", "r.owner == NULL", "q.owner != NULL", "w1.a == 1", "h.refs == 2"],
};

/// What is guarded by a lock from elsewhere, and looked at with the step before; and who frees it or makes it anew. A
/// deed that stands three times is drawn as often: only the two together tell what a row forgets.
pub(super) static ANEW: Stage = Stage {
    declares: "lock m<| kind=mutex| kind=mutex>; lock s; struct part slots=1 { n 0 guarded-by=m }; \
               struct job slots=1 { key 0 const; rb type=tree-node; link type=list-node }; \
               struct dev slots=1 { lock type=lock; mutex type=lock kind=mutex; resv type=resv; done type=completion; \
               objects type=xarray; part type=part; jobs type=list of=job.link guarded-by=m; \
               ready type=ordered of=job.rb key=key guarded-by=m; count 0 guarded-by=m; kind 1 const }; \
               var shared init=NULL; var x; var limit init=1 const; ",
    each: "",
    setup: "new dev into=p; store shared p",
    roles: &[
        &[
            "load shared into=p; when \"p\" { lock m; <load p.count into=a|load p.part.n into=a|list-empty p.jobs into=a|\
             list-first p.jobs into=ref|rb-first p.ready into=ref|rb-empty p.ready into=a>; unlock m; load x into=b }",
            "lock m; load shared into=p; when \"p\" { <load p.count into=a|load p.kind into=a>; <|store p.count 1> }; unlock m",
            "lock m; load shared into=p; when \"p\" { <load p.count into=a|load p.kind into=a>; <|store p.count 1> }; unlock m",
            "lock m; load shared into=p; when \"p\" { <load p.count into=a|load p.kind into=a>; <|store p.count 1> }; unlock m",
            "load shared into=p; when \"p\" { <lock p.lock; store x 1; unlock p.lock|lock p.lock; store x 1; \
             unlock p.lock|lock p.mutex; store x 1; unlock p.mutex|lock p.resv; store x 1; unlock p.resv>; \
             let a=\"a + 1\" }",
            "load shared into=p; when \"p\" { xa-lock p.objects; store x 1; xa-unlock p.objects }",
            "store x <1|2>; load limit into=b; let a=b; <|load limit into=c; let d=c>",
            "lock s; store x 1; unlock s; let a=1",
            "load shared into=p; when \"p\" { store x 1; wait-for-completion p.done }",
            "load shared into=p; when \"p\" { load p.kind into=a; lock m; let b=1; unlock m; load p.kind into=b }",
        ],
        &[
            "load x into=b; when \"b\" { load shared into=p; when \"p\" { <init p.lock|init p.mutex|init p.done|\
             init p.objects|init s|init m|init p.jobs|clear-struct p|resv-fini p.resv|free p> } }",
            "load x into=b; when \"b\" { load shared into=p; when \"p\" { <complete-all p.done; init p.done|free p|\
             init p.lock|init p.mutex|init p.resv> } }",
            "xchg shared NULL into=p; when \"p\" { <|lock m; unlock m; >free p }",
            "xchg shared NULL into=p; when \"p\" { <|lock m; unlock m; >free p }",
            "xchg shared NULL into=p; when \"p\" { <|lock m; unlock m; >free p }",
            "load shared into=p; when \"p\" { complete<|-all> p.done; load x into=c }",
            "trylock m into=c; when \"c == 0\" { load shared into=p; when \"p\" { <free p|init p.jobs|clear-struct p> } } \
             else { unlock m }",
            "load x into=b; load x into=c",
        ],
    ],
    beside: &["thread late { load x into=r; let seen=\"r + 1\" }"],
    facts: &[
        "x == 1 && w0.a == 0",
        "x == 1 && w1.a == 0",
        "x == 1 && w0.b == 0",
        "x == 2 && w0.a == 0",
        "w0.a == 1",
        "shared == NULL",
    ],
};
