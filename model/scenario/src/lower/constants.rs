//! Numbers with names: `const`, `enum`, `flags`, and the inputs among them. What they are is known before anything else
//! is declared; as types they say how numbers are printed.

use fenceweave_kernel::program::NamedType;
use fenceweave_kernel::{Expr as Compiled, ExprNode, Type, Value};

use super::Lower;
use super::exprs::{Leaf, postfix};
use super::names::{Symbol, is_name};
use crate::expr;
use crate::mistakes::{Span, did_you_mean};
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// Types of one scenario: their places are bytes.
const TYPES_MAX: usize = 64;
/// Members of one type.
const MEMBERS_MAX: usize = 64;

impl<'a> Lower<'a> {
    /// Declares what names numbers, in the order of the file: each may use those before it.
    pub(super) fn constants(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| !node.broken) {
            match node.name.text.as_str() {
                "const" => self.const_numbers(node),
                "enum" | "flags" => self.named_type(node),
                "input" => self.input(node),
                _ => {}
            }
        }
    }

    /// `const NAME=E`
    fn const_numbers(&mut self, node: &'a Node) {
        if node.entries.is_empty() || node.block.is_some() || node.values().next().is_some() {
            self.mistakes
                .add("const", node.head, "`const` gives numbers names")
                .expected("`const NAME=NUMBER`, or `const NAME=\"EXPRESSION\"` over numbers that have names already");
        }
        for entry in &node.entries {
            let Some(name) = &entry.key else { continue };
            if let Some(number) = self.named_number(&entry.value) {
                self.declare_number(name, number);
            }
        }
    }

    fn declare_number(&mut self, name: &Name, number: i64) {
        if is_name(&name.text) {
            self.declare_name(name, Symbol::Number(number));
        } else {
            self.mistakes
                .add("name", name.span, format!("`{}` cannot be a name", name.text))
                .expected("letters, digits, `-` and `_`, beginning with a letter");
        }
    }

    /// `enum NAME { A; B 5; … }`, `flags NAME { A; B; … }`
    fn named_type(&mut self, node: &'a Node) {
        let word = node.name.text.as_str();
        let written = || format!("`{word} NAME {{ A; B; C 5; … }}`");
        let name = match node.entries.as_slice() {
            [entry] if entry.key.is_none() && is_name(entry.span().of(self.text)) => entry.span(),
            _ => Span::default(),
        };
        if name == Span::default() || node.block.is_none() {
            self.mistakes.add("enum", node.head, "this names no numbers").expected(written());
            return;
        }
        if self.program.types.len() == TYPES_MAX {
            self.mistakes.add("too-many", node.head, "too many types").expected(format!("at most {TYPES_MAX}"));
            return;
        }
        let text = name.of(self.text);
        let flags = word == "flags";
        let members = self.members(node, flags);
        let has = |wanted: fn(i64) -> bool| members.iter().any(|(number, _)| wanted(*number));
        let signed = has(|n| n < 0);
        let long =
            has(|n| n > i64::from(u32::MAX) || n < i64::from(i32::MIN)) || signed && has(|n| n > i64::from(i32::MAX));
        // A set with its last bit is one of unsigned numbers.
        let signed = signed && !flags;
        let at = u8::try_from(self.program.types.len()).unwrap_or(u8::MAX);
        if Type::named(text).is_some() {
            self.mistakes.add("declared-twice", name, format!("`{text}` is a type already")).expected("another name");
            return;
        }
        self.program.types.push(NamedType { name: text.to_owned(), flags, members });
        let symbol = Symbol::Type(Type::Named { at, signed, long });
        self.declare_name(&Name { text: text.to_owned(), span: name }, symbol);
    }

    fn members(&mut self, node: &'a Node, flags: bool) -> Vec<(i64, String)> {
        let mut members: Vec<(i64, String)> = vec![];
        let mut next = Some(i64::from(flags));
        for member in self.visible(node.children()) {
            let values: Vec<&Written> = member.values().collect();
            if member.block.is_some() || values.len() != member.entries.len() || values.len() > 1 || member.broken {
                if !member.broken {
                    self.mistakes
                        .add("enum", member.head, "this is no name of a number")
                        .expected("`NAME`, or `NAME NUMBER` where it is not the next one");
                }
                continue;
            }
            let number = match values.first() {
                Some(value) => self.named_number(value),
                None if next.is_none() => {
                    self.mistakes
                        .add("number", member.head, "there is no next number: the one before is the last of 64 bits")
                        .expected(format!("`{} NUMBER`", member.name.text));
                    None
                }
                None => next,
            };
            let Some(number) = number else { continue };
            next = match (flags, number) {
                (false, n) => n.checked_add(1),
                // The bit above the highest.
                (true, 0) => Some(1),
                (true, n) => 1i64.checked_shl(64 - n.leading_zeros()),
            };
            if members.len() == MEMBERS_MAX {
                self.mistakes
                    .add("too-many", member.head, "too many numbers of one type")
                    .expected(format!("at most {MEMBERS_MAX}"));
                break;
            }
            self.declare_number(&member.name, number);
            members.push((number, member.name.text.clone()));
        }
        if members.is_empty() && !node.children().iter().any(|member| member.broken) {
            self.mistakes.add("enum", node.head, "this names no number").expected("a name in its block");
        }
        members
    }

    /// A number that is known beforehand: written out, by its name, or calculated.
    pub(super) fn named_number(&mut self, value: &Written) -> Option<i64> {
        let number = match self.known_value(value)? {
            Value::Null => None,
            known => known.integer(),
        };
        if number.is_none() {
            self.mistakes
                .add("number", value.span, format!("`{}` is no number", value.span.of(self.text)))
                .expected("a number, or an expression over numbers that have names");
        }
        number
    }

    /// What a quoted expression over constants comes to; any other value as it stands.
    pub(super) fn known_value(&mut self, value: &Written) -> Option<Value> {
        let ValueKind::Text { inner, .. } = &value.kind else { return self.constant_operand(value) };
        let parsed = expr::parse(self.text, *inner, self.mistakes)?;
        let mut nodes: Vec<ExprNode> = vec![];
        postfix(&parsed, &mut nodes, &mut |leaf, span| match leaf {
            Leaf::Number(number) => self.word(number, span).map(ExprNode::Const),
            Leaf::Name(name) => self.constant_leaf(name).or_else(|| {
                let known = self.names.names(|symbol| matches!(symbol, Symbol::Number(_)));
                let help = did_you_mean(name, known);
                self.mistakes
                    .add("not-constant", span, format!("`{name}` is not known beforehand"))
                    .expected(
                        "a number, an errno, a `const`, an `input` or a name of an `enum` or of `flags` from above",
                    )
                    .help_if(help);
                None
            }),
        })?;
        let nodes = self.settled(nodes, value.span, |_| Type::S64)?.nodes;
        let Some(compiled) = Compiled::from_postfix(nodes) else {
            self.tell_too_deep(value.span);
            return None;
        };
        let result = compiled.eval(|_| Value::Unset).ok();
        if result.is_none() {
            self.mistakes
                .add("arithmetic", value.span, "this has no result")
                .expected("numbers, and no division by zero");
        }
        result
    }

    /// The number that a word names, if it is one of a `const`, an `enum` or `flags`.
    pub(super) fn number_named(&self, value: &Written) -> Option<i64> {
        match (&value.kind, self.names.find(value.span.of(self.text))) {
            (ValueKind::Word(_), Some((Symbol::Number(number), _))) => Some(number),
            _ => None,
        }
    }

    /// A type by its name: one of C's, or one of the scenario's own.
    pub(super) fn type_named(&self, name: &str) -> Option<Type> {
        match self.names.find(name) {
            Some((Symbol::Type(ty), _)) => Some(ty),
            _ => Type::named(name),
        }
    }

    /// What a type is called.
    pub(super) fn type_name(&self, ty: Type) -> String {
        match ty {
            Type::Named { at, .. } => {
                self.program.types.get(usize::from(at)).map_or_else(String::new, |t| t.name.clone())
            }
            other => other.name().to_owned(),
        }
    }

    /// The names of all types.
    pub(super) fn type_names(&self) -> Vec<String> {
        let own = self.program.types.iter().map(|ty| ty.name.clone());
        Type::NAMES.iter().map(|(name, _)| (*name).to_owned()).chain(own).collect()
    }
}
