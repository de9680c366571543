//! What must always hold, by name, and the values that say it did not.

pub(crate) mod general;

use crate::{ObjId, Rule, ThreadId};

/// The sentence that a trace ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sentence {
    /// These words, with what stands for each [`Blank`] in them, in braces.
    Says(&'static str),
    /// It takes more than that: what happened before, or what is held.
    Told(Tale),
    /// Who, on what, where, against whom.
    InGeneral,
}

macro_rules! blanks {
    ($($(#[$doc:meta])* $blank:ident $name:literal;)*) => {
        /// What may stand in the words of a sentence.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Blank { $($(#[$doc])* $blank),* }

        impl Blank {
            /// The one of that name.
            pub fn named(name: &str) -> Option<Blank> {
                match name {
                    $($name => Some(Blank::$blank),)*
                    _ => None,
                }
            }
        }
    };
}

blanks! {
    /// Who did it.
    Who "who";
    /// To what.
    What "what";
    /// The other object concerned.
    Also "also";
    /// The other thread concerned, or somebody.
    Other "other";
    /// The same, or nobody.
    Holder "holder";
    /// The place in the scenario, in brackets.
    Place "place";
    /// The place of the other thread, if it is at the same object.
    There "there";
    /// What the signalling section is for.
    Section "section";
    /// The lock that a context met -EDEADLK on.
    Contended "contended";
}

/// The earlier step that has to do with a broken property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Earlier {
    /// It was freed, or released.
    Freed,
    /// It lost its last reference.
    LastReference,
    /// The thread dropped the reference that was its own.
    OwnReference,
    /// It was signalled.
    Signalled,
    /// The thread took it.
    Taken,
    /// The thread's entry was queued on it.
    Queued,
    /// The thread released it.
    Released,
    /// The thread took the reference that is left.
    Kept,
    /// The page table was made to lead there.
    Mapped,
}

/// Sentences that take more than words: whoever tells them must know each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tale {
    /// Who can never go on.
    Stuck,
    /// Who sleeps, and nobody will wake it.
    NobodyWakes,
    /// Who goes round, or waits, for ever.
    Endless,
    /// Who does so while others get on.
    Starved,
    /// A fence stays pending.
    NeverSignals,
    /// A reservation loses a fence.
    DependencyLost,
    /// A reservation's lock is not held.
    ResvNotHeld,
    /// Whose references are left.
    Leaked,
    /// Whose references are not there.
    Missing,
    /// Interrupts had to stay off.
    IrqsEnabledEarly,
    /// What makes the context atomic.
    SleepInAtomic,
    /// Which callee may sleep.
    CallbackSleeps,
    /// A lock, or user memory, in a signalling section.
    LockInSignalling,
    /// What was never set.
    UnsetRead,
    /// What is of another kind, or no number.
    WrongKind,
    /// The author's own words.
    Asserted,
    /// The author's own words, of what is true.
    Warned,
    /// Which function, with which result, and which lock.
    Returned,
    /// Which numbers, in which type.
    Arithmetic,
    /// Which error.
    ErrorPointer,
    /// Which array.
    OutOfBounds,
    /// Both sides of a race.
    DataRace,
    /// Which locks a context still has.
    HoldsAtFini,
    /// Which slot of which table, and whose that is.
    SlotOfGone,
    /// Which slot of which table.
    NullSlot,
    /// Which slot was called so, and by whom.
    SlotCalled,
    /// What fills which slot and returned so.
    SlotReturned,
}

/// What else is to be known of a property or a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aspect {
    /// It is about more than one execution that ends: about what never happens, and so broken by one that goes on for
    /// ever, or about all executions together.
    Liveness,
    /// It is about all executions together, and no one shows it.
    AllExecutions,
    /// Judging it takes one order of all accesses.
    OneOrder,
    /// It is seen when everything is over, so that no step breaks it.
    AtEnd,
    /// Nobody gets on any more.
    Stuck,
    /// Nobody can run any more.
    NobodyRuns,
    /// The execution that shows it leads to the step and need not take it.
    ToCome,
    /// Somebody waits for himself, or all for each other.
    Deadlock,
    /// Scripts that keep to the rules may break it all the same: they signal on some ways only, and wait for fences
    /// with any locks held.
    BesideRules,
}

