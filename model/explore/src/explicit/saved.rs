//! A search as bytes, from which another one of the same program goes on: what was found so far, and what is still to
//! be expanded.
//!
//! Whoever keeps them says what program they are of ([`Keeper`]). Here stands only what a search must not believe
//! blindly: every length is held against what is left to read, every index against what it points into, and a sum over
//! everything stands at the end. What does not fit is an error in words, and nothing of it is used.

use super::orbits::Target;
use fenceweave_kernel::{
    Action, Code, Coder, Cover, Handle, ObjId, Outcome, Passed, Property, Renaming, Rule, ThreadId, Value, Violation,
    property::Form,
};
use std::io::{self, Read, Write};
use xxhash_rust::xxh3::Xxh3;

/// Who keeps what a search writes of itself.
pub trait Keeper: Sync {
    /// Whether it is time to write.
    fn is_due(&self) -> bool;

    /// Keeps what `write` writes. Somebody who cannot says so himself: the search goes on.
    fn keep(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>);
}

/// The number of this format: a file of another one is not read.
pub const FORMAT: u32 = 1;

/// The sum of some bytes, for who wants to know whether they are the same.
pub fn sum(bytes: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(bytes)
}

/// Bytes that are moved at once.
const BLOCK: usize = 64 << 10;

/// Writes numbers, and sums them up.
pub(super) struct Writer<'w> {
    to: &'w mut dyn Write,
    sum: Box<Xxh3>,
    block: Vec<u8>,
    rooms: bool,
}

impl<'w> Writer<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Writer<'w> {
        Writer { to, sum: Box::default(), block: Vec::with_capacity(BLOCK + 64), rooms: true }
    }

    /// One that leaves out how much room vectors have, which is no part of what was found.
    pub(super) fn without_rooms(to: &'w mut dyn Write) -> Writer<'w> {
        Writer { rooms: false, ..Writer::new(to) }
    }

    /// Room that something has, in elements.
    pub(super) fn room(&mut self, room: usize) -> io::Result<()> {
        self.put(&if self.rooms { room } else { 0 })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.block);
        self.to.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(BLOCK) {
            self.block.extend_from_slice(part);
            if self.block.len() >= BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn put<T: Saved>(&mut self, value: &T) -> io::Result<()> {
        value.save(self)
    }

    /// The sum, behind everything; it is the result, too.
    pub(super) fn end(mut self) -> io::Result<u128> {
        self.flush()?;
        let sum = self.sum.digest128();
        self.to.write_all(&sum.to_le_bytes())?;
        Ok(sum)
    }
}

/// What is wrong with bytes that are read.
pub(super) type Bad = String;

fn damaged(what: &str) -> Bad {
    format!("it is damaged ({what})")
}

/// Reads them again.
pub(super) struct Reader<'r> {
    from: &'r mut dyn Read,
    /// How many bytes there still are before the sum.
    left: u64,
    /// How much room a vector may have at most, in bytes.
    memory: u64,
    sum: Box<Xxh3>,
}

/// Bytes of the sum.
const SUM: u64 = 16;

impl<'r> Reader<'r> {
    /// So many bytes of a source, for a search that may take so much memory.
    pub(super) fn new(from: &'r mut dyn Read, length: u64, memory: u64) -> Result<Reader<'r>, Bad> {
        let left = length.checked_sub(SUM).ok_or_else(|| damaged("it ends too early"))?;
        Ok(Reader { from, left, memory, sum: Box::default() })
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), Bad> {
        let all = into.len() as u64;
        self.left = self.left.checked_sub(all).ok_or_else(|| damaged("it ends too early"))?;
        self.from.read_exact(into).map_err(|e| format!("it cannot be read: {e}"))?;
        self.sum.update(into);
        Ok(())
    }

    pub(super) fn get<T: Saved>(&mut self) -> Result<T, Bad> {
        T::load(self)
    }

    /// A length of what takes so many bytes each, at least: not more than there are.
    fn length(&mut self, each: usize) -> Result<usize, Bad> {
        let n: u64 = self.get()?;
        match n.checked_mul(each as u64) {
            Some(bytes) if bytes <= self.left => Ok(n as usize),
            _ => Err(damaged("a length")),
        }
    }

    /// Everything was read: whether it is what was written.
    pub(super) fn end(self) -> Result<(), Bad> {
        let mut sum = [0; SUM as usize];
        self.from.read_exact(&mut sum).map_err(|e| format!("it cannot be read: {e}"))?;
        match self.left == 0 && u128::from_le_bytes(sum) == self.sum.digest128() {
            true => Ok(()),
            false => Err(damaged("its sum")),
        }
    }
}

/// What can be written down and read again.
pub(super) trait Saved: Sized {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()>;
    fn load(from: &mut Reader<'_>) -> Result<Self, Bad>;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Saved for $number {
            fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
                to.bytes(&self.to_le_bytes())
            }

            fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
                let mut bytes = [0; size_of::<$number>()];
                from.fill(&mut bytes)?;
                Ok(<$number>::from_le_bytes(bytes))
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 u128);

impl Saved for usize {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&(*self as u64))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        usize::try_from(from.get::<u64>()?).map_err(|_| damaged("a number"))
    }
}

impl Saved for bool {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&u8::from(*self))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        match from.get::<u8>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(damaged("a truth value")),
        }
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&self.is_some())?;
        self.iter().try_for_each(|value| to.put(value))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let some: bool = from.get()?;
        some.then(|| from.get()).transpose()
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&self.len())?;
        self.iter().try_for_each(|value| to.put(value))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let n = from.length(1)?;
        // Whoever takes more room than bytes gets it as he comes.
        let mut all = Vec::with_capacity(n.min(BLOCK));
        for _ in 0..n {
            all.push(from.get()?);
        }
        Ok(all)
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&self.0)?;
        to.put(&self.1)
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        Ok((from.get()?, from.get()?))
    }
}

/// Numbers of which there are many: a vector with as much room as it had, so that a limit on memory falls where it
/// would have.
pub(super) trait Plain: Copy + Default {
    const SIZE: usize;
    fn write(self, to: &mut [u8]);
    fn read(from: &[u8]) -> Self;

    /// Writes many behind what is there.
    fn write_all(all: &[Self], to: &mut Vec<u8>) {
        let from = to.len();
        to.resize(from + all.len() * Self::SIZE, 0);
        to[from..].chunks_exact_mut(Self::SIZE).zip(all).for_each(|(bytes, value)| value.write(bytes));
    }

    /// Reads many, behind what is there.
    fn read_all(from: &[u8], to: &mut Vec<Self>) {
        to.extend(from.chunks_exact(Self::SIZE).map(Self::read));
    }
}

macro_rules! plain {
    ($($number:ty)*) => {$(
        impl Plain for $number {
            const SIZE: usize = size_of::<$number>();

            fn write(self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_le_bytes());
            }

            fn read(from: &[u8]) -> Self {
                from.try_into().map_or(0, <$number>::from_le_bytes)
            }
        }
    )*};
}

plain!(u8 u32 u64 u128);

pub(super) fn put_all<T: Plain>(to: &mut Writer<'_>, all: &Vec<T>) -> io::Result<()> {
    put_part(to, all, all.capacity())
}

/// A part of a vector, and the room that the whole has.
pub(super) fn put_part<T: Plain>(to: &mut Writer<'_>, all: &[T], room: usize) -> io::Result<()> {
    to.put(&all.len())?;
    to.room(room)?;
    let mut block = [0; 4096];
    for part in all.chunks(block.len() / T::SIZE) {
        for (value, bytes) in part.iter().zip(block.chunks_exact_mut(T::SIZE)) {
            value.write(bytes);
        }
        to.bytes(&block[..part.len() * T::SIZE])?;
    }
    Ok(())
}

pub(super) fn get_all<T: Plain>(from: &mut Reader<'_>) -> Result<Vec<T>, Bad> {
    let n = from.length(T::SIZE)?;
    let room: usize = from.get()?;
    let most = usize::try_from(from.memory).unwrap_or(usize::MAX) / T::SIZE;
    let room = room.clamp(n, n.max(most));
    let mut all = vec![];
    all.try_reserve_exact(room).map_err(|_| "there is not enough memory for it".to_owned())?;
    let (mut block, mut left) = ([0; 4096], n);
    while left > 0 {
        let part = left.min(block.len() / T::SIZE);
        from.fill(&mut block[..part * T::SIZE])?;
        all.extend(block[..part * T::SIZE].chunks_exact(T::SIZE).map(T::read));
        left -= part;
    }
    Ok(all)
}

/// Many bytes.
pub(super) fn put_block(to: &mut Writer<'_>, bytes: &[u8]) -> io::Result<()> {
    to.put(&bytes.len())?;
    to.bytes(bytes)
}

pub(super) fn get_block(from: &mut Reader<'_>) -> Result<Vec<u8>, Bad> {
    let mut bytes = vec![0; from.length(1)?];
    from.fill(&mut bytes)?;
    Ok(bytes)
}

impl Saved for ThreadId {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&self.0)
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let t: u8 = from.get()?;
        if t < 16 { Ok(ThreadId(t)) } else { Err(damaged("a thread")) }
    }
}

impl Saved for ObjId {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&self.number())
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        Ok(ObjId::numbered(from.get()?))
    }
}

impl Saved for Action {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&(self.thread, self.choice))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let (thread, choice) = from.get()?;
        Ok(Action { thread, choice })
    }
}

impl Plain for Renaming {
    const SIZE: usize = size_of::<u64>();

