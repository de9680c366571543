//! `struct drm_syncobj`: a place for a fence, which whoever submits work fills and others wait for, also before there
//! is one.
//!
//! ```text
//!   waiter                                         submission
//!   fence_get: rcu_read_lock, get_rcu_safe         get the fence; spin_lock: the pointer is exchanged
//!   none: spin_lock, looks once more, on the list  each waiter on the list: a reference into its entry, wakes it,
//!   set_current_state, an entry's fence? sleeps      off the list; those whose point is not there yet stay
//!   spin_lock: off the list                        spin_unlock, put the old fence
//! ```
//!
//! The pointer is read without the lock and written with it. A waiter's entry is on its stack: it is filled in under
//! the lock and looked at without.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
mod post;
mod query;
mod wait;

pub use post::SyncobjPost;
pub use query::SyncobjQuery;
pub use wait::SyncobjWait;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Held, ObjId, Order, Plain, Program, Runtime, SharedCell, ThreadId, Value, World,
    facet::{Facet, FacetSink},
    fence::{self, ChainInit, ChainWalk, FenceAt, FenceOp, FindSeqno, NO_FENCE, RcuSafe, Waker},
    parts::parts,
    primitives::{
        rcu,
        spinlock::{RawSpin, blocked_by_own_cpu},
    },
    shared::Shared,
};

/// No fence, or no syncobj.
const NONE: ObjId = ObjId::NONE;

/// How waiters behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Variant {
    /// As it is.
    #[default]
    Upstream,
    /// Up to 4.12: the fence is loaded, and then referenced as if nobody could drop it in between.
    LoadThenGet,
    /// Broken on purpose: who goes on the list does not look once more under the lock.
    NoSecondLook,
    /// Up to 6.7: who waits for a fence to be there, and nothing else, never goes on the list.
    AvailableNotListed,
}

impl Variant {
    /// All of them, with the names that a scenario uses.
    pub const ALL: [(&'static str, Variant); 4] = [
        ("upstream", Variant::Upstream),
        ("load-then-get", Variant::LoadThenGet),
        ("no-second-look", Variant::NoSecondLook),
        ("available-not-listed", Variant::AvailableNotListed),
    ];
}

/// What is done with a syncobj.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// `drm_syncobj_replace_fence()`.
    Replace,
    /// `drm_syncobj_add_point()`.
    AddPoint,
    /// `drm_syncobj_find_fence()`.
    Find,
    /// `drm_syncobj_array_wait_timeout()`.
    Wait,
    /// `drm_syncobj_query_ioctl()`.
    Query,
}

/// What a wait is told, besides for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL`.
    pub all: bool,
    /// `DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT`.
    pub for_submit: bool,
    /// `DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE`.
    pub available: bool,
    /// A timeout of zero.
    pub poll: bool,
}

/// What is in an entry: nothing yet, `dma_fence_get_stub()`, or a fence with a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Given {
    Nothing,
    Stub,
    Fence(ObjId),
}

impl Given {
    fn to_number(self) -> u16 {
        match self {
            Given::Nothing => 0,
            Given::Stub => 1,
            Given::Fence(fence) => 2 + fence.number(),
        }
    }

    fn from_number(n: u16) -> Given {
        match n {
            0 => Given::Nothing,
            1 => Given::Stub,
            fence => Given::Fence(ObjId::numbered(fence - 2)),
        }
    }

    /// What a search has come to: NULL means that all of it is signalled.
    fn of(found: Value) -> Given {
        fence::found(found).map_or(Given::Stub, Given::Fence)
    }
}

impl Code for Given {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut n = self.to_number();
        c.small(&mut n);
        *self = Given::from_number(n);
    }
}

/// Only so many threads, the first ones of a program, may wait for syncobjs, and each with one entry for each syncobj.
const MAX_WAITERS: usize = 8;

/// What the lock protects, and the lock itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Locked {
    lock: RawSpin,
    /// `cb_list`: whose entries are on it, each as one more than the thread's number; zero ends it.
    list: [u8; MAX_WAITERS],
    /// The points that they wait for.
    points: [u8; MAX_WAITERS],
}

