//! What the kernel's ww mutexes promise in every state. Each part is checked at the steps that could break it, so that it
//! costs a look at what the step has at hand anyway:
//!
//! * A mutex whose `ctx` is set is held by that context's task, and a context counts exactly the mutexes that have it as
//!   their `ctx`. Both are true in *every* state: counting and publishing are one step under the owner's eyes alone, and
//!   the two windows (owner without ctx on both sides of a hold) are states in which the mutex has no ctx. Who unlocks only
//!   the mutex inside of a ww mutex breaks the first one; that is reported where the kernel does, at the next acquisition.
//! * The contexts in a wait list are in the order of their stamps, the oldest first.
//! * Wait-die: a waiter that *sleeps* and holds other locks is the first one with a context. Anyone can be made another
//!   than the first one by somebody older, so what holds of all waiters is only that such a one is awake: it was woken
//!   by the one who came before it, and will look for a reason to die before it sleeps again.
//! * -EDEADLK is for a context that holds locks. Wait-die: and only while an older one lives, which it saw holding the mutex
//!   or waiting in front of it. Wound-wait: it was wounded by an older one which waited for a mutex of its; that one may be
//!   gone when it finds out (a signal ended its wait, or it got the mutex, and it finished), so the oldest context *can*
//!   get -EDEADLK there.
//! * Who locks without a context never gets -EDEADLK: it has nothing that could be killed.
//!
//! That nobody takes a mutex that another one holds needs no check of its own: the owner word is the only way to have it,
//! and whoever releases it must be found there (`unlock-not-held`).

use super::{Variant, Waiters, is_wound_wait, is_younger};
use crate::{
    AtomicCell, Cx, ObjId, Object, Plain, Property, Runtime, object::Task, program::ObjectKind, ww::ctx::class_of,
};

/// A promise is broken.
fn broken<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId) {
    cx.violate(Property::WwInvariant, Some(object));
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
    let has = |o: &Object<R>| matches!(o, Object::WwMutex(m) if m.ctx.peek() == Some(ctx));
    let mutexes = cx.world.objects().filter(|(_, o)| has(o)).count();
    if usize::from(cx.ctx(ctx).acquired()) != mutexes {
        broken(cx, ctx);
    }
}

/// A waiter was put into the list, at this place.
pub(super) fn queued<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, waiters: &Waiters, at: usize) {
    let mut older = None;
    for (i, w) in waiters.live().iter().enumerate() {
        let Some(ctx) = w.ctx else { continue };
        if older.is_some_and(|o| !is_younger(cx, ctx, o)) {
            broken(cx, m);
        }
        let passed = older.is_some() && i > at && must_wake(cx, m) && cx.ctx(ctx).acquired() > 0;
        if passed && Task::<Plain>::is_asleep(cx.world.task(w.task).state.peek()) {
            broken(cx, m);
        }
        older = Some(ctx);
    }
}

