//! What is fixed about a barrier: how many meet there.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
    ground::op::{Opt, Takes, option},
};

/// A rendezvous of `parties` threads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Barrier {
    /// How many threads meet.
    pub parties: u8,
}

impl Declared for Barrier {
    const ROW: KindRow = KindRow {
        name: "barrier",
        one: "a barrier",
        sample: Some(("meet", "parties=2")),
        facets: &["waiters"],
        waited: Waited::Deed("come to"),
        decls: &[DeclRow {
            name: "barrier",
            kind: Some(Kind::Barrier),
            options: &[Opt {
                required: true,
                ..option("parties", Takes::Number { min: 1, max: 14 }, "how many threads meet")
            }],
            meaning: "a rendezvous",
            kernel: "",
            make: Some(|args| Barrier { parties: args.byte("parties", 1) }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Barrier<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Barrier<R> {
        super::Barrier::new(born.id)
    }
}
