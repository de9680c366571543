//! Contents as tags: what a page holds, told by a number, so that a model checker can run a plan without a byte. And
//! the bytes that stand for a tag in real memory, so that both can be compared.

use crate::{
    copy::PageCopy,
    error::{Fault, Stopped},
    kmap::Walk,
    plan::{Action, Plan},
    side::{Shape, Side, SpaceId},
    units::{ByteLen, ByteOffset, Page, PageCount, PageIndex},
};

/// What a page holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Tag(pub u32);

impl Tag {
    /// Zeroes.
    pub const ZERO: Tag = Tag(0);

    /// Parts of different contents, as far as can be told. (Two halves of one page that are cleared one by one are
    /// zeroes in truth, and torn here. By [`Variant::Checked`](crate::Variant::Checked) no page is torn.)
    pub const TORN: Tag = Tag(u32::MAX);

    /// Word `i` of a page that holds this tag.
    fn word(self, i: u32) -> u32 {
        match (self, i) {
            (Tag::ZERO, _) => 0,
            (Tag(tag), 0) => tag,
            (Tag(tag), i) => (tag ^ i.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0x9e37_79b1).rotate_left(i % 31),
        }
    }

    /// Makes a page hold this tag. Every word of it depends on the tag and on where it lies.
    ///
    /// # Panics
    /// Of [`Tag::TORN`], for which no bytes stand.
    pub fn write_to(self, page: &mut Page) {
        assert_ne!(self, Tag::TORN, "no page holds just torn contents");
        for (i, word) in page.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *word = self.word(i as u32).to_le_bytes();
        }
    }

    /// What a page holds: looks at every byte. [`Tag::TORN`] if it is no tag's.
    pub fn read_from(page: &Page) -> Tag {
        let words = page.as_chunks::<4>().0;
        let tag = Tag(u32::from_le_bytes(words[0]));
        let whole = words.iter().enumerate().all(|(i, word)| tag.word(i as u32).to_le_bytes() == *word);
        if whole { tag } else { Tag::TORN }
    }
}

/// Where the bytes of a page start: in which memory, and how far in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// Which memory.
    pub space: SpaceId,
    /// How far in.
    pub offset: ByteOffset,
}

/// One page's part of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Step {
    /// What is written.
    pub to: Place,
    /// What is read; nothing, if it is cleared.
    pub from: Option<Place>,
    /// How it is copied; nothing, if it is cleared.
    pub how: Option<PageCopy>,
}

/// What pages hold, page by page of each memory.
pub trait Contents {
    /// What a page holds. It lies inside its memory.
    fn tag(&self, space: SpaceId, page: PageIndex) -> Tag;

    /// Makes a page hold something else.
    fn set_tag(&mut self, space: SpaceId, page: PageIndex, tag: Tag);
}

/// What became of a plan that was run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Done {
    /// What it did.
    pub action: Action,
    /// How many pages it wrote.
    pub written: PageCount,
    /// How many of them by plain loads or stores of I/O memory ([`PageCopy::PlainPointer`]), or by I/O accessors of
    /// memory. None by [`Variant::Checked`](crate::Variant::Checked).
    pub wrong_accessor: PageCount,
}

impl Done {
    pub(crate) fn nothing_of(plan: &Plan) -> Done {
        Done { action: plan.action(), written: PageCount(0), wrong_accessor: PageCount(0) }
    }

    /// So many pages, by the accessors that are theirs.
    #[inline]
    pub(crate) fn count_pages(&mut self, pages: u32) {
        self.written.0 += pages;
    }

    #[inline]
    pub(crate) fn count(&mut self, wrong_accessor: bool) {
        self.written.0 += 1;
        self.wrong_accessor.0 += u32::from(wrong_accessor);
    }
}

/// How many bytes the memory behind a side has.
fn size_of(side: &Side) -> ByteLen {
    match side.shape {
        Shape::System { pages, .. } => pages.bytes(),
        Shape::Scatter { aperture, .. } | Shape::Linear { aperture, .. } => aperture,
    }
}

/// The steps of a plan, in the order of its pages.
pub struct Steps<'p> {
    plan: &'p Plan,
    to: Walk<'p>,
    from: Walk<'p>,
    next: u32,
}

impl Steps<'_> {
    fn step(&mut self, i: u32) -> Result<Step, Fault> {
        let at = |first: PageIndex| PageIndex(first.0 + i);
        let ((dst, dst_first), (src, src_first)) = (self.plan.destination(), self.plan.source());
        let to = Place { space: dst.space, offset: self.to.seek(size_of(dst), at(dst_first))? };
        if !self.plan.uses().1 {
            return Ok(Step { to, from: None, how: None });
        }
        let from = Place { space: src.space, offset: self.from.seek(size_of(src), at(src_first))? };
        // What memory starts at is page-aligned.
        let aligned = (to.offset.0 | from.offset.0).is_multiple_of(16);
        Ok(Step { to, from: Some(from), how: Some(self.plan.page_copy(aligned)) })
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.plan.uses().0 || self.next >= self.plan.pages().0 {
            return None;
        }
        let step = self.step(self.next);
        self.next = if step.is_ok() { self.next + 1 } else { self.plan.pages().0 };
        Some(step)
    }
}

