//! Text in a cell: on as many lines as it takes, for nothing is cut away.

use crate::words::width;

/// A paragraph of a cell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Part {
    /// How far it is moved to the right.
    pub(super) indent: usize,
    /// The text.
    pub(super) text: String,
    /// What ends it, and stays together where it fits: the result.
    pub(super) tail: String,
}

impl Part {
    pub(super) fn new(indent: usize, text: impl Into<String>) -> Part {
        Part { indent, text: text.into(), tail: String::new() }
    }

    pub(super) fn with_tail(self, tail: &str) -> Part {
        Part { tail: tail.into(), ..self }
    }

    /// How wide it is on one line.
    pub(super) fn width(&self) -> usize {
        self.indent + width(&self.text) + width(&self.tail)
    }

    /// Its lines; and whether a word had to be broken where it has no joint.
    pub(super) fn lines(&self, room: usize) -> (Vec<String>, bool) {
        let indent = " ".repeat(self.indent.min(room / 2));
        let (mut lines, mut is_empty, mut forced) = (vec![indent.clone()], true, false);
        let tail = self.tail.trim_start();
        let is_whole = indent.len() + 1 + width(tail) <= room;
        let tail = if is_whole { vec![tail] } else { tail.split(' ').collect() };
        for word in self.text.split(' ').chain(tail.into_iter().filter(|t| !t.is_empty())) {
            let at = lines.len() - 1;
            if is_empty || width(&lines[at]) + 1 + width(word) <= room {
                let space = if is_empty { "" } else { " " };
                lines[at] = format!("{}{space}{word}", lines[at]);
                is_empty = false;
            } else {
                lines.push(format!("{indent} {word}"));
            }
            forced |= split_last(&mut lines, &indent, room);
        }
        (lines, forced)
    }
}

/// All lines of a cell.
pub(super) fn lines(parts: &[Part], room: usize) -> Vec<String> {
    parts.iter().flat_map(|part| part.lines(room).0).collect()
}

/// A last line that is one long word goes on in further lines, broken where the word has a joint; `true` if it has
/// none.
fn split_last(lines: &mut Vec<String>, indent: &str, room: usize) -> bool {
    let mut forced = false;
    while let Some(last) = lines.last().filter(|l| width(l) > room).cloned() {
        let least = indent.len() + 2;
        let joint = |(i, c): (usize, char)| matches!(c, '_' | '-' | '.' | '(' | '→').then_some(i + c.len_utf8());
        let fits = last.char_indices().take(room).filter_map(joint).last();
        let at = fits.filter(|at| *at > least && *at < last.len());
        forced |= at.is_none();
        let anywhere = || last.char_indices().nth(room.max(least)).map(|(i, _)| i);
        let Some(at) = at.or_else(anywhere) else { break };
        let (head, rest) = last.split_at(at);
        let end = lines.len() - 1;
        lines[end] = head.into();
        lines.push(format!("{indent} {rest}"));
    }
    forced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, room: usize) -> (String, bool) {
        let (lines, forced) = Part::new(0, text).lines(room);
        (lines.join("|"), forced)
    }

    #[test]
    fn words_go_on_in_further_lines() {
        assert_eq!(split("lock-all a b c into=r → 0", 12), ("lock-all a b| c into=r →| 0".into(), false));
    }

    #[test]
    fn a_long_word_is_broken_at_a_joint_and_else_anywhere() {
        assert_eq!(split("drm_sched_job_timedout", 12), ("drm_sched_| job_| timedout".into(), false));
        assert_eq!(split("abcdefghijklmnop", 8), ("abcdefgh| ijklmno| p".into(), true));
    }

    #[test]
    fn nothing_is_lost_however_narrow() {
        let text = "remove-callback p job_cb into=removed → -EINVAL";
        for room in 6..60 {
            let (lines, _) = Part::new(2, text).lines(room);
            let all: String = lines.concat().split_whitespace().collect();
            assert_eq!(all, text.split_whitespace().collect::<String>(), "in {room}");
            assert!(lines.iter().all(|l| width(l) <= room), "in {room}: {lines:?}");
        }
    }
}
