//! C spellings that KDL cannot hold, or would read as something else in
//! silence, each answered with the spelling that a scenario has for it.

use super::{
    call,
    token::{Kind, Token},
};
use crate::{kernel_names, mistakes::Span};

/// What is wrong with a spelling, and the right one.
pub(super) struct Found {
    pub(super) kind: &'static str,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) expected: &'static str,
    pub(super) help: Option<String>,
}

/// The head of a statement: everything up to its block or its end.
pub(super) struct Head<'a> {
    text: &'a str,
    /// The tokens without blank space.
    tokens: Vec<Token>,
}

impl<'a> Head<'a> {
    /// The head of a statement, without blanks and comments.
    pub(super) fn new(text: &'a str, tokens: &[Token]) -> Self {
        let said = |token: &&Token| !token.is_gap() && !matches!(token.kind, Kind::Newline | Kind::LineComment);
        Self { text, tokens: tokens.iter().filter(said).copied().collect() }
    }

    fn said(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.span.of(self.text))
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// From token `from` to the end of the head.
    fn span_from(&self, from: usize) -> Span {
        match (self.tokens.get(from), self.tokens.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::default(),
        }
    }

    fn text_from(&self, from: usize) -> String {
        one_line(self.span_from(from).of(self.text))
    }

    fn glued(&self, at: usize) -> bool {
        match (self.tokens.get(at.wrapping_sub(1)), self.tokens.get(at)) {
            (Some(before), Some(this)) => before.span.end == this.span.start,
            _ => false,
        }
    }
}

/// Explains the head of a statement, if it is a C spelling.
pub(super) fn explain(head: &Head<'_>) -> Option<Found> {
    hash(head)
        .or_else(|| single_quotes(head))
        .or_else(|| keyword(head))
        .or_else(|| label(head))
        .or_else(|| assignment(head))
        .or_else(|| step(head))
        .or_else(|| call(head))
        .or_else(|| expression(head))
        .or_else(|| comma(head))
        .or_else(|| spaced_option(head))
}

/// `#include`, `#true`, `#"raw"#`.
fn hash(head: &Head<'_>) -> Option<Found> {
    let at = head.tokens.iter().position(|token| token.kind == Kind::Hash)?;
    let said = head.said(at);
    let span = head.tokens[at].span;
    let (message, help) = match said {
        "#true" => ("there are no booleans", "write `1`"),
        "#false" => ("there are no booleans", "write `0`"),
        "#null" => ("the null reference is spelt as in C", "write `NULL`"),
        "#inf" | "#-inf" | "#nan" => ("numbers are whole", "write a whole number"),
        _ if at == 0 => ("there is no preprocessor", "delete the line; a comment begins with `//`"),
        _ if said.starts_with("#\"") || said.starts_with("##") => {
            ("there are no raw strings", "write `\"…\"`, with `\\\"` for a quote inside")
        }
        _ => ("`#` means nothing here", "a comment begins with `//`"),
    };
    Some(Found {
        kind: "c-spelling",
        span,
        message: message.to_owned(),
        expected: "a word, a number or a quoted text",
        help: Some(help.to_owned()),
    })
}

/// `if (…)`, `while (…)`, `for (…)`, `switch`, `else if`.
fn keyword(head: &Head<'_>) -> Option<Found> {
    let name = head.tokens.first()?;
    let (condition, rest) = condition(head, 1);
    let then = if rest.is_empty() { "{ … }".to_owned() } else { format!("{{ {rest} }}") };
    let (message, help) = match name.span.of(head.text) {
        "if" => ("`if` is spelt `when`", format!("write `when \"{condition}\" {then}`")),
        "else" if head.said(1) == "if" => {
            let (condition, rest) = self::condition(head, 2);
            let then = if rest.is_empty() { "{ … }".to_owned() } else { format!("{{ {rest} }}") };
            ("`if` is spelt `when`", format!("write `else when \"{condition}\" {then}`"))
        }
        "else" if head.kind(1) == Some(Kind::Quoted) => {
            let condition = unquoted(&head.text_from(1));
            ("`else` with a condition is `else when`", format!("write `else when \"{condition}\" {{ … }}`"))
        }
        "else" if head.said(1) == "when" => return None,
        "else" if head.tokens.len() > 1 => {
            ("`else` takes a block", format!("write `else {{ {} }}`", body(head, &head.text_from(1))))
        }
        "while" if is_c_condition(head) => ("a condition is quoted", format!("write `while \"{condition}\" {then}`")),
        "for" => (
            "there is no `for`",
            "write `repeat N { … }`, or `while \"condition\" { … }` with `let i=\"i + 1\"` inside".to_owned(),
        ),
        "switch" => ("there is no `switch`", "write one `when r is=VALUE { … }` for each value".to_owned()),
        _ => return None,
    };
    Some(Found {
        kind: "c-spelling",
        span: if name.span.of(head.text) == "if" { name.span } else { head.span_from(0) },
        message: message.to_owned(),
        expected: "a statement of the scenario language",
        help: Some(help),
    })
}

