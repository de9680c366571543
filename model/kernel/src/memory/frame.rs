//! A frame, and the one place where an access to it is judged.

use super::{
    Mutant, bytes,
    cache::{self, Beside},
    kind::{self, Caching, Sort},
};
use crate::{
    AtomicCell, Bits, Code, Coder, Cx, Footprint, Handle, ObjId, Order, Plain, Program, Property, Runtime, ThreadId,
    ThreadSet, Value, View, Violation, World,
    facet::{Facet, FacetSink},
    fence,
    property::Form,
    runtime::NoteCell,
    shared::{LeftOpen, Shared},
    world::canonical,
};
use fenceweave_pages::Tag;

/// What a frame holds when the machine comes up: nobody's.
const LEFT: Tag = Tag(1 << 30);
/// What a device that failed has left.
pub(crate) const UNDEFINED: Tag = Tag(LEFT.0 + 1);
/// Set beside the tag: a former owner wrote it.
const FOREIGN: u32 = 1 << 31;
/// The greatest number that a scenario may write.
pub(crate) const MAX_TAG: i32 = LEFT.0 as i32 - 1;

/// Whose a frame is. The generation is no part of a state: which references it outdates is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Life {
    pub(crate) live: bool,
    /// Its owner has used it since it was allocated: of memory where the free forbids nothing.
    pub(crate) used: bool,
    pub(crate) generation: u8,
    /// Its place in what was allocated at once.
    pub(crate) run: u8,
}

impl Bits for Life {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        u64::from(self.live) | u64::from(self.used) << 1 | u64::from(self.generation) << 8 | u64::from(self.run) << 16
    }
    fn from_bits(bits: u64) -> Self {
        let byte = |at: u32| (bits >> at) as u8;
        Life { live: bits & 1 != 0, used: bits & 2 != 0, generation: byte(8), run: byte(16) }
    }
}

/// A device writes the frame until a fence has signalled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fill {
    pub(crate) fence: Handle,
    /// What it holds then.
    pub(crate) then: Tag,
}

/// Most fences until which devices read a frame.
const MAX_READS: usize = 2;
/// Most local mappings of one frame.
pub(super) const MAX_MAPS: usize = 3;

/// What the checker knows about a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Books {
    /// What it holds; while a device writes it, torn.
    pub(crate) tag: Tag,
    /// Who is in the middle of an access.
    pub(crate) readers: ThreadSet,
    pub(crate) writer: Option<ThreadId>,
    /// Who writes it behind a fence, and who reads it.
    pub(crate) fill: Option<Fill>,
    pub(crate) reads: [Option<Handle>; MAX_READS],
    /// Those are a former owner's.
    pub(crate) former: bool,
    pub(crate) pins: u8,
    /// Who has mapped it, and how many mappings of theirs are below.
    pub(crate) maps: [Option<(ThreadId, u8)>; MAX_MAPS],
    /// How the kernel's own mapping of all memory has it; of memory behind an aperture, that has none, nothing.
    pub(crate) caching: Caching,
    /// What CPUs have beside it.
    pub(crate) beside: Beside,
}

impl Books {
    fn holding(tag: Tag) -> Books {
        let (readers, writer, fill, reads) = Default::default();
        let (caching, beside) = Default::default();
        Books { tag, readers, writer, fill, reads, former: false, pins: 0, maps: [None; MAX_MAPS], caching, beside }
    }

    /// Another thread that is in the middle of an access that this one must not meet.
    fn rival(&self, me: ThreadId, writes: bool) -> Option<ThreadId> {
        let reader = self.readers.iter().find(|t| *t != me).filter(|_| writes);
        self.writer.filter(|t| *t != me).or(reader)
    }

    /// Whether nothing is noted but what it holds.
    fn is_blank(&self) -> bool {
        *self == Books::holding(self.tag)
    }

    /// Whether it is mapped, or not cached as memory is.
    fn has_more(&self) -> bool {
        self.maps != [None; MAX_MAPS] || self.caching != Caching::Cached || self.beside != Beside::default()
    }

    /// The fences until which devices use it.
    fn fences(&self) -> impl Iterator<Item = Handle> + use<> {
        self.fill.map(|f| f.fence).into_iter().chain(self.reads.into_iter().flatten())
    }
}

