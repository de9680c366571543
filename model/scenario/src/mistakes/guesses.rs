//! Mistakes that only follow from others, and are not told.

use super::{Mistakes, Span};

/// After these nobody knows which block a statement is in.
const BRACES: [&str; 2] = ["unclosed-block", "stray-brace"];

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

impl Mistakes {
    /// Takes back what is most likely no mistake of its own: whatever the meaning may be where a brace is missing or
    /// too many; something not found, and nothing like it either, in a file that could not be read whole, or that the
    /// statement would have set which has a mistake itself.
    pub(crate) fn take_back_guesses(&mut self) {
        let of_syntax = self.of_syntax;
        if self.found[..of_syntax].iter().any(|mistake| BRACES.contains(&mistake.kind)) {
            self.found.truncate(of_syntax);
            return;
        }
        let wrong_lines: Vec<(usize, Span, String)> = self
            .found
            .iter()
            .filter(|mistake| !ABSENCES.contains(&mistake.kind))
            .map(|mistake| {
                let line = line_at(mistake.source.inner(), mistake.span);
                (mistake.at, mistake.span, line.to_owned())
            })
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
            let before = |file: usize, span: &Span| file == mistake.at && span.end <= mistake.span.start;
            let not_set = || wrong_lines.iter().any(|(file, span, line)| before(*file, span) && sets(line, name));
            !(of_meaning && (of_syntax > 0 || of_local && not_set()))
        });
    }
}

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
