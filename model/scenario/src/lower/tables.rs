//! Functions as values: their names in locals, words and fields, and tables of them (`ops`, `ops-type`). What calls
//! through them is in `call`, what a slot asks of who calls it and who fills it in `contract`, the modules that they
//! belong to in `modules`.
//!
//! A function's value is a number of its own, which prints as its name, and so is a table's.

mod call;
mod contract;
mod modules;

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::{Type, Value};

use super::functions::is_function;
use super::names::{Symbol, constant, is_name};
use super::procs::arguments_text;
use super::{Lower, list};
use crate::mistakes::{Span, did_you_mean};
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// The functions and tables of one case that have values.
#[derive(Default)]
pub(super) struct Values<'a> {
    /// The functions whose names stand where a value does.
    functions: BTreeSet<&'a str>,
    types: BTreeMap<&'a str, TableType<'a>>,
    tables: Vec<Table<'a>>,
    /// What stands in the block of a module: the module, by the place of the node.
    modules: BTreeMap<*const Node, &'a str>,
}

impl Values<'_> {
    /// How many functions are values, as far as that is known.
    pub(super) fn how_many(&self) -> usize {
        self.functions.len()
    }
}

/// `ops-type NAME { … }`
struct TableType<'a> {
    head: Span,
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    name: &'a str,
    head: Span,
    /// What it is called with.
    arguments: Vec<&'a str>,
    optional: bool,
    /// It is a word of that type, and nothing that is called.
    word: Option<Type>,
    /// What it asks of who calls it and who fills it.
    contract: &'a [Node],
}

/// `ops NAME { … }`
struct Table<'a> {
    name: &'a str,
    value: i32,
    ty: Option<&'a str>,
    /// The module that it goes with.
    module: Option<&'a str>,
    /// Each slot that it fills.
    slots: Vec<(&'a str, Filled<'a>)>,
}

/// What is in a slot of a table.
#[derive(Clone, Copy, PartialEq)]
enum Filled<'a> {
    Function(&'a str),
    Null,
    Word(Value),
}

/// A mistake of a table: where, what, what was expected, help, and where its type says so.
type Told = (Span, String, String, Option<String>, Span);

/// The option of a slot that need not be filled.
const OPTIONAL: &str = "optional";

