//! Fences that are made of others: `fence-array`, `fence-chain`.

use fenceweave_kernel::fence::{Container, Duty, Holds, ops::Contain};
use fenceweave_kernel::primitives::workqueue::{self, kind::Runner};
use fenceweave_kernel::program::{FenceOps, Role, SourceLine};
use fenceweave_kernel::{Instr, ObjId, Operand, Script, ThreadId, Value, fixed};

use super::Lower;
use super::names::Symbol;
use super::operands::reference;
use super::options::Options;
use crate::mistakes::Span;
use crate::ops::{Given, Takes};
use crate::syntax::{Name, Node, Value as Written};
use fenceweave_kernel::Kind;

/// The word that declares an array.
pub(super) const ARRAY: &str = "fence-array";
/// The word that declares a chain's node.
pub(super) const CHAIN: &str = "fence-chain";
/// Most members of an array.
const MEMBERS_MAX: usize = 24;

impl<'a> Lower<'a> {
    /// `fence-array NAME { A; B }`
    pub(super) fn fence_array(&mut self, node: &'a Node, name: &Name, options: &Options<'_>) -> Symbol {
        let spare = options.number("spare").map(|n| n.clamp(0, 4) as u8);
        let written = self.visible(node.children()).len();
        if spare.is_some() && node.block.is_some() {
            self.mistakes
                .add("container", node.head, "memory for an array has no members yet")
                .expected(format!("`{ARRAY} NAME spare=N`, without a block"));
        } else if spare.is_none() && !(1..=MEMBERS_MAX).contains(&written) {
            self.mistakes
                .add("container", node.head, format!("an array of {written} fences"))
                .expected(format!("`{ARRAY} NAME {{ FENCE; FENCE }}` with 1 to {MEMBERS_MAX} fences"));
        }
        let len = spare.unwrap_or_else(|| u8::try_from(written).unwrap_or(u8::MAX));
        let context = options.number("context").map_or_else(|| self.fresh_context(), |n| n.clamp(0, 255) as u8);
        let seqno = u16::try_from(options.number("seqno").unwrap_or(1)).unwrap_or(1);
        let members = self.own_words(name, (0..len).map(|i| format!("fences[{i}]")));
        let pending = self.own_words(name, ["num_pending".to_owned()]);
        let init = if options.has("any") { 1 } else { i32::from(len) };
        self.set_word(pending, Value::Word(init));
        self.container(name, (context, seqno), len, (Holds::Array { members, len, pending }, spare.is_some()))
    }

    /// `fence-chain NAME contains=F prev=P seqno=N`; the second pass knows its context.
    pub(super) fn fence_chain(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let spare = options.has("spare");
        let prev = self.own_words(name, ["prev".to_owned(), "fence".to_owned()]);
        let fence = prev.offset(1);
        let context = self.fresh_context();
        let point = ["context", "seqno", "prev_seqno"];
        let made = spare.then(|| self.own_words(name, point.map(str::to_owned)));
        self.container(name, (context, 1), 1, (Holds::Chain { prev, fence, prev_seqno: 0, made }, spare))
    }

    /// The fence that a container is, with its callbacks and its work.
    fn container(
        &mut self,
        name: &Name,
        (context, seqno): (u8, u16),
        callbacks: u8,
        (holds, spare): (Holds, bool),
    ) -> Symbol {
        let ops = FenceOps {
            seqno64: matches!(holds, Holds::Chain { .. }),
            enable_signaling: Some(self.built_in(Duty::Enable)),
            signaled: Some(self.built_in(Duty::Signaled)),
            release: Some(self.built_in(Duty::Release)),
            ..FenceOps::default()
        };
        let func = Some(self.built_in(Duty::Member));
        let fence = self.object(name.text.clone(), fixed::Fence { context, seqno, initialised: !spare, ops });
        let first = fence.offset(1);
        for i in 0..callbacks {
            self.object(format!("{}.cb{i}", name.text), fixed::Callback { func });
        }
        let queue = self.object(format!("{}.queue", name.text), fixed::Workqueue { ordered: false, workers: None });
        // Which thread that is, is known when all are declared.
        let work = self.object(format!("{}.work", name.text), fixed::Work { runner: Runner::Own(ThreadId(0)), queue });
        self.program.containers.push(Container { fence, callbacks: first, work, holds, spare });
        // Readers that walk a chain, and whoever looks at a fence without its lock.
        self.needs_rcu = true;
        self.has_loops = true;
        Symbol::Object { id: fence, kind: Kind::Fence }
    }

