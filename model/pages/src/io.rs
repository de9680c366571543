//! Single words of I/O memory: one access of the stated width each, never merged, split or left out, and never a data
//! race (a word that two threads write at once is the one or the other).
//!
//! On x86-64 each is one `mov` in an `asm!` block (`readl()`, `writeq()`), and many in a row are one `rep movsq`
//! (`memcpy_toio()` is such a string instruction as well): a move of a word, repeated. Elsewhere, and under Miri, all
//! are made of relaxed atomics of 64 bits: a narrower word is a part of one, and writing it replaces the whole. Such
//! atomics may race; and an `asm!` block may do whatever Rust could have done in its place, which is that. So both are
//! right for memory that anybody may write at any time. References to such memory are never made.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
mod words {
    use std::arch::asm;

    macro_rules! word {
        ($load:ident, $store:ident, $t:ty, $class:ident, $width:literal, $modifier:literal) => {
            /// # Safety
            /// `at` is aligned to the word, and the word lies in I/O memory that is mapped.
            #[inline(always)]
            pub(crate) unsafe fn $load(at: *const $t) -> $t {
                let word: $t;
                // SAFETY: the caller's promise; as a relaxed atomic load.
                unsafe {
                    asm!(concat!("mov {word", $modifier, "}, ", $width, " ptr [{at}]"), word = out($class) word,
                        at = in(reg) at, options(nostack, preserves_flags));
                }
                word
            }

            /// # Safety
            /// `at` is aligned to the word, and the word lies in I/O memory that is mapped.
            #[inline(always)]
            pub(crate) unsafe fn $store(at: *mut $t, word: $t) {
                // SAFETY: the caller's promise; as a relaxed atomic store.
                unsafe {
                    asm!(concat!("mov ", $width, " ptr [{at}], {word", $modifier, "}"), word = in($class) word,
                        at = in(reg) at, options(nostack, preserves_flags));
                }
            }
        };
    }

    word!(load8, store8, u8, reg_byte, "byte", "");
    word!(load32, store32, u32, reg, "dword", ":e");
    word!(load64, store64, u64, reg, "qword", "");

    /// Copies words, the lowest first, one `movsq` each.
    ///
    /// # Safety
    /// So many words are mapped at both; each side is I/O memory and aligned to words, or memory that is the caller's
    /// to read (`from`) or to write (`to`).
    #[inline(always)]
    pub(crate) unsafe fn copy_words(to: *mut u64, from: *const u64, count: usize) {
        // SAFETY: the caller's promise; of I/O memory, as relaxed atomic loads and stores. The direction flag is clear,
        // as always when Rust runs.
        unsafe {
            asm!("rep movsq", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") count => _,
                options(nostack, preserves_flags));
        }
    }

    /// # Safety
    /// So many words are mapped at `to`, which is aligned I/O memory.
    #[inline(always)]
    pub(crate) unsafe fn fill_words(to: *mut u64, word: u64, count: usize) {
        // SAFETY: as in `copy_words`.
        unsafe {
            asm!("rep stosq", inout("rdi") to => _, in("rax") word, inout("rcx") count => _,
                options(nostack, preserves_flags));
        }
    }

    /// # Safety
    /// As many words are mapped at `to`, which is aligned I/O memory.
    #[inline(always)]
    pub(crate) unsafe fn write_words(to: *mut u64, words: &[[u8; 8]]) {
        // SAFETY: the caller's promise; `words` is borrowed.
        unsafe { copy_words(to, words.as_ptr().cast(), words.len()) }
    }

