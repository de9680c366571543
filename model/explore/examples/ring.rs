//! Measures the explicit engine on rings of contexts: N threads, N mutexes, each thread locks two neighbours with
//! back-off. Prints states, transitions, time, and peak memory per visited state.
//!
//! `cargo run --release -p fenceweave-explore --example ring -- 5 wait-die [unstamped] [exact] [no-handoff]
//! [optimistic-spin] [workers=2]`; `0` threads is the empty run.

use fenceweave_explore::{Limits, Task, explicit};
use fenceweave_kernel::{
    Operand, Program, ThreadId,
    builder::ProgramBuilder,
    fixed, lock_all,
    ww::{self, Config, CtxHow, Variant},
};
use std::{num::NonZeroUsize, time::Instant};

/// The ring; stamped: stamps are given in setup, in the order of the threads, else each thread takes its own.
fn ring(n: usize, wound_wait: bool, stamped: bool, config: Config) -> Program {
    let mut b = ProgramBuilder::new("ring");
    let class =
        b.object("class", fixed::WwClass { wound_wait, variant: Variant::Upstream, inject_deadlock: 0, config });
    let mutexes: Vec<_> = (0..n).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
    let contexts: Vec<_> = (0..n).map(|i| b.object(&format!("c{i}"), fixed::AcquireCtx { class })).collect();
    for i in 0..n {
        let pool = b.pool(&[Operand::Object(mutexes[i]), Operand::Object(mutexes[(i + 1) % n])]);
        let ctx = Operand::Object(contexts[i]);
        b.thread(&format!("t{i}"), |s| {
            if !stamped {
                s.op("acquire-init c", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
            }
            s.op("lock-all", lock_all::ops::LockAll { locks: pool, ctx, interruptible: false });
            s.op("unlock-all", lock_all::ops::UnlockAll { locks: pool });
            s.op("acquire-fini c", ww::ops::Ctx { how: CtxHow::Fini, ctx, on_behalf: None });
        });
    }
    if stamped {
        b.setup(|s| {
            for (i, c) in contexts.iter().enumerate() {
                let (ctx, on_behalf) = (Operand::Object(*c), Some(ThreadId(i as u8)));
                s.op("acquire-init c", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf });
            }
        });
    }
    b.build()
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let n = args.first().and_then(|a| a.parse().ok()).unwrap_or(4);
    let wound_wait = args.iter().any(|a| a == "wound-wait");
    let exact = args.iter().any(|a| a == "exact");
    let config = Config {
        handoff: !args.iter().any(|a| a == "no-handoff"),
        optimistic_spin: args.iter().any(|a| a == "optimistic-spin"),
        ..Config::UPSTREAM
    };
    let empty = peak_bytes();
    if n == 0 {
        return println!("empty run: {empty} bytes");
    }
    let program = ring(n, wound_wait, !args.iter().any(|a| a == "unstamped"), config);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let limits = Limits { states: 100_000_000, memory_bytes: 16 << 30, ..Limits::default() };
    let workers = args.iter().find_map(|a| a.strip_prefix("workers=")?.parse().ok()).unwrap_or(NonZeroUsize::MIN);
    let options = explicit::Options { exact, workers, ..explicit::Options::default() };
    let start = Instant::now();
    let e = explicit::explore_with(&task, &limits, options, &());
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "ring {n} {}: {:?} {} states {} transitions depth {} outcomes {} in {seconds:.2} s = {:.2} M transitions/s; {:.0} bytes a state",
        if wound_wait { "wound-wait" } else { "wait-die" },
        e.coverage,
        e.counts.states,
        e.counts.transitions,
        e.counts.depth,
        e.outcomes.len(),
        e.counts.transitions as f64 / seconds / 1e6,
        (peak_bytes() - empty) as f64 / e.counts.states as f64,
    );
    println!("{:?}", e.found.iter().map(|f| f.violation).collect::<Vec<_>>());
}
