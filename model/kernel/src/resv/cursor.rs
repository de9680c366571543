//! `struct dma_resv_iter` as a value, and iteration by it: `dma_resv_iter_begin()`, `_first`, `_next`, `_end`, in the
//! form for the holder of the lock and in the one for everybody.
//!
//! A cursor is on its owner's stack, so it is held in a local: each operation gets a copy, and the operation's end
//! writes the changed one back. Like the kernel's it knows its list by address alone, and a list that is freed and
//! allocated again at the same address is the same to it. An unlocked cursor owns a reference to the fence that it
//! stands at; a copy of the cursor does not own another.
//!
//! ```text
//!   locked     assert held; the next entry of a usage that the query covers, signalled or not, no reference
//!   unlocked   rcu_read_lock; list replaced since? start again; put the last fence; the next entry: dma_fence_get_rcu
//!              (dead: start again), signalled or of no interest: put, go on; list replaced meanwhile? start again
//! ```

use super::{Awaited, Entry, Mutant, Usage, locked_footprint};
use crate::{
    AtomicCell, Bits, Code, Coder, Cx, Family, Flow, Footprint, LocalId, ObjId, Order, Program, Property, Runtime,
    Standing, Value, View,
    coder::points,
    fence::{self, FenceAt, FenceOp},
    ground::functions::functions,
    primitives::rcu,
    protocol::{self, Protocol},
};

/// Where an iteration over a reservation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cursor {
    /// The reservation, by its place among objects.
    resv: u8,
    /// The list being walked; the reservation itself without one.
    list: u8,
    /// The fence whose reference an unlocked cursor owns; the reservation itself without one.
    fence: u8,
    /// The next entry, and in the upper half how many the list had (unlocked only).
    place: u8,
    /// Usage asked for and usage found, two bits each; then the flags below.
    flags: u8,
    /// The checker's note, in two bytes: a value has no room for a number's alignment.
    awaited: [u8; 2],
}

/// No list, no fence.
const NONE: ObjId = ObjId::NONE;
/// No local.
const NOWHERE: LocalId = LocalId(u8::MAX);
/// Without the lock.
const UNLOCKED: u8 = 1 << 4;
/// The first item after the beginning or after a restart.
const RESTARTED: u8 = 1 << 5;
/// Something was asked of it: from here on it goes on instead of beginning.
const STARTED: u8 = 1 << 6;

impl Cursor {
    /// A cursor about to begin.
    pub fn new(resv: ObjId, usage: Usage, unlocked: bool) -> Cursor {
        let flags = usage as u8 | if unlocked { UNLOCKED } else { 0 };
        let resv = resv.number() as u8;
        Cursor { resv, list: resv, fence: resv, place: 0, flags, awaited: [0; 2] }
    }

    /// The reservation.
    pub fn resv(self) -> ObjId {
        ObjId::numbered(u16::from(self.resv))
    }

    /// The list that it walks.
    fn list(self) -> ObjId {
        self.other(self.list)
    }

    fn set_list(&mut self, list: ObjId) {
        self.list = if list == NONE { self.resv } else { list.number() as u8 };
    }

    fn set_fence(&mut self, fence: ObjId) {
        self.fence = if fence == NONE { self.resv } else { fence.number() as u8 };
    }

    fn other(self, place: u8) -> ObjId {
        if place == self.resv { NONE } else { ObjId::numbered(u16::from(place)) }
    }

    /// `dma_resv_iter_is_restarted()`.
    pub fn is_restarted(self) -> bool {
        self.flags & RESTARTED != 0
    }

    /// Whether it walks without the lock.
    pub fn is_unlocked(self) -> bool {
        self.flags & UNLOCKED != 0
    }

    /// The fence that it owns a reference to.
    pub fn fence(self) -> Option<ObjId> {
        some(self.other(self.fence))
    }

    /// `dma_resv_iter_usage()`: of the item that it stands at.
    pub fn found(self) -> Usage {
        Usage::ALL[usize::from(self.flags >> 2 & 3)]
    }

    /// The list and the entry that it came to last.
    pub fn entry(self) -> Option<(ObjId, u8)> {
        Some((some(self.list())?, self.index().checked_sub(1)?))
    }

