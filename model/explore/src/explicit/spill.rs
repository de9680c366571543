//! What does not fit into memory goes to disk: where to, and what went wrong there.
//!
//! A search begins in memory. When the limit on memory is come to and somebody has named a directory
//! ([`explore_spilled`](super::explore_spilled)), its tables become columns that have only their ends in memory
//! (`column`), and whatever is written is written once, in order:
//!
//! ```text
//!   level k     encodings  [file······|memory]   read once, in order, by whoever expands a chunk
//!   level k+1   encodings  [file···|memory]      written in order
//!   graph       rows, edges [file·····|memory]   read by the passes behind the search, mostly in order
//!   visited     fingerprints [file······|memory] index → fingerprint: the last ones are asked for most
//!               slots                            in memory alone: index and 16 bits of the fingerprint each
//! ```
//!
//! Identity is what it is in memory: all 128 bits of a fingerprint are compared, in the file where they are not in
//! memory. So every number, verdict and trace is the same; only the slots must fit into memory, seven to ten bytes a
//! state.
//!
//! Files have no name from the moment on that they are there: whatever ends the process, nothing is left.

mod column;

pub(super) use column::Column;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The directory for what does not fit into memory.
#[derive(Clone, Debug)]
pub struct Spill {
    directory: Arc<Path>,
    /// How many bytes of tables there are before something is written; the limit on memory, if that is less.
    after: u64,
    trouble: Arc<Trouble>,
    written: Arc<AtomicU64>,
}

/// What went wrong first.
#[derive(Default, Debug)]
struct Trouble {
    /// Nothing is lost, but there is no more room.
    writing: OnceLock<String>,
    /// Nothing that was read since then is to be believed.
    reading: OnceLock<String>,
}

/// How many files this process has made.
static FILES: AtomicU64 = AtomicU64::new(0);

impl Spill {
    /// In a directory.
    ///
    /// # Errors
    ///
    /// It is not there, or no file can be made and written in it.
    pub fn at(directory: &Path) -> Result<Spill, String> {
        let name = directory.display();
        let kind = fs::metadata(directory).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no directory {name}: `mkdir -p {name}` makes it"),
            _ => format!("{name}: {e}"),
        })?;
        if !kind.is_dir() {
            return Err(format!("{name} is no directory"));
        }
        let spill =
            Spill { directory: directory.into(), after: u64::MAX, trouble: Arc::default(), written: Arc::default() };
        let tried = spill.file().and_then(|file| column::write_at(&file, &[0], 0));
        tried.map_err(|e| format!("no file can be written in {name}: {e}; take another directory"))?;
        Ok(spill)
    }

    /// The same where so many bytes of tables are enough to begin with, although there may be more.
    pub fn after(self, bytes: u64) -> Spill {
        Spill { after: bytes, ..self }
    }

    /// How many bytes were written by all searches together.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn has_written(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The same directory, for another search.
    pub(super) fn again(&self) -> Spill {
        Spill { trouble: Arc::default(), ..self.clone() }
    }

    /// Of a limit on tables, what is used before something is written.
    pub(super) fn least(&self, limit: u64) -> u64 {
        limit.min(self.after)
    }

    /// A file that nobody else sees, and that is gone when nobody has it open.
    fn file(&self) -> io::Result<File> {
        loop {
            let (process, n) = (std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
            let path = self.directory.join(format!(".fenceweave-{process}-{n}.spill"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
                Ok(file) => {
                    fs::remove_file(&path)?;
                    return Ok(file);
                }
            }
        }
    }

    /// Something went wrong while writing; what is in memory is still there.
    fn not_written(&self, e: &io::Error) -> String {
        let name = self.directory.display();
        let why = format!("what does not fit into memory could not be written in {name}: {e}");
        self.trouble.writing.get_or_init(|| why.clone());
        why
    }

    /// Something went wrong while reading.
    fn not_read(&self, e: &io::Error) {
        let name = self.directory.display();
        self.trouble.reading.get_or_init(|| format!("what was written in {name} could not be read again: {e}"));
    }

    /// What went wrong, if something has.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.unreadable().or(self.trouble.writing.get().map(String::as_str))
    }

    /// What could not be read again, if something could not.
    pub(super) fn unreadable(&self) -> Option<&str> {
        self.trouble.reading.get().map(String::as_str)
    }
}
