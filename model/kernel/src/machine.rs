//! One operation in flight: the union of all protocols' machines.
//!
//! `resolve` makes one out of an operation of a script; `script` has those that are no protocol of the kernel's.

mod resolve;
mod script;

pub use script::{Choose, Fail, Fault};

use resolve::Resolver;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, LocalId, ObjId, Op, Order, Patience, Plain, Program, Runtime, ThreadId,
    Value, View, World,
    exec::{ExecOp, PrepareArray},
    fence::{self, CallbackOp, ChainInit, Dedup, FenceOp, FenceWait, Merge, RcuSafe, Signalling, UnwrapOp},
    lock_all::LockAll,
    primitives::{
        alloc, barrier, completion, irq, irq_line, list, rcu, refcount, rwsem, shrinker, signal,
        slab::{self, SlabOp},
        spinlock, timer, uaccess, variable, waitqueue, wakeq, workqueue,
    },
    program::{CalleeId, PoolRange},
    protocol::Protocol,
    resv::{AddFence, CopyFences, CursorOp, GetFences, ReplaceFences, Reserve, Unlocked},
    sync_file::SyncFileOp,
    syncobj::{SyncobjPost, SyncobjQuery, SyncobjWait},
    ww,
};

macro_rules! machines {
    ($($(#[$meta:meta])* $variant:ident($ty:ty) = $blank:expr;)*) => {
        /// One operation in flight.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub enum Machine {
            /// None.
            #[default]
            Idle,
            $($(#[$meta])* $variant($ty)),*
        }

        impl Code for Machine {
            fn code<C: Coder>(&mut self, c: &mut C) {
                #[derive(Clone, Copy)]
                enum Tag { Idle, $($variant),* }
                const TAGS: &[Tag] = &[Tag::Idle, $(Tag::$variant),*];
                let mut tag = match self {
                    Machine::Idle => Tag::Idle as u8,
                    $(Machine::$variant(_) => Tag::$variant as u8),*
                };
                c.byte(&mut tag);
                if C::READING {
                    *self = match TAGS[usize::from(tag)] {
                        Tag::Idle => Machine::Idle,
                        $(Tag::$variant => Machine::$variant($blank)),*
                    };
                }
                match self {
                    Machine::Idle => {}
                    $(Machine::$variant(m) => m.code(c)),*
                }
            }
        }

        impl Machine {
            /// Takes the operation's next step.
            pub(crate) fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
                match self {
                    Machine::Idle => Flow::Done(Value::Unset),
                    $(Machine::$variant(m) => m.step(cx)),*
                }
            }

            /// What that step touches.
            pub(crate) fn footprint(&self, v: View<'_>) -> Footprint {
                match self {
                    Machine::Idle => Footprint::NONE,
                    $(Machine::$variant(m) => m.footprint(v)),*
                }
            }

            /// What that step does, in the kernel's words.
            pub fn label(&self) -> &'static str {
                match self {
                    Machine::Idle => "",
                    $(Machine::$variant(m) => m.label()),*
                }
            }

            /// Which machine it is.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    Machine::Idle => "",
                    $(Machine::$variant(_) => stringify!($variant)),*
                }
            }

            /// Whether the next step is disabled for another reason than a spinlock. Few machines know such a thing, and only
            /// they look at what `view` says.
            pub(crate) fn is_held_back<'v>(&self, view: impl FnOnce() -> View<'v>) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => <$ty as Protocol>::HOLDS_BACK && m.is_held_back(view())),*
                }
            }

            /// Whether its thread is over unless somebody else lets it begin.
            pub(crate) fn is_shut_out(&self, world: &World<Plain>) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_shut_out(world)),*
                }
            }

            /// How many ways the next step can go. Few machines ever choose.
            pub(crate) fn ways(&self, v: View<'_>) -> u8 {
                match self {
                    Machine::Idle => 1,
                    $(Machine::$variant(m) => if <$ty as Protocol>::CHOOSES { m.footprint(v).ways } else { 1 }),*
                }
            }

            /// Whether anybody else can see the operation.
            pub(crate) fn is_visible(&self) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_visible()),*
                }
            }

            /// A local that the finished operation changes besides the one that takes its result.
            pub(crate) fn write_back(&self) -> Option<(LocalId, Value)> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.write_back()),*
                }
            }

            /// What the kernel asks before the operation, not yet begun, could fail.
            pub(crate) fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
                match self {
                    Machine::Idle => {}
                    $(Machine::$variant(m) => m.judge(cx)),*
                }
            }

            /// Tells the operation what it called has returned.
            pub(crate) fn returned(&mut self, value: Value) {
                match self {
                    Machine::Idle => {}
                    $(Machine::$variant(m) => m.returned(value)),*
                }
            }

            /// The object whose spinlock the next step takes, if it takes one.
            pub fn spins_on(&self) -> Option<ObjId> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.spins_on()),*
                }
            }
        }
    };
}

