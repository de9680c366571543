//! What is told of the word under the pointer: what the reference page says, or where it is declared and how.

use crate::{
    cursor::{On, Room, Spot, Word, terms, word},
    names::{Name, What, peeled},
    server::View,
    shelf::{Found, declarations, fields},
};
use fenceweave_kernel::op::{Opt, Takes};
use fenceweave_scenario::{Entry, Role, Span, Statement, Term, library_page, of_every_operation, vocabulary};

/// What is told, in Markdown, and of which stretch.
#[derive(Debug)]
pub(crate) struct Hover {
    pub(crate) text: String,
    pub(crate) at: Span,
}

/// What is told of a place; `verdict` says what the last check of a case came to.
pub(crate) fn hover(view: &View<'_>, offset: usize, verdict: &dyn Fn(&str, &str) -> Option<String>) -> Option<Hover> {
    let text = view.document.text.as_str();
    let at = u32::try_from(offset).ok()?;
    let spot = Spot::at(&view.names, at);
    let statement = spot.statement()?;
    let word = word(text, offset);
    let told = |said: Option<String>, at| said.map(|text| Hover { text, at });
    match spot.on? {
        On::Word => told(of_word(view, &spot, statement, at), statement.word),
        On::Key(entry) => {
            let key = entry.key.as_deref().unwrap_or_default();
            let of_option = option(statement, &spot, view, key).map(option_text);
            let end = entry.span.start + u32::try_from(key.len()).unwrap_or(0);
            let said = of_option.or_else(|| named(view, key, at)).or_else(|| chosen(view, key));
            told(said, Span { start: entry.span.start, end })
        }
        On::Value(entry) => {
            let own = of_value(view, (&spot, statement), entry, verdict);
            if let Some(text) = own {
                return Some(Hover { text, at: entry.at });
            }
            let word = word?;
            told(of_name(view, word, at), word.at)
        }
    }
}

/// What the reference says of terms.
fn reference(terms: &[&Term]) -> Option<String> {
    let told: Vec<String> = terms.iter().map(|term| term_text(term)).collect();
    (!told.is_empty()).then(|| told.join("\n---\n\n"))
}

/// What the reference says of a term.
pub(crate) fn term_text(term: &Term) -> String {
    format!("{}\n\n{}\n", term.written, term.text.trim_end())
}

fn option_text(option: &Opt) -> String {
    let takes = match option.takes {
        Some(Takes::OneOf(words)) => format!("={}", words.join("|")),
        Some(_) => format!("={}", option.name.to_uppercase()),
        None => String::new(),
    };
    format!("`{}{takes}`\n\n{}\n", option.name, option.meaning)
}

fn of_word(view: &View<'_>, spot: &Spot<'_>, statement: &Statement, at: u32) -> Option<String> {
    let room = spot.room(&view.names);
    let word = statement.name.as_str();
    let own = || declarations(&view.names, &view.books, word, at);
    match room {
        Room::Members if !matches!(word, "only" | "except") => {
            let all = fields(&view.names, &view.books, word);
            found_text(view, &all.into_iter().filter(|f| f.book.is_none()).take(1).collect::<Vec<_>>())
        }
        _ if word == "scenario" => Some("`scenario NAME { … }`\n\nOne scenario of the file.\n".to_owned()),
        _ => reference(&terms(word, room)).or_else(|| found_text(view, &own())),
    }
}

/// The option of that name that a statement takes.
pub(crate) fn option(statement: &Statement, spot: &Spot<'_>, view: &View<'_>, name: &str) -> Option<&'static Opt> {
    let (word, _) = peeled(statement);
    let terms = terms(word, spot.room(&view.names));
    let own = terms.iter().flat_map(|term| term.options).find(|option| option.name == name);
    let is_call = || !view.names.seen(word, statement.word.start).is_empty() || !view.books.is_empty();
    let takes_more = terms.iter().any(|term| term.role == Role::Operation) || (terms.is_empty() && is_call());
    own.or_else(|| of_every_operation().iter().find(|option| takes_more && option.name == name))
}

fn named(view: &View<'_>, name: &str, at: u32) -> Option<String> {
    found_text(view, &declarations(&view.names, &view.books, name, at))
}

/// An option of a library, at a `use` or at `only`.
fn chosen(view: &View<'_>, name: &str) -> Option<String> {
    let of = |book: &std::sync::Arc<crate::shelf::Book>| {
        let found = book.names.all.iter().filter(|n| n.what == What::Choice && n.text == name);
        found.map(|name| Found { name: name.clone(), book: Some(book.clone()) }).collect::<Vec<_>>()
    };
    found_text(view, &view.books.iter().flat_map(of).collect::<Vec<_>>())
}

