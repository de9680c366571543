//! `grain coarse`, `grain fine`, `grain fine=fence`: how coarse the steps of fences, reservations and mutexes are.

use super::{Lower, list};
use crate::{
    mistakes::did_you_mean,
    syntax::{Node, Value, ValueKind},
};
use fenceweave_kernel::{Family, Grain};

impl Lower<'_> {
    /// The grain that a scenario says; of several, it is told.
    pub(super) fn grain(&mut self, nodes: &[&Node]) {
        let mut said = None;
        for node in nodes.iter().filter(|node| node.name.text == "grain" && !node.broken) {
            if said.is_some() {
                self.mistakes
                    .add("declared-twice", node.head, "the grain is said already")
                    .expected("one `grain`")
                    .help("for cases that differ: `only CASE { grain fine }`");
                return;
            }
            said = self.grain_of(node);
            if said.is_none() {
                return;
            }
        }
        self.program.grain = said.unwrap_or(Grain::FINE);
    }

    fn grain_of(&mut self, node: &Node) -> Option<Grain> {
        let [entry] = node.entries.as_slice() else {
            return self.tell_grain(node);
        };
        let text = match &entry.value.kind {
            ValueKind::Word(word) => word.as_str(),
            ValueKind::Text { said, .. } => said.as_str(),
            ValueKind::Int(_) => return self.tell_grain(node),
        };
        match (entry.key.as_ref().map(|key| key.text.as_str()), text) {
            (None, "coarse") => Some(Grain::COARSE),
            (None, "fine") => Some(Grain::FINE),
            (Some("fine"), families) => match Grain::fine_only(families) {
                Ok(grain) => Some(grain),
                Err(word) => self.tell_family(&entry.value, &word),
            },
            _ => self.tell_grain(node),
        }
    }

    fn tell_grain(&mut self, node: &Node) -> Option<Grain> {
        self.mistakes
            .add("grain", node.head, "this is no grain")
            .expected("`grain coarse`, `grain fine`, or `grain fine=FAMILY`")
            .help("in coarse grain an operation on a fence, a reservation or a mutex is a step or two; `fine` is a step for each access");
        None
    }

    fn tell_family(&mut self, value: &Value, word: &str) -> Option<Grain> {
        let families = Family::ALL.map(Family::name);
        self.mistakes
            .add("grain", value.span, format!("`{word}` has no grain"))
            .expected(list(families))
            .help_if(did_you_mean(word, families));
        None
    }
}
