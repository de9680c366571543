//! Every kind of mistake is in a file under `mistakes/`, and beside it stands what its author is told.

use fenceweave_scenario::{Report, load, load_in};
use std::{collections::BTreeSet, path::Path};

fn report(path: &Path) -> Report {
    let name = path.file_name().expect("a file").to_string_lossy();
    let source = std::fs::read_to_string(path).expect("a readable file");
    // What is used beside it is told as this is named, on every machine.
    load_in(&name, &source, Some(Path::new("tests/mistakes"))).expect_err("a file of mistakes")
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_way_out() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mistakes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("mistakes/*.kdl", |path| {
            let report = report(path);
            let told: Vec<String> =
                report.mistakes().iter().map(|mistake| format!("[{}]\n{}", mistake.kind(), mistake.plain())).collect();
            insta::assert_snapshot!(format!("{}\n{}", told.join("\n"), report.untold()));
        });
    });
}

#[test]
fn of_a_long_line_the_part_around_the_place_is_shown() {
    let source =
        format!("scenario a {{ var x; thread t {{ {}lod x; {} }} }}", "load x; ".repeat(400), "load x; ".repeat(400));
    let report = load("long.kdl", &source).expect_err("no operation `lod`");
    let mistake = &report.mistakes()[0];
    assert!(mistake.is_on_long_line());
    let told = mistake.plain();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.iter().all(|l| l.chars().count() < 260), "{told}");
    let column = lines[2].find("^^^").expect("a mark");
    assert_eq!(&lines[1][column..column + 3], "lod");
}

/// The kinds that the source can tell, each in at least one of the files.
#[test]
fn no_kind_of_mistake_is_without_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("tests/mistakes")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "kdl") {
            shown.extend(report(&path).mistakes().iter().map(|mistake| mistake.kind()));
        }
    }
    let mut known = BTreeSet::new();
    kinds_in(&root.join("src"), &mut known);
    // These two say that the program is wrong, not the author; the others are about whole files.
    for kind in ["not-kdl", "formatter-bug", "unreadable-file", "too-deep", "no-scenario"] {
        known.remove(kind);
    }
    let missing: Vec<&String> = known.iter().filter(|kind| !shown.contains(kind.as_str())).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

/// What stands after `.add(` and `kind:` in the sources.
fn kinds_in(folder: &Path, kinds: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            kinds_in(&path, kinds);
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a readable file");
        for mark in [".add(", "kind: \""] {
            for rest in source.split(mark).skip(1) {
                let rest = rest.trim_start().trim_start_matches('"');
                let word: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                if rest[word.len()..].starts_with('"') {
                    kinds.insert(word);
                }
            }
        }
    }
}
