//! What came of a run as commands of GitHub Actions, which shows each beside its line in the diff.

use crate::findings::{Finding, Level, Tested};
use std::fmt::Write;

/// Most characters of a trace that an annotation shows: it is read in the margin of a diff.
const MOST: usize = 4000;

/// A line for each finding.
pub fn annotations(tested: &[Tested]) -> String {
    tested.iter().flat_map(|test| test.findings.iter().map(|f| annotation(test, f))).collect()
}

fn annotation(test: &Tested, f: &Finding) -> String {
    let command = match f.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut out = format!("::{command} file={},line={}", property(&f.file), f.line);
    if f.column > 0 {
        // Writing to a String cannot fail.
        let _ = write!(out, ",col={}", f.column);
    }
    let mut message = f.message.clone();
    let details = f.details.trim_end();
    if !details.is_empty() {
        message.push('\n');
        message.extend(details.chars().take(MOST));
    }
    let title = format!("{}: {}", test.name, f.rule);
    let _ = writeln!(out, ",title={}::{}", property(&title), data(&message));
    out
}

/// What stands behind `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::samples;

    /// A command as the runner reads it: its name, its properties, its message.
    fn read(line: &str) -> (String, Vec<(String, String)>, String) {
        let unescape = |s: &str| {
            s.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
        };
        let (head, message) = line.strip_prefix("::").and_then(|l| l.split_once("::")).expect("a command");
        let (name, properties) = head.split_once(' ').expect("properties");
        let pairs = properties.split(',').map(|p| p.split_once('=').expect("a property"));
        (name.to_owned(), pairs.map(|(k, v)| (k.to_owned(), unescape(v))).collect(), unescape(message))
    }

    #[test]
    fn each_finding_is_a_line_that_the_runner_reads_back() {
        let text = annotations(&samples());
        let read: Vec<_> = text.lines().map(read).collect();
        let names: Vec<&str> = read.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["error", "warning", "error"]);
        for (_, properties, message) in &read {
            let keys: Vec<&str> = properties.iter().map(|(k, _)| k.as_str()).filter(|k| *k != "col").collect();
            assert_eq!(keys, ["file", "line", "title"]);
            assert_eq!(properties[0].1, "a b/50%.kdl");
            assert!(message.starts_with("a `<lock>` & \"more\", 100%:") && message.contains("\nover two lines\n"));
        }
        assert_eq!(read[0].1[2].1, "a/buggy: deadlock");
        assert_eq!(read[2].1[2], ("col".to_owned(), "5".to_owned()));
    }
}
