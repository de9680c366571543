//! `on-return "E" { assert-held X; assert-not-held Y }`: what a function promises of the locks at its returns.
//!
//! It is written into each return, behind what was put off, so it is no call. What it names is what had that name when
//! the function was called: an argument that the function sets anew is kept beside, as it was, and what a path leads
//! over is read at the beginning, by the checker (`lockdep::Named`), whoever changes it afterwards:
//!
//! ```text
//!   on-return "return == 0" { assert-held b.res.lock }
//!
//!   r = look at b.res                at the beginning; no step where nobody can tell
//!   …
//!   return == 0? assert-held r.lock  at each return
//! ```
//!
//! What begins with a local that is no argument (`return` is one) had no name then, and is read at the return.

use crate::expr::{self, Expr, ExprKind};
use crate::lower::Lower;
use crate::lower::live::Uses;
use crate::lower::names::parts;
use crate::lower::script::{NamedAt, Unit};
use crate::mistakes::Span;
use crate::syntax::{Node, ValueKind};
use fenceweave_kernel::primitives::lockdep::Said;
use fenceweave_kernel::program::{CallSite, SourceLine};
use fenceweave_kernel::{Instr, LocalId, Op, Operand};

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
        self.find_named(unit);
    }

    /// Looks for what the promises name of what is shared.
    fn find_named(&mut self, unit: &mut Unit<'a>) {
        let (promises, line) = (std::mem::take(&mut unit.promises), unit.line());
        unit.named.at = NamedAt::Entry;
        for promise in &promises {
            unit.call_sites.push(site_of(line.clone()));
            unit.at_statement(self.source_line(promise.head));
            for (path, span) in self.named_in(unit, promise) {
                let found = match path.strip_prefix('*') {
                    Some(_) => self.follow(unit, &path, span).map(Operand::Local),
                    None => self.follow_to(unit, &parts(&path), span),
                };
                // What is inside of an argument is found from that at any time.
                let at_entry = |found: &Operand| found.local().is_none_or(|l| usize::from(l.0) >= unit.params);
                if let Some(found) = found.filter(at_entry) {
                    unit.found_named(path, found);
                }
            }
            unit.call_sites.pop();
        }
        unit.named.at = NamedAt::Elsewhere;
        unit.forget_temporaries();
        unit.back_to(line);
        unit.promises = promises;
    }

    /// The paths in a promise that lead over what is shared, from an argument or a name of the scenario, each once.
    fn named_in(&mut self, unit: &Unit<'a>, promise: &'a Node) -> Vec<(String, Span)> {
        let mut all = vec![];
        for value in promise.entries.iter().map(|entry| &entry.value) {
            if let ValueKind::Text { inner, .. } = &value.kind
                && let Some(expr) = expr::parse(self.text, *inner, self.mistakes)
            {
                names_in(&expr, &mut all);
            }
        }
        for row in self.visible(promise.children()) {
            let words = row.values().filter(|value| matches!(value.kind, ValueKind::Word(_)));
            all.extend(words.map(|value| (value.span.of(self.text).to_owned(), value.span)));
        }
        let mut found: Vec<(String, Span)> = vec![];
        for (path, span) in all {
            let path = if path.starts_with('*') { path } else { parts(&path).join(".") };
            let names = parts(path.trim_start_matches('*'));
            let own = unit.local(&names[0]).is_some_and(|local| usize::from(local.0) >= unit.params);
            let table = names.iter().skip(1).any(|name| self.is_slot(name));
            let known = found.iter().any(|(known, _)| *known == path) || unit.is_named(&path);
            if self.is_read(unit, &path) && !own && !table && !known {
                found.push((path, span));
            }
        }
        found
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
        unit.call_sites.push(site_of(line.clone()));
        unit.named.at = NamedAt::Return;
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
        unit.named.at = NamedAt::Elsewhere;
        unit.back_to(line);
        unit.kept = unit.rename(now);
        unit.promises = promises;
    }
}

/// The promises, which are judged at that statement.
fn site_of(line: SourceLine) -> CallSite {
    let SourceLine { file, line, column, text, .. } = line;
    CallSite { proc: "on-return".into(), file, line, column, text }
}

/// The names in an expression.
fn names_in(expr: &Expr, all: &mut Vec<(String, Span)>) {
    if let ExprKind::Name(name) = &expr.kind {
        all.push((name.clone(), expr.span));
    }
    expr.parts().into_iter().for_each(|part| names_in(part, all));
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