/// A page frame.
#[derive(Clone)]
pub struct Frame<R: Runtime> {
    pub(crate) life: R::Atomic<Life>,
    /// Stands for the page's bytes where the runtime knows of races that only memory order lets; what they are the
    /// books say, and who is in the middle of an access.
    bytes: R::Atomic<u8>,
    pub(crate) books: R::Note<Books>,
}

impl Copy for Frame<Plain> {}

impl<R: Runtime> Frame<R> {
    /// A frame that nobody has; or one that is there from the start.
    pub(crate) fn new(live: bool) -> Self {
        let tag = if live { Tag::ZERO } else { LEFT };
        let life = Life { live, ..Life::default() };
        Frame { life: R::Atomic::new(life), bytes: R::Atomic::racy(0), books: R::Note::machine(Books::holding(tag)) }
    }

    /// What its owner has left there becomes a former owner's.
    pub(crate) fn disown(&mut self) {
        let mut books = self.books.get();
        books.tag = foreign(books.tag);
        if let Some(fill) = &mut books.fill {
            fill.then = foreign(fill.then);
        }
        books.beside.each_tag(|tag| *tag = foreign(*tag));
        self.books.set(books);
    }
}

/// Zeroes are nobody's.
fn foreign(tag: Tag) -> Tag {
    match tag {
        Tag::ZERO | Tag::TORN | UNDEFINED => tag,
        Tag(tag) => Tag(tag | FOREIGN),
    }
}

fn is_foreign(tag: Tag) -> bool {
    tag != Tag::TORN && tag.0 & FOREIGN != 0
}

/// The tag, whoever wrote it.
pub(crate) fn bare(tag: Tag) -> Tag {
    if is_foreign(tag) { Tag(tag.0 & !FOREIGN) } else { tag }
}

impl<R: Runtime> Shared<R> for Frame<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let life = self.life.peek();
        sink("life", Facet::Name(if life.live { "allocated" } else { "free" }));
        let books = self.books.get();
        sink(
            "contents",
            match bare(books.tag) {
                _ if is_foreign(books.tag) => Facet::Name("a former owner's"),
                Tag::TORN => Facet::Name("torn"),
                LEFT => Facet::Name("nobody's"),
                UNDEFINED => Facet::Name("undefined"),
                Tag(tag) => Facet::Word(tag as i32),
            },
        );
        sink("pins", Facet::Word(i32::from(books.pins)));
        books.beside.facets(sink);
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        let mapped = self.books.get().maps.iter().flatten().any(|(t, _)| *t == by);
        mapped.then_some(LeftOpen::Mapping)
    }

    fn lives(&self) -> bool {
        self.life.peek().live
    }

    fn generation(&self) -> Option<u8> {
        Some(self.life.peek().generation)
    }
}

/// What of the books follows, as bits of a byte.
const USED: u8 = 1 << 1;
const FILLED: u8 = 1 << 2;
const READ: u8 = 1 << 3;
const FORMER: u8 = 1 << 4;
const PINNED: u8 = 1 << 5;
const TOUCHED: u8 = 1 << 6;
const MORE: u8 = 1 << 7;

impl Code for Frame<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let (life, books) = (&mut self.life.0, &mut self.books.0);
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        let mut flags = u8::from(life.live)
            | bit(life.used, USED)
            | bit(books.fill.is_some(), FILLED)
            | bit(books.reads != [None; MAX_READS], READ)
            | bit(books.former, FORMER)
            | bit(books.pins > 0, PINNED)
            | bit(!books.readers.is_empty() || books.writer.is_some(), TOUCHED)
            | bit(books.has_more(), MORE);
        c.byte(&mut flags);
        if C::READING {
            *life = Life { live: flags & 1 != 0, used: flags & USED != 0, ..Life::default() };
            *books = Books { former: flags & FORMER != 0, ..Books::holding(Tag::ZERO) };
        }
        if life.live {
            life.run.code(c);
        } else {
            life.run = 0;
        }
        code_tag(&mut books.tag, c);
        if !books.is_blank() || C::READING {
            code_books(books, flags, c);
        }
    }
}

pub(super) fn code_tag<C: Coder>(tag: &mut Tag, c: &mut C) {
    let mut word = tag.0 as i32;
    c.word(&mut word);
    tag.0 = word as u32;
}

