//! Rows in columns: one for each thread, or for as long as a thread has rows.

use super::{
    cell::Part,
    grid::{Arrangement, Grid, INDENT, Shown},
    lanes::Lanes,
    rows::Row,
};
use crate::words;
use fenceweave_kernel::{Program, ThreadId};

/// A table with a column that wants more and gets less does not fit.
const MIN_COLUMN: usize = 12;
/// A table in which an operation takes more lines does not fit.
const MAX_CELL_LINES: usize = 3;

/// The rows in columns.
pub(super) struct Table<'a> {
    shown: &'a Shown<'a>,
    lanes: Lanes,
    grid: Grid,
}

impl<'a> Table<'a> {
    /// With a column for each thread from top to bottom.
    pub(super) fn own(shown: &'a Shown<'a>) -> Table<'a> {
        Table::new(shown, Lanes::own(&shown.threads))
    }

    /// With columns that threads have one after the other, each for as long as it lives.
    pub(super) fn for_life(shown: &'a Shown<'a>) -> Table<'a> {
        let spinning = shown.spinning.iter().map(|s| s.thread);
        let alive = shown.unfinished.iter().copied().filter(|t| shown.rows.iter().any(|r| r.thread == *t));
        Table::shared(shown, &spinning.chain(alive).collect::<Vec<_>>())
    }

    /// The same, each for as long as there is something to say of it.
    pub(super) fn while_needed(shown: &'a Shown<'a>) -> Table<'a> {
        Table::shared(shown, &shown.spinning.iter().map(|s| s.thread).collect::<Vec<_>>())
    }

    fn shared(shown: &'a Shown<'a>, to_the_end: &[ThreadId]) -> Table<'a> {
        let rows: Vec<ThreadId> = shown.rows.iter().map(|r| r.thread).collect();
        Table::new(shown, Lanes::shared(&rows, to_the_end))
    }

    fn new(shown: &'a Shown<'a>, lanes: Lanes) -> Table<'a> {
        let of = |lane: usize, t: ThreadId| lanes.of(t) == Some(lane);
        let wanted = (0..lanes.count).map(|lane| {
            let rows = (0..shown.rows.len()).filter(|i| of(lane, shown.rows[*i].thread));
            let ends = shown.spinning.iter().filter(|s| of(lane, s.thread)).flat_map(|s| s.parts());
            let heads = lanes.threads(lane).map(|t| words::width(head(shown.program, t)));
            let parts = rows.flat_map(|i| parts(shown.rows, i)).chain(ends);
            parts.map(|part| part.width()).chain(heads).max().unwrap_or(0)
        });
        let wanted: Vec<usize> = wanted.collect();
        let grid = Grid::new(shown, &wanted, 0);
        Table { shown, lanes, grid }
    }

    /// Whether everything can be read in it: no line is too long, and no operation takes too many.
    pub(super) fn fits(&self) -> bool {
        let room = |t: ThreadId| self.lanes.of(t).map_or(0, |lane| self.grid.columns[lane]);
        let reads = |part: &Part, room: usize| {
            let (lines, forced) = part.lines(room);
            lines.len() <= MAX_CELL_LINES && !forced
        };
        let rows = self.shown.rows;
        let ends = self.shown.spinning.iter().flat_map(|s| s.parts().into_iter().map(|part| (s.thread, part)));
        let cells = (0..rows.len()).flat_map(|i| parts(rows, i).into_iter().map(move |part| (rows[i].thread, part)));
        let heads = self.shown.threads.iter().filter(|t| self.lanes.of(**t).is_some());
        let heads = heads.map(|t| (*t, Part::new(0, head(self.shown.program, *t))));
        let is_wide = self.grid.cut.is_none_or(|most| most >= MIN_COLUMN);
        is_wide && self.grid.fits(self.shown) && cells.chain(ends).chain(heads).all(|(t, part)| reads(&part, room(t)))
    }

    /// Whether a column wants more than it has.
    pub(super) fn is_cut(&self) -> bool {
        self.grid.cut.is_some()
    }

    pub(super) fn draw(&self) -> String {
        self.grid.draw(self.shown, self)
    }

    /// Cells with something in one column only.
    fn alone(&self, t: ThreadId, parts: Vec<Part>) -> Vec<Vec<Part>> {
        let mut cells = vec![vec![]; self.lanes.count];
        if let Some(cell) = self.lanes.of(t).and_then(|lane| cells.get_mut(lane)) {
            *cell = parts;
        }
        cells
    }
}

impl Arrangement for Table<'_> {
    fn heads(&self, row: usize) -> Option<Vec<String>> {
        let now = self.lanes.heads(row);
        let due = |before: usize| {
            let was = self.lanes.heads(before);
            (0..self.lanes.count).any(|lane| now[lane].is_some() && now[lane] != was[lane])
        };
        let is_new = row.checked_sub(1).is_none_or(due);
        is_new.then(|| now.iter().map(|t| t.map_or(String::new(), |t| head(self.shown.program, t).into())).collect())
    }

    fn cells(&self, row: usize) -> Vec<Vec<Part>> {
        self.alone(self.shown.rows[row].thread, parts(self.shown.rows, row))
    }

    fn ends(&self) -> Vec<Vec<Vec<Part>>> {
        let mut cells = vec![vec![]; self.lanes.count];
        for s in self.shown.spinning {
            if let Some(cell) = self.lanes.of(s.thread).and_then(|lane| cells.get_mut(lane)) {
                *cell = s.parts();
            }
        }
        if self.shown.spinning.is_empty() { vec![] } else { vec![cells] }
    }
}

/// What stands over a column; the one that is no thread's is teardown's.
pub(super) fn head(program: &Program, t: ThreadId) -> &str {
    if program.script(t).is_some() { program.thread_name(t) } else { words::TEARDOWN }
}

/// A row's paragraphs. Where a thread comes to another call, or back to one from elsewhere, it says which; what
/// follows in there is moved to the right.
fn parts(rows: &[Row<'_>], at: usize) -> Vec<Part> {
    let row = &rows[at];
    let goes_on = |before: &Row<'_>| before.thread == row.thread && before.calls == row.calls;
    let comes = !at.checked_sub(1).is_some_and(|before| goes_on(&rows[before]));
    let indent = if row.calls.is_empty() { 0 } else { INDENT };
    let mut parts = vec![];
    if !row.op.is_empty() && comes && indent > 0 {
        parts.push(Part::new(0, with_path(row, &row.op)).with_tail(&row.tail));
    } else if !row.op.is_empty() {
        parts.push(Part::new(indent, &row.op).with_tail(&row.tail));
    }
    let (last, tail) = (row.under.len(), if row.op.is_empty() { &row.tail[..] } else { "" });
    for (i, under) in row.under.iter().enumerate() {
        parts.push(Part::new(indent + INDENT, under).with_tail(if i + 1 == last { tail } else { "" }));
    }
    parts
}

/// `> bo-unpin > fence-cb: put f`. What the kernel itself has behind its pointers is called what it does.
pub(super) fn with_path(row: &Row<'_>, text: &str) -> String {
    let mut names: Vec<&str> = row.calls.iter().map(|call| call.name).collect();
    names.pop_if(|name| text.trim_start_matches("... ") == *name);
    let path: String = names.iter().map(|name| format!("> {name} ")).collect();
    match (path.trim_end(), row.calls.len() - names.len()) {
        ("", 0) => text.to_owned(),
        // A call in there that is one row has its own.
        (path, 0) if text.starts_with("> ") => format!("{path} {text}"),
        (path, 0) => format!("{path}: {text}"),
        (_, _) => format!("{path}> {text}"),
    }
}
