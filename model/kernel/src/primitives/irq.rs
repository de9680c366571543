//! Interrupts: a handler runs on somebody's CPU, and nothing else runs there until it is over.
//!
//! ```text
//!   thread T                        handler on=T
//!   spin_lock(x)
//!     ----- interrupted ----->      irq_enter          T is disabled from here on,
//!                                   spin_lock(x)       and holds x: irq-deadlock
//! ```
//!
//! Every thread is taken to run on a CPU of its own, which is also where its handlers run: a thread that has interrupts
//! disabled keeps them from beginning. A handler does not interrupt another one.
//!
//! What is disabled twice is disabled until the outer one restores it: `local_irq_restore()` and
//! `spin_unlock_irqrestore()` know what was there before, `local_irq_enable()` and `spin_unlock_irq()` do not.

pub(crate) mod idioms;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Cx, Flow, Footprint, ObjId, Order, Property, Rule, Runtime, ThreadId, Value, View, World,
    coder::{fields, points},
    cx::nest,
    ground::row::MOST_WAYS,
    primitives::{irq_line, rcu},
    program::Role,
    protocol::Protocol,
    task::Cpu,
};

impl<R: Runtime> Cx<'_, R> {
    /// `local_irq_disable()`, `local_irq_save()`: from here on no handler begins on this CPU.
    pub(crate) fn irqs_disable(&mut self) {
        if !rcu::as_reader(self, |p| nest(&mut p.irqs_off)) {
            self.violate(Property::CAPACITY_EXCEEDED, None);
        } else if self.private.irqs_off == 1 {
            self.set_irqs(true);
        }
    }

    /// `local_irq_enable()`: also where whoever disabled them first counts on it that they stay so; a lock is the one
    /// that was taken with them. In a handler they are off from the beginning, and wherever a fence's lock is held.
    pub(crate) fn irqs_enable(&mut self, lock: Option<ObjId>) {
        if self.private.irqs_off > 1 || self.are_irqs_off_besides() {
            self.violate(Property::IRQS_ENABLED_EARLY, lock);
        }
        self.irqs_restore();
    }

    /// `local_irq_restore()`: the last one enables them.
    pub(crate) fn irqs_restore(&mut self) {
        match self.private.irqs_off {
            0 => self.violate_rule(Rule::IRQS_NOT_OFF, None),
            1 => {
                rcu::as_reader(self, |p| p.irqs_off = 0);
                self.set_irqs(false);
            }
            _ => self.private.irqs_off -= 1,
        }
    }

    /// Whether interrupts are off for another reason than that the thread disabled them.
    fn are_irqs_off_besides(&self) -> bool {
        let mut keeping = self.world.objects().filter(|(_, o)| o.keeps_irqs_off());
        self.program.role(self.me) == Role::Irq || keeping.any(|(id, _)| self.world.spin_owner(id) == Some(self.me))
    }

    /// `local_bh_disable()`: soft interrupts do not come on this CPU, and it does not preempt the thread.
    pub(crate) fn bh_disable(&mut self) {
        if !rcu::as_reader(self, |p| nest(&mut p.bh_off)) {
            self.violate(Property::CAPACITY_EXCEEDED, None);
        }
    }

    /// `local_bh_enable()`: the last one runs what is pending, with interrupts enabled.
    pub(crate) fn bh_enable(&mut self, lock: Option<ObjId>) {
        if self.private.bh_off == 0 {
            return self.violate_rule(Rule::BH_NOT_OFF, lock);
        }
        if self.private.irqs_off > 0 || self.are_irqs_off_besides() {
            self.violate_rule(Rule::BH_IRQS_OFF, lock);
        }
        rcu::as_reader(self, |p| p.bh_off -= 1);
    }

    /// `preempt_disable()`: nothing but a grace period can tell.
    fn preempt_disable(&mut self) {
        if !rcu::as_reader(self, |p| nest(&mut p.preempt_off)) {
            self.violate(Property::CAPACITY_EXCEEDED, None);
        }
    }

    /// `preempt_enable()`.
    fn preempt_enable(&mut self) {
        match self.private.preempt_off {
            0 => self.violate_rule(Rule::PREEMPT_NOT_OFF, None),
            _ => rcu::as_reader(self, |p| p.preempt_off -= 1),
        }
    }

    fn set_irqs(&mut self, off: bool) {
        if !self.program.has_irqs {
            return;
        }
        self.touch(ObjId::task(self.me));
        let cpu = &mut self.world.task_mut(self.me).cpu;
        let was = cpu.load(Order::Relaxed);
        let kept = self.program.mutated(Mutant::DisableNothing) && off;
        let kept = kept || self.program.mutated(Mutant::EnableNothing) && !off;
        cpu.store(Cpu { irqs_off: if kept { was.irqs_off } else { off }, ..was }, Order::Relaxed);
    }
}

