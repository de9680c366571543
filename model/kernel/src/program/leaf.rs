//! What an expectation reads.

use super::FieldName;
use crate::{LocalId, ObjId, ThreadId};

/// Something that an expectation reads, without disturbing anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
