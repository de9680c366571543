//! The layout of the table: widths, wrapping, alignment.

use super::rows::Row;
use crate::{
    style::{Role, Style},
    words::{self, ellipsis, width},
};
use fenceweave_kernel::{Program, ThreadId};

/// Widest line that is aimed at.
const MAX_LINE: usize = 120;
/// The gutter gets at least this much, whatever the columns want.
const MIN_GUTTER: usize = 30;
/// No column gets less, however many there are.
const MIN_COLUMN: usize = 12;
/// An operation takes no more lines, however narrow its column.
const MAX_CELL_LINES: usize = 3;
/// Between two columns.
const GAP: &str = "  ";
const NO_RETURN: &str = "<== point of no return: after this step nothing can end well";
const NO_RETURN_SHORT: &str = "<== point of no return";
const LOOP: &str = "== loop: the steps from here on are repeated for ever ";

/// The table's lines. The state that setup left stands in a row of its own.
///
/// `spinning` are the threads that spin at the end, with what they are at: a spinning step is never taken, so no row says
/// so.
pub(super) fn layout(
    program: &Program,
    columns: &[ThreadId],
    rows: &[Row],
    setup: &[String],
    spinning: &[Spinning],
    style: Style,
) -> String {
    let grid = Grid::new(program, columns, rows, spinning);
    let mut out = String::new();
    let heads: Vec<String> = columns.iter().map(|t| words::ellipsis(head(program, *t), grid.column)).collect();
    grid.line(&mut out, "#", &heads, "state", Role::Heading, style);
    if !setup.is_empty() {
        let gutter = grid.wrap(setup);
        for (i, line) in gutter.iter().enumerate() {
            grid.line(&mut out, if i == 0 { "setup" } else { "" }, &[], line, Role::Dim, style);
        }
    }
    for row in rows {
        if row.begins_loop {
            out.push_str(&style.paint(Role::Bad, &format!("{GAP}{LOOP}{}", "=".repeat(grid.rule()))));
            out.push('\n');
        }
        if let Some((k, n)) = row.preemption {
            let line = format!("{GAP}-- switch (preemption {k} of {n})");
            out.push_str(&style.paint(Role::Dim, &line));
            out.push('\n');
        }
        grid.row(&mut out, columns, row, style);
    }
    let ends: Vec<Vec<String>> = columns
        .iter()
        .map(|t| spinning.iter().find(|s| s.thread == *t).map_or(vec![], |s| s.cell(grid.column)))
        .collect();
    for line in 0..ends.iter().map(Vec::len).max().unwrap_or(0) {
        let cells: Vec<String> = ends.iter().map(|cell| cell.get(line).cloned().unwrap_or_default()).collect();
        grid.line(&mut out, if line == 0 { "end" } else { "" }, &cells, "", Role::Dim, style);
    }
    out
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
    fn cell(&self, room: usize) -> Vec<String> {
        let mut lines = wrapped("", &self.op, "", room);
        lines.extend(wrapped(INDENT, &self.spins(), "", room));
        lines
    }

    fn spins(&self) -> String {
        format!("spins on {}", self.on)
    }
}

/// What stands over a column; the one that is no thread's is teardown's.
fn head(program: &Program, t: ThreadId) -> &str {
    if program.script(t).is_some() { program.thread_name(t) } else { words::TEARDOWN }
}

struct Grid {
    /// Width of the numbers.
    number: usize,
    /// Width of each thread's column.
    widths: Vec<usize>,
    /// The widest that a column may be.
    column: usize,
    /// Width of the gutter.
    gutter: usize,
}

impl Grid {
    fn new(program: &Program, columns: &[ThreadId], rows: &[Row], spinning: &[Spinning]) -> Grid {
        let number = rows.iter().map(|r| width(&number(r))).max().unwrap_or(1).max("setup".len());
        let wanted: Vec<usize> = columns
            .iter()
            .map(|t| {
                let cells = rows.iter().filter(|r| r.thread == *t).flat_map(cell_widths);
                let ends = spinning.iter().filter(|s| s.thread == *t);
                let ends = ends.flat_map(|s| [width(&s.op), INDENT.len() + width(&s.spins())]);
                cells.chain(ends).chain([width(head(program, *t))]).max().unwrap_or(0)
            })
            .collect();
        // Everybody gets what they want if it fits; otherwise all are cut to the same width, the widest first.
        let fixed = GAP.len() * (columns.len() + 2) + number;
        let room = MAX_LINE.saturating_sub(fixed + MIN_GUTTER);
        let mut column = wanted.iter().copied().max().unwrap_or(0);
        while column > MIN_COLUMN && wanted.iter().map(|w| (*w).min(column)).sum::<usize>() > room {
            column -= 1;
        }
        let widths: Vec<usize> = wanted.iter().map(|w| (*w).min(column)).collect();
        let gutter = MAX_LINE.saturating_sub(fixed + widths.iter().sum::<usize>()).max(MIN_GUTTER);
        Grid { number, widths, column, gutter }
    }

    /// How long the rule is that separates the loop from the way in: to the gutter, but at least a little.
    fn rule(&self) -> usize {
        let columns = self.number + self.widths.iter().map(|w| w + GAP.len()).sum::<usize>();
        columns.saturating_sub(width(LOOP)).max(8)
    }

