//! C's integer types, and the numbers that a value has room for.

use std::fmt;

/// A type of C's integers, as the kernel names them on a 64-bit machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[expect(missing_docs, reason = "the kernel's own names")]
pub enum Type {
    U8,
    U16,
    U32,
    U64,
    S32,
    /// What a word is that says nothing else.
    #[default]
    S64,
    Bool,
    /// An `int` that is an error number where it is negative.
    Errno,
    /// A type of the program's own, of which only who prints it knows more than that it is an integer.
    Named {
        /// Its place among the program's types.
        at: u8,
        /// It has negative numbers.
        signed: bool,
        /// It has 64 bits.
        long: bool,
    },
}

impl Type {
    /// The types by the names that a scenario uses; the first name of a type is the one that is printed.
    pub const NAMES: &'static [(&'static str, Type)] = &[
        ("u8", Type::U8),
        ("u16", Type::U16),
        ("u32", Type::U32),
        ("u64", Type::U64),
        ("s32", Type::S32),
        ("s64", Type::S64),
        ("size_t", Type::U64),
        ("bool", Type::Bool),
        ("errno", Type::Errno),
    ];

    /// The type of that name.
    pub fn named(name: &str) -> Option<Type> {
        Type::NAMES.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
    }

    /// Its name; of a type of the program's own, of the integer that it is.
    pub fn name(self) -> &'static str {
        let known = |ty: Type| Type::NAMES.iter().find(|(_, t)| *t == ty).map(|(n, _)| *n);
        known(self).or_else(|| known(self.integer())).unwrap_or("?")
    }

    /// The integer that C has for it.
    pub fn integer(self) -> Type {
        match self {
            Type::Errno | Type::Named { signed: true, long: false, .. } => Type::S32,
            Type::Named { signed: false, long: false, .. } => Type::U32,
            Type::Named { signed: true, long: true, .. } => Type::S64,
            Type::Named { signed: false, long: true, .. } => Type::U64,
            other => other,
        }
    }

    /// How many bits it has.
    pub fn bits(self) -> u32 {
        match self {
            Type::Bool => 1,
            Type::U8 => 8,
            Type::U16 => 16,
            Type::U32 | Type::S32 | Type::Errno | Type::Named { long: false, .. } => 32,
            Type::U64 | Type::S64 | Type::Named { long: true, .. } => 64,
        }
    }

    /// Whether it has negative numbers.
    pub fn is_signed(self) -> bool {
        matches!(self, Type::S32 | Type::S64 | Type::Errno | Type::Named { signed: true, .. })
    }

    /// C's conversion to the type: an unsigned one keeps the low bits, a signed one too (gcc), `bool` asks for zero.
    ///
    /// A `u64` is held by its bits: from 2^63 on as a negative `i64`.
    pub fn convert(self, n: i64) -> i64 {
        match self {
            Type::U8 => i64::from(n as u8),
            Type::U16 => i64::from(n as u16),
            Type::U32 => i64::from(n as u32),
            Type::S32 => i64::from(n as i32),
            Type::U64 | Type::S64 => n,
            Type::Bool => i64::from(n != 0),
            Type::Errno | Type::Named { .. } => self.integer().convert(n),
        }
    }

    /// The integer promotions: what is narrower than an `int` becomes one.
    pub fn promoted(self) -> Type {
        if self.bits() < 32 { Type::S32 } else { self.integer() }
    }

    /// The usual arithmetic conversions.
    pub fn common(self, other: Type) -> Type {
        let (a, b) = (self.promoted(), other.promoted());
        match a.bits().cmp(&b.bits()) {
            std::cmp::Ordering::Less => b,
            std::cmp::Ordering::Greater => a,
            std::cmp::Ordering::Equal if a.is_signed() => b,
            std::cmp::Ordering::Equal => a,
        }
    }

    /// What a number of the type is.
    pub fn exact(self, n: i64) -> i128 {
        if self.integer() == Type::U64 { i128::from(n as u64) } else { i128::from(n) }
    }

    /// The smallest and the largest number of the type.
    pub fn range(self) -> (i128, i128) {
        match self {
            Type::Bool => (0, 1),
            t if t.is_signed() => (-(1 << (t.bits() - 1)), (1 << (t.bits() - 1)) - 1),
            t => (0, (1 << t.bits()) - 1),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that does not fit in 32 bits with a sign, in seven bytes, so that a value stays one machine word: how it is
/// made of 48 bits, and these. What is of 64 bits and regular fits: addresses and sizes, a bit or a mask of any width,
/// and what is near the ends of `s64` and `u64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Wide {
    how: u8,
    bits: [u8; 6],
}

/// 48 bits with their sign, and nothing else.
const PLAIN: u8 = 0;
/// The smallest `i64` plus 48 bits.
const FROM_THE_END: u8 = 1;
/// Shifted to the left by `how - SHIFTED`.
const SHIFTED: u8 = 64;
/// The complement of what is shifted by `how - COMPLEMENT`.
const COMPLEMENT: u8 = 128;

impl Wide {
    /// The number, if there is room for it.
    pub(crate) fn new(n: i64) -> Option<Wide> {
        if let Some(bits) = low(n) {
            return Some(Wide { how: PLAIN, bits });
        }
        if let Some(bits) = low(n ^ i64::MIN) {
            return Some(Wide { how: FROM_THE_END, bits });
        }
        let shifted = |n: i64| low(n >> n.trailing_zeros()).map(|bits| (n.trailing_zeros() as u8, bits));
        if let Some((by, bits)) = shifted(n) {
            return Some(Wide { how: SHIFTED + by, bits });
        }
        shifted(!n).map(|(by, bits)| Wide { how: COMPLEMENT + by, bits })
    }

    /// What it is.
    pub(crate) fn number(self) -> i64 {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.bits);
        let n = i64::from_le_bytes(bytes) >> 16;
        match self.how {
            PLAIN => n,
            FROM_THE_END => n ^ i64::MIN,
            how if how >= COMPLEMENT => !(n << (how - COMPLEMENT)),
            how => n << (how - SHIFTED),
        }
    }

    /// Its seven bytes.
    pub(crate) fn to_bytes(self) -> [u8; 7] {
        let [a, b, c, d, e, f] = self.bits;
        [self.how, a, b, c, d, e, f]
    }

    /// What [`to_bytes`](Wide::to_bytes) made.
    pub(crate) fn from_bytes([how, bits @ ..]: [u8; 7]) -> Wide {
        Wide { how, bits }
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The low 48 bits, if the others are their sign.
fn low(n: i64) -> Option<[u8; 6]> {
    let [a, b, c, d, e, f, ..] = n.to_le_bytes();
    (n << 16 >> 16 == n).then_some([a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_regular_fits_and_comes_back() {
        let mut numbers = vec![i64::MAX, i64::MIN, i64::MAX - 5, i64::MIN + 5, -4097, 0xffff_8880_0000_1000u64 as i64];
        numbers.extend((0..64).flat_map(|bit| [1i64 << bit, !(1i64 << bit), (1i64 << bit).wrapping_sub(1)]));
        for n in numbers {
            let wide = Wide::new(n).unwrap_or_else(|| panic!("{n:#x}"));
            assert_eq!(wide.number(), n, "{n:#x}");
            assert_eq!(Wide::from_bytes(wide.to_bytes()), wide);
        }
        assert_eq!(Wide::new(0x1234_5678_9abc_def1), None);
    }

    #[test]
    fn conversions_are_those_of_c() {
        assert_eq!(Type::U8.convert(257), 1);
        assert_eq!(Type::U32.convert(-1), 0xffff_ffff);
        assert_eq!(Type::S32.convert(0xffff_ffff), -1);
        assert_eq!(Type::Bool.convert(256), 1);
        assert_eq!(Type::U64.exact(-1), i128::from(u64::MAX));
        let flags = Type::Named { at: 0, signed: false, long: false };
        assert_eq!((flags.convert(-1), flags.promoted(), Type::Errno.promoted()), (0xffff_ffff, Type::U32, Type::S32));
        for (a, b, both) in [
            (Type::U8, Type::U16, Type::S32),
            (Type::U32, Type::S32, Type::U32),
            (Type::U32, Type::S64, Type::S64),
            (Type::S64, Type::U64, Type::U64),
            (Type::Bool, Type::U64, Type::U64),
        ] {
            assert_eq!((a.common(b), b.common(a)), (both, both), "{a} {b}");
        }
    }
}