fn code_books<C: Coder>(books: &mut Books, flags: u8, c: &mut C) {
    if flags & FILLED != 0 {
        let mut fill = books.fill.unwrap_or(Fill { fence: Handle::default(), then: Tag::ZERO });
        fill.fence.code(c);
        code_tag(&mut fill.then, c);
        books.fill = Some(fill);
    }
    if flags & READ != 0 {
        books.reads.iter_mut().for_each(|read| read.code(c));
    }
    if flags & PINNED != 0 {
        books.pins.code(c);
    }
    if flags & TOUCHED != 0 {
        books.readers.code(c);
        books.writer.code(c);
    }
    if flags & MORE != 0 {
        let mut caching = books.caching as u8 | books.beside.flags();
        caching.code(c);
        books.caching = Caching::numbered(u32::from(caching & cache::CACHING)).unwrap_or_default();
        books.beside.code(caching, c);
        for map in &mut books.maps {
            let mut who = map.map(|(t, _)| t);
            who.code(c);
            let mut level = map.map_or(0, |(_, level)| level);
            if who.is_some() {
                level.code(c);
            }
            *map = who.map(|t| (t, level));
        }
    }
}

/// What has become of a fence, as the checker asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Came {
    Pending,
    Signalled,
    Failed,
}

fn came_of<R: Runtime>(cx: &mut Cx<'_, R>, h: Handle) -> Came {
    if let Some(root) = cx.program.root_of(h.obj) {
        cx.note(root);
    }
    // One that is gone without having signalled is told where it goes.
    if cx.world.generation_of(h.obj) != h.generation {
        return Came::Signalled;
    }
    match fence::came_of(cx, h.obj) {
        None => Came::Pending,
        Some(0) => Came::Signalled,
        Some(_) => Came::Failed,
    }
}

/// What an access through a reference touches: the frame, and the fences until which devices use it.
pub(crate) fn footprint(v: View<'_>, frame: ObjId) -> Footprint {
    fences_footprint(v, frame, Footprint::writes(frame))
}

/// The fences until which devices use a frame.
pub(crate) fn fences_footprint(v: View<'_>, frame: ObjId, f: Footprint) -> Footprint {
    let books = v.world.frame(frame).books.0;
    books.fences().fold(f, |f, h| reads_fence(v, f, h))
}

/// A fence, and what it is inside of.
pub(super) fn reads_fence(v: View<'_>, f: Footprint, fence: Handle) -> Footprint {
    let f = f.read(fence.obj);
    v.program.root_of(fence.obj).map_or(f, |root| f.read(root))
}

/// An access to a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    /// By which reference: one that is outdated is a former owner's.
    pub(crate) frame: Handle,
    pub(crate) writes: bool,
    /// A race of it is meant.
    pub(crate) racing: bool,
    /// Of a device: the fence that it signals, and one for which it waits first.
    pub(crate) behind: Option<(Handle, Option<Handle>)>,
}

impl Access {
    /// A CPU's.
    pub(crate) fn new(frame: Handle, writes: bool) -> Access {
        Access { frame, writes, racing: false, behind: None }
    }

    /// Whether the reference is its owner's; `None` if nobody may access it by that one.
    fn owner<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<bool> {
        let obj = self.frame.obj;
        let life = cx.frame(obj).life.latest();
        let now = life.live && life.generation == self.frame.generation;
        let sort = kind::of(cx.program, obj).sort;
        if !now && sort == Sort::System {
            cx.violate(Property::USE_AFTER_FREE, Some(obj));
            return None;
        }
        if !now && life.live && life.used {
            cx.violate(Property::FRAME_REUSED, Some(obj));
            return None;
        }
        if now && !life.used && sort != Sort::System {
            cx.frame(obj).life.swap(Life { used: true, ..life }, Order::Relaxed);
        }
        Some(now)
    }

    /// Whether what a device does until that fence comes before this access, though it has not signalled.
    fn is_behind<R: Runtime>(&self, cx: &Cx<'_, R>, earlier: Handle) -> bool {
        let Some((own, after)) = self.behind else { return false };
        let later =
            |fence: Handle| fence == earlier || fence::is_later_or_same(cx.world, cx.program, fence.obj, earlier.obj);
        later(own) || after.is_some_and(later)
    }