    fn usage(self) -> Usage {
        Usage::ALL[usize::from(self.flags & 3)]
    }

    fn is_started(self) -> bool {
        self.flags & STARTED != 0
    }

    /// Whether it has been at an item.
    pub(super) fn is_begun(self) -> bool {
        self.is_started()
    }

    fn set_restarted(&mut self, on: bool) {
        self.flags = self.flags & !RESTARTED | if on { RESTARTED } else { 0 } | STARTED;
    }

    fn set_found(&mut self, usage: Usage) {
        self.flags = self.flags & !(3 << 2) | (usage as u8) << 2;
    }

    /// Without the checker's note, as an outcome has it.
    pub(crate) fn without_note(self) -> Cursor {
        Cursor { awaited: [0; 2], ..self }
    }

    fn awaited(self) -> Awaited {
        Awaited(u16::from_le_bytes(self.awaited))
    }

    fn index(self) -> u8 {
        self.place & 15
    }

    /// How many entries the list had.
    pub(super) fn num(self) -> u8 {
        self.place >> 4
    }
}

fn some(id: ObjId) -> Option<ObjId> {
    (id != NONE).then_some(id)
}

impl Code for Cursor {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.resv);
        c.byte(&mut self.list);
        c.byte(&mut self.fence);
        c.byte(&mut self.place);
        c.byte(&mut self.flags);
        self.awaited.iter_mut().for_each(|b| c.byte(b));
    }
}

impl Bits for Cursor {
    fn to_bits(self) -> u64 {
        let [a, b] = self.awaited;
        u64::from_le_bytes([self.resv, self.list, self.fence, self.place, self.flags, a, b, 0])
    }
    fn from_bits(bits: u64) -> Self {
        let [resv, list, fence, place, flags, a, b, _] = bits.to_le_bytes();
        Cursor { resv, list, fence, place, flags, awaited: [a, b] }
    }
}

points! {
    /// Where an operation on a cursor is: the program points of the unlocked walk, and what is one step.
    pub(crate) enum At {
        /// `dma_resv_iter_begin()`: fills it in.
        Begin = "dma_resv_iter_begin",
        /// `dma_resv_iter_is_restarted()`.
        IsRestarted = "dma_resv_iter_is_restarted",
        /// `dma_resv_iter_usage()`.
        FoundUsage = "dma_resv_iter_usage",
        /// `dma_resv_iter_end()`: drops the reference that it owns.
        End = "dma_resv_iter_end",
        /// `dma_resv_iter_first()`, `dma_resv_iter_next()`: the lock is held, so one step does it.
        NextLocked = "dma_resv_iter_next",
        /// `dma_resv_iter_next_unlocked()` begins with `rcu_read_lock()`.
        NextUnlocked = "rcu_read_lock",
        /// Has the list been replaced since the last item? Then start again, else go on.
        Resume = "list still the same as before?",
        /// `dma_resv_iter_restart_unlocked()`: the list and its count, from the beginning.
        Restart = "load list",
        /// Drops the reference to the last fence, or to one that is passed over.
        Put = "dma_fence_put",
        /// The next entry; none left ends the walk.
        Load = "load entry",
        /// `dma_fence_get_rcu()`: a dead fence means start again.
        Get = "dma_fence_get_rcu",
        /// Signalled fences are passed over, and those of a weaker usage.
        Test = "test SIGNALED",
        /// Not as far as the bit tells: its driver is asked.
        Ask = "ops->signaled",
        /// Has the list been replaced meanwhile? Then start again.
        Recheck = "list still the same?",
        /// `rcu_read_unlock()`: the item is found, or there is none.
        ReadUnlock = "rcu_read_unlock",
    }
}

functions! {
    /// A cursor's functions.
    pub enum How begins at At {
        /// `dma_resv_iter_is_restarted()`.
        IsRestarted,
        /// `dma_resv_iter_usage()`.
        FoundUsage,
        /// `dma_resv_iter_end()`: drops the reference that it owns.
        End,
        /// `dma_resv_iter_first()`, `dma_resv_iter_next()`: the lock is held, so one step does it.
        NextLocked,
    }
}

