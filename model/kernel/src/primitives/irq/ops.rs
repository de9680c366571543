//! What a script may do with the interrupts of its CPU, and where a handler begins and ends.

use super::{HandlerHow, How, Irq as IrqMachine, LocalIrq as LocalMachine};
use crate::{
    Machine, ObjId, Op, ThreadId,
    ground::{
        functions::written_as,
        op::{OpSpec, Operation},
        resolver::{Resolved, Resolver},
        row::{Fall, Line, Needs, Row},
    },
};

/// `local-irq-disable`, `local-irq-enable`, `local-irq-save`, `local-irq-restore`; the same of soft interrupts and
/// preemption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalIrq {
    /// Which of them.
    pub how: How,
}

impl Operation for LocalIrq {
    fn row(&self) -> Row {
        let no_room = "for interrupts to be disabled once more than 255 times over";
        Row { needs: Needs::READERS, no_room, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let visible = with.program.has_irqs || with.program.has_readers;
        Ok(LocalMachine { how: self.how, visible }.into())
    }
}

/// The beginning and the end of an interrupt handler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Irq {
    /// Which of them.
    pub how: HandlerHow,
    /// The thread whose CPU it runs on; any without it.
    pub on: Option<ThreadId>,
    /// Its line, if anybody asks for that.
    pub line: Option<ObjId>,
}

written_as!(Irq as { at: how, on, line });

impl Operation for Irq {
    /// The beginning chooses whose CPU it runs on, if it may be any.
    fn row(&self) -> Row {
        let chooses = self.how == HandlerHow::Enter && self.on.is_none();
        let chooses = chooses.then_some((Fall::Cpu, 1));
        Row { chooses, line: Line::Own, is_called_for: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(IrqMachine { how: self.how, on: self.on, line: self.line }.into())
    }

    fn on_line(self, line: ObjId) -> Self {
        Irq { line: Some(line), ..self }
    }
}

fn local(how: How) -> Op {
    LocalIrq { how }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "local-irq-disable",
        &[],
        "keeps interrupt handlers off this thread's CPU",
        "local_irq_disable()",
        |_| local(How::Disable),
    ),
    OpSpec::new(
        "local-irq-enable",
        &[],
        "lets interrupt handlers begin again, whoever has disabled them",
        "local_irq_enable()",
        |_| local(How::Enable),
    ),
    OpSpec::new(
        "local-irq-save",
        &[],
        "keeps interrupt handlers off this thread's CPU, and remembers whether they were before",
        "local_irq_save()",
        |_| local(How::Save),
    ),
    OpSpec::new(
        "local-irq-restore",
        &[],
        "lets interrupt handlers begin again, unless they were kept off before the save that it belongs to",
        "local_irq_restore()",
        |_| local(How::Restore),
    ),
    OpSpec::new(
        "local-bh-disable",
        &[],
        "keeps timers and RCU callbacks, which are soft interrupts, off this thread's CPU; it must not sleep",
        "local_bh_disable()",
        |_| local(How::BhDisable),
    ),
    OpSpec::new("local-bh-enable", &[], "lets soft interrupts come again", "local_bh_enable()", |_| {
        local(How::BhEnable)
    }),
    OpSpec::new(
        "preempt-disable",
        &[],
        "keeps this thread on its CPU: it must not sleep, and grace periods wait for it",
        "preempt_disable()",
        |_| local(How::PreemptDisable),
    ),
    OpSpec::new("preempt-enable", &[], "lets it be preempted again", "preempt_enable()", |_| local(How::PreemptEnable)),
];
