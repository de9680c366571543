//! A slot of a GPU's MMU: the page table that it translates by, what it keeps of that, and the region that is locked.
//!
//! ```text
//!   enable     AS_TRANSTAB, AS_TRANSCFG, AS_COMMAND_UPDATE: whoever accesses translates by this table
//!   disable    the same, ADRMODE_UNMAPPED: every access faults                        wakes who waits
//!   lock       AS_COMMAND_LOCK: accesses in the region wait
//!   flush      what is kept of the region, or of everything if none is locked, is gone
//!   unlock     AS_COMMAND_UNLOCK: they go on                                          wakes who waits
//!   access     waits while its page is locked; else the translation and the frame: one step
//! ```
//!
//! From `drivers/gpu/drm/panthor/panthor_mmu.c` of 6.12 and 7.0. What is kept is what an access has brought; whether it
//! has been dropped since is chosen when the next one looks, where the entry is another one by then. A region is a
//! power of two of pages, naturally aligned. A command that flushes and unlocks is both, one after the other. Left out:
//! levels and what is kept of tables, data caches, faults that are reported, commands that time out.
//!
//! A kept translation that leads to a frame which is freed is a mistake when that happens, unless its page is locked,
//! or the slot is disabled: then it is one when that ends. One of another table is a mistake when the slot is given
//! on.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, Handle, LocalId, ObjId, Patience, Plain, Program, Property, Runtime,
    SharedCell, ThreadId, Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::functions::functions,
    ids::ThreadQueue,
    memory::{self, frame},
    property::Form,
    protocol::Protocol,
    pte,
    shared::{Lost, Shared, renewed},
};
use fenceweave_pages::Tag;

/// Most pages of an address space.
pub const MAX_PAGES: u8 = 8;

/// What a slot has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Inner {
    /// The first entry of the page table that it translates by, and of that by which it has translated last.
    root: Option<ObjId>,
    of: Option<ObjId>,
    /// The pages that are locked, from here to there.
    from: u8,
    to: u8,
    /// The entry that is kept of each page, 0 if none.
    kept: [i32; MAX_PAGES as usize],
    waiters: ThreadQueue,
}

impl Code for Inner {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.root.code(c);
        self.of.code(c);
        self.from.code(c);
        self.to.code(c);
        self.kept.iter_mut().for_each(|entry| entry.code(c));
        self.waiters.code(c);
    }
}

impl Inner {
    fn is_locked(&self, page: u8) -> bool {
        (self.from..self.to).contains(&page)
    }

    fn kept_of(&self, page: u8) -> i32 {
        self.kept.get(usize::from(page)).copied().unwrap_or_default()
    }

    /// The frames that are kept of pages.
    fn frames(self) -> impl Iterator<Item = (u8, i32)> {
        (0..MAX_PAGES).filter_map(move |page| Some((page, pte::frame(Value::Word(self.kept_of(page)))?)))
    }

    /// Those of frames of the scenario's, as objects.
    fn objects(self, program: &Program) -> impl Iterator<Item = (u8, ObjId)> {
        self.frames().filter_map(|(page, number)| Some((page, memory::kind::numbered(program, number)?)))
    }
}

/// A slot of a GPU's MMU.
#[derive(Clone)]
pub struct GpuAs<R: Runtime> {
    inner: R::Cell<Inner>,
}

impl Copy for GpuAs<Plain> {}

impl<R: Runtime> GpuAs<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        GpuAs { inner: R::Cell::new(Inner::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for GpuAs<R> {
    renewed!(GpuAs { inner: cell });

    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_event(self.inner.peek().waiters.iter().next())
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let inner = self.inner.peek();
        sink("enabled", Facet::Flag(inner.root.is_some()));
        sink("locked", Facet::Word(i32::from(inner.to - inner.from)));
        sink("kept", Facet::Word(inner.frames().count() as i32));
        sink("waiters", Facet::Queue(inner.waiters));
    }
}

impl Code for GpuAs<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.inner.code(c);
    }
}

/// Tells a translation that is kept of a frame which goes. Whether there is one.
pub(crate) fn tell_kept<R: Runtime>(cx: &mut Cx<'_, R>, gone: ObjId) -> bool {
    let number = memory::kind::number(cx.program, gone);
    for slot in slots(cx.program) {
        let held = cx.enter(slot);
        let inner = cx.gpu_as(slot).inner.get(held);
        let usable = |(page, frame): (u8, i32)| frame == number && !inner.is_locked(page);
        if inner.root.is_some() && inner.frames().any(usable) {
            let v = cx.violation_of(Property::STALE_TRANSLATION);
            cx.note_violation(Violation { object: Some(slot), also: Some(gone), ..v });
            return true;
        }
    }
    false
}

/// Every slot.
pub(crate) fn slots(program: &Program) -> impl Iterator<Item = ObjId> {
    (program.objects.iter().enumerate())
        .filter(|(_, object)| matches!(object.kind, crate::ObjectKind::GpuAs(_)))
        .map(|(at, _)| ObjId::object(at))
}

