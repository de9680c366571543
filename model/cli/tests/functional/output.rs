//! What is written and read: output that does not come through is no success, an author's file is whole whatever
//! happens, and a signal ends a search with what it has covered.

use crate::project::{BIG, Project, Ran, TWICE, TWO_ORDERS, works};
use std::{
    fs::{File, OpenOptions},
    process::{Command, Stdio},
    time::Duration,
};

const SWEEP: &str = "sweep --ops 2 --over lock,unlock --objects mutex=2";

/// Runs the binary by a shell, as `$BIN`, in the project's folder.
fn shell(project: &Project, script: &str) -> Ran {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).env("BIN", project.command("").get_program()).current_dir(project.path(""));
    Ran::of(shell.stdin(Stdio::null()).output().expect("a shell"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_no_success() {
    let project = Project::new()
        .file("scenarios/twice.kdl", TWICE)
        .file("cramped.kdl", "scenario s{thread a{choose 1 2 into=x}}");
    let commands = [
        "check",
        "check --json",
        "list",
        "reference",
        "properties",
        "explain scenarios/twice.kdl",
        "--help",
        "check --help",
        "--version",
        "fmt --check cramped.kdl",
        "diagram fence scenarios/twice.kdl",
        SWEEP,
    ];
    for command in commands {
        let ran = shell(&project, &format!("$BIN {command} >/dev/full")).exits(2);
        let told = "standard output cannot be written: No space left on device";
        assert!(ran.err.contains(told), "{command}: {}", ran.err);
    }
}

#[test]
fn an_unexpected_result_that_nobody_could_read_is_no_success_either() {
    let project = Project::new().file("scenarios/a.kdl", TWICE).file("scenarios/b.kdl", TWO_ORDERS);
    let ran = shell(&project, "($BIN check; echo $? >code) | true");
    assert_eq!(ran.err, "");
    let code = project.read("code");
    assert!(["1\n", "2\n"].contains(&code.as_str()), "{code}");
}

/// A limit on the size of files is as good as a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_is_left_as_it_was() {
    let cramped = format!("scenario big {{\nvar x\nthread a {{\n{}}}\n}}\n", "store x   1\n".repeat(2_000));
    let project = Project::new().file("d/s.kdl", &cramped);
    let ran = shell(&project, "trap '' XFSZ; ulimit -f 8; $BIN fmt d/s.kdl").exits(2);
    assert!(ran.err.contains("d/s.kdl: "), "{}", ran.err);
    assert_eq!(project.read("d/s.kdl"), cramped);
    let left = std::fs::read_dir(project.path("d")).expect("a folder").count();
    assert_eq!(left, 1, "something half written was left behind");
    project.run("fmt d/s.kdl").exits(0);
    assert!(project.read("d/s.kdl").contains("        store x 1\n"));
}

#[cfg(unix)]
#[test]
fn a_formatted_file_keeps_its_permissions_and_its_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let project = Project::new().file("s.kdl", "scenario s{thread a{choose 1 2 into=x}}");
    std::fs::set_permissions(project.path("s.kdl"), PermissionsExt::from_mode(0o640)).expect("permissions");
    symlink("s.kdl", project.path("link.kdl")).expect("a link");
    project.run("fmt link.kdl").exits(0);
    let meta = std::fs::symlink_metadata(project.path("link.kdl")).expect("a link");
    assert!(meta.is_symlink() && project.read("s.kdl").starts_with("scenario s { thread a {"));
    let mode = std::fs::metadata(project.path("s.kdl")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_opened() {
    let project = Project::new().file("scenarios/twice.kdl", TWICE);
    shell(&project, "mkfifo scenarios/pipe.kdl state").exits(0);
    for command in [
        "check scenarios",
        "explain scenarios/pipe.kdl",
        "fmt scenarios",
        "shrink scenarios/pipe.kdl",
        "check /dev/zero",
    ] {
        let ran = project.run(command).exits(2);
        assert!(ran.err.contains("this is no file"), "{command}: {}", ran.err);
    }
    for command in ["sweep --resume state", "merge state", "sweep --resume scenarios"] {
        let ran = project.run(command).exits(2);
        assert!(ran.err.contains("this is no file"), "{command}: {}", ran.err);
    }
}

#[test]
fn an_altered_state_of_a_sweep_is_refused() {
    let project = Project::new();
    project.run(&format!("{SWEEP} --state state")).exits(0);
    let text = project.read("state");
    let altered = text.replacen("holding=", "holding=1", 1);
    assert_ne!(altered, text);
    let project = project.file("state", &altered);
    for command in ["sweep --resume state", "merge state"] {
        let ran = project.run(command).exits(2);
        assert!(ran.err.contains("was altered"), "{command}: {}", ran.err);
    }
    assert_eq!(project.read("state"), altered, "it was changed all the same");
}

#[test]
fn two_sweeps_do_not_go_on_with_one_file() {
    let project = Project::new();
    project.run(&format!("{SWEEP} --state state")).exits(0);
    let open = OpenOptions::new().read(true).write(true).open(project.path("state")).expect("the state");
    open.try_lock().expect("nobody else has it");
    let ran = project.run("sweep --resume state").exits(2);
    assert!(ran.err.contains("another sweep is going on with it"), "{}", ran.err);
    drop::<File>(open);
    project.run("sweep --resume state").exits(0);
}

#[test]
fn parts_with_like_names_are_resumed_side_by_side() {
    let project = Project::new();
    for k in 1..=3 {
        project.run(&format!("{SWEEP} --part {k}/3 --state z.{k}")).exits(0);
    }
    let whole = project.run("merge z.1 z.2 z.3").exits(0).out;
    for _ in 0..5 {
        let start =
            |k| project.command(&format!("sweep --resume z.{k}")).stdout(Stdio::null()).spawn().expect("a child");
        let children: Vec<_> = (1..=3).map(start).collect();
        for mut child in children {
            assert_eq!(child.wait().expect("an end").code(), Some(0));
        }
        assert_eq!(project.run("merge z.1 z.2 z.3").exits(0).out, whole);
    }
}

/// Starts a command, lets it run, and sends it a signal.
#[cfg(unix)]
pub(crate) fn signalled(project: &Project, arguments: &str, signal: &str) -> Ran {
    let mut command = project.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    works(&mut child, Duration::from_millis(500));
    let kill = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(kill.expect("kill").success(), "it was over before");
    Ran::of(child.wait_with_output().expect("an end"))
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_search_with_what_it_has_covered() {
    let project = Project::new().file("scenarios/a-big.kdl", BIG).file("scenarios/b-big.kdl", BIG);
    for signal in ["INT", "TERM"] {
        let ran = signalled(&project, "check scenarios --jobs 1", signal).exits(3);
        assert!(ran.out.contains("incomplete: interrupted; "), "{}", ran.out);
        assert!(ran.out.contains("states were found and") && ran.out.contains("1 case in 1 file"), "{}", ran.out);
        assert!(ran.err.contains("interrupted: 1 of 2 files was not looked at"), "{}", ran.err);
    }
    let ran = signalled(&project, "explain scenarios/a-big.kdl --engine shuttle", "INT").exits(3);
    assert!(ran.out.contains("interrupted; ") && ran.out.contains("executions through"), "{}", ran.out);
    signalled(&project, "fuzz --seconds 60", "TERM").exits(3);
}

#[cfg(unix)]
#[test]
fn a_sweep_that_a_signal_has_stopped_goes_on() {
    let project = Project::new();
    let arguments = "--threads 2 --ops 4 --over lock,unlock,down-read,up-read --objects mutex=2 --jobs 2";
    signalled(&project, &format!("sweep {arguments} --state state"), "INT").exits(3);
    let state = project.read("state");
    assert!(state.starts_with("fenceweave sweep 2: ") && !state.contains("\ncomplete "), "{state}");
    let ran = signalled(&project, "sweep --resume state", "TERM").exits(3);
    assert!(!ran.err.contains("altered"), "{}", ran.err);
    assert!(project.read("state").starts_with(state.trim_end()), "what was found before is kept");
}

#[test]
fn nothing_that_a_scenario_says_reaches_the_terminal_raw() {
    let said = "scenario s {\n about \"\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{9b}2J\"\n var x\n thread a { store x 1; load x into=v; \
                assert \"v == 2\" \"\\u{1b}[31m\" }\n expect { at-end \"x == 2\" }\n}\n";
    let raw = said.replace("\\u{1b}", "\u{1b}").replace("\\u{7}", "\u{7}");
    let project = Project::new().file("said.kdl", said).file("raw.kdl", raw);
    for command in ["check", "explain", "list", "check --json"] {
        for file in ["said.kdl", "raw.kdl"] {
            let ran = project.run(&format!("{command} {file}"));
            let all = format!("{}{}", ran.out, ran.err);
            let raw = all.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(raw, None, "{command} {file}: {all:?}");
        }
    }
    assert!(project.run("list said.kdl").exits(0).out.contains("\\u{1b}]0;title"));
}
