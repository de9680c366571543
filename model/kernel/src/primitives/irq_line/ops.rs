//! What a script may do with the line of an interrupt.

use super::{How, IrqLineOp};
use crate::{
    Machine, ObjId, Op, ThreadId,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Line, Row},
    },
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
];
