//! One script being run: its program counter, the operation in flight, and its locals.

use crate::{
    Code, Coder, Cx, Flow, Footprint, Instr, LocalId, MAX_LOCALS, Machine, ObjId, ObjSet, Object, Patience, Plain,
    Program, Property, Runtime, Script, ThreadId, Value, View, Violation, World, cx::Private, ww,
};

/// Most private decisions in a row; more is a loop that touches nothing shared.
const MAX_PRIVATE_STEPS: usize = 64;

/// Whether and why a thread can run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Run {
    /// The operation in flight goes on, unless it spins on a held lock.
    #[default]
    Ready,
    /// In `schedule()`, waiting for something.
    Asleep(ObjId, Patience),
    /// The script is over.
    Done,
}

/// A thread's private state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Thread {
    pc: u16,
    run: Run,
    machine: Machine,
    private: Private,
    locals: [Value; MAX_LOCALS],
}

/// What a step did besides changing the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stepped {
    /// The property that it broke, which ends the execution.
    pub violation: Option<Violation>,
    /// The lock it spins on, having done nothing: threaded runtimes only.
    pub spins: Option<ObjId>,
    /// The result of the operation, if this was its last step.
    pub result: Option<Value>,
    /// Everything touched.
    pub touched: ObjSet,
    /// It passed a `progress` mark.
    pub progressed: bool,
}

impl Thread {
    /// The instruction that it is at.
    pub fn pc(&self) -> u16 {
        self.pc
    }

    /// Whether and why it can run.
    pub fn run(&self) -> Run {
        self.run
    }

    /// The operation in flight.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What a local holds.
    pub fn local(&self, l: LocalId) -> Value {
        self.locals[usize::from(l.0)]
    }

    /// The word on which it spins, if what is there now keeps it spinning.
    pub(crate) fn spins_until(&self, world: &World<Plain>, program: &Program) -> Option<ObjId> {
        let Machine::SpinUntil(spin) = self.machine else { return None };
        spin.spins_on((world, program), self.private, |l| self.local(l)).then_some(spin.target)
    }

    /// What the thread's next step touches.
    pub(crate) fn footprint(&self, v: View<'_>) -> Footprint {
        self.machine.footprint(v)
    }

    /// Runs the private decisions up to the first visible step of the script.
    pub fn start<R: Runtime>(
        &mut self,
        script: &Script,
        program: &Program,
        world: &mut World<R>,
        me: ThreadId,
        rt: &mut R,
    ) -> Option<Violation> {
        let mut private = self.private;
        let mut cx = Cx::new(world, program, me, rt, &mut private);
        self.advance(script, &mut cx);
        let violation = cx.violation;
        self.private = private;
        violation
    }

    /// Takes one visible step and the private decisions after it.
    pub fn step<R: Runtime>(
        &mut self,
        script: &Script,
        program: &Program,
        world: &mut World<R>,
        me: ThreadId,
        rt: &mut R,
    ) -> Stepped {
        let mut private = self.private;
        let mut cx = Cx::new(world, program, me, rt, &mut private);
        cx.pc = self.pc;
        self.run = Run::Ready;
        let (mut spins, mut result) = (None, None);
        match self.machine.step(&mut cx) {
            Flow::Go => {}
            Flow::Spin(lock) => spins = Some(lock),
            Flow::Sleep(on, patience) => {
                if cx.private.is_atomic() {
                    cx.violate(Property::SleepInAtomic, Some(on));
                }
                self.run = Run::Asleep(on, patience);
            }
            Flow::Done(value) => {
                result = Some(value);
                if cx.violation.is_none() {
                    self.finish_operation(script, value, &mut cx);
                }
            }
        }
        let (violation, touched, progressed) = (cx.violation, cx.touched, cx.progressed);
        self.private = private;
        Stepped { violation, spins, result, touched, progressed }
    }

    fn finish_operation<R: Runtime>(&mut self, script: &Script, value: Value, cx: &mut Cx<'_, R>) {
        let (mut into, mut result) = (None, value);
        if let Machine::SpinUntil(spin) = self.machine
            && let Err(e) = spin.is_over(cx.program, value, |l| self.local(l))
        {
            return cx.violate(e.into(), None);
        }
        match script.code[usize::from(self.pc)] {
            Instr::Op { op, may_fail: Some(error), into: dest } if self.machine.decides_failure() => {
                if value == Value::Word(0) {
                    self.machine = Machine::begin(op, cx.program, &self.locals);
                    return;
                }
                (into, result) = (dest, error);
            }
            Instr::Op { into: dest, .. } | Instr::Choose { into: dest, .. } => into = dest,
            _ => {}
        }
        if let Some(l) = into {
            self.locals[usize::from(l.0)] = result;
        }
        self.machine = Machine::Idle;
        self.pc += 1;
        self.advance(script, cx);
    }

