//! `fenceweave fmt`: scenario files in the one spacing that all have.

use super::{Exit, Unread, find, usage, write};
use crate::{args::FmtArgs, files};
use std::path::Path;

pub(super) fn fmt(args: &FmtArgs) -> Exit {
    let found = match find(&args.paths) {
        Ok(found) => found,
        Err(e) => return e,
    };
    found.iter().map(|file| fmt_file(file, args.check)).max().unwrap_or(Exit::Success)
}

/// Formats one file. One with mistakes is left as it is: what its author meant is not known.
fn fmt_file(file: &Path, check: bool) -> Exit {
    let name = file.display().to_string();
    let read = fenceweave_scenario::read(file).and_then(|text| {
        let formatted = fenceweave_scenario::format(&name, &text)?;
        Ok((text, formatted))
    });
    let (text, formatted) = match read {
        Ok(both) => both,
        Err(report) => return Unread(report).tell(),
    };
    if text == formatted {
        return Exit::Success;
    }
    if check {
        // What could not be written decides the exit code.
        let _ = write(&format!("{name} would change\n"));
        return Exit::Unexpected;
    }
    match files::write_whole(file, &formatted) {
        Ok(()) => {
            let _ = write(&format!("{name} changed\n"));
            Exit::Success
        }
        Err(e) => usage(&format!("{name}: {e}")),
    }
}
