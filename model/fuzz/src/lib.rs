//! Scenarios that nobody wrote: campaigns over many of them.
//!
//! What lives here: the oracles that a generated scenario is held against, shrinking of one that fails them, the sweep
//! over every small program, the run of the shipped scenarios against mutated protocols, and mistakes put into a
//! scenario's text. What must not: the language and the generation of its text (`model/scenario`), engines
//! (`model/explore`), printing and files (`model/cli`).
//!
//! Start reading at [`oracle`], which says what must be true of every scenario; [`campaign`] makes many and asks it;
//! [`shrink`](mod@shrink) makes a failing one small; [`sweep`] leaves no small program out.

pub mod alter;
pub mod campaign;
pub mod contention;
pub mod mutants;
pub mod oracle;
pub mod second;
pub mod shrink;
pub mod sweep;
mod tree;
