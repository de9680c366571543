//! What the kernel calls through a pointer: callbacks, hooks, shrinkers.
//!
//! A proc that is only called by name is inlined. One whose name is given to something is a callee: every script gets a
//! copy of it after its own code, because a callee runs in its caller's place, whoever that is.

use fenceweave_kernel::fence::{Duty, ops::Contain};
use fenceweave_kernel::program::{Atomic, Callee, CalleeId, FenceOps, Results, SourceLine};
use fenceweave_kernel::{Instr, LocalId, ObjId, Operand, Script, fixed};

use super::functions::is_function;
use super::names::{Symbol, is_name};
use super::script::Unit;
use super::{Lower, list};
use crate::mistakes::did_you_mean;
use crate::ops::{Given, Takes};
use crate::syntax::{Name, Node, Value as Written, ValueKind};
use fenceweave_kernel::Kind;
use fenceweave_kernel::primitives::lockmap::kind::ORDERED;

/// Callees of one scenario: their places are bytes, and everybody has a copy of each.
const CALLEES_MAX: usize = 240;

/// What a callee does: what the author wrote, or one of the kernel's own functions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Written(&'a Node),
    BuiltIn(Duty),
    /// A function, which is called by its name.
    Function(&'a Node),
}

impl<'a> Lower<'a> {
    /// One of the kernel's own functions of fences that are made of others, as something that is called.
    pub(super) fn built_in(&mut self, duty: Duty) -> CalleeId {
        let known = self.callees.iter().position(|other| matches!(other, Body::BuiltIn(d) if *d == duty));
        let at = known.unwrap_or_else(|| {
            self.callees.push(Body::BuiltIn(duty));
            self.program.callees.push(duty.name().to_owned());
            self.callees.len() - 1
        });
        CalleeId(u8::try_from(at).unwrap_or(u8::MAX))
    }

    /// The proc that a value names, as something to be called with at most so many arguments.
    pub(super) fn callee(&mut self, value: &Written, arguments: usize) -> Option<CalleeId> {
        let name = value.span.of(self.text);
        let Some((name, proc)) = self.procs.get_key_value(name).map(|(name, proc)| (*name, *proc)) else {
            let help = did_you_mean(name, self.procs.keys().copied());
            self.mistakes
                .add("unknown-proc", value.span, format!("there is no proc `{name}`"))
                .expected("the name of a proc")
                .help_if(help);
            return None;
        };
        let takes = proc.entries.len() - 1;
        if takes > arguments {
            self.mistakes
                .add("call", value.span, format!("`{name}` takes {takes} arguments, and is called with {arguments}"))
                .expected(format!("a proc of at most {arguments}"))
                .seen(proc.head, "declared here");
            return None;
        }
        self.called.insert(name);
        Some(self.register(name, proc))
    }

    /// What a node says, as something to be called.
    pub(super) fn register(&mut self, name: &str, node: &'a Node) -> CalleeId {
        let known = self.callees.iter().position(|other| matches!(other, Body::Written(n) if std::ptr::eq(*n, node)));
        let at = known.unwrap_or_else(|| self.add_callee(Body::Written(node), name, node));
        CalleeId(u8::try_from(at).unwrap_or(u8::MAX))
    }

    pub(super) fn add_callee(&mut self, body: Body<'a>, name: &str, node: &Node) -> usize {
        let at = self.callees.len();
        if at == CALLEES_MAX {
            self.mistakes
                .add("too-many", node.head, "too much is called")
                .expected(format!("at most {CALLEES_MAX} functions, callbacks, hooks and shrinkers"));
        }
        self.callees.push(body);
        self.program.callees.push(name.to_owned());
        at
    }

    /// `callback NAME run=PROC`
    pub(super) fn complete_callback(&mut self, node: &'a Node, id: ObjId) {
        let is_callback = self.program.fixed::<fixed::Callback>(id).is_some();
        let Some(value) = node.option("run").filter(|_| is_callback) else { return };
        let callee = self.callee(value, 2);
        if let Some(callback) = self.program.fixed_mut::<fixed::Callback>(id) {
            callback.func = callee;
        }
    }

    /// What `add-callback` adds: a declared callback, or one of its own that calls a proc.
    pub(super) fn callback_of(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<Given> {
        let name = value.span.of(self.text);
        if !self.procs.contains_key(name) {
            return self.given(Some(unit), Takes::Object(&[Kind::Callback]), value);
        }
        let func = Some(self.callee(value, 2)?);
        let base = format!("{}.{name}", unit.name());
        let taken = |name: &str| self.program.objects.iter().any(|object| object.name == name);
        let numbered = (2..).map(|n| format!("{base}#{n}"));
        let own = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base);
        Some(Given::Operand(Operand::Object(self.object(own, fixed::Callback { func }))))
    }

