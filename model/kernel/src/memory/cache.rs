//! What CPUs have beside memory: a line of a cache, and a write that is gathered and not written yet.
//!
//! ```text
//!   line     same    it holds what memory does, or is not there: nobody can tell which
//!            stale   memory was written beside it: it may hold what was there, until it is invalidated
//!            dirty   it holds what memory does not; it is written back when the hardware likes. `over`: memory
//!                    was written since, so that this would overwrite something newer, unless it was before
//!   buffer   a write through a write-combined mapping, of one thread, until its barrier at the latest
//! ```
//!
//! A page is one line. Of memory that is declared with `caches`, and of none else. The hardware is nobody with steps
//! of its own: what it may have done by now is chosen when somebody looks (at memory, past a dirty line or a buffer;
//! in the cache, at a line that may be stale), so a speculative fill and an eviction cost nothing until somebody could
//! tell. What was filled once before memory was written may be gone again, so `stale` says that it may be there.
//!
//! From `arch/arm64/mm/cache.S`, `kernel/dma/direct.c` of 6.12 and the Arm ARM, B2.8 (mismatched memory attributes).
//! All CPUs have one cache, as coherent ones do. Left out: lines that are smaller than a page, a system cache that
//! devices share, a second buffer for a page (a second writer drains the first one's).

pub mod ops;

use super::{
    Mutant, bytes,
    frame::{self, Access, Met},
    kind::{self, Caching},
};
use crate::{
    Coder, Cx, Flow, Footprint, Handle, ObjId, Property, Runtime, ThreadId, Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::row::CACHE_WAYS,
    property::Form,
    protocol::Protocol,
    runtime::NoteCell,
};
use fenceweave_pages::Tag;

/// A line of the CPUs' cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Line {
    /// As memory, or absent.
    #[default]
    Same,
    /// It may hold this, which was in memory before.
    Stale(Tag),
    /// It holds this, and memory does not; memory was written since.
    Dirty(Tag, bool),
}

/// A write that is on its way to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gathered {
    /// Whose barrier writes it.
    pub(crate) by: ThreadId,
    tag: Tag,
    /// Something newer was written, to memory or to the line.
    over: bool,
}

/// What is beside memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) line: Line,
    pub(crate) buffer: Option<Gathered>,
}

/// What of it there is, as bits of the byte in which a frame says how it is cached.
const STALE: u8 = 1 << 2;
const DIRTY: u8 = 1 << 3;
const OVER: u8 = 1 << 4;
const BUFFER: u8 = 1 << 5;
const BUFFER_OVER: u8 = 1 << 6;
/// Those in which it says that.
pub(super) const CACHING: u8 = 3;

impl Beside {
    /// What a former owner has left there is his.
    pub(super) fn each_tag(&mut self, mut change: impl FnMut(&mut Tag)) {
        match &mut self.line {
            Line::Stale(tag) | Line::Dirty(tag, _) => change(tag),
            Line::Same => {}
        }
        if let Some(buffer) = &mut self.buffer {
            change(&mut buffer.tag);
        }
    }

    pub(super) fn flags(self) -> u8 {
        let line = match self.line {
            Line::Same => 0,
            Line::Stale(_) => STALE,
            Line::Dirty(_, over) => DIRTY | if over { OVER } else { 0 },
        };
        line | self.buffer.map_or(0, |buffer| BUFFER | if buffer.over { BUFFER_OVER } else { 0 })
    }

    pub(super) fn code<C: Coder>(&mut self, flags: u8, c: &mut C) {
        if C::READING {
            self.line = match flags {
                _ if flags & STALE != 0 => Line::Stale(Tag::ZERO),
                _ if flags & DIRTY != 0 => Line::Dirty(Tag::ZERO, flags & OVER != 0),
                _ => Line::Same,
            };
            let buffer = Gathered { by: ThreadId(0), tag: Tag::ZERO, over: flags & BUFFER_OVER != 0 };
            self.buffer = (flags & BUFFER != 0).then_some(buffer);
        }
        self.each_tag(|tag| frame::code_tag(tag, c));
        if let Some(buffer) = &mut self.buffer {
            crate::Code::code(&mut buffer.by, c);
        }
    }

