//! One script being run: its program counter, the operation in flight, its locals, and the calls that it is inside of.
//!
//! A call is of a function, by its name, or of what the kernel calls through a pointer: a fence's callback, a hook, a
//! shrinker. A scenario's procs are inlined. A callee runs in its caller's place, with the caller's identity, locks and
//! context; its locals are its own, and its caller's are kept on the stack (`stack.rs`) meanwhile.

mod quiet;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Instr, LocalId, MAX_LOCALS, Machine, ObjId, ObjSet, Op, Patience, Plain, Program,
    Property, Runtime, Script, ThreadId, Value, View, Violation, World,
    cover::Passed,
    cx::{Call, Merging, Private, Then, check_nothing_left},
    granularity,
    ground::{operand::Met, resolver::Resolver},
    program::{Callee, MAX_WARNINGS, Results, Role},
    stack::{Asked, Frame, Stack},
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
        let flow = self.machine.step(&mut cx);
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

    /// The operation in flight calls one of the program's callees; it is the callee's turn from here on.
    fn call<R: Runtime>(&mut self, script: &Script, call: Call, cx: &mut Cx<'_, R>) {
        let callee = &script.callees[usize::from(call.callee.0)];
        let Call { context, then, .. } = call;
        let asked = Asked { context, then, machine: self.machine };
        if !self.enter(callee, u16::MAX, Some(asked)) {
            return cx.violate(Property::CAPACITY_EXCEEDED, None);
        }
        cx.rt.called(self.base());
        let args = call.args.iter().take(usize::from(callee.params));
        args.zip(&mut self.locals).for_each(|(arg, local)| *local = *arg);
        cx.private.enter(context);
        self.advance(script, cx);
    }

    /// A call by name: the arguments are the caller's values, and nobody else can tell that it was made.
    fn call_function<R: Runtime>(&mut self, script: &Script, call: u16, cx: &mut Cx<'_, R>) -> bool {
        let call = &script.calls[usize::from(call)];
        let callee = &script.callees[usize::from(call.callee.0)];
        let mut args = [Value::Unset; MAX_LOCALS];
        for (arg, expr) in args.iter_mut().zip(&call.args) {
            let Some(v) = self.eval(*expr, cx) else { return false };
            *arg = v;
        }
        let from = self.base();
        if !self.enter(callee, call.keep, None) {
            cx.violate(Property::CAPACITY_EXCEEDED, None);
            return false;
        }
        cx.rt.called(self.base());
        for (at, expr) in call.args.iter().enumerate() {
            self.locals[at] = args[at];
            cx.rt.computed(self.base() + at, &cx.program.exprs[usize::from(*expr)], from);
        }
        true
    }

    /// Goes to the first instruction of a callee, with no local set. False if there is no room on the stack.
    fn enter(&mut self, callee: &Callee, keep: u16, asked: Option<Asked>) -> bool {
        let stack = self.stack.get_or_insert_default();
        if !stack.has_room(asked.is_some()) || callee.locals.len() > MAX_LOCALS {
            return false;
        }
        stack.push(self.pc, &self.locals[..usize::from(self.top)], keep, asked);
        self.top = callee.locals.len() as u8;
        self.locals.fill(Value::Unset);
        (self.pc, self.machine) = (callee.entry, Machine::Idle);
        true
    }

    /// The end of a callee. True if what called goes on with its next instruction.
    fn return_from_call<R: Runtime>(&mut self, script: &Script, result: Results, cx: &mut Cx<'_, R>) -> bool {
        let (locals, base) = (self.locals, self.base());
        let popped = self.stack.as_mut().and_then(|stack| stack.pop(&mut self.locals));
        let Some((frame, asked)) = popped else {
            debug_assert!(false, "[internal bug] a return outside of any call");
            return false;
        };
        (self.pc, self.top) = (frame.pc, frame.top);
        let Some(Asked { context, then, machine }) = asked else {
            self.take_results(script, result, (&locals, base), cx);
            cx.passed(self.pc, |p| p.on += 1);
            self.pc += 1;
            return true;
        };
        cx.private.leave(context);
        self.machine = machine;
        match then {
            Then::Resume => self.machine.returned(result.first().map_or(Value::Unset, |l| locals[l])),
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

    /// What a function returned goes where its caller wants it. What it did not return leaves nothing there.
    fn take_results<R: Runtime>(
        &mut self,
        script: &Script,
        results: Results,
        (locals, from): (&[Value; MAX_LOCALS], usize),
        cx: &mut Cx<'_, R>,
    ) {
        let Instr::Call(call) = script.code[usize::from(self.pc)] else {
            debug_assert!(false, "[internal bug] a function was called by no call");
            return;
        };
        for (at, into) in script.calls[usize::from(call)].into.iter().enumerate() {
            let result = results.get(at);
            self.set_local(*into, result.map_or(Value::Unset, |l| locals[l]));
            cx.rt.returned(result.map(|l| from + l), self.window_at(*into));
        }
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
        self.go_on(script, cx);
        if cx.merged > 0 && cx.violation.is_some() {
            self.take_back(cx);
        }
    }

    fn go_on<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        for _ in 0..FEW_PRIVATE_STEPS {
            if !self.decide(script, cx) {
                return;
            }
        }
        self.advance_far(script, cx);
    }

    /// A loop that counts something comes to its end; one that comes back to what the thread was before never does
    /// (Brent's algorithm: one state is kept, and replaced after 1, 2, 4, 8 … decisions). What a private operation
    /// changes in the world are contexts of the thread's own that it ends, and none is ended twice. A quiet access may
    /// change more, or see what is changed.
    #[cold]
    fn advance_far<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        let mut kept = (self.clone(), *cx.private, cx.merged);
        let mut next = 1;
        for taken in 1..=MAX_PRIVATE_STEPS {
            if !self.decide(script, cx) {
                return;
            }
            if self.pc == kept.0.pc && *self == kept.0 && (*cx.private, cx.merged) == (kept.1, kept.2) {
                return cx.violate(Property::SPINS_LOCALLY, None);
            }
            if taken == next {
                (kept, next) = ((self.clone(), *cx.private, cx.merged), 2 * next);
            }
        }
        cx.violate(Property::CAPACITY_EXCEEDED, None);
    }

    /// Takes one private instruction; false if the thread is at a visible step, at its end, or has broken a property.
    #[inline]
    fn decide<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) -> bool {
        cx.pc = self.pc;
        cx.passed(self.pc, |p| p.came += 1);
        if let Some(read) = script.live.get(usize::from(self.pc)) {
            self.forget_all_but(*read);
        }
        match script.code[usize::from(self.pc)] {
            Instr::Op { may_fail: Some(_), .. } | Instr::MayFail { .. } => {
                self.machine = Machine::may_fail();
                return false;
            }
            Instr::Op { op, into, .. } => {
                self.machine = Machine::begin(op, cx.program, self.window());
                if self.machine.is_visible() {
                    return self.is_quiet(into, cx) && self.take_quietly(into, cx);
                }
                // What it does to the thread's own objects could not be taken back.
                if cx.merged > 0 && !self.machine.is_only_current() {
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
            Instr::Call(call) => return self.call_function(script, call, cx),
            Instr::Return { result: results } => return self.return_from_call(script, results, cx),
            Instr::Branch { expr, otherwise } => return self.branch(expr, otherwise, cx),
            Instr::Assert { expr } => return self.assert(expr, cx),
            Instr::Warn { expr, ends } => return self.warn(expr, ends, script, cx),
        }
        true
    }

    /// Unsets the locals that a function does not read again, so that no state differs by them.
    fn forget_all_but(&mut self, live: u16) {
        let locals = self.locals[..usize::from(self.top)].iter_mut().enumerate();
        locals.filter(|(at, _)| live >> at & 1 == 0).for_each(|(_, local)| *local = Value::Unset);
    }

    #[inline]
    fn compute<R: Runtime>(&mut self, into: LocalId, expr: u16, cx: &mut Cx<'_, R>) -> bool {
        let Some(v) = self.eval(expr, cx) else { return false };
        let of = &cx.program.exprs[usize::from(expr)];
        cx.rt.computed(self.window_at(into), of, self.base());
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

    /// `WARN_ON()` is told and goes on, `BUG_ON()` ends it.
    #[cold]
    fn warn<R: Runtime>(&mut self, expr: u16, ends: bool, script: &Script, cx: &mut Cx<'_, R>) -> bool {
        let Some(v) = self.eval(expr, cx) else { return false };
        if v.truth() == Some(true) {
            if ends {
                cx.violate(Property::BUG_ON, None);
                return false;
            }
            let which = script.warnings.binary_search(&self.pc).unwrap_or_default();
            self.warned |= 1 << (which % MAX_WARNINGS);
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
        let counter = &mut self.locals[usize::from(counter.0)];
        let (seen, nth) = (counter.word().unwrap_or(0), i32::from(nth));
        *counter = Value::Word((seen + 1).min(nth + 1));
        self.pc = if seen + 1 == nth { self.pc + 1 } else { otherwise };
        seen + 1 == nth
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
                self.top = script.locals.len() as u8;
                self.stack.iter_mut().for_each(|stack| stack.clear());
            }
        } else {
            self.pc.code(c);
            self.machine.code(c);
            self.private.code(c);
            self.code_calls(c, script);
        }
        self.locals[..usize::from(self.top)].iter_mut().for_each(|v| v.code(c));
        if !script.warnings.is_empty() {
            let [mut low, mut high] = [self.warned as u16, (self.warned >> 16) as u16];
            low.code(c);
            high.code(c);
            self.warned = u32::from(low) | u32::from(high) << 16;
        }
    }

    fn code_calls<C: Coder>(&mut self, c: &mut C, script: &Script) {
        if script.callees.is_empty() {
            self.top = script.locals.len() as u8;
            return;
        }
        let mut depth = self.depth() as u8;
        depth.code(c);
        // A thread that has not begun, since the program was broken before, has its locals like any other.
        if depth == 0 {
            self.top = script.locals.len() as u8;
            self.stack.iter_mut().for_each(|stack| stack.clear());
            return;
        }
        self.top.code(c);
        self.stack.get_or_insert_default().code_frames(c, usize::from(depth));
    }
}
