//! `on-return "E" { assert-held X; assert-not-held Y }`: what a function promises of the locks at its returns.
//!
//! It is written into each return, behind what was put off, so it is no call; only an argument that the function sets
//! anew is kept beside, as it was.

use crate::lower::Lower;
use crate::lower::live::Uses;
use crate::lower::script::Unit;
use crate::syntax::Node;
use fenceweave_kernel::primitives::lockdep::Said;
use fenceweave_kernel::program::{CallSite, SourceLine};
use fenceweave_kernel::{Instr, LocalId, Op};

/// What may stand in a row.
const ROWS: [&str; 3] = ["assert-held", "assert-not-held", "unreached"];

impl<'a> Lower<'a> {
    /// The promises of a function, and its arguments as they are at its beginning.
    pub(in crate::lower) fn collect_promises(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let nodes = self.visible(node.children());
        unit.promises = nodes.into_iter().filter(|node| node.name.text == "on-return" && !node.broken).collect();
        if unit.promises.is_empty() {
            return;
        }
        for param in node.values().skip(1).map(|value| value.span.of(self.text)) {
            let Some(local) = unit.local(param).filter(|_| self.is_set_in(param, node.children())) else { continue };
            let (kept, expr) = (unit.hidden(), self.read_of(local));
            let at = unit.emit(Instr::Let { into: kept, expr });
            unit.uses.push(Uses { local, from: at, to: at + 1 });
            unit.kept.push((param.to_owned(), kept));
        }
    }

    /// Whether something in a block sets a local.
    fn is_set_in(&self, local: &str, nodes: &[Node]) -> bool {
        nodes.iter().any(|node| {
            let sets = node.entries.iter().any(|entry| match entry.key.as_ref().map(|key| key.text.as_str()) {
                Some(key) if node.name.text == "let" => key == local,
                Some("into" | "cursor") => {
                    let said = entry.value.span.of(self.text);
                    said.trim_matches('"').split_whitespace().any(|name| name == local)
                }
                _ => false,
            });
            sets || self.is_set_in(local, node.children())
        })
    }

    /// `on-return` as a statement: it stands where the function declares it.
    pub(super) fn on_return(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let own = unit.frames.len() == 1 && unit.promises.iter().any(|promise| std::ptr::eq(*promise, node));
        if !own && !node.broken {
            self.mistakes
                .add("on-return", node.head, "`on-return` stands in a `fn`, and in no other block")
                .expected("it right inside of `fn NAME … { … }`");
        }
        for row in self.visible(node.children()) {
            if !ROWS.contains(&row.name.text.as_str()) && !row.broken {
                self.mistakes
                    .add("on-return", row.head, "this says nothing of a lock")
                    .expected("`assert-held LOCK` or `assert-not-held LOCK`");
            }
        }
    }

    /// Judges the promises of the function at a return of it.
    pub(in crate::lower) fn judge_return(&mut self, unit: &mut Unit<'a>) {
        if unit.promises.is_empty() {
            return;
        }
        let (promises, line) = (std::mem::take(&mut unit.promises), unit.line());
        let kept = std::mem::take(&mut unit.kept);
        let now = unit.rename(kept);
        let SourceLine { file, line: at, column, text, .. } = line.clone();
        let site = CallSite { proc: "on-return".into(), file, line: at, column, text };
        unit.call_sites.push(site);
        for promise in &promises {
            unit.at_statement(self.source_line(promise.head));
            let branch = match promise.entries.is_empty() {
                true => vec![],
                false => self
                    .condition(unit, promise)
                    .map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }))
                    .into_iter()
                    .collect(),
            };
            let from = unit.here();
            self.block(unit, promise.children());
            unit.promised_since(from);
            unit.land(branch);
        }
        unit.call_sites.pop();
        unit.back_to(line);
        unit.kept = unit.rename(now);
        unit.promises = promises;
    }
}

impl<'a> Unit<'a> {
    /// Gives names of the frame at hand to other locals; what they were is the result.
    fn rename(&mut self, names: Vec<(String, LocalId)>) -> Vec<(String, LocalId)> {
        let Some(frame) = self.frames.last_mut() else { return vec![] };
        let to = |(name, local): (String, LocalId)| frame.names.insert(name.clone(), local).map(|was| (name, was));
        names.into_iter().filter_map(to).collect()
    }

    /// What was said of locks since an instruction is a promise.
    fn promised_since(&mut self, from: usize) {
        for instr in self.code_mut().iter_mut().skip(from) {
            if let Instr::Op { op: Op::Lockdep(said), .. } = instr {
                said.said = Said::OnReturn;
            }
        }
    }
}
