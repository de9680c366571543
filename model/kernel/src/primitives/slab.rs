//! `struct` objects from a slab: allocation, references, and freeing now or after a grace period.
//!
//! A slot has a generation that changes when it is freed; a [`Handle`] remembers the one it was made with. A handle
//! that does not match is a use after free, unless the slab is typesafe-by-RCU and the user is inside a read-side
//! section: then it sees whatever object lives there now.

pub(crate) mod address;
pub(crate) mod copy;
pub(crate) mod idioms;
pub(crate) mod init;
pub mod kind;
pub(crate) mod members;
mod mutants;
pub mod ops;
pub(crate) mod raw;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use raw::{Left, Raw};

use crate::{
    AtomicCell, Bits, Call, Code, Coder, Context, Cx, Flow, Footprint, Handle, LocalId, ObjId, Order, Plain, Property,
    Runtime, Then, Value, View,
    coder::points,
    counted::{Counted, Dropped, Owns},
    cx::QuietMutant,
    facet::{Facet, FacetSink},
    fixed,
    ground::functions::functions,
    ground::row::MOST_WAYS,
    primitives::{list, rcu, syscall},
    program::{CalleeId, SlabKind},
    protocol::Protocol,
    registry::upcalls,
    runtime::NoteCell,
    shared::Shared,
};

/// Where a slot is in its life. The generation is no part of a state: which handles it outdates is (see
/// `Coder::handle`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Life {
    stage: Stage,
    generation: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
enum Stage {
    #[default]
    Free,
    Live,
    /// Freed by its owner; the memory stays until a grace period has passed.
    Dying,
    /// Gone, and not yet to be had again: between the two its freer makes what is inside as it was in the beginning. No
    /// state has this, for all of it is one step.
    Going,
}

impl Bits for Life {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        self.stage as u64 | u64::from(self.generation) << 8
    }
    fn from_bits(bits: u64) -> Self {
        let stage = [Stage::Free, Stage::Live, Stage::Dying, Stage::Going][usize::from(bits as u8)];
        Life { stage, generation: (bits >> 8) as u8 }
    }
}

/// A slot of a slab.
#[derive(Clone)]
pub struct Slot<R: Runtime> {
    life: R::Atomic<Life>,
    refs: Counted<R>,
    /// What is inside and not initialised. The checker's own knowledge.
    raw: R::Note<Raw>,
}

impl Copy for Slot<Plain> {}

impl<R: Runtime> Slot<R> {
    pub(crate) fn new(_id: ObjId) -> Self {
        Slot { life: R::Atomic::new(Life::default()), refs: Counted::new(0), raw: R::Note::new(Raw::default()) }
    }

    pub(crate) fn generation(&self) -> u8 {
        self.life.peek().generation
    }

    /// Whether the object that the handle was made for lives here.
    pub(crate) fn is_home_of(&self, handle: Handle) -> bool {
        let life = self.life.peek();
        life.stage != Stage::Free && life.generation == handle.generation
    }

    /// Whether an object lives here, and with how many references.
    pub(crate) fn is_live(&self) -> bool {
        self.life.peek().stage == Stage::Live
    }

    /// Gives the slot back: every handle made so far is outdated. In a typesafe slab the count stays, for readers. The
    /// result is the new generation; `None` if there is none left: one that came again would make an outdated handle
    /// good.
    fn reclaim(&mut self, of: SlabKind, next: u8) -> Option<u8> {
        // No live slot may have that one.
        self.life.swap(Life { stage: Stage::Free, generation: next }, Order::AcqRel);
        // Nobody owes an object that is gone.
        self.refs.forgive();
        self.raw.set(Raw::default());
        if of != SlabKind::TypesafeByRcu && self.refs.count() != 0 {
            self.refs.reset(0);
        }
        (next < Handle::STALE).then_some(next)
    }
}

impl<R: Runtime> Shared<R> for Slot<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let name = match self.life.peek().stage {
            Stage::Free => "free",
            Stage::Live => "live",
            Stage::Dying => "freed after grace period",
            Stage::Going => "goes",
        };
        sink("life", Facet::Name(name));
        sink("refs", Facet::Word(i32::from(self.refs.count())));
    }

    fn lives(&self) -> bool {
        self.is_live()
    }

    fn refs(&self) -> Option<&Counted<R>> {
        Some(&self.refs)
    }

    fn refs_mut(&mut self) -> Option<&mut Counted<R>> {
        Some(&mut self.refs)
    }

    fn generation(&self) -> Option<u8> {
        Some(self.life.peek().generation)
    }
}

