//! Classes and acquire contexts: `ww_acquire_init()`, `ww_acquire_done()`, `ww_acquire_fini()`.

use super::{Mutant, config, contract::held_of_class, kind};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Plain, Property, Rule, Runtime, ThreadId, Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    protocol::Protocol,
    runtime::NoteCell,
    shared::{LeftOpen, Lost, Shared, Stamp, renewed},
};

/// A `struct ww_class`: the counter that stamps come from.
#[derive(Clone)]
pub struct WwClass<R: Runtime> {
    next_stamp: R::Atomic<u16>,
}

impl Copy for WwClass<Plain> {}

impl<R: Runtime> WwClass<R> {
    pub(crate) fn new() -> Self {
        WwClass { next_stamp: R::Atomic::new(0) }
    }
}

impl<R: Runtime> Shared<R> for WwClass<R> {
    const COUNTS_STAMPS: bool = true;

    fn facets(&self, _sink: FacetSink<'_>) {}

    fn restore_counter(&mut self, next: u16) {
        self.next_stamp.store(next, Order::Relaxed);
    }
}

impl Code for WwClass<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {
        // Stamps are encoded as ranks; World::code restores the counter from them.
    }
}

/// Where a context is between init and fini.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Not in use.
    #[default]
    Idle,
    /// After init: may take locks.
    Acquiring,
    /// After done: may only release.
    Done,
}

impl Code for Phase {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        *self = [Phase::Idle, Phase::Acquiring, Phase::Done][usize::from(tag)];
    }
}

/// What CONFIG_DEBUG_WW_MUTEX_SLOWPATH keeps about a context; only its own task looks at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Debug {
    pub(crate) phase: Phase,
    pub(crate) task: Option<ThreadId>,
    /// The lock whose -EDEADLK is still to be answered by taking it, and it first.
    pub(crate) contending: Option<ObjId>,
}

fields!(Debug { phase, task, contending });

/// `deadlock_inject_interval` and `deadlock_inject_countdown`; only its own task looks at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Injection {
    interval: u8,
    countdown: u8,
}

fields!(Injection { interval, countdown });

/// Most stamps of a class: which of two is older is told by their distance, in half of the numbers.
const MAX_STAMP: u16 = i16::MAX as u16;

/// A `struct ww_acquire_ctx`.
#[derive(Clone)]
pub struct AcquireCtx<R: Runtime> {
    /// Never changes; the encoding ranks stamps within it.
    class: ObjId,
    /// Taken once at init and kept over all retries: that is what makes a context grow old. Others find the context
    /// through a mutex whose lock orders their look after this was written, so it needs no memory order of its own; the
    /// same is true of `acquired`, which changes only while its task is on no wait list.
    stamp: R::Note<u16>,
    acquired: R::Note<u8>,
    wounded: R::Atomic<u8>,
    pub(crate) debug: R::Note<Debug>,
    injection: R::Note<Injection>,
}

impl Copy for AcquireCtx<Plain> {}

impl<R: Runtime> AcquireCtx<R> {
    pub(crate) fn new(class: ObjId) -> Self {
        AcquireCtx {
            class,
            stamp: R::Note::new(0),
            acquired: R::Note::new(0),
            wounded: R::Atomic::new(0),
            debug: R::Note::new(Debug::default()),
            injection: R::Note::new(Injection::default()),
        }
    }

    /// Whether -EDEADLK is due although nobody contends. It gets ever rarer, as in the kernel, so that whoever backs
    /// off and tries again gets through.
    pub(crate) fn inject_deadlock(&mut self) -> bool {
        let Injection { interval, countdown } = self.injection.get();
        let (interval, countdown, due) = match countdown.checked_sub(1) {
            Some(left) => (interval, left, false),
            None => {
                let next = interval.saturating_mul(3).saturating_add(interval / 2);
                (next, next, true)
            }
        };
        self.injection.set(Injection { interval, countdown });
        due
    }

