//! The sources of the workspace, parsed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of Rust.
pub(crate) struct Source {
    /// Its path from the root of the repository.
    pub(crate) path: String,
    /// What stands in it, character by character.
    pub(crate) text: String,
    /// What that is.
    pub(crate) file: syn::File,
}

impl Source {
    /// A text that stands for a file.
    ///
    /// # Panics
    ///
    /// If the text is no Rust.
    pub(crate) fn parsed(path: &str, text: &str) -> Source {
        let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{path}: {e}"));
        Source { path: path.to_owned(), text: text.to_owned(), file }
    }

    /// Whether it holds tests, benches or examples only.
    pub(crate) fn is_test(&self) -> bool {
        ["/tests/", "/benches/", "/examples/"].iter().any(|d| self.path.contains(d)) || self.path.ends_with("/tests.rs")
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a folder with that extension, in order.
pub(crate) fn files(below: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder can be read to its end").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every source of the workspace.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let of = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let short = path.strip_prefix(&root).expect("it lies below the root").to_string_lossy().replace('\\', "/");
        Source::parsed(&short, &text)
    };
    files(&root.join("model"), "rs").into_iter().map(of).collect()
}
