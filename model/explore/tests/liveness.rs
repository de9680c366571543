//! What goes on for ever: livelock, starvation, `eventually`, spinning, and who can take threads that never end.

use fenceweave_explore::{
    Coverage, Exploration, Found, Limits, Task, Watched,
    ahead::{Goal, Here, Reach, Scene, Standing, Whole},
    compare, explicit, loom, shuttle,
};
use fenceweave_kernel::{
    Action, Condition, Expr, ExprNode, Instr, Leaf, LocalId, Moment, ObjId, Op, Operand, Order, Patience, Place,
    Program, Property, State, ThreadId, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    expr::Operator,
    fixed,
    primitives::{
        slab,
        spinlock::How::{self as Spin, Lock, TryLock, Unlock},
        variable::{
            self,
            How::{self, Add, Load, Store},
        },
        waitqueue::{self, How as WaitHow},
    },
    program::{SlabKind, StructDecl},
};

const NOTHING: Operand = Operand::Const(Value::Unset);

fn word(n: i32) -> Operand {
    Operand::Const(Value::Word(n))
}

fn access(how: How, var: ObjId, a: Operand) -> Op {
    variable::ops::Access { how, order: Order::Relaxed, place: Place::Var(var), a, b: NOTHING, benign: false }.into()
}

fn spin(how: Spin, lock: ObjId) -> Op {
    fenceweave_kernel::primitives::spinlock::ops::Spin { how, lock: Operand::Object(lock) }.into()
}

/// `word == n`, of the word that a `spin-until` reads.
fn reads(b: &mut ProgramBuilder, n: i32) -> u16 {
    b.equals(LocalId::WORD_READ, n)
}

fn spin_until(var: ObjId, expr: u16) -> Op {
    variable::ops::SpinUntil { order: Order::Acquire, place: Place::Var(var), expr }.into()
}

/// `loop { … }` without a way out.
fn endless(s: &mut ScriptBuilder, body: impl FnOnce(&mut ScriptBuilder)) {
    let head = s.here();
    body(s);
    s.instr("loop", Instr::Jump(head));
}

fn progress(s: &mut ScriptBuilder) {
    s.instr("progress", Instr::Progress);
}

fn task<'a>(program: &'a Program, conditions: &'a [Condition]) -> Task<'a> {
    Task { program, conditions, has_loops: true }
}

fn explore(program: &Program) -> Exploration {
    let e = explicit::explore(&task(program, &[]), &Limits::default(), &());
    assert_eq!(e.coverage, Coverage::Complete);
    for f in &e.found {
        check_lasso(program, f);
    }
    let s = shuttle::explore(&task(program, &[]), &Limits::default(), &());
    assert_eq!(s.coverage, Coverage::Complete);
    assert_eq!(compare::compare(&[e.clone(), s], compare::About::Anything), compare::Comparison::default());
    explore_unsaid(program, &e);
    e
}

/// Nobody says that something may go round, as of an operation that begins again: it comes to the same.
fn explore_unsaid(program: &Program, said: &Exploration) {
    let unsaid = Task { has_loops: false, ..task(program, &[]) };
    let e = explicit::explore(&unsaid, &Limits::default(), &());
    assert_eq!(e.coverage, Coverage::Complete);
    assert_eq!((broken(&e), &e.outcomes), (broken(said), &said.outcomes));
}

#[test]
fn an_execution_that_nobody_said_goes_round_is_no_limit_to_shuttle() {
    let mut b = ProgramBuilder::new("endless");
    let x = b.var("x", Value::Word(0));
    flipper(&mut b, x, true);
    let program = b.build();
    let s = shuttle::explore(&Task { has_loops: false, ..task(&program, &[]) }, &Limits::default(), &());
    assert_eq!((s.coverage, s.counts.states), (Coverage::Complete, 2));
}

/// A lasso's last state is the one in which its loop began.
fn check_lasso(program: &Program, found: &Found) {
    let Some(from) = found.trace.loop_from else { return };
    let encoding = |steps: usize| {
        let mut state = State::initial(program);
        for action in &found.trace.steps[..steps] {
            assert!(state.enabled(program).contains(action.thread));
            state.step(program, *action);
        }
        let mut out = vec![];
        state.encode(program, &mut out);
        out
    };
    assert!(from < found.trace.steps.len());
    assert_eq!(encoding(from), encoding(found.trace.steps.len()));
}

