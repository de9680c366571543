//! Frames as user space sees them: its accesses go by real addresses, and the processor says which of them fault.
//!
//! For engines with threads of the system. The entries of page tables are laid as they change, each an address of its
//! own; an access that finds none hangs in a real page fault, where that is permitted, while the handler that the
//! scenario has for it runs in steps. It is made when the handler has returned and the instruction is come to again.

use super::{Bytes, Inner, is_definite};
use crate::{ObjId, Program, ThreadId, memory::kind};
use fenceweave_pages::{Mmu, PAGE_SIZE, PageCount, PageIndex, Reached, Tag, Who, Whole};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// What an entry leads to: the number of a frame, and whether it may be written.
pub(crate) type Leads = Option<(i32, bool)>;

impl Bytes {
    /// The memory of a program's frames, with a processor for its page tables if it has any; its faults are raised in
    /// software if that is asked for, or nothing else is permitted. None if it has neither, or the system no memory.
    pub fn with_processor(program: &Program, software: bool) -> Option<Arc<Bytes>> {
        let entries: u32 = program.page_tables.iter().map(|table| u32::from(table.len)).sum();
        if entries == 0 {
            return Bytes::of(program);
        }
        let mmu = Mmu::new(PageCount(entries), software).ok()?;
        Some(Arc::new(Bytes::new(program, Some(mmu))?))
    }

    /// Whether user space is touched by real addresses, or at least by a table.
    pub fn has_processor(&self) -> bool {
        self.processor
    }

    /// Why page faults are raised in software, if there are any and they are.
    pub fn why_software(&self) -> Option<String> {
        self.inner().mmu.as_ref().and_then(Mmu::why_software).map(str::to_owned)
    }

    /// A thread is so deep in calls when it takes its next step: an access that it makes in the handler of its own
    /// fault is another one.
    pub fn is_at(&self, thread: ThreadId, depth: usize) {
        if let Some(at) = self.depths.get(thread.index()).filter(|_| self.processor) {
            at.store(depth.min(usize::from(u8::MAX)) as u8, Ordering::Relaxed);
        }
    }

    /// Who makes the accesses of a thread's step.
    fn who(&self, thread: ThreadId) -> Who {
        let depth = self.depths.get(thread.index()).map_or(0, |at: &AtomicU8| at.load(Ordering::Relaxed));
        Who { thread: thread.index(), depth: usize::from(depth) }
    }

    /// Another execution begins: nobody hangs in a fault.
    pub fn restart(&self) {
        let mut inner = self.inner();
        inner.known.fill(false);
        let _ = inner.mmu.as_mut().map(Mmu::give_up_all);
    }

    /// An entry leads there from here on; false if that could not be laid.
    pub(crate) fn lay(&self, program: &Program, at: PageIndex, leads: Leads) -> bool {
        self.inner().lay(program, at, leads).is_some()
    }

    /// The bytes that user space stores into a page; false if the processor does not let it.
    pub(crate) fn store(&self, thread: ThreadId, at: PageIndex, frame: Option<ObjId>, tag: Tag) -> bool {
        let who = self.who(thread);
        let mut inner = self.inner();
        let mut page = [0; PAGE_SIZE];
        tag.write_to(&mut page);
        let stored = inner.touch(who, at, Whole::Write(&page)) == Some(Reached::Through);
        if let Some(frame) = frame {
            inner.known[frame.index()] = stored && is_definite(tag);
        }
        stored
    }

    /// Whether user space loads from a page what its frame's tag says.
    pub(crate) fn load(&self, program: &Program, thread: ThreadId, at: PageIndex, frame: Option<(ObjId, Tag)>) -> bool {
        let who = self.who(thread);
        let mut inner = self.inner();
        if let Some((frame, tag)) = frame {
            inner.ensure(program, frame, tag);
        }
        let mut page = [0; PAGE_SIZE];
        let loaded = inner.touch(who, at, Whole::Read(&mut page)) == Some(Reached::Through);
        let definite = frame.filter(|(_, tag)| is_definite(*tag));
        inner.figures.compared += u64::from(definite.is_some());
        loaded && definite.is_none_or(|(_, tag)| Tag::read_from(&page) == tag)
    }

    /// An access where the entry does not let it: whether it faults.
    pub(crate) fn fault(&self, thread: ThreadId, at: PageIndex, writes: bool) -> bool {
        let who = self.who(thread);
        let mut page = [0; PAGE_SIZE];
        let how = if writes { Whole::Write(&[0; PAGE_SIZE]) } else { Whole::Read(&mut page) };
        self.inner().touch(who, at, how) == Some(Reached::Fault)
    }

    /// The access that a thread hangs in is not made.
    pub(crate) fn give_up(&self, thread: ThreadId) -> bool {
        let who = self.who(thread);
        self.inner().mmu.as_mut().is_none_or(|mmu| mmu.give_up(who).is_ok())
    }
}

impl Inner {
    fn touch(&mut self, who: Who, at: PageIndex, how: Whole<'_>) -> Option<Reached> {
        self.mmu.as_mut()?.touch(who, at, how).ok()
    }

    fn lay(&mut self, program: &Program, at: PageIndex, leads: Leads) -> Option<()> {
        let Some((number, writable)) = leads else {
            return self.mmu.as_mut()?.zap(at).ok();
        };
        let frame = kind::numbered(program, number).and_then(|frame| self.place(program, frame));
        let (buffer, page) = frame.map_or((self.elsewhere.clone(), PageIndex(0)), |(of, page)| (of.clone(), page));
        let mmu = self.mmu.as_mut()?;
        match mmu.shows(at, &buffer, page, writable) {
            true => Some(()),
            false => mmu.map(at, &buffer, page, writable).ok(),
        }
    }
}
