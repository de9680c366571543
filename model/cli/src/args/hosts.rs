//! Options of an exploration by several processes.

use clap::Args;
use std::{path::PathBuf, time::Duration};

/// Which processes take part.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Several processes, on one machine or on many")]
pub struct HostsArgs {
    /// Explore with the processes in this file, HOST:PORT each, a line for every process: all of them are started with
    /// the same command, and its number in the file; of one case, by explicit. The output is that of one process, and
    /// comes from process 0. They listen where the file says, without any authentication: for a network whose machines
    /// trust each other.
    #[arg(long, value_name = "FILE", requires = "process", conflicts_with_all = ["watch", "sample", "spill"])]
    pub workers: Option<PathBuf>,
    /// Which line of the file this process is, from 0.
    #[arg(long, value_name = "N")]
    pub process: Option<usize>,
    /// The same with so many processes on this machine, this one and those that it starts.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(2..=fenceweave_explore::explicit::hosts::MOST_HOSTS as i64),
        conflicts_with_all = ["workers", "watch", "sample", "spill"]
    )]
    pub hosts: Option<u16>,
    /// How long the other processes are waited for, in seconds [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = super::seconds)]
    pub hosts_wait: Option<Duration>,
    /// Where the process is that has started this one.
    #[arg(long, value_name = "HOST:PORT", requires = "hosts", requires = "process", hide = true)]
    pub join: Option<String>,
}
