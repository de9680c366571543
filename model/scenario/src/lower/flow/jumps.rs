//! Jumps: `goto` and the labels that it goes to, `return`.

use fenceweave_kernel::Instr;

use crate::lower::Lower;
use crate::lower::names::is_name;
use crate::lower::script::{Label, Scope, Unit};
use crate::mistakes::did_you_mean;
use crate::syntax::Node;

impl<'a> Lower<'a> {
    /// The labels of a block, before its first statement is lowered: `goto` goes forward.
    pub(super) fn labels_of(&mut self, unit: &mut Unit<'a>, nodes: &[&'a Node]) -> Scope<'a> {
        let mut scope = Scope::default();
        for node in nodes.iter().filter(|node| node.name.text == "label" && !node.broken) {
            let [entry] = node.entries.as_slice() else {
                continue;
            };
            let name: &'a str = entry.span().of(self.text);
            match unit.labels.get(name) {
                Some(other) if *other != entry.span() => {
                    self.mistakes
                        .add("declared-twice", entry.span(), format!("there is a label `{name}` already"))
                        .expected("another name")
                        .seen(*other, "the other one");
                }
                _ => {
                    unit.labels.insert(name, entry.span());
                    scope.labels.insert(name, Label::default());
                }
            }
        }
        scope
    }

    /// `goto L`, to a label that is still to come.
    pub(super) fn goto(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some(name) = self.one_name(node) else {
            return;
        };
        let found = unit.scopes.iter().rposition(|scope| scope.labels.contains_key(name));
        let Some(scope) = found else {
            let elsewhere = unit.labels.get(name).copied();
            let known: Vec<&str> = unit.scopes.iter().flat_map(|scope| scope.labels.keys().copied()).collect();
            self.mistakes
                .add(
                    "unknown-label",
                    node.entries[0].span(),
                    format!("there is no label `{name}` in this block or one around it"),
                )
                .expected("a label further down")
                .help_if(did_you_mean(name, known))
                .seen_if(elsewhere, "this one is in a block that `goto` does not reach into");
            return;
        };
        let found = unit.scopes[scope].labels.get(name).filter(|label| label.placed);
        let back = found.map(|label| (label.place, label.defers));
        if back.is_none() || unit.is_function() {
            if !self.leave_scopes(unit, node, scope + 1) {
                return;
            }
            let put_off = unit.scopes[scope].defers.len();
            if let Some((_, defers)) = back {
                self.run_defers(unit, scope, defers);
            }
            let jump = unit.emit(Instr::Jump(0));
            match (back, unit.scopes[scope].labels.get_mut(name)) {
                (Some((place, _)), _) => unit.aim(vec![jump], place),
                (None, Some(label)) => label.jumps.push((jump, put_off, node.head)),
                (None, None) => {}
            }
            return;
        }
        let span = unit.labels.get(name).copied().unwrap_or_default();
        self.mistakes
            .add("backward-goto", node.head, "`goto` goes forward only, but in a `fn`")
            .expected("a label further down")
            .seen(span, "the label is here")
            .help("write a loop: `loop { …; when \"done\" { break } }`");
    }

    /// `label L`: those who go to it land here.
    pub(super) fn label(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some(name) = self.one_name(node) else {
            return;
        };
        let here = unit.here();
        let Some(scope) = unit.scopes.last_mut() else { return };
        let put_off = scope.defers.last().map(|defer| (scope.defers.len(), defer.head));
        let defers = scope.defers.len();
        let jumps = scope.labels.get_mut(name).map(|label| {
            (label.placed, label.place, label.defers) = (true, here, defers);
            std::mem::take(&mut label.jumps)
        });
        let jumps = jumps.unwrap_or_default();
        for (_, _, from) in jumps.iter().filter(|(_, there, _)| *there < defers) {
            self.mistakes
                .add("goto-over-defer", *from, "this goes over a `defer` to where its block would have to run")
                .expected("a label before the `defer`, or behind the block that it is in")
                .help("put the `defer` and what it is for into a block of their own, or before this; C forbids such a jump too")
                .seen_if(put_off.map(|(_, defer)| defer), "the `defer`");
        }
        unit.land(jumps.into_iter().map(|(jump, ..)| jump).collect());
    }

    fn one_name(&mut self, node: &'a Node) -> Option<&'a str> {
        match node.entries.as_slice() {
            [entry] if entry.key.is_none() && is_name(entry.span().of(self.text)) => Some(entry.span().of(self.text)),
            _ => {
                let name = &node.name.text;
                if !node.broken {
                    self.mistakes
                        .add("statement", node.head, format!("`{name}` takes the name of a label"))
                        .expected(format!("`{name} NAME`"));
                }
                None
            }
        }
    }

    /// `return "E"`, from the thread or from the call at hand.
    pub(super) fn return_from(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let keyed = node.entries.iter().any(|entry| entry.key.is_some());
        if unit.is_function() && unit.frames.len() == 1 && !keyed {
            return self.return_results(unit, node);
        }
        if node.entries.len() > 1 || keyed {
            self.mistakes
                .add("statement", node.head, "`return` takes one value")
                .expected("`return`, `return LOCAL` or `return \"EXPRESSION\"`");
        }
        let into = match unit.frames.as_slice() {
            [_] => unit.local("return"),
            frames => frames.last().and_then(|frame| frame.into),
        };
        if let Some(entry) = node.entries.first()
            && let Some(expr) = self.script_expr(unit, &entry.value)
            && let Some(into) = into
        {
            let expr = if unit.frames.len() == 1 { self.assigned(unit, into, expr) } else { expr };
            unit.emit(Instr::Let { into, expr });
        }
        if !self.leave_scopes(unit, node, 0) {
            return;
        }
        let exit = unit.emit(Instr::Jump(0));
        unit.frames.last_mut().into_iter().for_each(|frame| frame.exits.push(exit));
    }

    /// `return E F`, of a function.
    fn return_results(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        self.check_results(unit, node);
        for (entry, into) in node.entries.iter().zip(unit.results.locals()) {
            if let Some(expr) = self.script_expr(unit, &entry.value) {
                unit.emit(Instr::Let { into, expr });
            }
        }
        if !self.leave_scopes(unit, node, 0) {
            return;
        }
        self.judge_return(unit);
        let exit = unit.emit(Instr::Jump(0));
        unit.frames.last_mut().into_iter().for_each(|frame| frame.exits.push(exit));
    }
}