/// Something is made anew: who has looked at it with his last step, where that was no step of its own, could have come
/// later. He may have released a spinlock: one that is inside of nothing is noted by nobody.
pub(crate) fn made_anew<R: Runtime>(cx: &mut Cx<'_, R>, what: ObjId) {
    let Some(merging) = cx.merging.filter(|_| !cx.mutated(QuietMutant::AnewUnseen)) else { return };
    cx.unfit |= match cx.program.root_of(what) {
        Some(root) => merging.somebody_looked(cx.world, root, cx.me),
        None => merging.has_sections() && cx.program.is::<fixed::Spinlock>(what),
    };
}

/// Gives a slot back, with all that is inside of it.
pub(crate) fn reclaim<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) {
    if let Some(merging) = cx.merging.filter(|_| !cx.mutated(QuietMutant::FreesUnseen)) {
        cx.unfit |= merging.somebody_looked(cx.world, slot, cx.me);
    }
    let of = cx.program.slab_of(slot);
    let next = cx.slot(slot).life.latest().generation.saturating_add(1);
    if cx.program.has_members() {
        members::check_free(cx, slot);
        if !R::SEES_OVERLAP && cx.violation.is_none() {
            cx.slot(slot).life.swap(Life { stage: Stage::Going, generation: next }, Order::AcqRel);
            // Who was faster than that has come before the free.
            members::check_free(cx, slot);
        }
        if cx.violation.is_none() {
            members::end(cx, slot, Life { stage: Stage::Free, generation: next });
        }
    }
    match cx.slot(slot).reclaim(of, next) {
        Some(generation) => cx.worn |= generation > Handle::STALE / 2,
        None => cx.violate(Property::CAPACITY_EXCEEDED, Some(slot)),
    }
    // Who has put it on a list since that was looked at has come either before or behind all of this.
    if !R::SEES_OVERLAP && cx.violation.is_none() && list::is_listed(cx, slot) {
        cx.rt.torn();
    }
}

impl Code for Slot<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // An object that is freed with references leaves its count in the memory, where readers of a typesafe slab may
        // meet it. Mostly there are none left.
        let mut haunted = self.life.0.stage == Stage::Free && !self.refs.is_blank();
        let is_raw = !self.raw.0.is_blank();
        let mut stage = if haunted { HAUNTED } else { self.life.0.stage as u8 } | if is_raw { RAW } else { 0 };
        c.byte(&mut stage);
        if stage & RAW != 0 {
            self.raw.0.code(c);
        } else if C::READING {
            self.raw.0 = Raw::default();
        }
        stage &= !RAW;
        if C::READING {
            haunted = stage == HAUNTED;
            self.life.0 = Life::from_bits(if haunted { Stage::Free as u64 } else { u64::from(stage) });
        }
        match self.life.0.stage {
            Stage::Free if !haunted => self.refs.reset(0),
            _ => self.refs.code(c),
        }
    }
}

/// What [`reclaim`] touches, and the look before it whether the object is on a list.
pub(crate) fn free_footprint(v: View<'_>, obj: ObjId, f: Footprint) -> Footprint {
    members::footprint(v, obj, list::free_footprint(v, f.write(obj)))
}

/// The fields of a new object that is inside of another.
fn store_fields<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId, memory: Memory) {
    for (var, init) in cx.program.fields_of(slot) {
        store_field(cx, var, memory.holds(init));
    }
}

/// A field of a new object.
fn store_field<R: Runtime>(cx: &mut Cx<'_, R>, var: ObjId, init: Value) {
    cx.touch(var);
    cx.world.var_mut(var).cell.store(init, Order::Relaxed);
    cx.world.var_mut(var).owns.set(Owns::Nothing);
    let me = cx.me;
    cx.world.var_mut(var).made_by((me != cx.program.main_thread()).then_some(me));
}

/// The stage, as it is encoded, of a free slot whose count is not zero.
const HAUNTED: u8 = 3;
/// Set beside it where something inside is not initialised.
const RAW: u8 = 0x80;

