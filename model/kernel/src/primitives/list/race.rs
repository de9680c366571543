//! What orders the accesses to a list or a tree: its lock, if it is declared with one, and else whatever does.

use super::Entries;
use crate::{Cx, Held, ObjId, Property, Rule, Runtime, Violation, fixed, property::Form};

/// What an operation does, as far as others who are there at the same time are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    /// It writes the links.
    pub(crate) changes: bool,
    /// It reads them where they may not change meanwhile.
    pub(crate) walks: bool,
    /// Readers of RCU may do it all the same.
    pub(crate) under_rcu: bool,
}

/// The critical section of a container.
pub(crate) fn enter_one<R: Runtime>(cx: &mut Cx<'_, R>, list: ObjId) -> Held {
    match cx.program.kind(list).gate() {
        Some(gate) => cx.enter_nodes(gate, list),
        None => cx.enter(list),
    }
}

/// The critical sections of two: in the order of their numbers, so that nobody waits for the other way round.
pub(crate) fn enter<R: Runtime>(cx: &mut Cx<'_, R>, from: ObjId, to: ObjId) -> (Held, Held) {
    let (low, high) = (from.min(to), from.max(to));
    let (first, second) = (enter_one(cx, low), enter_one(cx, high));
    if from == low { (first, second) } else { (second, first) }
}

/// `lockdep_assert_held()` of the lock that guards it. False if there is none.
fn is_guarded<R: Runtime>(cx: &mut Cx<'_, R>, list: ObjId, access: Access) -> bool {
    let Some(lock) = cx.program.kind(list).guard() else { return false };
    let held = if access.changes { cx.world.is_held_alone(lock, cx.me) } else { cx.world.is_held_by(lock, cx.me) };
    if !held {
        let form = access.walks.then_some(Form::LIST_WALKED_UNGUARDED);
        let v = cx.violation_of(Property::DATA_RACE);
        cx.note_violation(Violation { rule: Some(Rule::LIST_UNGUARDED), object: Some(list), form, ..v });
    }
    true
}

/// Whether the thread is in a read-side section, of RCU or of any SRCU.
pub(crate) fn is_reader<R: Runtime>(cx: &Cx<'_, R>) -> bool {
    cx.private.rcu_depth > 0 || cx.program.all::<fixed::Srcu>().any(|srcu| cx.world.srcu(srcu).has_reader(cx.me))
}

/// Tells a race with a change that has begun; a change begins one itself. True if it is one.
pub(crate) fn begins<R: Runtime>(cx: &mut Cx<'_, R>, [from, to]: [ObjId; 2], access: Access) -> bool {
    let walks = access.walks && !(access.under_rcu && is_reader(cx));
    // Nobody runs beside setup and teardown.
    if cx.me == cx.program.main_thread() || !access.changes && !walks {
        return false;
    }
    let mut open = false;
    let (of_from, of_to) = enter(cx, from, to);
    for (list, held) in [(from, of_from), (to, of_to)] {
        if is_guarded(cx, list, access) {
            continue;
        }
        let mut entries = cx.list_head(list).get(held);
        if let Some(other) = entries.writer.filter(|t| *t != cx.me) {
            let form = Some(if access.walks { Form::LIST_WALKED_AT_ONCE } else { Form::LIST_CHANGED_AT_ONCE });
            let v = cx.violation_of(Property::DATA_RACE);
            cx.note_violation(Violation { object: Some(list), other: Some(other), form, ..v });
        }
        if access.changes {
            entries.writer = Some(cx.me);
            cx.list_head(list).set(held, entries);
            open = true;
        }
    }
    open
}

/// The end of a change.
pub(crate) fn end<R: Runtime>(cx: &mut Cx<'_, R>, [from, to]: [ObjId; 2]) {
    let (of_from, of_to) = enter(cx, from, to);
    for (list, held) in [(from, of_from), (to, of_to)] {
        let entries = cx.list_head(list).get(held);
        cx.list_head(list).set(held, Entries { writer: None, ..entries });
    }
}
