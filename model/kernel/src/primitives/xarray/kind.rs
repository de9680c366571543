//! What is fixed about an xarray: its lock, and the words that are its entries.

use super::Xarray as Object;
use crate::{
    Kind, ObjId, Program, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Takes, flag, option},
};

/// Most entries of one xarray.
pub const MAX_ENTRIES: u8 = 24;

/// `struct xarray`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Xarray {
    /// `xa_lock`.
    pub lock: ObjId,
    /// The word of its first entry.
    pub entries: ObjId,
    /// How many there are.
    pub len: u8,
    /// The first index that `xa_alloc()` gives: 1 with `XA_FLAGS_ALLOC1`.
    pub first: u8,
}

impl Xarray {
    /// The word of an entry.
    pub(super) fn word(&self, index: u16) -> Option<ObjId> {
        let at = usize::from(index);
        let first = self.entries.as_var().filter(|_| index < u16::from(self.len))?;
        Some(ObjId::var(first + at))
    }
}

/// What is fixed about it.
pub(super) fn of(program: &Program, xarray: ObjId) -> Xarray {
    let none = Xarray { lock: xarray, entries: xarray, len: 0, first: 0 };
    program.fixed::<Xarray>(xarray).copied().unwrap_or(none)
}

impl Declared for Xarray {
    const ROW: KindRow = KindRow {
        name: "xarray",
        one: "an xarray",
        init: "xa_init()",
        declared: "",
        runs_out: "for an index like that",
        sample: Some(("xa", "len=2")),
        decls: &[DeclRow {
            name: "xarray",
            kind: Some(Kind::Xarray),
            options: &[
                option(
                    "len",
                    Takes::Number { min: 1, max: MAX_ENTRIES as i32 },
                    "how many indices there are room for, from 0 on; 4 without it. What is stored behind the last makes a \
                     search incomplete",
                ),
                flag("alloc1", "`xa-alloc` begins at 1: XA_FLAGS_ALLOC1"),
            ],
            meaning: "pointers by index, all NULL at first, with a spinlock of its own",
            kernel: "struct xarray",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = Object<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> Object<R> {
        Object::new()
    }
}