fn of_value(
    view: &View<'_>,
    (spot, statement): (&Spot<'_>, &Statement),
    entry: &Entry,
    verdict: &dyn Fn(&str, &str) -> Option<String>,
) -> Option<String> {
    let said = entry.value.as_str();
    let role = |role| vocabulary().iter().find(|term| term.role == role && term.word == said).map(term_text);
    let is_first = statement.entries.first() == Some(entry);
    match statement.name.as_str() {
        "static" | "internal" | "override" if is_first => return reference(&terms(said, Room::Library)),
        "violates" => return role(Role::Property).or_else(|| of_clause(view, said)),
        "allow" if is_first => return role(Role::Warning),
        "use" if is_first && !entry.quoted => return library(said),
        "case" | "only" | "except" if entry.key.is_none() => return of_case(view, spot, said, verdict),
        "scenario" => return verdict(said, ""),
        _ => {}
    }
    let flag = entry.key.is_none() && !entry.quoted;
    let name = entry.key.as_deref().filter(|_| !entry.quoted).or(Some(said).filter(|_| flag))?;
    let option = option(statement, spot, view, name)?;
    let is_word = matches!(option.takes, None | Some(Takes::OneOf(_)));
    (is_word || (flag && option.bare)).then(|| option_text(option))
}

fn of_clause(view: &View<'_>, said: &str) -> Option<String> {
    let name = view.names.all.iter().find(|name| name.what == What::Clause && name.text == said)?;
    found_text(view, &[Found { name: name.clone(), book: None }])
}

fn of_case(
    view: &View<'_>,
    spot: &Spot<'_>,
    case: &str,
    verdict: &dyn Fn(&str, &str) -> Option<String>,
) -> Option<String> {
    let scenario = scenario_of(spot)?;
    view.names.all.iter().find(|name| name.what == What::Case && name.text == case)?;
    let told = verdict(scenario, case).unwrap_or_else(|| "Not checked yet.\n".to_owned());
    Some(format!("case `{scenario}/{case}`\n\n{told}"))
}

/// The scenario that a place is in.
pub(crate) fn scenario_of<'t>(spot: &Spot<'t>) -> Option<&'t str> {
    let scenario = spot.path.first().filter(|statement| statement.name == "scenario")?;
    Some(scenario.entries.first()?.value.as_str())
}

/// What a library says of itself, without its functions.
fn library(name: &str) -> Option<String> {
    let page = library_page(name)?;
    let end = ["\n## Functions", "\n## Objects", "\n## Tables", "\n## Numbers"].iter().filter_map(|at| page.find(at));
    Some(page[..end.min().unwrap_or(page.len())].to_owned())
}

fn of_name(view: &View<'_>, word: Word<'_>, at: u32) -> Option<String> {
    let found = match word.is_member {
        true => fields(&view.names, &view.books, word.text),
        false => declarations(&view.names, &view.books, word.text, at),
    };
    found_text(view, &found)
}

/// How something is declared, with the comment above it and the file.
fn found_text(view: &View<'_>, found: &[Found]) -> Option<String> {
    /// Of more one is as good as none.
    const MOST: usize = 4;
    let one = |found: &Found| {
        let text = found.book.as_ref().map_or(view.document.text.as_str(), |book| book.text.as_str());
        let mut out = format!("```fenceweave\n{}\n```\n", found.name.head.of(text).trim());
        if let Some(of) = &found.name.of {
            out.push_str(&format!("\nof `{of}`\n"));
        }
        let comment = comment_above(text, found.name.head.start as usize);
        if !comment.is_empty() {
            out.push_str(&format!("\n{comment}\n"));
        }
        out.push_str(&shown_by(&found.name));
        if let Some(book) = &found.book {
            out.push_str(&format!("\n*{}*\n", book.shown));
        }
        out
    };
    let told: Vec<String> = found.iter().take(MOST).map(one).collect();
    (!told.is_empty()).then(|| told.join("\n---\n\n"))
}

/// What an expectation can name of an object.
fn shown_by(name: &Name) -> String {
    let facets = name.kind.map_or(&[][..], |kind| kind.row().facets);
    let facets: Vec<String> = facets.iter().map(|facet| format!("`.{facet}`")).collect();
    if facets.is_empty() { String::new() } else { format!("\nAn expectation sees {}.\n", facets.join(", ")) }
}

/// The comment that stands right above a line.
pub(crate) fn comment_above(text: &str, at: usize) -> String {
    let begin = text[..at.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1);
    let mut lines: Vec<&str> = vec![];
    for line in text[..begin].lines().rev() {
        match line.trim().strip_prefix("//") {
            Some(said) => lines.push(said.trim()),
            None => break,
        }
    }
    lines.reverse();
    lines.join("\n")
}
