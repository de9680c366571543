//! Where a step stands: its line in the scenario's file or in a library's, and the calls that lead there.

use crate::{line::Line, words};
use fenceweave_kernel::{Program, ThreadId, program::CallSite};

/// A call that a step is inside of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call<'a> {
    /// What is called: a proc, or what the kernel calls through a pointer.
    pub(crate) name: &'a str,
    /// The line of the operation that calls.
    pub(crate) line: Line<'a>,
    /// The column in which that begins.
    column: u32,
    /// Its text.
    pub(crate) op: &'a str,
    /// Whether the kernel calls it through a pointer.
    by_pointer: bool,
}

/// The calls that a place is inside of, the outermost first. `callers` are the places of those whose operations called
/// through a pointer; procs are told by their lines.
pub(crate) fn calls<'a>(program: &'a Program, t: ThreadId, pc: u16, callers: &[u16]) -> Vec<Call<'a>> {
    let mut all = vec![];
    for (depth, at) in callers.iter().chain([&pc]).enumerate() {
        if let Some(by) = depth.checked_sub(1).and_then(|outer| callers.get(outer)) {
            let (line, column) = (words::line(program, t, *by), words::source(program, t, *by).map_or(0, |l| l.column));
            let (script, place) = program.script_at(t, *at);
            let callee = script.callee_at(place).and_then(|(id, _)| program.callees.get(usize::from(id.0)));
            let op = words::op_text(program, t, *by);
            all.push(Call { name: callee.map_or("?", String::as_str), line, column, op, by_pointer: true });
        }
        let inlined = words::source(program, t, *at).map_or(&[][..], |l| &l.calls);
        let call = |c: &'a CallSite| {
            let line = Line::of(program, c.file, c.line);
            Call { name: &c.proc, line, column: c.column, op: &c.text, by_pointer: false }
        };
        all.extend(inlined.iter().map(call));
    }
    all
}

/// Who calls through pointers what a place is in, the innermost first: a place's line tells procs only.
/// `retire is called at line 26 (check-and-signal f)`.
pub(crate) fn called(calls: &[Call<'_>]) -> Option<String> {
    let told = calls.iter().rev().filter(|call| call.by_pointer).map(|call| match call.line.said() {
        None => format!("{} is called by `{}`", call.name, call.op),
        Some(line) => format!("{} is called at {line} ({})", call.name, call.op),
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}