/// Adds what disabling and enabling interrupts touches to a footprint.
pub(crate) fn irqs_footprint(v: View<'_>, f: Footprint) -> Footprint {
    let f = if v.program.has_irqs { f.write(v.my_task()) } else { f };
    rcu::reader_footprint(v, f)
}

points! {
    /// What is done with the interrupts of one's own CPU, or with its preemption.
    pub enum How {
        /// `local_irq_disable()`.
        Disable = "local_irq_disable",
        /// `local_irq_enable()`.
        Enable = "local_irq_enable",
        /// `local_irq_save()`.
        Save = "local_irq_save",
        /// `local_irq_restore()`.
        Restore = "local_irq_restore",
        /// `local_bh_disable()`.
        BhDisable = "local_bh_disable",
        /// `local_bh_enable()`.
        BhEnable = "local_bh_enable",
        /// `preempt_disable()`.
        PreemptDisable = "preempt_disable",
        /// `preempt_enable()`.
        PreemptEnable = "preempt_enable",
    }
}

/// One operation on the interrupts of one's own CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalIrq {
    pub(crate) how: How,
    /// There are handlers that could begin, or grace periods that could wait.
    pub(crate) visible: bool,
}

fields!(LocalIrq { how, visible });

impl Protocol for LocalIrq {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.how {
            How::Disable | How::Save => cx.irqs_disable(),
            How::Enable => cx.irqs_enable(None),
            How::Restore => cx.irqs_restore(),
            How::BhDisable => cx.bh_disable(),
            How::BhEnable => cx.bh_enable(None),
            How::PreemptDisable => cx.preempt_disable(),
            How::PreemptEnable => cx.preempt_enable(),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        irqs_footprint(v, Footprint::NONE)
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    fn is_visible(&self) -> bool {
        self.visible
    }

    fn is_only_current(&self) -> bool {
        !self.visible
    }
}

points! {
    /// The two ends of a handler.
    pub enum HandlerHow {
        /// The CPU takes the interrupt: disabled while the CPU does not take any.
        Enter = "irq_enter",
        /// The interrupted thread goes on.
        Exit = "irq_exit",
    }
}

/// The beginning or the end of a handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Irq {
    pub(crate) how: HandlerHow,
    /// Whose CPU it runs on; any without it.
    pub(crate) on: Option<ThreadId>,
    /// Its line, if anybody asks for that.
    pub(crate) line: Option<ObjId>,
}

fields!(Irq { how, on, line });

/// Most threads of a program that has an interrupt on any CPU: one choice has seven ways, and one is an idle CPU.
pub const MAX_CPUS: usize = MOST_WAYS as usize - 1;

impl Irq {
    /// Whose CPU an interrupt on any CPU may meet.
    fn cpus(program: &crate::Program) -> impl Iterator<Item = ThreadId> {
        program.threads().filter(|t| matches!(program.role(*t), Role::Task | Role::Worker))
    }

