//! Lines out of a layout.

use super::layout::{Body, Item, Piece, Row};

/// The width that a line may have which stands on one.
const COLUMNS: usize = 120;
/// Blanks for each block around a line.
const INDENT: usize = 4;

/// A line to be: comments are placed when all lines are known, so that those of neighbouring lines can stand in one
/// column.
#[derive(Debug, Default)]
struct Line {
    level: usize,
    text: String,
    comment: Option<String>,
}

impl Line {
    /// The column after the line's text; a text with new lines in it (a long comment, a paragraph) ends where its last
    /// line ends.
    fn end(&self) -> usize {
        match self.text.rsplit_once('\n') {
            Some((_, last)) => width(last),
            None => self.level * INDENT + width(&self.text),
        }
    }
}

/// The whole file as it is to stand.
pub(super) fn print(file: &Body<'_>) -> String {
    let mut printer = Printer { lines: Vec::new() };
    printer.body(file, 0, true);
    let columns = comment_columns(&printer.lines);
    let mut out = String::new();
    for (line, column) in printer.lines.iter().zip(columns) {
        if !line.text.is_empty() {
            out.push_str(&" ".repeat(line.level * INDENT));
            out.push_str(&line.text);
        }
        if let Some(comment) = &line.comment {
            let blanks = column.saturating_sub(line.end()).max(1);
            out.push_str(&" ".repeat(blanks));
            out.push_str(comment);
        }
        out.push('\n');
    }
    out
}

/// The column of each line's comment: neighbouring comments at one level share one, if they fit there.
fn comment_columns(lines: &[Line]) -> Vec<usize> {
    let beside = |line: &Line| line.comment.is_some() && !line.text.contains('\n');
    let mut columns = vec![0; lines.len()];
    let mut start = 0;
    while start < lines.len() {
        let same = |line: &&Line| beside(line) && line.level == lines[start].level;
        let run: Vec<&Line> = lines[start..].iter().take_while(same).collect();
        let column = run.iter().map(|line| line.end() + 1).max().unwrap_or(0);
        let comment = |line: &&Line| line.comment.as_ref().map_or(0, |comment| width(comment));
        let widest = run.iter().map(comment).max().unwrap_or(0);
        if column + widest <= COLUMNS {
            columns[start..start + run.len()].fill(column);
        }
        start += run.len().max(1);
    }
    columns
}

/// The text so far, and what is known of its lines.
struct Printer {
    lines: Vec<Line>,
}

impl Printer {
    fn line(&mut self, level: usize) {
        self.lines.push(Line { level, ..Line::default() });
    }

    fn push(&mut self, text: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(text);
        }
    }

    fn column(&self) -> usize {
        self.lines.last().map_or(0, Line::end)
    }

    /// `keep_rows`: statements that share a line in the source go on doing so.
    fn body(&mut self, body: &Body<'_>, level: usize, keep_rows: bool) {
        for row in &body.rows {
            if row.blank_before {
                self.line(0);
            }
            self.row(row, level, keep_rows);
        }
    }

    fn row(&mut self, row: &Row<'_>, level: usize, keep_rows: bool) {
        let mut before: Option<&Item<'_>> = None;
        for item in &row.items {
            let open_block = before.is_some_and(|before| flat(before).is_none() && before.ends_in_block());
            let fits = flat(item).is_some_and(|flat| self.column() + 2 + width(&flat) <= COLUMNS);
            let goes_on = before.is_some_and(|before| item.goes_on(before));
            let joins = before.is_some() && keep_rows && (fits || open_block || goes_on);
            if joins && goes_on {
                self.push(" ");
            } else if joins {
                self.push("; ");
            } else {
                self.line(level);
            }
            self.item(item, level);
            before = Some(item);
        }
        let Some(comment) = row.comment else { return };
        if row.items.is_empty() {
            self.line(level);
            self.push(comment);
        } else if let Some(line) = self.lines.last_mut() {
            line.comment = Some(comment.to_owned());
        }
    }

    fn item(&mut self, item: &Item<'_>, level: usize) {
        if let Some(flat) = flat(item)
            && self.column() + width(&flat) <= COLUMNS
        {
            return self.push(&flat);
        }
        let mut gap = "";
        for piece in &item.pieces {
            match piece {
                Piece::Atom(text) => {
                    self.push(gap);
                    self.push(text);
                    gap = " ";
                }
                Piece::Break(comment) => {
                    self.push(gap);
                    self.push("\\");
                    if let (Some(comment), Some(line)) = (comment, self.lines.last_mut()) {
                        line.comment = Some((*comment).to_owned());
                    }
                    self.line(level + 1);
                    gap = "";
                }
                Piece::Block { body, disabled } => {
                    self.push(gap);
                    self.push(if *disabled { "/-" } else { "" });
                    self.block(body, level);
                    gap = " ";
                }
            }
        }
    }

    fn block(&mut self, body: &Body<'_>, level: usize) {
        if let Some(flat) = flat_body(body)
            && self.column() + width(&flat) <= COLUMNS
        {
            return self.push(&flat);
        }
        self.push("{");
        if let (Some(lead), Some(line)) = (body.lead, self.lines.last_mut()) {
            line.comment = Some(lead.to_owned());
        }
        self.body(body, level + 1, body.multiline);
        self.line(level);
        self.push("}");
    }
}

/// The statement on one line, if the author had it on one.
fn flat(item: &Item<'_>) -> Option<String> {
    let pieces: Option<Vec<String>> = item
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Atom(text) => (!text.contains('\n')).then(|| text.clone()),
            Piece::Break(_) => None,
            Piece::Block { body, disabled } => {
                let sign = if *disabled { "/-" } else { "" };
                flat_body(body).map(|flat| format!("{sign}{flat}"))
            }
        })
        .collect();
    Some(pieces?.join(" "))
}

fn flat_body(body: &Body<'_>) -> Option<String> {
    let empty = body.rows.is_empty() && body.lead.is_none();
    if empty {
        return Some("{}".to_owned());
    }
    let [row] = body.rows.as_slice() else {
        return None;
    };
    if body.multiline || row.comment.is_some() || body.lead.is_some() {
        return None;
    }
    let items: Option<Vec<String>> = row.items.iter().map(flat).collect();
    let mut line = String::new();
    for (at, flat) in items?.iter().enumerate() {
        let goes_on = at > 0 && row.items[at].goes_on(&row.items[at - 1]);
        line.push_str(if at == 0 {
            ""
        } else if goes_on {
            " "
        } else {
            "; "
        });
        line.push_str(flat);
    }
    Some(format!("{{ {line} }}"))
}

fn width(text: &str) -> usize {
    text.chars().count()
}