    pub(crate) fn stamp(&self) -> u16 {
        self.stamp.get()
    }

    pub(crate) fn acquired(&self) -> u8 {
        self.acquired.get()
    }

    pub(crate) fn set_acquired(&mut self, n: u8) {
        self.acquired.set(n);
    }

    pub(crate) fn wounded(&self) -> bool {
        self.wounded.load(Order::Relaxed) != 0
    }

    /// Whether it is marked, as its own task may know without looking at memory.
    pub(crate) fn was_wounded(&self) -> bool {
        self.wounded.peek() != 0
    }

    pub(crate) fn set_wounded(&mut self, on: bool) {
        self.wounded.store(u8::from(on), Order::Relaxed);
    }

    /// The task that has the context in use, if it is between init and fini.
    pub(crate) fn task(&self) -> Option<ThreadId> {
        self.debug.get().task
    }

    /// Where its stamps come from.
    pub(crate) fn class(&self) -> ObjId {
        self.class
    }

    /// The stamp, while the context is in use.
    pub(crate) fn live_stamp(&self) -> Option<u16> {
        (self.debug.get().phase != Phase::Idle).then(|| self.stamp.get())
    }
}

impl<R: Runtime> Shared<R> for AcquireCtx<R> {
    renewed!(AcquireCtx { stamp: note, acquired: note, wounded: atomic, debug: note, injection: note });

    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_lock(self.task(), None)
    }

    const HAS_STAMP: bool = true;

    fn facets(&self, sink: FacetSink<'_>) {
        let debug = self.debug.get();
        if debug.phase == Phase::Idle {
            return;
        }
        sink("stamp", Facet::Word(i32::from(self.stamp.get())));
        sink("acquired", Facet::Word(i32::from(self.acquired.get())));
        sink("wounded", Facet::Flag(self.wounded.peek() != 0));
        sink("contending", Facet::Object(debug.contending));
        sink("done", Facet::Flag(debug.phase == Phase::Done));
    }

    /// lockdep's map of the context is a lock.
    fn is_held_by(&self, t: ThreadId) -> bool {
        self.task() == Some(t)
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.task() == Some(by)).then_some(LeftOpen::Context)
    }

    fn is_own_of(&self, t: ThreadId) -> bool {
        self.task() == Some(t)
    }

    fn stamp(&self) -> Option<Stamp> {
        self.live_stamp().map(|at| Stamp { class: self.class, at })
    }
}

impl Code for AcquireCtx<Plain> {
    #[inline]
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.debug.code(c);
        if self.debug.0.phase == Phase::Idle {
            (self.stamp.0, self.acquired.0, self.wounded.0) = (0, 0, 0);
            self.injection.0 = Injection::default();
            return;
        }
        c.stamp(self.class, &mut self.stamp.0);
        // A wound on a context that holds nothing is not dead: a lock on the fast path keeps it.
        let wounded = self.wounded.0;
        let injects = u8::from(self.injection.0 != Injection::default());
        let mut packed = injects << 7 | self.acquired.0 << 1 | wounded;
        c.byte(&mut packed);
        (self.acquired.0, self.wounded.0) = (packed >> 1 & 0x3f, packed & 1);
        if packed >> 7 == 1 {
            self.injection.code(c);
        } else {
            self.injection.0 = Injection::default();
        }
    }
}

points! {
    /// What is done with a context; each is one step.
    pub enum How {
        /// `ww_acquire_init()`: takes a stamp.
        Init = "ww_acquire_init",
        /// `ww_acquire_done()`: no more locks will be taken.
        Done = "ww_acquire_done",
        /// `ww_acquire_fini()`: all locks are released.
        Fini = "ww_acquire_fini",
    }
}

/// One operation on an acquire context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CtxOp {
    pub(crate) how: How,
    pub(crate) ctx: ObjId,
    /// Whose context it becomes, if not the caller's: setup may let threads start with their stamps taken.
    pub(crate) on_behalf: Option<ThreadId>,
}

