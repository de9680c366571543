//! The book in `scenarios/book`: what it shows of scenarios and of the command is what comes out.
//!
//! Each chapter is a test by its name, and runs in a folder of its own, block by block ([`chapter`] says what a fence
//! may say); what holds of the book as a whole is in [`whole`]. `FENCEWEAVE_RENEW=1` writes into the chapters what the
//! commands print today; then read the difference.

mod chapter;
#[path = "../functional/pages.rs"]
mod pages;
mod planted;
#[expect(dead_code, reason = "the tests of the commands use the rest")]
#[path = "../functional/project.rs"]
mod project;
mod whole;

use libtest_mimic::{Arguments, Trial};
use std::path::PathBuf;

/// A rule about all chapters together.
type Rule = fn(&[Page]) -> Result<(), String>;

/// A chapter as it stands in its file.
#[derive(Clone)]
struct Page {
    /// Its file.
    path: PathBuf,
    /// That without folder and extension.
    name: String,
    /// What stands in it.
    text: String,
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every page of the book, in the order of their names.
fn pages() -> Vec<Page> {
    let folder = std::fs::read_dir(root().join("scenarios/book/src")).expect("the book's chapters");
    let mut pages: Vec<Page> = folder
        .map(|entry| entry.expect("a folder that can be read to its end").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| Page {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).expect("a page"),
            path,
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

fn main() -> std::process::ExitCode {
    let pages = pages();
    let renew = std::env::var_os("FENCEWEAVE_RENEW").is_some_and(|v| v == "1");
    let mut trials: Vec<Trial> = vec![];
    for page in pages.clone() {
        trials.push(Trial::test(page.name.clone(), move || Ok(chapter::run(&page, renew)?)));
    }
    for (name, rule) in whole::RULES.iter().chain(planted::TESTS) {
        let pages = pages.clone();
        trials.push(Trial::test(*name, move || Ok(rule(&pages)?)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