    /// Whether a fence is made of others.
    pub(super) fn is_container(&self, fence: ObjId) -> bool {
        self.program.containers.iter().any(|c| c.fence == fence)
    }

    fn set_word(&mut self, word: ObjId, value: Value) {
        let var = word.as_var().and_then(|at| self.program.vars.get_mut(at));
        var.into_iter().for_each(|var| var.init = value);
    }

    /// The second pass: what it is made of.
    pub(super) fn complete_container(&mut self, node: &'a Node, id: ObjId) {
        let Some(at) = self.program.containers.iter().position(|c| c.fence == id) else { return };
        match self.program.containers[at].holds {
            Holds::Array { .. } if self.program.containers[at].spare => {}
            Holds::Array { members, len, .. } => self.complete_array(node, members, len),
            Holds::Chain { prev, fence, .. } => self.complete_chain(node, at, (prev, fence)),
        }
    }

    fn complete_array(&mut self, node: &'a Node, members: ObjId, len: u8) {
        let written = self.visible(node.children());
        for (member, i) in written.into_iter().zip(0..len) {
            let name = &member.name;
            if !member.entries.is_empty() || member.block.is_some() {
                self.mistakes.add("container", member.head, "this is no fence").expected("the name of a fence");
            } else if let Some(fence) = self.fence_named(&name.text, name.span)
                && !self.tell_nested(fence, name.span, "an array holds neither arrays nor chains", |_| true)
            {
                self.set_word(members.offset(usize::from(i)), reference(fence));
            }
        }
    }

    fn fence_named(&mut self, name: &str, span: Span) -> Option<ObjId> {
        match self.names.find(name) {
            Some((Symbol::Object { id, kind: Kind::Fence }, _)) => Some(id),
            Some((other, declared)) => {
                self.mistakes
                    .add("wrong-kind", span, format!("`{name}` is {}", other.one()))
                    .expected(Kind::Fence.one())
                    .seen(declared, "declared here");
                None
            }
            None => {
                self.tell_unknown_name(name, span, &[]);
                None
            }
        }
    }

    /// Containers that may not be here.
    fn tell_nested(&mut self, fence: ObjId, span: Span, rule: &str, bad: fn(&Holds) -> bool) -> bool {
        let nested = self.program.containers.iter().any(|c| c.fence == fence && bad(&c.holds));
        if nested {
            let said = span.of(self.text);
            self.mistakes
                .add("container", span, format!("`{said}` is made of other fences itself"))
                .expected("a fence of its own")
                .help(format!("{rule}: name the fences that it is made of"));
        }
        nested
    }

    fn complete_chain(&mut self, node: &'a Node, at: usize, (prev, own): (ObjId, ObjId)) {
        let spare = self.program.containers[at].spare;
        for (key, meaning) in [("contains", "its own fence"), ("seqno", "its number on the timeline")] {
            match node.option(key) {
                None if !spare => {
                    self.mistakes
                        .add("missing-option", node.head, format!("`{CHAIN}` needs `{key}=`"))
                        .expected(format!("`{key}=`: {meaning}"))
                        .help(format!("memory for a node that is made later is `{CHAIN} NAME spare`"));
                }
                Some(value) if spare => {
                    self.mistakes
                        .add("container", value.span, "memory for a node is no node yet")
                        .expected(format!("`{CHAIN} NAME spare`, and `chain-init` when the program runs"));
                }
                _ => {}
            }
        }
        if spare {
            return;
        }
        if let Some((fence, span)) = self.option_fence(node, "contains") {
            let is_chain = |holds: &Holds| matches!(holds, Holds::Chain { .. });
            if !self.tell_nested(fence, span, "a chain's node contains no chain", is_chain) {
                self.set_word(own, reference(fence));
            }
        }
        let number = node.option("seqno").and_then(|value| self.number_of(value)).unwrap_or(1);
        let before = self.option_fence(node, "prev");
        if let Some((fence, span)) = before {
            let later = self.program.containers.iter().position(|c| c.fence == fence).is_some_and(|p| p >= at);
            if later {
                self.mistakes
                    .add("container", span, "this comes before its own successor only if it is declared first")
                    .expected("a fence, or a node that is declared above");
                return;
            }
            self.set_word(prev, reference(fence));
        }
        self.place_on_timeline(at, number, before.map(|(fence, _)| fence));
    }

