//! Injected failures: `may-fail`, `always-fails` and `fail-nth` at an operation or at the call of a proc, and `inject`
//! at the top of a scenario, which leaves a driver's own text as it is.
//!
//! What fails is not begun. A function that would have dropped what it was given leaves its caller with that, which the
//! function in the kernel does not: such a failure is refused (`consumes`), and stands inside of the function.

mod consumes;

use super::{
    Lower,
    names::{Symbol, parts},
    options::Options,
    script::Unit,
};
use crate::{
    mistakes::{Span, did_you_mean},
    ops::{self, OpSpec, Opt, Takes, option},
    syntax::{Node, Value as Written},
};
use fenceweave_kernel::{Errno, Instr, LocalId, Op, Value, machine};
use std::collections::BTreeSet;

pub(super) const MAY_FAIL: Opt =
    Opt { bare: true, ..option("may-fail", Takes::Value, "it may fail instead; both ways are explored") };
pub(super) const ALWAYS_FAILS: Opt = option("always-fails", Takes::Value, "it fails, and nothing happens");
pub(super) const FAIL_NTH: Opt =
    option("fail-nth", Takes::Number { min: 1, max: 100 }, "it fails the N-th time that the thread executes it");
pub(super) const ERROR: Opt = option("error", Takes::Value, "what it returns that time");
const AT: Opt = Opt { required: true, ..option("at", Takes::Thread, "the thread in which it fails") };
static INJECT: [Opt; 5] = [AT, MAY_FAIL, ALWAYS_FAILS, FAIL_NTH, ERROR];
/// What the call of a proc takes.
pub(super) static CALL: [Opt; 5] =
    [option("into", Takes::Value, "where the result goes"), MAY_FAIL, ALWAYS_FAILS, FAIL_NTH, ERROR];

/// What the call of a proc takes, as any operation that returns something or may fail.
pub(crate) fn of_every_call() -> &'static [Opt] {
    &CALL
}

/// What the call of a proc returns if it fails and nobody says how.
const PROC_FAILS: Value = Value::Word(-Errno::ENOMEM.0);

/// When it fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Maybe,
    Always,
    Nth(u8),
}

/// A failure to be built in.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    when: When,
    error: Value,
    /// Where it is written: what shares that place shares a counter.
    place: Span,
    /// Written at the top of the scenario, not at the operation.
    from_outside: bool,
}

/// `inject OP at=THREAD …`
pub(crate) struct Injection<'a> {
    op: &'a str,
    /// The scripts meant, by name; `w.0` and `w.1` are two.
    threads: Vec<String>,
    when: When,
    error: Option<Value>,
    node: &'a Node,
    /// Those in which the operation was met.
    met: BTreeSet<String>,
}

/// What can fail: an operation of the table, or a proc.
pub(super) enum Subject<'s> {
    Op(&'s OpSpec),
    Proc,
}

impl Subject<'_> {
    fn can_fail(&self) -> bool {
        match self {
            Subject::Op(spec) => !spec.returns.is_empty(),
            Subject::Proc => true,
        }
    }

    fn default_error(&self) -> Option<Value> {
        match self {
            Subject::Op(spec) => spec.fails,
            Subject::Proc => Some(PROC_FAILS),
        }
    }
}

/// A failure that is being built around what fails: the jumps that are still to land.
pub(super) struct Open {
    behind: Vec<usize>,
    /// It never happens at all.
    pub(super) never: bool,
    /// `may-fail`, for an instruction that can decide it by itself.
    pub(super) may_fail: Option<Value>,
}

impl<'a> Lower<'a> {
    /// How an operation or call is to fail: as its own line says, else as an `inject` says.
    pub(super) fn failure_of(
        &mut self,
        unit: &Unit<'a>,
        node: &'a Node,
        subject: &Subject<'_>,
        sorted: &Options<'_>,
    ) -> Option<Failure> {
        let Some(when) = self.when_to_fail(node, sorted) else {
            return self.injected(unit, node, subject);
        };
        if when == When::Maybe {
            self.refuse_choice(unit, node);
        }
        let name = node.name.text.as_str();
        let value = written_error(sorted);
        if !subject.can_fail() {
            self.mistakes
                .add("failure", value.map_or(node.head, |value| value.span), format!("`{name}` cannot fail"))
                .expected("an operation that returns something");
            return None;
        }
        let error = match value {
            Some(value) => {
                self.tell_positive_errno(value);
                self.constant(value)?
            }
            None => subject.default_error().or_else(|| {
                self.tell_no_error(node.head, name, when);
                None
            })?,
        };
        if matches!(subject, Subject::Proc) && self.refuse_consumer(name, node.head, unit.name()) {
            return None;
        }
        Some(Failure { when, error, place: node.head, from_outside: false })
    }

