//! The reference page of operations, printed from the table that reads them.

use super::{OpSpec, Opt, Takes, all};

/// Every operation in Markdown: how it is written, what it does and returns,
/// and which functions of the kernel it models.
pub(crate) fn reference() -> String {
    let mut page = String::from(
        "# Operations\n\nEvery operation that returns something takes `into=LOCAL`; one that may fail takes \
         `may-fail`, `may-fail=-ERRNO` (both ways are explored) or `always-fails=-ERRNO`.\n\n",
    );
    for op in all() {
        page.push_str(&entry(op));
    }
    page
}

fn entry(op: &OpSpec) -> String {
    let mut text = format!("## `{}`\n\n{}.", synopsis(op), capitalised(op.meaning));
    if !op.returns.is_empty() {
        text.push_str(&format!(" Returns {}.", op.returns));
    }
    if !op.kernel.is_empty() {
        let functions: Vec<String> = op.kernel.split_whitespace().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!(" Models {}.", functions.join(", ")));
    }
    text.push_str("\n\n");
    for option in op.options {
        text.push_str(&format!("- `{}`: {}\n", written(option), option.meaning));
    }
    if !op.options.is_empty() {
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
            Takes::OneOf([word]) => text.push_str(word),
            Takes::Objects(_) => text.push_str(&format!("{}…", param.name.to_uppercase())),
            Takes::Place => text.push_str("PLACE [at=INDEX]"),
            _ => text.push_str(&param.name.to_uppercase()),
        }
    }
    for option in op.options {
        let option_text = written(option);
        text.push_str(&if option.required { format!(" {option_text}") } else { format!(" [{option_text}]") });
    }
    text
}

fn written(option: &Opt) -> String {
    match option.takes {
        None => option.name.to_owned(),
        Some(Takes::OneOf(words)) => format!("{}={}", option.name, words.join("|")),
        Some(_) => format!("{}={}", option.name, option.name.to_uppercase()),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
