//! `check --watch`: the same again whenever a file is saved.
//!
//! Files are looked at for their times and lengths, many times a second, which works on every file system and needs no
//! watcher of the system's; how often depends on how long one look takes.

use super::{Exit, check, complain, find};
use crate::{args::CheckArgs, files::Selection};
use fenceweave_explore::interrupt;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

/// The time between two looks, if a look is quick.
const PAUSE: Duration = Duration::from_millis(25);
/// So many times longer than a look the pause is, so that watching costs little.
const IDLE: u32 = 15;

/// When each file was changed, and how long it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Checks what was asked for, then each file that is saved; until a signal ends it.
pub(super) fn watch(args: &CheckArgs, libraries: Option<&Path>) -> Exit {
    let selection = Selection::of(&args.paths);
    let look = || look_at(&selection.paths(), libraries);
    let mut seen = look();
    let mut exit = check::check(args);
    if exit == Exit::Usage && seen.is_empty() {
        return exit;
    }
    complain("watching: saved files are checked again, Ctrl-C ends it\n");
    while !interrupt::requested() {
        let begun = Instant::now();
        let now = look();
        let took = begun.elapsed();
        let changed: Vec<PathBuf> = now
            .iter()
            .filter(|(path, as_it_is)| seen.get(*path) != Some(*as_it_is))
            .map(|(path, _)| path.clone())
            .collect();
        seen = now;
        if changed.is_empty() {
            thread::sleep(PAUSE.max(took * IDLE));
            continue;
        }
        if libraries.is_some_and(|folder| changed.iter().any(|path| path.starts_with(folder))) {
            return again();
        }
        exit = check::check(&CheckArgs { paths: to_check(&selection, &changed, args), ..args.clone() });
    }
    exit
}

/// Those of the changed files that were asked for; where another one has changed that they may use, all of them.
fn to_check(selection: &Selection, changed: &[PathBuf], args: &CheckArgs) -> Vec<PathBuf> {
    let Ok(asked) = find(&selection.paths()) else { return args.paths.clone() };
    match changed.iter().all(|path| asked.contains(path)) {
        // What stands behind `::` is asked for still.
        true if args.paths.len() == asked.len() => {
            let of = |path: &&PathBuf| changed.iter().any(|c| Selection::of(&[(*path).clone()]).paths().contains(c));
            args.paths.iter().filter(of).cloned().collect()
        }
        true => changed.to_vec(),
        false => args.paths.clone(),
    }
}

/// Every scenario file that was asked for or may be used by one, as it is now.
fn look_at(paths: &[PathBuf], libraries: Option<&Path>) -> Seen {
    let mut all = vec![];
    for path in paths.iter().map(PathBuf::as_path).chain(libraries) {
        let folder = path.parent().filter(|_| path.is_file());
        all.extend(crate::files::find(&[path.to_owned()]).unwrap_or_default());
        // What a file uses may stand beside it.
        let beside = folder.map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
        for entry in beside.and_then(|f| fs::read_dir(f).ok()).into_iter().flatten().flatten() {
            let near = folder.unwrap_or(Path::new("")).join(entry.file_name());
            if near.extension().is_some_and(|e| e == "kdl") {
                all.push(near);
            }
        }
    }
    let as_it_is = |path: PathBuf| {
        let meta = fs::metadata(&path).ok()?;
        Some((path, (meta.modified().ok(), meta.len())))
    };
    all.into_iter().filter_map(as_it_is).collect()
}

/// Libraries are read once in a process: another one goes on in the place of this one.
fn again() -> Exit {
    let own = env::current_exe().map(Command::new);
    let status = own.and_then(|mut own| own.args(env::args_os().skip(1)).status());
    match status.ok().and_then(|status| status.code()) {
        Some(0) => Exit::Success,
        Some(1) => Exit::Unexpected,
        Some(3) => Exit::Incomplete,
        _ => Exit::Usage,
    }
}
