//! The command line around the commands: `new`, `--failures`, `--color`, `--watch`, completions, manual pages, logs.

use crate::project::{BIG, Project, Ran, TWICE, TWO_ORDERS};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

#[test]
fn a_new_scenario_shows_a_mistake_and_its_cure() {
    let project = Project::new();
    let made = project.run("new frob-list").exits(0);
    assert_eq!(made.out, "made ./scenarios/frob-list.kdl\nnext: fenceweave check ./scenarios/frob-list.kdl\n");
    let ran = project.run("check --deny-warnings").exits(0);
    insta::assert_snapshot!(ran.out, @"
    frob-list/without-lock: violates finished-once, as expected
    frob-list/with-lock: holds, as expected

    2 cases in 1 file: 2 as expected
    ");
    project.run("fmt --check").exits(0);
    let again = project.run("new frob-list").exits(2);
    assert!(again.err.contains("is there already, and stays as it is"), "{}", again.err);
}

#[test]
fn a_new_scenario_may_have_a_package_of_tests_around_it() {
    let project = Project::new();
    project.run("new a1 --in my/driver --test").exits(0);
    assert!(project.read("my/driver/Cargo.toml").contains("name = \"a1-scenarios\""));
    assert!(
        project.read("my/driver/scenarios.rs").contains("fenceweave::scenario_tests(\"scenarios\", \"snapshots\")")
    );
    project.run("check my/driver/scenarios").exits(0);
}

#[test]
fn a_name_that_none_may_have_makes_nothing() {
    for name in ["A", "1a", "a/b", "a.b", "../a"] {
        let project = Project::new();
        let ran = project.run(&format!("new {name}")).exits(2);
        assert!(ran.err.contains("is no name for a scenario"), "{}", ran.err);
        assert!(!project.path("scenarios").exists());
    }
}

#[test]
fn failures_alone_are_shown_with_how_many_cases_there_were() {
    let project = Project::new().file("a/twice.kdl", TWICE).file("a/two-orders.kdl", TWO_ORDERS);
    let ran = project.run("check -q a").exits(1);
    assert!(!ran.out.contains("twice/buggy") && ran.out.contains("two-orders: NOT AS EXPECTED"), "{}", ran.out);
    assert!(ran.out.contains("3 cases in 2 files: 2 as expected, 1 not as expected"), "{}", ran.out);
    let quiet = project.run("check --failures a/twice.kdl").exits(0);
    assert_eq!(quiet.out, "\n2 cases in 1 file: 2 as expected\n");
}

#[test]
fn colours_are_there_and_are_not_as_one_says() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("bad.kdl", "scenario bad { lokc }\n");
    let plain = project.run("check two-orders.kdl").exits(1);
    assert!(!plain.out.contains('\x1b'));
    assert!(project.run("--color always check two-orders.kdl").exits(1).out.contains("\x1b["));
    assert_eq!(project.run("check two-orders.kdl --color never").exits(1).out, plain.out);
    assert!(project.run("check bad.kdl --color always").exits(2).err.contains("\x1b["));
    assert!(!project.run("check bad.kdl --color never").exits(2).err.contains('\x1b'));
    assert!(project.run("check --color some two-orders.kdl").exits(2).err.contains("always"));
}

#[test]
fn every_shell_has_completions_and_every_command_a_manual_page() {
    let project = Project::new();
    for shell in ["bash", "fish", "zsh", "powershell", "elvish"] {
        let ran = project.run(&format!("completions {shell}")).exits(0);
        assert!(ran.out.contains("deny-warnings") && ran.out.contains("fenceweave"), "{shell}");
    }
    assert!(project.run("completions tcsh").exits(2).err.contains("zsh"));
    project.run("man pages/man1").exits(0);
    for page in ["fenceweave.1", "fenceweave-check.1", "fenceweave-replay.1"] {
        assert!(project.read(&format!("pages/man1/{page}")).contains(".TH fenceweave"), "{page}");
    }
    let taken = Project::new().file("taken", "").run("man taken").exits(2);
    assert!(taken.err.contains("`man` takes a folder"), "{}", taken.err);
}

#[test]
fn a_log_has_a_line_now_and_then() {
    let project = Project::new().file("big.kdl", BIG);
    let run = |every: &str| {
        let mut command = project.command("check big.kdl --states 80000");
        Ran::of(command.env("FENCEWEAVE_PROGRESS", every).output().expect("the binary starts")).exits(3)
    };
    let told = run("0.01").err;
    let line = told.lines().next().expect("a line");
    assert!(line.starts_with("big  ") && line.contains(" visited  ") && line.contains("  depth "), "{line}");
    assert_eq!(run("0").err, "");
}

/// A run that goes on until it is dropped.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn of(project: &Project, arguments: &str) -> Watching {
        let mut command = project.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (send, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Watching { child, lines }
    }

    /// Waits for a line with that in it.
    #[track_caller]
    fn says(&self, what: &str) {
        let until = Instant::now() + Duration::from_secs(120);
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(what) {
                return;
            }
        }
        panic!("nobody says {what}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_file_that_is_saved_is_checked_again_and_no_other() {
    let project = Project::new().file("a/twice.kdl", TWICE).file("a/two-orders.kdl", TWO_ORDERS);
    let watching = Watching::of(&project, "check --watch a");
    watching.says("3 cases in 2 files");
    let mended = TWO_ORDERS.replace("thread copy { lock fb1; lock fb0;", "thread copy { lock fb0; lock fb1;");
    std::fs::write(project.path("a/two-orders.kdl"), mended).expect("a file");
    watching.says("two-orders: holds, as expected");
    watching.says("1 case in 1 file: 1 as expected");
    std::fs::write(project.path("a/two-orders.kdl"), "scenario half {").expect("a file");
    watching.says("1 file with mistakes");
    std::fs::write(project.path("a/new.kdl"), TWICE).expect("a file");
    watching.says("twice/buggy: violates");
}

#[test]
fn where_there_is_nothing_to_watch_it_ends() {
    assert!(Project::new().run("check --watch nowhere.kdl").exits(2).err.contains("nowhere.kdl"));
}
