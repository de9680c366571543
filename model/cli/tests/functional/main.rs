//! What a user sees: the real binary in a folder of its own, a file of tests for each command.
//!
//! A test writes scenario files into a [`project::Project`], runs `fenceweave` there, and holds exit code, standard
//! output and standard error against what is written in the test. Where the text matters it is an inline snapshot
//! (`cargo insta review` changes them); where only a fact matters it is an assertion.

mod bounds;
mod check;
mod compare;
mod diagrams;
mod explain;
mod explore;
mod export;
mod fmt;
mod fuzz;
mod grain;
mod guide;
mod harness;
mod hosts;
mod html;
mod inputs;
mod json;
mod kept;
mod library;
mod limits;
mod listing;
mod litmus;
mod liveness;
mod lsp;
mod mistakes;
mod mutants;
mod output;
#[expect(dead_code, reason = "the tests of the book use the rest")]
mod pages;
mod preemptions;
mod project;
mod replay;
mod sampling;
mod sentences;
mod shell;
mod spill;
mod stress;
mod swarm;
mod sweep;
mod topology;
mod traces;
mod warnings;
