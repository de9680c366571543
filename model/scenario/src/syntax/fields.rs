//! `set OBJECT { field E }` and `init-object OBJECT { field E }`: a store for each field, in the order written. The
//! second is C's `*object = (struct s) { .field = E }`: what is not named is 0, and what else is inside is to be
//! initialised.

use super::tree::{Entry, File, Name, Node, Value, ValueKind};

/// What they are called.
pub(crate) const SET: &str = "set";
pub(crate) const INIT_OBJECT: &str = "init-object";

/// Makes stores of the fields in all blocks of a file.
pub(crate) fn spell_out(file: &mut File) {
    file.nodes.iter_mut().for_each(node);
}

/// Where a word is no statement: what declares, and what is expected.
const DECLARE: [&str; 6] = ["ops-type", "ops", "struct", "enum", "flags", "expect"];

fn node(node: &mut Node) {
    if DECLARE.contains(&node.name.text.as_str()) {
        return;
    }
    let is_one = [SET, INIT_OBJECT].contains(&node.name.text.as_str()) && !node.broken;
    let object = match node.entries.as_slice() {
        [Entry { key: None, value: Value { kind: ValueKind::Word(object), .. } }] if is_one => Some(object.clone()),
        _ => None,
    };
    let (entries, head) = (node.entries.clone(), node.head);
    let clears = object.is_some() && node.name.text == INIT_OBJECT;
    let Some(block) = &mut node.block else { return };
    if let Some(object) = object {
        block.nodes.iter_mut().for_each(|field| store(field, &object));
    } else {
        block.nodes.iter_mut().for_each(self::node);
    }
    if clears {
        let name = Name { text: "clear-struct".to_owned(), span: node.name.span };
        block.nodes.insert(0, Node { name, entries, block: None, head, broken: false });
    }
}

/// `field E` is `store OBJECT.field E`.
fn store(field: &mut Node, object: &str) {
    if let Some(block) = field.block.as_mut().filter(|_| ["only", "except"].contains(&field.name.text.as_str())) {
        return block.nodes.iter_mut().for_each(|field| store(field, object));
    }
    let span = field.name.span;
    let path = ValueKind::Word(format!("{object}.{}", field.name.text));
    field.entries.insert(0, Entry { key: None, value: Value { kind: path, span } });
    field.name.text = "store".to_owned();
}
