//! Small programs with known mistakes, and a search that finds them, for the tests of this crate.

use fenceweave_explore::{
    Counts, Coverage, Engine, Exploration, Found, Limits, PointOfNoReturn, Task, Trace, diagnose, explicit,
};
use fenceweave_kernel::{
    Action, ExprNode, LocalId, ObjId, Op, Operand, Order, Patience, Place, Program, State, Value,
    builder::ProgramBuilder,
    expr::Operator,
    fence, fixed, lock_all,
    primitives::{refcount, spinlock, variable, waitqueue},
    program::{CallSite, Instr},
    ww::{self, CtxHow},
};
use std::collections::{BTreeMap, BTreeSet};

const WAIT_DIE: fixed::WwClass = fixed::WwClass {
    wound_wait: false,
    variant: ww::Variant::Upstream,
    inject_deadlock: 0,
    config: ww::Config { lockdep: false, ..ww::Config::UPSTREAM },
};
pub(crate) const NOTHING: Operand = Operand::Const(Value::Unset);

pub(crate) fn word(n: i32) -> Operand {
    Operand::Const(Value::Word(n))
}

pub(crate) fn spin(how: spinlock::How, lock: ObjId) -> Op {
    spinlock::ops::Spin { how, lock: Operand::Object(lock) }.into()
}

pub(crate) fn access(how: variable::How, var: ObjId, a: Operand) -> Op {
    variable::ops::Access { how, order: Order::Relaxed, place: Place::Var(var), a, b: NOTHING, benign: false }.into()
}

pub(crate) fn wait(how: waitqueue::How, queue: ObjId) -> Op {
    waitqueue::ops::Wait { how, queue: Operand::Object(queue), patience: Patience::Forever }.into()
}

fn lock(mutex: ObjId, ctx: Option<ObjId>) -> Op {
    ww::ops::WwLock { mutex: Operand::Object(mutex), ctx: ctx.map(Operand::Object), how: ww::How::Lock }.into()
}

/// Two spinlocks, taken in two orders.
pub(crate) fn two_spinlocks() -> Program {
    use spinlock::How::{Lock, Unlock};
    let mut b = ProgramBuilder::new("two-spinlocks");
    let locks = [b.object("a", fixed::Spinlock), b.object("b", fixed::Spinlock)];
    let names = ["a", "b"];
    for (thread, order) in [("cpu", [0, 1]), ("gpu", [1, 0])] {
        b.thread(thread, |s| {
            for i in order {
                s.op(&format!("spin-lock {}", names[i]), spin(Lock, locks[i]));
            }
            for i in order {
                s.op(&format!("spin-unlock {}", names[i]), spin(Unlock, locks[i]));
            }
        });
    }
    b.build()
}

/// Two ww mutexes without a ticket, taken in two orders, by threads that sleep.
pub(crate) fn two_mutexes() -> Program {
    let mut b = ProgramBuilder::new("two-mutexes");
    let class = b.object("reservations", WAIT_DIE);
    let m = ["fb", "tex"].map(|n| b.object(n, fixed::WwMutex { class, resv: None }));
    let names = ["fb", "tex"];
    for (thread, order) in [("evict", [0, 1]), ("fault", [1, 0])] {
        b.thread(thread, |s| {
            for i in order {
                s.op(&format!("lock {}", names[i]), lock(m[i], None));
            }
            for i in order {
                s.op(&format!("unlock {}", names[i]), ww::ops::WwUnlock { mutex: Operand::Object(m[i]) });
            }
        });
    }
    b.build()
}

/// Two ww mutexes with tickets: the younger gets -EDEADLK, and forgets to back off.
pub(crate) fn no_back_off() -> Program {
    let mut b = ProgramBuilder::new("no-back-off");
    let class = b.object("reservations", WAIT_DIE);
    let m = ["fb", "tex"].map(|n| b.object(n, fixed::WwMutex { class, resv: None }));
    let names = ["fb", "tex"];
    for (thread, order) in [("evict", [0, 1]), ("fault", [1, 0])] {
        let ctx = b.object(&format!("{thread}-ctx"), fixed::AcquireCtx { class });
        b.thread(thread, |s| {
            let on = |how| ww::ops::Ctx { how, ctx: Operand::Object(ctx), on_behalf: None };
            s.op("acquire-init", on(CtxHow::Init));
            for (n, i) in order.into_iter().enumerate() {
                s.op_into(&format!("lock {} into=r{n}", names[i]), lock(m[i], Some(ctx)), &format!("r{n}"));
            }
            for i in order {
                s.op(&format!("unlock {}", names[i]), ww::ops::WwUnlock { mutex: Operand::Object(m[i]) });
            }
            s.op("acquire-fini", on(CtxHow::Fini));
        });
    }
    b.build()
}

