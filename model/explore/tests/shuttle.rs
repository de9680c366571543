//! The shuttle engine against the known optima of standard programs, and against a brute-force search on random ones.

#[path = "shuttle/brute.rs"]
mod brute;
#[path = "shuttle/random.rs"]
mod random;
#[path = "shuttle/standard.rs"]
mod standard;

use fenceweave_explore::{
    Coverage, Exploration, Limits, Task,
    shuttle::{self, Divergence, Options, Sampler},
};
use fenceweave_kernel::{
    Action, Condition, Expr, ExprNode, Instr, Leaf, LocalId, Moment, Operand, Patience, Program, Property, ThreadId,
    Value,
    builder::ProgramBuilder,
    expr::Operator,
    fixed,
    primitives::waitqueue::{self, How as WaitHow},
};

fn task(program: &Program) -> Task<'_> {
    Task { program, conditions: &[], has_loops: false }
}

fn explore(program: &Program) -> Exploration {
    shuttle::explore_with(&task(program), &Limits::default(), fine(), &())
}

/// What is held against brute force has each access as a step of its own.
fn fine() -> Options {
    Options { fine: true, ..Options::default() }
}

fn brute(program: &Program) -> brute::Seen {
    brute::search(program, &[], 1_000_000).expect("a standard program is small")
}

/// Explores and compares with brute force; gives the number of complete executions.
fn complete_executions(program: &Program) -> u64 {
    let (e, brute) = (explore(program), brute(program));
    assert_eq!(e.coverage, Coverage::Complete);
    assert_eq!(e.outcomes, brute.outcomes, "{}", program.name);
    assert_eq!(e.counts.states, brute.states, "{}", program.name);
    e.counts.executions
}

#[test]
fn executions_are_as_many_as_there_are_classes() {
    for (n, optimum) in [(3, 6), (4, 24), (5, 120)] {
        assert_eq!(complete_executions(&standard::same_lock(n)), optimum, "same_lock {n}");
    }
    for n in [3, 4] {
        assert_eq!(complete_executions(&standard::own_lock(n)), 1, "own_lock {n}");
    }
    for (n, optimum) in [(3, 6), (4, 24)] {
        assert_eq!(complete_executions(&standard::two_locks(n)), optimum, "two_locks {n}");
    }
    for (n, optimum) in [(3, 6), (4, 14), (5, 30)] {
        assert_eq!(complete_executions(&standard::philosophers(n)), optimum, "philosophers {n}");
    }
    for (n, optimum) in [(4, 8), (5, 16)] {
        assert_eq!(complete_executions(&standard::readers(n)), optimum, "readers {n}");
    }
    for (n, optimum) in [(4, 12), (5, 28)] {
        assert_eq!(complete_executions(&standard::last_zero(n)), optimum, "lastzero {n}");
    }
}

/// Every way to search: visited states, sleep sets. Without visited states a program with loops never ends.
const MODES: [(bool, bool); 4] = [(true, true), (true, false), (false, true), (false, false)];

/// Explores a random program in one way; false if that takes too many executions.
fn agrees(task: &Task<'_>, brute: &brute::Seen, options: Options) -> bool {
    let executions = if options.visited == Some(true) { 50_000 } else { 1_000 };
    let limits = Limits { executions, ..Limits::default() };
    let e = shuttle::explore_with(task, &limits, options, &());
    let mode = format!("{}, {options:?}", task.program.name);
    if e.coverage != Coverage::Complete {
        assert!(options.visited == Some(false) && e.outcomes.is_subset(&brute.outcomes), "{mode}: {:?}", e.coverage);
        return false;
    }
    assert_eq!(e.outcomes, brute.outcomes, "{mode}");
    assert_eq!(e.counts.states, brute.states, "{mode}");
    assert_eq!(e.counts.terminals, brute.terminals, "{mode}");
    let seen: Vec<_> = e.watched.iter().map(|w| (w.seen_true.is_some(), w.seen_false.is_some())).collect();
    assert_eq!(seen, brute.conditions, "{mode}");
    for found in &e.found {
        let again = shuttle::replay(task, &found.trace.steps).expect("a found trace can be replayed");
        assert_eq!(again.found.first().map(|f| f.violation), Some(found.violation), "{mode}");
    }
    true
}

/// Programs on which a search that cuts at every visited state, whatever its sleep set, misses states or outcomes.
const CUT_TOO_EARLY: [u64; 4] = [2272, 6821, 7657, 9844];

