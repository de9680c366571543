//! What is fixed about a tree: of which nodes it is, which of their objects' words are the keys, what guards it.

use crate::{
    Errno, Kind, ObjId, Program, Runtime, fixed,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Opt, Takes, option},
    primitives::list::{ListHead, kind::LOCKS, node::Owner},
};

/// The words of an entry that are its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// The key; of a range its beginning.
    pub start: ObjId,
    /// What says where a range ends.
    pub end: Option<ObjId>,
}

/// What says where a range ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ends {
    /// Its length: `struct drm_mm_node`, `struct drm_gpuva`.
    #[default]
    Len,
    /// The first that is not in it: `struct vm_area_struct`.
    End,
    /// The last that is: `struct interval_tree_node`.
    Last,
}

impl Ends {
    /// The first number behind a range.
    pub(super) fn past(self, start: i128, end: i128) -> i128 {
        match self {
            Ends::Len => start + end,
            Ends::End => end,
            Ends::Last => end + 1,
        }
    }
}

/// What becomes of a range that overlaps one that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overlap {
    /// It breaks a property.
    #[default]
    Told,
    /// It is not inserted, and this is the result.
    Refused(Errno),
    /// It is inserted: an interval tree.
    Allowed,
}

/// What is fixed about a tree.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    /// The lock that whoever changes it or goes through it has to have, if it is declared.
    pub guard: Option<ObjId>,
    /// The nodes that can be in it, by their objects.
    pub of: Vec<Owner>,
    /// The keys of those.
    pub keys: Vec<Key>,
    /// What says where a range ends.
    pub ends: Ends,
    /// What becomes of ranges that overlap.
    pub overlap: Overlap,
    /// The lock that a threading checker has for all nodes.
    pub gate: ObjId,
}

impl Tree {
    /// The key of an object that can be in it.
    pub(super) fn key_of(&self, entry: ObjId) -> Option<&Key> {
        self.keys.get(self.of.binary_search_by_key(&entry, |owner| owner.entry).ok()?)
    }
}

/// What is fixed about a tree.
pub(crate) fn of(program: &Program, tree: ObjId) -> Option<&Tree> {
    let ordered = program.fixed::<fixed::Ordered>(tree).map(|fixed| &fixed.tree);
    ordered.or_else(|| program.fixed::<fixed::Ranges>(tree).map(|fixed| &fixed.tree))
}

/// `struct rb_root_cached`, in the order of a key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ordered {
    /// It.
    pub tree: Tree,
}

/// Of a tree the nodes have to be said.
const NODES: Opt = Opt {
    required: true,
    ..option(
        "of",
        Takes::Member,
        "the field of its entries that links them: `of=job.rb`, a `rb type=tree-node` of `struct job`; of several structs \
         `of=\"job.rb,marker.rb\"`, of each at most one",
    )
};

const GUARD: Opt = option(
    "guarded-by",
    Takes::Object(LOCKS),
    "the lock that whoever changes it or goes through it has to have (a semaphore for writing, if it is changed)",
);

impl Declared for Ordered {
    const ROW: KindRow = KindRow {
        name: "ordered",
        one: "a tree that is ordered",
        init: "RB_ROOT",
        zero_is_good: true,
        facets: &["len"],
        decls: &[DeclRow {
            name: "ordered",
            kind: Some(Kind::Ordered),
            options: &[
                NODES,
                Opt {
                    required: true,
                    ..option(
                        "key",
                        Takes::Value,
                        "the field of its entries that is their key: `of=job.rb key=deadline`. To change it while the entry is in \
                         there is told",
                    )
                },
                GUARD,
            ],
            meaning: "objects in the order of a key, at most 24; those of the same key in that in which they came. An entry is in it \
                      by a `tree-node`",
            kernel: "struct rb_root_cached, struct timerqueue_head",
            make: Some(|_| Ordered::default().into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = ListHead<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> ListHead<R> {
        ListHead::new(self.tree.gate)
    }

    fn guard(&self) -> Option<ObjId> {
        self.tree.guard
    }

    fn gate(&self) -> Option<ObjId> {
        Some(self.tree.gate)
    }

    fn set_gate(&mut self, gate: ObjId) {
        self.tree.gate = gate;
    }
}

/// `struct maple_tree`, `struct rb_root_cached` of an interval tree, and their like.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges {
    /// It.
    pub tree: Tree,
}

impl Declared for Ranges {
    const ROW: KindRow = KindRow {
        name: "ranges",
        one: "a tree of ranges",
        init: "RB_ROOT",
        zero_is_good: true,
        facets: &["len"],
        decls: &[DeclRow {
            name: "ranges",
            kind: Some(Kind::Ranges),
            options: &[
                NODES,
                Opt {
                    required: true,
                    ..option(
                        "start",
                        Takes::Value,
                        "the field of its entries that says where they begin: `of=va.rb start=addr len=range`",
                    )
                },
                option("len", Takes::Value, "the field that says how long they are"),
                option(
                    "end",
                    Takes::Value,
                    "the field that says where they end, itself not in it; in the place of `len`",
                ),
                option("last", Takes::Value, "the field that says which is the last in it; in the place of `len`"),
                option(
                    "overlap",
                    Takes::OneOf(&["told", "EEXIST", "ENOSPC", "allowed"]),
                    "what becomes of one that overlaps another: told without it (`tree-corruption`), refused with that error, or let in",
                ),
                GUARD,
            ],
            meaning: "objects that are ranges of numbers, at most 24, in the order in which they begin. An entry is among them by a \
                      `tree-node`",
            kernel: "struct maple_tree, struct drm_mm, struct drm_gpuvm",
            make: Some(|_| Ranges::default().into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = ListHead<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> ListHead<R> {
        ListHead::new(self.tree.gate)
    }

    fn guard(&self) -> Option<ObjId> {
        self.tree.guard
    }

    fn gate(&self) -> Option<ObjId> {
        Some(self.tree.gate)
    }

    fn set_gate(&mut self, gate: ObjId) {
        self.tree.gate = gate;
    }
}
