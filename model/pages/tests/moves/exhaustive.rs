//! Everything small: the bytes equal a naive reference's, and no other byte changes.

use crate::reference::{Memory, list_of_pages, numbered, page_offsets, tags_of};
use fenceweave_pages::*;
use std::sync::Arc;

/// The most pages and segments, and an aperture with room around them.
const PAGES: u32 = 8;
const SEGMENTS: u32 = 4;
const APERTURE: u32 = 14;

/// Every way to write `pages` as a sum of at most `segments` positive numbers, in order.
fn splits(pages: u32, segments: u32) -> Vec<Vec<u32>> {
    if pages == 0 {
        return vec![vec![]];
    }
    if segments == 0 {
        return vec![];
    }
    let with_first =
        |first: u32| splits(pages - first, segments - 1).into_iter().map(move |rest| [vec![first], rest].concat());
    (1..=pages).flat_map(with_first).collect()
}

/// A split laid into the aperture from page `at` on: upward with a page between, or downward with none.
fn lay(split: &[u32], at: u32, upward: bool) -> Option<Arc<ScatterList>> {
    let mut next = at;
    let mut segments = Vec::new();
    let order: Vec<u32> = if upward { split.to_vec() } else { split.iter().rev().copied().collect() };
    for pages in order {
        segments.push((next, pages));
        next += pages + u32::from(upward);
    }
    if !upward {
        segments.reverse();
    }
    let end = segments.iter().map(|(at, pages)| at + pages).max()?;
    (end <= APERTURE).then(|| list_of_pages(&segments))
}

/// Every split at every start offset, both ways; with how many pages it has.
fn for_every_list(mut look: impl FnMut(&Arc<ScatterList>, u32)) {
    for pages in 1..=PAGES {
        for split in splits(pages, SEGMENTS) {
            for (at, upward) in (0..APERTURE).flat_map(|at| [(at, true), (at, false)]) {
                if let Some(list) = lay(&split, at, upward) {
                    look(&list, pages);
                }
            }
        }
    }
}

/// A pair of kinds of memory, each with its guard pages: those of the buffer outside the range, of the aperture outside
/// the list, and of the arena outside the buffer.
struct Rig {
    memory: [Memory; 2],
    io: [Memory; 2],
    bystander: Memory,
}

impl Rig {
    fn new() -> Rig {
        let arena = Arena::new(PageCount(3 * PAGES)).unwrap();
        let memory = [0, 1].map(|_| Memory::system(&arena, PAGES));
        Rig { memory, io: [0, 1].map(|_| Memory::io(APERTURE)), bystander: Memory::system(&arena, PAGES) }
    }

    fn side(&self, side: usize, kind: Kind, list: &Arc<ScatterList>) -> (&Memory, Buffer) {
        match kind {
            Kind::Memory => (&self.memory[side], Buffer::Memory(Arc::clone(self.memory[side].pages_of()))),
            Kind::Io => {
                let io = &self.io[side];
                (io, Buffer::Scatter(Arc::clone(io.aperture()), Arc::clone(list)))
            }
        }
    }
}

#[cfg_attr(miri, ignore = "Miri takes hours; the generated moves take the same ways")]
#[test]
fn every_split_every_offset_every_range_every_pair_of_kinds() {
    let rig = Rig::new();
    let kinds = [Kind::Memory, Kind::Io];
    let capabilities = [Capability::probe(), Capability::words_only()];
    let source = |kind| 1000 + if kind == Kind::Io { 100 } else { 0 };
    kinds.iter().for_each(|kind| rig.side(1, *kind, &list_of_pages(&[(0, 1)])).0.number(source(*kind)));
    rig.bystander.number(3000);
    let mut cases = 0_u32;
    for (to, from) in kinds.into_iter().flat_map(|to| kinds.map(|from| (to, from))) {
        let dst_memory = rig.side(0, to, &list_of_pages(&[(0, 1)])).0;
        dst_memory.number(2000);
        let mut expected = numbered(dst_memory.pages, 2000);
        for_every_list(|list, pages| {
            let mirrored = list_of_pages(&[(APERTURE - pages, pages)]);
            let (_, dst) = rig.side(0, to, list);
            let (src_memory, src) = rig.side(1, from, if to == Kind::Io { &mirrored } else { list });
            let (to_offsets, from_offsets) = (page_offsets(&dst.side()), page_offsets(&src.side()));
            let source = numbered(src_memory.pages, source(from));
            for (first, count) in (0..pages).flat_map(|first| (1..=pages - first).map(move |n| (first, n))) {
                cases += 1;
                // The same range of the source, mirrored, so that page numbers differ.
                let (dst_first, src_first) = (first, pages - first - count);
                let request = Request::new(dst.side(), src.side())
                    .range(PageIndex(dst_first), PageIndex(src_first), PageCount(count))
                    .capability(capabilities[(cases % 2) as usize]);
                let done = Move::new(request.plan().unwrap(), &dst, &src).unwrap().run().unwrap();
                assert_eq!((done.written, done.wrong_accessor), (PageCount(count), PageCount(0)));
                for i in 0..count {
                    let at = to_offsets[(dst_first + i) as usize] as usize;
                    let from = from_offsets[(src_first + i) as usize] as usize;
                    expected[at..at + PAGE_SIZE].copy_from_slice(&source[from..from + PAGE_SIZE]);
                }
                let told = || format!("{to:?} from {from:?}, {list:?}, {count} from {first} on");
                assert!(dst_memory.holds(&expected), "{}", told());
                // Something else there, so that the next copy has to write.
                if cases.is_multiple_of(16) {
                    dst_memory.number(2000);
                    expected = numbered(dst_memory.pages, 2000);
                }
            }
            if cases.is_multiple_of(64) {
                assert!(src_memory.holds(&source), "the source is only read");
            }
        });
    }
    assert!(rig.bystander.holds(&numbered(rig.bystander.pages, 3000)), "other buffers' pages are nobody's business");
    assert!(cases > 200_000, "{cases} cases");
}

