//! How an operation of a script becomes a machine: its operands are read, and must be of the right kind.

use super::{Machine, NOTHING, script::Fail};
use crate::ground::resolver::{Resolved, Resolver};
use crate::{
    Handle, Mutation, ObjId, Op, Operand, Order, Patience, ThreadId, Value,
    fence::{self, FenceOp},
    primitives::{
        alloc, barrier, completion, irq, irq_line, list, rcu, refcount, rwsem, shrinker, signal,
        slab::{self, SlabOp},
        timer, uaccess, variable, waitqueue, wakeq,
        workqueue::{self, WorkOp},
    },
    program::{CalleeId, ObjectKind, Place},
};

/// To go where they belong.
impl Resolver<'_> {
    fn list(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::List { .. }))
    }

    /// What can be on a list.
    fn entry(&self, o: Operand) -> Resolved<Handle> {
        self.object(o, |k| matches!(k, ObjectKind::Slot { .. } | ObjectKind::Fence { .. }))?;
        self.handle(o)
    }

    /// The machine of an operation. Every operation has its line: one that is missing does not compile.
    pub(crate) fn machine(&self, op: Op) -> Resolved<Machine> {
        match op {
            Op::Access { how, order, place, a, b, benign } => self.access(how, order, place, (a, b), benign),
            Op::SpinUntil { order, place, expr } => self.spin_until(order, place, expr),
            Op::Wait { at, queue, patience } => self.wait(at, queue, patience),
            Op::Complete { at, completion, patience } => self.complete(at, completion, patience),
            Op::Rendezvous { barrier } => self.rendezvous(barrier),
            Op::Count { how, count } => self.count(how, count),
            Op::Slab { at, target } => self.counted(at, target),
            Op::Rcu { at } => Ok(Machine::Rcu(rcu::RcuOp { at })),
            Op::Raise { to } => Ok(Machine::Raise(signal::Raise { to })),
            Op::Fail { error } => Ok(Machine::Fail(Fail { error })),
            Op::GracePeriods => Ok(Machine::GracePeriods(rcu::GracePeriods { at: rcu::Period::Idle })),
            Op::CallRcu { target, func } => self.call_rcu(target, func),
            Op::Alloc { gfp } => Ok(Machine::Alloc(alloc::Alloc::new(gfp, self.program))),
            Op::UserAccess { inatomic } => Ok(Machine::UserAccess(uaccess::UserAccess::new(inatomic, self.program))),
            Op::Work { at, work, data } => self.work(at, work, data),
            Op::Worker { work } => Ok(Machine::Work(WorkOp::new(workqueue::At::Take, work, Value::Unset))),
            Op::Timer { at, timer, data } => self.timer(at, timer, data),
            Op::Shrinker { at, shrinker } => self.shrinker(at, shrinker),
            Op::TimerHandler { timer } => Ok(handler_of(timer)),
            Op::LocalIrq { how } => Ok(self.local_irq(how)),
            Op::Irq { at, on, line } => Ok(Machine::Irq(irq::Irq { at, on, line })),
            Op::IrqLine { at, line, .. } => Ok(Machine::IrqLine(irq_line::IrqLineOp::new(at, line))),
            Op::RwSem { at, sem, patience, if_held } => self.rwsem(at, sem, patience, if_held),
            Op::List { how, list, entry, from } => self.list_op(how, list, entry, from),
            Op::WakeQ { at, wake_q, queue, task } => self.wake_q(at, wake_q, queue, task),
            // What has moved has its own.
            _ => unreachable!("[internal bug] it has its own"),
        }
    }
}

fn handler_of(timer: ObjId) -> Machine {
    Machine::Timer(timer::TimerOp { at: timer::At::Expire, timer, data: Value::Unset })
}

