//! `dma_fence`: from init to release.
//!
//! ```text
//!   signaller                                    waiter
//!   spin_lock(fence->lock)                       enable signalling (fence->lock)
//!   SIGNALED := 1         (seen without lock)    spin_lock: not signalled? on the callback list, asleep
//!   callback 1 … callback n, still locked        …
//!   spin_unlock                                  woken by its callback: spin_lock, signalled, done
//! ```
//!
//! *Signalled does not mean that the callbacks ran*: the bit is set first, so whoever looks without the lock may see it
//! while callbacks are still to come. The lock is held over several steps; others spin.

mod array;
mod ask;
mod callback;
mod chain;
mod container;
mod create;
mod dedup;
mod find;
pub(crate) mod idioms;
mod init;
pub mod kind;
mod merge;
mod mutants;
mod op;
pub mod ops;
mod order;
mod owed;
mod rcu_safe;
pub(crate) mod rules;
mod signalling;
mod unwrap;
mod wait;
mod walk;

pub use array::ArrayOp;
pub(crate) use array::Mutant as ArrayMutant;
pub use callback::{Callback, CallbackOp};
pub use chain::ChainOp;
pub(crate) use chain::{Mutant as ChainMutant, is_chain};
pub(crate) use container::begin as begin_duty;
pub(crate) use container::found;
pub use container::{Container, Duty, Holds};
pub use create::ChainInit;
pub(crate) use create::{
    MAX_MEMBERS, array as new_array, array_footprint as new_array_footprint, stub as new_stub,
    stub_footprint as new_stub_footprint,
};
pub use dedup::Dedup;
pub(crate) use find::{FindSeqno, Waker};
pub use init::InitAt;
pub(crate) use merge::MAX_FENCES as MAX_MERGED;
pub use merge::{Merge, Variant as MergeVariant};
pub(crate) use op::At as FenceAt;
pub use op::{FenceOp, How};
pub(crate) use owed::never_signals;
pub(crate) use rcu_safe::Mutant as RcuSafeMutant;
pub use rcu_safe::RcuSafe;
pub use signalling::Signalling;
pub use unwrap::{Unwrap, UnwrapOp};
pub use wait::FenceWait;
pub(crate) use walk::ChainWalk;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Bits, Call, Code, Coder, Context, Cx, Flow, Footprint, Handle, ObjId, Object, Order, Plain, Program,
    Property, Runtime, SharedCell, Then, ThreadId, ThreadSet, Value, View, World,
    coder::fields,
    counted::Counted,
    facet::{Facet, FacetSink},
    primitives::{list, rcu, spinlock::RawSpin},
    property::Form,
    runtime::NoteCell,
    shared::{LeftOpen, Listed, Lost, Shared, renewed},
};

/// A fence that is still to be found.
pub(crate) const NO_FENCE: ObjId = ObjId::object(0);

/// `DMA_FENCE_FLAG_SIGNALED_BIT`.
const SIGNALED: u8 = 1;
/// `DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT`.
const ENABLED: u8 = 2;
/// `fence->ops` is NULL: set with SIGNALED where nothing needs the operations any more, so that their module may go.
const DETACHED: u8 = 4;

/// `POLL_ENABLED`, which stood in the fence once.
const POLL_ENABLED: u8 = 8;

/// `DMA_FENCE_FLAG_TIMESTAMP_BIT`: set after SIGNALED, where a program asks for it ([`Program::timestamps`]).
const TIMESTAMP: u8 = 16;

/// `PENDING_ERROR`: no member of an array has had an error yet, and the next one's would count.
const PENDING_ERROR: u16 = 1 << 15;

/// In an encoding, beside the error: its point follows.
const SAYS_POINT: u16 = 1 << 14;

/// Most callbacks of one fence, waiters included.
const MAX_CALLBACKS: usize = 16;

/// Where a fence is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Life {
    /// Not initialised yet.
    Unborn,
    /// Initialised.
    Alive,
    /// The last reference is gone; the memory stays until a grace period has passed.
    Released,
    /// Freed.
    Freed,
}

