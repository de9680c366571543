//! What an expectation reads.

use super::FieldName;
use crate::{LocalId, ObjId, Program, ThreadId, fixed};

/// Something that an expectation reads, without disturbing anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Leaf {
    /// `thread.local`.
    Local(ThreadId, LocalId),
    /// A variable word.
    Var(ObjId),
    /// `object.facet`, such as `f.signaled`: see `observe::facet_names`. The name is interned in the program.
    Facet(ObjId, FieldName),
    /// `thread.local.field`, `variable.field.field`: what pointers lead to, by its place among the program's
    /// [paths](Path).
    Through(u16),
}

/// Fields that are followed from what something refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    /// What is read first; no path.
    pub from: Leaf,
    /// The fields, each of what the one before refers to.
    pub fields: Vec<FieldName>,
}

impl Leaf {
    /// Whether it is what an object shows, and no word or local.
    pub(crate) fn is_facet(self, program: &Program) -> bool {
        let is_word = |field| program.all::<fixed::Slot>().any(|slot| program.field_var(slot, field).is_some());
        match self {
            Leaf::Local(..) | Leaf::Var(_) => false,
            Leaf::Facet(..) => true,
            Leaf::Through(at) => {
                let path = program.paths.get(usize::from(at));
                path.and_then(|path| path.fields.last()).is_some_and(|last| !is_word(*last))
            }
        }
    }
}