    /// An idle CPU, or one that runs a thread.
    fn pick<R: Runtime>(cx: &mut Cx<'_, R>) -> Option<ThreadId> {
        let open = |cx: &Cx<'_, R>, n: usize| {
            let world = &*cx.world;
            Irq::cpus(cx.program).filter(|t| takes_irqs(world, *t)).nth(n)
        };
        let ways = (0..MAX_CPUS).take_while(|n| open(cx, *n).is_some()).count();
        let pick = cx.choose(1 + ways as u8);
        open(cx, usize::from(pick).checked_sub(1)?)
    }

    fn enter<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) {
        let on = self.on.or_else(|| Irq::pick(cx));
        if let Some(line) = self.line {
            irq_line::begin(cx, line);
        }
        enter_on(cx, on);
    }

    fn exit<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) {
        if let Some(line) = self.line {
            irq_line::end(cx, line);
        }
        leave(cx);
    }
}

/// Whether a handler may begin on the CPU of a thread.
pub(crate) fn takes_irqs<R: Runtime>(world: &World<R>, t: ThreadId) -> bool {
    world.task(t).cpu.peek().takes_irqs()
}

/// `irq_enter()`, on the CPU of a thread, or on one that is idle.
pub(crate) fn enter_on<R: Runtime>(cx: &mut Cx<'_, R>, on: Option<ThreadId>) {
    cx.private.interrupt(on);
    if cx.program.has_readers {
        rcu::begin_reading(cx);
    }
    let me = cx.me;
    match on {
        Some(t) => {
            cx.touch(ObjId::task(t));
            cx.world.task_mut(t).cpu.store(Cpu { irqs_off: false, handler: Some(me) }, Order::Relaxed);
        }
        // The idle CPU is the handler's own: what is left to an interrupt there comes when it is over.
        None => {
            cx.touch(ObjId::task(me));
            cx.world.task_mut(me).cpu.store(Cpu { irqs_off: true, handler: None }, Order::Relaxed);
        }
    }
}

/// `irq_exit()`: the interrupted thread goes on.
pub(crate) fn leave<R: Runtime>(cx: &mut Cx<'_, R>) {
    let on = cx.private.interrupted();
    let t = on.unwrap_or(cx.me);
    cx.touch(ObjId::task(t));
    if on.is_none() || !cx.mutated(Mutant::ExitKeepsCpu) {
        cx.world.task_mut(t).cpu.store(Cpu::default(), Order::Relaxed);
    }
    cx.private.interrupt(None);
    if cx.program.has_readers {
        rcu::end_reading(cx);
    }
}

impl Protocol for Irq {
    const CHOOSES: bool = true;
    const HOLDS_BACK: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.how {
            HandlerHow::Enter => self.enter(cx),
            HandlerHow::Exit => self.exit(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = match (self.how, self.on) {
            (HandlerHow::Enter, Some(t)) => Footprint::writes(ObjId::task(t)),
            (HandlerHow::Enter, None) => {
                let open = Irq::cpus(v.program).filter(|t| takes_irqs(v.world, *t)).count();
                let f = Irq::cpus(v.program).fold(Footprint::writes(v.my_task()), |f, t| f.write(ObjId::task(t)));
                f.ways(1 + open.min(MAX_CPUS) as u8)
            }
            (HandlerHow::Exit, _) => Footprint::writes(v.private.interrupted().map_or(v.my_task(), ObjId::task)),
        };
        let f = self.line.map_or(f, |line| f.write(line));
        rcu::reader_footprint(v, f)
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    fn is_held_back(&self, v: View<'_>) -> bool {
        let busy = || self.on.is_some_and(|t| !takes_irqs(v.world, t));
        let shut = || self.line.is_some_and(|line| !irq_line::is_open(v.program, v.world, line));
        self.how == HandlerHow::Enter && (busy() || shut())
    }

    /// Whether it has not come, and does not as long as nobody enables its line.
    fn is_shut_out(&self, world: &World<crate::Plain>) -> bool {
        self.how == HandlerHow::Enter && self.line.is_some_and(|line| irq_line::is_shut(world, line))
    }
}
