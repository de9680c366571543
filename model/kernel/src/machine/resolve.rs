//! How an operation of a script becomes a machine: its operands are read, and must be of the right kind.

use super::{
    Machine, NOTHING,
    script::{Fail, Fault},
};
use crate::ground::resolver::{Resolved, Resolver};
use crate::{
    Handle, LocalId, Mutation, ObjId, Op, Operand, Order, Patience, Property, ThreadId, Value,
    exec::{self, ExecOp, PrepareArray},
    fence::{self, CallbackOp, ChainInit, Dedup, FenceOp, FenceWait, Merge, RcuSafe, Signalling, UnwrapOp},
    lock_all::LockAll,
    primitives::{
        alloc, barrier, completion, irq, irq_line, list, rcu, refcount, rwsem, shrinker, signal,
        slab::{self, SlabOp},
        spinlock, timer, uaccess, variable, waitqueue, wakeq,
        workqueue::{self, WorkOp},
    },
    program::{CalleeId, Kind, ObjectKind, Place, PoolRange},
    resv::{AddFence, CopyFences, Cursor, CursorOp, GetFences, ReplaceFences, Reserve, Unlocked, Usage},
    sync_file::{self, SyncFileOp},
    syncobj::{self, Act, SyncobjPost, SyncobjQuery, SyncobjWait},
    ww,
};

/// To go where they belong.
impl Resolver<'_> {
    /// A ww mutex, a plain one, or the lock of a reservation.
    fn mutex(&self, o: Operand) -> Resolved<ObjId> {
        let id = self.object(o, |k| {
            matches!(k, ObjectKind::WwMutex { .. } | ObjectKind::Mutex { .. } | ObjectKind::Resv { .. })
        })?;
        Ok(match self.program.kind(id) {
            ObjectKind::Resv(resv) => resv.lock,
            _ => id,
        })
    }

    fn ctx(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::AcquireCtx { .. }))
    }

    /// A fence, or NULL.
    fn fence_or_null(&self, o: Operand) -> Resolved<Option<ObjId>> {
        match self.value(o)? {
            Value::Null | Value::Word(0) => Ok(None),
            _ => self.fence(o).map(Some),
        }
    }

    fn fence(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::Fence { .. }))
    }

    fn resv(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::Resv { .. }))
    }

    fn list(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::List { .. }))
    }

    /// What can be on a list.
    fn entry(&self, o: Operand) -> Resolved<Handle> {
        self.object(o, |k| matches!(k, ObjectKind::Slot { .. } | ObjectKind::Fence { .. }))?;
        self.handle(o)
    }

    fn cursor(&self, local: LocalId) -> Resolved<Cursor> {
        match self.value(Operand::Local(local))? {
            Value::Cursor(cursor) => Ok(cursor),
            _ => Err(Fault::new(Property::WrongKind, None)),
        }
    }

    /// The machine of an operation. Every operation has its line: one that is missing does not compile.
    pub(crate) fn machine(&self, op: Op) -> Resolved<Machine> {
        match op {
            Op::Access { how, order, place, a, b, benign } => self.access(how, order, place, (a, b), benign),
            Op::SpinUntil { order, place, expr } => self.spin_until(order, place, expr),
            Op::Spin(_) => unreachable!("[internal bug] it has its own"),
            Op::Wait { at, queue, patience } => self.wait(at, queue, patience),
            Op::Complete { at, completion, patience } => self.complete(at, completion, patience),
            Op::Rendezvous { barrier } => self.rendezvous(barrier),
            Op::Count { how, count } => self.count(how, count),
            Op::Slab { at, target } => self.counted(at, target),
            Op::Rcu { at } => Ok(Machine::Rcu(rcu::RcuOp { at })),
            Op::Raise { to } => Ok(Machine::Raise(signal::Raise { to })),
            Op::Ctx { how, ctx, on_behalf } => self.acquire(how, ctx, on_behalf),
            Op::LockNested { lock, nest } => self.lock_nested(lock, nest),
            Op::WwLock { mutex, ctx, how } => self.ww_lock(mutex, ctx, how),
            Op::WwUnlock { mutex } => Ok(Machine::WwUnlock(ww::Unlock::new(self.mutex(mutex)?))),
            Op::BaseUnlock { mutex } => Ok(Machine::WwUnlock(ww::Unlock::of_base(self.mutex(mutex)?))),
            Op::LockAll { locks, ctx, interruptible } => self.lock_all(locks, ctx, interruptible),
            Op::UnlockAll { locks } => Ok(or_idle(LockAll::unlock(self.program, locks))),
            Op::Fence { what, fence, error } => Ok(Machine::Fence(FenceOp::new(what, self.fence(fence)?, error))),
            Op::FenceWait { fence, patience, poll } => self.fence_wait(fence, patience, poll),
            Op::Contain { duty, fence, member, seqno } => self.contain(duty, fence, member, seqno),
            Op::GetRcuSafe { place } => {
                self.place(place).map(|(word, slot)| Machine::RcuSafe(RcuSafe::new(word, slot)))
            }
            Op::SyncFile { at, file, fence, patience, once } => self.sync_file(at, file, fence, (patience, once)),
            Op::Syncobj { act, syncobj, second, node, fence, point, flags, patience } => {
                self.syncobj(act, (syncobj, second), (node, fence), (point, flags, patience))
            }
            Op::UnwrapBegin { fence } => Ok(Machine::Unwrap(UnwrapOp::begin(self.fence_or_null(fence)?))),
            Op::UnwrapNext { home } => self.unwrap_next(home),
            Op::Merge { fences, variant, may_run_out } => self.merge(fences, variant, may_run_out),
            Op::Dedup { array, count, none_is_one } => self.dedup(array, count, none_is_one),
            Op::ChainInit { chain, prev, fence, seqno } => self.chain_init(chain, prev, fence, seqno),
            Op::FenceCallback { add, fence, callback, data } => self.fence_callback(add, fence, callback, data),
            Op::Reserve { resv, slots } => Ok(Machine::Reserve(Reserve::new(self.resv(resv)?, slots))),
            Op::AddFence { resv, fence, usage } => self.add_fence(resv, fence, usage),
            Op::ReplaceFences { resv, context, fence, usage } => self.replace_fences(resv, context, fence, usage),
            Op::CopyFences { dst, src } => self.copy_fences(dst, src),
            Op::ResvWait { resv, usage, patience, poll } => self.resv_wait(resv, usage, patience, poll),
            Op::TestSignaled { resv, usage } => Ok(Machine::Unlocked(Unlocked::test(self.resv(resv)?, usage))),
            Op::GetFences { resv, usage, into, may_run_out } => self.get_fences(resv, usage, into, may_run_out),
            Op::IterBegin { resv, usage, unlocked } => self.iter_begin(resv, usage, unlocked),
            Op::Cursor { at, home } => Ok(Machine::Cursor(CursorOp::on(at, home, self.cursor(home)?))),
            Op::Exec { what, exec, resv, slots, flags } => self.exec(what, exec, resv, slots, flags),
            Op::ExecArray { exec, resvs, slots } => self.exec_array(exec, resvs, slots),
            Op::Fail { error } => Ok(Machine::Fail(Fail { error })),
            Op::GracePeriods => Ok(Machine::GracePeriods(rcu::GracePeriods { at: rcu::Period::Idle })),
            Op::CallRcu { target, func } => self.call_rcu(target, func),
            Op::Alloc { gfp } => Ok(Machine::Alloc(alloc::Alloc::new(gfp, self.program))),
            Op::UserAccess { inatomic } => Ok(Machine::UserAccess(uaccess::UserAccess::new(inatomic, self.program))),
            Op::Signalling { begin, fence } => self.signalling(begin, fence),
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
        }
    }
}

