//! The canonical encoding of a state, whole or from what a step has touched.
//!
//! An encoding is a row of *parts*: objects, variables, tasks, threads, and whether a property was broken. A step
//! touches few of them, so the encoding of a successor is that of its predecessor with some parts replaced. Two things
//! reach beyond their own part (the rank of a stamp, whether a handle is outdated); when they change, everything is
//! written anew. Debug builds compare each encoding made in parts with the whole one.

use super::State;
use crate::{
    Code, Coder, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, ObjSet, Program, Property, Rule, Script, Thread, ThreadId,
    Violation,
    coder::{Canon, Reader, Writer},
    property::Form,
    symmetry::{Renamer, Renaming, Symmetry},
    world::Moves,
};

/// An encoding that remembers where its parts end.
#[derive(Clone, Default)]
pub struct Encoding {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    whole: Gathered,
}

/// Whose a part is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// An object's, a word's or a task's.
    Id(ObjId),
    /// What a thread is about to do.
    Thread(ThreadId),
    /// Nobody's.
    Rest,
}

/// What the writer of a part must know about the whole state.
#[derive(Clone, Default)]
pub(super) struct Gathered {
    canon: Canon,
    generations: Vec<u8>,
}

impl Encoding {
    /// The bytes: the identity of the state.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn start(&self, part: usize) -> usize {
        part.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }
}

/// How many bytes two encodings have in common at their beginning.
#[inline]
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let ((words, rest), (others, _)) = (a.as_chunks::<8>(), b.as_chunks());
    for (at, (word, other)) in words.iter().zip(others).enumerate() {
        let differ = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return 8 * at + differ.trailing_zeros() as usize / 8;
        }
    }
    let same = 8 * words.len().min(others.len());
    let rest = if words.len() > others.len() { &a[same..] } else { rest };
    same + rest.iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

impl State {
    /// Appends the canonical encoding.
    pub fn encode(&mut self, program: &Program, out: &mut Vec<u8>) {
        let gathered = self.gather();
        let mut w = Writer { out, canon: &gathered.canon, generations: &gathered.generations };
        for part in 0..self.part_count(program) {
            self.code_part(program, part, &mut w);
        }
        self.gathered = gathered;
    }

    /// Appends the canonical encoding of the image of this state.
    pub fn encode_image(&mut self, program: &Program, symmetry: &Symmetry, by: Renaming, out: &mut Vec<u8>) {
        let gathered = self.gather();
        let to = Writer { out, canon: &gathered.canon, generations: &gathered.generations };
        let mut w = Renamer { to, symmetry, by };
        let back = by.back();
        for part in 0..self.part_count(program) {
            let before = self.part_before(program, symmetry, back, part);
            self.code_part(program, before, &mut w);
        }
        self.gathered = gathered;
    }

    /// Which part stands in the place of another before it is renamed.
    fn part_before(&self, program: &Program, symmetry: &Symmetry, back: Renaming, part: usize) -> usize {
        let in_world = self.world.part_count();
        match part.checked_sub(in_world) {
            None => self.world.part_of(symmetry.id(back, self.world.id_of_part(part))),
            Some(t) if t < program.scripts.len() => in_world + back.thread(ThreadId(t as u8)).index(),
            Some(_) => part,
        }
    }

    /// Whose each part is.
    pub(crate) fn parts(&self, program: &Program) -> impl Iterator<Item = Part> {
        let (in_world, threads) = (self.world.part_count(), program.scripts.len());
        (0..self.part_count(program)).map(move |part| match part.checked_sub(in_world) {
            None => Part::Id(self.world.id_of_part(part)),
            Some(t) if t < threads => Part::Thread(ThreadId(t as u8)),
            Some(_) => Part::Rest,
        })
    }

    /// Does this with what the writer of a part must know.
    pub(crate) fn with_known(&mut self, what: impl FnOnce(&mut State, &Canon, &[u8])) {
        let gathered = self.gather();
        what(self, &gathered.canon, &gathered.generations);
        self.gathered = gathered;
    }

