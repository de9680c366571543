//! The loom engine: what weak memory adds, and equality with a sequentially consistent brute force where it adds
//! nothing.

mod limits;
mod locks;
mod orders;
mod sleeping;
mod violations;

use fenceweave_explore::{Coverage, Exploration, Limits, Task, diagnose, loom};
use fenceweave_kernel::{
    Action, Condition, Errno, Expr, ExprNode, Instr, Leaf, LocalId, Moment, ObjId, Op, Operand, Order, Outcome,
    Patience, Place, Program, Property, State, ThreadId, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    expr::Operator,
    fence, fixed,
    primitives::{
        barrier, completion, rcu, refcount, signal, slab, spinlock,
        variable::{self, How},
        waitqueue,
    },
    program::{SlabKind, StructDecl},
    ww,
};
use std::collections::{BTreeSet, HashSet};

const UNSET: Operand = Operand::Const(Value::Unset);

fn word(w: i32) -> Operand {
    Operand::Const(Value::Word(w))
}

fn load(s: &mut ScriptBuilder, x: ObjId, order: Order, into: &str) -> LocalId {
    s.op_into(
        "load",
        variable::ops::Access { how: How::Load, order, place: Place::Var(x), a: UNSET, b: UNSET, benign: false },
        into,
    )
}

fn store(s: &mut ScriptBuilder, x: ObjId, w: i32, order: Order) {
    s.op(
        "store",
        variable::ops::Access { how: How::Store, order, place: Place::Var(x), a: word(w), b: UNSET, benign: false },
    );
}

fn smp_mb(s: &mut ScriptBuilder) {
    let place = Place::Var(ObjId::var(0));
    s.op(
        "smp-mb",
        variable::ops::Access { how: How::FullBarrier, order: Order::Full, place, a: UNSET, b: UNSET, benign: false },
    );
}

fn spin(s: &mut ScriptBuilder, how: spinlock::How, lock: ObjId) {
    s.op("spin", spinlock::ops::Spin { how, lock: Operand::Object(lock) });
}

fn wait(s: &mut ScriptBuilder, at: waitqueue::How, queue: ObjId, patience: Patience, into: &str) {
    s.op_into("wait", waitqueue::ops::Wait { how: at, queue: Operand::Object(queue), patience }, into);
}

fn complete(s: &mut ScriptBuilder, at: completion::How, c: ObjId, patience: Patience, into: &str) {
    s.op_into("completion", completion::ops::Complete { how: at, completion: Operand::Object(c), patience }, into);
}

fn fence_op(s: &mut ScriptBuilder, what: fence::How, f: ObjId) {
    s.op("fence", fence::ops::Fence { how: what, fence: Operand::Object(f), error: 0 });
}

fn fence_wait(s: &mut ScriptBuilder, f: ObjId, patience: Patience, into: &str) {
    s.op_into("wait fence", fence::ops::FenceWait { fence: Operand::Object(f), patience, poll: false }, into);
}

/// The program, with what the builder cannot say.
fn build(b: ProgramBuilder, edit: impl FnOnce(&mut Program)) -> Program {
    let mut p = b.build();
    edit(&mut p);
    p
}

/// The final variables are no part of the outcome: the locals tell.
fn hidden(p: &mut Program) {
    p.vars.iter_mut().for_each(|v| v.observed = false);
}

fn explore_with(p: &Program, conditions: &[Condition], limits: Limits, has_loops: bool) -> Exploration {
    let started = std::time::Instant::now();
    let e = loom::explore(&Task { program: p, conditions, has_loops }, &limits, &());
    println!(
        "{:28} {:?}: {} outcomes, {} executions, {} steps, {:.2?}",
        p.name,
        e.coverage,
        e.outcomes.len(),
        e.counts.executions,
        e.counts.transitions,
        started.elapsed()
    );
    e
}

fn explore(p: &Program) -> Exploration {
    explore_with(p, &[], Limits::default(), false)
}

/// Every outcome on sequentially consistent memory: depth first over all states, no reduction.
fn brute_force(p: &Program) -> BTreeSet<Outcome> {
    let (mut seen, mut outcomes, mut todo) = (HashSet::new(), BTreeSet::new(), vec![State::initial(p)]);
    while let Some(mut s) = todo.pop() {
        let mut code = vec![];
        s.encode(p, &mut code);
        if !seen.insert(code) {
            continue;
        }
        let enabled = s.enabled(p);
        if enabled.is_empty() {
            if let Some(v) = s.violation().is_none().then(|| diagnose::stuck(p, &s)).flatten() {
                s.end_with(v);
            }
            s.conclude(p);
            outcomes.insert(s.outcome(p));
        }
        for thread in enabled.iter() {
            for choice in 0..s.ways(p, thread) {
                let mut next = s.clone();
                next.step(p, Action { thread, choice });
                todo.push(next);
            }
        }
    }
    outcomes
}

/// Loom sees exactly what a sequentially consistent search sees.
fn same_as_brute_force(p: &Program) -> Exploration {
    let e = explore(p);
    let wanted = brute_force(p);
    let missing: Vec<_> = wanted.difference(&e.outcomes).collect();
    let extra: Vec<_> = e.outcomes.difference(&wanted).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    let violations = e.outcomes.iter().filter(|o| matches!(o, Outcome::Violated(_))).count();
    assert_eq!(e.found.len(), violations);
    e
}

fn complete_and_same(p: &Program) -> Exploration {
    let e = same_as_brute_force(p);
    assert_eq!(e.coverage, Coverage::Complete);
    e
}

/// The words of the locals of the executions that ended well.
fn locals(e: &Exploration) -> BTreeSet<Vec<i32>> {
    let finished = e.outcomes.iter().filter_map(|o| match o {
        Outcome::Finished { locals, .. } => Some(locals),
        Outcome::Violated(_) => None,
    });
    finished.map(|l| l.iter().flatten().map(|v| v.word().unwrap_or(-99)).collect()).collect()
}

fn properties(e: &Exploration) -> BTreeSet<Property> {
    e.found.iter().map(|f| f.violation.property).collect()
}
