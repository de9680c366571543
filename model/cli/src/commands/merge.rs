//! `fenceweave merge`: a sweep put together from the files of its parts.

use super::{Exit, tell, usage};
use crate::{args::MergeArgs, files};
use fenceweave_fuzz::sweep;

pub(super) fn merge(args: &MergeArgs) -> Exit {
    let mut files = vec![];
    for path in &args.files {
        match files::read_text(path) {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(e) => return usage(&format!("{}: {e}", path.display())),
        }
    }
    match sweep::merge(&files) {
        Ok(merged) => {
            let exit = if merged.tally.incomplete > 0 { Exit::Incomplete } else { Exit::Success };
            exit.max(tell(&merged.tally.report(&merged.plan)))
        }
        Err(why) => usage(&why),
    }
}
