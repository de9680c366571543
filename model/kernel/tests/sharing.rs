//! Reader-writer semaphores, wait queues, deferred wake-ups and lists against their rules, every state of small
//! programs.

use fenceweave_kernel::{
    Action, Facet, ObjId, Op, Operand, Outcome, Patience, Program, Property, State, ThreadId, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    fixed,
    primitives::{completion, list, rwsem, signal, slab, waitqueue, wakeq},
    program::{SlabKind, StructDecl},
};
use std::collections::{BTreeSet, HashSet};

/// How an execution ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum End {
    Finished(Vec<Vec<Value>>),
    Violated(Property),
    Stuck,
}

/// Every end of a program; `look` sees every state on the way.
fn ends(program: &Program, mut look: impl FnMut(&State)) -> BTreeSet<End> {
    let mut seen = HashSet::new();
    let mut todo = vec![State::initial(program)];
    let mut all = BTreeSet::new();
    while let Some(state) = todo.pop() {
        look(&state);
        let enabled = state.enabled(program);
        if enabled.is_empty() {
            all.insert(end(program, state.clone()));
        }
        for thread in enabled.iter() {
            let mut next = state.clone();
            next.step(program, Action { thread, choice: 0 });
            let mut encoding = vec![];
            next.encode(program, &mut encoding);
            if seen.insert(encoding) {
                todo.push(next);
            }
        }
    }
    all
}

fn end(program: &Program, mut state: State) -> End {
    if state.violation().is_none() && !state.is_finished(program) {
        return End::Stuck;
    }
    state.conclude(program);
    match state.outcome(program) {
        Outcome::Violated(v) => End::Violated(v.property),
        Outcome::Finished { locals, .. } => End::Finished(locals),
    }
}

fn word(w: i32) -> Value {
    Value::Word(w)
}

fn sem(how: rwsem::How, s: ObjId) -> Op {
    rwsem::ops::RwSem { how, sem: Operand::Object(s), patience: Patience::Forever, if_held: false }.into()
}

fn readers_and_writer(state: &State, s: ObjId) -> (usize, bool) {
    let readers = match state.object(s).facet("readers") {
        Some(Facet::Queue(q)) => q.len(),
        other => panic!("{other:?}"),
    };
    (readers, state.object(s).facet("owner") != Some(Facet::Thread(None)))
}

/// Threads that each take and release a semaphore, some for reading and some for writing.
fn users(reads: usize, writes: usize) -> (Program, ObjId) {
    use rwsem::How::{Read, UpRead, UpWrite, Write};
    let mut b = ProgramBuilder::new("users");
    let s = b.object("s", fixed::RwSem);
    for (name, count, down, up) in [("r", reads, Read, UpRead), ("w", writes, Write, UpWrite)] {
        for i in 0..count {
            b.thread(&format!("{name}{i}"), |t| {
                t.op("down", sem(down, s)).op("up", sem(up, s));
            });
        }
    }
    (b.build(), s)
}

#[test]
fn readers_share_and_a_writer_is_alone() {
    for (reads, writes) in [(2, 0), (0, 2), (2, 1), (1, 2), (3, 1), (2, 2), (0, 3)] {
        let (program, s) = users(reads, writes);
        let mut most = 0;
        let ends = ends(&program, |state| {
            let (readers, writer) = readers_and_writer(state, s);
            assert!(!writer || readers == 0, "a writer beside readers");
            most = most.max(readers);
        });
        assert!(ends.iter().all(|e| matches!(e, End::Finished(_))), "{reads} and {writes}: {ends:?}");
        assert_eq!(most, reads, "all readers at once, at some time");
    }
}