/// Page by page through the iterators, in an order that is neither forward nor backward.
#[cfg_attr(miri, ignore = "Miri takes hours; the generated moves take the same ways")]
#[test]
fn every_split_page_by_page_in_random_order() {
    let (io, other) = (Memory::io(APERTURE), Memory::io(APERTURE));
    let fresh = numbered(other.pages, 2000);
    io.number(1000);
    let mut random = 1_u64;
    let mut draw = |below: u32| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((random >> 33) % u64::from(below)) as u32
    };
    for_every_list(|list, pages| {
        let offsets = page_offsets(&Side::scatter(io.space(), Arc::clone(list), io.aperture().len(), PageCount(pages)));
        let mut expected = fresh.clone();
        other.set(&expected);
        let linear = (PageIndex(APERTURE - pages).offset(), PageCount(pages).bytes());
        let mut to = IoPages::linear(other.aperture(), linear.0, linear.1);
        let mut from = IoPages::scatter(io.aperture(), list);
        let mut kmap = Kmap::new();
        for _ in 0..2 * pages {
            let (i, j) = (draw(pages), draw(pages));
            let mut to = to.map_write(kmap.level(), PageIndex(i)).unwrap();
            let (to, above) = to.split();
            let mut from = from.map_read(above, PageIndex(j)).unwrap();
            copy::page(PageCopy::IoToIo, Stores::Cached, to, from.split().0);
            let at = (linear.0.0 + u64::from(i) * PAGE_SIZE as u64) as usize;
            let tag = Tag(1000 + (offsets[j as usize] >> PAGE_SHIFT) as u32);
            tag.write_to((&mut expected[at..at + PAGE_SIZE]).try_into().unwrap());
        }
        assert!(other.holds(&expected), "{list:?}");
    });
}

/// What a model checker sees and what happens are the same, for every plan up to a size.
#[cfg_attr(miri, ignore = "Miri takes hours; the generated moves take the same ways")]
#[test]
fn bytes_and_tags_agree_on_every_plan() {
    let rig = Rig::new();
    let kinds = [Kind::Memory, Kind::Io];
    for (to, from) in kinds.into_iter().flat_map(|to| kinds.map(|from| (to, from))) {
        let mut before = 0;
        for_every_list(|list, pages| {
            let mirrored = list_of_pages(&[(APERTURE - pages, pages)]);
            let ((dst_memory, dst), (src_memory, src)) = (rig.side(0, to, list), rig.side(1, from, &mirrored));
            if before != pages {
                // Tags differ with the number of pages, so that old contents are never taken for new ones.
                src_memory.number(1000 + 100 * pages);
                before = pages;
            }
            dst_memory.set(&numbered(dst_memory.pages, 5000));
            let mut tags = Tags::new().with(dst_memory.space(), dst_memory.pages);
            tags = tags.with(src_memory.space(), src_memory.pages);
            for (memory, held) in
                [(dst_memory, tags_of(&numbered(dst_memory.pages, 5000))), (src_memory, src_memory.tags())]
            {
                held.iter().zip(memory.pages.indices()).for_each(|(tag, i)| tags.set_tag(memory.space(), i, *tag));
            }
            let pages = PageCount(pages);
            let request = Request::new(dst.side(), src.side()).range(PageIndex(0), PageIndex(0), pages);
            let plan = request.plan().unwrap();
            let on_tags = plan.run_on(&mut tags);
            let on_bytes = Move::new(plan, &dst, &src).unwrap().run();
            assert_eq!(on_bytes, on_tags, "{list:?}");
            assert_eq!(dst_memory.tags(), tags.of(dst_memory.space()), "{to:?} from {from:?}, {list:?}");
        });
    }
}