#[test]
fn every_mode_sees_what_brute_force_sees_on_random_programs() {
    let (mut violated, mut looping, mut finished) = (0, 0, [0; 4]);
    let wide = random::FIRST_WIDE..random::FIRST_WIDE + 200;
    for seed in (0..200).chain(CUT_TOO_EARLY).chain(wide) {
        let (program, has_loops) = random::program(seed);
        let conditions = random::conditions(&program);
        let Some(brute) = brute::search(&program, &conditions, 1_200) else { continue };
        violated += u32::from(brute.violated());
        looping += u32::from(has_loops);
        let task = Task { program: &program, conditions: &conditions, has_loops };
        for (finished, (visited, sleep_sets)) in finished.iter_mut().zip(MODES) {
            if visited || !has_loops {
                *finished += u32::from(agrees(&task, &brute, Options { visited: Some(visited), sleep_sets, ..fine() }));
            }
        }
    }
    // The generator must keep reaching the interesting cases.
    assert!(violated > 80 && violated < 320 && looping > 80, "{violated} violated, {looping} with loops");
    assert!(finished[0] > 340 && finished[2] > 180 && finished[3] > 100, "{finished:?}");
}

/// A waiter that looks before it prepares, and its waker.
fn lost_wakeup() -> Program {
    let mut b = ProgramBuilder::new("lost-wakeup");
    let (x, q) = (b.var("x", Value::Word(0)), b.object("q", fixed::WaitQueue));
    let unset =
        b.expr(vec![ExprNode::Read(LocalId(0)), ExprNode::Const(Value::Word(0)), ExprNode::Apply(Operator::Eq)]);
    let wait = |how| waitqueue::ops::Wait { how, queue: Operand::Object(q), patience: Patience::Forever };
    b.thread("waiter", |s| {
        s.op_into("load x", standard::load(x), "r");
        let branch = s.instr("", Instr::Branch { expr: unset, otherwise: 0 });
        s.op("prepare", wait(WaitHow::Prepare))
            .op("sleep", wait(WaitHow::Schedule))
            .op("finish", wait(WaitHow::Finish));
        let end = s.here();
        s.patch(branch, end);
    });
    b.thread("waker", |s| {
        s.op("store x 1", standard::store(x, 1)).op("wake", wait(WaitHow::WakeAll));
    });
    b.build()
}

#[test]
fn a_lost_wakeup_is_found_with_a_trace_that_replays() {
    let program = lost_wakeup();
    let e = explore(&program);
    assert_eq!(e.found.len(), 1);
    assert_eq!(e.found[0].violation.property, Property::LOST_WAKEUP);
    // The waker came first; it came while the waiter slept; it came in between.
    assert_eq!(e.outcomes.len(), 3);
    let steps = &e.found[0].trace.steps;
    let again = shuttle::replay(&task(&program), steps).expect("the trace fits");
    assert_eq!(again.found[0].violation, e.found[0].violation);
    assert_eq!(again.found[0].trace, e.found[0].trace);
    let cut = shuttle::replay(&task(&program), &steps[..2]).expect("a prefix fits");
    assert!(cut.outcomes.is_empty() && cut.counts.executions == 0);
}

#[test]
fn a_schedule_that_does_not_fit_says_where() {
    let program = standard::same_lock(2);
    let act = |thread, choice| Action { thread: ThreadId(thread), choice };
    let fails = |steps: &[Action]| {
        let e = shuttle::replay(&task(&program), steps).expect_err("it does not fit");
        (e.at, e.why)
    };
    assert_eq!(fails(&[act(0, 0), act(1, 0)]), (1, Divergence::Disabled));
    assert_eq!(fails(&[act(7, 0)]), (0, Divergence::NoSuchThread));
    assert_eq!(fails(&[act(0, 0), act(0, 2)]), (1, Divergence::NoSuchChoice { ways: 1 }));
    let all = [act(0, 0), act(0, 0), act(1, 0), act(1, 0), act(1, 0)];
    assert_eq!(fails(&all), (4, Divergence::Over));
    assert_eq!(shuttle::replay(&task(&program), &all[..4]).expect("it fits").outcomes.len(), 1);
    let e = shuttle::replay(&task(&program), &[act(0, 0), act(1, 0)]).expect_err("it does not fit");
    assert_eq!(e.to_string(), "the schedule diverges at step 1: thread 1 cannot run");
}

#[test]
fn a_large_program_without_loops_is_finished_with_visited_states() {
    // 8! = 40320 classes, but few states.
    let program = standard::same_lock(8);
    let (e, brute) = (explore(&program), brute(&program));
    assert_eq!((e.coverage, e.counts.states), (Coverage::Complete, brute.states));
    assert!(e.counts.executions < shuttle::RESTART, "{:?}", e.counts);
}

#[test]
fn limits_make_the_result_incomplete_and_say_what_was_covered() {
    let program = standard::philosophers(4);
    let limit = |limits| match shuttle::explore(&task(&program), &limits, &()).coverage {
        Coverage::Incomplete(text) => text,
        other => panic!("{other:?}"),
    };
    let text = limit(Limits { executions: 5, ..Limits::default() });
    assert!(text.starts_with("more than 5 executions; "), "{text}");
    let text = limit(Limits { states: 20, ..Limits::default() });
    assert!(text.starts_with("more than 20 states; "), "{text}");
    assert_eq!(explore(&program).coverage, Coverage::Complete);
}