fn is_c_condition(head: &Head<'_>) -> bool {
    matches!(head.kind(1), Some(Kind::Mark(_))) || evidence(head).is_some()
}

/// The condition that begins at token `from`, without its parentheses, and what follows it on the line.
fn condition(head: &Head<'_>, from: usize) -> (String, String) {
    if head.kind(from) != Some(Kind::Mark('(')) {
        let whole = head.text_from(from);
        return (if whole.is_empty() { "…".to_owned() } else { unquoted(&whole) }, String::new());
    }
    let mut depth = 0usize;
    for (at, token) in head.tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Mark('(') => depth += 1,
            Kind::Mark(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let open = head.tokens[from].span;
            let inside = Span { start: open.end, end: token.span.start.max(open.end) };
            let rest = head.text_from(at + 1);
            let rest = if rest.trim_end_matches(';').is_empty() { String::new() } else { body(head, &rest) };
            return (unquoted(&one_line(inside.of(head.text))), rest);
        }
    }
    (unquoted(&head.text_from(from + 1)), String::new())
}

/// `out:`
fn label(head: &Head<'_>) -> Option<Found> {
    let name = head.said(0).strip_suffix(':').filter(|name| !name.is_empty())?;
    (head.tokens.len() == 1).then(|| Found {
        kind: "c-spelling",
        span: head.span_from(0),
        message: "a label is a statement".to_owned(),
        expected: "`label NAME`",
        help: Some(format!("write `label {name}`")),
    })
}

/// What `static` may stand before in a library.
const STATIC: [&str; 11] =
    ["fn", "proc", "var", "lock", "const", "enum", "flags", "ops", "ops-type", "workqueue", "completion"];

/// `r = lock fb`, `p->state = 1`, `r += 1`, `int r;`, `int r = lock(fb);`.
fn assignment(head: &Head<'_>) -> Option<Found> {
    const TYPES: [&str; 13] =
        ["int", "bool", "u8", "u32", "u64", "long", "unsigned", "char", "void", "static", "const", "size_t", "ssize_t"];
    let typed = TYPES.contains(&head.said(0));
    if head.said(0) == "const" && !TYPES.contains(&head.said(1)) {
        // A declaration of ours, unless it says what C says.
        return None;
    }
    if head.said(0) == "static" && STATIC.contains(&head.said(1)) {
        return None;
    }
    let equals = head.tokens.iter().position(|token| token.kind == Kind::Equals);
    if typed && stands_in_struct(head) {
        return field(head, equals);
    }
    let expected = "a statement; results go into locals by `into=`";
    let Some(equals) = equals.filter(|at| *at > 0) else {
        return typed.then(|| Found {
            kind: "c-spelling",
            span: head.span_from(0),
            message: "locals are not declared".to_owned(),
            expected: "a statement",
            help: Some(
                "a local is born by `into=NAME` on the operation that sets it, or by `let NAME=\"expression\"`; a word that \
                 threads share is declared in the scenario: `var NAME`"
                    .to_owned(),
            ),
        });
    };
    let operator = head.said(equals - 1);
    let compound = equals >= 2 && is_operator(operator) && !matches!(operator, "!" | "<" | ">");
    let target = if compound { equals - 2 } else { equals - 1 };
    let indexed = head.kind(target) == Some(Kind::Mark(']'));
    let first_of_value = equals + 1;
    let is_target = target == 0 || typed || indexed;
    if !is_target || head.kind(first_of_value) == Some(Kind::Equals) || LINES_WITH_EXPRESSIONS.contains(&head.said(0)) {
        return None;
    }
    let place = if indexed {
        let index = Span { start: head.tokens[1].span.end, end: head.tokens[target].span.start };
        format!("{} at={}", head.said(0), one_line(index.of(head.text)))
    } else {
        head.said(target).to_owned()
    };
    let operator = if compound { operator } else { "" };
    Some(Found {
        kind: "c-spelling",
        span: head.span_from(0),
        message: "there is no assignment by `=`".to_owned(),
        expected,
        help: Some(assigned(head, &place, operator, first_of_value, typed)),
    })
}