impl<'a> Lower<'a> {
    /// Notes what of functions and tables is a value.
    pub(super) fn collect_values(&mut self, nodes: &[&'a Node]) {
        let mut open: Vec<&'a Node> = nodes.to_vec();
        while let Some(node) = open.pop() {
            let declares = matches!(node.name.text.as_str(), "proc" | "fn");
            for entry in node.entries.iter().skip(usize::from(declares)) {
                self.note_values(entry.value.span.of(self.text));
            }
            open.extend(self.visible(node.children()));
        }
        for node in nodes.iter().filter(|node| node.name.text == "ops-type" && !node.broken) {
            self.table_type(node);
        }
        for node in nodes.iter().filter(|node| node.name.text == "ops" && !node.broken) {
            self.table(node);
        }
    }

    /// The functions that a value or an expression names.
    fn note_values(&mut self, said: &str) {
        let names = said.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
        for name in names {
            if let Some((name, node)) = self.procs.get_key_value(name)
                && is_function(node)
            {
                self.values.functions.insert(name);
            }
        }
    }

    /// The value of a function, if the name is one's.
    pub(super) fn function_value(&self, name: &str) -> Option<Value> {
        let is_one = self.procs.get(name).is_some_and(|node| is_function(node));
        self.words.function(name).filter(|_| is_one).map(Value::Word)
    }

    /// Whether a name is that of a slot.
    pub(super) fn is_slot(&self, name: &str) -> bool {
        let slot = self.values.tables.iter().any(|table| table.slots.iter().any(|(slot, _)| *slot == name));
        slot || self.values.types.values().any(|ty| ty.slots.iter().any(|slot| slot.name == name))
    }

    /// `ops-type NAME { SLOT ARGUMENT… [optional] [{ … }]; SLOT type=TYPE }`
    fn table_type(&mut self, node: &'a Node) {
        let Some(name) = self.table_name(node, "`ops-type NAME { SLOT ARGUMENT… [optional]; … }`") else { return };
        let mut slots: Vec<Slot<'a>> = vec![];
        for slot in self.visible(node.children()) {
            let twice = slots.iter().any(|other| other.name == slot.name.text);
            if let Some(slot) = self.slot(slot).filter(|_| !self.is_twice(slot, twice)) {
                slots.push(slot);
            }
        }
        let text = name.span.of(self.text);
        if let Some(other) = self.values.types.get(text) {
            let seen = other.head;
            self.mistakes
                .add("declared-twice", name.span, format!("there is an `ops-type {text}` already"))
                .expected("another name")
                .seen(seen, "declared here");
            return;
        }
        self.values.types.insert(text, TableType { head: node.head, slots });
    }

    /// One slot of a type: a function's, or a word's.
    fn slot(&mut self, node: &'a Node) -> Option<Slot<'a>> {
        let mut arguments: Vec<&'a str> = node.values().map(|value| value.span.of(self.text)).collect();
        let optional = arguments.last() == Some(&OPTIONAL);
        arguments.truncate(arguments.len() - usize::from(optional));
        let options = node.entries.len() - node.values().count();
        let word = node.option("type").map(|value| self.type_of_word(value).unwrap_or_default());
        let plain = arguments.is_empty() && !optional && node.block.is_none();
        let well_formed = match options {
            0 => arguments.iter().all(|word| is_name(word)) && (node.block.is_none() || !node.children().is_empty()),
            1 => node.option("type").is_some() && plain,
            _ => false,
        };
        if node.broken || !well_formed {
            self.tell_slot(node, "`SLOT ARGUMENT… [optional] [{ … }]`, or `SLOT type=TYPE` of a word");
            return None;
        }
        let contract = node.children();
        self.judge_contract(node);
        Some(Slot { name: &node.name.text, head: node.head, arguments, optional, word, contract })
    }

    /// `ops NAME [type=T] [module=M] { SLOT FUNCTION }`
    fn table(&mut self, node: &'a Node) {
        let written = "`ops NAME [type=OPS-TYPE] [module=MODULE] { SLOT FUNCTION; … }`";
        let Some(name) = self.table_name(node, written) else { return };
        let ty = node.option("type").map(|value| value.span.of(self.text));
        let mut slots: Vec<(&'a str, Filled<'a>)> = vec![];
        for slot in self.visible(node.children()) {
            let [value] = slot.values().collect::<Vec<_>>()[..] else {
                self.tell_slot(slot, "`SLOT FUNCTION`, or `SLOT NULL`");
                continue;
            };
            if slot.broken || slot.block.is_some() || slot.entries.len() != 1 {
                self.tell_slot(slot, "`SLOT FUNCTION`, or `SLOT NULL`");
                continue;
            }
            if self.is_twice(slot, slots.iter().any(|(other, _)| *other == slot.name.text)) {
                continue;
            }
            let filled = self.filled(ty, slot, value);
            slots.push((&slot.name.text, filled));
        }
        self.judge_table(node, &name, &slots);
        if let Some(function) = self.procs.get(name.text.as_str()) {
            let seen = function.head;
            self.mistakes
                .add("declared-twice", name.span, format!("`{}` is a function already", name.text))
                .expected("another name")
                .seen(seen, "declared here");
            return;
        }
        let Some(number) = self.words.function(&name.text) else { return };
        self.declare_name(&name, Symbol::Table(number));
        let (module, name) = (self.module_of_table(node), name.span.of(self.text));
        self.values.tables.push(Table { name, value: number, ty, module, slots });
    }

    /// What a table has in a slot: a function, NULL, or a word where its type says so or what is written can be nothing
    /// else.
    fn filled(&mut self, ty: Option<&str>, slot: &Node, value: &'a Written) -> Filled<'a> {
        let said = value.span.of(self.text);
        let known = ty.and_then(|ty| self.values.types.get(ty));
        let known = known.and_then(|ty| ty.slots.iter().find(|known| known.name == slot.name.text));
        let word = known.and_then(|known| known.word);
        let function = self.procs.get_key_value(said).filter(|(_, node)| is_function(node)).map(|(name, _)| *name);
        let is_value = match &value.kind {
            ValueKind::Int(_) | ValueKind::Text { .. } => true,
            ValueKind::Word(word) => constant(word).is_some() || self.names.find(word).is_some(),
        };
        match (function, word) {
            (_, Some(ty)) => {
                let value = self.constant(value).map(|init| self.fitting(init, ty, value.span));
                Filled::Word(value.unwrap_or(Value::Word(0)))
            }
            (Some(function), None) => Filled::Function(function),
            (None, None) if said == "NULL" => Filled::Null,
            (None, None) if is_value && known.is_none() => Filled::Word(self.constant(value).unwrap_or(Value::Word(0))),
            (None, None) => {
                let known = self.procs.iter().filter(|(_, node)| is_function(node)).map(|(name, _)| *name);
                let (help, proc) = (did_you_mean(said, known), self.procs.get(said).map(|node| node.head));
                self.mistakes
                    .add("slot", value.span, format!("there is no function `{said}`"))
                    .expected("the name of a `fn`, or NULL")
                    .help_if(help)
                    .seen_if(proc, "this is a `proc`, which is written into its caller");
                Filled::Null
            }
        }
    }

    /// Holds a table against its type.
    fn judge_table(&mut self, node: &'a Node, name: &Name, slots: &[(&'a str, Filled<'a>)]) {
        const OPTIONS: [&str; 2] = ["type", "module"];
        let known = |text: &str| OPTIONS.contains(&text);
        for entry in node.entries.iter().filter(|entry| entry.key.as_ref().is_some_and(|key| !known(&key.text))) {
            self.mistakes
                .add("unknown-option", entry.span(), "`ops` has no such option")
                .expected("`type=OPS-TYPE` or `module=MODULE`");
        }
        let Some(value) = node.option("type") else { return };
        let said = value.span.of(self.text);
        let Some(ty) = self.values.types.get(said) else {
            let help = did_you_mean(said, self.values.types.keys().copied());
            self.mistakes
                .add("slot", value.span, format!("there is no `ops-type {said}`"))
                .expected("the name of an `ops-type`")
                .help_if(help);
            return;
        };
        let mut told: Vec<Told> = vec![];
        for (slot, filled) in slots {
            let at = self.visible_slot(node, slot);
            match ty.slots.iter().find(|known| known.name == *slot) {
                None => {
                    let known = ty.slots.iter().map(|slot| slot.name);
                    let help = did_you_mean(slot, known.clone());
                    told.push((at, format!("`{said}` has no slot `{slot}`"), list(known), help, ty.head));
                }
                Some(known) => told.extend(self.misfit(at, known, *filled)),
            }
        }
        let filled = |wanted: &str| slots.iter().any(|(slot, _)| *slot == wanted);
        let needed = |slot: &&Slot<'_>| !slot.optional && slot.word.is_none() && !filled(slot.name);
        for missing in ty.slots.iter().filter(needed) {
            told.push((
                name.span,
                format!("`{}` is not filled", missing.name),
                format!("`{} FUNCTION` in its block", missing.name),
                Some("a slot that may be NULL is `optional` in its `ops-type`".to_owned()),
                missing.head,
            ));
        }
        for (at, message, expected, help, seen) in told {
            self.mistakes.add("slot", at, message).expected(expected).help_if(help).seen(seen, "declared here");
        }
    }

    /// What does not go into a slot of its type.
    fn misfit(&self, at: Span, known: &Slot<'a>, filled: Filled<'a>) -> Option<Told> {
        let takes = match filled {
            Filled::Function(f) => self.procs.get(f).map(|f| (f.entries.len() - 1, f.head)),
            Filled::Null | Filled::Word(_) => None,
        };
        let (slot, wanted) = (known.name, known.arguments.len());
        match (filled, takes) {
            (Filled::Function(_), Some((takes, head))) if takes != wanted && known.word.is_none() => Some((
                at,
                format!("`{slot}` is called with {}", arguments_text(wanted)),
                format!("a function that takes {}", arguments_text(wanted)),
                None,
                head,
            )),
            (Filled::Null, None) if !known.optional && known.word.is_none() => Some((
                at,
                format!("nobody asks whether `{slot}` is NULL before calling it"),
                "a function".to_owned(),
                Some("a slot that may be NULL is `optional` in its `ops-type`".to_owned()),
                known.head,
            )),
            _ => None,
        }
    }

    fn visible_slot(&self, node: &'a Node, wanted: &str) -> Span {
        fn find(nodes: &[Node], wanted: &str) -> Option<Span> {
            nodes.iter().find_map(|node| match node.name.text.as_str() {
                "only" => find(node.children(), wanted),
                name => (name == wanted).then_some(node.head),
            })
        }
        find(node.children(), wanted).unwrap_or(node.head)
    }

    fn table_name(&mut self, node: &'a Node, written: &str) -> Option<Name> {
        let name = node.values().next().filter(|value| is_name(value.span.of(self.text)));
        let (Some(name), 1, true) = (name, node.values().count(), node.block.is_some()) else {
            self.mistakes.add("ops", node.head, "this is no table of functions").expected(written);
            return None;
        };
        Some(Name { text: name.span.of(self.text).to_owned(), span: name.span })
    }

    fn tell_slot(&mut self, slot: &Node, written: &str) {
        if !slot.broken {
            self.mistakes.add("slot", slot.head, "this is no slot").expected(written);
        }
    }

    fn is_twice(&mut self, slot: &Node, twice: bool) -> bool {
        if twice {
            self.mistakes
                .add("declared-twice", slot.head, format!("there is a slot `{}` already", slot.name.text))
                .expected("another name");
        }
        twice
    }
}
