//! Which operation is meant where several have one name: `lock` of a mutex, of a reservation, of a semaphore.

use super::EVERYWHERE;
use crate::{
    lower::{
        Lower, list,
        names::{Symbol, parts},
        options::Options,
        script::Unit,
    },
    ops::{OpSpec, Opt, Takes},
    syntax::{Node, Value as Written},
};
use fenceweave_kernel::Kind;

impl<'a> Lower<'a> {
    /// Which operation of that name is meant: the first operand decides.
    pub(super) fn meaning(
        &mut self,
        unit: &Unit<'a>,
        node: &Node,
        candidates: &[&'static OpSpec],
        sorted: &Options<'_>,
    ) -> Option<&'static OpSpec> {
        let (first, rest) = candidates.split_first()?;
        let takes = |op: &OpSpec| match op.operands.first().map(|param| param.takes) {
            Some(Takes::Object(kinds) | Takes::Objects(kinds)) => kinds,
            _ => &[],
        };
        let Some(operand) = sorted.operands.first().filter(|_| !rest.is_empty()) else {
            return Some(first);
        };
        let said = operand.span.of(self.text);
        if let Some(op) =
            candidates.iter().find(|op| matches!(op.operands, [p, ..] if matches!(p.takes, Takes::PageTable)))
        {
            // `copy-from-user`, with an address and without.
            return Some(op);
        }
        let path = parts(said);
        let name = path[0].clone();
        if let Some((Symbol::Object { kind, .. }, declared)) = self.names.find(&name) {
            let found = candidates.iter().find(|op| takes(op).contains(&kind));
            if found.is_none() {
                let kinds: Vec<&str> = candidates.iter().flat_map(|op| takes(op)).map(|kind| kind.one()).collect();
                self.mistakes
                    .add("wrong-kind", operand.span, format!("`{}` does nothing with {}", node.name.text, kind.one()))
                    .expected(kinds.join(" or "))
                    .seen(declared, "declared here");
            }
            return found.copied();
        }
        let own = unit.local(&name).is_some() && (path.len() == 1 || self.is_member(unit, said));
        let kinds = self.kinds_at_end(&path);
        let no_end = path.len() > 1 && kinds.is_empty() && path.last().is_some_and(|last| !self.is_field(last));
        if !own && !self.is_read(unit, said) || no_end {
            return Some(first); // which tells what the operand is instead
        }
        // What is inside of an object says itself what it is.
        if let ([kind], false) = (kinds.as_slice(), sorted.has("kind")) {
            return candidates.iter().find(|op| takes(op).contains(kind)).or(Some(first)).copied();
        }
        // `list-del LIST ENTRY`, `list-del NODE`: how much there is says it.
        let as_many = |op: &&&'static OpSpec| op.operands.len() == sorted.operands.len();
        let fitting: Vec<&'static OpSpec> = candidates.iter().filter(as_many).copied().collect();
        let candidates = if fitting.is_empty() { candidates } else { &fitting };
        self.meaning_for_local(operand, candidates, sorted, takes)
    }

    /// A local is not typed. What it can refer to is what the scenario has.
    fn meaning_for_local(
        &mut self,
        operand: &Written,
        candidates: &[&'static OpSpec],
        sorted: &Options<'_>,
        takes: impl Fn(&OpSpec) -> &'static [Kind],
    ) -> Option<&'static OpSpec> {
        if let Some(value) = sorted.value("kind") {
            let said = value.span.of(self.text);
            let found = Kind::named(said).and_then(|kind| candidates.iter().find(|op| takes(op).contains(&kind)));
            if found.is_none() {
                let kinds = candidates.iter().flat_map(|op| takes(op)).map(|kind| kind.name());
                self.mistakes
                    .add("which-kind", value.span, format!("`{said}` is not one of these"))
                    .expected(list(kinds));
            }
            return found.copied();
        }
        let exists = |kind: &Kind| self.program.objects.iter().any(|object| Kind::of(&object.kind) == Some(*kind));
        // An option that only one of them has says which one is meant.
        let given = |opt: &&Opt| sorted.has(opt.name);
        let knows = |op: &OpSpec, name: &str| op.options.iter().chain(&EVERYWHERE).any(|opt| opt.name == name);
        let fits = |op: &OpSpec| candidates.iter().flat_map(|c| c.options).filter(given).all(|opt| knows(op, opt.name));
        let possible: Vec<&&'static OpSpec> =
            candidates.iter().filter(|op| takes(op).iter().any(exists) && fits(op)).collect();
        let struct_op = possible.iter().find(|op| takes(op).contains(&Kind::Struct));
        match (possible.as_slice(), struct_op) {
            (_, Some(op)) => Some(**op),
            ([only], _) => Some(**only),
            ([], _) => candidates.first().copied(),
            (several, None) => {
                let kinds: Vec<&str> =
                    several.iter().flat_map(|op| takes(op)).filter(|kind| exists(kind)).map(|k| k.name()).collect();
                let said = operand.span.of(self.text);
                self.mistakes
                    .add("which-kind", operand.span, format!("what does `{said}` refer to?"))
                    .expected(format!("`kind=` one of {}", list(kinds.iter().copied())))
                    .help(match kinds.as_slice() {
                        [only] => format!("add `kind={only}`"),
                        several => {
                            let each = several.iter().map(|kind| format!("kind={kind}")).collect::<Vec<_>>();
                            format!("add {}, whichever it is", list(each.iter().map(String::as_str)))
                        }
                    });
                None
            }
        }
    }
}