    pub(super) fn facets(self, sink: FacetSink<'_>) {
        let line = match self.line {
            Line::Same => "as memory",
            Line::Stale(_) => "perhaps stale",
            Line::Dirty(_, false) => "dirty",
            Line::Dirty(_, true) => "dirty, memory is newer",
        };
        sink("line", Facet::Name(line));
        sink("buffer", Facet::Thread(self.buffer.map(|buffer| buffer.by)));
    }
}

/// Memory, and what is beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    memory: Tag,
    beside: Beside,
}

/// What somebody does with a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// A load by that alias; a device that is coherent looks as a cached one does, and one that is not as an uncached.
    Load(Caching),
    /// A store.
    Store(Caching, Tag),
    /// A coherent device writes: the line is the device's then.
    Snoop(Tag),
    /// A write-back, a discard, both.
    Clean,
    /// The same without a write-back.
    Invalidate,
    /// First the one, then the other.
    Flush,
    /// A barrier of whose write this is.
    Drain,
}

/// One way that it may go: what is there then, what a load gives, or what went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Way {
    state: State,
    seen: Tag,
    /// It was seen in the line or the buffer, and not in memory.
    beside: bool,
    wrong: Option<Wrong>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    /// A load from a stale line.
    Stale,
    /// An old line reaches memory.
    Line,
    /// An old write of a buffer does.
    Buffer,
}

const MOST: usize = CACHE_WAYS as usize;

/// The ways that something may go.
struct Ways {
    all: [Option<Way>; MOST],
    len: u8,
}

impl Ways {
    fn add(&mut self, way: Way) {
        if self.all.contains(&Some(way)) {
            return;
        }
        if let Some(room) = self.all.get_mut(usize::from(self.len)) {
            *room = Some(way);
            self.len += 1;
        }
    }
}

impl State {
    fn of(books: &frame::Books) -> State {
        State { memory: books.tag, beside: books.beside }
    }

    fn way(self) -> Way {
        Way { state: self, seen: self.memory, beside: false, wrong: None }
    }

    fn wrong(self, wrong: Wrong) -> Way {
        Way { wrong: Some(wrong), ..self.way() }
    }

    /// A stale line that holds what memory does is none.
    fn settled(mut self) -> State {
        if self.beside.line == Line::Stale(self.memory) {
            self.beside.line = Line::Same;
        }
        self
    }

    /// Memory is written beside the line, and past a buffer.
    fn written(mut self, tag: Tag) -> State {
        self.beside.line = match self.beside.line {
            Line::Same => Line::Stale(self.memory),
            Line::Stale(old) => Line::Stale(old),
            Line::Dirty(old, _) => Line::Dirty(old, true),
        };
        self.memory = tag;
        self.settled()
    }

    /// The line is written back.
    fn evicted(mut self) -> Result<State, Wrong> {
        match self.beside.line {
            Line::Dirty(_, true) => return Err(Wrong::Line),
            Line::Dirty(tag, false) => {
                self.memory = tag;
                self.beside.line = Line::Same;
            }
            Line::Same | Line::Stale(_) => {}
        }
        Ok(self)
    }

    /// The buffer is.
    fn drained(mut self) -> Result<State, Wrong> {
        let Some(buffer) = self.beside.buffer.take() else { return Ok(self) };
        let line = self.beside.line;
        // What is newer is still in the line.
        if buffer.over && !matches!(line, Line::Dirty(_, false)) {
            return Err(Wrong::Buffer);
        }
        let mut state = self.written(buffer.tag);
        if buffer.over {
            state.beside.line = line;
        }
        Ok(state)
    }

    /// What may have become of memory by now, where `me` looks at it. Own gathered writes come first.
    fn looked_at(self, me: ThreadId, ways: &mut Ways) {
        let begun = match self.beside.buffer {
            Some(buffer) if buffer.by == me => self.drained(),
            _ => Ok(self),
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(wrong) => return ways.add(self.wrong(wrong)),
        };
        let mut add = |made: Result<State, Wrong>| match made {
            Ok(state) => {
                ways.add(state.way());
                Some(state)
            }
            Err(wrong) => {
                ways.add(begun.wrong(wrong));
                None
            }
        };
        add(Ok(begun));
        if let Some(evicted) = add(begun.evicted()) {
            add(evicted.drained());
        }
        if let Some(drained) = add(begun.drained()) {
            add(drained.evicted());
        }
    }

