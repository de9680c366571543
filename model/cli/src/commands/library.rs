//! `fenceweave library`: the libraries that are built in, their texts, and what their users are told.

use super::{Exit, tell, usage};
use crate::args::LibraryArgs;
use fenceweave_scenario::{libraries, library_files, library_page};

pub(super) fn library(args: &LibraryArgs) -> Exit {
    match &args.name {
        None => tell(&all()),
        Some(name) => match text(name, args.page) {
            Some(text) => tell(&text),
            None => usage(&format!("there is no library `{name}`: `fenceweave library` lists them")),
        },
    }
}

/// A line for each.
fn all() -> String {
    let all = libraries();
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    all.iter().map(|(name, about)| format!("{name:width$}  {about}").trim_end().to_owned() + "\n").collect()
}

/// A library's files, each under its name where there are several; or its page.
fn text(name: &str, page: bool) -> Option<String> {
    if page {
        return library_page(name);
    }
    let files = library_files(name);
    match files.as_slice() {
        [] => None,
        [(_, text)] => Some((*text).to_owned()),
        several => Some(several.iter().map(|(file, text)| format!("// library/{file}\n\n{text}\n")).collect()),
    }
}