#[test]
fn a_loop_without_visited_states_ends_incomplete() {
    let mut b = ProgramBuilder::new("spin");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        s.op("store", standard::store(x, 1));
        s.instr("", Instr::Jump(0));
    });
    let program = b.build();
    let task = Task { has_loops: true, ..task(&program) };
    let options = Options { visited: Some(false), ..Options::default() };
    let e = shuttle::explore_with(&task, &Limits::default(), options, &());
    assert!(matches!(&e.coverage, Coverage::Incomplete(t) if t.contains("steps")), "{:?}", e.coverage);
    assert_eq!(shuttle::explore(&task, &Limits::default(), &()).counts.states, 2);
}

#[test]
fn programs_without_anything_to_decide_end_too() {
    let mut b = ProgramBuilder::new("alone");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        s.op("store", standard::store(x, 1)).op("store", standard::store(x, 2));
    });
    for program in [b.build(), ProgramBuilder::new("empty").build()] {
        let all = explore(&program);
        assert_eq!((all.coverage, all.counts.executions), (Coverage::Complete, 1));
        assert_eq!(all.outcomes, brute(&program).outcomes);
        for sampler in [Sampler::Urw, Sampler::Pct { depth: 3 }, Sampler::Random] {
            let e = shuttle::sample(&task(&program), sampler, 1, 5, &Limits::default(), &());
            assert_eq!((e.outcomes, e.counts.executions), (all.outcomes.clone(), 5), "{sampler:?}");
        }
    }
}

#[test]
fn samplers_are_deterministic_and_find_what_is_likely() {
    let program = standard::last_zero(4);
    let all = explore(&program).outcomes;
    for sampler in [Sampler::Urw, Sampler::Pct { depth: 3 }, Sampler::Random] {
        let run = |seed| shuttle::sample(&task(&program), sampler, seed, 400, &Limits::default(), &());
        let e = run(7);
        assert_eq!(e, run(7), "{sampler:?}");
        assert_eq!((e.coverage, e.counts.executions), (Coverage::Sampled, 400), "{sampler:?}");
        assert!(e.outcomes.is_subset(&all) && e.outcomes.len() > 3, "{sampler:?}: {}", e.outcomes.len());
    }
    let lost = lost_wakeup();
    let e = shuttle::sample(&task(&lost), Sampler::Urw, 1, 100, &Limits::default(), &());
    assert_eq!(e.found[0].violation.property, Property::LOST_WAKEUP);
}

#[test]
fn uniform_random_walk_gets_to_the_rare_interleavings() {
    // One step against five: each of the six places of the one is equally likely, also the last, which a fair coin at
    // each step gets to once in 32 times. Of two executions the first learns the lengths.
    let mut b = ProgramBuilder::new("one-of-six");
    let x = b.var("x", Value::Word(0));
    b.thread("one", |s| {
        s.op_into("load x", standard::load(x), "r");
    });
    b.thread("five", |s| {
        for i in 1..=5 {
            s.op("store x", standard::store(x, i));
        }
    });
    let program = b.build();
    let nodes = vec![
        ExprNode::Read(Leaf::Local(ThreadId(0), LocalId(0))),
        ExprNode::Const(Value::Word(5)),
        ExprNode::Apply(Operator::Eq),
    ];
    let all = vec![Expr::from_postfix(nodes).expect("postfix")];
    let conditions = [Condition { moment: Moment::AtEnd, all }];
    let task = Task { conditions: &conditions, ..task(&program) };
    let hits = |sampler| {
        let last =
            |seed| shuttle::sample(&task, sampler, seed, 2, &Limits::default(), &()).watched[0].seen_true.is_some();
        (0..300).filter(|seed| last(*seed)).count()
    };
    let (urw, random) = (hits(Sampler::Urw), hits(Sampler::Random));
    // Expected: 300 * (1 - 31/32 * 5/6) = 58 and 300 * (1 - (31/32)^2) = 18.
    assert!((40..80).contains(&urw) && (8..32).contains(&random), "{urw} {random}");
}

#[test]
fn conditions_come_with_the_way_there() {
    let program = standard::readers(3);
    let x = fenceweave_kernel::ObjId::var(0);
    let nodes = vec![ExprNode::Read(Leaf::Var(x)), ExprNode::Const(Value::Word(1)), ExprNode::Apply(Operator::Eq)];
    let all = vec![Expr::from_postfix(nodes).expect("postfix")];
    let conditions = [Moment::Never, Moment::AtEnd].map(|moment| Condition { moment, all: all.clone() });
    let task = Task { program: &program, conditions: &conditions, has_loops: false };
    let e = shuttle::explore(&task, &Limits::default(), &());
    let [never, at_end] = &e.watched[..] else { panic!("two conditions") };
    assert_eq!(never.seen_false.as_ref().map(|t| t.steps.len()), Some(0));
    assert!(at_end.seen_true.is_some() && at_end.seen_false.is_none());
    let there = &never.seen_true.as_ref().expect("x is written").steps;
    assert!(shuttle::replay(&task, there).expect("the way fits").watched[0].seen_true.is_some());
}
