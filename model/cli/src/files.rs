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
/// full disk, a signal), what was there is whole, and so is what is there after. What is no file (a pipe, `/dev/stdout`) is
/// written into as it is.
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
