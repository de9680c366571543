//! `struct sync_file`: a file over a fence, which can be polled.
//!
//! ```text
//!   sync_file_poll()        on the file's wait queue; the first poll puts the file's callback on the fence; signalled?
//!   fence_check_cb_func()   under the fence's lock: wakes everybody on the wait queue
//!   sync_file_release()     was it ever polled? takes the callback back, and drops the fence
//! ```
//!
//! That the callback is on the fence is noted in a bit, which is the file's own: a fence may have many files.

pub mod kind;
mod mutants;

pub(crate) use mutants::Mutant;
pub mod ops;

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Patience, Plain, Program, Property, Runtime, ThreadSet,
    Value, View, World,
    coder::{fields, points},
    cx::{Woken, woken_by},
    facet::{Facet, FacetSink},
    fence::{self, CallbackOp, FenceAt, FenceOp},
    ground::functions::functions,
    parts::parts,
    primitives::alloc,
    protocol::Protocol,
    shared::Shared,
};

/// `POLL_ENABLED`.
const POLL_ENABLED: u8 = 1;

/// Where it is noted that the file's callback is on the fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Variant {
    /// In the file.
    #[default]
    Upstream,
    /// In the fence, as in 4.11 and 4.12: of two files over one fence only the first that is polled gets its callback.
    BitInFence,
}

impl Variant {
    /// Both, with the names that a scenario uses.
    pub const ALL: [(&'static str, Variant); 2] =
        [("upstream", Variant::Upstream), ("bit-in-fence", Variant::BitInFence)];
}

/// A `struct sync_file`.
#[derive(Clone)]
pub struct SyncFile<R: Runtime> {
    fence: R::Atomic<Option<ObjId>>,
    flags: R::Atomic<u8>,
    /// `wq`, and for each of its tasks whether it was woken since it last looked (`pwq->triggered`).
    waiters: R::Atomic<u16>,
    triggered: R::Atomic<u16>,
}

impl Copy for SyncFile<Plain> {}

impl<R: Runtime> SyncFile<R> {
    pub(crate) fn new() -> Self {
        SyncFile {
            fence: R::Atomic::new(None),
            flags: R::Atomic::new(0),
            waiters: R::Atomic::new(0),
            triggered: R::Atomic::new(0),
        }
    }
}

impl<R: Runtime> Shared<R> for SyncFile<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("fence", Facet::Object(self.fence.peek()));
        sink("poll-enabled", Facet::Flag(self.flags.peek() & POLL_ENABLED != 0));
        sink("waiters", Facet::Word(self.waiters.peek().count_ones() as i32));
    }

    fn holds(&self, fence: ObjId) -> u16 {
        u16::from(self.fence.peek() == Some(fence))
    }
}

impl Code for SyncFile<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.fence.code(c);
        self.flags.code(c);
        c.thread_bits(&mut self.waiters.0);
        c.thread_bits(&mut self.triggered.0);
    }
}

/// `fence_check_cb_func()`: `wake_up_all(&sync_file->wq)`.
pub(crate) fn wake_all<R: Runtime>(cx: &mut Cx<'_, R>, file: ObjId) {
    if cx.mutated(Mutant::WakesNobody) {
        return;
    }
    if cx.sync_file(file).fence.load(Order::Consume).is_none() {
        return cx.violate(Property::USE_AFTER_FREE, Some(file));
    }
    let mut waiters = cx.sync_file(file).waiters.fetch_or(0, Order::AcqRel);
    if cx.mutated(Mutant::WakesOne) {
        waiters &= waiters.wrapping_neg();
    }
    cx.sync_file(file).triggered.fetch_or(u64::from(waiters), Order::AcqRel);
    ThreadSet(waiters).iter().for_each(|t| {
        cx.wake(t);
    });
}

