//! Finding scenario files.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

/// Every scenario file that the paths name: files as they are, folders for the `.kdl` files below them, sorted. A file that
/// is named twice is found once.
///
/// # Errors
///
/// A path that does not exist or cannot be read, in words.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let (mut found, mut seen) = (vec![], BTreeSet::new());
    for p in paths {
        let meta = std::fs::metadata(p).map_err(|e| not_found(p, &e))?;
        if meta.is_dir() {
            below(p, &mut seen, &mut found)?;
        } else if seen.insert(identity(p)) {
            found.push(p.clone());
        }
    }
    Ok(found)
}

fn not_found(path: &Path, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => format!("there is no file or folder `{}` here", path.display()),
        _ => format!("{}: {e}", path.display()),
    }
}

/// What a path leads to: links may lead to one place from several, and in circles.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn below(folder: &Path, seen: &mut BTreeSet<PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !seen.insert(identity(folder)) {
        return Ok(());
    }
    let tell = |e: io::Error| format!("{}: {e}", folder.display());
    let mut entries = vec![];
    for entry in std::fs::read_dir(folder).map_err(tell)? {
        entries.push(entry.map_err(tell)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() {
            below(&path, seen, found)?;
        } else if path.extension().is_some_and(|e| e == "kdl") && seen.insert(identity(&path)) {
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