    fn write(self, to: &mut [u8]) {
        bits_of(self).write(to);
    }

    fn read(from: &[u8]) -> Self {
        renaming_of(u64::read(from))
    }
}

impl Saved for Renaming {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        let mut bytes = [0; <Renaming as Plain>::SIZE];
        self.write(&mut bytes);
        to.bytes(&bytes)
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let bits: u64 = from.get()?;
        Ok(Renaming::read(&bits.to_le_bytes()))
    }
}

/// Who each thread is, four bits each.
pub(super) fn bits_of(by: Renaming) -> u64 {
    (0..16).fold(0u64, |bits, t| bits | u64::from(by.thread(ThreadId(t)).0) << (4 * t))
}

/// The same again.
pub(super) fn renaming_of(bits: u64) -> Renaming {
    Renaming::of((0..16).map(|t| (ThreadId(t), ThreadId((bits >> (4 * t) & 15) as u8))))
}

impl Saved for Target {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&(self.state, self.by))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let (state, by) = from.get()?;
        Ok(Target { state, by })
    }
}

/// What is one of a list that is the same in every run of this program.
macro_rules! listed {
    ($($name:ident $what:literal)*) => {$(
        impl Saved for $name {
            fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
                let at = $name::ALL.iter().position(|one| one == self);
                to.put(&(at.unwrap_or(usize::MAX) as u16))
            }

            fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
                let at: u16 = from.get()?;
                $name::ALL.get(usize::from(at)).copied().ok_or_else(|| damaged($what))
            }
        }
    )*};
}

listed!(Property "a property" Rule "a rule" Form "a sentence");

impl Saved for Violation {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&(self.property, (self.thread, self.pc)))?;
        to.put(&(self.rule, self.form))?;
        to.put(&(self.object, (self.other, self.also)))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let (property, (thread, pc)) = from.get()?;
        let (rule, form) = from.get()?;
        let (object, (other, also)) = from.get()?;
        Ok(Violation { property, thread, pc, rule, object, other, also, form })
    }
}

/// A value, byte by byte, with handles as they are.
struct Values<'b, const READING: bool> {
    bytes: &'b mut Vec<u8>,
    at: usize,
    ended: bool,
}

impl<const READING: bool> Coder for Values<'_, READING> {
    const READING: bool = READING;

    fn byte(&mut self, v: &mut u8) {
        if !READING {
            return self.bytes.push(*v);
        }
        let next = self.bytes.get(self.at).copied();
        self.ended |= next.is_none();
        *v = next.unwrap_or_default();
        self.at += 1;
    }

    fn stamp(&mut self, _class: ObjId, v: &mut u16) {
        self.half(v);
    }

    fn handle(&mut self, v: &mut Handle) {
        let mut number = v.obj.number();
        self.half(&mut number);
        let mut generation = v.generation;
        self.byte(&mut generation);
        *v = Handle { obj: ObjId::numbered(number), generation };
    }
}

impl Saved for Value {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        let (mut value, mut bytes) = (*self, vec![]);
        value.code(&mut Values::<false> { bytes: &mut bytes, at: 0, ended: false });
        to.put(&bytes)
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let (mut value, mut bytes) = (Value::Unset, from.get::<Vec<u8>>()?);
        let all = bytes.len();
        let mut values = Values::<true> { bytes: &mut bytes, at: 0, ended: false };
        value.code(&mut values);
        if values.ended || values.at != all { Err(damaged("a value")) } else { Ok(value) }
    }
}

impl Saved for Outcome {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        match self {
            Outcome::Violated(v) => to.put(&(true, *v)),
            Outcome::Finished { locals, vars, warned } => {
                to.put(&false)?;
                to.put(locals)?;
                to.put(vars)?;
                to.put(warned)
            }
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        if from.get()? {
            return Ok(Outcome::Violated(from.get()?));
        }
        Ok(Outcome::Finished { locals: from.get()?, vars: from.get()?, warned: from.get()? })
    }
}

/// A cover of a program with so many scripts.
pub(super) fn put_cover(to: &mut Writer<'_>, cover: &Cover, scripts: usize) -> io::Result<()> {
    (0..scripts).flat_map(|at| cover.of(at)).try_for_each(|passed| to.put(&(passed.came, (passed.on, passed.over))))
}

pub(super) fn get_cover(from: &mut Reader<'_>, cover: &mut Cover, scripts: usize) -> Result<(), Bad> {
    for at in 0..scripts {
        for passed in cover.of_mut(at).into_iter().flatten() {
            let (came, (on, over)) = from.get()?;
            *passed = Passed { came, on, over };
        }
    }
    Ok(())
}

/// Whether what was read fits together.
pub(super) fn ensure(fits: bool, what: &str) -> Result<(), Bad> {
    if fits { Ok(()) } else { Err(damaged(what)) }
}
