//! Addresses of texts: files, and the libraries that are in the binary.

use std::path::{Path, PathBuf};

/// What stands before a built-in library's file: `fenceweave-library:/ttm/ttm_bo.kdl`.
pub(crate) const LIBRARY: &str = "fenceweave-library";

/// The address of a file.
pub(crate) fn of_file(path: &Path) -> String {
    let mut out = String::from("file://");
    let text = path.to_string_lossy().replace('\\', "/");
    // `C:/x` is `file:///C:/x`.
    if !text.starts_with('/') {
        out.push('/');
    }
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The file that an address is of.
pub(crate) fn to_file(uri: &str) -> Option<PathBuf> {
    let path = decoded(uri.strip_prefix("file://")?)?;
    let path = path.strip_prefix("localhost").unwrap_or(&path);
    // `/C:/x` is `C:/x`.
    let bytes = path.as_bytes();
    let is_drive = bytes.len() > 2 && bytes[0] == b'/' && bytes[1].is_ascii_alphabetic() && bytes[2] == b':';
    Some(PathBuf::from(if is_drive { &path[1..] } else { path }))
}

/// The address of a library's file, named from the folder of libraries.
pub(crate) fn of_library(file: &str) -> String {
    format!("{LIBRARY}:/{file}")
}

/// The library's file that an address is of.
pub(crate) fn to_library(uri: &str) -> Option<String> {
    decoded(uri.strip_prefix(LIBRARY)?.strip_prefix(":/")?.trim_start_matches('/'))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_file() {
        let path = Path::new("/a b/ü/x+y.kdl");
        assert_eq!(of_file(path), "file:///a%20b/%C3%BC/x%2By.kdl");
        assert_eq!(to_file(&of_file(path)).as_deref(), Some(path));
        assert_eq!(to_file("file:///c%3A/x.kdl").as_deref(), Some(Path::new("c:/x.kdl")));
        assert_eq!(to_file("untitled:1"), None);
        assert_eq!(to_file("file:///%zz"), None);
        assert_eq!(to_library(&of_library("ttm/ttm_bo.kdl")).as_deref(), Some("ttm/ttm_bo.kdl"));
    }
}
