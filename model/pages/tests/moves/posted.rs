//! What is wrong or fragile in document 000's patch, each by the smallest case that shows it; and what was right.
//!
//! The first page of each aperture holds tag 200, the next 201, and so on; system pages 100, 101, ...

use crate::reference::{Memory, START, list_of_bytes, list_of_pages, numbered};
use fenceweave_pages::*;
use std::sync::Arc;

struct Rig {
    arena: Arc<Arena>,
    system: Memory,
    io: Memory,
}

impl Rig {
    /// So many system pages, and an aperture of so many.
    fn new(system: u32, io: u32) -> Rig {
        let arena = Arena::new(PageCount(system + 2)).unwrap();
        let rig = Rig { system: Memory::system(&arena, system), io: Memory::io(io), arena };
        rig.system.number(100);
        rig.io.number(200);
        rig
    }

    fn tt(&self) -> Buffer {
        Buffer::Tt(Arc::clone(self.system.pages_of()))
    }

    fn empty_tt(&self) -> Buffer {
        Buffer::Tt(SystemPages::unpopulated(&self.arena, PageCount(1)).unwrap())
    }

    fn scatter(&self, list: &Arc<ScatterList>) -> Buffer {
        Buffer::Scatter(Arc::clone(self.io.aperture()), Arc::clone(list))
    }
}

fn run(request: Request, dst: &Buffer, src: &Buffer) -> Result<Done, Stopped> {
    Move::new(request.plan().unwrap(), dst, src).unwrap().run()
}

fn posted(dst: &Buffer, src: &Buffer) -> Result<Done, Stopped> {
    run(Request::new(dst.side(), src.side()).variant(Variant::AsPosted), dst, src)
}

fn posted_on_32_bits(dst: &Buffer, src: &Buffer) -> Result<Done, Stopped> {
    run(Request::new(dst.side(), src.side()).variant(Variant::AsPosted).platform(Platform::Bits32), dst, src)
}

fn ours(dst: &Buffer, src: &Buffer) -> Result<Action, Error> {
    Request::new(dst.side(), src.side()).plan().map(|plan| plan.action())
}

/// Two segments of 4608 and 4096 bytes, of which two pages are asked for. The second page begins with the last 512
/// bytes of the first segment; `>> PAGE_SHIFT` has lost them.
#[test]
fn a_rest_of_a_page_is_shifted_away_and_the_next_page_is_another() {
    let rig = Rig::new(2, 4);
    let list = list_of_bytes(&[(0, 4096 + 512), (2 << 12, 4096)]);
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)).unwrap().written, PageCount(2));
    assert_eq!(rig.system.tags(), [Tag(200), Tag(202)]);
    assert_ne!(rig.system.page(PageIndex(1))[..512], rig.io.page(PageIndex(1))[..512], "what belongs there");
    let length = ByteLen(4096 + 512);
    assert_eq!(ours(&rig.tt(), &rig.scatter(&list)), Err(Error::MisalignedLength { segment: 0, length }));
}

/// Half a page, then a page; one page is asked for. The first segment has no pages, so it is never looked at.
#[test]
fn a_segment_shorter_than_a_page_is_passed_over() {
    let rig = Rig::new(1, 2);
    let list = list_of_bytes(&[(0, 2048), (1 << 12, 4096)]);
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)).unwrap().written, PageCount(1));
    assert_eq!(rig.system.tags(), [Tag(201)]);
    let length = ByteLen(2048);
    assert_eq!(ours(&rig.tt(), &rig.scatter(&list)), Err(Error::MisalignedLength { segment: 0, length }));
}

/// One segment that starts 512 bytes into the aperture. On 64 bits its bytes are copied; on 32 bits a page frame is
/// mapped, and the bytes are those from 0 on.
#[test]
fn a_segment_that_starts_inside_a_page_is_another_page_on_32_bits() {
    let rig = Rig::new(1, 2);
    let list = list_of_bytes(&[(512, 4096)]);
    let io = rig.scatter(&list);
    posted(&rig.tt(), &io).unwrap();
    assert_eq!(rig.system.page(PageIndex(0))[..4096 - 512], rig.io.page(PageIndex(0))[512..]);
    posted_on_32_bits(&rig.tt(), &io).unwrap();
    assert_eq!(rig.system.tags(), [Tag(200)]);
    assert_eq!(ours(&rig.tt(), &io), Err(Error::MisalignedStart { segment: 0 }));
}

/// The same in an aperture of one page: on 64 bits nobody looks, and 512 bytes are from behind its end.
#[test]
fn a_segment_that_ends_outside_is_not_looked_at() {
    let rig = Rig::new(1, 1);
    let list = list_of_bytes(&[(512, 4096)]);
    let fault = Fault::OutsideAperture { page: PageIndex(0), offset: ByteOffset(512) };
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)), Err(Stopped { fault, written: PageCount(0) }));
}

