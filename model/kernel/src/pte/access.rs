//! An access to user memory: the entry and what it leads to, in one step; where there is none, or it must not be
//! written, a page fault.
//!
//! ```text
//!   access       the entry leads to a frame, and may be written if that is wanted: done
//!                else the handler, in this thread and with what that holds; it returns
//!   returned         0: back to the instruction, which looks at the entry again
//!                    else what the access ends with: a signal is delivered, or the kernel's fixup runs
//! ```
//!
//! From `arch/x86/mm/fault.c` of 6.12. The handler is the scenario's (`asm_exc_page_fault` of the library `mm`), and is
//! called with the address and the error code of the CPU. Without one, and where page faults are disabled
//! (`faulthandler_disabled()`), an access of the kernel is -EFAULT.

use super::{Entry, Mutant, caching, frame, look, processor, writable};
use crate::{
    Call, Code, Coder, Context, Cx, Errno, Flow, Footprint, Handle, LocalId, ObjId, Program, Property, Runtime, Then,
    Value, View, World,
    coder::points,
    memory::{self, cache::Act, kind},
    program::CalleeId,
    protocol::Protocol,
    registry::upcalls,
};
use fenceweave_pages::Tag;

/// `X86_PF_PROT`: there is an entry, which does not allow it.
const PROT: i32 = 1;
/// `X86_PF_WRITE`
const WRITE: i32 = 2;
/// `X86_PF_USER`
const USER: i32 = 4;

points! {
    /// Whose access it is.
    pub enum Who {
        /// An instruction of user space.
        User = "user access",
        /// The kernel's, which says nothing before: `raw_copy_from_user()`, `unsafe_get_user()`.
        Kernel = "raw_copy_user",
        /// `copy_from_user()` and its like, which say `might_fault()`.
        Copy = "copy_user",
        /// The same with page faults disabled.
        Inatomic = "copy_user_inatomic",
    }
}

points! {
    /// Where it is.
    enum At {
        /// At the entry.
        Access = "access",
        /// Back from a page fault that does not go back to the instruction.
        Over = "page fault: signal or fixup",
    }
}

/// An access in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch {
    at: At,
    who: Who,
    writes: bool,
    /// The lock of the page table.
    lock: ObjId,
    /// The entry.
    entry: ObjId,
    /// The number of the page.
    address: u8,
    handler: Option<CalleeId>,
    /// What a write writes; what a read has read.
    tag: i32,
    /// The local that this goes to.
    into: Option<LocalId>,
    result: Value,
}

impl Code for Touch {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.who.code(c);
        c.flag(&mut self.writes);
        self.lock.code(c);
        self.entry.code(c);
        c.byte(&mut self.address);
        self.handler.code(c);
        self.tag.code(c);
        let mut into = self.into.map_or(0, |l| l.0 + 1);
        c.byte(&mut into);
        self.into = into.checked_sub(1).map(LocalId);
        self.result.code(c);
    }
}

impl Touch {
    pub(crate) const BLANK: Touch = Touch {
        at: At::Access,
        who: Who::User,
        writes: false,
        lock: ObjId::object(0),
        entry: ObjId::object(0),
        address: 0,
        handler: None,
        tag: 0,
        into: None,
        result: Value::Word(0),
    };

    /// An access about to be made.
    pub(crate) fn new(who: Who, writes: bool, at: Entry, handler: Option<CalleeId>) -> Touch {
        let Entry { lock, word: entry, page: address } = at;
        Touch { who, writes, lock, entry, address, handler, ..Touch::BLANK }
    }

    /// The same, of what is written, and with a local for what is read.
    pub(crate) fn of(self, tag: i32, into: Option<LocalId>) -> Touch {
        Touch { tag, into, ..self }
    }

    /// The page of a frame of the scenario's, whoever has that now.
    fn page<R: Runtime>(program: &Program, world: &World<R>, entry: Value) -> Option<Handle> {
        let obj = kind::numbered(program, frame(entry)?)?;
        Some(Handle { obj, generation: world.generation_of(obj) })
    }

