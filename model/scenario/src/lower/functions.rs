//! Functions: `fn NAME ARGUMENT… { … }`, and their calls.
//!
//! A function is a callee that is called by its name: a copy of it stands behind the code of every script that can come
//! to a call. Arguments go by value, its locals are its own, and only those that it reads again are part of a state.
//! Nobody else can tell that a call was made, so it is no step.

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::program::{Callee, CalleeId, FunctionCall, Results, SourceLine};
use fenceweave_kernel::{Instr, LocalId, Script};

use super::Lower;
use super::callees::{Body, entry_of};
use super::inject::{self, Subject};
use super::live;
use super::procs::arguments_text;
use super::script::Unit;
use crate::ops::Opt;
use crate::syntax::{Node, Value as Written, ValueKind};

/// What a function returns at most.
const RESULTS_MAX: usize = 4;

/// Whether a declaration is that of a function.
pub(super) fn is_function(node: &Node) -> bool {
    node.name.text == "fn"
}

impl<'a> Lower<'a> {
    /// `NAME ARGUMENT… into="RESULT…"`
    pub(super) fn call_function(&mut self, unit: &mut Unit<'a>, node: &'a Node, function: &'a Node) {
        let name = node.name.text.as_str();
        let params = function.entries.len() - 1;
        let known: Vec<&'static Opt> = inject::CALL.iter().collect();
        let sorted = self.sort(node, name, &known);
        let arguments = sorted.operands.clone();
        if arguments.len() != params || node.block.is_some() {
            let head = self.line_text(function.head);
            self.mistakes
                .add("call", node.head, format!("`{name}` takes {}", arguments_text(params)))
                .expected(format!("`{}`", head.trim_start_matches("fn ")))
                .seen(function.head, "declared here");
            return;
        }
        let into = self.results_wanted(unit, node, function);
        let failure = self.failure_of(unit, node, &Subject::Proc, &sorted);
        let open = self.open_failure(unit, failure, into.first().copied(), None);
        if open.never {
            return;
        }
        let declared = function.entries[0].span().of(self.text);
        self.called.insert(declared);
        let args: Vec<Option<u16>> = arguments.iter().map(|value| self.script_expr(unit, value)).collect();
        if let Some(args) = args.into_iter().collect::<Option<Vec<u16>>>() {
            let callee = self.register_function(declared, function);
            self.has_loops |= self.may_call(declared, declared);
            unit.emit_call(FunctionCall { callee, args, into, keep: u16::MAX });
        }
        self.close_failure(unit, open);
    }

    /// The locals that the results go to: one, or several in one quoted text.
    fn results_wanted(&mut self, unit: &Unit<'a>, node: &Node, function: &'a Node) -> Vec<LocalId> {
        let Some(value) = node.option("into") else { return vec![] };
        let names = local_names(self.text, value);
        let returned = self.results_of(function);
        if names.len() > returned {
            let name = &node.name.text;
            let (message, expected) = match returned {
                0 => (format!("`{name}` returns nothing"), "no `into=`".to_owned()),
                _ => (format!("`{name}` returns {}", results_text(returned)), format!("at most {returned} locals")),
            };
            self.mistakes.add("no-result", value.span, message).expected(expected).seen(function.head, "declared here");
            return vec![];
        }
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        if let Some((_, name)) = twice {
            self.mistakes
                .add("local-name", value.span, format!("two results go to `{name}`"))
                .expected("a local for each result");
            return vec![];
        }
        names.iter().filter_map(|name| unit.local(name)).collect()
    }

    /// How many results a function has: those of the `return` that has most.
    pub(super) fn results_of(&mut self, function: &'a Node) -> usize {
        let mut most = 0;
        for node in self.visible(function.children()) {
            most = most.max(if node.name.text == "return" { node.entries.len() } else { self.results_of(node) });
        }
        most.min(RESULTS_MAX)
    }

    /// Gives a function its arguments and its results as locals, in this order: the results lie beside each other.
    pub(super) fn declare_function(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        for param in node.values().skip(1) {
            let (name, count) = (param.span.of(self.text), unit.local_count());
            self.new_local(unit, name, param.span);
            if unit.local_count() == count && unit.local(name).is_some() {
                self.mistakes
                    .add("declared-twice", param.span, format!("there is an argument `{name}` already"))
                    .expected("another name");
            }
        }
        (unit.params, unit.function) = (unit.local_count(), true);
        let results = self.results_of(node);
        let first = unit.local_count();
        for at in 0..results {
            unit.declare_local(&result_name(at));
        }
        unit.results = Results { local: first as u8, len: results as u8 };
    }