    /// What a load through the cache may give.
    fn loaded(self, me: ThreadId, ways: &mut Ways) {
        let old = match self.beside.line {
            Line::Dirty(tag, false) => return ways.add(Way { seen: tag, beside: true, ..self.way() }),
            Line::Dirty(tag, true) | Line::Stale(tag) => Some(tag),
            Line::Same => None,
        };
        // It is gone by now, of a dirty one before memory was written.
        let mut gone = self;
        gone.beside.line = Line::Same;
        ways.add(gone.way());
        if gone.beside.buffer.is_some_and(|buffer| buffer.by != me) {
            match gone.drained() {
                Ok(drained) => ways.add(drained.way()),
                Err(wrong) => ways.add(gone.wrong(wrong)),
            }
        }
        if let Some(seen) = old {
            ways.add(Way { seen, beside: true, ..self.wrong(Wrong::Stale) });
        }
    }

    /// Through which alias a store goes.
    fn stored(mut self, by: Caching, tag: Tag, me: ThreadId) -> Way {
        match by {
            Caching::Cached => {
                self.beside.line = Line::Dirty(tag, false);
                if let Some(buffer) = &mut self.beside.buffer {
                    buffer.over = true;
                }
            }
            Caching::WriteCombined => {
                if self.beside.buffer.is_some_and(|buffer| buffer.by != me) {
                    match self.drained() {
                        Ok(drained) => self = drained,
                        Err(wrong) => return self.wrong(wrong),
                    }
                }
                self.beside.buffer = Some(Gathered { by: me, tag, over: false });
            }
            Caching::Uncached => {
                if let Some(buffer) = &mut self.beside.buffer {
                    buffer.over = true;
                }
                self = self.written(tag);
            }
        }
        self.way()
    }

    /// A dirty line whose contents are older than memory's was written back before, or is now.
    fn maintained(self, cleans: bool, discards: bool, ways: &mut Ways) {
        let mut gone = self;
        gone.beside.line = Line::Same;
        match self.beside.line {
            Line::Dirty(tag, false) => {
                // Where nothing asks for it, it may have been before.
                let written = State { memory: tag, ..gone };
                ways.add(written.way());
                if !cleans {
                    ways.add(gone.way());
                }
            }
            Line::Dirty(tag, true) => {
                let mut kept = self;
                kept.beside.line = Line::Stale(tag);
                ways.add(if discards { gone } else { kept.settled() }.way());
                // Also where nothing asks for it: it may have been just before.
                ways.add(self.wrong(Wrong::Line));
            }
            Line::Stale(_) if discards => ways.add(gone.way()),
            Line::Same | Line::Stale(_) => ways.add(self.way()),
        }
    }

    fn ways(self, act: Act, me: ThreadId) -> Ways {
        let mut ways = Ways { all: [None; MOST], len: 0 };
        match act {
            Act::Load(Caching::Cached) => self.loaded(me, &mut ways),
            Act::Load(_) => self.looked_at(me, &mut ways),
            Act::Store(by, tag) => ways.add(self.stored(by, tag, me)),
            Act::Snoop(tag) => {
                let mut state = self.stored(Caching::Uncached, tag, me).state;
                state.beside.line = Line::Same;
                ways.add(state.way());
            }
            Act::Clean => self.maintained(true, false, &mut ways),
            Act::Invalidate => self.maintained(false, true, &mut ways),
            Act::Flush => self.maintained(true, true, &mut ways),
            Act::Drain => self.drain(&mut ways),
        }
        ways
    }

    /// A write that is older than what is there was written before, or is now.
    fn drain(self, ways: &mut Ways) {
        let mut gone = self;
        gone.beside.buffer = None;
        match self.drained() {
            Ok(state) => ways.add(state.way()),
            Err(wrong) => {
                ways.add(gone.way());
                ways.add(self.wrong(wrong));
            }
        }
    }
}

/// How many ways that may go, of memory that has caches beside it.
pub(crate) fn ways(v: View<'_>, frame: ObjId, act: Act) -> u8 {
    State::of(&v.world.frame(frame).books.0).ways(act, v.me).len
}

/// Does it. What a load gives; nothing if it may not be done, or what it does is wrong.
pub(crate) fn act<R: Runtime>(cx: &mut Cx<'_, R>, access: Access, act: Act) -> Option<Value> {
    let obj = access.frame.obj;
    let _one = cx.enter(obj);
    let met = access.judge(cx)?;
    if cx.violation.is_some() {
        return None;
    }
    go(cx, obj, met, (act, access.racing))
}