    /// # Safety
    /// As many words are mapped at `from`, which is aligned I/O memory.
    #[inline(always)]
    pub(crate) unsafe fn read_words(words: &mut [[u8; 8]], from: *const u64) {
        // SAFETY: the caller's promise; `words` is borrowed alone.
        unsafe { copy_words(words.as_mut_ptr().cast(), from, words.len()) }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
mod words {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// The aligned 64-bit word that a byte lies in, and how far in. Atomics that race must be of one size: so this is
    /// the only one there is.
    ///
    /// # Safety
    /// `at` lies in I/O memory that is mapped.
    #[inline(always)]
    unsafe fn around<'a>(at: *const u8) -> (&'a AtomicU64, usize) {
        let within = at.addr() % 8;
        // SAFETY: I/O memory begins and ends at a page, so the whole word is in it; the pointer is aligned; and I/O
        // memory is only ever accessed by such atomics.
        (unsafe { AtomicU64::from_ptr(at.wrapping_sub(within).cast_mut().cast()) }, within)
    }

    macro_rules! word {
        ($load:ident, $store:ident, $t:ty) => {
            /// # Safety
            /// `at` is aligned to the word, and the word lies in I/O memory that is mapped.
            #[inline(always)]
            pub(crate) unsafe fn $load(at: *const $t) -> $t {
                const SIZE: usize = size_of::<$t>();
                // SAFETY: the caller's promise.
                let (cell, within) = unsafe { around(at.cast()) };
                let bytes = cell.load(Relaxed).to_ne_bytes();
                let mut part = [0; SIZE];
                part.copy_from_slice(&bytes[within..within + SIZE]);
                <$t>::from_ne_bytes(part)
            }

            /// # Safety
            /// `at` is aligned to the word, and the word lies in I/O memory that is mapped.
            #[inline(always)]
            pub(crate) unsafe fn $store(at: *mut $t, word: $t) {
                const SIZE: usize = size_of::<$t>();
                // SAFETY: the caller's promise.
                let (cell, within) = unsafe { around(at.cast()) };
                if SIZE == 8 {
                    return cell.store(u64::from(word), Relaxed);
                }
                let with = |old: u64| {
                    let mut bytes = old.to_ne_bytes();
                    bytes[within..within + SIZE].copy_from_slice(&word.to_ne_bytes());
                    Some(u64::from_ne_bytes(bytes))
                };
                // It always has a new value to offer, so it never fails.
                let _ = cell.fetch_update(Relaxed, Relaxed, with);
            }
        };
    }

    word!(load8, store8, u8);
    word!(load32, store32, u32);
    word!(load64, store64, u64);

    /// Copies words, the lowest first.
    ///
    /// # Safety
    /// So many words are mapped at both, which are aligned I/O memory.
    pub(crate) unsafe fn copy_words(to: *mut u64, from: *const u64, count: usize) {
        // SAFETY: the caller's promise.
        (0..count).for_each(|i| unsafe { store64(to.add(i), load64(from.add(i))) });
    }

    /// # Safety
    /// So many words are mapped at `to`, which is aligned I/O memory.
    pub(crate) unsafe fn fill_words(to: *mut u64, word: u64, count: usize) {
        // SAFETY: the caller's promise.
        (0..count).for_each(|i| unsafe { store64(to.add(i), word) });
    }

    /// # Safety
    /// As many words are mapped at `to`, which is aligned I/O memory.
    pub(crate) unsafe fn write_words(to: *mut u64, words: &[[u8; 8]]) {
        for (i, word) in words.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { store64(to.add(i), u64::from_ne_bytes(*word)) }
        }
    }

    /// # Safety
    /// As many words are mapped at `from`, which is aligned I/O memory.
    pub(crate) unsafe fn read_words(words: &mut [[u8; 8]], from: *const u64) {
        for (i, word) in words.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *word = unsafe { load64(from.add(i)) }.to_ne_bytes();
        }
    }
}

pub(crate) use words::{
    copy_words, fill_words, load8, load32, load64, read_words, store8, store32, store64, write_words,
};

/// Proof that this CPU has SSE4.1's streaming loads (`movntdqa`): from write-combined memory they fetch a whole
/// line at a time, where an ordinary load fetches a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamingLoads(());

