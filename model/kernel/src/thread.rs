//! One script being run: its program counter, the operation in flight, its locals, and the calls that it is inside of.
//!
//! A call is of a function, by its name, or of what the kernel calls through a pointer: a fence's callback, a hook, a
//! shrinker. A scenario's procs are inlined. A callee runs in its caller's place, with the caller's identity, locks and
//! context; its locals are its own, and its caller's are kept on the stack (`stack.rs`) meanwhile.

mod calls;
mod coding;
mod private;
mod quiet;

use crate::{
    Cx, Flow, Footprint, Instr, LocalId, MAX_LOCALS, Machine, ObjId, ObjSet, Op, Patience, Plain, Program, Runtime,
    Script, ThreadId, Value, View, Violation, World,
    cover::Passed,
    cx::{Merging, Private},
    granularity,
    ground::{operand::Met, resolver::Resolver},
    primitives::device,
    stack::{Frame, Stack},
};

/// Private decisions in a row that nobody looks at twice.
const FEW_PRIVATE_STEPS: usize = 64;
/// Most private decisions in a row.
pub const MAX_PRIVATE_STEPS: usize = 1 << 20;

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
#[derive(Clone, Debug, Default)]
pub struct Thread {
    pc: u16,
    run: Run,
    machine: Machine,
    private: Private,
    /// Which warnings of its script it has come to: a bit for each, in the order of [`Script::warnings`].
    warned: u32,
    /// How many locals the code that runs has.
    top: u8,
    locals: [Value; MAX_LOCALS],
    /// The calls that it is inside of, since it called something for the first time.
    stack: Option<Box<Stack>>,
}

impl PartialEq for Thread {
    /// Only what is live counts.
    fn eq(&self, other: &Thread) -> bool {
        let core = |t: &Thread| (t.pc, t.run, t.machine, t.private, t.top, t.warned);
        core(self) == core(other) && self.live_locals() == other.live_locals() && self.calls() == other.calls()
    }
}

impl Eq for Thread {}

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
    /// The instruction at which it allocated memory that may have to be reclaimed.
    pub allocates: Option<u16>,
    /// Stamps or generations come near their last number: who keeps whole states may number them anew.
    pub worn: bool,
    /// How many quiet accesses were taken with it.
    pub merged: u16,
    /// What those touched.
    pub(crate) quiet: ObjSet,
    /// A quiet access that was taken before could have come after it, and been seen.
    pub unfit: bool,
    /// A lock that was taken, and may have been given back with the same step: in coarse grain.
    pub(crate) took: Option<ObjId>,
}

impl Stepped {
    /// This step and another one of the same thread after it, as one.
    pub(crate) fn then(self, next: Stepped) -> Stepped {
        Stepped {
            violation: self.violation.or(next.violation),
            spins: next.spins,
            result: next.result,
            touched: self.touched.and(next.touched),
            progressed: self.progressed || next.progressed,
            allocates: self.allocates.or(next.allocates),
            worn: self.worn || next.worn,
            merged: self.merged + 1 + next.merged,
            quiet: self.quiet.and(next.quiet),
            unfit: self.unfit || next.unfit,
            took: self.took.or(next.took),
        }
    }
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

    /// What a local of the thread's own script holds.
    pub fn local(&self, l: LocalId) -> Value {
        match self.calls() {
            None => self.locals[usize::from(l.0)],
            Some(stack) => stack.outermost(usize::from(l.0)),
        }
    }

    /// A local as the code that runs knows it: a callee has its own. `None` if there is none.
    pub fn local_here(&self, l: LocalId) -> Option<Value> {
        self.live_locals().get(usize::from(l.0)).copied()
    }

    /// How many calls it is inside of.
    pub fn depth(&self) -> usize {
        self.live_frames().len()
    }

    /// The instructions that called, or whose operations did, the outermost first.
    pub fn callers(&self) -> impl Iterator<Item = u16> {
        self.live_frames().iter().map(|frame| frame.pc)
    }

    /// What only the thread knows about itself: the context that it runs in.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// Which warnings of its script it has come to, in the order of [`Script::warnings`].
    pub fn warned(&self) -> u32 {
        self.warned
    }

    /// Whether it has nothing to do: an agent that waits for work.
    pub fn is_idle(&self) -> bool {
        self.pc == 0 && self.calls().is_none()
    }

    fn live_frames(&self) -> &[Frame] {
        self.stack.as_deref().map_or(&[], Stack::frames)
    }

