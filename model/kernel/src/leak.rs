//! References that are left when everything is over.
//!
//! What exists from the start belongs to the scenario; what a variable, a reservation or a list refers to is reachable. A leak is
//! what a thread took and neither dropped nor left anywhere, and what only a circle of references still reaches.

use crate::{
    Handle, ObjId, ObjSet, Object, Program, Property, Rule, Runtime, Value, Violation, World,
    primitives::refcount::{Counted, Owns},
    program::ObjectKind,
    world::canonical,
};

/// The references to an object at the end.
struct Account<'w, R: Runtime> {
    counted: &'w Counted<R>,
    count: u16,
    owned: u16,
    /// Whether something points to it.
    reached: bool,
    /// A bare count is no memory.
    is_bare: bool,
}

fn account<'w, R: Runtime>(world: &'w World<R>, program: &Program, id: ObjId) -> Option<Account<'w, R>> {
    let (counted, expected) = match world.object(id) {
        Object::Refcount(r) => (&r.refs, program.declared_refs(id)),
        Object::Slot(s) if s.is_live() => (s.refs(), 0),
        Object::Fence(f) if f.is_alive() => {
            // Setup's, unless it has given it away.
            (f.refs(), if f.refs().ledger().is_given() { 0 } else { program.declared_refs(id) })
        }
        _ => return None,
    };
    let is_bare = matches!(world.object(id), Object::Refcount(_));
    let uncounted = matches!(program.kind(id), ObjectKind::Slot { .. }) && program.initial_refs(id) == 0;
    let count = if uncounted { 1 } else { counted.count() };
    let is_counted = !uncounted && !is_bare;
    let holders = world.shared_holders(id, is_counted, program) + world.awaiting_chains(id, program);
    let handed_on = if is_counted { handed_on(world, program, id) } else { 0 };
    let reached = world.shared_holders(id, false, program) > 0;
    Some(Account { counted, count, owned: expected + holders + handed_on, reached, is_bare })
}

/// The words that point to an object, own none of the references that were booked, and got the pointer from somebody who had it
/// from elsewhere: out of another word, off a list, as data. Its reference may have come with it.
fn handed_on<R: Runtime>(world: &World<R>, program: &Program, id: ObjId) -> u16 {
    let points = |word: &&ObjId| {
        let unowned = world.owns(**word) == Owns::Nothing;
        let value = canonical(world, world.var_value(**word));
        unowned && matches!(value, Value::Ref(h) if h.obj == id && h.generation != Handle::STALE)
    };
    program.handed_to.iter().filter(points).count() as u16
}

impl<R: Runtime> World<R> {
    /// How many references to an object are left, and how many of them somebody has.
    pub fn references(&self, program: &Program, id: ObjId) -> Option<(u16, u16)> {
        account(self, program, id).map(|a| (a.count, a.owned))
    }

    /// What a thread has taken of an object and not dropped, as far as the books go.
    pub fn balance(&self, id: ObjId, t: crate::ThreadId) -> i8 {
        match self.object(id) {
            Object::Refcount(r) => r.refs.ledger().balance(t),
            Object::Slot(s) => s.refs().ledger().balance(t),
            Object::Fence(f) => f.refs().ledger().balance(t),
            _ => 0,
        }
    }
}

/// References that are left at the end although nothing reachable holds them, with the thread that owes them.
pub(crate) fn leaks<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let unlinked = |id: ObjId| !world.objects().any(|(_, o)| matches!(o, Object::Resv(r) if r.list() == Some(id)));
    let main = program.main_thread();
    for (id, o) in world.objects() {
        // A list that no reservation refers to any more was to be freed after a grace period.
        if matches!(o, Object::FenceList(l) if l.is_live()) && unlinked(id) {
            return Some(Violation::at_end(Property::LeakedObject, main, id));
        }
        let Some(Account { counted, count, owned, reached, is_bare }) = account(world, program, id) else { continue };
        // Its release was called and freed nothing.
        if count == 0 && !is_bare {
            return Some(Violation::at_end(Property::LeakedObject, main, id));
        }
        // What is pointed to is not lost while one reference is left: it may have come there by ways on which nobody keeps
        // count of owners (off a list, as data of a work item, stored in one place before the other is cleared).
        if count > owned.max(u16::from(reached)) {
            let other = counted.ledger().debtor();
            let leak = Violation::at_end(Property::LeakedReference, other.unwrap_or(main), id);
            return Some(Violation { other, ..leak });
        }
    }
    let rule = Rule::LeakInCircle;
    in_circle(world, program).map(|id| Violation { rule: Some(rule), ..Violation::at_end(rule.property(), main, id) })
}

/// An object of a struct that lives, and that no way leads to from outside: what has it is had by it.
fn in_circle<R: Runtime>(world: &World<R>, program: &Program) -> Option<ObjId> {
    let is_live = |id: ObjId| matches!(world.object(id), Object::Slot(s) if s.is_live());
    // Each is a word's object, if the word is a field, and what the word points to.
    let pointers = || {
        (0..program.vars.len()).map(ObjId::var).filter_map(|word| match canonical(world, world.var_value(word)) {
            Value::Ref(h) if h.generation != Handle::STALE && is_live(h.obj) => Some((program.slot_of(word), h.obj)),
            _ => None,
        })
    };
    if !pointers().any(|(slot, _)| slot.is_some_and(is_live)) {
        return None;
    }
    let slots = || world.objects().map(|(id, _)| id).filter(|id| is_live(*id));
    let mut reached = ObjSet::default();
    slots().filter(|id| world.is_listed(*id)).for_each(|id| reached.insert(id));
    loop {
        let from = |slot: Option<ObjId>| slot.is_none_or(|slot| reached.contains(slot));
        let Some((_, next)) = pointers().find(|(slot, to)| from(*slot) && !reached.contains(*to)) else { break };
        reached.insert(next);
    }
    slots().find(|id| !reached.contains(*id))
}
