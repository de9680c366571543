//! Many bytes at once: vector loads and stores of 32 and 64 bytes, of whole pages, for both kinds of memory.
//!
//! I/O memory is accessed by aligned words of 64 bits, each of which is whole. An aligned vector is so many of them: on
//! every CPU with AVX, an aligned load or store of 16 bytes is not torn, and so no word inside of a wider one is. To
//! Rust each is as many relaxed 64-bit atomics as it has words (see [`io`](crate::io)). The kernel's own
//! `memcpy_toio()` promises no width either.
//!
//! Stores past the cache are taken four pages at a time, a few lines of each in turn: that keeps four pages of the
//! memory's chips open, where one after another waits for each. CPUs without AVX-512 get on with two: a Zen 3 has 8.0
//! GB/s by two, 7.2 by one and 3.1 by four. glibc's `memcpy` does likewise from its own threshold on.
#![allow(unsafe_code)]

use crate::units::Page;
use std::ptr::NonNull;

/// How many pages are given at once to be copied past the cache.
pub(crate) const AT_ONCE: usize = 4;

/// How memory is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loads {
    /// As any other.
    Plain,
    /// By streaming loads (`vmovntdqa`).
    Streaming,
}

/// A page to write and one to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) to: NonNull<Page>,
    pub(crate) from: NonNull<Page>,
}

pub(crate) use vectors::{Able, cached, past_cache, prefetch, prefetch_once};

#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
mod vectors {
    use super::{AT_ONCE, Loads, Pair};
    use std::arch::asm;