/// What there is nothing to do for is over at once.
fn or_idle(all: Option<LockAll>) -> Machine {
    all.map_or(Machine::Idle, Machine::LockAll)
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
        let queue = self.object(queue, |k| matches!(k, ObjectKind::WaitQueue { .. }))?;
        Ok(Machine::Wait(waitqueue::Wait::new(at, queue, patience)))
    }

    fn complete(&self, at: completion::At, completion: Operand, patience: Patience) -> Resolved<Machine> {
        let completion = self.object(completion, |k| matches!(k, ObjectKind::Completion { .. }))?;
        Ok(Machine::Complete(completion::Complete { at, completion, patience }))
    }

    fn rendezvous(&self, barrier: Operand) -> Resolved<Machine> {
        let barrier = self.object(barrier, |k| matches!(k, ObjectKind::Barrier { .. }))?;
        Ok(Machine::Rendezvous(barrier::Rendezvous { at: barrier::At::Arrive, barrier }))
    }

    fn wake_q(&self, at: wakeq::At, wake_q: Operand, queue: Option<Operand>, task: ThreadId) -> Resolved<Machine> {
        let wake_q = self.object(wake_q, |k| matches!(k, ObjectKind::WakeQ { .. }))?;
        let queue = queue.map_or(Ok(NOTHING), |o| self.object(o, |k| matches!(k, ObjectKind::WaitQueue { .. })))?;
        Ok(Machine::WakeQ(wakeq::WakeQOp { at, wake_q, queue, task, woken: 0 }))
    }
}

