//! What an iterator costs: mapping every page of a buffer once and unmapping it, without touching its bytes. The items
//! of each figure are pages.

use divan::{Bencher, black_box, counter::ItemsCount};
use fenceweave_pages::*;

const PAGES: PageCount = PageCount(16384);

fn main() {
    divan::main();
}

/// Segments of so many pages each, neighbours far apart.
fn list(pages_each: u64) -> ScatterList {
    let segments = u64::from(PAGES.0) / pages_each;
    let segment = |i: u64| {
        let at = (i * 7919) % segments * pages_each;
        Segment { address: BusAddress(at << PAGE_SHIFT), len: ByteLen(pages_each << PAGE_SHIFT) }
    };
    ScatterList::new((0..segments).map(segment).collect::<Vec<_>>(), BusAddress(0)).expect("a list of some segments")
}

fn over(bencher: Bencher<'_, '_>, source: &mut impl Source, order: &[PageIndex]) {
    let mut kmap = Kmap::new();
    bencher.counter(ItemsCount::new(order.len())).bench_local(|| {
        for &page in order {
            let mut local = source.map_read(kmap.level(), page).expect("a page of the buffer");
            black_box(local.split().0);
        }
    });
}

fn forward() -> Vec<PageIndex> {
    PAGES.indices().collect()
}

#[divan::bench]
fn system_forward(bencher: Bencher<'_, '_>) {
    let arena = Arena::new(PAGES).expect("memory");
    let system = SystemPages::new(&arena, PAGES, Layout::Scattered).expect("pages");
    let claim = system.read().expect("nobody writes");
    over(bencher, &mut SystemReader::new(&claim), &forward());
}

#[divan::bench]
fn linear_forward(bencher: Bencher<'_, '_>) {
    let aperture = Aperture::new(PAGES).expect("memory");
    over(bencher, &mut IoPages::linear(&aperture, ByteOffset(0), aperture.len()), &forward());
}

#[divan::bench(args = [1, 16, 1024])]
fn scatter_forward(bencher: Bencher<'_, '_>, pages_each: u64) {
    let (aperture, list) = (Aperture::new(PAGES).expect("memory"), list(pages_each));
    over(bencher, &mut IoPages::scatter(&aperture, &list), &forward());
}

#[divan::bench(args = [1, 16, 1024])]
fn scatter_backward(bencher: Bencher<'_, '_>, pages_each: u64) {
    let (aperture, list) = (Aperture::new(PAGES).expect("memory"), list(pages_each));
    let order: Vec<PageIndex> = PAGES.indices().rev().collect();
    over(bencher, &mut IoPages::scatter(&aperture, &list), &order);
}

#[divan::bench(args = [1, 16, 1024])]
fn posted_forward(bencher: Bencher<'_, '_>, pages_each: u64) {
    let (aperture, list) = (Aperture::new(PAGES).expect("memory"), list(pages_each));
    over(bencher, &mut IoPages::as_posted(&aperture, &list, Platform::Bits64), &forward());
}

/// Rewinds at every step to an earlier segment: the square of their number.
#[divan::bench(args = [16, 1024], sample_count = 5)]
fn posted_backward(bencher: Bencher<'_, '_>, pages_each: u64) {
    let (aperture, list) = (Aperture::new(PAGES).expect("memory"), list(pages_each));
    let order: Vec<PageIndex> = PAGES.indices().rev().collect();
    over(bencher, &mut IoPages::as_posted(&aperture, &list, Platform::Bits64), &order);
}
