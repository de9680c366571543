//! The canonical encoding: one description of each type serves writing and reading, so the two cannot differ.
//!
//! A state *is* its encoding: the explicit engine keeps only encodings of states that it has still to expand and
//! rebuilds the working form from them. Whatever a type forgets to code is therefore gone, not silently different:
//! two states with one encoding behave alike because they are the same bytes.
//!
//! Canonical means: live slots only, stamps as ranks, an outdated handle as one bit.

use crate::{
    MAX_OBJECTS, ObjId, ThreadId,
    ids::{CalleeId, ThreadQueue},
    value::{Handle, Value},
};

/// Writes or reads the fields of a type, in order. The same function drives both directions.
pub trait Coder {
    /// Whether fields are being read (overwritten) rather than written out.
    const READING: bool;
    /// A byte.
    fn byte(&mut self, v: &mut u8);
    /// A wait-wound stamp: written as its rank among the live stamps of its class.
    fn stamp(&mut self, class: ObjId, v: &mut u16);
    /// A handle: written as the slot and one bit that says whether it is outdated.
    fn handle(&mut self, v: &mut Handle);

    /// A thread's id.
    fn thread(&mut self, v: &mut ThreadId) {
        self.byte(&mut v.0);
    }

    /// A byte that has a thread's id and one above so many other bits, or nobody's.
    fn thread_above(&mut self, v: &mut u8, _bits: u32) {
        self.byte(v);
    }

    /// A set of threads, a bit each.
    fn thread_bits(&mut self, v: &mut u16) {
        self.half(v);
    }

    /// A word that has four bits of each thread, the first one's from this bit on.
    fn thread_nibbles(&mut self, v: &mut u64, _from: u32) {
        self.packed(v);
    }

    /// Threads in an order.
    fn queue(&mut self, v: &mut ThreadQueue) {
        self.packed(&mut v.0);
    }

    /// The id of an object, a word or a task.
    #[inline]
    fn id(&mut self, v: &mut ObjId)
    where
        Self: Sized,
    {
        let mut byte = v.to_byte();
        self.byte(&mut byte);
        if byte == ObjId::FOLLOWS {
            code_long(v, self);
        } else if Self::READING {
            *v = ObjId::from_byte(byte);
        }
    }

    /// A truth value.
    fn flag(&mut self, v: &mut bool) {
        let mut b = u8::from(*v);
        self.byte(&mut b);
        if Self::READING {
            *v = b != 0;
        }
    }

    /// A 16-bit number.
    fn half(&mut self, v: &mut u16) {
        let [mut a, mut b] = v.to_le_bytes();
        self.byte(&mut a);
        self.byte(&mut b);
        if Self::READING {
            *v = u16::from_le_bytes([a, b]);
        }
    }

    /// A 16-bit number that is nearly always small: a byte then.
    fn small(&mut self, v: &mut u16) {
        const LARGE: u8 = u8::MAX;
        let mut short = u8::try_from(*v).unwrap_or(LARGE);
        self.byte(&mut short);
        if short == LARGE {
            self.half(v);
        } else {
            *v = u16::from(short);
        }
    }

    /// A 32-bit word; one byte when small, because most are.
    fn word(&mut self, v: &mut i32) {
        const WIDE: u8 = 0x80;
        let mut short = match i8::try_from(*v) {
            Ok(s) if s as u8 != WIDE => s as u8,
            _ => WIDE,
        };
        self.byte(&mut short);
        if short != WIDE {
            *v = i32::from(short as i8);
            return;
        }
        let mut bytes = v.to_le_bytes();
        for b in &mut bytes {
            self.byte(b);
        }
        *v = i32::from_le_bytes(bytes);
    }

    /// A 64-bit word of packed nibbles; as many bytes as it has.
    fn packed(&mut self, v: &mut u64) {
        let mut n = (8 - v.leading_zeros() / 8) as u8;
        self.byte(&mut n);
        let mut bytes = if Self::READING { [0; 8] } else { v.to_le_bytes() };
        for b in &mut bytes[..usize::from(n)] {
            self.byte(b);
        }
        if Self::READING {
            *v = u64::from_le_bytes(bytes);
        }
    }