/// Locks.
impl Resolver<'_> {
    fn spin(&self, how: spinlock::How, lock: Operand, nest: Option<ObjId>) -> Resolved<Machine> {
        let lock = self.object(lock, |k| matches!(k, ObjectKind::Spinlock { .. }))?;
        Ok(Machine::Spin(spinlock::Spin { how, lock, nest }))
    }

    fn rwsem(&self, at: rwsem::At, sem: Operand, patience: Patience, if_held: bool) -> Resolved<Machine> {
        let sem = self.object(sem, |k| matches!(k, ObjectKind::RwSem { .. }))?;
        Ok(Machine::RwSem(rwsem::RwSemOp::new(at, sem, patience, if_held)))
    }

    fn acquire(&self, how: ww::CtxHow, ctx: Operand, on_behalf: Option<ThreadId>) -> Resolved<Machine> {
        Ok(Machine::Ctx(ww::CtxOp { how, ctx: self.ctx(ctx)?, on_behalf }))
    }

    /// A lock and what it nests in: another lock, or a context.
    fn lock_nested(&self, lock: Operand, nest: Operand) -> Resolved<Machine> {
        let nest = match self.program.kind(self.handle(nest)?.obj) {
            ObjectKind::Spinlock { .. } | ObjectKind::RwSem { .. } | ObjectKind::AcquireCtx { .. } => {
                self.handle(nest)?.obj
            }
            _ => self.mutex(nest)?,
        };
        match self.program.kind(self.handle(lock)?.obj) {
            ObjectKind::Spinlock { .. } => self.spin(spinlock::How::Lock, lock, Some(nest)),
            _ => Ok(Machine::WwLock(ww::Lock::new(self.mutex(lock)?, None, ww::How::Lock).nested(nest))),
        }
    }

    fn ww_lock(&self, mutex: Operand, ctx: Option<Operand>, how: ww::How) -> Resolved<Machine> {
        let ctx = ctx.map(|c| self.ctx(c)).transpose()?;
        Ok(Machine::WwLock(ww::Lock::new(self.mutex(mutex)?, ctx, how)))
    }

    fn lock_all(&self, locks: PoolRange, ctx: Operand, interruptible: bool) -> Resolved<Machine> {
        Ok(or_idle(LockAll::lock(self.program, locks, self.ctx(ctx)?, interruptible)))
    }

    fn exec(
        &self,
        what: exec::What,
        exec: Operand,
        resv: Option<Operand>,
        slots: u8,
        flags: exec::Flags,
    ) -> Resolved<Machine> {
        let exec = self.object(exec, |k| matches!(k, ObjectKind::Exec { .. }))?;
        let resv = resv.map(|r| self.resv(r)).transpose()?;
        Ok(Machine::Exec(ExecOp::new(what, exec, resv, slots, flags)))
    }

    fn exec_array(&self, exec: Operand, resvs: PoolRange, slots: u8) -> Resolved<Machine> {
        let exec = self.object(exec, |k| matches!(k, ObjectKind::Exec { .. }))?;
        Ok(Machine::ExecArray(PrepareArray::new(self.program, exec, resvs, slots)))
    }
}