/// What [`wake_all`] touches.
pub(crate) fn wake_footprint(world: &World<Plain>, file: ObjId, f: Footprint) -> Footprint {
    ThreadSet(world.sync_file(file).waiters.0).iter().map(ObjId::task).fold(f.write(file), Footprint::write)
}

points! {
    /// Program points of a file's functions.
    pub(crate) enum At {
        /// `sync_file_create()`: the file's own reference to the fence.
        Create = "sync_file_create: dma_fence_get",
        /// `fd_install()`: the file is user space's as well.
        Install = "fd_install",
        /// `sync_file_get_fence()`: a reference for the caller.
        GetFence = "sync_file_get_fence",
        /// `sync_file_poll()`: `poll_wait()`.
        Poll = "sync_file_poll: poll_wait",
        /// `test_and_set_bit(POLL_ENABLED)`.
        Enable = "sync_file_poll: test and set POLL_ENABLED",
        /// It was not set: `dma_fence_add_callback()`.
        Add = "sync_file_poll: add_callback",
        /// It is signalled already: `wake_up_all()`.
        Wake = "sync_file_poll: wake_up_all",
        /// `dma_fence_is_signaled()`.
        Test = "sync_file_poll: dma_fence_is_signaled",
        /// No: `set_current_state()`.
        SetState = "poll: set_current_state",
        /// Woken meanwhile? Else sleeps.
        Sleep = "poll: schedule_timeout",
        /// Back from that.
        Woken = "poll: woken",
        /// `poll_freewait()`.
        Leave = "poll: poll_freewait",
        /// `sync_file_release()`.
        Release = "sync_file_release: test POLL_ENABLED",
        /// `dma_fence_remove_callback()`.
        Remove = "sync_file_release: remove_callback",
        /// Drops the fence.
        Put = "sync_file_release: dma_fence_put",
    }
}

functions! {
    /// A file's functions.
    pub enum How begins at At {
        /// `sync_file_create()`: the file's own reference to the fence.
        Create,
        /// `fd_install()`: the file is user space's as well.
        Install,
        /// `sync_file_get_fence()`: a reference for the caller.
        GetFence,
        /// `sync_file_poll()`: `poll_wait()`.
        Poll,
        /// `sync_file_release()`.
        Release,
    }
}

parts! {
    /// What it is inside of.
    enum Inner {
        Fence(FenceOp) = FenceOp::BLANK,
        Callback(CallbackOp) = CallbackOp::BLANK,
    }
}

/// One of a file's functions in flight. A poll returns 1, 0 after a timeout, or -ERESTARTSYS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncFileOp {
    at: At,
    file: ObjId,
    fence: ObjId,
    patience: Patience,
    /// Looks, and does not sleep: not at all, or not again.
    once: bool,
    result: Value,
    inner: Inner,
}

fields!(SyncFileOp { at, file, fence, patience, once, result, inner });

fn variant_of(program: &Program, file: ObjId) -> Variant {
    program.fixed::<kind::SyncFile>(file).map_or(Variant::Upstream, |f| f.variant)
}

impl SyncFileOp {
    pub(crate) const BLANK: SyncFileOp = SyncFileOp {
        at: At::Create,
        file: fence::NO_FENCE,
        fence: fence::NO_FENCE,
        patience: Patience::Forever,
        once: false,
        result: Value::Unset,
        inner: Inner::Fence(FenceOp::BLANK),
    };

    /// A function about to start; the fence is that of a file which is created.
    pub(crate) fn new(at: At, file: ObjId, fence: Option<ObjId>, (patience, once): (Patience, bool)) -> SyncFileOp {
        SyncFileOp { at, file, fence: fence.unwrap_or(fence::NO_FENCE), patience, once, ..SyncFileOp::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn inside(&mut self, at: At, inner: Inner) -> Flow {
        self.inner = inner;
        self.go(at)
    }

    fn create<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // sync_file_alloc(), with GFP_KERNEL.
        alloc::might_block(cx);
        if !cx.mutated(Mutant::CreateNoGet) {
            fence::get(cx, self.fence);
        }
        let file = cx.sync_file(self.file);
        file.flags.store(0, Order::Relaxed);
        if file.fence.swap(Some(self.fence), Order::AcqRel).is_some() {
            cx.violate(Property::FENCE_REINITIALISED, Some(self.file));
        }
        Flow::Done(Value::Word(0))
    }

    /// A descriptor may be anywhere from here on. Before that the file can still be dropped, and its fence forgotten.
    fn install<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.open(cx) {
            cx.fence(self.fence).publish();
        }
        Flow::Done(Value::Word(0))
    }

