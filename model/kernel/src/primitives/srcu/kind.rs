//! What is fixed about sleepable RCU: nothing but its name.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
};

/// `struct srcu_struct`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srcu;

impl Declared for Srcu {
    const ROW: KindRow = KindRow {
        name: "srcu",
        one: "an srcu",
        init: "init_srcu_struct()",
        sample: Some(("srcu", "")),
        facets: &["readers"],
        waited: Waited::Deed("leave"),
        event: true,
        runs_out: "to count another reader in",
        decls: &[DeclRow {
            name: "srcu",
            kind: Some(Kind::Srcu),
            options: &[],
            meaning: "read-side sections in which one may sleep, and that are waited for by themselves",
            kernel: "struct srcu_struct",
            make: Some(|_| Srcu.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Srcu<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Srcu<R> {
        super::Srcu::new(born.id)
    }
}
