//! `fmt`: one spacing, every comment kept, nothing touched that is not understood.

use crate::project::{Project, Ran, TWICE};
use std::{io::Write, process::Stdio};

const CRAMPED: &str = "// at the top\nscenario s{about \"x\";resv  fb // the buffer\n\
                       thread a{lock fb /* why */;unlock fb}\n/* before */ expect{holds}}\n// at the end\n";

#[test]
fn formats_and_keeps_every_comment() {
    let project = Project::new().file("s.kdl", CRAMPED);
    insta::assert_snapshot!(project.run("fmt s.kdl").sheet(), @"
    s.kdl changed
    -- exit code 0
    ");
    let formatted = project.read("s.kdl");
    insta::assert_snapshot!(formatted, @r#"
    // at the top
    scenario s {
        about "x"; resv fb // the buffer
        thread a { lock fb /* why */; unlock fb }
        /* before */ expect { holds }
    }
    // at the end
    "#);
    for comment in ["// at the top", "// the buffer", "/* why */", "/* before */", "// at the end"] {
        assert!(formatted.contains(comment), "{comment} is gone");
    }
}

#[test]
fn a_second_time_changes_nothing() {
    let project = Project::new().file("scenarios/s.kdl", CRAMPED).file("scenarios/twice.kdl", TWICE);
    project.run("fmt").exits(0);
    let once = (project.read("scenarios/s.kdl"), project.read("scenarios/twice.kdl"));
    let again = project.run("fmt").exits(0);
    assert_eq!((again.out, again.err), (String::new(), String::new()));
    assert_eq!((project.read("scenarios/s.kdl"), project.read("scenarios/twice.kdl")), once);
    project.run("fmt --check").exits(0);
    project.run("check").exits(0);
}

#[test]
fn check_changes_nothing_and_fails() {
    let project = Project::new().file("s.kdl", CRAMPED);
    insta::assert_snapshot!(project.run("fmt --check s.kdl").sheet(), @"
    s.kdl would change
    -- exit code 1
    ");
    assert_eq!(project.read("s.kdl"), CRAMPED);
}

#[test]
fn a_file_with_mistakes_is_left_as_it_is() {
    let unclosed = "scenario s {\n thread a { lock fb\n";
    let project = Project::new().file("scenarios/bad.kdl", unclosed).file("scenarios/good.kdl", CRAMPED);
    let ran = project.run("fmt").exits(2);
    assert_eq!(ran.out, "scenarios/good.kdl changed\n");
    assert!(ran.err.contains("scenarios/bad.kdl:2:11"), "{}", ran.err);
    assert_eq!(project.read("scenarios/bad.kdl"), unclosed);
}

#[test]
fn a_dash_formats_standard_input_to_standard_output() {
    let project = Project::new();
    let piped = |arguments: &str, text: &str| {
        let mut command = project.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("read to its end");
        Ran::of(child.wait_with_output().expect("ends"))
    };
    let once = piped("fmt -", CRAMPED).exits(0);
    assert_ne!(once.out, CRAMPED);
    assert_eq!(piped("fmt -", &once.out).exits(0).out, once.out);
    piped("fmt - --check", CRAMPED).exits(1);
    piped("fmt - --check", &once.out).exits(0);
    let bad = piped("fmt -", "scenario s {\n thread a { lock fb\n").exits(2);
    assert!(bad.out.is_empty() && bad.err.contains("standard input:2:"), "{}{}", bad.out, bad.err);
    project.run("fmt - scenarios").exits(2);
}
