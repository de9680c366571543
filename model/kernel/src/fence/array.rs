//! `dma_fence_array`: a fence that signals when all of its members have, or any of them.
//!
//! ```text
//!   enable_signaling   for each member: get the array, add a callback; a signalled member counts at once
//!   member's callback  its error, if it is the first; num_pending--, and the last one queues the work, or else put
//!   irq_work           no error later than this; signal the array, put
//! ```
//!
//! The first error of a member becomes the array's, until its outcome is settled: [`PENDING_ERROR`] says that it is
//! not.

mod mutants;

pub(crate) use mutants::Mutant;

use super::{
    ENABLED, FenceAt, NO_FENCE, PENDING_ERROR,
    container::{Duty, Holds, Part, load, take},
    get,
};
use crate::{
    AtomicCell, Cx, Flow, Footprint, ObjId, Order, Program, Runtime, Value, View,
    coder::{fields, points},
    protocol::Protocol,
};

points! {
    /// Program points of an array's functions.
    enum At {
        /// `array->fences[i]`; no more of them ends the loop.
        Next = "array: next member",
        /// `dma_fence_array_enable_signaling()`: the reference that the member's callback will have.
        Get = "array: dma_fence_get",
        /// Adds that callback, with the member's lock taken inside of the array's.
        Add = "array: add_callback",
        /// It is signalled already: `dma_fence_array_set_pending_error()`.
        Error = "array: set pending error",
        /// Nobody will drop that reference.
        PutBack = "array: dma_fence_put",
        /// `atomic_dec_and_test(&array->num_pending)`.
        CountDown = "array: num_pending--",
        /// `dma_fence_array_clear_pending_error()`: from here on no member's error counts.
        Settle = "array: clear pending error",
        /// `dma_fence_array_cb_func()`, the last one: `irq_work_queue()`.
        Queue = "array: irq_work_queue",
        /// `irq_dma_fence_array_work()`.
        Signal = "array: dma_fence_signal",
        /// The end of a callback that was not the last, and of the work.
        Put = "array: dma_fence_put",
        /// `dma_fence_array_signaled()`: reads `num_pending` before it looks whether signalling is enabled.
        Pending = "array: num_pending",
        /// Enabled: then that number tells all.
        Enabled = "array: signalling enabled?",
        /// Not enabled: looks at the members.
        Look = "array: member signalled?",
        /// `dma_fence_array_release()`.
        PutMember = "array: put member",
        /// `dma_fence_free()`.
        Free = "array: dma_fence_free",
    }
}

/// One of an array's functions in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArrayOp {
    at: At,
    duty: Duty,
    array: ObjId,
    member: ObjId,
    index: u8,
    /// How many members are still to be seen signalled.
    pending: u8,
    part: Part,
}

fields!(ArrayOp { at, duty, array, member, index, pending, part });

/// An array's words.
#[derive(Clone, Copy)]
struct Words {
    members: ObjId,
    len: u8,
    pending: ObjId,
    callbacks: ObjId,
    work: ObjId,
}

fn words(program: &Program, array: ObjId) -> Words {
    match program.container(array).map(|c| (c.holds, c.callbacks, c.work)) {
        Some((Holds::Array { members, len, pending }, callbacks, work)) => {
            Words { members, len, pending, callbacks, work }
        }
        _ => Words { members: NO_FENCE, len: 0, pending: NO_FENCE, callbacks: NO_FENCE, work: NO_FENCE },
    }
}

impl ArrayOp {
    pub(crate) const BLANK: ArrayOp = ArrayOp {
        at: At::Next,
        duty: Duty::Enable,
        array: NO_FENCE,
        member: NO_FENCE,
        index: 0,
        pending: 0,
        part: Part::NONE,
    };

    /// A function about to start.
    pub(crate) fn new(duty: Duty, array: ObjId, member: ObjId) -> ArrayOp {
        let at = match duty {
            Duty::Enable | Duty::Release | Duty::Find => At::Next,
            Duty::Signaled => At::Pending,
            Duty::Member => At::Error,
            Duty::Work => At::Settle,
        };
        ArrayOp { at, duty, array, member, ..ArrayOp::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    /// Goes on inside of an operation on a fence.
    fn inside(&mut self, at: At, part: Part) -> Flow {
        self.part = part;
        self.go(at)
    }

    fn word(&self, words: Words) -> ObjId {
        words.members.offset(usize::from(self.index))
    }

    fn next<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, words: Words) -> Flow {
        if self.index == words.len {
            return match self.duty {
                Duty::Release => self.inside(At::Free, Part::fence(FenceAt::Free, self.array)),
                Duty::Enable => Flow::Done(Value::Word(1)),
                _ => Flow::Done(Value::Word(0)),
            };
        }
        let word = self.word(words);
        let member = if self.duty == Duty::Release { take(cx, word) } else { load(cx, word) };
        let Some(member) = member else { return self.skip() };
        self.member = member;
        match self.duty {
            Duty::Release if cx.mutated(Mutant::ReleaseKeeps) => self.skip(),
            Duty::Release => self.inside(At::PutMember, Part::fence(FenceAt::Put, member)),
            Duty::Signaled => self.inside(At::Look, Part::fence(FenceAt::IsSignaled, member)),
            _ => self.go(At::Get),
        }
    }

    fn skip(&mut self) -> Flow {
        self.index += 1;
        self.member = NO_FENCE;
        self.go(At::Next)
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, words: Words) -> Flow {
        if !cx.mutated(Mutant::NoGet) {
            get(cx, self.array);
        }
        let callback = words.callbacks.offset(usize::from(self.index));
        self.inside(At::Add, Part::add_callback(self.member, callback, self.array))
    }

    /// `cmpxchg(&array->base.error, PENDING_ERROR, error)`: a full barrier if it succeeds.
    fn replace_pending_error<R: Runtime>(&self, cx: &mut Cx<'_, R>, error: u16) {
        let array = self.array;
        let _ = cx.cmpxchg(|cx| &mut cx.fence(array).error, PENDING_ERROR, error);
    }

    /// The member is signalled, so its error changes no more.
    fn error<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let error = cx.fence(self.member).error.load(Order::Relaxed) & !PENDING_ERROR;
        if error != 0 && !cx.mutated(Mutant::NoError) {
            self.replace_pending_error(cx, error);
        }
        match self.duty {
            Duty::Member => self.go(At::CountDown),
            _ => self.inside(At::PutBack, Part::fence(FenceAt::Put, self.array)),
        }
    }

