//! What is fixed about a list: what guards it.

use crate::{
    Kind, ObjId, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Takes, option},
};

/// What can guard something.
pub const LOCKS: &[Kind] = &[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::Fence];

/// `struct list_head`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    /// The lock that whoever changes or walks it has to have, if it is declared.
    pub guard: Option<ObjId>,
}

impl Declared for List {
    const ROW: KindRow = KindRow {
        name: "list",
        one: "a list",
        init: "INIT_LIST_HEAD()",
        facets: &["len"],
        decls: &[DeclRow {
            name: "list",
            kind: Some(Kind::List),
            options: &[option(
                "guarded-by",
                Takes::Object(LOCKS),
                "the lock that whoever changes or walks it has to have (a semaphore for writing, if it is changed); whoever has \
         it not is told, even if nobody is near. `list-empty` and `on-list` may look without it, as may \
         `list-first` and `list-next` in an RCU read-side section",
            )],
            meaning: "a list of objects or fences, at most 24 of them; two changes of it at once, or a change and a walk, are a \
              data race",
            kernel: "struct list_head",
            make: Some(|_| List { guard: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::ListHead<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::ListHead<R> {
        super::ListHead::new(born.id)
    }
}
