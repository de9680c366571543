//! What is fixed about a spinlock: nothing. The word that declares one declares every lock that sleeps in no context.

use super::SpinLock;
use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Lock, WEAK, Waited},
    ground::op::{Opt, Takes, flag, option},
};

/// Of mutexes: who comes first takes it.
pub(crate) const NO_HANDOFF: Opt = flag(
    "no-handoff",
    "no mutex is handed over: who comes first takes it, so that a waiter may come too late for ever",
);
/// Of mutexes: who finds it taken looks at it for a while.
pub(crate) const OPTIMISTIC_SPIN: Opt =
    flag("optimistic-spin", "who finds a mutex taken may spin before it sleeps, as with CONFIG_MUTEX_SPIN_ON_OWNER");

/// `spinlock_t`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spinlock;

impl Declared for Spinlock {
    const ROW: KindRow = KindRow {
        name: "lock",
        one: "a lock",
        init: "spin_lock_init()",
        sample: Some(("l", "")),
        facets: &["owner"],
        lock: Lock::Spin,
        waited: Waited::Holder,
        decls: &[DeclRow {
            name: "lock",
            kind: Some(Kind::Lock),
            options: &[
                option(
                    "kind",
                    Takes::OneOf(&["spin", "mutex", "rwsem", "map"]),
                    "what kind of lock, spin without it; `map` is an order without a lock (`struct lockdep_map`)",
                ),
                NO_HANDOFF,
                OPTIMISTIC_SPIN,
                WEAK,
            ],
            meaning: "a spinlock, a mutex, a reader-writer semaphore or a lockdep map",
            kernel: "spinlock_t, struct mutex, struct rw_semaphore",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = SpinLock<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> SpinLock<R> {
        SpinLock::new(born.id)
    }
}
