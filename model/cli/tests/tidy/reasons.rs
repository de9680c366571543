//! An engine that a scenario leaves out is left out for a reason, which belongs where a report shows it: in
//! `no-engine … because="…"`, not in a comment beside `engines`.

use crate::{Found, assert_left, source::root};
use std::path::{Path, PathBuf};

/// The lines that leave engines out and say why in a comment.
fn hidden(text: &str) -> Vec<String> {
    let leaves_out = |line: &&str| line.trim_start().starts_with("engines ") && line.contains("//");
    text.lines().filter(leaves_out).map(|line| line.trim().to_owned()).collect()
}

/// The scenario files of a folder, below it as well.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "kdl"));
    files.chain(folders.iter().flat_map(|folder| scenarios(folder))).collect()
}

#[test]
fn why_an_engine_is_left_out_is_no_comment() {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a scenario");
        (path.display().to_string(), hidden(&text))
    };
    let all = scenarios(&root().join("scenarios"));
    assert!(all.len() > 900, "the scenarios are somewhere else");
    let found: Found = all.into_iter().map(read).filter(|(_, lines)| !lines.is_empty()).collect();
    assert_left(&found, &[]);
}

#[test]
fn a_reason_in_a_comment_is_found() {
    let text =
        "    engines explicit // it takes long\n    engines explicit\n    no-engine loom because=\"it spins\" // so\n";
    assert_eq!(hidden(text), ["engines explicit // it takes long"]);
}
