//! What is told to an author whose file holds mistakes: every mistake of the file at once, each with its place, what
//! was expected there and a way out.
//!
//! Where that is in the file is in `place`; which word was most likely meant in `nearest`; what only follows from other
//! mistakes, and is not told, in `guesses`. What is wrong with which statement its reader knows, in `syntax`, `expr`
//! and `lower`; and what is no mistake, but most likely not meant, is in `warnings`.

mod guesses;
mod nearest;
mod place;

pub(crate) use nearest::did_you_mean;
pub(crate) use place::place_of;
pub use place::{Place, Span};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::{fmt, sync::Arc};

/// More than this many mistakes are counted, not told: past it the file is most likely not a scenario at all.
const MISTAKES_MAX: usize = 64;

/// Of a longer line only so many characters are shown, those around the place.
const LINE_SHOWN_MAX: usize = 160;

/// The largest accepted file. Spans are `u32`, and no scenario that a person reads is anywhere near.
pub(crate) const SOURCE_BYTES_MAX: usize = 256 * 1024;

/// One mistake in a scenario file.
///
/// As a [`miette::Diagnostic`] it carries the source, so any of miette's handlers can draw it; [`Mistake::plain`] needs
/// none.
#[derive(Debug, Clone)]
pub struct Mistake {
    source: Arc<NamedSource<String>>,
    /// The number of its file among those that were read.
    at: usize,
    kind: &'static str,
    message: String,
    span: Span,
    expected: String,
    seen: Option<Other>,
    help: Option<String>,
}

/// Another place that matters, and why.
#[derive(Debug, Clone)]
struct Other {
    source: Arc<NamedSource<String>>,
    span: Span,
    label: String,
}

/// Another place that matters for a mistake.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere<'m> {
    /// The file that it is in.
    pub file: &'m str,
    /// What that says.
    pub text: &'m str,
    /// Where it is there.
    pub span: Span,
    /// Why it matters.
    pub why: &'m str,
}

impl Mistake {
    /// The kind of mistake, a stable name such as `unknown-op`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether a library by itself lacks something here that whoever uses it has: a function in a slot of a table.
    pub fn is_for_drivers(&self) -> bool {
        self.file().ends_with("/whole") || self.message.starts_with("no function that could be meant")
    }

    /// Where it is in its file.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The file that it is in: the scenario's, or that of a library.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// What that file says.
    pub fn text(&self) -> &str {
        self.source.inner()
    }

    /// What was expected there; empty where nothing is.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Another place that matters.
    pub fn elsewhere(&self) -> Option<Elsewhere<'_>> {
        let Other { source, span, label } = self.seen.as_ref()?;
        Some(Elsewhere { file: source.name(), text: source.inner(), span: *span, why: label })
    }

    /// Where it is, by line and column.
    pub fn place(&self) -> Place {
        place_of(self.source.inner(), self.span.start)
    }

    /// The way out, where one is known.
    pub fn way_out(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Whether the line is so long that a drawing of it would bury the place.
    pub fn is_on_long_line(&self) -> bool {
        let line = self.source.inner().lines().nth(self.place().line as usize - 1);
        line.is_some_and(|l| l.chars().count() > LINE_SHOWN_MAX)
    }

    /// The mistake as plain text: place, message, the line with the place marked under it, and the way out.
    pub fn plain(&self) -> String {
        let text = self.source.inner();
        let place = self.place();
        let mut out = format!("{}:{place}: {}\n", self.source.name(), self.message);
        self.mark(&mut out, text, place);
        match &self.seen {
            Some(other) if Arc::ptr_eq(&other.source, &self.source) => {
                let line = place_of(text, other.span.start).line;
                out.push_str(&format!("  note: line {line}: {}\n", other.label));
            }
            Some(other) => out.push_str(&format!("  note: {}\n", other.elsewhere())),
            None => {}
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("  help: {}\n", help.replace('\n', "\n        ")));
        }
        out
    }

    fn mark(&self, out: &mut String, text: &str, place: Place) {
        let Some(line) = text.lines().nth(place.line as usize - 1) else {
            return;
        };
        let (line, column) = part_around(line, place.column as usize - 1);
        let before: String = line.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marked = self.span.of(text).lines().next().unwrap_or_default();
        let marks = "^".repeat(marked.chars().count().min(LINE_SHOWN_MAX.saturating_sub(column)).max(1));
        out.push_str(&format!("  | {line}\n  | {before}{marks} {}", self.expected));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
}

impl Other {
    /// The place and what is said of it, where it is in another file.
    fn elsewhere(&self) -> String {
        let place = place_of(self.source.inner(), self.span.start);
        format!("{}:{place}: {}", self.source.name(), self.label)
    }
}