    /// Checks what a `return` of a function returns: as many results as every other one that returns something.
    pub(super) fn check_results(&mut self, unit: &Unit<'a>, node: &Node) {
        let (have, all) = (node.entries.len(), usize::from(unit.results.len));
        if have > RESULTS_MAX {
            self.mistakes
                .add("too-many", node.head, "this returns too much")
                .expected(format!("at most {RESULTS_MAX} results"));
        } else if have != 0 && have != all {
            self.mistakes
                .add("return", node.head, format!("this returns {}, and another `return` {all}", results_text(have)))
                .expected("the same results wherever something is returned")
                .help("a result that means nothing on a way is 0 or NULL there");
        }
    }

    pub(super) fn register_function(&mut self, name: &str, node: &'a Node) -> CalleeId {
        let known = self.callees.iter().position(|other| matches!(other, Body::Function(n) if std::ptr::eq(*n, node)));
        let at = known.unwrap_or_else(|| self.add_callee(Body::Function(node), name, node));
        CalleeId(u8::try_from(at).unwrap_or(u8::MAX))
    }

    /// The functions that anybody may come to, since something calls them that the kernel calls through a pointer.
    /// Which procs these are is told by their names standing somewhere as a value.
    pub(super) fn note_functions(&mut self, nodes: &[&'a Node]) {
        if !self.procs.values().any(|node| is_function(node)) {
            return;
        }
        let mut named = BTreeSet::new();
        let mut open: Vec<&'a Node> = nodes.to_vec();
        while let Some(node) = open.pop() {
            let declares = matches!(node.name.text.as_str(), "proc" | "fn");
            for entry in node.entries.iter().skip(usize::from(declares)) {
                named.extend(self.procs.get_key_value(entry.value.span.of(self.text)).map(|(name, _)| *name));
            }
            open.extend(self.visible(node.children()));
        }
        let mut everybodys = self.functions_from(named);
        for node in nodes.iter().filter(|node| node.name.text == "shrinker") {
            let called = self.called_in(node);
            let names: Vec<&'a str> = called.iter().map(|node| node.entries[0].span().of(self.text)).collect();
            everybodys.extend(called.iter().zip(&names).filter(|(node, _)| is_function(node)).map(|(_, name)| *name));
            everybodys.extend(self.functions_from(names));
        }
        self.everybodys = everybodys;
    }

    /// Gives a script its copy of a function, or something in its place if it cannot come to a call of it.
    pub(super) fn link_function(&mut self, at: usize, node: &'a Node) {
        let declared = node.entries[0].span().of(self.text);
        if !self.everybodys.contains(declared) && !self.comes_to(at, declared) {
            return self.link_nothing(at);
        }
        let (body, params) = self.function_behind(at, node);
        self.append(at, body, params, true);
    }

    /// Whether a script's own code, or that of a function that it calls, calls a function.
    fn comes_to(&mut self, at: usize, function: &str) -> bool {
        let script = self.script_at(at);
        let own = script.callees.first().map_or(script.code.len(), |c| usize::from(c.entry));
        let calls = script.code[..own].iter().filter_map(|instr| match instr {
            Instr::Call(call) => script.calls.get(usize::from(*call)).map(|call| usize::from(call.callee.0)),
            _ => None,
        });
        let called: Vec<usize> = calls.collect();
        let bodies = called.into_iter().filter_map(|callee| match self.callees.get(callee) {
            Some(Body::Function(node)) => Some(node.entries[0].span().of(self.text)),
            _ => None,
        });
        let direct: Vec<&'a str> = bodies.collect();
        direct.contains(&function) || direct.into_iter().any(|name| self.may_call(name, function))
    }

    fn link_nothing(&mut self, at: usize) {
        let script = self.script_at(at);
        let entry = entry_of(script);
        script.code.push(Instr::Return { result: Results::NONE });
        script.lines.push(SourceLine::default());
        script.callees.push(Callee { entry, params: 0, locals: vec![], types: vec![], function: true });
    }

    /// The script of a function as it is to stand behind a script's code, and how many arguments it takes. Most
    /// functions are the same behind each, and are lowered once.
    pub(super) fn function_behind(&mut self, at: usize, node: &'a Node) -> (Script, usize) {
        let unit = self.unit_behind(at);
        let key = (std::ptr::from_ref(node), unit.kernel);
        if let Some(known) = self.lowered.get(&key) {
            *self.budget = self.budget.saturating_sub(known.statements);
            return (known.script.clone(), known.params);
        }
        let name_asked = unit.name_asked();
        let before = (*self.budget, self.mistakes.count(), self.allocations.clone());
        let (script, params) = self.function_script(unit, node);
        let told = self.mistakes.count() != before.1;
        if !is_each_lowered() && !name_asked.get() && !told && self.allocations == before.2 {
            let statements = before.0 - *self.budget;
            self.lowered.insert(key, Lowered { script: script.clone(), params, statements });
        }
        (script, params)
    }

    /// The script of a function, and how many arguments it takes.
    pub(super) fn function_script(&mut self, mut unit: Unit<'a>, node: &'a Node) -> (Script, usize) {
        self.declare_function(&mut unit, node);
        let params = unit.params;
        let (mut script, uses, temps) = self.callee_script(unit, node);
        live::note(&mut script, &uses, &temps, &self.program.exprs);
        (script, params)
    }
}

/// The functions that were lowered and are the same behind every script: by where they are written, and whether the
/// script never goes to user space. What depends on more is not among them: on the name of its script, as an
/// acquire context of each thread's own does, or on how many `new` were written before it.
pub(super) type LoweredFunctions = BTreeMap<(*const Node, bool), Lowered>;

/// A function as it stands behind a script's code.
pub(super) struct Lowered {
    script: Script,
    params: usize,
    /// How many statements were looked at for it, which every copy costs.
    statements: usize,
}

/// The name of the local that a result is in.
pub(super) fn result_name(at: usize) -> String {
    if at == 0 { "return".to_owned() } else { format!("return.{}", at + 1) }
}

/// The locals that an `into=` names.
pub(super) fn local_names<'t>(text: &'t str, value: &Written) -> Vec<&'t str> {
    match &value.kind {
        ValueKind::Text { inner, .. } => inner.of(text).split_whitespace().collect(),
        _ => vec![value.span.of(text)],
    }
}