fn broken(e: &Exploration) -> Vec<(Property, u8)> {
    e.found.iter().map(|f| (f.violation.property, f.violation.thread.0)).collect()
}

/// A thread that adds 1 to a word and takes it away again for ever; perhaps it marks where it gets on.
fn flipper(b: &mut ProgramBuilder, x: ObjId, marked: bool) -> ThreadId {
    b.thread("flipper", |s| {
        endless(s, |s| {
            s.op("add x 1", access(Add, x, word(1)));
            s.op("add x -1", access(Add, x, word(-1)));
            if marked {
                progress(s);
            }
        });
    })
}

#[test]
fn an_endless_thread_without_marks_is_in_a_livelock_and_one_with_marks_is_not() {
    for marked in [false, true] {
        let mut b = ProgramBuilder::new("endless");
        let x = b.var("x", Value::Word(0));
        flipper(&mut b, x, marked);
        let e = explore(&b.build());
        let expected = if marked { vec![] } else { vec![(Property::LIVELOCK, 0)] };
        assert_eq!(broken(&e), expected);
        assert!(e.outcomes.is_empty() && e.counts.unfair_cycles == 0);
    }
}

/// Ahead of a state as in the whole graph.
#[test]
fn who_goes_step_by_step_is_told_of_it_from_where_he_is() {
    for marked in [false, true] {
        let mut b = ProgramBuilder::new("ahead");
        let x = b.var("x", Value::Word(0));
        b.thread("first", |s| {
            s.op("add x 2", access(Add, x, word(2)));
        });
        flipper(&mut b, x, marked);
        let program = b.build();
        let scene = Scene { program: &program, conditions: &[] };
        let reach = Reach { states: 1_000, steps: 100 };
        let mut state = State::initial(&program);
        for after in 0..2 {
            let ahead = scene.search(Here { state: &state, came: &[] }, Goal::Wrong, reach);
            assert!(ahead.is_certain && ahead.states >= 2, "{ahead:?}");
            match (marked, ahead.whole) {
                (true, None) => assert_eq!(ahead.way, None),
                (false, Some(Whole { what: Standing::Broken(violation), round: Some(from) })) => {
                    assert_eq!((violation.property, violation.thread), (Property::LIVELOCK, ThreadId(1)));
                    let way = ahead.way.expect("a way");
                    let mut at = vec![];
                    let mut here = state.clone();
                    for action in [None].into_iter().chain(way.iter().copied().map(Some)) {
                        action.map(|action| here.step(&program, action));
                        let mut encoding = vec![];
                        here.encode(&program, &mut encoding);
                        at.push(encoding);
                    }
                    assert!(from < way.len() && at[from] == at[way.len()], "it leads back");
                    let (here, few) = (Here { state: &state, came: &[] }, Reach { states: 1, ..reach });
                    let cut = scene.search(here, Goal::Wrong, few);
                    assert!(cut.whole.is_none() && !cut.is_certain, "not all was looked at: {cut:?}");
                }
                (_, told) => panic!("{after}: {told:?}"),
            }
            if after == 0 {
                state.step(&program, Action { thread: ThreadId(0), choice: 0 });
            }
        }
    }
}

/// Asleep for ever, while another gets on for ever: no deadlock, since somebody runs.
#[test]
fn a_sleeper_that_nobody_wakes_starves_while_others_get_on() {
    let mut b = ProgramBuilder::new("sleeper");
    let (x, q) = (b.var("x", Value::Word(0)), b.object("q", fixed::WaitQueue));
    flipper(&mut b, x, true);
    b.thread("sleeper", |s| {
        for how in [WaitHow::Prepare, WaitHow::Schedule] {
            s.op("sleep q", waitqueue::ops::Wait { how, queue: Operand::Object(q), patience: Patience::Forever });
        }
    });
    let e = explore(&b.build());
    assert_eq!(broken(&e), [(Property::STARVATION, 1)]);
    let found = &e.found[0];
    assert_eq!(found.violation.object, Some(q));
    let round = &found.trace.steps[found.trace.loop_from.expect("a lasso")..];
    assert!(round.iter().all(|a| a.thread == ThreadId(0)), "a sleeper takes no step");
}

