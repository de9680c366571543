//! A move of a buffer's pages: `ttm_bo_move_memcpy()`, and what document 000 had in its place. What is to be done is a
//! plan of `fenceweave-pages`; it is done a page at a time, each in two halves.

use super::{
    bytes,
    frame::{self, Access},
    kind,
    page::{Frames, How, PageOp},
};
use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, Handle, ObjId, Plain, Program, Property, Runtime, Value, View, Violation,
    World, facet::FacetSink, property::Form, protocol::Protocol, shared::Shared,
};
use fenceweave_pages::{
    Action, ByteOffset, Capability, Error, Fault, PAGE_SHIFT, PageCount, PageIndex, Place, Plan, Request, Side,
    SpaceId, Step, TtFlags, Variant,
};
use std::{marker::PhantomData, sync::Arc};

/// Whose rules a move follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rules(pub Variant);

impl Rules {
    /// By the words that name them.
    pub(crate) const WORDS: &[&'static str] = &["checked", "as-posted", "upstream"];
    const ALL: [Variant; 3] = [Variant::Checked, Variant::AsPosted, Variant::Upstream];

    /// Those of that word.
    pub(crate) fn named(word: Option<&str>) -> Rules {
        let at = Rules::WORDS.iter().position(|known| Some(*known) == word);
        Rules(Rules::ALL[at.unwrap_or(0)])
    }
}

/// What is known of the moving buffer's own pages: `bo->ttm`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tt(pub Option<TtFlags>);

impl Tt {
    /// By the words that name them.
    pub(crate) const WORDS: &[&'static str] = &["plain", "none", "zero-alloc", "swapped", "swapped-zero-alloc"];
    const ALL: [Option<TtFlags>; 5] = [
        Some(TtFlags { zero_alloc: false, swapped: false }),
        None,
        Some(TtFlags { zero_alloc: true, swapped: false }),
        Some(TtFlags { zero_alloc: false, swapped: true }),
        Some(TtFlags { zero_alloc: true, swapped: true }),
    ];

    /// Those of that word.
    pub(crate) fn named(word: Option<&str>) -> Tt {
        let at = Tt::WORDS.iter().position(|known| Some(*known) == word);
        Tt(Tt::ALL[at.unwrap_or(0)])
    }
}

/// A `struct sg_table`. What it says never changes: it has no state of its own.
#[derive(Clone)]
pub struct SgList<R: Runtime>(PhantomData<R>);

impl Copy for SgList<Plain> {}

impl<R: Runtime> SgList<R> {
    pub(crate) fn new() -> Self {
        SgList(PhantomData)
    }
}

impl<R: Runtime> Shared<R> for SgList<R> {
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for SgList<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

/// One side of a move: the first of its frames, which lie in a row, or where a list says; or pages that are not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) first: Option<Handle>,
    pub(crate) sg: Option<ObjId>,
    /// They are the moving buffer's own pages, if they are system memory.
    pub(crate) own: bool,
}

impl Code for Run {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.first.code(c);
        self.sg.code(c);
        c.flag(&mut self.own);
    }
}

/// The space of pages that are not there.
const NOWHERE: SpaceId = SpaceId(u64::MAX);

impl Run {
    /// The side, as a mover knows it: all of the memory that it lies in, and from where on it goes.
    fn side(&self, program: &Program, pages: PageCount) -> (Side, PageIndex) {
        if let Some(sg) = self.sg.and_then(|sg| program.fixed::<kind::SgList>(sg)) {
            let aperture = program.fixed::<kind::Memory>(sg.pool).map_or(0, |pool| u32::from(pool.pages));
            let space = SpaceId(u64::from(sg.pool.number()));
            let bytes = sg.list.segments().iter().fold(0, |sum, segment| sum + segment.len.0);
            let stated = PageCount((bytes >> PAGE_SHIFT) as u32);
            return (Side::scatter(space, Arc::clone(&sg.list), PageCount(aperture).bytes(), stated), PageIndex(0));
        }
        let Some(first) = self.first else {
            let side = if self.own { Side::tt } else { Side::memory };
            return (side(NOWHERE, pages, false), PageIndex(0));
        };
        let (space, at) = kind::place(program, first.obj);
        let all = match kind::of(program, first.obj).pool.and_then(|pool| program.fixed::<kind::Memory>(pool)) {
            Some(pool) => PageCount(u32::from(pool.pages)),
            None => PageCount(1),
        };
        let side = match kind::of(program, first.obj).sort {
            sort if sort.is_io() => Side::linear(space, ByteOffset(0), all.bytes(), all.bytes()),
            _ if self.own => Side::tt(space, all, true),
            _ => Side::memory(space, all, true),
        };
        (side, at)
    }
}

/// A move in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MoveOp {
    dst: Run,
    src: Run,
    pages: u8,
    rules: Rules,
    tt: Tt,
    /// The page that it is at.
    at: u8,
    /// What is being done to it.
    page: Option<PageOp>,
}

