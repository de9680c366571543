//! What is fixed about sleepable RCU: who calls what is to be called after a grace period.

use crate::{
    Kind, Runtime, ThreadId,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
};
use std::fmt;

/// `struct srcu_struct`.
#[derive(Clone, PartialEq, Eq)]
pub struct Srcu {
    /// Who runs `call_srcu()`'s callbacks, if the program has any.
    pub work: Option<ThreadId>,
}

impl fmt::Debug for Srcu {
    /// Without callbacks it is printed as it was before there were any: tokens of replays are hashes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.work {
            None => f.write_str("Srcu"),
            Some(work) => f.debug_struct("Srcu").field("work", work).finish(),
        }
    }
}

impl Declared for Srcu {
    const ROW: KindRow = KindRow {
        name: "srcu",
        one: "an srcu",
        init: "init_srcu_struct()",
        sample: Some(("srcu", "")),
        facets: &["readers", "queued"],
        waited: Waited::Deed("leave"),
        event: true,
        runs_out: "to count another reader in, or for more than 7 functions to be called",
        decls: &[DeclRow {
            name: "srcu",
            kind: Some(Kind::Srcu),
            options: &[],
            meaning: "read-side sections in which one may sleep, and that are waited for by themselves",
            kernel: "struct srcu_struct",
            make: Some(|_| Srcu { work: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Srcu<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Srcu<R> {
        super::Srcu::new(born.id)
    }
}