/// Two threads that take one lock for ever; the second waits for it or only tries.
fn two_lockers(how: Spin) -> Program {
    let mut b = ProgramBuilder::new("lockers");
    let l = b.object("l", fixed::Spinlock);
    let got = b.equals(LocalId(0), 1);
    b.thread("first", |s| {
        endless(s, |s| {
            s.op("lock l", spin(Lock, l));
            s.op("unlock l", spin(Unlock, l));
            progress(s);
        });
    });
    b.thread("second", |s| {
        endless(s, |s| {
            let skip = match how {
                TryLock => {
                    s.op_into("trylock l", spin(TryLock, l), "got");
                    Some(s.instr("when got", Instr::Branch { expr: got, otherwise: 0 }))
                }
                _ => {
                    s.op("lock l", spin(how, l));
                    None
                }
            };
            s.op("unlock l", spin(Unlock, l));
            progress(s);
            let here = s.here();
            skip.into_iter().for_each(|at| s.patch(at, here));
        });
    });
    b.build()
}

#[test]
fn spinlocks_are_queued_and_trylocks_are_not() {
    assert_eq!(broken(&explore(&two_lockers(Lock))), []);
    assert_eq!(broken(&explore(&two_lockers(TryLock))), [(Property::STARVATION, 1)]);
}

/// One polls a flag that the other sets.
#[test]
fn a_cycle_that_holds_a_thread_back_is_counted_and_breaks_nothing() {
    let mut b = ProgramBuilder::new("poll");
    let x = b.var("x", Value::Word(0));
    let seen = b.equals(LocalId(0), 0);
    b.thread("poller", |s| {
        let head = s.here();
        s.op_into("load x", access(Load, x, NOTHING), "seen");
        let exit = s.instr("while seen == 0", Instr::Branch { expr: seen, otherwise: 0 });
        s.instr("loop", Instr::Jump(head));
        let end = s.here();
        s.patch(exit, end);
    });
    b.thread("setter", |s| {
        s.op("store x 1", access(Store, x, word(1)));
    });
    let e = explore(&b.build());
    assert_eq!((broken(&e), e.counts.unfair_cycles), (vec![], 1));
}

/// The retry of a choice that may fail each time.
#[test]
fn a_choice_does_not_fall_the_same_way_for_ever() {
    let mut b = ProgramBuilder::new("retry");
    let x = b.var("x", Value::Word(0));
    let failed = b.equals(LocalId(0), -12);
    b.thread("t", |s| {
        let head = s.here();
        s.op_may_fail("load x may-fail", access(Load, x, NOTHING), "r", fenceweave_kernel::Errno::ENOMEM);
        let exit = s.instr("while r == -ENOMEM", Instr::Branch { expr: failed, otherwise: 0 });
        s.instr("loop", Instr::Jump(head));
        let end = s.here();
        s.patch(exit, end);
    });
    let e = explore(&b.build());
    assert_eq!((broken(&e), e.counts.unfair_cycles), (vec![], 1));
}

/// One waits for `x == 1`; the other writes these values, one after the other, perhaps for ever.
fn spinner(values: &[i32], for_ever: bool) -> Program {
    let mut b = ProgramBuilder::new("spinner");
    let x = b.var("x", Value::Word(0));
    let one = reads(&mut b, 1);
    b.thread("spinner", |s| {
        s.op_into("spin-until x", spin_until(x, one), "seen");
    });
    b.thread("writer", |s| {
        let body = |s: &mut ScriptBuilder| {
            for v in values {
                s.op("store x", access(Store, x, word(*v)));
            }
            progress(s);
        };
        if for_ever { endless(s, body) } else { body(s) }
    });
    b.build()
}

