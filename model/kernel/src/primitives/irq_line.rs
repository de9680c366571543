//! `struct irq_desc`: what a driver does with the line of its interrupt, besides handling it.
//!
//! ```text
//!   handler         begins only while nobody has disabled the line; IRQD_IRQ_INPROGRESS   … body …   not in progress
//!   synchronize_irq waits until no handler is in progress; the next one may begin at once
//!   disable_irq     depth + 1, then synchronize_irq()
//!   enable_irq      depth - 1: at 0 what has come meanwhile is handled
//!   free_irq        takes the handler off the line, then synchronize_irq(): it never begins again
//! ```
//!
//! An interrupt that comes while its line is disabled is not lost, it comes when the line is enabled (`IRQS_PENDING`,
//! `check_irq_resend()`). One whose line nobody enables any more never comes, and nobody waits for it in the end.
//! A line's handler does not run on two CPUs at once.
//!
//! `__synchronize_irq()` (6.x) spins while the handler is in progress, then sleeps for the threads of threaded
//! handlers, which only a line has that is declared (`run`); so all that wait ask might_sleep(). Of handlers that come
//! by themselves, a line that nobody does any of this to has no object.

pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;
pub mod run;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Program, Property, Runtime, SharedCell, ThreadId,
    ThreadSet, Value, View, Violation, World,
    coder::{fields, points},
    cx::nest,
    facet::{Facet, FacetSink},
    ground::{few::Few, job::Job},
    primitives::spinlock::RawSpin,
    property::Form,
    protocol::Protocol,
    shared::Shared,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    /// `desc->depth`: how many times over it is disabled.
    depth: u8,
    /// `desc->action` is gone.
    freed: bool,
    /// Held by the handler while it is in progress.
    running: RawSpin,
    /// The device's own mask.
    masked: bool,
    /// Masked from a handler's end until its thread is done (`IRQF_ONESHOT`).
    oneshot: bool,
    /// What has been raised, and is to be handled.
    pending: Few<Job, PENDING>,
    /// `IRQTF_RUNTHREAD`.
    run_thread: bool,
    /// `desc->threads_active`, and who waits until it is 0.
    active: u8,
    waiters: ThreadSet,
}

fields!(State { depth, freed, running, masked, oneshot, pending, run_thread, active, waiters });

/// Most interrupts of one line that are pending at once.
const PENDING: usize = 4;

/// A `struct irq_desc`.
#[derive(Clone)]
pub struct IrqLine<R: Runtime> {
    state: R::Cell<State>,
}

impl Copy for IrqLine<Plain> {}

impl<R: Runtime> IrqLine<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        IrqLine { state: R::Cell::new(State::default(), id) }
    }

    /// The handler, while it is in progress.
    pub(crate) fn running(&self) -> Option<ThreadId> {
        self.state.peek().running.owner()
    }
}

impl<R: Runtime> Shared<R> for IrqLine<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("disabled", Facet::Word(i32::from(s.depth)));
        sink("freed", Facet::Flag(s.freed));
        sink("running", Facet::Flag(s.running.owner().is_some()));
        sink("masked", Facet::Flag(s.masked));
        sink("pending", Facet::Word(s.pending.len() as i32));
    }

    /// Who runs its handler.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.running()
    }
}

impl Code for IrqLine<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

/// Whether a handler of the line can begin, as far as the line is concerned.
pub(crate) fn is_open<R: Runtime>(program: &Program, world: &World<R>, line: ObjId) -> bool {
    let s = world.irq_line(line).state.peek();
    let closed = is_closed(s) && !program.mutated(Mutant::LineIgnored);
    !closed && s.running.owner().is_none()
}

/// Whether no handler of the line begins unless somebody enables it.
pub(crate) fn is_shut<R: Runtime>(world: &World<R>, line: ObjId) -> bool {
    is_closed(world.irq_line(line).state.peek())
}

fn is_closed(s: State) -> bool {
    s.depth > 0 || s.freed || s.masked || s.oneshot
}

/// `handle_irq_event()`: the handler is in progress from here on.
pub(crate) fn begin<R: Runtime>(cx: &mut Cx<'_, R>, line: ObjId) {
    let (me, held) = (cx.me, cx.enter(line));
    let mut s = cx.irq_line(line).state.get(held);
    s.running.try_take(me);
    cx.irq_line(line).state.set(held, s);
}