/// Whether others may have seen a fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Published(bool);

impl Bits for Published {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        u64::from(self.0)
    }
    fn from_bits(bits: u64) -> Self {
        Published(bits != 0)
    }
}

impl Bits for Life {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        self as u64
    }
    fn from_bits(bits: u64) -> Self {
        [Life::Unborn, Life::Alive, Life::Released, Life::Freed][bits as usize]
    }
}

/// A point of a timeline: `fence->context`, `fence->seqno`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Point {
    context: u8,
    seqno: u16,
}

fields!(Point { context, seqno });

/// What the fence's lock protects, and the lock itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Locked {
    lock: RawSpin,
    len: u8,
    /// Callbacks, and tasks of waiters (`dma_fence_default_wait_cb()`).
    callbacks: [ObjId; MAX_CALLBACKS],
}

impl Locked {
    fn live(&self) -> &[ObjId] {
        &self.callbacks[..usize::from(self.len)]
    }

    fn push(&mut self, entry: ObjId) -> bool {
        let at = usize::from(self.len);
        if at == MAX_CALLBACKS {
            return false;
        }
        self.callbacks[at] = entry;
        self.len += 1;
        true
    }

    fn remove(&mut self, entry: ObjId) -> bool {
        let Some(at) = self.live().iter().position(|e| *e == entry) else { return false };
        self.callbacks.copy_within(at + 1.., at);
        self.len -= 1;
        self.callbacks[usize::from(self.len)] = ObjId::default();
        true
    }
}

impl Code for Locked {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.lock.code(c);
        c.byte(&mut self.len);
        self.callbacks[..usize::from(self.len)].iter_mut().for_each(|e| e.code(c));
    }
}

/// A `struct dma_fence`.
#[derive(Clone)]
pub struct Fence<R: Runtime> {
    flags: R::Atomic<u8>,
    life: R::Atomic<Life>,
    /// A positive errno, or 0. Valid once signalled.
    error: R::Atomic<u16>,
    refs: Counted<R>,
    /// Whether others may have seen it: it is or was in a reservation, a file or a syncobj, was waited for, or has been
    /// given a callback. The checker's own knowledge, which others ask for: a word, so that the order of both counts.
    published: R::Atomic<Published>,
    /// Who was a reader when it was released, and still is: its memory stays for them. The checker's own knowledge,
    /// too: the grace period may take longer, but nobody can know that it does.
    readers: R::Note<ThreadSet>,
    locked: R::Cell<Locked>,
    /// Its point, if `dma_fence_init()` was told one when it ran; else the declared one. Written before anybody knows
    /// the fence, and then never, so that to look at it is no step.
    point: R::Note<Option<Point>>,
    /// The lock that it shares with others. Never changes, and so is no part of a state.
    shared: Option<ObjId>,
}

impl Copy for Fence<Plain> {}

impl<R: Runtime> Fence<R> {
    pub(crate) fn new(id: ObjId, initialised: bool) -> Self {
        let life = if initialised { Life::Alive } else { Life::Unborn };
        Fence {
            flags: R::Atomic::new(0),
            life: R::Atomic::new(life),
            error: R::Atomic::new(0),
            refs: Counted::new(u16::from(initialised)),
            published: R::Atomic::new(Published(false)),
            readers: R::Note::new(ThreadSet::default()),
            locked: R::Cell::new(Locked::default(), id),
            point: R::Note::new(None),
            shared: None,
        }
    }

    /// The fence as it is if others are made of it, or it is made of others.
    pub(crate) fn declared(program: &Program, id: ObjId, initialised: bool) -> Self {
        let mut fence = Fence::new(id, initialised);
        fence.share(program.fence_ops(id).lock);
        let refs = program.contained(id);
        if refs > 0 {
            fence.hold_from_start(refs);
        }
        if matches!(program.container(id).map(|c| c.holds), Some(Holds::Array { .. })) {
            fence.take_errors_of_members();
        }
        fence
    }

