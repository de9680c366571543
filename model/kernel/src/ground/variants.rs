//! The words of variants: the protocols' tables are the only place where they stand.

/// The words of a table of variants, for an option that takes one of them.
pub const fn words<V: Copy, const N: usize>(all: &[(&'static str, V); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut at = 0;
    while at < N {
        words[at] = all[at].0;
        at += 1;
    }
    words
}

/// The variant that a word means; without one the first, which is upstream.
pub fn of_word<V: Copy, const N: usize>(all: &[(&'static str, V); N], word: Option<&str>) -> V {
    let said = all.iter().find(|(name, _)| Some(*name) == word);
    said.unwrap_or(&all[0]).1
}
