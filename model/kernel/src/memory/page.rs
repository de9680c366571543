//! What a CPU does with a frame: it writes, reads, clears and copies pages, and pins and maps frames.
//!
//! ```text
//!   page-write   begin: the page is torn   end: it holds the tag       the same: page-clear
//!   page-copy    first half: the destination is torn, the source in use   second half: it holds what the source holds
//!   page-read    one step: a write that it meets has begun and not ended
//! ```

use super::{
    Mutant, bytes,
    cache::{self, Act},
    frame::{self, Access},
    kind,
};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, Handle, ObjId, Program, Property, Runtime, Value, View, Violation,
    coder::points, memory::kind::Sort, property::Form, protocol::Protocol, registry::upcalls, runtime::NoteCell,
};
use fenceweave_pages::{Capability, Contents, Kind, PageCopy, PageIndex, Place, SpaceId, Step, Tag, Variant};

points! {
    /// What is done with a page, or a frame.
    pub enum How {
        /// A store of the whole page.
        Write = "page-write: the first half",
        /// Its end.
        Written = "page-write: the second half",
        /// A load of the whole page.
        Read = "page-read",
        /// `clear_page()`, `memset_io()`.
        Clear = "clear_page: the first half",
        /// Its end.
        Cleared = "clear_page: the second half",
        /// `copy_page()`, `memcpy_toio()`, `memcpy_fromio()`.
        Copy = "copy_page: the first half",
        /// Its end.
        Copied = "copy_page: the second half",
        /// `pin_user_pages()`, `ttm_bo_pin()`.
        Pin = "pin_user_pages",
        /// `unpin_user_page()`.
        Unpin = "unpin_user_page",
        /// `kmap_local_page()`, `io_mapping_map_local_wc()`.
        Map = "kmap_local_page",
        /// `kunmap_local()`.
        Unmap = "kunmap_local",
        /// `set_pages_array_wc()` and its like: how the kernel's own mapping has it.
        SetCaching = "change_page_attr_set_clr",
        /// `nth_page()`: a frame so many places further on.
        Beside = "nth_page",
        /// `page_to_pfn()`.
        ToPfn = "page_to_pfn",
        /// `pfn_to_page()`: whoever has the frame now.
        ToPage = "pfn_to_page",
    }
}

/// An access to a page in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageOp {
    how: How,
    frame: Handle,
    /// What a copy reads.
    from: Handle,
    /// What a write writes, how far the frame beside is, or how it is cached.
    tag: u32,
    racing: bool,
}

impl Code for PageOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.how.code(c);
        self.frame.code(c);
        if matches!(self.how, How::Copy | How::Copied) {
            self.from.code(c);
        }
        if matches!(self.how, How::Write | How::Written | How::Beside | How::SetCaching) {
            let mut word = self.tag as i32;
            c.word(&mut word);
            self.tag = word as u32;
        }
        c.flag(&mut self.racing);
    }
}

impl PageOp {
    pub(crate) const BLANK: PageOp =
        PageOp { how: How::Read, frame: Handle::NONE, from: Handle::NONE, tag: 0, racing: false };

    /// Something that is done to one frame.
    pub(crate) fn on(how: How, frame: Handle, racing: bool) -> PageOp {
        PageOp { how, frame, racing, ..PageOp::BLANK }
    }

    /// A page is written, or the frame so many places further on is asked for.
    pub(crate) fn with(self, tag: u32) -> PageOp {
        PageOp { tag, ..self }
    }

    /// A page is copied.
    pub(crate) fn copy(frame: Handle, from: Handle, racing: bool) -> PageOp {
        PageOp { how: How::Copy, frame, from, tag: 0, racing }
    }

    fn access(&self, frame: Handle, writes: bool) -> Access {
        Access { racing: self.racing, ..Access::new(frame, writes) }
    }

