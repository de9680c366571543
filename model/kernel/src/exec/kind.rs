//! What is fixed about a set of locks: its context.

use crate::{
    Kind, ObjId, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::flag,
};

/// `struct drm_exec`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exec {
    /// Its acquire context.
    pub ctx: ObjId,
}

impl Declared for Exec {
    const ROW: KindRow = KindRow {
        name: "exec",
        one: "an exec",
        sample: Some(("exec", "per-thread")),
        facets: &["num_objects", "contended", "prelocked"],
        decls: &[DeclRow {
            name: "exec",
            kind: Some(Kind::Exec),
            options: &[flag("per-thread", "each thread that names it has one of its own, as if on its stack")],
            meaning: "a set of reservations to lock, with its acquire context",
            kernel: "struct drm_exec",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Exec<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Exec<R> {
        super::Exec::new()
    }
}