/// Who means to race (`data_race()`) polls, and reads what is stale.
fn go<R: Runtime>(cx: &mut Cx<'_, R>, obj: ObjId, met: Met, (act, racing): (Act, bool)) -> Option<Value> {
    let (me, books) = (cx.me, cx.frame(obj).books.get());
    let ways = State::of(&books).ways(act, me);
    let chosen = cx.choose(ways.len);
    let way = ways.all.get(usize::from(chosen)).copied().flatten()?;
    if let Some(wrong) = way.wrong.filter(|wrong| *wrong != Wrong::Stale || !racing) {
        tell(cx, obj, wrong);
        return None;
    }
    let forgotten = match act {
        Act::Clean => Some(Mutant::CleanNothing),
        Act::Invalidate => Some(Mutant::InvalidateNothing),
        Act::Flush => Some(Mutant::FlushNothing),
        _ => None,
    };
    if forgotten.is_some_and(|mutant| cx.mutated(mutant)) {
        return Some(Value::Word(0));
    }
    let State { memory, beside } = way.state;
    cx.frame(obj).books.set(frame::Books { tag: memory, beside, ..books });
    if memory != books.tag {
        bytes::written(cx, obj, memory);
    }
    Some(match act {
        Act::Load(_) => frame::found(cx, obj, Met { tag: way.seen, ..met }, !way.beside),
        _ => Value::Word(0),
    })
}

fn tell<R: Runtime>(cx: &mut Cx<'_, R>, obj: ObjId, wrong: Wrong) {
    let (property, form) = match wrong {
        Wrong::Stale => (Property::STALE_READ, None),
        Wrong::Line => (Property::LOST_WRITE, None),
        Wrong::Buffer => (Property::LOST_WRITE, Some(Form::BUFFERED)),
    };
    let v = cx.violation_of(property);
    cx.note_violation(Violation { object: Some(obj), form, ..v });
}

points! {
    /// What is done beside memory.
    pub(crate) enum How {
        /// A store through a mapping.
        Store = "store through a mapping",
        /// A load through one.
        Load = "load through a mapping",
        /// `dcache_clean_poc()`
        Clean = "dcache_clean_poc",
        /// `dcache_inval_poc()`
        Invalidate = "dcache_inval_poc",
        /// `dcache_clean_inval_poc()`
        Flush = "dcache_clean_inval_poc",
        /// A device reads.
        DmaRead = "a device reads",
        /// A device writes.
        DmaWrite = "a device writes",
        /// `wmb()`: one page of those that were written.
        Barrier = "wmb",
    }
}

/// An operation beside memory, in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheOp {
    how: How,
    frame: Handle,
    /// Of an alias how it is cached; of a device whether it looks into caches: cached, or uncached.
    caching: u8,
    tag: i32,
}

fields!(CacheOp { how, frame, caching, tag });

impl CacheOp {
    pub(crate) const BLANK: CacheOp = CacheOp { how: How::Barrier, frame: Handle::NONE, caching: 0, tag: 0 };

    fn act(self) -> Act {
        let (by, tag) = (Caching::numbered(u32::from(self.caching)).unwrap_or_default(), Tag(self.tag as u32));
        match self.how {
            How::Store => Act::Store(by, tag),
            How::Load | How::DmaRead => Act::Load(by),
            How::DmaWrite if by == Caching::Cached => Act::Snoop(tag),
            How::DmaWrite => Act::Store(Caching::Uncached, tag),
            How::Clean => Act::Clean,
            How::Invalidate => Act::Invalidate,
            How::Flush => Act::Flush,
            How::Barrier => Act::Drain,
        }
    }

    /// The first page whose buffer has a write of this thread's.
    fn gathered<R: Runtime>(world: &crate::World<R>, me: ThreadId) -> Option<ObjId> {
        let mine = |frame: &frame::Frame<R>| frame.books.get().beside.buffer.is_some_and(|buffer| buffer.by == me);
        world.all::<frame::Frame<R>>().find(|(_, frame)| mine(frame)).map(|(id, _)| id)
    }