/// A waiter that looks before it is on the list.
pub(crate) fn lost_wakeup() -> Program {
    use variable::How::{Load, Store};
    use waitqueue::How::{Finish, Prepare, Schedule, WakeAll};
    let mut b = ProgramBuilder::new("lost-wakeup");
    let (ready, q) = (b.var("ready", Value::Word(0)), b.object("q", fixed::WaitQueue));
    let unset = b.equals(LocalId(0), 0);
    b.thread("waiter", |s| {
        s.op_into("load ready into=seen", access(Load, ready, NOTHING), "seen");
        let skip = s.instr("when seen is=0", Instr::Branch { expr: unset, otherwise: 0 });
        s.op("prepare q", wait(Prepare, q));
        s.op("sleep q", wait(Schedule, q));
        s.op("finish q", wait(Finish, q));
        let end = s.here();
        s.patch(skip, end);
    });
    b.thread("irq", |s| {
        s.op("store ready 1", access(Store, ready, word(1)));
        s.op("wake-all q", wait(WakeAll, q));
    });
    b.build()
}

/// A fence that only its waiter would signal.
pub(crate) fn unsignaled_fence() -> Program {
    let mut b = ProgramBuilder::new("unsignaled-fence");
    let f = b.object("f", fixed::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() });
    let g = b.object("g", fixed::Fence { context: 1, seqno: 1, initialised: true, ops: Default::default() });
    let fence_wait =
        |fence| fence::ops::FenceWait { fence: Operand::Object(fence), patience: Patience::Forever, poll: false };
    let signal = |fence| fence::ops::Fence { how: fence::How::Signal, fence: Operand::Object(fence), error: 0 };
    b.thread("cpu", |s| {
        s.op("wait f", fence_wait(f));
        s.op("signal g", signal(g));
    });
    b.thread("gpu", |s| {
        s.op("wait g", fence_wait(g));
        s.op("signal f", signal(f));
    });
    b.thread("other", |s| {
        s.op("wait g", fence_wait(g));
    });
    b.build()
}

/// A reference that is taken and dropped only if a choice falls so.
pub(crate) fn leak() -> Program {
    use refcount::How::{Get, Put};
    let mut b = ProgramBuilder::new("leak");
    let r = b.object("bo", fixed::Refcount { init: 1 });
    let count = |how| refcount::ops::Count { how, count: Operand::Object(r), release: None };
    let of = b.pool(&[word(0), Operand::Const(Value::Word(-12))]);
    let failed = b.equals(LocalId(0), 0);
    b.thread("cpu", |s| {
        s.op("get bo", count(Get));
        let into = s.local("err");
        s.instr("choose 0 -ENOMEM into=err", Instr::Choose { of, into: Some(into) });
        let skip = s.instr("when err is=0", Instr::Branch { expr: failed, otherwise: 0 });
        s.op("put bo", count(Put));
        let end = s.here();
        s.patch(skip, end);
    });
    b.build()
}

/// A fence that nobody signals.
pub(crate) fn forgotten_fence() -> Program {
    let mut b = ProgramBuilder::new("forgotten-fence");
    let f = b.object("f", fixed::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() });
    let fence = Operand::Object(f);
    b.thread("cpu", |s| {
        s.op("wait f", fence::ops::FenceWait { fence, patience: Patience::Forever, poll: false });
    });
    b.build()
}

/// An increment in two steps by three threads, without a lock.
pub(crate) fn racy_increment() -> Program {
    use variable::How::{Load, Store};
    let mut b = ProgramBuilder::new("racy-increment");
    let x = b.var("x", Value::Word(0));
    let one = ExprNode::Const(Value::Word(1));
    let more = b.expr(vec![ExprNode::Read(LocalId(0)), one, ExprNode::Apply(Operator::Add)]);
    for name in ["a", "b", "another"] {
        b.thread(name, |s| {
            s.op_into("load x", access(Load, x, NOTHING), "old");
            let into = s.local("new");
            s.instr("let new=\"old + 1\"", Instr::Let { into, expr: more });
            s.op("store x new", access(Store, x, Operand::Local(into)));
        });
    }
    b.build()
}

