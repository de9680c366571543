//! The reference page of the language.

use crate::library;
use crate::lower::{CLAUSES, SECTIONS, STATEMENTS};
use crate::warnings::WARNINGS;
use crate::{decls, ops};
use fenceweave_kernel::Kind;

/// Everything that can stand in a file, in Markdown, from the tables that files are read by.
pub fn reference_page() -> String {
    let mut page =
        String::from("# A scenario\n\nA file holds `scenario NAME { … }`, once or more. In the block stand:\n\n");
    page.push_str(&entries(SECTIONS));
    page.push_str("- and declarations\n\n");
    page.push_str(LIBRARIES);
    page.push_str(&entries(library::SECTIONS));
    page.push_str("- and declarations\n\n");
    page.push_str(TEXT);
    page.push_str("# Expectations\n\nEach may be restricted by `engine=ENGINE`. Several conditions in one clause are joined by *and*: `never \"A\" \"B\"` says that both are never true at once.\n\n");
    page.push_str(&entries(CLAUSES));
    page.push_str(&seen());
    page.push_str(&warnings());
    page.push_str(&decls::reference());
    page.push_str("# Statements\n\n");
    page.push_str(&entries(STATEMENTS));
    page.push('\n');
    page.push_str(&ops::reference());
    page
}

/// What `use` brings in.
const LIBRARIES: &str = "\
# A library

A library is a file without a scenario, or a folder of such files, which see each other: one for each file of the kernel. \
`fenceweave library` lists those that are built in, `fenceweave library NAME` prints one, and with `--page` what it has. A scenario \
that says `use NAME` or `use \"./FILE.kdl\"` has what it names of it, and what that names: nothing else is compiled, or \
warned of. At the top of such a file stand, besides declarations as of a scenario:

";

/// What a condition can name.
fn seen() -> String {
    let mut page = String::from(
        "\nA condition sees words and names, a variable (`x`, `array.1`), a field (`group.0.state`), a local of a thread, a \
         work item or a timer (`submit.r`, `w.0.r`, `any w.r`, `all w.r`; what a thread returned is its local `return`; a \
         proc's or a function's own locals are not seen), and of objects:\n\n",
    );
    for kind in Kind::ALL {
        let facets: Vec<String> = kind.row().facets.iter().map(|facet| format!("`.{facet}`")).collect();
        if !facets.is_empty() {
            page.push_str(&format!("- `{}`: {}\n", declared(*kind), facets.join(", ")));
        }
    }
    page.push_str(
        "\nA `resv` shows what its lock shows, too. What is in a syncobj is the word `NAME.fence`. A lock's `.owner` and a \
         `.fence` are references, NULL without one; `.waiters` and `.tasks` are numbers of threads; the others are words, 1 \
         or 0 where they say yes or no.\n\n",
    );
    page
}

/// How an object of a kind is declared.
fn declared(kind: Kind) -> &'static str {
    if kind.row().declared.is_empty() { kind.name() } else { kind.row().declared }
}

/// How a file is written, and what stands between quotes.
const TEXT: &str = "\
# The text