    /// `hook OBJECT… release=P enable-signaling=P`, and the shrinkers.
    pub(super) fn hooks(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| !node.broken) {
            match node.name.text.as_str() {
                "hook" => self.hook(node),
                "shrinker" => self.shrinker(node),
                _ => {}
            }
        }
    }

    fn hook(&mut self, node: &'a Node) {
        let given = self.hooks_given(node);
        for value in node.values() {
            let name = value.span.of(self.text);
            match self.names.find(name) {
                Some((Symbol::Struct(of), _)) if given.enable_signaling.or(given.signaled).or(given.wait).is_none() => {
                    let twice = self.hook_struct(of, given);
                    self.tell_hooked_twice(node, twice);
                }
                Some((Symbol::Struct(_), declared)) => {
                    self.mistakes
                        .add("hook", value.span, format!("`{name}` is a struct: it has no signalling to enable"))
                        .expected("`release=` alone")
                        .seen(declared, "declared here");
                }
                Some((Symbol::Object { id, kind: Kind::Fence }, declared)) if self.is_container(id) => {
                    self.mistakes
                        .add("hook", value.span, format!("`{name}` is made of other fences: the kernel calls its own"))
                        .expected("a fence of its own, or a struct")
                        .seen(declared, "declared here");
                }
                Some((Symbol::Object { id, kind: Kind::Fence }, _)) => {
                    let twice = self.hook_fence(id, given);
                    self.tell_hooked_twice(node, twice);
                }
                Some((other, declared)) => {
                    self.mistakes
                        .add("wrong-kind", value.span, format!("`{name}` is {}", other.one()))
                        .expected("a fence or a struct")
                        .seen(declared, "declared here");
                }
                None => self.hook_member(node, given, value),
            }
        }
    }

    /// The release of a struct's objects, wherever they are. Whether there was one already.
    fn hook_struct(&mut self, of: usize, given: FenceOps) -> bool {
        let name = self.program.structs[of].name.clone();
        let twice = self.program.structs[of].release.is_some();
        for decl in self.program.structs.iter_mut().filter(|decl| decl.name == name) {
            decl.release = given.release;
        }
        twice
    }

    /// `hook job.fence release=P`: the fence that is inside of each object of a struct.
    fn hook_member(&mut self, node: &'a Node, given: FenceOps, value: &Written) {
        let name = value.span.of(self.text);
        let Some((of, path)) = name.split_once('.') else { return self.tell_unknown_name(name, value.span, &[]) };
        let Some((Symbol::Struct(of), _)) = self.names.find(of) else {
            return self.tell_unknown_name(of, value.span, &[]);
        };
        let members = self.members_named(of, path);
        if members.is_empty() {
            return self.tell_no_member(path, value.span);
        }
        let mut twice = false;
        for member in members {
            if self.program.is::<fixed::Fence>(member) {
                twice |= self.hook_fence(member, given);
            } else {
                self.mistakes.add("hook", value.span, format!("`{name}` is no fence")).expected("a fence, or a struct");
            }
        }
        self.tell_hooked_twice(node, twice);
    }

    /// Gives a fence what it does not have of them; whether it had one already.
    fn hook_fence(&mut self, fence: ObjId, given: FenceOps) -> bool {
        let Some(fixed::Fence { ops, .. }) = self.program.fixed_mut(fence) else { return false };
        let pairs = [
            (&mut ops.release, given.release),
            (&mut ops.enable_signaling, given.enable_signaling),
            (&mut ops.signaled, given.signaled),
            (&mut ops.wait, given.wait),
        ];
        let mut twice = false;
        for (hook, new) in pairs {
            twice |= hook.and(new).is_some();
            *hook = new.or(*hook);
        }
        twice
    }

    /// The procs that a `hook` names.
    fn hooks_given(&mut self, node: &'a Node) -> FenceOps {
        let mut given = FenceOps::default();
        let mut keys = 0;
        for entry in &node.entries {
            let Some(key) = &entry.key else { continue };
            keys += 1;
            match key.text.as_str() {
                "release" => given.release = self.callee(&entry.value, 1),
                "enable-signaling" => given.enable_signaling = self.callee(&entry.value, 1),
                "signaled" => given.signaled = self.callee(&entry.value, 1),
                "wait" => given.wait = self.callee(&entry.value, 2),
                other => {
                    let known = ["release", "enable-signaling", "signaled", "wait"];
                    self.mistakes
                        .add("unknown-option", key.span, format!("there is no hook `{other}`"))
                        .expected(list(known))
                        .help_if(did_you_mean(other, known));
                }
            }
        }
        let nothing = keys == 0 || node.values().next().is_none();
        if nothing || node.block.is_some() {
            let message =
                if nothing { "this hooks nothing" } else { "a hook names a proc, and has no block of its own" };
            self.mistakes
                .add("hook", node.head, message)
                .expected("`hook OBJECT… release=PROC [enable-signaling=PROC] [signaled=PROC] [wait=PROC]`");
        }
        given
    }

    fn tell_hooked_twice(&mut self, node: &Node, twice: bool) {
        if twice {
            self.mistakes
                .add("hook", node.head, "this is hooked already")
                .expected("one proc for each hook of an object");
        }
    }

    fn shrinker(&mut self, node: &'a Node) {
        const UNREGISTERED: &str = "unregistered";
        let values: Vec<&Written> = node.values().collect();
        let (name, flags) = match values.as_slice() {
            [value, flags @ ..] if matches!(&value.kind, ValueKind::Word(word) if is_name(word)) => {
                (value.span.of(self.text), flags)
            }
            _ => ("", &[][..]),
        };
        let later = flags.iter().any(|flag| flag.span.of(self.text) == UNREGISTERED);
        let well_formed = !name.is_empty() && flags.len() == usize::from(later) && node.entries.len() == values.len();
        if !well_formed || node.block.is_none() {
            self.mistakes
                .add("shrinker", node.head, "this is no shrinker")
                .expected("`shrinker NAME [unregistered] { … }`");
            return;
        }
        // One choice has seven ways, and one is that there is memory.
        const SHRINKERS_MAX: usize = 6;
        if self.program.shrinkers.len() == SHRINKERS_MAX {
            self.mistakes.add("too-many", node.head, "too many shrinkers").expected(format!("at most {SHRINKERS_MAX}"));
            return;
        }
        let callee = self.register(name, node);
        let id = self.object(name.to_owned(), fixed::Shrinker { registered: !later });
        let symbol = Symbol::Object { id, kind: Kind::Shrinker };
        self.declare_name(&Name { text: name.to_owned(), span: values[0].span }, symbol);
        self.program.shrinkers.push((callee, Some(id)));
    }

    /// A shrinker that nobody registers or frees is there all the time: nothing is to be kept of it.
    pub(super) fn settle_shrinkers(&mut self) {
        let named = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().needs.shrinkers);
        let all = self.program.scripts.iter().chain([&self.program.setup, &self.program.teardown]);
        let comes_and_goes = all.flat_map(|script| &script.code).any(named);
        let registered = |program: &fenceweave_kernel::Program, id: ObjId| {
            program.fixed::<fixed::Shrinker>(id).is_some_and(|s| s.registered)
        };
        for at in 0..self.program.shrinkers.len() {
            let (_, object) = self.program.shrinkers[at];
            if object.is_some_and(|id| !comes_and_goes && registered(&self.program, id)) {
                self.program.shrinkers[at].1 = None;
            }
        }
    }

    /// The lock that a name means: a reservation's is its own.
    pub(super) fn lock_of(&self, id: ObjId) -> ObjId {
        self.program.named_by(id)
    }

    /// `lock-order A B STRUCT.FIELD`
    pub(super) fn lock_orders(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "lock-order" && !node.broken) {
            let mut order = Vec::new();
            for value in node.values() {
                let class = self.lock_class(value);
                if !class.is_empty() {
                    order.push(class);
                }
            }
            if node.values().count() < 2 || node.entries.len() != node.values().count() || node.block.is_some() {
                self.mistakes
                    .add(
                        "lock-order",
                        node.head,
                        "an order is two locks or more, the outermost first, and nothing else",
                    )
                    .expected("`lock-order LOCK LOCK…`, of locks by their names or of `STRUCT.FIELD`");
            }
            self.program.lock_orders.push(order);
        }
    }

    /// The locks that have one place in an order: one by its name, or what a field of a struct is.
    fn lock_class(&mut self, value: &Written) -> Vec<ObjId> {
        let said = value.span.of(self.text);
        let of_struct = said.split_once('.').and_then(|(of, path)| match self.names.find(of) {
            Some((Symbol::Struct(of), _)) => Some((of, path)),
            _ => None,
        });
        let Some((of, path)) = of_struct else {
            return match self.given(None, Takes::Object(ORDERED), value) {
                Some(Given::Operand(Operand::Object(id))) => vec![self.lock_of(id)],
                _ => vec![],
            };
        };
        let members = self.members_named(of, path);
        if members.is_empty() {
            self.tell_no_member(path, value.span);
        }
        let kinds: Vec<Option<Kind>> = members.iter().map(|id| Kind::of(self.program.kind(*id))).collect();
        if kinds.iter().any(|kind| kind.is_none_or(|kind| !ORDERED.contains(&kind))) {
            self.mistakes.add("wrong-kind", value.span, format!("`{said}` is no lock")).expected("a lock of a struct");
            return vec![];
        }
        members.into_iter().map(|id| self.lock_of(id)).collect()
    }

    /// Gives every script its copy of every callee. Lowering one may bring up another.
    pub(super) fn link_callees(&mut self) {
        let scripts = self.program.scripts.len();
        let mut behind = true;
        while behind && !self.is_exhausted() {
            behind = false;
            for at in 0..scripts + 2 {
                let have = self.script_at(at).callees.len();
                for callee in have..self.callees.len() {
                    behind = true;
                    self.link(at, callee);
                }
            }
        }
    }

    /// The threads', then those of setup and teardown.
    pub(super) fn script_at(&mut self, at: usize) -> &mut Script {
        let n = self.program.scripts.len();
        match at.checked_sub(n) {
            None => &mut self.program.scripts[at],
            Some(0) => &mut self.program.setup,
            Some(_) => &mut self.program.teardown,
        }
    }

    fn link(&mut self, at: usize, callee: usize) {
        let node = match self.callees[callee] {
            Body::Written(node) => node,
            Body::BuiltIn(duty) => return self.link_built_in(at, duty),
            Body::Function(node) => return self.link_function(at, node),
        };
        if is_function(node) {
            let (body, params) = self.function_behind(at, node);
            return self.append(at, body, params, false);
        }
        let mut unit = self.unit_behind(at);
        let has_params = matches!(node.name.text.as_str(), "proc" | "work" | "delayed-work");
        let params: Vec<&Written> = if has_params { node.values().skip(1).collect() } else { vec![] };
        for param in &params {
            self.new_local(&mut unit, param.span.of(self.text), param.span);
        }
        unit.params = params.len();
        let (body, ..) = self.callee_script(unit, node);
        self.append(at, body, params.len(), false);
    }

    /// What is to stand behind a script's own code.
    pub(super) fn unit_behind(&mut self, at: usize) -> Unit<'a> {
        let script = self.script_at(at);
        let comes = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().is_user_space);
        let kernel = !script.code.iter().any(comes);
        let mut unit = Unit::new(&script.name, false);
        unit.kernel = kernel;
        unit
    }

    /// Puts a callee behind what a script has.
    pub(super) fn append(&mut self, at: usize, body: Script, params: usize, function: bool) {
        let script = self.script_at(at);
        let entry = entry_of(script);
        let calls = script.calls.len() as u16;
        let moved = body.code.into_iter().map(|instr| match instr {
            Instr::Jump(to) => Instr::Jump(to.saturating_add(entry)),
            Instr::Branch { expr, otherwise } => Instr::Branch { expr, otherwise: otherwise.saturating_add(entry) },
            Instr::MayFail { error, into, over } => Instr::MayFail { error, into, over: over.saturating_add(entry) },
            Instr::Nth { counter, nth, otherwise } => {
                Instr::Nth { counter, nth, otherwise: otherwise.saturating_add(entry) }
            }
            Instr::Call(call) => Instr::Call(call.saturating_add(calls)),
            other => other,
        });
        if !body.live.is_empty() {
            script.live.resize(usize::from(entry), u16::MAX);
            script.live.extend(body.live);
        }
        let of_body = |at: u16| at.saturating_add(entry);
        let atomics = body.atomics.into_iter().map(|a| Atomic { from: of_body(a.from), to: of_body(a.to), ..a });
        script.atomics.extend(atomics);
        script.calls.extend(body.calls);
        script.code.extend(moved);
        script.lines.extend(body.lines);
        let params = u8::try_from(params).unwrap_or(u8::MAX);
        script.callees.push(Callee { entry, params, locals: body.locals, types: body.types, function });
    }
}

