//! The `fenceweave` command.

use fenceweave::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main().into()
}
