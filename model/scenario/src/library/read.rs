//! The files that a scenario and its libraries use, read and parsed once each.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use super::apart::keep_apart;
use super::built_in;
use super::decls::{OF_SCENARIOS, SECTIONS, is_declared};
use super::head::{self, Head};
use crate::mistakes::{Mistakes, Report, Span, did_you_mean};
use crate::sources::{ALL_BYTES_MAX, Sources};
use crate::syntax::{self, Entry, File, Name, Node, Value, ValueKind};

/// Files of all libraries that one scenario may use.
const FILES_MAX: usize = 128;

/// What one load reads.
pub(crate) struct Read {
    /// The texts.
    pub(crate) sources: Sources,
    /// What the scenario's file says.
    pub(crate) tree: File,
    /// What the others say.
    pub(crate) libraries: Libraries,
    /// All of that is looked at, not only what is reached.
    pub(crate) whole: bool,
}

/// The libraries that some case uses.
#[derive(Default)]
pub(crate) struct Libraries {
    pub(crate) units: Vec<Unit>,
    /// Which library each `use` is about, by its place.
    uses: BTreeMap<u32, usize>,
    /// By which `use` each file was read; nothing for the scenario's own.
    pub(crate) used: Vec<Option<Span>>,
}

/// One library.
pub(crate) struct Unit {
    pub(crate) name: String,
    pub(crate) files: Vec<Text>,
    pub(crate) head: Head,
}

/// One file of a library.
pub(crate) struct Text {
    /// Its number among all that were read.
    pub(crate) number: usize,
    pub(crate) tree: File,
}

impl Libraries {
    /// The library that a `use` is about, if it could be read.
    pub(crate) fn of(&self, node: &Node) -> Option<usize> {
        self.uses.get(&node.head.start).copied()
    }

    /// The scenario's own file, if that is none but a library.
    pub(crate) fn own(&self) -> Option<usize> {
        self.units.iter().position(|unit| unit.files.iter().any(|file| file.number == 0))
    }
}

/// A library's file with another text in its place: what if it said that?
#[derive(Debug, Clone, Copy)]
pub struct Replaced<'t> {
    /// The file: as [`library_files`](crate::library_files) names it, or where it is.
    pub file: &'t str,
    /// What it says instead.
    pub text: &'t str,
}

impl Replaced<'_> {
    /// Whether that is the file of this name, as a program knows it.
    pub fn is(&self, name: &str) -> bool {
        let is_there = || place_of(Path::new(name)).is_some_and(|there| Some(there) == place_of(Path::new(self.file)));
        name.strip_prefix("library/") == Some(self.file) || is_there()
    }
}

