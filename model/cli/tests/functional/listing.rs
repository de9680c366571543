//! `list`, `properties`, `reference` and the help.

use crate::project::{Project, TWICE};

#[test]
fn scenarios_with_their_cases_and_what_they_are_about() {
    let project = Project::new()
        .file("scenarios/twice.kdl", TWICE)
        .file("scenarios/bare.kdl", "scenario bare { resv fb; thread a { lock fb; unlock fb } }");
    insta::assert_snapshot!(project.run("list").sheet(), @"");
}

#[test]
fn a_file_with_mistakes_is_told_and_the_others_are_listed() {
    let project = Project::new().file("scenarios/a.kdl", "scenari").file("scenarios/twice.kdl", TWICE);
    let ran = project.run("list").exits(2);
    assert!(ran.out.starts_with("twice [buggy, fixed]") && ran.err.contains("a.kdl"), "{}{}", ran.out, ran.err);
}

#[test]
fn every_property_has_a_meaning_and_an_origin() {
    let ran = Project::new().run("properties").exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines.len() > 20 && lines.len().is_multiple_of(2));
    for entry in lines.chunks(2) {
        assert!(entry[0].split_whitespace().count() > 2, "{}", entry[0]);
        assert!(entry[1].trim_start().starts_with("from: "), "{}", entry[1]);
    }
    insta::assert_snapshot!(lines[..2].join("\n"), @"");
}

#[test]
fn the_reference_has_every_operation_of_the_language() {
    let ran = Project::new().run("reference").exits(0);
    for word in ["lock-all", "cmpxchg", "wait-queue", "goto", "sometimes"] {
        assert!(ran.out.contains(word), "{word} is missing");
    }
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    insta::assert_snapshot!(Project::new().run("--help").sheet(), @"");
    assert!(Project::new().run("--version").exits(0).out.starts_with("fenceweave "));
}
