//! Every declaration of a scenario, in one table.

use fenceweave_kernel::{resv, sync_file, syncobj, ww};

use crate::ops::{Opt, Takes, flag, option};
use crate::variants;
use fenceweave_kernel::Kind;

/// A word that declares names.
#[derive(Debug)]
pub(crate) struct DeclSpec {
    pub(crate) name: &'static str,
    /// What it declares; `None` for variables.
    pub(crate) kind: Option<Kind>,
    pub(crate) options: &'static [Opt],
    pub(crate) meaning: &'static str,
    pub(crate) kernel: &'static str,
}

const CLASS: Opt =
    option("class", Takes::Object(&[Kind::WwClass]), "its class; may be left out when only one is declared");
/// What can guard something.
pub(crate) const LOCKS: &[Kind] = &[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::Fence];
/// Of objects of the kernel: their own words are read without a lock as well.
const WEAK: Opt = flag(
    "weak",
    "its own words may be seen stale on weak memory where the kernel reads them without a lock, and the scenario is about that",
);
const SLABS: Takes = Takes::OneOf(&["plain", "rcu-free", "typesafe-by-rcu"]);

const NO_HANDOFF: Opt = flag(
    "no-handoff",
    "no mutex is handed over: who comes first takes it, so that a waiter may come too late for ever",
);
const OPTIMISTIC_SPIN: Opt =
    flag("optimistic-spin", "who finds a mutex taken may spin before it sleeps, as with CONFIG_MUTEX_SPIN_ON_OWNER");

const WW_VARIANTS: [&str; ww::Variant::ALL.len()] = variants::words(&ww::Variant::ALL);
const RESV_VARIANTS: [&str; resv::Variant::ALL.len()] = variants::words(&resv::Variant::ALL);
const SYNC_FILE_VARIANTS: [&str; sync_file::Variant::ALL.len()] = variants::words(&sync_file::Variant::ALL);
const SYNCOBJ_VARIANTS: [&str; syncobj::Variant::ALL.len()] = variants::words(&syncobj::Variant::ALL);