    /// It uses a lock of the driver's.
    pub(crate) fn share(&mut self, lock: Option<ObjId>) {
        self.shared = lock;
    }

    /// The lock that it shares with others.
    pub(crate) fn shared(&self) -> Option<ObjId> {
        self.shared
    }

    /// It is an array, and its error that of its members.
    pub(crate) fn take_errors_of_members(&mut self) {
        self.error.store(PENDING_ERROR, Order::Relaxed);
    }

    /// Others hold references to it from the start.
    pub(crate) fn hold_from_start(&mut self, refs: u16) {
        self.refs.reset(self.refs.count() + refs);
    }

    /// The callbacks that are queued on it.
    pub(crate) fn queued_callbacks(&self) -> impl Iterator<Item = ObjId> {
        let locked = self.locked.peek();
        let entries = locked.callbacks.into_iter().take(usize::from(locked.len));
        entries.filter(|e| e.as_task().is_none())
    }

    /// Whether a callback is queued on it.
    pub fn has_callback(&self, callback: ObjId) -> bool {
        self.queued_callbacks().any(|queued| queued == callback)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life.peek() == Life::Alive
    }

    /// Whether the SIGNALED bit is set, for observers.
    pub fn is_signaled(&self) -> bool {
        self.flags.peek() & SIGNALED != 0
    }

    /// From here on others may see it: its signalling section has begun, whatever else is still to be done.
    pub(crate) fn publish(&mut self) {
        self.published.store(Published(true), Order::Relaxed);
    }

    /// Whether others may see it and wait for it, and it is not signalled.
    pub(crate) fn is_owed(&self) -> bool {
        self.is_public() && !self.is_signaled()
    }

    /// Whether others may see it and wait for it; a signalled one does not remember.
    fn is_public(&self) -> bool {
        self.is_alive() && self.published.peek().0
    }

    /// The same for who goes on by the answer: whoever publishes it comes before or after.
    fn was_published(&mut self) -> bool {
        self.is_alive() && self.published.latest().0
    }

    /// The memory goes, after a grace period.
    pub(crate) fn reclaim(&mut self) {
        self.life.swap(Life::Freed, Order::AcqRel);
    }
}

impl<R: Runtime> Shared<R> for Fence<R> {
    renewed!(Fence {
        flags: atomic,
        life: atomic,
        error: atomic,
        refs: counted,
        published: atomic,
        readers: note,
        locked: cell,
        point: note,
    });

    /// `dma_fence_release()`: "Fence released with pending signals!" Nobody waits for one that nobody has seen.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let holder = self.locked.peek().lock.owner();
        Lost::when(Form::FREED_OWED, self.is_owed()).or_else(|| Lost::of_lock(holder, None))
    }

    fn has_happened(&self) -> bool {
        self.is_signaled()
    }

    fn is_to_call(&self, callback: ObjId) -> bool {
        self.has_callback(callback)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let life = self.life.peek();
        if life != Life::Alive {
            let name = ["not initialised", "", "released", "freed"][life as usize];
            sink("life", Facet::Name(name));
        }
        sink("signaled", Facet::Flag(self.is_signaled()));
        sink("detached", Facet::Flag(self.flags.peek() & DETACHED != 0));
        sink("error", Facet::Word(-i32::from(self.error.peek() & !PENDING_ERROR)));
        sink("refs", Facet::Word(i32::from(self.refs.count())));
        let locked = self.locked.peek();
        sink("lock", Facet::Thread(locked.lock.owner()));
        sink("callbacks", Facet::Word(i32::from(locked.len)));
    }

    fn lock_owner(&self) -> Option<ThreadId> {
        self.locked.peek().lock.owner()
    }

    fn shares_lock_of(&self) -> Option<ObjId> {
        self.shared
    }

    fn keeps_irqs_off(&self) -> bool {
        true
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.lock_owner() == Some(by)).then_some(LeftOpen::Spinlock)
    }

    fn lives(&self) -> bool {
        self.is_alive()
    }

    fn refs(&self) -> Option<&Counted<R>> {
        Some(&self.refs)
    }

    fn refs_mut(&mut self) -> Option<&mut Counted<R>> {
        Some(&mut self.refs)
    }
}