    /// Tells of a device that is not done, and forgets those that are; what the frame holds then.
    fn check_devices<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Tag {
        let obj = self.frame.obj;
        let (mut books, came) = settled(cx, obj);
        let filling = books.fill.filter(|fill| !self.is_behind(cx, fill.fence));
        if let Some(fill) = filling.filter(|_| !cx.mutated(Mutant::FillUnseen)) {
            self.tell_of_device(cx, fill.fence, books.former, None);
            return books.tag;
        }
        for (at, came) in came.into_iter().enumerate() {
            let Some(read) = books.reads[at] else { continue };
            if came != Came::Pending || self.is_behind(cx, read) {
                books.reads[at] = None;
            } else if (self.writes || books.former) && !cx.mutated(Mutant::DrainUnseen) {
                self.tell_of_device(cx, read, books.former, Some(Form::DRAINED));
                return books.tag;
            }
        }
        books.former &= filling.is_some() || books.reads != [None; MAX_READS];
        cx.frame(obj).books.set(books);
        books.tag
    }

    fn tell_of_device<R: Runtime>(&self, cx: &mut Cx<'_, R>, fence: Handle, former: bool, form: Option<Form>) {
        let (property, form) = match former {
            true => (Property::FRAME_REUSED, Some(Form::REUSED_EARLY)),
            false => (Property::FRAME_BUSY, form),
        };
        let v = cx.violation_of(property);
        cx.note_violation(Violation { object: Some(self.frame.obj), also: Some(fence.obj), form, ..v });
    }

    /// Tells what is wrong with it. What it meets, if it may be made at all.
    pub(crate) fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Met> {
        let owner = self.owner(cx)?;
        let (obj, me) = (self.frame.obj, cx.me);
        if self.behind.is_none() {
            self.touch_bytes(cx);
        }
        // From here on nobody comes in between, whatever takes the steps.
        let tag = self.check_devices(cx);
        let books = cx.frame(obj).books.get();
        if let Some(other) = books.rival(me, self.writes).filter(|_| !self.racing) {
            let form = Some(Form::PAGE_RACE);
            let v = cx.violation_of(Property::DATA_RACE);
            cx.note_violation(Violation { object: Some(obj), other: Some(other), form, ..v });
        }
        Some(Met { owner, tag })
    }

    /// For a runtime that looks for races itself.
    fn touch_bytes<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let bytes = &mut cx.world.frame_mut(self.frame.obj).bytes;
        match (self.writes, self.racing) {
            (false, false) => drop(bytes.load(Order::Relaxed)),
            (false, true) => drop(bytes.load_racing()),
            (true, false) => bytes.store(0, Order::Relaxed),
            (true, true) => bytes.store_racing(0),
        }
    }
}

/// What an access meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Met {
    /// It is made by the frame's owner.
    pub(crate) owner: bool,
    /// What the frame holds.
    pub(crate) tag: Tag,
}

/// What is known about a frame, where a device that is done has written it; and what has come of the fences until which
/// others read it. Nobody comes in between who changes either: a runtime that does not take steps at once may be asked
/// anew.
fn settled<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId) -> (Books, [Came; MAX_READS]) {
    loop {
        let asked = cx.frame(frame).books.get();
        let filled = asked.fill.map(|fill| came_of(cx, fill.fence));
        let reads = asked.reads.map(|read| read.map_or(Came::Signalled, |read| came_of(cx, read)));
        let mut books = cx.frame(frame).books.get();
        if (books.fill, books.reads) != (asked.fill, asked.reads) {
            continue;
        }
        if let (Some(fill), Some(Came::Signalled | Came::Failed)) = (books.fill, filled) {
            books.tag = if filled == Some(Came::Failed) { UNDEFINED } else { fill.then };
            books.fill = None;
            cx.frame(frame).books.set(books);
            bytes::written(cx, frame, books.tag);
        }
        return (books, reads);
    }
}

/// Makes a frame hold something: what devices were to write before is over.
pub(crate) fn hold<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, tag: Tag) {
    let mut books = cx.frame(frame).books.get();
    books.tag = tag;
    books.fill = None;
    cx.frame(frame).books.set(books);
}

/// What was copied from a former owner's frame, by his reference, is that owner's own.
pub(crate) fn as_owner<R: Runtime>(cx: &mut Cx<'_, R>, from: Handle, tag: Tag) -> Tag {
    let life = cx.frame(from.obj).life.latest();
    if life.live && life.generation != from.generation { bare(tag) } else { tag }
}

