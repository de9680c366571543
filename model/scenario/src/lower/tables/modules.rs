//! Modules: `module NAME exit=F { fn … { … }; ops … { … } }`. What stands in the block is gone with it.
//!
//! A function of a module asks at its beginning whether its module is there, and says at its end that it is over: so
//! what the kernel calls later (a callback, a work item, a timer) is judged as well as a call by name, and so is who is
//! still in the middle of one when its code goes.

use fenceweave_kernel::primitives::module::{How, ops::Module};
use fenceweave_kernel::program::SourceLine;
use fenceweave_kernel::{Instr, Kind, ObjId, Op, Operand, fixed};

use crate::lower::Lower;
use crate::lower::names::Symbol;
use crate::lower::script::Unit;
use crate::syntax::Node;

/// What may stand in a module's block.
const INSIDE: [&str; 2] = ["fn", "ops"];

impl<'a> Lower<'a> {
    /// What a scenario has, what stands in modules behind each of these.
    pub(in crate::lower) fn with_modules(&mut self, nodes: Vec<&'a Node>) -> Vec<&'a Node> {
        let mut all = vec![];
        for node in nodes {
            all.push(node);
            if node.name.text != "module" || node.broken {
                continue;
            }
            let module = node.values().next().map(|name| name.span.of(self.text));
            for inner in self.visible(node.children()) {
                if INSIDE.contains(&inner.name.text.as_str()) || inner.broken {
                    module.into_iter().for_each(|module| {
                        self.values.modules.insert(inner, module);
                    });
                    all.push(inner);
                } else {
                    self.mistakes
                        .add("module", inner.head, format!("a module has no `{}`", inner.name.text))
                        .expected("its functions and tables: `fn … { … }`, `ops … { … }`")
                        .help("everything else stands beside it, and calls them");
                }
            }
        }
        all
    }

    /// The module that a function or table stands in.
    fn module_around(&self, node: &'a Node) -> Option<ObjId> {
        self.module_named(self.values.modules.get(&std::ptr::from_ref(node))?)
    }

    fn module_named(&self, name: &str) -> Option<ObjId> {
        let Some((Symbol::Object { id, kind }, _)) = self.names.find(name) else { return None };
        (kind == Kind::Module).then_some(id)
    }

    /// `ops NAME module=M`, or the module that it stands in.
    pub(super) fn module_of_table(&mut self, node: &'a Node) -> Option<&'a str> {
        let around = self.values.modules.get(&std::ptr::from_ref(node)).copied();
        let Some(value) = node.option("module") else { return around };
        let said = value.span.of(self.text);
        match (self.names.find(said), around) {
            (_, Some(around)) if around != said => {
                self.mistakes
                    .add("module", value.span, format!("this stands in the module `{around}`"))
                    .expected("no `module=`");
                None
            }
            (Some((Symbol::Object { kind: Kind::Module, .. }, _)), _) => Some(said),
            (Some((other, declared)), _) => {
                self.mistakes
                    .add("wrong-kind", value.span, format!("`{said}` is {}", other.one()))
                    .expected(Kind::Module.one())
                    .seen(declared, "declared here");
                None
            }
            (None, _) => {
                self.tell_unknown_name(said, value.span, &[]);
                None
            }
        }
    }

    /// The look into a table of a module.
    pub(super) fn look_op(&self, module: &str) -> Option<Op> {
        self.module_named(module).map(|id| Module { how: How::Look, module: Operand::Object(id) }.into())
    }

    /// `module NAME exit=FUNCTION`
    pub(in crate::lower) fn complete_module(&mut self, node: &'a Node, id: ObjId) {
        let is_one = self.program.is::<fixed::Module>(id);
        let Some(value) = node.option("exit").filter(|_| is_one) else { return };
        let callee = self.callee(value, 0);
        if let Some(module) = self.program.fixed_mut::<fixed::Module>(id) {
            module.exit = callee;
        }
    }

    /// The first instruction of a module's function, and the one before its return.
    pub(in crate::lower) fn mark_module(&mut self, unit: &mut Unit<'a>, node: &'a Node, how: How) {
        let Some(module) = self.module_around(node).filter(|_| unit.is_function()) else { return };
        let line = unit.line();
        let name = node.values().next().map_or("", |name| name.span.of(self.text));
        let text = if how == How::Enter { format!("call {name}") } else { format!("return from {name}") };
        unit.at_statement(SourceLine { text, ..self.source_line(node.head) });
        let op = Module { how, module: Operand::Object(module) }.into();
        unit.emit(Instr::Op { op, into: None, may_fail: None });
        unit.back_to(line);
    }
}
