//! The example of a scenario tree in another repository has a lock file of its own, which CI may not change: it has to
//! know every crate that the command is made of.

use crate::source::root;
use std::collections::BTreeSet;

/// The crates of the workspace that a lock file names as packages.
fn packages(lock: &str) -> BTreeSet<&str> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.filter(|name| name.starts_with("fenceweave")).collect()
}

/// Those of the first that the second does not know.
fn missing<'a>(workspace: &'a str, other: &'a str) -> Vec<&'a str> {
    packages(workspace).difference(&packages(other)).copied().collect()
}

#[test]
fn the_downstream_lock_file_knows_every_crate() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a lock file");
    let missing = missing(&read("Cargo.lock"), &read("ci/downstream/Cargo.lock")).join(", ");
    assert!(missing.is_empty(), "`cargo metadata` in ci/downstream writes it anew: it lacks {missing}");
}

#[test]
fn a_crate_that_is_not_known_is_told() {
    let one =
        "[[package]]\nname = \"fenceweave\"\n[[package]]\nname = \"fenceweave-new\"\n[[package]]\nname = \"kdl\"\n";
    assert_eq!(missing(one, "[[package]]\nname = \"fenceweave\"\n"), ["fenceweave-new"]);
}
