//! `dma_resv`: a reservation lock and an RCU-published list of fences.
//!
//! The list is changed only under the lock; readers without it walk a snapshot. Adding a fence writes a slot and then
//! the count, in place; growing makes a new list, publishes it with one pointer store, and frees the old one after a
//! grace period. An unlocked reader therefore starts again when the pointer has changed or a fence has just died.

mod add;
mod awaited;
mod copy;
pub mod cursor;
mod fini;
mod get;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
mod replace;
mod reserve;
pub(crate) mod rules;
mod unlocked;

pub use add::AddFence;
pub(crate) use awaited::Awaited;
pub use copy::CopyFences;
pub use cursor::{Cursor, CursorOp};
pub use fini::Fini;
pub use get::GetFences;
pub use replace::ReplaceFences;
pub use reserve::Reserve;
pub use unlocked::Unlocked;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Bits, Code, Coder, Cx, Footprint, ObjId, Order, Plain, Property, Runtime, ThreadId, View,
    facet::{Facet, FacetSink},
    fence,
    property::Form,
    runtime::NoteCell,
    shared::{Lost, Shared, renewed},
};
use std::ops::Range;

/// `enum dma_resv_usage`: a query returns every fence of its own and stronger usage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Usage {
    /// Memory management: everybody waits.
    #[default]
    Kernel,
    /// Implicit write.
    Write,
    /// Implicit read.
    Read,
    /// No implicit synchronisation.
    Bookkeep,
}

impl Usage {
    /// All of them, strongest first.
    pub const ALL: [Usage; 4] = [Usage::Kernel, Usage::Write, Usage::Read, Usage::Bookkeep];

    /// The kernel's name, in lower case.
    pub fn name(self) -> &'static str {
        ["kernel", "write", "read", "bookkeep"][self as usize]
    }

    /// The usage of that name.
    pub fn from_name(name: &str) -> Option<Usage> {
        Usage::ALL.into_iter().find(|u| u.name() == name)
    }
}

impl Code for Usage {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = Usage::ALL[usize::from(tag)];
        }
    }
}

/// An entry of a fence list: the fence, tagged with its usage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    fence: Option<ObjId>,
    usage: Usage,
}

impl Bits for Entry {
    fn to_bits(self) -> u64 {
        self.fence.to_bits() | (self.usage as u64) << 16
    }
    fn from_bits(bits: u64) -> Self {
        Entry { fence: Bits::from_bits(bits), usage: Usage::ALL[(bits >> 16 & 3) as usize] }
    }
}

impl Code for Entry {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.fence.code(c);
        self.usage.code(c);
    }
}

/// Most slots of one list.
pub(crate) const MAX_SLOTS: usize = 8;

/// A `struct dma_resv` without its lock.
#[derive(Clone)]
pub struct Resv<R: Runtime> {
    list: R::Atomic<Option<ObjId>>,
}

impl Copy for Resv<Plain> {}

impl<R: Runtime> Resv<R> {
    pub(crate) fn new() -> Self {
        Resv { list: R::Atomic::new(None) }
    }

    /// The list in use, for observers.
    pub(crate) fn list(&self) -> Option<ObjId> {
        self.list.peek()
    }
}

impl<R: Runtime> Shared<R> for Resv<R> {
    renewed!(Resv { list: atomic });

    /// `dma_resv_fini()` puts the fences, and frees the list.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_WITHOUT_FINI, self.list.peek().is_some())
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("list", Facet::Object(self.list.peek()));
    }

    fn has_part(&self, other: ObjId) -> bool {
        self.list() == Some(other)
    }
}

impl Code for Resv<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.list.code(c);
    }
}

/// Where a list is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Life {
    Free,
    Live,
    /// Replaced; readers may still walk it until a grace period has passed.
    Dying,
}

impl Bits for Life {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        self as u64
    }
    fn from_bits(bits: u64) -> Self {
        [Life::Free, Life::Live, Life::Dying][bits as usize]
    }
}

