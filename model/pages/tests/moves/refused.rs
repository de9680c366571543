//! What cannot be moved whole is not begun: each mistake is an error of its own, and not one byte is written.

use crate::reference::{Memory, START, list_of_bytes, list_of_pages, numbered};
use fenceweave_pages::*;
use std::sync::Arc;

/// System pages, an aperture of eight, all numbered.
struct Rig {
    arena: Arc<Arena>,
    system: Memory,
    io: Memory,
}

impl Rig {
    fn new() -> Rig {
        let arena = Arena::new(PageCount(8)).unwrap();
        let rig = Rig { system: Memory::system(&arena, 4), io: Memory::io(8), arena };
        rig.system.number(100);
        rig.io.number(200);
        rig
    }

    fn memory(&self) -> Buffer {
        Buffer::Memory(Arc::clone(self.system.pages_of()))
    }

    fn scatter(&self, list: Arc<ScatterList>) -> Buffer {
        Buffer::Scatter(Arc::clone(self.io.aperture()), list)
    }

    /// Both ways round, by our rules: the same error each way, but for whose it is; and nothing written.
    fn refuses(&self, a: &Buffer, b: &Buffer) -> [Error; 2] {
        let errors = [(a, b), (b, a)].map(|(dst, src)| move_buffer(dst, src).expect_err("a move that cannot be made"));
        self.unchanged();
        errors
    }

    fn unchanged(&self) {
        assert!(self.system.holds(&numbered(self.system.pages, 100)));
        assert!(self.io.holds(&numbered(self.io.pages, 200)));
    }
}

#[test]
fn a_segment_outside_the_aperture() {
    let rig = Rig::new();
    for wrong in [(8, 1), (7, 2), (-1, 1)] {
        // Three good pages before it: a move that began would have written them.
        let list = list_of_bytes(&[(0, 3 << 12), (wrong.0 << 12, wrong.1 << 12)]);
        let expected = Error::OutsideAperture { segment: 1, aperture: ByteLen(8 << 12) };
        assert_eq!(rig.refuses(&rig.memory(), &rig.scatter(list)), [expected; 2]);
    }
}

#[test]
fn a_misaligned_start_or_length() {
    let rig = Rig::new();
    let start = list_of_bytes(&[(0, 3 << 12), ((4 << 12) + 16, 1 << 12)]);
    assert_eq!(rig.refuses(&rig.memory(), &rig.scatter(start)), [Error::MisalignedStart { segment: 1 }; 2]);
    for length in [0, 4095, 4097] {
        let list = list_of_bytes(&[(0, 3 << 12), (4 << 12, length)]);
        let expected = Error::MisalignedLength { segment: 1, length: ByteLen(length) };
        assert_eq!(rig.refuses(&rig.memory(), &rig.scatter(list)), [expected; 2]);
    }
    let linear = Buffer::Linear(Arc::clone(rig.io.aperture()), ByteOffset(0), ByteLen(4 * 4096 - 1));
    let expected = Error::MisalignedLength { segment: 0, length: ByteLen(4 * 4096 - 1) };
    assert_eq!(rig.refuses(&rig.memory(), &linear), [expected; 2]);
}

#[test]
fn segments_that_share_a_page() {
    let rig = Rig::new();
    let list = list_of_pages(&[(2, 2), (3, 2)]);
    assert_eq!(rig.refuses(&rig.memory(), &rig.scatter(list)), [Error::SegmentsOverlap { first: 0, second: 1 }; 2]);
}

#[test]
fn sides_of_different_size() {
    let rig = Rig::new();
    let errors = rig.refuses(&rig.memory(), &rig.scatter(list_of_pages(&[(0, 3), (5, 2)])));
    let (four, five) = (PageCount(4), PageCount(5));
    assert_eq!(errors[0], Error::SizeMismatch { destination: four, source: five });
    assert_eq!(errors[1], Error::SizeMismatch { destination: five, source: four });
}

#[test]
fn a_range_outside_its_buffer() {
    let rig = Rig::new();
    let (memory, io) = (rig.memory(), rig.scatter(list_of_pages(&[(0, 4)])));
    for (dst, src, pages) in [(3, 0, 2), (0, 3, 2), (0, 0, 5), (u32::MAX, 0, 1), (0, 1, u32::MAX)] {
        let request = Request::new(memory.side(), io.side());
        let refused = request.range(PageIndex(dst), PageIndex(src), PageCount(pages)).plan();
        assert!(matches!(refused, Err(Error::RangeOutside { .. })), "{dst} {src} {pages}: {refused:?}");
    }
    let nothing = Request::new(memory.side(), io.side()).range(PageIndex(0), PageIndex(0), PageCount(0)).plan();
    assert_eq!(nothing, Err(Error::BadSize { pages: PageCount(0) }));
}

#[test]
fn overlapping_ranges() {
    let rig = Rig::new();
    let (a, b) = (rig.scatter(list_of_pages(&[(6, 1), (0, 2)])), rig.scatter(list_of_pages(&[(2, 2), (1, 1)])));
    assert_eq!(rig.refuses(&a, &b), [Error::Overlap { at: ByteOffset(1 << 12) }; 2]);
    let linear = Buffer::Linear(Arc::clone(rig.io.aperture()), ByteOffset(0), ByteLen(3 << 12));
    assert_eq!(rig.refuses(&a, &linear), [Error::Overlap { at: ByteOffset(0) }; 2]);
    let memory = rig.memory();
    let shifted = |dst: u32, src: u32, pages: u32| {
        Request::new(memory.side(), memory.side()).range(PageIndex(dst), PageIndex(src), PageCount(pages)).plan()
    };
    assert_eq!(shifted(0, 1, 2).err(), Some(Error::Overlap { at: ByteOffset(1 << 12) }));
    // Two halves of one buffer are another matter.
    Move::new(shifted(0, 2, 2).unwrap(), &memory, &memory).unwrap().run().unwrap();
    assert_eq!(rig.system.tags(), [102, 103, 102, 103].map(Tag));
}

