//! What a text uses: the files of libraries, in the binary and beside it, with what they declare.

use crate::{
    documents::{Document, Documents, Text},
    names::{Name, Names, Used},
    uri,
};
use fenceweave_scenario::{library_files, place_of, sketch};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files that are looked into for one text.
const FILES_MAX: usize = 128;

/// A file of a library.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) uri: String,
    /// As people call it: `ttm/ttm_bo.kdl`.
    pub(crate) shown: String,
    pub(crate) text: Text,
    pub(crate) names: Names,
}

/// The libraries that were looked into so far.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// The folder in which libraries are found before the built-in ones.
    folder: Option<PathBuf>,
    built_in: BTreeMap<String, Vec<Arc<Book>>>,
    /// Files of one's own, as they were when somebody looked into them.
    own: BTreeMap<PathBuf, Arc<Book>>,
}

/// Where a file is, for what it uses itself.
#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    BuiltIn,
}

impl Shelf {
    pub(crate) fn new(folder: Option<PathBuf>) -> Shelf {
        Shelf { folder: folder.map(|folder| folder.canonicalize().unwrap_or(folder)), ..Shelf::default() }
    }

    /// The files of a library of that name; those of a folder that was named have an address of their own, those in the
    /// binary none but ours.
    fn library(&mut self, name: &str) -> Vec<Arc<Book>> {
        if let Some(known) = self.built_in.get(name) {
            return known.clone();
        }
        let books: Vec<Arc<Book>> = library_files(name)
            .into_iter()
            .map(|(file, text)| {
                let own = self.folder.as_ref().map(|folder| folder.join(file)).filter(|path| path.is_file());
                let uri = own.map_or_else(|| uri::of_library(file), |path| uri::of_file(&path));
                Arc::new(Book { uri, shown: file.to_owned(), text: Text::new(text), names: Names::of(text) })
            })
            .collect();
        // A name that somebody is typing is no library yet: nothing is kept of it.
        if !books.is_empty() {
            self.built_in.insert(name.to_owned(), books.clone());
        }
        books
    }

    /// The text of a library's file in the binary.
    pub(crate) fn text_of(uri: &str) -> Option<&'static str> {
        let file = uri::to_library(uri)?;
        let name = file.split('/').next()?.trim_end_matches(".kdl");
        library_files(name).into_iter().find(|(known, _)| *known == file).map(|(_, text)| text)
    }

    /// Every file that a text uses, whatever case or option it is for, and what those use; with the other files of the
    /// library that it is one of.
    pub(crate) fn used_by(&mut self, document: &Document, names: &Names, open: &Documents) -> Vec<Arc<Book>> {
        let mut found: Vec<Arc<Book>> = vec![];
        let mut seen: BTreeSet<String> = BTreeSet::from([document.uri.clone()]);
        let mut queue: VecDeque<(Used, Place)> = VecDeque::new();
        let path = document.path();
        let place =
            path.as_deref().and_then(Path::parent).map_or(Place::BuiltIn, |folder| Place::Folder(folder.into()));
        queue.extend(names.used.iter().map(|used| (used.clone(), place.clone())));
        let beside = match uri::to_library(&document.uri) {
            Some(file) => self.library(file.split('/').next().unwrap_or_default()),
            None if names.is_library() => path.as_deref().map_or_else(Vec::new, |path| self.siblings(path, open)),
            None => vec![],
        };
        let mut books = beside;
        loop {
            for book in books {
                if found.len() < FILES_MAX && seen.insert(book.uri.clone()) {
                    let file = uri::to_file(&book.uri);
                    let place =
                        file.as_deref().and_then(Path::parent).map_or(Place::BuiltIn, |f| Place::Folder(f.into()));
                    queue.extend(book.names.used.iter().map(|used| (used.clone(), place.clone())));
                    found.push(book);
                }
            }
            let Some((used, place)) = queue.pop_front() else { return found };
            books = match (used.quoted, place) {
                (false, _) => self.library(&used.target),
                (true, Place::Folder(folder)) => self.beside_it(&folder.join(&used.target), open),
                (true, Place::BuiltIn) => vec![],
            };
        }
    }

    /// A file, or the files of a folder, that a `use` names.
    fn beside_it(&mut self, path: &Path, open: &Documents) -> Vec<Arc<Book>> {
        let path = place_of(path).unwrap_or_else(|| path.to_owned());
        let paths = if path.is_dir() { files_in(&path, open) } else { vec![path] };
        paths.iter().filter_map(|path| self.book(path, open)).collect()
    }

    fn book(&mut self, path: &Path, open: &Documents) -> Option<Arc<Book>> {
        /// So many files are kept.
        const KEPT: usize = 4 * FILES_MAX;
        let text = open.text_at(path)?;
        if let Some(known) = self.own.get(path).filter(|known| known.text.as_str() == text) {
            return Some(Arc::clone(known));
        }
        let shown = path.file_name()?.to_string_lossy().into_owned();
        let names = Names::of(&text);
        let book = Arc::new(Book { uri: uri::of_file(path), shown, text: Text::new(&text), names });
        if self.own.len() >= KEPT {
            self.own.clear();
        }
        self.own.insert(path.to_owned(), Arc::clone(&book));
        Some(book)
    }

    /// The other files of the library that a file is one of.
    fn siblings(&mut self, path: &Path, open: &Documents) -> Vec<Arc<Book>> {
        if !is_in_library(path, |path| open.text_at(path)) {
            return vec![];
        }
        let own = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let others = files_in(path.parent().unwrap_or(Path::new("")), open).into_iter();
        others.filter(|other| *other != own).filter_map(|other| self.book(&other, open)).collect()
    }
}

