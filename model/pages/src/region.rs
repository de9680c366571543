//! A stretch of memory that the allocator and the optimiser know nothing of: a memfd, mapped shared, with a page on
//! either side that nobody may touch. Under Miri, or with the feature `portable`, zeroed heap memory.
#![allow(unsafe_code)]

use crate::{
    error::Error,
    units::{MAX_PAGES, PageCount},
};
use std::ptr::NonNull;

#[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
use memfd as backing;

#[cfg(not(all(target_os = "linux", not(miri), not(feature = "portable"))))]
use heap as backing;

/// Zeroed, page-aligned, and nobody's but ours until it is dropped.
///
/// It hands out a pointer and never a reference: who may read or write which bytes, and when, is the business of
/// [`system`](crate::system) (claims) and [`io`](crate::io) (single words that cannot race).
pub(crate) struct Region {
    base: NonNull<u8>,
    pages: PageCount,
    #[cfg_attr(not(all(target_os = "linux", not(miri), not(feature = "portable"))), expect(dead_code))]
    file: backing::File,
}

// SAFETY: a region is an address and a length; it owns its memory, which is not bound to the thread that mapped it.
// Every access through `base` argues for itself where it is made.
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives out nothing but the address.
unsafe impl Sync for Region {}

impl Region {
    pub(crate) fn new(pages: PageCount) -> Result<Region, Error> {
        if pages.0 == 0 || pages > MAX_PAGES {
            return Err(Error::BadSize { pages });
        }
        let (base, file) = backing::map(pages)?;
        Ok(Region { base, pages, file })
    }

    /// What it is a mapping of, for who maps a part of it elsewhere.
    #[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
    pub(crate) fn file(&self) -> &backing::File {
        &self.file
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn pages(&self) -> PageCount {
        self.pages
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: `base` came from `map(pages)`, once, and whoever borrowed from this region is gone.
        unsafe { backing::unmap(self.base, self.pages) }
    }
}

#[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
mod memfd {
    use crate::{
        error::Error,
        units::{PAGE_SIZE, PageCount},
    };
    use rustix::{
        fs::{MemfdFlags, ftruncate, memfd_create},
        io::Errno,
        mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap},
    };
    use std::ptr::{NonNull, null_mut};

    /// The memory itself, wherever it is mapped.
    pub(crate) type File = rustix::fd::OwnedFd;

    fn failed(call: &'static str) -> impl Fn(Errno) -> Error {
        move |errno| Error::Os { call, errno: errno.raw_os_error() }
    }

    fn bytes(pages: PageCount) -> usize {
        pages.0 as usize * PAGE_SIZE
    }

    /// Reserves the whole stretch with its two guard pages, then lays the memfd into its middle.
    pub(super) fn map(pages: PageCount) -> Result<(NonNull<u8>, File), Error> {
        let file = memfd_create("fenceweave-pages", MemfdFlags::CLOEXEC).map_err(failed("memfd_create"))?;
        ftruncate(&file, pages.bytes().0).map_err(failed("ftruncate"))?;
        let whole = bytes(pages) + 2 * PAGE_SIZE;
        // SAFETY: a fresh anonymous mapping where the kernel likes: it replaces nothing.
        let outer = unsafe { mmap_anonymous(null_mut(), whole, ProtFlags::empty(), MapFlags::PRIVATE) }
            .map_err(failed("mmap"))?;
        let base = outer.cast::<u8>().wrapping_add(PAGE_SIZE);
        // SAFETY: MAP_FIXED replaces pages of the reservation just made, which nobody else knows of.
        let inner = unsafe {
            let flags = MapFlags::SHARED | MapFlags::FIXED;
            mmap(base.cast(), bytes(pages), ProtFlags::READ | ProtFlags::WRITE, flags, &file, 0)
        };
        match inner.map(|at| NonNull::new(at.cast::<u8>())) {
            Ok(Some(base)) => Ok((base, file)),
            failure => {
                // SAFETY: the reservation made above, whole, with no borrower yet.
                let _ = unsafe { munmap(outer, whole) };
                Err(failed("mmap")(failure.err().unwrap_or(Errno::NOMEM)))
            }
        }
    }

    /// # Safety
    /// `base` came from `map(pages)`, is unmapped once, and nobody uses it any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, pages: PageCount) {
        let outer = base.as_ptr().wrapping_sub(PAGE_SIZE);
        // SAFETY: the caller's promise; the guards on either side belong to the same reservation.
        let unmapped = unsafe { munmap(outer.cast(), bytes(pages) + 2 * PAGE_SIZE) };
        debug_assert!(unmapped.is_ok(), "munmap of a whole reservation failed: {unmapped:?}");
    }
}

#[cfg(not(all(target_os = "linux", not(miri), not(feature = "portable"))))]
mod heap {
    use crate::{
        error::Error,
        units::{PAGE_SIZE, PageCount},
    };
    use std::{
        alloc::{Layout, alloc_zeroed, dealloc},
        ptr::NonNull,
    };

    /// There is none.
    pub(crate) type File = ();

    fn layout(pages: PageCount) -> Option<Layout> {
        Layout::from_size_align((pages.0 as usize).checked_mul(PAGE_SIZE)?, PAGE_SIZE).ok()
    }

    pub(super) fn map(pages: PageCount) -> Result<(NonNull<u8>, File), Error> {
        let layout = layout(pages).ok_or(Error::BadSize { pages })?;
        // SAFETY: the layout is not of size zero: `Region::new` refuses zero pages.
        let base = unsafe { alloc_zeroed(layout) };
        // ENOMEM, as the kernel would say it.
        let base = NonNull::new(base).ok_or(Error::Os { call: "alloc", errno: 12 })?;
        Ok((base, ()))
    }

    /// # Safety
    /// `base` came from `map(pages)`, is freed once, and nobody uses it any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, pages: PageCount) {
        if let Some(layout) = layout(pages) {
            // SAFETY: the caller's promise; the same pages give the same layout.
            unsafe { dealloc(base.as_ptr(), layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_zeroed_page_aligned_and_of_a_stated_size() {
        let region = Region::new(PageCount(3)).unwrap();
        assert!(region.base().addr().get().is_multiple_of(crate::PAGE_SIZE));
        for offset in [0, 1, 3 * crate::PAGE_SIZE - 1] {
            // SAFETY: inside the three pages of a region that nobody else knows of.
            assert_eq!(unsafe { region.base().add(offset).read() }, 0);
        }
    }

    #[test]
    fn a_region_of_nothing_or_of_too_much_is_refused() {
        for pages in [PageCount(0), PageCount(MAX_PAGES.0 + 1), PageCount(u32::MAX)] {
            assert_eq!(Region::new(pages).err(), Some(Error::BadSize { pages }));
        }
    }
}
