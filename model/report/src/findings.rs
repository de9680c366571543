//! What came of a run, as systems that show test results and findings have it.
//!
//! [`Tested`] is a test that passes or not, a [`Finding`] is something that somebody has to look at, with its place.
//! [`junit`](mod@crate::junit), [`sarif`](mod@crate::sarif) and [`github`](mod@crate::github) write them down.

use crate::{line::Line, replay::Replay, site, token, words};
use fenceweave_explore::Trace;
use fenceweave_kernel::{Program, Violation};

/// A case that was explored, or a file that could not be read.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The scenario's file.
    pub file: String,
    /// The program's name, such as `abba/buggy`; the file's, if it could not be read.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
    /// What was found, in words.
    pub verdict: String,
    /// How long it took, if somebody measured.
    pub seconds: Option<f64>,
    /// What is to be looked at.
    pub findings: Vec<Finding>,
}

/// How a test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// A limit was hit, or the file could not be read: nothing is known.
    Unknown,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// It fails the run.
    Error,
    /// Somebody should look at it.
    Warning,
}

/// Something that somebody has to look at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A stable name: that of a property, of a mistake, or `expectation`, `incomplete`.
    pub rule: String,
    /// What the rule is about, in a sentence.
    pub meaning: String,
    /// How bad it is.
    pub level: Level,
    /// The file, as the command line has it.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column in characters, from 1; 0 if only the line is known.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What else there is to say, in whole lines: a trace, a way out.
    pub details: String,
    /// The way there.
    pub way: Option<Way>,
}

/// An execution that shows a finding.
#[derive(Clone, Debug)]
pub struct Way {
    /// The token that runs it again.
    pub token: String,
    /// Its steps.
    pub steps: Vec<Stand>,
}

/// Where a step stands.
#[derive(Clone, Debug)]
pub struct Stand {
    /// Whose it is.
    pub thread: String,
    /// The author's text, and what the step does in the kernel's words.
    pub text: String,
    /// File and line; nothing of what nobody wrote.
    pub place: Option<(String, u32)>,
}

impl Way {
    /// The steps of a trace; `file` is the scenario's.
    pub fn of(program: &Program, trace: &Trace, file: &str) -> Way {
        let replay = Replay::of(program, trace);
        let stand = |step: &crate::replay::Step| {
            let (op, label) = (words::op_text(program, step.thread, step.pc), step.label);
            let line = words::line(program, step.thread, step.pc);
            Stand {
                thread: program.thread_name(step.thread).to_owned(),
                text: if op.is_empty() { label.to_owned() } else { format!("{op}: {label}") },
                place: (line.number > 0).then(|| (line.file().unwrap_or(file).to_owned(), line.number)),
            }
        };
        Way { token: token::of_trace(program, trace), steps: replay.steps.iter().map(stand).collect() }
    }
}

/// The line of the scenario's own file at which a property was broken: that of the operation, or of the call that leads
/// to it from there. Nothing of what is seen at the end, or nobody wrote.
pub fn line_of(program: &Program, trace: &Trace, v: Violation) -> Option<u32> {
    let replay = Replay::of(program, trace);
    let step = replay.steps.iter().rfind(|s| (s.thread, s.pc) == (v.thread, v.pc));
    let calls = site::calls(program, v.thread, v.pc, step.map_or(&[], |s| &s.callers));
    let lines = std::iter::once(words::line(program, v.thread, v.pc)).chain(calls.iter().rev().map(|call| call.line));
    let mut own = lines.filter(|line: &Line<'_>| line.is_own() && line.number > 0);
    own.next().map(|line| line.number).filter(|_| !v.property.is_seen_at_end())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::programs;

    /// A test that passes, one that fails with a trace, one that was not finished and a file with a mistake; with every
    /// character that a format may take for its own.
    pub(crate) fn samples() -> Vec<Tested> {
        let program = programs::two_spinlocks();
        let found = &programs::explore(&program).found[0];
        let tested = |file: &str, name: &str, ended, findings| Tested {
            file: file.into(),
            name: name.into(),
            ended,
            verdict: "violates deadlock, not as expected".into(),
            seconds: None,
            findings,
        };
        let finding = |rule: &str, level, column, way| Finding {
            rule: rule.into(),
            meaning: "what it is about".into(),
            level,
            file: "a b/50%.kdl".into(),
            line: 3,
            column,
            message: "a `<lock>` & \"more\", 100%:\u{1b}[31m ]]>\nover two lines".into(),
            details: "  #  a\u{7}\n  1  </script> → ö\n".into(),
            way,
        };
        let way = Way::of(&program, &found.trace, "a b/50%.kdl");
        vec![
            Tested { seconds: Some(0.25), ..tested("ok.kdl", "ok/fixed", Ended::Passed, vec![]) },
            tested("a b/50%.kdl", "a/buggy", Ended::Failed, vec![finding("deadlock", Level::Error, 0, Some(way))]),
            tested("a b/50%.kdl", "a/big", Ended::Unknown, vec![finding("incomplete", Level::Warning, 0, None)]),
            tested("bad.kdl", "bad.kdl", Ended::Unknown, vec![finding("unknown-op", Level::Error, 5, None)]),
        ]
    }

    #[test]
    fn a_deadlock_is_where_it_hangs_and_a_way_has_its_lines() {
        let program = programs::back_off();
        let found = &programs::liveness(&program).found[0];
        let way = Way::of(&program, &found.trace, "own.kdl");
        assert_eq!(way.steps.len(), found.trace.steps.len());
        assert!(way.steps.iter().all(|s| !s.thread.is_empty() && !s.text.is_empty()));
    }
}