/// A thread is in the middle of an access from here on.
pub(crate) fn begin<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, writes: bool) {
    let me = cx.me;
    let mut books = cx.frame(frame).books.get();
    if writes {
        books.writer = Some(me);
    } else {
        books.readers.insert(me);
    }
    cx.frame(frame).books.set(books);
}

/// And is no more.
pub(crate) fn end<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, writes: bool) {
    let me = cx.me;
    let mut books = cx.frame(frame).books.get();
    if writes {
        books.writer = books.writer.filter(|t| *t != me);
    } else {
        books.readers.remove(me);
    }
    cx.frame(frame).books.set(books);
}

/// What a read gives of what it has met, told if that is nobody's, or of its owner a former one's.
pub(crate) fn read<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, met: Met) -> Value {
    found(cx, frame, met, true)
}

/// The same of what was found in memory, or beside it.
pub(super) fn found<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, met: Met, in_memory: bool) -> Value {
    let Met { owner, tag } = met;
    let undefined = |cx: &mut Cx<'_, R>, form| {
        let v = cx.violation_of(Property::UNDEFINED_CONTENTS);
        cx.note_violation(Violation { object: Some(frame), form, ..v });
    };
    match bare(tag) {
        UNDEFINED => undefined(cx, None),
        Tag::TORN => undefined(cx, Some(Form::TORN_READ)),
        _ if owner && is_foreign(tag) && !cx.mutated(Mutant::ForeignUnseen) => {
            cx.violate(Property::FOREIGN_CONTENTS, Some(frame));
        }
        _ if in_memory => bytes::check(cx, frame, tag),
        _ => {}
    }
    Value::Word(bare(tag).0 as i32)
}

/// The fences that have not signalled, until which devices use a frame that is freed: the first of them, and whether
/// its device writes.
pub(crate) fn in_use<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId) -> Option<(Handle, bool)> {
    let books = cx.frame(frame).books.get();
    let filled = books.fill.map(|fill| (fill.fence, true));
    let mut all = filled.into_iter().chain(books.reads.into_iter().flatten().map(|read| (read, false)));
    all.find(|(fence, _)| came_of(cx, *fence) == Came::Pending)
}

/// A device reads the frame until a fence has signalled. False if there is no room for another.
pub(crate) fn drain<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, fence: Handle) -> bool {
    let mut books = cx.frame(frame).books.get();
    let Some(room) = books.reads.iter_mut().find(|read| read.is_none()) else { return false };
    *room = Some(fence);
    cx.frame(frame).books.set(books);
    true
}

/// The frame `by` places further on than one that a reference is to: what lives there now if that one does, and
/// otherwise nobody's any more.
pub(crate) fn beside<R: Runtime>(world: &World<R>, program: &Program, first: Handle, by: u32) -> Option<Handle> {
    if by == 0 {
        return Some(first);
    }
    let (space, page) = kind::place(program, first.obj);
    let obj = kind::at(program, space, page.forward(by)?)?;
    let fresh = world.generation_of(first.obj) == first.generation;
    let generation = if fresh { world.generation_of(obj) } else { Handle::STALE };
    Some(Handle { obj, generation })
}

/// What a runtime tells that has found a race on a frame's page itself.
pub fn race(frame: ObjId, other: ThreadId, (me, pc): (ThreadId, u16)) -> Violation {
    let v = Violation::new(Property::DATA_RACE, me, pc);
    Violation { object: Some(frame), other: Some(other), form: Some(Form::PAGE_RACE), ..v }
}

/// A frame that is allocated at the end, and that no word leads to: neither to it nor to the first of what was
/// allocated with it.
pub(crate) fn leaks<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let leads_to = |frame: ObjId| {
        world.words().any(|(word, v)| {
            let lost = program.slot_of(word).is_some_and(|slot| !world.object(slot).lives());
            matches!(canonical(world, v.cell.peek()), Value::Ref(h) if h.obj == frame && h.generation != Handle::STALE)
                && !lost
        })
    };
    let lost = |(id, frame): &(ObjId, &Frame<R>)| {
        let life = frame.life.peek();
        let first = ObjId::numbered(id.number() - u16::from(life.run));
        life.live
            && program.fixed::<kind::Frame>(*id).is_some_and(|of| of.pool.is_some())
            && !leads_to(*id)
            && !leads_to(first)
    };
    let (id, _) = world.all::<Frame<R>>().find(lost)?;
    Some(Violation::at_end(Property::LEAKED_FRAME, program.main_thread(), id))
}