/// Where the next callee of a script begins.
pub(super) fn entry_of(script: &mut Script) -> u16 {
    if script.code.is_empty() {
        // A setup or a teardown that nobody wrote ends at once.
        script.code.push(Instr::End);
        script.lines.push(Default::default());
    }
    script.code.len() as u16
}

impl Lower<'_> {
    /// A function of the kernel's own: one operation on the container that it is called for, whose result it returns. A
    /// callback is called with the fence first, and with its container as data.
    fn link_built_in(&mut self, at: usize, duty: Duty) {
        let arguments = ["fence", "data"].map(str::to_owned);
        let local = |at| Operand::Local(LocalId(at));
        let (fence, member) = if duty == Duty::Member { (local(1), Some(local(0))) } else { (local(0), None) };
        let result = LocalId(0);
        let op = Contain { duty, fence, member, seqno: 0 }.into();
        let script = self.script_at(at);
        let entry = entry_of(script);
        script.code.push(Instr::Op { op, into: Some(result), may_fail: None });
        script.code.push(Instr::Return { result: Results::one(result) });
        let line = SourceLine { line: 0, text: duty.name().to_owned(), ..SourceLine::default() };
        script.lines.extend([line.clone(), line]);
        script.callees.push(Callee { entry, params: 2, locals: arguments.to_vec(), types: vec![], function: false });
    }
}