/// A segment below the start: the difference is unsigned, and the "offset" nearly 2^64.
#[test]
fn a_segment_before_the_start_wraps_around() {
    let rig = Rig::new(1, 1);
    let list = list_of_bytes(&[(-4096, 4096)]);
    let fault = |offset| Fault::OutsideAperture { page: PageIndex(0), offset: ByteOffset(offset) };
    let stopped = |offset| Err(Stopped { fault: fault(offset), written: PageCount(0) });
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)), stopped(u64::MAX - 4095));
    assert_eq!(posted_on_32_bits(&rig.tt(), &rig.scatter(&list)), stopped(u64::from(u32::MAX) - 4095));
    assert!(matches!(ours(&rig.tt(), &rig.scatter(&list)), Err(Error::OutsideAperture { segment: 0, .. })));
}

/// Two pages to write, one to read. There is no error path: the first is written, then a NULL is dereferenced.
#[test]
fn a_source_shorter_than_the_destination_is_found_out_half_way() {
    let rig = Rig::new(2, 2);
    let list = list_of_pages(&[(1, 1)]);
    let stopped = Stopped { fault: Fault::NullSegment { page: PageIndex(1) }, written: PageCount(1) };
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)), Err(stopped));
    assert_eq!(rig.system.tags(), [Tag(201), Tag(101)]);
    let (destination, source) = (PageCount(2), PageCount(1));
    assert_eq!(ours(&rig.tt(), &rig.scatter(&list)), Err(Error::SizeMismatch { destination, source }));
}

/// The other kind of source: an index past the array of pages.
#[test]
fn a_page_array_shorter_than_the_destination_is_overrun() {
    let rig = Rig::new(1, 2);
    let stopped = Stopped { fault: Fault::PageArrayOverrun { page: PageIndex(1) }, written: PageCount(1) };
    assert_eq!(posted(&rig.scatter(&list_of_pages(&[(0, 2)])), &rig.tt()), Err(stopped));
}

/// One page to write, two to read: the second is lost, and nobody is told.
#[test]
fn a_source_longer_than_the_destination_is_cut() {
    let rig = Rig::new(1, 2);
    let list = list_of_pages(&[(0, 2)]);
    assert_eq!(posted(&rig.tt(), &rig.scatter(&list)).unwrap().written, PageCount(1));
    let (destination, source) = (PageCount(1), PageCount(2));
    assert_eq!(ours(&rig.tt(), &rig.scatter(&list)), Err(Error::SizeMismatch { destination, source }));
}

/// A segment 4 GiB into the aperture: in a 32-bit `pgoff_t` the byte offset is 0. (No memory of that size is needed:
/// the plan's first step says where it reads.)
#[test]
fn a_byte_offset_in_a_pgoff_t_is_cut_at_4_gib_on_32_bits() {
    let four_gib = 4_u64 << 30;
    let list = Arc::new(
        ScatterList::new([Segment { address: BusAddress(START.0 + four_gib), len: ByteLen(4096) }], START).unwrap(),
    );
    let io = Side::scatter(SpaceId(1), list, ByteLen(four_gib + 4096), PageCount(1));
    let from = |request: Request| request.plan().unwrap().steps().next().unwrap().unwrap().from.unwrap().offset;
    let request = Request::new(Side::tt(SpaceId(2), PageCount(1), true), io);
    for variant in [Variant::AsPosted, Variant::Upstream] {
        let request = request.clone().variant(variant);
        assert_eq!(from(request.clone()), ByteOffset(four_gib));
        assert_eq!(from(request.platform(Platform::Bits32)), ByteOffset(0));
    }
    assert_eq!(from(request), ByteOffset(four_gib));
}

/// One page of I/O memory to another: `i915_memcpy_from_wc()` is handed `new_map.vaddr`, from which it cannot know that
/// it is `__iomem`. Upstream does the same, and for pages that come from memory too.
#[test]
fn io_memory_is_written_by_plain_stores() {
    let rig = Rig::new(1, 2);
    let (dst, src) = (rig.scatter(&list_of_pages(&[(0, 1)])), rig.scatter(&list_of_pages(&[(1, 1)])));
    let wrong = |variant, capability, src: &Buffer| {
        let request = Request::new(dst.side(), src.side()).variant(variant).capability(capability);
        run(request, &dst, src).unwrap().wrong_accessor.0
    };
    let plain = u32::from(Capability::probe().streaming().is_some());
    assert_eq!(wrong(Variant::AsPosted, Capability::probe(), &src), plain);
    assert_eq!(wrong(Variant::AsPosted, Capability::words_only(), &src), 0);
    assert_eq!(wrong(Variant::AsPosted, Capability::probe(), &rig.tt()), 0);
    assert_eq!(wrong(Variant::Upstream, Capability::probe(), &src), plain);
    assert_eq!(wrong(Variant::Upstream, Capability::probe(), &rig.tt()), plain);
    assert_eq!(wrong(Variant::Checked, Capability::probe(), &src), 0);
    assert_eq!(rig.io.tags(), [Tag(201), Tag(201)]);
}

