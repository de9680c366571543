//! How an operation of a script becomes a machine: its operands are read, and must be of the right kind.

use super::{
    Machine, NOTHING,
    script::{Fail, Fault},
};
use crate::{
    Handle, LocalId, Mutation, ObjId, Op, Operand, Program, Property, Value,
    exec::{ExecOp, PrepareArray},
    fence::{self, CallbackOp, ChainInit, Dedup, FenceOp, FenceWait, Merge, RcuSafe, Signalling, UnwrapOp},
    lock_all::LockAll,
    primitives::{
        alloc, barrier, completion, irq, irq_line, list, rcu, refcount, rwsem, shrinker, signal,
        slab::{self, SlabOp},
        spinlock, timer, uaccess, variable, waitqueue, wakeq, workqueue,
    },
    program::{ObjectKind, Place},
    resv::{AddFence, CopyFences, Cursor, CursorOp, GetFences, ReplaceFences, Reserve, Unlocked},
    sync_file::SyncFileOp,
    syncobj::{Act, SyncobjPost, SyncobjQuery, SyncobjWait},
    ww,
};

/// Turns operands into objects, as the CPU finds them in its registers.
pub(super) struct Resolver<'a> {
    pub(super) program: &'a Program,
    pub(super) locals: &'a [Value],
}

pub(super) type Resolved<T> = Result<T, Fault>;