/// What lives in a slot. Free is one step: who comes before it sees nothing of it, and who comes behind it all; nobody
/// looks at what goes, and of whoever does `None` is all that he is told, and nothing is told of him.
fn life_of<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId) -> Option<Life> {
    let life = cx.world.slot_mut(slot).life.latest();
    if life.stage == Stage::Going {
        cx.rt.torn();
        return None;
    }
    Some(life)
}

/// Whether the object that the handle was made for is there: nobody is told anything.
pub(crate) fn is_alive<R: Runtime>(cx: &mut Cx<'_, R>, handle: Handle) -> bool {
    let is_slot = cx.world.object(handle.obj).generation().is_some();
    !is_slot || {
        let life = cx.world.slot_mut(handle.obj).life.latest();
        life.stage != Stage::Free && life.generation == handle.generation
    }
}

/// Checks that an access through the handle meets the object that the handle was made for.
pub(crate) fn check_alive<R: Runtime>(cx: &mut Cx<'_, R>, handle: Handle) -> bool {
    let Some(life) = life_of(cx, handle.obj) else { return false };
    let matches = life.stage != Stage::Free && life.generation == handle.generation;
    let typesafe = cx.program.slab_of(handle.obj) == SlabKind::TypesafeByRcu && cx.private.is_reader();
    if !matches && !typesafe {
        cx.violate(Property::USE_AFTER_FREE, Some(handle.obj));
    }
    matches || typesafe
}

/// What a new object's memory holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    /// What its struct declares, and all inside of it initialised.
    Ready,
    /// Zero.
    Zeroed,
    /// Anything.
    Unset,
}

impl Memory {
    /// What a word holds that is declared to begin as that.
    fn holds(self, init: Value) -> Value {
        match self {
            Memory::Ready => init,
            Memory::Zeroed if matches!(init, Value::Null | Value::Ref(_)) => Value::Null,
            Memory::Zeroed => Value::Word(0),
            Memory::Unset => Value::Unset,
        }
    }
}

impl At {
    /// Whether it makes an object.
    fn makes(self) -> bool {
        matches!(self, At::New | At::NewZeroed | At::NewUnset)
    }

    /// In what memory.
    fn memory(self) -> Memory {
        match self {
            At::NewZeroed => Memory::Zeroed,
            At::NewUnset => Memory::Unset,
            _ => Memory::Ready,
        }
    }
}

points! {
    /// Where an operation on a slab's object is.
    pub(crate) enum At {
        /// `kmem_cache_alloc()`: takes a free slot; its result is the reference.
        New = "kmem_cache_alloc",
        /// `kzalloc()`, and no init function yet.
        NewZeroed = "kzalloc",
        /// `kmalloc()`.
        NewUnset = "kmalloc",
        /// The driver's stores into an object of a typesafe slab, in the order of its declaration: a field.
        InitField = "new: store a field",
        /// `refcount_set_release()`: from here on a reader that found the memory's object before may get this one.
        InitRefs = "new: refcount_set",
        /// `kref_get()`: gives the reference back, as the kernel's typed wrappers of it do.
        Get = "kref_get",
        /// `kref_get_unless_zero()`: 1 or 0.
        GetUnlessZero = "kref_get_unless_zero",
        /// `kref_put()`: 1 if it was the last, and then the object is freed.
        Put = "kref_put",
        /// The same, by a pointer whose own reference this thread has dropped on every way here.
        PutAgain = "kref_put",
        /// `fput()`: 1 if it was the last, and then the file is released on the way back to user space.
        Fput = "fput",
        /// `fput()` of who never comes back: the file is on `delayed_fput_list`.
        Delay = "fput: delayed_fput_list",
        /// The release of the last reference: frees.
        Release = "release",
        /// `kfree()`.
        Free = "kfree",
        /// `kfree_rcu()`.
        FreeRcu = "kfree_rcu",
        /// The end of the block whose stack it is on.
        Leave = "leave the block",
    }
}

functions! {
    /// What makes an object and frees it.
    pub enum How begins at At {
        /// `kmem_cache_alloc()`, or `kzalloc()` and the init functions: takes a free slot; its result is the reference.
        New,
        /// `kzalloc()`, and no init function yet.
        NewZeroed,
        /// `kmalloc()`.
        NewUnset,
        /// `kfree()`.
        Free,
        /// `kfree_rcu()`.
        FreeRcu,
        /// The end of the block whose stack it is on.
        Leave,
    }
}