    /// Runs private instructions until the next visible step; merging them loses nothing, since nobody can see them.
    fn advance<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        for _ in 0..MAX_PRIVATE_STEPS {
            cx.pc = self.pc;
            match script.code[usize::from(self.pc)] {
                Instr::Op { may_fail: Some(_), .. } => return self.machine = Machine::may_fail(),
                Instr::Op { op, into, .. } => {
                    self.machine = Machine::begin(op, cx.program, &self.locals);
                    if self.machine.is_visible() {
                        return;
                    }
                    self.run_private(into, cx);
                    if cx.violation.is_some() {
                        return;
                    }
                }
                Instr::Choose { of, .. } => return self.machine = Machine::choose(of),
                Instr::End => return self.exit(script, cx),
                Instr::Jump(to) => self.pc = to,
                Instr::Progress => {
                    cx.progressed = true;
                    self.pc += 1;
                }
                Instr::Let { into, expr } => {
                    let Some(v) = self.eval(expr, cx) else { return };
                    self.locals[usize::from(into.0)] = v;
                    self.pc += 1;
                }
                Instr::Branch { expr, otherwise } => {
                    let Some(v) = self.eval(expr, cx) else { return };
                    self.pc = if v.truth() == Some(true) { self.pc + 1 } else { otherwise };
                }
                Instr::Assert { expr } => {
                    let Some(v) = self.eval(expr, cx) else { return };
                    if v.truth() != Some(true) {
                        return cx.violate(Property::Assert, None);
                    }
                    self.pc += 1;
                }
            }
        }
        cx.violate(Property::SpinsLocally, None);
    }

    /// An operation that nobody else can see, taken with the step before it.
    fn run_private<R: Runtime>(&mut self, into: Option<LocalId>, cx: &mut Cx<'_, R>) {
        if let Flow::Done(value) = self.machine.step(cx)
            && let Some(l) = into
        {
            self.locals[usize::from(l.0)] = value;
        }
        self.machine = Machine::Idle;
        self.pc += 1;
    }

    fn eval<R: Runtime>(&self, expr: u16, cx: &mut Cx<'_, R>) -> Option<Value> {
        let read = |l: LocalId| self.locals[usize::from(l.0)];
        match cx.program.exprs[usize::from(expr)].eval(read) {
            Ok(v) => Some(v),
            Err(e) => {
                cx.violate(e.into(), None);
                None
            }
        }
    }

    /// The end of the script: nothing may be left open.
    fn exit<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        self.run = Run::Done;
        self.machine = Machine::Idle;
        if script.agent {
            return;
        }
        let me = cx.me;
        let held = cx.world.objects().find_map(|(id, o)| match o {
            Object::Spin(s) if s.owner() == Some(me) => Some(id),
            _ => None,
        });
        if let Some(lock) = held.or_else(|| ww::held_by(cx.world, me).next()) {
            return cx.violate(Property::LockHeldAtExit, Some(lock));
        }
        let open = cx.world.objects().find_map(|(id, o)| match o {
            Object::AcquireCtx(c) if c.task() == Some(me) => Some(id),
            _ => None,
        });
        if let Some(ctx) = open {
            return cx.violate(Property::CtxOpenAtExit, Some(ctx));
        }
        if cx.private.rcu_depth > 0 {
            cx.violate(Property::RcuUnbalanced, None);
        }
    }
}

impl Thread {
    /// Codes what is live: a finished thread is its locals, an idle one has no operation.
    pub(crate) fn code_with<C: Coder>(&mut self, c: &mut C, locals: usize) {
        let mut tag = match self.run {
            Run::Ready => 0,
            Run::Asleep(..) => 1,
            Run::Done => 2,
        };
        c.byte(&mut tag);
        match tag {
            0 => self.run = Run::Ready,
            1 => {
                let (mut on, mut patience) = match self.run {
                    Run::Asleep(on, p) => (on, p),
                    _ => (ObjId::default(), Patience::Forever),
                };
                on.code(c);
                patience.code(c);
                self.run = Run::Asleep(on, patience);
            }
            _ => self.run = Run::Done,
        }
        if tag == 2 {
            if C::READING {
                (self.pc, self.machine, self.private) = (0, Machine::Idle, Private::default());
            }
        } else {
            self.pc.code(c);
            self.machine.code(c);
            self.private.code(c);
        }
        self.locals[..locals].iter_mut().for_each(|v| v.code(c));
    }
}