/// A `struct dma_resv_list`.
#[derive(Clone)]
pub struct FenceList<R: Runtime> {
    life: R::Atomic<Life>,
    num: R::Atomic<u8>,
    max: R::Atomic<u8>,
    /// How many slots were reserved under this hold of the lock and are not used yet: the checker's own count. It is no
    /// more than `max - num`, and less where the list has grown by more than was asked for.
    reserved: R::Note<u8>,
    entries: [R::Atomic<Entry>; MAX_SLOTS],
}

impl Copy for FenceList<Plain> {}

impl<R: Runtime> FenceList<R> {
    pub(crate) fn new() -> Self {
        FenceList {
            life: R::Atomic::new(Life::Free),
            num: R::Atomic::new(0),
            max: R::Atomic::new(0),
            reserved: R::Note::new(0),
            entries: std::array::from_fn(|_| R::Atomic::new(Entry::default())),
        }
    }

    /// `dma_resv_list_alloc()`: empty, with room for so many. What an earlier list left in the slots nobody may read;
    /// as an encoding leaves it out, it must not be there either.
    fn begin(&mut self, max: u8) {
        self.num.store(0, Order::Relaxed);
        self.max.store(max, Order::Relaxed);
        self.reserved.set(0);
        for entry in self.entries.iter_mut().filter(|entry| entry.peek() != Entry::default()) {
            entry.store(Entry::default(), Order::Relaxed);
        }
        self.life.swap(Life::Live, Order::AcqRel);
    }

    /// How many entries of a live list hold the object.
    pub(crate) fn holders_of(&self, fence: ObjId) -> u16 {
        if self.life.peek() != Life::Live {
            return 0;
        }
        let n = usize::from(self.num.peek());
        self.entries[..n].iter().filter(|e| e.peek().fence == Some(fence)).count() as u16
    }

    /// Another list has taken its place: nobody adds to it any more.
    fn retire(&mut self) {
        self.life.swap(Life::Dying, Order::AcqRel);
        self.reserved.set(0);
    }

    /// The memory goes, after a grace period.
    pub(crate) fn reclaim(&mut self) {
        self.life.swap(Life::Free, Order::AcqRel);
        // A free list is encoded as nothing, so nothing of it may be found again when it is used again.
        if R::SEES_OVERLAP {
            self.entries.iter_mut().for_each(|e| e.store(Entry::default(), Order::Relaxed));
        }
    }
}

impl<R: Runtime> Shared<R> for FenceList<R> {
    const IS_PART: bool = true;

    fn facets(&self, sink: FacetSink<'_>) {
        const NAMES: [&str; MAX_SLOTS] = ["[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]"];
        if self.life.peek() == Life::Free {
            return;
        }
        sink("num_fences", Facet::Word(i32::from(self.num.peek())));
        sink("max_fences", Facet::Word(i32::from(self.max.peek())));
        for (name, e) in NAMES.iter().zip(&self.entries) {
            let e = e.peek();
            if e.fence.is_some() {
                sink(name, Facet::Fence(e.fence.map(|f| (f, e.usage.name()))));
            }
        }
    }

    fn lives(&self) -> bool {
        self.life.peek() == Life::Live
    }

    /// How many entries of a live list hold the fence.
    fn holds(&self, fence: ObjId) -> u16 {
        self.holders_of(fence)
    }
}

impl Code for FenceList<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // A list has few slots, so the count of the reserved ones stands beside the tag.
        let mut packed = self.life.0 as u8 | self.reserved.0 << 2;
        c.byte(&mut packed);
        (self.life.0, self.reserved.0) = (Life::from_bits(u64::from(packed & 3)), packed >> 2);
        if self.life.0 == Life::Free {
            *self = FenceList::new();
            return;
        }
        self.num.code(c);
        self.max.code(c);
        let live = usize::from(self.max.0.max(self.num.0));
        self.entries[..live].iter_mut().for_each(|e| e.code(c));
        // A slot above both counts is garbage that nobody reads.
        self.entries[live..].fill(Default::default());
    }
}

