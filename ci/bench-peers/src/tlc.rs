//! TLC, breadth-first over the same protocols in TLA+.

use crate::{
    cell::{Result, capped, quickest},
    programs::Program,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Where `tla2tools.jar` is; without it the column says that TLC is not here.
const JAR: &str = "TLA2TOOLS";

/// Measures a program; `None` without Java or the jar, or if it is not written in TLA+.
pub fn measure(program: Program, n: usize, cap: Duration) -> Option<Result> {
    let jar = std::env::var_os(JAR)?;
    let (module, defined) = program.tla()?;
    let folder = std::env::temp_dir().join(format!("bench-peers-tlc-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tla").join(format!("{module}.tla"));
    std::fs::copy(source, folder.join(format!("{module}.tla"))).ok()?;
    let constants = format!("SPECIFICATION Spec\nCONSTANTS N = {n}\n{defined}\n");
    std::fs::write(folder.join(format!("{module}.cfg")), constants).ok()?;
    let result = quickest(cap, || run(&PathBuf::from(&jar), module, &folder, cap));
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn run(jar: &Path, module: &str, folder: &Path, cap: Duration) -> Option<Result> {
    let mut java = Command::new("java");
    // One thread, also for its garbage; deadlock is looked for, as everywhere here.
    java.args(["-XX:+UseSerialGC", "-Xmx8g", "-cp"]).arg(jar).args(["tlc2.TLC", "-workers", "1", "-config"]);
    java.args([format!("{module}.cfg"), format!("{module}.tla")]).current_dir(folder);
    let (output, ended) = capped(java, cap)?;
    let last = output.lines().rfind(|l| l.contains("distinct states found") && !l.starts_with("Progress"));
    let states = last.and_then(|l| l.split(", ").nth(1)?.split(' ').next()?.replace(',', "").parse().ok());
    Some(Result {
        complete: !ended.killed && states.is_some(),
        wrong: !ended.killed && !output.contains("No error has been found"),
        states: states.unwrap_or(0),
        seconds: ended.seconds,
        cpu_seconds: ended.cpu_seconds,
        kib: ended.kib,
        ..Result::default()
    })
}
