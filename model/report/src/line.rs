//! Lines of a program's files: the scenario's own, and those of libraries.

use fenceweave_kernel::Program;

/// A line of one of a program's files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Line<'a> {
    /// The file, if it is not the scenario's own.
    file: Option<&'a str>,
    /// From 1; 0 of what nobody wrote.
    pub(crate) number: u32,
}

impl<'a> Line<'a> {
    /// The line of that file of a program.
    pub(crate) fn of(program: &'a Program, file: u16, number: u32) -> Line<'a> {
        Line { file: program.file_name(file), number }
    }

    /// Its file, if it is not the scenario's own.
    pub(crate) fn file(&self) -> Option<&'a str> {
        self.file
    }

    /// `line 12`, or `library/ttm.kdl:12`; nothing of what nobody wrote.
    pub(crate) fn said(self) -> Option<String> {
        let said = match self.file {
            Some(file) => format!("{file}:{}", self.number),
            None => format!("line {}", self.number),
        };
        (self.number > 0).then_some(said)
    }

    /// Whether it is in the scenario's own file.
    pub(crate) fn is_own(&self) -> bool {
        self.file.is_none()
    }

    /// `file:line`, of what somebody wrote; `own` is what the scenario's file is called.
    pub(crate) fn in_file(self, own: &str) -> Option<String> {
        (self.number > 0).then(|| format!("{}:{}", self.file.unwrap_or(own), self.number))
    }
}