/// Whether younger waiters are woken to die: not where they are not, on purpose.
fn must_wake<R: Runtime>(cx: &Cx<'_, R>, m: ObjId) -> bool {
    let class = cx.program.kind(class_of(cx.program, m));
    matches!(class, ObjectKind::WwClass { wound_wait: false, variant: Variant::Upstream, .. })
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
    let is_older = |o: &Object<R>| match o {
        Object::AcquireCtx(c) => c.class() == class && c.live_stamp().is_some_and(|s| (own.wrapping_sub(s) as i16) > 0),
        _ => false,
    };
    let oldest = !cx.world.objects().any(|(_, o)| is_older(o));
    if cx.ctx(ctx).acquired() == 0 || oldest && !is_wound_wait(cx.program, m) {
        broken(cx, ctx);
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Action, ObjId, ObjectKind, Op, Operand, Plain, Property, SharedCell, State, ThreadId, World,
        program::ProgramBuilder,
        ww::{Config, CtxHow, How, Variant, Waiter},
    };

    const OLD: ThreadId = ThreadId(0);
    const YOUNG: ThreadId = ThreadId(1);
    /// What the threads' objects are.
    const A: ObjId = ObjId(1);
    const B: ObjId = ObjId(2);
    const OLD_CTX: ObjId = ObjId(3);
    const YOUNG_CTX: ObjId = ObjId(4);

    /// `young` takes A and waits for B, which `old` has taken and `young` asks for first if it is told to. Then something is
    /// changed behind the mutexes' backs, and `old` goes on: what is found?
    fn found(old_steps: usize, young_steps: usize, spoil: impl FnOnce(&mut World<Plain>)) -> Option<Property> {
        let mut b = ProgramBuilder::new("spoilt");
        let (variant, config) = (Variant::Upstream, Config::UPSTREAM);
        let class = b.object("class", ObjectKind::WwClass { wound_wait: false, variant, inject_deadlock: 0, config });
        let [a, c] = ["a", "b"].map(|n| b.object(n, ObjectKind::WwMutex { class, resv: None }));
        let ctxs = ["old", "young"].map(|n| b.object(n, ObjectKind::AcquireCtx { class }));
        assert_eq!((a, c, ctxs), (A, B, [OLD_CTX, YOUNG_CTX]));
        for (name, ctx, first, second) in [("old", OLD_CTX, B, A), ("young", YOUNG_CTX, A, B)] {
            b.thread(name, |s| {
                for mutex in [first, second] {
                    let (mutex, ctx) = (Operand::Object(mutex), Some(Operand::Object(ctx)));
                    s.op("lock", Op::WwLock { mutex, ctx, how: How::Lock });
                }
            });
        }
        b.setup(|s| {
            for (ctx, t) in [(OLD_CTX, OLD), (YOUNG_CTX, YOUNG)] {
                s.op("init", Op::Ctx { how: CtxHow::Init, ctx: Operand::Object(ctx), on_behalf: Some(t) });
            }
        });
        let program = b.build();
        let mut state = State::initial(&program);
        let mut steps = |thread, n: usize, state: &mut State| {
            for _ in 0..n {
                if state.violation().is_none() && state.enabled(&program).contains(thread) {
                    state.step(&program, Action { thread, choice: 0 });
                }
            }
        };
        steps(YOUNG, young_steps, &mut state);
        steps(OLD, old_steps, &mut state);
        assert_eq!(state.violation(), None);
        spoil(&mut state.world);
        steps(OLD, 10, &mut state);
        steps(YOUNG, 10, &mut state);
        state.violation().map(|v| v.property)
    }

    #[test]
    fn nothing_is_found_where_nothing_was_spoilt() {
        for (old, young) in [(0, 0), (3, 3), (4, 3), (0, 5)] {
            // They are two halves of an ABBA: whatever becomes of it, the mutexes keep their promises.
            assert!(!matches!(found(old, young, |_| {}), Some(Property::WwInvariant)));
        }
    }

    #[test]
    fn a_context_that_miscounts_is_found() {
        assert_eq!(found(1, 0, |w| w.ctx_mut(OLD_CTX).set_acquired(1)), Some(Property::WwInvariant));
    }

    #[test]
    fn a_list_out_of_order_is_found() {
        let spoil = |w: &mut World<Plain>| {
            // As if the young one waited for A twice, in front of somebody older.
            let mut list = w.ww(A).waiters.peek();
            for (task, ctx) in [(ThreadId(3), YOUNG_CTX), (ThreadId(2), OLD_CTX)] {
                assert!(list.insert(list.live().len(), Waiter { task, ctx: Some(ctx) }));
            }
            w.ww_mut(A).waiters.0 = list;
        };
        assert_eq!(found(3, 3, spoil), Some(Property::WwInvariant));
    }

    #[test]
    fn edeadlk_for_the_oldest_is_found() {
        // The young one is to die, and turns out to be the only one with a stamp.
        let spoil = |w: &mut World<Plain>| w.ctx_mut(OLD_CTX).debug.0 = Default::default();
        assert_eq!(found(3, 3, |_| {}), None);
        assert_eq!(found_of_young(spoil), Some(Property::WwInvariant));
    }

    fn found_of_young(spoil: impl FnOnce(&mut World<Plain>)) -> Option<Property> {
        found(9, 4, spoil)
    }
}
