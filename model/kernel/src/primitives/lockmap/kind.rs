//! What is fixed about a lockdep map: nothing. The word that declares one is `lock`.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, Declared, KindRow, Lock, Waited},
};

/// What has a place in an order of locks.
pub const ORDERED: &[Kind] =
    &[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::Fence, Kind::LockMap];

/// `struct lockdep_map`, of no lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockMap;

impl Declared for LockMap {
    const ROW: KindRow = KindRow {
        name: "map",
        one: "a lockdep map",
        declared: "lock kind=map",
        sample: Some(("map", "kind=map")),
        facets: &["held"],
        lock: Lock::Map,
        waited: Waited::Holder,
        runs_out: "to be acquired more than 15 times over by one thread",
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::LockMap<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::LockMap<R> {
        super::LockMap::new()
    }
}