/// Blanks that a decoder fills in.
const NOTHING: ObjId = ObjId(0);
const NO_HANDLE: Handle = Handle { obj: NOTHING, generation: 0 };
const NO_RANGE: PoolRange = PoolRange { start: 0, len: 0 };

machines! {
    /// A bad operand.
    Fault(Fault) = Fault { property: 0, object: NOTHING };
    /// A choice of the script.
    Choose(Choose) = Choose { of: NO_RANGE, ways: 1, may_fail: false };
    /// An access to a word.
    Access(variable::Access) = variable::Access {
        how: variable::How::Load, order: Order::Relaxed, target: NOTHING, slot: None, a: Value::Unset, b: Value::Unset,
        benign: false, open: false,
    };
    /// Spinning on a word.
    SpinUntil(variable::SpinUntil) = variable::SpinUntil { order: Order::Relaxed, target: NOTHING, slot: None, expr: 0 };
    /// A spinlock.
    Spin(spinlock::Spin) = spinlock::Spin { how: spinlock::How::Lock, lock: NOTHING, nest: None };
    /// A wait queue.
    Wait(waitqueue::Wait) = waitqueue::Wait {
        at: waitqueue::At::Prepare, queue: NOTHING, patience: Patience::Forever, passed: 0, woken: 0,
    };
    /// A completion.
    Complete(completion::Complete) = completion::Complete {
        at: completion::At::Wait, completion: NOTHING, patience: Patience::Forever,
    };
    /// A rendezvous.
    Rendezvous(barrier::Rendezvous) = barrier::Rendezvous { at: barrier::At::Arrive, barrier: NOTHING };
    /// A bare count.
    Count(refcount::Count) = refcount::Count { how: refcount::How::Get, count: NOTHING };
    /// A slab's object.
    Slab(SlabOp) = SlabOp::new(slab::At::New, NO_HANDLE);
    /// RCU.
    Rcu(rcu::RcuOp) = rcu::RcuOp { at: rcu::At::ReadLock };
    /// A signal.
    Raise(signal::Raise) = signal::Raise { to: ThreadId(0) };
    /// An acquire context.
    Ctx(ww::CtxOp) = ww::CtxOp { how: ww::CtxHow::Init, ctx: NOTHING, on_behalf: None };
    /// Taking a ww mutex.
    WwLock(ww::Lock) = ww::Lock::new(NOTHING, None, ww::How::Lock);
    /// Releasing a ww mutex.
    WwUnlock(ww::Unlock) = ww::Unlock::new(NOTHING);
    /// The back-off loop.
    LockAll(LockAll) = LockAll::BLANK;
    /// A fence.
    Fence(FenceOp) = FenceOp::BLANK;
    /// Waiting for a fence.
    FenceWait(FenceWait) = FenceWait::BLANK;
    /// A fence's callback.
    FenceCallback(CallbackOp) = CallbackOp::BLANK;
    /// Room for fences.
    Reserve(Reserve) = Reserve::BLANK;
    /// Adding a fence.
    AddFence(AddFence) = AddFence::BLANK;
    /// Reading a reservation without its lock.
    Unlocked(Unlocked) = Unlocked::BLANK;
    /// An allocation.
    Alloc(alloc::Alloc) = alloc::Alloc::BLANK;
    /// An access to user memory.
    UserAccess(uaccess::UserAccess) = uaccess::UserAccess::BLANK;
    /// A fence-signalling section.
    Signalling(Signalling) = Signalling::BLANK;
    /// A work item.
    Work(workqueue::WorkOp) = workqueue::WorkOp::BLANK;
    /// A timer.
    Timer(timer::TimerOp) = timer::TimerOp { at: timer::At::Mod, timer: NOTHING, data: Value::Unset };
    /// A shrinker comes or goes.
    Shrinker(shrinker::ShrinkerOp) = shrinker::ShrinkerOp { at: shrinker::At::Register, shrinker: NOTHING };
    /// Interrupts on this CPU.
    LocalIrq(irq::LocalIrq) = irq::LocalIrq { how: irq::How::Disable, visible: true };
    /// An interrupt handler's ends.
    Irq(irq::Irq) = irq::Irq { at: irq::At::Enter, on: None, line: None };
    /// An interrupt's line.
    IrqLine(irq_line::IrqLineOp) = irq_line::IrqLineOp { at: irq_line::At::Sync, line: NOTHING, asks: false };
    /// A callback of RCU.
    CallRcu(rcu::CallRcu) = rcu::CallRcu { handle: NO_HANDLE, func: CalleeId(0) };
    /// A cursor.
    Cursor(CursorOp) = CursorOp::BLANK;
    /// A set of locks.
    Exec(ExecOp) = ExecOp::BLANK;
    /// Several into it.
    ExecArray(PrepareArray) = PrepareArray::BLANK;
    /// A fence in the place of those of a context.
    ReplaceFences(ReplaceFences) = ReplaceFences::BLANK;
    /// A reservation gets another one's fences.
    CopyFences(CopyFences) = CopyFences::BLANK;
    /// An injected failure.
    Fail(Fail) = Fail { error: Value::Unset };
    /// The agent of RCU.
    GracePeriods(rcu::GracePeriods) = rcu::GracePeriods { at: rcu::Period::Idle };
    /// A reader-writer semaphore.
    RwSem(rwsem::RwSemOp) = rwsem::RwSemOp::new(rwsem::At::Read, NOTHING, Patience::Forever, false);
    /// A list.
    List(list::ListOp) = list::ListOp::BLANK;
    /// Deferred wake-ups.
    WakeQ(wakeq::WakeQOp) = wakeq::WakeQOp {
        at: wakeq::At::Flush, wake_q: NOTHING, queue: NOTHING, task: ThreadId(0), woken: 0,
    };
    /// One of an array's functions.
    FenceArray(fence::ArrayOp) = fence::ArrayOp::BLANK;
    /// One of a chain's functions.
    FenceChain(fence::ChainOp) = fence::ChainOp::BLANK;
    /// A reference to whatever fence a pointer refers to.
    RcuSafe(RcuSafe) = RcuSafe::BLANK;
    /// A file over a fence.
    SyncFile(SyncFileOp) = SyncFileOp::BLANK;
    /// A syncobj's fence is replaced, or a point added.
    SyncobjPost(SyncobjPost) = SyncobjPost::BLANK;
    /// A wait for syncobjs.
    SyncobjWait(SyncobjWait) = SyncobjWait::BLANK;
    /// A syncobj's last signalled point.
    SyncobjQuery(SyncobjQuery) = SyncobjQuery::BLANK;
    /// A snapshot of a reservation.
    GetFences(GetFences) = GetFences::BLANK;
    /// Only the newest of each context left in an array.
    Dedup(Dedup) = Dedup::BLANK;
    /// What a fence is made of.
    Unwrap(UnwrapOp) = UnwrapOp::BLANK;
    /// One fence for several.
    Merge(Merge) = Merge::BLANK;
    /// A chain's node that is made when the program runs.
    ChainInit(ChainInit) = ChainInit::BLANK;
}