fields!(CtxOp { how, ctx, on_behalf });

/// The class of a context or mutex.
pub(crate) fn class_of(program: &crate::Program, id: ObjId) -> ObjId {
    program.kind(id).class().unwrap_or(id)
}

/// After how many locks beyond a context's first the class injects -EDEADLK; 0 is never.
pub(crate) fn injects_every(program: &crate::Program, class: ObjId) -> u8 {
    program.fixed::<kind::WwClass>(class).map_or(0, |class| class.inject_deadlock)
}

impl CtxOp {
    fn init<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (me, class) = (self.on_behalf.unwrap_or(cx.me), class_of(cx.program, self.ctx));
        // One context per task and class: two would deadlock against each other undetected.
        let is_second = |(id, c): (ObjId, &AcquireCtx<R>)| c.task() == Some(me) && class_of(cx.program, id) == class;
        let second = cx.world.all().any(is_second);
        if cx.ctx(self.ctx).debug.get().phase != Phase::Idle {
            return cx.violate_rule(Rule::CTX_IN_USE, Some(self.ctx));
        }
        if second {
            return cx.violate_rule(Rule::CTX_SECOND, Some(self.ctx));
        }
        // To lockdep the context is outside of all mutexes of its class: the one that is held would be no part of it.
        if self.on_behalf.is_none()
            && config(cx.program, class).lockdep
            && let Some(held) = held_of_class(cx, class)
        {
            return cx.violate_rule(Rule::ORDER_CTX_INSIDE, Some(held));
        }
        let next = i32::from(!cx.mutated(Mutant::InitOldStamp));
        let stamp = cx.ww_class(class).next_stamp.fetch_add(next, Order::Relaxed);
        cx.worn |= stamp > MAX_STAMP / 2;
        if stamp >= MAX_STAMP {
            return cx.violate(Property::CAPACITY_EXCEEDED, Some(class));
        }
        let every = injects_every(cx.program, class);
        let ctx = cx.ctx(self.ctx);
        ctx.stamp.set(stamp);
        ctx.set_acquired(0);
        ctx.set_wounded(false);
        ctx.debug.set(Debug { phase: Phase::Acquiring, task: Some(me), contending: None });
        ctx.injection.set(Injection { interval: every, countdown: every.saturating_sub(1) });
    }

    fn done<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let debug = cx.ctx(self.ctx).debug.get();
        if debug.phase == Phase::Idle || debug.task != Some(cx.me) {
            return cx.violate_rule(Rule::CTX_NOT_BEGUN, Some(self.ctx));
        }
        if debug.phase == Phase::Done {
            return cx.violate_rule(Rule::CTX_DONE_TWICE, Some(self.ctx));
        }
        cx.ctx(self.ctx).debug.set(Debug { phase: Phase::Done, ..debug });
    }

    fn fini<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let debug = cx.ctx(self.ctx).debug.get();
        if debug.phase == Phase::Idle || debug.task != Some(cx.me) {
            return cx.violate_rule(Rule::CTX_NOT_BEGUN, Some(self.ctx));
        }
        if cx.ctx(self.ctx).acquired() > 0 {
            return cx.violate_rule(Rule::CTX_HOLDS_AT_FINI, Some(self.ctx));
        }
        cx.ctx(self.ctx).debug.set(Debug::default());
    }
}

impl Protocol for CtxOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.how {
            How::Init => self.init(cx),
            How::Done => self.done(cx),
            How::Fini => self.fini(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.ctx);
        match self.how {
            // The order of two inits is the order of their stamps.
            How::Init => f.write(class_of(v.program, self.ctx)),
            How::Done | How::Fini => f,
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    /// Only an init is seen by others: it takes a stamp.
    fn is_visible(&self) -> bool {
        self.how == How::Init
    }
}
