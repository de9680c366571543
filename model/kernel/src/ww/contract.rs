//! What `CONFIG_DEBUG_WW_MUTEX_SLOWPATH` and `CONFIG_DEBUG_MUTEXES` ask of those who use a ww mutex.

use super::{
    Lock,
    ctx::{Debug, Phase, class_of},
    holds_locks,
};
use crate::{AtomicCell, Cx, ObjId, Property, Runtime, runtime::NoteCell};

/// Reports a broken rule.
pub(super) fn contract<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId) {
    cx.violate(Property::WwContract, Some(object));
}

impl Lock {
    /// What is checked before an acquisition is even tried; false ends the operation.
    pub(super) fn check_entry<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let Some(ctx) = self.ctx else { return true };
        let debug = cx.ctx(ctx).debug.get();
        let foreign = class_of(cx.program, ctx) != class_of(cx.program, self.mutex);
        let not_ours = debug.phase == Phase::Idle || debug.task != Some(cx.me);
        let unneeded_slow = self.how.is_slow() && debug.contending.is_none();
        if foreign || not_ours || unneeded_slow {
            contract(cx, ctx);
            return false;
        }
        true
    }

    /// `ww_mutex_lock_acquired()`: what must be true of the context at the moment it gets a lock.
    pub(super) fn check_acquired<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId) {
        let debug = cx.ctx(ctx).debug.get();
        let after_done = debug.phase == Phase::Done;
        // After -EDEADLK the next lock taken must be the contended one, with nothing else held.
        let other_first = debug.contending.is_some_and(|m| m != self.mutex);
        let still_holding = debug.contending.is_some() && holds_locks(cx, ctx);
        // Somebody's context is still there: the mutex was released without it.
        let stale = cx.ww(self.mutex).ctx.peek().is_some();
        if after_done || other_first || still_holding || stale {
            contract(cx, ctx);
        }
        cx.ctx(ctx).debug.set(Debug { contending: None, ..debug });
    }
}