    /// The calls that it is inside of, if it is inside of any.
    fn calls(&self) -> Option<&Stack> {
        self.stack.as_deref().filter(|stack| !stack.frames().is_empty())
    }

    fn live_locals(&self) -> &[Value] {
        &self.locals[..usize::from(self.top)]
    }

    /// Where a local of the innermost call lies among those of all.
    pub fn window_at(&self, l: LocalId) -> usize {
        self.base() + usize::from(l.0)
    }

    /// Where the locals of the innermost call begin among those of all.
    fn base(&self) -> usize {
        self.depth() * MAX_LOCALS
    }

    /// The locals of the innermost call.
    fn window(&self) -> &[Value] {
        &self.locals
    }

    fn set_local(&mut self, l: LocalId, v: Value) {
        self.locals[usize::from(l.0)] = v;
    }

    /// Makes this thread equal to another of the same script; copies what is live only.
    pub(crate) fn copy_live(&mut self, other: &Thread) {
        (self.pc, self.run, self.machine, self.private) = (other.pc, other.run, other.machine, other.private);
        (self.top, self.warned) = (other.top, other.warned);
        // Nearly all threads have few locals and call nothing: a copy of fixed size is cheaper than one of the right
        // size.
        const FEW: usize = 4;
        self.locals[..FEW].copy_from_slice(&other.locals[..FEW]);
        let locals = usize::from(other.top);
        if locals > FEW {
            self.locals[FEW..locals].copy_from_slice(&other.locals[FEW..locals]);
        }
        match (&mut self.stack, other.calls()) {
            (None, None) => {}
            (Some(mine), None) => mine.clear(),
            (Some(mine), Some(theirs)) => mine.copy(theirs),
            (None, Some(theirs)) => self.stack = Some(Box::new(theirs.clone())),
        }
    }

