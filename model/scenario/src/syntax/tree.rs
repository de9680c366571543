//! What a file says, before anybody asks what it means.

use crate::mistakes::Span;

/// A file: its top-level nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct File {
    pub(crate) nodes: Vec<Node>,
}

/// One statement: `NAME entry… { block }`.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: Name,
    /// Operands, options and flags, in the order written.
    pub(crate) entries: Vec<Entry>,
    pub(crate) block: Option<Block>,
    /// The statement without its block: the line that a trace shows.
    pub(crate) head: Span,
    /// A mistake in the head has been told: what it lacks is no second one.
    pub(crate) broken: bool,
}

/// A bare word and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// What stands between the braces of a statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    pub(crate) nodes: Vec<Node>,
    pub(crate) span: Span,
}

/// One entry of a statement: `value`, or `key=value`.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Option<Name>,
    pub(crate) value: Value,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) kind: ValueKind,
    pub(crate) span: Span,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// A bare word: a name, a flag, a constant.
    Word(String),
    /// A quoted text: an expression, or prose. `inner` is the place between the quotes; expressions are read there, so
    /// that their mistakes have exact places.
    Text {
        /// The text with its escapes resolved.
        said: String,
        /// Where it stands, without the quotes.
        inner: Span,
    },
    /// A whole number.
    Int(i64),
}

impl Entry {
    /// The whole entry.
    pub(crate) fn span(&self) -> Span {
        match &self.key {
            Some(key) => key.span.to(self.value.span),
            None => self.value.span,
        }
    }
}

impl Node {
    /// The value of option `key`.
    pub(crate) fn option(&self, key: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|entry| entry.key.as_ref().is_some_and(|name| name.text == key))
            .map(|entry| &entry.value)
    }

    /// The values without a key.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().filter(|entry| entry.key.is_none()).map(|entry| &entry.value)
    }

    /// The statements in the block; none without a block.
    pub(crate) fn children(&self) -> &[Node] {
        self.block.as_ref().map_or(&[], |block| &block.nodes)
    }
}
