//! What anybody may ask about an operation before it runs: a row for each, the same columns in all. Who wants to know whether
//! an operation waits for grace periods, what it wakes, what it has no room for, asks the row, and lists no operations.
//!
//! A new operation does not compile without its row; its columns are what [`Row::PLAIN`] has until the row says otherwise.

mod fences;
mod objects;

use super::{Fall, Op, Operand, Place};
use crate::{LocalId, ObjId, primitives::spinlock};

/// All that is said about an operation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// By what it finds the objects that it works on: the addresses of its accesses come from these.
    pub operands: [Option<Operand>; 4],
    /// What a program must have, or be prepared for, that has it.
    pub needs: Needs,
    /// What it chooses by itself, and at most how many of its steps do, if it does not begin again.
    pub(crate) chooses: Option<(Fall, u8)>,
    /// What it does that somebody else may wait for.
    pub ends: Ends,
    /// How it takes or releases a spinlock that is not inside of something else.
    pub spin: Option<spinlock::How>,
    /// Waits for nobody: what it wants is there, or it fails.
    pub tries: bool,
    /// What the model has too little of where it says that it has no more room.
    pub no_room: &'static str,
    /// What its result is good for.
    pub result: Shows,
    /// Whose reference it drops.
    pub drops: Option<Operand>,
    /// What pointers come with it.
    pub gives: Gives,
    /// The local that has the cursor.
    pub cursor: Option<LocalId>,
    /// What an agent that stands at it waits for, if it has nothing to do.
    pub between: Between,
}

/// What a program must have, or be prepared for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// Somebody who runs grace periods.
    pub rcu: bool,
    /// The order in which fences signalled.
    pub timestamps: bool,
    /// That a thread sleeps on no queue.
    pub bare_sleeps: bool,
    /// That signals are sent.
    pub signals: bool,
    /// That it may begin again, as often as the others let it.
    pub loops: bool,
    /// That its thread is a reader for a while: what RCU frees meanwhile stays.
    pub readers: bool,
}

/// What an operation does that somebody else may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// Writes a word.
    Writes(Place),
    /// Signals a fence.
    Signals(Operand),
    /// Releases a fence's lock.
    Unlocks(Operand),
    /// Completes a completion.
    Completes(Operand),
    /// Wakes who sleeps on a queue.
    Wakes(Operand),
    /// Notes who sleeps on a queue, to be woken.
    Notes(Operand),
    /// Comes to a barrier.
    Meets(Operand),
    /// Queues a work item.
    Queues(Operand),
}

impl Ends {
    /// What whoever sleeps on it waits for; not the words, on which nobody sleeps, nor what is done later by a worker.
    pub fn wait_for(self) -> Option<Operand> {
        match self {
            Ends::Signals(o)
            | Ends::Unlocks(o)
            | Ends::Completes(o)
            | Ends::Wakes(o)
            | Ends::Notes(o)
            | Ends::Meets(o) => Some(o),
            Ends::Nothing | Ends::Writes(_) | Ends::Queues(_) => None,
        }
    }
}

/// What the result of an operation is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// It says whether something went wrong, or nothing.
    Success,
    /// It is what the operation is there for.
    Answer,
    /// It is what was written.
    Written,
    /// It is how many were woken.
    Woken,
    /// It is a failure that the scenario asks for.
    Injected,
}

/// What pointers come with an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// None.
    Nothing,
    /// What a `get` of this returns: a pointer with a reference of its own.
    Reference(Operand),
    /// A pointer with a reference of its own, to whatever is there.
    Counted,
    /// A new object.
    New,
    /// Perhaps one whose reference the thread did not have.
    Perhaps,
    /// The same, if its result is kept.
    IfKept,
}

/// Where an agent is that has nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// It is no such place.
    Nowhere,
    /// Between the runs of a work item.
    Runs(ObjId),
    /// Between events that nobody waits for at this agent.
    Events,
}

impl Needs {
    const NOTHING: Needs =
        Needs { rcu: false, timestamps: false, bare_sleeps: false, signals: false, loops: false, readers: false };
    const RCU: Needs = Needs { rcu: true, ..Needs::NOTHING };
    const LOOPS: Needs = Needs { loops: true, ..Needs::NOTHING };
    const READERS: Needs = Needs { readers: true, ..Needs::NOTHING };

    fn rcu_if(rcu: bool) -> Needs {
        Needs { rcu, ..Needs::NOTHING }
    }
}

impl Row {
    /// What is said about an operation of which there is nothing to say.
    const PLAIN: Row = Row {
        operands: [None; 4],
        needs: Needs::NOTHING,
        chooses: None,
        ends: Ends::Nothing,
        spin: None,
        tries: false,
        no_room: "in a table",
        result: Shows::Success,
        drops: None,
        gives: Gives::Nothing,
        cursor: None,
        between: Between::Nowhere,
    };

    /// Works on what one operand means.
    const fn on(operand: Operand) -> Row {
        Row::of([Some(operand), None, None, None])
    }

    /// Works on what two operands mean.
    const fn on_both(a: Operand, b: Operand) -> Row {
        Row::of([Some(a), Some(b), None, None])
    }

    /// Works on what several operands mean, where they are given.
    const fn of(operands: [Option<Operand>; 4]) -> Row {
        Row { operands, ..Row::PLAIN }
    }

    /// Accesses a word.
    fn at(place: Place) -> Row {
        Row::of([place.base(), None, None, None])
    }
}