/// The part of a long line around a column, and the column there.
fn part_around(line: &str, column: usize) -> (String, usize) {
    if line.chars().count() <= LINE_SHOWN_MAX {
        return (line.to_owned(), column);
    }
    let from = column.saturating_sub(LINE_SHOWN_MAX / 2);
    (line.chars().skip(from).take(LINE_SHOWN_MAX).collect(), column - from)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        // A drawing shows one file: a place in another one is told in words.
        let other = self.seen.as_ref().filter(|other| !Arc::ptr_eq(&other.source, &self.source));
        match (self.help.as_ref(), other.map(Other::elsewhere)) {
            (Some(help), Some(other)) => Some(Box::new(format!("{help}\n{other}"))),
            (Some(help), None) => Some(Box::new(help)),
            (None, other) => other.map(|other| Box::new(other) as Box<dyn fmt::Display>),
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.span.labeled_primary(&self.expected);
        let seen = self.seen.iter().filter(|other| Arc::ptr_eq(&other.source, &self.source));
        let seen = seen.map(|other| other.span.labeled(&other.label));
        Some(Box::new(std::iter::once(main).chain(seen)))
    }
}

/// Every mistake of one file, in the order of the file.
///
/// A [`miette::Diagnostic`] whose related diagnostics are the mistakes.
#[derive(Debug, Clone)]
pub struct Report {
    name: String,
    mistakes: Vec<Mistake>,
    untold: usize,
}

impl Report {
    /// The mistakes, in the order of the file, at most 64.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// Leaves out those of which this is not true.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(&Mistake) -> bool) {
        self.mistakes.retain(is_kept);
    }

    /// How many more there were.
    pub fn untold(&self) -> usize {
        self.untold
    }

    /// All mistakes as plain text, one paragraph each.
    pub fn plain(&self) -> String {
        let told: Vec<String> = self.mistakes.iter().map(Mistake::plain).collect();
        let mut out = told.join("\n");
        if self.untold > 0 {
            out.push_str(&format!("\nand {} more mistakes\n", self.untold));
        }
        out
    }

    /// A report about a file whose text could not be had at all.
    pub(crate) fn unreadable(name: &str, message: String, help: &str) -> Self {
        let mut mistakes = Mistakes::new(name, "");
        mistakes.add("unreadable-file", Span::default(), message).help(help);
        mistakes.into_report()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len() + self.untold;
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} mistake{plural} in {}", self.name)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let related = self.mistakes.iter().map(|mistake| mistake as &dyn Diagnostic);
        Some(Box::new(related))
    }
}

/// Files, and where each begins among all that were read.
type Sources = [(u32, Arc<NamedSource<String>>)];

/// The mistakes found so far in a file and the libraries that it uses.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// Where each file begins among all that were read, the first at 0.
    sources: Vec<(u32, Arc<NamedSource<String>>)>,
    /// What is said instead of what was written, where that begins, and what was written.
    instead: Vec<(u32, Span)>,
    found: Vec<Mistake>,
    untold: usize,
    /// How many there were when the syntax had been read.
    of_syntax: usize,
}

/// A source as it is shown: a control character would move the terminal's cursor or set its title. As many bytes as
/// before, so that places stay what they are.
fn shown(text: &str) -> String {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let show = |c: char| if is_shown(c) { c.to_string() } else { "?".repeat(c.len_utf8()) };
    if text.chars().all(is_shown) { text.to_owned() } else { text.chars().map(show).collect() }
}

/// A file as mistakes show it.
fn named(name: &str, text: &str) -> Arc<NamedSource<String>> {
    Arc::new(NamedSource::new(name, shown(text)).with_language("KDL"))
}

/// A place among all files as one in its own.
fn other(sources: &Sources, file: usize, span: Span, label: String) -> Other {
    let (start, source) = &sources[file];
    Other { source: Arc::clone(source), span: span.back_by(*start), label }
}

/// What was written where another text is said instead.
fn written(instead: &[(u32, Span)], span: Span) -> Span {
    match instead.partition_point(|(start, _)| *start <= span.start) {
        0 => span,
        next => instead[next - 1].1,
    }
}

/// The number of the file that a place is in.
fn file_at(sources: &Sources, span: Span) -> usize {
    sources.partition_point(|(start, _)| *start <= span.start).saturating_sub(1)
}

