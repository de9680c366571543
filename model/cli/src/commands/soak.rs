//! `fenceweave stress --memory`: real memory under load, without a scenario.

use super::{
    Exit,
    stress::figures::{bars, latency, who_faults},
    tell, usage,
};
use crate::args::StressArgs;
use fenceweave_explore::interrupt;
use fenceweave_pages::soak::{self, Config, Figures};
use fenceweave_report::{
    json::stress::{self as json, Latency},
    summary::grouped,
};
use std::{fmt::Write as _, time::Duration};

/// How long, if the user does not say.
const TIME: Duration = Duration::from_secs(10);

/// Touches so many MiB from so many threads while they are moved, and tells what came of it.
pub(super) fn soak(args: &StressArgs, mib: u16) -> Exit {
    let time = args.seconds.unwrap_or(TIME);
    let config = Config { seed: args.seed, time, users: args.jobs.into(), mib: mib.into(), software: args.software };
    match soak::run(&config, &interrupt::flag()) {
        Ok(figures) => {
            let _ = tell(&if args.json { document(&figures) } else { text(&figures, args.stats) });
            let whole = figures.corrupted == 0 && figures.leaked == 0;
            if whole { Exit::Success } else { Exit::Unexpected }
        }
        Err(e) => usage(&format!("memory: {e}")),
    }
}

fn text(f: &Figures, all: bool) -> String {
    let seconds = f.elapsed.as_secs_f64();
    let mut out = who_faults(f.why_software.as_deref()) + "\n";
    let [touches, faults, retries, mapped, moves] = [f.touches, f.faults, f.retries, f.mapped, f.moves].map(grouped);
    let _ =
        writeln!(out, "  touches   {touches}, {faults} faults, {retries} told to come again, {mapped} pages mapped");
    let speed = f.bytes as f64 / seconds.max(1e-9) / 1e9;
    let _ = writeln!(out, "  moves     {moves}, {} bytes, {speed:.2} GB/s in {seconds:.1} s", grouped(f.bytes));
    for (name, h) in [("fault", &f.fault_time), ("no fault", &f.touch_time)] {
        let _ = writeln!(out, "  {name:<9} {}", latency(h));
        out.push_str(&if all { bars(h) } else { String::new() });
    }
    let _ = writeln!(out, "  {} words corrupted, {} frames leaked", grouped(f.corrupted), f.leaked);
    out
}

fn document(f: &Figures) -> String {
    json::memory(&json::Memory {
        in_software: f.why_software.as_deref(),
        touches: f.touches,
        faults: f.faults,
        retries: f.retries,
        mapped: f.mapped,
        moves: f.moves,
        bytes: f.bytes,
        seconds: f.elapsed.as_secs_f64(),
        corrupted: f.corrupted,
        leaked: Some(f.leaked),
        fault: Latency::of(&f.fault_time),
        no_fault: Latency::of(&f.touch_time),
    })
}