/// What is said about a property: a row of its protocol's table.
#[derive(Debug)]
pub(crate) struct Law {
    /// Its place among all of them: they are told in this order. A new one is the last.
    pub(crate) number: u8,
    /// The name that a scenario's `violates` uses.
    pub(crate) name: &'static str,
    /// What is wrong when it is violated, in a line.
    pub(crate) meaning: &'static str,
    /// Where the rule comes from.
    pub(crate) origin: &'static str,
    /// Who did what to whom.
    pub(crate) sentence: Sentence,
    /// Which earlier step made it wrong.
    pub(crate) since: &'static [Earlier],
    /// What else.
    pub(crate) aspects: &'static [Aspect],
}

/// The words of a row for its sentence.
macro_rules! sentence {
    (Says $words:literal) => {
        $crate::property::Sentence::Says($words)
    };
    (Told $tale:ident) => {
        $crate::property::Sentence::Told($crate::property::Tale::$tale)
    };
    (InGeneral) => {
        $crate::property::Sentence::InGeneral
    };
}

/// `number NAME = "name", "meaning", "origin", Says("..."), since Earlier, is [Aspect];`: the last two where they are
/// so.
macro_rules! properties {
    ($($number:literal $name:ident = $word:literal, $meaning:literal, $origin:literal, $how:ident $(($told:tt))?
       $(, since $earlier:ident)? $(, is [$($aspect:ident)*])?;)*) => {
        impl $crate::Property {
            $(#[doc = $meaning] pub const $name: $crate::Property = $crate::Property::numbered($number);)*
        }

        pub(crate) const PROPERTIES: &[$crate::property::Law] = &[$($crate::property::Law {
            number: $number,
            name: $word,
            meaning: $meaning,
            origin: $origin,
            sentence: $crate::property::sentence!($how $($told)?),
            since: &[$($crate::property::Earlier::$earlier)?],
            aspects: &[$($($crate::property::Aspect::$aspect),*)?],
        }),*];
    };
}

pub(crate) use {properties, sentence};

/// A built-in property. All are on for every scenario. Each stands in its protocol's folder (`rules.rs`), and the
/// registry lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Property(u8);

impl Property {
    /// The one of that number.
    pub(crate) const fn numbered(number: u8) -> Property {
        Property(number)
    }

    /// Its place among all of them.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// The name that a scenario's `violates` uses.
    pub fn name(self) -> &'static str {
        self.law().name
    }

    /// What is wrong when it is violated, in a line.
    pub fn meaning(self) -> &'static str {
        self.law().meaning
    }

    /// Where the rule comes from.
    pub fn origin(self) -> &'static str {
        self.law().origin
    }

    /// Who did what to whom, for the last line of a trace.
    pub fn sentence(self) -> Sentence {
        self.law().sentence
    }

    /// Which earlier step made it wrong, if that is worth a line.
    pub fn since(self) -> Option<Earlier> {
        self.law().since.first().copied()
    }

    fn is(self, aspect: Aspect) -> bool {
        self.law().aspects.contains(&aspect)
    }

    /// Whether it is about more than one execution that ends: about what never happens, and so broken by one that goes
    /// on for ever, or about all executions together. The engine that keeps the whole graph looks for it.
    pub fn is_liveness(self) -> bool {
        self.is(Aspect::Liveness)
    }

    /// Whether judging it takes one order of all accesses: where a reader may see them late, nobody can say what was
    /// there at a time.
    pub fn needs_one_order(self) -> bool {
        self.is(Aspect::OneOrder)
    }

    /// Whether it is seen when everything is over, so that no step breaks it.
    pub fn is_seen_at_end(self) -> bool {
        self.is(Aspect::AtEnd)
    }

    /// Whether nobody gets on any more.
    pub fn is_stuck(self) -> bool {
        self.is(Aspect::Stuck)
    }

    /// Whether nobody can run any more, so that the execution is at its end.
    pub fn is_standstill(self) -> bool {
        self.is(Aspect::NobodyRuns)
    }

    /// Whether somebody waits for himself, or all for each other.
    pub fn is_deadlock(self) -> bool {
        self.is(Aspect::Deadlock)
    }

    /// Whether scripts that keep to the rules keep it.
    pub fn is_kept_by_discipline(self) -> bool {
        !self.is(Aspect::BesideRules)
    }

    /// Whether some rule of it is about all executions together ([`Violation::is_of_all_executions`]).
    pub fn has_rule_of_all_executions(self) -> bool {
        Rule::ALL.iter().any(|rule| rule.property() == self && rule.is_of_all_executions())
    }

    /// The property of that name.
    pub fn from_name(name: &str) -> Option<Property> {
        Property::ALL.iter().copied().find(|p| p.name() == name)
    }
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A property broken by a step. It ends that execution; the search goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Violation {
    /// Which property.
    pub property: Property,
    /// Whose step it was. For a deadlock, the first thread that waits.
    pub thread: ThreadId,
    /// The instruction in the thread's script.
    pub pc: u16,
    /// Which rule of it, if it stands for several.
    pub rule: Option<Rule>,
    /// The object concerned, if there is one.
    pub object: Option<ObjId>,
    /// Another thread concerned: the owner of a leaked reference, of a lock, …
    pub other: Option<ThreadId>,
    /// Another object concerned.
    pub also: Option<ObjId>,
    /// The sentence that tells it, if it is not the rule's or the property's.
    pub form: Option<Form>,
}

