//! The scenarios that stand in the repository, for tests that look at all of them.

use fenceweave_scenario::{Loaded, load_file};
use std::{
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
