//! The scenarios that stand in the repository, for tests that look at all of them.

use fenceweave_scenario::{Case, Loaded, load_file};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Where they are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// Every file of them, in the order of their names; read once, by as many threads as there are processors.
pub(crate) fn scenarios() -> &'static [(PathBuf, Loaded)] {
    static READ: OnceLock<Vec<(PathBuf, Loaded)>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut found = vec![];
        gather(&root(), &mut found);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let parts = found.chunks(found.len().div_ceil(threads).max(1));
            let parts: Vec<_> =
                parts.map(|part| scope.spawn(|| part.iter().map(|path| read(path)).collect::<Vec<_>>())).collect();
            parts.into_iter().flat_map(|part| part.join().expect("each is read")).collect()
        })
    })
}

/// Of each subject so many files, far apart, and of each file its first case, which is mostly right, and its last one,
/// which is mostly wrong.
#[allow(dead_code)] // Not all who look at the scenarios look at some.
pub(crate) fn some_of_each_subject(files: usize) -> impl Iterator<Item = &'static Case> {
    let mut subjects: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, loaded) in scenarios() {
        subjects.entry(path.parent()).or_default().push(loaded);
    }
    let some = move |all: Vec<&'static Loaded>| all.clone().into_iter().step_by(all.len().div_ceil(files));
    let cases = |loaded: &'static Loaded| loaded.scenarios.iter().flat_map(|s| &s.cases);
    let two = move |loaded| cases(loaded).take(1).chain(cases(loaded).skip(1).last());
    subjects.into_values().flat_map(some).flat_map(two)
}

fn read(path: &Path) -> (PathBuf, Loaded) {
    (path.to_path_buf(), load_file(path).expect("a shipped scenario"))
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the scenarios");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|e| e == "kdl") {
            found.push(path);
        }
    }
}