/// A sentence of its own for some of the ways to break a property. Each stands beside it, in the same folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Form(u8);

impl Form {
    /// The one of that number.
    pub(crate) const fn numbered(number: u8) -> Form {
        Form(number)
    }

    /// Its place among all of them.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

/// A row of the table of forms.
#[derive(Debug)]
pub(crate) struct FormRow {
    pub(crate) number: u8,
    pub(crate) words: &'static str,
}

/// `number NAME "words";`
macro_rules! forms {
    ($($number:literal $name:ident $words:literal;)*) => {
        impl $crate::property::Form {
            $(#[doc = $words] pub(crate) const $name: $crate::property::Form = $crate::property::Form::numbered($number);)*
        }

        pub(crate) const FORMS: &[$crate::property::FormRow] =
            &[$($crate::property::FormRow { number: $number, words: $words }),*];
    };
}

pub(crate) use forms;

impl Violation {
    /// Whether it is about all executions together, and no one shows it: the engine that keeps the whole graph finds
    /// it.
    pub fn is_of_all_executions(&self) -> bool {
        self.property.is(Aspect::AllExecutions) || self.rule.is_some_and(Rule::is_of_all_executions)
    }

    /// One that concerns nobody else.
    pub fn new(property: Property, thread: ThreadId, pc: u16) -> Violation {
        Violation { property, thread, pc, rule: None, object: None, other: None, also: None, form: None }
    }

    /// What is seen of an object when everything is over: nobody's step.
    pub(crate) fn at_end(property: Property, thread: ThreadId, object: ObjId) -> Violation {
        Violation { object: Some(object), ..Violation::new(property, thread, 0) }
    }

    /// Who did what to whom, for the last line of a trace.
    pub fn sentence(&self) -> Sentence {
        match (self.form, self.rule) {
            (Some(form), _) => Sentence::Says(form.words()),
            (None, Some(rule)) => rule.sentence(),
            (None, None) => self.property.sentence(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_sentence_have_known_places_only() {
        let rules = Rule::ALL.iter().map(|r| r.sentence());
        let forms = Form::ALL.iter().map(|f| Sentence::Says(f.words()));
        for sentence in Property::ALL.iter().map(|p| p.sentence()).chain(rules).chain(forms) {
            let Sentence::Says(words) = sentence else { continue };
            for part in words.split('{').skip(1) {
                let name = part.split_once('}').unwrap_or_else(|| panic!("`{{` without `}}` in {words}")).0;
                assert!(Blank::named(name).is_some(), "nobody fills in `{name}` of {words}");
            }
            assert!(words.contains("{who}") || words.contains("{what}"), "{words}");
        }
    }

    #[test]
    fn names_are_unique_and_resolve() {
        for p in Property::ALL {
            assert_eq!(Property::from_name(p.name()), Some(*p));
            assert!(!p.meaning().is_empty() && !p.origin().is_empty());
        }
    }
}
