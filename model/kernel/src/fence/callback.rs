//! `struct dma_fence_cb`: `dma_fence_add_callback()` and `dma_fence_remove_callback()`.

use super::{
    FenceAt, FenceOp, Locked, Mutant, check_alive, check_readable, lock_footprint, op::enable_signaling, test_signaled,
    wait::spin_if_locked,
};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Family, Flow, Footprint, ObjId, Order, Plain, Program, Property, Rule, Runtime,
    SharedCell, Standing, ThreadId, Value, View, World,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    fixed,
    primitives::irq::irqs_footprint,
    program::CalleeId,
    property::Form,
    protocol::Protocol,
    registry::upcalls,
    runtime::NoteCell,
    shared::{Lost, Shared, renewed},
};

/// A `struct dma_fence_cb`. It notes that it ran, and calls a function of the scenario's if it has one.
#[derive(Clone)]
pub struct Callback<R: Runtime> {
    queued: R::Atomic<u8>,
    ran: R::Atomic<u8>,
    /// What its function gets besides the fence.
    data: R::Atomic<Value>,
    /// Where it is, as the contract has it: the checker's own knowledge.
    stage: R::Note<Stage>,
}

/// Where a callback is between `dma_fence_add_callback()` and its end. It runs exactly once, unless it is taken off
/// before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    /// Nobody may call it: never added, taken off, or over.
    #[default]
    Idle,
    /// It has to run, or be taken off.
    Due,
    /// Its function runs, with this fence's lock held.
    Running(ObjId),
}

impl Stage {
    /// The place of the fence is in the tag where there is room for it.
    fn tag(self) -> u8 {
        match self {
            Stage::Idle => 0,
            Stage::Due => 1,
            Stage::Running(fence) => u8::try_from(fence.number() + 2).unwrap_or(Stage::FAR).min(Stage::FAR),
        }
    }

    const FAR: u8 = 127;
}

impl Copy for Callback<Plain> {}

impl<R: Runtime> Callback<R> {
    pub(crate) fn new() -> Self {
        Callback {
            queued: R::Atomic::new(0),
            ran: R::Atomic::new(0),
            data: R::Atomic::new(Value::Unset),
            stage: R::Note::new(Stage::Idle),
        }
    }

    /// The fence calls it, its node already unlinked. What its function gets, and whether it had to run.
    fn run(&mut self, on: Option<ObjId>) -> (Value, bool) {
        let due = self.stage.get() == Stage::Due;
        self.stage.set(on.map_or(Stage::Idle, Stage::Running));
        self.queued.store(0, Order::Relaxed);
        self.ran.fetch_add(1, Order::Relaxed);
        (self.data.swap(Value::Unset, Order::Relaxed), due)
    }

    /// What its function will get, while it is queued.
    pub(crate) fn queued_data(&self) -> Option<Value> {
        (self.queued.peek() != 0).then(|| self.data.peek())
    }
}

impl<R: Runtime> Shared<R> for Callback<R> {
    renewed!(Callback { queued: atomic, ran: atomic, data: atomic, stage: note });

    /// The fence's list goes through it. One that runs is off the list already, and may free what it is inside of.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_QUEUED, self.queued.peek() != 0)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Flag(self.queued.peek() != 0));
        sink("ran", Facet::Word(i32::from(self.ran.peek())));
    }

    /// A callback's reference is that of what it tells.
    fn lists(&self, other: ObjId) -> u16 {
        u16::from(matches!(self.queued_data(), Some(Value::Ref(h)) if h.obj == other))
    }
}

impl Code for Callback<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut packed = self.queued.0 | self.stage.0.tag() << 1;
        c.byte(&mut packed);
        self.queued.0 = packed & 1;
        self.stage.0 = match (packed >> 1, self.stage.0) {
            (0, _) => Stage::Idle,
            (1, _) => Stage::Due,
            (Stage::FAR, was) => {
                let mut fence = if let Stage::Running(fence) = was { fence } else { ObjId::NONE };
                fence.code(c);
                Stage::Running(fence)
            }
            (near, _) => Stage::Running(ObjId::object(usize::from(near) - 2)),
        };
        self.ran.code(c);
        self.data.code(c);
    }
}

points! {
    /// Program points of adding and removing a callback.
    pub(super) enum At {
        /// `dma_fence_add_callback()` looks before it locks: -ENOENT if signalled.
        Test = "add_callback: test SIGNALED",
        /// Under the lock: enables signalling, looks again, queues.
        Add = "add_callback (fence lock)",
        /// Inside of `ops->enable_signaling()`, under the lock.
        Enabling = "enable_signaling",
        /// That is done: looks again, queues, unlocks.
        Queue = "add_callback: queue, unlock",
        /// That failed: the fence is signalled, under the lock, and there is nothing to wait for.
        Signal = "add_callback: signal",
        /// `dma_fence_remove_callback()`, under the lock: 1 if it was still queued.
        Remove = "remove_callback (fence lock)",
    }
}

