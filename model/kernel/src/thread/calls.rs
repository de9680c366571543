//! Calls: of a function by its name, and of what the kernel calls through a pointer; and the way back.

use super::Thread;
use crate::{
    Call, Cx, Instr, MAX_LOCALS, Machine, Property, Runtime, Script, Value,
    cx::Then,
    program::{Callee, Results},
    stack::Asked,
};

impl Thread {
    /// The operation in flight calls one of the program's callees; it is the callee's turn from here on.
    pub(super) fn call<R: Runtime>(&mut self, script: &Script, call: Call, cx: &mut Cx<'_, R>) {
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
    pub(super) fn call_function<R: Runtime>(&mut self, script: &Script, call: u16, cx: &mut Cx<'_, R>) -> bool {
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
    pub(super) fn return_from_call<R: Runtime>(
        &mut self,
        script: &Script,
        result: Results,
        cx: &mut Cx<'_, R>,
    ) -> bool {
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
}
