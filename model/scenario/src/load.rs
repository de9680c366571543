//! The door of the crate: a file in, programs to explore out.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use fenceweave_kernel::Program;

use crate::expectations::{Engine, Expectations};
use crate::inputs::Tuple;
use crate::library::{self, Replaced};
use crate::lower::{self, Words};
use crate::mistakes::{Mistakes, Report, SOURCE_BYTES_MAX, Span};
use crate::syntax;

/// A file without mistakes.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The name it was loaded by.
    pub file: String,
    /// Its scenarios, in the order written.
    pub scenarios: Vec<Scenario>,
    /// What it says.
    pub text: String,
}

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about, in the author's words; empty if nothing is said.
    pub about: String,
    /// Its line in the file, from one.
    pub line: u32,
    /// The words that stand for numbers in its programs.
    pub words: Words,
    /// The names that what it uses of libraries says.
    pub(crate) named: BTreeSet<String>,
    /// Each `use` of which no case has anything.
    pub(crate) idle: BTreeSet<Span>,
    /// What is explored, one after the other; a scenario without cases is one case.
    pub cases: Vec<Case>,
}

/// One case of a scenario, ready to be explored.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name; `None` in a scenario without cases.
    pub name: Option<String>,
    /// The values of its inputs: the smallest tuple, unless another one was asked for.
    pub tuple: Tuple,
    /// What runs. Its name is `scenario` or `scenario/case`.
    pub program: Program,
    /// What is expected.
    pub expectations: Expectations,
    /// Whether any script can go backwards, or backs off from locks.
    pub has_loops: bool,
    /// Comparisons that the types of their sides decide: where, how they come out, and why.
    pub(crate) decided: Vec<(Span, bool, String)>,
    /// How far engines may go.
    pub limits: Limits,
    /// The engines that are not to run it, each with the author's reason.
    pub excluded: Vec<(Engine, String)>,
}

impl Case {
    /// Whether an engine is to run it.
    pub fn is_for(&self, engine: Engine) -> bool {
        self.excluded.iter().all(|(excluded, _)| *excluded != engine)
    }
}

/// How far engines may go; what is not set is the engine's own affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// States of the explicit search.
    pub states: Option<u64>,
    /// Executions of engines that run threads.
    pub executions: Option<u64>,
    /// Preemptions of an execution.
    pub preemptions: Option<u32>,
}

/// Reads a scenario's text. It is in no file, so it uses none beside it.
///
/// # Errors
///
/// Every mistake of the text, and of what it reaches of libraries.
pub fn load(name: &str, source: &str) -> Result<Loaded, Report> {
    load_in(name, source, None)
}

/// Reads a text as if it were in that file: what it uses beside it is there.
///
/// # Errors
///
/// Every mistake of the text, and of what it reaches of libraries.
pub fn load_as(path: &Path, source: &str) -> Result<Loaded, Report> {
    load_in(&path.display().to_string(), source, Some(folder_of(path)))
}

/// Reads the scenario file at `path`.
///
/// # Errors
///
/// Every mistake of the file and of what it reaches of libraries, or why it cannot be read.
pub fn load_file(path: &Path) -> Result<Loaded, Report> {
    let text = read(path)?;
    let read = load_as(path, &text);
    if read.is_ok() {
        return read;
    }
    // What the file lacks may be in the others of its library.
    let here = if folder_of(path).as_os_str().is_empty() { &*Path::new(".").join(path) } else { path };
    if library::is_of_folder(here, &text) { load_among(path, here, text) } else { read }
}

/// Reads a file of a library in a folder with the others: what is wrong in that one. What a driver has to declare is
/// no mistake of it.
fn load_among(path: &Path, here: &Path, text: String) -> Result<Loaded, Report> {
    if let Err(mut report) = load_of_library(here, &text, &[]) {
        let own = here.display().to_string();
        // Of more than are told nobody knows where they are.
        if report.untold() == 0 {
            report.keep(|mistake| mistake.file() == own && !mistake.is_for_drivers());
        }
        if !report.mistakes().is_empty() {
            return Err(report);
        }
    }
    Ok(Loaded { file: path.display().to_string(), scenarios: vec![], text })
}

/// Reads the scenario file at `path`, which is told as `name`, and what it uses beside it likewise: wherever the folder
/// is.
///
/// # Errors
///
/// Every mistake of the file and of what it reaches of libraries, or why it cannot be read.
pub fn load_file_as(name: &str, path: &Path) -> Result<Loaded, Report> {
    load_in(name, &read(path)?, Some(folder_of(path)))
}

/// Reads a scenario's text, called `name`; what it uses beside it is in that folder.
///
/// # Errors
///
/// Every mistake of the text, and of what it reaches of libraries.
pub fn load_in(name: &str, source: &str, folder: Option<&Path>) -> Result<Loaded, Report> {
    loaded(name, source, (folder, &[]))
}

/// Reads the statements of a text and nothing of what they mean.
///
/// # Errors
///
/// What cannot be read of it.
pub fn look_at_syntax(name: &str, source: &str) -> Result<(), Report> {
    let mut mistakes = Mistakes::new(name, source);
    syntax::parse(source, &mut mistakes);
    mistakes.into_result(())
}

