//! What an operation does to a tree.

use super::{
    How, Mutant, TreeOp,
    kind::{self, Key, Overlap, Tree},
};
use crate::{
    Cx, Errno, Handle, Held, ObjId, Property, Runtime, Value, Violation,
    primitives::{
        list::{Entries, Named, change::check_alive, node::Spot, race},
        variable,
    },
    property::Form,
};

/// A range of numbers, the end not in it; all of them where nothing is said.
type Range = (i128, i128);

impl TreeOp {
    pub(super) fn perform<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        if self.entry.is_some_and(|named| !check_alive(cx, named.entry)) {
            return Value::Word(0);
        }
        if self.how.is_of_node() {
            return self.of_node(cx);
        }
        let held = race::enter_one(cx, self.tree);
        let mut entries = cx.list_head(self.tree).get(held);
        let Some(tree) = kind::of(cx.program, self.tree) else { return Value::Word(0) };
        let result = match (self.how, self.entry) {
            (How::Add, Some(named)) => self.add(cx, (held, tree), &mut entries, named),
            (How::Insert, Some(named)) => self.insert(cx, (held, tree), &mut entries, named),
            (How::Erase | How::EraseClear | How::Remove, Some(named)) => self.erase(cx, held, &mut entries, named),
            (How::Next | How::Prev | How::NextIn, Some(named)) => self.step_on(cx, tree, &entries, named),
            (How::Empty, _) => Value::Word(i32::from(entries.len() == 0)),
            (How::First, _) => entries.at(0).map_or(Value::Null, Value::Ref),
            (How::Last, _) => entries.live().next_back().map_or(Value::Null, Value::Ref),
            _ => self.search(cx, tree, &entries, 0),
        };
        cx.list_head(self.tree).set(held, entries);
        result
    }

    /// The operations on a node.
    fn of_node<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let node = self.tree;
        let held = race::enter_one(cx, node);
        let spot = cx.spot(held, node);
        if self.how == How::EmptyNode {
            return Value::Word(i32::from(spot.on.is_none() && !spot.stale));
        }
        if spot.on.is_some() {
            return corrupt(cx, node, Form::TREE_CLEARED, spot.on);
        }
        cx.set_spot(held, node, Spot::off(false));
        Value::Word(0)
    }

    /// Puts an entry where its key is in order, behind those of the same.
    fn add<R: Runtime>(
        &self,
        cx: &mut Cx<'_, R>,
        (held, tree): (Held, &Tree),
        entries: &mut Entries,
        named: Named,
    ) -> Value {
        let Some(key) = key_of(cx, tree, named.entry.obj) else { return Value::Word(0) };
        let mut at = 0;
        for entry in entries.live() {
            let Some(other) = key_of(cx, tree, entry.obj) else { return Value::Word(0) };
            let before = other < key || other == key && !cx.mutated(Mutant::AddTieFirst);
            if !before {
                break;
            }
            at += 1;
        }
        self.link(cx, held, entries, (at, named));
        Value::Word(i32::from(at == 0))
    }

    /// The same of a range, which may overlap another or not.
    fn insert<R: Runtime>(
        &self,
        cx: &mut Cx<'_, R>,
        (held, tree): (Held, &Tree),
        entries: &mut Entries,
        named: Named,
    ) -> Value {
        let Some((start, end)) = range_of(cx, tree, named.entry.obj) else { return Value::Word(0) };
        if start >= end {
            return match tree.overlap {
                Overlap::Refused(_) => Value::from(Errno::EINVAL),
                _ => corrupt(cx, self.tree, Form::RANGE_EMPTY, Some(named.entry.obj)),
            };
        }
        let mut at = 0;
        for entry in entries.live() {
            let Some(other) = range_of(cx, tree, entry.obj) else { return Value::Word(0) };
            if other.0 < end && other.1 > start && entry != named.entry && !cx.mutated(Mutant::InsertOverlaps) {
                match tree.overlap {
                    Overlap::Allowed => {}
                    Overlap::Refused(errno) => return Value::from(errno),
                    Overlap::Told => return corrupt(cx, self.tree, Form::RANGE_OVERLAPS, Some(entry.obj)),
                }
            }
            at += usize::from(other.0 <= start);
        }
        self.link(cx, held, entries, (at, named));
        Value::Word(0)
    }

    fn link<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, entries: &mut Entries, (at, named): (usize, Named)) {
        let Some(node) = named.node else { return };
        let spot = cx.spot(held, node);
        if spot.on.is_some() {
            corrupt(cx, node, Form::TREE_ADDED_TWICE, spot.on);
        } else if !entries.insert(at, named.entry) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.tree));
        } else {
            cx.set_spot(held, node, Spot::on(self.tree));
        }
    }

    fn erase<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, entries: &mut Entries, named: Named) -> Value {
        if entries.position(named.entry).is_none() {
            return corrupt(cx, self.tree, Form::TREE_NOT_IN, Some(named.entry.obj));
        }
        if !cx.mutated(Mutant::EraseNothing) {
            entries.remove(named.entry);
            if let Some(node) = named.node {
                cx.set_spot(held, node, Spot::off(self.how == How::Erase));
            }
        }
        Value::Word(0)
    }

    /// From an entry to the next, or to the one before.
    fn step_on<R: Runtime>(&self, cx: &mut Cx<'_, R>, tree: &Tree, entries: &Entries, named: Named) -> Value {
        let Some(at) = entries.position(named.entry) else {
            return corrupt(cx, self.tree, Form::TREE_NEXT_OF_NONE, Some(named.entry.obj));
        };
        let to = match self.how {
            How::Prev => at.checked_sub(1),
            How::NextIn => return self.search(cx, tree, entries, at + 1),
            _ => Some(at + 1),
        };
        to.and_then(|to| entries.at(to)).map_or(Value::Null, Value::Ref)
    }

    /// The first, from a place on, that is what is looked for.
    fn search<R: Runtime>(&self, cx: &mut Cx<'_, R>, tree: &Tree, entries: &Entries, from: usize) -> Value {
        for entry in entries.live().skip(from) {
            match self.is_it(cx, tree, entry) {
                Some(true) => return Value::Ref(entry),
                Some(false) => {}
                None => break,
            }
        }
        Value::Null
    }

    /// Whether an entry is what is looked for; nothing if it cannot be said.
    fn is_it<R: Runtime>(&self, cx: &mut Cx<'_, R>, tree: &Tree, entry: Handle) -> Option<bool> {
        let key = tree.key_of(entry.obj)?;
        let number = |cx: &Cx<'_, R>, value: Value| number(cx, key.start, value);
        Some(match self.how {
            How::Find => key_of(cx, tree, entry.obj)? == number(cx, self.from)?,
            How::FindAtLeast => key_of(cx, tree, entry.obj)? >= number(cx, self.from)?,
            How::Contains => {
                let ((start, end), at) = (range_of(cx, tree, entry.obj)?, number(cx, self.from)?);
                start <= at && (at < end || at == end && cx.mutated(Mutant::ContainsEnd))
            }
            _ => {
                let (start, end) = range_of(cx, tree, entry.obj)?;
                let from = number(cx, self.from).unwrap_or(i128::MIN);
                let to = number(cx, self.to).unwrap_or(i128::MAX);
                start < to && end > from
            }
        })
    }
}

