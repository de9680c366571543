//! What is fixed about a syncobj: its word, and how those behave who wait for it.

use super::Variant;
use crate::variants::words;
use crate::{
    Kind, ObjId, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, WEAK},
    ground::op::{Takes, option},
};

/// The words of the variants.
const SYNCOBJ_VARIANTS: [&str; Variant::ALL.len()] = words(&Variant::ALL);

/// `struct drm_syncobj`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Syncobj {
    /// The word of its pointer.
    pub fence: ObjId,
    /// How waiters behave.
    pub variant: Variant,
}

impl Declared for Syncobj {
    const ROW: KindRow = KindRow {
        name: "syncobj",
        one: "a syncobj",
        sample: Some(("sync", "")),
        facets: &["waiters"],
        decls: &[DeclRow {
            name: "syncobj",
            kind: Some(Kind::Syncobj),
            options: &[
                option(
                    "variant",
                    Takes::OneOf(&SYNCOBJ_VARIANTS),
                    "how those who wait for it behave, upstream without it",
                ),
                WEAK,
            ],
            meaning: "a place for a fence, empty at first; whatever is put there is a word of its own, `NAME.fence`",
            kernel: "struct drm_syncobj",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Syncobj<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Syncobj<R> {
        super::Syncobj::new(born.id)
    }

    fn word(&self) -> Option<ObjId> {
        Some(self.fence)
    }
}
