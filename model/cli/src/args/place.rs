//! `--at [FILE:]A[-B]`: lines of a file, or of any.

use std::ops::RangeInclusive;

/// Lines of a file, or of any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file, with as much of its path as is said; `None` is any file.
    file: Option<String>,
    /// The lines, from 1.
    lines: RangeInclusive<u32>,
}

impl Place {
    /// # Errors
    ///
    /// What a place looks like.
    pub(super) fn read(said: &str) -> Result<Place, String> {
        let (file, lines) = said.rsplit_once(':').map_or((None, said), |(file, lines)| (Some(file.to_owned()), lines));
        let (from, to) = lines.split_once('-').unwrap_or((lines, lines));
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) if from <= to => Ok(Place { file, lines: from..=to }),
            _ => Err("a line is a number, and several are `A-B`".to_owned()),
        }
    }

    /// Whether a line of a file is one of them. Names are whole: `ttm_bo.kdl` is not `v2019_ttm_bo.kdl`.
    pub fn has(&self, file: &str, line: u32) -> bool {
        let is_it = |name: &str| file.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        self.file.as_deref().is_none_or(is_it) && self.lines.contains(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_is_whole_and_its_path_as_long_as_is_said() {
        let place = |said| Place::read(said).expect("a place");
        assert!(place("ttm_bo.kdl:3-4").has("ttm/ttm_bo.kdl", 3) && place("ttm/ttm_bo.kdl:4").has("ttm/ttm_bo.kdl", 4));
        assert!(
            !place("ttm_bo.kdl:3").has("ttm/v2019_ttm_bo.kdl", 3) && !place("ttm_bo.kdl:3").has("ttm/ttm_bo.kdl", 4)
        );
        assert!(place("7").has("whatever.kdl", 7));
        assert!(Place::read("ttm_bo.kdl:4-3").is_err() && Place::read("ttm_bo.kdl").is_err());
    }
}