impl Resolver<'_> {
    fn handle(&self, o: Operand) -> Resolved<Handle> {
        match o.value(self.locals) {
            Value::Ref(h) => Ok(h),
            Value::Null => Err(Fault::new(Property::NullDereference, None)),
            Value::Unset => Err(Fault::new(Property::UnsetRead, None)),
            Value::Word(_) | Value::Cursor(_) | Value::Unwrap(_) => Err(Fault::new(Property::WrongKind, None)),
        }
    }

    /// The object of an operand, which must be of a kind that `accept` takes.
    fn object(&self, o: Operand, accept: fn(&ObjectKind) -> bool) -> Resolved<ObjId> {
        let h = self.handle(o)?;
        if accept(self.program.kind(h.obj)) { Ok(h.obj) } else { Err(Fault::new(Property::WrongKind, Some(h.obj))) }
    }

    fn slab_handle(&self, o: Operand) -> Resolved<Handle> {
        self.object(o, |k| matches!(k, ObjectKind::Slot { .. }))?;
        self.handle(o)
    }

    /// A ww mutex, a plain one, or the lock of a reservation.
    fn mutex(&self, o: Operand) -> Resolved<ObjId> {
        let id = self.object(o, |k| {
            matches!(k, ObjectKind::WwMutex { .. } | ObjectKind::Mutex { .. } | ObjectKind::Resv { .. })
        })?;
        Ok(match self.program.kind(id) {
            ObjectKind::Resv { lock, .. } => *lock,
            _ => id,
        })
    }

    fn ctx(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::AcquireCtx { .. }))
    }

    fn fence(&self, o: Operand) -> Resolved<ObjId> {
        self.object(o, |k| matches!(k, ObjectKind::Fence { .. }))
    }

    /// A fence, or NULL.
    fn fence_or_null(&self, o: Operand) -> Resolved<Option<ObjId>> {
        match self.value(o)? {
            Value::Null | Value::Word(0) => Ok(None),
            _ => self.fence(o).map(Some),
        }
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

    /// The word of a place, and the slot that must be alive when it is accessed.
    fn place(&self, p: Place) -> Resolved<(ObjId, Option<Handle>)> {
        match p {
            Place::Var(id) => Ok((id, None)),
            Place::Element { first, len, index } => {
                let at = self.word(index)?;
                match usize::try_from(at) {
                    Ok(i) if i < usize::from(len) => Ok((ObjId(first.0 + i as u8), None)),
                    _ => Err(Fault::new(Property::OutOfBounds, Some(first))),
                }
            }
            Place::Field { base, field } => {
                let h = self.slab_handle(base)?;
                match self.program.field_var(h.obj, field) {
                    Some(var) => Ok((var, Some(h))),
                    None => Err(Fault::new(Property::WrongKind, Some(h.obj))),
                }
            }
        }
    }

    /// All words of an array.
    fn words(&self, p: Place) -> Resolved<(ObjId, u8)> {
        match p {
            Place::Element { first, len, .. } => Ok((first, len)),
            Place::Var(_) | Place::Field { .. } => self.place(p).map(|(word, _)| (word, 1)),
        }
    }

    fn value(&self, o: Operand) -> Resolved<Value> {
        match o.value(self.locals) {
            Value::Unset => Err(Fault::new(Property::UnsetRead, None)),
            v => Ok(v),
        }
    }

    fn word(&self, o: Operand) -> Resolved<i32> {
        self.value(o)?.word().ok_or(Fault::new(Property::WrongKind, None))
    }

    fn primitive(&self, op: Op) -> Resolved<Machine> {
        use ObjectKind as K;
        Ok(match op {
            Op::Access { how, order, place, a, b, benign } => {
                let (target, slot) = match how {
                    how if how.is_barrier() => (NOTHING, None),
                    _ => self.place(place)?,
                };
                let a = match how {
                    variable::How::Load => Value::Unset,
                    how if how.is_barrier() => Value::Unset,
                    variable::How::Add | variable::How::Or | variable::How::And | variable::How::Xor => {
                        Value::Word(self.word(a)?)
                    }
                    _ => self.value(a)?,
                };
                let b = if how == variable::How::CmpXchg { self.value(b)? } else { Value::Unset };
                Machine::Access(variable::Access { how, order, target, slot, a, b, benign, open: false })
            }
            Op::SpinUntil { order, place, expr } => {
                let (target, slot) = self.place(place)?;
                Machine::SpinUntil(variable::SpinUntil { order, target, slot, expr })
            }
            Op::Spin { how, lock } => {
                let lock = self.object(lock, |k| matches!(k, K::Spinlock))?;
                Machine::Spin(spinlock::Spin { how, lock, nest: None })
            }
            Op::Wait { at, queue, patience } => {
                let queue = self.object(queue, |k| matches!(k, K::WaitQueue))?;
                Machine::Wait(waitqueue::Wait::new(at, queue, patience))
            }
            Op::Complete { at, completion, patience } => {
                let completion = self.object(completion, |k| matches!(k, K::Completion))?;
                Machine::Complete(completion::Complete { at, completion, patience })
            }
            Op::Rendezvous { barrier } => {
                let barrier = self.object(barrier, |k| matches!(k, K::Barrier { .. }))?;
                Machine::Rendezvous(barrier::Rendezvous { at: barrier::At::Arrive, barrier })
            }
            Op::Count { how, count } => {
                let count = self.object(count, |k| matches!(k, K::Refcount { .. }))?;
                Machine::Count(refcount::Count { how, count })
            }
            Op::Slab { at, target } => self.counted(at, target)?,
            Op::Rcu { at } => Machine::Rcu(rcu::RcuOp { at }),
            Op::Raise { to } => Machine::Raise(signal::Raise { to }),
            Op::RwSem { at, sem, patience, if_held } => {
                let sem = self.object(sem, |k| matches!(k, K::RwSem))?;
                Machine::RwSem(rwsem::RwSemOp::new(at, sem, patience, if_held))
            }
            Op::List { how, list, entry, from } => {
                let list = self.list(list)?;
                let from = from.map_or(Ok(list), |o| self.list(o))?;
                let entry = entry.map(|o| self.entry(o)).transpose()?;
                Machine::List(list::ListOp::new(how, list, entry, from))
            }
            Op::WakeQ { at, wake_q, queue, task } => {
                let wake_q = self.object(wake_q, |k| matches!(k, K::WakeQ))?;
                let queue = queue.map_or(Ok(NOTHING), |o| self.object(o, |k| matches!(k, K::WaitQueue)))?;
                Machine::WakeQ(wakeq::WakeQOp { at, wake_q, queue, task, woken: 0 })
            }
            _ => Machine::GracePeriods(rcu::GracePeriods { at: rcu::Period::Idle }),
        })
    }

    /// A local may turn out to refer to something else that is counted: then that is meant.
    fn counted(&self, at: slab::At, target: Operand) -> Resolved<Machine> {
        let h = self.handle(target)?;
        let (fence, count) = match at {
            slab::At::Get => (fence::What::Get, refcount::How::Get),
            slab::At::GetUnlessZero => (fence::What::GetRcu, refcount::How::GetUnlessZero),
            slab::At::Put => (fence::What::Put, refcount::How::Put),
            slab::At::PutAgain => (fence::What::PutAgain, refcount::How::Put),
            _ => return Ok(Machine::Slab(SlabOp::new(at, self.slab_handle(target)?))),
        };
        Ok(match self.program.kind(h.obj) {
            ObjectKind::Fence { .. } => Machine::Fence(FenceOp::new(fence, h.obj, 0)),
            ObjectKind::Refcount { .. } => Machine::Count(refcount::Count { how: count, count: h.obj }),
            _ => {
                let op = SlabOp::new(at, self.slab_handle(target)?);
                let home = match target {
                    Operand::Local(l) if at == slab::At::GetUnlessZero => Some(l),
                    _ => None,
                };
                Machine::Slab(SlabOp { home, ..op })
            }
        })
    }

    /// A lock and what it nests in: another lock, or a context.
    fn lock_nested(&self, lock: Operand, nest: Operand) -> Resolved<Machine> {
        let nest = match self.program.kind(self.handle(nest)?.obj) {
            ObjectKind::Spinlock | ObjectKind::RwSem | ObjectKind::AcquireCtx { .. } => self.handle(nest)?.obj,
            _ => self.mutex(nest)?,
        };
        let target = self.handle(lock)?.obj;
        Ok(match self.program.kind(target) {
            ObjectKind::Spinlock => {
                Machine::Spin(spinlock::Spin { how: spinlock::How::Lock, lock: target, nest: Some(nest) })
            }
            _ => Machine::WwLock(ww::Lock::new(self.mutex(lock)?, None, ww::How::Lock).nested(nest)),
        })
    }

    pub(super) fn protocol(&self, op: Op) -> Resolved<Machine> {
        Ok(match op {
            Op::Ctx { how, ctx, on_behalf } => Machine::Ctx(ww::CtxOp { how, ctx: self.ctx(ctx)?, on_behalf }),
            Op::LockNested { lock, nest } => self.lock_nested(lock, nest)?,
            Op::WwLock { mutex, ctx, how } => {
                let ctx = ctx.map(|c| self.ctx(c)).transpose()?;
                Machine::WwLock(ww::Lock::new(self.mutex(mutex)?, ctx, how))
            }
            Op::WwUnlock { mutex } => Machine::WwUnlock(ww::Unlock::new(self.mutex(mutex)?)),
            Op::BaseUnlock { mutex } => Machine::WwUnlock(ww::Unlock::of_base(self.mutex(mutex)?)),
            Op::LockAll { locks, ctx, interruptible } => {
                let all = LockAll::lock(self.program, locks, self.ctx(ctx)?, interruptible);
                all.map_or(Machine::Idle, Machine::LockAll)
            }
            Op::UnlockAll { locks } => LockAll::unlock(self.program, locks).map_or(Machine::Idle, Machine::LockAll),
            Op::Fence { what, fence, error } => Machine::Fence(FenceOp::new(what, self.fence(fence)?, error)),
            Op::FenceWait { fence, patience, poll } => {
                Machine::FenceWait(FenceWait::new(self.fence(fence)?, patience, poll))
            }
            Op::FenceCallback { add, fence, callback, data } => {
                let callback = self.object(callback, |k| matches!(k, ObjectKind::Callback { .. }))?;
                let data = data.map(|d| self.value(d)).transpose()?.unwrap_or_default();
                Machine::FenceCallback(CallbackOp::new(add, self.fence(fence)?, callback, data))
            }
            Op::Contain { duty, fence, member, seqno } => {
                let member = member.map_or(Ok(NOTHING), |m| self.fence(m))?;
                fence::begin_duty(self.program, duty, self.fence(fence)?, member, seqno)
            }
            Op::GetRcuSafe { place } => {
                let (target, slot) = self.place(place)?;
                Machine::RcuSafe(RcuSafe::new(target, slot))
            }
            Op::SyncFile { at, file, fence, patience, once } => {
                let file = self.object(file, |k| matches!(k, ObjectKind::SyncFile { .. }))?;
                let fence = fence.map(|f| self.fence(f)).transpose()?;
                Machine::SyncFile(SyncFileOp::new(at, file, fence, (patience, once)))
            }
            Op::Syncobj { .. } => self.syncobj(op)?,
            Op::UnwrapBegin { fence } => Machine::Unwrap(UnwrapOp::begin(self.fence_or_null(fence)?)),
            Op::UnwrapNext { home } => match self.value(Operand::Local(home))? {
                Value::Unwrap(cursor) => Machine::Unwrap(UnwrapOp::next(home, cursor)),
                _ => return Err(Fault::new(Property::WrongKind, None)),
            },
            Op::Merge { fences, variant, may_run_out } => {
                let mut given = [None; fence::MAX_MERGED];
                for (to, operand) in given.iter_mut().zip(self.program.pool_range(fences)) {
                    *to = self.fence_or_null(*operand)?;
                }
                Machine::Merge(Merge::new(given.into_iter().flatten(), variant, may_run_out))
            }
            Op::ChainInit { chain, prev, fence, seqno } => {
                let (prev, fence) = (self.fence_or_null(prev)?, self.fence(fence)?);
                Machine::ChainInit(ChainInit::new(self.fence(chain)?, prev, fence, seqno))
            }
            Op::Reserve { resv, slots } => Machine::Reserve(Reserve::new(self.resv(resv)?, slots)),
            Op::AddFence { resv, fence, usage } => {
                Machine::AddFence(AddFence::new(self.resv(resv)?, self.fence(fence)?, usage))
            }
            Op::ReplaceFences { resv, context, fence, usage } => {
                Machine::ReplaceFences(ReplaceFences::new(self.resv(resv)?, context, self.fence(fence)?, usage))
            }
            Op::CopyFences { dst, src } => Machine::CopyFences(CopyFences::new(self.resv(dst)?, self.resv(src)?)),
            Op::ResvWait { resv, usage, patience, poll } => {
                let wait = FenceWait::new(fence::NO_FENCE, patience, poll);
                Machine::Unlocked(Unlocked::wait(self.resv(resv)?, usage, wait))
            }
            Op::GetFences { resv, usage, into, may_run_out } => {
                let words = into.map(|place| self.words(place)).transpose()?;
                Machine::GetFences(GetFences::new(self.resv(resv)?, usage, words, may_run_out))
            }
            Op::Dedup { array, count, none_is_one } => {
                Machine::Dedup(Dedup::new(self.words(array)?, self.word(count)?, none_is_one))
            }
            Op::TestSignaled { resv, usage } => Machine::Unlocked(Unlocked::test(self.resv(resv)?, usage)),
            Op::Signalling { begin, fence } => {
                Machine::Signalling(Signalling::new(begin, fence.map(|f| self.fence(f)).transpose()?))
            }
            other => return self.deferred(other),
        })
    }

    /// What is done with a syncobj, or with several.
    fn syncobj(&self, op: Op) -> Resolved<Machine> {
        let Op::Syncobj { act, syncobj, second, node, fence, point, flags, patience } = op else {
            return Ok(Machine::Idle);
        };
        let object = |o| self.object(o, |k| matches!(k, ObjectKind::Syncobj { .. }));
        let (first, second) = (object(syncobj)?, second.map(object).transpose()?);
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

    /// What makes something else run, now or later.
    fn deferred(&self, op: Op) -> Resolved<Machine> {
        Ok(match op {
            Op::CallRcu { target, func } => Machine::CallRcu(rcu::CallRcu { handle: self.slab_handle(target)?, func }),
            Op::Alloc { gfp } => Machine::Alloc(alloc::Alloc::new(gfp, self.program)),
            Op::UserAccess { inatomic } => Machine::UserAccess(uaccess::UserAccess::new(inatomic, self.program)),
            Op::Work { at, work, data } => {
                use workqueue::At;
                let work = match at {
                    At::QueueDelayed | At::Mod | At::ModNow | At::FlushDelayed => {
                        self.object(work, |k| matches!(k, ObjectKind::Work { delayed: true, .. }))?
                    }
                    _ => self.object(work, |k| matches!(k, ObjectKind::Work { .. }))?,
                };
                let queues = matches!(at, At::Queue | At::QueueDelayed | At::Mod | At::ModNow);
                let data = if queues { self.value(data)? } else { Value::Unset };
                Machine::Work(workqueue::WorkOp::new(at, work, data))
            }
            Op::Worker { work } => Machine::Work(workqueue::WorkOp::new(workqueue::At::Take, work, Value::Unset)),
            Op::Timer { at, timer, data } => {
                let timer = self.object(timer, |k| matches!(k, ObjectKind::Timer { .. }))?;
                let no_wait = at == timer::At::DelSync && self.program.mutated(Mutation::TimerDelSyncNoWait);
                let data = if at == timer::At::Mod { self.value(data)? } else { Value::Unset };
                Machine::Timer(timer::TimerOp { at: if no_wait { timer::At::Del } else { at }, timer, data })
            }
            Op::Shrinker { at, shrinker } => {
                let shrinker = self.object(shrinker, |k| matches!(k, ObjectKind::Shrinker { .. }))?;
                Machine::Shrinker(shrinker::ShrinkerOp { at, shrinker })
            }
            Op::TimerHandler { timer } => {
                Machine::Timer(timer::TimerOp { at: timer::At::Expire, timer, data: Value::Unset })
            }
            Op::LocalIrq { how } => {
                Machine::LocalIrq(irq::LocalIrq { how, visible: self.program.has_irqs || self.program.has_readers })
            }
            Op::Irq { at, on, line } => Machine::Irq(irq::Irq { at, on, line }),
            Op::IrqLine { at, line, .. } => Machine::IrqLine(irq_line::IrqLineOp::new(at, line)),
            Op::IterBegin { resv, usage, unlocked } => {
                Machine::Cursor(CursorOp::begin(self.resv(resv)?, usage, unlocked))
            }
            Op::Cursor { at, home } => Machine::Cursor(CursorOp::on(at, home, self.cursor(home)?)),
            Op::Exec { what, exec, resv, slots, flags } => {
                let exec = self.object(exec, |k| matches!(k, ObjectKind::Exec { .. }))?;
                let resv = resv.map(|r| self.resv(r)).transpose()?;
                Machine::Exec(ExecOp::new(what, exec, resv, slots, flags))
            }
            Op::ExecArray { exec, resvs, slots } => {
                let exec = self.object(exec, |k| matches!(k, ObjectKind::Exec { .. }))?;
                Machine::ExecArray(PrepareArray::new(self.program, exec, resvs, slots))
            }
            Op::Fail { error } => Machine::Fail(Fail { error }),
            other => return self.primitive(other),
        })
    }
}
