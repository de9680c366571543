//! The `fenceweave` command.

use clap::Parser;
use fenceweave::{args::Cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(&Cli::parse()).into()
}
