//! What a script says of itself and does nothing: `assert`, `progress`, `unreached`, `survives`.

use crate::{
    lower::{Lower, list, script::Unit},
    mistakes::did_you_mean,
    syntax::{Entry, Node, Value as Written, ValueKind},
};
use fenceweave_kernel::Instr;

/// What `mutants` does to a statement.
const MISTAKES: [&str; 9] =
    ["leave-out", "no-unlock", "no-put", "no-wake", "no-barrier", "exchange", "negate", "weaken-order", "other-usage"];

impl<'a> Lower<'a> {
    /// `assert "E" "message"`
    pub(super) fn assert(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let texts = node.values().filter(|value| matches!(value.kind, ValueKind::Text { .. })).count();
        if node.broken {
            return;
        }
        if texts != node.entries.len() || !(1..=2).contains(&texts) {
            self.mistakes
                .add("statement", node.head, "`assert` takes a condition, and a message if you like")
                .expected("`assert \"EXPRESSION\" \"message\"`");
            return;
        }
        if let Some(expr) = self.script_expr(unit, &node.entries[0].value) {
            unit.emit(Instr::Assert { expr });
        }
    }

    /// `warn-on "E" "message" into=X`, `bug-on "E" "message"`
    pub(super) fn warn(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let (name, ends) = (node.name.text.as_str(), node.name.text == "bug-on");
        let is_text = |value: &Written| matches!(value.kind, ValueKind::Text { .. });
        let known = |entry: &Entry| entry.key.as_ref().is_none_or(|key| key.text == "into" && !ends);
        let texts = node.values().count();
        if node.broken {
            return;
        }
        if !node.values().all(is_text) || !(1..=2).contains(&texts) || !node.entries.iter().all(known) {
            let into = if ends { "" } else { " into=LOCAL" };
            self.mistakes
                .add("statement", node.head, format!("`{name}` takes a condition, and a message if you like"))
                .expected(format!("`{name} \"EXPRESSION\" \"message\"{into}`"));
            return;
        }
        let Some(mut expr) = node.values().next().and_then(|value| self.script_expr(unit, value)) else { return };
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        if let Some(into) = into {
            let truth = self.truth_of(expr);
            unit.emit(Instr::Let { into, expr: truth });
            expr = self.read_of(into);
        }
        unit.emit(Instr::Warn { expr, ends });
    }

    /// `progress`, in a thread.
    pub(super) fn progress(&mut self, unit: &mut Unit<'a>, node: &Node) {
        if !node.entries.is_empty() && !node.broken {
            self.mistakes
                .add("statement", node.head, "`progress` stands alone")
                .expected("the end of the line")
                .help("it marks a place: put it right after the operation with which the thread gets on");
        }
        if unit.alone {
            let name = unit.name();
            self.mistakes
                .add("progress", node.head, format!("`{name}` runs once: there is nothing to mark"))
                .expected("`progress` in a thread");
        }
        unit.emit(Instr::Progress);
    }

    /// `unreached "why"`: does nothing, and shows whether it was come to.
    pub(super) fn unreached(&mut self, unit: &mut Unit<'a>, node: &Node) {
        self.check_reason(node);
        let next = u16::try_from(unit.here() + 1).unwrap_or(u16::MAX);
        unit.emit(Instr::Jump(next));
    }

    /// `survives "why" MISTAKE…`: for who makes mistakes in the next statement.
    pub(super) fn survives(&mut self, node: &Node) {
        let (reason, kinds): (Vec<_>, Vec<_>) =
            node.entries.iter().partition(|entry| matches!(entry.value.kind, ValueKind::Text { .. }));
        let is_known = |word: &&str| MISTAKES.contains(word);
        let unknown = kinds.iter().find(|entry| entry.key.is_some() || !is_known(&entry.span().of(self.text)));
        if let Some(unknown) = unknown {
            let said = unknown.span().of(self.text);
            self.mistakes
                .add("survives", unknown.span(), format!("`{said}` is no mistake that is made"))
                .expected(list(MISTAKES))
                .help_if(did_you_mean(said, MISTAKES));
        } else if !matches!(reason.as_slice(), [one] if one.key.is_none()) && !node.broken {
            self.mistakes
                .add("survives", node.head, "`survives` says why, in one quoted text")
                .expected("`survives \"why\" [MISTAKE…]`");
        }
    }

    /// A quoted reason, and nothing else.
    pub(in crate::lower) fn check_reason(&mut self, node: &Node) {
        let reason = matches!(node.entries.as_slice(), [entry] if entry.key.is_none() && matches!(entry.value.kind, ValueKind::Text { .. }));
        if !reason && !node.broken {
            let name = &node.name.text;
            self.mistakes
                .add("statement", node.head, format!("`{name}` says why, in one quoted text"))
                .expected(format!("`{name} \"why\"`"));
        }
    }
}