/// A tree is not what the operation counts on.
fn corrupt<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId, form: Form, also: Option<ObjId>) -> Value {
    let v = cx.violation_of(Property::TREE_CORRUPTION);
    cx.note_violation(Violation { object: Some(object), form: Some(form), also, ..v });
    Value::Word(0)
}

/// A number as the type of a word has it.
fn number<R: Runtime>(cx: &Cx<'_, R>, word: ObjId, value: Value) -> Option<i128> {
    let bits = value.integer()?;
    Some(if cx.program.var_type(word).is_signed() { i128::from(bits) } else { i128::from(bits as u64) })
}

/// The number in a word that the kernel compares; `None` if it is none, or if nobody may read it so, which is told.
fn read<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<i128> {
    let value = variable::look(cx, word)?;
    let found = number(cx, word, value);
    if found.is_none() {
        cx.violate(Property::WRONG_KIND, Some(word));
    }
    found
}

/// The key of an entry.
fn key_of<R: Runtime>(cx: &mut Cx<'_, R>, tree: &Tree, entry: ObjId) -> Option<i128> {
    read(cx, tree.key_of(entry)?.start)
}

/// The range that an entry is.
fn range_of<R: Runtime>(cx: &mut Cx<'_, R>, tree: &Tree, entry: ObjId) -> Option<Range> {
    let Key { start: at, end } = *tree.key_of(entry)?;
    let start = read(cx, at)?;
    let end = end.map_or(Some(1), |end| read(cx, end))?;
    let past = tree.ends.past(start, end);
    // What goes beyond the last number of its type wraps, and is no range.
    let most = cx.program.var_type(at).range().1 + 1;
    Some((start, if past > most { start } else { past }))
}
