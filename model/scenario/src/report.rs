//! What is told to an author whose file holds mistakes: every mistake of the
//! file at once, each with its place, what was expected there and a way out.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::kernel_names::is_c_name;

/// More than this many mistakes are counted, not told: past it the file is
/// most likely not a scenario at all.
const MISTAKES_MAX: usize = 64;

/// Of a longer line only so many characters are shown, those around the place.
const LINE_SHOWN_MAX: usize = 160;

/// The largest accepted file. Spans are `u32`, and no scenario that a person
/// reads is anywhere near.
pub(crate) const SOURCE_BYTES_MAX: usize = 256 * 1024;

/// A stretch of the source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From byte offsets; a file is at most [`SOURCE_BYTES_MAX`] long, so they fit.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end.max(start)) }
    }

    /// From the start of `self` to the end of `other`.
    pub(crate) fn to(self, other: Span) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }

    /// The text that the span covers.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn labeled(self, label: &str) -> LabeledSpan {
        LabeledSpan::new(Some(label.to_owned()), self.start as usize, self.length())
    }

    /// Whose line and column stand at the head of the diagnostic.
    fn labeled_primary(self, label: &str) -> LabeledSpan {
        LabeledSpan::new_primary_with_span(Some(label.to_owned()), (self.start as usize, self.length()))
    }

    fn length(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// A place in a file as people count: from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from one.
    pub line: u32,
    /// The column in characters, from one.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The place of byte `at` in `text`.
pub(crate) fn place_of(text: &str, at: u32) -> Place {
    let mut at = (at as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Place { line: line as u32, column: column as u32 }
}

/// One mistake in a scenario file.
///
/// As a [`miette::Diagnostic`] it carries the source, so any of miette's
/// handlers can draw it; [`Mistake::plain`] needs none.
#[derive(Debug, Clone)]
pub struct Mistake {
    source: Arc<NamedSource<String>>,
    kind: &'static str,
    message: String,
    span: Span,
    expected: String,
    seen: Option<(Span, String)>,
    help: Option<String>,
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

    /// Where it is.
    pub fn span(&self) -> Span {
        self.span
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

    /// The mistake as plain text: place, message, the line with the place
    /// marked under it, and the way out.
    pub fn plain(&self) -> String {
        let text = self.source.inner();
        let place = self.place();
        let mut out = format!("{}:{place}: {}\n", self.source.name(), self.message);
        self.mark(&mut out, text, place);
        if let Some((span, label)) = &self.seen {
            let line = place_of(text, span.start).line;
            out.push_str(&format!("  note: line {line}: {label}\n"));
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
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.span.labeled_primary(&self.expected);
        let seen = self.seen.iter().map(|(span, label)| span.labeled(label));
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

/// The mistakes found so far in one file.
#[derive(Debug)]
pub(crate) struct Mistakes {
    source: Arc<NamedSource<String>>,
    found: Vec<Mistake>,
    untold: usize,
    /// How many there were when the syntax had been read.
    of_syntax: usize,
}

/// After these nobody knows which block a statement is in.
const BRACES: [&str; 2] = ["unclosed-block", "stray-brace"];

/// The line that a stretch of the text begins in.
fn line_at(text: &str, span: Span) -> &str {
    let at = span.start as usize;
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
}

/// Whether a line would set a local of that name: `into=NAME`, `cursor=NAME`, an option that is misspelt, `let NAME=`.
fn sets(line: &str, name: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    ["=", "let "].into_iter().any(|before| {
        let after = line.split(before).skip(1);
        after.filter_map(|rest| rest.trim_start().strip_prefix(name)).any(|rest| !rest.starts_with(of_name))
    })
}

/// What a line would declare that begins with a word which declares nothing: the names after it, up to its block.
fn declared_by(text: &str, span: Span) -> Vec<String> {
    let rest = text.get(span.end as usize..).unwrap_or_default();
    let head = rest.split(['\n', ';', '{', '}']).next().unwrap_or_default();
    head.split_whitespace().filter(|word| !word.contains('=')).map(str::to_owned).collect()
}

/// Which scenario of the file a place is in: how many have begun before it.
fn scenario_of(text: &str, span: Span) -> usize {
    let before = text.get(..span.start as usize).unwrap_or_default();
    before.lines().filter(|line| line.trim_start().starts_with("scenario ")).count()
}

/// What is missed may stand in a statement that could not be read.
const ABSENCES: [&str; 9] = [
    "not-a-place",
    "not-seen",
    "unknown-case",
    "unknown-label",
    "unknown-local",
    "unknown-name",
    "unknown-struct",
    "unknown-thread",
    "unset-local",
];

/// A source as it is shown: a control character would move the terminal's cursor or set its title. As many bytes as
/// before, so that places stay what they are.
fn shown(text: &str) -> String {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let show = |c: char| if is_shown(c) { c.to_string() } else { "?".repeat(c.len_utf8()) };
    if text.chars().all(is_shown) { text.to_owned() } else { text.chars().map(show).collect() }
}

impl Mistakes {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            source: Arc::new(NamedSource::new(name, shown(text)).with_language("KDL")),
            found: Vec::new(),
            untold: 0,
            of_syntax: 0,
        }
    }

    /// The syntax has been read: what follows is about meaning.
    pub(crate) fn end_of_syntax(&mut self) {
        self.of_syntax = self.found.len();
    }

    /// Takes back what is most likely no mistake of its own: whatever the meaning may be where a brace is missing or
    /// too many; something not found, and nothing like it either, in a file that could not be read whole, or that the
    /// statement would have set which has a mistake itself.
    pub(crate) fn take_back_guesses(&mut self) {
        let of_syntax = self.of_syntax;
        if self.found[..of_syntax].iter().any(|mistake| BRACES.contains(&mistake.kind)) {
            self.found.truncate(of_syntax);
            return;
        }
        let wrong_lines: Vec<(Span, String)> = self
            .found
            .iter()
            .filter(|mistake| !ABSENCES.contains(&mistake.kind))
            .map(|mistake| (mistake.span, line_at(mistake.source.inner(), mistake.span).to_owned()))
            .collect();
        let unknown = self.found.iter().filter(|mistake| mistake.kind == "unknown-declaration");
        let undeclared: Vec<String> =
            unknown.flat_map(|mistake| declared_by(mistake.source.inner(), mistake.span)).collect();
        let mut at = 0;
        let mut told: Vec<(String, usize)> = Vec::new();
        self.found.retain(|mistake| {
            at += 1;
            let text = mistake.source.inner();
            if at > of_syntax && ABSENCES.contains(&mistake.kind) {
                let root = mistake.span.of(text).split(['.', '-']).next().unwrap_or_default();
                if undeclared.iter().any(|name| name == root || name == mistake.span.of(text)) {
                    return false;
                }
            }
            // A name that nothing has is one mistake, however often it is said.
            if mistake.kind == "unknown-name" && mistake.help.is_none() {
                let said = (mistake.message.clone(), scenario_of(text, mistake.span));
                if told.contains(&said) {
                    return false;
                }
                told.push(said);
            }
            let of_meaning = at > of_syntax && ABSENCES.contains(&mistake.kind) && mistake.help.is_none();
            let of_local = matches!(mistake.kind, "unset-local" | "unknown-local" | "unknown-name");
            let name = mistake.span.of(mistake.source.inner());
            let not_set = || wrong_lines.iter().any(|(span, line)| span.end <= mistake.span.start && sets(line, name));
            !(of_meaning && (of_syntax > 0 || of_local && not_set()))
        });
    }

    /// Adds a mistake; what it returns takes what more is known of it.
    pub(crate) fn add(&mut self, kind: &'static str, span: Span, message: impl Into<String>) -> Telling<'_> {
        let mistake = Mistake {
            source: Arc::clone(&self.source),
            kind,
            message: message.into(),
            span,
            expected: String::new(),
            seen: None,
            help: None,
        };
        // Each case of a scenario is looked at on its own: what is wrong with
        // a line that all of them see is told once.
        let told = self.found.iter().any(|known| known.span == span && known.message == mistake.message);
        if told {
            Telling { mistake: None }
        } else if self.found.len() < MISTAKES_MAX {
            self.found.push(mistake);
            Telling { mistake: self.found.last_mut() }
        } else {
            self.untold += 1;
            Telling { mistake: None }
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

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `Ok` with what was read if nothing was wrong.
    pub(crate) fn into_result<T>(self, read: T) -> Result<T, Report> {
        if self.is_empty() { Ok(read) } else { Err(self.into_report()) }
    }

    pub(crate) fn into_report(self) -> Report {
        let mut mistakes = self.found;
        mistakes.sort_by_key(|mistake| mistake.span);
        Report { name: self.source.name().to_owned(), mistakes, untold: self.untold }
    }
}

/// A mistake being told.
#[derive(Debug)]
pub(crate) struct Telling<'a> {
    mistake: Option<&'a mut Mistake>,
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
            mistake.seen = Some((span, label.into()));
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

/// The nearest of `known` to `word`, when near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One letter of two is no likeness.
    let limit = (word.chars().count() / 3).min(if is_c_name(word) { 1 } else { 3 });
    let folded = |text: &str| text.to_lowercase().replace('_', "-");
    let word = folded(word);
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &folded(candidate));
            (distance, candidate)
        })
        // A word that was broken off is short: its beginning is likeness enough.
        .filter(|(distance, candidate)| {
            *distance <= limit || *distance == 1 && word.len() > 1 && folded(candidate).starts_with(&word)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `nearest` as the sentence that a help line holds.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}
