//! I/O memory: a linear aperture (a PCI BAR), and the accessors that are the only way to its bytes.
//!
//! There is no `&[u8]` of I/O memory, and no way to get one: [`IoSpan`] is an address that can be accessed word by
//! word. That is what `__iomem` says in the kernel, where a cast makes it forget, as document 000's patch does.
//!
//! Anybody may write I/O memory at any time, so accessors need no claim and no `&mut`. Each word is whole; what two
//! writers make of a page is theirs to order.
#![allow(unsafe_code)]

use crate::{
    error::Error,
    io::{self, StreamingLoads},
    region::Region,
    side::SpaceId,
    units::{ByteLen, ByteOffset, Page, PageCount},
};
use std::{marker::PhantomData, ptr::NonNull, sync::Arc};

/// A linear stretch of I/O memory.
pub struct Aperture {
    space: SpaceId,
    region: Region,
}

impl Aperture {
    /// An aperture of so many pages, zeroed.
    ///
    /// # Errors
    /// [`Error::BadSize`] for none or more than [`MAX_PAGES`](crate::MAX_PAGES); [`Error::Os`] if the system has no
    /// memory.
    pub fn new(pages: PageCount) -> Result<Arc<Aperture>, Error> {
        Ok(Arc::new(Aperture { space: SpaceId::fresh(), region: Region::new(pages)? }))
    }

    /// How many pages it has.
    pub fn pages(&self) -> PageCount {
        self.region.pages()
    }

    /// How many bytes it has.
    pub fn len(&self) -> ByteLen {
        self.pages().bytes()
    }

    /// Never: an aperture has a page at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Which memory this is.
    pub fn space(&self) -> SpaceId {
        self.space
    }

    /// Some of its bytes; `None` if they do not all lie inside.
    #[inline]
    pub fn span(&self, offset: ByteOffset, len: ByteLen) -> Option<IoSpan<'_>> {
        let end = offset.0.checked_add(len.0)?;
        if end > self.len().0 {
            return None;
        }
        // SAFETY: the offset lies inside the region, or at its end.
        let base = unsafe { self.region.base().add(offset.0 as usize) };
        Some(IoSpan { base, len: len.0 as usize, aperture: PhantomData })
    }
}

impl Aperture {
    /// The memory behind it.
    #[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
    pub(crate) fn file(&self) -> &rustix::fd::OwnedFd {
        self.region.file()
    }

    /// Where so many whole pages lie; `None` if they do not start at a page, or do not all lie inside. No reference may
    /// be made of them.
    #[inline(always)]
    pub(crate) fn whole(&self, offset: ByteOffset, pages: PageCount) -> Option<NonNull<Page>> {
        let span = self.span(offset, pages.bytes())?;
        offset.is_page_aligned().then_some(span.base.cast())
    }
}

/// Some bytes of an aperture, for the accessors alone (`void __iomem *`, with its length).
#[derive(Clone, Copy)]
pub struct IoSpan<'a> {
    base: NonNull<u8>,
    len: usize,
    aperture: PhantomData<&'a Aperture>,
}

/// How many of the bytes from `at` on come before the next multiple of `align`, out of `len`.
fn head(at: usize, align: usize, len: usize) -> usize {
    (at.next_multiple_of(align) - at).min(len)
}

