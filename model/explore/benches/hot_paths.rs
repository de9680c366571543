//! The engine's hot paths: a step, its footprint, an encoding and back, and whole searches of small rings.
//!
//! `cargo bench -p fenceweave-explore`

use divan::{Bencher, black_box};
use fenceweave_explore::{Limits, Task, explicit, shuttle};
use fenceweave_kernel::{
    Action, Operand, Program, State, ThreadId,
    builder::ProgramBuilder,
    fixed, lock_all,
    ww::{self, CtxHow, Variant},
};

fn main() {
    divan::main();
}

/// N threads, N mutexes: each thread locks two neighbours with back-off.
fn ring(n: usize) -> Program {
    let mut b = ProgramBuilder::new("ring");
    let class = fixed::WwClass {
        wound_wait: false,
        variant: Variant::Upstream,
        inject_deadlock: 0,
        config: Default::default(),
    };
    let class = b.object("class", class);
    let mutexes: Vec<_> = (0..n).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
    for i in 0..n {
        let ctx = Operand::Object(b.object(&format!("c{i}"), fixed::AcquireCtx { class }));
        let locks = b.pool(&[Operand::Object(mutexes[i]), Operand::Object(mutexes[(i + 1) % n])]);
        b.thread(&format!("t{i}"), |s| {
            s.op("acquire-init c", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
            s.op("lock-all", lock_all::ops::LockAll { locks, ctx, interruptible: false });
            s.op("unlock-all", lock_all::ops::UnlockAll { locks });
            s.op("acquire-fini c", ww::ops::Ctx { how: CtxHow::Fini, ctx, on_behalf: None });
        });
    }
    b.build()
}

/// A state some steps into the ring, in which somebody waits.
fn contended(program: &Program) -> State {
    let mut state = State::initial(program);
    for i in 0..12 {
        let thread = ThreadId(i % program.scripts.len() as u8);
        if state.is_enabled(program, thread) {
            state.step(program, Action { thread, choice: 0 });
        }
    }
    state
}

#[divan::bench]
fn step(bencher: Bencher<'_, '_>) {
    let program = ring(4);
    let before = contended(&program);
    let thread = before.enabled(&program).iter().next().expect("somebody can run");
    let mut state = before.clone();
    bencher.bench_local(|| {
        state.copy_from(&before, &program);
        state.step(&program, black_box(Action { thread, choice: 0 })).touched
    });
}

#[divan::bench]
fn footprints(bencher: Bencher<'_, '_>) {
    let program = ring(4);
    let state = contended(&program);
    bencher.bench_local(|| {
        program.threads().for_each(|t| {
            black_box(state.footprint(&program, t));
        });
    });
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let program = ring(4);
    let (mut state, mut bytes) = (contended(&program), vec![]);
    bencher.bench_local(|| {
        bytes.clear();
        state.encode(&program, &mut bytes);
        bytes.len()
    });
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let program = ring(4);
    let (mut state, mut bytes) = (contended(&program), vec![]);
    state.encode(&program, &mut bytes);
    bencher.bench_local(|| state.decode(&program, black_box(&bytes)));
}

#[divan::bench(args = [2, 3])]
fn explicit_ring(bencher: Bencher<'_, '_>, n: usize) {
    let program = ring(n);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    bencher.bench_local(|| explicit::explore(&task, &Limits::default(), &()).counts.states);
}

#[divan::bench(args = [2, 3])]
fn shuttle_ring(bencher: Bencher<'_, '_>, n: usize) {
    let program = ring(n);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    bencher.bench_local(|| shuttle::explore(&task, &Limits::default(), &()).counts.executions);
}