points! {
    /// Where an operation on a slot is.
    pub(crate) enum At {
        /// `panthor_mmu_as_enable()`, without the flush before it.
        Enable = "AS_COMMAND_UPDATE",
        /// `panthor_mmu_as_disable()`, likewise.
        Disable = "AS_COMMAND_UPDATE: unmapped",
        /// `lock_region()`.
        Lock = "AS_COMMAND_LOCK",
        /// The translations of the locked region are dropped.
        Flush = "AS_COMMAND_FLUSH_PT",
        /// The region is unlocked.
        Unlock = "AS_COMMAND_UNLOCK",
    }
}

functions! {
    /// What is done to a slot.
    pub enum How begins at At {
        /// `panthor_mmu_as_enable()`.
        Enable,
        /// `panthor_mmu_as_disable()`.
        Disable,
        /// `lock_region()`.
        Lock,
        /// `AS_COMMAND_FLUSH_PT`.
        Flush,
        /// `AS_COMMAND_UNLOCK`.
        Unlock,
    }
}

/// A command to a slot, which is one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    pub(crate) at: At,
    pub(crate) slot: ObjId,
    /// The page table of `Enable`.
    pub(crate) table: Option<ObjId>,
    /// The pages of `Lock`.
    pub(crate) from: u8,
    pub(crate) to: u8,
}

fields!(Command { at, slot, table, from, to });

impl Command {
    pub(crate) const BLANK: Command = Command { at: At::Flush, slot: ObjId::object(0), table: None, from: 0, to: 0 };

    /// The smallest power of two, naturally aligned, that has these pages.
    pub(crate) fn region(first: u8, n: u8) -> (u8, u8) {
        let last = first.saturating_add(n).saturating_sub(1);
        let mut size = 1;
        while size < MAX_PAGES && first / size != last / size {
            size *= 2;
        }
        let from = first / size * size;
        (from, from + size)
    }

    /// Tells a translation that may be used from here on and leads to a frame that was freed meanwhile.
    fn tell_gone<R: Runtime>(cx: &mut Cx<'_, R>, slot: ObjId, inner: Inner, which: impl Fn(u8) -> bool) {
        for (_, frame) in inner.objects(cx.program).filter(|(page, _)| which(*page)) {
            cx.touch(frame);
            if !cx.world.object(frame).lives() {
                let v = cx.violation_of(Property::STALE_TRANSLATION);
                let form = Some(Form::KEPT_OF_FREED);
                return cx.note_violation(Violation { object: Some(slot), also: Some(frame), form, ..v });
            }
        }
    }

    fn enable<R: Runtime>(&self, cx: &mut Cx<'_, R>, inner: &mut Inner) {
        if inner.of != self.table && inner.frames().next().is_some() {
            let v = cx.violation_of(Property::STALE_TRANSLATION);
            let form = Some(Form::KEPT_OF_OTHER);
            return cx.note_violation(Violation { object: Some(self.slot), form, ..v });
        }
        Command::tell_gone(cx, self.slot, *inner, |_| true);
        (inner.root, inner.of) = (self.table, self.table);
    }

    fn flush<R: Runtime>(cx: &Cx<'_, R>, inner: &mut Inner) {
        let all = inner.from == inner.to;
        for page in 0..MAX_PAGES {
            if (all || inner.is_locked(page)) && !cx.mutated(Mutant::FlushNothing) {
                inner.kept[usize::from(page)] = 0;
            }
        }
    }

    fn wake<R: Runtime>(cx: &mut Cx<'_, R>, inner: &mut Inner) {
        while let Some(t) = inner.waiters.pop() {
            cx.wake(t);
        }
    }
}

impl Protocol for Command {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        let held = cx.enter(self.slot);
        let mut inner = cx.gpu_as(self.slot).inner.get(held);
        match self.at {
            At::Enable => self.enable(cx, &mut inner),
            At::Disable => {
                inner.root = None;
                Command::wake(cx, &mut inner);
            }
            At::Lock if cx.mutated(Mutant::LockNothing) => {}
            At::Lock => (inner.from, inner.to) = (self.from, self.to),
            At::Flush => Command::flush(cx, &mut inner),
            At::Unlock => {
                if inner.root.is_some() {
                    Command::tell_gone(cx, self.slot, inner, |page| inner.is_locked(page));
                }
                (inner.from, inner.to) = (0, 0);
                Command::wake(cx, &mut inner);
            }
        }
        cx.gpu_as(self.slot).inner.set(held, inner);
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let base = Footprint::writes(self.slot);
        let inner = v.world.gpu_as(self.slot).inner.0;
        match self.at {
            At::Lock | At::Flush => base,
            At::Disable => inner.waiters.iter().fold(base, |f, t| f.write(ObjId::task(t))),
            At::Enable | At::Unlock => {
                let f = inner.waiters.iter().fold(base, |f, t| f.write(ObjId::task(t)));
                inner.objects(v.program).fold(f, |f, (_, frame)| f.read(frame))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}

points! {
    /// Where an access is.
    enum AccessAt {
        /// At the translation.
        Translate = "GPU access",
        /// Back from where the region was locked.
        Woken = "GPU access: unlocked",
    }
}

/// An access of a job's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    at: AccessAt,
    slot: ObjId,
    page: u8,
    writes: bool,
    /// What a write writes; what a read has read.
    tag: i32,
    /// The local that this goes to.
    into: Option<LocalId>,
}

impl Code for Access {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.slot.code(c);
        c.byte(&mut self.page);
        c.flag(&mut self.writes);
        self.tag.code(c);
        let mut into = self.into.map_or(0, |l| l.0 + 1);
        c.byte(&mut into);
        self.into = into.checked_sub(1).map(LocalId);
    }
}

