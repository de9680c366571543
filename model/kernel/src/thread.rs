//! One script being run: its program counter, the operation in flight, its locals, and the calls that it is inside of.
//!
//! Only what the kernel calls through a pointer is a call: a fence's callback, a hook, a shrinker. A scenario's own
//! procs are inlined. A callee runs in its caller's place, with the caller's identity, locks and context; its locals
//! lie in a window above the caller's:
//!
//! ```text
//!   locals  [ thread's own          | callee's      | its callee's | unset … ]
//!                                   ^ frames[0]     ^ base         ^ top
//! ```

use crate::{
    Code, Coder, Cx, Flow, Footprint, Instr, LocalId, MAX_LOCALS, Machine, ObjId, ObjSet, Op, Patience, Plain, Program,
    Property, Runtime, Script, ThreadId, Value, View, Violation, World,
    cover::Passed,
    cx::{Call, Private, Then, check_nothing_left},
    granularity,
    program::Role,
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

/// Most calls that a thread is inside of at once: the positions that it can return to.
const MAX_CALLS: usize = 4;

/// Where a call returns to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Frame {
    /// The instruction whose operation called.
    pc: u16,
    /// Where the caller's locals begin.
    base: u8,
    /// The context that the callee was called in, on top of the caller's.
    context: crate::cx::Context,
    then: Then,
    /// The operation in flight that called.
    machine: Machine,
}

impl Code for Frame {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.pc.code(c);
        self.base.code(c);
        self.context.code(c);
        self.then.code(c);
        self.machine.code(c);
    }
}

/// A thread's private state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thread {
    pc: u16,
    run: Run,
    machine: Machine,
    private: Private,
    /// How many calls it is inside of.
    depth: u8,
    /// Where the locals of the innermost call begin, and where they end.
    base: u8,
    top: u8,
    frames: [Frame; MAX_CALLS],
    locals: [Value; MAX_LOCALS],
}

impl PartialEq for Thread {
    /// Only what is live counts.
    fn eq(&self, other: &Thread) -> bool {
        let core = |t: &Thread| (t.pc, t.run, t.machine, t.private, t.depth, t.base, t.top);
        core(self) == core(other)
            && self.live_frames() == other.live_frames()
            && self.live_locals() == other.live_locals()
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
        self.locals[usize::from(l.0)]
    }

    /// A local as the code that runs knows it: a callee has its own. `None` if there is none.
    pub fn local_here(&self, l: LocalId) -> Option<Value> {
        self.live_locals().get(usize::from(self.base + l.0)).copied()
    }

    /// How many calls it is inside of.
    pub fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// The instructions whose operations called, the outermost first.
    pub fn callers(&self) -> impl Iterator<Item = u16> {
        self.live_frames().iter().map(|frame| frame.pc)
    }

    /// What only the thread knows about itself: the context that it runs in.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// Whether it has nothing to do: an agent that waits for work.
    pub fn is_idle(&self) -> bool {
        self.depth == 0 && self.pc == 0
    }

    fn live_frames(&self) -> &[Frame] {
        &self.frames[..usize::from(self.depth)]
    }

    fn live_locals(&self) -> &[Value] {
        &self.locals[..usize::from(self.top)]
    }

    /// Where a local of the innermost call lies among all.
    pub fn window_at(&self, l: LocalId) -> usize {
        usize::from(self.base + l.0)
    }

    /// The locals of the innermost call.
    fn window(&self) -> &[Value] {
        &self.locals[usize::from(self.base)..]
    }

    fn set_local(&mut self, l: LocalId, v: Value) {
        self.locals[self.window_at(l)] = v;
    }

    /// Makes this thread equal to another of the same script; copies what is live only.
    pub(crate) fn copy_live(&mut self, other: &Thread) {
        (self.pc, self.run, self.machine, self.private) = (other.pc, other.run, other.machine, other.private);
        (self.depth, self.base, self.top) = (other.depth, other.base, other.top);
        // Nearly all threads have few locals and call nothing: a copy of fixed size is cheaper than one of the right
        // size.
        const FEW: usize = 4;
        self.locals[..FEW].copy_from_slice(&other.locals[..FEW]);
        let (frames, locals) = (usize::from(other.depth), usize::from(other.top));
        if locals > FEW {
            self.locals[FEW..locals].copy_from_slice(&other.locals[FEW..locals]);
        }
        if frames > 0 {
            self.frames[..frames].copy_from_slice(&other.frames[..frames]);
        }
    }

