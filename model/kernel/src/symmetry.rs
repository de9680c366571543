//! Threads that are alike: which permutations of a program's threads make it the same program.
//!
//! Threads are a *class* if their scripts do the same to the same objects, but for objects that each has of its own:
//! then any permutation of them, which takes what belongs to each along, turns executions into executions. States that
//! are one another's images are one *orbit*, and a search needs one of each.
//!
//! What is looked at is the program itself (`names`): scripts, declarations and conditions with everything that they
//! name. A class is given up unless the whole program says the same under each exchange of two of its threads. So
//! whatever tells threads apart (an expectation that names one, a place in a list that was declared, a number that is
//! another one) keeps them apart.
//!
//! `canonical` finds the same representative for every state of an orbit; `rename` makes one state of an orbit of
//! another.

mod automorphism;
mod canonical;
mod names;
mod rename;

pub use canonical::Canonical;
pub(crate) use rename::Renamer;
pub use rename::Renaming;

use crate::{MAX_THREADS, ObjId, ThreadId};

/// Threads that are alike, and what each has of its own, in the same order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Class {
    /// The threads, by their number.
    pub threads: Vec<ThreadId>,
    /// Of each, its own objects and words.
    pub own: Vec<Vec<ObjId>>,
}

/// Where an id stands among the classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    class: u8,
    /// Whose it is.
    thread: ThreadId,
    /// Which of his things it is, from 1 on; 0 is the thread itself.
    thing: u8,
}

/// The classes of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symmetry {
    classes: Vec<Class>,
    /// Where a thread stands among its class, and which that is.
    threads: [Option<(u8, u8)>; MAX_THREADS + 1],
    /// Where each object or word that belongs to a thread of a class stands, by its number.
    ids: Vec<Option<Place>>,
}

impl Symmetry {
    fn new(classes: Vec<Class>) -> Symmetry {
        let mut threads = [None; MAX_THREADS + 1];
        let mut ids = vec![None; ObjId::task(ThreadId(MAX_THREADS as u8)).index() + 1];
        for (at, class) in (0..).zip(&classes) {
            for (nth, (thread, own)) in (0..).zip(class.threads.iter().zip(&class.own)) {
                threads[thread.index()] = Some((at, nth));
                let things = (0..).zip([ObjId::task(*thread)].into_iter().chain(own.iter().copied()));
                for (thing, id) in things {
                    ids[id.index()] = Some(Place { class: at, thread: *thread, thing });
                }
            }
        }
        Symmetry { classes, threads, ids }
    }

    /// The classes, each of two threads at least.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// How many permutations there are.
    pub fn order(&self) -> u64 {
        self.classes.iter().flat_map(|c| 1..=c.threads.len() as u64).fold(1, u64::saturating_mul)
    }

    /// Whether a thread has others that are alike.
    pub fn has(&self, t: ThreadId) -> bool {
        self.threads[t.index()].is_some()
    }

    /// Whether an object or a word belongs to a thread that has others that are alike.
    pub fn has_own(&self, id: ObjId) -> bool {
        self.place(id).is_some()
    }

    fn place(&self, id: ObjId) -> Option<Place> {
        self.ids.get(id.index()).copied().flatten()
    }

    /// The thing of a thread that stands where this one does.
    fn thing_of(&self, place: Place, thread: ThreadId) -> ObjId {
        let Some((class, nth)) = self.threads[thread.index()] else { return ObjId::task(thread) };
        match place.thing.checked_sub(1) {
            None => ObjId::task(thread),
            Some(thing) => self.classes[usize::from(class)].own[usize::from(nth)][usize::from(thing)],
        }
    }

    /// The exchanges of two neighbours in each class: every permutation is made of those.
    pub fn exchanges(&self) -> Vec<Renaming> {
        let pairs = self.classes.iter().flat_map(|class| class.threads.windows(2));
        pairs.map(|pair| Renaming::exchange(pair[0], pair[1])).collect()
    }

    /// Every exchange of two threads of a class.
    pub fn all_exchanges(&self) -> Vec<Renaming> {
        let mut all = vec![];
        for class in &self.classes {
            for (at, a) in class.threads.iter().enumerate() {
                all.extend(class.threads[at + 1..].iter().map(|b| Renaming::exchange(*a, *b)));
            }
        }
        all
    }

    /// Whether a renaming exchanges only threads that are alike.
    pub fn exchanges_alike(&self, by: Renaming) -> bool {
        let class = |t: ThreadId| self.threads[t.index()].map(|(class, _)| class);
        let all = || (0..=MAX_THREADS as u8).map(ThreadId);
        let reached = all().fold(0u16, |set, t| set | 1 << by.thread(t).0);
        let stays = |t: ThreadId| by.thread(t) == t || class(t).is_some() && class(t) == class(by.thread(t));
        by == Renaming::IDENTITY || reached == u16::MAX && all().all(stays)
    }

    /// Every permutation, the identity first.
    pub fn permutations(&self) -> Vec<Renaming> {
        let mut all = vec![Renaming::IDENTITY];
        for class in &self.classes {
            let of_class = orders(&class.threads);
            let with = |order: &Vec<ThreadId>| Renaming::of(class.threads.iter().copied().zip(order.iter().copied()));
            let of_class: Vec<Renaming> = of_class.iter().map(with).collect();
            all = all.iter().flat_map(|one| of_class.iter().map(|then| one.then(*then))).collect();
        }
        all
    }
}

/// Every order of some threads, the given one first.
fn orders(threads: &[ThreadId]) -> Vec<Vec<ThreadId>> {
    if threads.len() < 2 {
        return vec![threads.to_vec()];
    }
    let mut all = vec![];
    for (at, first) in threads.iter().enumerate() {
        let mut rest = threads.to_vec();
        rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|order| [&[*first][..], &order].concat()));
    }
    all
}
