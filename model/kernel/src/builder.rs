//! Programs built in Rust, without a scenario file: for tests, benches and other front ends.

mod say;

use crate::{
    Errno, Expr, ExprNode, LocalId, ObjId, ThreadId, Value,
    expr::Operator,
    fixed,
    primitives::rcu,
    program::{
        FieldName, Instr, ObjectDecl, ObjectKind, Op, Operand, PageTable, PoolRange, Program, Script, SourceLine,
        VarDecl,
    },
    resv::{self, Usage},
    ww,
};

/// Builds a [`Program`] declaration by declaration, thread by thread.
///
/// ```
/// use fenceweave_kernel::{Value, builder::ProgramBuilder};
///
/// let mut b = ProgramBuilder::new("one-store");
/// b.var("x", Value::Word(0));
/// b.thread("t", |s| {
///     s.say("store x 1 order=release");
/// });
/// let program = b.build();
/// assert_eq!(program.scripts.len(), 1);
/// ```
#[derive(Default)]
pub struct ProgramBuilder {
    program: Program,
}

impl ProgramBuilder {
    /// An empty program.
    pub fn new(name: &str) -> Self {
        ProgramBuilder { program: Program { name: name.into(), ..Program::default() } }
    }

    /// Declares an object.
    pub fn object(&mut self, name: &str, kind: impl Into<ObjectKind>) -> ObjId {
        self.program.objects.push(ObjectDecl { name: name.into(), kind: kind.into() });
        ObjId::object(self.program.objects.len() - 1)
    }

    /// Declares a reservation of its own class-`class` lock, with two fence lists.
    pub fn resv(&mut self, name: &str, class: ObjId) -> ObjId {
        let lock = ObjId::object(self.program.objects.len());
        let resv = ObjId::numbered(lock.number() + 1);
        self.object(name, fixed::WwMutex { class, resv: Some(resv) });
        self.object(
            &format!("{name}.fences"),
            fixed::Resv {
                lock,
                lists: (ObjId::numbered(resv.number() + 1), 2),
                variant: Default::default(),
                debug_mutexes: false,
            },
        );
        self.object(&format!("{name}.list0"), fixed::FenceList);
        self.object(&format!("{name}.list1"), fixed::FenceList);
        resv
    }

    /// Declares an observed variable.
    pub fn var(&mut self, name: &str, init: Value) -> ObjId {
        self.program.vars.push(VarDecl {
            name: name.into(),
            init,
            ty: Default::default(),
            racy: false,
            observed: true,
            premise: Default::default(),
            keys: vec![],
        });
        ObjId::var(self.program.vars.len() - 1)
    }

    /// Declares a page table of so many pages.
    pub fn page_table(&mut self, name: &str, pages: u16) {
        let first = ObjId::var(self.program.vars.len());
        for page in 0..pages {
            self.var(&format!("{name}[{page}]"), Value::Word(0));
        }
        let lock = self.object(&format!("{name}.ptl"), fixed::Spinlock);
        self.program.page_tables.push(PageTable { first, len: pages, lock });
    }

    /// Interns a field name.
    pub fn field(&mut self, name: &str) -> FieldName {
        self.program.field_names.push(name.into());
        FieldName(self.program.field_names.len() as u8 - 1)
    }

    /// Puts operands into the pool.
    pub fn pool(&mut self, operands: &[Operand]) -> PoolRange {
        pool(&mut self.program, operands)
    }

    /// Puts an expression over locals into the program.
    pub fn expr(&mut self, nodes: Vec<ExprNode>) -> u16 {
        let expr = Expr::from_postfix(nodes).unwrap_or_else(|| panic!("[usage] not a postfix expression"));
        self.program.exprs.push(expr);
        self.program.exprs.len() as u16 - 1
    }

    /// The expression `local == word`.
    pub fn equals(&mut self, local: LocalId, word: i32) -> u16 {
        let word = ExprNode::Const(Value::Word(word));
        self.expr(vec![ExprNode::Read(local), word, ExprNode::Apply(Operator::Eq)])
    }

    /// Adds a thread.
    pub fn thread(&mut self, name: &str, body: impl FnOnce(&mut ScriptBuilder)) -> ThreadId {
        let script = self.script(name, body);
        self.program.scripts.push(script);
        ThreadId(self.program.scripts.len() as u8 - 1)
    }

    /// What runs before the threads.
    pub fn setup(&mut self, body: impl FnOnce(&mut ScriptBuilder)) {
        self.program.setup = self.script("setup", body);
    }

    /// A script, for which what is declared so far can be said by name.
    fn script(&mut self, name: &str, body: impl FnOnce(&mut ScriptBuilder)) -> Script {
        let script = Script { name: name.into(), ..Script::default() };
        let mut b = ScriptBuilder { script, program: std::mem::take(&mut self.program) };
        body(&mut b);
        b.push("", Instr::End);
        self.program = b.program;
        b.script
    }