    /// `may-fail=ENOMEM`: what the kernel's functions return is negative.
    fn tell_positive_errno(&mut self, value: &Written) {
        let said = value.span.of(self.text);
        if Errno::from_name(said).is_some() {
            self.mistakes
                .add("failure", value.span, format!("`{said}` is a positive number"))
                .expected(format!("`-{said}`"))
                .help("functions of the kernel return errors as negative numbers");
        }
    }

    fn tell_no_error(&mut self, at: Span, name: &str, when: When) {
        let expected = match when {
            When::Nth(_) => "`error=VALUE`",
            When::Maybe | When::Always => "`may-fail=VALUE`",
        };
        self.mistakes.add("failure", at, format!("what does `{name}` return when it fails?")).expected(expected);
    }

    /// The one word that says when; several are a mistake.
    fn when_to_fail(&mut self, node: &Node, sorted: &Options<'_>) -> Option<When> {
        let all = [MAY_FAIL.name, ALWAYS_FAILS.name, FAIL_NTH.name];
        let said: Vec<&str> = all.into_iter().filter(|name| sorted.has(name)).collect();
        if let [first, second, ..] = said.as_slice() {
            self.mistakes
                .add("failure", node.head, format!("`{first}` and `{second}` exclude each other"))
                .expected("one of them");
            return None;
        }
        let nth =
            sorted.value(FAIL_NTH.name).map(|value| self.given(None, FAIL_NTH.takes.unwrap_or(Takes::Value), value));
        if sorted.has(ERROR.name) && nth.is_none() {
            self.mistakes
                .add("failure", node.head, "`error=` says what `fail-nth=` returns")
                .expected("`fail-nth=N error=VALUE`, `may-fail=VALUE` or `always-fails=VALUE`");
        }
        match (*said.first()?, nth) {
            ("may-fail", _) => Some(When::Maybe),
            ("always-fails", _) => Some(When::Always),
            (_, Some(Some(ops::Given::Number(nth)))) => Some(When::Nth(u8::try_from(nth).unwrap_or(u8::MAX))),
            _ => None,
        }
    }

    fn injected(&mut self, unit: &Unit<'a>, node: &Node, subject: &Subject<'_>) -> Option<Failure> {
        let name = node.name.text.as_str();
        let injection = self
            .injections
            .iter_mut()
            .find(|known| known.op == name && known.threads.iter().any(|thread| thread == unit.name()))?;
        if !subject.can_fail() {
            return None;
        }
        injection.met.insert(unit.name().to_owned());
        let error = injection.error.or(subject.default_error())?;
        Some(Failure { when: injection.when, error, place: injection.node.head, from_outside: true })
    }

    /// Begins what may fail. The next instructions are what happens if it does not; [`close`](Self::close_failure)
    /// comes after them. `op` if they are one operation, which can decide a `may-fail` by itself, and whose rules are
    /// judged though it fails.
    pub(super) fn open_failure(
        &mut self,
        unit: &mut Unit<'a>,
        failure: Option<Failure>,
        into: Option<LocalId>,
        op: Option<Op>,
    ) -> Open {
        let mut open = Open { behind: Vec::new(), never: false, may_fail: None };
        let Some(Failure { when, error, place, from_outside }) = failure else { return open };
        let plain = unit.line();
        let fails = match op {
            Some(op) => Instr::Fails { op, into, error },
            None => Instr::Op { op: machine::ops::Fail { error }.into(), into, may_fail: None },
        };
        if from_outside {
            let mut line = plain.clone();
            line.text = format!("{} [{}]", line.text, self.line_text(place));
            unit.back_to(line);
        }
        match when {
            When::Maybe if op.is_some() => {
                // The decision and the operation are one instruction, and one line.
                open.may_fail = Some(error);
                return open;
            }
            When::Maybe => {
                open.behind.push(unit.emit(Instr::MayFail { error, into, over: 0 }));
            }
            When::Always => {
                unit.emit(fails);
                open.never = true;
            }
            When::Nth(_) if unit.callee => {
                self.mistakes
                    .add("failure", place, "what is called through a pointer forgets how often it was called")
                    .expected("`may-fail` or `always-fails`")
                    .help("count where the thread itself runs, or choose there which time it is to be");
            }
            When::Nth(nth) => {
                let counter = unit.counter(place);
                let skip = unit.emit(Instr::Nth { counter, nth, otherwise: 0 });
                unit.emit(fails);
                open.behind.push(unit.emit(Instr::Jump(0)));
                unit.land(vec![skip]);
            }
        }
        unit.back_to(plain);
        open
    }

    /// Ends what may fail: whether it did is no matter to what follows.
    pub(super) fn close_failure(&mut self, unit: &mut Unit<'a>, open: Open) {
        unit.land(open.behind);
    }