    /// What vectors this CPU has. Only [`Able::probe`] gives one, so to have one is proof.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) enum Able {
        /// Of 32 bytes.
        Avx2,
        /// Of 64 bytes.
        Avx512,
    }

    impl Able {
        pub(crate) fn probe() -> Option<Able> {
            let avx2 = is_x86_feature_detected!("avx2");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f");
            avx2.then_some(if avx512 { Able::Avx512 } else { Able::Avx2 })
        }
    }

    /// Four vectors from one address to another.
    macro_rules! block {
        ($load:literal, $store:literal, $r:literal, $w:literal, $from:ident, $to:ident) => {
            concat!(
                $load,
                " ",
                $r,
                "0, [{",
                stringify!($from),
                "} + {at}]\n",
                $load,
                " ",
                $r,
                "1, [{",
                stringify!($from),
                "} + {at} + ",
                $w,
                "]\n",
                $load,
                " ",
                $r,
                "2, [{",
                stringify!($from),
                "} + {at} + 2*",
                $w,
                "]\n",
                $load,
                " ",
                $r,
                "3, [{",
                stringify!($from),
                "} + {at} + 3*",
                $w,
                "]\n",
                $store,
                " [{",
                stringify!($to),
                "} + {at}], ",
                $r,
                "0\n",
                $store,
                " [{",
                stringify!($to),
                "} + {at} + ",
                $w,
                "], ",
                $r,
                "1\n",
                $store,
                " [{",
                stringify!($to),
                "} + {at} + 2*",
                $w,
                "], ",
                $r,
                "2\n",
                $store,
                " [{",
                stringify!($to),
                "} + {at} + 3*",
                $w,
                "], ",
                $r,
                "3",
            )
        };
    }

    macro_rules! copy {
        ($run:ident, $load:literal, $store:literal, $r:literal, $w:literal) => {
            /// # Safety
            /// That of [`cached`](super::cached), and of this CPU's vectors.
            #[inline(always)]
            unsafe fn $run(pair: Pair, bytes: usize) {
                // SAFETY: a whole number of pages, so of four vectors; the caller's promises.
                unsafe {
                    asm!(
                        "2:",
                        block!($load, $store, $r, $w, from, to),
                        concat!("add {at}, 4*", $w),
                        "cmp {at}, {bytes}",
                        "jne 2b",
                        "vzeroupper",
                        from = in(reg) pair.from.as_ptr(), to = in(reg) pair.to.as_ptr(), bytes = in(reg) bytes,
                        at = inout(reg) 0_usize => _,
                        // `vzeroupper` is for all of them.
                        out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                        out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                        out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                        options(nostack)
                    );
                }
            }

        };
    }

    macro_rules! in_turns {
        (
            $turns:ident, $n:literal: $($page:ident $from:ident $to:ident),+;
            $load:literal, $past:literal, $r:literal, $w:literal
        ) => {
            /// Some pages in turns.
            ///
            /// # Safety
            /// That of [`past_cache`](super::past_cache), and of this CPU's vectors.
            #[inline(always)]
            unsafe fn $turns([$($page),+]: [Pair; $n]) {
                // SAFETY: a page is a whole number of four vectors; the caller's promises.
                unsafe {
                    asm!(
                        "2:",
                        $(block!($load, $past, $r, $w, $from, $to),)+
                        concat!("add {at}, 4*", $w),
                        "cmp {at}, 4096",
                        "jne 2b",
                        "vzeroupper",
                        $($from = in(reg) $page.from.as_ptr(), $to = in(reg) $page.to.as_ptr(),)+
                        at = inout(reg) 0_usize => _,
                        out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                        out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                        out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                        options(nostack)
                    );
                }
            }
        };
    }

    macro_rules! two {
        ($turns:ident, $($vectors:literal),+) => {
            in_turns!($turns, 2: a from_a to_a, b from_b to_b; $($vectors),+);
        };
    }

    macro_rules! four {
        ($turns:ident, $($vectors:literal),+) => {
            in_turns!($turns, 4: a from_a to_a, b from_b to_b, c from_c to_c, d from_d to_d; $($vectors),+);
        };
    }

    copy!(run_by_32, "vmovdqa", "vmovdqa", "ymm", "32");
    copy!(stream_by_32, "vmovntdqa", "vmovdqa", "ymm", "32");
    copy!(run_by_64, "vmovdqa64", "vmovdqa64", "zmm", "64");
    copy!(stream_by_64, "vmovntdqa", "vmovdqa64", "zmm", "64");
    two!(two_by_32, "vmovdqa", "vmovntdq", "ymm", "32");
    two!(stream_two_by_32, "vmovntdqa", "vmovntdq", "ymm", "32");
    four!(four_by_64, "vmovdqa64", "vmovntdq", "zmm", "64");
    four!(stream_four_by_64, "vmovntdqa", "vmovntdq", "zmm", "64");

    /// Copies so many pages that follow each other on both sides.
    ///
    /// # Safety
    /// So many pages are mapped at both addresses, which are multiples of 64, and do not overlap. Those that are read
    /// are I/O memory, or nobody writes them; those that are written are I/O memory, or nobody else uses them.
    #[inline(always)]
    pub(crate) unsafe fn cached(able: Able, loads: Loads, pair: Pair, pages: u32) {
        let bytes = pages as usize * crate::PAGE_SIZE;
        if bytes == 0 {
            return;
        }
        // SAFETY: the caller's promises; `able` is proof of the vectors.
        unsafe {
            match (able, loads) {
                // In the cache, wider vectors are no faster.
                (_, Loads::Plain) if bytes <= 1 << 20 => run_by_32(pair, bytes),
                (_, Loads::Streaming) if bytes <= 1 << 20 => stream_by_32(pair, bytes),
                (Able::Avx2, Loads::Plain) => run_by_32(pair, bytes),
                (Able::Avx2, Loads::Streaming) => stream_by_32(pair, bytes),
                (Able::Avx512, Loads::Plain) => run_by_64(pair, bytes),
                (Able::Avx512, Loads::Streaming) => stream_by_64(pair, bytes),
            }
        }
    }

    /// Copies four pages, by stores that go past the cache.
    ///
    /// # Safety
    /// That of [`cached`] of each pair; no pair's page that is written is another's; and
    /// [`copy::fence`](crate::copy::fence) comes before anybody uses what was written.
    #[inline(always)]
    pub(crate) unsafe fn past_cache(able: Able, loads: Loads, pairs: [Pair; AT_ONCE]) {
        // SAFETY: the caller's promises; `able` is proof of the vectors.
        unsafe {
            match (able, loads) {
                (Able::Avx2, Loads::Plain) => in_twos(pairs).for_each(|two| two_by_32(two)),
                (Able::Avx2, Loads::Streaming) => in_twos(pairs).for_each(|two| stream_two_by_32(two)),
                (Able::Avx512, Loads::Plain) => four_by_64(pairs),
                (Able::Avx512, Loads::Streaming) => stream_four_by_64(pairs),
            }
        }
    }

    fn in_twos([a, b, c, d]: [Pair; AT_ONCE]) -> impl Iterator<Item = [Pair; 2]> {
        [[a, b], [c, d]].into_iter()
    }

    /// Asks for the first lines of a page that will be read soon, and for the first of the one that will be written:
    /// for the page walk, the rest will be overwritten.
    #[inline(always)]
    pub(crate) fn prefetch(pair: Pair, lines: usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let from = pair.from.as_ptr().cast::<i8>();
        // SAFETY: hints, which access nothing; SSE is part of x86-64.
        unsafe {
            (0..lines).for_each(|line| _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(64 * line)));
            _mm_prefetch::<_MM_HINT_T0>(pair.to.as_ptr().cast());
        }
    }

    /// [`prefetch`], past the second-level cache: what is used once must not push page tables out of it.
    #[inline(always)]
    pub(crate) fn prefetch_once(pair: Pair, lines: usize) {
        use std::arch::x86_64::{_MM_HINT_NTA, _mm_prefetch};
        let from = pair.from.as_ptr().cast::<i8>();
        // SAFETY: hints, which access nothing; SSE is part of x86-64.
        unsafe {
            (0..lines).for_each(|line| _mm_prefetch::<_MM_HINT_NTA>(from.wrapping_add(64 * line)));
            _mm_prefetch::<_MM_HINT_NTA>(pair.to.as_ptr().cast());
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
mod vectors {
    use super::{AT_ONCE, Loads, Pair};

    /// No vectors: there is none of these, so nothing below is ever called.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) enum Able {}

    impl Able {
        pub(crate) fn probe() -> Option<Able> {
            None
        }
    }

    /// # Safety
    /// Never called.
    pub(crate) unsafe fn cached(able: Able, _: Loads, _: Pair, _: u32) {
        match able {}
    }

    /// # Safety
    /// Never called.
    pub(crate) unsafe fn past_cache(able: Able, _: Loads, _: [Pair; AT_ONCE]) {
        match able {}
    }

    pub(crate) fn prefetch(_: Pair, _: usize) {}

    pub(crate) fn prefetch_once(_: Pair, _: usize) {}
}

#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aperture, PAGE_SIZE, PageCount};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// What this CPU has, and what it would have without the widest.
    fn ables() -> Vec<Able> {
        match Able::probe() {
            None => vec![],
            Some(Able::Avx2) => vec![Able::Avx2],
            Some(Able::Avx512) => vec![Able::Avx2, Able::Avx512],
        }
    }

    /// Six pages of I/O memory, each with its own bytes.
    fn numbered(salt: u8) -> std::sync::Arc<Aperture> {
        let aperture = Aperture::new(PageCount(600)).unwrap();
        for page in PageCount(600).indices() {
            let bytes: Page =
                std::array::from_fn(|i| (i as u8).wrapping_mul(29) ^ (i >> 8) as u8 ^ page.0 as u8 ^ salt);
            aperture.span(page.offset(), PageCount(1).bytes()).unwrap().write_from(&bytes);
        }
        aperture
    }

    fn at(aperture: &Aperture, page: u32) -> NonNull<Page> {
        aperture.whole(crate::PageIndex(page).offset(), PageCount(1)).unwrap()
    }

    fn bytes(aperture: &Aperture) -> Vec<u8> {
        let mut all = vec![0; 600 * PAGE_SIZE];
        aperture.span(crate::ByteOffset(0), aperture.len()).unwrap().read_into(&mut all);
        all
    }

    #[test]
    fn runs_are_copied_and_nothing_beside_them() {
        for (able, loads) in ables().into_iter().flat_map(|able| [(able, Loads::Plain), (able, Loads::Streaming)]) {
            // Of some bytes, and of so many that the widest vectors are taken.
            for pages in [0, 1, 3, 257] {
                let (to, from) = (numbered(1), numbered(2));
                let (mut expected, source) = (bytes(&to), bytes(&from));
                // SAFETY: the pages lie inside two apertures.
                unsafe { cached(able, loads, Pair { to: at(&to, 5), from: at(&from, 9) }, pages) }
                let len = pages as usize * PAGE_SIZE;
                expected[5 * PAGE_SIZE..][..len].copy_from_slice(&source[9 * PAGE_SIZE..][..len]);
                assert!(bytes(&to) == expected && bytes(&from) == source, "{able:?} {loads:?} {pages}");
            }
        }
    }

    #[test]
    fn four_pages_at_once_are_copied_and_nothing_beside_them() {
        for (able, loads) in ables().into_iter().flat_map(|able| [(able, Loads::Plain), (able, Loads::Streaming)]) {
            let (to, from) = (numbered(1), numbered(2));
            let (mut expected, source) = (bytes(&to), bytes(&from));
            let places = [(3, 8), (9, 1), (4, 2), (0, 20)];
            // SAFETY: the pages lie inside two apertures, and are different ones; fenced before they are looked at.
            unsafe {
                past_cache(able, loads, places.map(|(t, f)| Pair { to: at(&to, t), from: at(&from, f) }));
            }
            crate::copy::fence();
            for (t, f) in places.map(|(t, f)| (t as usize, f as usize)) {
                expected[t * PAGE_SIZE..][..PAGE_SIZE].copy_from_slice(&source[f * PAGE_SIZE..][..PAGE_SIZE]);
            }
            assert!(bytes(&to) == expected, "{able:?} {loads:?}");
        }
    }

    /// The promise of I/O memory: whoever reads a word reads one that was written.
    #[test]
    fn no_word_is_torn_under_a_reader() {
        let (target, ones) = (Aperture::new(PageCount(4)).unwrap(), Aperture::new(PageCount(8)).unwrap());
        for page in 0..4 {
            ones.span(crate::PageIndex(page).offset(), PageCount(1).bytes()).unwrap().fill(0xff);
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let span = target.span(crate::ByteOffset(0), target.len()).unwrap();
                while !over.load(Relaxed) {
                    for offset in (0..span.len()).step_by(8 * 37) {
                        let word = span.read64(offset);
                        assert!(word == 0 || word == u64::MAX, "a torn word {word:#x} at {offset}");
                    }
                }
            });
            for round in 0..2000 {
                let pairs = [0, 1, 2, 3].map(|i| Pair { to: at(&target, i), from: at(&ones, i + 4 * (round % 2)) });
                for able in ables() {
                    // SAFETY: pages of two apertures; whoever reads them meanwhile reads words, and needs no order.
                    unsafe {
                        past_cache(able, Loads::Streaming, pairs);
                        cached(able, Loads::Plain, Pair { to: at(&target, 0), from: at(&ones, 4 * (round % 2)) }, 4);
                    }
                }
                let span = |aperture: &Aperture, page: u32| {
                    aperture.whole(crate::PageIndex(page).offset(), PageCount(1)).unwrap().as_ptr().cast::<u64>()
                };
                // SAFETY: as above.
                unsafe { crate::io::copy_words(span(&target, 0), span(&ones, 4 * (round % 2)), 4 * PAGE_SIZE / 8) }
            }
            over.store(true, Relaxed);
        });
    }
}
