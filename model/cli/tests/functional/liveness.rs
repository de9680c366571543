//! What goes on for ever: shown as a lasso, judged by `explicit` alone.

use crate::project::Project;
use serde_json::Value;

/// Two threads that keep out of each other's way.
const BACK_OFF: &str = r#"scenario back-off {
    lock a
    lock b
    thread cpu { loop { lock a; trylock b into=got; when "got" { break }; unlock a }; unlock b; unlock a }
    thread gpu { loop { lock b; trylock a into=got; when "got" { break }; unlock b }; unlock a; unlock b }
    expect { holds }
}
"#;

/// A request that may never be seen.
const UNSEEN: &str = r#"scenario unseen {
    var request init=0
    thread driver { store request 1; store request 0 }
    thread irq { loop { load request into=seen; when "seen" { break } } }
    expect {
        violates livelock
        eventually "request == 1"
        eventually "irq.seen == 1"
        eventually "driver.seen == 1"
    }
}
"#;

#[test]
fn a_lasso_is_the_way_in_and_the_loop() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    insta::assert_snapshot!(project.run("check back-off.kdl").sheet(), @"");
}

#[test]
fn the_token_of_a_lasso_leads_through_the_loop_once() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    let token = project.run("check back-off.kdl").token();
    let replayed = project.run(&format!("replay back-off.kdl {token} --shuttle")).exits(0);
    let tail: Vec<&str> = replayed.out.lines().rev().take(4).collect();
    assert!(replayed.out.contains("== loop: "), "{}", replayed.out);
    assert!(tail.iter().any(|l| l.starts_with("the schedule comes back to where it was after step")), "{tail:?}");
    assert!(tail.contains(&"shuttle: the same"), "{tail:?}");
}

#[test]
fn what_never_comes_true_is_shown_with_a_lasso() {
    let source = UNSEEN.replace("        eventually \"driver.seen == 1\"\n", "");
    let project = Project::new().file("unseen.kdl", &source);
    insta::assert_snapshot!(project.run("check unseen.kdl").sheet(), @"");
}

#[test]
fn what_happens_eventually_is_judged_by_explicit_or_by_nobody() {
    let source = UNSEEN.replace("        eventually \"driver.seen == 1\"\n", "");
    let project = Project::new().file("unseen.kdl", &source).file("bad.kdl", UNSEEN);
    insta::assert_snapshot!(project.run("check --engine shuttle unseen.kdl").sheet(), @"");
    insta::assert_snapshot!(project.run("check --engine explicit --states 2 unseen.kdl").sheet(), @"");
    project.run("check bad.kdl").exits(2);
}

#[test]
fn loom_says_what_it_does_not_take() {
    let source = r#"scenario s { var x; thread t { loop { load x into=r; progress } }; expect { holds } }"#;
    let project = Project::new().file("s.kdl", source);
    insta::assert_snapshot!(project.run("check --engine loom s.kdl").sheet(), @"");
}

#[test]
fn a_lasso_as_json_says_where_its_loop_begins() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    let ran = project.run("check --json back-off.kdl").exits(1);
    let object: Value = serde_json::from_str(ran.out.trim()).expect("an object");
    let violation = &object["engines"][0]["violations"][0];
    let (from, steps) = (violation["loop_from"].as_u64(), violation["steps"].as_array().map(Vec::len));
    assert!(from.is_some_and(|from| from > 1 && steps.is_some_and(|n| from as usize <= n)), "{violation}");
    assert!(object["engines"][0]["counts"]["unfair_cycles"].is_u64());
}