/// An operation on a cursor in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CursorOp {
    at: At,
    /// The local that holds the cursor; [`NOWHERE`] for the beginning, whose result it is, and inside of another
    /// operation.
    home: LocalId,
    cursor: Cursor,
    /// A fence found in the list, before there is a reference to it.
    found: ObjId,
    put: FenceOp,
}

impl Code for CursorOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        c.byte(&mut self.home.0);
        self.cursor.code(c);
        match self.at {
            At::Get => self.found.code(c),
            At::Put | At::End | At::Ask => self.put.code(c),
            _ => {}
        }
    }
}

impl CursorOp {
    pub(crate) const BLANK: CursorOp = CursorOp {
        at: At::Begin,
        home: NOWHERE,
        cursor: Cursor { resv: 0, list: 0, fence: 0, place: 0, flags: 0, awaited: [0; 2] },
        found: NONE,
        put: FenceOp::BLANK,
    };

    /// `dma_resv_iter_begin()`.
    pub fn begin(resv: ObjId, usage: Usage, unlocked: bool) -> CursorOp {
        CursorOp { cursor: Cursor::new(resv, usage, unlocked), ..CursorOp::BLANK }
    }

    /// An operation on the cursor that the local `home` holds.
    pub(crate) fn on(at: At, home: LocalId, cursor: Cursor) -> CursorOp {
        let at = match at {
            At::NextLocked if cursor.is_unlocked() => At::NextUnlocked,
            at => at,
        };
        let put = match (at, cursor.fence()) {
            (At::End, Some(fence)) => FenceOp::new(FenceAt::Put, fence, 0),
            _ => FenceOp::BLANK,
        };
        CursorOp { at, home, cursor, put, ..CursorOp::BLANK }
    }

    /// The next step of a walk without the lock, inside of another operation.
    pub(super) fn next(cursor: Cursor) -> CursorOp {
        CursorOp { at: At::NextUnlocked, cursor, ..CursorOp::BLANK }
    }