/// A destination that is ordinary memory, and whose manager does not use `tt`: it is cleared by `memset_io()` of the
/// union's other member. Right on x86, like the one above.
#[test]
fn memory_is_cleared_as_if_it_were_io_memory() {
    let rig = Rig::new(1, 1);
    let memory = Buffer::Memory(Arc::clone(rig.system.pages_of()));
    let empty = rig.empty_tt();
    let wrong = |variant| {
        let request = Request::new(memory.side(), empty.side()).variant(variant).tt(None);
        run(request, &memory, &empty).unwrap().wrong_accessor.0
    };
    assert_eq!([Variant::AsPosted, Variant::Upstream, Variant::Checked].map(wrong), [1, 0, 0]);
    assert_eq!(rig.system.tags(), [Tag::ZERO]);
}

/// Whether there is anything to do is asked of the managers. If both use `tt`, but one side's pages lie elsewhere (a
/// driver's own), the contents stay behind. Upstream asks the iterators.
#[test]
fn a_manager_that_uses_tt_is_taken_for_pages_that_are_the_buffers() {
    let rig = Rig::new(1, 1);
    let (io, tt) = (rig.scatter(&list_of_pages(&[(0, 1)])), rig.tt());
    let side = Side { manager_uses_tt: true, ..io.side() };
    let request = Request::new(side, tt.side());
    assert_eq!(run(request.clone().variant(Variant::AsPosted), &io, &tt).unwrap().action, Action::Nothing);
    assert_eq!(rig.io.tags(), [Tag(200)]);
    run(request.variant(Variant::Upstream), &io, &tt).unwrap();
    assert_eq!(rig.io.tags(), [Tag(100)]);
}

/// One page whose contents are in swap. It is not populated, so it is taken for one that never had any.
#[test]
fn contents_in_swap_are_taken_for_none() {
    let rig = Rig::new(1, 1);
    let (io, empty) = (rig.scatter(&list_of_pages(&[(0, 1)])), rig.empty_tt());
    for (zero_alloc, action) in [(true, Action::Clear), (false, Action::LeaveAlone)] {
        let request = Request::new(io.side(), empty.side()).tt(Some(TtFlags { swapped: true, zero_alloc }));
        assert_eq!(run(request.clone().variant(Variant::AsPosted), &io, &empty).unwrap().action, action);
        assert_eq!(request.clone().variant(Variant::Upstream).plan(), Err(Error::SwappedOut));
        assert_eq!(request.plan(), Err(Error::SwappedOut));
    }
}

/// A destination without pages yet: `kmap_local_page(NULL)`.
#[test]
fn a_destination_that_is_not_populated_is_dereferenced() {
    let rig = Rig::new(1, 1);
    let (io, empty) = (rig.scatter(&list_of_pages(&[(0, 1)])), rig.empty_tt());
    let stopped = Stopped { fault: Fault::NullPage { page: PageIndex(0) }, written: PageCount(0) };
    assert_eq!(posted(&empty, &io), Err(stopped));
    assert_eq!(ours(&empty, &io), Err(Error::Unpopulated { which: Which::Destination }));
}

/// Two pages, moved up by one inside an aperture: the second was overwritten before it is read.
#[test]
fn overlapping_ranges_are_copied_upward_over_themselves() {
    let rig = Rig::new(1, 3);
    let (dst, src) = (rig.scatter(&list_of_pages(&[(1, 2)])), rig.scatter(&list_of_pages(&[(0, 2)])));
    posted(&dst, &src).unwrap();
    assert_eq!(rig.io.tags(), [Tag(200), Tag(200), Tag(200)]);
    assert_eq!(ours(&dst, &src), Err(Error::Overlap { at: ByteOffset(1 << 12) }));
}

/// What the patch is about, and gets right: nothing to do, clear, leave alone, copy; all three variants alike.
#[test]
fn on_good_input_all_variants_do_the_same() {
    for variant in [Variant::Checked, Variant::AsPosted, Variant::Upstream] {
        let rig = Rig::new(1, 1);
        let (io, tt, empty) = (rig.scatter(&list_of_pages(&[(0, 1)])), rig.tt(), rig.empty_tt());
        let act = |dst: &Buffer, src: &Buffer, tt: Option<TtFlags>| {
            run(Request::new(dst.side(), src.side()).variant(variant).tt(tt), dst, src).unwrap().action
        };
        let flags = |zero_alloc| Some(TtFlags { zero_alloc, swapped: false });
        assert_eq!(act(&tt, &empty, flags(true)), Action::Nothing);
        assert_eq!(rig.system.tags(), [Tag(100)]);
        assert_eq!(act(&io, &empty, flags(false)), Action::LeaveAlone);
        assert_eq!(rig.io.tags(), [Tag(200)]);
        assert!(matches!(act(&tt, &io, flags(false)), Action::Copy(_)));
        assert_eq!(rig.system.tags(), [Tag(200)]);
        assert_eq!(act(&io, &empty, flags(true)), Action::Clear);
        assert_eq!(rig.io.tags(), [Tag::ZERO]);
        rig.io.set(&numbered(PageCount(1), 300));
        assert_eq!(act(&io, &empty, None), Action::Clear);
        assert_eq!(rig.io.tags(), [Tag::ZERO]);
        assert!(matches!(act(&io, &tt, flags(true)), Action::Copy(_)));
        assert_eq!(rig.io.tags(), [Tag(200)]);
    }
}