/// Nothing is left in the semaphore once everybody has released it, whoever queued meanwhile.
#[test]
fn a_semaphore_ends_as_it_began() {
    let (program, s) = users(2, 2);
    let mut fresh = vec![];
    State::initial(&program).object(s).facets(&mut |n, f| fresh.push((n, f)));
    ends(&program, |state| {
        if state.is_finished(&program) {
            let mut now = vec![];
            state.object(s).facets(&mut |n, f| now.push((n, f)));
            assert_eq!(now, fresh);
        }
    });
    let mut b = ProgramBuilder::new("again");
    let s = b.object("s", fixed::RwSem);
    b.thread("w", |t| {
        t.op("down", sem(rwsem::How::Write, s)).op("up", sem(rwsem::How::UpWrite, s));
    });
    b.thread("r", |t| {
        t.op("down", sem(rwsem::How::Read, s)).op("up", sem(rwsem::How::UpRead, s));
        t.op_into("try", sem(rwsem::How::TryRead, s), "got");
    });
    // A flag that was left behind would make every later trylock fail.
    let ends = ends(&b.build(), |_| {});
    assert!(ends.contains(&End::Violated(Property::LOCK_HELD_AT_EXIT)), "{ends:?}");
}

#[test]
fn a_reader_that_comes_twice_meets_the_writer_that_queued_between() {
    use rwsem::How::{Read, TryRead, UpRead, UpWrite, Write};
    for (again, stuck) in [(Read, true), (TryRead, false)] {
        let mut b = ProgramBuilder::new("nested");
        let s = b.object("s", fixed::RwSem);
        b.thread("reader", |t| {
            t.op("down", sem(Read, s));
            t.op_into("down again", sem(again, s), "r");
            t.op(
                "up",
                rwsem::ops::RwSem { how: UpRead, sem: Operand::Object(s), patience: Patience::Forever, if_held: true },
            );
            t.op(
                "up",
                rwsem::ops::RwSem { how: UpRead, sem: Operand::Object(s), patience: Patience::Forever, if_held: true },
            );
        });
        b.thread("writer", |t| {
            t.op("down", sem(Write, s)).op("up", sem(UpWrite, s));
        });
        assert_eq!(ends(&b.build(), |_| {}).contains(&End::Stuck), stuck);
    }
}

