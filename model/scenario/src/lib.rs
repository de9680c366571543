//! Scenario files: from text to what the engines run.
//!
//! [`load`] reads a file: KDL text to a tree, names resolved, each case lowered to a [`fenceweave_kernel::Program`]
//! with its [`Expectations`]. It tells every mistake of the file at once, each with its place, what was expected there
//! and a way out. [`format()`] prints a file in the one spacing that all files have. [`reference_page`] prints the
//! declarations, statements and operations from the tables that the reading goes by, so that the two cannot differ.
//!
//! # Where to start reading
//!
//! `syntax` (text to tree), `expr` (quoted expressions), `ops` and `decls` (the tables), then
//! `lower`, which goes from the tree to programs: `scenario` is its door.
//!
//! # What must not
//!
//! Nothing here runs a program or knows an engine, and no input makes it panic.

mod decls;
mod expectations;
mod expr;
mod fmt;
pub mod generate;
mod inputs;
mod kernel_names;
mod library;
mod load;
mod lower;
pub mod malformed;
mod mistakes;
mod ops;
mod outline;
mod page;
mod pci;
mod sources;
mod syntax;
mod variants;
mod versions;
mod vocabulary;
mod warnings;

pub use expectations::{Engine, Expectations, Expected, Verdict};
pub use fmt::format;
pub use inputs::{Fixed, InputValue, Swept, Tuple, Tuples};
pub use library::{Replaced, find_libraries_in, libraries, library_files, library_page, one_file, place_of};
pub use load::{
    Case, Limits, Loaded, Scenario, load, load_as, load_file, load_file_as, load_in, load_library, load_of_library,
    load_replacing, look_at_syntax, read, read_from,
};
pub use lower::Words;
pub use mistakes::{Elsewhere, Mistake, Place, Report, Span};
pub use outline::{Entry, Statement, outline, sketch};
pub use page::reference_page;
pub use pci::{PciTree, pci_trees};
pub use syntax::while_typing;
pub use versions::{with_library, with_option};
pub use vocabulary::{Role, Term, of_every_operation, vocabulary};
pub use warnings::{Coverage, Looked, Seen, Taken, Warnings, warnings};
