//! `fenceweave new NAME`: a first scenario of one's own, and what it takes to have a test of it.

use super::{Exit, tell, usage};
use crate::{args::NewArgs, files};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A mistake and its cure, so that both can be seen; `NAME` is the scenario's name.
const SCENARIO: &str = r#"scenario NAME {
    about "Two threads take a job off a list. Without the lock both may find it there, and finish it twice."
    case without-lock with-lock

    // What threads share. `fenceweave reference` has all that can be declared.
    lock table
    var queued init=1
    var finished init=0

    // Two threads that do the same, each with locals of its own.
    thread worker count=2 {
        only with-lock { lock table }
        load queued into=found
        when "found == 1" {
            store queued 0
            add finished 1
        }
        only with-lock { unlock table }
    }

    // What must be true. A case that shows a mistake says so: then `check` fails if the mistake is not there any more.
    expect {
        only with-lock { holds; at-end "finished == 1" }
        only without-lock { at-end "finished == 1" as=finished-once; violates finished-once }
    }
}
"#;

const MANIFEST: &str = r#"[package]
name = "NAME-scenarios"
version = "0.0.0"
edition = "2024"
publish = false

[lib]
path = "lib.rs"

# Or, before it is published: `fenceweave = { git = "…" }`, or a path to `model/cli` of a checkout.
[dev-dependencies]
fenceweave = "VERSION"

[[test]]
name = "scenarios"
path = "scenarios.rs"
harness = false
"#;

const LIBRARY: &str = "//! Nothing: this package has tests of scenarios and no code.\n";

const TEST: &str = "//! A test for every case in `scenarios`, against its reviewed snapshot in `snapshots`.

fn main() -> std::process::ExitCode {
    fenceweave::scenario_tests(\"scenarios\", \"snapshots\")
}
";

/// Makes the files; none of them if one is there.
pub(super) fn new(args: &NewArgs) -> Exit {
    if let Err(why) = is_name(&args.name) {
        return usage(&why);
    }
    let made = |text: &str| text.replace("NAME", &args.name).replace("VERSION", env!("CARGO_PKG_VERSION"));
    let mut all: Vec<(PathBuf, String)> = vec![(scenario_path(args), made(SCENARIO))];
    if args.test {
        let files = [("Cargo.toml", MANIFEST), ("lib.rs", LIBRARY), ("scenarios.rs", TEST)];
        all.extend(files.map(|(file, text)| (args.folder.join(file), made(text))));
    }
    if let Some((there, _)) = all.iter().find(|(path, _)| path.exists()) {
        return usage(&format!("{} is there already, and stays as it is: take another name", there.display()));
    }
    for (path, text) in &all {
        let folder = path.parent().unwrap_or(Path::new(""));
        let written = fs::create_dir_all(folder).and_then(|()| files::write_whole(path, text));
        if let Err(e) = written {
            return usage(&format!("{}: {e}", path.display()));
        }
    }
    let mut said: String = all.iter().map(|(path, _)| format!("made {}\n", path.display())).collect();
    said.push_str(&format!("next: fenceweave check {}\n", scenario_path(args).display()));
    tell(&said)
}

fn scenario_path(args: &NewArgs) -> PathBuf {
    args.folder.join("scenarios").join(format!("{}.kdl", args.name))
}

/// Whether a scenario, a file and a package may have that name.
fn is_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(good) && name.len() <= 60 {
        true => Ok(()),
        false => Err(format!("`{name}` is no name for a scenario: it begins with a letter, and has a-z, 0-9 and `-`")),
    }
}
