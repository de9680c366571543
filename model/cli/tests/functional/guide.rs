//! The pages for newcomers, `README.md` and `scenarios/README.md`: what they say about their scenarios is what comes
//! out, and the commands that they show can be given.

use crate::project::{Project, Ran};
use std::path::Path;

/// What a page shows of the binary, and under which name it has its scenario saved.
fn holds(page: &str, file: &str) -> usize {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let page = std::fs::read_to_string(page).expect("the page");
    let (mut ran, mut project, mut scenarios): (Option<Ran>, Project, usize) = (None, Project::new(), 0);
    for (kind, text) in blocks(&page) {
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

/// The fenced blocks of a page, each with what stands after its opening fence.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut blocks = vec![];
    let mut rest = page;
    while let Some((_, opened)) = rest.split_once("\n```") {
        let (kind, text) = opened.split_once('\n').expect("a block begins on a line of its own");
        let (text, after) = text.split_once("\n```\n").expect("a block is closed");
        blocks.push((kind.trim(), text));
        rest = after;
    }
    blocks
}