impl Code for Fence<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // Nobody asks any more once it is signalled or gone.
        self.published.0.0 &= self.is_alive() && !self.is_signaled();
        let mut packed = self.flags.0 | (self.life.0 as u8) << 5 | u8::from(self.published.0.0) << 7;
        c.byte(&mut packed);
        (self.flags.0, self.published.0) = (packed & 31, Published(packed >> 7 != 0));
        self.life.0 = Life::from_bits(u64::from(packed >> 5 & 3));
        if self.life.0 == Life::Released {
            self.readers.0.code(c);
        } else {
            self.readers.0 = ThreadSet::default();
        }
        let mut error = self.error.0 | if self.point.0.is_some() { SAYS_POINT } else { 0 };
        error.code(c);
        self.error.0 = error & !SAYS_POINT;
        if error & SAYS_POINT != 0 {
            let mut point = self.point.0.unwrap_or_default();
            point.code(c);
            self.point.0 = Some(point);
        } else {
            self.point.0 = None;
        }
        self.refs.code(c);
        self.locked.code(c);
    }
}

/// Whether the memory is a fence's is a fact. Only typesafe memory is one's again, so an old look could tell something
/// else.
fn life_of<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> Life {
    let typesafe = cx.program.fence_ops(fence).typesafe;
    let life = &mut cx.fence(fence).life;
    if typesafe { life.latest() } else { life.load(Order::Relaxed) }
}

/// Whether a fence has signalled, and with which error, or 0: asked by the checker, of whatever is left of it.
pub(crate) fn came_of<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> Option<u16> {
    cx.note(fence);
    let fence = cx.world.fence_mut(fence);
    (fence.flags.latest() & SIGNALED != 0).then(|| fence.error.peek() & !PENDING_ERROR)
}

/// Checks that the fence may be used by someone who believes to hold a reference.
pub(crate) fn check_alive<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    let alive = life_of(cx, fence) == Life::Alive;
    if !alive {
        cx.violate(Property::USE_AFTER_FREE, Some(fence));
    }
    alive
}

/// Whether the fence's memory is a fence's still for this thread: it is alive; or it was released, and the thread has
/// been in a read-side section, or not to be preempted, ever since (`dma_fence_free()` is `kfree_rcu()`); or its memory
/// always is one's, and the thread is a reader. To look is no use after free then.
fn is_readable<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    let life = life_of(cx, fence);
    life == Life::Alive
        || life == Life::Released && cx.world.fence(fence).readers.get().contains(cx.me)
        || life == Life::Freed && cx.program.fence_ops(fence).typesafe && cx.private.is_reader()
}

/// Checks that the fence may be looked at.
pub(crate) fn check_readable<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    let readable = is_readable(cx, fence);
    if !readable {
        cx.violate(Property::USE_AFTER_FREE, Some(fence));
    }
    readable
}

/// This thread is a reader no more: what was released meanwhile and waits for nobody else is gone.
pub(crate) fn forget_reader<R: Runtime>(cx: &mut Cx<'_, R>) {
    for fence in cx.program.ids() {
        if !is_kept_for(cx.world.object(fence), cx.me) {
            continue;
        }
        cx.touch(fence);
        let mut readers = cx.fence(fence).readers.get();
        readers.remove(cx.me);
        cx.fence(fence).readers.set(readers);
        if readers.is_empty() {
            list::check_free(cx, fence);
            cx.fence(fence).reclaim();
        }
    }
}

/// What [`forget_reader`] touches.
pub(crate) fn forget_footprint(v: View<'_>, f: Footprint) -> Footprint {
    let kept = v.world.objects().filter(|(_, o)| is_kept_for(o, v.me));
    kept.fold(f, |f, (fence, _)| list::free_footprint(v, f.write(fence)))
}