impl Access {
    pub(crate) const BLANK: Access =
        Access { at: AccessAt::Translate, slot: ObjId::object(0), page: 0, writes: false, tag: 0, into: None };

    /// An access about to be made.
    pub(crate) fn new((slot, page): (ObjId, u8), writes: bool, tag: i32, into: Option<LocalId>) -> Access {
        Access { slot, page, writes, tag, into, ..Access::BLANK }
    }

    /// Where its entry is in the table that the slot translates by.
    fn entry(&self, program: &Program, inner: Inner) -> Option<ObjId> {
        let first = inner.root?;
        let table = program.page_tables.iter().find(|table| table.first == first)?;
        (u16::from(self.page) < table.len).then(|| first.offset(usize::from(self.page)))
    }

    /// Whether it may be that what is kept is used still, or that the entry is looked at.
    fn is_open(&self, inner: Inner, entry: Value) -> bool {
        let kept = inner.kept_of(self.page);
        kept != 0 && entry.word() != Some(kept)
    }

    /// The bytes behind the translation: of a frame that is only a number there are none.
    fn touch<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, number: i32) {
        let Some(obj) = memory::kind::numbered(cx.program, number) else { return };
        let page = Handle { obj, generation: cx.world.generation_of(obj) };
        let Some(met) = frame::Access::new(page, self.writes).judge(cx) else { return };
        if cx.violation.is_some() {
            return;
        }
        if self.writes {
            let tag = Tag(self.tag as u32);
            frame::hold(cx, obj, tag);
            memory::bytes::written(cx, obj, tag);
        } else {
            self.tag = frame::read(cx, obj, met).word().unwrap_or_default();
        }
    }

    /// The translation, kept or looked up, and what it leads to.
    fn translate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, inner: &mut Inner) -> Flow {
        let fault = Flow::Done(Value::from(Errno::EFAULT));
        let Some(word) = self.entry(cx.program, *inner) else { return fault };
        let entry = pte::look(cx, word);
        let uses_kept = self.is_open(*inner, entry) && cx.choose(2) == 0;
        let entry = if uses_kept { Value::Word(inner.kept_of(self.page)) } else { entry };
        let Some(number) = pte::frame(entry) else { return fault };
        if self.writes && !pte::writable(entry) {
            return fault;
        }
        if let Some(kept) = inner.kept.get_mut(usize::from(self.page)) {
            *kept = entry.word().unwrap_or_default();
        }
        self.touch(cx, number);
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for Access {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        for table in &cx.program.page_tables {
            cx.rt.enter(table.lock);
        }
        let held = cx.enter(self.slot);
        let mut inner = cx.gpu_as(self.slot).inner.get(held);
        let me = cx.me;
        let flow = if inner.root.is_some() && inner.is_locked(self.page) {
            if !inner.waiters.contains(me) {
                inner.waiters.push(me);
            }
            cx.set_sleeping(Patience::Forever);
            self.at = AccessAt::Woken;
            Flow::Sleep(self.slot, Patience::Forever)
        } else {
            inner.waiters.remove(me);
            cx.set_running();
            self.translate(cx, &mut inner)
        };
        cx.gpu_as(self.slot).inner.set(held, inner);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.slot).write(v.my_task());
        let inner = v.world.gpu_as(self.slot).inner.0;
        let Some(word) = self.entry(v.program, inner).filter(|_| !inner.is_locked(self.page)) else { return f };
        let entry = v.world.var_value(word);
        let numbers = [pte::frame(entry), pte::frame(Value::Word(inner.kept_of(self.page)))];
        let pages = numbers.into_iter().flatten().filter_map(|number| memory::kind::numbered(v.program, number));
        let f = pages.fold(f.read(word), |f, page| f.and(frame::footprint(v, page)));
        if self.is_open(inner, entry) { f.ways(2) } else { f }
    }

    fn write_back(&self) -> Option<(LocalId, Value)> {
        self.into.map(|into| (into, Value::Word(if self.writes { 0 } else { self.tag })))
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