    /// The first half of what writes a page.
    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, next: How) -> Flow {
        if self.how == How::Copy {
            self.access(self.from, false).judge(cx);
            frame::begin(cx, self.from.obj, false);
            bytes::half_copied(cx, self.frame.obj, self.from.obj);
        }
        self.access(self.frame, true).judge(cx);
        frame::begin(cx, self.frame.obj, true);
        frame::hold(cx, self.frame.obj, Tag::TORN);
        self.how = next;
        Flow::Go
    }

    /// What is done through the kernel's own mapping, of memory with caches beside it: in one step.
    fn act(&self, caching: kind::Caching, tag: Tag) -> Option<Act> {
        match self.how {
            How::Write => Some(Act::Store(caching, Tag(self.tag))),
            How::Clear => Some(Act::Store(caching, Tag::ZERO)),
            How::Copy => Some(Act::Store(caching, tag)),
            How::Read => Some(Act::Load(caching)),
            _ => None,
        }
    }

    /// The frame of which this looks at what is beside it, and how.
    fn looks<R: Runtime>(&self, program: &Program, world: &crate::World<R>) -> Option<(Handle, Act)> {
        let caches = |frame: Handle| kind::of(program, frame.obj).caches;
        let caching = |frame: Handle| world.frame(frame.obj).books.get().caching;
        let from = (self.how == How::Copy && caches(self.from)).then_some(self.from);
        if let Some(from) = from {
            return Some((from, Act::Load(caching(from))));
        }
        let act = self.act(caching(self.frame), Tag::ZERO).filter(|_| caches(self.frame))?;
        Some((self.frame, act))
    }

    fn step_beside<R: Runtime>(&self, cx: &mut Cx<'_, R>, (frame, first): (Handle, Act)) -> Value {
        let access = self.access(frame, frame == self.frame && self.how != How::Read);
        if self.how != How::Copy {
            return cache::act(cx, access, first).unwrap_or(Value::Word(0));
        }
        // A page that is in both kinds of memory is copied in one step, too.
        let from = kind::of(cx.program, self.from.obj).caches;
        let read = match from {
            true => cache::act(cx, self.access(self.from, false), first),
            false => self.access(self.from, false).judge(cx).map(|met| frame::read(cx, self.from.obj, met)),
        };
        let Some(tag) = read.and_then(Value::word).filter(|_| cx.violation.is_none()) else { return Value::Word(0) };
        let (tag, to) = (Tag(tag as u32), self.access(self.frame, true));
        if kind::of(cx.program, self.frame.obj).caches {
            let caching = cx.frame(self.frame.obj).books.get().caching;
            cache::act(cx, to, Act::Store(caching, tag));
        } else if to.judge(cx).is_some() {
            frame::hold(cx, self.frame.obj, tag);
            bytes::written(cx, self.frame.obj, tag);
        }
        Value::Word(0)
    }

    /// The second half.
    fn end<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        // Others come before or after.
        cx.frame(self.frame.obj).life.latest();
        if self.how == How::Copied {
            cx.frame(self.from.obj).life.latest();
        }
        match self.how {
            How::Copied => self.copy_page(cx),
            How::Cleared if cx.mutated(Mutant::ClearNothing) => {}
            How::Cleared => {
                frame::hold(cx, self.frame.obj, Tag::ZERO);
                bytes::cleared(cx, self.frame.obj);
            }
            _ => {
                frame::hold(cx, self.frame.obj, Tag(self.tag));
                bytes::written(cx, self.frame.obj, Tag(self.tag));
            }
        }
        frame::end(cx, self.frame.obj, true);
        Flow::Done(Value::Word(0))
    }

    fn copy_page<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (to, from) = (self.frame.obj, self.from.obj);
        if !cx.mutated(Mutant::CopyHalf) {
            let place = |frame| {
                let (space, page) = kind::place(cx.program, frame);
                Place { space, offset: page.offset() }
            };
            let step = Step { to: place(to), from: Some(place(from)), how: Some(how(cx.program, to, from)) };
            step.run_on(&mut Frames(cx));
            let tag = cx.frame(to).books.get().tag;
            let own = frame::as_owner(cx, self.from, tag);
            frame::hold(cx, to, own);
            bytes::copied(cx, to, from);
        }
        frame::end(cx, from, false);
    }

    fn read<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let Some(met) = self.access(self.frame, false).judge(cx).filter(|_| cx.violation.is_none()) else {
            return Value::Word(0);
        };
        // Who means to race sees what there is.
        if self.racing && met.tag == Tag::TORN {
            return Value::Word(-1);
        }
        frame::read(cx, self.frame.obj, met)
    }

    /// `pin_user_pages()` and back.
    fn pin<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let obj = self.frame.obj;
        let life = cx.frame(obj).life.latest();
        if !life.live || life.generation != self.frame.generation {
            return cx.violate(Property::USE_AFTER_FREE, Some(obj));
        }
        let mut books = cx.frame(obj).books.get();
        let pins = match self.how {
            How::Pin if cx.mutated(Mutant::PinNothing) => Some(books.pins),
            How::Pin => books.pins.checked_add(1),
            _ => books.pins.checked_sub(1),
        };
        let v = cx.violation_of(Property::FRAME_PINNED);
        match pins {
            Some(pins) => books.pins = pins,
            None if self.how == How::Pin => return cx.violate(Property::CAPACITY_EXCEEDED, Some(obj)),
            None => {
                return cx.note_violation(Violation { object: Some(obj), form: Some(Form::UNPINNED), ..v });
            }
        }
        cx.frame(obj).books.set(books);
    }

    /// `kmap_local_page()`: the mappings of a thread are a stack.
    fn map<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (obj, me) = (self.frame.obj, cx.me);
        // Only this thread changes its own mappings: a look at those of other frames meets nobody.
        let mine = cx.world.all::<super::Frame<R>>().flat_map(|(_, frame)| frame.books.get().maps);
        let depth = mine.flatten().filter(|(t, _)| *t == me).count() as u8;
        let life = cx.frame(obj).life.latest();
        let stale = !life.live || life.generation != self.frame.generation;
        let mut books = cx.frame(obj).books.get();
        if self.how == How::Map {
            if stale && kind::of(cx.program, obj).sort == Sort::System {
                return cx.violate(Property::USE_AFTER_FREE, Some(obj));
            }
            match books.maps.iter_mut().find(|map| map.is_none()) {
                Some(room) => *room = Some((me, depth)),
                None => return cx.violate(Property::CAPACITY_EXCEEDED, Some(obj)),
            }
        } else {
            let last = |map: &Option<(_, u8)>| {
                map.is_some_and(|(t, level)| t == me && (level + 1 == depth || cx.program.mutated(Mutant::UnmapAny)))
            };
            let Some(at) = books.maps.iter().position(last) else {
                return cx.violate(Property::KMAP_ORDER, Some(obj));
            };
            books.maps[at] = None;
            // Which place it has says nothing.
            books.maps.sort_unstable();
        }
        cx.frame(obj).books.set(books);
    }

    /// `change_page_attr_set_clr()`: nobody may have it mapped in another way.
    fn set_caching<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let obj = self.frame.obj;
        let life = cx.frame(obj).life.latest();
        if !life.live || life.generation != self.frame.generation {
            return cx.violate(Property::USE_AFTER_FREE, Some(obj));
        }
        let caching = kind::Caching::numbered(self.tag).unwrap_or_default();
        upcalls::tell_other_caching(cx, obj, caching);
        let books = cx.frame(obj).books.get();
        cx.frame(obj).books.set(frame::Books { caching, ..books });
    }

    fn beside<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        cx.touch(self.frame.obj);
        match frame::beside(cx.world, cx.program, self.frame, self.tag) {
            Some(frame) => Value::Ref(frame),
            None => {
                cx.violate(Property::OUT_OF_BOUNDS, Some(self.frame.obj));
                Value::Null
            }
        }
    }
}

