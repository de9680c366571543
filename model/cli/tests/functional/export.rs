//! `check --format`, `replay --format` and `diagram graph`: what was found, for other programs.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};
use serde_json::Value;
use std::collections::BTreeSet;

const BAD: &str = "scenario bad {\n  resv fb\n  thread a { lokc fb }\n}\n";
/// It holds, and part of it never runs.
const EMPTY: &str =
    "scenario s {\n var x\n lock m\n thread a { load x into=v; when \"v == 5\" { lock m; unlock m } }\n}\n";

fn all() -> Project {
    Project::new()
        .file("a/two-orders.kdl", TWO_ORDERS)
        .file("a/twice.kdl", TWICE)
        .file("bad.kdl", BAD)
        .file("big.kdl", BIG)
}

#[test]
fn junit_has_a_test_for_every_case_and_no_text_beside_it() {
    let ran = all().run("check --format junit --states 100 a bad.kdl big.kdl").exits(2);
    assert!(ran.out.starts_with("<?xml") && ran.out.ends_with("</testsuites>\n"), "{}", ran.out);
    let count = |what: &str| ran.out.matches(what).count();
    assert_eq!((count("<testcase "), count("<failure "), count("<error ")), (5, 1, 2), "{}", ran.out);
    assert!(ran.out.contains(r#"<testsuites name="fenceweave" tests="5" failures="1" errors="2">"#), "{}", ran.out);
    assert!(ran.out.contains(r#"message="two-orders: deadlock is violated" type="deadlock""#), "{}", ran.out);
    assert!(ran.out.contains("wait-for cycle:&#10;"), "the trace is in it: {}", ran.out);
}

#[test]
fn times_are_told_with_stats_only() {
    let project = all();
    assert!(!project.run("check --format junit a/twice.kdl").exits(0).out.contains(" time="));
    assert!(project.run("check --format junit --stats a/twice.kdl").exits(0).out.contains(" time="));
}

#[test]
fn a_document_goes_to_a_file_and_text_stays() {
    let project = all();
    let ran = project.run("check --format sarif --output found.sarif a/two-orders.kdl").exits(1);
    assert!(ran.out.contains("NOT AS EXPECTED"), "{}", ran.out);
    let sarif: Value = serde_json::from_str(&project.read("found.sarif")).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "deadlock");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a/two-orders.kdl");
    assert!(place["region"]["startLine"].as_u64().is_some_and(|line| (6..=7).contains(&line)), "{place}");
    let token = result["partialFingerprints"]["token/v1"].as_str().expect("a token");
    project.run(&format!("replay a/two-orders.kdl {token}")).exits(1);
    assert_eq!(result["codeFlows"][0]["threadFlows"].as_array().map(Vec::len), Some(2));
}

#[test]
fn annotations_stand_behind_the_text() {
    let ran = all().run("check --format github a/two-orders.kdl bad.kdl").exits(2);
    let lines: Vec<&str> = ran.out.lines().filter(|l| l.starts_with("::")).collect();
    let [deadlock, mistake] = lines[..] else { panic!("{}", ran.out) };
    assert!(deadlock.starts_with("::error file=a/two-orders.kdl,line="), "{deadlock}");
    assert!(deadlock.contains(",title=two-orders%3A deadlock::two-orders: deadlock is violated%0A"), "{deadlock}");
    assert!(mistake.starts_with("::error file=bad.kdl,line=3,col=14,title=bad.kdl%3A unknown-op::"), "{mistake}");
    assert!(ran.out.contains("NOT AS EXPECTED"), "{}", ran.out);
}

#[test]
fn a_workflow_of_githubs_gets_annotations_unless_it_asks_for_something_else() {
    let project = all().file("empty.kdl", EMPTY);
    let run = |arguments: &str| {
        let mut command = project.command(arguments);
        crate::project::Ran::of(command.env("GITHUB_ACTIONS", "true").output().expect("the binary starts"))
    };
    assert!(run("check a/two-orders.kdl").exits(1).out.contains("\n::error file="));
    assert!(!run("check --format text a/two-orders.kdl").exits(1).out.contains("::error"));
    assert!(run("check --json a/two-orders.kdl").exits(1).out.starts_with('{'));
    let warned = run("check empty.kdl").exits(0);
    assert!(warned.out.contains("\n::warning file=empty.kdl,line="), "{}", warned.out);
    let denied = run("check --deny-warnings empty.kdl").exits(1);
    assert!(denied.out.contains("\n::error file=empty.kdl,line="), "{}", denied.out);
}

#[test]
fn options_that_do_not_go_together_are_told() {
    let ran = all().run("check --format github --output x a").exits(2);
    assert!(ran.err.contains("`--output` takes a document"), "{}", ran.err);
    assert!(all().run("check --output x a").exits(2).err.contains("`--format junit`"));
    assert!(all().run("check --json --format junit a").exits(2).err.contains("cannot be used with"));
    assert!(all().run("check --format junit --output no/where.xml a/twice.kdl").exits(2).err.contains("no/where.xml"));
    assert!(all().run("check --format yaml a").exits(2).err.contains("junit"));
}

#[test]
fn a_trace_is_drawn_by_others_from_its_token() {
    let project = all();
    let token = project.run("check a/two-orders.kdl").exits(1).token();
    let as_format =
        |format: &str| project.run(&format!("replay a/two-orders.kdl {token} --format {format}")).exits(0).out;
    let chrome: Value = serde_json::from_str(&as_format("chrome")).expect("JSON");
    assert!(chrome["traceEvents"].as_array().is_some_and(|events| events.len() > 10));
    assert_eq!(chrome["otherData"]["token"], token.as_str());
    assert!(as_format("mermaid").starts_with("sequenceDiagram\n"));
    let waits = as_format("waits");
    assert!(waits.starts_with("flowchart LR\n") && waits.contains("==>|\"held by\"|"), "{waits}");
}

#[test]
fn nobody_who_waits_is_no_picture() {
    let project = all();
    let token = project.run("explain a/twice.kdl").exits(0).token();
    let ran = project.run(&format!("replay a/twice.kdl {token} --format waits")).exits(2);
    assert!(ran.out.is_empty() && ran.err.contains("nobody waits at the end"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_graph_is_of_one_small_case() {
    let project = all();
    let source = project.run("diagram graph a/two-orders.kdl").exits(0).out;
    assert!(source.starts_with("digraph \"two-orders\" {\n") && source.contains("nobody can go on"), "{source}");
    assert!(project.run("diagram graph a/twice.kdl::buggy").exits(0).out.contains("fence-signaled-twice"));
    let several = project.run("diagram graph a/twice.kdl").exits(2);
    assert!(several.err.contains("a graph is of one case") && several.err.contains("twice/fixed"), "{}", several.err);
    assert!(project.run("diagram graph big.kdl").exits(3).err.contains("too many for a diagram"));
    assert!(project.run("diagram graph a/twice.kdl::nobody").exits(2).err.contains("`nobody`"));
}

/// What a reader of LCOV takes for granted: records of one file each, lines in order, sums that are right.
fn is_lcov(text: &str) {
    for record in text.split_terminator("end_of_record\n") {
        let lines: Vec<(&str, &str)> = record.lines().map(|l| l.split_once(':').expect("KEY:VALUE")).collect();
        assert_eq!((lines[0].0, lines[1].0), ("TN", "SF"));
        let of = |key: &str| lines.iter().filter(|(k, _)| *k == key).map(|(_, v)| *v).collect::<Vec<_>>();
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let taken: Vec<Vec<u64>> = of("DA").iter().map(|v| v.split(',').map(number).collect()).collect();
        assert!(taken.is_sorted_by_key(|da| da[0]) && taken.iter().all(|da| da.len() == 2), "{record}");
        let hit = taken.iter().filter(|da| da[1] > 0).count();
        assert_eq!((of("LF"), of("LH")), (vec![&*taken.len().to_string()], vec![&*hit.to_string()]));
        let ways: Vec<&str> = of("BRDA").iter().map(|v| v.split(',').nth(3).expect("four values")).collect();
        ways.iter().filter(|w| **w != "-").for_each(|w| _ = number(w));
        let hit = ways.iter().filter(|w| !["-", "0"].contains(w)).count();
        assert_eq!((of("BRF"), of("BRH")), (vec![&*ways.len().to_string()], vec![&*hit.to_string()]));
        let named: Vec<(&str, &str)> = of("FN").iter().map(|v| v.split_once(',').expect("LINE,NAME")).collect();
        let called: Vec<(&str, &str)> = of("FNDA").iter().map(|v| v.split_once(',').expect("COUNT,NAME")).collect();
        let names: Vec<&str> = named.iter().map(|(_, name)| *name).collect();
        assert_eq!(called.iter().map(|(_, name)| *name).collect::<Vec<_>>(), names, "{record}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name stands once: {record}");
        assert!(named.is_sorted_by_key(|(line, _)| number(line)), "{record}");
        let hit = called.iter().filter(|(count, _)| number(count) > 0).count();
        assert_eq!((of("FNF"), of("FNH")), (vec![&*names.len().to_string()], vec![&*hit.to_string()]));
        let known = ["TN", "SF", "FN", "FNDA", "FNF", "FNH", "DA", "BRDA", "BRF", "BRH", "LF", "LH"];
        assert!(lines.iter().all(|(key, _)| known.contains(key)), "{record}");
    }
}

#[test]
fn coverage_is_what_readers_of_lcov_take_for_granted() {
    let branches = "scenario ways { about \"x\"; var x init=0; thread t count=2 { load x into=a; when \"a == 0\" { store x 1 } }; expect { holds } }";
    let project = all().file("ways.kdl", branches);
    project.run("check --coverage-lcov lcov.info a/twice.kdl ways.kdl");
    let text = project.read("lcov.info");
    assert_eq!(text.matches("end_of_record\n").count(), 2, "{text}");
    is_lcov(&text);
}

#[test]
fn lcov_names_each_body_once_and_how_often_it_was_come_to() {
    let bodies = "scenario one { about \"x\"; var x init=0\nfn mine { store x 1 }\nfn never { store x 2 }\n\
        thread t { mine }\nthread u { load x into=a }\nexpect { holds } }\n";
    let project = all().file("bodies.kdl", bodies);
    project.run("check --coverage-lcov lcov.info bodies.kdl");
    let text = project.read("lcov.info");
    is_lcov(&text);
    let of = |key: &str| text.lines().filter(|line| line.starts_with(key)).collect::<Vec<_>>();
    assert_eq!(of("FN:"), ["FN:2,one/mine", "FN:3,one/never", "FN:4,one/t", "FN:5,one/u"]);
    let never: Vec<&str> = of("FNDA:").into_iter().filter(|line| line.starts_with("FNDA:0,")).collect();
    assert_eq!(never, ["FNDA:0,one/never"]);
}
