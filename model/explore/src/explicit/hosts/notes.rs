//! What was seen in one state, on its way to the first process.
//!
//! Most states show nothing that is not known: then nothing is sent. What is sent names no state, since whoever takes
//! it in knows which one it is about.

use crate::explicit::{
    chunk::{Glimpse, Notes},
    depend::Dependencies,
    orbits::Target,
    saved::{self, Bad, Reader, Writer},
    shape::Shape,
    usage::Usage,
};
use fenceweave_kernel::{Action, Outcome, Renaming, Violation};
use std::{collections::BTreeSet, io};

/// What was told of each condition: that it was true, and false, somewhere.
pub(super) type Told = Vec<(bool, bool)>;

/// Leaves out what was told already: where a condition was first seen so is what matters.
pub(super) fn forget_told(notes: &mut Notes, told: &mut Told) {
    for (glimpse, (seen_true, seen_false)) in notes.glimpses.iter_mut().zip(told) {
        let news = |seen: &mut Option<Target>, known: &mut bool| {
            if std::mem::replace(known, *known || seen.is_some()) {
                *seen = None;
            }
        };
        news(&mut glimpse.seen_true, seen_true);
        news(&mut glimpse.seen_false, seen_false);
    }
}

fn says_something(glimpse: &Glimpse) -> bool {
    let Glimpse { seen_true, seen_false, failed, mixed, marked, last: _ } = glimpse;
    seen_true.is_some() || seen_false.is_some() || *failed || *mixed || !marked.is_empty()
}

/// Whether there is anything to tell.
pub(super) fn is_empty(notes: &Notes) -> bool {
    let Notes { terminals, good, cut, warned, violations, outcomes, unsignaled, .. } = notes;
    *terminals == 0
        && good.is_empty()
        && cut.is_empty()
        && warned.is_empty()
        && violations.is_empty()
        && outcomes.is_empty()
        && unsignaled.is_empty()
        && notes.overflow.is_none()
        && notes.depend.is_none()
        && notes.usage.is_none()
        && notes.named.is_empty()
        && !notes.unfit
        && !notes.uneven
        && !notes.glimpses.iter().any(says_something)
}

/// Writes them down; a step that names somebody goes with the state that it begins in.
pub(super) fn put(to: &mut Writer<'_>, notes: &Notes, encoding: &[u8]) -> io::Result<()> {
    to.put(&((notes.terminals, notes.overflow), (notes.unfit, notes.uneven)))?;
    to.put(&(!notes.good.is_empty(), (!notes.cut.is_empty(), !notes.warned.is_empty())))?;
    let violations: Vec<(Violation, Renaming)> = notes.violations.iter().map(|(v, at)| (*v, at.by)).collect();
    to.put(&violations)?;
    to.put(&notes.outcomes)?;
    to.put(&notes.unsignaled.iter().copied().collect::<Vec<_>>())?;
    let named: Vec<(Action, Violation)> = notes.named.iter().map(|(_, action, v)| (*action, *v)).collect();
    to.put(&named)?;
    if !named.is_empty() {
        saved::put_block(to, encoding)?;
    }
    let by = |seen: &Option<Target>| seen.map(|at| at.by);
    for glimpse in &notes.glimpses {
        to.put(&says_something(glimpse))?;
        if says_something(glimpse) {
            to.put(&((by(&glimpse.seen_true), by(&glimpse.seen_false)), !glimpse.marked.is_empty()))?;
            to.put(&(glimpse.failed, glimpse.mixed))?;
        }
    }
    to.put(&(notes.depend.is_some(), notes.usage.is_some()))?;
    notes.depend.iter().try_for_each(|depend| depend.save(to))?;
    notes.usage.iter().try_for_each(|usage| usage.save(to))
}

/// Reads them again, as notes of a state of this number; with them the state's encoding if somebody is named.
pub(super) fn get(
    from: &mut Reader<'_>,
    shape: Shape<'_>,
    conditions: usize,
    state: u32,
) -> Result<(Notes, Vec<u8>), Bad> {
    let program = shape.program;
    let at = |by: Renaming| Target { state, by };
    let of = |yes: bool| if yes { vec![state] } else { vec![] };
    let ((terminals, overflow), (unfit, uneven)) = from.get()?;
    let (good, (cut, warned)) = from.get()?;
    let violations: Vec<(Violation, Renaming)> = from.get()?;
    let outcomes: Vec<Outcome> = from.get()?;
    let unsignaled: BTreeSet<_> = from.get::<Vec<_>>()?.into_iter().collect();
    let named: Vec<(Action, Violation)> = from.get()?;
    let encoding = if named.is_empty() { vec![] } else { saved::get_block(from)? };
    let mut glimpses = vec![];
    for _ in 0..conditions {
        let mut glimpse = Glimpse::default();
        if from.get()? {
            let ((seen_true, seen_false), marked): ((Option<Renaming>, Option<Renaming>), bool) = from.get()?;
            (glimpse.seen_true, glimpse.seen_false) = (seen_true.map(at), seen_false.map(at));
            glimpse.marked = of(marked);
            (glimpse.failed, glimpse.mixed) = from.get()?;
        }
        glimpses.push(glimpse);
    }
    let (has_depend, has_usage): (bool, bool) = from.get()?;
    let mut depend = Dependencies::new(program).filter(|_| has_depend).map(Box::new);
    depend.iter_mut().try_for_each(|depend| depend.load(from, state + 1, shape))?;
    let mut usage = Usage::new(program).filter(|_| has_usage);
    usage.iter_mut().try_for_each(|usage| usage.load(from, state + 1, shape))?;
    let notes = Notes {
        cover: None,
        terminals,
        good: of(good),
        cut: of(cut),
        warned: of(warned),
        violations: violations.into_iter().map(|(v, by)| (v, at(by))).collect(),
        outcomes,
        unsignaled,
        overflow,
        glimpses,
        depend,
        usage,
        named: named.into_iter().map(|(action, v)| (0, action, v)).collect(),
        unfit,
        uneven,
    };
    fits(&notes, shape)?;
    Ok((notes, encoding))
}

/// Whether they tell of what the program has.
fn fits(notes: &Notes, shape: Shape<'_>) -> Result<(), Bad> {
    let Notes { violations, outcomes, named, glimpses, unsignaled, overflow, .. } = notes;
    violations.iter().try_for_each(|(v, target)| {
        shape.violation(*v)?;
        shape.renaming(target.by)
    })?;
    outcomes.iter().try_for_each(|outcome| shape.outcome(outcome))?;
    named.iter().try_for_each(|(_, action, v)| {
        shape.action(*action)?;
        shape.violation(*v)
    })?;
    let targets = glimpses.iter().flat_map(|glimpse| [glimpse.seen_true, glimpse.seen_false]);
    targets.flatten().try_for_each(|target| shape.renaming(target.by))?;
    unsignaled.iter().try_for_each(|id| shape.object(*id))?;
    overflow.map_or(Ok(()), |v| shape.violation(v))
}
