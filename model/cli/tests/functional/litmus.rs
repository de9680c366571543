//! The kernel's litmus tests: all of them are there, and the table of `scenarios/litmus/README.md` says of each what
//! its file expects. That it comes out so is the business of the tests of all scenarios.

use crate::project::Project;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/litmus")
}

/// The table's rows: scenario, file of the kernel's, its result, what loom says.
fn rows(page: &str) -> Vec<[String; 4]> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells[1].split(['[', ']']).nth(1).expect("the first cell is a link");
        [name, cells[2].trim_matches('`'), cells[3], cells[5]].map(str::to_owned)
    };
    page.lines().filter(|line| line.starts_with("| [")).map(row).collect()
}

#[test]
fn the_table_says_what_each_file_expects() {
    let page = fs::read_to_string(folder().join("README.md")).expect("the page");
    let rows = rows(&page);
    let named: BTreeSet<&str> = rows.iter().map(|[_, file, ..]| file.as_str()).collect();
    assert_eq!((rows.len(), named.len()), (35, 35), "tests of the kernel's");
    for [name, file, result, loom] in &rows {
        let text = fs::read_to_string(folder().join(format!("{name}.kdl"))).expect("a scenario of that name");
        assert!(text.starts_with(&format!("// tools/memory-model/litmus-tests/{file}.litmus\n")), "{name}: {file}");
        assert!(text.contains(&format!("LKMM: {result}.\"")), "{name}: its `about` says another result");
        // Where it may happen, only loom may show it; where it may not, it is denied to all that look.
        let (forbidden, shown) = (text.contains("at-end \"!("), text.contains("sometimes \""));
        let says = match (text.contains("no-engine loom because="), result.as_str(), shown) {
            (true, _, false) => "does not decide it",
            (false, "Never", false) => "never",
            (false, "Sometimes", true) => "shows it",
            _ => "nothing that the table knows",
        };
        assert_eq!((says, forbidden), (loom.as_str(), true), "{name}");
        let for_all = text.lines().any(|line| line.trim().starts_with("at-end") && !line.contains("engine="));
        assert_eq!(for_all, result == "Never", "{name}: what may not happen is denied to every engine, and only that");
    }
    let files = fs::read_dir(folder()).expect("the folder").filter_map(Result::ok);
    let scenarios = files.filter(|f| f.path().extension().is_some_and(|e| e == "kdl")).count();
    assert_eq!(scenarios, 35, "scenarios in the folder");
}

#[test]
fn a_barrier_beside_nothing_that_it_is_for_is_told() {
    let text = "scenario s {
    var x y weak
    lock l
    thread a { smp-mb-before-atomic; add x 1; smp-mb-after-atomic; lock l; smp-mb-after-spinlock; unlock l }
    thread b { smp-mb-before-atomic; store x 1; smp-mb-after-atomic; smp-mb-after-spinlock; load y into=r }
    expect { holds; sometimes \"b.r == 0\" }
}
";
    let ran = Project::new().file("s.kdl", text).run("check s.kdl --engine explicit");
    let told = format!("{}{}", ran.out, ran.err);
    assert_eq!(told.matches("warning[misplaced-barrier]: s.kdl:5:").count(), 3, "{told}");
    assert!(!told.contains("s.kdl:4:"), "{told}");
}

#[test]
fn a_verdict_says_when_nobody_has_looked_at_weak_memory() {
    let text = "scenario lb {
    var x y weak
    no-engine loom because=\"it does not see load buffering\"
    thread a { load x into=r; store y 1 }
    thread b { load y into=r; store x 1 }
    expect { holds }
}
";
    let only = "lb: holds on sequentially consistent memory only, as expected\n";
    let project = Project::new().file("lb.kdl", text).file("sc.kdl", text.replace(" weak\n", "\n"));
    assert!(project.run("check lb.kdl --engine all").exits(0).out.starts_with(only));
    // Who asks for no such engine is told only if the scenario is about it.
    assert!(project.run("check lb.kdl").exits(0).out.starts_with(only));
    assert!(project.run("check sc.kdl").exits(0).out.starts_with("lb: holds, as expected\n"));
    assert!(project.run("check sc.kdl --engine all").exits(0).out.starts_with(only));
    let json = project.run("check lb.kdl --engine all --json").exits(0).out;
    assert!(json.contains("\"verdict\":\"holds on sequentially consistent memory only, as expected\""), "{json}");
    let seen: Vec<&str> = text.lines().filter(|l| !l.contains("no-engine")).collect();
    let project = Project::new().file("lb.kdl", seen.join("\n"));
    assert!(project.run("check lb.kdl --engine all").exits(0).out.starts_with("lb: holds, as expected\n"));
}
