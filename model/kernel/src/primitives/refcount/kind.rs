//! What is fixed about a bare count: where it begins.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Refs, WEAK},
    ground::op::{Takes, option},
};

/// `refcount_t`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refcount {
    /// The references that exist at the start; they belong to the scenario, not to a thread.
    pub init: u8,
}

impl Declared for Refcount {
    const ROW: KindRow = KindRow {
        name: "refcount",
        one: "a refcount",
        init: "refcount_set()",
        zero_is_good: true,
        refs: Refs::Bare,
        sample: Some(("count", "init=2")),
        facets: &["refs"],
        runs_out: "for another reference",
        decls: &[DeclRow {
            name: "refcount",
            kind: Some(Kind::Refcount),
            options: &[
                option(
                    "init",
                    Takes::Number { min: 0, max: 15 },
                    "the references that exist at the start, 1 without it",
                ),
                WEAK,
            ],
            meaning: "a bare reference count",
            kernel: "refcount_t",
            make: Some(|args| Refcount { init: args.byte("init", 1) }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Refcount<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Refcount<R> {
        super::Refcount::new(self.init)
    }

    fn refs(&self) -> u16 {
        u16::from(self.init)
    }
}
