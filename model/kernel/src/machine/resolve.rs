//! How an operation of a script becomes a machine: its operands are read, and must be of the right kind.

use super::{Machine, NOTHING, script::Fault};
use crate::ground::resolver::{Resolved, Resolver};
use crate::{
    LocalId, ObjId, Op, Operand, Patience, Property, Value,
    exec::{self, ExecOp, PrepareArray},
    fence::{self, CallbackOp, ChainInit, Dedup, FenceOp, FenceWait, Merge, RcuSafe, Signalling, UnwrapOp},
    primitives::{
        refcount,
        slab::{self, SlabOp},
    },
    program::{ObjectKind, Place, PoolRange},
    resv::{AddFence, CopyFences, Cursor, CursorOp, GetFences, ReplaceFences, Reserve, Unlocked, Usage},
    sync_file::{self, SyncFileOp},
    syncobj::{self, Act, SyncobjPost, SyncobjQuery, SyncobjWait},
};

/// To go where they belong.
impl Resolver<'_> {
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

    fn cursor(&self, local: LocalId) -> Resolved<Cursor> {
        match self.value(Operand::Local(local))? {
            Value::Cursor(cursor) => Ok(cursor),
            _ => Err(Fault::new(Property::WRONG_KIND, None)),
        }
    }

    /// The machine of an operation. Every operation has its line: one that is missing does not compile.
    pub(crate) fn machine(&self, op: Op) -> Resolved<Machine> {
        match op {
            Op::Slab { at, target } => self.counted(at, target),
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
            Op::Signalling { begin, fence } => self.signalling(begin, fence),
            _ => unreachable!("[internal bug] it has its own"),
        }
    }
}

/// What is counted.
impl Resolver<'_> {
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
}

/// Locks.
impl Resolver<'_> {
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
            _ => Err(Fault::new(Property::WRONG_KIND, None)),
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
                let fence = fence.ok_or(Fault::new(Property::NULL_DEREFERENCE, None))?;
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