    /// What its next step may look at.
    pub(crate) fn view<'a>(&'a self, world: &'a World<Plain>, program: &'a Program, me: ThreadId) -> View<'a> {
        View { world, program, me, private: &self.private, locals: self.window() }
    }

    /// What the thread's next step touches.
    pub(crate) fn footprint(&self, v: View<'_>) -> Footprint {
        let f = self.machine.footprint(v);
        let f = v.program.device_of(v.me).map_or(f, |device| device::engine_footprint(v, device, f));
        // Where there are handlers, whether the thread runs at all is up to them.
        if v.program.has_irqs { f.read(v.my_task()) } else { f }
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
        self.start_covering((script, None), program, world, me, rt)
    }

    /// The same, counting what the script comes to, if there is where to.
    pub(crate) fn start_covering<R: Runtime>(
        &mut self,
        (script, cover): (&Script, Option<&mut [Passed]>),
        program: &Program,
        world: &mut World<R>,
        me: ThreadId,
        rt: &mut R,
    ) -> Option<Violation> {
        self.top = script.locals.len() as u8;
        self.private = Private::of(script.role);
        let mut private = self.private;
        let mut cx = Cx::new(world, program, me, rt, &mut private).covering(cover);
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
        self.step_covering((script, None, None), program, world, me, rt)
    }

    /// The same, counting what the script comes to and taking quiet accesses with the step, if there is where to and
    /// how.
    pub(crate) fn step_covering<R: Runtime>(
        &mut self,
        (script, cover, merging): (&Script, Option<&mut [Passed]>, Option<&Merging>),
        program: &Program,
        world: &mut World<R>,
        me: ThreadId,
        rt: &mut R,
    ) -> Stepped {
        let mut private = self.private;
        let met = if program.has_members() { self.met(script, program) } else { [None; 4] };
        let mut cx = Cx::new(world, program, me, rt, &mut private).covering(cover).merging(merging).meeting(met);
        cx.pc = self.pc;
        self.run = Run::Ready;
        quiet::begin(&mut cx);
        let (mut spins, mut result) = (None, None);
        let counted = cfg!(debug_assertions).then(|| (self.machine.name(), self.machine.label()));
        granularity::begin();
        let flow = if !program.powered.is_empty() && self.is_cut_off(script, &mut cx) {
            self.start_over(script, &mut cx);
            Flow::Go
        } else {
            self.machine.step(&mut cx)
        };
        if let (true, Some((machine, point))) = (R::SEES_OVERLAP, counted) {
            granularity::end(machine, point);
        }
        match flow {
            Flow::Go if cx.merging.is_none() => {}
            Flow::Go => self.go_on_quietly(script, &mut cx),
            Flow::Spin(lock) => spins = Some(lock),
            Flow::Sleep(on, patience) => {
                cx.might_sleep(on);
                self.run = Run::Asleep(on, patience);
            }
            Flow::Call(call) => {
                if cx.violation.is_none() {
                    self.call(script, call, &mut cx);
                }
            }
            Flow::Done(value) => {
                result = Some(value);
                if cx.violation.is_none() {
                    self.finish_operation(script, value, &mut cx);
                }
            }
        }
        let (violation, touched, progressed, worn) = (cx.violation, cx.touched, cx.progressed, cx.worn);
        let (allocates, merged, quiet, unfit) = (cx.allocates, cx.merged, cx.quiet, cx.unfit);
        self.private = private;
        let took = None;
        Stepped { violation, spins, result, touched, progressed, allocates, worn, merged, quiet, unfit, took }
    }

    /// Whether the job that an engine does is lost, and no operation of it is under way.
    #[cold]
    fn is_cut_off<R: Runtime>(&self, script: &Script, cx: &mut Cx<'_, R>) -> bool {
        if matches!(self.machine, Machine::Device(_)) || !device::judge_engine(cx) {
            return false;
        }
        let begins = match script.code.get(usize::from(self.pc)) {
            Some(Instr::Op { op, .. }) => self.machine == Machine::begin(*op, cx.program, self.window()),
            _ => true,
        };
        begins && *cx.private == Private::of(script.role) && device::cut_off(cx)
    }

    /// A job ends where it is, and its engine looks for the next one.
    #[cold]
    fn start_over<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        self.stack.iter_mut().for_each(|stack| stack.clear());
        (self.pc, self.machine, self.top) = (0, Machine::Idle, script.locals.len() as u8);
        self.locals.fill(Value::Unset);
        cx.met = [None; 4];
        self.advance(script, cx);
    }

    /// By which slots the operation in flight finds the members that it works on.
    fn met(&self, script: &Script, program: &Program) -> Met {
        match script.code.get(usize::from(self.pc)) {
            Some(Instr::Op { op, .. }) => Resolver { program, locals: self.window() }.met(*op),
            _ => [None; 4],
        }
    }

    fn finish_operation<R: Runtime>(&mut self, script: &Script, value: Value, cx: &mut Cx<'_, R>) {
        let (mut into, mut result) = (None, value);
        if let Machine::SpinUntil(spin) = self.machine
            && let Err(e) = spin.is_over(cx.program, value, |l| self.window()[usize::from(l.0)])
        {
            return cx.violate(e.into(), None);
        }
        match script.code[usize::from(self.pc)] {
            Instr::Op { op, may_fail: Some(error), into: dest } if self.machine.decides_failure() => {
                if value == Value::Word(0) {
                    self.machine = Machine::begin(op, cx.program, self.window());
                    if !self.machine.is_visible() {
                        self.run_private(dest, cx);
                        return self.advance(script, cx);
                    }
                    return self.go_on_quietly(script, cx);
                }
                self.judge(op, cx);
                (into, result) = (dest, error);
            }
            Instr::Fails { op, into: dest, .. } => {
                self.judge(op, cx);
                into = dest;
            }
            Instr::MayFail { error, into: dest, over } if self.machine.decides_failure() => {
                let fails = value != Value::Word(0);
                cx.goes(!fails);
                self.set_result(dest.filter(|_| fails), error);
                self.pc = if fails { over } else { self.pc + 1 };
                return self.advance(script, cx);
            }
            Instr::Op { into: dest, .. } | Instr::Choose { into: dest, .. } => into = dest,
            _ => {}
        }
        if let Some(l) = into {
            cx.rt.result_into(self.window_at(l), result);
        }
        self.set_result(into, result);
        cx.goes(true);
        self.pc += 1;
        cx.met = [None; 4];
        self.advance(script, cx);
    }

    /// An operation fails by injection before it has begun. What the kernel asks first is asked all the same:
    /// might_sleep() does not wait for the result. That is about what the thread itself has, and so touches nothing of
    /// others.
    fn judge<R: Runtime>(&self, op: Op, cx: &mut Cx<'_, R>) {
        let touched = cx.touched;
        Machine::begin(op, cx.program, self.window()).judge(cx);
        cx.touched = touched;
    }

    /// The operation in flight is over: its result goes into a local, and what else it changed to where it came from.
    fn set_result(&mut self, into: Option<LocalId>, result: Value) {
        if let Some((home, cursor)) = self.machine.write_back() {
            self.set_local(home, cursor);
        }
        if let Some(l) = into {
            self.set_local(l, result);
        }
        self.machine = Machine::Idle;
    }
}
