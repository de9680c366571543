//! What a script may do with a module, and what is asked where its functions and tables are used.

use super::{How, ModuleOp};
use crate::{
    Machine, Op, Operand,
    ground::{
        op::{Args, EINTR, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Needs, Row, Shows},
    },
    program::Kind,
};

/// `try-module-get`, `module-put`, `delete-module`; the beginning and the end of a module's function, and a look into a
/// table of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module {
    /// Which of them.
    pub how: How,
    /// The module.
    pub module: Operand,
}

impl Operation for Module {
    fn row(&self) -> Row {
        let result = if self.how == How::Get { Shows::Answer } else { Shows::Success };
        let needs = if self.how == How::Delete { Needs { rcu: true, ..Needs::READERS } } else { Needs::NOTHING };
        Row { result, needs, ..Row::on(self.module) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let module = match self.how {
            How::Get | How::Put => with.or_null(self.module, Kind::Module)?,
            How::Delete | How::Enter | How::Leave | How::Look => Some(with.of_kind(self.module, Kind::Module)?),
        };
        Ok(ModuleOp::new(self.how.begins(), module).into())
    }
}

const MODULE: Param = operand("module", Takes::Object(&[Kind::Module]));

fn module(args: &Args, how: How) -> Op {
    Module { how, module: args.object("module") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "try-module-get",
        &[MODULE],
        "takes a reference to a module, unless that goes; NULL is what is built in, and always there",
        "try_module_get()",
        |args| module(args, How::Get),
    )
    .returns("1, or 0 if it goes"),
    OpSpec::new("module-put", &[MODULE], "drops a reference to a module, or NULL", "module_put()", |args| {
        module(args, How::Put)
    }),
    OpSpec::new(
        "delete-module",
        &[MODULE],
        "unloads a module that nobody has a reference to: calls its exit, waits for RCU readers, and frees its functions \
         and tables",
        "delete_module() try_stop_module() free_module()",
        |args| module(args, How::Delete),
    )
    .returns("0, -EWOULDBLOCK (the same as -EAGAIN) if somebody has a reference, -EBUSY if it goes already, -ENOENT if it is gone")
    .fails(EINTR),
];
