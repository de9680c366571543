//! What weak memory adds, and nothing else.

use super::*;

fn store_buffering(barrier: bool) -> Program {
    let mut b = ProgramBuilder::new(if barrier { "SB+mb" } else { "SB" });
    let (x, y) = (b.var("x", Value::Word(0)), b.var("y", Value::Word(0)));
    for (name, mine, other) in [("a", x, y), ("b", y, x)] {
        b.thread(name, |s| {
            store(s, mine, 1, Order::Relaxed);
            if barrier {
                smp_mb(s);
            }
            load(s, other, Order::Relaxed, "r");
        });
    }
    build(b, hidden)
}

#[test]
fn store_buffering_shows_both_zero_unless_there_are_full_barriers() {
    let e = explore(&store_buffering(false));
    assert_eq!(e.coverage, Coverage::Complete);
    assert_eq!(locals(&e), [vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]].into());
    let e = complete_and_same(&store_buffering(true));
    assert_eq!(locals(&e), [vec![0, 1], vec![1, 0], vec![1, 1]].into());
}

pub(crate) fn message_passing(publish: Order, receive: Order, racy: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("MP {publish:?} {receive:?}{}", if racy { " racy" } else { "" }));
    let (data, flag) = (b.var("data", Value::Word(0)), b.var("flag", Value::Word(0)));
    b.thread("send", |s| {
        store(s, data, 1, Order::Relaxed);
        store(s, flag, 1, publish);
    });
    let is_set = b.equals(LocalId(0), 1);
    b.thread("receive", |s| {
        load(s, flag, receive, "f");
        let skip = s.instr("when", Instr::Branch { expr: is_set, otherwise: 0 });
        load(s, data, Order::Relaxed, "d");
        let end = s.here();
        s.patch(skip, end);
    });
    build(b, |p| {
        hidden(p);
        p.vars[0].racy = racy;
    })
}

#[test]
pub(crate) fn message_passing_needs_release_and_acquire() {
    let stale = vec![1, 0];
    let e = explore(&message_passing(Order::Relaxed, Order::Relaxed, false));
    assert!(locals(&e).contains(&stale));
    let e = explore(&message_passing(Order::Release, Order::Relaxed, false));
    assert!(locals(&e).contains(&stale));
    let e = complete_and_same(&message_passing(Order::Release, Order::Acquire, false));
    assert!(!locals(&e).contains(&stale));
}

#[test]
fn a_plain_variable_races_unless_the_flag_orders_it() {
    let e = explore(&message_passing(Order::Relaxed, Order::Relaxed, true));
    assert_eq!(e.coverage, Coverage::Complete);
    let v = e.found[0].violation;
    assert_eq!((v.property, v.object), (Property::DATA_RACE, Some(ObjId::var(0))));
    assert!(e.outcomes.contains(&Outcome::Violated(v)));
    complete_and_same(&message_passing(Order::Release, Order::Acquire, true));
}

/// A small generator: the programs are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Unordered accesses to two words and a count, and a completion.
fn random_program(seed: u64) -> Program {
    let mut r = Random(seed);
    let mut b = ProgramBuilder::new(&format!("random {seed}"));
    let vars = ["x", "y"].map(|n| b.var(n, Value::Word(0)));
    let count = b.object("c", fixed::Refcount { init: 2 });
    let done = b.object("done", fixed::Completion);
    let threads = 2 + r.below(2);
    for t in 0..threads {
        b.thread(&format!("t{t}"), |s| {
            for i in 0..4 - threads / 3 + r.below(2) - 1 {
                let (place, into) = (Place::Var(vars[r.below(2) as usize]), format!("r{i}"));
                let access =
                    |how, a, b| variable::ops::Access { how, order: Order::Relaxed, place, a, b, benign: false }.into();
                let put_or_get = |how| refcount::ops::Count { how, count: Operand::Object(count), release: None };
                let op: Op = match r.below(9) {
                    0..3 => access(How::Load, UNSET, UNSET),
                    3 | 4 => access(How::Store, word(t as i32 + 1), UNSET),
                    5 => access(How::CmpXchg, word(0), word(t as i32 + 5)),
                    6 => put_or_get(refcount::How::GetUnlessZero).into(),
                    7 => put_or_get(refcount::How::Put).into(),
                    _ => {
                        let how = if r.below(2) == 0 { completion::How::Wait } else { completion::How::Complete };
                        completion::ops::Complete {
                            how,
                            completion: Operand::Object(done),
                            patience: Patience::Forever,
                        }
                        .into()
                    }
                };
                s.op_into("op", op, &into);
            }
        });
    }
    b.build()
}

#[test]
fn a_complete_run_contains_what_a_sequential_search_sees() {
    let limits = Limits { executions: 4_000, ..Limits::default() };
    let mut complete = 0;
    for seed in 0..60 {
        let p = random_program(seed);
        let e = loom::explore(&Task { program: &p, conditions: &[], has_loops: false }, &limits, &());
        if e.coverage.is_complete() {
            complete += 1;
            let wanted = brute_force(&p);
            let missing: Vec<_> = wanted.difference(&e.outcomes).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:#?} of {} in {:#?}", wanted.len(), p.scripts);
        }
    }
    assert!(complete > 30, "{complete}");
}
