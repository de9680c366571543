//! The text to be: a line for each statement, so that what a mistake is about can be left out.

/// A statement, with its block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) head: String,
    pub(super) block: Option<Vec<Line>>,
    /// The operation of the table that it is, if it was drawn from there.
    pub(super) drawn: Option<usize>,
}

impl Line {
    /// A line without a block.
    pub(super) fn new(head: impl Into<String>) -> Line {
        Line { head: head.into(), block: None, drawn: None }
    }

    /// A line with a block.
    pub(super) fn with(head: impl Into<String>, block: Vec<Line>) -> Line {
        Line { head: head.into(), block: Some(block), drawn: None }
    }
}

/// Every head on a line of its own, every `}` too.
pub(super) fn print(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(&line.head);
        match &line.block {
            None => out.push('\n'),
            Some(block) => {
                out.push_str(" {\n");
                out.push_str(&print(block));
                out.push_str("}\n");
            }
        }
    }
    out
}

/// Statements, those in blocks too.
pub(super) fn count(lines: &[Line]) -> usize {
    lines.iter().map(|line| 1 + line.block.as_deref().map_or(0, count)).sum()
}

/// Which operations of the table are still there.
pub(super) fn drawn(lines: &[Line], into: &mut Vec<usize>) {
    for line in lines {
        into.extend(line.drawn);
        drawn(line.block.as_deref().unwrap_or_default(), into);
    }
}

/// What is left without the statements whose heads stand on these lines of the printed text. The outermost stays.
pub(super) fn without(lines: Vec<Line>, bad: &[usize]) -> Vec<Line> {
    let mut at = 0;
    let keep = |line: Line| prune(line, bad, &mut at, true);
    lines.into_iter().filter_map(keep).collect()
}

fn prune(line: Line, bad: &[usize], at: &mut usize, outermost: bool) -> Option<Line> {
    *at += 1;
    let here = *at;
    let block = line.block.map(|block| {
        let kept = block.into_iter().filter_map(|inner| prune(inner, bad, at, false)).collect();
        *at += 1; // the `}`
        kept
    });
    (outermost || !bad.contains(&here)).then_some(Line { head: line.head, block, drawn: line.drawn })
}
