//! `--preemptions` and `--deepen` under explicit: every execution within a bound, which the verdict tells.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};

/// A reader that is wrong only if a writer comes twice between its two looks.
const TWO_LOOKS: &str = r#"scenario two-looks {
    about "A reader looks twice, and believes what it sees the second time."
    var x
    thread writer { store x 1; store x 2; store x 0 }
    thread reader { load x into=a; load x into=b; load x into=c; assert "!(a == 1 && b == 2 && c == 0)" }
    expect { holds }
}
"#;

#[test]
fn nothing_within_a_bound_is_incomplete_and_says_what_lies_beyond() {
    let project = Project::new().file("two-looks.kdl", TWO_LOOKS);
    insta::assert_snapshot!(project.run("check two-looks.kdl --preemptions 1").sheet(), @"
    two-looks: INCOMPLETE: no violation within 1 preemption
      explicit  to 1 preemption; came to 7 of 7 statements, 3 outcomes; 8 states lie one preemption further

    raise `--preemptions`, or leave it out to look at everything

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
    let json = project.run("check two-looks.kdl --preemptions 1 --json").exits(3);
    for part in [
        r#""coverage":"preemption-bounded","preemptions":1"#,
        r#""beyond":"#,
        r#""statements":{"came":"#,
        r#""grade":"incomplete""#,
        "no violation within 1 preemption",
    ] {
        assert!(json.out.contains(part), "{part}: {}", json.out);
    }
}

#[test]
fn what_needs_more_preemptions_is_found_with_more() {
    let project = Project::new().file("two-looks.kdl", TWO_LOOKS).file("two-orders.kdl", TWO_ORDERS);
    for bound in 0..4 {
        project.run(&format!("check two-looks.kdl --preemptions {bound}")).exits(3);
    }
    let found = project.run("check two-looks.kdl --preemptions 4").exits(1);
    assert!(found.out.contains("(preemption 4 of 4)"), "{}", found.out);
    project.run("check two-orders.kdl --preemptions 0").exits(3);
    let found = project.run("check two-orders.kdl --preemptions 1").exits(1);
    assert!(found.out.contains("deadlock is violated") && found.out.contains("(preemption 1 of 1)"), "{}", found.out);
    let token = found.out.split("replay: ").nth(1).and_then(|t| t.lines().next()).expect("a token");
    let again = project.run(&format!("replay two-orders.kdl {token}"));
    assert!(again.out.contains("deadlock"), "{}{}", again.out, again.err);
}

#[test]
fn a_bound_that_was_none_is_the_whole_search() {
    let project = Project::new().file("twice.kdl", TWICE).file("two-looks.kdl", TWO_LOOKS);
    for name in ["twice.kdl", "two-looks.kdl"] {
        let (bounded, whole) =
            (project.run(&format!("check {name} --preemptions 9")), project.run(&format!("check {name}")));
        assert_eq!(bounded, whole);
    }
    let states = |run: &str| project.run(run).out;
    assert_eq!(states("check twice.kdl --only fixed --preemptions 1 -q"), states("check twice.kdl --only fixed -q"));
}

#[test]
fn deepening_stops_at_the_first_bound_that_shows_something() {
    let project = Project::new()
        .file("two-looks.kdl", TWO_LOOKS)
        .file("big.kdl", BIG.replace("=10", "=4"))
        .file("twice.kdl", TWICE);
    let found = project.run("check two-looks.kdl --deepen").exits(1);
    assert!(found.out.contains("assert is violated") && found.out.contains("(preemption 4 of 4)"), "{}", found.out);
    let most = project.run("check two-looks.kdl --deepen --preemptions 2").exits(3);
    assert!(most.out.contains("no violation within 2 preemptions"), "{}", most.out);
    project.run("check twice.kdl --deepen --only fixed").exits(0);
    let cut = project.run("check big.kdl --deepen --states 700").exits(3);
    assert!(cut.out.contains("more than 700 states; within 1 preemption "), "{}", cut.out);
    assert!(cut.out.contains("; before that all within 0 preemptions was looked at"), "{}", cut.out);
}

#[test]
fn limits_cut_a_bounded_search_too() {
    let project = Project::new().file("big.kdl", BIG);
    for (limit, what) in
        [("--states 50", "more than 50 states"), ("--memory 1", "MiB of memory"), ("--time 0.05", "0.05 s")]
    {
        let ran = project.run(&format!("check big.kdl --preemptions 9 {limit}")).exits(3);
        assert!(ran.out.contains("incomplete: ") && ran.out.contains(what), "{}", ran.out);
        assert!(ran.out.contains("looked at, to depth "), "{}", ran.out);
    }
}

#[test]
fn a_bound_is_for_who_counts_preemptions() {
    let project = Project::new().file("twice.kdl", TWICE).file("two-looks.kdl", TWO_LOOKS);
    for (command, why) in [
        ("check twice.kdl --preemptions 1 --engine shuttle", "bounds explicit or loom"),
        ("check twice.kdl --deepen --engine loom", "`--deepen` is for explicit"),
        ("check twice.kdl --deepen --engine all", "`--deepen` is for explicit"),
        ("check twice.kdl --preemptions 1 --sample urw", "a sample has no bound"),
        ("check twice.kdl --deepen --sample swarm", "a sample has no bound"),
        ("check twice.kdl --only fixed --preemptions 1 --state kept", "keeps whole explorations"),
        ("check twice.kdl --preemptions -1", "unexpected argument"),
        ("check twice.kdl --preemptions some", "invalid value 'some'"),
        ("explain twice.kdl --preemptions 1 --engine shuttle", "bounds explicit or loom"),
        ("compare twice.kdl --cases buggy,fixed --preemptions 1", "compared by all that they come to"),
    ] {
        let ran = project.run(command).exits(2);
        assert!(ran.err.contains(why), "{command}: {}", ran.err);
    }
    // Beside loom the bound is loom's, and explicit looks at everything.
    let all = project.run("check twice.kdl --only fixed --preemptions 0 --engine all").exits(0);
    assert!(all.out.contains("explicit  complete"), "{}", all.out);
    let explained = project.run("explain two-looks.kdl --preemptions 0").exits(3);
    assert!(explained.out.contains("to 0 preemptions"), "{}", explained.out);
}
