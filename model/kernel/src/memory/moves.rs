//! A move of a buffer's pages: `ttm_bo_move_memcpy()`, and what document 000 had in its place. What is to be done is a
//! plan of `fenceweave-pages`; it is done a page at a time, each in two halves.

use super::{
    frame, kind,
    page::{How, PageOp},
};
use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, Handle, ObjId, Program, Runtime, Value, View, World, protocol::Protocol,
};
use fenceweave_pages::{
    Action, ByteOffset, Capability, Error, PageCount, PageIndex, Plan, Request, Side, SpaceId, Step, TtFlags, Variant,
};

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

/// One side of a move: the first of its frames, which lie in a row, or none: pages that are not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) first: Option<Handle>,
    /// They are the moving buffer's own pages, if they are system memory.
    pub(crate) own: bool,
}

impl Code for Run {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.first.code(c);
        c.flag(&mut self.own);
    }
}

/// The space of pages that are not there.
const NOWHERE: SpaceId = SpaceId(u64::MAX);

impl Run {
    /// The side, as a mover knows it: all of the memory that it lies in, and from where on it goes.
    fn side(&self, program: &Program, pages: PageCount) -> (Side, PageIndex) {
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
    const NO_RUN: Run = Run { first: None, own: false };
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

    /// What is done to the page that it is at; none if it is over, with what it comes to.
    fn next<R: Runtime>(&self, program: &Program, world: &World<R>) -> Result<PageOp, Value> {
        let plan = self.plan(program).map_err(refused)?;
        let over = match plan.action() {
            Action::Nothing => 0,
            Action::LeaveAlone => 1,
            Action::Clear => 2,
            Action::Copy(_) => 3,
        };
        let over = Err(Value::Word(over));
        let Some(Ok(step)) = plan.steps().nth(usize::from(self.at)) else { return over };
        let by = u32::from(self.at);
        let handle = |run: &Run| run.first.and_then(|first| frame::beside(world, program, first, by));
        let Some(to) = handle(&self.dst) else { return over };
        debug_assert!(is_at(program, &step, to.obj), "[internal bug] a plan and its frames are at different places");
        Ok(match step.from.and_then(|_| handle(&self.src)) {
            Some(from) => PageOp::copy(to, from, false),
            None => PageOp::on(How::Clear, to, false),
        })
    }
}

fn is_at(program: &Program, step: &Step, frame: ObjId) -> bool {
    kind::place(program, frame) == (step.to.space, step.to.offset.page().unwrap_or_default())
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
        let mut page = match self.page {
            Some(page) => page,
            None => {
                self.ends().for_each(|end| cx.touch(end));
                match self.next(cx.program, cx.world) {
                    Ok(page) => page,
                    Err(result) => return Flow::Done(result),
                }
            }
        };
        match page.step(cx) {
            Flow::Done(_) => {
                (self.page, self.at) = (None, self.at + 1);
                // Whether there is another page nobody else can tell.
                match self.next(cx.program, cx.world) {
                    Ok(_) => Flow::Go,
                    Err(result) => Flow::Done(result),
                }
            }
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
        self.next(v.program, v.world).map_or(f, |page| f.and(page.footprint(v)))
    }

    fn label(&self) -> &'static str {
        match self.page {
            Some(page) => page.label(),
            None => "ttm_move_memcpy: the next page",
        }
    }
}
