//! `fenceweave completions` and `fenceweave man`: what a shell and a reader of manuals know of the command line.

use super::{Exit, tell, usage};
use crate::args::{Cli, CompletionsArgs, ManArgs};
use clap::CommandFactory;

/// Prints a shell's completions.
pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut out = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "fenceweave", &mut out);
    tell(&String::from_utf8_lossy(&out))
}

/// Writes a page for the command and each of its subcommands.
pub(super) fn man(args: &ManArgs) -> Exit {
    let written =
        std::fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder));
    match written {
        Ok(()) => Exit::Success,
        Err(e) => usage(&format!("`man` takes a folder; {}: {e}", args.folder.display())),
    }
}
