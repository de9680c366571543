//! What nobody else can see: private instructions, taken with the visible step before them.

use super::{FEW_PRIVATE_STEPS, MAX_PRIVATE_STEPS, Run, Thread};
use crate::{
    Cx, Flow, Instr, LocalId, Machine, Property, Runtime, Script, Value,
    cx::check_nothing_left,
    program::{MAX_WARNINGS, Role},
};

impl Thread {
    /// Runs private instructions until the next visible step; merging them loses nothing, since nobody can see them.
    pub(super) fn advance<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        self.go_on(script, cx);
        if cx.merged > 0 && (cx.violation.is_some() || self.has_shown(cx)) {
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
    pub(super) fn run_private<R: Runtime>(&mut self, into: Option<LocalId>, cx: &mut Cx<'_, R>) {
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

    pub(super) fn eval<R: Runtime>(&self, expr: u16, cx: &mut Cx<'_, R>) -> Option<Value> {
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