/// Reads a text as if it were in that file, with other texts in the place of some files of libraries, or of files that
/// are not there.
///
/// # Errors
///
/// Every mistake of the text, and of what it reaches of libraries.
pub fn load_replacing(path: &Path, source: &str, replaced: &[Replaced<'_>]) -> Result<Loaded, Report> {
    loaded(&path.display().to_string(), source, (Some(folder_of(path)), replaced))
}

fn loaded(name: &str, source: &str, from: (Option<&Path>, &[Replaced<'_>])) -> Result<Loaded, Report> {
    let mut mistakes = Mistakes::new(name, source);
    let read = library::read_replacing(name, source, from, &mut mistakes);
    mistakes.end_of_syntax();
    lowered(&read, mistakes, name, source)
}

/// Reads everything that a built-in library has, with those of its options, whether a scenario would reach it or not;
/// beside it is declared what it uses of its driver.
///
/// # Errors
///
/// Every mistake of it.
pub fn load_library(name: &str, options: &str, beside: &str) -> Result<(), Report> {
    let source = format!("scenario whole {{ {beside}\nuse {name} {options}; thread whole {{ }} }}");
    let mut mistakes = Mistakes::new(name, &source);
    let read = library::read(name, &source, None, &mut mistakes);
    mistakes.end_of_syntax();
    lowered(&library::Read { whole: true, ..read }, mistakes, name, &source).map(drop)
}

/// Reads a text as if it were in that file, which is one of a library in a folder: with the other files of that, of
/// which some may be replaced, whether a scenario would reach what it says or not.
///
/// # Errors
///
/// Every mistake of all of them; what a driver has to declare is among what they miss.
pub fn load_of_library(path: &Path, source: &str, others: &[Replaced<'_>]) -> Result<(), Report> {
    let folder = folder_of(path);
    let user = "scenario whole { use \"./\"; thread whole { } }";
    let (file, shown) = (path.display().to_string(), folder.join("whole").display().to_string());
    let mut mistakes = Mistakes::new(&shown, user);
    let replaced = [&[Replaced { file: &file, text: source }], others].concat();
    let read = library::read_replacing(&shown, user, (Some(folder), &replaced), &mut mistakes);
    mistakes.end_of_syntax();
    lowered(&library::Read { whole: true, ..read }, mistakes, &shown, user).map(drop)
}

fn lowered(read: &library::Read, mut mistakes: Mistakes, name: &str, source: &str) -> Result<Loaded, Report> {
    let scenarios = match read.libraries.own() {
        Some(unit) => {
            library::look_at(&read.libraries, unit, read.sources.text(), &mut mistakes);
            vec![]
        }
        None => lower::scenarios(read, &mut mistakes),
    };
    mistakes.take_back_guesses();
    mistakes.tell_used(&read.libraries.used);
    mistakes.into_result(Loaded { file: name.to_owned(), scenarios, text: source.to_owned() })
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

/// Reads a stream as text, up to the size that a scenario may have; `name` is what its mistakes call it.
///
/// # Errors
///
/// Why it cannot be read.
pub fn read_from(name: &str, stream: impl Read) -> Result<String, Report> {
    let unreadable = |message: String, help| Err(Report::unreadable(name, message, help));
    let mut bytes = vec![];
    match stream.take(SOURCE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes) {
        Err(error) => unreadable(format!("it cannot be read: {error}"), "check where it comes from"),
        Ok(read) if read > SOURCE_BYTES_MAX => unreadable(
            format!("it is longer than the {SOURCE_BYTES_MAX} bytes that are read"),
            "one scenario a file keeps files small",
        ),
        Ok(_) => {
            String::from_utf8(bytes).or_else(|_| unreadable("it is not UTF-8 text".to_owned(), "save it as UTF-8"))
        }
    }
}

/// Reads a file as text, up to the size that a scenario may have.
///
/// # Errors
///
/// Why it cannot be read.
pub fn read(path: &Path) -> Result<String, Report> {
    let name = path.display().to_string();
    let unreadable = |message: String, help| Err(Report::unreadable(&name, message, help));
    match std::fs::metadata(path) {
        Err(error) => {
            let help = if name.contains("::") {
                "there is no such file; a name behind `::` is that of one of its scenarios or cases"
            } else {
                "check the path"
            };
            return unreadable(format!("the file cannot be read: {error}"), help);
        }
        Ok(data) if data.is_dir() => {
            return unreadable("this is a folder".to_owned(), "name a file in it");
        }
        // Opening a FIFO would wait for somebody to write into it, and a device may have no end.
        Ok(data) if !data.is_file() => {
            return unreadable("this is no file, but a pipe, a socket or a device".to_owned(), "name a file");
        }
        Ok(data) if data.len() > SOURCE_BYTES_MAX as u64 => {
            let message = format!("the file has {} bytes, at most {SOURCE_BYTES_MAX} are read", data.len());
            return unreadable(message, "one scenario a file keeps files small");
        }
        Ok(_) => {}
    }
    let mut bytes = vec![];
    let opened = std::fs::File::open(path);
    // It may have grown since.
    let read = opened.and_then(|file| file.take(SOURCE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    if bytes.len() > SOURCE_BYTES_MAX {
        let message = format!("the file has more than the {SOURCE_BYTES_MAX} bytes that are read");
        return unreadable(message, "one scenario a file keeps files small");
    }
    match read.map(|_| String::from_utf8(bytes)) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => unreadable("the file is not UTF-8 text".to_owned(), "save it as UTF-8"),
        Err(error) => unreadable(format!("the file cannot be read: {error}"), "check its permissions"),
    }
}
