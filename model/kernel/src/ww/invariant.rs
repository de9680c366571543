//! What the kernel's ww mutexes promise in every state. Each part is checked at the steps that could break it, so that
//! it costs a look at what the step has at hand anyway:
//!
//! * A mutex whose `ctx` is set is held by that context's task, and a context counts exactly the mutexes that have it
//!   as their `ctx`. Both are true in *every* state: counting and publishing are one step under the owner's eyes alone,
//!   and the two windows (owner without ctx on both sides of a hold) are states in which the mutex has no ctx. Who
//!   unlocks only the mutex inside of a ww mutex breaks the first one; that is reported where the kernel does, at the
//!   next acquisition.
//! * The contexts in a wait list are in the order of their stamps, the oldest first, and none overtakes a waiter
//!   without a context but together with a younger one: those keep the order in which they came.
//! * Wait-die: a waiter that *sleeps* and holds other locks is the first one with a context. Anyone can be made another
//!   than the first one by somebody older, so what holds of all waiters is only that such a one is awake: it was woken
//!   by the one who came before it, and will look for a reason to die before it sleeps again.
//! * -EDEADLK is for a context that holds locks. Wait-die: and only while an older one lives, which it saw holding the
//!   mutex or waiting in front of it. Wound-wait: it was wounded by an older one which waited for a mutex of its; that
//!   one may be gone when it finds out (a signal ended its wait, or it got the mutex, and it finished), so the oldest
//!   context *can* get -EDEADLK there.
//! * Who locks without a context never gets -EDEADLK: it has nothing that could be killed.
//!
//! Two of these ask what somebody else does at the same time: whether a woken waiter already prepares to sleep again,
//! and whether the older context is still there. Where a step is not one instant, under loom, the answer may be a later
//! one, so they are not asked there.
//!
//! That nobody takes a mutex that another one holds needs no check of its own: the owner word is the only way to have
//! it, and whoever releases it must be found there (`unlock-not-held`).

use super::{AcquireCtx, Variant, Waiters, WwMutex, is_wound_wait, is_younger, kind};
use crate::{AtomicCell, Cx, ObjId, Plain, Property, Runtime, task::Task, ww::ctx::class_of};

/// A promise is broken.
fn broken<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId) {
    cx.violate(Property::WW_INVARIANT, Some(object));
}

/// A context has got a mutex.
pub(super) fn published<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId) {
    let owner = cx.ww(m).owner.peek();
    if owner.task() != Some(cx.me) || owner.pickup() {
        broken(cx, m);
    }
    counted(cx, ctx);
}

/// A context has got or given back a mutex. Only its own task makes a mutex point to it, so that is a private look.
pub(super) fn counted<R: Runtime>(cx: &mut Cx<'_, R>, ctx: ObjId) {
    let mutexes = cx.world.all::<WwMutex<R>>().filter(|(_, m)| m.ctx.peek() == Some(ctx)).count();
    if usize::from(cx.ctx(ctx).acquired()) != mutexes {
        broken(cx, ctx);
    }
}

/// A waiter was put into the list, at this place. One without a context overtakes nobody.
pub(super) fn queued<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, waiters: &Waiters, at: usize) {
    if waiters.live().get(at).is_none_or(|w| w.ctx.is_none()) {
        return;
    }
    // It stands just before the last one that it passed, or at the end.
    if waiters.live().get(at + 1).is_some_and(|w| w.ctx.is_none()) {
        broken(cx, m);
    }
    let mut older = None;
    for (i, w) in waiters.live().iter().enumerate() {
        let Some(ctx) = w.ctx else { continue };
        if older.is_some_and(|o| !is_younger(cx, ctx, o)) {
            broken(cx, m);
        }
        let passed = R::SEES_OVERLAP && older.is_some() && i > at && must_wake(cx, m) && cx.ctx(ctx).acquired() > 0;
        if passed && Task::<Plain>::is_asleep(cx.world.task(w.task).state.peek()) {
            broken(cx, m);
        }
        older = Some(ctx);
    }
}

/// Whether younger waiters are woken to die: not where they are not, on purpose.
fn must_wake<R: Runtime>(cx: &Cx<'_, R>, m: ObjId) -> bool {
    let class = cx.program.fixed::<kind::WwClass>(class_of(cx.program, m));
    class.is_some_and(|class| !class.wound_wait && class.variant == Variant::Upstream)
}

/// This waiter found no reason not to sleep.
pub(super) fn goes_to_sleep<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, waiters: &Waiters) {
    let Some(first) = waiters.live().iter().find(|w| w.ctx.is_some()) else { return };
    let mine = waiters.live().iter().find(|w| w.task == cx.me).and_then(|w| w.ctx);
    if let Some(ctx) = mine
        && first.task != cx.me
        && !is_wound_wait(cx.program, m)
        && cx.ctx(ctx).acquired() > 0
    {
        broken(cx, m);
    }
}

