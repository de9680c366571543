//! The processor and the table, with real faults where there are any, and with those raised in software.

use super::*;
use crate::{Aperture, Arena, ByteOffset, Layout, Request, SystemPages, Tag, run::Move};
use std::{sync::Arc, time::Duration};

const A: Who = Who { thread: 0, depth: 0 };
const B: Who = Who { thread: 1, depth: 0 };

fn both(pages: u32) -> [Mmu; 2] {
    [false, true].map(|software| Mmu::new(PageCount(pages), software).unwrap())
}

fn memory(pages: u32) -> Buffer {
    let arena = Arena::new(PageCount(2 * pages)).unwrap();
    Buffer::Memory(SystemPages::new(&arena, PageCount(pages), Layout::Scattered).unwrap())
}

fn aperture(pages: u32) -> Buffer {
    let aperture = Aperture::new(PageCount(pages)).unwrap();
    let len = aperture.len();
    Buffer::Linear(aperture, ByteOffset(0), len)
}

fn page_of(tag: u32) -> Page {
    let mut page = [0; PAGE_SIZE];
    Tag(tag).write_to(&mut page);
    page
}

fn read(mmu: &mut Mmu, who: Who, at: u32) -> Result<Option<Tag>, Error> {
    let mut page = [0; PAGE_SIZE];
    let reached = mmu.touch(who, PageIndex(at), Whole::Read(&mut page))?;
    Ok((reached == Reached::Through).then(|| Tag::read_from(&page)))
}

fn write(mmu: &mut Mmu, who: Who, at: u32, tag: u32) -> Result<Reached, Error> {
    mmu.touch(who, PageIndex(at), Whole::Write(&page_of(tag)))
}

#[test]
fn an_access_hangs_until_its_page_is_there_and_sees_what_was_mapped_then() {
    for mut mmu in both(4) {
        for buffer in [memory(2), aperture(2)] {
            let at = PageIndex(2);
            assert_eq!(write(&mut mmu, A, 2, 7), Ok(Reached::Fault));
            // Told to come again, twice.
            assert_eq!(write(&mut mmu, A, 2, 7), Ok(Reached::Fault));
            assert_eq!(write(&mut mmu, A, 2, 7), Ok(Reached::Fault));
            mmu.map(at, &buffer, PageIndex(1), true).unwrap();
            assert_eq!(write(&mut mmu, A, 2, 7), Ok(Reached::Through));
            assert_eq!(read(&mut mmu, B, 2), Ok(Some(Tag(7))));
            assert!(mmu.is_mapped(at) && mmu.shows(at, &buffer, PageIndex(1), true));
            mmu.zap(at).unwrap();
            assert_eq!(read(&mut mmu, B, 2), Ok(None));
            mmu.give_up(B).unwrap();
        }
        let traffic = mmu.take_traffic();
        let counted = (traffic.touches, traffic.faults, traffic.retries, traffic.given_up);
        assert_eq!(counted, (6, 8, 4, 2), "{traffic:?}");
        assert_eq!((traffic.mapped, traffic.zapped), (2, 2));
        assert_eq!((traffic.fault_time.count(), traffic.touch_time.count()), (2, 2));
    }
}

#[test]
fn two_hang_at_one_page_and_each_goes_through_in_its_turn() {
    for mut mmu in both(1) {
        let buffer = memory(1);
        assert_eq!(write(&mut mmu, A, 0, 1), Ok(Reached::Fault));
        assert_eq!(write(&mut mmu, B, 0, 2), Ok(Reached::Fault));
        mmu.map(PageIndex(0), &buffer, PageIndex(0), true).unwrap();
        assert_eq!(write(&mut mmu, A, 0, 1), Ok(Reached::Through));
        // The other one was woken with it, and has written nothing.
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag(1))));
        // By the time of its turn the page has gone, and is another one.
        mmu.zap(PageIndex(0)).unwrap();
        assert_eq!(write(&mut mmu, B, 0, 2), Ok(Reached::Fault));
        let other = memory(1);
        mmu.map(PageIndex(0), &other, PageIndex(0), true).unwrap();
        assert_eq!(write(&mut mmu, B, 0, 2), Ok(Reached::Through));
        let held = |of: &Buffer| match of {
            Buffer::Memory(pages) => Tag::read_from(pages.read().unwrap().page(PageIndex(0)).unwrap()),
            _ => Tag::TORN,
        };
        assert_eq!((held(&buffer), held(&other)), (Tag(1), Tag(2)));
    }
}

