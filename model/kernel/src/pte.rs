//! Page tables of the CPU: which frame an address of user space leads to, and whether it may be written.
//!
//! ```text
//!   insert_pfn                [pte lock]  none: the entry      there is one: it stays, whatever it leads to
//!   finish_mkwrite_fault      [pte lock]  still the same: writable
//!   wp_shared_mapping_range   [pte lock]  every writable one: read-only             then the TLBs
//!   zap_page_range_single     [pte lock]  every one: none                           then the TLBs
//!   an access                 the entry and the frame: one step                     ([`access`])
//! ```
//!
//! From `mm/memory.c` of 6.12. An address is the number of a page, and an entry a word: 0, or the number of a page
//! frame, with [`RDONLY`] if it must not be written; or something else, with `ABSENT`. One table stands for those of
//! all processes: no two mappings have an address in common. A number that is that of a frame of the scenario's is that
//! frame, and others are only numbers.
//! The lock of a table has no step of its own, since each of these is one. What a CPU has cached
//! of a translation is gone when `zap` and `wp` are over, for the flush waits for the other CPUs; so they are one step,
//! and what translated before is over, too. Left out: levels, accessed and dirty bits, huge entries, `struct page` and
//! its counts.
//!
//! An entry that leads to a frame which its object has left, or which is free, is a mistake when that happens, and not
//! when somebody uses it.

pub mod access;
pub(crate) mod idioms;
mod mutants;
pub mod ops;
pub mod processor;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Program, Property, Runtime, Value, View, Violation,
    coder::points,
    ground::{
        kind::DeclRow,
        op::{Takes, option},
    },
    memory::{self, kind::Caching},
    primitives::variable,
    property::Form,
    protocol::Protocol,
    runtime::NoteCell,
};

/// Set in an entry that must not be written, as `PTE_RDONLY` of arm64.
pub const RDONLY: i32 = 1 << 20;
/// Set in an entry that leads nowhere and is not none, as one of a page that is moving or swapped out: no access comes
/// to it.
const ABSENT: i32 = 1 << 21;
/// Set in an entry through which writes are gathered and nothing is cached, and in one through which each goes by
/// itself.
const WC: i32 = 1 << 22;
const UC: i32 = 1 << 23;
/// Most entries of a table.
pub const MAX_ENTRIES: u8 = 64;

/// The word that declares one.
pub const DECLARED: DeclRow = DeclRow {
    name: "page-table",
    kind: None,
    options: &[option(
        "len",
        Takes::Number { min: 1, max: MAX_ENTRIES as i32 },
        "how many pages there are, from 0 on; 4 without it",
    )],
    meaning: "the page tables of user space, an array of entries by the number of the page: 0, or the number of a page frame, with \
              PTE_RDONLY (1048576) if it must not be written. Two mappings, of one process or of two, have no page in common",
    kernel: "pte_t",
    make: None,
};

/// Where an entry is.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The lock of its page table.
    pub(crate) lock: ObjId,
    /// Its word.
    pub(crate) word: ObjId,
    /// The number of its page.
    pub(crate) page: u8,
}

/// The frame that an entry leads to, if it leads anywhere.
pub(crate) fn frame(entry: Value) -> Option<i32> {
    entry
        .word()
        .filter(|entry| entry & ABSENT == 0)
        .map(|entry| entry & !(RDONLY | WC | UC))
        .filter(|frame| *frame != 0)
}

/// `pte_none()`
fn is_none(entry: Value) -> bool {
    entry.word().unwrap_or_default() & !RDONLY == 0
}

/// Whether what it leads to may be written.
pub(crate) fn writable(entry: Value) -> bool {
    frame(entry).is_some() && entry.word().is_some_and(|entry| entry & RDONLY == 0)
}

/// What says in an entry how it is cached.
pub(crate) fn cached(caching: Caching) -> i32 {
    match caching {
        Caching::Cached => 0,
        Caching::WriteCombined => WC,
        Caching::Uncached => UC,
    }
}

/// How an entry says that it is cached.
pub(crate) fn caching(entry: Value) -> Caching {
    match entry.word().unwrap_or_default() & (WC | UC) {
        WC => Caching::WriteCombined,
        UC => Caching::Uncached,
        _ => Caching::Cached,
    }
}

