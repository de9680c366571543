//! `scenarios/README.md`, the page for newcomers: what it says about its scenarios is what comes out.

use crate::project::{Project, Ran, without_hashes};
use std::path::Path;

#[test]
fn every_scenario_of_the_page_runs_and_comes_out_as_the_page_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/README.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (mut ran, mut scenarios): (Option<Ran>, usize) = (None, 0);
    for (kind, text) in blocks(&page) {
        match kind {
            "kdl" | "kdl not-as-expected" => {
                let code = i32::from(kind != "kdl");
                ran = Some(Project::new().file("frob.kdl", text).run("check frob.kdl").exits(code));
                scenarios += 1;
            }
            // What stands under a scenario is a part of what `check` says about it.
            "text" => {
                let out = without_hashes(&ran.as_ref().expect("a scenario stands before").out);
                assert!(out.contains(&without_hashes(text)), "the page says\n{text}\nbut it is\n{out}");
            }
            _ => {}
        }
    }
    assert!(scenarios >= 3, "{scenarios} scenarios on the page");
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
