//! Finding scenario files.

use std::path::{Path, PathBuf};

/// Folders deeper than this are not looked into.
const MAX_DEPTH: usize = 16;

/// Every scenario file that the paths name: files as they are, folders for the `.kdl` files below them, sorted.
///
/// # Errors
///
/// A path that does not exist or cannot be read, in words.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![];
    for p in paths {
        let meta = std::fs::metadata(p).map_err(|e| format!("{}: {e}", p.display()))?;
        if meta.is_dir() { below(p, MAX_DEPTH, &mut found)? } else { found.push(p.clone()) }
    }
    found.dedup();
    Ok(found)
}

fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let tell = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut entries = vec![];
    for entry in std::fs::read_dir(folder).map_err(tell)? {
        entries.push(entry.map_err(tell)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() && depth > 0 {
            below(&path, depth - 1, found)?;
        } else if path.extension().is_some_and(|e| e == "kdl") {
            found.push(path);
        }
    }
    Ok(())
}

/// The name of a scenario file among others: its path below the root, without extension, such as `ww/abba`.
pub fn name_of(file: &Path, root: &Path) -> String {
    let below = file.strip_prefix(root).unwrap_or(file).with_extension("");
    below.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