/// Fences, and what has fences.
impl Resolver<'_> {
    fn fence_wait(&self, fence: Operand, patience: Patience, poll: bool) -> Resolved<Machine> {
        Ok(Machine::FenceWait(FenceWait::new(self.fence(fence)?, patience, poll)))
    }

    fn fence_callback(&self, add: bool, fence: Operand, callback: Operand, data: Option<Operand>) -> Resolved<Machine> {
        let callback = self.object(callback, |k| matches!(k, ObjectKind::Callback { .. }))?;
        let data = data.map(|d| self.value(d)).transpose()?.unwrap_or_default();
        Ok(Machine::FenceCallback(CallbackOp::new(add, self.fence(fence)?, callback, data)))
    }

    fn contain(&self, duty: fence::Duty, fence: Operand, member: Option<Operand>, seqno: u16) -> Resolved<Machine> {
        let member = member.map_or(Ok(NOTHING), |m| self.fence(m))?;
        Ok(fence::begin_duty(self.program, duty, self.fence(fence)?, member, seqno))
    }

    fn unwrap_next(&self, home: LocalId) -> Resolved<Machine> {
        match self.value(Operand::Local(home))? {
            Value::Unwrap(cursor) => Ok(Machine::Unwrap(UnwrapOp::next(home, cursor))),
            _ => Err(Fault::new(Property::WrongKind, None)),
        }
    }

    fn merge(&self, fences: PoolRange, variant: fence::MergeVariant, may_run_out: bool) -> Resolved<Machine> {
        let mut given = [None; fence::MAX_MERGED];
        for (to, operand) in given.iter_mut().zip(self.program.pool_range(fences)) {
            *to = self.fence_or_null(*operand)?;
        }
        Ok(Machine::Merge(Merge::new(given.into_iter().flatten(), variant, may_run_out)))
    }

    fn dedup(&self, array: Place, count: Operand, none_is_one: bool) -> Resolved<Machine> {
        Ok(Machine::Dedup(Dedup::new(self.words(array)?, self.word(count)?, none_is_one)))
    }

    fn chain_init(&self, chain: Operand, prev: Operand, fence: Operand, seqno: u16) -> Resolved<Machine> {
        let (prev, fence) = (self.fence_or_null(prev)?, self.fence(fence)?);
        Ok(Machine::ChainInit(ChainInit::new(self.fence(chain)?, prev, fence, seqno)))
    }

    fn signalling(&self, begin: bool, fence: Option<Operand>) -> Resolved<Machine> {
        Ok(Machine::Signalling(Signalling::new(begin, fence.map(|f| self.fence(f)).transpose()?)))
    }

    fn sync_file(
        &self,
        at: sync_file::At,
        file: Operand,
        fence: Option<Operand>,
        poll: (Patience, bool),
    ) -> Resolved<Machine> {
        let file = self.object(file, |k| matches!(k, ObjectKind::SyncFile { .. }))?;
        let fence = fence.map(|f| self.fence(f)).transpose()?;
        Ok(Machine::SyncFile(SyncFileOp::new(at, file, fence, poll)))
    }

    /// What is done with a syncobj, or with several.
    fn syncobj(
        &self,
        act: Act,
        (first, second): (Operand, Option<Operand>),
        (node, fence): (Option<Operand>, Option<Operand>),
        (point, flags, patience): (u8, syncobj::Flags, Patience),
    ) -> Resolved<Machine> {
        let object = |o| self.object(o, |k| matches!(k, ObjectKind::Syncobj { .. }));
        let (first, second) = (object(first)?, second.map(object).transpose()?);
        let fence = fence.map_or(Ok(None), |f| self.fence_or_null(f))?;
        Ok(match act {
            Act::Replace => Machine::SyncobjPost(SyncobjPost::replace(first, fence)),
            Act::AddPoint => {
                let node = node.map_or(Ok(NOTHING), |n| self.fence(n))?;
                let fence = fence.ok_or(Fault::new(Property::NullDereference, None))?;
                Machine::SyncobjPost(SyncobjPost::add_point(first, node, fence, point))
            }
            Act::Find | Act::Wait => {
                Machine::SyncobjWait(SyncobjWait::new(act, [Some(first), second], point, flags).with_patience(patience))
            }
            Act::Query => Machine::SyncobjQuery(SyncobjQuery::new(first)),
        })
    }
}

/// Reservations.
impl Resolver<'_> {
    fn add_fence(&self, resv: Operand, fence: Operand, usage: Usage) -> Resolved<Machine> {
        Ok(Machine::AddFence(AddFence::new(self.resv(resv)?, self.fence(fence)?, usage)))
    }

    fn replace_fences(&self, resv: Operand, context: u8, fence: Operand, usage: Usage) -> Resolved<Machine> {
        Ok(Machine::ReplaceFences(ReplaceFences::new(self.resv(resv)?, context, self.fence(fence)?, usage)))
    }

    fn copy_fences(&self, dst: Operand, src: Operand) -> Resolved<Machine> {
        Ok(Machine::CopyFences(CopyFences::new(self.resv(dst)?, self.resv(src)?)))
    }

    fn resv_wait(&self, resv: Operand, usage: Usage, patience: Patience, poll: bool) -> Resolved<Machine> {
        let wait = FenceWait::new(fence::NO_FENCE, patience, poll);
        Ok(Machine::Unlocked(Unlocked::wait(self.resv(resv)?, usage, wait)))
    }

    fn get_fences(&self, resv: Operand, usage: Usage, into: Option<Place>, may_run_out: bool) -> Resolved<Machine> {
        let words = into.map(|place| self.words(place)).transpose()?;
        Ok(Machine::GetFences(GetFences::new(self.resv(resv)?, usage, words, may_run_out)))
    }

    fn iter_begin(&self, resv: Operand, usage: Usage, unlocked: bool) -> Resolved<Machine> {
        Ok(Machine::Cursor(CursorOp::begin(self.resv(resv)?, usage, unlocked)))
    }
}

/// What makes something else run, now or later.
impl Resolver<'_> {
    fn work(&self, at: workqueue::At, work: Operand, data: Operand) -> Resolved<Machine> {
        use workqueue::At;
        let work = match at {
            At::QueueDelayed | At::Mod | At::ModNow | At::FlushDelayed => self.of_kind(work, Kind::DelayedWork)?,
            _ => self.of_kinds(work, &[Kind::Work, Kind::DelayedWork])?,
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