    /// `dma_fence_chain_init()`: on its predecessor's timeline if it is later, else at the beginning of its own.
    fn place_on_timeline(&mut self, at: usize, number: u16, before: Option<ObjId>) {
        let chain = before.filter(|fence| {
            let of = |c: &Container| c.fence == *fence && matches!(c.holds, Holds::Chain { .. });
            self.program.containers.iter().any(of)
        });
        let point = chain.and_then(|fence| self.program.fixed(fence)).map(|f: &fixed::Fence| (f.context, f.seqno));
        let id = self.program.containers[at].fence;
        let Some(fixed::Fence { context, seqno, .. }) = self.program.fixed_mut(id) else { return };
        let follows = point.filter(|(_, last)| number > *last);
        *seqno = number.max(point.map_or(0, |(_, last)| last));
        if let Some((of, last)) = follows {
            *context = of;
            if let Holds::Chain { prev_seqno, .. } = &mut self.program.containers[at].holds {
                *prev_seqno = last;
            }
        }
    }

    fn option_fence(&mut self, node: &'a Node, key: &str) -> Option<(ObjId, Span)> {
        let value = node.option(key)?;
        match self.given(None, Takes::Object(&[Kind::Fence]), value) {
            Some(Given::Operand(Operand::Object(id))) => Some((id, value.span)),
            _ => None,
        }
    }

    fn number_of(&mut self, value: &Written) -> Option<u16> {
        match self.given(None, Takes::Number { min: 1, max: 60_000 }, value) {
            Some(Given::Number(number)) => u16::try_from(number).ok(),
            _ => None,
        }
    }

    /// The threads that run the works, after all others.
    pub(super) fn declare_container_works(&mut self, mut next: usize) {
        for container in self.program.containers.clone() {
            if let Some(fixed::Work { runner, .. }) = self.program.fixed_mut(container.work) {
                *runner = Runner::Own(ThreadId(u8::try_from(next).unwrap_or(u8::MAX)));
            }
            next += 1;
        }
    }

    /// What they do: the work, again and again, in the interrupt of the CPU that queued it.
    pub(super) fn container_works(&mut self) {
        for container in self.program.containers.clone() {
            let (how, work) = (workqueue::How::Done, container.work);
            let op = |op| Instr::Op { op, into: None, may_fail: None };
            let duty = Duty::Work;
            let line = |text: &str| SourceLine { line: 0, text: text.to_owned(), ..SourceLine::default() };
            let name = self.program.objects[container.fence.index()].name.clone();
            self.program.scripts.push(Script {
                name: format!("{name}.work"),
                code: vec![
                    op(workqueue::ops::Worker { work }.into()),
                    op(Contain { duty, fence: Operand::Object(container.fence), member: None, seqno: 0 }.into()),
                    op(workqueue::ops::Work { how, work: Operand::Object(work), data: Operand::Const(Value::Word(0)) }
                        .into()),
                    Instr::Jump(0),
                    Instr::End,
                ],
                lines: ["run irq_work", "irq_work", "irq_work is done", "", ""].map(line).to_vec(),
                agent: true,
                role: Role::Agent,
                ..Script::default()
            });
        }
    }
}
