//! What both layouts have in common: numbers on the left, places beside them, what changed on the right.

use super::{
    cell::{self, Part},
    rows::Row,
};
use crate::{sheet::Sheet, style::Role, words::width};
use fenceweave_kernel::{Program, ThreadId};

/// Between two columns.
const GAP: &str = "  ";
/// Before what stands under an operation, and before what is done inside of a call.
pub(super) const INDENT: usize = 2;
/// What changed gets at least this much, whatever the columns want; less on a narrow sheet, and never less than the
/// other.
const MIN_GUTTER: usize = 30;
const LEAST_GUTTER: usize = 10;
/// No column gets less.
const LEAST_COLUMN: usize = 8;
/// A place is broken rather than given more, and more than a fifth of a line.
const MAX_PLACE: usize = 24;
const NO_RETURN: &str = "<== point of no return: after this step nothing can end well";
const NO_RETURN_SHORT: &str = "<== point of no return";
const LOOP: &str = "== loop: the steps from here on are repeated for ever ";
const LOOP_SHORT: &str = "== loop ";

/// What is to be laid out.
pub(super) struct Shown<'a> {
    /// The program whose trace it is.
    pub(super) program: &'a Program,
    /// Who takes part.
    pub(super) threads: Vec<ThreadId>,
    /// The rows.
    pub(super) rows: &'a [Row<'a>],
    /// The state that setup left.
    pub(super) setup: &'a [String],
    /// Who spins at the end.
    pub(super) spinning: &'a [Spinning],
    /// Who was written by somebody and is not over at the end.
    pub(super) unfinished: Vec<ThreadId>,
    /// What it is written on.
    pub(super) sheet: &'a Sheet<'a>,
}

/// A thread that spins on a lock.
#[derive(Clone, Debug)]
pub(super) struct Spinning {
    /// Who.
    pub(super) thread: ThreadId,
    /// The text of its operation.
    pub(super) op: String,
    /// The lock.
    pub(super) on: String,
}

impl Spinning {
    pub(super) fn parts(&self) -> Vec<Part> {
        vec![Part::new(0, &self.op), Part::new(INDENT, format!("spins on {}", self.on))]
    }
}

/// How rows are arranged in the columns between places and changes.
pub(super) trait Arrangement {
    /// What stands over each column from this row on (the one after the last is for who spins at the end), if that is
    /// new.
    fn heads(&self, row: usize) -> Option<Vec<String>>;
    /// What stands in each column of a row.
    fn cells(&self, row: usize) -> Vec<Vec<Part>>;
    /// What stands in each column under the last row, a line of cells each.
    fn ends(&self) -> Vec<Vec<Vec<Part>>>;
}

/// The widths of a table.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Of the numbers.
    number: usize,
    /// Of the places; 0 if there are none.
    place: usize,
    /// Of each column.
    pub(super) columns: Vec<usize>,
    /// Of what changed.
    gutter: usize,
    /// To what the columns that wanted more were cut.
    pub(super) cut: Option<usize>,
}

impl Grid {
    /// Everybody gets what they want if it fits. Otherwise those but the first `rigid` ones are cut to the same width,
    /// the widest first.
    pub(super) fn new(shown: &Shown<'_>, wanted: &[usize], rigid: usize) -> Grid {
        let number = shown.rows.iter().map(|r| width(&number(r))).max().unwrap_or(1).max("setup".len());
        let places = shown.rows.iter().flat_map(|r| place(shown, r)).map(|part| part.width());
        let place = places.max().unwrap_or(0).min(MAX_PLACE).min(shown.sheet.width / 5);
        let beside = if place > 0 { place + GAP.len() } else { 0 };
        let fixed = GAP.len() * (wanted.len() + 2) + number + beside;
        let least_gutter = MIN_GUTTER.min(shown.sheet.width * 3 / 10);
        let room = shown.sheet.width.saturating_sub(fixed + least_gutter);
        let cut =
            |most: usize| wanted.iter().enumerate().map(move |(i, w)| if i < rigid { *w } else { (*w).min(most) });
        let mut most = wanted.iter().copied().max().unwrap_or(0);
        while most > LEAST_COLUMN && cut(most).sum::<usize>() > room {
            most -= 1;
        }
        let columns: Vec<usize> = cut(most).collect();
        let gutter = shown.sheet.width.saturating_sub(fixed + columns.iter().sum::<usize>()).max(LEAST_GUTTER);
        let cut = wanted.iter().skip(rigid).any(|w| *w > most).then_some(most);
        Grid { number, place, columns, gutter, cut }
    }