    /// What the writer of a part must know about this state, in memory that is to be given back.
    fn gather(&mut self) -> Gathered {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.world.canon(&mut gathered.canon);
        self.world.generations(&mut gathered.generations);
        gathered
    }

    /// Numbers stamps and generations anew, as small as they can be, in the thread that runs alone too. An encoding
    /// knows stamps by their order and generations by whether they are outdated, so this is the same state.
    pub(super) fn renumber(&mut self, program: &Program, alone: Option<(&mut Thread, &Script)>) {
        let Gathered { canon, generations } = self.gather();
        let mut out = vec![];
        self.encode(program, &mut out);
        let whole = out.len();
        if let Some((thread, script)) = alone {
            thread.code_with(&mut Writer { out: &mut out, canon: &canon, generations: &generations }, script);
            thread.code_with(&mut Reader { bytes: &out, at: whole }, script);
        }
        self.decode(program, &out[..whole]);
    }

    /// Rebuilds the state that an encoding of this program stands for.
    pub fn decode(&mut self, program: &Program, bytes: &[u8]) {
        self.decode_parts(program, bytes, &mut Encoding::default());
    }

    /// Like [`decode`](State::decode), and notes the parts for [`encode_successor`](State::encode_successor).
    ///
    /// `parts` is either empty or what the last call noted about *this* state, unchanged since: a part whose bytes
    /// stand there again need not be read again, because reading is a function of the bytes.
    pub fn decode_parts(&mut self, program: &Program, bytes: &[u8], parts: &mut Encoding) {
        let known = !parts.ends.is_empty();
        let same = if known { common_prefix(&parts.bytes, bytes) } else { 0 };
        // Whole parts in what the two have in common stay as they are.
        let first = parts.ends.partition_point(|end| *end as usize <= same);
        let from = parts.start(first);
        let mut r = Reader { bytes, at: from };
        let (mut part, mut moved) = (first, !known);
        while part < self.part_count(program) {
            let before = self.world.rank_of_part(part);
            self.code_part(program, part, &mut r);
            moved |= before != self.world.rank_of_part(part);
            if !known {
                parts.ends.push(r.at as u32);
                part += 1;
                continue;
            }
            let mut old_from = std::mem::replace(&mut parts.ends[part], r.at as u32) as usize;
            part += 1;
            // Those behind it that have the same bytes again.
            let same = old_from + common_prefix(&parts.bytes[old_from..], &bytes[r.at..]);
            while let Some(end) = parts.ends.get_mut(part).filter(|end| **end as usize <= same) {
                r.at += *end as usize - old_from;
                old_from = std::mem::replace(end, r.at as u32) as usize;
                part += 1;
            }
        }
        parts.bytes.truncate(from);
        parts.bytes.extend_from_slice(&bytes[from..]);
        if moved {
            self.world.restore_class_counters();
            self.world.canon(&mut parts.whole.canon);
            self.world.generations(&mut parts.whole.generations);
        }
        debug_assert_eq!(r.at, bytes.len(), "[internal bug] an encoding was not read to its end");
        if cfg!(debug_assertions) {
            let mut again = vec![];
            self.encode(program, &mut again);
            assert_eq!(again, bytes, "[internal bug] a decoded state has another encoding");
        }
    }

