//! What holds of the book as a whole: every page is in its contents, every link leads somewhere, every file that is
//! named is there, every library has a chapter.

use crate::{Page, Rule, pages::blocks, root};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The rules, each a test by its name.
pub(crate) const RULES: &[(&str, Rule)] = &[
    ("every page is in the contents", every_page_is_in_the_contents),
    ("every link leads somewhere", every_link_leads_somewhere),
    ("every file that is named is there", every_named_file_is_there),
    ("every library has a chapter that uses it, or is used by one that has", every_library_has_a_chapter),
    ("lines can be read in a terminal", lines_can_be_read),
    ("figures beside other tools are measured ones", figures_are_measured),
];

/// The widest line of prose.
const WIDTH: usize = 120;

/// What is wrong, a line each, or that nothing is.
fn none(wrong: Vec<String>) -> Result<(), String> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// A page without its blocks.
fn prose(text: &str) -> String {
    let (mut prose, mut from) = (String::new(), 0);
    for block in blocks(text) {
        prose.push_str(&text[from..block.at]);
        from = block.at + block.text.len();
    }
    prose + &text[from..]
}

/// What the links of a page lead to.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|to| !to.starts_with("http")).map(str::to_owned).collect()
}

fn every_page_is_in_the_contents(pages: &[Page]) -> Result<(), String> {
    let contents = pages.iter().find(|p| p.name == "SUMMARY").ok_or("the book has no SUMMARY.md")?;
    let listed = links(&contents.text);
    let once = |page: &Page| listed.iter().filter(|to| **to == format!("{}.md", page.name)).count() == 1;
    let left = pages.iter().filter(|p| p.name != "SUMMARY" && !once(p));
    none(left.map(|p| format!("{}: not once in SUMMARY.md", p.path.display())).collect())
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn every_link_leads_somewhere(pages: &[Page]) -> Result<(), String> {
    let mut wrong = vec![];
    for page in pages {
        for link in links(&page.text) {
            let (file, at) = link.split_once('#').unwrap_or((&link, ""));
            let to = page.path.parent().expect("a page is in a folder").join(file);
            let to = if file.is_empty() { page.path.clone() } else { to };
            let text = if to.is_file() { std::fs::read_to_string(&to).unwrap_or_default() } else { String::new() };
            let is_heading = |line: &str| line.starts_with('#') && anchor(line.trim_start_matches('#')) == at;
            if !to.exists() || !(at.is_empty() || prose(&text).lines().any(is_heading)) {
                wrong.push(format!("{}: {link} is not there", page.path.display()));
            }
        }
    }
    none(wrong)
}

/// What a page names of the repository, as `scenarios/ww/abba.kdl`, is there, or was made by a command that it shows.
fn every_named_file_is_there(pages: &[Page]) -> Result<(), String> {
    let mut wrong = vec![];
    for page in pages {
        let prose = prose(&page.text);
        let named = prose.split('`').skip(1).step_by(2).filter(|n| !n.contains(char::is_whitespace));
        let ours = named.filter(|n| ["scenarios/", "model/", "topologies/", "ci/"].iter().any(|d| n.starts_with(d)));
        let made = |name: &str| blocks(&page.text).iter().any(|b| b.language() == "console" && b.text.contains(name));
        let left = ours.filter(|name| !root().join(name).exists() && !made(name));
        wrong.extend(left.map(|name| format!("{}: {name} is not there", page.path.display())));
    }
    none(wrong)
}

fn every_library_has_a_chapter(pages: &[Page]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("model/library: {e}");
    let paths = |folder: &Path| -> Result<Vec<PathBuf>, String> {
        let entries = std::fs::read_dir(folder).map_err(told)?;
        entries.map(|entry| Ok(entry.map_err(told)?.path())).collect()
    };
    let texts = pages.iter().flat_map(|p| blocks(&p.text)).filter(|b| b.language() == "kdl");
    let lines = texts.flat_map(|b| b.text.lines()).filter(|l| !l.trim_start_matches('~').trim().starts_with("//"));
    let mut used = used_in(lines);
    let libraries = paths(&root().join("model/library"))?;
    let name = |library: &PathBuf| library.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // What a library uses is there with it.
    let mut open: Vec<&PathBuf> = libraries.iter().filter(|library| used.contains(&name(library))).collect();
    while let Some(library) = open.pop() {
        let files = if library.is_dir() { paths(library)? } else { vec![library.clone()] };
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(told)?;
            let lines = text.lines().filter(|l| !l.trim().starts_with("//"));
            let more: Vec<String> = used_in(lines).into_iter().filter(|name| !used.contains(name)).collect();
            open.extend(libraries.iter().filter(|library| more.contains(&name(library))));
            used.extend(more);
        }
    }
    let without = libraries.iter().map(name).filter(|library| !used.contains(library));
    none(without.map(|library| format!("{library}: in no chapter's scenario")).collect())
}

/// The libraries that lines use; also in `only CASE { use NAME }`.
fn used_in<'t>(lines: impl Iterator<Item = &'t str>) -> BTreeSet<String> {
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.windows(2).filter(|w| w[0].trim_start_matches('~') == "use").map(|w| w[1].to_owned()).collect()
}

fn lines_can_be_read(pages: &[Page]) -> Result<(), String> {
    let mut wrong = vec![];
    for page in pages {
        let prose = prose(&page.text);
        let wide = prose.lines().filter(|l| l.chars().count() > WIDTH && !l.starts_with('|') && l.contains(' '));
        wrong.extend(wide.map(|l| format!("{}: wider than {WIDTH}: {l}", page.path.display())));
    }
    none(wrong)
}

/// What the comparison shows of other tools begins as the cell of the same program that `PEERS.md` has.
fn figures_are_measured(pages: &[Page]) -> Result<(), String> {
    let measured = root().join("model/explore/PEERS.md");
    let measured = std::fs::read_to_string(&measured).map_err(|e| format!("{}: {e}", measured.display()))?;
    let page = pages.iter().find(|p| p.name == "comparison").ok_or("the book compares with nothing")?;
    let cells = |row: &str| -> Vec<String> { row.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect() };
    let (_, rows) = page.text.split_once("| program |").ok_or("the comparison has no figures")?;
    let mut wrong = vec![];
    for row in rows.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let shown = cells(row);
        let theirs =
            measured.lines().find(|l| l.starts_with(&format!("| {} |", shown[0]))).map(cells).unwrap_or_default();
        let left = shown.iter().filter(|cell| !theirs.iter().any(|t| t.starts_with(cell.as_str())));
        wrong.extend(left.map(|cell| format!("{}: `{cell}` is not in PEERS.md", shown[0])));
    }
    none(wrong)
}