    /// A value.
    fn value(&mut self, v: &mut Value)
    where
        Self: Sized,
    {
        let mut tag = match v {
            Value::Unset => 0,
            Value::Word(_) => 1,
            Value::Null => 2,
            Value::Ref(_) => 3,
            Value::Cursor(_) => 4,
            Value::Unwrap(_) => 5,
            Value::Wide(_) => 6,
        };
        self.byte(&mut tag);
        match tag {
            0 => *v = Value::Unset,
            2 => *v = Value::Null,
            1 => {
                let mut w = v.word().unwrap_or(0);
                self.word(&mut w);
                *v = Value::Word(w);
            }
            4 => {
                let mut cursor = match v {
                    Value::Cursor(cursor) => *cursor,
                    _ => crate::registry::Cursor::new(ObjId::object(0), Default::default(), false),
                };
                cursor.code(self);
                *v = Value::Cursor(cursor);
            }
            5 => {
                let mut cursor = match v {
                    Value::Unwrap(cursor) => *cursor,
                    _ => crate::registry::Unwrap::default(),
                };
                cursor.code(self);
                *v = Value::Unwrap(cursor);
            }
            6 => {
                let mut bytes = match v {
                    Value::Wide(wide) => wide.to_bytes(),
                    _ => [0; 7],
                };
                bytes.iter_mut().for_each(|byte| self.byte(byte));
                *v = Value::Wide(crate::number::Wide::from_bytes(bytes));
            }
            _ => {
                let mut h = match v {
                    Value::Ref(h) => *h,
                    _ => Handle::NONE,
                };
                self.handle(&mut h);
                *v = Value::Ref(h);
            }
        }
    }
}

/// A type with a canonical encoding.
pub trait Code {
    /// Passes every live field through the coder, in a fixed order.
    fn code<C: Coder>(&mut self, c: &mut C);
}

/// Live stamps, gathered before a state is written.
#[derive(Clone, Default)]
pub(crate) struct Canon {
    stamps: Vec<(ObjId, u16)>,
    absolute: bool,
}

impl Canon {
    /// These, in the memory that is here.
    pub(crate) fn gather(&mut self, stamps: impl Iterator<Item = (ObjId, u16)>) {
        self.stamps.clear();
        self.stamps.extend(stamps);
    }

    /// Stamps as they are, for comparing one object with itself.
    pub(crate) fn absolute() -> Canon {
        Canon { absolute: true, ..Canon::default() }
    }

    /// Stamps of two classes are never compared, so the order between them is no part of a state.
    pub(crate) fn rank(&self, class: ObjId, s: u16) -> u16 {
        if self.absolute {
            return s;
        }
        self.stamps.iter().filter(|(c, x)| *c == class && *x < s).count() as u16
    }
}

/// A handle's byte that says that the slot's number follows.
const FAR: u8 = 0xfe;

/// Appends the encoding to a byte vector.
pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) canon: &'a Canon,
    /// The generation of every slot, by its place; behind [`MAX_OBJECTS`] those of words, if any has an address.
    pub(crate) generations: &'a [u8],
}

impl Coder for Writer<'_> {
    const READING: bool = false;

    fn byte(&mut self, v: &mut u8) {
        self.out.push(*v);
    }

    fn stamp(&mut self, class: ObjId, v: &mut u16) {
        self.out.push(self.canon.rank(class, *v) as u8);
    }

    fn handle(&mut self, v: &mut Handle) {
        self.handle_as(v, v.obj);
    }

    // What has several bytes is written at once: it is looked whether there is room for them once.

    fn half(&mut self, v: &mut u16) {
        self.out.extend_from_slice(&v.to_le_bytes());
    }

    fn packed(&mut self, v: &mut u64) {
        let n = 8 - v.leading_zeros() / 8;
        let all = u128::from(*v) << 8 | u128::from(n);
        let end = self.out.len() + 1 + n as usize;
        self.out.extend_from_slice(&all.to_le_bytes()[..9]);
        self.out.truncate(end);
    }
}

