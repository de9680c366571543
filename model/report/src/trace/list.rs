//! Rows one under the other, each with its thread's name: for more threads than there is room for.

use super::{
    cell::Part,
    grid::{Arrangement, Grid, INDENT, Shown},
    rows::Row,
    table::{head, with_path},
};

/// A longer name is broken, and one that is longer than a sixth of a line.
const MAX_NAME: usize = 20;

/// The rows as a list.
pub(super) struct List<'a> {
    shown: &'a Shown<'a>,
    grid: Grid,
}

impl<'a> List<'a> {
    pub(super) fn new(shown: &'a Shown<'a>) -> List<'a> {
        let of = |list: &List<'a>, column: usize| {
            let all = (0..shown.rows.len()).map(|i| list.cells(i)).chain(list.ends());
            let parts = all.flat_map(|cells| cells.into_iter().nth(column).unwrap_or_default());
            parts.map(|part| part.width()).max().unwrap_or(0)
        };
        let mut list = List { shown, grid: Grid::new(shown, &[0, 0], 0) };
        let name = of(&list, 0).max("thread".len()).min(MAX_NAME).min(shown.sheet.width / 6);
        list.grid = Grid::new(shown, &[name, of(&list, 1).max("step".len())], 1);
        list
    }

    pub(super) fn draw(&self) -> String {
        self.grid.draw(self.shown, self)
    }
}

impl Arrangement for List<'_> {
    fn heads(&self, row: usize) -> Option<Vec<String>> {
        (row == 0).then(|| vec!["thread".into(), "step".into()])
    }

    fn cells(&self, row: usize) -> Vec<Vec<Part>> {
        let row = &self.shown.rows[row];
        vec![vec![Part::new(0, head(self.shown.program, row.thread))], vec![text(row)]]
    }

    fn ends(&self) -> Vec<Vec<Vec<Part>>> {
        let end = |name: &str, text: String| vec![vec![Part::new(0, name)], vec![Part::new(0, text)]];
        let all = self.shown.spinning.iter();
        all.map(|s| end(head(self.shown.program, s.thread), format!("{} (spins on {})", s.op, s.on))).collect()
    }
}

/// All of a row in one paragraph: where, what, what is to be said of it, the result.
fn text(row: &Row<'_>) -> Part {
    let under = row.under.join("; ");
    let part = match (row.op.is_empty(), under.is_empty()) {
        // A further step of the operation above.
        (true, _) => Part::new(INDENT, with_path(row, &under)),
        (false, true) => Part::new(0, with_path(row, &row.op)),
        (false, false) => Part::new(0, format!("{} ({under})", with_path(row, &row.op))),
    };
    part.with_tail(&row.tail)
}