/// Which fences of its own context a new fence may take the place of, if its usage is not the weaker one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Variant {
    /// `dma_fence_is_later_or_same()`: an earlier fence, and the same one added again.
    #[default]
    Upstream,
    /// `dma_fence_is_later()`, up to 6.1: the same fence added again takes a slot of its own.
    StrictLater,
    /// Any fence of the context, as it once was: an earlier one added late hides the later one.
    AnySameContext,
    /// As upstream, and `num_fences` is read as `dma_resv_iter_restart_unlocked()` is written: plainly. A control
    /// dependency to the slots orders no loads, so a walk may find a slot that is not filled yet. In the other variants
    /// the load acquires, as if the `smp_wmb()` of `dma_resv_add_fence()` had its `smp_rmb()`.
    UnorderedCount,
}

impl Variant {
    /// All of them, with the names that a scenario uses.
    pub const ALL: [(&'static str, Variant); 4] = [
        ("upstream", Variant::Upstream),
        ("strict-later", Variant::StrictLater),
        ("any-same-context", Variant::AnySameContext),
        ("unordered-count", Variant::UnorderedCount),
    ];

    /// How an unlocked walk reads `num_fences`.
    fn count_order(self) -> Order {
        if self == Variant::UnorderedCount { Order::Relaxed } else { Order::Acquire }
    }

    /// Whether `new` may take the place of `old`.
    fn supersedes<R: Runtime>(self, cx: &Cx<'_, R>, new: ObjId, old: ObjId) -> bool {
        let (world, program) = (&*cx.world, cx.program);
        match self {
            Variant::Upstream | Variant::UnorderedCount => fence::is_later_or_same(world, program, new, old),
            Variant::StrictLater => new != old && fence::is_later_or_same(world, program, new, old),
            Variant::AnySameContext => world.fence_point(program, new).0 == world.fence_point(program, old).0,
        }
    }
}

/// The rule of this reservation.
fn variant_of(program: &crate::Program, resv: ObjId) -> Variant {
    program.fixed::<kind::Resv>(resv).map_or(Variant::Upstream, |r| r.variant)
}

/// What a reservation is made of.
pub(crate) struct Parts {
    /// Its lock.
    pub(crate) lock: ObjId,
    /// The slab of its lists.
    pub(crate) lists: Range<u16>,
}

/// `dma_resv_assert_held()`.
fn assert_held<R: Runtime>(cx: &mut Cx<'_, R>, resv: ObjId) -> bool {
    let lock = cx.program.resv_parts(resv).lock;
    let mine = cx.ww(lock).owner() == Some(cx.me);
    if !mine {
        // Whose it is instead is another's to change, so that is an access like any other.
        let owner = cx.ww(lock).owner_now();
        cx.violate_with(Property::RESV_NOT_HELD, Some(resv), owner);
    }
    mine
}

/// Whether what the holder of the lock reads, and what he writes where nobody reads yet, is seen by nobody: others only
/// ever read the list that is in use, and of that what is counted.
fn is_quiet<R: Runtime>(cx: &Cx<'_, R>, resv: ObjId) -> bool {
    let holds = || cx.world.is_held_by(cx.program.resv_parts(resv).lock, cx.me);
    cx.merging.is_some_and(|merging| !merging.facets_are_seen) && cx.program.weak.is_empty() && holds()
}

/// What the holder of the lock looks at: the lock, the list pointer, the list.
fn locked_footprint(v: View<'_>, resv: ObjId) -> Footprint {
    let f = Footprint::reads(v.program.resv_parts(resv).lock).read(resv);
    match v.world.resv(resv).list.0 {
        Some(list) => f.read(list),
        None => f,
    }
}

impl crate::Program {
    /// A reservation's lock and the slab of its lists.
    pub(crate) fn resv_parts(&self, resv: ObjId) -> Parts {
        match self.fixed::<crate::fixed::Resv>(resv) {
            Some(crate::fixed::Resv { lock, lists: (first, n), .. }) => {
                Parts { lock: *lock, lists: first.number()..first.number() + u16::from(*n) }
            }
            None => Parts { lock: resv, lists: 0..0 },
        }
    }
}

/// The fences of a reservation, whatever their usage.
pub(crate) fn fences_in<R: Runtime>(cx: &mut Cx<'_, R>, resv: ObjId) -> impl Iterator<Item = ObjId> + use<R> {
    let list = cx.resv(resv).list.load(Order::Relaxed);
    list.into_iter().for_each(|list| cx.touch(list));
    let entries = list.map(|list| {
        let of = cx.world.list(list);
        let n = usize::from(of.num.peek());
        std::array::from_fn::<_, MAX_SLOTS, _>(|at| of.entries[at].peek().fence.filter(|_| at < n))
    });
    entries.into_iter().flatten().flatten()
}

/// What that looks at, and who goes on to ask what has become of them.
pub(crate) fn entries_footprint(v: View<'_>, resv: ObjId, f: Footprint) -> Footprint {
    let f = f.read(resv);
    let Some(list) = v.world.resv(resv).list.0 else { return f };
    let of = v.world.list(list);
    let n = usize::from(of.num.peek());
    let fences = of.entries[..n].iter().filter_map(|entry| entry.peek().fence);
    fences.fold(f.read(list), |f, fence| {
        let f = f.read(fence);
        v.program.root_of(fence).map_or(f, |root| f.read(root))
    })
}

/// `dma_resv_unlock()`: what was reserved and not used ends with the hold of the lock. That is the rule; only with
/// `CONFIG_DEBUG_MUTEXES` does `dma_resv_reset_max_fences()` also take the room away. Without it the next reserve finds
/// it.
pub(crate) fn reset_max_fences<R: Runtime>(cx: &mut Cx<'_, R>, resv: ObjId) {
    if let Some(list) = cx.resv(resv).list.load(Order::Relaxed)
        && !cx.mutated(Mutant::NoReset)
    {
        let debug = cx.program.fixed::<kind::Resv>(resv).is_some_and(|r| r.debug_mutexes);
        let list = cx.list(list);
        if debug {
            let num = list.num.load(Order::Relaxed);
            list.max.store(num, Order::Relaxed);
        }
        list.reserved.set(0);
    }
}

/// An unlocked walk is about to look at an entry. A list never gets fewer entries; but one that was freed and allocated
/// again may have fewer than the walk counted, and what lies behind them was never written.
fn check_written<R: Runtime>(cx: &mut Cx<'_, R>, list: ObjId, index: u8) -> bool {
    let written = index < cx.list(list).num.peek();
    if !written {
        cx.violate(Property::UNSET_READ, Some(list));
    }
    written
}

/// Whether waiting for the new entry's fence is waiting for the old one's, for everybody who would have found that:
/// `dma_resv_add_fence()` as it is today, whatever the reservation's own rule is.
fn stands_for<R: Runtime>(world: &crate::World<R>, program: &crate::Program, new: Entry, old: Entry) -> bool {
    let (Some(n), Some(o)) = (new.fence, old.fence) else { return false };
    old.usage >= new.usage && fence::is_later_or_same(world, program, n, o)
}

/// An entry is about to be replaced: its fence is signalled, or the new one stands for it.
fn check_replaced<R: Runtime>(cx: &mut Cx<'_, R>, resv: ObjId, old: Entry, new: Entry) {
    let Some(fence) = old.fence.filter(|_| !stands_for(cx.world, cx.program, new, old)) else { return };
    // As the replacing thread sees it: what signals at the same time, it does not know about.
    if !fence::test_signaled(cx, fence) {
        cx.violate(Property::DEPENDENCY_LOST, Some(resv));
    }
}

/// Whether a walk without the lock may look at a list: its memory is still that of the list that was found.
fn check_list<R: Runtime>(cx: &mut Cx<'_, R>, list: ObjId) -> bool {
    let there = cx.list(list).life.peek() != Life::Free;
    if !there {
        cx.violate(Property::USE_AFTER_FREE, Some(list));
    }
    there
}

/// What [`reset_max_fences`] touches.
pub(crate) fn reset_footprint(v: View<'_>, resv: ObjId, f: Footprint) -> Footprint {
    f.read(resv).write_opt(v.world.resv(resv).list.0)
}
