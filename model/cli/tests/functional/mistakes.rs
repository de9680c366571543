//! Mistakes of the author: told all at once, each with its place and a way out, and never a panic.

use crate::project::{Project, TWICE};

#[test]
fn all_mistakes_of_a_file_at_once_with_their_places() {
    let project = Project::new().file(
        "typos.kdl",
        r#"scenario typos {
    about "Little of this is right."
    resv fb
    thread a { lokc fb; unlock fb }
    thread b { signal fb; goto nowhere }
    expect { hodls }
}
"#,
    );
    insta::assert_snapshot!(project.run("check typos.kdl").sheet(), @r#"

    1 file with mistakes
    -- standard error
    unknown-op

      × there is no operation `lokc`
       ╭─[typos.kdl:4:16]
     3 │     resv fb
     4 │     thread a { lokc fb; unlock fb }
       ·                ──┬─
       ·                  ╰── expected an operation, a statement, a function or a proc
     5 │     thread b { signal fb; goto nowhere }
       ╰────
      help: did you mean `lock`?

    wrong-kind

      × `fb` is a resv
       ╭─[typos.kdl:5:23]
     2 │     about "Little of this is right."
     3 │     resv fb
       ·          ─┬
       ·           ╰── declared here
     4 │     thread a { lokc fb; unlock fb }
     5 │     thread b { signal fb; goto nowhere }
       ·                       ─┬
       ·                        ╰── expected a fence
     6 │     expect { hodls }
       ╰────

    unknown-label

      × there is no label `nowhere` in this block or one around it
       ╭─[typos.kdl:5:32]
     4 │     thread a { lokc fb; unlock fb }
     5 │     thread b { signal fb; goto nowhere }
       ·                                ───┬───
       ·                                   ╰── expected a label further down
     6 │     expect { hodls }
       ╰────

    unknown-clause

      × `hodls` is no expectation
       ╭─[typos.kdl:6:14]
     5 │     thread b { signal fb; goto nowhere }
     6 │     expect { hodls }
       ·              ──┬──
       ·                ╰── expected `holds`, `violates`, `never`, `always`, `at-end`, `sometimes`, `eventually`, `settles`, `unreached` or `allow`
     7 │ }
       ╰────
      help: did you mean `holds`?

    -- exit code 2
    "#);
}

#[test]
fn a_property_that_there_is_not_comes_with_the_one_that_is_near() {
    let text = "scenario s {\n    thread a { repeat 1 { } }\n    expect { violates dedlock }\n}\n";
    let project = Project::new().file("s.kdl", text);
    insta::assert_snapshot!(project.run("check s.kdl").sheet(), @"

    1 file with mistakes
    -- standard error
    unknown-property

      × `dedlock` is no property
       ╭─[s.kdl:3:23]
     2 │     thread a { repeat 1 { } }
     3 │     expect { violates dedlock }
       ·                       ───┬───
       ·                          ╰── expected the name of a property, or of a clause (`as=NAME`)
     4 │ }
       ╰────
      help: did you mean `deadlock`?

    -- exit code 2
    ");
}

#[test]
fn a_file_with_mistakes_does_not_keep_others_from_being_explored() {
    let project = Project::new().file("scenarios/a.kdl", "scenari x").file("scenarios/b.kdl", TWICE);
    let ran = project.run("check").exits(2);
    insta::assert_snapshot!(ran.out, @"
    twice/buggy: violates fence-signaled-twice, as expected
    twice/fixed: holds, as expected

    2 cases in 1 file: 2 as expected, 1 file with mistakes
    with mistakes:
      scenarios/a.kdl
    ");
    assert!(ran.err.contains("a.kdl:1:1"), "{}", ran.err);
}

/// Files that nobody planned for. Every one of them is a mistake with a place, in every command.
#[test]
fn odd_files_are_told_and_never_a_panic() {
    let head = "scenario odd {\n resv fb\n";
    let odd: [(&str, Vec<u8>); 12] = [
        ("empty", vec![]),
        ("comment", b"// nothing else\n".to_vec()),
        ("binary", (0..=255).cycle().take(3000).collect()),
        ("no-thread", format!("{head} teardown {{ lock fb }}\n}}").into()),
        ("else-alone", format!("{head} thread a {{ lock fb; else {{ unlock fb }} }}\n}}").into()),
        ("twenty-threads", format!("{head} thread a count=20 {{ lock fb }}\n}}").into()),
        ("no-thread-at-all", format!("{head} thread a count=0 {{ lock fb }}\n}}").into()),
        ("recursion", format!("{head} proc p {{ q }}\n proc q {{ p }}\n thread a {{ p }}\n}}").into()),
        ("same-name", format!("{head} fence fb\n thread a {{ lock fb }}\n thread a {{ lock fb }}\n}}").into()),
        ("unicode", "scenario größe {\n thread 線程 { }\n}".into()),
        ("deep", format!("{head} thread a {{ {} {} }}\n}}", "loop { ".repeat(300), "}; ".repeat(300)).into()),
        ("unclosed", format!("{head} thread a {{ lock fb").into()),
    ];
    for (name, content) in odd {
        let file = format!("{name}.kdl");
        let project = Project::new().file(&file, &content);
        let commands = ["check F", "check --json F", "explain F", "replay F A1", "list F"];
        for command in commands.map(|c| c.replace('F', &file)) {
            let ran = project.run(&command).exits(2);
            assert!(ran.err.contains(&file) && !ran.err.contains("panicked"), "{command}: {}", ran.err);
        }
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_fine() {
    let project = Project::new().file("twice.kdl", format!("\u{feff}{}", TWICE.replace('\n', "\r\n")));
    project.run("check twice.kdl").exits(0);
}

#[test]
fn without_expectations_everything_is_to_hold() {
    let project = Project::new()
        .file("good.kdl", "scenario good { resv fb; thread a { lock fb; unlock fb } }")
        .file("bad.kdl", "scenario bad { resv fb; thread a { unlock fb } }");
    project.run("check good.kdl").exits(0);
    project.run("check bad.kdl").exits(1);
}

#[test]
fn a_bad_name_is_told_once_and_not_at_every_use() {
    let text = "scenario s {\n resv puffer_ä\n thread a { lock puffer_ä; unlock puffer_ä }\n}\n";
    let ran = Project::new().file("s.kdl", text).run("check s.kdl").exits(2);
    assert_eq!(ran.err.matches('×').count(), 1, "{}", ran.err);
}
