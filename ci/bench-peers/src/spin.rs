//! SPIN at its best: generate, compile for safety alone, look how large it gets, and run it sized to that.

use crate::{
    cell::{Result, capped, quickest},
    programs::Program,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What makes it quickest here: no acceptance cycles, no checks of bounds and of channels' claims, the quicker hash. Its
/// partial-order reduction is on. `-DNOREDUCE`, `-DCOLLAPSE` and larger tables were slower on every row.
const FLAGS: [&str; 7] = ["-O3", "-march=native", "-DSAFETY", "-DSFH", "-DNOBOUNDCHECK", "-DXUSAFE", "-DMEMLIM=16000"];
/// Deeper than any of the programs goes; how deep it went says what it needs.
const DEPTH: u64 = 1_000_000;

/// What one run of the checker said.
#[derive(Clone, Copy)]
struct Run {
    result: Result,
    depth: u64,
}

/// Measures a program; `None` without `spin` or a C compiler.
pub fn measure(program: Program, n: usize, cap: Duration) -> Option<Result> {
    let folder = std::env::temp_dir().join(format!("bench-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let result = sized(program, n, &folder, cap);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Once with room for everything, to see how much it needs; then with a hash table and a stack of that size.
fn sized(program: Program, n: usize, folder: &Path, cap: Duration) -> Option<Result> {
    let compile_seconds = compile(program, n, folder)?;
    let first = run(folder, DEPTH, 24, cap)?;
    let result = match first.result.complete {
        true => {
            let table = first.result.states.max(1 << 10).ilog2() + 1;
            quickest(cap, || Some(run(folder, first.depth + 10, table, cap)?.result))?
        }
        false => first.result,
    };
    Some(Result { compile_seconds, ..result })
}

fn run(folder: &Path, depth: u64, table: u32, cap: Duration) -> Option<Run> {
    let mut pan = Command::new(folder.join("pan"));
    // No listing of unreached code.
    pan.args([format!("-m{depth}"), format!("-w{table}"), "-n".to_owned()]).current_dir(folder);
    let (output, ended) = capped(pan, cap)?;
    let number = |what: &str| -> Option<f64> {
        output.lines().find(|l| l.contains(what))?.split_whitespace().next()?.parse().ok()
    };
    let after = |what: &str| -> Option<u64> {
        let rest = output.lines().find_map(|l| l.split(what).nth(1))?.trim();
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let errors = after("errors: ");
    // A search that did not fit into its stack has not seen everything.
    let truncated = output.contains("max search depth too small");
    let result = Result {
        complete: !ended.killed && !truncated && errors.is_some(),
        wrong: errors.unwrap_or(0) > 0,
        states: number("states, stored").map_or(0, |s| s as u64),
        seconds: ended.seconds,
        cpu_seconds: ended.cpu_seconds,
        kib: ended.kib,
        ..Result::default()
    };
    Some(Run { result, depth: after("depth reached ").unwrap_or(DEPTH) })
}

fn compile(program: Program, n: usize, folder: &Path) -> Option<f64> {
    let (file, defined) = program.promela();
    let source: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("promela").join(format!("{file}.pml"));
    let started = Instant::now();
    let quiet = |c: &mut Command| -> bool {
        c.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    // What is read is an outcome with us: variables that are only written are kept.
    let mut spin = Command::new("spin");
    spin.arg("-o2").arg(format!("-DN={n}")).args(defined).arg("-a").arg(source);
    let generated = quiet(&mut spin);
    let compiled = generated && quiet(Command::new("cc").args(FLAGS).args(["-o", "pan", "pan.c"]));
    compiled.then(|| started.elapsed().as_secs_f64())
}
