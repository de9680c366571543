//! Inputs: values that a scenario is swept over. `input n from=1 to=6` is a constant that has another value in each
//! *tuple*; a case of a scenario with inputs is a program for each tuple.
//!
//! What lives here: tuples, and a file that is lowered once for each of them. What must not: which values an input may
//! have (`lower::inputs`), running anything.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::{self, Replaced};
use crate::load::{Case, folder_of};
use crate::lower;
use crate::mistakes::{Mistakes, Report};

/// The value of an input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum InputValue {
    /// A number.
    Number(i64),
    /// One of some names, and the number that it stands for.
    Named(String, i64),
    /// The parts of a composition, in their order.
    Parts(Vec<i64>),
}

impl fmt::Display for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputValue::Number(number) => write!(f, "{number}"),
            InputValue::Named(name, _) => f.write_str(name),
            InputValue::Parts(parts) => {
                let parts: Vec<String> = parts.iter().map(i64::to_string).collect();
                f.write_str(&parts.join(","))
            }
        }
    }
}

/// A value for each input of a case, in the order of their declarations.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Tuple {
    pub(crate) values: Vec<(String, InputValue)>,
}

impl Tuple {
    /// Whether there are no inputs.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of an input.
    pub fn value(&self, name: &str) -> Option<&InputValue> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Every input with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &InputValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl fmt::Display for Tuple {
    /// `n=3 seg=1,2 place=apart`: as it is given on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&values.join(" "))
    }
}

/// Values that inputs must have, by name, as they are written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fixed(Vec<(String, String)>);

impl Fixed {
    /// `n=3`, or several of these with blanks between.
    ///
    /// # Errors
    ///
    /// What is none of that, in words.
    pub fn read(texts: &[String]) -> Result<Fixed, String> {
        let mut all: Vec<(String, String)> = vec![];
        for word in texts.iter().flat_map(|text| text.split_whitespace()) {
            match word.split_once('=') {
                Some((name, _)) if all.iter().any(|(known, _)| known == name) => {
                    return Err(format!("the input `{name}` is given twice"));
                }
                Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                    all.push((name.to_owned(), value.to_owned()));
                }
                _ => return Err(format!("`{word}` is not NAME=VALUE")),
            }
        }
        Ok(Fixed(all))
    }

    /// Whether an input may have this value.
    pub(crate) fn allows(&self, name: &str, value: &InputValue) -> bool {
        self.0.iter().all(|(known, said)| known != name || *said == value.to_string())
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first name that is none of these inputs.
    pub fn unknown<'a>(&'a self, known: &[String]) -> Option<&'a str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !known.iter().any(|input| input == name))
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&values.join(" "))
    }
}

/// The tuples of a case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tuples {
    /// The inputs, in the order of their declarations.
    pub names: Vec<String>,
    /// The tuples, smallest first: by the first input, then by the second, and so on.
    pub all: Vec<Tuple>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// A file that was read, to be lowered for one tuple after the other.
pub struct Swept {
    read: library::Read,
    /// The files, as mistakes show them.
    files: Mistakes,
    /// What the tuples of a scenario have in common, by its name, once somebody has asked; not if there is a mistake in
    /// it.
    wholes: Mutex<Vec<(String, Arc<lower::Whole>)>>,
}

impl Swept {
    /// Reads a text as if it were in that file, and what it uses.
    ///
    /// # Errors
    ///
    /// The mistakes of a text that is no well-formed file.
    pub fn read(path: &Path, source: &str) -> Result<Swept, Report> {
        Swept::read_replacing(path, source, None)
    }

    /// The same, with another text in the place of a library's.
    ///
    /// # Errors
    ///
    /// The mistakes of a text that is no well-formed file.
    pub fn read_replacing(path: &Path, source: &str, replaced: Option<Replaced<'_>>) -> Result<Swept, Report> {
        Swept::read_called(&path.display().to_string(), (path, source), replaced)
    }

    /// The same, told as `name`, wherever the file is.
    ///
    /// # Errors
    ///
    /// The mistakes of a text that is no well-formed file.
    pub fn read_called(
        name: &str,
        (path, source): (&Path, &str),
        replaced: Option<Replaced<'_>>,
    ) -> Result<Swept, Report> {
        let mut mistakes = Mistakes::new(name, source);
        let read = library::read_replacing(name, source, (Some(folder_of(path)), replaced), &mut mistakes);
        mistakes.end_of_syntax();
        let files = mistakes.anew();
        mistakes.into_result(Swept { read, files, wholes: Mutex::default() })
    }

    /// What it says, with what it uses.
    pub fn text(&self) -> &str {
        self.read.sources.text()
    }

    /// The tuples of a case, at most so many.
    ///
    /// # Errors
    ///
    /// What is wrong with the declarations of its inputs.
    pub fn tuples(&self, scenario: &str, case: Option<&str>, fixed: &Fixed, most: usize) -> Result<Tuples, Report> {
        let mut mistakes = self.files.anew();
        let whole = self.whole(scenario, &mut mistakes);
        let tuples = whole.map(|whole| lower::tuples((&self.read, &whole), case, (fixed, most), &mut mistakes));
        self.told(mistakes, tuples.unwrap_or_default())
    }

    /// The case with the values of a tuple.
    ///
    /// # Errors
    ///
    /// What is wrong with it for these values.
    pub fn case(&self, scenario: &str, case: Option<&str>, tuple: &Tuple) -> Result<Option<Case>, Report> {
        let mut mistakes = self.files.anew();
        let whole = self.whole(scenario, &mut mistakes);
        let lowered = whole.and_then(|whole| lower::case_of((&self.read, &whole), case, tuple, &mut mistakes));
        self.told(mistakes, lowered)
    }

    /// What is known of a scenario before a tuple is.
    fn whole(&self, scenario: &str, mistakes: &mut Mistakes) -> Option<Arc<lower::Whole>> {
        // Whoever panicked with the lock had not changed what is behind it.
        let mut wholes = self.wholes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = wholes.iter().find(|(name, _)| name == scenario) {
            return Some(Arc::clone(known));
        }
        let whole = Arc::new(lower::whole(&self.read, scenario, mistakes)?);
        if mistakes.is_empty() {
            wholes.push((scenario.to_owned(), Arc::clone(&whole)));
        }
        Some(whole)
    }

    fn told<T>(&self, mut mistakes: Mistakes, read: T) -> Result<T, Report> {
        mistakes.take_back_guesses();
        mistakes.tell_used(&self.read.libraries.used);
        mistakes.into_result(read)
    }
}