/// Whether it is a fence that is released and stays for this reader.
fn is_kept_for<R: Runtime>(object: &Object<R>, reader: ThreadId) -> bool {
    Fence::of(object).is_some_and(|f| f.readers.get().contains(reader))
}

/// `test_bit(DMA_FENCE_FLAG_SIGNALED_BIT)`, which orders nothing (`atomic_bitops.txt`): whoever finds the bit has not
/// yet seen what was written before it was set. Under the fence's lock, the lock orders.
pub(crate) fn test_signaled<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    cx.fence(fence).flags.load(Order::Relaxed) & SIGNALED != 0
}

/// `test_and_set_bit()`, a full barrier whether the bit was set or not (since 6.0): what was there.
fn test_and_set<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId, bits: u8) -> u8 {
    cx.fully(|cx| cx.fence(fence).flags.fetch_or(u64::from(bits), Order::Full))
}

/// `dma_fence_is_signaled()`, as far as one step goes: what the bit tells, or what is still to be asked. A fence whose
/// driver has no `signaled` is known at once.
pub(crate) fn look<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> Result<bool, FenceOp> {
    let signaled = test_signaled(cx, fence);
    if signaled || cx.program.fence_ops(fence).signaled.is_none() {
        return Ok(signaled);
    }
    Err(FenceOp::new(FenceAt::AskOps, fence, 0))
}

/// `test_and_set_bit(POLL_ENABLED, &fence->flags)`.
pub(crate) fn set_poll_enabled<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    test_and_set(cx, fence, POLL_ENABLED) & POLL_ENABLED != 0
}

/// `test_bit(POLL_ENABLED, &fence->flags)`.
pub(crate) fn is_poll_enabled<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    cx.fence(fence).flags.load(Order::Relaxed) & POLL_ENABLED != 0
}

/// `dma_fence_get()`.
pub(crate) fn get<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    let me = cx.me;
    if cx.mutated(Mutant::GetNothing) {
        return;
    }
    if check_readable(cx, fence) && !cx.fence(fence).refs.get(me) {
        cx.violate(Property::REFCOUNT_FROM_ZERO, Some(fence));
    }
    check_count(cx, fence);
}

/// The same for what holds the reference itself: it is nobody's who runs.
pub(crate) fn get_for_holder<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    let me = cx.me;
    let before = cx.fence(fence).refs.count();
    get(cx, fence);
    if cx.fence(fence).refs.count() > before {
        cx.fence(fence).refs.book(me, -1);
    }
}

fn check_count<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    if cx.fence(fence).refs.overflows() {
        cx.violate(Property::CAPACITY_EXCEEDED, Some(fence));
    }
}

/// `dma_fence_get_rcu()`: legal on a released fence inside the read-side section that found it. What is there may be
/// another one by now, if its memory is typesafe.
pub(crate) fn get_rcu<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    if !check_readable(cx, fence) {
        return false;
    }
    let me = cx.me;
    if cx.mutated(Mutant::GetRcuGets) {
        cx.fence(fence).refs.get(me);
        return true;
    }
    let got = cx.fence(fence).refs.get_unless_zero(me);
    check_count(cx, fence);
    got
}

/// `dma_fence_release()`: the last reference is gone. Its own `release` is called where it has one; without, the memory
/// goes. Where somebody still waits for it the kernel warns, and signals it with -EDEADLK before it goes on; here the
/// execution ends with the warning.
fn release<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> Flow {
    let done = Flow::Done(Value::Word(1));
    let pending = cx.fence(fence).locked.peek().len > 0;
    if pending && !test_signaled(cx, fence) {
        cx.violate(Property::FENCE_RELEASED_PENDING, Some(fence));
        return done;
    }
    let own = cx.program.fence_ops(fence).release.filter(|_| !cx.mutated(Mutant::ReleaseNotCalled));
    let Some(callee) = own else {
        free(cx, fence);
        return done;
    };
    let args = [cx.refer(fence), Value::Unset];
    Flow::Call(Call { callee, args, context: Context::Fence, then: Then::Done(Value::Word(1)) })
}