/// One operation on a slab's object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlabOp {
    pub(crate) at: At,
    /// The object; for `new` the slot that this operation prefers.
    pub(crate) handle: Handle,
    /// The local that the handle is from, where a reference to whatever lives there now makes it one to that.
    pub(crate) home: Option<LocalId>,
    /// How many fields of a new object are stored.
    pub(crate) stored: u8,
    /// What this `kref_put()` calls if it is the last.
    pub(crate) release: Option<CalleeId>,
}

impl Code for SlabOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        if self.at.makes() {
            // Which slot it prefers: no object yet that could be outdated.
            self.handle.obj.code(c);
            self.handle.generation = 0;
        } else {
            self.handle.code(c);
        }
        if self.at == At::GetUnlessZero {
            let mut home = self.home.map_or(0, |l| l.0 + 1);
            c.byte(&mut home);
            self.home = home.checked_sub(1).map(LocalId);
        } else {
            self.home = None;
        }
        if matches!(self.at, At::InitField | At::InitRefs) {
            self.stored.code(c);
        } else {
            self.stored = 0;
        }
        if matches!(self.at, At::Put | At::PutAgain) {
            self.release.code(c);
        } else {
            self.release = None;
        }
    }
}

impl SlabOp {
    /// An operation about to start.
    pub(crate) const fn new(at: At, handle: Handle) -> SlabOp {
        SlabOp { at, handle, home: None, stored: 0, release: None }
    }