    /// The file's fence, which does not change while the file is open.
    fn open<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> bool {
        match cx.sync_file(self.file).fence.load(Order::Consume) {
            Some(fence) => self.fence = fence,
            None => cx.violate(Property::USE_AFTER_FREE, Some(self.file)),
        }
        cx.violation.is_none()
    }

    fn poll<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.might_sleep(self.file);
        if !self.open(cx) {
            return Flow::Done(Value::Unset);
        }
        let me = if cx.mutated(Mutant::PollNotQueued) { 0 } else { 1 << cx.me.0 };
        cx.sync_file(self.file).waiters.fetch_or(me, Order::AcqRel);
        cx.rt.full_barrier();
        self.go(At::Enable)
    }

    fn enable<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let was = match variant_of(cx.program, self.file) {
            Variant::Upstream => {
                // test_and_set_bit()
                let set = u64::from(POLL_ENABLED);
                cx.fully(|cx| cx.sync_file(self.file).flags.fetch_or(set, Order::Full)) & POLL_ENABLED != 0
            }
            Variant::BitInFence => fence::set_poll_enabled(cx, self.fence),
        };
        let adds = !was || cx.mutated(Mutant::PollAddsAgain);
        if !adds || cx.mutated(Mutant::PollAddsNone) {
            return self.test(cx.program);
        }
        self.inside(At::Add, Inner::Callback(CallbackOp::new(true, self.fence, self.file, Value::Unset)))
    }

    fn test(&mut self, program: &Program) -> Flow {
        if program.mutated(Mutant::PollNoTest) && !self.once && self.at == At::Enable {
            return self.go(At::SetState);
        }
        self.inside(At::Test, Inner::Fence(FenceOp::new(FenceAt::IsSignaled, self.fence, 0)))
    }

    fn sleep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.at = At::Woken;
        let woken = cx.sync_file(self.file).triggered.load(Order::Acquire) & 1 << cx.me.0 != 0;
        if woken {
            return Flow::Go;
        }
        cx.schedule(self.patience);
        Flow::Sleep(self.file, self.patience)
    }

    fn woken<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mine = !(1 << cx.me.0);
        let triggered = cx.sync_file(self.file).triggered.fetch_and(mine, Order::AcqRel) & !mine as u16 != 0;
        if triggered {
            cx.set_running();
            return self.test(cx.program);
        }
        // Whatever ended the sleep, it looks once more.
        self.once |= woken_by(cx, self.patience) == Woken::Timeout;
        self.test(cx.program)
    }

    fn leave_with(&mut self, result: Value) -> Flow {
        self.result = result;
        self.go(At::Leave)
    }

    fn leave<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mine = !(1 << cx.me.0);
        if !cx.mutated(Mutant::PollStaysQueued) {
            cx.sync_file(self.file).waiters.fetch_and(mine, Order::AcqRel);
        }
        cx.sync_file(self.file).triggered.fetch_and(mine, Order::AcqRel);
        Flow::Done(self.result)
    }

    fn release<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.open(cx) {
            return Flow::Done(Value::Unset);
        }
        let polled = match variant_of(cx.program, self.file) {
            Variant::Upstream => cx.sync_file(self.file).flags.load(Order::Relaxed) & POLL_ENABLED != 0,
            Variant::BitInFence => fence::is_poll_enabled(cx, self.fence),
        };
        if polled && !cx.mutated(Mutant::ReleaseKeepsCallback) {
            return self
                .inside(At::Remove, Inner::Callback(CallbackOp::new(false, self.fence, self.file, Value::Unset)));
        }
        self.drop_fence(cx.program)
    }

    fn drop_fence(&mut self, program: &Program) -> Flow {
        let what = if program.mutated(Mutant::ReleaseKeepsFence) { FenceAt::IsSignaled } else { FenceAt::Put };
        self.inside(At::Put, Inner::Fence(FenceOp::new(what, self.fence, 0)))
    }

    /// What it is inside of is over, with this result.
    fn after(&mut self, program: &Program, result: Value) -> Flow {
        self.inner = Inner::Fence(FenceOp::BLANK);
        let zero = result == Value::Word(0);
        match self.at {
            At::Add if zero || program.mutated(Mutant::PollNoWake) => self.test(program),
            At::Add => self.go(At::Wake),
            At::Test if !zero => self.leave_with(Value::Word(1)),
            At::Test if self.once && !self.patience.interruptible() => self.leave_with(Value::Word(0)),
            At::Test => self.go(At::SetState),
            At::Remove => self.drop_fence(program),
            _ => Flow::Done(Value::Word(0)),
        }
    }

    fn step_inside<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::Put {
            // The file's memory goes with its last reference.
            cx.sync_file(self.file).fence.swap(None, Order::AcqRel);
        }
        self.inner.step(cx).once_over(|result| self.after(cx.program, result))
    }
}