#[test]
fn who_is_given_up_has_touched_nothing_and_others_go_on() {
    for mut mmu in both(2) {
        let buffer = memory(2);
        mmu.map(PageIndex(1), &buffer, PageIndex(1), true).unwrap();
        assert_eq!(write(&mut mmu, A, 0, 5), Ok(Reached::Fault));
        assert_eq!(write(&mut mmu, B, 0, 6), Ok(Reached::Fault));
        // In the handler, while its access hangs.
        assert_eq!(read(&mut mmu, Who { depth: 2, ..A }, 1), Ok(Some(Tag::ZERO)));
        assert_eq!(read(&mut mmu, Who { depth: 2, ..A }, 0), Ok(None));
        mmu.give_up(A).unwrap();
        mmu.map(PageIndex(0), &buffer, PageIndex(0), true).unwrap();
        assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag::ZERO)));
        assert_eq!(write(&mut mmu, B, 0, 6), Ok(Reached::Through));
        assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag(6))));
        assert_eq!(write(&mut mmu, A, 1, 9), Ok(Reached::Through));
        mmu.zap(PageIndex(1)).unwrap();
        assert_eq!(read(&mut mmu, A, 1), Ok(None));
        mmu.give_up_all().unwrap();
        assert_eq!(mmu.take_traffic().given_up, 3);
    }
}

#[test]
fn a_store_to_what_is_there_for_loads_faults_until_it_may_be_written() {
    for mut mmu in both(1) {
        let buffer = memory(2);
        for page in [0, 1].map(PageIndex) {
            mmu.map(PageIndex(0), &buffer, page, false).unwrap();
            assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag::ZERO)));
            assert_eq!(write(&mut mmu, A, 0, 3), Ok(Reached::Fault));
            assert_eq!(write(&mut mmu, A, 0, 3), Ok(Reached::Fault));
            mmu.map(PageIndex(0), &buffer, page, true).unwrap();
            assert_eq!(write(&mut mmu, A, 0, 3), Ok(Reached::Through));
            // And back (`wp_shared_mapping_range()`).
            mmu.map(PageIndex(0), &buffer, page, false).unwrap();
            assert_eq!(write(&mut mmu, B, 0, 4), Ok(Reached::Fault));
            assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag(3))));
            mmu.zap(PageIndex(0)).unwrap();
            mmu.map(PageIndex(0), &buffer, page, true).unwrap();
            assert_eq!(write(&mut mmu, B, 0, 4), Ok(Reached::Through));
        }
    }
}

#[test]
fn what_is_mapped_may_be_moved_between_accesses() {
    for mut mmu in both(2) {
        let (system, vram) = (memory(1), aperture(1));
        mmu.map(PageIndex(0), &system, PageIndex(0), true).unwrap();
        mmu.map(PageIndex(1), &vram, PageIndex(0), true).unwrap();
        for round in 1..20 {
            let (from, to) = if round % 2 == 0 { (&vram, &system) } else { (&system, &vram) };
            let (here, there) = if round % 2 == 0 { (1, 0) } else { (0, 1) };
            assert_eq!(write(&mut mmu, A, here, round), Ok(Reached::Through));
            let plan = Request::new(to.side(), from.side()).plan().unwrap();
            Move::new(plan, to, from).unwrap().run().unwrap();
            assert_eq!(read(&mut mmu, B, there), Ok(Some(Tag(round))));
        }
    }
}

#[test]
fn a_processor_that_does_not_go_by_the_table_is_told() {
    let mut mmu = Mmu::new(PageCount(1), false).unwrap();
    let Some(faults) = &mmu.faults else { return };
    // An entry that a zap has forgotten.
    faults.map(PageIndex(0), &Frame::behind(&memory(1), PageIndex(0)).unwrap(), true).unwrap();
    let told = Err(Error::Disagrees { page: PageIndex(0), there: false });
    assert_eq!(read(&mut mmu, A, 0), told);
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(Mmu::new(PageCount(0), true).err(), Some(Error::BadSize { pages: PageCount(0) }));
    let mut mmu = Mmu::new(PageCount(1), true).unwrap();
    assert!(matches!(read(&mut mmu, A, 1), Err(Error::RangeOutside { .. })));
    let buffer = memory(1);
    assert!(matches!(mmu.map(PageIndex(1), &buffer, PageIndex(0), true), Err(Error::RangeOutside { .. })));
    assert!(matches!(mmu.map(PageIndex(0), &buffer, PageIndex(1), true), Err(Error::Unpopulated { .. })));
    mmu.map(PageIndex(0), &buffer, PageIndex(0), true).unwrap();
    let Buffer::Memory(pages) = &buffer else { unreachable!("it was made so") };
    let claim = Arc::clone(pages).write().unwrap();
    assert!(matches!(read(&mut mmu, A, 0), Err(Error::Busy { .. })));
    drop(claim);
    assert_eq!(read(&mut mmu, A, 0), Ok(Some(Tag::ZERO)));
}
