//! What is fixed about a pool of frames, and about a frame.

use crate::{
    Kind, ObjId, Program, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Args, Opt, Takes, flag, option},
};
use fenceweave_pages::{BusAddress, ByteLen, PAGE_SIZE, PageIndex, ScatterList, Segment, SpaceId};
use std::{fmt, sync::Arc};

/// Most frames of one pool.
pub const MAX_FRAMES: u8 = 32;

/// What sort of memory it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sort {
    /// System memory: `struct page`s. What is freed is not touched.
    #[default]
    System,
    /// Memory of a graphics card, reached through an aperture. Who frees it says nothing about a copy that still reads
    /// it (pipelined eviction): that is between this one and the next owner.
    Vram,
    /// System memory that the firmware has set aside, without `struct page`s: as VRAM, reached through an aperture.
    Stolen,
}

impl Sort {
    const WORDS: &[&'static str] = &["system", "vram", "stolen"];

    fn named(args: &Args) -> Sort {
        match args.word("kind") {
            Some("vram") => Sort::Vram,
            Some("stolen") => Sort::Stolen,
            _ => Sort::System,
        }
    }

    /// Whether an access needs I/O accessors.
    pub fn is_io(self) -> bool {
        self != Sort::System
    }
}

const KIND: Opt = option(
    "kind",
    Takes::OneOf(Sort::WORDS),
    "`system`, also without it: nobody touches what is freed; `vram` and `stolen`: memory behind an aperture, where the free \
     itself forbids nothing, and the next owner's first access comes after the former one's last",
);

const CACHES: Opt = flag(
    "caches",
    "CPUs have caches and write buffers beside it, and devices may not look into those: what is there is looked at. The kernel's \
     own mapping stays cached beside mappings that are not, as on arm64, and what comes of that is told, not that it is so",
);

/// Whether a declaration of several objects asks for caches.
pub fn caches_of(args: &Args) -> bool {
    args.flag("caches")
}

/// How a mapping of a page is cached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Caching {
    /// As memory is.
    #[default]
    Cached,
    /// Writes are gathered, reads are not cached.
    WriteCombined,
    /// Nothing is.
    Uncached,
}

impl Caching {
    /// As they are written, and as their numbers are.
    pub const WORDS: &[&'static str] = &["cached", "wc", "uc"];
    const ALL: [Caching; 3] = [Caching::Cached, Caching::WriteCombined, Caching::Uncached];

    /// The one that is said; cached if none is.
    pub fn named(word: Option<&str>) -> Caching {
        let at = Caching::WORDS.iter().position(|known| Some(*known) == word);
        at.map_or(Caching::Cached, |at| Caching::ALL[at])
    }

    /// The one of a number.
    pub(crate) fn numbered(number: u32) -> Option<Caching> {
        Caching::ALL.get(number as usize).copied()
    }
}

/// A pool of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// What sort of memory.
    pub sort: Sort,
    /// Its first frame.
    pub frames: ObjId,
    /// How many it has.
    pub pages: u8,
    /// The number of its first frame (`page_to_pfn()`).
    pub base: u16,
}

/// What a program's hash is made of: memory without caches is told from others by nothing new.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { sort, pool, place, caches } = self;
        let mut out = f.debug_struct("Frame");
        out.field("sort", sort).field("pool", pool).field("place", place);
        if *caches {
            out.field("caches", caches);
        }
        out.finish()
    }
}

impl Memory {
    /// A frame of it.
    pub(crate) fn frame(&self, place: u32) -> Option<ObjId> {
        (place < u32::from(self.pages)).then(|| self.frames.offset(place as usize))
    }
}

/// A frame: one of a pool, or one that is there from the start and never anybody else's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What sort of memory it is in.
    pub sort: Sort,
    /// Its pool.
    pub pool: Option<ObjId>,
    /// Its place there.
    pub place: u8,
    /// CPUs have caches beside it, which are looked at.
    pub caches: bool,
}

/// Where in an aperture the pages of a buffer lie, as a driver was told: it may be wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SgList {
    /// The memory behind the aperture.
    pub pool: ObjId,
    /// The segments; the aperture starts at address 0.
    pub list: Arc<ScatterList>,
}

impl SgList {
    /// The list that a text says, `FIRST:PAGES` for each segment in its order, `.5` behind either for half a page more;
    /// nothing if it says none.
    pub fn parse(pool: ObjId, said: &str) -> Option<SgList> {
        let segments: Option<Vec<Segment>> = said.split_whitespace().map(segment).collect();
        let list = ScatterList::new(segments?, BusAddress(0)).ok()?;
        Some(SgList { pool, list: Arc::new(list) })
    }
}

/// Most pages that a segment says.
const MAX_SAID: u64 = 1000;

fn segment(said: &str) -> Option<Segment> {
    let bytes = |said: &str| {
        let (whole, half) = said.strip_suffix(".5").map_or((said, 0), |whole| (whole, PAGE_SIZE as u64 / 2));
        Some(whole.parse::<u64>().ok().filter(|pages| *pages <= MAX_SAID)? * PAGE_SIZE as u64 + half)
    };
    let (first, len) = said.split_once(':')?;
    Some(Segment { address: BusAddress(bytes(first)?), len: ByteLen(bytes(len)?) })
}

