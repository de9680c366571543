//! What the language has can be met: every operation and every declaration of the reference stands in a scenario. That
//! each is generated, too, the generator's own tests say; that each is in the reference follows from its table.

use crate::source::{files, root};
use fenceweave_scenario::{Statement, outline, reference_page};
use std::{collections::BTreeSet, fs};

/// The words that begin the headings of a part of the reference.
fn words_of(page: &str, part: &str) -> BTreeSet<String> {
    let part = format!("# {part}");
    let lines = page.lines().skip_while(|l| *l != part).skip(1).take_while(|l| !l.starts_with("# "));
    let headings = lines.filter_map(|l| l.strip_prefix("## `"));
    headings.filter_map(|l| l.split([' ', '`']).next()).map(str::to_owned).collect()
}

fn note(statements: &[Statement], seen: &mut BTreeSet<String>) {
    for statement in statements {
        seen.insert(statement.name.clone());
        // What is only ever inside of something else is named as its type.
        let types = statement.entries.iter().filter(|entry| entry.key.as_deref() == Some("type"));
        seen.extend(types.map(|entry| entry.value.clone()));
        note(statement.block.as_deref().unwrap_or_default(), seen);
    }
}

/// The words that are in no scenario.
fn unseen(words: &BTreeSet<String>, scenarios: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for text in scenarios {
        note(&outline("scenario.kdl", text).expect("a scenario of the repository is well formed"), &mut seen);
    }
    words.difference(&seen).cloned().collect()
}

#[test]
fn every_operation_and_every_declaration_stands_in_a_scenario() {
    let page = reference_page();
    let mut words = words_of(&page, "Operations");
    words.extend(words_of(&page, "Declarations"));
    assert!(words.len() > 150 && words.contains("cmpxchg") && words.contains("ww-mutex"), "{words:?}");
    let mut scenarios = files(&root().join("scenarios"), "kdl");
    // What a library says is run by the scenarios that use it: `mutants --library` tells what of it none notices.
    scenarios.extend(files(&root().join("model/library"), "kdl"));
    let texts: Vec<String> = scenarios.iter().map(|p| fs::read_to_string(p).expect("it was just listed")).collect();
    assert_eq!(unseen(&words, &texts), [""; 0]);
}

#[test]
fn an_operation_that_stands_in_no_scenario_is_found() {
    let words =
        words_of("# Declarations\n## `lock NAME`\n# Operations\n## `frob X`\n\ntext\n## `load V`\n", "Operations");
    assert_eq!(words.iter().collect::<Vec<_>>(), ["frob", "load"]);
    let text = "scenario s {\n    thread t {\n        load v into=r\n    }\n}\n".to_owned();
    assert_eq!(unseen(&words, &[text]), ["frob"]);
}
