//! `check --spill`: what does not fit into memory goes to disk, what is found is the same, and nothing is left there.

use crate::project::{Project, Ran};

/// Some thousand states, and a counter that two may lose; or a lock that is never given back.
const COUNTED: &str = r#"scenario counted {
    about "Threads take one lock, again and again, and two count."
    case right wrong stuck
    resv fb
    var turns
    thread one {
        only right stuck { lock fb; load turns into=was; store turns "was + 1"; unlock fb; lock fb; unlock fb }
        only wrong { lock fb; unlock fb; load turns into=was; store turns "was + 1"; lock fb; unlock fb }
    }
    thread two {
        lock fb; load turns into=was; store turns "was + 1"; unlock fb
        lock fb; unlock fb; lock fb; unlock fb
    }
    thread three { lock fb; unlock fb; lock fb; only right wrong { unlock fb } }
    expect {
        sometimes "two.was == 1"
        only right { holds; at-end "turns == 2" }
        only wrong { sometimes "turns == 1" }
    }
}
"#;

fn project() -> Project {
    Project::new().file("counted.kdl", COUNTED).file("disk/kept", "")
}

/// Files in the directory, besides the one that was there.
fn left(project: &Project) -> usize {
    std::fs::read_dir(project.path("disk")).expect("the directory").count() - 1
}

#[test]
fn what_is_found_is_the_same_and_nothing_is_left() {
    let project = project();
    for arguments in [
        "check counted.kdl::right --json --fine --jobs 1",
        "check counted.kdl::right --fine --jobs 3 --coverage",
        "check counted.kdl::wrong --json --fine",
        "check counted.kdl::stuck --json --fine",
    ] {
        let whole = project.run(arguments);
        assert!(matches!(whole.code, Some(0 | 1)), "{arguments}: {whole:?}");
        let cut = project.run(&format!("{arguments} --memory 1")).exits(3);
        assert!(cut.out.contains("more than 1 MiB of memory"), "{}", cut.out);
        assert_eq!(project.run(&format!("{arguments} --memory 1 --spill disk")), whole, "{arguments}");
        assert_eq!(left(&project), 0);
    }
}

#[test]
fn a_directory_that_does_not_do_is_refused() {
    let project = project();
    for (directory, what) in [
        ("nowhere", "there is no directory nowhere: `mkdir -p nowhere` makes it"),
        ("counted.kdl", "counted.kdl is no directory"),
        ("/proc", "no file can be written in /proc"),
    ] {
        let ran = project.run(&format!("check counted.kdl::right --spill {directory}")).exits(2);
        assert!(ran.err.contains(what), "{}", ran.err);
    }
}

#[test]
fn what_keeps_everything_in_memory_does_not_go_with_it() {
    let project = project();
    for other in ["--state kept.state", "--exact", "--sample urw", "--engine shuttle"] {
        project.run(&format!("check counted.kdl::right --spill disk {other}")).exits(2);
    }
}

/// A file that may not become larger is a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_is_a_limit() {
    let project = project();
    let binary = env!("CARGO_BIN_EXE_fenceweave");
    let check = format!("{binary} check counted.kdl::right --fine --memory 1 --spill disk");
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(project.path("")).args(["-c", &format!("trap '' XFSZ; ulimit -f 8; {check}")]);
    let ran = Ran::of(shell.output().expect("a shell")).exits(3);
    let said: String = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("what does not fit into memory could not be written in disk"), "{}", ran.out);
    assert!(said.contains("states were found"), "{}", ran.out);
    assert_eq!(left(&project), 0);
}
