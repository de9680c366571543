//! Schedules as one word: `C3G1C2=1@9c1e77`.
//!
//! ```text
//! token  = { run } [ "@" hash ]
//! run    = letter steps [ "=" choice ]      steps of one thread; the choice is that of the run's last step
//! hash   = 6 hexadecimal digits             of the program: a token of another program is refused
//! ```
//!
//! A thread's letter is the first letter of its name that no earlier thread has, else the next free one of the alphabet.
//! A step that could have gone several ways ends its run, so that its choice can be given. A token without hash, as one
//! writes by hand, is taken as it is.

use crate::replay::Replay;
use fenceweave_kernel::{Action, Program, Script, ThreadId};
use std::{
    fmt::{self, Write},
    ops::RangeInclusive,
};

/// Most steps of a token; more is a slip of the keyboard.
const MAX_STEPS: usize = 1_000_000;

/// The letter of each thread and agent, by its id.
pub fn letters(program: &Program) -> Vec<char> {
    let mut taken: Vec<char> = vec![];
    for script in &program.scripts {
        let own = script.name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase());
        let free = own.chain('A'..='Z').find(|c| !taken.contains(c));
        // A program has at most 15 threads, so a letter is always left.
        taken.push(free.unwrap_or('?'));
    }
    taken
}

/// The schedule as a token. Steps that the program cannot take are written without a choice unless they have one.
pub fn encode(program: &Program, steps: &[Action]) -> String {
    let letters = letters(program);
    let replay = Replay::new(program, steps);
    let mut out = String::new();
    let (mut at, mut run) = (0, 0);
    while at < steps.len() {
        let a = steps[at];
        run += 1;
        let choice = match replay.steps.get(at) {
            Some(step) => step.choice,
            None => (a.choice > 0).then_some(a.choice),
        };
        let ends = choice.is_some() || steps.get(at + 1).is_none_or(|next| next.thread != a.thread);
        if ends {
            let letter = letters.get(a.thread.index()).copied().unwrap_or('?');
            // Writing to a String cannot fail.
            let _ = write!(out, "{letter}{run}");
            let _ = choice.map(|c| write!(out, "={c}"));
            run = 0;
        }
        at += 1;
    }
    format!("{out}@{}", hash(program))
}

/// The schedule of a token.
///
/// # Errors
///
/// If it is not a token, names a thread that there is not, or belongs to another program. Whether its steps can be taken
/// is for a replay to find out.
pub fn decode(program: &Program, token: &str) -> Result<Vec<Action>, TokenError> {
    let token = token.trim();
    let (runs, given) = match token.split_once('@') {
        Some((runs, hash)) => (runs, Some(hash.trim())),
        None => (token, None),
    };
    let expected = hash(program);
    if let Some(given) = given
        && !given.eq_ignore_ascii_case(&expected)
    {
        return Err(TokenError::OtherProgram { given: given.into(), expected });
    }
    Parser { text: runs.trim_end(), at: 0 }.runs(&letters(program), program)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn runs(&mut self, letters: &[char], program: &Program) -> Result<Vec<Action>, TokenError> {
        let mut steps = vec![];
        while let Some(c) = self.text[self.at..].chars().next() {
            let start = self.at;
            if !c.is_ascii_alphabetic() {
                return Err(self.bad("a thread's letter"));
            }
            self.at += 1;
            let thread = letters.iter().position(|l| l.eq_ignore_ascii_case(&c));
            let thread = thread.ok_or_else(|| TokenError::UnknownThread {
                letter: c,
                position: start + 1,
                known: letters.iter().zip(&program.scripts).map(|(l, s)| (*l, s.name.clone())).collect(),
            })?;
            let n = self.number(1..=MAX_STEPS, "how many steps it takes, from 1")?;
            if steps.len() + n > MAX_STEPS {
                return Err(TokenError::TooLong { limit: MAX_STEPS });
            }
            let action = Action { thread: ThreadId(thread as u8), choice: 0 };
            steps.extend(std::iter::repeat_n(action, n));
            if self.text[self.at..].starts_with('=') {
                self.at += 1;
                let choice = self.number(0..=usize::from(u8::MAX), "a choice, from 0 to 255")? as u8;
                steps.last_mut().into_iter().for_each(|a: &mut Action| a.choice = choice);
            }
        }
        Ok(steps)
    }

    /// The number that stands here, if it is within the range.
    fn number(&mut self, range: RangeInclusive<usize>, expected: &'static str) -> Result<usize, TokenError> {
        let rest = &self.text[self.at..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let n = rest[..digits].parse().ok().filter(|n| range.contains(n)).ok_or_else(|| self.bad(expected))?;
        self.at += digits;
        Ok(n)
    }

    fn bad(&self, expected: &'static str) -> TokenError {
        let found = self.text[self.at..].chars().next();
        TokenError::Syntax { position: self.text[..self.at].chars().count() + 1, found, expected }
    }
}

/// Why a text is not a token of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenError {
    /// Something else was expected.
    Syntax {
        /// Which character, from 1.
        position: usize,
        /// What is there; nothing at the end.
        found: Option<char>,
        /// What should be there.
        expected: &'static str,
    },
    /// No thread has that letter.
    UnknownThread {
        /// The letter.
        letter: char,
        /// Which character, from 1.
        position: usize,
        /// The letters that there are, with the threads' names.
        known: Vec<(char, String)>,
    },
    /// The hash is another program's.
    OtherProgram {
        /// The token's.
        given: String,
        /// The program's.
        expected: String,
    },
    /// More steps than anybody takes.
    TooLong {
        /// The most.
        limit: usize,
    },
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Syntax { position, found: Some(c), expected } => {
                write!(f, "character {position} of the token is `{c}`; expected {expected}")
            }
            TokenError::Syntax { expected, .. } => write!(f, "the token ends too early; expected {expected}"),
            TokenError::UnknownThread { letter, position, known } => {
                let known: Vec<String> = known.iter().map(|(l, name)| format!("{l} = {name}")).collect();
                write!(f, "no thread has the letter `{letter}` (character {position}); there are {}", known.join(", "))
            }
            TokenError::OtherProgram { given, expected } => write!(
                f,
                "the token is for another program: its hash is `{given}`, this one's is `{expected}`; the scenario or \
                 its case has changed since"
            ),
            TokenError::TooLong { limit } => write!(f, "the token has more than {limit} steps"),
        }
    }
}

impl std::error::Error for TokenError {}

/// Six hexadecimal digits that tell a program from others: they change with its name, its declarations and its code,
/// and not with the lines at which that stands.
pub fn hash(program: &Program) -> String {
    let mut h = Fnv::new();
    let all = program.scripts.iter().chain([&program.setup, &program.teardown]);
    let code: Vec<_> = all.map(|Script { name, code, locals, agent, .. }| (name, code, locals, agent)).collect();
    let Program { name, objects, vars, structs, field_names, exprs, pool, .. } = program;
    // Writing to a hash cannot fail.
    let _ = write!(h, "{name:?}{objects:?}{vars:?}{structs:?}{field_names:?}{exprs:?}{pool:?}{code:?}");
    let folded = h.0 ^ h.0 >> 24 ^ h.0 >> 48;
    format!("{:06x}", folded & 0xff_ffff)
}

/// FNV-1a, 64 bits: the same on every machine and with every release of every library.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Fnv {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for b in s.bytes() {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