/// The handler has returned: whoever waits for that goes on.
pub(crate) fn end<R: Runtime>(cx: &mut Cx<'_, R>, line: ObjId) {
    let held = cx.enter(line);
    let mut s = cx.irq_line(line).state.get(held);
    s.running.release().iter().for_each(|t| cx.rt.release(t));
    cx.irq_line(line).state.set(held, s);
}

points! {
    /// What is done with a line.
    pub enum How {
        /// `disable_irq_nosync()`.
        DisableNoSync = "disable_irq_nosync",
        /// `disable_irq()`: no handler begins any more.
        Disable = "disable_irq",
        /// `enable_irq()`.
        Enable = "enable_irq",
        /// `free_irq()`: the handler is taken off the line.
        Free = "free_irq",
        /// The device keeps what comes to itself.
        Mask = "mask",
        /// And lets it out.
        Unmask = "unmask",
        /// `synchronize_irq()`, also at the end of the others: disabled while the handler is in progress.
        Sync = "synchronize_irq",
        /// Then until no thread of a handler is at work: `wait_event(desc->wait_for_threads)`.
        Threads = "synchronize_irq: wait_for_threads",
    }
}

/// An operation on a line in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqLineOp {
    pub(crate) how: How,
    pub(crate) line: ObjId,
    /// The operation asks might_sleep(): still to be done.
    pub(crate) asks: bool,
}

fields!(IrqLineOp { how, line, asks });

impl IrqLineOp {
    /// An operation about to start.
    pub(crate) fn new(how: How, line: ObjId) -> IrqLineOp {
        IrqLineOp { how, line, asks: !matches!(how, How::DisableNoSync | How::Enable | How::Mask | How::Unmask) }
    }

    /// What is to be done before the wait; true if there is one.
    fn change<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) -> bool {
        match self.how {
            How::Sync | How::Threads => return true,
            How::Mask => s.masked = true,
            How::Unmask => s.masked = false,
            How::Enable if s.depth == 0 => cx.violate(Property::IRQ_NOT_DISABLED, Some(self.line)),
            How::Enable => s.depth -= 1,
            How::Disable | How::DisableNoSync => {
                if !nest(&mut s.depth) {
                    cx.violate(Property::CAPACITY_EXCEEDED, Some(self.line));
                }
            }
            // "Trying to free already-free IRQ".
            How::Free if s.freed => cx.violate(Property::DOUBLE_FREE, Some(self.line)),
            How::Free => s.freed = true,
        }
        matches!(self.how, How::Disable | How::Free) && !cx.mutated(Mutant::DisableNoSync)
    }
}

impl Protocol for IrqLineOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if std::mem::take(&mut self.asks) {
            self.ask(cx);
        }
        let (me, held) = (cx.me, cx.enter(self.line));
        let mut s = cx.irq_line(self.line).state.get(held);
        let flow = match self.how {
            How::Sync if s.running.owner().is_some_and(|o| o != me) => {
                s.running.try_take(me);
                Flow::Spin(self.line)
            }
            How::Sync if s.active > 0 => {
                self.how = How::Threads;
                Flow::Go
            }
            How::Sync => Flow::Done(Value::Word(0)),
            How::Threads if s.active > 0 => {
                s.waiters.insert(me);
                cx.set_sleeping(Patience::Forever);
                Flow::Sleep(self.line, Patience::Forever)
            }
            How::Threads => {
                s.waiters.remove(me);
                cx.set_running();
                Flow::Done(Value::Word(0))
            }
            _ if self.change(cx, &mut s) => {
                self.how = How::Sync;
                Flow::Go
            }
            _ => Flow::Done(Value::Word(0)),
        };
        cx.irq_line(self.line).state.set(held, s);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.line);
        if self.how == How::Threads { f.write(v.my_task()) } else { f }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.asks {
            self.ask(cx);
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        (self.how == How::Sync).then_some(self.line)
    }
}

impl IrqLineOp {
    fn ask<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let me = Some(cx.me);
        let line = cx.world.irq_line(self.line);
        let of_thread = line.state.peek().active > 0 && run::thread_of(cx.program, self.line) == me;
        if line.running() == me || of_thread {
            // The handler would wait for itself.
            let v = cx.violation_of(Property::SELF_DEADLOCK);
            cx.note_violation(Violation { object: Some(self.line), form: Some(Form::IRQ_WAITS_FOR_ITSELF), ..v });
        }
        cx.might_sleep(self.line);
    }
}
