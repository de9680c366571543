//! What `CONFIG_DEBUG_WW_MUTEX_SLOWPATH`, `CONFIG_DEBUG_MUTEXES` and lockdep ask of those who use a ww mutex.

use super::{
    Lock, config,
    ctx::{AcquireCtx, Debug, Phase, class_of},
    held_by, holds_locks,
};
use crate::{AtomicCell, Cx, ObjId, Rule, Runtime, runtime::NoteCell};

/// A mutex of the class that the task holds. That is known to it alone.
pub(super) fn held_of_class<R: Runtime>(cx: &Cx<'_, R>, class: ObjId) -> Option<ObjId> {
    held_by(cx.world, cx.me).find(|m| class_of(cx.program, *m) == class)
}

/// The task's context of the class.
fn open_context<R: Runtime>(cx: &Cx<'_, R>, class: ObjId) -> Option<ObjId> {
    let is_own = |c: &AcquireCtx<R>| c.task() == Some(cx.me) && c.class() == class;
    cx.world.all().find(|(_, c)| is_own(c)).map(|(id, _)| id)
}

impl Lock {
    /// What is checked before an acquisition is even tried; false ends the operation.
    pub(super) fn check_entry<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let Some(ctx) = self.ctx else { return true };
        let debug = cx.ctx(ctx).debug.get();
        let broken = if class_of(cx.program, ctx) != class_of(cx.program, self.mutex) {
            Rule::CTX_FOREIGN_CLASS
        } else if debug.phase == Phase::Idle || debug.task != Some(cx.me) {
            Rule::CTX_NOT_BEGUN
        } else if self.how.is_slow() && debug.contending.is_none() {
            Rule::SLOW_WITHOUT_DEADLOCK
        } else {
            return true;
        };
        cx.violate_rule(broken, Some(ctx));
        false
    }

    /// lockdep's `check_deadlock()`, of what is about to be waited for; false ends the operation. All mutexes of a
    /// class are one to lockdep, but for those that an acquire context *nests*: so who waits for one without a context
    /// must hold none, and must not be within a context either (`first_lock_dep_map` stands for its first one). A
    /// trylock waits for none.
    pub(super) fn check_nesting<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        if self.ctx.is_some() || self.nest.is_some() || !config(cx.program, self.mutex).lockdep {
            return true;
        }
        let class = class_of(cx.program, self.mutex);
        if let Some(held) = held_of_class(cx, class) {
            cx.violate_rule(Rule::ORDER_SAME_CLASS, Some(held));
            return false;
        }
        if let Some(open) = open_context(cx, class) {
            cx.violate_rule(Rule::ORDER_BESIDE_CTX, Some(open));
            return false;
        }
        true
    }

    /// `ww_mutex_lock_acquired()`: what must be true of the context at the moment it gets a lock.
    pub(super) fn check_acquired<R: Runtime>(&self, cx: &mut Cx<'_, R>, ctx: ObjId) {
        let debug = cx.ctx(ctx).debug.get();
        let broken = if debug.phase == Phase::Done {
            Some(Rule::LOCK_AFTER_DONE)
        } else if debug.contending.is_some_and(|m| m != self.mutex) {
            // After -EDEADLK the next lock taken must be the contended one, with nothing else held.
            Some(Rule::OTHER_BEFORE_CONTENDED)
        } else if debug.contending.is_some() && holds_locks(cx, ctx) {
            Some(Rule::HOLDS_AT_CONTENDED)
        } else {
            // Somebody's context is still there: the mutex was released without it.
            cx.ww(self.mutex).ctx.peek().map(|_| Rule::CTX_LEFT_IN_LOCK)
        };
        if let Some(rule) = broken {
            cx.violate_rule(rule, Some(ctx));
        }
        cx.ctx(ctx).debug.set(Debug { contending: None, ..debug });
    }
}