    /// Whether no line is longer than the sheet is wide.
    pub(super) fn fits(&self, shown: &Shown<'_>) -> bool {
        self.before_gutter() + self.gutter <= shown.sheet.width
    }

    fn before_gutter(&self) -> usize {
        let place = if self.place > 0 { self.place + GAP.len() } else { 0 };
        GAP.len() * 2 + self.number + place + self.columns.iter().map(|w| w + GAP.len()).sum::<usize>()
    }

    /// All lines.
    pub(super) fn draw(&self, shown: &Shown<'_>, how: &impl Arrangement) -> String {
        let mut out = String::new();
        let heads = how.heads(0).unwrap_or_default();
        self.head(&mut out, shown, &heads);
        for (i, line) in self.wrapped(shown.setup.iter()).iter().enumerate() {
            self.line(&mut out, [if i == 0 { "setup" } else { "" }, ""], &[], (line, Role::Dim), shown);
        }
        for (i, row) in shown.rows.iter().enumerate() {
            self.before(&mut out, shown, row);
            if let Some(heads) = how.heads(i).filter(|_| i > 0) {
                self.head(&mut out, shown, &heads);
            }
            self.row(&mut out, shown, row, &how.cells(i));
        }
        let ends = how.ends();
        if let Some(heads) = how.heads(shown.rows.len()).filter(|_| !ends.is_empty()) {
            self.head(&mut out, shown, &heads);
        }
        for (i, cells) in ends.iter().enumerate() {
            let all = self.lines(cells);
            for line in 0..all.iter().map(Vec::len).max().unwrap_or(0) {
                let texts: Vec<&str> = all.iter().map(|cell| cell.get(line).map_or("", |l| l)).collect();
                let number = if i == 0 && line == 0 { "end" } else { "" };
                self.line(&mut out, [number, ""], &texts, ("", Role::Dim), shown);
            }
        }
        out
    }

    fn lines(&self, cells: &[Vec<Part>]) -> Vec<Vec<String>> {
        self.columns.iter().zip(cells).map(|(room, parts)| cell::lines(parts, *room)).collect()
    }

    /// What stands over the columns.
    fn head(&self, out: &mut String, shown: &Shown<'_>, heads: &[String]) {
        let cells: Vec<Vec<Part>> = heads.iter().map(|head| vec![Part::new(0, head)]).collect();
        let all = self.lines(&cells);
        for line in 0..all.iter().map(Vec::len).max().unwrap_or(0).max(1) {
            let texts: Vec<&str> = all.iter().map(|cell| cell.get(line).map_or("", |l| l)).collect();
            let (left, state) = if line == 0 { (["#", "at"], "state") } else { (["", ""], "") };
            self.line(out, left, &texts, (state, Role::Heading), shown);
        }
    }

    /// What stands between a row and the one before.
    fn before(&self, out: &mut String, shown: &Shown<'_>, row: &Row<'_>) {
        let mut add = |role, line: &str| {
            out.push_str(&shown.sheet.style.paint(role, line));
            out.push('\n');
        };
        if row.begins_loop {
            let rule = if GAP.len() + width(LOOP) <= shown.sheet.width { LOOP } else { LOOP_SHORT };
            // To the changes, but at least a little.
            let dashes = (self.before_gutter() - GAP.len() * 2).saturating_sub(width(rule)).max(8);
            let dashes = dashes.min(shown.sheet.width.saturating_sub(GAP.len() + width(rule)));
            add(Role::Bad, &format!("{GAP}{rule}{}", "=".repeat(dashes)));
        }
        if let Some((k, n)) = row.preemption {
            add(Role::Dim, &format!("{GAP}-- switch (preemption {k} of {n})"));
        }
    }

