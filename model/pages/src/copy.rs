//! The copy of one page, for each pair of kinds of memory.
#![allow(unsafe_code)]

use crate::{
    io::Capability,
    kmap::{FromPage, ToPage},
    plan::Variant,
    side::Kind,
    units::Page,
};

/// How the bytes of a page are copied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PageCopy {
    /// Memory to memory.
    Memory,
    /// Memory to I/O memory, in words (`memcpy_toio()`).
    ToIo,
    /// I/O memory to memory, in words (`memcpy_fromio()`).
    FromIo,
    /// I/O memory to memory, by streaming loads; both sides are multiples of 16.
    FromIoStreaming,
    /// I/O memory to I/O memory, in words.
    IoToIo,
    /// As if both sides were memory, though one is not: right on x86, where I/O memory can be loaded and stored like
    /// any other; nowhere else, and `__iomem` is there to forbid it. Of the kernel's variants alone.
    PlainPointer,
}

/// Whether written memory is left in the cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stores {
    /// It is: it will be used soon.
    Cached,
    /// It goes past it (`movntdq`): so much is written that the cache could not keep it, and would read each line
    /// of the destination before overwriting it.
    PastCache,
}

impl PageCopy {
    /// What a variant copies a page with. `aligned`: both sides start at a multiple of 16.
    pub fn choose(variant: Variant, capability: Capability, to: Kind, from: Kind, aligned: bool) -> PageCopy {
        let streaming = capability.streaming().is_some();
        match variant {
            Variant::Checked => PageCopy::by_kind(to, from, streaming && aligned),
            // i915_memcpy_from_wc() is tried whenever the source is I/O memory, and is given the destination's address
            // without its kind.
            Variant::AsPosted => match (to, from) {
                (Kind::Io, Kind::Io) if streaming && aligned => PageCopy::PlainPointer,
                _ => PageCopy::by_kind(to, from, streaming && aligned),
            },
            // drm_memcpy_from_wc(): with the capability, streaming loads or a plain memcpy(), whatever the kinds.
            Variant::Upstream if streaming => match (to, from) {
                (Kind::Memory, Kind::Memory) => PageCopy::Memory,
                (Kind::Memory, Kind::Io) if aligned => PageCopy::FromIoStreaming,
                (Kind::Memory, Kind::Io) | (Kind::Io, Kind::Memory | Kind::Io) => PageCopy::PlainPointer,
            },
            Variant::Upstream => PageCopy::by_kind(to, from, false),
        }
    }

    fn by_kind(to: Kind, from: Kind, streaming: bool) -> PageCopy {
        match (to, from) {
            (Kind::Memory, Kind::Memory) => PageCopy::Memory,
            (Kind::Io, Kind::Memory) => PageCopy::ToIo,
            (Kind::Memory, Kind::Io) if streaming => PageCopy::FromIoStreaming,
            (Kind::Memory, Kind::Io) => PageCopy::FromIo,
            (Kind::Io, Kind::Io) => PageCopy::IoToIo,
        }
    }
}

/// Makes stores that went past the cache ordinary ones: they are ordered before whatever this thread does next, and
/// seen by whoever synchronises with it. Once after the last of them.
pub(crate) fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86-64; the instruction touches no memory.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Runs [`fence`] at the end of a scope, however that ends.
pub(crate) struct Fenced;

impl Drop for Fenced {
    fn drop(&mut self) {
        fence();
    }
}

/// Copies one page. `how` must suit the kinds (what [`PageCopy::choose`] says does); whatever it says, the bytes come
/// to be the same.
pub fn page(how: PageCopy, stores: Stores, to: &mut ToPage<'_>, from: &FromPage<'_>) {
    let _fenced = Fenced;
    page_unfenced(how, stores, to, from);
}

/// [`page`], after which [`fence`] is still to come before anybody uses the destination.
#[inline(always)]
pub(crate) fn page_unfenced(how: PageCopy, stores: Stores, to: &mut ToPage<'_>, from: &FromPage<'_>) {
    match (to, from) {
        (ToPage::Memory(to), FromPage::Memory(from)) => match stores {
            Stores::Cached => to.copy_from_slice(*from),
            Stores::PastCache => past_cache(to, from),
        },
        (ToPage::Memory(to), FromPage::Io(from)) => {
            if how != PageCopy::FromIoStreaming || !stream(to, from, stores) {
                from.read_into(*to);
            }
        }
        (ToPage::Io(to), FromPage::Memory(from)) => to.write_from(*from),
        (ToPage::Io(to), FromPage::Io(from)) => {
            let proof = Capability::probe().streaming().filter(|_| how == PageCopy::PlainPointer);
            if !proof.is_some_and(|proof| from.stream_into_io(to, proof)) {
                to.copy_from_io(from);
            }
        }
    }
}

