//! What an observer may see of an object.

use crate::{ObjId, ThreadId, ids::ThreadQueue};

/// A facet of an object: what a trace shows when it changes and what an expectation can name as `object.facet`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facet {
    /// A number.
    Word(i32),
    /// Yes or no.
    Flag(bool),
    /// A thread, or nobody.
    Thread(Option<ThreadId>),
    /// An object, or none.
    Object(Option<ObjId>),
    /// Threads in order.
    Queue(ThreadQueue),
    /// A kernel name.
    Name(&'static str),
    /// A fence with its usage class, or an empty slot.
    Fence(Option<(ObjId, &'static str)>),
}

/// Receives the facets of an object, in a fixed order.
pub type FacetSink<'a> = &'a mut dyn FnMut(&'static str, Facet);
