//! What was most likely meant by a word that nobody knows.

use crate::kernel_names::is_c_name;

/// The nearest of `known` to `word`, when near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One letter of two is no likeness.
    let limit = (word.chars().count() / 3).min(if is_c_name(word) { 1 } else { 3 });
    let folded = |text: &str| text.to_lowercase().replace('_', "-");
    let word = folded(word);
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &folded(candidate));
            (distance, candidate)
        })
        // A word that was broken off is short: its beginning is likeness enough.
        .filter(|(distance, candidate)| {
            *distance <= limit || *distance == 1 && word.len() > 1 && folded(candidate).starts_with(&word)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `nearest` as the sentence that a help line holds.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}
