//! What a script may do with frames.

use super::{
    fill::FillOp,
    frame::MAX_TAG,
    kind::{self, Caching, MAX_FRAMES},
    moves::{MoveOp, Rules, Run, Tt},
    page::{How, PageOp},
    pool::PoolOp,
};
use crate::{
    Handle, Machine, Op, Operand, Property, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Row, Shows},
    },
    machine::Fault,
    primitives::alloc::ops::NEW_GFP,
    program::Kind,
};

/// `frames-alloc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FramesAlloc {
    /// The pool.
    pub pool: Operand,
    /// How many.
    pub count: Operand,
    /// From which place on.
    pub place: Option<Operand>,
    /// They are cleared.
    pub zeroed: bool,
}

/// How many frames an operand says.
fn count_of(with: &Resolver<'_>, count: Operand) -> Resolved<u8> {
    match with.word(count)? {
        n @ 1.. => u8::try_from(n).map_err(|_| Fault::new(Property::OUT_OF_BOUNDS, None)),
        _ => Err(Fault::new(Property::OUT_OF_BOUNDS, None)),
    }
}

/// The frame that an operand refers to, as of which generation.
pub(crate) fn frame_of(with: &Resolver<'_>, frame: Operand) -> Resolved<Handle> {
    with.of_kind(frame, Kind::Frame)?;
    with.handle(frame)
}

fn fence_of(with: &Resolver<'_>, fence: Operand) -> Resolved<Handle> {
    with.of_kind(fence, Kind::Fence)?;
    with.handle(fence)
}

/// The tag that an operand says.
pub(super) fn tag_of(with: &Resolver<'_>, tag: Operand) -> Resolved<u32> {
    match with.word(tag)? {
        tag @ 0..=MAX_TAG => Ok(tag as u32),
        _ => Err(Fault::new(Property::CAPACITY_EXCEEDED, None)),
    }
}

