//! The contract of callbacks is watched: a protocol that is broken on purpose breaks it.

use super::*;
use crate::{
    Action, Instr, Operand, Script, State, ThreadId,
    builder::ProgramBuilder,
    fence::{How, ops},
    fixed,
    program::{Callee, FenceOps, SourceLine},
};

const SIGNALLER: ThreadId = ThreadId(0);
const REMOVER: ThreadId = ThreadId(1);

/// A fence with a callback on it, one thread that signals and one that takes the callback off. The callback's function
/// takes two steps.
fn program() -> (Program, ObjId, ObjId) {
    let mut b = ProgramBuilder::new("callback");
    let kind = fixed::Fence { context: 1, seqno: 1, initialised: true, ops: FenceOps::default() };
    let fence = b.object("f", kind);
    let cb = b.object("cb", fixed::Callback { func: Some(CalleeId(0)) });
    let lock = b.object("l", fixed::Spinlock);
    let op = |add| ops::FenceCallback { add, fence: Operand::Object(fence), callback: Operand::Object(cb), data: None };
    b.setup(|s| {
        s.op("add-callback f cb", op(true));
    });
    let signal = ops::Fence { how: How::Signal, fence: Operand::Object(fence), error: 0 };
    b.thread("signaller", |s| {
        s.op("signal f", signal);
    });
    b.thread("remover", |s| {
        s.op("remove-callback f cb", op(false));
    });
    let mut program = b.build();
    program.callees = vec!["func".into()];
    program.scripts.iter_mut().chain([&mut program.setup, &mut program.teardown]).for_each(|s| has_func(s, lock));
    (program, fence, cb)
}

/// Puts the function behind a script.
fn has_func(script: &mut Script, lock: ObjId) {
    let entry = script.code.len() as u16;
    let spin = |how| crate::primitives::spinlock::ops::Spin { how, lock: Operand::Object(lock) };
    use crate::primitives::spinlock::How;
    let ops = [spin(How::Lock), spin(How::Unlock)].map(|op| Instr::Op { op: op.into(), into: None, may_fail: None });
    script.code.extend(ops);
    script.code.push(Instr::Return { result: crate::program::Results::NONE });
    script.lines.resize(script.code.len(), SourceLine::default());
    script.callees = vec![Callee { entry, params: 0, locals: vec![], types: vec![], function: false }];
}

fn step(state: &mut State, program: &Program, thread: ThreadId) -> Option<Property> {
    assert!(state.is_enabled(program, thread));
    state.step(program, Action { thread, choice: 0 }).violation.map(|v| v.property)
}

/// Signals up to where the function has been called and takes its first step.
fn up_to_the_function(program: &Program) -> State {
    let mut state = State::initial(program);
    assert_eq!(state.violation(), None);
    for _ in 0..3 {
        assert_eq!(step(&mut state, program, SIGNALLER), None);
    }
    assert_eq!(state.thread(SIGNALLER).depth(), 1);
    state
}

#[test]
fn the_protocol_keeps_the_contract() {
    let (program, _, cb) = program();
    let mut state = up_to_the_function(&program);
    assert!(!state.is_enabled(&program, REMOVER), "the fence's lock is held");
    while state.is_enabled(&program, SIGNALLER) {
        assert_eq!(step(&mut state, &program, SIGNALLER), None);
    }
    assert_eq!(step(&mut state, &program, REMOVER), None);
    assert_eq!(state.world.callback(cb).stage.0, Stage::Idle);
}

#[test]
fn a_function_that_runs_without_the_lock_is_seen_by_who_takes_its_callback_off() {
    let (program, fence, _) = program();
    let mut state = up_to_the_function(&program);
    state.world.fence_mut(fence).locked.0.lock.release();
    assert_eq!(step(&mut state, &program, REMOVER), Some(Property::CALLBACK_CONTRACT));
}

#[test]
fn a_list_that_is_detached_before_the_lock_is_dropped_leaves_callbacks_that_are_still_to_come() {
    let (program, fence, _) = program();
    let mut state = State::initial(&program);
    state.world.fence_mut(fence).locked.0.len = 0;
    assert_eq!(step(&mut state, &program, REMOVER), Some(Property::CALLBACK_CONTRACT));
}

#[test]
fn a_callback_that_is_left_on_the_list_runs_again() {
    let (program, fence, cb) = program();
    let mut state = State::initial(&program);
    assert_eq!(step(&mut state, &program, SIGNALLER), None);
    // As if it had not been unlinked before it is called.
    state.world.fence_mut(fence).locked.0.push(cb);
    let broken = std::iter::from_fn(|| Some(step(&mut state, &program, SIGNALLER))).take(4).flatten().next();
    assert_eq!(broken, Some(Property::CALLBACK_CONTRACT));
}
