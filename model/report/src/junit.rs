//! What came of a run as JUnit XML, which nearly every CI system reads: a suite for each file, a test for each case.
//!
//! A case that is not as expected is a `failure`; one that hit a limit, or a file that could not be read, is an
//! `error`, since nothing is known of it. Warnings are what the suite has to say.

use crate::findings::{Ended, Finding, Level, Tested};
use std::fmt::Write;

/// The document.
pub fn document(tested: &[Tested]) -> String {
    let (tests, failures, errors) = totals(tested);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "<testsuites name=\"fenceweave\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"{}>",
        time(tested)
    );
    let mut rest = tested;
    while let Some(first) = rest.first() {
        let of_file = rest.iter().take_while(|t| t.file == first.file).count();
        suite(&rest[..of_file], &mut out);
        rest = &rest[of_file..];
    }
    out.push_str("</testsuites>\n");
    out
}

/// How many tests there are, how many fail, of how many nothing is known.
fn totals(tested: &[Tested]) -> (usize, usize, usize) {
    let of = |ended| tested.iter().filter(|t| t.ended == ended).count();
    (tested.len(), of(Ended::Failed), of(Ended::Unknown))
}

fn time(tested: &[Tested]) -> String {
    let all: Vec<f64> = tested.iter().filter_map(|t| t.seconds).collect();
    if all.is_empty() { String::new() } else { format!(" time=\"{:.3}\"", all.iter().sum::<f64>()) }
}

fn suite(tested: &[Tested], out: &mut String) {
    let (tests, failures, errors) = totals(tested);
    let name = escaped(&tested[0].file);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"{}>",
        time(tested)
    );
    let mut said = String::new();
    for test in tested {
        case(test, out);
        for warning in test.findings.iter().filter(|f| f.level == Level::Warning && test.ended != Ended::Unknown) {
            let _ = writeln!(said, "{}:{}: warning[{}]: {}", warning.file, warning.line, warning.rule, warning.message);
            said.push_str(&warning.details);
        }
    }
    if !said.is_empty() {
        let _ = writeln!(out, "    <system-out>{}</system-out>", escaped(&said));
    }
    out.push_str("  </testsuite>\n");
}

fn case(test: &Tested, out: &mut String) {
    let (name, file) = (escaped(&test.name), escaped(&test.file));
    let _ = write!(
        out,
        "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\"{}",
        time(std::slice::from_ref(test))
    );
    let element = match test.ended {
        Ended::Passed => {
            out.push_str("/>\n");
            return;
        }
        Ended::Failed => "failure",
        Ended::Unknown => "error",
    };
    out.push_str(">\n");
    let told = |f: &&Finding| f.level == Level::Error || test.ended == Ended::Unknown;
    let mut findings = test.findings.iter().filter(told).peekable();
    if findings.peek().is_none() {
        let _ = writeln!(out, "      <{element} message=\"{}\"/>", escaped(&test.verdict));
    }
    // A test has one failure: the first names it, the others stand in its text.
    if let Some(first) = findings.next() {
        let _ = write!(
            out,
            "      <{element} message=\"{}\" type=\"{}\">{}",
            escaped(&first.message),
            escaped(&first.rule),
            escaped(&text(first))
        );
        findings.for_each(|f| out.push_str(&escaped(&format!("\n{}", text(f)))));
        let _ = writeln!(out, "</{element}>");
    }
    out.push_str("    </testcase>\n");
}

fn text(f: &Finding) -> String {
    format!("{}:{}: {}\n{}", f.file, f.line, f.message, f.details)
}

/// Text of an element or an attribute. What XML has no way to write (control characters) is shown as `\u{1b}`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // An attribute would have a blank instead.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::samples;
    use roxmltree::{Document, Node};

    /// What the format has: of each element its attributes, those that must be there first, and its children.
    const FORMAT: [(&str, usize, &[&str], &[&str]); 6] = [
        ("testsuites", 1, &["name", "tests", "failures", "errors", "time"], &["testsuite"]),
        ("testsuite", 4, &["name", "tests", "failures", "errors", "time"], &["testcase", "system-out"]),
        ("testcase", 2, &["name", "classname", "file", "time"], &["failure", "error"]),
        ("failure", 1, &["message", "type"], &[]),
        ("error", 1, &["message", "type"], &[]),
        ("system-out", 0, &[], &[]),
    ];

    fn is_valid(node: Node<'_, '_>) {
        let name = node.tag_name().name();
        let (_, must, may, children) = FORMAT.iter().find(|row| row.0 == name).expect("an element of the format");
        node.attributes().for_each(|a| assert!(may.contains(&a.name()), "{name} has no {}", a.name()));
        may[..*must].iter().for_each(|a| assert!(node.has_attribute(*a), "{name} lacks {a}"));
        for child in node.children().filter(Node::is_element) {
            assert!(children.contains(&child.tag_name().name()), "{} in {name}", child.tag_name().name());
            is_valid(child);
        }
    }

    #[test]
    fn it_is_what_the_format_has_and_says_what_was_found() {
        let text = document(&samples());
        let document = Document::parse(&text).expect("well-formed XML");
        is_valid(document.root_element());
        let count = |name: &str| document.descendants().filter(|n| n.has_tag_name(name)).count();
        assert_eq!((count("testsuite"), count("testcase"), count("failure"), count("error")), (3, 4, 1, 2));
        let root = document.root_element();
        let said = ["tests", "failures", "errors", "time"].map(|a| root.attribute(a).expect("an attribute"));
        assert_eq!(said, ["4", "1", "2", "0.250"]);
        let failure = document.descendants().find(|n| n.has_tag_name("failure")).expect("a failure");
        let message = "a `<lock>` & \"more\", 100%:\\u{1b}[31m ]]>\nover two lines";
        assert_eq!(failure.attribute("message"), Some(message));
        assert!(failure.text().is_some_and(|t| t.contains("</script> → ö")), "{failure:?}");
    }

    #[test]
    fn nothing_tested_is_a_document_too() {
        let text = document(&[]);
        is_valid(Document::parse(&text).expect("well-formed XML").root_element());
    }
}
