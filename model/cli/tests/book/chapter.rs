//! One chapter, block by block, in a folder of its own.
//!
//! - `kdl` with a verdict is a file that is saved, under its scenario's name or `file=NAME`, and checked: `holds` (each
//!   case does), `violates` (as expected, some case does), `not-as-expected`, `incomplete`, `mistake` (it cannot be
//!   read). `kdl,part` is only saved, for others to use. A line that begins with `~` is the hidden frame of what is
//!   shown: it is there without that sign.
//! - `console` is commands behind `$ `, each followed by what it prints; `exit=N` is how all of them end, if not by 0.
//!   They run where the chapter's files are, or with `at=root` in the root of the repository. A line `...` stands for
//!   lines that are left out.
//! - `mermaid` is a picture; its first line says by which command it is drawn, as `%% fenceweave diagram …`.
//! - `c` is the kernel's side, and `sh` what is typed outside of the command: nobody runs them.

use crate::{
    Page,
    pages::{Block, blocks},
    project::{Project, Ran},
    root,
};
use std::{collections::BTreeMap, fmt::Write, process::Command, process::Stdio};

/// The width of the book's traces.
const WIDTH: &str = " --width 92";

/// What a fence may say a file comes to.
const VERDICTS: &[&str] = &["holds", "violates", "not-as-expected", "incomplete", "mistake", "part"];

/// A chapter that is being gone through.
struct Desk {
    project: Project,
    /// What was run since a file was last saved, so that a block and the command behind it are one run.
    ran: BTreeMap<String, Ran>,
    /// The file that was last saved.
    file: String,
}

/// Goes through a chapter; with `renew`, it is written anew where something else comes out.
pub(crate) fn run(page: &Page, renew: bool) -> Result<(), String> {
    let mut desk = Desk { project: Project::new(), ran: BTreeMap::new(), file: String::new() };
    let (mut text, mut from) = (String::new(), 0);
    for block in blocks(&page.text) {
        let here = || format!("{}:{}", page.path.display(), block.line(&page.text));
        text.push_str(&page.text[from..block.at]);
        from = block.at + block.text.len();
        let comes = desk.block(block, renew).map_err(|e| format!("{}: {e}", here()))?;
        if !renew && comes != block.text {
            return Err(format!("{}: what comes out is\n{comes}\n(FENCEWEAVE_RENEW=1 writes it)", here()));
        }
        let line_end = if block.text.is_empty() && !comes.is_empty() { "\n" } else { "" };
        text.push_str(&comes);
        text.push_str(line_end);
    }
    text.push_str(&page.text[from..]);
    if renew && text != page.text {
        std::fs::write(&page.path, text).map_err(|e| format!("{}: {e}", page.path.display()))?;
    }
    Ok(())
}

impl Desk {
    /// What a block is to say: what it says, or what comes out instead.
    fn block(&mut self, block: Block<'_>, renew: bool) -> Result<String, String> {
        match block.language() {
            "kdl" => self.file(block).map(|()| block.text.to_owned()),
            "console" => self.console(block, renew),
            "mermaid" => self.picture(block, renew),
            "c" | "sh" => Ok(block.text.to_owned()),
            other => Err(format!("a block of `{other}` is nothing that a test can look at")),
        }
    }

