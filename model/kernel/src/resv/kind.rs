//! What is fixed about a reservation: its parts, and which entry a new fence may take the place of.

use super::Variant;
use crate::variants::words;
use crate::{
    Kind, ObjId, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, WEAK},
    ground::op::{Takes, flag, option},
};

/// The words of the variants.
const RESV_VARIANTS: [&str; Variant::ALL.len()] = words(&Variant::ALL);

/// `struct dma_resv`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resv {
    /// Its lock.
    pub lock: ObjId,
    /// The slab of its fence lists.
    pub lists: (ObjId, u8),
    /// Which entry a new fence may take the place of.
    pub variant: Variant,
    /// `CONFIG_DEBUG_MUTEXES`: a list has no more room than fences when the lock is released.
    pub debug_mutexes: bool,
}

impl Declared for Resv {
    const ROW: KindRow = KindRow {
        name: "resv",
        one: "a resv",
        init: "dma_resv_init()",
        facets: &["list"],
        decls: &[DeclRow {
            name: "resv",
            kind: Some(Kind::Resv),
            options: &[
                option(
                    "class",
                    Takes::Object(&[Kind::WwClass]),
                    "its lock's class, `reservation_ww_class` (wait-die) without it",
                ),
                option(
                    "variant",
                    Takes::OneOf(&RESV_VARIANTS),
                    "which fences of its own context a new one may take the place of, upstream without it; `unordered-count` is upstream, \
             with `num_fences` read as the kernel has it, which no `smp_rmb()` orders before the slots",
                ),
                WEAK,
                flag(
                    "debug-mutexes",
                    "as with CONFIG_DEBUG_MUTEXES: room that was reserved and not used is gone when the lock is released, so that the next reserve makes a new list",
                ),
            ],
            meaning: "a reservation: a ww mutex and a list of fences",
            kernel: "struct dma_resv",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Resv<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Resv<R> {
        super::Resv::new()
    }

    fn lock(&self) -> Option<ObjId> {
        Some(self.lock)
    }
}

/// `struct dma_resv_list`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FenceList;

impl Declared for FenceList {
    const ROW: KindRow = KindRow { ..KindRow::PLAIN };
    type Object<R: Runtime> = super::FenceList<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::FenceList<R> {
        super::FenceList::new()
    }
}
