//! Where the name under the pointer is declared.

use crate::{
    cursor::{On, Spot, word},
    names::What,
    server::View,
    shelf::{Found, declarations, fields},
};
use serde_json::{Value, json};

/// The places, as editors have them.
pub(crate) fn define(view: &View<'_>, offset: usize) -> Vec<Value> {
    let text = view.document.text.as_str();
    let Ok(at) = u32::try_from(offset) else { return vec![] };
    let spot = Spot::at(&view.names, at);
    let (Some(statement), Some(on)) = (spot.statement(), spot.on) else { return vec![] };
    if let ("use", On::Value(entry)) = (statement.name.as_str(), on)
        && entry.key.is_none()
    {
        return library(view, entry.value.trim_matches('"'));
    }
    let Some(word) = word(text, offset) else { return vec![] };
    let is_key = matches!(on, On::Key(_));
    let found = match word.is_member {
        true => fields(&view.names, &view.books, word.text),
        false => declarations(&view.names, &view.books, word.text, at),
    };
    // `name=` is an option, but where a statement sets what a library lets one choose.
    let is_meant = |found: &Found| !is_key || matches!(found.name.what, What::Choice | What::Number | What::Local);
    let own = found.into_iter().filter(is_meant).map(|found| place(view, &found)).collect::<Vec<_>>();
    if own.is_empty() && on == On::Word {
        // A field where it is declared, or set.
        return fields(&view.names, &view.books, word.text).iter().map(|found| place(view, found)).collect();
    }
    own
}

fn place(view: &View<'_>, found: &Found) -> Value {
    let (uri, text) = match &found.book {
        Some(book) => (&book.uri, &book.text),
        None => (&view.document.uri, &view.document.text),
    };
    json!({"uri": uri, "range": text.range(found.name.at)})
}

/// The first lines of the files of a library that a `use` names.
fn library(view: &View<'_>, target: &str) -> Vec<Value> {
    let begin = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    let last = target.rsplit('/').next().unwrap_or(target);
    let is_of = |shown: &str| shown == last || shown.split(['/', '.']).next() == Some(target);
    let books = view.books.iter().filter(|book| is_of(&book.shown));
    books.map(|book| json!({"uri": book.uri, "range": begin})).collect()
}