/// An operation on a callback in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallbackOp {
    at: At,
    fence: ObjId,
    callback: ObjId,
    data: Value,
    /// Where signalling is.
    signal: FenceAt,
}

fields!(CallbackOp { at, fence, callback, data, signal });

/// The callbacks whose function runs, or has run last, under the lock of a fence.
fn running<R: Runtime>(world: &World<R>, program: &Program, fence: ObjId) -> impl Iterator<Item = ObjId> {
    let known = program.callees.is_empty();
    let all = world.all::<Callback<R>>().filter(move |_| !known);
    all.filter(move |(_, c)| c.stage.get() == Stage::Running(fence)).map(|(id, _)| id)
}

/// The fence goes on after a callback: whatever ran is over.
pub(super) fn over<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    let last = running(cx.world, cx.program, fence).next();
    if let Some(callback) = last {
        // The checker's knowledge alone: the kernel does not look at it again, and its function may have freed it.
        cx.note(callback);
        cx.world.callback_mut(callback).stage.set(Stage::Idle);
    }
}

/// What [`over`] touches.
pub(super) fn over_footprint(v: View<'_>, fence: ObjId, f: Footprint) -> Footprint {
    f.write_opt(running(v.world, v.program, fence).next())
}

/// The function of an entry of a fence's list, if it is a callback that has one.
pub(super) fn func_of(program: &Program, entry: ObjId) -> Option<CalleeId> {
    if is_waker(entry) { None } else { program.kind(entry).calls() }
}

/// Whether the callback is that of a `struct sync_file`.
fn is_file(program: &Program, callback: ObjId) -> bool {
    !is_waker(callback) && program.is::<crate::fixed::SyncFile>(callback)
}

/// Whether the callback is one on a waiter's stack that wakes it. A waiter may have several on one fence.
fn is_waker(callback: ObjId) -> bool {
    callback.as_task().is_some()
}

/// The fence calls it, its node already unlinked: a function of the scenario's runs `on` that fence. What its function
/// gets.
pub(super) fn run<R: Runtime>(cx: &mut Cx<'_, R>, callback: ObjId, on: Option<ObjId>) -> Value {
    if is_file(cx.program, callback) {
        upcalls::wake_pollers(cx, callback);
        return Value::Unset;
    }
    let (data, due) = cx.callback(callback).run(on);
    if !due {
        cx.violate_rule(Rule::CALLBACK_NOT_DUE, Some(callback));
    }
    data
}

/// What that touches.
pub(super) fn run_footprint(v: View<'_>, callback: ObjId, f: Footprint) -> Footprint {
    let file = callback.as_object().is_some() && is_file(v.program, callback);
    if file { upcalls::wake_pollers_footprint(v.world, callback, f) } else { f }
}

impl CallbackOp {
    pub(crate) const BLANK: CallbackOp = CallbackOp {
        at: At::Test,
        fence: super::NO_FENCE,
        callback: super::NO_FENCE,
        data: Value::Unset,
        signal: FenceAt::SignalNow,
    };

    /// An operation about to start.
    pub fn new(add: bool, fence: ObjId, callback: ObjId, data: Value) -> CallbackOp {
        let at = if add { At::Test } else { At::Remove };
        CallbackOp { at, fence, callback, data, ..CallbackOp::BLANK }
    }

    /// One in flight of which somebody has kept the [place](CallbackOp::place).
    pub(super) fn resume(at: At, fence: ObjId, callback: ObjId, signal: FenceAt) -> CallbackOp {
        CallbackOp { at, fence, callback, signal, ..CallbackOp::BLANK }
    }

    /// Where it is, and where signalling inside of it is.
    pub(super) fn place(&self) -> (At, FenceAt) {
        (self.at, self.signal)
    }

