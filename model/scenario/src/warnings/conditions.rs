//! Conditions that say nothing: true before anything happened, or never judged; and fences that nobody signals.

use super::{About, Looked, NEVER_JUDGED, TRUE_AT_ONCE, UNSIGNALED, inside_only, one_line};
use crate::mistakes::{Place, Span};
use fenceweave_kernel::Moment;
use std::collections::BTreeMap;

impl About<'_> {
    /// A clause that all cases share is judged over all of them.
    pub(super) fn conditions(&mut self) {
        let mut all: BTreeMap<Place, Vec<Looked>> = BTreeMap::new();
        for seen in self.seen.iter().flatten() {
            for looked in &seen.conditions {
                all.entry(looked.place).or_default().push(*looked);
            }
        }
        let known = self.seen.len() == self.cases.len() && self.seen.iter().all(Option::is_some);
        let complete = self.is_whole();
        for clause in self.clauses() {
            let looked = all.get(&self.place(clause)).map(Vec::as_slice).unwrap_or_default();
            let Some(first) = looked.first().filter(|_| known) else { continue };
            let said = one_line(clause, self.text);
            let some_time = matches!(first.moment, Moment::Sometimes | Moment::Eventually);
            if some_time && looked.iter().all(|l| l.at_once) {
                self.warn(
                    TRUE_AT_ONCE,
                    clause,
                    format!("`{said}` is true before the first step: whatever the threads do, it holds"),
                    "name what the threads must have done, such as a local that one of them sets",
                );
            }
            if complete && first.moment != Moment::Sometimes && !looked.iter().any(|l| l.judged) {
                let (why, help) = match first.moment {
                    Moment::AtEnd => (
                        "no execution ends well, or a local that it names is gone by then",
                        "of a work item or a timer, whose locals go with each run, say `never`, `always` or `sometimes`",
                    ),
                    _ => (
                        "a local that it names is not set in any state",
                        "name locals of one thread, or variables, which have a value from the start",
                    ),
                };
                self.warn(NEVER_JUDGED, clause, format!("`{said}` was never judged: {why}"), help);
            }
        }
    }

    fn clauses(&self) -> Vec<Span> {
        let expects = self.sections().into_iter().filter(|node| node.name.text == "expect");
        expects.flat_map(|node| inside_only(node.children())).map(|clause| clause.head).collect()
    }

    /// A fence that is signalled in some case is the subject of that case.
    pub(super) fn unsignaled(&mut self) {
        let mut names: Vec<&str> = Vec::new();
        for (case, seen) in self.cases.iter().zip(self.seen) {
            let Some(seen) = seen else { continue };
            names.extend(seen.unsignaled.iter().map(|id| case.program.name_of(*id)));
        }
        names.sort_unstable();
        names.dedup();
        let signalled = |name: &str| {
            let of = |case: &crate::load::Case| {
                let at = case.program.objects.iter().position(|object| object.name == name);
                at.is_some_and(|at| case.program.debtor(crate::lower::place(at)).is_some())
            };
            self.cases.iter().any(of)
        };
        let names: Vec<String> = names.into_iter().filter(|name| !signalled(name)).map(str::to_owned).collect();
        for name in names {
            let Some(span) = self.declaration_of(&name) else { continue };
            self.warn(
                UNSIGNALED,
                span,
                format!("others can wait for `{name}`, and nothing in this scenario signals it"),
                format!(
                    "write who does, `device gpu {{ signal {name} }}`; or `expect {{ allow {UNSIGNALED} \"why\" }}`"
                ),
            );
        }
    }
}