    /// Adds RCU's callbacks and the agent that runs grace periods; after the last thread.
    pub fn rcu(&mut self) {
        let rcu = self.object("rcu", fixed::Rcu);
        let agent = self.thread("rcu", |s| {
            s.op("grace periods", rcu::ops::GracePeriods);
        });
        self.program.scripts[agent.index()].agent = true;
        self.program.rcu = Some((rcu, agent));
    }

    /// The program.
    ///
    /// # Panics
    ///
    /// If it exceeds a capacity of the model: a mistake of the caller, who wrote it down in Rust.
    pub fn build(mut self) -> Program {
        // Nobody has said which errors it has to do with: all that is no -1.
        self.program.errnos =
            Errno::ALL.iter().map(|(_, errno)| *errno).filter(|errno| *errno != Errno::EPERM).collect();
        let bare = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().needs.bare_sleeps);
        let raises = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().needs.signals);
        let some = |is: &dyn Fn(&Instr) -> bool| self.program.scripts.iter().any(|s| s.code.iter().any(is));
        let ways_out = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().needs.way_out);
        (self.program.bare_sleeps, self.program.sends_signals) = (some(&bare), some(&raises));
        let lists_go = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().needs.lists_go);
        (self.program.has_way_out, self.program.lists_go) = (some(&ways_out), some(&lists_go));
        self.program.settle_nodes();
        self.program.note_readers();
        self.program.note_warnings();
        if let Err(e) = self.program.check_size() {
            panic!("[usage] {e}");
        }
        self.program
    }
}

/// Puts operands into a program's pool.
fn pool(program: &mut Program, operands: &[Operand]) -> PoolRange {
    let start = program.pool.len() as u16;
    program.pool.extend_from_slice(operands);
    PoolRange { start, len: operands.len() as u8 }
}

/// Builds one thread's script.
#[derive(Default)]
pub struct ScriptBuilder {
    script: Script,
    /// What is declared before.
    program: Program,
}

impl ScriptBuilder {
    fn push(&mut self, text: &str, instr: Instr) {
        let line = self.script.code.len() as u32 + 1;
        self.script.code.push(instr);
        self.script.lines.push(SourceLine { line, column: 1, text: text.into(), ..SourceLine::default() });
    }

    /// The local of that name.
    pub fn local(&mut self, name: &str) -> LocalId {
        let at = self.script.locals.iter().position(|l| l == name).unwrap_or_else(|| {
            self.script.locals.push(name.into());
            self.script.locals.len() - 1
        });
        LocalId(at as u8)
    }

    /// Any instruction; the index is where it stands.
    pub fn instr(&mut self, text: &str, instr: Instr) -> u16 {
        self.push(text, instr);
        self.script.code.len() as u16 - 1
    }

    /// The index of the next instruction.
    pub fn here(&self) -> u16 {
        self.script.code.len() as u16
    }

    /// Changes where a branch or jump goes, once that is known.
    pub fn patch(&mut self, at: u16, to: u16) {
        match &mut self.script.code[usize::from(at)] {
            Instr::Jump(target)
            | Instr::Branch { otherwise: target, .. }
            | Instr::MayFail { over: target, .. }
            | Instr::Nth { otherwise: target, .. } => *target = to,
            other => panic!("[usage] {other:?} goes nowhere"),
        }
    }

    /// An operation without result.
    pub fn op(&mut self, text: &str, op: impl Into<Op>) -> &mut Self {
        self.push(text, Instr::Op { op: op.into(), into: None, may_fail: None });
        self
    }

    /// An operation with its result in a local.
    pub fn op_into(&mut self, text: &str, op: impl Into<Op>, local: &str) -> LocalId {
        let into = self.local(local);
        self.push(text, Instr::Op { op: op.into(), into: Some(into), may_fail: None });
        into
    }

    /// An operation that may also fail.
    pub fn op_may_fail(&mut self, text: &str, op: impl Into<Op>, local: &str, error: Errno) {
        let into = Some(self.local(local));
        self.push(text, Instr::Op { op: op.into(), into, may_fail: Some(error.into()) });
    }

    /// `lock m [ctx=c]`.
    pub fn lock(&mut self, m: ObjId, ctx: Option<ObjId>, local: &str) {
        let op = ww::ops::WwLock { mutex: Operand::Object(m), ctx: ctx.map(Operand::Object), how: ww::How::Lock };
        self.op_into("lock", op, local);
    }

    /// `unlock m`.
    pub fn unlock(&mut self, m: ObjId) {
        self.op("unlock", ww::ops::WwUnlock { mutex: Operand::Object(m) });
    }

    /// `add-fence resv f usage=`.
    pub fn add_fence(&mut self, resv: ObjId, fence: ObjId, usage: Usage) {
        self.op("add-fence", resv::ops::AddFence { resv: Operand::Object(resv), fence: Operand::Object(fence), usage });
    }
}
