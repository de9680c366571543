//! What a move ought to do, written as plainly as it can be: flat lists of page addresses, bytes in vectors.

use fenceweave_pages::*;
use std::sync::Arc;

pub(crate) const PAGE: u64 = PAGE_SIZE as u64;

/// The bus address at which every aperture of these tests starts.
pub(crate) const START: BusAddress = BusAddress(0x1_0000_0000);

/// A list of (first byte in the aperture, bytes); both may be wrong.
pub(crate) fn list_of_bytes(segments: &[(i64, u64)]) -> Arc<ScatterList> {
    let segments: Vec<Segment> = segments
        .iter()
        .map(|&(at, len)| Segment { address: BusAddress(START.0.wrapping_add_signed(at)), len: ByteLen(len) })
        .collect();
    Arc::new(ScatterList::new(segments, START).unwrap())
}

/// A list of (first page in the aperture, pages).
pub(crate) fn list_of_pages(segments: &[(u32, u32)]) -> Arc<ScatterList> {
    let bytes: Vec<_> = segments.iter().map(|&(at, pages)| (i64::from(at) << 12, u64::from(pages) << 12)).collect();
    list_of_bytes(&bytes)
}

/// All that a buffer or an aperture holds, and the same in a vector.
pub(crate) struct Memory {
    pub(crate) real: Real,
    pub(crate) pages: PageCount,
}

pub(crate) enum Real {
    System(Arc<SystemPages>),
    Io(Arc<Aperture>),
}

impl Memory {
    pub(crate) fn system(arena: &Arc<Arena>, pages: u32) -> Memory {
        let system = SystemPages::new(arena, PageCount(pages), Layout::Scattered).unwrap();
        Memory { real: Real::System(system), pages: PageCount(pages) }
    }

    pub(crate) fn io(pages: u32) -> Memory {
        Memory { real: Real::Io(Aperture::new(PageCount(pages)).unwrap()), pages: PageCount(pages) }
    }

    pub(crate) fn space(&self) -> SpaceId {
        match &self.real {
            Real::System(system) => system.space(),
            Real::Io(aperture) => aperture.space(),
        }
    }

    pub(crate) fn aperture(&self) -> &Arc<Aperture> {
        match &self.real {
            Real::Io(aperture) => aperture,
            Real::System(_) => panic!("system pages are no aperture"),
        }
    }

    pub(crate) fn pages_of(&self) -> &Arc<SystemPages> {
        match &self.real {
            Real::System(system) => system,
            Real::Io(_) => panic!("an aperture is no system pages"),
        }
    }

    /// Makes it hold these bytes.
    pub(crate) fn set(&self, bytes: &[u8]) {
        match &self.real {
            Real::Io(aperture) => aperture.span(ByteOffset(0), aperture.len()).unwrap().write_from(bytes),
            Real::System(system) => {
                let mut claim = system.write().unwrap();
                for page in self.pages.indices() {
                    let at = page.offset().0 as usize;
                    claim.page_mut(page).unwrap().copy_from_slice(&bytes[at..at + PAGE_SIZE]);
                }
            }
        }
    }

    /// Whether it holds these bytes.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        self.pages.indices().all(|page| {
            let at = page.offset().0 as usize;
            *self.page(page) == bytes[at..at + PAGE_SIZE]
        })
    }

    pub(crate) fn page(&self, page: PageIndex) -> Box<Page> {
        let mut bytes = Box::new([0; PAGE_SIZE]);
        match &self.real {
            Real::System(system) => bytes.copy_from_slice(system.read().unwrap().page(page).unwrap()),
            Real::Io(aperture) => aperture.span(page.offset(), PageCount(1).bytes()).unwrap().read_into(&mut bytes[..]),
        }
        bytes
    }

    /// Makes each page hold a tag of its own, from `first` on.
    pub(crate) fn number(&self, first: u32) {
        self.set(&numbered(self.pages, first));
    }

    pub(crate) fn tag(&self, page: u32) -> Tag {
        Tag::read_from(&self.page(PageIndex(page)))
    }

    pub(crate) fn tags(&self) -> Vec<Tag> {
        (0..self.pages.0).map(|page| self.tag(page)).collect()
    }
}

/// Pages that hold tags, each its own, from `first` on.
pub(crate) fn numbered(pages: PageCount, first: u32) -> Vec<u8> {
    let mut bytes = vec![0; pages.bytes().0 as usize];
    for (i, page) in bytes.as_chunks_mut::<PAGE_SIZE>().0.iter_mut().enumerate() {
        Tag(first + i as u32).write_to(page);
    }
    bytes
}

/// What the bytes of a memory read as, page by page.
pub(crate) fn tags_of(bytes: &[u8]) -> Vec<Tag> {
    bytes.as_chunks::<PAGE_SIZE>().0.iter().map(Tag::read_from).collect()
}

/// Where each page of a side starts, in order: every page of every segment, one after another.
pub(crate) fn page_offsets(side: &Side) -> Vec<u64> {
    match &side.shape {
        Shape::System { pages, .. } => (0..u64::from(pages.0)).map(|page| page * PAGE).collect(),
        Shape::Linear { first, len, .. } => (0..len.0 / PAGE).map(|page| first.0 + page * PAGE).collect(),
        Shape::Scatter { list, .. } => {
            let of = |segment: &Segment| {
                let first = segment.address.0.wrapping_sub(list.start().0);
                (0..segment.len.0 / PAGE).map(move |page| first.wrapping_add(page * PAGE)).collect::<Vec<u64>>()
            };
            list.segments().iter().flat_map(of).collect()
        }
    }
}

/// The bytes of some memories.
#[derive(Clone)]
pub(crate) struct Bytes(pub(crate) Vec<(SpaceId, Vec<u8>)>);

impl Bytes {
    pub(crate) fn get(&self, space: SpaceId) -> &[u8] {
        &self.0.iter().find(|(id, _)| *id == space).unwrap().1
    }

    pub(crate) fn of(&mut self, space: SpaceId) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(id, _)| *id == space).unwrap().1
    }

    pub(crate) fn clear(&mut self, (space, to): (SpaceId, u64)) {
        self.of(space)[to as usize..(to + PAGE) as usize].fill(0);
    }

    /// The lowest byte first: where a kernel's variant copies half a page over itself, that shows.
    pub(crate) fn copy(&mut self, (to_space, to): (SpaceId, u64), (from_space, from): (SpaceId, u64)) {
        if to_space == from_space {
            let bytes = self.of(to_space);
            (0..PAGE as usize).for_each(|i| bytes[to as usize + i] = bytes[from as usize + i]);
            return;
        }
        let page = self.of(from_space)[from as usize..(from + PAGE) as usize].to_vec();
        self.of(to_space)[to as usize..(to + PAGE) as usize].copy_from_slice(&page);
    }
}
