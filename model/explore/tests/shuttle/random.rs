//! Small random programs over everything that steps can meet on.

use super::standard;
use fenceweave_kernel::{
    Condition, Errno, Expr, ExprNode, Instr, Leaf, LocalId, Moment, ObjId, Op, Operand, Order, Patience, Place,
    Program, ThreadId, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    expr::Operator,
    fence, fixed,
    primitives::{
        completion, list, rcu, rwsem, signal, spinlock,
        variable::{self, How},
        waitqueue, wakeq,
    },
    program::PoolRange,
    ww,
};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

struct Objects {
    vars: Vec<ObjId>,
    spins: Vec<ObjId>,
    mutexes: Vec<ObjId>,
    contexts: Vec<ObjId>,
    queue: ObjId,
    completion: ObjId,
    fences: Vec<ObjId>,
    /// Signals, semaphores, lists and deferred wake-ups too.
    wide: bool,
    /// The patience of some sleeps.
    signals: Patience,
    sem: ObjId,
    mutex: ObjId,
    list: ObjId,
    wake_qs: Vec<ObjId>,
    picks: PoolRange,
    is_zero: u16,
}

fn config(dice: &mut Dice) -> ww::Config {
    ww::Config {
        handoff: dice.roll(4) != 0,
        optimistic_spin: dice.roll(4) == 0,
        lockdep: dice.roll(4) == 0,
        ..ww::Config::UPSTREAM
    }
}

fn declare(b: &mut ProgramBuilder, dice: &mut Dice, threads: usize, wide: bool) -> Objects {
    let class = b.object(
        "class",
        fixed::WwClass {
            wound_wait: dice.roll(2) == 0,
            variant: Default::default(),
            inject_deadlock: 0,
            config: config(dice),
        },
    );
    let fence = |i: u16| fixed::Fence { context: 0, seqno: i + 1, initialised: true, ops: Default::default() };
    Objects {
        vars: (0..2).map(|i| b.var(&format!("x{i}"), Value::Word(0))).collect(),
        spins: (0..2).map(|i| b.object(&format!("s{i}"), fixed::Spinlock)).collect(),
        mutexes: (0..2).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect(),
        contexts: (0..threads).map(|i| b.object(&format!("c{i}"), fixed::AcquireCtx { class })).collect(),
        queue: b.object("q", fixed::WaitQueue),
        completion: b.object("done", fixed::Completion),
        fences: (0..2).map(|i| b.object(&format!("f{i}"), fence(i))).collect(),
        wide,
        signals: if wide { Patience::Interruptible } else { Patience::Forever },
        sem: b.object("sem", fixed::RwSem),
        mutex: b.object("mutex", fixed::Mutex { config: config(dice) }),
        list: b.object("list", fixed::List::PLAIN),
        wake_qs: (0..threads).map(|i| b.object(&format!("wq{i}"), fixed::WakeQ)).collect(),
        picks: b.pool(&[0, 1, 2].map(|w| Operand::Const(Value::Word(w)))),
        is_zero: b.expr(vec![
            ExprNode::Read(LocalId(0)),
            ExprNode::Const(Value::Word(0)),
            ExprNode::Apply(Operator::Eq),
        ]),
    }
}

fn access(how: How, x: ObjId, a: i32, b: i32) -> Op {
    let word = |w| Operand::Const(Value::Word(w));
    variable::ops::Access { how, order: Order::Full, place: Place::Var(x), a: word(a), b: word(b), benign: false }
        .into()
}

