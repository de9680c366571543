//! The law of references: who has them, and which are left when everything is over.
//!
//! What exists from the start belongs to the scenario; what a variable, a reservation or a list refers to is reachable.
//! A leak is what a thread took and neither dropped nor left anywhere, and what only a circle of references still
//! reaches.

use crate::{
    AtomicCell, Handle, MAX_OBJECTS, ObjId, Object, Program, Property, Rule, Runtime, Value, Violation, World,
    counted::{Counted, Owns},
    fence::Fence,
    fixed,
    registry::Variable,
    runtime::NoteCell,
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
    let object = world.object(id);
    let counted = object.refs().filter(|_| object.lives())?;
    // What is inside of memory that is nobody's is as it was in the beginning.
    if program.root_of(id).is_some_and(|root| !world.object(root).lives()) {
        return None;
    }
    // Those that it is declared with are setup's, unless it has given the first one away, or dropped it.
    let expected = program.declared_refs(id).saturating_sub(u16::from(counted.ledger().is_given()));
    let is_bare = object.is_bare();
    let uncounted = program.is::<fixed::Slot>(id) && program.initial_refs(id) == 0;
    let count = if uncounted { 1 } else { counted.count() };
    let is_counted = !uncounted && !is_bare;
    // Whoever points to an object points to what is inside of it, whose references came with it.
    let around = program.root_of(id).map_or(0, |root| world.shared_holders(root, false, program));
    let expected = if around > 0 && expected == 0 { program.initial_refs(id) } else { expected };
    let holders = world.shared_holders(id, is_counted, program) + world.awaiting_chains(id, program);
    let handed_on = if is_counted { handed_on(world, program, id) } else { 0 };
    let reached = world.shared_holders(id, false, program) + around > 0 || is_reached_inside(world, program, id);
    Some(Account { counted, count, owned: expected + holders + handed_on, reached, is_bare })
}

/// Whether somebody outside points to what is inside of an object: `container_of()` leads back from there.
fn is_reached_inside<R: Runtime>(world: &World<R>, program: &Program, id: ObjId) -> bool {
    // Also the address of a word leads to the object that it is in.
    let is_inside = |other: ObjId| match program.slot_of(other) {
        None => program.root_of(other) == Some(id),
        Some(slot) => slot == id || program.root_of(slot) == Some(id),
    };
    let is_outside = |other: ObjId| other != id && !is_inside(other);
    let in_words = || {
        world.words().any(|(word, v)| match canonical(world, v.cell.peek()) {
            Value::Ref(h) if is_inside(h.obj) && h.generation != Handle::STALE => {
                program.slot_of(word).is_none_or(|slot| is_outside(slot) && world.object(slot).lives())
            }
            _ => false,
        })
    };
    let has = |o: &Object<R>, inside: ObjId| o.holds(inside) + o.lists(inside) > 0;
    let in_objects = |inside: ObjId| world.objects().any(|(other, o)| is_outside(other) && has(o, inside));
    let mut all = program.inside_of(id);
    let has_inside = all.next().is_some() || program.addresses_words() && program.is::<fixed::Slot>(id);
    has_inside && (in_words() || program.inside_of(id).any(in_objects))
}

/// The words that point to an object, own none of the references that were booked, and got the pointer from somebody
/// who had it from elsewhere: out of another word, off a list, as data. Its reference may have come with it.
fn handed_on<R: Runtime>(world: &World<R>, program: &Program, id: ObjId) -> u16 {
    let points = |word: &&ObjId| {
        let unowned = world.owns(**word) == Owns::Nothing;
        let value = canonical(world, world.var_value(**word));
        unowned && matches!(value, Value::Ref(h) if h.obj == id && h.generation != Handle::STALE)
    };
    program.handed_to.iter().filter(points).count() as u16
}

impl<R: Runtime> World<R> {
    /// How many references to an object shared memory holds: variables, reservations and lists. A variable that only
    /// points holds an object that has no count, and no reference.
    pub(crate) fn shared_holders(&self, id: ObjId, counted: bool, program: &Program) -> u16 {
        // An outdated reference is to an object that lived in the slot before.
        let owns = |word: ObjId, v: &Variable<R>| v.owns.get() != Owns::Nothing || program.is_own_word(word);
        // What a freed object still has in its fields is nobody's.
        let is_dead = |word: ObjId| program.slot_of(word).is_some_and(|slot| !self.object(slot).lives());
        let holds = |(word, v): &(ObjId, &Variable<R>)| match canonical(self, v.cell.peek()) {
            Value::Ref(h) if h.obj == id && h.generation != Handle::STALE => {
                (!counted || owns(*word, v)) && !is_dead(*word)
            }
            _ => false,
        };
        let in_vars = self.words().filter(holds);
        let in_lists: u16 = self.objects().map(|(_, o)| o.holds(id) + o.lists(id)).sum();
        in_vars.count() as u16 + in_lists
    }

    /// Whether a list has the object, or a callback's data is it.
    pub(crate) fn is_listed(&self, id: ObjId) -> bool {
        self.objects().any(|(_, o)| o.lists(id) > 0)
    }

    /// The references that the nodes of chains have to a fence because their callbacks are on it.
    pub(crate) fn awaiting_chains(&self, id: ObjId, program: &Program) -> u16 {
        let awaits = |f: &Fence<R>| f.queued_callbacks().filter(|cb| program.is_chain_callback(*cb)).count();
        self.get::<Fence<R>>(id).map_or(0, awaits) as u16
    }