impl Code for MoveOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.dst.code(c);
        self.src.code(c);
        self.pages.code(c);
        let place = |at: Option<usize>| at.unwrap_or(0) as u8;
        let mut rules = place(Rules::ALL.iter().position(|known| *known == self.rules.0));
        c.byte(&mut rules);
        self.rules = Rules(Rules::ALL[usize::from(rules)]);
        let mut tt = place(Tt::ALL.iter().position(|known| *known == self.tt.0));
        c.byte(&mut tt);
        self.tt = Tt(Tt::ALL[usize::from(tt)]);
        self.at.code(c);
        let mut amid = self.page.is_some();
        c.flag(&mut amid);
        self.page = if amid { Some(self.page.unwrap_or(PageOp::BLANK)) } else { None };
        self.page.iter_mut().for_each(|page| page.code(c));
    }
}

impl MoveOp {
    const NO_RUN: Run = Run { first: None, sg: None, own: false };
    pub(crate) const BLANK: MoveOp = MoveOp {
        dst: MoveOp::NO_RUN,
        src: MoveOp::NO_RUN,
        pages: 1,
        rules: Rules(Variant::Checked),
        tt: Tt(None),
        at: 0,
        page: None,
    };

    /// A move about to be made.
    pub(crate) fn new((dst, src): (Run, Run), pages: u8, rules: Rules, tt: Tt) -> MoveOp {
        MoveOp { dst, src, pages, rules, tt, ..MoveOp::BLANK }
    }

    /// The first frames of both sides.
    fn ends(&self) -> impl Iterator<Item = ObjId> + use<> {
        [self.dst.first, self.src.first].into_iter().flatten().map(|first| first.obj)
    }

    /// What is to be done.
    fn plan(&self, program: &Program) -> Result<Plan, Error> {
        let pages = PageCount(u32::from(self.pages));
        let ((dst, to), (src, from)) = (self.dst.side(program, pages), self.src.side(program, pages));
        let request = Request::new(dst, src).tt(self.tt.0).variant(self.rules.0).capability(Capability::words_only());
        request.range(to, from, pages).plan()
    }

    /// A page is done. Whether there is another one nobody else can tell.
    fn go_on<R: Runtime>(&mut self, cx: &Cx<'_, R>) -> Flow {
        (self.page, self.at) = (None, self.at + 1);
        match self.next(cx.program, cx.world) {
            Next::Over(result) => Flow::Done(result),
            Next::Page(_) | Next::Crooked(_) | Next::Fault(_) => Flow::Go,
        }
    }

    /// What a kernel runs into that does not look first.
    fn oops<R: Runtime>(&self, cx: &mut Cx<'_, R>, fault: Fault) -> Flow {
        let (property, form) = match fault {
            Fault::OutsideAperture { .. } => (Property::OUT_OF_BOUNDS, Form::OUTSIDE_APERTURE),
            _ => (Property::NULL_DEREFERENCE, Form::PAST_LAST_SEGMENT),
        };
        let v = cx.violation_of(property);
        cx.note_violation(Violation { object: self.dst.sg.or(self.src.sg), form: Some(form), ..v });
        Flow::Done(Value::Word(0))
    }

