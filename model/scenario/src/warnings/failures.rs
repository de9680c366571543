//! Failures that are asked for the N-th time of something which never happens so often.

use super::{About, NEVER_FAILS, one_line, reached::scripts};
use crate::{
    mistakes::{Place, Span},
    syntax::Node,
};
use fenceweave_kernel::{Instr, Passed, Script};
use std::collections::BTreeMap;

/// What was seen of one `fail-nth`, all scripts and cases that have it together.
#[derive(Default)]
struct Count {
    /// It was come to, and whoever came to it could go on to the end.
    came: bool,
    /// It failed somewhere.
    failed: bool,
}

impl<'a> About<'a> {
    /// Tells failures that never strike.
    pub(super) fn failures(&mut self) {
        if !self.is_whole() {
            return;
        }
        let (mut own, mut outside) = (BTreeMap::new(), BTreeMap::new());
        for (case, seen) in self.cases.iter().zip(self.seen) {
            let Some(seen) = seen else { continue };
            for (at, script) in scripts(&case.program).enumerate() {
                note(script, seen.cover.of(at), seen.holds, (&mut own, &mut outside));
            }
        }
        let mut told = Vec::new();
        for section in self.sections() {
            match section.name.text.as_str() {
                "inject" => {
                    let said = one_line(section.head, self.text);
                    told.extend(outside.get(&said).filter(|c| c.is_idle()).map(|_| section.head));
                }
                _ => self.idle_failures(section, &own, &mut told),
            }
        }
        for span in told {
            let said = one_line(span, self.text);
            self.warn(
                NEVER_FAILS,
                span,
                format!("no execution comes here so often that it fails: `{said}`"),
                "count the times again, from 1, or leave the failure out",
            );
        }
    }

    fn idle_failures(&self, node: &'a Node, own: &BTreeMap<Place, Count>, told: &mut Vec<Span>) {
        for child in node.children() {
            if child.option("fail-nth").is_some() && own.get(&self.place(child.head)).is_some_and(Count::is_idle) {
                told.push(child.head);
            }
            self.idle_failures(child, own, told);
        }
    }
}

impl Count {
    fn is_idle(&self) -> bool {
        self.came && !self.failed
    }
}

/// Adds what one script says: by place for those that stand at an operation, by the text of their line for an `inject`,
/// which an instruction has in brackets behind its own.
fn note(
    script: &Script,
    passed: &[Passed],
    holds: bool,
    (own, outside): (&mut BTreeMap<Place, Count>, &mut BTreeMap<String, Count>),
) {
    let end = script.code.iter().position(|instr| *instr == Instr::End);
    // Where every execution was ended before, who knows how often it would have come.
    let is_over = holds || end.and_then(|end| passed.get(end)).is_some_and(|end| end.came > 0);
    for ((instr, line), here) in script.code.iter().zip(&script.lines).zip(passed) {
        if !matches!(instr, Instr::Nth { .. }) {
            continue;
        }
        let inject = line.text.strip_suffix(']').and_then(|text| text.rsplit_once(" [inject "));
        let count = match inject {
            Some((_, inject)) => outside.entry(format!("inject {inject}")).or_default(),
            None if !super::is_own(line) => continue,
            None => own.entry(Place { line: line.line, column: line.column }).or_default(),
        };
        count.came |= here.came > 0 && is_over;
        count.failed |= here.on > 0;
    }
}
