//! The `fenceweave` command, and what other repositories use: [`scenario_tests`].
//!
//! # What lives here
//!
//! * [`run`]: a case through the engines, with the limits that apply.
//! * [`judge`]: whether what was found is what the scenario expects.
//! * `state`: the file in which one exploration is kept, to be gone on with.
//! * [`harness`]: every scenario file as named tests with a reviewed snapshot.
//! * [`commands`]: one file a subcommand; [`args`] is the command line.
//!
//! # What must not
//!
//! No exploration and no layout of traces: those are the crates below.
//!
//! # Where to start reading
//!
//! [`commands::check`], which is the way a scenario takes.

pub mod args;
pub mod commands;
pub mod files;
pub mod harness;
pub mod judge;
pub mod memory;
mod render;
pub mod run;
mod state;
mod tuples;

pub use harness::{scenario_tests, scenario_tests_up_to};
