//! The protocols' contracts, one small program each, looked at exhaustively.

mod fence;
mod iteration;
mod primitives;
mod references;
mod resv;
mod syncobj;
mod ww;

use fenceweave_kernel::{
    Action, Errno, ExprNode, Facet, Instr, LocalId, ObjId, Op, Operand, Order, Outcome, Patience, Place, Program,
    Property, State, ThreadId, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    expr::Operator,
    fence::{How as FenceHow, ops::Fence},
    fixed,
    primitives::{
        alloc::{self, Gfp},
        completion, rcu, refcount, slab, spinlock, variable,
    },
    program::{Callee, CalleeId, SlabKind, StructDecl},
    resv::Usage,
    ww::{CtxHow, How, Variant},
};
use std::collections::{BTreeSet, HashSet};

/// Visits every state of a program, each decoded from its encoding before it goes on; gives those in which nobody can
/// run.
fn stops(program: &Program) -> Vec<State> {
    let (mut seen, mut stops) = (HashSet::new(), vec![]);
    let mut todo = vec![State::initial(program)];
    while let Some(state) = todo.pop() {
        let enabled = state.enabled(program);
        if enabled.is_empty() {
            stops.push(state.clone());
        }
        for thread in enabled.iter() {
            for choice in 0..state.ways(program, thread) {
                let (mut next, mut encoding) = (state.clone(), vec![]);
                next.step(program, Action { thread, choice });
                next.encode(program, &mut encoding);
                next.decode(program, &encoding);
                if seen.insert(encoding) {
                    todo.push(next);
                }
            }
        }
    }
    stops
}

/// Every outcome of a program that does not hang.
fn outcomes(program: &Program) -> BTreeSet<Outcome> {
    let conclude = |mut end: State| {
        assert!(end.violation().is_some() || end.is_finished(program), "deadlock in {}", program.name);
        end.conclude(program);
        end.outcome(program)
    };
    stops(program).into_iter().map(conclude).collect()
}

/// The largest number that a facet of an object ever has, in a program with one thread that breaks nothing.
fn most(program: &Program, object: ObjId, facet: &str) -> i32 {
    assert_eq!(violations(program), BTreeSet::new());
    let (mut state, mut most) = (State::initial(program), 0);
    while state.is_enabled(program, ThreadId(0)) {
        state.step(program, Action { thread: ThreadId(0), choice: 0 });
        if let Some(Facet::Word(n)) = state.object(object).facet(facet) {
            most = most.max(n);
        }
    }
    most
}

fn violations(program: &Program) -> BTreeSet<Property> {
    let property = |o| match o {
        Outcome::Violated(v) => Some(v.property),
        Outcome::Finished { .. } => None,
    };
    outcomes(program).into_iter().filter_map(property).collect()
}

/// The locals of a program that has one outcome and one thread.
fn locals(program: &Program) -> Vec<Value> {
    let all = outcomes(program);
    assert_eq!(all.len(), 1, "{all:?}");
    match all.into_iter().next() {
        Some(Outcome::Finished { locals, .. }) => locals.concat(),
        other => panic!("{other:?}"),
    }
}

fn word(w: i32) -> Value {
    Value::Word(w)
}

fn fence(b: &mut ProgramBuilder, name: &str) -> ObjId {
    b.object(name, fixed::Fence { context: 1, seqno: 1, initialised: true, ops: Default::default() })
}

fn fence_op(how: FenceHow, fence: ObjId, error: i16) -> Op {
    Fence { how, fence: Operand::Object(fence), error }.into()
}

/// A reservation with its lock `fb`, and a fence `f`, in a program that can run grace periods.
fn with_resv(body: impl FnOnce(&mut ScriptBuilder)) -> Program {
    let mut b = ProgramBuilder::new("resv");
    let class = reservations(&mut b);
    fence(&mut b, "f");
    b.resv("fb", class);
    b.thread("t", body);
    b.rcu();
    b.build()
}

/// The states are the same whether each is rebuilt from its encoding before it is left (explicit) or not (shuttle).
fn same_states_decoded_or_not(program: &Program) {
    let explore = |rebuild: bool| {
        let (mut seen, mut todo) = (HashSet::new(), vec![State::initial(program)]);
        while let Some(mut state) = todo.pop() {
            let mut encoding = vec![];
            state.encode(program, &mut encoding);
            if rebuild {
                state.decode(program, &encoding);
            }
            if !seen.insert(encoding) {
                continue;
            }
            for thread in state.enabled(program).iter() {
                let mut next = state.clone();
                next.step(program, Action { thread, choice: 0 });
                todo.push(next);
            }
        }
        seen
    };
    assert_eq!(explore(true), explore(false));
}

fn completion_op(how: completion::How, c: ObjId, patience: Patience) -> Op {
    completion::ops::Complete { how, completion: Operand::Object(c), patience }.into()
}

/// The class of all reservations.
fn reservations(b: &mut ProgramBuilder) -> ObjId {
    let (variant, config) = (Variant::Upstream, Default::default());
    b.object("reservation", fixed::WwClass { wound_wait: false, variant, inject_deadlock: 0, config })
}
