//! The file in which an exploration is kept, so that another process goes on from there.
//!
//! ```text
//!   magic, format   what it is of: rows of text   their sum │ what the search wrote of itself   its sum
//!   `header`, read before anything is believed              │ `fenceweave_explore::explicit::Keeper`
//! ```
//!
//! It is written beside its place, made safe on the disk, and renamed: whenever the process ends, by whatever, the old
//! file is there whole, or the new one. Who writes it has it locked, so that no two explorations go on from one file.

mod header;

use fenceweave_explore::explicit::Keeper;
pub(crate) use header::Header;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The time between two writings if nobody says.
const EVERY: Duration = Duration::from_secs(60);
/// Writing takes one part of so many of the time, at most, if nobody says how often.
const SHARE: u32 = 20;

/// An exploration's file.
pub(crate) struct StateFile {
    path: PathBuf,
    header: Vec<u8>,
    /// How often somebody wants it written.
    every: Option<Duration>,
    writing: Mutex<Writing>,
    /// Tells what goes wrong while the search goes on.
    tell: fn(&str),
}

struct Writing {
    /// When it is to be written next.
    due: Instant,
    /// The file that is in its place, which is locked as long as this is there.
    held: Option<File>,
    /// Why it could not be written the last time.
    failed: Option<String>,
}

/// What is left to read of a file, and how many bytes that are.
pub(crate) type Rest = (BufReader<File>, u64);

impl StateFile {
    /// For an exploration that begins.
    ///
    /// # Errors
    ///
    /// There is such a file already, which may be hours of work; or there can be none.
    pub(crate) fn begun(path: &Path, header: &Header, how: (Option<Duration>, fn(&str))) -> Result<StateFile, String> {
        let name = path.display();
        // What is a link to nowhere is there, too.
        if path.symlink_metadata().is_ok() {
            return Err(format!("{name} is there already: `--resume` goes on from it"));
        }
        let file = StateFile::new(path, header, how);
        let made = file.beside().and_then(|_| fs::remove_file(file.path_beside()));
        made.map_err(|e| format!("{name} cannot be written: {e}"))?;
        Ok(file)
    }

    /// For one that goes on from what the file has.
    ///
    /// # Errors
    ///
    /// It is not there, somebody else goes on from it, or it is of something else: with what differs.
    pub(crate) fn resumed(
        path: &Path,
        header: &Header,
        how: (Option<Duration>, fn(&str)),
    ) -> Result<(StateFile, Rest), String> {
        let name = path.display();
        // The file that a link leads to is what its author means.
        let path = path.canonicalize().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no file {name}: without `--resume` the exploration begins"),
            _ => format!("{name}: {e}"),
        })?;
        let meta = fs::metadata(&path).map_err(|e| format!("{name}: {e}"))?;
        if !meta.is_file() {
            return Err(format!("{name}: this is no file"));
        }
        let file = OpenOptions::new().read(true).open(&path).map_err(|e| format!("{name}: {e}"))?;
        let held = file.try_clone().map_err(|e| format!("{name}: {e}"))?;
        own(&held).map_err(|why| format!("{name}: {why}"))?;
        let length = held.metadata().map_err(|e| format!("{name}: {e}"))?.len();
        let mut from = BufReader::with_capacity(1 << 16, file);
        let read = header.expect(&mut from).map_err(|why| format!("{name} {why}"))?;
        let resumed = StateFile::new(&path, header, how);
        let mut writing = resumed.writing();
        writing.held = Some(held);
        writing.due += resumed.every.unwrap_or(EVERY);
        drop(writing);
        Ok((resumed, (from, length - read)))
    }

    fn new(path: &Path, header: &Header, (every, tell): (Option<Duration>, fn(&str))) -> StateFile {
        let writing = Writing { due: Instant::now(), held: None, failed: None };
        StateFile { path: path.to_path_buf(), header: header.bytes(), every, writing: Mutex::new(writing), tell }
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        // Nothing is half done where it is held.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_beside(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}.new"))
    }

    /// A new file beside its place. One that is there already is what a process has left that was ended.
    fn beside(&self) -> io::Result<File> {
        let path = self.path_beside();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    fn write(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<File> {
        let mut file = self.beside()?;
        let mut written = || {
            file.write_all(&self.header)?;
            write(&mut file)?;
            // A full disk may tell so late; and what is not on the disk is not there after a power cut.
            file.sync_all()?;
            own(&file).map_err(io::Error::other)?;
            fs::rename(self.path_beside(), &self.path)
        };
        if let Err(e) = written() {
            // What is half written helps nobody; if it cannot be removed, the error that matters is the first.
            let _ = fs::remove_file(self.path_beside());
            return Err(e);
        }
        sync_folder(&self.path);
        Ok(file)
    }

    /// The case was explored to its end: there is nothing to go on from.
    pub(crate) fn remove(&self) -> Result<(), String> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(format!("{}: {e}", self.path.display())),
            _ => Ok(()),
        }
    }

    /// Whether there is something to go on from; else why not.
    pub(crate) fn state(&self) -> Result<(), String> {
        let writing = self.writing();
        match (&writing.held, &writing.failed) {
            (Some(_), _) => Ok(()),
            (None, Some(why)) => Err(format!("it could not be written: {why}")),
            (None, None) => Err("it was not written".to_owned()),
        }
    }
}

impl Keeper for StateFile {
    fn is_due(&self) -> bool {
        Instant::now() >= self.writing().due
    }

    fn keep(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        let begun = Instant::now();
        let written = self.write(write);
        let took = begun.elapsed();
        let mut writing = self.writing();
        writing.due = Instant::now() + self.every.unwrap_or_else(|| EVERY.max(took * SHARE));
        match written {
            Ok(file) => (writing.held, writing.failed) = (Some(file), None),
            Err(e) => {
                if writing.failed.is_none() {
                    let name = self.path.display();
                    (self.tell)(&format!("{name} cannot be written: {e}; the exploration goes on\n"));
                }
                writing.failed = Some(e.to_string());
            }
        }
    }
}

/// One exploration has a file at a time.
fn own(file: &File) -> Result<(), String> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err("another exploration is going on with it".to_owned()),
        // Where the system has no locks, whoever starts two at once has himself to blame.
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(e)) => Err(e.to_string()),
    }
}

/// Makes a new name safe on the disk. Where a folder cannot be opened as a file, the system sees to that.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
