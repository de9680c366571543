//! Schedules as one word: `C3G1C2=1@9c1e77`.
//!
//! ```text
//! token  = [ "~" ] { run } [ "@" hash [ ":" grain ] ]
//!                                           "~": of an execution on weak memory
//! run    = letter steps [ "=" choice ] [ "~" ages ]
//!                                           steps of one thread; choice and ages are those of the run's last step
//! ages   = age { "." age }                  for each read of that step, how many stores back it goes
//! hash   = 6 hexadecimal digits             of the program: a token of another program is refused
//! grain  = coarse | fine=FAMILY,…           in which it was found, if not in fine; its steps are those of fine grain
//! ```
//!
//! A thread's letter is the first letter of its name that no earlier thread has, else the next free one of the
//! alphabet. A step that could have gone several ways ends its run, so that its choice can be given. A token without
//! hash, as one writes by hand, is taken as it is.

use crate::replay::Replay;
use fenceweave_explore::{Stale, Stored, Trace};
use fenceweave_kernel::{Action, Grain, Program, Script, ThreadId};
use std::{
    fmt::{self, Write},
    ops::RangeInclusive,
};

/// Most steps of a token; more is a slip of the keyboard.
const MAX_STEPS: usize = 1_000_000;
/// Most reads of one step, and most stores that one goes back.
const MAX_READS: u8 = 63;
const MAX_AGE: u8 = 63;

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

/// A schedule on sequentially consistent memory as a token.
pub fn encode(program: &Program, steps: &[Action]) -> String {
    of_trace(program, &Trace::of(steps.to_vec()))
}

/// A trace as a token. Steps that the program cannot take are written without a choice unless they have one.
pub fn of_trace(program: &Program, trace: &Trace) -> String {
    let (letters, steps) = (letters(program), &trace.steps);
    let replay = Replay::of(program, trace);
    let mut out = String::from(if trace.weak.is_some() { "~" } else { "" });
    let (mut at, mut run) = (0, 0);
    while at < steps.len() {
        let a = steps[at];
        run += 1;
        let choice = match replay.steps.get(at) {
            Some(step) => step.choice,
            None => (a.choice > 0).then_some(a.choice),
        };
        let ages = ages(trace, at);
        let ends = choice.is_some() || !ages.is_empty() || steps.get(at + 1).is_none_or(|next| next.thread != a.thread);
        if ends {
            let letter = letters.get(a.thread.index()).copied().unwrap_or('?');
            // Writing to a String cannot fail.
            let _ = write!(out, "{letter}{run}");
            let _ = choice.map(|c| write!(out, "={c}"));
            out.push_str(&ages);
            run = 0;
        }
        at += 1;
    }
    let _ = write!(out, "@{}", hash(program));
    if !program.grain.is_fine() {
        let _ = write!(out, ":{}", program.grain);
    }
    out
}

/// The grain in which a token was found, if it says so: one that is written by hand says nothing.
pub fn grain_of(token: &str) -> Option<Grain> {
    let (_, behind) = token.trim().split_once('@')?;
    behind.split_once(':').map_or(Some(Grain::FINE), |(_, grain)| Grain::parse(grain).ok())
}

/// How many stores back the reads of a step go, as a token says it; nothing if none does.
fn ages(trace: &Trace, step: usize) -> String {
    let mut out = String::new();
    for s in trace.weak.iter().flatten().filter(|s| s.step == step) {
        let read = out.matches(['~', '.']).count();
        for nth in read..usize::from(s.nth) {
            out.push_str(if nth == 0 { "~0" } else { ".0" });
        }
        let _ = write!(out, "{}{}", if out.is_empty() { '~' } else { '.' }, s.age);
    }
    out
}

/// The schedule of a token. Of reads it knows how far back they go, not what that is.
///
/// # Errors
///
/// If it is not a token, names a thread that there is not, or belongs to another program. Whether its steps can be
/// taken is for a replay to find out.
pub fn decode(program: &Program, token: &str) -> Result<Trace, TokenError> {
    let token = token.trim();
    let (runs, behind) = match token.split_once('@') {
        Some((runs, behind)) => (runs, Some(behind.trim())),
        None => (token, None),
    };
    let given = match behind.map(|behind| behind.split_once(':').unwrap_or((behind, "fine"))) {
        Some((hash, grain)) => {
            Grain::parse(grain).map_err(|given| TokenError::UnknownGrain { given })?;
            Some(hash)
        }
        None => None,
    };
    let expected = hash(program);
    if let Some(given) = given
        && !given.eq_ignore_ascii_case(&expected)
    {
        return Err(TokenError::OtherProgram { given: given.into(), expected });
    }
    let runs = runs.trim_end();
    let weak = runs.starts_with('~').then(Vec::new);
    Parser { text: runs, at: usize::from(weak.is_some()), weak }.runs(&letters(program), program)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// The reads of an execution on weak memory.
    weak: Option<Vec<Stale>>,
}

impl Parser<'_> {
    fn runs(mut self, letters: &[char], program: &Program) -> Result<Trace, TokenError> {
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
            self.ages(steps.len() - 1)?;
        }
        Ok(Trace { weak: self.weak, ..Trace::of(steps) })
    }

    /// `~1.0`, in a token of weak memory.
    fn ages(&mut self, step: usize) -> Result<(), TokenError> {
        for nth in 0..=MAX_READS {
            let next = self.text[self.at..].chars().next();
            if self.weak.is_none() || next != Some(if nth == 0 { '~' } else { '.' }) {
                break;
            }
            self.at += 1;
            let age = self.number(0..=usize::from(MAX_AGE), "how many stores back a read goes, from 0 to 63")? as u8;
            let unknown = Stored { value: None, step: None };
            let stale = Stale { step, nth, age, word: None, got: unknown, newest: unknown };
            self.weak.iter_mut().for_each(|w| w.push(stale));
        }
        Ok(())
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
    /// What stands behind the hash is no grain.
    UnknownGrain {
        /// The word.
        given: String,
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
            TokenError::UnknownGrain { given } => {
                write!(f, "the token was found in no grain that there is: `{given}` is neither `coarse` nor a family")
            }
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
    for Script { calls, .. } in program.scripts.iter().chain([&program.setup, &program.teardown]) {
        let _ = calls.iter().try_for_each(|call| write!(h, "{call:?}"));
    }
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