/// Five threads that lock five mutexes in five orders: more columns than fit.
pub(crate) fn crowd() -> Program {
    let mut b = ProgramBuilder::new("crowd");
    let class = b.object("reservations", WAIT_DIE);
    let m: Vec<ObjId> = (0..5).map(|i| b.object(&format!("buffer{i}"), fixed::WwMutex { class, resv: None })).collect();
    for i in 0..5 {
        let ctx = b.object(&format!("ticket{i}"), fixed::AcquireCtx { class });
        let order: Vec<Operand> = (0..5).map(|k| Operand::Object(m[(i + k) % 5])).collect();
        let locks = b.pool(&order);
        let names: Vec<String> = (0..5).map(|k| format!("buffer{}", (i + k) % 5)).collect();
        b.thread(&format!("submitter{i}"), |s| {
            s.op("acquire-init", ww::ops::Ctx { how: CtxHow::Init, ctx: Operand::Object(ctx), on_behalf: None });
            let all = lock_all::ops::LockAll { locks, ctx: Operand::Object(ctx), interruptible: false };
            s.op_into(&format!("lock-all {} ctx=ticket{i} into=r", names.join(" ")), all, "r");
        });
    }
    b.build()
}

/// Two spinlocks: `cpu` takes the inner one in a proc, called at line 20.
pub(crate) fn peeking() -> Program {
    use spinlock::How::{Lock, Unlock};
    let mut b = ProgramBuilder::new("peeking");
    let locks = [b.object("a", fixed::Spinlock), b.object("b", fixed::Spinlock)];
    b.thread("cpu", |s| {
        s.op("spin-lock a", spin(Lock, locks[0]));
        s.op("spin-lock b", spin(Lock, locks[1]));
        s.op("spin-unlock b", spin(Unlock, locks[1]));
        s.op("spin-unlock a", spin(Unlock, locks[0]));
    });
    b.thread("gpu", |s| {
        s.op("spin-lock a", spin(Lock, locks[0]));
        s.op("spin-unlock a", spin(Unlock, locks[0]));
    });
    let mut program = b.build();
    let call = CallSite { proc: "peek".into(), line: 20, column: 5, text: "peek".into(), ..CallSite::default() };
    program.scripts[0].lines[1..=2].iter_mut().for_each(|line| line.calls.push(call.clone()));
    program
}

/// Two spinlocks, the second by trylock: both back off and try again, perhaps for ever.
pub(crate) fn back_off() -> Program {
    use spinlock::How::{Lock, TryLock, Unlock};
    let mut b = ProgramBuilder::new("back-off");
    let locks = [b.object("a", fixed::Spinlock), b.object("b", fixed::Spinlock)];
    let names = ["a", "b"];
    let failed = b.equals(LocalId(0), 0);
    for (thread, [first, second]) in [("cpu", [0, 1]), ("gpu", [1, 0])] {
        b.thread(thread, |s| {
            let head = s.here();
            s.op(&format!("lock {}", names[first]), spin(Lock, locks[first]));
            s.op_into(&format!("trylock {} into=got", names[second]), spin(TryLock, locks[second]), "got");
            let out = s.instr("when got is=0", Instr::Branch { expr: failed, otherwise: 0 });
            s.op(&format!("unlock {}", names[first]), spin(Unlock, locks[first]));
            s.instr("loop", Instr::Jump(head));
            let end = s.here();
            s.patch(out, end);
            s.op(&format!("unlock {}", names[second]), spin(Unlock, locks[second]));
            s.op(&format!("unlock {}", names[first]), spin(Unlock, locks[first]));
        });
    }
    b.build()
}

/// A thread that adds for ever, marked or not, one that waits for a value that is never there, and a sleeper.
pub(crate) fn endless(marked: bool) -> Program {
    use variable::How::Xchg;
    use waitqueue::How::{Prepare, Schedule};
    let mut b = ProgramBuilder::new("endless");
    let (x, q) = (b.var("x", Value::Word(0)), b.object("q", fixed::WaitQueue));
    let two = b.equals(LocalId::WORD_READ, 2);
    b.thread("flip", |s| {
        let head = s.here();
        s.op("xchg x 1", access(Xchg, x, word(1)));
        if marked {
            s.instr("progress", Instr::Progress);
        }
        s.op("xchg x 0", access(Xchg, x, word(0)));
        s.instr("loop", Instr::Jump(head));
    });
    b.thread("spin", |s| {
        let op = variable::ops::SpinUntil { order: Order::Relaxed, place: Place::Var(x), expr: two };
        s.op("spin-until x \"x == 2\"", op);
    });
    b.thread("sleep", |s| {
        s.op("prepare q", wait(Prepare, q));
        s.op("sleep q", wait(Schedule, q));
    });
    b.build()
}

/// Explores a program with loops with the real engine: what goes on for ever is found on the whole graph.
pub(crate) fn liveness(program: &Program) -> Exploration {
    let task = Task { program, conditions: &[], has_loops: true };
    explicit::explore(&task, &Limits::default(), &())
}