/// Tells an entry that leads to a frame in another way than that is mapped from here on. Whether there is one.
pub(crate) fn tell_other_caching<R: Runtime>(cx: &mut Cx<'_, R>, obj: ObjId, caching: Caching) -> bool {
    let (number, bits) = (memory::kind::number(cx.program, obj), cached(caching));
    let other = other_way(cx, number, bits);
    if other.is_some() {
        let v = cx.violation_of(Property::CACHING_CONFLICT);
        cx.note_violation(Violation { object: Some(obj), also: other, form: Some(Form::ATTRIBUTES_CHANGED), ..v });
    }
    other.is_some()
}

/// An entry that leads to that frame in another way.
fn other_way<R: Runtime>(cx: &mut Cx<'_, R>, number: i32, bits: i32) -> Option<ObjId> {
    for table in &cx.program.page_tables {
        cx.rt.enter(table.lock);
    }
    entries(cx.program).for_each(|entry| cx.note(entry));
    entries(cx.program).find(|entry| {
        let entry = cx.world.var_value(*entry);
        frame(entry) == Some(number) && entry.word().is_some_and(|entry| entry & (WC | UC) != bits)
    })
}

/// The first entry that leads to such a frame, whatever the engine.
fn mapped<R: Runtime>(cx: &mut Cx<'_, R>, wanted: impl Fn(i32) -> bool) -> Option<ObjId> {
    for table in &cx.program.page_tables {
        cx.rt.enter(table.lock);
    }
    entries(cx.program).for_each(|entry| cx.note(entry));
    entries(cx.program).find(|entry| frame(cx.world.var_value(*entry)).is_some_and(&wanted))
}

/// Tells an entry that leads to a frame which goes. Whether there is one.
pub(crate) fn tell_mapped<R: Runtime>(cx: &mut Cx<'_, R>, gone: ObjId) -> bool {
    let number = memory::kind::number(cx.program, gone);
    let entry = mapped(cx, |frame| frame == number);
    if entry.is_some() {
        let v = cx.violation_of(Property::STALE_MAPPING);
        cx.note_violation(Violation { object: entry, also: Some(gone), form: Some(Form::FREED_MAPPED), ..v });
    }
    entry.is_some()
}

/// Every entry of every page table.
pub(crate) fn entries(program: &Program) -> impl Iterator<Item = ObjId> {
    program.page_tables.iter().flat_map(|table| (0..usize::from(table.len)).map(|at| table.first.offset(at)))
}

points! {
    /// What is done with entries.
    pub enum How {
        /// The entry, where there is none: what was there.
        Insert = "insert_pfn",
        /// Makes it writable if it is still the one that the fault was about: 1 if so.
        MkWrite = "finish_mkwrite_fault",
        /// Read-only, each: how many changed.
        WrProtect = "wp_shared_mapping_range",
        /// None, each: how many there were.
        Zap = "zap_page_range_single",
        /// Whose object has other frames from here on.
        Leave = "the object leaves its frames",
    }
}

/// An operation on entries, which is one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PteOp {
    pub(crate) how: How,
    /// The lock of the page table.
    pub(crate) lock: ObjId,
    /// The first entry.
    pub(crate) first: ObjId,
    /// How many; of `Leave` how many frames.
    pub(crate) n: u8,
    /// The new entry; the old one of `MkWrite`; the first frame of `Leave`.
    pub(crate) entry: i32,
}

impl Code for PteOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.how.code(c);
        self.lock.code(c);
        self.first.code(c);
        c.byte(&mut self.n);
        self.entry.code(c);
    }
}

impl PteOp {
    pub(crate) const BLANK: PteOp =
        PteOp { how: How::Zap, lock: ObjId::object(0), first: ObjId::object(0), n: 0, entry: 0 };

    fn words(self) -> impl Iterator<Item = ObjId> {
        (0..usize::from(self.n)).map(move |at| self.first.offset(at))
    }

