//! What the kernel itself runs, if a program has use for it: who runs grace periods, who calls what is called after
//! those of a sleepable RCU, and `delayed_fput()`.

use fenceweave_kernel::primitives::{irq, rcu, srcu, syscall};
use fenceweave_kernel::program::{Role, SourceLine};
use fenceweave_kernel::{Instr, ObjId, Op, Script, ThreadId, fixed};

use super::Lower;

/// One that does the same again and again.
fn agent(name: String, role: Role, op: Op, says: &str) -> Script {
    let line = |text: &str| SourceLine { line: 0, text: text.to_owned(), ..SourceLine::default() };
    Script {
        name,
        code: vec![Instr::Op { op, into: None, may_fail: None }, Instr::End],
        lines: vec![line(says), line("")],
        agent: true,
        role,
        ..Script::default()
    }
}

impl Lower<'_> {
    /// Who has the next script.
    fn next_thread(&self) -> ThreadId {
        ThreadId(u8::try_from(self.program.scripts.len()).unwrap_or(u8::MAX))
    }

    /// Adds RCU's callbacks and their agent, if anything defers to them.
    pub(super) fn add_rcu(&mut self) {
        if self.needs_rcu {
            let rcu = self.object("rcu".to_owned(), fixed::Rcu);
            self.program.rcu = Some((rcu, self.next_thread()));
            let op = rcu::ops::GracePeriods.into();
            self.program.scripts.push(agent("rcu".to_owned(), Role::Agent, op, "grace periods"));
        }
        self.program.settle_nodes();
        self.program.note_readers();
        self.program.note_warnings();
    }

    /// Adds the work item of each sleepable RCU, if anything is called after a grace period of one.
    pub(super) fn add_srcu_work(&mut self) {
        if !self.needs_srcu {
            return;
        }
        let all: Vec<ObjId> = self.program.all::<fixed::Srcu>().collect();
        for srcu in all {
            let work = Some(self.next_thread());
            if let Some(object) = self.program.objects.get_mut(usize::from(srcu.number())) {
                object.kind = fixed::Srcu { work }.into();
            }
            let name = format!("{}.work", self.program.name_of(srcu));
            let op = srcu::ops::SrcuWork { srcu }.into();
            self.program.scripts.push(agent(name, Role::Worker, op, "callbacks"));
            self.judge_cpus("one of them is the work item of an `srcu`, which calls what `call-srcu` queues");
        }
    }

    /// Notes whose engine each device has, if one may be off.
    pub(super) fn add_power(&mut self) {
        if self.needs_power {
            let engine = |id| Some((self.program.fixed::<fixed::Device>(id)?.engine, id));
            self.program.powered = self.program.ids().filter_map(engine).collect();
        }
    }

    /// Adds the work item of `delayed_fput()`, if anybody may leave a file to it.
    pub(super) fn add_delayed_fput(&mut self) {
        if !self.leaves_files {
            return;
        }
        let list = self.object("delayed_fput_list".to_owned(), fixed::DelayedFput);
        self.program.delayed_fput = Some((list, self.next_thread()));
        let op = syscall::ops::DelayedFput { list }.into();
        self.program.scripts.push(agent("delayed_fput".to_owned(), Role::Worker, op, "delayed_fput"));
        self.judge_cpus(
            "one of them is that of `delayed_fput()`, to which a thread without system calls leaves its files",
        );
    }

    /// An interrupt that may come to any of the CPUs has room for so many.
    fn judge_cpus(&mut self, help: &str) {
        let cpus = self.program.scripts.iter().filter(|s| matches!(s.role, Role::Task | Role::Worker)).count();
        if self.program.has_irqs && cpus > irq::MAX_CPUS {
            self.mistakes
                .add("too-many", Default::default(), format!("an interrupt among {cpus} threads"))
                .expected(format!("at most {} threads and workers", irq::MAX_CPUS))
                .help(help);
        }
    }
}