/// Explores a program breadth-first, as the explicit engine does, with a counterexample of each property and thread.
pub(crate) fn explore(program: &Program) -> Exploration {
    let mut search = Search { program, seen: BTreeMap::new(), states: vec![] };
    search.run();
    let mut outcomes = BTreeSet::new();
    let mut first: BTreeMap<_, usize> = BTreeMap::new();
    for (i, node) in search.states.iter().enumerate() {
        if let Some(outcome) = &node.end {
            outcomes.insert(outcome.clone());
            if let fenceweave_kernel::Outcome::Violated(v) = outcome {
                first.entry(*v).or_insert(i);
            }
        }
    }
    let good = search.good();
    let found = first.into_iter().map(|(violation, at)| {
        let steps = search.way_to(at);
        let point_of_no_return = search.point(at, &good);
        Found { violation, trace: Trace::of(steps), point_of_no_return }
    });
    let (transitions, states) = (search.states.iter().map(|n| n.next.len() as u64).sum(), search.states.len() as u64);
    let counts = Counts { states, transitions, ..Counts::default() };
    let (engine, coverage) = (Engine::Explicit, Coverage::Complete);
    let (cover, unsignaled, evidence) = (None, BTreeSet::new(), BTreeMap::new());
    let (found, watched) = (found.collect(), vec![]);
    Exploration { engine, coverage, found, outcomes, watched, counts, cover, unsignaled, evidence, contracts: None }
}

struct Node {
    state: State,
    came: Option<(usize, Action)>,
    next: Vec<(Action, usize)>,
    end: Option<fenceweave_kernel::Outcome>,
}

struct Search<'a> {
    program: &'a Program,
    seen: BTreeMap<Vec<u8>, usize>,
    states: Vec<Node>,
}

impl Search<'_> {
    fn run(&mut self) {
        self.visit(State::initial(self.program), None);
        let mut at = 0;
        while at < self.states.len() {
            let state = self.states[at].state.clone();
            // Who came last goes on first: fewer switches among ways of the same length.
            let last = self.states[at].came.map(|(_, a)| a.thread);
            let mut enabled: Vec<_> = state.enabled(self.program).iter().collect();
            enabled.sort_by_key(|t| Some(*t) != last);
            for thread in enabled {
                for choice in 0..state.ways(self.program, thread) {
                    let (action, mut next) = (Action { thread, choice }, state.clone());
                    next.step(self.program, action);
                    let to = self.visit(next, Some((at, action)));
                    self.states[at].next.push((action, to));
                }
            }
            if self.states[at].next.is_empty() {
                self.states[at].end = Some(self.end_of(state));
            }
            at += 1;
        }
    }

    fn visit(&mut self, mut state: State, came: Option<(usize, Action)>) -> usize {
        let mut key = vec![];
        state.encode(self.program, &mut key);
        if let Some(v) = state.violation() {
            key.extend(format!("{v:?}").bytes());
        }
        let n = self.states.len();
        let at = *self.seen.entry(key).or_insert(n);
        if at == n {
            self.states.push(Node { state, came, next: vec![], end: None });
        }
        at
    }

    fn end_of(&self, mut state: State) -> fenceweave_kernel::Outcome {
        if state.violation().is_none() {
            if state.is_finished(self.program) {
                state.conclude(self.program);
            } else if let Some(v) = diagnose::stuck(self.program, &state) {
                state.end_with(v);
            }
        }
        state.outcome(self.program)
    }

    fn way_to(&self, mut at: usize) -> Vec<Action> {
        let mut way = vec![];
        while let Some((before, action)) = self.states[at].came {
            way.push(action);
            at = before;
        }
        way.reverse();
        way
    }

    /// For each state the next step of a shortest way to a good end; `usize::MAX` steps if there is none.
    fn good(&self) -> Vec<(usize, Option<(Action, usize)>)> {
        use fenceweave_kernel::Outcome::Finished;
        let ends = |n: &Node| matches!(n.end, Some(Finished { .. }));
        let mut good: Vec<_> = self.states.iter().map(|n| (if ends(n) { 0 } else { usize::MAX }, None)).collect();
        loop {
            let mut changed = false;
            for i in (0..self.states.len()).rev() {
                for (action, to) in &self.states[i].next {
                    if good[*to].0 < usize::MAX && good[*to].0 + 1 < good[i].0 {
                        good[i] = (good[*to].0 + 1, Some((*action, *to)));
                        changed = true;
                    }
                }
            }
            if !changed {
                return good;
            }
        }
    }

    fn point(&self, mut at: usize, good: &[(usize, Option<(Action, usize)>)]) -> PointOfNoReturn {
        let mut after = self.way_to(at).len();
        while good[at].0 == usize::MAX {
            let Some((before, _)) = self.states[at].came else { return PointOfNoReturn::Never };
            (at, after) = (before, after - 1);
        }
        let mut passing = vec![];
        while let Some((action, to)) = good[at].1 {
            passing.push(action);
            at = to;
        }
        PointOfNoReturn::At { after, passing }
    }
}
