//! Results as text: counterexamples, outcome tables, summaries, JSON, diagrams.
//!
//! # What lives here
//!
//! * [`trace`]: a counterexample as a table with a column per thread, what changed beside it, and what went wrong in
//!   words under it.
//! * [`sheet`]: how wide it is, and how its rows are arranged.
//! * [`token`]: a schedule as one short word that can be pasted.
//! * [`outcomes`]: every way in which a program can end, as a table.
//! * [`summary`]: what each engine looked at, a line each.
//! * [`conditions`]: a condition of an expectation, and what was seen of it.
//! * [`difference`]: what two programs come to that are meant to be nearly the same.
//! * [`json`]: all of it for other programs.
//! * [`html`]: a scenario with its executions as one page to step through, in a browser.
//! * [`topology`]: which PCI device reaches which.
//! * [`mermaid`]: a trace as a sequence diagram, and who waits for whom at its end.
//! * [`chrome`]: a trace as events that Perfetto opens.
//! * [`graph`]: the states of a small program and the steps between them, as DOT.
//! * [`findings`]: what came of a run as tests and findings, which [`mod@junit`], [`mod@sarif`] and [`mod@github`]
//!   write.
//!
//! # What must not
//!
//! No exploration, no files, no decision on what was expected. Every function here is pure: the same values give the
//! same bytes on every machine.
//!
//! # Where to start reading
//!
//! `replay.rs` takes a trace's steps again and notes what each did; everything that shows a trace starts from that.
//! Then [`trace`].

pub mod chrome;
pub mod conditions;
pub mod diagram;
pub mod difference;
pub mod findings;
pub mod github;
pub mod graph;
pub mod html;
pub mod json;
pub mod junit;
mod line;
pub mod mermaid;
pub mod outcomes;
mod replay;
pub mod sarif;
pub mod sheet;
mod site;
pub mod style;
pub mod summary;
pub mod token;
pub mod topology;
pub mod trace;
mod verdict;
mod waiting;
mod words;

#[cfg(test)]
mod programs;

pub use json::Report;
pub use sheet::{Layout, Sheet};
pub use style::Style;
pub use summary::CountsShown;
pub use token::TokenError;
pub use trace::{Clause, Counterexample};
pub use verdict::{circle, in_general as violation_text};
pub use words::value as value_text;