/// The address of a file that a mistake is in, as programs call it; `folder` is that of libraries, if one was named.
pub(crate) fn uri_of(file: &str, folder: Option<&Path>) -> String {
    let Some(file) = file.strip_prefix("library/").filter(|_| !Path::new(file).is_file()) else {
        let path = Path::new(file);
        return uri::of_file(&path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    };
    let own = folder.map(|folder| folder.join(file)).filter(|path| path.is_file());
    own.map_or_else(|| uri::of_library(file), |path| uri::of_file(&path))
}

/// Whether a file is one of a library that is a folder: there are others, and none has a scenario.
pub(crate) fn is_in_library(path: &Path, text_at: impl Fn(&Path) -> Option<String>) -> bool {
    let Some(folder) = path.parent() else { return false };
    let files = saved_in(folder);
    let has_none = |path: &PathBuf| {
        let text = text_at(path).unwrap_or_default();
        // Cheaply first: most files that have one say so at the beginning of a line.
        !text.contains("scenario ") || sketch(&text).iter().all(|statement| statement.name != "scenario")
    };
    files.len() > 1 && files.iter().all(has_none)
}

/// The `.kdl` files of a folder, in the order of the names, with those that are open and were not saved so far.
fn files_in(folder: &Path, open: &Documents) -> Vec<PathBuf> {
    let mut all = saved_in(folder);
    let here = folder.canonicalize().ok();
    let places = open.all().filter_map(|document| document.place.clone());
    all.extend(places.filter(|file| file.parent() == here.as_deref() && file.extension().is_some_and(|e| e == "kdl")));
    all.sort();
    all.dedup();
    all.truncate(FILES_MAX);
    all
}

/// Those that were saved.
pub(crate) fn saved_in(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(FILES_MAX * 8);
    let mut all: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "kdl"));
    all.sort();
    all.truncate(FILES_MAX);
    all
}

/// A declaration and the file that it is in; nothing where that is the text itself.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) name: Name,
    pub(crate) book: Option<Arc<Book>>,
}

/// The declarations of a name that a place of a text sees: its own, else those of what it uses.
pub(crate) fn declarations(names: &Names, books: &[Arc<Book>], text: &str, offset: u32) -> Vec<Found> {
    let own: Vec<Found> =
        names.seen(text, offset).into_iter().map(|name| Found { name: name.clone(), book: None }).collect();
    if !own.is_empty() {
        return own;
    }
    let of = |book: &Arc<Book>| {
        let seen = book.names.seen(text, u32::MAX).into_iter();
        seen.map(|name| Found { name: name.clone(), book: Some(Arc::clone(book)) }).collect::<Vec<_>>()
    };
    books.iter().flat_map(of).collect()
}

/// The fields and slots of a name.
pub(crate) fn fields(names: &Names, books: &[Arc<Book>], text: &str) -> Vec<Found> {
    let own = names.fields(text).map(|name| Found { name: name.clone(), book: None });
    let others = books.iter().flat_map(|book| {
        book.names.fields(text).map(|name| Found { name: name.clone(), book: Some(Arc::clone(book)) })
    });
    own.chain(others).collect()
}