impl Protocol for SyncFileOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Create => self.create(cx),
            At::Install => self.install(cx),
            At::GetFence => {
                if !self.open(cx) {
                    return Flow::Done(Value::Unset);
                }
                if !cx.mutated(Mutant::GetNothing) {
                    fence::get(cx, self.fence);
                }
                Flow::Done(cx.refer(self.fence))
            }
            At::Poll => self.poll(cx),
            At::Enable => self.enable(cx),
            At::Wake => {
                wake_all(cx, self.file);
                self.test(cx.program)
            }
            At::SetState
                if self.patience.interruptible() && cx.signal_pending() && !cx.mutated(Mutant::PollIgnoresSignal) =>
            {
                self.leave_with(Woken::Signal.result())
            }
            // do_poll() looks for a signal before it looks at the time.
            At::SetState if self.once => self.leave_with(Value::Word(0)),
            At::SetState => {
                cx.set_sleeping(self.patience);
                self.go(At::Sleep)
            }
            At::Sleep => self.sleep(cx),
            At::Woken => self.woken(cx),
            At::Leave => self.leave(cx),
            At::Release => self.release(cx),
            At::Add | At::Test | At::Remove | At::Put => self.step_inside(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let file = Footprint::writes(self.file);
        let fence = v.world.sync_file(self.file).fence.0;
        match self.at {
            At::Create => file.write(self.fence),
            At::GetFence | At::Install => file.write_opt(fence),
            At::Enable if variant_of(v.program, self.file) == Variant::BitInFence => file.write(self.fence),
            At::Release => file.write_opt(fence),
            At::Poll | At::Enable | At::Leave => file,
            At::Wake => wake_footprint(v.world, self.file, file),
            At::SetState => Footprint::writes(v.my_task()),
            At::Sleep | At::Woken => file.write(v.my_task()),
            At::Add | At::Test | At::Remove | At::Put => {
                let f = if self.at == At::Put { file } else { Footprint::NONE };
                f.and(self.inner.footprint(v))
            }
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        match self.at {
            At::Create => alloc::might_block(cx),
            At::Poll => cx.might_sleep(self.file),
            _ => {}
        }
    }

    fn label(&self) -> &'static str {
        match (self.at, &self.inner) {
            (At::Add | At::Remove, Inner::Callback(m)) => m.label(),
            (at, _) => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.inner.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.inner.returned(value);
    }
}