    /// Appends the encoding of this state, which one step of `thread` made from `before`, whose encoding is `parts`.
    #[inline]
    pub fn encode_successor(
        &mut self,
        program: &Program,
        (before, parts): (&State, &Encoding),
        (thread, touched): (ThreadId, ObjSet),
        out: &mut Vec<u8>,
    ) {
        let from = out.len();
        let mut moves = Moves::Nothing;
        let mut dirty = Parts::default();
        self.world.each_member(touched, |id| {
            moves = moves.max(self.world.moves_others(&before.world, id));
            dirty.insert(self.world.part_of(id));
        });
        if moves == Moves::Everything || self.violation.is_some() {
            return self.encode(program, out);
        }
        dirty.insert(self.world.part_count() + thread.index());
        let mut now = std::mem::take(&mut self.gathered.canon);
        if moves == Moves::Contexts {
            self.world.canon(&mut now);
            self.world.contexts().for_each(|part| dirty.insert(part));
        }
        let Gathered { canon, generations } = &parts.whole;
        let mut w = Writer { out, canon: if moves == Moves::Contexts { &now } else { canon }, generations };
        let mut clean_from = 0;
        dirty.each(self.part_count(program), |part| {
            w.out.extend_from_slice(&parts.bytes[clean_from..parts.start(part)]);
            self.code_part(program, part, &mut w);
            clean_from = parts.ends[part] as usize;
        });
        w.out.extend_from_slice(&parts.bytes[clean_from..]);
        self.gathered.canon = now;
        if cfg!(debug_assertions) {
            let mut whole = vec![];
            self.encode(program, &mut whole);
            assert_eq!(out[from..], whole, "[internal bug] the encoding in parts differs from the whole");
        }
    }

    /// Takes back a step of `thread` that made this state from `before`.
    #[inline]
    pub fn restore(&mut self, before: &State, (thread, touched): (ThreadId, ObjSet)) {
        before.world.each_member(touched, |id| self.world.copy_one(&before.world, id));
        self.threads[thread.index()].copy_live(&before.threads[thread.index()]);
        self.violation = before.violation;
    }

    fn part_count(&self, program: &Program) -> usize {
        self.world.part_count() + program.scripts.len() + 1
    }

    pub(crate) fn code_part<C: Coder>(&mut self, program: &Program, part: usize, c: &mut C) {
        let in_world = self.world.part_count();
        match part.checked_sub(in_world) {
            None => self.world.code_part(part, c),
            Some(t) if t < program.scripts.len() => {
                self.threads[t].code_with(c, &program.scripts[t]);
            }
            Some(_) => self.code_violation(c),
        }
    }

    /// A violating step leads to a state of its own: the violation is part of the encoding.
    fn code_violation<C: Coder>(&mut self, c: &mut C) {
        let mut some = self.violation.is_some();
        c.flag(&mut some);
        if !some {
            self.violation = None;
            return;
        }
        let blank = Violation::new(Property::ASSERT, ThreadId(0), 0);
        let v = self.violation.get_or_insert(blank);
        let mut property = v.property.number();
        c.byte(&mut property);
        v.property = Property::ALL[usize::from(property)];
        // 0 is none.
        let mut rule = v.rule.map_or(0, |r| r.number() + 1);
        c.byte(&mut rule);
        v.rule = usize::from(rule).checked_sub(1).map(|r| Rule::ALL[r]);
        v.thread.code(c);
        v.pc.code(c);
        v.object.code(c);
        v.other.code(c);
        v.also.code(c);
        let mut form = v.form.map_or(0, |f| f.number() + 1);
        c.byte(&mut form);
        v.form = form.checked_sub(1).map(Form::numbered);
    }
}

/// Most parts that an encoding has.
const MAX_PARTS: usize = MAX_OBJECTS + MAX_VARS + 2 * MAX_THREADS + 1;

/// A set of parts.
#[derive(Default)]
struct Parts([u64; MAX_PARTS.div_ceil(64)]);

impl Parts {
    fn insert(&mut self, part: usize) {
        self.0[part / 64] |= 1 << (part % 64);
    }

    /// Does this with each member, lowest first, of an encoding that has so many parts.
    #[inline]
    fn each(&self, parts: usize, mut what: impl FnMut(usize)) {
        for at in 0..parts.div_ceil(64) {
            let mut rest = self.0[at];
            while rest != 0 {
                what(at * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }
}
