//! The reference page of operations, printed from the table that reads them.

use super::{OpSpec, Opt, Takes, all};

/// Every operation in Markdown: how it is written, what it does and returns, and which functions of the kernel it
/// models.
pub(crate) fn reference() -> String {
    let mut page = String::from(
        "# Operations\n\nEvery operation that returns something takes `into=LOCAL`; one that may fail takes \
         `may-fail`, `may-fail=-ERRNO` (both ways are explored), `always-fails=-ERRNO`, or `fail-nth=N` \
         [`error=-ERRNO`] (the N-th time that the thread executes it). So does the call of a proc.\n\n",
    );
    for op in all() {
        page.push_str(&entry(op));
    }
    page
}

fn entry(op: &OpSpec) -> String {
    format!("## `{}`\n\n{}", synopsis(op), said(op))
}

/// What it does and returns, what it models, and its options.
pub(crate) fn said(op: &OpSpec) -> String {
    let mut text = format!("{}.", capitalised(op.meaning));
    if !op.returns.is_empty() {
        text.push_str(&format!(" Returns {}.", op.returns));
    }
    if !op.kernel.is_empty() {
        let functions: Vec<String> = op.kernel.split_whitespace().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!(" Models {}.", functions.join(", ")));
    }
    text.push_str("\n\n");
    text.push_str(&described(op.options));
    text
}

/// What each option means.
pub(crate) fn described(options: &[Opt]) -> String {
    let mut text: String =
        options.iter().map(|option| format!("- `{}`: {}\n", written(option), option.meaning)).collect();
    if !options.is_empty() {
        text.push('\n');
    }
    text
}

/// The operation as one writes it: `lock MUTEX [ctx=CTX] [interruptible]`.
pub(crate) fn synopsis(op: &OpSpec) -> String {
    let mut text = op.name.to_owned();
    for param in op.operands {
        text.push(' ');
        match param.takes {
            Takes::OneOf(words) => text.push_str(&words.join("|")),
            Takes::Objects(_) | Takes::Fences => text.push_str(&format!("{}…", param.name.to_uppercase())),
            Takes::Place => text.push_str("PLACE [at=INDEX]"),
            Takes::Condition | Takes::Shared => text.push_str(&format!("\"{}\"", param.name.to_uppercase())),
            _ => text.push_str(&param.name.to_uppercase()),
        }
    }
    text + &options_written(op.options)
}

/// The options as one writes them, in brackets if they may be left out.
pub(crate) fn options_written(options: &[Opt]) -> String {
    let one = |option: &Opt| match option.required {
        true => format!(" {}", written(option)),
        false => format!(" [{}]", written(option)),
    };
    options.iter().map(one).collect()
}

fn written(option: &Opt) -> String {
    match option.takes {
        None => option.name.to_owned(),
        Some(Takes::Number { .. }) if option.bare => format!("{}[=0]", option.name),
        Some(Takes::OneOf(words)) => format!("{}={}", option.name, words.join("|")),
        Some(_) => format!("{}={}", option.name, option.name.to_uppercase()),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
