//! Threads, setup and teardown, and the agent that runs grace periods.

use fenceweave_kernel::program::SourceLine;
use fenceweave_kernel::{Instr, ObjectKind, Op, Script, ThreadId};

use super::Lower;
use super::names::is_name;
use super::script::Unit;
use crate::syntax::{Name, Node, ValueKind};

/// Identical threads; more could not run together anyway.
const COUNT_MAX: i64 = 14;

impl<'a> Lower<'a> {
    /// `thread NAME [count=N]`
    pub(super) fn thread_head(&mut self, node: &Node) -> Option<(Name, Option<u8>)> {
        let (mut name, mut count) = (None, None);
        for entry in &node.entries {
            let span = entry.span();
            match (entry.key.as_ref().map(|key| key.text.as_str()), &entry.value.kind) {
                (None, ValueKind::Word(word)) if name.is_none() && is_name(word) => {
                    name = Some(Name { text: word.clone(), span });
                }
                (None, ValueKind::Word(word)) if name.is_none() => {
                    self.mistakes
                        .add("name", span, format!("`{word}` cannot name a thread"))
                        .expected("letters, digits, `-` and `_`, beginning with a letter");
                    name = Some(Name { text: word.clone(), span });
                }
                (Some("count"), ValueKind::Int(number @ 1..=COUNT_MAX)) => count = u8::try_from(*number).ok(),
                (Some("count"), _) => {
                    self.mistakes
                        .add("thread", span, format!("a thread stands for 1 to {COUNT_MAX} identical ones"))
                        .expected(format!("`count=1` to `count={COUNT_MAX}`"))
                        .help("two or three find nearly every mistake");
                }
                (Some("on"), _) => {
                    self.mistakes.add("not-yet", span, "`on=` is not supported yet").expected("a thread of its own");
                }
                _ => {
                    self.mistakes
                        .add("thread", span, "this does not belong to a thread's head")
                        .expected(format!("`thread NAME [count=1..{COUNT_MAX}] {{ … }}`"));
                }
            }
        }
        if name.is_none() {
            self.mistakes.add("thread", node.head, "this thread has no name").expected("`thread NAME { … }`");
        }
        if node.block.is_none() {
            self.mistakes.add("no-block", node.head, "this thread does nothing").expected("`{ … }` after this");
        }
        Some((name?, count))
    }

    /// Lowers every script of the case.
    pub(super) fn scripts(&mut self, nodes: &[&'a Node]) {
        for node in nodes {
            if self.is_exhausted() {
                return;
            }
            match node.name.text.as_str() {
                "thread" => self.thread(node),
                "setup" if self.program.setup.code.is_empty() => self.program.setup = self.alone(node),
                "teardown" if self.program.teardown.code.is_empty() => self.program.teardown = self.alone(node),
                "setup" | "teardown" => {
                    let name = &node.name.text;
                    self.mistakes
                        .add("declared-twice", node.head, format!("there is a `{name}` already"))
                        .expected(format!("one `{name}`"));
                }
                _ => {}
            }
        }
        let threads = nodes.iter().filter(|node| node.name.text == "thread").count();
        if threads == 0 && self.mistakes.is_empty() {
            let end = nodes.last().map_or(Default::default(), |node| node.head);
            self.mistakes
                .add("no-thread", end, "this scenario has no thread")
                .expected("`thread NAME { … }` somewhere");
        }
    }

    fn thread(&mut self, node: &'a Node) {
        let name = node.values().next().map(|value| value.span.of(self.text)).unwrap_or_default();
        let count = self.names.threads().find(|(known, ..)| *known == name).and_then(|(_, _, count)| count);
        let names = match count {
            None => vec![name.to_owned()],
            Some(count) => (0..count).map(|i| format!("{name}.{i}")).collect(),
        };
        for name in names {
            let unit = Unit::new(&name, false);
            let script = self.script(unit, node);
            self.program.scripts.push(script);
        }
    }

    fn alone(&mut self, node: &'a Node) -> Script {
        if !node.entries.is_empty() || node.block.is_none() {
            let name = &node.name.text;
            self.mistakes
                .add("no-block", node.head, format!("`{name}` takes a block and nothing else"))
                .expected(format!("`{name} {{ … }}`"));
        }
        self.script(Unit::new(&node.name.text, true), node)
    }

    /// Adds RCU's callbacks and their agent, if anything defers to them.
    pub(super) fn add_rcu(&mut self) {
        if !self.needs_rcu {
            return;
        }
        let rcu = self.object("rcu".to_owned(), ObjectKind::Rcu);
        let agent = ThreadId(u8::try_from(self.program.scripts.len()).unwrap_or(u8::MAX));
        let line = |text: &str| SourceLine { line: 0, text: text.to_owned() };
        self.program.scripts.push(Script {
            name: "rcu".to_owned(),
            code: vec![Instr::Op { op: Op::GracePeriods, into: None, may_fail: None }, Instr::End],
            lines: vec![line("grace periods"), line("")],
            locals: Vec::new(),
            agent: true,
        });
        self.program.rcu = Some((rcu, agent));
    }
}