    fn count_down<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, words: Words) -> Flow {
        cx.touch(words.pending);
        let order = cx.order(Mutant::CountRelaxed, Order::Full);
        // atomic_dec_and_test()
        cx.full_barrier(Mutant::CountRelaxed);
        let last = cx.world.var_mut(words.pending).cell.fetch_add(-1, order) == Value::Word(1);
        cx.full_barrier(Mutant::CountRelaxed);
        let last = (last || cx.mutated(Mutant::FirstCounts)) && !cx.mutated(Mutant::NeverLast);
        match (self.duty, last) {
            (Duty::Member, true) => self.inside(At::Queue, Part::queue(words.work)),
            (Duty::Member, false) => self.inside(At::Put, Part::fence(FenceAt::Put, self.array)),
            (_, true) => self.go(At::Settle),
            (_, false) => self.skip(),
        }
    }

    fn settle<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.replace_pending_error(cx, 0);
        match self.duty {
            // Whoever asked whether it is signalled may have been faster.
            Duty::Work => self.inside(At::Signal, Part::fence(FenceAt::CheckAndSignal, self.array)),
            Duty::Signaled => Flow::Done(Value::Word(1)),
            _ => Flow::Done(Value::Word(0)),
        }
    }

    fn pending<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, words: Words) -> Flow {
        cx.touch(words.pending);
        let pending = cx.world.var_mut(words.pending).cell.load(Order::Acquire);
        self.pending = pending.word().map_or(0, |n| n.clamp(0, i32::from(u8::MAX)) as u8);
        self.go(At::Enabled)
    }

    fn enabled<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let enabled = cx.fence(self.array).flags.load(Order::Relaxed) & ENABLED != 0;
        match (enabled, self.pending) {
            (true, 0) => self.go(At::Settle),
            (_, _) if cx.mutated(Mutant::IgnoresCount) => self.go(At::Settle),
            (true, _) => Flow::Done(Value::Word(0)),
            (false, _) => self.go(At::Next),
        }
    }

    /// The part is over, with this result.
    fn after(&mut self, result: Value) -> Flow {
        self.part = Part::NONE;
        let zero = result == Value::Word(0);
        match self.at {
            At::Add if !zero => self.go(At::Error),
            At::Add | At::PutMember => self.skip(),
            At::PutBack => self.go(At::CountDown),
            At::Look if zero => self.skip(),
            At::Look => {
                self.pending = self.pending.saturating_sub(1);
                if self.pending == 0 { self.go(At::Settle) } else { self.skip() }
            }
            At::Signal => self.inside(At::Put, Part::fence(FenceAt::Put, self.array)),
            _ => Flow::Done(Value::Word(0)),
        }
    }
}

impl Protocol for ArrayOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let words = words(cx.program, self.array);
        match self.at {
            At::Next => self.next(cx, words),
            At::Get => self.get(cx, words),
            At::Error => self.error(cx),
            At::CountDown => self.count_down(cx, words),
            At::Settle => self.settle(cx),
            At::Pending => self.pending(cx, words),
            At::Enabled => self.enabled(cx),
            _ => self.part.step(cx).once_over(|result| self.after(result)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let words = words(v.program, self.array);
        match self.at {
            At::Next if self.index == words.len => Footprint::reads(v.my_task()),
            At::Next if self.duty == Duty::Release => Footprint::writes(self.word(words)),
            At::Next => Footprint::reads(self.word(words)),
            At::Get | At::Settle => Footprint::writes(self.array),
            At::Error => Footprint::writes(self.array).read(self.member),
            At::CountDown => Footprint::writes(words.pending),
            At::Pending => Footprint::reads(words.pending),
            At::Enabled => Footprint::reads(self.array),
            _ => self.part.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Add | At::Look | At::Signal => self.part.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.part.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.part.returned(value);
    }
}