    /// The cursor as it is.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn item<R: Runtime>(&self, cx: &Cx<'_, R>, fence: Option<ObjId>) -> Flow {
        Flow::Done(fence.map_or(Value::Null, |obj| cx.refer(obj)))
    }

    /// `dma_resv_iter_first()` and `dma_resv_iter_next()`. The holder of the lock is the only one who changes the list.
    fn next_locked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !super::assert_held(cx, self.cursor.resv()) {
            return self.item(cx, None);
        }
        let list = cx.resv(self.cursor.resv()).list.load(Order::Relaxed);
        let first = !self.cursor.is_started();
        self.cursor.set_restarted(first);
        if first {
            self.cursor.set_list(list.unwrap_or(NONE));
            self.cursor.place = 0;
        } else if some(self.cursor.list()).is_some_and(|l| Some(l) != list) {
            // The lock was dropped in between and the list replaced: the old one is kfree_rcu()'s.
            cx.violate(Property::USE_AFTER_FREE, some(self.cursor.list()));
            return self.item(cx, None);
        }
        let Some(list) = some(self.cursor.list()) else { return self.item(cx, None) };
        while self.cursor.index() < cx.list(list).num.load(Order::Relaxed) {
            let entry: Entry = cx.list(list).entries[usize::from(self.cursor.index())].load(Order::Relaxed);
            self.cursor.place += 1;
            if cx.mutated(Mutant::CursorLockedSkips) && entry.fence.is_some_and(|f| fence::test_signaled(cx, f)) {
                continue;
            }
            if entry.usage <= self.cursor.usage() || cx.mutated(Mutant::CursorLockedAnyUsage) {
                self.cursor.set_found(entry.usage);
                return self.item(cx, entry.fence);
            }
        }
        self.item(cx, None)
    }

    /// Whether to go on with the list of the last item.
    fn resume<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.cursor.set_restarted(false);
        // Compared and not followed: it orders nothing.
        let now = cx.resv(self.cursor.resv()).list.load(Order::Relaxed);
        let same = now == some(self.cursor.list()) || cx.mutated(Mutant::CursorResumesOld);
        if same { self.enter_walk() } else { self.go(At::Restart) }
    }

    fn restart<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let list = cx.resv(self.cursor.resv()).list.load(Order::Consume);
        let order = super::variant_of(cx.program, self.cursor.resv()).count_order();
        let num = list.map_or(0, |l| cx.list(l).num.load(order));
        self.cursor.set_list(list.unwrap_or(NONE));
        self.cursor.place = num << 4;
        self.cursor.awaited = Awaited::start(cx, list, num, self.cursor.usage()).0.to_le_bytes();
        self.cursor.set_restarted(!cx.mutated(Mutant::CursorNotRestarted));
        self.enter_walk()
    }

    /// The reference to the fence before is gone.
    fn dropped(&mut self) -> Flow {
        self.cursor.set_fence(NONE);
        self.put = FenceOp::BLANK;
        self.walk()
    }

    /// `dma_resv_iter_walk_unlocked()`: without a list it returns at once and leaves the cursor where it is, at the
    /// fence before, if there was one. Then that is the next item again, for ever.
    fn enter_walk(&mut self) -> Flow {
        if self.cursor.list() == NONE { self.go(At::Recheck) } else { self.walk() }
    }

    /// One turn of `dma_resv_iter_walk_unlocked()`: the last fence is dropped, then comes the next entry, if any.
    fn walk(&mut self) -> Flow {
        if let Some(fence) = self.cursor.fence() {
            self.put = FenceOp::new(FenceAt::Put, fence, 0);
            return self.go(At::Put);
        }
        self.go(if self.cursor.index() < self.cursor.num() { At::Load } else { At::Recheck })
    }

    fn load<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(list) = some(self.cursor.list()) else { return self.go(At::Recheck) };
        if !super::check_list(cx, list) || !super::check_written(cx, list, self.cursor.index()) {
            return self.item(cx, None);
        }
        let entry: Entry = cx.list(list).entries[usize::from(self.cursor.index())].load(Order::Consume);
        self.cursor.place += 1;
        self.cursor.set_found(entry.usage);
        let Some(fence) = entry.fence else {
            // num_fences grows only after the slot was filled.
            cx.violate(Property::NULL_DEREFERENCE, Some(list));
            return self.item(cx, None);
        };
        let mut awaited = self.cursor.awaited();
        awaited.look_at(cx.world, cx.program, fence);
        self.cursor.awaited = awaited.0.to_le_bytes();
        self.found = fence;
        self.go(At::Get)
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let got = fence::get_rcu(cx, self.found);
        if got {
            self.cursor.set_fence(self.found);
        }
        self.found = NONE;
        self.go(if got { At::Test } else { At::Restart })
    }

    fn test<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(fence) = self.cursor.fence() else { return self.walk() };
        match fence::look(cx, fence) {
            Ok(signaled) => self.looked(signaled && !cx.mutated(Mutant::WalkSeesSignaled)),
            Err(ask) => {
                self.put = ask;
                self.go(At::Ask)
            }
        }
    }

    fn looked(&mut self, signaled: bool) -> Flow {
        self.put = FenceOp::BLANK;
        let skipped = signaled || self.cursor.found() > self.cursor.usage();
        if skipped { self.walk() } else { self.go(At::Recheck) }
    }

    fn recheck<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // Compared and not followed: it orders nothing.
        let now = cx.resv(self.cursor.resv()).list.load(Order::Relaxed);
        if now != some(self.cursor.list()) && !cx.mutated(Mutant::WalkNoRecheck) {
            return self.go(At::Restart);
        }
        if self.cursor.fence().is_none() {
            self.cursor.awaited().end(cx, now, self.cursor.usage());
        }
        self.go(At::ReadUnlock)
    }
}

impl CursorOp {
    /// Whether it stays at the fence that it has if the list goes now.
    fn may_stay(&self, program: &Program) -> bool {
        program.lists_go && self.cursor.fence().is_some()
    }

    /// [`Protocol::amid`] of a walk that another operation has begun, or goes on with.
    pub(super) fn amid_of<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::NextUnlocked if self.may_stay(at.program) => None,
            At::NextUnlocked => Some(Family::Resv),
            _ => self.amid(at),
        }
    }
}

impl Protocol for CursorOp {
    const FAMILY: Option<Family> = Some(Family::Resv);

