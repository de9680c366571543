//! What an operation does to a list, and to the nodes of its entries.

use super::{
    Entries, How, ListOp, Mutant, Named, kind,
    node::{Behind, Spot, node_of},
    race,
};
use crate::{
    Cx, Handle, Held, ObjId, Property, Runtime, Value, Violation, primitives::slab, property::Form, registry::upcalls,
};

/// An entry must be there to be linked, unlinked or looked at.
pub(crate) fn check_alive<R: Runtime>(cx: &mut Cx<'_, R>, entry: Handle) -> bool {
    if cx.world.object(entry.obj).generation().is_some() {
        slab::check_alive(cx, entry)
    } else {
        upcalls::fence_is_alive(cx, entry.obj)
    }
}

/// A container's links are not what the operation counts on.
pub(crate) fn corrupt<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId, form: Option<Form>, also: Option<ObjId>) -> Value {
    let v = cx.violation_of(Property::LIST_CORRUPTION);
    cx.note_violation(Violation { object: Some(object), form, also, ..v });
    Value::Word(0)
}

impl ListOp {
    /// Looks where the entry's node is, if the operation was not told.
    pub(super) fn find<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) {
        for named in [&mut self.entry, &mut self.at].into_iter().flatten() {
            named.adopt(cx);
        }
        let Some(node) = self.finder() else { return };
        let gate = cx.program.kind(node).gate().unwrap_or(node);
        let held = cx.enter_nodes(gate, node);
        let on = cx.spot(held, node).on;
        (self.from, self.list) = self.places(|_| on);
    }

    pub(super) fn perform<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        for named in [self.entry, self.at].into_iter().flatten() {
            if !check_alive(cx, named.entry) {
                return Value::Word(0);
            }
        }
        let result = self.carry_out(cx);
        // Who freed it meanwhile has not found it on the list: either came first.
        if let (false, true, Some(named)) = (R::SEES_OVERLAP, self.how.puts(), self.entry)
            && !slab::is_alive(cx, named.entry)
        {
            cx.rt.torn();
        }
        result
    }

    fn carry_out<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        if self.is_of_node() {
            return self.of_node(cx);
        }
        if self.alone && self.how == How::Empty {
            return Value::Word(0);
        }
        if self.how.transfers() || self.from != self.list {
            return self.transfer(cx);
        }
        let held = race::enter_one(cx, self.list);
        let mut entries = cx.list_head(self.list).get(held);
        let result = match (self.how, self.entry) {
            (How::Empty, _) => Value::Word(i32::from(entries.len() == 0)),
            (How::IsSingular, _) => Value::Word(i32::from(entries.len() == 1)),
            (How::First, _) => entries.live().next().map_or(Value::Null, Value::Ref),
            (How::Last, _) => entries.live().next_back().map_or(Value::Null, Value::Ref),
            (How::RotateLeft, _) => {
                entries.move_to_tail(0, 1);
                Value::Word(0)
            }
            (_, Some(named)) if self.how.changes() => self.change(cx, held, &mut entries, named),
            (How::Next, Some(named)) if entries.position(named.entry).is_none() => self.next_of_gone(cx, held, named),
            (_, Some(named)) => self.look(cx, &entries, named),
            (_, None) => self.corrupt(cx),
        };
        cx.list_head(self.list).set(held, entries);
        result
    }

    /// The operations on a node that is on no list: it points to itself, or nowhere.
    fn of_node<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let node = self.list;
        let held = race::enter_one(cx, node);
        let spot = cx.spot(held, node);
        match self.how {
            How::Empty => return Value::Word(i32::from(!spot.stale)),
            _ if spot.stale => return corrupt(cx, node, Some(Form::LIST_POISONED), None),
            How::Del | How::DelRcu => cx.set_spot(held, node, Spot::off(true)),
            How::Next | How::Prev | How::Add | How::AddTail => return self.corrupt(cx),
            _ => {}
        }
        Value::Word(0)
    }

    fn corrupt<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let form = match self.how {
            How::Next | How::Prev => Some(Form::LIST_NEXT_OF_NONE),
            How::Add | How::AddTail | How::Replace | How::ReplaceInit => Some(Form::LIST_BESIDE_NONE),
            _ => None,
        };
        corrupt(cx, self.list, form, None)
    }

    /// Puts an entry on the list, at a place.
    fn add<R: Runtime>(
        &self,
        cx: &mut Cx<'_, R>,
        held: Held,
        entries: &mut Entries,
        (at, named): (usize, Named),
    ) -> Value {
        if self.alone && node_of(kind::of(cx.program, self.list), named.entry.obj) != named.node {
            cx.violate(Property::WRONG_KIND, named.node);
            return Value::Word(0);
        }
        let on = named.node.and_then(|node| cx.spot(held, node).on);
        if entries.position(named.entry).is_some() || on.is_some() {
            let other = on.filter(|on| *on != self.list);
            let form = if other.is_some() { Form::LIST_ADDED_ELSEWHERE } else { Form::LIST_ADDED_TWICE };
            return corrupt(cx, self.list, Some(form), other);
        }
        if !entries.insert(at, named.entry) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.list));
        } else if let Some(node) = named.node {
            cx.set_spot(held, node, Spot::on(self.list));
        }
        Value::Word(0)
    }

    /// Takes an entry off the list for those who change it; who stands there goes on to what is behind it.
    fn take_rcu<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, entries: &mut Entries, (named, at): (Named, usize)) {
        let next = entries.at(at + 1);
        ListOp::take(cx, held, entries, (named, true));
        match named.node {
            Some(node) if !cx.mutated(Mutant::DelRcuPoisons) => {
                cx.set_spot(held, node, Spot::off_for_writers(next));
            }
            _ => {}
        }
    }

    /// `list_entry_rcu(pos->next)` of an entry that was taken off where somebody stands at it.
    fn next_of_gone<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, named: Named) -> Value {
        let behind = match named.node {
            Some(node) if race::is_reader(cx) => cx.spot(held, node).behind,
            _ => Behind::Nothing,
        };
        match behind {
            Behind::Nothing => self.corrupt(cx),
            Behind::Head => Value::Null,
            Behind::Entry(next) => Value::Ref(next),
        }
    }

    /// Takes an entry off the list, which it is on.
    fn take<R: Runtime>(cx: &mut Cx<'_, R>, held: Held, entries: &mut Entries, (named, stale): (Named, bool)) {
        if cx.mutated(Mutant::DelNothing) {
            return;
        }
        entries.remove(named.entry);
        if let Some(node) = named.node {
            cx.set_spot(held, node, Spot::off(stale));
        }
    }

    /// The looks at an entry.
    fn look<R: Runtime>(&self, cx: &mut Cx<'_, R>, entries: &Entries, named: Named) -> Value {
        let at = entries.position(named.entry);
        let whether = |is: bool| Value::Word(i32::from(is));
        match (self.how, at) {
            (How::OnList, _) => whether(at.is_some()),
            (How::IsFirst, _) => whether(at == Some(0)),
            (How::IsLast, _) => whether(at.is_some_and(|at| at + 1 == entries.len())),
            (How::Next, Some(at)) if at + 2 == entries.len() && cx.mutated(Mutant::NextFirst) => Value::Null,
            (How::Next, Some(at)) => entries.at(at + 1).map_or(Value::Null, Value::Ref),
            (How::Prev, Some(at)) => at.checked_sub(1).and_then(|at| entries.at(at)).map_or(Value::Null, Value::Ref),
            _ => self.corrupt(cx),
        }
    }

    /// The operations that put an entry on the list, or take one off.
    fn change<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, entries: &mut Entries, named: Named) -> Value {
        let beside = self.at.map(|at| entries.position(at.entry));
        match (self.how, entries.position(named.entry)) {
            (How::Add | How::AddTail | How::Replace | How::ReplaceInit, _) => {
                let Some(at) = self.place(cx, entries, beside) else { return self.corrupt(cx) };
                if let (How::Replace | How::ReplaceInit, Some(old)) = (self.how, self.at) {
                    if named.entry == old.entry {
                        return corrupt(cx, self.list, Some(Form::LIST_ADDED_TWICE), None);
                    }
                    ListOp::take(cx, held, entries, (old, self.how == How::Replace));
                }
                self.add(cx, held, entries, (at, named))
            }
            (How::BulkMoveTail, _) => match self.span(entries) {
                Some(span) => {
                    entries.move_to_tail(span.start, span.len());
                    Value::Word(0)
                }
                None => self.corrupt(cx),
            },
            (How::Del | How::DelInit, Some(_)) => {
                ListOp::take(cx, held, entries, (named, self.how == How::Del));
                Value::Word(0)
            }
            (How::DelRcu, Some(at)) => {
                ListOp::take_rcu(cx, held, entries, (named, at));
                Value::Word(0)
            }
            (How::DelInit, None) => self.is_off(cx, held, named),
            _ => self.corrupt(cx),
        }
    }

    /// Where an entry is put; `None` if what it is put beside is not on the list.
    fn place<R: Runtime>(&self, cx: &Cx<'_, R>, entries: &Entries, beside: Option<Option<usize>>) -> Option<usize> {
        let mutant = if self.how == How::Add { Mutant::AddAtTail } else { Mutant::AddTailAtHead };
        let first = (self.how == How::Add) != cx.mutated(mutant);
        match (beside, self.how) {
            (None, _) => Some(if first { 0 } else { entries.len() }),
            (Some(at), How::Add) => at.map(|at| at + 1),
            (Some(at), _) => at,
        }
    }

    /// `list_del_init()` of an entry that is not on the list: harmless if it is on none.
    fn is_off<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, named: Named) -> Value {
        let Some(node) = named.node else { return Value::Word(0) };
        let spot = cx.spot(held, node);
        match spot.on {
            Some(_) => self.corrupt(cx),
            None if spot.stale => corrupt(cx, node, Some(Form::LIST_POISONED), None),
            None => Value::Word(0),
        }
    }

    /// The operations that take from one list and give to another, or to the same.
    fn transfer<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let (of_from, of_to) = self.enter(cx);
        let mut from = cx.list_head(self.from).get(of_from);
        let moved = match self.entry {
            None if cx.mutated(Mutant::SpliceKeeps) => from,
            None => {
                let writer = from.writer;
                std::mem::replace(&mut from, Entries { writer, ..Entries::default() })
            }
            Some(_) if self.how == How::BulkMoveTail => match self.span(&from) {
                Some(span) => from.take_span(span),
                None => return corrupt(cx, self.from, None, None),
            },
            Some(named) => {
                if !self.leaves(cx, of_from, &mut from, named) {
                    return Value::Word(0);
                }
                let mut one = Entries::default();
                let _fits = one.insert(0, named.entry);
                one
            }
        };
        cx.list_head(self.from).set(of_from, from);
        let mut to = cx.list_head(self.list).get(of_to);
        for (i, entry) in moved.live().enumerate() {
            let Some(named) = self.member(cx, entry) else { break };
            if let Some(node) = named.node {
                cx.set_spot(of_to, node, Spot::off(false));
            }
            let first = match self.how {
                How::MoveTail => cx.mutated(Mutant::MoveToHead),
                how => matches!(how, How::SpliceInit | How::Move),
            };
            let at = if first { i } else { to.len() };
            self.add(cx, of_to, &mut to, (at, named));
        }
        cx.list_head(self.list).set(of_to, to);
        Value::Word(0)
    }

    /// An entry leaves the list that it is on, if it is on one: `__list_del_entry()`. False if that is not so.
    fn leaves<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held, from: &mut Entries, named: Named) -> bool {
        if from.remove(named.entry) {
            return true;
        }
        match named.node.map(|node| (node, cx.spot(held, node))) {
            Some((_, spot)) if spot.on.is_none() && !spot.stale => true,
            Some((node, spot)) if spot.stale => {
                corrupt(cx, node, Some(Form::LIST_POISONED), None);
                false
            }
            _ => {
                self.corrupt(cx);
                false
            }
        }
    }

    /// An entry of the list that it comes from, as one of the list that it comes to.
    fn member<R: Runtime>(&self, cx: &mut Cx<'_, R>, entry: Handle) -> Option<Named> {
        let nodes = kind::of(cx.program, self.list);
        let node = node_of(nodes, entry.obj);
        if node.is_none() && !nodes.is_empty() {
            cx.violate(Property::WRONG_KIND, Some(entry.obj));
            return None;
        }
        Some(Named { entry, node, by_node: false })
    }
}

impl Entries {
    /// Takes those at some places, in their order.
    fn take_span(&mut self, span: std::ops::Range<usize>) -> Entries {
        let mut taken = Entries::default();
        for _ in span.clone() {
            if let Some(link) = self.list.take(span.start) {
                let _fits = taken.list.push(link);
            }
        }
        taken
    }

    /// Moves so many, from a place on, behind the others.
    fn move_to_tail(&mut self, first: usize, count: usize) {
        for _ in 0..count {
            if let Some(link) = self.list.take(first) {
                let _fits = self.list.push(link);
            }
        }
    }
}
