//! Where a protocol runs into one that stands above it. In the kernel that is a pointer, a callback of RCU, or a
//! wrapper around it; here it is a line of this list, so that every other import goes one way.

/// A device's mapping was made for an attachment, which must not go before it.
pub(crate) use crate::dma::{mapped_footprint, tell_mapped_for};
/// A list's entry may be a fence: it must be there. (`list_head` is a field of whatever is listed.)
pub(crate) use crate::fence::check_alive as fence_is_alive;
/// Waiting for an earlier fence of one's own context is no dependency: what lockdep would be told of
/// `dma_fence_wait()`.
pub(crate) use crate::fence::is_later_or_same;
/// The end of a read-side section may be the end of a released fence's memory: `kfree_rcu()` in `dma_fence_free()`.
pub(crate) use crate::fence::{forget_footprint, forget_reader};
/// Nor may a GPU keep a translation to it.
pub(crate) use crate::gpu::{slots, tell_kept};
/// What is inside of an object is there as long as that: KASAN would see every access to it afterwards.
pub(crate) use crate::primitives::slab::members::check_member;
/// Nobody may still be led to a frame that goes: what `free_pages()` of a kernel that counts mappings would find; nor
/// in another way than the kernel's own mapping has it.
pub(crate) use crate::pte::{entries, tell_mapped, tell_other_caching};
/// `dma_resv_unlock()` is `dma_resv_reset_max_fences()` and `ww_mutex_unlock()`.
pub(crate) use crate::resv::{reset_footprint, reset_max_fences};
/// `fence_check_cb_func()`: a file's callback on its fence.
pub(crate) use crate::sync_file::{wake_all as wake_pollers, wake_footprint as wake_pollers_footprint};
/// Which reservation a thread holds, where the kernel's lockdep has been told an order (`dma_resv_lockdep()`).
pub(crate) use crate::ww::resv_held_by;
