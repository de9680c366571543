//! The scenarios that stand in the repository, for tests that look at all of them.

use fenceweave_scenario::{Loaded, load_file, while_typing};
use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
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
        // Those of one folder take long and those of another do not, so each thread takes the next one.
        let (next, all) = (AtomicUsize::new(0), found.iter().map(|_| OnceLock::new()).collect::<Vec<_>>());
        let take = || {
            let next = || next.fetch_add(1, Ordering::Relaxed);
            for at in std::iter::repeat_with(next).take_while(|at| *at < found.len()) {
                let _ = all[at].set(read(&found[at]));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(take))));
        all.into_iter().map(|read| read.into_inner().expect("each is read")).collect()
    })
}

/// That the `kdl` crate reads the same is held by the tests of the language, once for each file.
fn read(path: &Path) -> (PathBuf, Loaded) {
    (path.to_path_buf(), while_typing(|| load_file(path)).expect("a shipped scenario"))
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