impl<'a> IoSpan<'a> {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A part of it; `None` if that does not lie inside.
    pub fn part(&self, offset: usize, len: usize) -> Option<IoSpan<'a>> {
        if offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: the offset lies inside the span, or at its end.
        Some(IoSpan { base: unsafe { self.base.add(offset) }, len, aperture: PhantomData })
    }

    fn addr(&self) -> usize {
        self.base.addr().get()
    }

    /// Whether it starts at a multiple of so many bytes.
    pub fn is_aligned(&self, to: usize) -> bool {
        self.addr().is_multiple_of(to)
    }

    /// The address of the word of `size` bytes at `offset`.
    #[inline(always)]
    fn word(&self, offset: usize, size: usize) -> *mut u8 {
        let inside = offset.checked_add(size).is_some_and(|end| end <= self.len);
        assert!(inside, "a word of {size} bytes at {offset} of an I/O span of {}", self.len);
        let at = self.base.as_ptr().wrapping_add(offset);
        assert!(at.addr().is_multiple_of(size), "an I/O word of {size} bytes is not aligned");
        at
    }

    /// Reads one 32-bit word (`ioread32()`, without its byte swap on a big-endian machine).
    ///
    /// # Panics
    /// If the word does not lie inside the span, or is not aligned.
    pub fn read32(&self, offset: usize) -> u32 {
        // SAFETY: `word` has looked at bounds and alignment; the span borrows its aperture.
        unsafe { io::load32(self.word(offset, 4).cast()) }
    }

    /// Writes one 32-bit word (`iowrite32()`).
    ///
    /// # Panics
    /// If the word does not lie inside the span, or is not aligned.
    pub fn write32(&self, offset: usize, word: u32) {
        // SAFETY: `word` has looked at bounds and alignment; the span borrows its aperture.
        unsafe { io::store32(self.word(offset, 4).cast(), word) }
    }

    /// Reads one 64-bit word (`readq()`).
    ///
    /// # Panics
    /// If the word does not lie inside the span, or is not aligned.
    pub fn read64(&self, offset: usize) -> u64 {
        // SAFETY: `word` has looked at bounds and alignment; the span borrows its aperture.
        unsafe { io::load64(self.word(offset, 8).cast()) }
    }

    /// Writes one 64-bit word (`writeq()`).
    ///
    /// # Panics
    /// If the word does not lie inside the span, or is not aligned.
    pub fn write64(&self, offset: usize, word: u64) {
        // SAFETY: `word` has looked at bounds and alignment; the span borrows its aperture.
        unsafe { io::store64(self.word(offset, 8).cast(), word) }
    }

    /// Sets every byte (`memset_io()`).
    pub fn fill(&self, byte: u8) {
        let base = self.base.as_ptr();
        let head = head(self.addr(), 8, self.len);
        let tail = head + (self.len - head) / 8 * 8;
        // SAFETY: every index lies below `len`; the words between `head` and `tail` are aligned to 8.
        unsafe {
            (0..head).chain(tail..self.len).for_each(|i| io::store8(base.add(i), byte));
            io::fill_words(base.add(head).cast(), u64::from_ne_bytes([byte; 8]), (tail - head) / 8);
        }
    }

    /// Writes all its bytes from memory (`memcpy_toio()`): aligned 64-bit words, and bytes at the ends.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn write_from(&self, src: &[u8]) {
        assert_eq!(src.len(), self.len, "a copy to I/O memory of another length");
        let base = self.base.as_ptr();
        let (first, rest) = src.split_at(head(self.addr(), 8, self.len));
        let (words, last) = rest.as_chunks::<8>();
        // SAFETY: `first`, `words` and `last` together are as long as the span; the words are aligned to 8.
        unsafe {
            first.iter().enumerate().for_each(|(i, byte)| io::store8(base.add(i), *byte));
            let base = base.add(first.len());
            io::write_words(base.cast(), words);
            let base = base.add(words.len() * 8);
            last.iter().enumerate().for_each(|(i, byte)| io::store8(base.add(i), *byte));
        }
    }

    /// Reads all its bytes into memory (`memcpy_fromio()`): aligned 64-bit words, and bytes at the ends.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn read_into(&self, dst: &mut [u8]) {
        assert_eq!(dst.len(), self.len, "a copy from I/O memory of another length");
        let base = self.base.as_ptr();
        let (first, rest) = dst.split_at_mut(head(self.addr(), 8, self.len));
        let (words, last) = rest.as_chunks_mut::<8>();
        // SAFETY: `first`, `words` and `last` together are as long as the span; the words are aligned to 8.
        unsafe {
            first.iter_mut().enumerate().for_each(|(i, byte)| *byte = io::load8(base.add(i)));
            let base = base.add(first.len());
            io::read_words(words, base.cast());
            let base = base.add(words.len() * 8);
            last.iter_mut().enumerate().for_each(|(i, byte)| *byte = io::load8(base.add(i)));
        }
    }

    /// Reads all its bytes into memory by streaming loads, if it can: source, destination and length must be multiples
    /// of 16. Otherwise it says `false` and has copied nothing (the kernel's `i915_memcpy_from_wc()`).
    ///
    /// # Panics
    /// If the lengths differ.
    #[must_use = "nothing is copied if this is false"]
    pub fn stream_into(&self, dst: &mut [u8], _proof: StreamingLoads) -> bool {
        assert_eq!(dst.len(), self.len, "a streaming read of another length");
        let able = self.is_aligned(16) && dst.as_ptr().addr().is_multiple_of(16) && self.len.is_multiple_of(16);
        if able {
            // SAFETY: `able`, and the proof; `dst` is `&mut`, so it is nobody else's and no I/O memory.
            unsafe { io::stream::copy_blocks(dst.as_mut_ptr(), self.base.as_ptr(), self.len / 16) }
        }
        able
    }

    /// [`stream_into`](Self::stream_into) of a page, with stores that go past the cache.
    ///
    /// # Safety
    /// [`copy::fence`](crate::copy::fence) is called by this thread before anybody uses `dst` again.
    pub(crate) unsafe fn stream_page_past_cache(&self, dst: &mut crate::Page, _proof: StreamingLoads) -> bool {
        let able = self.is_aligned(16) && dst.as_ptr().addr().is_multiple_of(16) && self.len == dst.len();
        if able {
            // SAFETY: `able`, and the proof; `dst` is `&mut`; the caller fences.
            unsafe { io::stream::copy_blocks_past_cache(dst.as_mut_ptr(), self.base.as_ptr(), self.len / 16) }
        }
        able
    }

    /// What the posted patch does where both sides are I/O memory: streaming loads, and plain 16-byte stores through a
    /// pointer from which `__iomem` was dropped. `false`, and nothing copied, unless everything is a multiple of 16.
    pub(crate) fn stream_into_io(&self, dst: &IoSpan<'_>, _proof: StreamingLoads) -> bool {
        let able = self.is_aligned(16) && dst.is_aligned(16) && self.len.is_multiple_of(16) && self.len == dst.len;
        let apart = self.addr().abs_diff(dst.addr()) >= self.len;
        if able && apart {
            // SAFETY: `able` and `apart`, and the proof; both are I/O memory, whose words may race.
            unsafe { io::stream::copy_blocks(dst.base.as_ptr(), self.base.as_ptr(), self.len / 16) }
        }
        able && apart
    }

    /// Writes all its bytes from other I/O memory, the lowest first: 64-bit words where both are so aligned, else
    /// 32-bit words, else bytes; and a tail shorter than a word by bytes, so that nothing past the end is touched.
    /// (The kernel's own goes through a bounce buffer of 128 bytes and copies 128 of its tail too.)
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn copy_from_io(&self, src: &IoSpan<'_>) {
        assert_eq!(src.len, self.len, "a copy between I/O memory of different lengths");
        let misfit = (self.addr() ^ src.addr()) % 8;
        let word = match misfit {
            0 => 8,
            4 => 4,
            _ => 1,
        };
        let head = head(self.addr(), word, self.len);
        let tail = head + (self.len - head) / word * word;
        let (to, from) = (self.base.as_ptr(), src.base.as_ptr());
        // SAFETY: every index lies below `len`, which both have; from `head` on both are aligned to `word`, because
        // their addresses differ by a multiple of it.
        unsafe {
            (0..head).for_each(|i| io::store8(to.add(i), io::load8(from.add(i))));
            let words = (head..tail).step_by(word);
            match word {
                8 => io::copy_words(to.add(head).cast(), from.add(head).cast(), (tail - head) / 8),
                4 => words.for_each(|i| io::store32(to.add(i).cast(), io::load32(from.add(i).cast()))),
                _ => words.for_each(|i| io::store8(to.add(i), io::load8(from.add(i)))),
            }
            (tail..self.len).for_each(|i| io::store8(to.add(i), io::load8(from.add(i))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;

    /// Small enough for every offset and length, long enough for heads, words, blocks and tails.
    const SIZE: usize = if cfg!(miri) { 20 } else { 72 };

    /// So many bytes are looked at, of which the middle ones are used.
    const WINDOW: usize = 128;

    fn window(aperture: &Aperture) -> IoSpan<'_> {
        aperture.span(ByteOffset(512), ByteLen(WINDOW as u64)).unwrap()
    }

    fn numbered(aperture: &Aperture) -> Vec<u8> {
        let bytes: Vec<u8> = (0..WINDOW).map(|i| (i as u8).wrapping_mul(37).wrapping_add(11)).collect();
        window(aperture).write_from(&bytes);
        bytes
    }

    fn all(aperture: &Aperture) -> Vec<u8> {
        let mut bytes = vec![0; WINDOW];
        window(aperture).read_into(&mut bytes);
        bytes
    }

    /// Every start and length of `SIZE` bytes, eight into the window.
    fn ranges() -> impl Iterator<Item = (usize, usize)> {
        (0..SIZE).flat_map(|offset| (0..SIZE - offset).map(move |len| (8 + offset, len)))
    }

    #[test]
    fn every_fill_sets_its_bytes_and_no_other() {
        let aperture = Aperture::new(PageCount(1)).unwrap();
        for (offset, len) in ranges() {
            let mut expected = numbered(&aperture);
            expected[offset..offset + len].fill(0xee);
            window(&aperture).part(offset, len).unwrap().fill(0xee);
            assert!(all(&aperture) == expected, "{len} bytes at {offset}");
        }
    }

    #[test]
    fn every_copy_to_and_from_memory_moves_its_bytes_and_no_other() {
        let aperture = Aperture::new(PageCount(1)).unwrap();
        let memory: Vec<u8> = (0..SIZE as u8).map(|i| !i).collect();
        for (offset, len) in ranges() {
            let mut expected = numbered(&aperture);
            let span = window(&aperture).part(offset, len).unwrap();
            let mut read = vec![0; len];
            span.read_into(&mut read);
            assert!(read == expected[offset..offset + len], "reading {len} bytes at {offset}");
            expected[offset..offset + len].copy_from_slice(&memory[..len]);
            span.write_from(&memory[..len]);
            assert!(all(&aperture) == expected, "writing {len} bytes at {offset}");
        }
    }

    #[test]
    fn every_copy_from_io_to_io_has_a_correct_tail() {
        let aperture = Aperture::new(PageCount(1)).unwrap();
        let size: usize = if cfg!(miri) { 9 } else { 40 };
        for (to, from, len) in (0..16)
            .flat_map(|to| (0..16).map(move |from| (to, from)))
            .flat_map(|(to, from)| (0..size).map(move |len| (to, from, len)))
        {
            if cfg!(miri) && !(to + from + len).is_multiple_of(7) {
                continue;
            }
            let mut expected = numbered(&aperture);
            let (to, from) = (to + 8, from + 64);
            expected.copy_within(from..from + len, to);
            let span = |at: usize| window(&aperture).part(at, len).unwrap();
            span(to).copy_from_io(&span(from));
            assert!(all(&aperture) == expected, "{len} bytes from {from} to {to}");
        }
    }

    #[test]
    fn streaming_reads_all_or_nothing() {
        let Some(proof) = Capability::probe().streaming() else { return };
        let aperture = Aperture::new(PageCount(1)).unwrap();
        let bytes = numbered(&aperture);
        #[repr(align(16))]
        struct Aligned([u8; 256]);
        for (from, to, len) in (0..48)
            .flat_map(|from| (0..48).map(move |to| (from, to)))
            .flat_map(|(from, to)| [0, 1, 15, 16, 17, 32, 48, 64, 80].map(|len| (from, to, len)))
        {
            let mut memory = Aligned([0xaa; 256]);
            let span = window(&aperture).part(from, len).unwrap();
            let done = span.stream_into(&mut memory.0[to..to + len], proof);
            assert_eq!(done, from % 16 == 0 && to % 16 == 0 && len % 16 == 0);
            let mut expected = [0xaa; 256];
            if done {
                expected[to..to + len].copy_from_slice(&bytes[from..from + len]);
            }
            assert!(memory.0 == expected, "{len} bytes from {from} to {to}");
        }
    }

    #[test]
    fn words_are_read_and_written_where_they_lie() {
        let aperture = Aperture::new(PageCount(2)).unwrap();
        let span = aperture.span(ByteOffset(4096), ByteLen(16)).unwrap();
        span.write32(4, 0x0102_0304);
        span.write64(8, 0x1112_1314_1516_1718);
        assert_eq!((span.read32(0), span.read32(4), span.read64(8)), (0, 0x0102_0304, 0x1112_1314_1516_1718));
        let mut bytes = [0; 8];
        span.part(0, 8).unwrap().read_into(&mut bytes);
        assert_eq!(bytes[4..], 0x0102_0304_u32.to_ne_bytes());
    }

    #[test]
    #[should_panic(expected = "not aligned")]
    fn a_misaligned_word_is_refused() {
        Aperture::new(PageCount(1)).unwrap().span(ByteOffset(2), ByteLen(16)).unwrap().read32(0);
    }

    #[test]
    #[should_panic(expected = "of an I/O span of 16")]
    fn a_word_past_the_end_is_refused() {
        Aperture::new(PageCount(1)).unwrap().span(ByteOffset(0), ByteLen(16)).unwrap().write64(16, 0);
    }

    #[test]
    fn spans_outside_do_not_exist() {
        let aperture = Aperture::new(PageCount(1)).unwrap();
        assert!(aperture.span(ByteOffset(4096), ByteLen(0)).is_some());
        for (offset, len) in [(4096, 1), (0, 4097), (u64::MAX, 2), (1, u64::MAX)] {
            assert!(aperture.span(ByteOffset(offset), ByteLen(len)).is_none(), "{len} at {offset}");
        }
        let span = aperture.span(ByteOffset(16), ByteLen(32)).unwrap();
        assert!(span.part(0, 32).is_some() && span.part(33, 0).is_none() && span.part(1, usize::MAX).is_none());
    }
}