    /// One page a step: which is first nobody can tell from an order of stores.
    fn barrier<R: Runtime>(self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        let gathered = CacheOp::gathered(cx.world, me).filter(|_| !cx.mutated(Mutant::DrainNothing));
        let Some(obj) = gathered else {
            cx.rt.write_barrier();
            return Flow::Done(Value::Word(0));
        };
        let _one = cx.enter(obj);
        let met = Met { owner: true, tag: cx.frame(obj).books.get().tag };
        match go(cx, obj, met, (Act::Drain, false)) {
            Some(_) => Flow::Go,
            None => Flow::Done(Value::Word(0)),
        }
    }
}

impl Protocol for CacheOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        if self.how == How::Barrier {
            return self.barrier(cx);
        }
        if !kind::of(cx.program, self.frame.obj).caches {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.frame.obj));
            return Flow::Done(Value::Word(0));
        }
        let writes = matches!(self.how, How::Store | How::DmaWrite);
        Flow::Done(act(cx, Access::new(self.frame, writes), self.act()).unwrap_or(Value::Word(0)))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let frame = match self.how {
            How::Barrier => CacheOp::gathered(v.world, v.me),
            _ => Some(self.frame.obj),
        };
        let Some(frame) = frame else { return Footprint::reads(v.my_task()) };
        frame::footprint(v, frame).read(v.my_task()).ways(ways(v, frame, self.act()))
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: ThreadId = ThreadId(0);
    const OTHER: ThreadId = ThreadId(1);

    fn state(memory: u32, line: Line) -> State {
        State { memory: Tag(memory), beside: Beside { line, buffer: None } }
    }

    fn seen(state: State, act: Act, me: ThreadId) -> Vec<Result<u32, Wrong>> {
        let ways = state.ways(act, me);
        ways.all.into_iter().flatten().map(|way| way.wrong.map_or(Ok(way.seen.0), Err)).collect()
    }

    #[test]
    fn a_dirty_line_is_seen_by_who_looks_at_memory_or_not() {
        let dirty = state(0, Line::Dirty(Tag(7), false));
        assert_eq!(seen(dirty, Act::Load(Caching::Cached), ME), [Ok(7)]);
        assert_eq!(seen(dirty, Act::Load(Caching::Uncached), ME), [Ok(0), Ok(7)]);
        let cleaned = dirty.ways(Act::Clean, ME).all[0].unwrap().state;
        assert_eq!(cleaned, state(7, Line::Same));
    }

    #[test]
    fn an_old_line_over_what_is_newer_is_told() {
        let over = state(0, Line::Dirty(Tag(7), false)).stored(Caching::Uncached, Tag(9), ME).state;
        assert_eq!(over.beside.line, Line::Dirty(Tag(7), true));
        assert_eq!(seen(over, Act::Load(Caching::Uncached), ME), [Ok(9), Err(Wrong::Line)]);
        assert_eq!(seen(over, Act::Load(Caching::Cached), ME), [Ok(9), Err(Wrong::Stale)]);
        assert_eq!(seen(over, Act::Invalidate, ME), [Ok(9), Err(Wrong::Line)]);
    }

    #[test]
    fn a_buffer_is_its_own_threads_at_once_and_others_later() {
        let gathered = state(0, Line::Same).stored(Caching::WriteCombined, Tag(5), OTHER).state;
        assert_eq!(seen(gathered, Act::Load(Caching::Uncached), OTHER), [Ok(5)]);
        assert_eq!(seen(gathered, Act::Load(Caching::Uncached), ME), [Ok(0), Ok(5)]);
        // What another one has written since is overwritten by it.
        let over = gathered.stored(Caching::Uncached, Tag(6), ME).state;
        assert_eq!(seen(over, Act::Load(Caching::Uncached), ME), [Ok(6), Err(Wrong::Buffer)]);
        assert_eq!(seen(over, Act::Drain, OTHER), [Ok(6), Err(Wrong::Buffer)]);
    }

    #[test]
    fn memory_that_is_written_beside_the_cache_may_be_there_as_it_was() {
        let stale = state(3, Line::Same).stored(Caching::Uncached, Tag(4), ME).state;
        assert_eq!(stale.beside.line, Line::Stale(Tag(3)));
        assert_eq!(stale.ways(Act::Invalidate, ME).all[0].unwrap().state, state(4, Line::Same));
        assert_eq!(stale.stored(Caching::Uncached, Tag(3), ME).state, state(3, Line::Same));
    }
}