    fn row(&self, out: &mut String, columns: &[ThreadId], row: &Row, style: Style) {
        let at = columns.iter().position(|t| *t == row.thread).unwrap_or(0);
        let room = self.widths.get(at).copied().unwrap_or(0);
        let mut cells = vec![];
        if !row.op.is_empty() {
            cells.extend(wrapped("", &row.op, &row.tail, room));
        }
        let (last, tail) = (row.under.len(), if row.op.is_empty() { &row.tail[..] } else { "" });
        for (i, u) in row.under.iter().enumerate() {
            cells.extend(wrapped(INDENT, u, if i + 1 == last { tail } else { "" }, room));
        }
        let mut gutter: Vec<(String, Role)> = self.wrap(&row.changes).into_iter().map(|l| (l, Role::Dim)).collect();
        gutter.extend(row.broken.iter().map(|p| (format!("!! {p}"), Role::Bad)));
        if row.no_return {
            let text = if width(NO_RETURN) <= self.gutter { NO_RETURN } else { NO_RETURN_SHORT };
            gutter.push((text.into(), Role::Bad));
        }
        for i in 0..cells.len().max(gutter.len()) {
            let mut texts = vec![String::new(); columns.len()];
            if let (Some(slot), Some(cell)) = (texts.get_mut(at), cells.get(i)) {
                slot.clone_from(cell);
            }
            let number = if i == 0 { number(row) } else { String::new() };
            let (text, role) = gutter.get(i).map_or(("", Role::Dim), |(t, r)| (t, *r));
            self.line(out, &number, &texts, text, role, style);
        }
    }

    /// One line; the role is the gutter's, or the whole line's if it is the head.
    fn line(&self, out: &mut String, number: &str, cells: &[String], gutter: &str, role: Role, style: Style) {
        let pad = |text: &str, w: usize| format!("{text}{}", " ".repeat(w.saturating_sub(width(text))));
        let mut line = format!("{GAP}{}", pad(number, self.number));
        for (i, w) in self.widths.iter().enumerate() {
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

    /// Changes joined by commas and broken into lines of the gutter's width, between changes where possible.
    fn wrap(&self, changes: &[String]) -> Vec<String> {
        let mut lines: Vec<String> = vec![];
        for (i, change) in changes.iter().enumerate() {
            let comma = if i + 1 < changes.len() { "," } else { "" };
            let text = format!("{change}{comma}");
            match lines.last_mut() {
                Some(l) if width(l) + 1 + width(&text) <= self.gutter => {
                    l.push(' ');
                    l.push_str(&text);
                }
                _ => lines.push(text),
            }
        }
        lines
    }
}

/// Before what stands under an operation.
const INDENT: &str = "  ";

fn number(row: &Row) -> String {
    if row.first == row.last { row.first.to_string() } else { format!("{}-{}", row.first, row.last) }
}

fn cell_widths(row: &Row) -> impl Iterator<Item = usize> + '_ {
    let under = row.under.iter().map(|u| INDENT.len() + width(u));
    let tail = width(&row.tail);
    let last_under = row.under.last().filter(|_| row.op.is_empty()).map(|u| INDENT.len() + width(u) + tail);
    under.chain(last_under).chain([width(&row.op) + tail])
}

/// A last line that is one long word goes on in further lines, broken where the word has a joint.
fn split_last(lines: &mut Vec<String>, indent: &str, room: usize) {
    while let Some(last) = lines.last().filter(|l| width(l) > room).cloned() {
        let joint = |(i, c): (usize, char)| matches!(c, '_' | '-' | '.' | '(').then_some(i + c.len_utf8());
        let fits = last.char_indices().take(room).filter_map(joint).last();
        let Some(at) = fits.filter(|at| *at > indent.len() + 2 && *at < last.len()) else { return };
        let (head, rest) = last.split_at(at);
        let at = lines.len() - 1;
        lines[at] = head.into();
        lines.push(format!("{indent} {rest}"));
    }
}

/// A cell's text on as many lines as it takes, up to [`MAX_CELL_LINES`]; what follows is cut, but never the tail.
fn wrapped(indent: &str, text: &str, tail: &str, room: usize) -> Vec<String> {
    // What a callee does stands further to the right.
    let own = text.len() - text.trim_start().len();
    let (indent, text) = (&format!("{indent}{:own$}", ""), &text[own..]);
    let mut lines = vec![indent.clone()];
    let mut is_empty = true;
    for word in text.split(' ').chain(Some(tail.trim_start()).filter(|t| !t.is_empty())) {
        let at = lines.len() - 1;
        if is_empty || width(&lines[at]) + 1 + width(word) <= room {
            let space = if is_empty { "" } else { " " };
            lines[at] = format!("{}{space}{word}", lines[at]);
            is_empty = false;
        } else {
            lines.push(format!("{indent} {word}"));
        }
        split_last(&mut lines, indent, room);
    }
    if lines.len() > MAX_CELL_LINES {
        let last = lines.pop().filter(|_| !tail.is_empty());
        lines.truncate(MAX_CELL_LINES - usize::from(last.is_some()));
        lines.last_mut().into_iter().for_each(|l| *l = format!("{} ...", ellipsis(l, room.saturating_sub(4))));
        lines.extend(last);
    }
    lines.iter().map(|l| ellipsis(l, room)).collect()
}
