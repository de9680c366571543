//! One name for all states of an orbit.
//!
//! A state is written down in pieces: one for each thread that has others that are alike, with what belongs to it, and
//! one for everything else. Where a piece names such a thread, only its class is written, and noted apart which it was.
//! So threads of a class have equal pieces if they are in the same situation, and sorting the pieces, each with the
//! places at which the others name its thread, says in which order the threads stand in the representative.
//!
//! What names whom among the threads themselves may still tell equal ones apart: then pieces are compared with what
//! they name in its place, again and again, and in the end all orders of what is left are tried, if they are few. Where
//! they are many, some order is taken: a state may then have a representative of its own, which only costs room.
//! Whatever order is taken, what is written *is* a state of the orbit.

use super::{Place, Renaming, Symmetry};
use crate::{
    Coder, MAX_THREADS, ObjId, Program, State, ThreadId, coder::Writer, ids::ThreadQueue, state::Part, value::Handle,
};

/// Most orders that are tried.
const MOST_ORDERS: usize = 720;
/// The piece of what belongs to nobody of a class.
const SHARED: usize = MAX_THREADS + 1;

/// A place in a piece at which a thread of a class is named.
#[derive(Clone, Copy)]
struct Mark {
    at: u32,
    thread: ThreadId,
    how: How,
}

/// How it is named there.
#[derive(Clone, Copy)]
enum How {
    /// By its number.
    Number,
    /// By a bit.
    Bit,
    /// By four bits from this one on, that are so much.
    Nibble(u8, u8),
    /// By what belongs to it.
    Thing(Place),
}

impl Mark {
    fn hash(self) -> u64 {
        let how = match self.how {
            How::Number => 1,
            How::Bit => 2,
            How::Nibble(_, n) => 3 + u64::from(n),
            How::Thing(place) => 32 + u64::from(place.thing),
        };
        mix(u64::from(self.at), how)
    }
}

#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

/// Finds the representatives of a program's states.
pub struct Canonical<'a> {
    symmetry: &'a Symmetry,
    pieces: Vec<Piece>,
    /// The parts of an encoding, each with the piece that it stands in.
    layout: Vec<(usize, usize)>,
    signs: [u64; MAX_THREADS + 1],
    out: Vec<u8>,
    other: Vec<u8>,
}

