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