    /// Saves a scenario file and looks what it comes to.
    fn file(&mut self, block: Block<'_>) -> Result<(), String> {
        let text: Vec<&str> = block.text.lines().map(|line| line.strip_prefix('~').unwrap_or(line)).collect();
        let name = text.iter().find_map(|line| line.strip_prefix("scenario ")?.split(' ').next());
        let named = block.value("file").map(str::to_owned).or_else(|| name.map(|n| format!("{n}.kdl")));
        self.file = named.ok_or("it says neither `scenario NAME` nor `file=NAME`")?;
        self.project = std::mem::replace(&mut self.project, Project::new()).file(&self.file, text.join("\n") + "\n");
        self.ran.clear();
        let verdict = block.words().find(|word| VERDICTS.contains(word));
        let verdict = verdict.ok_or_else(|| format!("it does not say what it comes to, by one of {VERDICTS:?}"))?;
        if verdict == "part" {
            return Ok(());
        }
        let ran = self.run(&format!("check {}", self.file), false);
        let cases = || ran.out.lines().filter(|line| line.contains(", as expected"));
        let wrong = |line: &str| line.contains(": violates") || line.contains(": fails for");
        let comes = match verdict {
            "holds" => ran.code == Some(0) && !cases().any(wrong),
            "violates" => ran.code == Some(0) && cases().any(wrong),
            "not-as-expected" => ran.code == Some(1),
            "incomplete" => ran.code == Some(3),
            _ => ran.code == Some(2),
        };
        let warned = verdict != "mistake" && ran.out.contains("warning[") && !block.words().any(|w| w == "warned");
        if comes && !warned { Ok(()) } else { Err(format!("it is no `{verdict}`:\n{}{}", ran.out, ran.err)) }
    }

    /// Runs the commands of a block: what they print, each behind its command.
    fn console(&mut self, block: Block<'_>, renew: bool) -> Result<String, String> {
        let at_root = block.value("at") == Some("root");
        let code: i32 = block.value("exit").map_or(Ok(0), str::parse).map_err(|e| format!("exit: {e}"))?;
        let mut said = String::new();
        let asked = block.text.strip_prefix("$ ").ok_or("it does not begin with a command, `$ fenceweave …`")?;
        for part in asked.split("\n$ ") {
            let (command, printed) = part.split_once('\n').unwrap_or((part, ""));
            let command = self.with_token(command, renew);
            let words =
                command.strip_prefix("fenceweave ").ok_or_else(|| format!("`{command}` is not run by a test"))?;
            let ran = self.run(words, at_root);
            // A terminal shows what is wrong with a file before it says how many have something.
            let comes = if ran.code == Some(2) { ran.err + &ran.out } else { ran.out + &ran.err };
            if ran.code != Some(code) {
                return Err(format!("`{command}` ends with {:?}, not with {code}:\n{comes}", ran.code));
            }
            let comes = comes.trim_end();
            let shown = match fits(printed.trim_end(), comes) {
                true => printed.trim_end().to_owned(),
                false if printed.lines().any(|line| line == "...") => shortened(printed.trim_end(), comes)
                    .ok_or_else(|| format!("`{command}` prints what does not fit:\n{comes}"))?,
                false => comes.to_owned(),
            };
            let _ = write!(said, "{}$ {command}", if said.is_empty() { "" } else { "\n" });
            let _ = write!(said, "{}{shown}", if shown.is_empty() { "" } else { "\n" });
        }
        Ok(said)
    }

    /// Draws a picture by the command in its first line.
    fn picture(&mut self, block: Block<'_>, renew: bool) -> Result<String, String> {
        let first = block.text.lines().next().unwrap_or_default();
        let command = first.strip_prefix("%% ").ok_or("its first line does not say how it is drawn")?;
        let command = self.with_token(command, renew);
        let words = command.strip_prefix("fenceweave ").ok_or("it is not drawn by fenceweave")?;
        let ran = self.run(words, block.value("at") == Some("root"));
        let drawn = blocks(&ran.out).into_iter().find(|b| b.language() == "mermaid");
        let drawn = drawn.map_or(ran.out.trim_end(), |b| b.text);
        // A replay of what is broken ends with 1.
        if !matches!(ran.code, Some(0 | 1)) || drawn.is_empty() {
            return Err(format!("`{command}` fails:\n{}", ran.err));
        }
        Ok(format!("%% {command}\n{drawn}"))
    }