/// A stretch of a script that takes one to five steps.
fn piece(s: &mut ScriptBuilder, dice: &mut Dice, o: &Objects, me: usize, picks_left: &mut u8) {
    let x = o.vars[dice.roll(2)];
    let patience = [Patience::Forever, o.signals, Patience::Timed][dice.roll(3)];
    let wait = |how| waitqueue::ops::Wait { how, queue: Operand::Object(o.queue), patience };
    let complete = |how| completion::ops::Complete { how, completion: Operand::Object(o.completion), patience };
    let fence = Operand::Object(o.fences[dice.roll(2)]);
    match dice.roll(if o.wide { 18 } else { 13 }) {
        0 => drop(s.op_into("load", standard::load(x), "r")),
        1 => drop(s.op("store", standard::store(x, dice.roll(2) as i32))),
        2 => drop(s.op("add", access(How::Add, x, 1, 0))),
        3 => drop(s.op_into("cmpxchg", access(How::CmpXchg, x, 0, 2), "r")),
        4 => {
            let lock = Operand::Object(o.spins[dice.roll(2)]);
            s.op("lock", spinlock::ops::Spin { how: spinlock::How::Lock, lock });
            s.op_into("load", standard::load(x), "r");
            // Sometimes somebody forgets something.
            if dice.roll(12) != 0 {
                s.op("unlock", spinlock::ops::Spin { how: spinlock::How::Unlock, lock });
            }
        }
        5 => {
            let exclusive = !o.wide || dice.roll(2) == 0;
            s.op("prepare", wait(if exclusive { waitqueue::How::PrepareExclusive } else { waitqueue::How::Prepare }));
            s.op("sleep", wait(waitqueue::How::Schedule)).op("finish", wait(waitqueue::How::Finish));
        }
        6 => drop(s.op("wake", wait([waitqueue::How::WakeOne, waitqueue::How::WakeAll][dice.roll(2)]))),
        7 => drop(s.op_into("wait-for-completion", complete(completion::How::Wait), "w")),
        8 => drop(s.op("complete", complete(completion::How::Complete))),
        9 => drop(s.op("signal", fence::ops::Fence { how: fence::How::CheckAndSignal, fence, error: 0 })),
        10 => drop(s.op_into("wait fence", fence::ops::FenceWait { fence, patience, poll: false }, "w")),
        11 => {
            let picks = picks_left.checked_sub(1);
            *picks_left = picks.unwrap_or(0);
            match picks {
                None => drop(s.op("full barrier", access(How::FullBarrier, x, 0, 0))),
                Some(1) => s.op_may_fail("store or not", standard::store(x, 3), "w", Errno::ENOMEM),
                Some(_) => {
                    let into = Some(s.local("r"));
                    s.instr("choose", Instr::Choose { of: o.picks, into });
                }
            }
        }
        13 => down_and_up(s, dice, o, patience),
        14 => {
            let mutex = Operand::Object(o.mutex);
            s.op_into("lock", ww::ops::WwLock { mutex, ctx: None, how: ww::How::Lock }, "w");
            s.op_into("load", standard::load(x), "r");
            s.unlock(o.mutex);
        }
        15 => drop(s.op("raise", signal::ops::Raise { to: ThreadId(dice.roll(2) as u8) })),
        16 => {
            let how = [list::How::Add, list::How::AddTail, list::How::DelInit, list::How::OnList][dice.roll(4)];
            s.op_into(
                "list",
                list::ops::List { how, list: Operand::Object(o.list), entry: Some(fence), at: None, from: None },
                "w",
            );
        }
        17 => {
            let (wake_q, task) = (Operand::Object(o.wake_qs[me]), ThreadId(dice.roll(2) as u8));
            let queue = [None, Some(Operand::Object(o.queue))][dice.roll(2)];
            let how = if queue.is_some() { wakeq::How::AddFirst } else { wakeq::How::AddTask };
            s.op_into("wake-q-add", wakeq::ops::WakeQ { how, wake_q, queue, task }, "w");
            s.op_into("wake-q-flush", wakeq::ops::WakeQ { how: wakeq::How::Flush, wake_q, queue, task }, "w");
        }
        _ => lock_and_unlock(s, dice, o, me),
    }
}

/// A semaphore, for reading or writing, perhaps downgraded; a killed waiter releases nothing.
fn down_and_up(s: &mut ScriptBuilder, dice: &mut Dice, o: &Objects, patience: Patience) {
    use rwsem::How::{Downgrade, Read, TryRead, UpRead, UpWrite, Write};
    let op = |how, patience, if_held| rwsem::ops::RwSem { how, sem: Operand::Object(o.sem), patience, if_held };
    let patience = Patience::of(patience.interruptible(), false);
    let writes = dice.roll(2) == 0;
    s.op_into("down", op(if writes { Write } else { [Read, TryRead][dice.roll(2)] }, patience, false), "w");
    s.op_into("load", standard::load(o.vars[0]), "r");
    let downgraded = writes && dice.roll(2) == 0;
    if downgraded {
        s.op("downgrade", op(Downgrade, Patience::Forever, true));
    }
    s.op("up", op(if writes && !downgraded { UpWrite } else { UpRead }, Patience::Forever, true));
}

