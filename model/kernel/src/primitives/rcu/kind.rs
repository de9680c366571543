//! What is fixed about RCU: that there is one. And about what it finds objects by: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
};

/// RCU's callbacks; declared once if a program defers frees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rcu;

impl Declared for Rcu {
    const ROW: KindRow = KindRow { waited: Waited::Readers, ..KindRow::PLAIN };
    type Object<R: Runtime> = super::Rcu<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Rcu<R> {
        super::Rcu::new(born.id)
    }
}

/// `struct rcu_head`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RcuHead;

impl Declared for RcuHead {
    const ROW: KindRow = KindRow {
        name: "rcu-head",
        one: "an rcu-head",
        sample: Some(("head", "")),
        facets: &["queued"],
        decls: &[DeclRow {
            name: "rcu-head",
            kind: Some(Kind::RcuHead),
            options: &[],
            meaning: "what `call-rcu` has its function called with; inside of an object, `container-of` finds that",
            kernel: "struct rcu_head",
            make: Some(|_| RcuHead.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::RcuHead<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::RcuHead<R> {
        super::RcuHead::new()
    }
}
