//! What a device does with a frame: it writes it, and perhaps reads another, from here on until a fence has signalled.
//! The device itself is nobody: what it has done by now its fence tells whoever looks.

use super::{
    Mutant,
    frame::{self, Access, Fill as Filled},
    kind,
};
use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, Property, Runtime, Value, View, protocol::Protocol, runtime::NoteCell,
};
use fenceweave_pages::Tag;

/// A device begins with a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FillOp {
    frame: Handle,
    /// What it writes, if that does not come from another frame.
    tag: u32,
    from: Option<Handle>,
    fence: Handle,
    /// What it waits for before it begins, besides what is before its fence on the same timeline.
    after: Option<Handle>,
}

impl Code for FillOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.frame.code(c);
        let mut word = self.tag as i32;
        c.word(&mut word);
        self.tag = word as u32;
        self.from.code(c);
        self.fence.code(c);
        self.after.code(c);
    }
}

impl FillOp {
    pub(crate) const BLANK: FillOp = {
        let none = Handle::NONE;
        FillOp { frame: none, tag: 0, from: None, fence: none, after: None }
    };

    /// A device writes a frame until a fence has signalled.
    pub(crate) fn new(frame: Handle, tag: u32, fence: Handle, after: Option<Handle>) -> FillOp {
        FillOp { frame, tag, from: None, fence, after }
    }

    /// And what it writes comes from another one.
    pub(crate) fn from(self, from: Option<Handle>) -> FillOp {
        FillOp { from, ..self }
    }

    fn access(&self, frame: Handle, writes: bool) -> Access {
        Access { behind: Some((self.fence, self.after)), ..Access::new(frame, writes) }
    }

    /// What the other frame will hold when the device comes to it.
    fn source<R: Runtime>(&self, cx: &mut Cx<'_, R>, from: Handle) -> Tag {
        let access = self.access(from, false);
        let now = access.judge(cx).map_or(Tag::TORN, |met| met.tag);
        let tag = cx.frame(from.obj).books.get().fill.map_or(now, |fill| fill.then);
        if !frame::drain(cx, from.obj, self.fence) && cx.violation.is_none() {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(from.obj));
        }
        frame::as_owner(cx, from, tag)
    }
}

impl Protocol for FillOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        // What comes to be behind a fence is not looked at beside memory: a device there says `dma-write`.
        let beside = |frame: Handle| kind::of(cx.program, frame.obj).caches;
        if beside(self.frame) || self.from.is_some_and(beside) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.frame.obj));
            return Flow::Done(Value::Word(0));
        }
        let then = match self.from {
            Some(from) => self.source(cx, from),
            None => Tag(self.tag),
        };
        self.access(self.frame, true).judge(cx);
        let obj = self.frame.obj;
        let mut books = cx.frame(obj).books.get();
        books.tag = Tag::TORN;
        books.fill = Some(Filled { fence: self.fence, then });
        // What it waits for is over before it is.
        books.reads = Default::default();
        books.former = false;
        if !cx.mutated(Mutant::FillNothing) {
            cx.frame(obj).books.set(books);
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let fences = [Some(self.fence), self.after].into_iter().flatten();
        let f = fences.fold(frame::footprint(v, self.frame.obj), |f, fence| frame::reads_fence(v, f, fence));
        self.from.map_or(f, |from| f.and(frame::footprint(v, from.obj)))
    }

    fn label(&self) -> &'static str {
        if self.from.is_some() { "frame-fill: a device copies" } else { "frame-fill: a device writes" }
    }
}
