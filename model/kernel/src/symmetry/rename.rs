//! One state of an orbit from another: threads that are alike in other places, and what belongs to them with them.

use super::Symmetry;
use crate::{
    Coder, MAX_THREADS, ObjId, Program, State, ThreadId, Violation, coder::Writer, ids::ThreadQueue, value::Handle,
};

/// A permutation of threads, those that are alike among each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Renaming(u64);

/// Four bits a thread: there are fifteen threads, and the one of setup and teardown.
const BITS: u32 = 4;
const _: () = assert!(MAX_THREADS < 1 << BITS);

impl Default for Renaming {
    fn default() -> Renaming {
        Renaming::IDENTITY
    }
}

impl Renaming {
    /// Everybody stays who he is.
    pub const IDENTITY: Renaming = Renaming(0xfedc_ba98_7654_3210);

    /// Who becomes whom; everybody else stays.
    pub fn of(pairs: impl IntoIterator<Item = (ThreadId, ThreadId)>) -> Renaming {
        pairs.into_iter().fold(Renaming::IDENTITY, |all, (from, to)| all.with(from, to))
    }

    /// Two threads in each other's place.
    pub fn exchange(a: ThreadId, b: ThreadId) -> Renaming {
        Renaming::of([(a, b), (b, a)])
    }

    fn with(self, from: ThreadId, to: ThreadId) -> Renaming {
        let at = BITS * u32::from(from.0);
        Renaming(self.0 & !(15 << at) | u64::from(to.0) << at)
    }

    /// Who a thread becomes.
    pub fn thread(self, t: ThreadId) -> ThreadId {
        ThreadId((self.0 >> (BITS * u32::from(t.0)) & 15) as u8)
    }

    /// This one, and then another.
    #[must_use]
    pub fn then(self, next: Renaming) -> Renaming {
        let all = (0..=MAX_THREADS as u8).map(ThreadId);
        Renaming::of(all.map(|t| (t, next.thread(self.thread(t)))))
    }

    /// The one that takes this one back.
    #[must_use]
    pub fn back(self) -> Renaming {
        let all = (0..=MAX_THREADS as u8).map(ThreadId);
        Renaming::of(all.map(|t| (self.thread(t), t)))
    }

    /// Who a set of threads becomes.
    pub(crate) fn bits(self, set: u16) -> u16 {
        let all = (0..16).filter(|t| set >> t & 1 == 1);
        all.fold(0, |to, t| to | 1 << self.thread(ThreadId(t)).0)
    }

    fn nibbles(self, v: u64, from: u32) -> u64 {
        let mut new = v & ((1 << from) - 1);
        for t in (0..=MAX_THREADS as u8).map(ThreadId) {
            let at = |t: ThreadId| from + BITS * u32::from(t.0);
            let (mask, to) = (15u64 << at(t), self.thread(t));
            new |= if at(to) >= at(t) { (v & mask) << (at(to) - at(t)) } else { (v & mask) >> (at(t) - at(to)) };
        }
        new
    }
}

impl Symmetry {
    /// What an object, a word or a task becomes.
    pub fn id(&self, by: Renaming, id: ObjId) -> ObjId {
        match self.place(id) {
            Some(place) => self.thing_of(place, by.thread(place.thread)),
            None => id,
        }
    }

    /// What a broken property becomes.
    pub fn violation(&self, by: Renaming, v: Violation) -> Violation {
        let id = |id: Option<ObjId>| id.map(|id| self.id(by, id));
        Violation {
            thread: by.thread(v.thread),
            other: v.other.map(|t| by.thread(t)),
            object: id(v.object),
            also: id(v.also),
            ..v
        }
    }

    /// Whether a broken property names more of who is alike than the thread that broke it: whom, may have been a
    /// matter of the order of threads.
    pub fn is_told_of_others(&self, v: Violation) -> bool {
        let other = v.other.is_some_and(|t| t != v.thread && self.has(t));
        other || [v.object, v.also].into_iter().flatten().any(|id| self.has_own(id))
    }

    /// Everything that a broken property becomes, with one permutation each that makes it that.
    pub fn violations(&self, v: Violation) -> Vec<(Violation, Renaming)> {
        let exchanges = self.exchanges();
        let (mut all, mut at) = (vec![(v, Renaming::IDENTITY)], 0);
        while let Some((v, by)) = all.get(at).copied() {
            at += 1;
            for exchange in &exchanges {
                let new = self.violation(*exchange, v);
                if all.iter().all(|(known, _)| *known != new) {
                    all.push((new, by.then(*exchange)));
                }
            }
        }
        all
    }

    /// Makes `to` the image of a state.
    pub fn rename(&self, program: &Program, from: &mut State, by: Renaming, to: &mut State) {
        let mut bytes = vec![];
        from.encode_image(program, self, by, &mut bytes);
        to.decode(program, &bytes);
    }
}

/// Writes with other names.
pub(crate) struct Renamer<'a> {
    pub(crate) to: Writer<'a>,
    pub(crate) symmetry: &'a Symmetry,
    pub(crate) by: Renaming,
}

impl Coder for Renamer<'_> {
    const READING: bool = false;

    fn byte(&mut self, v: &mut u8) {
        self.to.byte(v);
    }

    fn stamp(&mut self, class: ObjId, v: &mut u16) {
        self.to.stamp(class, v);
    }

    fn handle(&mut self, v: &mut Handle) {
        self.to.handle_as(v, self.symmetry.id(self.by, v.obj));
    }

    fn thread(&mut self, v: &mut ThreadId) {
        self.to.thread(&mut self.by.thread(*v));
    }

    fn thread_above(&mut self, v: &mut u8, bits: u32) {
        let mut new = *v;
        if let Some(t) = (*v >> bits).checked_sub(1) {
            new = (self.by.thread(ThreadId(t)).0 + 1) << bits | *v & ((1 << bits) - 1);
        }
        self.to.thread_above(&mut new, bits);
    }

    fn thread_bits(&mut self, v: &mut u16) {
        self.to.thread_bits(&mut self.by.bits(*v));
    }

    fn thread_nibbles(&mut self, v: &mut u64, from: u32) {
        self.to.thread_nibbles(&mut self.by.nibbles(*v, from), from);
    }

    fn queue(&mut self, v: &mut ThreadQueue) {
        let mut new = ThreadQueue::default();
        v.iter().for_each(|t| new.push(self.by.thread(t)));
        self.to.queue(&mut new);
    }

    fn id(&mut self, v: &mut ObjId) {
        self.to.id(&mut self.symmetry.id(self.by, *v));
    }
}