    fn row(&self, out: &mut String, shown: &Shown<'_>, row: &Row<'_>, cells: &[Vec<Part>]) {
        let cells = self.lines(cells);
        let places = cell::lines(&place(shown, row), self.place.max(1));
        let changes: Vec<String> = row.changes.iter().map(ToString::to_string).collect();
        let mut gutter: Vec<(String, Role)> =
            self.wrapped(changes.iter()).into_iter().map(|l| (l, Role::Dim)).collect();
        gutter.extend(row.broken.iter().map(|p| (format!("!! {p}"), Role::Bad)));
        if row.no_return {
            let text = if width(NO_RETURN) <= self.gutter { NO_RETURN } else { NO_RETURN_SHORT };
            gutter.push((text.into(), Role::Bad));
        }
        let most = cells.iter().map(Vec::len).chain([gutter.len(), places.len()]).max().unwrap_or(0);
        for i in 0..most {
            let texts: Vec<&str> = cells.iter().map(|cell| cell.get(i).map_or("", |l| l)).collect();
            let number = if i == 0 { number(row) } else { String::new() };
            let place = places.get(i).map_or("", |l| l);
            let (text, role) = gutter.get(i).map_or(("", Role::Dim), |(t, r)| (t, *r));
            self.line(out, [&number, place], &texts, (text, role), shown);
        }
    }

    /// One line; the role is the gutter's, or the whole line's if it is the head.
    fn line(
        &self,
        out: &mut String,
        [number, place]: [&str; 2],
        cells: &[&str],
        (gutter, role): (&str, Role),
        shown: &Shown<'_>,
    ) {
        let style = shown.sheet.style;
        let pad = |text: &str, w: usize| format!("{text}{}", " ".repeat(w.saturating_sub(width(text))));
        let mut line = format!("{GAP}{}", pad(number, self.number));
        if self.place > 0 {
            line.push_str(GAP);
            line.push_str(&pad(place, self.place));
        }
        for (i, w) in self.columns.iter().enumerate() {
            line.push_str(GAP);
            line.push_str(&pad(cells.get(i).map_or("", |c| c), *w));
        }
        line.push_str(GAP);
        if role == Role::Heading {
            line.push_str(gutter);
            line = style.paint(role, &line).into_owned();
        } else {
            line.push_str(&style.paint(role, gutter));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }

    /// Changes joined by commas and broken into lines of the gutter's width, between changes where possible. One that
    /// is broken itself has its lines alone.
    fn wrapped<'s>(&self, changes: impl ExactSizeIterator<Item = &'s String>) -> Vec<String> {
        let (mut lines, all): (Vec<String>, usize) = (vec![], changes.len());
        let mut is_open = false;
        for (i, change) in changes.enumerate() {
            let comma = if i + 1 < all { "," } else { "" };
            let text = format!("{change}{comma}");
            match lines.last_mut() {
                Some(l) if is_open && width(l) + 1 + width(&text) <= self.gutter => {
                    l.push(' ');
                    l.push_str(&text);
                }
                _ => {
                    let (own, _) = Part::new(0, text).lines(self.gutter);
                    is_open = own.len() == 1;
                    lines.extend(own);
                }
            }
        }
        lines
    }
}

fn number(row: &Row<'_>) -> String {
    if row.first == row.last { row.first.to_string() } else { format!("{}-{}", row.first, row.last) }
}

/// `FILE:LINE` of an operation, and under it where each call stands that leads there, the innermost first.
fn place(shown: &Shown<'_>, row: &Row<'_>) -> Vec<Part> {
    let Some(file) = shown.sheet.lines else { return vec![] };
    let own = row.line.in_file(file).map(|at| Part::new(0, at));
    let calls = row.calls.iter().rev().filter_map(|call| call.line.in_file(file));
    own.into_iter().chain(calls.map(|at| Part::new(1, format!("< {at}")))).collect()
}
