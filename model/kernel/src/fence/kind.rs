//! What is fixed about a fence, and about a callback.

use crate::{
    Kind, ObjId, Runtime,
    ground::ids::CalleeId,
    ground::kind::{Born, DeclRow, Declared, KindRow, Lock, Refs, WEAK, Waited},
    ground::op::{Takes, flag, option},
};

/// A `struct dma_fence_ops`, as far as a scenario may fill it in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FenceOps {
    /// `enable_signaling`, called once under the fence's lock; 0 signals the fence at once.
    pub enable_signaling: Option<CalleeId>,
    /// `wait`, called instead of `dma_fence_default_wait()`; its result is the wait's.
    pub wait: Option<CalleeId>,
    /// `signaled`, called without the lock; a nonzero result makes whoever asked signal the fence.
    pub signaled: Option<CalleeId>,
    /// `release`, called when the last reference is gone; it has to `fence-free` the fence.
    pub release: Option<CalleeId>,
    /// The driver's spinlock that it was given (`dma_fence_init(…, lock, …)`); without one it has its own.
    pub lock: Option<ObjId>,
    /// `use_64bit_seqno`: its numbers do not wrap around.
    pub seqno64: bool,
    /// Up to 2025: they stay when the fence is signalled, so that whoever asks may come when their module is gone.
    pub stay: bool,
    /// Its memory is of a `SLAB_TYPESAFE_BY_RCU` cache: freed at once, and another fence's while readers still look at
    /// it.
    pub typesafe: bool,
}

/// `struct dma_fence`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fence {
    /// Its context.
    pub context: u8,
    /// Its number within the context.
    pub seqno: u16,
    /// Whether it exists from the start (else a thread must `fence-init` it).
    pub initialised: bool,
    /// Its `struct dma_fence_ops`.
    pub ops: FenceOps,
}

impl Declared for Fence {
    const ROW: KindRow = KindRow {
        name: "fence",
        one: "a fence",
        init: "dma_fence_init()",
        facets: &["signaled", "detached", "error", "refs", "callbacks"],
        lock: Lock::Inside,
        refs: Refs::Fence,
        waited: Waited::Deed("signal"),
        decls: &[
            DeclRow {
                name: "fence",
                kind: Some(Kind::Fence),
                options: &[
                    option("context", Takes::Number { min: 0, max: 200 }, "its context, one of its own without it"),
                    option(
                        "seqno",
                        Takes::Number { min: 1, max: 60_000 },
                        "its number within the context, 1 without it",
                    ),
                    option(
                        "lock",
                        Takes::Object(&[Kind::Lock]),
                        "the driver's spinlock that it is given, and may share with others; without it each has a lock of its own",
                    ),
                    flag("uninitialised", "a thread must `fence-init` it first"),
                    flag(
                        "seqno64",
                        "its numbers are of 64 bits; without it they wrap around, as 16 bits do (in the kernel 32)",
                    ),
                    flag(
                        "ops-stay",
                        "as up to 2025: its operations stay when it is signalled, as long as its module does",
                    ),
                    flag(
                        "typesafe-by-rcu",
                        "its memory may be a new fence's as soon as it is freed, by another `fence-init`, though readers still look at it",
                    ),
                    flag(
                        "spare",
                        "memory for a stub, a fence that `fence-merge` makes where nothing is left to wait for",
                    ),
                    WEAK,
                ],
                meaning: "a fence, initialised and not signalled; its first reference is setup's, until the pointer is stored: \
              then it is that variable's, and whose who takes it out; who drops it for setup does so by its name",
                kernel: "struct dma_fence",
                make: None,
            },
            DeclRow {
                name: "fence-array",
                kind: Some(Kind::Fence),
                options: &[
                    option("context", Takes::Number { min: 0, max: 200 }, "its context, one of its own without it"),
                    option(
                        "seqno",
                        Takes::Number { min: 1, max: 60_000 },
                        "its number within the context, 1 without it",
                    ),
                    flag("any", "it signals with the first of its members, not with the last"),
                    option(
                        "spare",
                        Takes::Number { min: 2, max: 4 },
                        "memory only, for an array of up to so many that is made when the program runs; then it has no block",
                    ),
                    WEAK,
                ],
                meaning: "a fence that signals when all of the fences in its block have: `fence-array all { a; b }`; it has a \
              reference to each",
                kernel: "struct dma_fence_array",
                make: None,
            },
            DeclRow {
                name: "fence-chain",
                kind: Some(Kind::Fence),
                options: &[
                    option("contains", Takes::Object(&[Kind::Fence]), "its own fence"),
                    option("prev", Takes::Object(&[Kind::Fence]), "what comes before it: another node, or a fence"),
                    option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number on the timeline"),
                    flag(
                        "spare",
                        "memory only, for a node that is made when the program runs; then it has no other option",
                    ),
                    WEAK,
                ],
                meaning: "a timeline's point: a fence that signals when its own fence and all before it have; it has a reference \
              to its own fence and to what comes before it, and their context if it is later",
                kernel: "struct dma_fence_chain",
                make: None,
            },
        ],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Fence<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Fence<R> {
        super::Fence::declared(born.program, born.id, self.initialised)
    }

    fn refs(&self) -> u16 {
        u16::from(self.initialised)
    }
}

/// `struct dma_fence_cb`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Callback {
    /// The function, called with the fence and the callback's data; without one it only notes that it ran.
    pub func: Option<CalleeId>,
}

impl Declared for Callback {
    const ROW: KindRow = KindRow {
        name: "callback",
        one: "a callback",
        sample: Some(("cb", "")),
        facets: &["queued", "ran"],
        decls: &[DeclRow {
            name: "callback",
            kind: Some(Kind::Callback),
            options: &[option("run", Takes::Proc(2), "the proc that it calls, with the fence and its data")],
            meaning: "a callback for a fence; it notes that it ran",
            kernel: "struct dma_fence_cb",
            make: Some(|_| Callback { func: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Callback<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Callback<R> {
        super::Callback::new()
    }

    fn calls(&self) -> Option<CalleeId> {
        self.func
    }
}