/// The waker gives the lock to every reader of the queue, also past a writer; a second writer stays behind them.
#[test]
fn queued_readers_are_let_in_together() {
    use rwsem::How::{Downgrade, Read, UpRead, Write};
    let mut b = ProgramBuilder::new("together");
    let s = b.object("s", fixed::RwSem);
    b.thread("w", |t| {
        t.op("down", sem(Write, s)).op("downgrade", sem(Downgrade, s)).op("up", sem(UpRead, s));
    });
    for name in ["r0", "r1"] {
        b.thread(name, |t| {
            t.op("down", sem(Read, s)).op("up", sem(UpRead, s));
        });
    }
    b.thread("w1", |t| {
        t.op("down", sem(Write, s)).op("up", sem(rwsem::How::UpWrite, s));
    });
    let mut past_a_writer = false;
    let ends = ends(&b.build(), |state| {
        let queue = match state.object(s).facet("waiters") {
            Some(Facet::Queue(q)) => q.iter().collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        past_a_writer |= readers_and_writer(state, s).0 == 3 && queue == [ThreadId(3)];
    });
    assert!(ends.iter().all(|e| matches!(e, End::Finished(_))), "{ends:?}");
    assert!(past_a_writer);
}

/// A signal ends a killable wait; whoever stood behind the one that left is let in.
#[test]
fn a_killed_waiter_holds_nobody_up() {
    use rwsem::How::{Read, UpRead, UpWrite, Write};
    let mut b = ProgramBuilder::new("killed");
    let s = b.object("s", fixed::RwSem);
    b.thread("holder", |t| {
        t.op("down", sem(Read, s)).op("up", sem(UpRead, s));
    });
    let victim = b.thread("victim", |t| {
        let op = rwsem::ops::RwSem {
            how: Write,
            sem: Operand::Object(s),
            patience: Patience::Interruptible,
            if_held: false,
        };
        t.op_into("down", op, "r");
        t.op(
            "up",
            rwsem::ops::RwSem { how: UpWrite, sem: Operand::Object(s), patience: Patience::Forever, if_held: true },
        );
    });
    b.thread("reader", |t| {
        t.op("down", sem(Read, s)).op("up", sem(UpRead, s));
    });
    b.thread("killer", |t| {
        t.op("raise", signal::ops::Raise { to: victim });
    });
    let results: BTreeSet<Value> = ends(&b.build(), |_| {})
        .into_iter()
        .map(|e| match e {
            End::Finished(locals) => locals[1][0],
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results, BTreeSet::from([word(0), word(-4)]));
}

fn wait(how: waitqueue::How, q: ObjId, patience: Patience) -> Op {
    waitqueue::ops::Wait { how, queue: Operand::Object(q), patience }.into()
}

/// `__wake_up_common()`: all that are not exclusive, then one that is, whatever the order in which they came.
#[test]
fn wake_one_counts_exclusive_waiters_only() {
    use waitqueue::How::{Finish, Prepare, PrepareExclusive, Schedule, WakeOne};
    for (kinds, most) in [([true, true], 1), ([false, true], 2), ([false, false], 2)] {
        let mut b = ProgramBuilder::new("wake-one");
        let q = b.object("q", fixed::WaitQueue);
        for (name, exclusive) in ["a", "b"].into_iter().zip(kinds) {
            b.thread(name, |t| {
                let how = if exclusive { PrepareExclusive } else { Prepare };
                t.op("prepare", wait(how, q, Patience::Forever));
                t.op("sleep", wait(Schedule, q, Patience::Timed)).op("finish", wait(Finish, q, Patience::Forever));
            });
        }
        b.thread("waker", |t| {
            t.op_into("wake", wait(WakeOne, q, Patience::Forever), "n");
        });
        let woken: BTreeSet<Value> = ends(&b.build(), |_| {})
            .into_iter()
            .map(|e| match e {
                End::Finished(locals) => locals[2][0],
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(woken, (0..=most).map(word).collect());
    }
}

/// Whom a signal has woken is no sleeper to a later wake-up, even before it runs.
#[test]
fn a_signal_makes_an_interruptible_sleeper_runnable_at_once() {
    use waitqueue::How::{Finish, PrepareExclusive, Schedule, WakeOne};
    for patience in [Patience::Interruptible, Patience::Forever] {
        let mut b = ProgramBuilder::new("signal");
        let q = b.object("q", fixed::WaitQueue);
        let sleeper = b.thread("sleeper", |t| {
            t.op("prepare", wait(PrepareExclusive, q, Patience::Forever));
            t.op_into("sleep", wait(Schedule, q, patience), "r");
            t.op("finish", wait(Finish, q, Patience::Forever));
        });
        b.thread("waker", |t| {
            t.op("raise", signal::ops::Raise { to: sleeper });
            t.op_into("wake", wait(WakeOne, q, Patience::Forever), "n");
        });
        let ends = ends(&b.build(), |_| {});
        let both = ends.iter().any(|e| matches!(e, End::Finished(l) if l[0][0] == word(-512) && l[1][0] == word(1)));
        assert!(!both, "the wake-up went to somebody whom a signal had woken: {ends:?}");
        let signalled = ends.iter().any(|e| matches!(e, End::Finished(l) if l[0][0] == word(-512)));
        assert_eq!(signalled, patience.interruptible());
    }
}

/// `prepare_to_wait_event()` does not queue who has a signal pending.
#[test]
fn who_is_interrupted_before_it_queues_is_not_on_the_queue() {
    use waitqueue::How::{Finish, PrepareExclusive};
    let mut b = ProgramBuilder::new("event");
    let q = b.object("q", fixed::WaitQueue);
    b.thread("t", |t| {
        t.op("raise", signal::ops::Raise { to: ThreadId(0) });
        t.op_into("prepare", wait(PrepareExclusive, q, Patience::Interruptible), "r");
        t.op("finish", wait(Finish, q, Patience::Forever));
    });
    let ends = ends(&b.build(), |state| {
        assert!(matches!(state.object(q).facet("waiters"), Some(Facet::Queue(w)) if w.is_empty()));
    });
    assert_eq!(ends, BTreeSet::from([End::Finished(vec![vec![word(-512)]])]));
}

/// A task is on one list of deferred wake-ups at most, and awake only after a flush.
#[test]
fn a_task_is_on_one_wake_q_at_a_time() {
    let mut b = ProgramBuilder::new("wake-q");
    let queues = ["mine", "theirs"].map(|n| b.object(n, fixed::WakeQ));
    let done = b.object("done", fixed::Completion);
    let sleeper = b.thread("sleeper", |t| {
        let how = fenceweave_kernel::primitives::completion::How::Wait;
        t.op("wait", completion::ops::Complete { how, completion: Operand::Object(done), patience: Patience::Forever });
    });
    for (name, wq) in ["a", "b"].into_iter().zip(queues) {
        b.thread(name, |t| {
            let wq = Operand::Object(wq);
            t.op_into(
                "add",
                wakeq::ops::WakeQ { how: wakeq::How::AddTask, wake_q: wq, queue: None, task: sleeper },
                "n",
            );
            t.op("flush", wakeq::ops::WakeQ { how: wakeq::How::Flush, wake_q: wq, queue: None, task: sleeper });
        });
    }
    let on = |state: &State, wq| match state.object(wq).facet("tasks") {
        Some(Facet::Queue(q)) => q.len(),
        other => panic!("{other:?}"),
    };
    let mut at_once = 0;
    let ends = ends(&b.build(), |state| at_once = at_once.max(on(state, queues[0]) + on(state, queues[1])));
    assert_eq!(at_once, 1);
    // Nobody completes it: a wake-up for nothing is slept over.
    assert_eq!(ends, BTreeSet::from([End::Stuck]));
}

/// What one thread does with a list and a new object.
fn with_list(body: impl FnOnce(&mut ScriptBuilder, ObjId, Operand)) -> BTreeSet<End> {
    let mut b = ProgramBuilder::new("lists");
    let (list, item) = (b.object("l", fixed::List::PLAIN), b.object("item#0", fixed::Slot { of: 0 }));
    b.thread("t", |t| {
        let new = slab::ops::Slab { how: slab::How::New, target: Operand::Object(item) };
        let x = Operand::Local(t.op_into("new", new, "x"));
        body(t, list, x);
    });
    let mut program = b.build();
    let (slab, slots) = (SlabKind::Plain, item.number()..item.number() + 1);
    program.structs.push(StructDecl {
        name: "item".into(),
        slab,
        slots,
        refs: None,
        refs_at: 0,
        release: None,
        fields: vec![],
        first_var: 0,
        members: Default::default(),
    });
    ends(&program, |_| {})
}

fn on(how: list::How, list: ObjId, entry: Operand) -> Op {
    list::ops::List { how, list: Operand::Object(list), entry: Some(entry), at: None, from: None }.into()
}

#[test]
fn what_a_list_forbids() {
    use list::How::{Add, AddTail, Del, DelInit, Next};
    let free = |x| slab::ops::Slab { how: slab::How::Free, target: x };
    let corrupt = BTreeSet::from([End::Violated(Property::LIST_CORRUPTION)]);
    for (first, second) in [(Add, AddTail), (Add, Add)] {
        let ends = with_list(|t, l, x| {
            t.op("add", on(first, l, x)).op("again", on(second, l, x));
        });
        assert_eq!(ends, corrupt);
    }
    for how in [Del, Next] {
        let ends = with_list(|t, l, x| {
            t.op("not on it", on(how, l, x));
        });
        assert_eq!(ends, corrupt);
    }
    let freed = with_list(|t, l, x| {
        t.op("add", on(Add, l, x)).op("free", free(x));
    });
    assert_eq!(freed, BTreeSet::from([End::Violated(Property::FREED_ON_LIST)]));
    let gone = with_list(|t, l, x| {
        t.op("free", free(x)).op("add", on(Add, l, x));
    });
    assert_eq!(gone, BTreeSet::from([End::Violated(Property::USE_AFTER_FREE)]));
    let fine = with_list(|t, l, x| {
        t.op("add", on(Add, l, x)).op("del", on(DelInit, l, x)).op("del", on(DelInit, l, x)).op("free", free(x));
    });
    assert!(matches!(fine.first(), Some(End::Finished(_))), "{fine:?}");
}