/// What is fixed about a frame.
pub(crate) fn of(program: &Program, frame: ObjId) -> Frame {
    let none = Frame { sort: Sort::System, pool: None, place: 0, caches: false };
    program.fixed::<Frame>(frame).copied().unwrap_or(none)
}

/// The memory that a frame lies in, as page copies know it, and where.
pub(crate) fn place(program: &Program, frame: ObjId) -> (SpaceId, PageIndex) {
    let of = of(program, frame);
    let space = of.pool.unwrap_or(frame);
    (SpaceId(u64::from(space.number())), PageIndex(u32::from(of.place)))
}

/// The frame at a place.
pub(crate) fn at(program: &Program, space: SpaceId, page: PageIndex) -> Option<ObjId> {
    let id = ObjId::numbered(u16::try_from(space.0).ok()?);
    match program.fixed::<Memory>(id) {
        Some(pool) => pool.frame(page.0),
        None => program.is::<Frame>(id).then_some(id),
    }
}

/// From where on frames without a pool have their numbers.
const ALONE: i32 = 1 << 16;

/// The frame of that number (`pfn_to_page()`).
pub(crate) fn numbered(program: &Program, pfn: i32) -> Option<ObjId> {
    if pfn >= ALONE {
        let id = ObjId::numbered(u16::try_from(pfn - ALONE).ok()?);
        return program.is::<Frame>(id).then_some(id);
    }
    let mut pools = program.all::<Memory>().filter_map(|pool| program.fixed::<Memory>(pool));
    pools.find_map(|pool| pool.frame(u32::try_from(pfn).ok()?.checked_sub(u32::from(pool.base))?))
}

/// The number of a frame (`page_to_pfn()`).
pub(crate) fn number(program: &Program, frame: ObjId) -> i32 {
    let of = of(program, frame);
    match of.pool.and_then(|pool| program.fixed::<Memory>(pool)) {
        Some(pool) => i32::from(pool.base) + i32::from(of.place),
        None => ALONE + i32::from(frame.number()),
    }
}

impl Declared for Memory {
    const ROW: KindRow = KindRow {
        name: "memory",
        one: "a memory",
        sample: Some(("ram", "pages=2")),
        decls: &[DeclRow {
            name: "memory",
            kind: Some(Kind::Memory),
            options: &[
                Opt {
                    required: true,
                    ..option("pages", Takes::Number { min: 1, max: MAX_FRAMES as i32 }, "how many frames it has")
                },
                KIND,
                CACHES,
                option("at", Takes::Value, "which device of the `pci-tree` it is on"),
                option(
                    "base",
                    Takes::Number { min: 1, max: u16::MAX as i32 / 2 },
                    "the number of its first frame, as `page-to-pfn` tells it; without it pools begin at 100, 200, and so on",
                ),
            ],
            meaning: "a pool of frames, to be had by `frames-alloc`: what one holds at first is nobody's",
            kernel: "struct zone; struct ttm_resource_manager",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Memory<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Memory<R> {
        super::Memory::new()
    }
}

impl Declared for Frame {
    const ROW: KindRow = KindRow {
        name: "frame",
        one: "a frame",
        sample: Some(("page", "")),
        facets: &["life", "contents", "pins", "line", "buffer"],
        runs_out: "for a third device that reads a frame, a job behind a fence on memory with caches, or to tell the next owner's frame \
                   from those before",
        decls: &[DeclRow {
            name: "frame",
            kind: Some(Kind::Frame),
            options: &[KIND, CACHES],
            meaning: "a frame that is there from the start, with zeroes, and stays",
            kernel: "struct page",
            make: Some(|args| {
                let (sort, caches) = (Sort::named(args), caches_of(args));
                Frame { sort, pool: None, place: 0, caches }.into()
            }),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Frame<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Frame<R> {
        super::Frame::new(self.pool.is_none())
    }
}

impl Declared for SgList {
    const ROW: KindRow = KindRow {
        name: "sg-list",
        one: "an sg-list",
        decls: &[DeclRow {
            name: "sg-list",
            kind: Some(Kind::SgList),
            options: &[
                Opt {
                    required: true,
                    ..option(
                        "memory",
                        Takes::Object(&[Kind::Memory]),
                        "the memory, `vram` or `stolen`, behind the aperture",
                    )
                },
                Opt {
                    required: true,
                    ..option(
                        "segments",
                        Takes::Value,
                        "`\"5:2 1:1\"`: the first page of each in the aperture, and how many there are; `.5` behind a number is half a page more. \
                         Nobody looks whether that is so",
                    )
                },
            ],
            meaning: "where in an aperture the pages of a buffer lie, for `pages-move`",
            kernel: "struct sg_table",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::SgList<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::SgList<R> {
        super::SgList::new()
    }
}

/// The sort of memory that a declaration of several objects names.
pub fn sort_of(args: &Args) -> Sort {
    Sort::named(args)
}