impl Locked {
    /// Whose entries are on the list, and the point of each.
    fn waiters(&self) -> impl Iterator<Item = (ThreadId, u8)> {
        let listed = self.list.into_iter().zip(self.points);
        listed.map_while(|(who, point)| who.checked_sub(1).map(|who| (ThreadId(who), point)))
    }

    fn has_room(&self, who: ThreadId) -> bool {
        who.index() < MAX_WAITERS && self.waiters().all(|(other, _)| other != who)
    }

    fn push(&mut self, who: ThreadId, point: u8) {
        let end = self.waiters().count();
        (self.list[end], self.points[end]) = (who.0 + 1, point);
    }

    fn remove(&mut self, who: ThreadId) {
        let Some(at) = self.waiters().position(|(other, _)| other == who) else { return };
        for words in [&mut self.list, &mut self.points] {
            words.copy_within(at + 1.., at);
            words[MAX_WAITERS - 1] = 0;
        }
    }
}

impl Code for Locked {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.lock.code(c);
        let mut len = self.waiters().count() as u8;
        c.byte(&mut len);
        for words in [&mut self.list, &mut self.points] {
            let (live, rest) = words.split_at_mut(usize::from(len));
            live.iter_mut().for_each(|b| c.byte(b));
            rest.fill(0);
        }
    }
}

/// A `struct drm_syncobj`. Its pointer is a word of its own.
#[derive(Clone)]
pub struct Syncobj<R: Runtime> {
    locked: R::Cell<Locked>,
    /// `wait->fence` of each thread's entry, as [`Given`].
    entries: [R::Atomic<u16>; MAX_WAITERS],
}

impl Copy for Syncobj<Plain> {}

impl<R: Runtime> Syncobj<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Syncobj { locked: R::Cell::new(Locked::default(), id), entries: std::array::from_fn(|_| R::Atomic::new(0)) }
    }

    /// The fence of a thread's entry; who has no room for one never has a fence there.
    fn entry(&mut self, of: ThreadId) -> Option<&mut R::Atomic<u16>> {
        self.entries.get_mut(of.index())
    }
}

impl<R: Runtime> Shared<R> for Syncobj<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let locked = self.locked.peek();
        sink("lock", Facet::Thread(locked.lock.owner()));
        sink("waiters", Facet::Word(locked.waiters().count() as i32));
    }

    fn lock_owner(&self) -> Option<ThreadId> {
        self.locked.peek().lock.owner()
    }
}

impl Code for Syncobj<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.locked.code(c);
        let mut filled = self.entries.iter().enumerate().fold(0, |m, (i, e)| m | u8::from(e.0 != 0) << i);
        c.byte(&mut filled);
        for (i, entry) in self.entries.iter_mut().enumerate() {
            if filled >> i & 1 == 1 {
                c.small(&mut entry.0);
            } else {
                entry.0 = 0;
            }
        }
    }
}

/// What is fixed about a syncobj: the word of its pointer, and how waiters behave.
fn fixed(program: &Program, syncobj: ObjId) -> (ObjId, Variant) {
    program.fixed::<kind::Syncobj>(syncobj).map_or((NO_FENCE, Variant::Upstream), |s| (s.fence, s.variant))
}

/// The fence that a syncobj has, as its footprint finds it.
fn pointed(world: &World<Plain>, program: &Program, syncobj: ObjId) -> Option<ObjId> {
    fence::found(world.var_value(fixed(program, syncobj).0))
}

/// The fence that a syncobj has, looked at under its lock.
fn load<R: Runtime>(cx: &mut Cx<'_, R>, syncobj: ObjId) -> Option<ObjId> {
    let (word, _) = fixed(cx.program, syncobj);
    cx.touch(word);
    fence::found(cx.world.var_mut(word).cell.load(Order::Consume))
}

/// `rcu_assign_pointer(syncobj->fence)`.
fn assign<R: Runtime>(cx: &mut Cx<'_, R>, syncobj: ObjId, fence: Option<ObjId>) {
    let (word, _) = fixed(cx.program, syncobj);
    cx.touch(word);
    let value = fence.map_or(Value::Null, |fence| cx.refer(fence));
    cx.world.var_mut(word).cell.store(value, Order::Release);
}