    /// A reference was counted: it is to whatever lives there.
    fn adopt<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, got: bool) -> Value {
        if got && cx.slot(self.handle.obj).life.latest().stage == Stage::Live {
            self.handle.generation = cx.slot(self.handle.obj).generation();
        }
        Value::Word(i32::from(got))
    }

    /// Which slots `new` may take: a typesafe slab any free one, others the first free from the operation's own on.
    fn candidates(program: &crate::Program, preferred: ObjId) -> impl Iterator<Item = ObjId> {
        let slots = program.slots_of(preferred);
        let own = usize::from(preferred.number() - slots.start);
        let n = slots.len();
        (0..n).map(move |i| ObjId::numbered(slots.start).offset((own + i) % n))
    }

    /// The free slots as the allocator knows them: it has locks of its own, so it never sees an old state of a slot.
    fn free_slots<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> ([Option<(ObjId, Life)>; crate::MAX_OBJECTS], usize) {
        let mut free = [None; crate::MAX_OBJECTS];
        let mut count = 0;
        for slot in SlabOp::candidates(cx.program, self.handle.obj) {
            let life = cx.slot(slot).life.peek();
            if life.stage == Stage::Going {
                cx.rt.torn();
            }
            if life.stage == Stage::Free {
                free[count] = Some((slot, life));
                count += 1;
            }
        }
        (free, count)
    }

    /// Marks a free slot as live; `None` if there is none.
    fn take_slot<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<(ObjId, u8)> {
        let (mut free, count) = self.free_slots(cx);
        let mut pick = match cx.program.slab_of(self.handle.obj) {
            SlabKind::TypesafeByRcu => usize::from(cx.choose(count.min(MAX_WAYS) as u8)),
            SlabKind::Plain | SlabKind::RcuFree => 0,
        };
        loop {
            let (slot, was) = free[pick]?;
            let live = Life { stage: Stage::Live, ..was };
            if cx.slot(slot).life.compare_exchange(was, live, Order::AcqRel).is_ok() {
                return Some((slot, was.generation));
            }
            // Under a threaded runtime another thread may have been faster.
            ((free, _), pick) = (self.free_slots(cx), 0);
        }
    }

    /// A slab that is not typesafe: nobody has the new object's address yet, so all of it is there at once. A typesafe
    /// slab initialises nothing, and a reader that looked the object before up may look on: each store is the driver's.
    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let typesafe = cx.program.slab_of(self.handle.obj) == SlabKind::TypesafeByRcu;
        let memory = self.at.memory();
        let Some((slot, generation)) = self.take_slot(cx) else {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.handle.obj));
            return Flow::Done(Value::Null);
        };
        self.handle = Handle { obj: slot, generation };
        if cx.program.has_members() {
            members::begin(cx, slot, Life { stage: Stage::Live, generation }, memory);
        }
        let stepwise = typesafe && !cx.mutated(Mutant::NewOneStep);
        if memory != Memory::Ready {
            return self.leave_raw(cx, memory);
        }
        let mut flow = self.next_store(cx.program, false);
        while flow == Flow::Go && !stepwise {
            flow = self.initialise(cx);
        }
        flow
    }

    /// A new object that nobody has initialised: its words are as the allocator leaves them, and what is inside of
    /// it is not to be used.
    fn leave_raw<R: Runtime>(&self, cx: &mut Cx<'_, R>, memory: Memory) -> Flow {
        let slot = self.handle.obj;
        store_fields(cx, slot, memory);
        cx.slot(slot).refs.publish(0);
        raw::leave(cx, slot, if memory == Memory::Zeroed { Left::Zeroed } else { Left::Unset }, None);
        Flow::Done(Value::Ref(self.handle))
    }

    /// The next store into a new object; the count's is where its declaration has it.
    fn next_store(&mut self, program: &crate::Program, counted: bool) -> Flow {
        let (refs_at, fields) = program.members_of(self.handle.obj);
        self.at = match () {
            () if !counted && refs_at == Some(self.stored) => At::InitRefs,
            () if self.stored < fields => At::InitField,
            () => return Flow::Done(Value::Ref(self.handle)),
        };
        Flow::Go
    }

    fn initialise<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (slot, me) = (self.handle.obj, cx.me);
        if self.at == At::InitRefs {
            let refs = cx.program.initial_refs(slot);
            cx.slot(slot).refs.publish(refs);
            cx.slot(slot).refs.book(me, refs as i8);
            return self.next_store(cx.program, true);
        }
        let field = cx.program.fields_of(slot).nth(usize::from(self.stored));
        if let Some((var, init)) = field.filter(|_| !cx.mutated(Mutant::AllocKeepsFields)) {
            store_field(cx, var, init);
        }
        self.stored += 1;
        self.next_store(cx.program, false)
    }

    /// What the release of an object does depends on its slab.
    fn free<R: Runtime>(&self, cx: &mut Cx<'_, R>, deferred: bool) {
        let obj = self.handle.obj;
        if members::is_inside(cx, obj) {
            return;
        }
        let Some(life) = life_of(cx, obj) else { return };
        // Who dropped the last reference frees what lives there now: in a typesafe slab that may be a later object than
        // the one its handle was made for.
        let ours = self.at == At::Release || life.generation == self.handle.generation;
        if life.stage != Stage::Live || !ours {
            cx.violate(Property::DOUBLE_FREE, Some(obj));
            return;
        }
        upcalls::tell_mapped_for(cx, self.handle);
        if cx.violation.is_some() {
            return;
        }
        if deferred && !cx.mutated(Mutant::FreeRcuNow) {
            cx.slot(obj).life.swap(Life { stage: Stage::Dying, ..life }, Order::AcqRel);
            rcu::free_later(cx, obj);
        } else {
            list::check_free(cx, obj);
            reclaim(cx, obj);
        }
    }

    /// The release function: the scenario's, in the context of whoever dropped the last reference, or `kfree()`.
    fn last_put<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::Fput && !cx.mutated(Mutant::FputAtOnce) {
            if syscall::delayed::is_left(cx) {
                self.at = At::Delay;
                return Flow::Go;
            }
            return syscall::release_later(cx, self.handle);
        }
        let Some(callee) = self.release.or(cx.program.release_of(self.handle.obj)) else {
            // What has the count inside was allocated as a whole, and is freed so.
            self.handle.obj = cx.program.root_of(self.handle.obj).unwrap_or(self.handle.obj);
            self.at = At::Release;
            return Flow::Go;
        };
        let args = [Value::Ref(self.handle), Value::Unset];
        Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Done(Value::Word(1)) })
    }

    fn is_deferred(&self, program: &crate::Program) -> bool {
        match self.at {
            At::FreeRcu => true,
            At::Release => program.slab_of(self.handle.obj) == SlabKind::RcuFree,
            _ => false,
        }
    }
}

/// Most ways of one choice.
const MAX_WAYS: usize = MOST_WAYS as usize;

