//! Which library has a function: for who calls one and has not said `use`, or has chosen another release of it.

use super::built_in;

/// Where a function is that a library's users may call, and what has to be chosen for it; the texts are as `fmt` leaves
/// them, so a choice around it begins and ends at the margin.
fn find(name: &str, library: &str) -> Option<Option<&'static str>> {
    built_in::files(library).find_map(|(_, text)| {
        let mut choice = None;
        text.lines().find_map(|line| {
            match line.strip_suffix(" {") {
                Some(head) if head.starts_with("only ") || head.starts_with("except ") => choice = Some(head),
                _ if line == "}" => choice = None,
                _ => {}
            }
            let called = line.trim_start().strip_prefix("fn ")?.split([' ', '{']).next()?;
            (called == name).then_some(choice)
        })
    })
}

/// What to write for a function of that name that some library has.
pub(crate) fn whose(name: &str) -> Option<String> {
    let found = built_in::names().into_iter().filter_map(|library| Some((library, find(name, library)?)));
    // One that is there without more is the nearest.
    let (library, choice) = found.min_by_key(|(_, choice)| choice.is_some())?;
    Some(match choice {
        None => format!("the library `{library}` has it: `use {library}`"),
        Some(choice) => format!("the library `{library}` has it, in `{choice} {{ … }}`: `use {library}`"),
    })
}