A file is [KDL](https://kdl.dev) of version 2, in UTF-8. A statement is a line: a word, operands, options `key=value` and flags, \
and a block `{ … }` as its last. `;` ends a statement before the end of its line; a `\\` at the end of a line continues it. `//` \
begins a comment, `/* … */` is one, and `/-` before a statement, an entry or a block disables it. A text stands in `\"…\"`, one of \
several lines in `\"\"\"` on lines of their own. A name is letters, digits, `-` and `_`, and begins with a letter. `else { … }`, and the `while \"E\"` of a \
`do { … }`, are statements of their own, behind the `}`, on a new line or after `;`.

An operand or a value is a name, a local, a number (`3`, `-5`, `0x1f`), `NULL`, an errno (`-ENOMEM`), a field of what a local \
refers to (`p.state`, or `p->state`), or a word in capitals, which stands for a number of its own (`IDLE`). Numbers have 32 bits \
and a sign. A negative number is shown as an errno only where the scenario names that errno, or an operation of its own returns it.

A local is born by `into=NAME` or by `let NAME=\"…\"`, belongs to its thread or call, and holds a word or a reference. Reading one \
that was never set is a mistake where that is certain, and the violation `unset-read` where it is not.

# Expressions

What `when`, `while`, `let`, `assert` and the expectations have between quotes is an expression: C's operators, binding as in C \
(`||`, `&&`, `|`, `^`, `&`, `== !=`, `< <= > >=`, `<< >>`, `+ -`, `* / %`, `! -`, and parentheses) over names, numbers, errnos and \
`NULL`. Comparisons, `!`, `&&` and `||` give 1 or 0; everything but 0 and NULL is true. `&&` and `||` look at both sides, which \
has no effect, and a side that decides alone is enough: `x && y` is false where `x` is, even if `y` was never set. Division by \
zero is a violation. References compare by `==` and `!=`, with each other and with `NULL`; NULL equals 0. `IS_ERR(p)` is true of a \
word from -4095 to -1, which is what a pointer holds that is an error; `IS_ERR_OR_NULL(p)` also of NULL; `PTR_ERR(p)` and \
`ERR_PTR(r)` are the same word. Between a name and a minus stands a blank, for `-` may be part of a name. There is no \
assignment, index or other call.

Numbers have C's types on a 64-bit kernel: u8, u16, u32, u64, s32, s64, size_t (u64) and bool. `var x type=u32`, a field's \
`size 0 type=u32` and `local u32 size` say what a word, a field and a local is; without that it is an s64, or holds a reference, which \
what has another type cannot. A literal is an `int` if it fits (`1 << 40` is a mistake), else an s64; `1U`, `1L`, `1UL`, `1ULL` and \
those with 0x are what C makes of them. Operators calculate in what C's promotions and usual conversions give, unsigned ones wrap, \
atomic operations always do. What is stored, assigned or passed is converted: it keeps the low bits. Told are a signed result that \
does not fit (`signed-overflow`) and a shift by the width or by less than nothing (`shift-out-of-bounds`); a comparison that the \
types decide is the warning `decided-by-type`. `(u32)x` converts, `c ? a : b` and `~x` are there, and of the kernel's functions \
`min(a, b)`, `max(a, b)`, `min_t(TYPE, a, b)`, `max_t(TYPE, a, b)`, `ALIGN(x, a)`, `ffs(x)`, `fls(x)`, `fls64(x)`, `ilog2(x)`, \
`check_add_overflow(a, b, TYPE)` (whether the result does not fit in the type; also `sub` and `mul`) and \
`wrapping_add(TYPE, a, b)` (also `sub` and `mul`). A number of 64 bits is kept if it is one of 48 bits with a sign, or a \
power of two, a mask, or within that of an end of s64 or u64; for any other the search is incomplete. What the left \
side of `&&` and `||` does wrong is told whatever the right one is, as in C; what the side of `?:` does that is not chosen is not.

In a script an expression sees the thread's locals alone: shared words are read by operations, a step each. In `expect` it sees \
what is listed there, and no locals without their thread's name.

";

/// What `check` warns of.
fn warnings() -> String {
    let mut page = String::from(
        "# Warnings\n\n`check` tells what makes a verdict empty: each warning has a place and a way out, `--deny-warnings` \
         makes it a failure. What no execution came to is said of the whole graph of states and of all cases that have the \
         statement; a search that was cut says \"not within the limit\".\n\n",
    );
    page.extend(WARNINGS.iter().map(|(name, meaning)| format!("- `{name}`: {meaning}\n")));
    page.push('\n');
    page
}

fn entries(table: &[(&str, &str, &str)]) -> String {
    table.iter().map(|(_, syntax, meaning)| format!("- `{syntax}`: {meaning}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{declared, reference_page};
    use fenceweave_kernel::Kind;

    #[test]
    fn every_kind_with_something_to_see_is_in_the_reference() {
        let page = reference_page();
        for kind in Kind::ALL {
            let line = page.lines().find(|line| line.starts_with(&format!("- `{}`: `.", declared(*kind))));
            let shown = line.map_or(0, |line| line.matches("`.").count());
            assert_eq!(shown, kind.row().facets.len(), "{kind:?}");
        }
    }
}