#[test]
fn unpopulated_pages() {
    let rig = Rig::new();
    let empty = Buffer::Memory(SystemPages::unpopulated(&rig.arena, PageCount(4)).unwrap());
    let errors = rig.refuses(&empty, &rig.scatter(list_of_pages(&[(0, 4)])));
    assert_eq!(errors, [Which::Destination, Which::Source].map(|which| Error::Unpopulated { which }));
    let tt = Buffer::Tt(SystemPages::unpopulated(&rig.arena, PageCount(4)).unwrap());
    let io = rig.scatter(list_of_pages(&[(0, 4)]));
    assert_eq!(move_buffer(&tt, &io), Err(Error::Unpopulated { which: Which::Destination }));
    // The other way there is nothing to read, and that is no mistake.
    assert_eq!(move_buffer(&io, &tt).unwrap().action, Action::LeaveAlone);
    rig.unchanged();
}

#[test]
fn pages_that_went_away_after_the_plan_was_made() {
    let rig = Rig::new();
    let mut system = SystemPages::new(&rig.arena, PageCount(4), Layout::Scattered).unwrap();
    let io = rig.scatter(list_of_pages(&[(0, 4)]));
    let plan = Request::new(io.side(), Buffer::Memory(Arc::clone(&system)).side()).plan().unwrap();
    Arc::get_mut(&mut system).unwrap().unpopulate();
    let refused = Move::new(plan, &io, &Buffer::Memory(system)).err();
    assert_eq!(refused, Some(Error::Unpopulated { which: Which::Source }));
    rig.unchanged();
}

#[test]
fn swapped_out_pages() {
    let rig = Rig::new();
    let tt = Buffer::Tt(SystemPages::unpopulated(&rig.arena, PageCount(4)).unwrap());
    let io = rig.scatter(list_of_pages(&[(0, 4)]));
    let request = Request::new(io.side(), tt.side()).tt(Some(TtFlags { swapped: true, zero_alloc: true }));
    assert_eq!(request.plan(), Err(Error::SwappedOut));
}

#[test]
fn memory_in_use() {
    let rig = Rig::new();
    let (memory, io) = (rig.memory(), rig.scatter(list_of_pages(&[(0, 4)])));
    let busy = Error::Busy { first: PageIndex(0), pages: PageCount(4) };
    let reader = rig.system.pages_of().read().unwrap();
    assert_eq!(move_buffer(&memory, &io), Err(busy));
    drop(reader);
    let writer = rig.system.pages_of().write_range(PageIndex(3), PageCount(1)).unwrap();
    assert_eq!(move_buffer(&io, &memory), Err(busy));
    drop(writer);
    rig.unchanged();
}

#[test]
fn a_plan_for_other_memory() {
    let rig = Rig::new();
    let other = Memory::io(8);
    let (memory, list) = (rig.memory(), list_of_pages(&[(0, 4)]));
    let io = rig.scatter(Arc::clone(&list));
    let plan = Request::new(io.side(), memory.side()).plan().unwrap();
    let elsewhere = Buffer::Scatter(Arc::clone(other.aperture()), list);
    let refused = |dst, src| Move::new(plan.clone(), dst, src).err();
    assert_eq!(refused(&elsewhere, &memory), Some(Error::NotThePlansBuffer { which: Which::Destination }));
    assert_eq!(refused(&io, &io), Some(Error::NotThePlansBuffer { which: Which::Source }));
    rig.unchanged();
}

/// A side made by hand can say anything; a plan made from it does not run on memory that is not so.
#[test]
fn a_side_that_lies() {
    let rig = Rig::new();
    let (memory, io) = (rig.memory(), rig.scatter(list_of_pages(&[(0, 4)])));
    let bigger = Side::memory(rig.system.space(), PageCount(5), true);
    let list = Side::scatter(rig.io.space(), list_of_pages(&[(6, 5)]), ByteLen(99 << 12), PageCount(5));
    let plan = Request::new(bigger, list).plan().unwrap();
    let refused = Move::new(plan, &memory, &io).err();
    assert_eq!(refused, Some(Error::NotThePlansBuffer { which: Which::Destination }));
    let below = ScatterList::new([Segment { address: BusAddress(START.0 - 4096), len: ByteLen(4096) }], START).unwrap();
    assert!(below.check(ByteLen(u64::MAX)).is_err());
    rig.unchanged();
}

#[test]
fn a_part_that_a_plan_has_not() {
    let rig = Rig::new();
    let plan = Request::new(rig.memory().side(), rig.scatter(list_of_pages(&[(0, 4)])).side()).plan().unwrap();
    assert!(matches!(plan.part(PageIndex(3), PageCount(2)), Err(Error::RangeOutside { .. })));
    assert_eq!(plan.part(PageIndex(3), PageCount(0)), Err(Error::BadSize { pages: PageCount(0) }));
    assert_eq!(plan.part(PageIndex(0), PageCount(4)), Ok(plan));
}