/// Words, and what is made of a few of them.
impl Resolver<'_> {
    fn access(
        &self,
        how: variable::How,
        order: Order,
        place: Place,
        (a, b): (Operand, Operand),
        benign: bool,
    ) -> Resolved<Machine> {
        use variable::How;
        let barrier = how.is_barrier();
        let (target, slot) = if barrier { (NOTHING, None) } else { self.place(place)? };
        let a = match how {
            How::Load => Value::Unset,
            _ if barrier => Value::Unset,
            How::Add | How::Or | How::And | How::Xor => Value::Word(self.word(a)?),
            _ => self.value(a)?,
        };
        let b = if how == How::CmpXchg { self.value(b)? } else { Value::Unset };
        Ok(Machine::Access(variable::Access { how, order, target, slot, a, b, benign, open: false }))
    }

    fn spin_until(&self, order: Order, place: Place, expr: u16) -> Resolved<Machine> {
        let (target, slot) = self.place(place)?;
        Ok(Machine::SpinUntil(variable::SpinUntil { order, target, slot, expr }))
    }

    fn count(&self, how: refcount::How, count: Operand) -> Resolved<Machine> {
        let count = self.object(count, |k| matches!(k, ObjectKind::Refcount { .. }))?;
        Ok(Machine::Count(refcount::Count { how, count }))
    }

    /// A local may turn out to refer to something else that is counted: then that is meant.
    fn counted(&self, at: slab::At, target: Operand) -> Resolved<Machine> {
        let h = self.handle(target)?;
        let (fence, count) = match at {
            slab::At::Get => (fence::What::Get, refcount::How::Get),
            slab::At::GetUnlessZero => (fence::What::GetRcu, refcount::How::GetUnlessZero),
            slab::At::Put => (fence::What::Put, refcount::How::Put),
            slab::At::PutAgain => (fence::What::PutAgain, refcount::How::Put),
            _ => return Ok(Machine::Slab(SlabOp::new(at, self.slot(target)?))),
        };
        Ok(match self.program.kind(h.obj) {
            ObjectKind::Fence { .. } => Machine::Fence(FenceOp::new(fence, h.obj, 0)),
            ObjectKind::Refcount { .. } => Machine::Count(refcount::Count { how: count, count: h.obj }),
            _ => {
                let op = SlabOp::new(at, self.slot(target)?);
                let home = match target {
                    Operand::Local(l) if at == slab::At::GetUnlessZero => Some(l),
                    _ => None,
                };
                Machine::Slab(SlabOp { home, ..op })
            }
        })
    }

    fn list_op(
        &self,
        how: list::How,
        list: Operand,
        entry: Option<Operand>,
        from: Option<Operand>,
    ) -> Resolved<Machine> {
        let list = self.list(list)?;
        let from = from.map_or(Ok(list), |o| self.list(o))?;
        let entry = entry.map(|o| self.entry(o)).transpose()?;
        Ok(Machine::List(list::ListOp::new(how, list, entry, from)))
    }

    fn call_rcu(&self, target: Operand, func: CalleeId) -> Resolved<Machine> {
        Ok(Machine::CallRcu(rcu::CallRcu { handle: self.slot(target)?, func }))
    }
}

/// Who waits, and who wakes.
impl Resolver<'_> {
    fn wait(&self, at: waitqueue::At, queue: Operand, patience: Patience) -> Resolved<Machine> {
        let queue = self.object(queue, |k| matches!(k, ObjectKind::WaitQueue))?;
        Ok(Machine::Wait(waitqueue::Wait::new(at, queue, patience)))
    }

    fn complete(&self, at: completion::At, completion: Operand, patience: Patience) -> Resolved<Machine> {
        let completion = self.object(completion, |k| matches!(k, ObjectKind::Completion))?;
        Ok(Machine::Complete(completion::Complete { at, completion, patience }))
    }

    fn rendezvous(&self, barrier: Operand) -> Resolved<Machine> {
        let barrier = self.object(barrier, |k| matches!(k, ObjectKind::Barrier { .. }))?;
        Ok(Machine::Rendezvous(barrier::Rendezvous { at: barrier::At::Arrive, barrier }))
    }

    fn wake_q(&self, at: wakeq::At, wake_q: Operand, queue: Option<Operand>, task: ThreadId) -> Resolved<Machine> {
        let wake_q = self.object(wake_q, |k| matches!(k, ObjectKind::WakeQ))?;
        let queue = queue.map_or(Ok(NOTHING), |o| self.object(o, |k| matches!(k, ObjectKind::WaitQueue)))?;
        Ok(Machine::WakeQ(wakeq::WakeQOp { at, wake_q, queue, task, woken: 0 }))
    }
}

/// Locks.
impl Resolver<'_> {
    fn rwsem(&self, at: rwsem::At, sem: Operand, patience: Patience, if_held: bool) -> Resolved<Machine> {
        let sem = self.object(sem, |k| matches!(k, ObjectKind::RwSem))?;
        Ok(Machine::RwSem(rwsem::RwSemOp::new(at, sem, patience, if_held)))
    }
}

/// What makes something else run, now or later.
impl Resolver<'_> {
    fn work(&self, at: workqueue::At, work: Operand, data: Operand) -> Resolved<Machine> {
        use workqueue::At;
        let work = match at {
            At::QueueDelayed | At::Mod | At::ModNow | At::FlushDelayed => {
                self.object(work, |k| matches!(k, ObjectKind::Work { delayed: true, .. }))?
            }
            _ => self.object(work, |k| matches!(k, ObjectKind::Work { .. }))?,
        };
        let queues = matches!(at, At::Queue | At::QueueDelayed | At::Mod | At::ModNow);
        let data = if queues { self.value(data)? } else { Value::Unset };
        Ok(Machine::Work(WorkOp::new(at, work, data)))
    }

    fn timer(&self, at: timer::At, timer: Operand, data: Operand) -> Resolved<Machine> {
        let timer = self.object(timer, |k| matches!(k, ObjectKind::Timer { .. }))?;
        let no_wait = at == timer::At::DelSync && self.program.mutated(Mutation::TimerDelSyncNoWait);
        let data = if at == timer::At::Mod { self.value(data)? } else { Value::Unset };
        Ok(Machine::Timer(timer::TimerOp { at: if no_wait { timer::At::Del } else { at }, timer, data }))
    }

    fn shrinker(&self, at: shrinker::At, shrinker: Operand) -> Resolved<Machine> {
        let shrinker = self.object(shrinker, |k| matches!(k, ObjectKind::Shrinker { .. }))?;
        Ok(Machine::Shrinker(shrinker::ShrinkerOp { at, shrinker }))
    }

    fn local_irq(&self, how: irq::How) -> Machine {
        Machine::LocalIrq(irq::LocalIrq { how, visible: self.program.has_irqs || self.program.has_readers })
    }
}