#[test]
fn spinning_ends_with_the_write_and_is_a_livelock_without_one() {
    assert_eq!(broken(&explore(&spinner(&[1], false))), []);
    // Nobody who spins is sure to see what is there for a moment only.
    for values in [&[2][..], &[1, 0]] {
        let e = explore(&spinner(values, false));
        assert_eq!(broken(&e), [(Property::LIVELOCK, 0)]);
        assert!(e.found[0].violation.object.is_some() && e.found[0].trace.loop_from.is_none());
    }
    assert_eq!(broken(&explore(&spinner(&[1, 0], true))), [(Property::STARVATION, 0)]);
}

/// A thread that spins takes one step, however often it looks.
#[test]
fn spinning_costs_one_step() {
    let e = explore(&spinner(&[2, 3, 1], false));
    assert_eq!(e.counts.states, 5);
}

#[test]
fn what_cannot_be_compared_is_a_violation_of_the_step() {
    let mut b = ProgramBuilder::new("by-zero");
    let x = b.var("x", Value::Word(0));
    let nodes =
        vec![ExprNode::Const(Value::Word(1)), ExprNode::Read(LocalId::WORD_READ), ExprNode::Apply(Operator::Div)];
    let expr = b.expr(nodes);
    b.thread("t", |s| {
        s.op("spin-until x", spin_until(x, expr));
    });
    assert_eq!(broken(&explore(&b.build())), [(Property::DIVISION_BY_ZERO, 0)]);
}

/// One spins on a field, the other frees the object: it must not spin on freed memory unseen.
#[test]
fn spinning_on_a_freed_object_is_found() {
    let mut b = ProgramBuilder::new("freed");
    let field = b.field("state");
    let slot = b.object("s#0", fixed::Slot { of: 0 });
    let var = b.var("s#0.state", Value::Word(0));
    let (x, one) = (b.var("x", Value::Null), reads(&mut b, 1));
    b.setup(|s| {
        let p = s.op_into("new s", slab::ops::Slab { how: slab::How::New, target: Operand::Object(slot) }, "p");
        s.op("store x p", access(Store, x, Operand::Local(p)));
    });
    b.thread("spinner", |s| {
        let p = s.op_into("load x", access(Load, x, NOTHING), "p");
        let place = Place::Field { base: Operand::Local(p), field };
        s.op("spin-until p.state", variable::ops::SpinUntil { order: Order::Relaxed, place, expr: one });
    });
    b.thread("freer", |s| {
        let p = s.op_into("load x", access(Load, x, NOTHING), "p");
        s.op("free p", slab::ops::Slab { how: slab::How::Free, target: Operand::Local(p) });
    });
    let mut program = b.build();
    let first_var = var.as_var().expect("a word") as u16;
    let fields = vec![(field, Value::Word(0))];
    let slots = slot.number()..slot.number() + 1;
    program.structs.push(StructDecl {
        name: "s".into(),
        slab: SlabKind::Plain,
        slots,
        refs: None,
        refs_at: 0,
        release: None,
        fields,
        first_var,
        members: Default::default(),
    });
    assert_eq!(broken(&explore(&program)), [(Property::USE_AFTER_FREE, 0)]);
}

fn eventually(leaf: Leaf, n: i32) -> [Condition; 1] {
    let nodes = vec![ExprNode::Read(leaf), ExprNode::Const(Value::Word(n)), ExprNode::Apply(Operator::Eq)];
    [Condition { moment: Moment::Eventually, all: vec![Expr::from_postfix(nodes).expect("well-formed")] }]
}

fn judge(program: &Program, conditions: &[Condition], limits: &Limits) -> Watched {
    explicit::explore(&task(program, conditions), limits, &()).watched.swap_remove(0)
}

#[test]
fn eventually_is_broken_by_an_end_or_by_a_fair_loop() {
    let x = ObjId::var(0);
    let fails = |program: &Program, leaf, n| judge(program, &eventually(leaf, n), &Limits::default()).seen_false;
    assert_eq!(fails(&spinner(&[1], false), Leaf::Var(x), 1), None);
    // Not set is not true yet.
    assert_eq!(fails(&spinner(&[1], false), Leaf::Local(ThreadId(0), LocalId(0)), 1), None);
    let end = fails(&spinner(&[2], false), Leaf::Var(x), 1).expect("it ends, nobody can run any more");
    assert_eq!((end.steps.len(), end.loop_from), (1, None));
    assert_eq!(fails(&spinner(&[1, 0], true), Leaf::Var(x), 1), None);
    let lasso = fails(&spinner(&[1, 0], true), Leaf::Local(ThreadId(0), LocalId(0)), 1).expect("it may never look");
    assert_eq!((lasso.steps.len(), lasso.loop_from), (2, Some(0)));
}

