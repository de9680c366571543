//! What is counted on of a word: `guarded-by=LOCK`, `const`.
//!
//! ```text
//!   lock l
//!   var count guarded-by=l
//!   struct buffer slots=2 { size 0 const; pages 0 guarded-by=l; state 0 guarded-by="l,m" }
//! ```
//!
//! A field may be guarded by a lock that the same object has: `guarded-by=.lock`.

use super::Lower;
use crate::{
    decls::LOCKS,
    mistakes::Span,
    ops::{Given, Takes},
    syntax::{Entry, Node, Value, ValueKind},
};
use fenceweave_kernel::{ObjId, Operand, program::Premise};

/// The flag of what is set before others see it.
const CONST: &str = "const";
/// The option that names the lock.
const GUARDED: &str = "guarded-by";

/// Whether an entry of a field says what is counted on of it.
pub(super) fn is_premise(entry: &Entry) -> bool {
    match &entry.key {
        Some(key) => key.text == GUARDED,
        None => matches!(&entry.value.kind, ValueKind::Word(word) if word == CONST),
    }
}

impl<'a> Lower<'a> {
    /// What is counted on of the words of a variable, or of one field of an object: `of` is the object's name.
    pub(super) fn premise(&mut self, node: &'a Node, of: Option<&str>) -> Premise {
        let is_const = node.values().any(|v| matches!(&v.kind, ValueKind::Word(word) if word == CONST));
        let Some(guard) = node.option(GUARDED) else {
            return if is_const { Premise::Const } else { Premise::Nothing };
        };
        if is_const {
            self.mistakes
                .add("flag", guard.span, "what is `const` is set by nobody who could need a lock")
                .expected("`const` or `guarded-by=`");
        }
        let said = parts(guard, self.text);
        let locks: Vec<ObjId> = said.iter().filter_map(|lock| self.guard(lock, of)).collect();
        if locks.is_empty() { Premise::Nothing } else { Premise::Guarded(locks) }
    }

    /// One lock of several: by its name, or by the path from the object whose field it guards.
    fn guard(&mut self, lock: &Value, of: Option<&str>) -> Option<ObjId> {
        let said = lock.span.of(self.text);
        let Some(path) = said.strip_prefix('.') else {
            return match self.given(None, Takes::Object(LOCKS), lock)? {
                Given::Operand(Operand::Object(id)) => Some(self.lock_of(id)),
                _ => None,
            };
        };
        let name = format!("{}.{path}", of.unwrap_or_default());
        let found = self.program.objects.iter().position(|object| of.is_some() && object.name == name);
        if found.is_none() {
            self.mistakes
                .add("unknown-name", lock.span, format!("the same object has no `{path}`"))
                .expected("a lock that is a field of the same struct, or the name of a lock");
        }
        found.map(|at| self.lock_of(ObjId::object(at)))
    }
}

/// The names between the commas, each with its place.
pub(super) fn parts(guard: &Value, text: &str) -> Vec<Value> {
    let (said, from) = match &guard.kind {
        ValueKind::Text { inner, .. } => (inner.of(text), inner.start),
        ValueKind::Word(_) => (guard.span.of(text), guard.span.start),
        ValueKind::Int(_) => return vec![guard.clone()],
    };
    let mut at = from as usize;
    let mut all = vec![];
    for part in said.split(',') {
        let name = part.trim();
        let start = at + (part.len() - part.trim_start().len());
        let span = Span::new(start, start + name.len());
        all.push(Value { kind: ValueKind::Word(name.to_owned()), span });
        at += part.len() + 1;
    }
    all
}