/// What this CPU can do. A plan is made for one, and records it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    streaming: Option<StreamingLoads>,
}

impl Capability {
    /// Looks (once; the answer is kept). Streaming loads need x86-64 with SSE4.1.
    ///
    /// The kernel also does without them as the guest of a hypervisor, because a guest's `movntdqa` from emulated
    /// device memory may trap to one that cannot decode it. Our aperture is ordinary memory, where that cannot happen.
    pub fn probe() -> Capability {
        Capability { streaming: stream::detect().then_some(StreamingLoads(())) }
    }

    /// Nothing but words: what the fallback is tested with.
    pub const fn words_only() -> Capability {
        Capability { streaming: None }
    }

    /// The proof, if there is one.
    pub const fn streaming(self) -> Option<StreamingLoads> {
        self.streaming
    }
}

/// `movntdqa` where there is any.
pub(crate) mod stream {
    #[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
    mod sse {
        use std::arch::asm;

        pub(crate) fn detect() -> bool {
            std::arch::is_x86_feature_detected!("sse4.1")
        }

        macro_rules! copy {
            ($name:ident, $store:literal) => {
                /// Copies whole 16-byte blocks by streaming loads.
                ///
                /// # Safety
                /// Both pointers are aligned to 16, `blocks * 16` bytes are mapped at each and the two do not overlap;
                /// the CPU has SSE4.1; `src` is I/O memory; `dst` is I/O memory, or nobody else's.
                #[inline]
                pub(crate) unsafe fn $name(dst: *mut u8, src: *const u8, blocks: usize) {
                    let mut at = 0;
                    let end = blocks * 16;
                    while at + 64 <= end {
                        // SAFETY: the 64 bytes at `at` lie in both ranges. The loads are what two relaxed 64-bit
                        // atomic loads each would be; likewise the stores.
                        unsafe {
                            asm!(
                                "movntdqa {a}, [{src}]", "movntdqa {b}, [{src} + 16]",
                                "movntdqa {c}, [{src} + 32]", "movntdqa {d}, [{src} + 48]",
                                concat!($store, " [{dst}], {a}"), concat!($store, " [{dst} + 16], {b}"),
                                concat!($store, " [{dst} + 32], {c}"), concat!($store, " [{dst} + 48], {d}"),
                                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                                src = in(reg) src.add(at), dst = in(reg) dst.add(at),
                                options(nostack, preserves_flags)
                            );
                        }
                        at += 64;
                    }
                    while at < end {
                        // SAFETY: as above, of 16 bytes.
                        unsafe {
                            asm!("movntdqa {a}, [{src}]", concat!($store, " [{dst}], {a}"), a = out(xmm_reg) _,
                                src = in(reg) src.add(at), dst = in(reg) dst.add(at),
                                options(nostack, preserves_flags));
                        }
                        at += 16;
                    }
                }
            };
        }

        copy!(copy_blocks, "movdqa");
        copy!(copy_blocks_past_cache, "movntdq");
    }

    #[cfg(all(target_arch = "x86_64", not(miri), not(feature = "portable")))]
    pub(crate) use sse::{copy_blocks, copy_blocks_past_cache, detect};

    #[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
    mod none {
        pub(crate) fn detect() -> bool {
            false
        }

        /// # Safety
        /// Never called: [`StreamingLoads`](super::super::StreamingLoads) cannot be had here.
        pub(crate) unsafe fn copy_blocks(_: *mut u8, _: *const u8, _: usize) {
            unreachable!("[internal bug] a streaming load where there is none")
        }

        /// # Safety
        /// Never called, as above.
        pub(crate) unsafe fn copy_blocks_past_cache(_: *mut u8, _: *const u8, _: usize) {
            unreachable!("[internal bug] a streaming load where there is none")
        }
    }

    #[cfg(not(all(target_arch = "x86_64", not(miri), not(feature = "portable"))))]
    pub(crate) use none::{copy_blocks, copy_blocks_past_cache, detect};
}