    /// One look at a time: the list as it is, then each entry, then whether its fence is still there, which tells that
    /// it began again, then whether that is signalled, as it may be as soon as another one has its place.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Begin | At::IsRestarted | At::FoundUsage | At::End | At::NextLocked | At::NextUnlocked => None,
            At::Load | At::Get | At::Test if !at.program.mutated(protocol::Mutant::WalksWhole) => None,
            At::Put | At::Ask => self.put.amid_of(at, Family::Resv),
            At::Recheck if self.may_stay(at.program) => None,
            At::Resume | At::Restart | At::Load | At::Get | At::Test => Some(Family::Resv),
            At::Recheck | At::ReadUnlock => Some(Family::Resv),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Begin => Flow::Done(Value::Cursor(self.cursor)),
            At::IsRestarted => Flow::Done(Value::Word(i32::from(self.cursor.is_restarted()))),
            At::FoundUsage => Flow::Done(Value::Word(self.cursor.found() as i32)),
            At::End if self.cursor.fence().is_none() || cx.mutated(Mutant::CursorEndKeeps) => {
                Flow::Done(Value::Word(0))
            }
            At::End => self.put.step(cx).once_over(|_| Flow::Done(Value::Word(0))),
            At::NextLocked => self.next_locked(cx),
            At::NextUnlocked => {
                rcu::read_lock(cx);
                self.go(if self.cursor.is_started() { At::Resume } else { At::Restart })
            }
            At::Resume => self.resume(cx),
            At::Restart => self.restart(cx),
            At::Put => self.put.step(cx).once_over(|_| self.dropped()),
            At::Load => self.load(cx),
            At::Get => self.get(cx),
            At::Test => self.test(cx),
            At::Ask => self.put.step(cx).once_over(|signaled| self.looked(signaled != Value::Word(0))),
            At::Recheck => self.recheck(cx),
            At::ReadUnlock => {
                rcu::read_unlock(cx);
                self.item(cx, self.cursor.fence())
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let resv = self.cursor.resv();
        match self.at {
            At::Begin | At::IsRestarted | At::FoundUsage => Footprint::NONE,
            At::End if self.cursor.fence().is_none() => Footprint::NONE,
            At::End | At::Put | At::Ask => self.put.footprint(v),
            At::NextLocked => locked_footprint(v, resv),
            At::NextUnlocked | At::ReadUnlock => rcu::section_footprint(v),
            At::Recheck if self.cursor.fence().is_none() => {
                self.cursor.awaited().end_footprint(v, resv, Footprint::reads(resv))
            }
            At::Resume | At::Recheck => Footprint::reads(resv),
            At::Restart => v.world.resv(resv).list.0.map_or(Footprint::reads(resv), |l| Footprint::reads(resv).read(l)),
            At::Load => some(self.cursor.list()).map_or(Footprint::NONE, Footprint::reads),
            At::Get => Footprint::writes(self.found),
            At::Test => self.cursor.fence().map_or(Footprint::NONE, Footprint::reads),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Put | At::End | At::Ask if self.put != FenceOp::BLANK => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Put | At::End | At::Ask => self.put.spins_on(),
            _ => None,
        }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Ask {
            self.put.returned(value);
        }
    }

    /// Only a walk looks at anything shared, and an end that drops a reference.
    fn is_visible(&self) -> bool {
        match self.at {
            At::Begin | At::IsRestarted | At::FoundUsage => false,
            At::End => self.cursor.fence().is_some(),
            _ => true,
        }
    }

    /// It is a local's value.
    fn is_only_current(&self) -> bool {
        matches!(self.at, At::Begin | At::IsRestarted | At::FoundUsage)
    }

    /// The cursor as the finished operation leaves it, and the local that it goes back to. An ended one is gone.
    fn write_back(&self) -> Option<(LocalId, Value)> {
        let value = if self.at == At::End { Value::Unset } else { Value::Cursor(self.cursor) };
        (self.home != NOWHERE).then_some((self.home, value))
    }
}

/// The seven bytes of a cursor leave room for the tag of a value in an atomic word.
const _: () = assert!(size_of::<Cursor>() == 7);
