//! Calls in which nothing happened, folded to one row each.

use super::rows::Row;
use crate::replay::{Change, merge};

/// Folds every call, the outermost first, that went through without a switch and left all as it was. What its
/// operations came to stands in its row. Rows of `kept` steps (from 0) stay: something is said of them elsewhere.
pub(super) fn fold<'a>(rows: Vec<Row<'a>>, kept: &[usize]) -> Vec<Row<'a>> {
    let (mut out, mut at): (Vec<Row<'a>>, usize) = (vec![], 0);
    while let Some(row) = rows.get(at) {
        let whole = (1..=row.calls.len()).find_map(|depth| call(&rows, at, depth, kept));
        let (row, next) = whole.unwrap_or_else(|| (row.clone(), at + 1));
        out.push(row);
        at = next;
    }
    out
}

/// The row of the call at some depth that begins with the row `at`, and the row after it.
fn call<'a>(rows: &[Row<'a>], at: usize, depth: usize, kept: &[usize]) -> Option<(Row<'a>, usize)> {
    let first = &rows[at];
    let is_inside = |row: &Row<'a>| row.thread == first.thread && row.calls.get(..depth) == first.calls.get(..depth);
    let mut before = rows[..at].iter().rev();
    if before.find(|row| row.thread == first.thread).is_some_and(is_inside) {
        return None;
    }
    let end = at + rows[at..].iter().take_while(|row| is_inside(row)).count();
    let inside = &rows[at..end];
    // Who has no further row is over with the call, or stays in it for ever.
    let is_left = rows[end..].iter().find(|row| row.thread == first.thread).is_some_and(|row| !is_inside(row));
    let is_kept = |row: &Row<'a>| kept.iter().any(|step| (row.first..=row.last).contains(&(step + 1)));
    let is_quiet = |row: &Row<'a>| row.is_plain && row.broken.is_none() && !row.no_return && !is_kept(row);
    let goes_through = inside.iter().skip(1).all(|row| !row.begins_loop && row.preemption.is_none());
    let changes = merge(inside.iter().map(|row| &row.changes[..]));
    if inside.len() < 2 || !is_left || !inside.iter().all(is_quiet) || !goes_through {
        return None;
    }
    if !changes.iter().all(Change::comes_back) {
        return None;
    }
    let saw: Vec<&str> = inside.iter().map(|row| &row.saw[..]).filter(|saw| !saw.is_empty()).collect();
    let called = first.calls[depth - 1];
    let row = Row {
        last: inside.last()?.last,
        calls: first.calls[..depth - 1].to_vec(),
        line: called.line,
        op: format!("> {}: leaves all as it was", called.name),
        tail: if saw.is_empty() { String::new() } else { format!(" → {}", saw.join(", ")) },
        saw: String::new(),
        under: vec![],
        changes,
        ..first.clone()
    };
    Some((row, end))
}