/// `1 result`, `2 results`.
fn results_text(n: usize) -> String {
    if n == 1 { "1 result".into() } else { format!("{n} results") }
}

/// Whether every script is to have functions lowered for itself, as a test asks.
#[cfg(not(test))]
fn is_each_lowered() -> bool {
    false
}

#[cfg(test)]
use tests::is_each_lowered;

#[cfg(test)]
mod tests {
    use std::{cell::Cell, path::Path};

    use fenceweave_kernel::Program;

    use crate::load_as;

    thread_local! {
        static EACH: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn is_each_lowered() -> bool {
        EACH.get()
    }

    fn programs(path: &Path, text: &str, each: bool) -> Vec<Program> {
        EACH.set(each);
        let read = load_as(path, text);
        EACH.set(false);
        let scenarios = read.unwrap_or_else(|e| panic!("{}", e.plain())).scenarios;
        scenarios.into_iter().flat_map(|scenario| scenario.cases).map(|case| case.program).collect()
    }

    /// One function is the same everywhere; one has the thread's own set of locks, one a `new` of its own that fails in
    /// one of the threads only, and one locks the thread's own address space.
    const APART: &str = "scenario apart {
        mm near far
        resv a
        exec e per-thread
        struct box slots=4 { n 0 }
        var word
        inject new at=one may-fail
        fn same { store word 1 }
        fn locks { exec-init e; exec-until-all-locked e { exec-lock e a }; exec-fini e }
        fn makes { new box into=it; when \"it\" { free it } }
        fn maps { mmap-lock read; mmap-unlock read }
        thread one mm=near { same; locks; makes; maps }
        thread two mm=far { same; locks; makes; maps }
    }";

    #[test]
    fn a_function_that_is_lowered_once_is_what_every_script_would_have() {
        let shipped = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name);
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        let mut all = vec![(shipped("apart.kdl"), APART.to_owned())];
        all.extend(["driver/amdgpu-like.kdl", "vm/buffers.kdl"].map(shipped).map(|path| (path.clone(), text(&path))));
        for (path, text) in all {
            assert!(programs(&path, &text, false) == programs(&path, &text, true), "{}", path.display());
        }
    }
}