/// The declarations, in the order of the reference page.
pub(crate) const DECLS: &[DeclSpec] = &[
    DeclSpec {
        name: "var",
        kind: None,
        options: &[
            option("init", Takes::Value, "its value at the start, 0 without it"),
            option("len", Takes::Number { min: 1, max: 44 }, "makes it an array"),
            flag("plain", "the modelled code accesses it without READ_ONCE(): races on it are violations"),
            flag(
                "weak",
                "it may be seen stale on weak memory, and the scenario is about that; its final value is no part of the outcome",
            ),
        ],
        meaning: "a word, or an array of words",
        kernel: "",
    },
    DeclSpec {
        name: "struct",
        kind: Some(Kind::Struct),
        options: &[
            Opt {
                required: true,
                ..option("slots", Takes::Number { min: 1, max: 16 }, "how many objects there can be at once")
            },
            option(
                "slab",
                SLABS,
                "what freeing means, plain without it; a typesafe one initialises nothing, and `new` stores the members in their order, one by one",
            ),
            flag("weak", "its fields may be seen stale on weak memory, and the scenario is about that"),
        ],
        meaning: "objects with fields: `struct group slots=2 { refs 1; state 0 }`; `refs` is the built-in count",
        kernel: "struct kmem_cache",
    },
    DeclSpec {
        name: "lock",
        kind: Some(Kind::Lock),
        options: &[
            option("kind", Takes::OneOf(&["spin", "mutex", "rwsem"]), "what kind of lock, spin without it"),
            NO_HANDOFF,
            OPTIMISTIC_SPIN,
            WEAK,
        ],
        meaning: "a spinlock, a mutex or a reader-writer semaphore",
        kernel: "spinlock_t, struct mutex, struct rw_semaphore",
    },
    DeclSpec {
        name: "list",
        kind: Some(Kind::List),
        options: &[option(
            "guarded-by",
            Takes::Object(LOCKS),
            "the lock that whoever changes or walks it has to have (a semaphore for writing, if it is changed); whoever has \
             it not is told, even if nobody is near. `list-empty` and `on-list` may look without it, as may \
             `list-first` and `list-next` in an RCU read-side section",
        )],
        meaning: "a list of objects or fences, at most 8 of them; two changes of it at once, or a change and a walk, are a \
                  data race",
        kernel: "struct list_head",
    },
    DeclSpec {
        name: "wait-queue",
        kind: Some(Kind::WaitQueue),
        options: &[],
        meaning: "a queue of sleepers",
        kernel: "wait_queue_head_t",
    },
    DeclSpec {
        name: "wake-q",
        kind: Some(Kind::WakeQ),
        options: &[],
        meaning: "a list of wake-ups to be made later, each thread's own",
        kernel: "DEFINE_WAKE_Q()",
    },
    DeclSpec {
        name: "completion",
        kind: Some(Kind::Completion),
        options: &[WEAK],
        meaning: "an event that can be waited for",
        kernel: "struct completion",
    },
    DeclSpec {
        name: "barrier",
        kind: Some(Kind::Barrier),
        options: &[Opt {
            required: true,
            ..option("parties", Takes::Number { min: 1, max: 14 }, "how many threads meet")
        }],
        meaning: "a rendezvous",
        kernel: "",
    },
    DeclSpec {
        name: "refcount",
        kind: Some(Kind::Refcount),
        options: &[
            option("init", Takes::Number { min: 0, max: 15 }, "the references that exist at the start, 1 without it"),
            WEAK,
        ],
        meaning: "a bare reference count",
        kernel: "refcount_t",
    },
    DeclSpec {
        name: "ww-class",
        kind: Some(Kind::WwClass),
        options: &[
            option("kind", Takes::OneOf(&["wait-die", "wound-wait"]), "its algorithm, wait-die without it"),
            option("variant", Takes::OneOf(&WW_VARIANTS), "how its mutexes behave, upstream without it"),
            option(
                "inject-deadlock",
                Takes::Number { min: 1, max: 50 },
                "each context's N-th lock beyond its first is released again and returns -EDEADLK, though nobody contends; \
                 after that ever more rarely",
            ),
            NO_HANDOFF,
            OPTIMISTIC_SPIN,
            flag(
                "debug-lock-alloc",
                "as with CONFIG_DEBUG_LOCK_ALLOC: no lock is taken on the fast path, which leaves a context wounded that holds nothing any more",
            ),
            flag(
                "no-lockdep",
                "as without CONFIG_PROVE_LOCKING: to wait for a second one without the context is no mistake as long as \
                 nobody is in the way; for reservations: `ww-class reservation_ww_class no-lockdep`",
            ),
        ],
        meaning: "a class of ww mutexes",
        kernel: "struct ww_class",
    },
    DeclSpec {
        name: "ww-mutex",
        kind: Some(Kind::WwMutex),
        options: &[CLASS, WEAK],
        meaning: "a wait-wound mutex",
        kernel: "struct ww_mutex",
    },
    DeclSpec {
        name: "acquire-ctx",
        kind: Some(Kind::Ctx),
        options: &[CLASS, flag("per-thread", "each thread that names it has one of its own, as if on its stack")],
        meaning: "an acquire context",
        kernel: "struct ww_acquire_ctx",
    },
    DeclSpec {
        name: "fence",
        kind: Some(Kind::Fence),
        options: &[
            option("context", Takes::Number { min: 0, max: 200 }, "its context, one of its own without it"),
            option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number within the context, 1 without it"),
            option(
                "lock",
                Takes::Object(&[Kind::Lock]),
                "the driver's spinlock that it is given, and may share with others; without it each has a lock of its own",
            ),
            flag("uninitialised", "a thread must `fence-init` it first"),
            flag(
                "seqno64",
                "its numbers are of 64 bits; without it they wrap around, as 16 bits do (in the kernel 32)",
            ),
            flag("ops-stay", "as up to 2025: its operations stay when it is signalled, as long as its module does"),
            flag(
                "typesafe-by-rcu",
                "its memory may be a new fence's as soon as it is freed, by another `fence-init`, though readers still look at it",
            ),
            flag("spare", "memory for a stub, a fence that `fence-merge` makes where nothing is left to wait for"),
            WEAK,
        ],
        meaning: "a fence, initialised and not signalled; its first reference is setup's, until the pointer is stored: \
                  then it is that variable's, and whose who takes it out; who drops it for setup does so by its name",
        kernel: "struct dma_fence",
    },
    DeclSpec {
        name: "fence-array",
        kind: Some(Kind::Fence),
        options: &[
            option("context", Takes::Number { min: 0, max: 200 }, "its context, one of its own without it"),
            option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number within the context, 1 without it"),
            flag("any", "it signals with the first of its members, not with the last"),
            option(
                "spare",
                Takes::Number { min: 2, max: 4 },
                "memory only, for an array of up to so many that is made when the program runs; then it has no block",
            ),
            WEAK,
        ],
        meaning: "a fence that signals when all of the fences in its block have: `fence-array all { a; b }`; it has a \
                  reference to each",
        kernel: "struct dma_fence_array",
    },
    DeclSpec {
        name: "fence-chain",
        kind: Some(Kind::Fence),
        options: &[
            option("contains", Takes::Object(&[Kind::Fence]), "its own fence"),
            option("prev", Takes::Object(&[Kind::Fence]), "what comes before it: another node, or a fence"),
            option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number on the timeline"),
            flag("spare", "memory only, for a node that is made when the program runs; then it has no other option"),
            WEAK,
        ],
        meaning: "a timeline's point: a fence that signals when its own fence and all before it have; it has a reference \
                  to its own fence and to what comes before it, and their context if it is later",
        kernel: "struct dma_fence_chain",
    },
    DeclSpec {
        name: "sync-file",
        kind: Some(Kind::SyncFile),
        options: &[
            option(
                "variant",
                Takes::OneOf(&SYNC_FILE_VARIANTS),
                "where it is noted that it is polled, upstream without it",
            ),
            WEAK,
        ],
        meaning: "a file over a fence; a thread must `sync-file-create` it first",
        kernel: "struct sync_file",
    },
    DeclSpec {
        name: "syncobj",
        kind: Some(Kind::Syncobj),
        options: &[
            option("variant", Takes::OneOf(&SYNCOBJ_VARIANTS), "how those who wait for it behave, upstream without it"),
            WEAK,
        ],
        meaning: "a place for a fence, empty at first; whatever is put there is a word of its own, `NAME.fence`",
        kernel: "struct drm_syncobj",
    },
    DeclSpec {
        name: "callback",
        kind: Some(Kind::Callback),
        options: &[option("run", Takes::Proc(2), "the proc that it calls, with the fence and its data")],
        meaning: "a callback for a fence; it notes that it ran",
        kernel: "struct dma_fence_cb",
    },
    DeclSpec {
        name: "workqueue",
        kind: Some(Kind::Workqueue),
        options: &[flag("ordered", "its items run one at a time, in the order in which they were queued")],
        meaning: "a queue of work items",
        kernel: "struct workqueue_struct",
    },
    DeclSpec {
        name: "resv",
        kind: Some(Kind::Resv),
        options: &[
            option(
                "class",
                Takes::Object(&[Kind::WwClass]),
                "its lock's class, `reservation_ww_class` (wait-die) without it",
            ),
            option(
                "variant",
                Takes::OneOf(&RESV_VARIANTS),
                "which fences of its own context a new one may take the place of, upstream without it; `unordered-count` is upstream, \
                 with `num_fences` read as the kernel has it, which no `smp_rmb()` orders before the slots",
            ),
            WEAK,
            flag(
                "debug-mutexes",
                "as with CONFIG_DEBUG_MUTEXES: room that was reserved and not used is gone when the lock is released, so that the next reserve makes a new list",
            ),
        ],
        meaning: "a reservation: a ww mutex and a list of fences",
        kernel: "struct dma_resv",
    },
    DeclSpec {
        name: "exec",
        kind: Some(Kind::Exec),
        options: &[flag("per-thread", "each thread that names it has one of its own, as if on its stack")],
        meaning: "a set of reservations to lock, with its acquire context",
        kernel: "struct drm_exec",
    },
];

/// The declaration of that name.
pub(crate) fn named(name: &str) -> Option<&'static DeclSpec> {
    DECLS.iter().find(|decl| decl.name == name)
}

/// The declarations in Markdown.
pub(crate) fn reference() -> String {
    let mut page = String::from("# Declarations\n\nEach takes one name or more.\n\n");
    for decl in DECLS {
        page.push_str(&format!("## `{}`\n\nDeclares {}.", synopsis(decl), decl.meaning));
        if !decl.kernel.is_empty() {
            page.push_str(&format!(" Models `{}`.", decl.kernel));
        }
        page.push_str("\n\n");
        page.push_str(&crate::ops::described(decl.options));
    }
    page
}

fn synopsis(decl: &DeclSpec) -> String {
    format!("{} NAME…{}", decl.name, crate::ops::options_written(decl.options))
}
