//! `fenceweave fmt`: scenario files in the one spacing that all have.

use super::{Exit, Unread, find, tell, usage, write};
use crate::{args::FmtArgs, files};
use std::{io, path::Path};

/// The path that stands for standard input.
const STDIN: &str = "-";

pub(super) fn fmt(args: &FmtArgs) -> Exit {
    if args.paths.iter().any(|path| path.as_os_str() == STDIN) {
        return match args.paths.len() {
            1 => fmt_stdin(args.check),
            _ => usage("`-` is standard input, which is formatted by itself: name no other file"),
        };
    }
    let found = match find(&args.paths) {
        Ok(found) => found,
        Err(e) => return e,
    };
    found.iter().map(|file| fmt_file(file, args.check)).max().unwrap_or(Exit::Success)
}

/// Formats standard input: what an editor does with a text that it has not saved.
fn fmt_stdin(check: bool) -> Exit {
    let read = fenceweave_scenario::read_from("standard input", io::stdin().lock());
    let both = read.and_then(|text| Ok((fenceweave_scenario::format("standard input", &text)?, text)));
    match both {
        Err(report) => Unread(report).tell(),
        Ok((formatted, text)) if check => {
            if formatted == text {
                Exit::Success
            } else {
                Exit::Unexpected
            }
        }
        Ok((formatted, _)) => tell(&formatted),
    }
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