    /// The bytes behind the entry.
    fn touch<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, entry: Value) {
        let Some(page) = Touch::page(cx.program, cx.world, entry) else { return self.touch_elsewhere(cx) };
        let access = memory::frame::Access::new(page, self.writes);
        if let Some(act) = self.beside(cx.program, page.obj, entry) {
            let seen = memory::cache::act(cx, access, act).and_then(Value::word).unwrap_or_default();
            self.tag = if self.writes { self.tag } else { seen };
            return;
        }
        let Some(met) = access.judge(cx) else { return };
        if cx.violation.is_some() {
            return;
        }
        if self.writes {
            let tag = Tag(self.tag as u32);
            memory::frame::hold(cx, page.obj, tag);
            if !processor::store(cx, self.entry, Some(page.obj), tag) {
                memory::bytes::written(cx, page.obj, tag);
            }
        } else {
            self.tag = memory::frame::read(cx, page.obj, met).word().unwrap_or_default();
            if cx.violation.is_none() {
                processor::load(cx, self.entry, Some((page.obj, met.tag)));
            }
        }
    }

    /// What is done beside memory that has caches there.
    fn beside(&self, program: &Program, page: ObjId, entry: Value) -> Option<Act> {
        let by = caching(entry);
        let act = if self.writes { Act::Store(by, Tag(self.tag as u32)) } else { Act::Load(by) };
        kind::of(program, page).caches.then_some(act)
    }

    /// The same of a frame that is only a number.
    fn touch_elsewhere<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        match self.writes {
            true => drop(processor::store(cx, self.entry, None, Tag(self.tag as u32))),
            false => processor::load(cx, self.entry, None),
        }
    }

    fn access<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        self.judge(cx);
        cx.rt.enter(self.lock);
        let entry = look(cx, self.entry);
        let allowed = !self.writes || writable(entry) || cx.mutated(Mutant::WritesReadOnly);
        if frame(entry).is_some() && allowed {
            self.touch(cx, entry);
            return Flow::Done(Value::Word(0));
        }
        let disabled = self.who == Who::Inatomic || self.who != Who::User && cx.private.is_atomic();
        let handler = self.handler.filter(|_| !disabled);
        processor::fault(cx, self.entry, self.writes, handler.is_none());
        let Some(callee) = handler else { return Flow::Done(Value::from(Errno::EFAULT)) };
        let mut code = if self.writes { WRITE } else { 0 };
        code |= if self.who == Who::User { USER } else { 0 };
        code |= if frame(entry).is_some() { PROT } else { 0 };
        let args = [Value::Word(i32::from(self.address)), Value::Word(code)];
        Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Resume })
    }
}

impl Protocol for Touch {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Access => self.access(cx),
            At::Over => {
                processor::give_up(cx, self.entry);
                Flow::Done(self.result)
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Access => {
                let f = Footprint::reads(v.my_task()).read(self.entry);
                let page = Touch::page(v.program, v.world, v.world.var_value(self.entry));
                let Some(page) = page else { return f };
                let entry = v.world.var_value(self.entry);
                let allowed = !self.writes || writable(entry) || v.program.mutated(Mutant::WritesReadOnly);
                let looks = self.beside(v.program, page.obj, entry).filter(|_| allowed);
                let ways = looks.map_or(1, |act| memory::cache::ways(v, page.obj, act));
                f.and(memory::frame::footprint(v, page.obj)).ways(ways)
            }
            At::Over => Footprint::reads(v.my_task()),
        }
    }

    /// `might_fault()`, whether the page is there or not.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.who != Who::Copy || self.at != At::Access {
            return;
        }
        cx.might_fault(cx.program.mmap_lock);
        if let Some(resv) = upcalls::resv_held_by(cx.program, cx.world, cx.me) {
            cx.violate(Property::USER_ACCESS_UNDER_RESV, Some(resv));
        }
    }

    fn write_back(&self) -> Option<(LocalId, Value)> {
        self.into.map(|into| (into, Value::Word(if self.writes || self.at == At::Over { 0 } else { self.tag })))
    }

    fn returned(&mut self, value: Value) {
        if !matches!(value, Value::Word(0) | Value::Null | Value::Unset) {
            (self.at, self.result) = (At::Over, value);
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Access => self.who.label(),
            at => at.label(),
        }
    }
}
