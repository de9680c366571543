//! The scenarios that stand in the repository, for tests that look at all of them.

use std::path::{Path, PathBuf};

/// Where they are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// Every file of them, in the order of their names.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    let mut found = vec![];
    gather(&root(), &mut found);
    found
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the scenarios");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|e| e == "kdl") {
            found.push(path);
        }
    }
}