    /// A command with the token that it was printed with today, of the same steps or else the first one: tokens carry
    /// the hash of a program. The file or case that it replays stands before it.
    fn with_token(&mut self, command: &str, renew: bool) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let Some(at) = words.iter().position(|word| *word == "TOKEN" || word.contains('@')).filter(|_| renew) else {
            return command.to_owned();
        };
        let explained = self.run(&format!("explain {}", words[at - 1]), false);
        let tokens: Vec<&str> = explained.out.lines().filter_map(token).collect();
        let steps = words[at].split('@').next();
        let same = tokens.iter().find(|token| token.split('@').next() == steps).copied();
        let first = explained.out.lines().find_map(|line| line.strip_prefix("replay: "));
        same.or(first).map_or(command.to_owned(), |token| command.replace(words[at], token))
    }

    /// Runs the binary, once for all who ask the same of the same files.
    fn run(&mut self, words: &str, at_root: bool) -> Ran {
        let wide = ["check ", "explain ", "replay ", "compare "].iter().any(|c| words.starts_with(c));
        let words = format!("{words}{}", if wide && !words.contains("--format") { WIDTH } else { "" });
        if let Some(ran) = self.ran.get(&words) {
            return Ran { code: ran.code, out: ran.out.clone(), err: ran.err.clone() };
        }
        let mut command: Command = self.project.command(&words);
        if at_root {
            command.current_dir(root());
        }
        let ran = Ran::of(command.stdin(Stdio::null()).env("NO_COLOR", "1").output().expect("the binary starts"));
        let again = Ran { code: ran.code, out: ran.out.clone(), err: ran.err.clone() };
        self.ran.insert(words, ran);
        again
    }
}

/// The token in a line of a report.
fn token(line: &str) -> Option<&str> {
    line.strip_prefix("replay: ").or_else(|| line.strip_prefix("passes if ")?.rsplit(": ").next())
}

/// Whether what was printed is what stands there, in which `...` is any number of lines.
pub(crate) fn fits(shown: &str, printed: &str) -> bool {
    let parts: Vec<Vec<&str>> =
        shown.split('\n').collect::<Vec<_>>().split(|l| *l == "...").map(<[_]>::to_vec).collect();
    let lines: Vec<&str> = printed.split('\n').collect();
    let (first, rest) = parts.split_first().expect("a split has a first part");
    let Some((last, middle)) = rest.split_last() else { return *first == lines };
    let room = first.len() + last.len() <= lines.len();
    if !room || !lines.starts_with(first) || !lines.ends_with(last) {
        return false;
    }
    let mut left = &lines[first.len()..lines.len() - last.len()];
    middle.iter().all(|part| {
        let at = left.windows(part.len().max(1)).position(|w| part.is_empty() || w == part.as_slice());
        at.is_some_and(|at| {
            left = &left[at + part.len()..];
            true
        })
    })
}

/// What was printed, without what is left out where it is shown: from behind the line above each `...` to before the
/// one below it, found again by what is no number in them. `None` if one of them is not there any more.
pub(crate) fn shortened(shown: &str, printed: &str) -> Option<String> {
    let shown: Vec<&str> = shown.split('\n').collect();
    let mut left: Vec<&str> = printed.split('\n').collect();
    let mut out: Vec<&str> = vec![];
    for (at, _) in shown.iter().enumerate().filter(|(_, line)| **line == "...") {
        let find =
            |lines: &[&str], like: &str| lines.iter().position(|line| without_numbers(line) == without_numbers(like));
        let kept = find(&left, shown[at - 1])? + 1;
        out.extend(left.drain(..kept));
        out.push("...");
        match shown.get(at + 1) {
            Some(below) => drop(left.drain(..find(&left, below)?)),
            None => left.clear(),
        }
    }
    out.append(&mut left);
    Some(out.join("\n"))
}

/// The words of a line, without numbers and tokens.
fn without_numbers(line: &str) -> String {
    let words = line.split_whitespace().filter(|word| !word.contains('@'));
    let letters = words.map(|word| word.chars().filter(|c| !c.is_ascii_digit()).collect::<String>());
    letters.filter(|word| !word.is_empty() && word != "-").collect::<Vec<_>>().join(" ")
}
