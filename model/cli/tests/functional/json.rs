//! `check --json`: one object a line, with the fields that `fenceweave_report::json` documents.

use crate::project::{Project, Ran, TWICE, TWO_ORDERS};
use serde_json::Value;

fn objects(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|l| serde_json::from_str(l).expect("an object on every line")).collect()
}

fn keys(v: &Value) -> Vec<&str> {
    v.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_line_for_every_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    let all = objects(&project.run("check --json twice.kdl").exits(0));
    let names: Vec<_> = all.iter().map(|o| (o["scenario"].as_str(), o["case"].as_str())).collect();
    assert_eq!(names, [(Some("twice"), Some("buggy")), (Some("twice"), Some("fixed"))]);
    for o in &all {
        assert_eq!(o["format"], 1);
        assert_eq!(o["grade"], "as-expected");
        assert_eq!(o["file"], "twice.kdl");
        assert_eq!(o["failures"], Value::Array(vec![]));
        assert!(o["engines"][0].get("seconds").is_none(), "times are told with --stats only");
    }
    assert_eq!(all[1]["columns"], serde_json::json!(["irq.was", "timeout.was"]));
    assert_eq!(all[1]["engines"][0]["outcomes"], serde_json::json!([["0", "1"], ["1", "0"]]));
    assert_eq!(all[1]["engines"][0]["conditions"][0]["judged"], true);
}

#[test]
fn a_failure_has_its_engines_and_a_token_that_replays() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let all = objects(&project.run("check --json --engine all --stats two-orders.kdl").exits(1));
    let [o] = &all[..] else { panic!("one case, {} objects", all.len()) };
    assert_eq!(o["grade"], "not-as-expected");
    assert_eq!(o["failures"][0]["text"], "deadlock is violated");
    assert_eq!(o["failures"][0]["engines"], serde_json::json!(["explicit", "shuttle", "loom"]));
    let token = o["failures"][0]["token"].as_str().expect("a token");
    project.run(&format!("replay two-orders.kdl {token}")).exits(1);
    for e in o["engines"].as_array().expect("engines") {
        assert!(e["seconds"].as_f64().is_some_and(|s| s > 0.0));
        assert!(e["counts"]["transitions"].as_u64().is_some_and(|n| n > 0));
    }
}

#[test]
fn a_violation_and_its_steps_have_the_documented_fields() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let all = objects(&project.run("check --json two-orders.kdl").exits(1));
    let violation = &all[0]["engines"][0]["violations"][0];
    assert_eq!(violation["property"], "deadlock");
    let of_step = ["first", "label", "line", "op", "step", "switch", "thread"];
    for key in ["meaning", "message", "thread", "line", "op", "token", "preemptions", "point_of_no_return", "waits"] {
        assert!(violation.get(key).is_some(), "{key} is missing: {:?}", keys(violation));
    }
    for step in violation["steps"].as_array().expect("steps") {
        for key in of_step {
            assert!(step.get(key).is_some(), "{key} is missing: {:?}", keys(step));
        }
    }
}

#[test]
fn a_file_with_mistakes_is_an_object_too() {
    let project = Project::new().file("bad.kdl", "scenario bad {\n  resv fb\n  thread a { lokc fb }\n}\n");
    let ran = project.run("check --json bad.kdl").exits(2);
    assert!(ran.err.contains("bad.kdl:3:14"), "{}", ran.err);
    let expected = serde_json::json!({
        "format": 1,
        "file": "bad.kdl",
        "mistakes": [{
            "kind": "unknown-op",
            "line": 3,
            "column": 14,
            "message": "there is no operation `lokc`",
            "help": "did you mean `lock`?",
        }],
    });
    assert_eq!(objects(&ran), [expected]);
}

#[test]
fn an_incomplete_result_says_why() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let all = objects(&project.run("check --json --states 5 two-orders.kdl").exits(3));
    assert_eq!(all[0]["grade"], "incomplete");
    assert_eq!(all[0]["engines"][0]["coverage"], "incomplete");
    assert!(all[0]["engines"][0]["why"].as_str().is_some_and(|w| w.contains("more than 5 states")));
}