/// A ww mutex or two, with a context of the thread's own.
fn lock_and_unlock(s: &mut ScriptBuilder, dice: &mut Dice, o: &Objects, me: usize) {
    let ctx = Operand::Object(o.contexts[me]);
    let m = dice.roll(2);
    s.op("acquire-init", ww::ops::Ctx { how: ww::CtxHow::Init, ctx, on_behalf: None });
    s.op_into(
        "lock",
        ww::ops::WwLock { mutex: Operand::Object(o.mutexes[m]), ctx: Some(ctx), how: ww::How::Lock },
        "w",
    );
    if dice.roll(2) == 0 {
        let mutex = Operand::Object(o.mutexes[1 - m]);
        s.op_into("trylock", ww::ops::WwLock { mutex, ctx: Some(ctx), how: ww::How::Try }, "r");
        let skip = s.instr("", Instr::Branch { expr: o.is_zero, otherwise: 0 });
        let over = s.instr("", Instr::Jump(0));
        let here = s.here();
        s.patch(skip, here);
        s.unlock(o.mutexes[1 - m]);
        let here = s.here();
        s.patch(over, here);
    }
    s.unlock(o.mutexes[m]);
    s.op("acquire-fini", ww::ops::Ctx { how: ww::CtxHow::Fini, ctx, on_behalf: None });
}

/// The first thread waits for a grace period, which the agent runs; the others read.
fn read_or_synchronize(s: &mut ScriptBuilder, o: &Objects, me: usize) {
    if me == 0 {
        s.op("synchronize-rcu", rcu::ops::Rcu { how: rcu::How::Synchronize });
    } else {
        s.op("rcu-read-lock", rcu::ops::Rcu { how: rcu::How::ReadLock });
        s.op_into("load", standard::load(o.vars[1]), "r");
        s.op("rcu-read-unlock", rcu::ops::Rcu { how: rcu::How::ReadUnlock });
    }
}

/// Seeds from here on have everything; those before stay what they were when something was found with them.
pub(crate) const FIRST_WIDE: u64 = 1_000_000;

/// The program of a seed, and whether it has loops.
pub(crate) fn program(seed: u64) -> (Program, bool) {
    let mut dice = Dice(seed);
    let mut b = ProgramBuilder::new(&format!("random-{seed}"));
    let threads = 2 + dice.roll(2);
    let o = declare(&mut b, &mut dice, threads, seed >= FIRST_WIDE);
    let looping = if dice.roll(3) == 0 { Some(dice.roll(threads)) } else { None };
    let rcu = seed % 8 == 7;
    let mut picks = 2;
    for me in 0..threads {
        b.thread(&format!("t{me}"), |s| {
            let r = s.local("r");
            s.local("w");
            s.op_into("load", standard::load(o.vars[0]), "r");
            let top = s.here();
            for _ in 0..1 + dice.roll(5 - threads) {
                piece(s, &mut dice, &o, me, &mut picks);
            }
            if looping == Some(me) {
                // while (load x1 == 0): over as soon as somebody sets it, or never.
                s.op_into("load", standard::load(o.vars[1]), "r");
                let out = s.instr("", Instr::Branch { expr: o.is_zero, otherwise: 0 });
                s.instr("", Instr::Jump(top));
                let here = s.here();
                s.patch(out, here);
            }
            if rcu {
                read_or_synchronize(s, &o, me);
            }
            assert_eq!(r, LocalId(0));
        });
    }
    if rcu {
        b.rcu();
    }
    (b.build(), looping.is_some())
}

/// Conditions over variables, locals and a mutex's waiters, in every moment.
pub(crate) fn conditions(program: &Program) -> Vec<Condition> {
    let equals = |leaf, word| {
        let nodes = vec![ExprNode::Read(leaf), ExprNode::Const(Value::Word(word)), ExprNode::Apply(Operator::Eq)];
        Expr::from_postfix(nodes).expect("postfix")
    };
    let x = |i| Leaf::Var(ObjId::var(i));
    let r = |t| Leaf::Local(ThreadId(t), LocalId(0));
    let one = |moment, leaf, word| Condition { moment, all: vec![equals(leaf, word)] };
    let both = Condition { moment: Moment::Sometimes, all: vec![equals(x(0), 1), equals(x(1), 1)] };
    assert!(program.scripts.len() >= 2);
    vec![
        one(Moment::Never, x(0), 1),
        one(Moment::Always, x(1), 0),
        one(Moment::AtEnd, x(0), 0),
        one(Moment::AtEnd, r(1), 0),
        one(Moment::Sometimes, r(0), 1),
        both,
    ]
}
