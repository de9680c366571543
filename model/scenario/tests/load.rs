//! Whole files, loaded.

use fenceweave_scenario::{Engine, Verdict, format, load, load_file, read, reference_page};
use std::path::{Path, PathBuf};

fn source(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/scenarios/{name}.kdl", env!("CARGO_MANIFEST_DIR"))).expect("a file")
}

#[test]
fn every_construct_is_read() {
    let loaded = load("constructs.kdl", &source("constructs")).unwrap_or_else(|report| panic!("{}", report.plain()));
    let case = &loaded.scenarios[0].cases[0];
    assert!(case.has_loops && case.program.weak.len() == 1);
    assert!(case.program.rcu.is_some());
    assert!(!case.is_for(Engine::Loom) && case.is_for(Engine::Shuttle));
    assert_eq!(*case.expectations.verdict(Engine::Loom), Verdict::Holds);
    insta::assert_debug_snapshot!(case.expectations);
    insta::assert_snapshot!("program", listing(&case.program));
}

#[test]
fn cases_are_programs_of_their_own() {
    let loaded =
        load("handle-lookup.kdl", &source("handle-lookup")).unwrap_or_else(|report| panic!("{}", report.plain()));
    let names: Vec<&str> = loaded.scenarios[0].cases.iter().map(|case| case.program.name.as_str()).collect();
    assert_eq!(names, ["handle-lookup/buggy", "handle-lookup/fixed"]);
    let code = |case: usize| loaded.scenarios[0].cases[case].program.scripts[0].code.len();
    assert_eq!(code(0) + 2, code(1), "the fixed case has a lock and an unlock more");
}

#[test]
fn the_reference_page_is_printed_from_the_tables() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/REFERENCE.md");
    assert!(
        read(&file).unwrap_or_default() == reference_page(),
        "scenarios/REFERENCE.md is not the page any more; renew it by\n  \
         cargo run --release -- reference > scenarios/REFERENCE.md"
    );
}

/// Scenario files under a directory.
fn scenario_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            scenario_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "kdl") {
            into.push(path);
        }
    }
}

#[test]
fn shipped_scenarios_are_as_fmt_writes_them() {
    let mut files = vec![];
    scenario_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"), &mut files);
    assert!(files.len() > 300, "{} files", files.len());
    scenario_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../library"), &mut files);
    let changed = files.iter().filter(|file| {
        let text = read(file).expect("a text");
        format("shipped.kdl", &text).ok() != Some(text)
    });
    let changed: Vec<String> = changed.map(|file| file.display().to_string()).collect();
    assert!(changed.is_empty(), "`cargo run --release -- fmt` would change {}", changed.join(", "));
}

/// The scripts of a program, an instruction a line.
fn listing(program: &fenceweave_kernel::Program) -> String {
    let mut out = String::new();
    for script in program.scripts.iter().chain([&program.setup, &program.teardown]) {
        out.push_str(&std::format!("{} {:?}\n", script.name, script.locals));
        for (at, (instr, line)) in script.code.iter().zip(&script.lines).enumerate() {
            out.push_str(&std::format!("{at:4} {:3}: {:40} {instr:?}\n", line.line, line.text));
        }
    }
    out
}

#[test]
fn what_is_no_scenario_is_told_apart() {
    let kind = |report: fenceweave_scenario::Report| report.mistakes()[0].kind();
    assert_eq!(kind(load("empty.kdl", "// nothing\n").unwrap_err()), "no-scenario");
    let deep = load("deep.kdl", &"a {".repeat(40)).unwrap_err();
    assert!(deep.mistakes().iter().any(|mistake| mistake.kind() == "too-deep"));
    assert_eq!(kind(load("large.kdl", &" ".repeat(300 * 1024)).unwrap_err()), "too-large");
    let missing = load_file(Path::new("no/such/file.kdl")).unwrap_err();
    assert_eq!(kind(missing.clone()), "unreadable-file");
    assert_eq!(kind(load_file(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err()), "unreadable-file");
    assert!(missing.to_string().starts_with("1 mistake in no/such/file.kdl"));
}

/// A text of a few lines can ask for more than anybody can look at.
#[test]
fn short_texts_that_ask_for_very_much_are_refused_quickly() {
    let calls = |name: &str| format!("{name}; ").repeat(16);
    let tower: String = (0..20).map(|i| format!("proc p{i} {{ {} }}\n", calls(&format!("p{}", i + 1)))).collect();
    let turns = |inside: &str| format!("repeat 16 {{ {inside} }}; ").repeat(4);
    let nested = (0..8).fold("smp-mb".to_owned(), |inside, _| turns(&inside).chars().take(30_000).collect());
    let names: String = (0..3_000).map(|i| format!("C{i} ")).collect();
    for text in [
        format!("scenario s {{ {tower} proc p20 {{ }}\nthread t {{ p0 }} }}"),
        format!("scenario s {{ thread t {{ {nested} }} }}"),
        format!("scenario s {{\ncase {names}\nthread t {{ smp-mb }} }}"),
        format!("scenario s {{\n{}thread t {{ smp-mb }} }}", "var x len=44\n".repeat(3_000)),
        format!("scenario s {{\n{} }}", "thread t count=14 { smp-mb }\n".repeat(3_000)),
        format!("scenario s {{ thread t {{ {} }} }}", "lok x; ".repeat(5_000)),
    ] {
        let start = std::time::Instant::now();
        assert!(load("much.kdl", &text).is_err(), "{}", &text[..60]);
        assert!(start.elapsed().as_secs() < 10, "{}", &text[..60]);
    }
}

/// Every shipped file: nothing of it is lost by formatting, and twice is once.
#[test]
fn formatting_keeps_every_comment_of_every_shipped_file() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    collect(&root.join("../../scenarios"), &mut files);
    collect(&root.join("tests/scenarios"), &mut files);
    for path in files {
        let source = read(&path).unwrap();
        let once = format("shipped.kdl", &source).unwrap_or_else(|report| panic!("{}", report.plain()));
        assert_eq!(format("shipped.kdl", &once).unwrap(), once, "{}", path.display());
        assert_eq!(comments(&source), comments(&once), "{}", path.display());
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "kdl") {
            files.push(path);
        }
    }
}

/// Comments by their opening signs; no shipped text has one inside quotes.
fn comments(text: &str) -> usize {
    ["//", "/*", "/-"].iter().map(|sign| text.matches(sign).count()).sum()
}