/// Where a file is, whatever it is called by; one that nobody has saved so far is where its folder is.
pub fn place_of(path: &Path) -> Option<PathBuf> {
    let unsaved = || Some(crate::load::folder_of(path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(unsaved)
}

/// Reads what a scenario's file uses. `folder` is where that file is; a text that is in none uses no files.
pub(crate) fn read(name: &str, source: &str, folder: Option<&Path>, mistakes: &mut Mistakes) -> Read {
    read_replacing(name, source, (folder, &[]), mistakes)
}

/// The same with the texts of some files of libraries replaced.
pub(crate) fn read_replacing(
    name: &str,
    source: &str,
    (folder, replaced): (Option<&Path>, &[Replaced<'_>]),
    mistakes: &mut Mistakes,
) -> Read {
    let mut tree = syntax::parse(source, mistakes);
    syntax::spell_out(&mut tree);
    let mut reader = Reader {
        sources: Sources::new(name, source),
        libraries: Libraries { used: vec![None], ..Libraries::default() },
        folders: vec![folder.map(Path::to_path_buf)],
        known: BTreeMap::new(),
        open: VecDeque::new(),
        told_too_much: false,
        replaced: replaced.iter().map(|replaced| (place_of(Path::new(replaced.file)), *replaced)).collect(),
        mistakes,
    };
    for scenario in &tree.nodes {
        reader.collect(scenario.children(), 0);
    }
    reader.collect(&tree.nodes, 0);
    if is_library(&tree) {
        let unit = reader.unit(name.to_owned(), String::new());
        reader.libraries.units[unit].files.push(Text { number: 0, tree: tree.clone() });
    }
    // In the order written, so that what is told of a library names the first `use` of it.
    while let Some((span, target, file)) = reader.open.pop_front() {
        reader.follow(span, &target, file);
    }
    let Reader { mut sources, mut libraries, mistakes, .. } = reader;
    for at in 0..libraries.units.len() {
        libraries.units[at].head = head::read(&libraries.units[at], sources.text(), mistakes);
    }
    tell_circles(&libraries, mistakes);
    keep_apart(&mut libraries, &tree, &mut sources, mistakes);
    Read { sources, tree, libraries, whole: false }
}

/// Whether a file is one of a library: it has no scenario, and something that a library has.
pub(crate) fn is_library(tree: &File) -> bool {
    let word = |node: &Node| node.name.text.clone();
    let known = |word: String| SECTIONS.iter().any(|(known, ..)| *known == word) || is_declared(&word);
    let of_scenario = |word: String| OF_SCENARIOS.contains(&word.as_str());
    !tree.nodes.iter().map(word).any(of_scenario) && tree.nodes.iter().map(word).any(known)
}

/// Whether a file is one of several of a library in a folder, none of which has a scenario.
pub(crate) fn is_of_folder(path: &Path, text: &str) -> bool {
    let is_one = |text: &str| is_library(&syntax::parse(text, &mut Mistakes::new("", text)));
    if !is_one(text) {
        return false;
    }
    let all = texts_of(crate::load::folder_of(path), &[]).unwrap_or_default();
    all.len() > 1 && all.iter().all(|(_, text)| is_one(text))
}

/// What a `use` names.
enum Target {
    BuiltIn(String),
    File(String),
}

/// Where a library's file is.
enum Origin<'a> {
    /// In a library that `use NAME` finds: the file below that.
    BuiltIn(&'static str),
    /// Beside the scenario's: as it is told, and the folder that it is in.
    Beside(&'a str, Option<&'a Path>),
}

impl Origin<'_> {
    /// As a program knows it.
    fn name(&self) -> String {
        match self {
            Origin::BuiltIn(file) => format!("library/{file}"),
            Origin::Beside(name, _) => (*name).to_owned(),
        }
    }
}

struct Reader<'m> {
    sources: Sources,
    libraries: Libraries,
    /// The folder of each file, for what is used beside it.
    folders: Vec<Option<PathBuf>>,
    /// The libraries by what they are called, or where they are.
    known: BTreeMap<String, usize>,
    /// Each `use` that nobody has looked at: its place, what it names, and the file that it is in.
    open: VecDeque<(Span, Target, usize)>,
    told_too_much: bool,
    /// Texts in the place of others, each with the place of its file.
    replaced: Vec<(Option<PathBuf>, Replaced<'m>)>,
    mistakes: &'m mut Mistakes,
}

impl Reader<'_> {
    /// Notes every `use` among statements, whatever cases or options it is for.
    fn collect(&mut self, nodes: &[Node], file: usize) {
        for node in nodes.iter().filter(|node| !node.broken) {
            if crate::lower::is_of_cases(node) {
                self.collect(node.children(), file);
            } else if node.name.text == "use"
                && let Some(target) = self.target(node)
            {
                self.open.push_back((node.head, target, file));
            }
        }
    }

    /// `use NAME OPTION=VALUE…`, `use "./FILE.kdl"`
    fn target(&mut self, node: &Node) -> Option<Target> {
        let is_option = |entry: &Entry| entry.key.is_some();
        let target = match node.entries.split_first() {
            Some((Entry { key: None, value }, options)) if options.iter().all(is_option) && node.block.is_none() => {
                match &value.kind {
                    ValueKind::Word(name) => Some(Target::BuiltIn(name.clone())),
                    ValueKind::Text { said, .. } if said.starts_with("./") || said.starts_with("../") => {
                        Some(Target::File(said.clone()))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if target.is_none() {
            self.mistakes
                .add("use", node.head, "`use` names one library")
                .expected("`use NAME [OPTION=VALUE]…`, or `use \"./FILE.kdl\"` for one of your own")
                .help("`fenceweave library` lists those that are built in");
        }
        target
    }

    fn follow(&mut self, span: Span, target: &Target, file: usize) {
        let unit = match target {
            Target::BuiltIn(name) => self.built_in(span, name),
            Target::File(said) => self.beside(span, said, file),
        };
        if let Some(unit) = unit {
            self.libraries.uses.insert(span.start, unit);
            if let Some(from) = self.sources.library_of(span) {
                self.sources.note_use(from, unit);
            }
        }
    }

    fn built_in(&mut self, span: Span, name: &str) -> Option<usize> {
        if let Some(known) = self.known.get(name) {
            return Some(*known);
        }
        let files: Vec<(&'static str, &str)> = built_in::files(name).collect();
        if files.is_empty() {
            let names = built_in::names();
            self.mistakes
                .add("use", span, format!("there is no library `{name}`"))
                .expected("a library that is built in, or `\"./FILE.kdl\"`")
                .help(did_you_mean(name, names).unwrap_or_else(|| "`fenceweave library` lists them".to_owned()));
            return None;
        }
        let unit = self.unit(name.to_owned(), name.to_owned());
        for (file, text) in files {
            self.file(unit, span, Origin::BuiltIn(file), text);
        }
        Some(unit)
    }

    /// A file, or a folder, of the author's own.
    fn beside(&mut self, span: Span, said: &str, file: usize) -> Option<usize> {
        let Some(folder) = self.folders.get(file).cloned().flatten() else {
            self.mistakes
                .add("use", span, "a text that is in no file has no files beside it")
                .expected("a library that is built in");
            return None;
        };
        let path = folder.join(said.strip_prefix("./").unwrap_or(said));
        let identity = place_of(&path).unwrap_or_else(|| path.clone()).display().to_string();
        if let Some(known) = self.known.get(&identity) {
            return Some(*known);
        }
        let texts = match texts_of(&path, &self.replaced) {
            Ok(texts) => texts,
            Err(why) => {
                let name = self.shown(&path);
                self.mistakes
                    .add("use", span, format!("{name}: {why}"))
                    .expected("a file of functions and declarations, named from where this one is");
                return None;
            }
        };
        let unit = self.unit(said.to_owned(), identity);
        for (path, text) in &texts {
            let name = self.shown(path);
            self.file(unit, span, Origin::Beside(&name, path.parent()), text);
        }
        Some(unit)
    }

    /// A file as it is told: from where the scenario's file is as that was named, wherever both are.
    fn shown(&self, path: &Path) -> String {
        let named = self.sources.names().next().and_then(|name| Path::new(name).parent());
        let below = self.folders.first().and_then(Option::as_deref).and_then(|folder| path.strip_prefix(folder).ok());
        let shown = named.zip(below).map(|(named, below)| named.join(below));
        shown.as_deref().unwrap_or(path).display().to_string()
    }

    fn unit(&mut self, name: String, identity: String) -> usize {
        self.libraries.units.push(Unit { name, files: Vec::new(), head: Head::default() });
        self.known.insert(identity, self.libraries.units.len() - 1);
        self.libraries.units.len() - 1
    }

    /// Reads one more file of a library.
    fn file(&mut self, unit: usize, span: Span, origin: Origin<'_>, text: &str) {
        let name = &origin.name();
        let replaced = instead_of(name, &self.replaced);
        let text = replaced.unwrap_or(text);
        if self.folders.len() > FILES_MAX || self.sources.text().len() + text.len() > ALL_BYTES_MAX {
            if !std::mem::replace(&mut self.told_too_much, true) {
                self.mistakes
                    .add("too-large", span, "this uses too much")
                    .expected(format!("at most {FILES_MAX} files, of {ALL_BYTES_MAX} bytes together"));
            }
            return;
        }
        let library = matches!(origin, Origin::BuiltIn(_)).then_some(unit);
        let mut own = Mistakes::new(name, text);
        let (mut tree, folder) = match origin {
            Origin::BuiltIn(file) if replaced.is_none() => (built_in::tree(file, text, &mut own), None),
            Origin::BuiltIn(_) => (syntax::parse(text, &mut own), None),
            Origin::Beside(_, folder) => (syntax::parse(text, &mut own), folder),
        };
        syntax::spell_out(&mut tree);
        let (number, start) = self.sources.push(name, text, library);
        self.mistakes.take_file(start, own);
        tree.nodes.iter_mut().for_each(|node| move_on(node, start));
        self.libraries.used.push(Some(span));
        self.folders.push(folder.map(Path::to_path_buf));
        self.collect(&tree.nodes, number);
        self.libraries.units[unit].files.push(Text { number, tree });
    }
}

/// What a file of that name says instead of its text.
fn instead_of<'m>(name: &str, replaced: &[(Option<PathBuf>, Replaced<'m>)]) -> Option<&'m str> {
    let place = if replaced.is_empty() { None } else { place_of(Path::new(name)) };
    let is_it = |(there, replaced): &&(Option<PathBuf>, Replaced<'m>)| {
        name.strip_prefix("library/") == Some(replaced.file) || place.is_some() && *there == place
    };
    replaced.iter().find(is_it).map(|(_, replaced)| replaced.text)
}

/// The texts of a file, or of the files of a folder, by their names. What is replaced need not be there.
fn texts_of(path: &Path, replaced: &[(Option<PathBuf>, Replaced<'_>)]) -> Result<Vec<(PathBuf, String)>, String> {
    let mut paths = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| e.to_string())?;
        paths = entries.take(FILES_MAX * 8).filter_map(|entry| Some(entry.ok()?.path())).collect();
        let here = path.canonicalize().ok();
        let in_it = |file: &Path| file.parent() == here.as_deref();
        let places = replaced.iter().filter_map(|(place, _)| place.as_deref()).filter(|file| in_it(file));
        paths.extend(places.filter_map(|file| Some(path.join(file.file_name()?))));
        paths.retain(|path| path.extension().is_some_and(|e| e == "kdl"));
        paths.sort();
        paths.dedup();
        if paths.is_empty() {
            return Err("there is no `.kdl` file in this folder".to_owned());
        }
    }
    let told = |report: &Report| report.mistakes().first().map_or_else(String::new, |told| told.message().to_owned());
    let read = |path: PathBuf| match crate::load::read(&path) {
        Ok(text) => Ok((path, text)),
        Err(report) => match instead_of(&path.display().to_string(), replaced) {
            Some(text) => Ok((path, text.to_owned())),
            None => Err(told(&report)),
        },
    };
    paths.into_iter().take(FILES_MAX).map(read).collect()
}

/// Every place of a statement further on: it is one in the text of all files.
fn move_on(node: &mut Node, by: u32) {
    let name = |name: &mut Name| name.span = name.span.on_by(by);
    let value = |value: &mut Value| {
        value.span = value.span.on_by(by);
        if let ValueKind::Text { inner, .. } = &mut value.kind {
            *inner = inner.on_by(by);
        }
    };
    name(&mut node.name);
    node.head = node.head.on_by(by);
    for entry in &mut node.entries {
        entry.key.iter_mut().for_each(name);
        value(&mut entry.value);
    }
    if let Some(block) = &mut node.block {
        block.span = block.span.on_by(by);
        block.nodes.iter_mut().for_each(|node| move_on(node, by));
    }
}

/// Tells libraries that use each other in a circle: which `use` closes it, and by which it is come to.
fn tell_circles(libraries: &Libraries, mistakes: &mut Mistakes) {
    let edges: Vec<Vec<(Span, usize)>> = libraries.units.iter().map(|unit| uses_of(libraries, unit)).collect();
    let mut done = vec![false; edges.len()];
    for from in 0..edges.len() {
        // The way that was gone: each library, the `use` that led to it, and how many of its own were followed.
        let mut way: Vec<(usize, Option<Span>, usize)> = vec![(from, None, 0)];
        while let Some((at, led, next)) = way.last_mut() {
            let (at, led) = (*at, *led);
            let Some((span, to)) = edges[at].get(*next).copied().filter(|_| !done[at]) else {
                done[at] = true;
                way.pop();
                continue;
            };
            *next += 1;
            if let Some(begin) = way.iter().position(|(known, ..)| *known == to) {
                let names: Vec<&str> =
                    way[begin..].iter().map(|(unit, ..)| libraries.units[*unit].name.as_str()).collect();
                let first = &libraries.units[to].name;
                let other = way.get(begin + 1).and_then(|(_, led, _)| *led).or(led).filter(|other| *other != span);
                mistakes
                    .add("use", span, format!("libraries use each other in a circle: {}, {first}", names.join(", ")))
                    .expected("files that need each other in one folder, which is one library")
                    .seen_if(other, "the circle begins here");
            } else {
                way.push((to, Some(span), 0));
            }
        }
    }
}

/// Each `use` of a library, and the library that it is about.
fn uses_of(libraries: &Libraries, unit: &Unit) -> Vec<(Span, usize)> {
    fn find(libraries: &Libraries, nodes: &[Node], found: &mut Vec<(Span, usize)>) {
        for node in nodes {
            if crate::lower::is_of_cases(node) {
                find(libraries, node.children(), found);
            } else if let (true, Some(unit)) = (node.name.text == "use", libraries.of(node)) {
                found.push((node.head, unit));
            }
        }
    }
    let mut found = Vec::new();
    unit.files.iter().for_each(|file| find(libraries, &file.tree.nodes, &mut found));
    found
}
