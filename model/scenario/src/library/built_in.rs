//! The libraries in the binary. `build.rs` makes the table.

/// Of each file of each library: the library, the file below `model/library`, its text; in the order of the names.
pub(crate) const FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The files of a library; none if there is no such library.
pub(crate) fn files(library: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(move |(name, ..)| *name == library).map(|(_, file, text)| (*file, *text))
}

/// The names of the libraries.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FILES.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names
}
