//! What is fixed about a completion: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, WEAK, Waited},
};

/// `struct completion`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion;

impl Declared for Completion {
    const ROW: KindRow = KindRow {
        name: "completion",
        one: "a completion",
        init: "init_completion()",
        sample: Some(("done", "")),
        facets: &["done", "waiters"],
        waited: Waited::Deed("complete"),
        event: true,
        decls: &[DeclRow {
            name: "completion",
            kind: Some(Kind::Completion),
            options: &[WEAK],
            meaning: "an event that can be waited for",
            kernel: "struct completion",
            make: Some(|_| Completion.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Completion<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Completion<R> {
        super::Completion::new(born.id)
    }
}