/// With what a page is copied, by a CPU without streaming loads.
fn how(program: &Program, to: ObjId, from: ObjId) -> PageCopy {
    let side = |frame| if kind::of(program, frame).sort.is_io() { Kind::Io } else { Kind::Memory };
    PageCopy::choose(Variant::Checked, Capability::words_only(), side(to), side(from), true)
}

/// What frames hold, for a step of a plan: that is all that it touches of them.
pub(crate) struct Frames<'c, 'a, R: Runtime>(pub(crate) &'c mut Cx<'a, R>);

impl<R: Runtime> Contents for Frames<'_, '_, R> {
    fn tag(&self, space: SpaceId, page: PageIndex) -> Tag {
        let frame = kind::at(self.0.program, space, page);
        frame.map_or(Tag::TORN, |frame| self.0.world.frame(frame).books.get().tag)
    }

    fn set_tag(&mut self, space: SpaceId, page: PageIndex, tag: Tag) {
        if let Some(frame) = kind::at(self.0.program, space, page) {
            frame::hold(self.0, frame, tag);
        }
    }
}

impl Protocol for PageOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        if let Some(first) = self.looks(cx.program, cx.world) {
            return Flow::Done(self.step_beside(cx, first));
        }
        match self.how {
            How::Write => return self.begin(cx, How::Written),
            How::Clear => return self.begin(cx, How::Cleared),
            How::Copy => return self.begin(cx, How::Copied),
            How::Written | How::Cleared | How::Copied => return self.end(cx),
            How::Read => return Flow::Done(self.read(cx)),
            How::Beside => return Flow::Done(self.beside(cx)),
            How::ToPfn => return Flow::Done(Value::Word(kind::number(cx.program, self.frame.obj))),
            How::ToPage => {
                cx.touch(self.frame.obj);
                return Flow::Done(cx.refer(self.frame.obj));
            }
            How::Pin | How::Unpin => self.pin(cx),
            How::Map | How::Unmap => self.map(cx),
            How::SetCaching => self.set_caching(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let of = |frame: Handle| frame::footprint(v, frame.obj);
        if let Some((frame, first)) = self.looks(v.program, v.world) {
            let both = if self.how == How::Copy { of(self.frame).and(of(self.from)) } else { of(self.frame) };
            return both.ways(cache::ways(v, frame.obj, first));
        }
        match self.how {
            How::Copy | How::Copied => of(self.frame).and(of(self.from)),
            How::Beside => {
                let beside = frame::beside(v.world, v.program, self.frame, self.tag);
                beside.into_iter().fold(Footprint::reads(self.frame.obj), |f, frame| f.read(frame.obj))
            }
            How::ToPfn => Footprint::NONE,
            How::ToPage => Footprint::reads(self.frame.obj),
            How::SetCaching => upcalls::entries(v.program).fold(of(self.frame), Footprint::read),
            _ => of(self.frame),
        }
    }

    /// A number never changes.
    fn is_visible(&self) -> bool {
        self.how != How::ToPfn
    }

    fn is_only_current(&self) -> bool {
        self.how == How::ToPfn
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
