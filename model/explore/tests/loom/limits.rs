//! Choices, and what stops a search.

use super::{locks::spinlocks, *};

#[test]
fn two_choices_of_three_are_six_executions() {
    let mut b = ProgramBuilder::new("choices");
    for (name, n) in [("a", 2), ("b", 3)] {
        let of = b.pool(&[word(0), word(1), word(2)][..n]);
        b.thread(name, |s| {
            let into = Some(s.local("r"));
            s.instr("choose", Instr::Choose { of, into });
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!((e.counts.executions, e.outcomes.len()), (6, 6));
}

#[test]
fn an_operation_that_may_fail_does_or_does_not() {
    let mut b = ProgramBuilder::new("may-fail");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        for local in ["a", "b"] {
            let op = variable::ops::Access {
                how: How::Add,
                order: Order::Relaxed,
                place: Place::Var(x),
                a: word(1),
                b: UNSET,
                benign: false,
            };
            s.op_may_fail("add", op, local, Errno::ENOMEM);
        }
    });
    let e = complete_and_same(&b.build());
    assert_eq!(e.counts.executions, 4);
}

#[test]
fn limits_stop_at_once_and_say_so() {
    let limits = Limits { executions: 3, ..Limits::default() };
    let e = explore_with(&spinlocks(3, true), &[], limits, false);
    assert_eq!(e.coverage, Coverage::Incomplete("more than 3 executions".into()));
    assert_eq!(e.counts.executions, 3);
    let limits = Limits { preemptions: Some(2), ..Limits::default() };
    let e = explore_with(&spinlocks(3, true), &[], limits, false);
    assert_eq!(e.coverage, Coverage::Preemptions(2));
}

/// A thread that could end, and polls a word that nobody writes: every turn of its loop would be one more execution.
#[test]
fn a_loop_that_is_never_left_is_incomplete_and_stops_the_search() {
    let mut b = ProgramBuilder::new("polls");
    let (x, unset) = (b.var("x", Value::Word(0)), b.equals(LocalId(0), 0));
    b.thread("t", |s| {
        load(s, x, Order::Relaxed, "r");
        let exit = s.instr("while r == 0", Instr::Branch { expr: unset, otherwise: 0 });
        s.instr("loop", Instr::Jump(0));
        let end = s.here();
        s.patch(exit, end);
    });
    let e = explore_with(&b.build(), &[], Limits::default(), true);
    assert!(matches!(e.coverage, Coverage::Incomplete(why) if why.contains("a loop that loom does not get out of")));
    assert!(e.counts.executions < 3, "{} executions", e.counts.executions);
}

#[test]
fn too_many_threads_are_refused() {
    let mut b = ProgramBuilder::new("six");
    let x = b.var("x", Value::Word(0));
    for t in 0..6 {
        b.thread(&format!("t{t}"), |s| store(s, x, t, Order::Relaxed));
    }
    let e = explore(&b.build());
    assert!(matches!(e.coverage, Coverage::Refused(why) if why.contains("loom takes 5")));
}

#[test]
fn five_threads_fit() {
    let mut b = ProgramBuilder::new("five");
    let vars = ["a", "b", "c"].map(|n| b.var(n, Value::Word(0)));
    for t in 0..5 {
        b.thread(&format!("t{t}"), |s| {
            let place = Place::Var(vars[t / 2]);
            let op = variable::ops::Access {
                how: How::Xchg,
                order: Order::Relaxed,
                place,
                a: word(t as i32),
                b: UNSET,
                benign: false,
            };
            s.op_into("xchg", op, "old");
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(e.outcomes.len(), 4);
}