impl Plan {
    /// What it does to each page, in order; at most one [`Fault`], the last. None of a plan of
    /// [`Variant::Checked`](crate::Variant::Checked).
    pub fn steps(&self) -> Steps<'_> {
        let posted = self.posted_walk();
        let (to, from) = (Walk::over(self.destination().0, posted), Walk::over(self.source().0, posted));
        Steps { plan: self, to, from, next: 0 }
    }

    /// Runs it on tags.
    ///
    /// # Errors
    /// [`Stopped`], as on bytes: only a kernel's variant runs into a [`Fault`].
    pub fn run_on(&self, contents: &mut dyn Contents) -> Result<Done, Stopped> {
        let mut done = Done::nothing_of(self);
        for step in self.steps() {
            let step = step.map_err(|fault| Stopped { fault, written: done.written })?;
            step.run_on(contents);
            let wrong =
                if step.from.is_some() { step.how == Some(PageCopy::PlainPointer) } else { self.clears_memory_as_io() };
            done.count(wrong);
        }
        Ok(done)
    }
}

impl Step {
    /// Runs it on tags: one page, as one step of a model checker may want it.
    pub fn run_on(&self, contents: &mut dyn Contents) {
        let tag = self.from.map_or(Tag::ZERO, |from| from.read(contents));
        self.to.write(contents, tag);
    }
}

impl Place {
    /// The page it starts in, and the one it ends in if that is another.
    fn pages(&self) -> (PageIndex, Option<PageIndex>) {
        // `Walk::seek` lets no place through that ends outside a memory of at most MAX_PAGES.
        let first = self.offset.page().unwrap_or_default();
        (first, if self.offset.is_page_aligned() { None } else { first.forward(1) })
    }

    fn read(&self, contents: &dyn Contents) -> Tag {
        let (first, second) = self.pages();
        let tag = contents.tag(self.space, first);
        match second {
            // The end of one page and the start of the next: only zeroes look the same there.
            Some(second) if tag != Tag::ZERO || contents.tag(self.space, second) != Tag::ZERO => Tag::TORN,
            _ => tag,
        }
    }

    fn write(&self, contents: &mut dyn Contents, tag: Tag) {
        let (first, second) = self.pages();
        let Some(second) = second else { return contents.set_tag(self.space, first, tag) };
        for page in [first, second] {
            if tag != Tag::ZERO || contents.tag(self.space, page) != Tag::ZERO {
                contents.set_tag(self.space, page, Tag::TORN);
            }
        }
    }
}

/// Tags of some memories: what [`Contents`] is for whoever has nothing better.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tags(Vec<(SpaceId, Vec<Tag>)>);

impl Tags {
    /// No memory at all.
    pub fn new() -> Tags {
        Tags::default()
    }

    /// Adds a memory; it holds zeroes.
    #[must_use]
    pub fn with(mut self, space: SpaceId, pages: PageCount) -> Tags {
        self.0.push((space, vec![Tag::ZERO; pages.0 as usize]));
        self
    }

    /// What the pages of a memory hold; nothing, if it was not added.
    pub fn of(&self, space: SpaceId) -> &[Tag] {
        self.0.iter().find(|(id, _)| *id == space).map_or(&[], |(_, tags)| tags)
    }
}

impl Contents for Tags {
    /// [`Tag::TORN`] for a page that was not added: nobody knows what it holds.
    fn tag(&self, space: SpaceId, page: PageIndex) -> Tag {
        self.of(space).get(page.0 as usize).copied().unwrap_or(Tag::TORN)
    }

    /// A page that was not added stays so.
    fn set_tag(&mut self, space: SpaceId, page: PageIndex, tag: Tag) {
        let tags = self.0.iter_mut().find(|(id, _)| *id == space).map(|(_, tags)| tags);
        if let Some(slot) = tags.and_then(|tags| tags.get_mut(page.0 as usize)) {
            *slot = tag;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE_SIZE;

    #[test]
    fn a_tag_can_be_read_back_and_no_byte_be_changed_unseen() {
        let mut page = [0; PAGE_SIZE];
        for tag in [Tag::ZERO, Tag(1), Tag(2), Tag(0xffff_fffe)] {
            tag.write_to(&mut page);
            assert_eq!(Tag::read_from(&page), tag);
            for i in (0..PAGE_SIZE).step_by(if cfg!(miri) { 511 } else { 1 }) {
                page[i] ^= 0x10;
                assert_ne!(Tag::read_from(&page), tag, "byte {i}");
                page[i] ^= 0x10;
            }
        }
    }

    #[test]
    fn a_page_that_starts_in_the_middle_of_another_is_torn() {
        let space = SpaceId(1);
        let mut tags = Tags::new().with(space, PageCount(3));
        tags.set_tag(space, PageIndex(0), Tag(7));
        let middle = Place { space, offset: ByteOffset(512) };
        assert_eq!(middle.read(&tags), Tag::TORN);
        middle.write(&mut tags, Tag(8));
        assert_eq!(tags.of(space), [Tag::TORN, Tag::TORN, Tag::ZERO]);
        let zeroes = Place { space, offset: ByteOffset(4096 + 512) };
        assert_eq!(zeroes.read(&Tags::new().with(space, PageCount(3))), Tag::ZERO);
    }
}