/// From the beginning it is what the whole graph says; further on it is asked of what has not come true.
#[test]
fn what_never_comes_true_is_told_from_where_one_is() {
    let x = ObjId::var(0);
    let reach = Reach { states: 1_000, steps: 100 };
    let mut b = ProgramBuilder::new("flips");
    b.var("x", Value::Word(0));
    flipper(&mut b, x, true);
    let flips = b.build();
    let ends = spinner(&[1], false);
    for (program, n, moment, fails) in [
        (&ends, 1, Moment::Eventually, None),
        (&ends, 2, Moment::Eventually, Some(None)),
        (&ends, 1, Moment::Settles, None),
        (&flips, 1, Moment::Eventually, None),
        (&flips, 2, Moment::Eventually, Some(Some(0))),
        (&flips, 1, Moment::Settles, Some(Some(0))),
    ] {
        let conditions = eventually(Leaf::Var(x), n).map(|c| Condition { moment, ..c });
        let of_all = judge(program, &conditions, &Limits::default()).seen_false;
        assert_eq!(of_all.map(|trace| trace.loop_from), fails, "{n} {moment:?}");
        let scene = Scene { program, conditions: &conditions };
        let search = |state: &State, came: &[usize]| scene.search(Here { state, came }, Goal::Wrong, reach);
        let state = State::initial(program);
        let ahead = search(&state, &[]);
        let whole = fails.map(|round| Whole { what: Standing::Condition(0), round });
        assert_eq!((ahead.whole, ahead.is_certain), (whole, true), "{n} {moment:?}");
        let came = search(&state, &[0]);
        let again = whole.filter(|_| moment == Moment::Settles);
        assert_eq!((came.whole, came.is_certain), (again, true), "{n} {moment:?}: it came true before");
    }
}

/// A condition that compares what cannot be compared is no verdict.
#[test]
fn nothing_is_certain_where_a_condition_fails() {
    let mut b = ProgramBuilder::new("fails");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        s.op("store x 1", access(Store, x, word(1)));
    });
    let program = b.build();
    let nodes = vec![ExprNode::Const(Value::Word(1)), ExprNode::Read(Leaf::Var(x)), ExprNode::Apply(Operator::Div)];
    let all = vec![Expr::from_postfix(nodes).expect("well-formed")];
    let conditions = [Condition { moment: Moment::Eventually, all }];
    let scene = Scene { program: &program, conditions: &conditions };
    let state = State::initial(&program);
    let ahead = scene.search(Here { state: &state, came: &[] }, Goal::Wrong, Reach { states: 100, steps: 100 });
    assert!(!ahead.is_certain && ahead.whole.is_none(), "{ahead:?}");
}

/// Counts for ever, or ends at once.
fn counter(may_end: bool) -> Program {
    let mut b = ProgramBuilder::new("counter");
    let x = b.var("x", Value::Word(0));
    let (of, ends) = (b.pool(&[word(0), word(1)]), b.equals(LocalId(0), 0));
    b.thread("counter", |s| {
        let into = Some(s.local("pick"));
        let skip = may_end.then(|| {
            s.instr("choose 0 1", Instr::Choose { of, into });
            s.instr("when pick == 0", Instr::Branch { expr: ends, otherwise: 0 })
        });
        let jump = skip.map(|_| s.instr("return", Instr::Jump(0)));
        let head = s.here();
        skip.into_iter().for_each(|at| s.patch(at, head));
        s.op("add x 1", access(Add, x, word(1)));
        s.instr("loop", Instr::Jump(head));
        let end = s.here();
        jump.into_iter().for_each(|at| s.patch(at, end));
    });
    b.build()
}