    /// `set_pte_at()`, for who finds this there.
    fn exchange<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, old: Value, new: i32) -> Value {
        let (a, b, order) = (old, Value::Word(new), Order::AcqRel);
        let how = variable::How::CmpXchg;
        let mut access = variable::Access { how, order, target: word, slot: None, a, b, benign: false, open: false };
        let flow = access.step(cx);
        processor::follow(cx, word);
        match flow {
            Flow::Done(seen) => seen,
            _ => Value::Null,
        }
    }

    fn insert<R: Runtime>(self, cx: &mut Cx<'_, R>) -> Value {
        let was = look(cx, self.first);
        if !is_none(was) && !cx.mutated(Mutant::InsertOverwrites) {
            return was;
        }
        if cx.program.says_caching && !cx.mutated(Mutant::CachingUnseen) {
            self.judge_caching(cx);
        }
        Self::exchange(cx, self.first, was, self.entry);
        was
    }

    /// `memtype_reserve()`: whoever maps a page does it as the others do, and of system memory as the kernel does.
    fn judge_caching<R: Runtime>(self, cx: &mut Cx<'_, R>) {
        let Some(number) = frame(Value::Word(self.entry)) else { return };
        let bits = self.entry & (WC | UC);
        let v = cx.violation_of(Property::CACHING_CONFLICT);
        if let Some(also) = other_way(cx, number, bits) {
            return cx.note_violation(Violation { object: Some(self.first), also: Some(also), ..v });
        }
        let Some(obj) = memory::kind::numbered(cx.program, number) else { return };
        cx.touch(obj);
        let own = cx.world.frame(obj).books.get().caching;
        let of = memory::kind::of(cx.program, obj);
        if !of.sort.is_io() && !of.caches && cached(own) != bits {
            let form = Some(Form::CACHED_ELSEWHERE);
            cx.note_violation(Violation { object: Some(obj), form, ..v });
        }
    }

    /// `pte_same()` of what the fault was about.
    fn mkwrite<R: Runtime>(self, cx: &mut Cx<'_, R>) -> Value {
        let was = look(cx, self.first);
        let same = was.word() == Some(self.entry) && frame(was).is_some();
        if same || cx.mutated(Mutant::MkWriteAnything) {
            let new = was.word().unwrap_or_default() & !RDONLY;
            Self::exchange(cx, self.first, was, new);
        }
        Value::Word(i32::from(same))
    }

    /// Changes each entry for which there is another one.
    fn change<R: Runtime>(self, cx: &mut Cx<'_, R>, other: impl Fn(Value) -> Option<i32>) -> Value {
        let mut changed = 0;
        for word in self.words() {
            let was = look(cx, word);
            if let Some(new) = other(was) {
                Self::exchange(cx, word, was, new);
                changed += 1;
            }
        }
        Value::Word(changed)
    }

    /// Nobody may still be led there.
    fn leave<R: Runtime>(self, cx: &mut Cx<'_, R>) -> Value {
        let frames = self.entry..self.entry.saturating_add(i32::from(self.n));
        if let Some(entry) = mapped(cx, |frame| frames.contains(&frame)) {
            let v = cx.violation_of(Property::STALE_MAPPING);
            cx.note_violation(Violation { object: Some(entry), ..v });
        }
        Value::Word(0)
    }
}

/// `ptep_get()`.
pub(crate) fn look<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Value {
    cx.touch(word);
    cx.world.var_mut(word).cell.load(Order::Acquire)
}

impl Protocol for PteOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // Who looks at every table takes their locks in the tables' order, and has one already.
        cx.rt.has_frames();
        cx.rt.enter(self.lock);
        Flow::Done(match self.how {
            How::Insert => self.insert(cx),
            How::MkWrite => self.mkwrite(cx),
            How::WrProtect => self.change(cx, |was| writable(was).then(|| was.word().unwrap_or_default() | RDONLY)),
            How::Zap => {
                let keeps = u8::from(cx.mutated(Mutant::ZapKeepsLast));
                let of = PteOp { n: self.n.saturating_sub(keeps), ..*self };
                of.change(cx, |was| (!is_none(was)).then_some(0))
            }
            How::Leave => self.leave(cx),
        })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.how {
            How::Leave => entries(v.program).fold(Footprint::reads(v.my_task()), Footprint::read),
            How::Insert if v.program.says_caching => {
                let others = entries(v.program).fold(Footprint::reads(v.my_task()), Footprint::read);
                let page = frame(Value::Word(self.entry)).and_then(|number| memory::kind::numbered(v.program, number));
                page.into_iter().fold(others.write(self.first), Footprint::read)
            }
            _ => self.words().fold(Footprint::reads(v.my_task()), Footprint::write),
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