    /// What its next step may look at.
    pub(crate) fn view<'a>(&'a self, world: &'a World<Plain>, program: &'a Program, me: ThreadId) -> View<'a> {
        View { world, program, me, private: &self.private, locals: self.window() }
    }

    /// What the thread's next step touches.
    pub(crate) fn footprint(&self, v: View<'_>) -> Footprint {
        let f = self.machine.footprint(v);
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
        self.step_covering((script, None), program, world, me, rt)
    }

    /// The same, counting what the script comes to, if there is where to.
    pub(crate) fn step_covering<R: Runtime>(
        &mut self,
        (script, cover): (&Script, Option<&mut [Passed]>),
        program: &Program,
        world: &mut World<R>,
        me: ThreadId,
        rt: &mut R,
    ) -> Stepped {
        let mut private = self.private;
        let mut cx = Cx::new(world, program, me, rt, &mut private).covering(cover);
        cx.pc = self.pc;
        self.run = Run::Ready;
        let (mut spins, mut result) = (None, None);
        let (machine, point) = (self.machine.name(), self.machine.label());
        granularity::begin();
        let flow = self.machine.step(&mut cx);
        if R::SEES_OVERLAP {
            granularity::end(machine, point);
        }
        match flow {
            Flow::Go => {}
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
        let allocates = cx.allocates;
        self.private = private;
        Stepped { violation, spins, result, touched, progressed, allocates, worn }
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
                        self.advance(script, cx);
                    }
                    return;
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

    /// The operation in flight calls one of the program's callees; it is the callee's turn from here on.
    fn call<R: Runtime>(&mut self, script: &Script, call: Call, cx: &mut Cx<'_, R>) {
        let callee = &script.callees[usize::from(call.callee.0)];
        let (base, top) = (self.top, usize::from(self.top) + callee.locals.len());
        if usize::from(self.depth) == MAX_CALLS || top > MAX_LOCALS {
            return cx.violate(Property::CAPACITY_EXCEEDED, None);
        }
        let Call { context, then, .. } = call;
        self.frames[usize::from(self.depth)] =
            Frame { pc: self.pc, base: self.base, context, then, machine: self.machine };
        self.depth += 1;
        self.locals[usize::from(base)..top].fill(Value::Unset);
        cx.rt.called(usize::from(base));
        let args = call.args.iter().take(usize::from(callee.params));
        args.zip(&mut self.locals[usize::from(base)..]).for_each(|(arg, local)| *local = *arg);
        (self.base, self.top) = (base, top as u8);
        (self.pc, self.machine) = (callee.entry, Machine::Idle);
        cx.private.enter(context);
        self.advance(script, cx);
    }

    /// The end of a callee. True if the operation that called is over with it.
    fn return_from_call<R: Runtime>(&mut self, script: &Script, value: Value, cx: &mut Cx<'_, R>) -> bool {
        let Some(depth) = self.depth.checked_sub(1) else {
            debug_assert!(false, "[internal bug] a return outside of any call");
            return false;
        };
        let frame = self.frames[usize::from(depth)];
        cx.private.leave(frame.context);
        (self.depth, self.top, self.base) = (depth, self.base, frame.base);
        (self.pc, self.machine) = (frame.pc, frame.machine);
        match frame.then {
            Then::Resume => self.machine.returned(value),
            Then::Done(result) => {
                let into = match script.code[usize::from(self.pc)] {
                    Instr::Op { into, .. } => into,
                    _ => None,
                };
                self.set_result(into, result);
                cx.passed(self.pc, |p| p.on += 1);
                self.pc += 1;
                return true;
            }
        }
        false
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

    /// Runs private instructions until the next visible step; merging them loses nothing, since nobody can see them.
    fn advance<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        for _ in 0..FEW_PRIVATE_STEPS {
            if !self.decide(script, cx) {
                return;
            }
        }
        self.advance_far(script, cx);
    }

    /// A loop that counts something comes to its end; one that comes back to what the thread was before never does
    /// (Brent's algorithm: one state is kept, and replaced after 1, 2, 4, 8 … decisions). What a private operation
    /// changes in the world are contexts of the thread's own that it ends, and none is ended twice.
    #[cold]
    fn advance_far<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        let mut kept = (*self, *cx.private);
        let mut next = 1;
        for taken in 1..=MAX_PRIVATE_STEPS {
            if !self.decide(script, cx) {
                return;
            }
            if self.pc == kept.0.pc && *self == kept.0 && *cx.private == kept.1 {
                return cx.violate(Property::SPINS_LOCALLY, None);
            }
            if taken == next {
                (kept, next) = ((*self, *cx.private), 2 * next);
            }
        }
        cx.violate(Property::CAPACITY_EXCEEDED, None);
    }

    /// Takes one private instruction; false if the thread is at a visible step, at its end, or has broken a property.
    #[inline]
    fn decide<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) -> bool {
        cx.pc = self.pc;
        cx.passed(self.pc, |p| p.came += 1);
        match script.code[usize::from(self.pc)] {
            Instr::Op { may_fail: Some(_), .. } | Instr::MayFail { .. } => {
                self.machine = Machine::may_fail();
                return false;
            }
            Instr::Op { op, into, .. } => {
                self.machine = Machine::begin(op, cx.program, self.window());
                if self.machine.is_visible() {
                    return false;
                }
                self.run_private(into, cx);
                return cx.violation.is_none();
            }
            Instr::Judge { op } => {
                self.judge(op, cx);
                self.pc += 1;
                return cx.violation.is_none();
            }
            Instr::Fails { error, .. } => {
                self.machine = Machine::fail(error);
                return false;
            }
            Instr::Nth { counter, nth, otherwise } => {
                let is_it = self.count(counter, nth, otherwise);
                cx.goes(is_it);
            }
            Instr::Choose { of, .. } => {
                self.machine = Machine::choose(of);
                return false;
            }
            Instr::End => {
                self.exit(script, cx);
                return false;
            }
            Instr::Jump(to) => {
                cx.goes(true);
                self.pc = to;
            }
            Instr::Progress => {
                cx.progressed = true;
                cx.goes(true);
                self.pc += 1;
            }
            Instr::Let { into, expr } => return self.compute(into, expr, cx),
            Instr::Return { result } => {
                let value = result.map_or(Value::Unset, |l| self.window()[usize::from(l.0)]);
                return self.return_from_call(script, value, cx);
            }
            Instr::Branch { expr, otherwise } => return self.branch(expr, otherwise, cx),
            Instr::Assert { expr } => return self.assert(expr, cx),
        }
        true
    }

    #[inline]
    fn compute<R: Runtime>(&mut self, into: LocalId, expr: u16, cx: &mut Cx<'_, R>) -> bool {
        let Some(v) = self.eval(expr, cx) else { return false };
        let of = &cx.program.exprs[usize::from(expr)];
        cx.rt.computed(self.window_at(into), of, usize::from(self.base));
        self.set_local(into, v);
        cx.goes(true);
        self.pc += 1;
        true
    }

    #[inline]
    fn branch<R: Runtime>(&mut self, expr: u16, otherwise: u16, cx: &mut Cx<'_, R>) -> bool {
        let Some(v) = self.eval(expr, cx) else { return false };
        let holds = v.truth() == Some(true);
        cx.goes(holds);
        self.pc = if holds { self.pc + 1 } else { otherwise };
        true
    }

    #[inline]
    fn assert<R: Runtime>(&mut self, expr: u16, cx: &mut Cx<'_, R>) -> bool {
        let Some(v) = self.eval(expr, cx) else { return false };
        if v.truth() != Some(true) {
            cx.violate(Property::ASSERT, None);
            return false;
        }
        cx.goes(true);
        self.pc += 1;
        true
    }

    /// An operation that nobody else can see, taken with the step before it.
    fn run_private<R: Runtime>(&mut self, into: Option<LocalId>, cx: &mut Cx<'_, R>) {
        if let Flow::Done(value) = self.machine.step(cx) {
            self.set_result(into, value);
        }
        if cx.violation.is_none() {
            cx.goes(true);
        }
        self.machine = Machine::Idle;
        self.pc += 1;
    }

    /// Counts up to `nth` and no further: what comes after it is all the same. Whether this is that time.
    fn count(&mut self, counter: LocalId, nth: u8, otherwise: u16) -> bool {
        let counter = &mut self.locals[usize::from(self.base + counter.0)];
        let (seen, nth) = (counter.word().unwrap_or(0), i32::from(nth));
        *counter = Value::Word((seen + 1).min(nth + 1));
        self.pc = if seen + 1 == nth { self.pc + 1 } else { otherwise };
        seen + 1 == nth
    }

    fn eval<R: Runtime>(&self, expr: u16, cx: &mut Cx<'_, R>) -> Option<Value> {
        let read = |l: LocalId| self.locals[usize::from(self.base + l.0)];
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
        if !script.agent && script.role != Role::Device {
            check_nothing_left(cx);
        }
    }
}

impl Thread {
    /// Codes what is live: a finished thread is its locals, an idle one has no operation.
    pub(crate) fn code_with<C: Coder>(&mut self, c: &mut C, script: &Script) {
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
                (self.depth, self.base, self.top) = (0, 0, script.locals.len() as u8);
            }
        } else {
            self.pc.code(c);
            self.machine.code(c);
            self.private.code(c);
            self.code_calls(c, script);
        }
        self.locals[..usize::from(self.top)].iter_mut().for_each(|v| v.code(c));
    }

    fn code_calls<C: Coder>(&mut self, c: &mut C, script: &Script) {
        if script.callees.is_empty() {
            self.top = script.locals.len() as u8;
            return;
        }
        self.depth.code(c);
        // A thread that has not begun, since the program was broken before, has its locals like any other.
        if C::READING || self.depth == 0 {
            (self.base, self.top) = (0, script.locals.len() as u8);
        }
        if self.depth > 0 {
            self.base.code(c);
            self.top.code(c);
            self.frames[..usize::from(self.depth)].iter_mut().for_each(|f| f.code(c));
        }
    }
}
