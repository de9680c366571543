//! SPIN: generate, compile, run.

use crate::{
    cell::{Result, capped},
    programs::Program,
};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Measures a program; `None` without `spin` or a C compiler.
pub fn measure(program: Program, n: usize, cap: Duration) -> Option<Result> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("promela").join(format!("{}.pml", program.name()));
    let folder = std::env::temp_dir().join(format!("bench-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let result = compile(&source, &folder, n).and_then(|compile_seconds| {
        let mut pan = Command::new(folder.join("pan"));
        // The depth of the search; its stack and hash table are taken before it begins. No listing of unreached code.
        pan.args(["-m1000000", "-n"]).current_dir(&folder);
        let (output, ended) = capped(pan, cap)?;
        let number = |what: &str| -> Option<f64> {
            output.lines().find(|l| l.contains(what))?.split_whitespace().next()?.parse().ok()
        };
        let errors = output.lines().find_map(|l| l.split("errors: ").nth(1)?.trim().parse::<u64>().ok());
        let states = number("states, stored").map_or(0, |s| s as u64);
        Some(Result {
            complete: !ended.killed && errors.is_some(),
            wrong: errors.unwrap_or(0) > 0,
            states,
            seconds: ended.seconds,
            compile_seconds,
            kib: ended.kib,
            ..Result::default()
        })
    });
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn compile(source: &Path, folder: &Path, n: usize) -> Option<f64> {
    let started = Instant::now();
    let quiet = |c: &mut Command| -> bool {
        c.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let generated = quiet(Command::new("spin").arg(format!("-DN={n}")).arg("-a").arg(source));
    let compiled =
        generated && quiet(Command::new("cc").args(["-O2", "-DSAFETY", "-DMEMLIM=16000", "-o", "pan", "pan.c"]));
    compiled.then(|| started.elapsed().as_secs_f64())
}
