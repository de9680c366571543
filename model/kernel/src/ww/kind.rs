//! What is fixed about mutexes, their classes and contexts.

use super::{Config, Variant};
use crate::primitives::spinlock::kind::{NO_HANDOFF, OPTIMISTIC_SPIN};
use crate::variants::{of_word, words};
use crate::{
    Kind, ObjId, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Lock, WEAK, Waited},
    ground::op::{Args, Opt, Takes, flag, option},
};

/// Of what belongs to a class.
const CLASS: Opt =
    option("class", Takes::Object(&[Kind::WwClass]), "its class; may be left out when only one is declared");

/// The words of the variants.
const WW_VARIANTS: [&str; Variant::ALL.len()] = words(&Variant::ALL);

/// What mutexes are built with, of what is said where they are declared.
pub fn config(args: &Args) -> Config {
    Config {
        handoff: !args.flag("no-handoff"),
        optimistic_spin: args.flag("optimistic-spin"),
        debug_lock_alloc: args.flag("debug-lock-alloc"),
        lockdep: !args.flag("no-lockdep"),
    }
}

/// `struct ww_class`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WwClass {
    /// Wound-wait; otherwise wait-die.
    pub wound_wait: bool,
    /// How its mutexes behave.
    pub variant: Variant,
    /// `CONFIG_DEBUG_WW_MUTEX_SLOWPATH`: the N-th lock of a context beyond the first is released again, with -EDEADLK;
    /// 0 is never.
    pub inject_deadlock: u8,
    /// What its mutexes were built with.
    pub config: Config,
}

impl Declared for WwClass {
    const ROW: KindRow = KindRow {
        name: "ww-class",
        one: "a ww-class",
        sample: Some(("other-class", "")),
        runs_out: "for another stamp",
        decls: &[DeclRow {
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
             nobody is in the way, and so is to access user memory, or to take mmap_lock, with one held; for reservations: `ww-class \
             reservation_ww_class no-lockdep`",
                ),
            ],
            meaning: "a class of ww mutexes",
            kernel: "struct ww_class",
            make: Some(|args| {
                WwClass {
                    wound_wait: args.word("kind") == Some("wound-wait"),
                    variant: of_word(&Variant::ALL, args.word("variant")),
                    inject_deadlock: args.byte("inject-deadlock", 0),
                    config: config(args),
                }
                .into()
            }),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::WwClass<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::WwClass<R> {
        super::WwClass::new()
    }
}

/// `struct ww_acquire_ctx`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcquireCtx {
    /// Its class.
    pub class: ObjId,
}

impl Declared for AcquireCtx {
    const ROW: KindRow = KindRow {
        name: "acquire-ctx",
        one: "an acquire-ctx",
        facets: &["stamp", "acquired", "wounded", "contending", "done"],
        decls: &[DeclRow {
            name: "acquire-ctx",
            kind: Some(Kind::Ctx),
            options: &[CLASS, flag("per-thread", "each thread that names it has one of its own, as if on its stack")],
            meaning: "an acquire context",
            kernel: "struct ww_acquire_ctx",
            make: Some(|_| AcquireCtx { class: ObjId::default() }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::AcquireCtx<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::AcquireCtx<R> {
        super::AcquireCtx::new(self.class)
    }

    fn class(&self) -> Option<ObjId> {
        Some(self.class)
    }
}

/// `struct ww_mutex`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WwMutex {
    /// Its class.
    pub class: ObjId,
    /// The reservation whose lock it is.
    pub resv: Option<ObjId>,
}

impl Declared for WwMutex {
    const ROW: KindRow = KindRow {
        name: "ww-mutex",
        one: "a ww-mutex",
        init: "ww_mutex_init()",
        facets: &["owner", "ctx", "waiters", "handoff", "pickup"],
        lock: Lock::Sleeping,
        waited: Waited::Holder,
        decls: &[DeclRow {
            name: "ww-mutex",
            kind: Some(Kind::WwMutex),
            options: &[CLASS, WEAK],
            meaning: "a wait-wound mutex",
            kernel: "struct ww_mutex",
            make: Some(|_| WwMutex { class: ObjId::default(), resv: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::WwMutex<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::WwMutex<R> {
        super::WwMutex::new(born.id)
    }

    fn class(&self) -> Option<ObjId> {
        Some(self.class)
    }
}

/// `struct mutex`: a ww mutex that is taken without a context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mutex {
    /// What it was built with.
    pub config: Config,
}

impl Declared for Mutex {
    const ROW: KindRow = KindRow {
        name: "mutex",
        one: "a mutex",
        init: "mutex_init()",
        sample: Some(("m", "")),
        declared: "lock kind=mutex",
        facets: &["owner", "waiters", "handoff", "pickup"],
        lock: Lock::Sleeping,
        waited: Waited::Holder,
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::WwMutex<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::WwMutex<R> {
        super::WwMutex::new(born.id)
    }
}
