//! What makes a verdict empty is told, with its place and a way out; what is as it should be is not.

use crate::project::Project;

/// The kinds of warning of one scenario, with their places, in the order of the file.
fn warned(scenario: &str) -> Vec<String> {
    let ran = Project::new().file("s.kdl", scenario).run("check s.kdl --json");
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let lines = ran.out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let all = lines.flat_map(|line| line["warnings"].as_array().cloned().unwrap_or_default());
    all.map(|w| format!("{} {}:{}", w["kind"].as_str().unwrap_or_default(), w["line"], w["column"])).collect()
}

#[test]
fn a_block_whose_condition_is_never_true() {
    let dead = "scenario s {\n var x\n lock m\n thread a { load x into=v; when \"v == 5\" { lock m; unlock m } }\n}\n";
    let ran = Project::new().file("s.kdl", dead).run("check s.kdl").exits(0);
    insta::assert_snapshot!(ran.out, @r#"
    s: holds, as expected
    warning[unreached]: s.kdl:4:28: the condition of `when "v == 5"` is never true: what stands in its block from line 4 on never runs (2 statements)
      |  thread a { load x into=v; when "v == 5" { lock m; unlock m } }
      |                            ^^^^^^^^^^^^^
      help: let what it reads take its other values, or leave that out; if it is meant, begin its block with `unreached "why"`

    1 case in 1 file: 1 as expected, 1 warning
    "#);
    let denied = Project::new().file("s.kdl", dead).run("check s.kdl --deny-warnings").exits(1);
    assert!(denied.out.contains("1 warning, which are denied"), "{}", denied.out);
}

#[test]
fn what_is_said_to_be_meant_is_not_told_and_what_is_said_wrongly_is() {
    let meant =
        |block: &str| format!("scenario s {{\n var x\n thread a {{ load x into=v; when \"v == 0\" {block} }}\n}}\n");
    assert_eq!(warned(&meant("{ store x 1 }")), ["one-way 3:28"]);
    assert_eq!(warned(&meant("{ store x 1 }; else { unreached \"nobody stores\" }")), [""; 0]);
    assert_eq!(warned(&meant("{ unreached \"is it?\"; store x 1 }; else { unreached \"nobody\" }")), ["stale 3:44"]);
    let clause = "scenario s {\n var x\n thread a { load x into=v; when \"v == 0\" { store x 1 } }\n expect { unreached \"as in the driver\" }\n}\n";
    assert_eq!(warned(clause), [""; 0]);
    let idle = "scenario s {\n var x\n thread a { load x }\n expect { unreached \"why\"; allow unused \"why\" }\n}\n";
    assert_eq!(warned(idle), ["stale 4:11", "stale 4:28"]);
}

#[test]
fn what_some_case_comes_to_is_reached() {
    let cases = "scenario s {\n case quiet loud\n var x\n thread a { load x into=v; when \"v == 1\" { store x 2 } }\n only loud { thread b { store x 1 } }\n}\n";
    assert_eq!(warned(cases), [""; 0]);
    let one = Project::new().file("s.kdl", cases).run("check s.kdl --only quiet").exits(0);
    assert!(!one.out.contains("warning"), "what the other case comes to is not known: {}", one.out);
}

#[test]
fn what_stands_behind_an_expected_violation_is_as_it_should_be() {
    let stuck = "scenario s {\n lock m kind=mutex\n var x\n thread a { lock m; lock m; store x 1; unlock m; unlock m }\n expect { violates self-deadlock }\n}\n";
    assert_eq!(warned(stuck), [""; 0]);
}

#[test]
fn what_never_begins() {
    let idle = "scenario s {\n var x\n work w { store x 1 }\n timer t { store x 2 }\n proc p { store x 3 }\n proc q it d { store x 4 }\n fence f\n thread a { add-callback f q into=r }\n}\n";
    let told = warned(idle);
    for kind in ["never-runs 3:2", "never-runs 4:2", "never-runs 5:2", "never-runs 6:2"] {
        assert!(told.iter().any(|t| t == kind), "{kind} in {told:?}");
    }
}

#[test]
fn an_incomplete_search_says_so() {
    let big = "scenario s {\n var x\n lock m\n thread t count=3 { lock m; load x into=v; unlock m; when \"v == 1\" { store x 2 } }\n}\n";
    let ran = Project::new().file("s.kdl", big).run("check s.kdl --states 3").exits(3);
    assert!(ran.out.contains("within the limit"), "{}", ran.out);
    assert!(!ran.out.contains("never"), "{}", ran.out);
}

#[test]
fn doubles_and_what_nothing_uses() {
    let same = "scenario s {\n case one two\n var x unused\n thread a { store x 1; label out }\n}\n";
    assert_eq!(warned(same), ["same-program 2:11", "unused 3:8", "unused 4:30"]);
    let numbers =
        "scenario s {\n fence a context=1 seqno=2\n fence b seqno=2 context=1\n thread t { signal a; signal b }\n}\n";
    assert_eq!(warned(numbers), ["same-number 3:8"]);
}

#[test]
fn conditions_that_say_nothing() {
    let errno = "scenario s {\n var x init=-EINVAL\n thread a { load x into=r; when r is=EINVAL { unreached \"no\" } }\n expect { never \"a.r == EINVAL\" }\n}\n";
    assert_eq!(warned(errno), ["positive-errno 3:38", "positive-errno 4:25"]);
    let stored =
        "scenario s {\n var x init=EINVAL\n thread a { load x into=r }\n expect { sometimes \"a.r == EINVAL\" }\n}\n";
    assert_eq!(warned(stored), [""; 0]);
    let vague = "scenario s {\n var x\n thread a { load x into=r; when \"r == 1\" { unreached \"no\"; let s=\"1\" } }\n expect { sometimes \"x == 0\"; never \"a.s == 1\" }\n}\n";
    assert_eq!(warned(vague), ["true-at-once 4:11", "never-judged 4:31"]);
}

#[test]
fn a_block_without_a_turn_and_a_failure_that_never_comes() {
    let none = "scenario s {\n var x\n thread a { repeat 0 { store x 1 }; load x }\n}\n";
    assert_eq!(warned(none), ["unreached 3:13"]);
    let meant = none.replace("{ store x 1 }", "{ unreached \"as in the driver\"; store x 1 }");
    assert_eq!(warned(&meant), [""; 0]);
    let fifth = "scenario s {\n var x\n inject load at=a fail-nth=3 error=1\n thread a { repeat 2 { load x }; exists }\n proc exists { xchg x 1 fail-nth=2 error=5 into=y }\n}\n";
    assert_eq!(warned(fifth), ["never-fails 3:2", "never-fails 5:16"]);
    assert_eq!(warned(&fifth.replace("=3", "=2").replace("nth=2 error=5", "nth=1 error=5")), [""; 0]);
    // What ended every execution may have come before the third time.
    let ended = "scenario s {\n lock m kind=mutex\n var x\n thread a { lock m; load x fail-nth=2 error=1 into=y; lock m; unlock m }\n expect { violates self-deadlock }\n}\n";
    assert_eq!(warned(ended), [""; 0]);
}

#[test]
fn an_eventually_that_is_true_from_the_start() {
    let at_once = "scenario s {\n var x init=1\n thread a { store x 1 }\n expect { eventually \"x == 1\" }\n}\n";
    assert_eq!(warned(at_once), ["true-at-once 4:11"]);
    assert_eq!(warned(&at_once.replace("store x 1", "store x 2").replace("x == 1", "x == 2")), [""; 0]);
}

#[test]
fn fences_that_nobody_signals_and_threads_that_never_end() {
    let fence =
        "scenario s {\n fence f\n resv r\n thread a { lock r; reserve r; add-fence r f usage=write; unlock r }\n}\n";
    assert_eq!(warned(fence), ["unsignaled 2:8"]);
    let signalled = fence.replace("\n}\n", "\n device gpu { signal f }\n}\n");
    assert_eq!(warned(&signalled), [""; 0]);
    let allowed = fence.replace("\n}\n", "\n expect { allow unsignaled \"the list alone\" }\n}\n");
    assert_eq!(warned(&allowed), [""; 0]);
    let endless =
        "scenario s {\n var stop\n thread a { loop { load stop into=s; when \"s\" { break }; progress } }\n}\n";
    assert_eq!(warned(endless), ["never-ends 3:2", "unreached 3:38"]);
}

#[test]
fn every_line_has_a_count_and_every_condition_two() {
    let source = "scenario s {\n var x\n proc p { add x 1 }\n thread a { load x into=v; when \"v == 5\" { unreached \"no\" } }\n thread b { p; p }\n}\n";
    let project = Project::new().file("s.kdl", source);
    let ran = project.run("check s.kdl --coverage --coverage-lcov s.info").exits(0);
    insta::assert_snapshot!(ran.out, @r#"
    s: holds, as expected

    coverage of s.kdl
               |    1 | scenario s {
               |    2 |  var x
             3 |    3 |  proc p { add x 1 }
             3 |    4 |  thread a { load x into=v; when "v == 5" { unreached "no" } }  <- `when "v == 5"`: true 0, false 3  <- `unreached "no"`: 0
               |    5 |  thread b { p; p }
               |    6 | }

    1 case in 1 file: 1 as expected
    "#);
    let lcov = project.read("s.info");
    for line in [
        "SF:s.kdl",
        "DA:3,",
        "DA:4,3",
        "BRDA:4,0,0,0",
        "BRDA:4,0,1,3",
        "BRF:2",
        "BRH:1",
        "LF:2",
        "LH:2",
        "end_of_record",
    ] {
        assert!(lcov.lines().any(|said| said.starts_with(line)), "{line} in {lcov}");
    }
    let ran = project.run("check s.kdl --coverage --engine loom").exits(2);
    assert!(ran.err.contains("coverage is counted by explicit"), "{}", ran.err);
}