impl Place {
    /// The operand that says which word it is.
    fn base(self) -> Option<Operand> {
        match self {
            Place::Var(_) => None,
            Place::Element { index, .. } => Some(index),
            Place::Field { base, .. } => Some(base),
        }
    }
}

impl Op {
    /// What is said about the operation.
    pub fn row(self) -> Row {
        match self {
            Op::Access { how, place, .. } => objects::access(how, place),
            Op::SpinUntil { place, .. } => Row::at(place),
            Op::Spin { how, lock } => objects::spin(how, lock),
            Op::Wait { at, queue, patience } => objects::wait(at, queue, patience),
            Op::Complete { at, completion, .. } => objects::complete(at, completion),
            Op::Rendezvous { barrier } => Row { ends: Ends::Meets(barrier), ..Row::on(barrier) },
            Op::Count { count, .. } => Row::on(count),
            Op::Slab { at, target } => objects::slab(at, target),
            Op::Rcu { at } => objects::rcu(at),
            Op::Raise { .. } => Row { needs: Needs { signals: true, ..Needs::NOTHING }, ..Row::PLAIN },
            Op::Ctx { ctx, .. } => Row::on(ctx),
            Op::LockNested { lock, nest } => objects::lock_nested(lock, nest),
            Op::WwLock { how, mutex, ctx } => objects::ww_lock(how, mutex, ctx),
            Op::WwUnlock { mutex } | Op::BaseUnlock { mutex } => Row::on(mutex),
            Op::LockAll { ctx, .. } => Row { needs: Needs::LOOPS, ..Row::on(ctx) },
            Op::UnlockAll { .. } => Row::PLAIN,
            Op::Fence { what, fence, .. } => fences::fence(what, fence),
            Op::FenceWait { fence, .. } | Op::UnwrapBegin { fence } => Row::on(fence),
            Op::Contain { fence, member, .. } => fences::contain(fence, member),
            Op::GetRcuSafe { place } => Row { needs: Needs::LOOPS, gives: Gives::Counted, ..Row::at(place) },
            Op::SyncFile { file, fence, .. } => fences::sync_file(file, fence),
            Op::Syncobj { syncobj, second, node, fence, .. } => fences::syncobj(syncobj, second, node, fence),
            Op::UnwrapNext { home } => Row { cursor: Some(home), gives: Gives::Perhaps, ..Row::PLAIN },
            Op::Merge { may_run_out, .. } => fences::merge(may_run_out),
            Op::Dedup { array, count, .. } => Row::of([array.base(), Some(count), None, None]),
            Op::ChainInit { chain, prev, fence, .. } => Row::of([Some(chain), Some(prev), Some(fence), None]),
            Op::FenceCallback { add, fence, callback, .. } => fences::callback(add, fence, callback),
            Op::Reserve { resv, .. } | Op::ResvWait { resv, .. } => Row { needs: Needs::RCU, ..Row::on(resv) },
            Op::TestSignaled { resv, .. } => Row { needs: Needs::RCU, ..Row::on(resv) },
            Op::AddFence { resv, fence, .. } | Op::ReplaceFences { resv, fence, .. } => Row::on_both(resv, fence),
            Op::CopyFences { dst, src } => Row { needs: Needs::RCU, ..Row::on_both(dst, src) },
            Op::GetFences { resv, into, may_run_out, .. } => fences::get_fences(resv, into, may_run_out),
            Op::IterBegin { resv, unlocked, .. } => Row { needs: Needs::rcu_if(unlocked), ..Row::on(resv) },
            Op::Cursor { home, .. } => Row { cursor: Some(home), gives: Gives::Perhaps, ..Row::PLAIN },
            Op::Exec { what, exec, resv, .. } => fences::exec(what, exec, resv),
            Op::ExecArray { exec, .. } => Row { needs: Needs::RCU, ..Row::on(exec) },
            Op::Fail { .. } => Row { result: Shows::Injected, ..Row::PLAIN },
            Op::GracePeriods => Row { between: Between::Events, ..Row::PLAIN },
            Op::CallRcu { target, .. } => Row { needs: Needs { rcu: true, ..Needs::LOOPS }, ..Row::on(target) },
            Op::Alloc { gfp } => objects::alloc(gfp),
            Op::UserAccess { .. } => Row { chooses: Some((Fall::Page, 1)), ..Row::PLAIN },
            Op::Signalling { .. } => {
                Row { no_room: "for another fence-signalling section inside 255 others", ..Row::PLAIN }
            }
            Op::Work { at, work, .. } => objects::work(at, work),
            Op::Worker { work } => Row { between: Between::Runs(work), ..Row::PLAIN },
            Op::Timer { timer, .. } => Row { gives: Gives::Perhaps, ..Row::on(timer) },
            Op::Shrinker { .. } => Row::PLAIN,
            Op::TimerHandler { .. } => Row { between: Between::Events, ..Row::PLAIN },
            Op::LocalIrq { .. } => objects::local_irq(),
            Op::Irq { at, on, .. } => objects::irq(at, on.is_none()),
            Op::IrqLine { .. } => Row::PLAIN,
            Op::RwSem { at, sem, .. } => objects::rwsem(at, sem),
            Op::List { list, entry, from, .. } => objects::list(list, entry, from),
            Op::WakeQ { wake_q, queue, .. } => objects::wake_q(wake_q, queue),
        }
    }
}
