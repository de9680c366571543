//! The libraries that `use NAME` finds: those in the binary, of which `build.rs` makes the table, and before them those
//! of a folder that the author of libraries names.

use crate::{
    mistakes::Mistakes,
    sources::ALL_BYTES_MAX,
    syntax::{self, File},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Of each file of each library: the library, the file below `model/library`, its text; in the order of the names.
const FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The files of the folder that was named, as in [`FILES`].
static OWN: OnceLock<Vec<(String, String, String)>> = OnceLock::new();

/// What was read of the files so far: hundreds of scenarios use a library of ten files, and it is parsed and judged
/// once.
static READ: Mutex<BTreeMap<&'static str, File>> = Mutex::new(BTreeMap::new());

/// The tree of a file of these, as [`syntax::parse`] reads it; mistakes in it are told to each who asks.
pub(crate) fn tree(file: &'static str, text: &str, mistakes: &mut Mistakes) -> File {
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read().get(file) {
        return known.clone();
    }
    let tree = syntax::parse(text, mistakes);
    if mistakes.is_empty() {
        read().insert(file, tree.clone());
    }
    tree
}

/// Lets `use NAME` find the libraries of a folder, each a file or a folder in it, before those that are built in: so
/// who writes on a library need not build the command anew. Once in a process, before anything is loaded.
///
/// # Errors
///
/// If the folder or a file in it cannot be read, or holds too much; or if another one was named before.
pub fn find_libraries_in(folder: &Path) -> Result<(), String> {
    let mut own = vec![];
    for path in sorted(folder)? {
        let files = if path.is_dir() { sorted(&path)? } else { vec![path.clone()] };
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "kdl")) {
            let text = crate::load::read(file).map_err(|report| report.plain())?;
            let shown = file.strip_prefix(folder).unwrap_or(file).display().to_string();
            own.push((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), shown, text));
        }
        if own.iter().map(|(.., text)| text.len()).sum::<usize>() > ALL_BYTES_MAX {
            return Err(format!("{}: more than {ALL_BYTES_MAX} bytes of libraries", folder.display()));
        }
    }
    if own.is_empty() {
        return Err(format!("{}: there is no library, a `.kdl` file or a folder of such, in it", folder.display()));
    }
    OWN.set(own).map_err(|_| "a folder of libraries was named before".to_owned())
}

/// What is in a folder, in the order of the names.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(told)?;
    let mut all = entries.map(|entry| Ok(entry.map_err(told)?.path())).collect::<Result<Vec<_>, String>>()?;
    all.sort();
    Ok(all)
}

/// Every file, the folder's first; what is built in of a name that the folder has is not there.
fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let own = OWN.get().map_or(&[][..], Vec::as_slice);
    let has = |name: &str| own.iter().any(|(own, ..)| own == name);
    let built_in = FILES.iter().copied().filter(move |(name, ..)| !has(name));
    own.iter().map(|(name, file, text)| (name.as_str(), file.as_str(), text.as_str())).chain(built_in)
}

/// The files of a library; none if there is no such library.
pub(crate) fn files(library: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    all().filter(move |(name, ..)| *name == library).map(|(_, file, text)| (file, text))
}

/// The names of the libraries.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all().map(|(name, ..)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