impl Writer<'_> {
    /// Whether a handle is outdated.
    pub(crate) fn is_stale(&self, v: Handle) -> bool {
        let place = v.obj.as_object().or(v.obj.as_var().map(|word| MAX_OBJECTS + word));
        place.and_then(|at| self.generations.get(at)) != Some(&v.generation)
    }

    /// A handle, by the name of another object.
    pub(crate) fn handle_as(&mut self, v: &Handle, name: ObjId) {
        let stale = u8::from(self.is_stale(*v));
        match u8::try_from(name.number()) {
            Ok(short) if short < FAR >> 1 => self.out.push(short << 1 | stale),
            _ => {
                self.out.push(FAR | stale);
                self.out.extend(name.number().to_le_bytes());
            }
        }
    }
}

/// Rebuilds values from an encoding. The bytes come from a [`Writer`] in this process, so they are well-formed.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl Coder for Reader<'_> {
    const READING: bool = true;

    fn byte(&mut self, v: &mut u8) {
        *v = self.bytes[self.at];
        self.at += 1;
    }

    fn stamp(&mut self, _class: ObjId, v: &mut u16) {
        let mut b = 0;
        self.byte(&mut b);
        *v = u16::from(b);
    }

    fn handle(&mut self, v: &mut Handle) {
        let mut b = 0;
        self.byte(&mut b);
        let generation = if b & 1 == 1 { Handle::STALE } else { 0 };
        let mut obj = ObjId::numbered(u16::from(b >> 1));
        if b & FAR == FAR {
            let mut number = 0;
            self.half(&mut number);
            obj = ObjId::numbered(number);
        }
        *v = Handle { obj, generation };
    }
}

/// Defines a fieldless enum of program points together with its encoding and the label of each point.
///
/// The label is what a trace shows for the step that leaves the point.
macro_rules! points {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $label:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        $vis enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            const ALL: &'static [$name] = &[$($name::$variant),*];

            /// What the step that leaves this point does, in the kernel's words.
            #[allow(dead_code, reason = "a loop around other machines shows their labels")]
            pub(crate) fn label(self) -> &'static str {
                match self { $($name::$variant => $label),* }
            }
        }

        impl $crate::coder::Code for $name {
            fn code<C: $crate::coder::Coder>(&mut self, c: &mut C) {
                let mut tag = *self as u8;
                c.byte(&mut tag);
                if C::READING {
                    *self = $name::ALL[usize::from(tag)];
                }
            }
        }
    };
}
pub(crate) use points;

/// Codes a struct field by field; the fields must be [`Code`].
macro_rules! fields {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::coder::Code for $name {
            fn code<C: $crate::coder::Coder>(&mut self, c: &mut C) {
                $(self.$field.code(c);)*
            }
        }
    };
}
pub(crate) use fields;

impl Code for u8 {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(self);
    }
}

impl Code for bool {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.flag(self);
    }
}

impl Code for u16 {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.half(self);
    }
}

impl Code for i32 {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.word(self);
    }
}

impl Code for Option<CalleeId> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut called = self.map_or(0, |callee| u16::from(callee.0) + 1);
        c.small(&mut called);
        *self = called.checked_sub(1).map(|callee| CalleeId(callee as u8));
    }
}

impl Code for Value {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.value(self);
    }
}

impl Code for Handle {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.handle(self);
    }
}

impl Code for ObjId {
    #[inline]
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.id(self);
    }
}

/// An id of a large program.
#[cold]
fn code_long<C: Coder>(id: &mut ObjId, c: &mut C) {
    let mut number = id.number();
    c.half(&mut number);
    *id = ObjId::numbered(number);
}

