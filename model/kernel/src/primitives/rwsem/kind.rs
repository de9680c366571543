//! What is fixed about a semaphore: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Lock, Waited},
};

/// `struct rw_semaphore`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RwSem;

impl Declared for RwSem {
    const ROW: KindRow = KindRow {
        name: "rwsem",
        one: "an rwsem",
        init: "init_rwsem()",
        sample: Some(("sem", "")),
        declared: "lock kind=rwsem",
        facets: &["owner", "readers", "waiters"],
        lock: Lock::Sleeping,
        waited: Waited::Holders,
        runs_out: "for another reader or waiter",
        decls: &[DeclRow {
            name: "mm",
            kind: Some(Kind::RwSem),
            options: &[],
            meaning: "an address space, by its `mmap_lock`: `thread T mm=NAME` runs in it, and its `mmap-lock` and page faults are of \
                      that one; threads of two share none",
            kernel: "struct mm_struct",
            make: Some(|_| RwSem.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::RwSem<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::RwSem<R> {
        super::RwSem::new(born.id)
    }
}