impl Operation for FramesAlloc {
    fn row(&self) -> Row {
        Row { memory_first: true, ..Row::of([Some(self.pool), Some(self.count), self.place, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let pool = with.of_kind(self.pool, Kind::Memory)?;
        let outside = Fault::new(Property::OUT_OF_BOUNDS, Some(pool));
        let of = with.program.fixed::<kind::Memory>(pool).ok_or(outside)?;
        let place = match self.place {
            None => None,
            Some(place) => Some(u32::try_from(with.word(place)?).ok().and_then(|at| of.frame(at)).ok_or(outside)?),
        };
        Ok(PoolOp::alloc(pool, (count_of(with, self.count)?, place), self.zeroed).into())
    }
}

/// `frames-free`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FramesFree {
    /// The first.
    pub frame: Operand,
    /// How many.
    pub count: Operand,
}

impl Operation for FramesFree {
    fn row(&self) -> Row {
        Row::on_both(self.frame, self.count)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let first = frame_of(with, self.frame)?;
        let pool = kind::of(with.program, first.obj).pool.unwrap_or(first.obj);
        Ok(PoolOp::free(pool, first, count_of(with, self.count)?).into())
    }
}

/// `page-write`, `page-read`, `page-clear`, `page-copy`; `frame-pin`, `kmap-local`, `nth-page`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Which of them.
    pub how: How,
    /// The frame.
    pub frame: Operand,
    /// What is copied.
    pub from: Option<Operand>,
    /// What is written, or how far another one is.
    pub number: Option<Operand>,
    /// A race is meant.
    pub racing: bool,
}

impl Operation for Page {
    fn row(&self) -> Row {
        let result = if matches!(self.how, How::Read | How::Beside) { Shows::Answer } else { Shows::Success };
        let looks = matches!(self.how, How::Read | How::Write | How::Clear | How::Copy);
        let chooses = looks.then_some((Fall::Cache, 1));
        Row { result, chooses, ..Row::of([Some(self.frame), self.from, self.number, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let frame = frame_of(with, self.frame)?;
        if let Some(from) = self.from {
            return Ok(PageOp::copy(frame, frame_of(with, from)?, self.racing).into());
        }
        let tag = self.number.map_or(Ok(0), |number| tag_of(with, number))?;
        Ok(PageOp::on(self.how, frame, self.racing).with(tag).into())
    }
}

/// `frame-fill`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// The frame.
    pub frame: Operand,
    /// What is written.
    pub tag: Option<Operand>,
    /// Or where it comes from.
    pub from: Option<Operand>,
    /// Until when.
    pub fence: Operand,
    /// What the device waits for first.
    pub after: Option<Operand>,
}

impl Operation for Fill {
    fn row(&self) -> Row {
        Row::of([Some(self.frame), Some(self.fence), self.from, self.after])
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let maybe = |o: Option<Operand>, what: fn(&Resolver<'_>, Operand) -> Resolved<Handle>| match o {
            None => Ok(None),
            Some(o) if with.value(o)? == Value::Null => Ok(None),
            Some(o) => what(with, o).map(Some),
        };
        let tag = self.tag.map_or(Ok(0), |tag| tag_of(with, tag))?;
        let (frame, fence) = (frame_of(with, self.frame)?, fence_of(with, self.fence)?);
        let (from, after) = (maybe(self.from, frame_of)?, maybe(self.after, fence_of)?);
        Ok(FillOp::new(frame, tag, fence, after).from(from).into())
    }
}

/// `pages-move`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The first frame that is written, or NULL.
    pub dst: Operand,
    /// The first that is read, or NULL.
    pub src: Operand,
    /// Whether they are the moving buffer's own, where they are system memory.
    pub own: (bool, bool),
    /// How many there are.
    pub count: Operand,
    /// Whose rules it follows.
    pub rules: Rules,
    /// What is known of the buffer's own pages.
    pub tt: Tt,
}

impl Operation for Move {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, ..Row::of([Some(self.dst), Some(self.src), Some(self.count), None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let run = |o: Operand, own: bool| match with.value(o)? {
            Value::Null | Value::Word(0) => Ok(Run { first: None, sg: None, own }),
            _ => Ok(match with.of_kinds(o, &[Kind::Frame, Kind::SgList])? {
                sg if with.kind(sg) == Some(Kind::SgList) => Run { first: None, sg: Some(sg), own },
                _ => Run { first: Some(with.handle(o)?), sg: None, own },
            }),
        };
        let sides = (run(self.dst, self.own.0)?, run(self.src, self.own.1)?);
        Ok(MoveOp::new(sides, count_of(with, self.count)?, self.rules, self.tt).into())
    }
}

/// `page-to-pfn`, `pfn-to-page`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number {
    /// A frame, or the number of one.
    pub of: Operand,
    /// It is a number.
    pub to_page: bool,
}

impl Operation for Number {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, ..Row::on(self.of) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        if !self.to_page {
            let frame = frame_of(with, self.of)?;
            return Ok(PageOp::on(How::ToPfn, frame, false).into());
        }
        let pfn = with.word(self.of)?;
        let found = kind::numbered(with.program, pfn).ok_or(Fault::new(Property::OUT_OF_BOUNDS, None))?;
        Ok(PageOp::on(How::ToPage, Handle::place(found), false).into())
    }
}

fn moved(args: &Args) -> Op {
    let own = (!args.flag("dst-other"), !args.flag("src-other"));
    let (rules, tt) = (Rules::named(args.word("rules")), Tt::named(args.word("tt")));
    Move { dst: args.object("dst"), src: args.object("src"), own, count: count(args), rules, tt }.into()
}

const POOL: Param = operand("memory", Takes::Object(&[Kind::Memory]));
const FRAME: Param = operand("frame", Takes::Object(&[Kind::Frame]));
const FROM: Param = operand("from", Takes::Object(&[Kind::Frame]));
const TAG: Param = operand("contents", Takes::Value);
const BY: Param = operand("by", Takes::Value);
const PFN: Param = operand("pfn", Takes::Value);

const COUNT: Opt = option("n", Takes::Value, "how many, in a row; one without it");
const RACING: Opt = flag(
    "data-race",
    "a race of this access is meant (`data_race()`): a torn page reads as -1, and what a cache has of before is read",
);

/// One, where nothing is said.
fn count(args: &Args) -> Operand {
    args.optional("n").unwrap_or(Operand::Const(Value::Word(1)))
}

fn page(args: &Args, how: How) -> Op {
    let number = args.optional("contents").or(args.optional("by"));
    let racing = args.flag("data-race");
    Page { how, frame: args.object("frame"), from: args.optional("from"), number, racing }.into()
}

fn fill(args: &Args) -> Op {
    let (tag, from, after) = (args.optional("contents"), args.optional("from"), args.optional("after"));
    Fill { frame: args.object("frame"), tag, from, fence: args.object("fence"), after }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "frames-alloc",
        &[POOL],
        "allocates frames: the first that are free, in a row. What they hold is a former owner's, or nobody's",
        "alloc_page() alloc_pages() drm_buddy_alloc_blocks() drm_mm_insert_node()",
        |args| {
            let (count, place) = (count(args), args.optional("place"));
            FramesAlloc { pool: args.object("memory"), count, place, zeroed: args.flag("zero") }.into()
        },
    )
    .options(&[
        COUNT,
        option("place", Takes::Value, "from which place on, counted from 0"),
        flag("zero", "they are cleared first (`__GFP_ZERO`)"),
        NEW_GFP,
    ])
    .returns("the first, or what there is no room for: NULL, of memory behind an aperture -ENOSPC")
    .fails(Value::Null),
    OpSpec::new(
        "frames-free",
        &[FRAME],
        "gives frames back",
        "__free_page() __free_pages() drm_buddy_free_list() drm_mm_remove_node()",
        |args| FramesFree { frame: args.object("frame"), count: count(args) }.into(),
    )
    .options(&[COUNT]),
    OpSpec::new(
        "nth-page",
        &[FRAME, BY],
        "finds the frame so many places further on",
        "nth_page()",
        |args| page(args, How::Beside),
    )
    .returns("that frame"),
    OpSpec::new("page-to-pfn", &[FRAME], "tells the number of a frame", "page_to_pfn()", |args| {
        Number { of: args.object("frame"), to_page: false }.into()
    })
    .returns("the number"),
    OpSpec::new("pfn-to-page", &[PFN], "finds the frame of a number, whoever has it now", "pfn_to_page()", |args| {
        Number { of: args.object("pfn"), to_page: true }.into()
    })
    .returns("the frame"),
    OpSpec::new(
        "page-write",
        &[FRAME, TAG],
        "writes a page, in two halves: what it holds then is told by a number",
        "",
        |args| page(args, How::Write),
    )
    .options(&[RACING]),
    OpSpec::new("page-read", &[FRAME], "reads a page", "", |args| page(args, How::Read))
        .options(&[RACING])
        .returns("the number of what it holds, 0 for zeroes"),
    OpSpec::new("page-clear", &[FRAME], "clears a page, in two halves", "clear_page() clear_highpage() memset_io()", |args| {
        page(args, How::Clear)
    })
    .options(&[RACING]),
    OpSpec::new(
        "page-copy",
        &[FRAME, FROM],
        "copies a page over the first one, in two halves",
        "copy_page() copy_highpage() memcpy_toio() memcpy_fromio()",
        |args| page(args, How::Copy),
    )
    .options(&[RACING]),
    OpSpec::new(
        "pages-move",
        &[operand("dst", Takes::Value), operand("src", Takes::Value)],
        "moves a buffer's pages, one after the other from these frames on, as its own rules say: clears, copies, or leaves          them alone. A side is the first frame, or an sg-list; NULL one whose pages are not there",
        "ttm_bo_move_memcpy() ttm_move_memcpy()",
        moved,
    )
    .options(&[
        COUNT,
        option(
            "rules",
            Takes::OneOf(Rules::WORDS),
            "whose: `upstream`, `as-posted` (the patch of May 2021, `i915_ttm_move_memcpy()`), or without it `checked`, which looks at              everything first",
        ),
        option(
            "tt",
            Takes::OneOf(Tt::WORDS),
            "what the buffer has of pages of its own (`bo->ttm`): none, `plain` ones (also without it), such that asked for zeroes,              and such that are swapped out",
        ),
        flag("dst-other", "system memory that is written is not the buffer's own pages"),
        flag("src-other", "nor is what is read"),
    ])
    .returns(
        "0 if there is nothing to do, 1 if the destination is left alone, 2 if it was cleared, 3 if it was copied; -EAGAIN of what is          swapped out, -ENODATA of pages that are not there, -EINVAL",
    ),
    OpSpec::new(
        "frame-fill",
        &[FRAME],
        "a device writes a frame from here on, until a fence has signalled",
        "",
        fill,
    )
    .options(&[
        Opt { required: true, ..option("fence", Takes::Object(&[Kind::Fence]), "until when") },
        option("contents", Takes::Value, "the number of what it writes; zeroes without it"),
        option("from", Takes::Object(&[Kind::Frame]), "what it writes is what is there, which it reads until then"),
        option(
            "after",
            Takes::Object(&[Kind::Fence]),
            "what the device waits for before it begins, besides earlier fences of the same context; or NULL",
        ),
    ]),
    OpSpec::new("frame-pin", &[FRAME], "pins a frame: it is not freed meanwhile", "pin_user_pages()", |args| {
        page(args, How::Pin)
    }),
    OpSpec::new(
        "set-page-caching",
        &[FRAME],
        "says how the kernel's own mapping of all memory has a frame of system memory, which it caches before; it has to again when \
         the frame is freed",
        "set_pages_array_wc() set_pages_array_uc() set_pages_array_wb() set_pages_wb() set_memory_wc() set_memory_uc() set_memory_wb()",
        |args| {
            let caching = Caching::named(args.word("caching")) as i32;
            let number = Some(Operand::Const(Value::Word(caching)));
            Page { how: How::SetCaching, frame: args.object("frame"), from: None, number, racing: false }.into()
        },
    )
    .options(&[Opt { required: true, ..option("caching", Takes::OneOf(Caching::WORDS), "how: `cached`, write-combined, uncached") }]),
    OpSpec::new("frame-unpin", &[FRAME], "unpins it", "unpin_user_page()", |args| page(args, How::Unpin)),
    OpSpec::new(
        "kmap-local",
        &[FRAME],
        "maps a frame for this thread, above what it has mapped",
        "kmap_local_page() io_mapping_map_local_wc()",
        |args| page(args, How::Map),
    ),
    OpSpec::new(
        "kunmap-local",
        &[FRAME],
        "undoes the mapping made last",
        "kunmap_local() io_mapping_unmap_local()",
        |args| page(args, How::Unmap),
    ),
];

/// A count that an option can say: no pool has more.
const _: () = assert!(MAX_FRAMES <= 32);
