//! Measures the shuttle engine on lock-all with back-off: N threads, N mutexes, each thread takes its own stamp and
//! locks all of them, in rotated orders. Prints executions, states and time.
//!
//! `cargo run --release -p fenceweave-explore --example lockall -- 3 wait-die|wound-wait [explicit] [stateless]`

use fenceweave_explore::{Exploration, Limits, Task, explicit, shuttle};
use fenceweave_kernel::{
    Operand, Program,
    builder::ProgramBuilder,
    fixed, lock_all,
    ww::{self, CtxHow},
};
use std::time::Instant;

fn rotated(n: usize, wound_wait: bool) -> Program {
    let mut b = ProgramBuilder::new("lock-all");
    let class = b.object(
        "class",
        fixed::WwClass { wound_wait, variant: Default::default(), inject_deadlock: 0, config: Default::default() },
    );
    let mutexes: Vec<_> = (0..n).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
    let contexts: Vec<_> = (0..n).map(|i| b.object(&format!("c{i}"), fixed::AcquireCtx { class })).collect();
    for (i, ctx) in contexts.iter().enumerate() {
        let order: Vec<_> = (0..n).map(|k| Operand::Object(mutexes[(i + k) % n])).collect();
        let (locks, ctx) = (b.pool(&order), Operand::Object(*ctx));
        b.thread(&format!("t{i}"), |s| {
            s.op("acquire-init c", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
            s.op("lock-all", lock_all::ops::LockAll { locks, ctx, interruptible: false });
            s.op("acquire-done c", ww::ops::Ctx { how: CtxHow::Done, ctx, on_behalf: None });
            s.op("unlock-all", lock_all::ops::UnlockAll { locks });
            s.op("acquire-fini c", ww::ops::Ctx { how: CtxHow::Fini, ctx, on_behalf: None });
        });
    }
    b.build()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    let n = args.first().and_then(|a| a.parse().ok()).unwrap_or(3);
    let program = rotated(n, has("wound-wait"));
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let limits = Limits { executions: 100_000_000, ..Limits::default() };
    let start = Instant::now();
    let e: Exploration = if has("explicit") {
        explicit::explore(&task, &limits, &())
    } else {
        let options = shuttle::Options { visited: Some(!has("stateless")), ..shuttle::Options::default() };
        shuttle::explore_with(&task, &limits, options, &())
    };
    let seconds = start.elapsed().as_secs_f64();
    println!("{n} threads: {:?} {:?} outcomes {} in {seconds:.2} s", e.coverage, e.counts, e.outcomes.len());
    println!("{:?}", e.found.iter().map(|f| f.violation).collect::<Vec<_>>());
}