/// A machine must stay small: every thread of every state has one.
const _: () = assert!(size_of::<Machine>() <= 32);

impl Machine {
    /// The operation about to take its first step, its operands read from the thread's locals.
    pub(crate) fn begin(op: Op, program: &Program, locals: &[Value]) -> Machine {
        Resolver { program, locals }.machine(op).unwrap_or_else(Machine::Fault)
    }

    /// A pick from a list of constants.
    pub(crate) fn choose(of: PoolRange) -> Machine {
        Machine::Choose(Choose { of, ways: of.len, may_fail: false })
    }

    /// An injected failure.
    pub(crate) fn fail(error: Value) -> Machine {
        Machine::Fail(Fail { error })
    }

    /// The decision whether an operation fails: 1 if it does.
    pub(crate) fn may_fail() -> Machine {
        Machine::Choose(Choose { of: NO_RANGE, ways: 2, may_fail: true })
    }

    /// The word on which the operation spins, if what is there now keeps it spinning.
    pub(crate) fn spins_until<'v>(&self, view: impl FnOnce() -> View<'v>) -> Option<ObjId> {
        match self {
            Machine::SpinUntil(spin) if spin.is_held_back(view()) => Some(spin.target),
            _ => None,
        }
    }

    /// Whether this decides about failure of the instruction's operation.
    pub(crate) fn decides_failure(&self) -> bool {
        matches!(self, Machine::Choose(c) if c.may_fail)
    }
}
