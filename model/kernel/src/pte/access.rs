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

use super::{Entry, Mutant, frame, look, writable};
use crate::{
    Call, Code, Coder, Context, Cx, Errno, Flow, Footprint, ObjId, Property, Runtime, Then, Value, View, coder::points,
    program::CalleeId, protocol::Protocol, registry::upcalls,
};

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
        result: Value::Word(0),
    };

    /// An access about to be made.
    pub(crate) fn new(who: Who, writes: bool, at: Entry, handler: Option<CalleeId>) -> Touch {
        let Entry { lock, word: entry, page: address } = at;
        Touch { who, writes, lock, entry, address, handler, ..Touch::BLANK }
    }

    fn access<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.judge(cx);
        cx.rt.enter(self.lock);
        let entry = look(cx, self.entry);
        let allowed = !self.writes || writable(entry) || cx.mutated(Mutant::WritesReadOnly);
        if frame(entry).is_some() && allowed {
            return Flow::Done(Value::Word(0));
        }
        let disabled = self.who == Who::Inatomic || self.who != Who::User && cx.private.is_atomic();
        let Some(callee) = self.handler.filter(|_| !disabled) else {
            return Flow::Done(Value::from(Errno::EFAULT));
        };
        let mut code = if self.writes { WRITE } else { 0 };
        code |= if self.who == Who::User { USER } else { 0 };
        code |= if frame(entry).is_some() { PROT } else { 0 };
        let args = [Value::Word(i32::from(self.address)), Value::Word(code)];
        Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Resume })
    }
}

impl Protocol for Touch {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Access => self.access(cx),
            At::Over => Flow::Done(self.result),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Access => Footprint::reads(v.my_task()).read(self.entry),
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