    /// Reads the scenario's `inject` lines.
    pub(super) fn collect_injections(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "inject" && !node.broken) {
            let known: Vec<&'static Opt> = INJECT.iter().collect();
            let sorted = self.sort(node, "inject", &known);
            if !self.require(node, "inject", &INJECT, &sorted) {
                continue;
            }
            let ([operand], Some(at), None) = (sorted.operands.as_slice(), sorted.value("at"), &node.block) else {
                self.mistakes
                    .add("inject", node.head, "`inject` names one operation or proc")
                    .expected("`inject OP at=THREAD may-fail`, `… always-fails=VALUE` or `… fail-nth=N`");
                continue;
            };
            let threads = self.threads_named(at);
            let Some(when) = self.when_to_fail(node, &sorted) else {
                if ![MAY_FAIL, ALWAYS_FAILS, FAIL_NTH, ERROR].iter().any(|opt| sorted.has(opt.name)) {
                    self.mistakes
                        .add("inject", node.head, "when is it to fail?")
                        .expected("`may-fail`, `always-fails=VALUE` or `fail-nth=N`");
                }
                continue;
            };
            let error = match written_error(&sorted).map(|value| self.constant(value)) {
                Some(None) => continue,
                error => error.flatten(),
            };
            let op: &'a str = operand.span.of(self.text);
            let consumes = !threads.is_empty() && self.refuse_consumer(op, operand.span, at.span.of(self.text));
            if !threads.is_empty() && !consumes && self.may_be_injected(op, operand.span, when, error) {
                self.add_injection(Injection { op, threads, when, error, node, met: BTreeSet::new() });
            }
        }
    }

    fn add_injection(&mut self, new: Injection<'a>) {
        let same = |other: &&Injection<'a>| {
            other.op == new.op && other.threads.iter().any(|thread| new.threads.contains(thread))
        };
        if let Some(other) = self.injections.iter().find(same) {
            self.mistakes
                .add("declared-twice", new.node.head, format!("`{}` fails in this thread already", new.op))
                .expected("one `inject` for an operation and a thread")
                .seen(other.node.head, "the other one");
            return;
        }
        self.injections.push(new);
    }

    /// Whether there is such an operation or proc, which can fail, and with a known error.
    fn may_be_injected(&mut self, op: &str, span: Span, when: When, error: Option<Value>) -> bool {
        if self.procs.contains_key(op) {
            return true;
        }
        let candidates = ops::named(op);
        if candidates.is_empty() {
            let known = ops::all().map(|spec| spec.name).chain(self.procs.keys().copied());
            let help = match ops::of_kernel_function(op) {
                Some(spec) => Some(format!("`{op}()` is written `{}`", spec.name)),
                None => did_you_mean(op, known),
            };
            self.mistakes
                .add("unknown-op", span, format!("there is no operation `{op}`"))
                .expected("an operation or a proc")
                .help_if(help);
            return false;
        }
        let mut fallible = candidates.iter().filter(|spec| !spec.returns.is_empty()).peekable();
        if fallible.peek().is_none() {
            self.mistakes
                .add("failure", span, format!("`{op}` cannot fail"))
                .expected("an operation that returns something");
            return false;
        }
        if error.is_none() && fallible.all(|spec| spec.fails.is_none()) {
            self.tell_no_error(span, op, when);
            return false;
        }
        true
    }

    /// The scripts of `cpu`, of `w` (all of them) or of `w.1`.
    fn threads_named(&mut self, value: &Written) -> Vec<String> {
        let said = value.span.of(self.text);
        match self.names.find(said) {
            Some((Symbol::Thread { count: Some(count), .. }, _)) => (0..count).map(|i| format!("{said}.{i}")).collect(),
            _ if self.thread_named(&parts(said)).is_some() => vec![said.to_owned()],
            _ => {
                // Which tells what there is instead.
                let _ = self.given(None, Takes::Thread, value);
                Vec::new()
            }
        }
    }

    /// Tells which `inject` had nothing to do.
    pub(super) fn idle_injections(&mut self) {
        for injection in std::mem::take(&mut self.injections) {
            let idle: Vec<&str> = injection
                .threads
                .iter()
                .map(String::as_str)
                .filter(|thread| !injection.met.contains(*thread))
                .collect();
            if idle.is_empty() {
                continue;
            }
            self.mistakes
                .add(
                    "idle-inject",
                    injection.node.head,
                    format!("{} executes no `{}` that can fail", super::list(idle), injection.op),
                )
                .expected("an operation or a call that the thread's script or its procs have")
                .help("a scenario with cases says for which: `only CASE { inject … }`");
        }
    }
}

/// The value that comes with `may-fail=`, `always-fails=` or `error=`.
fn written_error<'n>(sorted: &Options<'n>) -> Option<&'n Written> {
    [MAY_FAIL.name, ALWAYS_FAILS.name, ERROR.name].into_iter().find_map(|name| sorted.value(name))
}
