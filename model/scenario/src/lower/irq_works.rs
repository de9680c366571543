//! Irq works: what each calls, and those who take the interrupts that they are run in.

use fenceweave_kernel::kind::Function;
use fenceweave_kernel::primitives::irq_work::{base::How, kind::MAX_CPUS, kind::MAX_IRQ_WORKS, ops::IrqWorks};
use fenceweave_kernel::program::{Role, SourceLine};
use fenceweave_kernel::{Instr, LocalId, ObjId, Operand, Script, ThreadId, Value, fixed};

use super::Lower;
use crate::syntax::Node;

/// What all irq works are on.
const BASE: &str = "irq_work";

impl<'a> Lower<'a> {
    /// `irq-work NAME fn=F`
    pub(super) fn complete_irq_work(&mut self, node: &'a Node, id: ObjId) {
        if !self.program.is::<fixed::IrqWork>(id) {
            return;
        }
        let known = self.program.ids().find(|id| self.program.is::<fixed::IrqWorks>(*id));
        let none = fixed::IrqWorks { first: ThreadId(0), count: 0, works: vec![] };
        let base = known.unwrap_or_else(|| self.object(BASE.to_owned(), none));
        let callee = node.option("fn").and_then(|value| self.callee(value, 1));
        if let Some(work) = self.program.fixed_mut::<fixed::IrqWork>(id) {
            work.base = base;
            work.function = callee.map(|callee| Function { callee, data_only: false });
        }
        let full = self.program.fixed_mut::<fixed::IrqWorks>(base).is_some_and(|of| {
            of.works.push(id);
            of.works.len() == MAX_IRQ_WORKS + 1
        });
        if full {
            self.mistakes
                .add("too-many", node.head, format!("more than {MAX_IRQ_WORKS} irq works"))
                .expected(format!("at most {MAX_IRQ_WORKS}, those inside of objects counted for each slot"));
        }
        self.program.has_irqs = true;
    }

    /// Those who take the interrupts, behind all other threads: as many as find what two functions at once do to each
    /// other.
    pub(super) fn irq_work_scripts(&mut self) {
        let first = ThreadId(u8::try_from(self.program.scripts.len()).unwrap_or(u8::MAX));
        let Some(base) = self.program.ids().find(|id| self.program.is::<fixed::IrqWorks>(*id)) else { return };
        let Some(of) = self.program.fixed_mut::<fixed::IrqWorks>(base) else { return };
        let count = of.works.len().min(usize::from(MAX_CPUS)) as u8;
        (of.first, of.count) = (first, count);
        for cpu in 0..count {
            let name = if count == 1 { BASE.to_owned() } else { format!("{BASE}.{cpu}") };
            let script = self.irq_work_script(name, base);
            self.program.scripts.push(script);
        }
    }

    /// Waits for an item, calls its function, and begins again.
    fn irq_work_script(&mut self, name: String, base: ObjId) -> Script {
        let (work, unset) = (LocalId(0), self.unset_expr());
        let step = |how, work, into| Instr::Op { op: IrqWorks { how, base, work }.into(), into, may_fail: None };
        let code = vec![
            (step(How::Run, Operand::Const(Value::Null), Some(work)), "run irq work"),
            (step(How::Done, Operand::Local(work), None), "the irq work's function is done"),
            (Instr::Let { into: work, expr: unset }, ""),
            (Instr::Jump(0), ""),
            (Instr::End, ""),
        ];
        // One may be queued again from wherever; also by its own function.
        self.has_loops = true;
        let line = |text: &str| SourceLine { line: 0, text: text.to_owned(), ..SourceLine::default() };
        let (code, lines) = code.into_iter().map(|(instr, text)| (instr, line(text))).unzip();
        let locals = vec!["work".to_owned()];
        Script { name, code, lines, locals, agent: true, role: Role::Irq, ..Script::default() }
    }
}