    /// What comes next.
    fn next<R: Runtime>(&self, program: &Program, world: &World<R>) -> Next {
        let plan = match self.plan(program) {
            Ok(plan) => plan,
            Err(error) => return Next::Over(refused(error)),
        };
        let over = match plan.action() {
            Action::Nothing => 0,
            Action::LeaveAlone => 1,
            Action::Clear => 2,
            Action::Copy(_) => 3,
        };
        let step = match plan.steps().nth(usize::from(self.at)) {
            None => return Next::Over(Value::Word(over)),
            Some(Err(fault)) => return Next::Fault(fault),
            Some(Ok(step)) => step,
        };
        let frame = |run: &Run, place: Place| self.frame(run, place, program, world);
        match (frame(&self.dst, step.to), step.from.map(|from| frame(&self.src, from))) {
            (Some(to), Some(Some(from))) => Next::Page(PageOp::copy(to, from, false)),
            (Some(to), None) => Next::Page(PageOp::on(How::Clear, to, false)),
            _ => Next::Crooked(step),
        }
    }

    /// The frame that starts at a place, by the reference that the move has of it; none if none does.
    fn frame<R: Runtime>(&self, run: &Run, place: Place, program: &Program, world: &World<R>) -> Option<Handle> {
        let page = place.offset.page().filter(|_| place.offset.is_page_aligned())?;
        match run.first {
            Some(first) => frame::beside(world, program, first, u32::from(self.at)),
            None => {
                kind::at(program, place.space, page).map(|obj| Handle { obj, generation: world.generation_of(obj) })
            }
        }
    }

    /// A page that starts in the middle of another: what is there afterwards is torn, whatever there was.
    fn copy_crooked<R: Runtime>(&self, cx: &mut Cx<'_, R>, step: Step) {
        let judge = |cx: &mut Cx<'_, R>, place: Place, writes: bool| {
            for obj in frames_of(cx.program, place) {
                let now = Handle { obj, generation: cx.world.generation_of(obj) };
                Access::new(now, writes).judge(cx);
            }
        };
        judge(cx, step.to, true);
        step.from.iter().for_each(|from| judge(cx, *from, false));
        step.run_on(&mut Frames(cx));
        bytes::unknown(cx, frames_of(cx.program, step.to));
    }
}

/// What a move does next.
enum Next {
    /// A page.
    Page(PageOp),
    /// One that starts in the middle of a page.
    Crooked(Step),
    /// An oops: a kernel's rules trust their caller.
    Fault(Fault),
    /// Nothing: it comes to this.
    Over(Value),
}

/// The frames that a page at a place lies in.
fn frames_of(program: &Program, place: Place) -> impl Iterator<Item = ObjId> + use<'_> {
    let first = place.offset.page().unwrap_or_default();
    let second = first.forward(1).filter(|_| !place.offset.is_page_aligned());
    std::iter::once(first).chain(second).filter_map(move |page| kind::at(program, place.space, page))
}

/// Why no move was made.
fn refused(error: Error) -> Value {
    Value::from(match error {
        Error::SwappedOut => Errno::EAGAIN,
        Error::Unpopulated { .. } => Errno::ENODATA,
        _ => Errno::EINVAL,
    })
}

impl Protocol for MoveOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        let mut page = match self.page {
            Some(page) => page,
            None => {
                self.ends().for_each(|end| cx.touch(end));
                match self.next(cx.program, cx.world) {
                    Next::Page(page) => page,
                    Next::Over(result) => return Flow::Done(result),
                    Next::Fault(fault) => return self.oops(cx, fault),
                    Next::Crooked(step) => {
                        self.copy_crooked(cx, step);
                        return self.go_on(cx);
                    }
                }
            }
        };
        match page.step(cx) {
            Flow::Done(_) => self.go_on(cx),
            flow => {
                self.page = Some(page);
                flow
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        if let Some(page) = self.page {
            return page.footprint(v);
        }
        let f = self.ends().fold(Footprint::reads(v.my_task()), Footprint::read);
        match self.next(v.program, v.world) {
            Next::Page(page) => f.and(page.footprint(v)),
            Next::Crooked(step) => {
                let places = std::iter::once(step.to).chain(step.from);
                let frames = places.flat_map(|place| frames_of(v.program, place));
                frames.fold(f, |f, frame| f.and(frame::footprint(v, frame)))
            }
            Next::Fault(_) | Next::Over(_) => f,
        }
    }

    fn label(&self) -> &'static str {
        match self.page {
            Some(page) => page.label(),
            None => "ttm_move_memcpy: the next page",
        }
    }
}