impl Code for Option<ObjId> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut id = self.unwrap_or(ObjId::NONE);
        id.code(c);
        if C::READING {
            *self = (id != ObjId::NONE).then_some(id);
        }
    }
}

impl Code for ThreadId {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.thread(self);
    }
}

impl Code for crate::ThreadSet {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.thread_bits(&mut self.0);
    }
}

impl Code for ThreadQueue {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.queue(self);
    }
}

/// An id or nothing in one byte: ids are small.
impl Code for Option<ThreadId> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut byte = self.map_or(0, |id| id.0 + 1);
        c.thread_above(&mut byte, 0);
        if C::READING {
            *self = byte.checked_sub(1).map(ThreadId);
        }
    }
}

impl Code for Option<Handle> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut some = self.is_some();
        c.flag(&mut some);
        if some {
            let mut h = self.unwrap_or_default();
            h.code(c);
            *self = Some(h);
        } else {
            *self = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(f: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = vec![];
        let mut w = Writer { out: &mut out, canon: &Canon::default(), generations: &[0, 3] };
        f(&mut w);
        out
    }

    #[test]
    fn words_of_every_size_come_back() {
        for w in [0, 1, -1, 127, -127, -128, 128, i32::MIN, i32::MAX, -35, 512] {
            let bytes = write(|c| c.word(&mut w.clone()));
            let mut back = 7;
            Reader { bytes: &bytes, at: 0 }.word(&mut back);
            assert_eq!(back, w);
        }
    }

    #[test]
    fn small_numbers_and_ids_of_every_size_come_back() {
        for n in [0, 1, 254, 255, 256, u16::MAX] {
            let bytes = write(|c| c.small(&mut n.clone()));
            assert_eq!(bytes.len() == 1, n < 255);
            let mut back = 7;
            Reader { bytes: &bytes, at: 0 }.small(&mut back);
            assert_eq!(back, n);
        }
        let places = [ObjId::object(3), ObjId::object(255), ObjId::var(141), ObjId::var(142), ObjId::var(511)];
        for id in places.into_iter().chain([ObjId::NONE, ObjId::task(crate::ThreadId(14))]) {
            let bytes = write(|c| id.clone().code(c));
            let mut back = ObjId::default();
            back.code(&mut Reader { bytes: &bytes, at: 0 });
            assert_eq!(back, id);
            let bytes = write(|c| Some(id).code(c));
            let mut back = None;
            back.code(&mut Reader { bytes: &bytes, at: 0 });
            assert_eq!(back, (id != ObjId::NONE).then_some(id));
            let mut handle = Handle { obj: id, generation: 0 };
            let bytes = write(|c| c.handle(&mut handle));
            let mut back = Handle::default();
            Reader { bytes: &bytes, at: 0 }.handle(&mut back);
            assert_eq!(back.obj, id);
        }
    }

    #[test]
    fn packed_words_come_back() {
        for v in [0u64, 1, 0xff, 0x100, u64::MAX, 0x1234_5678_9abc] {
            let bytes = write(|c| c.packed(&mut v.clone()));
            let mut back = u64::MAX;
            Reader { bytes: &bytes, at: 0 }.packed(&mut back);
            assert_eq!(back, v);
        }
    }

    #[test]
    fn every_outdated_handle_reads_back_as_the_same_stale_one() {
        let mut old = Value::Ref(Handle { obj: ObjId::numbered(1), generation: 2 });
        let mut older = Value::Ref(Handle { obj: ObjId::numbered(1), generation: 1 });
        let (a, b) = (write(|c| c.value(&mut old)), write(|c| c.value(&mut older)));
        assert_eq!(a, b);
        let mut back = Value::Unset;
        Reader { bytes: &a, at: 0 }.value(&mut back);
        assert_eq!(back, Value::Ref(Handle { obj: ObjId::numbered(1), generation: Handle::STALE }));
    }
}