#[test]
fn nothing_is_said_of_ever_where_not_everything_was_looked_at() {
    let limits = Limits { states: 100, ..Limits::default() };
    let conditions = eventually(Leaf::Var(ObjId::var(0)), -1);
    let program = counter(false);
    let e = explicit::explore(&task(&program, &conditions), &limits, &());
    assert!(matches!(e.coverage, Coverage::Incomplete(_)) && e.found.is_empty());
    assert!(e.watched[0].not_judged && e.watched[0].seen_false.is_none());
    // An end that never saw it is one, whatever else there is.
    let judged = judge(&counter(true), &conditions, &limits);
    assert!(!judged.not_judged && judged.seen_false.is_some_and(|t| t.steps.len() == 1));
}

#[test]
fn the_other_engines_do_not_judge_what_happens_eventually() {
    let program = spinner(&[1], false);
    let conditions = eventually(Leaf::Var(ObjId::var(0)), 1);
    let s = shuttle::explore(&task(&program, &conditions), &Limits::default(), &());
    assert!(s.watched[0].not_judged);
    let mut b = ProgramBuilder::new("store");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        s.op("store x 1", access(Store, x, word(1)));
    });
    let l = loom::explore(&task(&b.build(), &conditions), &Limits::default(), &());
    assert!(l.coverage == Coverage::Complete && l.watched[0].not_judged);
}

fn refusal(program: &Program) -> String {
    let e = loom::deepen(&task(program, &[]), &Limits::default(), &());
    assert!(e.counts.executions == 0 && e.watched.is_empty());
    match e.coverage {
        Coverage::Refused(why) => why,
        other => panic!("loom took {}: {other:?}", program.name),
    }
}

#[test]
fn loom_refuses_what_has_no_end_by_name() {
    assert_eq!(refusal(&spinner(&[1], false)), "`spin-until x` in spinner (loom would let it spin for ever)");
    assert_eq!(refusal(&two_lockers(Lock)), "first never ends (loom runs every execution to its end)");
}

/// A generator of numbers that are the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Three threads with a few accesses to two words and a lock, some of them for ever, some after spinning.
fn random_endless(dice: &mut Dice) -> Program {
    let mut b = ProgramBuilder::new("random");
    let vars = ["x", "y"].map(|n| b.var(n, Value::Word(0)));
    let l = b.object("l", fixed::Spinlock);
    let ones = [0, 1].map(|n| reads(&mut b, n));
    for name in ["a", "b", "c"] {
        let body = |s: &mut ScriptBuilder, dice: &mut Dice| {
            for _ in 0..1 + dice.below(3) {
                let (var, n) = (vars[dice.below(2) as usize], dice.below(2));
                match dice.below(7) {
                    0 | 1 => {
                        s.op("store", access(Store, var, word(n as i32)));
                    }
                    2 | 3 => {
                        s.op_into("load", access(Load, var, NOTHING), "r");
                    }
                    4 => {
                        s.op_into("spin-until", spin_until(var, ones[n as usize]), "r");
                    }
                    5 => progress(s),
                    _ => {
                        s.op("lock l", spin(Lock, l));
                        s.op("store", access(Store, var, word(n as i32)));
                        s.op("unlock l", spin(Unlock, l));
                    }
                }
            }
            s.op("load", access(Load, vars[0], NOTHING));
        };
        let for_ever = dice.below(2) == 0;
        b.thread(name, |s| if for_ever { endless(s, |s| body(s, dice)) } else { body(s, dice) });
    }
    b.build()
}

/// `explore` compares outcomes and states: shuttle's sleep sets with visited states lose none, ends or not.
#[test]
fn shuttle_takes_threads_that_never_end() {
    let mut dice = Dice(7);
    let (mut endless, mut found) = (0, 0);
    for _ in 0..400 {
        let program = random_endless(&mut dice);
        endless += usize::from(program.scripts.iter().any(|s| !s.can_end()));
        found += explore(&program).found.iter().filter(|f| f.trace.loop_from.is_some()).count();
    }
    assert!(endless > 200 && found > 100, "{endless} programs without end, {found} lassos");
}
