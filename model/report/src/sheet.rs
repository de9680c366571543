//! What text is written on: how wide it is, and how a trace is laid out there.

use crate::{style::Style, words::width};

/// How the steps of a trace are arranged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Layout {
    /// In columns, unless there are too many for the width.
    #[default]
    Fitting,
    /// In a column for each thread, however narrow.
    Columns,
    /// One under the other, each with its thread's name.
    List,
}

/// How a trace is shown.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// Colours.
    pub style: Style,
    /// Longest line of a table.
    pub width: usize,
    /// How its steps are arranged.
    pub layout: Layout,
    /// The file that the scenario stands in, if every row is to say where: `FILE:LINE`.
    pub lines: Option<&'a str>,
    /// Whether a call in which nothing happened is shown row by row as well.
    pub expand: bool,
}

impl Sheet<'_> {
    /// How wide a table is where nobody says how much room there is: in a file, in a snapshot.
    pub const WIDTH: usize = 120;
}

impl Default for Sheet<'_> {
    fn default() -> Self {
        Sheet { style: Style::Plain, width: Sheet::WIDTH, layout: Layout::Fitting, lines: None, expand: false }
    }
}

/// How far what is left of a broken line stands to the right of its beginning.
const HANGING: usize = 4;

/// The text with its longer lines broken at blanks. What has no blank, such as a token, stays whole: it is there to be
/// pasted.
pub fn broken(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if shown_width(line) <= most {
            out.push_str(line)
        } else {
            broken_line(&mut out, line, most)
        }
        out.push('\n');
    }
    out
}

fn broken_line(out: &mut String, line: &str, most: usize) {
    let own = line.len() - line.trim_start_matches(' ').len();
    let hanging = (own + HANGING).min(most / 2);
    let (mut at, mut is_first) = (own, true);
    out.push_str(&line[..own]);
    for (i, word) in line[own..].split(' ').enumerate() {
        let wide = shown_width(word);
        if i > 0 && at + 1 + wide > most && !is_first {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(hanging));
            (at, is_first) = (hanging, true);
        } else if i > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += wide;
        is_first &= word.is_empty();
    }
}

/// How many columns of a terminal a text takes that may have colours in it.
fn shown_width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let plain = parts.next().map_or(0, width);
    let coloured = parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| width(shown)));
    plain + coloured.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks_and_hang() {
        let text = "short\n  a line with more words than fit in there\n";
        assert_eq!(broken(text, 20), "short\n  a line with more\n      words than fit\n      in there\n");
    }

    #[test]
    fn what_has_no_blank_stays_whole() {
        assert_eq!(broken("replay: A1B2A1B2A1B2@c0ffee", 12), "replay:\n    A1B2A1B2A1B2@c0ffee\n");
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\u{1b}[1mtwelve chars\u{1b}[0m\n";
        assert_eq!(broken(line, 12), line);
    }
}
