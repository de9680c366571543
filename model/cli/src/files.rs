//! Finding scenario files; reading and writing files in whole.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// The largest file that is read besides scenarios: the state of a sweep.
const READ_BYTES_MAX: u64 = 1 << 30;

/// The text of a file. What is no file is refused: opening a FIFO would wait for somebody to write into it.
///
/// # Errors
///
/// If it is no file, too large, or cannot be read.
pub fn read_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no file"));
    }
    read_open(&mut File::open(path)?)
}

/// The text of a file that is open already.
///
/// # Errors
///
/// If it is too large, or cannot be read.
pub fn read_open(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.take(READ_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > READ_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {READ_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// Puts a text into a file: beside it first, under a name of its own, then in its place. Whatever happens on the way (a
/// full disk, a signal), what was there is whole, and so is what is there after. What is no file (a pipe,
/// `/dev/stdout`) is written into as it is.
///
/// # Errors
///
/// If that cannot be done; then nothing has changed.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    // The file that a link leads to is what its author means.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|meta| !meta.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    if there.as_ref().is_some_and(|meta| meta.permissions().readonly()) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let beside = beside(path);
    let written = write_beside(&beside, text, there.map(|meta| meta.permissions()));
    let placed = written.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        // What is half written helps nobody; if it cannot be removed, the error that matters is the first.
        let _ = fs::remove_file(&beside);
    }
    placed
}

fn write_beside(path: &Path, text: &str, permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    // A full disk may tell so late.
    file.sync_all()
}

/// A name in the same folder that no other process takes, and no other thread of this one.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().map_or_else(|| "file".into(), |n| n.to_string_lossy().into_owned());
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    path.with_file_name(format!(".{name}.{process}-{next}.new"))
}

/// Every scenario file that the paths name: files as they are, folders for the `.kdl` files below them, sorted. A file
/// that is named twice is found once.
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

/// What paths on the command line ask for: files and folders, and behind `::` the name of a scenario or case.
pub struct Selection {
    wanted: Vec<(PathBuf, Option<String>)>,
}

impl Selection {
    /// What these paths ask for. A path that has `::` in its own name is that path.
    pub fn of(paths: &[PathBuf]) -> Selection {
        Selection { wanted: paths.iter().map(|path| with_case(path)).collect() }
    }

    /// The files and folders.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.wanted.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Whether a program (`scenario/case`) of a file was asked for.
    pub fn takes(&self, file: &Path, program: &str) -> bool {
        self.wanted.iter().filter(|(path, _)| file.starts_with(path)).any(|(_, name)| match name {
            Some(name) => is_called(program, name),
            None => true,
        })
    }

    /// The first path with a name of which there is nothing among the programs that were taken.
    pub fn missed<'a>(&self, taken: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
        let named = self.wanted.iter().filter_map(|(path, name)| Some((path, name.as_ref()?)));
        let mut missed = named.filter(|(_, name)| !taken.clone().any(|program| is_called(program, name)));
        missed.next().map(|(path, name)| format!("no scenario or case of {} is called `{name}`", path.display()))
    }
}

/// `FILE::CASE` as a path and the name behind it.
pub fn with_case(said: &Path) -> (PathBuf, Option<String>) {
    let text = said.to_string_lossy();
    match text.rsplit_once("::") {
        Some((file, case)) if !case.is_empty() && !said.exists() => (PathBuf::from(file), Some(case.to_owned())),
        _ => (said.to_path_buf(), None),
    }
}

/// Whether a program is what somebody calls by that name: the scenario, its case, or both with `/` between.
fn is_called(program: &str, name: &str) -> bool {
    program == name || program.split_once('/').is_some_and(|(scenario, case)| scenario == name || case == name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_behind_a_path_takes_a_scenario_a_case_or_both() {
        let by = |name: &str| Selection::of(&[PathBuf::from(format!("ww/none.kdl::{name}"))]);
        let file = Path::new("ww/none.kdl");
        for name in ["abba", "buggy", "abba/buggy"] {
            assert!(by(name).takes(file, "abba/buggy"), "{name}");
        }
        assert!(!by("abb").takes(file, "abba/buggy"));
        assert!(!by("abba").takes(Path::new("ww/other.kdl"), "abba/buggy"));
        assert!(Selection::of(&[PathBuf::from("ww")]).takes(file, "abba/buggy"));
        assert_eq!(by("fixed").paths(), [PathBuf::from("ww/none.kdl")]);
        assert!(by("fixed").missed(["abba/buggy"].into_iter()).is_some_and(|why| why.contains("`fixed`")));
        assert_eq!(by("buggy").missed(["abba/buggy"].into_iter()), None);
    }
}
