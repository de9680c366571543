//! What the passes behind a search say when its time is over.

use super::{Options, liveness, noreturn, search::Search, stateset::StateSet, trace};
use crate::{Limits, PointOfNoReturn, Task};
use fenceweave_kernel::{
    Action, Instr, Operand, Order, Place, Program, ThreadId, Value,
    builder::ProgramBuilder,
    primitives::variable::{How, ops::Access},
};
use std::time::Duration;

/// Two threads that take turns at a word for ever, and get nowhere.
pub(super) fn going_round() -> Program {
    let mut b = ProgramBuilder::new("going-round");
    let x = b.var("x", Value::Word(0));
    for name in ["t1", "t2"] {
        let flip = |n| {
            let a = Operand::Const(Value::Word(n));
            let b = Operand::Const(Value::Unset);
            Access { how: How::Store, order: Order::Relaxed, place: Place::Var(x), a, b, benign: false }
        };
        b.thread(name, |s| {
            let head = s.here();
            s.op("store x 1", flip(1));
            s.op("store x 0", flip(0));
            s.instr("loop", Instr::Jump(head));
        });
    }
    b.build()
}

/// The graph of that program, whole, and time over right behind it if there was no more than this.
fn searched<'a>(task: &'a Task<'a>, time: Option<Duration>) -> Search<'a> {
    let mut search = Search::new(task, &Limits::default(), Options::default(), None);
    assert!(search.run(&()).is_complete());
    search.forget_states();
    search.graph.deadline = time.map(|t| std::time::Instant::now() + t);
    search
}

#[test]
fn nothing_is_concluded_from_a_pass_that_was_given_up() {
    let program = going_round();
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let nowhere = StateSet::default();
    let whole = searched(&task, None);
    assert_eq!(liveness::judge(&whole, &task).map(|l| l.found.is_empty()), Some(false));
    assert!(liveness::never(&whole, &task, &nowhere, true).is_some());
    let late = searched(&task, Some(Duration::ZERO));
    assert!(liveness::judge(&late, &task).is_none());
    assert!(liveness::never(&late, &task, &nowhere, true).is_none());
}

#[test]
fn a_counterexample_is_still_a_shortest_one_and_says_no_more() {
    let program = going_round();
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let (whole, late) = (searched(&task, None), searched(&task, Some(Duration::ZERO)));
    let last = whole.graph.expanded() - 1;
    let best = trace::best(&whole.graph, &program, &[last], None);
    let path = trace::best(&late.graph, &program, &[last], None);
    assert_eq!(path.steps.len(), best.steps.len());
    assert!(path.steps.contains(&Action { thread: ThreadId(1), choice: 0 }));
    let good = StateSet::all(late.graph.expanded());
    assert_eq!(noreturn::locate(&late, &good, &path, true), PointOfNoReturn::NotKnown);
}