/// Whether the block around a statement is that of a `struct`.
fn stands_in_struct(head: &Head<'_>) -> bool {
    let before = head.text.get(..head.span_from(0).start as usize).unwrap_or_default();
    let mut depth = 0u32;
    for (at, c) in before.char_indices().rev() {
        match c {
            '}' => depth += 1,
            '{' if depth == 0 => {
                let said = before[..at].rsplit(['\n', ';', '{', '}']).next().unwrap_or_default();
                return said.split_whitespace().next() == Some("struct");
            }
            '{' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// `int place`, `unsigned long flags = 0`: a field of a struct, as in C.
fn field(head: &Head<'_>, equals: Option<usize>) -> Option<Found> {
    let end = equals.unwrap_or(head.tokens.len()).checked_sub(1).filter(|end| *end > 0)?;
    let name = head.said(end).trim_start_matches('*');
    let ty = (0..end).map(|at| head.said(at)).filter(|said| !matches!(*said, "const" | "static" | "*"));
    let ty = ty.collect::<Vec<_>>().join("_");
    let begins = equals.map(|equals| unquoted(&head.text_from(equals + 1))).filter(|value| !value.is_empty());
    let help = kernel_names::member(&ty, name).map(|written| match begins {
        Some(begins) => format!("write `{}`", written.replacen(" 0", &format!(" {begins}"), 1)),
        None => format!("write `{written}`"),
    });
    Some(Found {
        kind: "c-spelling",
        span: head.span_from(0),
        message: "the name of a field comes first".to_owned(),
        expected: "`NAME INITIAL-VALUE [type=TYPE] [guarded-by=LOCK] [const]`",
        help,
    })
}

/// How an assignment is written to a place, whose value begins at token `from`. Without an operator it is `=`.
fn assigned(head: &Head<'_>, name: &str, operator: &str, from: usize, typed: bool) -> String {
    let value = head.text_from(from);
    let value = value.trim_end_matches(';').trim_end();
    let path = name.replace("->", ".");
    let is_variable = declares_var(head.text, name) && !typed;
    if is_variable || path.contains('.') || path.contains(" at=") {
        let why = if is_variable { format!(": `{name}` is a variable, which threads share") } else { String::new() };
        let line = match is_operation(head, from) && operator.is_empty() {
            true => call::statement(head.text, value)
                .map(|written| format!("{} into=v`{}, then `store {path} v", written.line, written.also)),
            false => Ok(changed(head.text, &path, operator, value)),
        };
        return line.map_or_else(|answer| answer, |line| format!("write `{line}`{why}"));
    }
    let constant = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !operator.is_empty() {
        format!("write `let {name}=\"{name} {operator} {}\"`", unquoted(value))
    } else if declares_var(head.text, value) || is_path(value) {
        format!("write `load {} into={name}`", value.replace("->", "."))
    } else if is_operation(head, from) {
        match call::statement(head.text, value) {
            Ok(written) => format!("write `{} into={name}`{}", written.line, written.also),
            Err(answer) => format!("{answer}; a result goes into a local by `into={name}`"),
        }
    } else if constant && !typed {
        format!("write `{name} {value}` in an `enum` or in `flags`; a number with a name is `const {name}={value}`")
    } else {
        format!("write `let {name}=\"{}\"`", unquoted(value))
    }
}

/// Whether that is a field, by a path.
fn is_path(value: &str) -> bool {
    !value.starts_with('&') && call::operand(value).is_some_and(|path| path.contains('.'))
}

/// `x = 1`, `x += 1` of a shared word, as an operation; what cannot be an operand gets a local before it.
fn changed(text: &str, place: &str, operator: &str, value: &str) -> String {
    let value = unquoted(value);
    let word = match operator {
        "" => "store",
        "+" | "-" => "add",
        "|" => "or",
        "&" => "and",
        "^" => "xor",
        _ => {
            let value = value.replace("->", ".");
            return format!("load {place} into=old`, `let v=\"old {operator} {value}\"`, `store {place} v");
        }
    };
    let number = value.starts_with(|c: char| c.is_ascii_digit()) && call::operand(&value).is_some();
    match call::operand(&value) {
        _ if operator == "-" && number => format!("add {place} -{value}"),
        Some(path) if operator == "-" && (declares_var(text, &value) || is_path(&value)) => {
            format!("load {path} into=n`, `let v=\"-n\"`, then `add {place} v")
        }
        _ if operator == "-" => format!("let v=\"-({})\"`, then `add {place} v", value.replace("->", ".")),
        Some(path) if declares_var(text, &value) || is_path(&value) => {
            format!("load {path} into=v`, then `{word} {place} v")
        }
        Some(operand) => format!("{word} {place} {operand}"),
        None => format!("let v=\"{}\"`, then `{word} {place} v", value.replace("->", ".")),
    }
}

/// Whether the file declares a variable of that name; of several scenarios in it, any.
fn declares_var(text: &str, name: &str) -> bool {
    call::declares(text, &["var"], name)
}

/// `'y == 1'`: a text stands in double quotes.
fn single_quotes(head: &Head<'_>) -> Option<Found> {
    let first = head.tokens.iter().position(|token| token.span.of(head.text).contains('\''))?;
    let before = |token: &Token| matches!(token.kind, Kind::Quoted | Kind::Paragraph);
    let said = head.text_from(0);
    let is_open = said.matches('\'').count() >= 2 && !head.tokens.iter().any(before);
    is_open.then(|| Found {
        kind: "c-spelling",
        span: head.span_from(first),
        message: "a text stands in double quotes".to_owned(),
        expected: "`\"…\"`",
        help: Some(format!("write `{}`", said.replace('\'', "\""))),
    })
}

/// Whether what begins at token `from` looks like an operation: a call, or a name with an operand after it.
fn is_operation(head: &Head<'_>, from: usize) -> bool {
    head.kind(from) == Some(Kind::Word)
        && match head.kind(from + 1) {
            Some(Kind::Mark('(')) => true,
            Some(Kind::Word | Kind::Number) => !is_operator(head.said(from + 1)),
            _ => false,
        }
}

/// `r++`, `--r`.
fn step(head: &Head<'_>) -> Option<Found> {
    let said = head.said(0);
    let sign = ["++", "--"].into_iter().find(|sign| said.starts_with(sign) || said.ends_with(sign))?;
    let name = said.trim_matches(['+', '-']);
    (head.tokens.len() == 1 && !name.is_empty()).then(|| Found {
        kind: "c-spelling",
        span: head.span_from(0),
        message: format!("there is no `{sign}`"),
        expected: "a statement",
        help: Some(match (declares_var(head.text, name) || is_path(name), sign) {
            (true, "++") => format!("write `add {} 1`", name.replace("->", ".")),
            (true, _) => format!("write `add {} -1`", name.replace("->", ".")),
            (false, _) => format!("write `let {name}=\"{name} {} 1\"`", &sign[..1]),
        }),
    })
}

/// `lock(fb)`, `ops->lock(fb, ctx)`.
fn call(head: &Head<'_>) -> Option<Found> {
    let called = head.kind(0) == Some(Kind::Word)
        && head.kind(1) == Some(Kind::Mark('('))
        && (head.glued(1) || head.kind(head.tokens.len() - 1) == Some(Kind::Mark(')')))
        && !LINES_WITH_EXPRESSIONS.contains(&head.said(0));
    called.then(|| Found {
        kind: "c-spelling",
        span: head.span_from(0),
        message: "a call has no parentheses".to_owned(),
        expected: "`NAME operand… key=value…`",
        help: Some(self::called(head)),
    })
}

/// The statements whose operand is an expression.
const LINES_WITH_EXPRESSIONS: [&str; 12] = [
    "when",
    "while",
    "let",
    "assert",
    "repeat",
    "return",
    "spin-until",
    "never",
    "always",
    "at-end",
    "sometimes",
    "eventually",
];

/// Operators and parentheses outside quotes.
fn expression(head: &Head<'_>) -> Option<Found> {
    let at = evidence(head)?;
    let name = head.said(0);
    let span = operator_span(head, at);
    let sign = span.of(head.text);
    let (message, help) = if matches!(head.kind(at), Some(Kind::Mark('[' | ']'))) {
        let index = "an element is named by the option `at=`: `load pte at=i into=x`, `store pte at=0 1`";
        ("there are no brackets".to_owned(), Some(index.to_owned()))
    } else if name == "let" && head.kind(2) == Some(Kind::Equals) {
        let value = unquoted(&head.text_from(3));
        (format!("`{sign}` stands outside quotes"), Some(format!("write `let {}=\"{value}\"`", head.said(1))))
    } else if LINES_WITH_EXPRESSIONS.contains(&name) {
        let (condition, rest) = quoted_condition(head);
        (format!("`{sign}` stands outside quotes"), Some(format!("write `{name} \"{condition}\"{rest}`")))
    } else {
        (
            format!("`{sign}` stands outside quotes"),
            Some("an expression stands in quotes, and only where one is expected: `let x=\"a + 1\"`".to_owned()),
        )
    };
    Some(Found {
        kind: "bare-expression",
        span,
        message,
        expected: "a word, a number, a quoted expression or an option",
        help,
    })
}

/// `==`, `!=` and the like are more than one token.
fn operator_span(head: &Head<'_>, at: usize) -> Span {
    let joined = |at: &usize| head.glued(*at) && head.kind(*at) == Some(Kind::Equals);
    let end = (at + 1..head.tokens.len()).take_while(joined).last().unwrap_or(at);
    head.tokens[at].span.to(head.tokens[end].span)
}

/// The condition of `when r == 0`, and the quoted texts that follow it.
fn quoted_condition(head: &Head<'_>) -> (String, String) {
    let quoted = |token: &Token| matches!(token.kind, Kind::Quoted | Kind::Paragraph);
    let texts = head.tokens.iter().rev().take_while(|token| quoted(token)).count();
    let end = head.tokens.len() - texts;
    if end <= 1 {
        return (unquoted(&head.text_from(1)), String::new());
    }
    let whole = head.tokens[1].span.to(head.tokens[end - 1].span);
    let mut condition = one_line(whole.of(head.text));
    while is_wrapped(&condition) {
        condition = condition[1..condition.len() - 1].trim().to_owned();
    }
    let rest = if texts == 0 { String::new() } else { format!(" {}", head.text_from(end)) };
    (unquoted(&condition), rest)
}

/// Whether one pair of parentheses holds the whole text.
fn is_wrapped(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let mut depth = 0i32;
    inside.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

/// The first token that only an expression has.
fn evidence(head: &Head<'_>) -> Option<usize> {
    (0..head.tokens.len()).find(|&at| match head.tokens[at].kind {
        Kind::Mark(_) => true,
        Kind::Word if at > 0 => is_operator(head.said(at)) || holds_operator(head.said(at)),
        Kind::Equals => {
            let option = head.glued(at) && head.glued(at + 1) && head.kind(at + 1) != Some(Kind::Equals);
            let comparison = head.said(at - usize::from(at > 0)).ends_with(['!', '<', '>']);
            comparison || (!option && LINES_WITH_EXPRESSIONS.contains(&head.said(0)))
        }
        _ => false,
    })
}

/// A word of operator signs alone.
fn is_operator(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| "<>!&|^+-*%~?:".contains(c))
}

/// An operator inside a word, as in `r<n` or `a&&b`. The arrow of `p->seq` and the signs of `&x` and `*p` belong to
/// references.
fn holds_operator(word: &str) -> bool {
    let plain = word.replace("->", ".");
    let plain = plain.strip_prefix(['&', '*']).unwrap_or(&plain);
    plain.contains(['<', '>', '!', '&', '|', '^', '+', '*', '%', '~', '?'])
}

/// `lock a, b`
fn comma(head: &Head<'_>) -> Option<Found> {
    let at = (0..head.tokens.len()).find(|&at| head.kind(at) == Some(Kind::Word) && head.said(at).contains(','))?;
    Some(Found {
        kind: "c-spelling",
        span: head.tokens[at].span,
        message: "there are no commas".to_owned(),
        expected: "operands, separated by blanks",
        help: Some(called(head)),
    })
}

/// `into = r`
fn spaced_option(head: &Head<'_>) -> Option<Found> {
    let apart = |at: &usize| head.kind(*at) == Some(Kind::Equals) && !(head.glued(*at) && head.glued(at + 1));
    let at = (0..head.tokens.len()).find(apart)?;
    let (key, value) = (head.said(at.wrapping_sub(1)), head.said(at + 1));
    let value = if value.is_empty() { "VALUE" } else { value };
    Some(Found {
        kind: "option-value",
        span: head.tokens[at].span,
        message: "an option is written without blanks".to_owned(),
        expected: "a key right before this, and a value right after it",
        help: Some(format!("write `{key}={value}`")),
    })
}

/// What stands after a block on its line.
pub(super) fn after_block(text: &str, span: Span) -> Found {
    let said = span.of(text);
    let is_else = said == "else" || said.starts_with("else ");
    let (kind, message, help) = if is_else {
        let help = "write `} else {`, with a blank between";
        ("else-on-its-line", "`else` begins a statement of its own", help)
    } else if said.starts_with("while") {
        let help = "write `while \"E\"` on a line of its own, or `}; while \"E\"` on this one";
        ("while-on-its-line", "`while` begins a statement of its own", help)
    } else {
        let help = "options and results go before the block: `NAME operand… into=r { … }`";
        ("after-block", "nothing may follow a block on its line", help)
    };
    let length = match kind {
        "else-on-its-line" => 4,
        "while-on-its-line" => 5,
        _ => said.len(),
    };
    Found {
        kind,
        span: Span::new(span.start as usize, span.start as usize + length),
        message: message.to_owned(),
        expected: "the end of the line or a `;`",
        help: Some(help.to_owned()),
    }
}

/// A bare word that KDL or the language keeps for something else.
pub(super) fn bare_word(word: &str, span: Span) -> Option<Found> {
    let (message, help) = match word {
        "true" => ("there are no booleans", "write `1`"),
        "false" => ("there are no booleans", "write `0`"),
        "null" => ("the null reference is spelt as in C", "write `NULL`"),
        "inf" | "-inf" | "nan" => ("KDL keeps this word for itself", "choose another name"),
        _ => return None,
    };
    Some(Found {
        kind: "c-spelling",
        span,
        message: format!("`{word}`: {message}"),
        expected: "a name, a number, an errno or NULL",
        help: Some(help.to_owned()),
    })
}

/// Reads a whole number without a sign.
pub(crate) fn unsigned_number(said: &str) -> Result<u64, String> {
    u64::try_from(exact(said)?).map_err(|_| "it does not fit in 64 bits".to_owned())
}

/// Reads a whole number; the error is what to do about it.
pub(crate) fn number(said: &str) -> Result<i64, String> {
    i64::try_from(exact(said)?).map_err(|_| "it does not fit in 64 bits".to_owned())
}

fn exact(said: &str) -> Result<i128, String> {
    let (sign, unsigned) = match said.as_bytes().first() {
        Some(b'-') => (-1i128, &said[1..]),
        Some(b'+') => (1, &said[1..]),
        _ => (1, said),
    };
    let (radix, digits) = match unsigned.get(..2) {
        Some("0x" | "0X") => (16, &unsigned[2..]),
        Some("0o" | "0O") => (8, &unsigned[2..]),
        Some("0b" | "0B") => (2, &unsigned[2..]),
        _ => (10, unsigned),
    };
    let valid =
        digits.starts_with(|c: char| c.is_digit(radix)) && digits.chars().all(|c| c.is_digit(radix) || c == '_');
    if !valid {
        let whole: String = unsigned.chars().take_while(char::is_ascii_digit).collect();
        return Err(if whole.is_empty() || radix != 10 {
            "write a whole number".to_owned()
        } else if unsigned[whole.len()..].starts_with('.') {
            "numbers are whole".to_owned()
        } else {
            format!("there are no units, times are counts: write `{whole}`; a name does not begin with a digit")
        });
    }
    let value = i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    value.map(|value| sign * value).ok_or_else(|| "it does not fit in 64 bits".to_owned())
}

/// A piece of C as the body of a block: `…` if it is not sure.
fn body(head: &Head<'_>, c: &str) -> String {
    let sure = !c.contains(" = ") && !c.contains("++") && !c.contains("--");
    match call::statement(head.text, c) {
        Ok(written) if sure && written.also.is_empty() && !written.line.contains('`') => written.line,
        _ => "…".to_owned(),
    }
}

/// What is told of a call.
fn called(head: &Head<'_>) -> String {
    call::statement(head.text, &head.text_from(0)).map_or_else(|answer| answer, |written| written.help())
}

fn unquoted(text: &str) -> String {
    text.trim_end_matches(';').replace(['"', '\''], "").trim().to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
