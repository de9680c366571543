//! Options of an exploration that is kept in a file.

use clap::Args;
use fenceweave_explore::explicit::Spill;
use std::{path::PathBuf, time::Duration};

/// What is kept of an exploration.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "A long exploration")]
pub struct StateArgs {
    /// Write what was explored into this file now and then, so that `--resume` goes on from there after a signal, a
    /// limit or a crash; of one case, by explicit. When the case is explored to its end, the file is removed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "sample"])]
    pub state: Option<PathBuf>,
    /// Go on from what the file of `--state` has: of the same case with the same options, by the same fenceweave.
    #[arg(long, requires = "state")]
    pub resume: bool,
    /// How often the file is written, in seconds [default: 60, and so seldom that it takes a twentieth of the time].
    #[arg(long, value_name = "SECONDS", requires = "state", value_parser = super::seconds)]
    pub state_every: Option<Duration>,
    /// Where to what does not fit into `--memory` is written, so that the disk is the limit: of explicit. Nothing is
    /// left there afterwards; what is found is the same.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["state", "exact", "sample"])]
    pub spill: Option<PathBuf>,
    /// The same directory, looked at.
    #[arg(skip)]
    pub disk: Option<Spill>,
}
