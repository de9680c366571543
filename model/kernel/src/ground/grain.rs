//! How fine the steps of a primitive are: an access each, or an operation.
//!
//! A primitive is a machine with a step for each access that others can see ([`granularity`](crate::granularity)). What
//! is looked for above it, in the drivers that use it, hardly ever hangs on what others do between two of them, and
//! every one of them multiplies the states. In *coarse* grain an operation runs on until it stands where its machine
//! says that it may be left alone (`Protocol::amid`), or until it cannot run on. So each coarse execution is a fine one
//! that leaves the operation alone less often: what it shows is real, and its trace is the fine one. What only the fine
//! grain has are races inside of a primitive. That nothing else is lost is a claim, and is checked: the outcomes of
//! both grains are held against each other on the shipped scenarios and on generated programs
//! (`fuzz/tests/laws/grain.rs`, `ci/grain`). What expectations look at in every state is seen in both.

use std::fmt;

/// Primitives whose steps have one grain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Family {
    /// Fences: what is done with one, waits, callbacks, and what is made of several.
    Fence,
    /// Reservations: room, adding, walks with and without the lock.
    Resv,
    /// Mutexes and ww mutexes, and what takes several of them.
    Mutex,
    /// Completions: who would only come to wait comes later.
    Completion,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] = [Family::Fence, Family::Resv, Family::Mutex, Family::Completion];

    /// The name that a scenario and the command line use.
    pub fn name(self) -> &'static str {
        ["fence", "resv", "mutex", "completion"][self as usize]
    }

    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|f| f.name() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Which families are coarse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Grain {
    coarse: u8,
}

impl Grain {
    /// None of them.
    pub const FINE: Grain = Grain { coarse: 0 };
    /// All of them.
    pub const COARSE: Grain = Grain { coarse: 15 };

    /// The same with one family fine.
    #[must_use]
    pub fn but(self, fine: Family) -> Grain {
        Grain { coarse: self.coarse & !fine.bit() }
    }

    /// Whether an operation of the family is one step or two.
    pub fn is_coarse(self, family: Family) -> bool {
        self.coarse & family.bit() != 0
    }

    /// Whether nothing is coarse.
    pub fn is_fine(self) -> bool {
        self == Grain::FINE
    }

    /// What somebody writes: `coarse`, `fine`, or `fine=` with the families that are fine, with `,` or blanks between.
    /// An error is the word that is none of it.
    ///
    /// # Errors
    ///
    /// The word that is no grain, or no family.
    pub fn parse(text: &str) -> Result<Grain, String> {
        match (text, text.strip_prefix("fine=")) {
            ("coarse", _) => Ok(Grain::COARSE),
            ("fine", _) => Ok(Grain::FINE),
            (_, Some(families)) => Grain::fine_only(families),
            _ => Err(text.to_owned()),
        }
    }

    /// Coarse but for the families that are named.
    ///
    /// # Errors
    ///
    /// The word that is no family.
    pub fn fine_only(families: &str) -> Result<Grain, String> {
        let words = families.split([',', ' ']).filter(|word| !word.is_empty());
        let mut grain = Grain::COARSE;
        for word in words {
            grain = grain.but(Family::from_name(word).ok_or_else(|| word.to_owned())?);
        }
        Ok(grain)
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fine: Vec<&str> = Family::ALL.into_iter().filter(|f| !self.is_coarse(*f)).map(Family::name).collect();
        match fine.len() {
            0 => f.write_str("coarse"),
            4 => f.write_str("fine"),
            _ => write!(f, "fine={}", fine.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, Grain};

    #[test]
    fn a_grain_is_read_as_it_is_written() {
        for grain in [Grain::COARSE, Grain::FINE, Grain::COARSE.but(Family::Fence), Grain::COARSE.but(Family::Resv)] {
            assert_eq!(Grain::parse(&grain.to_string()), Ok(grain));
        }
        assert_eq!(Grain::parse("fine=fence,resv,mutex,completion"), Ok(Grain::FINE));
        assert_eq!(Grain::parse("fine=fence,rsv"), Err("rsv".into()));
        assert_eq!(Grain::parse("middling"), Err("middling".into()));
    }
}