/// `spin_lock(&syncobj->lock)` for this step, unless another thread has it over several.
fn lock<R: Runtime>(cx: &mut Cx<'_, R>, syncobj: ObjId) -> Result<(Held, Locked), Flow> {
    let (me, held) = (cx.me, cx.enter(syncobj));
    let mut locked = cx.syncobj(syncobj).locked.get(held);
    let Some(owner) = locked.lock.owner() else {
        cx.about_to_lock(syncobj);
        return Ok((held, locked));
    };
    if blocked_by_own_cpu(cx, syncobj, Some(owner)) {
        return Err(Flow::Done(Value::Unset));
    }
    locked.lock.try_take(me);
    cx.syncobj(syncobj).locked.set(held, locked);
    Err(Flow::Spin(syncobj))
}

/// The lock is kept beyond this step.
fn hold<R: Runtime>(cx: &mut Cx<'_, R>, syncobj: ObjId, held: Held, mut locked: Locked) {
    locked.lock.try_take(cx.me);
    rcu::as_reader(cx, |p| p.spin_depth += 1);
    cx.syncobj(syncobj).locked.set(held, locked);
}

/// And released: `spin_unlock()`.
fn let_go<R: Runtime>(cx: &mut Cx<'_, R>, syncobj: ObjId) {
    let held = cx.enter(syncobj);
    let mut locked = cx.syncobj(syncobj).locked.get(held);
    rcu::as_reader(cx, |p| p.spin_depth -= 1);
    locked.lock.release().iter().for_each(|t| cx.rt.release(t));
    cx.syncobj(syncobj).locked.set(held, locked);
}

parts! {
    /// An operation that a syncobj's machine is inside of.
    enum Part {
        Fence(FenceOp) = FenceOp::BLANK,
        Pointer(RcuSafe) = RcuSafe::BLANK,
        Find(FindSeqno) = FindSeqno::BLANK,
        Walk(ChainWalk) = ChainWalk::BLANK,
        Waker(Waker) = Waker::BLANK,
        Init(ChainInit) = ChainInit::BLANK,
    }
}

impl Part {
    const NONE: Part = Part::Fence(FenceOp::BLANK);

    fn put(fence: ObjId) -> Part {
        Part::Fence(FenceOp::new(FenceAt::Put, fence, 0))
    }

    fn is_signaled(fence: ObjId) -> Part {
        Part::Fence(FenceOp::new(FenceAt::IsSignaled, fence, 0))
    }

    /// `dma_fence_get_rcu_safe(&syncobj->fence)`.
    fn pointer(program: &Program, syncobj: ObjId) -> Part {
        Part::Pointer(RcuSafe::new(fixed(program, syncobj).0, None))
    }
}

impl Code for Flags {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut bits = self.to_byte();
        c.byte(&mut bits);
        *self = Flags::from_byte(bits);
    }
}

impl Flags {
    fn to_byte(self) -> u8 {
        let Flags { all, for_submit, available, poll } = self;
        [all, for_submit, available, poll].iter().enumerate().fold(0, |b, (i, f)| b | u8::from(*f) << i)
    }

    fn from_byte(b: u8) -> Flags {
        let is = |i: u8| b >> i & 1 == 1;
        Flags { all: is(0), for_submit: is(1), available: is(2), poll: is(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_keep_their_order_and_their_points() {
        let mut l = Locked::default();
        for (who, point) in [(3, 7), (0, 0), (5, 2)] {
            assert!(l.has_room(ThreadId(who)));
            l.push(ThreadId(who), point);
        }
        assert!(!l.has_room(ThreadId(0)) && !l.has_room(ThreadId(8)));
        l.remove(ThreadId(0));
        l.remove(ThreadId(1));
        assert_eq!(l.waiters().collect::<Vec<_>>(), [(ThreadId(3), 7), (ThreadId(5), 2)]);
    }

    #[test]
    fn entries_and_flags_come_back() {
        for given in [Given::Nothing, Given::Stub, Given::Fence(ObjId::object(0)), Given::Fence(ObjId::numbered(35))] {
            assert_eq!(Given::from_number(given.to_number()), given);
        }
        assert!((0..16).all(|b| Flags::from_byte(b).to_byte() == b));
    }
}