/// `dma_fence_free()`: the memory stays for a grace period, since unlocked readers may still look at it; or it stays a
/// fence's for ever, and `kmem_cache_free()` gives it to the next one.
fn free<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) {
    if !check_alive(cx, fence) {
        return;
    }
    let typesafe = cx.program.fence_ops(fence).typesafe;
    let stays = cx.program.has_readers && !typesafe && !cx.mutated(Mutant::FreeNow);
    let readers = if stays { rcu::readers_that_keep(cx) } else { ThreadSet::default() };
    if readers.is_empty() {
        list::check_free(cx, fence);
        cx.fence(fence).reclaim();
        if !typesafe {
            // Nobody looks at it any more.
            cx.fence(fence).point.set(None);
        }
    } else {
        cx.fence(fence).life.swap(Life::Released, Order::AcqRel);
        cx.fence(fence).readers.set(readers);
    }
}

/// A fence that is inside of no object, or whose result [`Cx::current`] makes one to what lives there now.
pub(crate) fn reference(fence: ObjId) -> Value {
    Value::Ref(Handle { obj: fence, generation: 0 })
}

/// Takes the fence's lock for more than this step: `spin_lock_irqsave()`, found free.
fn hold<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId, locked: &mut Locked) {
    let me = cx.me;
    match cx.world.fence(fence).shared() {
        None => {
            locked.lock.try_take(me);
        }
        Some(lock) => {
            let held = cx.enter(lock);
            let mut raw = cx.spin(lock).raw.get(held);
            raw.try_take(me);
            cx.spin(lock).raw.set(held, raw);
        }
    }
    rcu::as_reader(cx, |p| p.spin_depth += 1);
    cx.irqs_disable();
}

/// And releases it: `spin_unlock_irqrestore()`.
fn let_go<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId, locked: &mut Locked) {
    rcu::as_reader(cx, |p| p.spin_depth -= 1);
    cx.irqs_restore();
    let spinners = match cx.world.fence(fence).shared() {
        None => locked.lock.release(),
        Some(lock) => {
            let held = cx.enter(lock);
            let mut raw = cx.spin(lock).raw.get(held);
            let spinners = raw.release();
            cx.spin(lock).raw.set(held, raw);
            spinners
        }
    };
    spinners.iter().for_each(|t| cx.rt.release(t));
}

/// What looks at a fence's lock, takes it or releases it, does that to the lock that it shares with others.
fn lock_footprint(v: View<'_>, fence: ObjId, f: Footprint) -> Footprint {
    v.world.fence(fence).shared().map_or(f, |lock| f.write(lock))
}

/// What [`release`] and [`free`] touch.
fn release_footprint(v: View<'_>, fence: ObjId) -> Footprint {
    let f = list::free_footprint(v, Footprint::writes(fence));
    let typesafe = v.program.fence_ops(fence).typesafe;
    if v.program.has_readers && !typesafe { rcu::readers_footprint(v, f) } else { f }
}

/// `dma_fence_is_later_or_same(a, b)` for fences of one context; false across contexts. *Same* is the same fence:
/// another one with the same number is not.
pub(crate) fn is_later_or_same<R: Runtime>(world: &World<R>, program: &Program, a: ObjId, b: ObjId) -> bool {
    let ((ctx_a, seqno_a), (ctx_b, seqno_b)) = (world.fence_point(program, a), world.fence_point(program, b));
    let comparable = ctx_a == ctx_b || program.mutated(Mutant::LaterAnyContext);
    a == b || comparable && is_later(program, a, seqno_a, seqno_b)
}

/// `__dma_fence_is_later()`: numbers wrap around, unless those of the fence's kind are of 64 bits, as a chain's are.
/// The kernel's wrap at 32 bits, these at 16.
pub(crate) fn is_later(program: &Program, fence: ObjId, a: u16, b: u16) -> bool {
    let wide = program.fence_ops(fence).seqno64;
    let later = if wide { a > b } else { a.wrapping_sub(b) as i16 > 0 };
    later != program.mutated(Mutant::LaterInverted)
}
