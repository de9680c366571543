//! Which rule was broken, of a property that stands for several.

use crate::{
    Property,
    property::{Aspect, Sentence},
};

/// What is said about a rule: a row of its protocol's table.
#[derive(Debug)]
pub(crate) struct RuleRow {
    /// Its place among all of them. A new one is the last.
    pub(crate) number: u8,
    /// The property that it belongs to.
    pub(crate) property: Property,
    /// What was done against it, in a few words.
    pub(crate) text: &'static str,
    /// What it is there for.
    pub(crate) why: &'static str,
    /// Who did what to whom.
    pub(crate) sentence: Sentence,
    /// What else.
    pub(crate) aspects: &'static [Aspect],
}

/// `number NAME of PROPERTY = "what was done", "what it is there for", Says("..."), is [Aspect];`: the last where it is
/// so.
macro_rules! rules {
    ($($number:literal $name:ident of $property:ident = $text:literal, $why:literal, $how:ident $(($told:tt))?
       $(, is [$($aspect:ident)*])?;)*) => {
        impl $crate::Rule {
            $(#[doc = $text] pub const $name: $crate::Rule = $crate::Rule::numbered($number);)*
        }

        pub(crate) const RULES: &[$crate::rule::RuleRow] = &[$($crate::rule::RuleRow {
            number: $number,
            property: $crate::Property::$property,
            text: $text,
            why: $why,
            sentence: $crate::property::sentence!($how $($told)?),
            aspects: &[$($($crate::property::Aspect::$aspect),*)?],
        }),*];
    };
}

pub(crate) use rules;

/// A rule of a property that stands for several. Each stands in its protocol's folder (`rules.rs`), and the registry
/// lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule(u8);

impl Rule {
    /// The one of that number.
    pub(crate) const fn numbered(number: u8) -> Rule {
        Rule(number)
    }

    /// Its place among all of them.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// The property that it belongs to.
    pub fn property(self) -> Property {
        self.row().property
    }

    /// What was done against it, in a few words.
    pub fn text(self) -> &'static str {
        self.row().text
    }

    /// What it is there for.
    pub fn why(self) -> &'static str {
        self.row().why
    }

    /// Who did what to whom, for the last line of a trace.
    pub fn sentence(self) -> Sentence {
        self.row().sentence
    }

    /// Whether the execution that shows it leads to the step and need not take it.
    pub fn is_to_come(self) -> bool {
        self.row().aspects.contains(&Aspect::ToCome)
    }

    /// Whether it is about all executions together.
    pub(crate) fn is_of_all_executions(self) -> bool {
        self.row().aspects.contains(&Aspect::AllExecutions)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_something_of_its_own() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(usize::from(rule.number()), i);
            assert!(!rule.why().is_empty());
            assert!(Rule::ALL[..i].iter().all(|other| other.text() != rule.text()), "{rule:?}");
        }
    }
}
