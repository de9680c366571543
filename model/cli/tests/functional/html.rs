//! `check --html` and `explain --html`: pages for a browser. What is in them and looks right is seen by `ci/browser`.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};
use serde_json::Value;

/// What a page shows, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn a_page_for_every_scenario_and_one_that_lists_them() {
    let both = format!("{TWO_ORDERS}{}", TWICE.replace("scenario twice", "scenario again"));
    let project = Project::new().file("a/twice.kdl", TWICE).file("a/both.kdl", both);
    project.run("check --html out/pages a").exits(1);
    let list = data(&project.read("out/pages/index.html"));
    let pages: Vec<&str> = list["list"].as_array().expect("a list").iter().filter_map(|l| l["page"].as_str()).collect();
    assert_eq!(pages, ["a-both-two-orders.html", "a-both-again.html", "a-twice.html"]);
    assert_eq!(list["list"][2]["cases"][0][2], "violates fence-signaled-twice, as expected");
    for page in pages {
        let text = project.read(&format!("out/pages/{page}"));
        assert!(text.starts_with("<!DOCTYPE html>") && text.trim_end().ends_with("</html>"));
        assert!(data(&text)["text"].as_str().is_some_and(|t| t.contains("scenario ")));
    }
}

#[test]
fn a_page_has_executions_that_replay_and_an_execution_for_every_outcome() {
    let project = Project::new().file("twice.kdl", TWICE);
    let ran = project.run("explain twice.kdl --html twice.html").exits(0);
    assert!(ran.out.contains("case buggy: violates"), "text is there as well: {}", ran.out);
    let data = data(&project.read("twice.html"));
    assert_eq!(data["title"], "twice");
    assert_eq!(data["about"], "The interrupt and the timeout both complete the job.");
    let cases = data["cases"].as_array().expect("cases");
    for case in cases {
        for execution in case["executions"].as_array().expect("executions") {
            let token = execution["token"].as_str().expect("a token");
            let replayed = project.run(&format!("replay twice.kdl {token}")).exits(0);
            let well = replayed.out.contains("nothing is left to do, and nothing is wrong");
            assert_eq!(well, execution["kind"] == "well", "{}", replayed.out);
        }
    }
    let buggy = &cases[0]["executions"][0];
    assert_eq!((&buggy["kind"], &buggy["broken"]), (&"expected".into(), &"fence-signaled-twice".into()));
    let passing = buggy["passing"].as_u64().expect("a schedule that passes");
    assert_eq!(cases[0]["executions"][passing as usize]["same"], buggy["noReturn"]);
    let outcomes = cases[1]["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.iter().all(|o| o["execution"].is_number()), "each has one to look at: {outcomes:?}");
}

#[test]
fn a_case_that_is_not_finished_and_one_with_inputs_have_a_page_too() {
    let inputs =
        "scenario s { about \"x\"; input n from=1 to=3; var x; thread t { repeat n { store x 1 } }; expect { holds } }";
    let project = Project::new().file("big.kdl", BIG).file("inputs.kdl", inputs);
    project.run("check --states 50 --html out big.kdl").exits(3);
    assert_eq!(data(&project.read("out/big.html"))["cases"][0]["grade"], "incomplete");
    project.run("check --html out inputs.kdl").exits(0);
    assert_eq!(data(&project.read("out/inputs.html"))["cases"][0]["grade"], "as-expected");
}

#[test]
fn where_no_page_can_be_written_is_told() {
    let project = Project::new().file("twice.kdl", TWICE);
    let ran = project.run("check --html twice.kdl twice.kdl").exits(2);
    assert!(ran.err.contains("`--html` takes a folder"), "{}", ran.err);
    assert!(project.run("explain twice.kdl --html no/where.html").exits(2).err.contains("no/where.html"));
}
