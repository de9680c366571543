//! What a script may do with the line of an interrupt.

use super::{How, IrqLineOp, run};
use crate::{
    Machine, ObjId, Op, Operand, ThreadId, Value,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Fall, Gives, Line, Row},
    },
    program::Kind,
};

/// `synchronize-irq`, `disable-irq`, `disable-irq-nosync`, `enable-irq`, `free-irq`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IrqLine {
    /// Which of them.
    pub how: How,
    /// The interrupt's handler; the first, of several.
    pub handler: ThreadId,
    /// Its line, which is found when all are known that anybody asks for.
    pub line: ObjId,
}

written_as!(IrqLine as { at: how, handler, line });

impl Operation for IrqLine {
    fn row(&self) -> Row {
        Row { line: Line::Of(self.handler), ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(IrqLineOp::new(self.how, self.line).into())
    }

    fn on_line(self, line: ObjId) -> Self {
        IrqLine { line, ..self }
    }
}

/// `raise-irq`, and what handles a line that is declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRun {
    /// What is done.
    pub how: run::How,
    /// The line.
    pub line: Operand,
    /// What it is raised with, or what the handler said.
    pub value: Operand,
    /// Any CPU may take it.
    pub anywhere: bool,
}

impl Operation for LineRun {
    fn row(&self) -> Row {
        let row = Row::of([Some(self.line), Some(self.value), None, None]);
        match self.how {
            run::How::Raise => Row { ends: Ends::Queues(self.line), gives: Gives::Perhaps, ..row },
            run::How::Begin => {
                let chooses = self.anywhere.then_some((Fall::Cpu, 1));
                Row { chooses, between: Between::Events, is_called_for: true, ..row }
            }
            run::How::Take => Row { between: Between::Events, is_called_for: true, ..row },
            run::How::End | run::How::Done => row,
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let line = with.of_kind(self.line, Kind::IrqLine)?;
        let value = match self.how {
            run::How::Raise | run::How::End => with.value(self.value)?,
            run::How::Begin | run::How::Take | run::How::Done => Value::Unset,
        };
        Ok(run::LineRun { at: self.how.begins(), line, value }.into())
    }
}

const IRQ: Param = operand("irq", Takes::Irq);

fn irq_line(args: &Args, how: How) -> Op {
    // The line is found when all are known that anybody asks for.
    IrqLine { how, handler: args.thread("irq"), line: ObjId::default() }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "synchronize-irq",
        &[IRQ],
        "waits until no handler of an interrupt runs; the next one may begin at once. It may sleep (for a threaded handler)",
        "synchronize_irq()",
        |args| irq_line(args, How::Sync),
    ),
    OpSpec::new(
        "disable-irq",
        &[IRQ],
        "keeps an interrupt from coming until its line is enabled as often, and waits until no handler runs; it may sleep",
        "disable_irq()",
        |args| irq_line(args, How::Disable),
    ),
    OpSpec::new(
        "disable-irq-nosync",
        &[IRQ],
        "keeps an interrupt from coming until its line is enabled as often; a handler may be running",
        "disable_irq_nosync()",
        |args| irq_line(args, How::DisableNoSync),
    ),
    OpSpec::new(
        "enable-irq",
        &[IRQ],
        "takes back one disabling of an interrupt's line; what came meanwhile is handled",
        "enable_irq()",
        |args| irq_line(args, How::Enable),
    ),
    OpSpec::new(
        "free-irq",
        &[IRQ],
        "takes the handler off its line, where it never begins again, and waits until it does not run; it may sleep",
        "free_irq() devm_free_irq()",
        |args| irq_line(args, How::Free),
    ),
    OpSpec::new(
        "raise-irq",
        &[operand("line", Takes::Object(&[Kind::IrqLine]))],
        "has an interrupt of a declared line come, on whatever CPU takes it; while its line is disabled or masked it is \
         pending, and without `with=` one with others that are",
        "",
        |args| {
            let value = args.optional("with").unwrap_or(Operand::Const(Value::Null));
            LineRun { how: run::How::Raise, line: args.object("line"), value, anywhere: false }.into()
        },
    )
    .options(&[option("with", Takes::Value, "what its handler is called with: an entry of the device's status ring")]),
    OpSpec::new(
        "mask-irq",
        &[IRQ],
        "has the device keep its interrupts to itself; a handler may be running, and nobody counts how often",
        "",
        |args| irq_line(args, How::Mask),
    ),
    OpSpec::new("unmask-irq", &[IRQ], "has the device let them out, those that came meanwhile as well", "", |args| {
        irq_line(args, How::Unmask)
    }),
];