impl Mistakes {
    /// None so far in this file.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { sources: vec![(0, named(name, text))], instead: Vec::new(), found: Vec::new(), untold: 0, of_syntax: 0 }
    }

    /// None so far, in the same files.
    pub(crate) fn anew(&self) -> Self {
        Self {
            sources: self.sources.clone(),
            instead: self.instead.clone(),
            found: Vec::new(),
            untold: 0,
            of_syntax: 0,
        }
    }

    /// One more file was read, and begins there among all of them: its own mistakes so far are taken over.
    pub(crate) fn take_file(&mut self, start: u32, read: Mistakes) {
        let number = self.sources.len();
        self.sources.extend(read.sources.into_iter().take(1).map(|(_, source)| (start, source)));
        self.untold += read.untold;
        for mistake in read.found {
            match self.found.len() < MISTAKES_MAX {
                true => self.found.push(Mistake { at: number, ..mistake }),
                false => self.untold += 1,
            }
        }
    }

    /// Says of what is wrong in a library, and of no two places together, by which `use` it was read.
    pub(crate) fn tell_used(&mut self, used: &[Option<Span>]) {
        for mistake in self.found.iter_mut().filter(|mistake| mistake.seen.is_none()) {
            let Some(span) = used.get(mistake.at).copied().flatten() else { continue };
            let file = file_at(&self.sources, span);
            mistake.seen = Some(other(&self.sources, file, span, "used here".to_owned()));
        }
    }

    /// The place of a text is that of what stands for it in a file.
    pub(crate) fn say_instead(&mut self, text: Span, written: Span) {
        self.instead.push((text.start, written));
    }

    /// The file that a place is in, its number, and the place there.
    fn locate(&self, span: Span) -> (usize, Span) {
        let span = written(&self.instead, span);
        let file = file_at(&self.sources, span);
        let start = self.sources[file].0;
        (file, span.back_by(start))
    }

    /// The syntax has been read: what follows is about meaning.
    pub(crate) fn end_of_syntax(&mut self) {
        self.of_syntax = self.found.len();
    }

    /// Adds a mistake; what it returns takes what more is known of it.
    pub(crate) fn add(&mut self, kind: &'static str, span: Span, message: impl Into<String>) -> Telling<'_> {
        let (file, span) = self.locate(span);
        let mistake = Mistake {
            source: Arc::clone(&self.sources[file].1),
            at: file,
            kind,
            message: message.into(),
            span,
            expected: String::new(),
            seen: None,
            help: None,
        };
        // Each case of a scenario is looked at on its own: what is wrong with a line that all of them see is told once.
        let same = |known: &Mistake| known.span == span && known.at == file && known.message == mistake.message;
        if self.found.iter().any(same) {
            Telling { mistake: None, sources: (&self.sources, &self.instead) }
        } else if self.found.len() < MISTAKES_MAX {
            self.found.push(mistake);
            Telling { mistake: self.found.last_mut(), sources: (&self.sources, &self.instead) }
        } else {
            self.untold += 1;
            Telling { mistake: None, sources: (&self.sources, &self.instead) }
        }
    }

    /// How many there are, told or not.
    pub(crate) fn count(&self) -> usize {
        self.found.len() + self.untold
    }

    /// Nothing more will be told: whoever looks for mistakes may stop.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= MISTAKES_MAX
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `Ok` with what was read if nothing was wrong.
    pub(crate) fn into_result<T>(self, read: T) -> Result<T, Report> {
        if self.is_empty() { Ok(read) } else { Err(self.into_report()) }
    }

    /// All of them in the order of the file.
    pub(crate) fn into_report(self) -> Report {
        let mut mistakes = self.found;
        mistakes.sort_by_key(|mistake| (mistake.at, mistake.span));
        Report { name: self.sources[0].1.name().to_owned(), mistakes, untold: self.untold }
    }
}

/// A mistake being told.
#[derive(Debug)]
pub(crate) struct Telling<'a> {
    mistake: Option<&'a mut Mistake>,
    sources: (&'a Sources, &'a [(u32, Span)]),
}

impl Telling<'_> {
    /// What stands under the marked place: what was expected there.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        if let Some(mistake) = &mut self.mistake {
            mistake.expected = format!("expected {}", expected.into());
        }
        self
    }

    /// Another place that matters, and why.
    pub(crate) fn seen(mut self, span: Span, label: impl Into<String>) -> Self {
        if let Some(mistake) = &mut self.mistake {
            let (sources, span) = (self.sources.0, written(self.sources.1, span));
            mistake.seen = Some(other(sources, file_at(sources, span), span, label.into()));
        }
        self
    }

    /// Another place, if there is one.
    pub(crate) fn seen_if(self, span: Option<Span>, label: &str) -> Self {
        match span {
            Some(span) => self.seen(span, label),
            None => self,
        }
    }

    /// The way out.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(mistake) = &mut self.mistake {
            mistake.help = Some(help.into());
        }
        self
    }

    /// The way out, if there is one to offer.
    pub(crate) fn help_if(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}
