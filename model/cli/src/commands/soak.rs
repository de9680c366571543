//! `fenceweave stress --memory`: real memory under load, without a scenario.

use super::{Exit, tell, usage};
use crate::args::StressArgs;
use fenceweave_explore::{interrupt, threads::Histogram};
use fenceweave_pages::soak::{self, Config, Figures};
use fenceweave_report::summary::grouped;
use std::{fmt::Write as _, time::Duration};

/// How long, if the user does not say.
const TIME: Duration = Duration::from_secs(10);

/// Touches so many MiB from so many threads while they are moved, and tells what came of it.
pub(super) fn soak(args: &StressArgs, mib: u16) -> Exit {
    let time = args.seconds.unwrap_or(TIME);
    let config = Config { seed: args.seed, time, users: args.jobs.into(), mib: mib.into(), software: args.software };
    match soak::run(&config, &interrupt::flag()) {
        Ok(figures) => {
            let _ = tell(&text(&figures));
            let whole = figures.corrupted == 0 && figures.leaked == 0;
            if whole { Exit::Success } else { Exit::Unexpected }
        }
        Err(e) => usage(&format!("memory: {e}")),
    }
}

fn text(f: &Figures) -> String {
    let seconds = f.elapsed.as_secs_f64();
    let mut out = match &f.why_software {
        Some(why) => format!("page faults are raised in software: {why}\n"),
        None => "page faults are the processor's, told by userfaultfd\n".to_owned(),
    };
    let [touches, faults, retries, mapped, moves] = [f.touches, f.faults, f.retries, f.mapped, f.moves].map(grouped);
    let _ =
        writeln!(out, "  touches   {touches}, {faults} faults, {retries} told to come again, {mapped} pages mapped");
    let speed = f.bytes as f64 / seconds.max(1e-9) / 1e9;
    let _ = writeln!(out, "  moves     {moves}, {} bytes, {speed:.2} GB/s in {seconds:.1} s", grouped(f.bytes));
    for (name, h) in [("fault", &f.fault_time), ("no fault", &f.touch_time)] {
        let _ = writeln!(out, "  {name:<9} {}", latency(h));
    }
    let _ = writeln!(out, "  {} words corrupted, {} frames leaked", grouped(f.corrupted), f.leaked);
    out
}

/// `median 1.2 us, 99 % within 4.0 us, 99.9 % 12 us, at most 1.3 ms`.
pub(super) fn latency(h: &Histogram) -> String {
    if h.count() == 0 {
        return "none".into();
    }
    let [half, most, nearly] = [500, 990, 999].map(|n| nanos(h.per_mille(n)));
    format!("median {half}, 99 % within {most}, 99.9 % within {nearly}, at most {}", nanos(h.most()))
}

fn nanos(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} ns"),
        1_000..1_000_000 => format!("{:.1} us", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", n as f64 / 1e6),
        _ => format!("{:.1} s", n as f64 / 1e9),
    }
}
