//! `check --spill`: what does not fit into memory goes to disk, what is found is the same, and nothing is left there.

use crate::project::{Project, Ran};

/// Nearly thirty thousand states, which nothing goes round in; two of the writers should not come so far at once.
const COUNTED: &str = r#"scenario counted {
    about "Four threads count, each for itself."
    case right wrong stuck
    var a b c d
    thread one { store a 1; store a 2; store a 3; store a 4; store a 5; store a 6
        store a 7; store a 8; store a 9; store a 10; store a 11; store a 12 }
    thread two { store b 1; store b 2; store b 3; store b 4; store b 5; store b 6
        store b 7; store b 8; store b 9; store b 10; store b 11; store b 12 }
    thread three { store c 1; store c 2; store c 3; store c 4; store c 5; store c 6
        store c 7; store c 8; store c 9; store c 10; store c 11; store c 12 }
    completion done
    thread four {
        store d 1; store d 2; store d 3; store d 4; store d 5; store d 6; store d 7; store d 8; store d 9
        only wrong { store d 10 }
        only stuck { wait-for-completion done }
    }
    expect {
        sometimes "a == 12 && b == 0"
        only right { holds; at-end "a + b + c + d == 45" }
        only wrong { never "a == 3 && b == 2" }
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
        let cut = project.run(&format!("{arguments} --memory 1"));
        assert!(cut.out.contains("more than 1 MiB of memory"), "{}", cut.out);
        assert_eq!(project.run(&format!("{arguments} --memory 1 --spill disk")), whole, "{arguments}");
        assert_eq!(left(&project), 0);
    }
}

#[test]
fn a_directory_that_does_not_do_is_refused() {
    let project = project();
    let linux = if cfg!(target_os = "linux") { 3 } else { 2 };
    for (directory, what) in [
        ("nowhere", "there is no directory nowhere: `mkdir -p nowhere` makes it"),
        ("counted.kdl", "counted.kdl is no directory"),
        ("/proc", "no file can be written in /proc"),
    ]
    .into_iter()
    .take(linux)
    {
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