    fn add<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let enables = !cx.mutated(Mutant::AddNotEnabled);
        if let Some(call) = enables.then(|| enable_signaling(cx, self.fence, held)).flatten() {
            self.at = At::Enabling;
            return Flow::Call(call);
        }
        let mut locked = cx.fence(self.fence).locked.get(held);
        let result = self.queue_if_pending(cx, &mut locked);
        cx.fence(self.fence).locked.set(held, locked);
        Flow::Done(result)
    }

    /// Under the lock: puts the node on the list, unless the fence has signalled meanwhile.
    fn queue_if_pending<R: Runtime>(&self, cx: &mut Cx<'_, R>, locked: &mut Locked) -> Value {
        if test_signaled(cx, self.fence) && !cx.mutated(Mutant::AddNoTest) {
            if cx.mutated(Mutant::AddCalls) && self.callback.as_object().is_some() {
                run(cx, self.callback, None);
            }
            return Value::from(Errno::ENOENT);
        }
        self.queue(cx, locked)
    }

    /// Puts the node on the list.
    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, locked: &mut Locked) -> Value {
        if cx.mutated(Mutant::AddNotQueued) {
            return Value::Word(0);
        }
        let waker = is_waker(self.callback);
        let file = waker || is_file(cx.program, self.callback);
        let queued = match file {
            true => !waker && locked.live().contains(&self.callback),
            false => cx.callback(self.callback).queued.load(Order::Relaxed) != 0,
        };
        if queued {
            cx.violate(Property::CALLBACK_REUSED, Some(self.callback));
        } else if !locked.push(self.callback) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.fence));
        }
        cx.fence(self.fence).publish();
        if !file {
            cx.callback(self.callback).queued.store(1, Order::Relaxed);
            cx.callback(self.callback).data.store(self.data, Order::Relaxed);
            cx.callback(self.callback).stage.set(Stage::Due);
        }
        Value::Word(0)
    }

    /// The lock is held since `enable_signaling` was called. It said that signalling is enabled, and nobody looks at
    /// the bit again: if it signalled the fence itself, the node comes on a list that nobody walks any more (its head
    /// has become the timestamp), and the callback never runs.
    fn queue_and_unlock<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        let result = self.queue(cx, &mut locked);
        super::let_go(cx, self.fence, &mut locked);
        cx.fence(self.fence).locked.set(held, locked);
        Flow::Done(result)
    }

    fn signal<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mut signal = FenceOp::new(self.signal, self.fence, 0);
        let flow = signal.step(cx);
        self.signal = signal.at();
        flow.once_over(|_| Flow::Done(Value::from(Errno::ENOENT)))
    }

    fn remove<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.fence);
        let mut locked = cx.fence(self.fence).locked.get(held);
        let kept = locked;
        let was_queued = locked.remove(self.callback);
        if cx.mutated(Mutant::RemoveKeeps) {
            locked = kept;
        }
        cx.fence(self.fence).locked.set(held, locked);
        if is_waker(self.callback) || is_file(cx.program, self.callback) {
            return Flow::Done(Value::Word(i32::from(was_queued)));
        }
        // list_empty(&cb->node): it may be queued on another fence, whose lock this is not.
        cx.callback(self.callback).queued.load(Order::Relaxed);
        if was_queued {
            cx.callback(self.callback).queued.store(0, Order::Relaxed);
            cx.callback(self.callback).stage.set(Stage::Idle);
        } else if cx.callback(self.callback).stage.get() != Stage::Idle {
            // We hold the lock, so it ran and is over, or was never there.
            cx.violate_rule(Rule::CALLBACK_ELSEWHERE, Some(self.callback));
        }
        Flow::Done(Value::Word(i32::from(was_queued || cx.mutated(Mutant::RemoveSays))))
    }
}

/// Whether a fence's lock may be waited for with another spinlock held.
fn may_nest(program: &Program) -> bool {
    let calls = |fence| program.fixed::<fixed::Fence>(fence).is_some_and(|fence| fence.ops.enable_signaling.is_some());
    program.all::<fixed::Spinlock>().next().is_some() || program.all::<fixed::Fence>().any(calls)
}

impl Protocol for CallbackOp {
    const FAMILY: Option<Family> = Some(Family::Fence);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Test | At::Remove => None,
            // Who holds a spinlock where he waits for the fence's lock may be what its holder waits for; and he waits
            // only if he looked before it was signalled.
            At::Add if may_nest(at.program) => None,
            At::Add | At::Enabling | At::Queue => Some(Family::Fence),
            At::Signal => FenceOp::new(self.signal, self.fence, 0).amid(at),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let under_lock = matches!(self.at, At::Queue | At::Enabling | At::Signal);
        if !(if under_lock { check_readable(cx, self.fence) } else { check_alive(cx, self.fence) }) {
            return Flow::Done(Value::Unset);
        }
        match self.at {
            At::Test if test_signaled(cx, self.fence) => return Flow::Done(Value::from(Errno::ENOENT)),
            At::Test => {
                self.at = At::Add;
                return Flow::Go;
            }
            At::Queue | At::Enabling => return self.queue_and_unlock(cx),
            At::Signal => return self.signal(cx),
            At::Add | At::Remove => {}
        }
        cx.enter(self.fence);
        if let Some(spin) = spin_if_locked(cx, self.fence) {
            return spin;
        }
        if self.at == At::Add { self.add(cx) } else { self.remove(cx) }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let fence = lock_footprint(v, self.fence, Footprint::writes(self.fence));
        let both = if is_waker(self.callback) { fence } else { fence.write(self.callback) };
        match self.at {
            At::Test => Footprint::reads(self.fence),
            At::Remove => both,
            At::Add | At::Queue | At::Enabling => irqs_footprint(v, both),
            At::Signal => FenceOp::new(self.signal, self.fence, 0).footprint(v),
        }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Enabling {
            self.at = if value.word() == Some(0) { At::Signal } else { At::Queue };
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        matches!(self.at, At::Add | At::Remove).then_some(self.fence)
    }
}

#[cfg(test)]
mod tests;