    /// Whether no object has this one as its part.
    fn is_severed(&self, id: ObjId) -> bool {
        !self.objects().any(|(_, o)| o.has_part(id))
    }

    /// How many references to an object are left, and how many of them somebody has.
    pub fn references(&self, program: &Program, id: ObjId) -> Option<(u16, u16)> {
        account(self, program, id).map(|a| (a.count, a.owned))
    }

    /// What a thread has taken of an object and not dropped, as far as the books go.
    pub fn balance(&self, id: ObjId, t: crate::ThreadId) -> i8 {
        self.object(id).refs().map_or(0, |refs| refs.ledger().balance(t))
    }
}

/// References that are left at the end although nothing reachable holds them, with the thread that owes them.
pub(crate) fn leaks<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let main = program.main_thread();
    for (id, o) in world.objects() {
        // A part that nothing has any more, a list of fences that no reservation refers to, was to be freed after a
        // grace period.
        if o.is_part() && o.lives() && world.is_severed(id) {
            return Some(Violation::at_end(Property::LEAKED_OBJECT, main, id));
        }
        let Some(Account { counted, count, owned, reached, is_bare }) = account(world, program, id) else { continue };
        // Its release was called and freed nothing.
        if count == 0 && !is_bare {
            return Some(Violation::at_end(Property::LEAKED_OBJECT, main, id));
        }
        // What is pointed to is not lost while one reference is left: it may have come there by ways on which nobody
        // keeps count of owners (off a list, as data of a work item, stored in one place before the other is cleared).
        if count > owned.max(u16::from(reached)) {
            let other = counted.ledger().debtor();
            let leak = Violation::at_end(Property::LEAKED_REFERENCE, other.unwrap_or(main), id);
            return Some(Violation { other, ..leak });
        }
    }
    let rule = Rule::LEAK_IN_CIRCLE;
    in_circle(world, program).map(|id| Violation { rule: Some(rule), ..Violation::at_end(rule.property(), main, id) })
}

/// An object of a struct that lives, and that no way leads to from outside: what has it is had by it.
fn in_circle<R: Runtime>(world: &World<R>, program: &Program) -> Option<ObjId> {
    // What has no references, as a frame, is in no circle of them.
    let is_counted = |o: &Object<R>| o.generation().is_some() && o.refs().is_some();
    let is_live = |id: ObjId| is_counted(world.object(id)) && world.object(id).lives();
    let outermost = |id: ObjId| {
        let slot = program.slot_of(id).unwrap_or(id);
        program.root_of(slot).unwrap_or(slot)
    };
    let is_live = |id: ObjId| id.as_object().is_some() && is_live(id);
    // Each is a word's object, if the word is a field, and what the word points to.
    let pointers = || {
        (0..program.vars.len()).map(ObjId::var).filter_map(|word| match canonical(world, world.var_value(word)) {
            Value::Ref(h) if h.generation != Handle::STALE && is_live(outermost(h.obj)) => {
                Some((program.slot_of(word).map(outermost), outermost(h.obj)))
            }
            _ => None,
        })
    };
    if !pointers().any(|(slot, _)| slot.is_some_and(is_live)) {
        return None;
    }
    let slots = || world.objects().map(|(id, _)| id).filter(|id| is_live(*id) && outermost(*id) == *id);
    let mut reached = [false; MAX_OBJECTS];
    let at = |id: ObjId| id.as_object().unwrap_or_default();
    let is_listed = |id: &ObjId| world.is_listed(*id) || program.inside_of(*id).any(|inside| world.is_listed(inside));
    // What a reservation or a file has is not lost: a fence that is inside of it.
    let has =
        |id: ObjId| move |(other, o): (ObjId, &Object<R>)| o.holds(id) > 0 && !(o.is_part() && world.is_severed(other));
    let is_held = |id: &ObjId| program.inside_of(*id).chain([*id]).any(|inside| world.objects().any(has(inside)));
    slots().filter(|id| is_listed(id) || is_held(id)).for_each(|id| reached[at(id)] = true);
    loop {
        let from = |slot: Option<ObjId>| slot.is_none_or(|slot| reached[at(slot)]);
        let Some((_, next)) = pointers().find(|(slot, to)| from(*slot) && !reached[at(*to)]) else { break };
        reached[at(next)] = true;
    }
    slots().find(|id| !reached[at(*id)])
}

/// What is wrong with what is left when everything is over.
pub fn left_over<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    crate::fence::never_signals(world, program)
        .or_else(|| missing(world, program))
        .or_else(|| leaks(world, program))
        .or_else(|| crate::memory::left_over(world, program))
        .or_else(|| crate::dma::left_over(world, program))
}

/// A reference that a reservation or a file still has, and that is not counted any more: with its own, somebody has
/// dropped theirs. It shows in no step before they use it.
fn missing<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let owned = |other: ObjId| -> u16 {
        let of = |(id, o): (ObjId, &Object<R>)| if o.is_part() && world.is_severed(id) { 0 } else { o.holds(other) };
        world.objects().map(of).sum()
    };
    let short = |o: &Object<R>, id: ObjId| o.refs().is_some_and(|refs| refs.count() < owned(id));
    let (id, _) = world.objects().find(|(id, o)| short(o, *id))?;
    let (property, thread) = (Property::MISSING_REFERENCE, program.main_thread());
    Some(Violation::at_end(property, thread, id))
}
