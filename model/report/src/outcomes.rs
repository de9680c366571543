//! Every way in which a program can end, as a table.
//!
//! A row per distinct outcome, a column per local and observed variable; what is the same in every row stands above the
//! table once. Broken properties come last, a row each.

use crate::{
    line::Line,
    verdict,
    words::{self, width},
};
use fenceweave_kernel::{LocalId, Outcome, Program, Value, Violation};
use std::collections::BTreeSet;

/// Most rows of each of the two parts that are shown.
const MAX_ROWS: usize = 40;

/// The names of what outcomes of a program hold, in their order: `thread.local`, then variables.
pub fn columns(program: &Program) -> Vec<String> {
    let locals = program.scripted().flat_map(|t| {
        let script = words::script(program, t);
        let named = script.locals.iter().filter(|l| !l.is_empty());
        named.map(move |l| format!("{}.{l}", script.name))
    });
    let vars = program.vars.iter().filter(|v| v.observed).map(|v| v.name.clone());
    let warned = program.warns().then(|| "warn-on".to_owned());
    locals.chain(vars).chain(warned).collect()
}

/// The values of a finished outcome in the order of [`columns`], as text.
pub(crate) fn cells(program: &Program, locals: &[Vec<Value>], vars: &[Value], warned: &[Violation]) -> Vec<String> {
    let named = program.scripted().zip(locals).flat_map(|(t, values)| {
        // A local without a name is the compiler's own.
        let script = words::script(program, t);
        let locals = script.locals.iter().zip(values).zip((0..).map(LocalId));
        locals.filter(|((n, _), _)| !n.is_empty()).map(|((_, v), l)| (script.local_type(l), v))
    });
    let types = program.vars.iter().filter(|v| v.observed).map(|v| v.ty);
    let values = named.chain(types.zip(vars));
    let values = values.map(|(ty, v)| if *v == Value::Unset { "-".into() } else { words::typed(program, ty, *v) });
    values.chain(program.warns().then(|| warnings(program, warned))).collect()
}

/// The values of an outcome in the order of [`columns`], as text; nothing of one that is a broken property.
pub fn finished(program: &Program, outcome: &Outcome) -> Option<Vec<String>> {
    match outcome {
        Outcome::Finished { locals, vars, warned } => Some(cells(program, locals, vars, warned)),
        Outcome::Violated(_) => None,
    }
}

/// Where it was warned: `line 7`, `lines 7, 12`, `library/ttm.kdl:40`; `-` if nowhere.
pub fn warnings(program: &Program, warned: &[Violation]) -> String {
    let lines: BTreeSet<Line<'_>> = warned.iter().map(|v| words::line(program, v.thread, v.pc)).collect();
    let (own, others): (Vec<&Line<'_>>, Vec<&Line<'_>>) = lines.iter().partition(|line| line.is_own());
    let numbers: Vec<String> = own.iter().map(|line| line.number.to_string()).collect();
    let own = match numbers.len() {
        0 => None,
        1 => Some(format!("line {}", numbers[0])),
        _ => Some(format!("lines {}", numbers.join(", "))),
    };
    let all: Vec<String> = own.into_iter().chain(others.iter().filter_map(|line| line.said())).collect();
    if all.is_empty() { "-".into() } else { all.join(", ") }
}

/// The table. Where it would be wider than `most`, rows are written as `name=value`.
pub fn table(program: &Program, outcomes: &BTreeSet<Outcome>, most: usize) -> String {
    let mut finished: Vec<Vec<String>> = vec![];
    let mut violated: Vec<Violation> = vec![];
    for outcome in outcomes {
        match outcome {
            Outcome::Finished { locals, vars, warned } => finished.push(cells(program, locals, vars, warned)),
            Outcome::Violated(v) => violated.push(*v),
        }
    }
    let mut out = String::new();
    if outcomes.is_empty() {
        out.push_str("  no outcome\n");
    }
    if !finished.is_empty() {
        ended_well(&columns(program), &finished, most, &mut out);
    }
    for v in violated.iter().take(MAX_ROWS) {
        out.push_str(&format!("  violated  {}: {}\n", v.property.name(), verdict::in_general(program, *v)));
    }
    more(violated.len(), &mut out);
    out
}

fn ended_well(names: &[String], rows: &[Vec<String>], most: usize, out: &mut String) {
    let same = |c: usize| rows.iter().all(|r| r.get(c) == rows[0].get(c));
    let (fixed, varying): (Vec<usize>, Vec<usize>) = (0..names.len()).partition(|c| same(*c));
    if !fixed.is_empty() {
        let pairs: Vec<String> = fixed.iter().map(|c| format!("{}={}", names[*c], rows[0][*c])).collect();
        pairs_of("always", &pairs, most, out);
    } else if varying.is_empty() {
        out.push_str("  finished\n");
    }
    if varying.is_empty() {
        return;
    }
    let shown = &rows[..rows.len().min(MAX_ROWS)];
    let column_width = |c: usize| shown.iter().map(|r| width(&r[c])).chain([width(&names[c])]).max().unwrap_or(0);
    let widths: Vec<usize> = varying.iter().map(|c| column_width(*c)).collect();
    if widths.iter().sum::<usize>() + 2 * widths.len() <= most {
        let mut line = |cell: &dyn Fn(usize) -> String| {
            let cells = varying.iter().zip(&widths).map(|(c, w)| format!("  {:w$}", cell(*c), w = *w));
            out.push_str(cells.collect::<String>().trim_end());
            out.push('\n');
        };
        line(&|c| names[c].clone());
        shown.iter().for_each(|r| line(&|c| r[c].clone()));
    } else {
        for r in shown {
            let pairs: Vec<String> = varying.iter().map(|c| format!("{}={}", names[*c], r[*c])).collect();
            pairs_of("either", &pairs, most, out);
        }
    }
    more(rows.len(), out);
}

/// `  always  a.r=0 b.r=0`, on as many lines as it takes.
fn pairs_of(word: &str, pairs: &[String], most: usize, out: &mut String) {
    let mut line = format!("  {word} ");
    for pair in pairs {
        if width(&line) + 1 + width(pair) > most {
            out.push_str(&line);
            out.push('\n');
            line = " ".repeat(3 + word.len());
        }
        line.push(' ');
        line.push_str(pair);
    }
    out.push_str(&line);
    out.push('\n');
}

fn more(all: usize, out: &mut String) {
    if all > MAX_ROWS {
        out.push_str(&format!("  ... and {} more\n", all - MAX_ROWS));
    }
}

#[cfg(test)]
mod tests;