impl Protocol for SlabOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, obj) = (cx.me, self.handle.obj);
        match self.at {
            At::New | At::NewZeroed | At::NewUnset => return self.allocate(cx),
            At::Delay => return syscall::delayed::delay(cx, self.handle),
            At::InitField | At::InitRefs => return self.initialise(cx),
            At::Release | At::Free | At::FreeRcu | At::Leave => {
                let deferred = self.is_deferred(cx.program);
                self.free(cx, deferred);
                if self.at == At::Leave {
                    members::tell_of_stack(cx);
                }
                return Flow::Done(Value::Word(i32::from(self.at == At::Release)));
            }
            At::Get | At::GetUnlessZero | At::Put | At::PutAgain | At::Fput => {}
        }
        if !check_alive(cx, self.handle) {
            return Flow::Done(Value::Word(0));
        }
        raw::check(cx, obj);
        let gets_any = cx.mutated(Mutant::GetUnlessZeroGets);
        let (early, never) = (cx.mutated(Mutant::PutFreesEarly), cx.mutated(Mutant::PutNoRelease));
        let gets_none = cx.mutated(Mutant::GetNothing);
        let refs = &mut cx.slot(obj).refs;
        let result = match self.at {
            At::Get if gets_none => Value::Ref(self.handle),
            At::Get => {
                // "refcount_t: addition on 0; use-after-free": its last reference is gone. A release function of the
                // scenario's is running and has not freed it yet; without one it is as good as freed.
                if !refs.get(me) {
                    let hooked = cx.program.release_of(obj).is_some() || cx.program.puts_release();
                    cx.violate(if hooked { Property::REFCOUNT_FROM_ZERO } else { Property::USE_AFTER_FREE }, Some(obj));
                }
                Value::Ref(self.handle)
            }
            At::GetUnlessZero if gets_any => Value::Word(i32::from(refs.get(me) || gets_any)),
            At::GetUnlessZero => {
                let got = refs.get_unless_zero(me);
                self.adopt(cx, got)
            }
            _ => {
                let dropped = refs.put(me);
                let unbalanced = self.at == At::PutAgain && refs.ledger().is_overdrawn_by(me);
                if unbalanced && me != cx.program.main_thread() {
                    cx.violate(Property::PUT_UNBALANCED, Some(obj));
                    return Flow::Done(Value::Word(0));
                }
                match cx.dropped(dropped) {
                    Dropped::More if early => return self.last_put(cx),
                    Dropped::More => Value::Word(0),
                    Dropped::Last if never => Value::Word(1),
                    Dropped::Last => return self.last_put(cx),
                    Dropped::Underflow => {
                        cx.violate(Property::REFCOUNT_UNDERFLOW, Some(obj));
                        Value::Word(0)
                    }
                }
            }
        };
        if cx.slot(obj).refs.overflows() {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(obj));
        }
        Flow::Done(result)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let obj = self.handle.obj;
        match self.at {
            At::InitField => {
                let field = v.program.fields_of(obj).nth(usize::from(self.stored));
                Footprint::NONE.write_opt(field.map(|(var, _)| var))
            }
            At::New | At::NewZeroed | At::NewUnset => {
                let mut f = Footprint::NONE;
                let mut free = 0;
                for slot in SlabOp::candidates(v.program, obj) {
                    f = f.write(slot);
                    free += usize::from(v.world.slot(slot).life.0.stage == Stage::Free);
                    f = v.program.fields_of(slot).fold(f, |f, (var, _)| f.write(var));
                    f = members::footprint(v, slot, f);
                }
                let chooses = v.program.slab_of(obj) == SlabKind::TypesafeByRcu;
                f.ways(if chooses { free.clamp(1, MAX_WAYS) as u8 } else { 1 })
            }
            At::Release | At::Free | At::FreeRcu if self.is_deferred(v.program) => {
                rcu::call_rcu_footprint(v, upcalls::mapped_footprint(v, Footprint::writes(obj)))
            }
            At::Delay => syscall::delayed::delay_footprint(v.program),
            At::Release | At::Free | At::Leave => free_footprint(v, obj, upcalls::mapped_footprint(v, Footprint::NONE)),
            _ => Footprint::writes(obj),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    /// The pointer as the finished operation leaves it: it is an address, and who has counted a reference has one to
    /// what lives there now.
    fn write_back(&self) -> Option<(LocalId, Value)> {
        self.home.map(|home| (home, Value::Ref(self.handle)))
    }
}
