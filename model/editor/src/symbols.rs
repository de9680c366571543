//! What a text declares, as a tree.

use crate::{
    documents::Text,
    names::{Name, Names, What},
};
use serde_json::{Value, json};

/// The symbols of a text: what is declared in a statement stands below what that declares.
pub(crate) fn symbols(names: &Names, text: &Text) -> Vec<Value> {
    let shown = |name: &&Name| !matches!(name.what, What::Local | What::Clause);
    let mut all: Vec<&Name> = names.all.iter().filter(shown).collect();
    all.sort_by_key(|name| (name.whole.start, std::cmp::Reverse(name.whole.end), name.at.start));
    below(&all, text)
}

fn below(names: &[&Name], text: &Text) -> Vec<Value> {
    let mut out = vec![];
    let mut rest = names;
    while let Some((first, others)) = rest.split_first() {
        let is_inside = |name: &&&Name| first.whole.start < name.whole.start && name.whole.end <= first.whole.end;
        let inside = others.iter().take_while(is_inside).count();
        let (inside, behind) = others.split_at(inside);
        out.push(json!({
            "name": first.text,
            "detail": first.word,
            "kind": first.what.symbol(),
            "range": text.range(first.whole),
            "selectionRange": text.range(first.at),
            "children": below(inside, text),
        }));
        rest = behind;
    }
    out
}
