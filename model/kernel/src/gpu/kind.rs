//! What is fixed about a slot of a GPU's MMU: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
};

/// A slot of a GPU's MMU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuAs;

impl Declared for GpuAs {
    const ROW: KindRow = KindRow {
        name: "gpu-as",
        one: "a gpu-as",
        sample: Some(("slot", "")),
        facets: &["enabled", "locked", "kept", "waiters"],
        waited: Waited::Deed("as-unlock"),
        event: true,
        decls: &[DeclRow {
            name: "gpu-as",
            kind: Some(Kind::GpuAs),
            options: &[],
            meaning: "a slot of a GPU's MMU, which translates the first 8 pages of an address space by a `page-table`, and keeps what \
                      accesses have brought until that is flushed",
            kernel: "AS_TRANSTAB AS_LOCKADDR AS_COMMAND",
            make: Some(|_| GpuAs.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::GpuAs<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::GpuAs<R> {
        super::GpuAs::new(born.id)
    }
}
