//! Whole files, loaded.

use fenceweave_scenario::{Engine, Verdict, load, reference_page};

fn source(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/scenarios/{name}.kdl", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_construct_is_read() {
    let loaded = load("constructs.kdl", &source("constructs")).unwrap_or_else(|report| panic!("{}", report.plain()));
    let case = &loaded.scenarios[0].cases[0];
    assert!(case.has_loops && case.weak);
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
    insta::assert_snapshot!(reference_page());
}

/// The scripts of a program, an instruction a line.
fn listing(program: &fenceweave_kernel::Program) -> String {
    let mut out = String::new();
    for script in program.scripts.iter().chain([&program.setup, &program.teardown]) {
        out.push_str(&format!("{} {:?}\n", script.name, script.locals));
        for (at, (instr, line)) in script.code.iter().zip(&script.lines).enumerate() {
            out.push_str(&format!("{at:4} {:3}: {:40} {instr:?}\n", line.line, line.text));
        }
    }
    out
}