impl<'a> Canonical<'a> {
    /// For the states of the program that these are the classes of.
    pub fn new(symmetry: &'a Symmetry) -> Canonical<'a> {
        let pieces = (0..=SHARED).map(|_| Piece::default()).collect();
        Canonical { symmetry, pieces, layout: vec![], signs: [0; MAX_THREADS + 1], out: vec![], other: vec![] }
    }

    /// What the representative of the last state is known by: equal for two states if one is the other's image.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Finds the representative of a state; the result is who each thread is there.
    pub fn find(&mut self, program: &Program, state: &mut State) -> Renaming {
        self.write(program, state);
        let named = self.sign();
        let mut orders: Vec<Vec<ThreadId>> = self.symmetry.classes.iter().map(|c| c.threads.clone()).collect();
        for order in &mut orders {
            order.sort_by_key(|t| self.signs[t.index()]);
        }
        let ties = if named { self.ties(&orders) } else { vec![] };
        let mut best = self.renaming(&orders);
        let mut out = std::mem::take(&mut self.out);
        self.put_together(&orders, best, &mut out);
        if !ties.is_empty() {
            let mut other = std::mem::take(&mut self.other);
            for orders in all_orders(&orders, &ties) {
                let by = self.renaming(&orders);
                self.put_together(&orders, by, &mut other);
                if other < out {
                    std::mem::swap(&mut other, &mut out);
                    best = by;
                }
            }
            self.other = other;
        }
        self.out = out;
        best
    }

    /// Writes the pieces.
    fn write(&mut self, program: &Program, state: &mut State) {
        let Canonical { symmetry, pieces, layout, .. } = self;
        for piece in &mut *pieces {
            piece.bytes.clear();
            piece.marks.clear();
        }
        if layout.is_empty() {
            *layout = self::layout(program, state, symmetry);
        }
        let mut none = vec![];
        state.with_known(|state, canon, generations| {
            for (part, piece) in layout.iter() {
                let Piece { bytes, marks } = &mut pieces[*piece];
                let writer = Writer { out: &mut none, canon, generations };
                state.code_part(program, *part, &mut Signer { writer, symmetry, bytes, marks });
            }
        });
    }

    /// What tells the threads of a class apart; whether some of them name each other.
    fn sign(&mut self) -> bool {
        let Canonical { symmetry, pieces, signs, .. } = self;
        let threads = || symmetry.classes.iter().flat_map(|c| c.threads.iter().copied());
        let mut named = false;
        for t in threads() {
            let piece = &pieces[t.index()];
            named |= piece.marks.iter().any(|mark| mark.thread != t);
            // A set names several at one place, in no order.
            let marks = piece.marks.iter().map(|mark| mix(mark.hash(), 1 + u64::from(mark.thread == t)));
            signs[t.index()] = mix(hash_bytes(&piece.bytes), marks.fold(0, u64::wrapping_add));
        }
        for mark in &pieces[SHARED].marks {
            let sign = &mut signs[mark.thread.index()];
            *sign = mix(*sign, mark.hash());
        }
        if named {
            self.refine();
        }
        named
    }

    /// The same with who is named, until that tells no more of them apart.
    fn refine(&mut self) {
        let threads: Vec<ThreadId> = self.symmetry.classes.iter().flat_map(|c| c.threads.iter().copied()).collect();
        let mut known = self.distinct(&threads);
        while known < threads.len() {
            let before = self.signs;
            for t in &threads {
                // Whom it names, and who names it, in no order.
                let (mut names, mut by) = (0u64, 0u64);
                for from in &threads {
                    for mark in self.pieces[from.index()].marks.iter().filter(|m| m.thread != *from) {
                        if from == t {
                            names = names.wrapping_add(mix(mark.hash(), before[mark.thread.index()]));
                        } else if mark.thread == *t {
                            by = by.wrapping_add(mix(before[from.index()], mark.hash()));
                        }
                    }
                }
                self.signs[t.index()] = mix(mix(before[t.index()], names), by);
            }
            let now = self.distinct(&threads);
            if now <= known {
                return;
            }
            known = now;
        }
    }

    fn distinct(&self, threads: &[ThreadId]) -> usize {
        let mut all: Vec<u64> = threads.iter().map(|t| self.signs[t.index()]).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// The rows of threads of a class that nothing tells apart so far: class, first and how many.
    fn ties(&self, orders: &[Vec<ThreadId>]) -> Vec<(usize, usize, usize)> {
        let mut all = vec![];
        for (class, order) in orders.iter().enumerate() {
            let mut first = 0;
            for row in order.chunk_by(|a, b| self.signs[a.index()] == self.signs[b.index()]) {
                if row.len() > 1 {
                    all.push((class, first, row.len()));
                }
                first += row.len();
            }
        }
        let count = all.iter().flat_map(|(.., n)| 1..=*n).fold(1usize, usize::saturating_mul);
        if count > MOST_ORDERS { vec![] } else { all }
    }

    /// Who is who if the threads of the classes stand in this order.
    fn renaming(&self, orders: &[Vec<ThreadId>]) -> Renaming {
        let classes = self.symmetry.classes.iter().zip(orders);
        Renaming::of(classes.flat_map(|(class, order)| order.iter().copied().zip(class.threads.iter().copied())))
    }

    /// The pieces in an order, with the names that threads have there.
    fn put_together(&self, orders: &[Vec<ThreadId>], by: Renaming, out: &mut Vec<u8>) {
        out.clear();
        let pieces = std::iter::once(SHARED).chain(orders.iter().flatten().map(|t| t.index()));
        for piece in pieces.map(|at| &self.pieces[at]) {
            let from = out.len();
            out.extend_from_slice(&piece.bytes);
            for mark in &piece.marks {
                let (at, to) = (from + mark.at as usize, by.thread(mark.thread));
                match mark.how {
                    How::Number => out[at] = to.0,
                    How::Bit => {
                        let bit = (1u16 << to.0).to_le_bytes();
                        out[at] |= bit[0];
                        out[at + 1] |= bit[1];
                    }
                    How::Nibble(first, n) => {
                        let word = u64::from(n) << (u32::from(first) + 4 * u32::from(to.0));
                        out[at..at + 8].iter_mut().zip(word.to_le_bytes()).for_each(|(all, new)| *all |= new);
                    }
                    How::Thing(place) => {
                        let number = self.symmetry.thing_of(place, to).number().to_le_bytes();
                        out[at..at + 2].copy_from_slice(&number);
                    }
                }
            }
        }
    }
}

/// Every order that differs in rows that nothing tells apart.
fn all_orders(orders: &[Vec<ThreadId>], ties: &[(usize, usize, usize)]) -> Vec<Vec<Vec<ThreadId>>> {
    let mut all = vec![orders.to_vec()];
    for (class, first, len) in ties {
        let rows = super::orders(&orders[*class][*first..first + len]);
        let with = |one: &Vec<Vec<ThreadId>>| {
            let one = one.clone();
            rows.iter()
                .map(move |row| {
                    let mut one = one.clone();
                    one[*class][*first..first + len].copy_from_slice(row);
                    one
                })
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

fn mix(sign: u64, with: u64) -> u64 {
    let mixed = (sign ^ with).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let sign = chunks.by_ref().fold(bytes.len() as u64, |sign, chunk| mix(sign, word(chunk)));
    mix(sign, word(chunks.remainder()))
}

/// The parts of an encoding with the piece of each: first what is shared, then what belongs to each thread in the order
/// of its class.
fn layout(program: &Program, state: &State, symmetry: &Symmetry) -> Vec<(usize, usize)> {
    let parts: Vec<Part> = state.parts(program).collect();
    let is_shared = |part: &Part| match part {
        Part::Thread(t) => !symmetry.has(*t),
        Part::Id(id) => symmetry.place(*id).is_none(),
        Part::Rest => true,
    };
    let shared = parts.iter().enumerate().filter(|(_, part)| is_shared(part)).map(|(at, _)| (at, SHARED));
    let mut layout: Vec<(usize, usize)> = shared.collect();
    for class in &symmetry.classes {
        for (t, own) in class.threads.iter().zip(&class.own) {
            let own = own.iter().copied().chain([ObjId::task(*t)]).map(Part::Id).chain([Part::Thread(*t)]);
            let places = own.filter_map(|own| parts.iter().position(|part| *part == own));
            layout.extend(places.map(|at| (at, t.index())));
        }
    }
    layout
}

/// What stands for a thread of a class: its class, above all numbers of threads.
const CLASS: u8 = 0x80;
/// The same in an id: above all numbers of ids, and below it which thing it is.
const CLASS_OF_ID: u16 = 0x8000;

/// Writes the classes of threads in their place, and notes who they are.
struct Signer<'a> {
    /// What knows of stamps and of handles.
    writer: Writer<'a>,
    symmetry: &'a Symmetry,
    bytes: &'a mut Vec<u8>,
    marks: &'a mut Vec<Mark>,
}

impl Signer<'_> {
    fn mark(&mut self, thread: ThreadId, how: How) {
        self.marks.push(Mark { at: self.bytes.len() as u32, thread, how });
    }
}

impl Coder for Signer<'_> {
    const READING: bool = false;

    fn byte(&mut self, v: &mut u8) {
        self.bytes.push(*v);
    }

    fn stamp(&mut self, class: ObjId, v: &mut u16) {
        self.bytes.push(self.writer.canon.rank(class, *v) as u8);
    }

    fn handle(&mut self, v: &mut Handle) {
        self.id(&mut v.obj);
        self.bytes.push(u8::from(self.writer.is_stale(*v)));
    }

    fn thread(&mut self, v: &mut ThreadId) {
        let class = self.symmetry.threads.get(v.index()).copied().flatten();
        if let Some((class, _)) = class {
            self.mark(*v, How::Number);
            self.bytes.push(CLASS | class);
        } else {
            self.bytes.push(v.0);
        }
    }

    fn thread_above(&mut self, v: &mut u8, bits: u32) {
        let who = (*v >> bits).checked_sub(1);
        self.bytes.push(*v & ((1 << bits) - 1) | u8::from(who.is_some()) << bits);
        if let Some(t) = who {
            self.thread(&mut ThreadId(t));
        }
    }

    fn thread_bits(&mut self, v: &mut u16) {
        let mut others = *v;
        for t in (0..=MAX_THREADS as u8).map(ThreadId).filter(|t| *v >> t.0 & 1 == 1) {
            if self.symmetry.has(t) {
                self.mark(t, How::Bit);
                others &= !(1 << t.0);
            }
        }
        self.bytes.extend(others.to_le_bytes());
    }

    fn thread_nibbles(&mut self, v: &mut u64, from: u32) {
        let mut others = *v;
        for t in (0..=MAX_THREADS as u8).map(ThreadId).filter(|t| self.symmetry.has(*t)) {
            let at = from + 4 * u32::from(t.0);
            let n = (*v >> at & 15) as u8;
            if n > 0 {
                self.mark(t, How::Nibble(from as u8, n));
                others &= !(15 << at);
            }
        }
        self.bytes.extend(others.to_le_bytes());
    }

    fn queue(&mut self, v: &mut ThreadQueue) {
        self.bytes.push(v.len() as u8);
        v.iter().for_each(|mut t| self.thread(&mut t));
    }

    fn id(&mut self, v: &mut ObjId) {
        let number = match self.symmetry.place(*v) {
            Some(place) => {
                self.mark(place.thread, How::Thing(place));
                CLASS_OF_ID | u16::from(place.class) << 8 | u16::from(place.thing)
            }
            None => v.number(),
        };
        self.bytes.extend(number.to_le_bytes());
    }
}