fn stream(to: &mut Page, from: &crate::IoSpan<'_>, stores: Stores) -> bool {
    let Some(proof) = Capability::probe().streaming() else { return false };
    match stores {
        Stores::Cached => from.stream_into(to, proof),
        // SAFETY: `page` fences, and so does `run::chunk` after its last page; `to` is lent to nobody before.
        Stores::PastCache => unsafe { from.stream_page_past_cache(to, proof) },
    }
}

/// Copies a page of memory by stores that go past the cache: 32 bytes each with AVX, else 16.
#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
#[inline(always)]
fn past_cache(to: &mut Page, from: &Page) {
    if !to.as_ptr().addr().is_multiple_of(32) {
        // Pages of an arena are aligned; another might not be.
        to.copy_from_slice(from);
    } else if std::arch::is_x86_feature_detected!("avx") {
        // SAFETY: the CPU has AVX; `to` is aligned to 32.
        unsafe { past_cache_by_32(to, from) }
    } else {
        // SAFETY: `to` is aligned to 32, so to 16.
        unsafe { past_cache_by_16(to, from) }
    }
}

/// In one block and inlined, so that nothing is spilled between pages: a load from the stack that looks, by its lower
/// twelve bits, like one of the stores still on their way waits for it.
///
/// # Safety
/// The CPU has AVX, `to` is aligned to 32, and [`fence`] comes before anybody uses it.
#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
#[inline(always)]
unsafe fn past_cache_by_32(to: &mut Page, from: &Page) {
    // SAFETY: 32 times 128 bytes: both pages, which are a `&mut` and a `&` and so do not overlap; the caller's
    // promises.
    unsafe {
        std::arch::asm!(
            "2:",
            "vmovdqu ymm0, [{from} + {at}]",
            "vmovdqu ymm1, [{from} + {at} + 32]",
            "vmovdqu ymm2, [{from} + {at} + 64]",
            "vmovdqu ymm3, [{from} + {at} + 96]",
            "vmovntdq [{to} + {at}], ymm0",
            "vmovntdq [{to} + {at} + 32], ymm1",
            "vmovntdq [{to} + {at} + 64], ymm2",
            "vmovntdq [{to} + {at} + 96], ymm3",
            "add {at}, 128",
            "cmp {at}, 4096",
            "jne 2b",
            "vzeroupper",
            from = in(reg) from.as_ptr(),
            to = in(reg) to.as_mut_ptr(),
            at = inout(reg) 0_usize => _,
            // `vzeroupper` is for all of them.
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _, out("xmm6") _,
            out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _, out("xmm12") _,
            out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack)
        );
    }
}

