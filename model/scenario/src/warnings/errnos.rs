//! `== EINVAL`: an error number without the minus that the kernel returns it with.

use std::collections::BTreeSet;

use fenceweave_kernel::Value;

use super::{About, POSITIVE_ERRNO};
use crate::expr::{self, Binary, Expr, ExprKind, Unary};
use crate::lower::constant;
use crate::mistakes::{Mistakes, Span};
use crate::syntax::{Node, ValueKind};

impl<'a> About<'a> {
    /// Tells results that are compared with an error number without its minus.
    pub(super) fn positive_errnos(&mut self) {
        let (mut compared, mut written) = (Vec::new(), BTreeSet::new());
        self.look_for_errnos(self.node.children(), &mut compared, &mut written);
        for (name, span) in compared {
            // Whoever stores it without a minus may compare it without one.
            if !written.contains(name.as_str()) {
                self.warn(
                    POSITIVE_ERRNO,
                    span,
                    format!("`{name}` is a positive number: what fails in the kernel returns `-{name}`"),
                    format!("write `-{name}`"),
                );
            }
        }
    }

    fn look_for_errnos(&self, nodes: &'a [Node], compared: &mut Vec<(String, Span)>, written: &mut BTreeSet<&'a str>) {
        for node in nodes.iter().filter(|node| node.name.text != "about") {
            for entry in &node.entries {
                let key = entry.key.as_ref().map(|key| key.text.as_str());
                match &entry.value.kind {
                    ValueKind::Word(word) if is_positive(word) => match key {
                        Some("is" | "is-not") => compared.push((word.clone(), entry.value.span)),
                        _ => drop(written.insert(word.as_str())),
                    },
                    ValueKind::Text { inner, .. } => {
                        // What is no expression is prose: nothing is told of it.
                        let mut prose = Mistakes::new("", "");
                        if let Some(expr) = expr::parse(self.text, *inner, &mut prose) {
                            comparisons(&expr, compared);
                        }
                    }
                    _ => {}
                }
            }
            self.look_for_errnos(node.children(), compared, written);
        }
    }
}

fn is_positive(word: &str) -> bool {
    !word.starts_with('-') && matches!(constant(word), Some(Value::Word(_)))
}

/// The errnos that are compared without a minus, with what has none either.
fn comparisons(expr: &Expr, found: &mut Vec<(String, Span)>) {
    match &expr.kind {
        ExprKind::Binary(operator, left, right) => {
            let compares = matches!(operator, Binary::Equal | Binary::NotEqual);
            for (one, other) in [(left, right), (right, left)] {
                let negated = matches!(other.kind, ExprKind::Unary(Unary::Negate, _));
                match &one.kind {
                    ExprKind::Name(name) if compares && !negated && is_positive(name) => {
                        found.push((name.clone(), one.span));
                    }
                    _ => {}
                }
            }
            comparisons(left, found);
            comparisons(right, found);
        }
        _ => expr.parts().into_iter().for_each(|part| comparisons(part, found)),
    }
}
