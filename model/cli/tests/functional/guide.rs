//! The pages for newcomers, `README.md` and `scenarios/README.md`: what they say about their scenarios is what comes
//! out, and the commands that they show can be given.

use crate::{
    pages::blocks,
    project::{Project, Ran},
};
use std::path::Path;

/// What a page shows of the binary, and under which name it has its scenario saved.
fn holds(page: &str, file: &str) -> usize {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let page = std::fs::read_to_string(page).expect("the page");
    let (mut ran, mut project, mut scenarios): (Option<Ran>, Project, usize) = (None, Project::new(), 0);
    for block in blocks(&page) {
        let (kind, text) = (block.info, block.text);
        match kind {
            "kdl" | "kdl not-as-expected" => {
                project = Project::new().file(file, text);
                let checked = project.run(&format!("check {file}"));
                assert!(matches!(checked.code, Some(0 | 1)), "{}{}", checked.out, checked.err);
                assert_eq!(checked.code == Some(1), page_says_so(&page, kind, text), "{}", checked.out);
                assert!(!checked.out.contains("warning["), "{}", checked.out);
                ran = Some(checked);
                scenarios += 1;
            }
            // What stands under a scenario is a part of what `check` says about it, hashes and all.
            "text" => {
                let out = &ran.as_ref().expect("a scenario stands before").out;
                assert!(out.contains(text), "the page says\n{text}\nbut it is\n{out}");
                for token in text.lines().filter_map(|line| line.strip_prefix("replay: ")) {
                    let replayed = project.run(&format!("replay {file} {token}")).exits(1);
                    assert!(replayed.out.contains(&format!("replay: {token}")), "{}", replayed.out);
                }
            }
            _ => {}
        }
    }
    for token in page.split(&format!("replay {file} ")).skip(1).filter_map(|rest| rest.split('`').next()) {
        assert!(page.contains(&format!("\nreplay: {token}\n")), "{token} is what no trace of the page ends with");
    }
    scenarios
}

/// A scenario that is to be mended says so, or is followed by what comes out instead.
fn page_says_so(page: &str, kind: &str, text: &str) -> bool {
    let after = page.split_once(text).map_or("", |(_, after)| after);
    let out = after.split("\n```text\n").nth(1).filter(|_| !after.split("\n```text\n").next().is_some_and(has_kdl));
    kind == "kdl not-as-expected" || out.is_some_and(|out| out.contains("NOT AS EXPECTED"))
}

fn has_kdl(between: &str) -> bool {
    between.contains("\n```kdl")
}

#[test]
fn every_scenario_of_the_pages_runs_and_comes_out_as_they_say() {
    assert_eq!(holds("README.md", "two-orders.kdl"), 1);
    assert!(holds("scenarios/README.md", "frob.kdl") >= 3);
}

/// The steps of the first trace that a snapshot has for a scenario's case: those of its token, run by run. Of a case
/// with inputs that is the smallest tuple's.
fn steps_of(snapshot: &str, scenario: &str, case: &str) -> Option<u32> {
    let of_tuples = snapshot.split_once(&format!("\n{scenario}/{case}: fails for "));
    let of_case = match of_tuples {
        Some((_, of_case)) => of_case,
        None => {
            let of_scenario = snapshot.split_once(&format!("\n{scenario}: "))?.1;
            of_scenario.split_once(&format!("\ncase {case}: violates "))?.1
        }
    };
    let token = of_case.split_once("\nreplay: ")?.1.split_once('@')?.0;
    let runs = token.split(|c: char| c.is_ascii_uppercase()).skip(1);
    Some(runs.map(|run| run.split(['=', '.']).next().unwrap_or_default().parse().unwrap_or(1)).sum())
}

#[test]
fn what_posted_patches_get_wrong_takes_as_many_steps_as_the_table_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("scenarios/README.md")).expect("the page");
    let (_, table) = page.split_once("## Five patches as they were posted\n").expect("the table");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| ") && line.contains("| ["))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        let [_, _, shown, steps, _] = row[..] else { panic!("a row of other columns: {row:?}") };
        let (name, rest) = shown.trim_start_matches('[').split_once("](").expect("a link");
        let file = rest.split_once(".kdl)").expect("a file of scenarios").0;
        let (scenario, case) = name.split_once('/').expect("a scenario and its case");
        let snapshot = std::fs::read_to_string(root.join(format!("snapshots/{file}.snap"))).expect("a snapshot");
        assert_eq!(steps_of(&snapshot, scenario, case).map(|n| n.to_string()).as_deref(), Some(steps), "{shown}");
    }
}