/// This context gets -EDEADLK, and nobody made it up.
pub(super) fn killed<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId) {
    let (class, own) = (class_of(cx.program, ctx), cx.ctx(ctx).stamp());
    let is_older =
        |c: &AcquireCtx<R>| c.class() == class && c.live_stamp().is_some_and(|s| (own.wrapping_sub(s) as i16) > 0);
    let oldest = !cx.world.all::<AcquireCtx<R>>().any(|(_, c)| is_older(c));
    if cx.ctx(ctx).acquired() == 0 || R::SEES_OVERLAP && oldest && !is_wound_wait(cx.program, m) {
        broken(cx, ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Operand, Program, State, ThreadId,
        builder::ProgramBuilder,
        cx::Private,
        fixed,
        ww::{Config, CtxHow, Waiter, ops},
    };

    const M: ObjId = ObjId::numbered(1);
    /// The contexts, the oldest first; each has the thread of its number.
    const CTX: [ObjId; 3] = [ObjId::numbered(2), ObjId::numbered(3), ObjId::numbered(4)];

    /// A mutex and three contexts with their stamps taken.
    fn program() -> Program {
        let mut b = ProgramBuilder::new("promises");
        let (variant, config) = (Variant::Upstream, Config::UPSTREAM);
        let class = fixed::WwClass { wound_wait: false, variant, inject_deadlock: 0, config };
        let class = b.object("class", class);
        assert_eq!(b.object("m", fixed::WwMutex { class, resv: None }), M);
        assert_eq!(["old", "young", "youngest"].map(|n| b.object(n, fixed::AcquireCtx { class })), CTX);
        for name in ["t0", "t1", "t2"] {
            b.thread(name, |_| {});
        }
        b.setup(|s| {
            for (i, ctx) in CTX.into_iter().enumerate() {
                let (ctx, on_behalf) = (Operand::Object(ctx), Some(ThreadId(i as u8)));
                s.op("init", ops::Ctx { how: CtxHow::Init, ctx, on_behalf });
            }
        });
        b.build()
    }

    /// What is found at a step of this thread, after the world was changed.
    fn found(
        me: u8,
        change: impl FnOnce(&mut crate::World<Plain>),
        step: impl FnOnce(&mut Cx<'_, Plain>),
    ) -> Option<ObjId> {
        let program = program();
        let mut state = State::initial(&program);
        change(&mut state.world);
        let (mut rt, mut private) = (Plain::default(), Private::default());
        let mut cx = Cx::new(&mut state.world, &program, ThreadId(me), &mut rt, &mut private);
        step(&mut cx);
        assert!(cx.violation.is_none_or(|v| v.property == Property::WW_INVARIANT));
        cx.violation.and_then(|v| v.object)
    }

    fn waiters(order: &[u8]) -> Waiters {
        let mut list = Waiters::default();
        for (at, t) in order.iter().enumerate() {
            assert!(list.insert(at, Waiter { task: ThreadId(*t), ctx: Some(CTX[usize::from(*t)]) }));
        }
        list
    }

    #[test]
    fn a_context_that_miscounts() {
        assert_eq!(found(0, |_| {}, |cx| counted(cx, CTX[0])), None);
        assert_eq!(found(0, |w| w.ctx_mut(CTX[0]).set_acquired(1), |cx| counted(cx, CTX[0])), Some(CTX[0]));
    }

    #[test]
    fn a_context_on_a_mutex_that_its_task_does_not_hold() {
        let publish = |w: &mut crate::World<Plain>, owner: u8| {
            assert!(w.ww_mut(M).try_take(ThreadId(owner), false));
            w.ww_mut(M).ctx.0 = Some(CTX[0]);
            w.ctx_mut(CTX[0]).set_acquired(1);
        };
        assert_eq!(found(0, |w| publish(w, 0), |cx| published(cx, M, CTX[0])), None);
        assert_eq!(found(0, |w| publish(w, 1), |cx| published(cx, M, CTX[0])), Some(M));
    }

    #[test]
    fn a_list_that_is_out_of_order() {
        assert_eq!(found(0, |_| {}, |cx| queued(cx, M, &waiters(&[0, 1, 2]), 0)), None);
        assert_eq!(found(0, |_| {}, |cx| queued(cx, M, &waiters(&[0, 2, 1]), 0)), Some(M));
    }

    #[test]
    fn one_without_a_context_that_is_overtaken() {
        let with_plain = |at| {
            let mut list = waiters(&[1, 2]);
            assert!(list.insert(at, Waiter { task: ThreadId(0), ctx: None }));
            list
        };
        // The oldest of them has come last: before the younger one that it passed, whoever else waits there.
        assert_eq!(found(0, |_| {}, |cx| queued(cx, M, &with_plain(0), 1)), None);
        assert_eq!(found(0, |_| {}, |cx| queued(cx, M, &with_plain(2), 0)), None);
        assert_eq!(found(0, |_| {}, |cx| queued(cx, M, &with_plain(1), 0)), Some(M));
    }

    #[test]
    fn one_that_must_die_and_sleeps() {
        let (own, list) = (|w: &mut crate::World<Plain>| w.ctx_mut(CTX[1]).set_acquired(1), waiters(&[0, 1]));
        // The older one has come in front of it, and has woken it or not.
        let asleep = |w: &mut crate::World<Plain>| {
            own(w);
            w.task_mut(ThreadId(1)).state.0 = Task::<Plain>::UNINTERRUPTIBLE;
        };
        assert_eq!(found(0, own, |cx| queued(cx, M, &list, 0)), None);
        assert_eq!(found(0, asleep, |cx| queued(cx, M, &list, 0)), Some(M));
        // It goes to sleep behind somebody older.
        assert_eq!(found(1, |_| {}, |cx| goes_to_sleep(cx, M, &list)), None);
        assert_eq!(found(1, own, |cx| goes_to_sleep(cx, M, &list)), Some(M));
    }

    #[test]
    fn edeadlk_for_the_oldest_or_for_one_that_holds_nothing() {
        let holds = |i: usize| move |w: &mut crate::World<Plain>| w.ctx_mut(CTX[i]).set_acquired(1);
        assert_eq!(found(1, holds(1), |cx| killed(cx, M, CTX[1])), None);
        assert_eq!(found(0, holds(0), |cx| killed(cx, M, CTX[0])), Some(CTX[0]));
        assert_eq!(found(1, |_| {}, |cx| killed(cx, M, CTX[1])), Some(CTX[1]));
    }
}
