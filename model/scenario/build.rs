//! Makes the table of the built-in libraries: what is a file in `model/library/` is in the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../library");
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut table = String::from("&[\n");
    for path in sorted(&root)? {
        let files = match path.is_dir() {
            true => sorted(&path)?,
            false => vec![path.clone()],
        };
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "kdl")) {
            let library = path.file_stem().unwrap_or_default().to_string_lossy();
            let shown = file.strip_prefix(&root).unwrap_or(file).display().to_string();
            let file = fs::canonicalize(file)?;
            // Writing to a String cannot fail.
            let _ = writeln!(table, "    ({library:?}, {shown:?}, include_str!({:?})),", file.display().to_string());
        }
    }
    table.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("built_in.rs"), table)
}

/// What is in a folder, in the order of the names.
fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![];
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            all.push(entry?.path());
        }
    }
    all.sort();
    Ok(all)
}