/// # Safety
/// `to` is aligned to 16, and [`fence`] comes before anybody uses it.
#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
unsafe fn past_cache_by_16(to: &mut Page, from: &Page) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
    let (to, from): (*mut __m128i, *const __m128i) = (to.as_mut_ptr().cast(), from.as_ptr().cast());
    for block in (0..crate::PAGE_SIZE / 16).step_by(4) {
        // SAFETY: four blocks of 16 bytes inside both pages, which are a `&mut` and a `&` and so do not overlap; SSE2
        // is part of x86-64.
        unsafe {
            let loaded = [0, 1, 2, 3].map(|i| _mm_loadu_si128(from.add(block + i)));
            for (i, part) in loaded.into_iter().enumerate() {
                _mm_stream_si128(to.add(block + i), part);
            }
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
fn past_cache(to: &mut Page, from: &Page) {
    to.copy_from_slice(from);
}

/// Asks for the first lines of a page that will be used next. Where pages lie anywhere, no hardware can guess it: the
/// first access would wait for the page walk, and then for the line.
#[inline]
pub(crate) fn prefetch(page: &Page, lines: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
    for line in page.as_chunks::<64>().0.iter().take(lines) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
    let _ = (page, lines);
}

/// Asks for a place in a table that is gone through, some way ahead.
#[inline(always)]
pub(crate) fn will_read<T>(table: &[T], ahead: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which accesses nothing, wherever it points; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(table.as_ptr().wrapping_add(ahead).cast()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
    let _ = (table, ahead);
}

/// Clears one page: `memset()` or `memset_io()`.
pub fn clear(to: &mut ToPage<'_>) {
    match to {
        ToPage::Memory(page) => page.fill(0),
        ToPage::Io(span) => span.fill(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Aperture, Arena, ByteOffset, Destination, IoPages, Kmap, Layout, PageCount, PageIndex, Source, SystemPages,
        SystemReader, SystemWriter,
    };

    const HOWS: [PageCopy; 6] = [
        PageCopy::Memory,
        PageCopy::ToIo,
        PageCopy::FromIo,
        PageCopy::FromIoStreaming,
        PageCopy::IoToIo,
        PageCopy::PlainPointer,
    ];

    fn pattern(salt: u8) -> Page {
        if cfg!(miri) {
            return [salt; crate::PAGE_SIZE];
        }
        std::array::from_fn(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ salt)
    }

    /// Copies page 1 to page 1 of three, and looks at all six.
    fn check(how: PageCopy, stores: Stores, to: Kind, from: Kind) {
        let arena = Arena::new(PageCount(6)).unwrap();
        let memory = [0, 1].map(|_| SystemPages::new(&arena, PageCount(3), Layout::Contiguous).unwrap());
        let io = [0, 1].map(|_| Aperture::new(PageCount(3)).unwrap());
        for (side, salt) in [(0, 0x00), (1, 0x80)] {
            let mut claim = memory[side].write().unwrap();
            for i in PageCount(3).indices() {
                *claim.page_mut(i).unwrap() = pattern(salt + i.0 as u8);
                let span = io[side].span(i.offset(), PageCount(1).bytes()).unwrap();
                span.write_from(&pattern(salt + i.0 as u8));
            }
        }
        {
            let (mut to_claim, from_claim) = (memory[0].write().unwrap(), memory[1].read().unwrap());
            let (mut writer, mut reader) = (SystemWriter::new(&mut to_claim), SystemReader::new(&from_claim));
            let mut linear = [0, 1].map(|side| IoPages::linear(&io[side], ByteOffset(0), io[side].len()));
            let [io_to, io_from] = &mut linear;
            let to: &mut dyn Destination = if to == Kind::Memory { &mut writer } else { io_to };
            let from: &mut dyn Source = if from == Kind::Memory { &mut reader } else { io_from };
            let mut kmap = Kmap::new();
            let mut to = to.map_write(kmap.level(), PageIndex(1)).unwrap();
            let (to, above) = to.split();
            let mut from = from.map_read(above, PageIndex(1)).unwrap();
            page(how, stores, to, from.split().0);
        }
        for (side, salt) in [(0, 0x00), (1, 0x80)] {
            let claim = memory[side].read().unwrap();
            for i in PageCount(3).indices() {
                let copied = side == 0 && i.0 == 1;
                let expected = |kind| pattern(if copied && to == kind { 0x81 } else { salt + i.0 as u8 });
                assert!(*claim.page(i).unwrap() == expected(Kind::Memory), "{how:?} {stores:?} {to:?} {from:?}");
                let mut bytes = [0; crate::PAGE_SIZE];
                io[side].span(i.offset(), PageCount(1).bytes()).unwrap().read_into(&mut bytes);
                assert!(bytes == expected(Kind::Io), "{how:?} {stores:?} {to:?} {from:?}");
            }
        }
    }

    #[test]
    fn every_way_of_copying_copies_the_page_and_nothing_beside_it() {
        // Miri takes its time with so many bytes: one way that suits each pair must do.
        let hows = if cfg!(miri) { &HOWS[..1] } else { &HOWS[..] };
        for &how in hows {
            for stores in [Stores::Cached, Stores::PastCache] {
                for to in [Kind::Memory, Kind::Io] {
                    check(how, stores, to, Kind::Memory);
                    check(how, stores, to, Kind::Io);
                }
            }
        }
    }

    /// What is taken where there is no AVX, which the machine that runs this may well have.
    #[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
    #[test]
    fn sixteen_bytes_at_a_time_are_a_page_too() {
        #[repr(align(32))]
        struct Aligned([Page; 2]);
        let mut pages = Aligned([pattern(1), pattern(2)]);
        {
            let _fenced = Fenced;
            // SAFETY: aligned to 32; fenced at the end of this block.
            unsafe { past_cache_by_16(&mut pages.0[0], &pattern(3)) }
        }
        assert!(pages.0 == [pattern(3), pattern(2)]);
    }

    #[test]
    fn a_page_that_is_not_aligned_is_copied_all_the_same() {
        let mut bytes = vec![0_u8; 2 * crate::PAGE_SIZE];
        let odd = 1 + bytes.as_ptr().addr() % 2;
        let page: &mut Page = (&mut bytes[odd..odd + crate::PAGE_SIZE]).try_into().unwrap();
        past_cache(page, &pattern(5));
        assert!(*page == pattern(5));
    }

    #[test]
    fn only_the_kernels_variants_touch_io_memory_by_plain_pointers() {
        let kinds = [Kind::Memory, Kind::Io];
        for capability in [Capability::probe(), Capability::words_only()] {
            for (to, from) in kinds.into_iter().flat_map(|to| kinds.map(|from| (to, from))) {
                for aligned in [false, true] {
                    let how = PageCopy::choose(Variant::Checked, capability, to, from, aligned);
                    assert_ne!(how, PageCopy::PlainPointer);
                    assert!(how != PageCopy::FromIoStreaming || aligned);
                }
            }
        }
    }
}
