//! `syscall { … }`: what a thread does in one system call, and its way back to user space.

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::primitives::syscall::{How, ops::Syscall};
use fenceweave_kernel::{ExprNode, Instr, LocalId, ObjId, Value, fixed};

use crate::lower::Lower;
use crate::lower::script::Unit;
use crate::syntax::Node;

/// What is put off to the end of a system call, and so stands in one.
const IN_A_SYSCALL: [&str; 2] = [FPUT, "task-work-add"];
/// Which a kernel thread leaves to a work item.
const FPUT: &str = "fput";

impl<'a> Lower<'a> {
    /// `syscall { … }`
    pub(super) fn syscall(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if !node.entries.is_empty() && !node.broken {
            self.mistakes
                .add("syscall", node.head, "`syscall` takes a block and nothing else")
                .expected("`syscall { … }`");
        }
        let stands_in_a_thread = unit.user_space && unit.frames.len() == 1 && !unit.in_syscall;
        if !stands_in_a_thread {
            self.mistakes
                .add("syscall", node.head, "no system call begins here")
                .expected("`syscall` in a `thread`, in no other one and in no proc or function")
                .help("a system call is what a thread of user space does: put the call of the function into `syscall { … }`");
            return;
        }
        unit.in_syscall = true;
        self.emit_syscall(unit, How::Enter, None);
        let line = unit.line();
        let exits = unit.frames.last_mut().map(|frame| std::mem::take(&mut frame.exits)).unwrap_or_default();
        // Nothing but its end and `return` leaves it.
        let (scopes, loops, labels) =
            (std::mem::take(&mut unit.scopes), std::mem::take(&mut unit.loops), std::mem::take(&mut unit.labels));
        self.block(unit, node.children());
        (unit.scopes, unit.loops, unit.labels) = (scopes, loops, labels);
        let inner = unit.frames.last_mut().map(|frame| std::mem::replace(&mut frame.exits, exits));
        unit.land(inner.unwrap_or_default());
        unit.in_syscall = false;
        self.back_to_user_space(unit, node);
        unit.back_to(line);
    }

    /// The works of the task, the look for locks, and what user space does then.
    fn back_to_user_space(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        unit.at_line(0, "back to user space".to_owned());
        let (said, unset) = (unit.hidden(), self.unset_expr());
        self.emit_syscall(unit, How::Pending, Some(said));
        let expr = self.is_one(said);
        let branch = unit.emit(Instr::Branch { expr, otherwise: 0 });
        self.emit_syscall(unit, How::Run, None);
        unit.land(vec![branch]);
        self.emit_syscall(unit, How::Leave, None);
        let is_last = unit.last.is_some_and(|last| std::ptr::eq(last, node));
        if unit.may_stop && !is_last {
            unit.emit(Instr::Let { into: said, expr: unset });
            unit.at_line(0, "in user space".to_owned());
            self.emit_syscall(unit, How::Away, Some(said));
            let expr = self.is_one(said);
            let comes_back = unit.emit(Instr::Branch { expr, otherwise: 0 });
            unit.emit(Instr::End);
            unit.land(vec![comes_back]);
        }
        unit.give_back(vec![said], unset);
    }

    fn emit_syscall(&mut self, unit: &mut Unit<'a>, how: How, into: Option<LocalId>) {
        unit.emit(Instr::Op { op: Syscall::end(how).into(), into, may_fail: None });
    }

    fn is_one(&mut self, local: LocalId) -> u16 {
        let one = ExprNode::Const(Value::Word(1));
        self.add_expr(vec![ExprNode::Read(local), one, ExprNode::Apply(Operator::Eq)])
    }

    /// Tells what is put off to the end of a system call where there is none.
    pub(super) fn check_in_syscall(&mut self, unit: &Unit<'a>, node: &Node) {
        let name = node.name.text.as_str();
        if !IN_A_SYSCALL.contains(&name) || unit.in_syscall {
            return;
        }
        if name == FPUT && unit.kernel {
            self.leaves_files = true;
        } else if !unit.callee {
            let kernel = (name == FPUT)
                .then(|| "a thread without any system call is one of the kernel's, which needs none".to_owned());
            self.mistakes
                .add("syscall", node.head, format!("`{name}` puts something off to the end of a system call"))
                .expected("`syscall { … }` around it, in a `thread`")
                .help_if(kernel);
        }
    }

    /// `task-work NAME fn=F`
    pub(in crate::lower) fn complete_task_work(&mut self, node: &'a Node, id: ObjId) {
        let is_one = self.program.is::<fixed::TaskWork>(id);
        let Some(value) = node.option("fn").filter(|_| is_one) else { return };
        let callee = self.callee(value, 1);
        if let Some(work) = self.program.fixed_mut::<fixed::TaskWork>(id) {
            work.func = callee;
        }
    }
}
