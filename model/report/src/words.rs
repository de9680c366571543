//! Names and values as a kernel developer writes them.

use crate::line::Line;
use fenceweave_kernel::{
    Errno, Facet, Handle, Instr, LocalId, ObjId, Plain, Program, Script, ThreadId, Type, Value, World,
    program::SourceLine, resv::Cursor, world::canonical,
};

/// What a local that was never set shows.
pub(crate) const UNSET: &str = "unset";

/// A value as outcomes hold it (references reduced to whether they are outdated): the object's name, `NULL`, a word of
/// the scenario's own, a negative error number by its name, `name (freed)` for an outdated reference.
pub fn value(program: &Program, v: Value) -> String {
    match v {
        Value::Unset => UNSET.into(),
        Value::Null => "NULL".into(),
        Value::Word(w) => match program.words.iter().find(|(number, _)| *number == w) {
            Some((_, name)) => name.clone(),
            None => number(program, w),
        },
        Value::Wide(wide) => wide.to_string(),
        Value::Ref(Handle { obj, generation: Handle::STALE }) => format!("{} (freed)", referred(program, obj)),
        Value::Ref(h) => referred(program, h.obj).into(),
        Value::Cursor(c) => cursor(program, c),
        Value::Unwrap(c) => match c.at() {
            Some(at) => format!("cursor in {}", program.name_of(at)),
            None => "cursor at the end".into(),
        },
    }
}

/// A value that is kept in something of that type: an unsigned number has no sign, a number is an errno only where it
/// may be one, and one of an `enum` or of `flags` has the names that it has there.
pub(crate) fn typed(program: &Program, ty: Type, v: Value) -> String {
    let Some(n) = v.integer().filter(|_| v != Value::Null) else { return value(program, v) };
    match ty {
        Type::Named { at, .. } => program.types.get(usize::from(at)).map_or_else(|| n.to_string(), |ty| ty.text(n)),
        Type::Errno => i32::try_from(n).map_or_else(|_| n.to_string(), word),
        Type::S32 => n.to_string(),
        Type::S64 => value(program, v),
        // One that began below zero is told by its bits.
        Type::U64 if n < 0 => format!("{n:#x}"),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::Bool => n.to_string(),
    }
}

/// The same of a value as it stands in a world.
pub(crate) fn typed_in(program: &Program, world: &World<Plain>, ty: Type, v: Value) -> String {
    typed(program, ty, canonical(world, v))
}

/// The type of what an operation returns: that of the word that it comes out of, or of the local that takes it.
pub(crate) fn result_type(program: &Program, t: ThreadId, pc: u16) -> Type {
    let (script, here) = program.script_at(t, pc);
    let (word, into) = match instr(program, t, pc) {
        Some(Instr::Op { op, into, .. }) => (op.row().word.map(|place| program.type_at(place)), into),
        Some(Instr::Choose { into, .. } | Instr::Fails { into, .. } | Instr::MayFail { into, .. }) => (None, into),
        _ => (None, None),
    };
    let taken = || into.map(|local| script.local_type_at(here, local));
    word.filter(|ty| *ty != Type::S64).or_else(taken).unwrap_or_default()
}

/// What a reference is to: a reservation has the name that its author gave to it, which its lock has, too.
fn referred(program: &Program, id: ObjId) -> &str {
    program.name_of(program.named_by(id))
}

/// A cursor by the entry that it stands at.
fn cursor(program: &Program, c: Cursor) -> String {
    if let Some((list, at)) = c.entry() {
        return format!("cursor at {}[{at}]", program.name_of(list));
    }
    format!("cursor of {}", referred(program, c.resv()))
}

/// A number: an errno by its name, if the scenario has to do with that one.
fn number(program: &Program, w: i32) -> String {
    let is_errno = w.checked_neg().is_some_and(|e| program.errnos.contains(&Errno(e)));
    if is_errno { word(w) } else { w.to_string() }
}

/// What can be no number but an errno: one by its name.
fn word(w: i32) -> String {
    match w.checked_neg().filter(|e| *e > 0).and_then(|e| Errno(e).name()) {
        Some(name) => format!("-{name}"),
        None => w.to_string(),
    }
}

/// A facet of an object; one that is a plain word may be an error.
pub(crate) fn facet(program: &Program, f: Facet) -> String {
    match f {
        Facet::Word(w) => word(w),
        Facet::Flag(b) => if b { "yes" } else { "no" }.into(),
        Facet::Thread(t) => t.map_or("none", |t| program.thread_name(t)).into(),
        Facet::Object(o) => o.map_or("none", |o| program.name_of(o)).into(),
        Facet::Queue(q) => {
            let names: Vec<&str> = q.iter().map(|t| program.thread_name(t)).collect();
            match names[..] {
                [] => "none".into(),
                [one] => one.into(),
                _ => format!("[{}]", names.join(" ")),
            }
        }
        Facet::Name(n) => n.into(),
        Facet::Fence(e) => e.map_or("empty".into(), |(f, usage)| format!("{} as {usage}", program.name_of(f))),
    }
}

/// A thread's script; `None` for setup and teardown, whose steps nobody explores.
pub(crate) fn script(program: &Program, t: ThreadId) -> &Script {
    program.script(t).unwrap_or(&program.setup)
}

/// What teardown's column is called.
pub(crate) const TEARDOWN: &str = "teardown";

/// Who is at a place: a thread, setup or teardown.
pub(crate) fn who(program: &Program, t: ThreadId, pc: u16) -> &str {
    match program.script(t) {
        None if usize::from(pc) >= program.setup.code.len() && !program.teardown.code.is_empty() => TEARDOWN,
        _ => program.thread_name(t),
    }
}

/// The instruction at a place of a thread's script.
pub(crate) fn instr(program: &Program, t: ThreadId, pc: u16) -> Option<Instr> {
    let (script, pc) = program.script_at(t, pc);
    script.code.get(usize::from(pc)).copied()
}

/// Where an instruction comes from.
pub(crate) fn source(program: &Program, t: ThreadId, pc: u16) -> Option<&SourceLine> {
    let (script, pc) = program.script_at(t, pc);
    script.lines.get(usize::from(pc))
}

/// The author's text of an instruction.
pub(crate) fn op_text(program: &Program, t: ThreadId, pc: u16) -> &str {
    source(program, t, pc).map_or("", |l| &l.text)
}

/// The line of an instruction.
pub(crate) fn line(program: &Program, t: ThreadId, pc: u16) -> Line<'_> {
    source(program, t, pc).map_or_else(Line::default, |l| Line::of(program, l.file, l.line))
}

/// `line 12`, if somebody wrote the instruction.
pub(crate) fn line_of(program: &Program, t: ThreadId, pc: u16) -> Option<String> {
    line(program, t, pc).said()
}

/// Of an operation in procs, where each is called, the innermost first:
/// `drop, called at line 6 of finish, called at line 12`. Empty elsewhere.
fn via(program: &Program, line: &SourceLine) -> String {
    let calls = line.calls.iter().rev();
    let told = calls.map(|call| {
        let at = Line::of(program, call.file, call.line).said();
        format!("{}, called at {}", call.proc, at.unwrap_or_default())
    });
    told.collect::<Vec<_>>().join(" of ")
}

/// ` (line 12: lock b)`, as far as it is known.
pub(crate) fn place(program: &Program, t: ThreadId, pc: u16) -> String {
    let text = op_text(program, t, pc);
    let via = source(program, t, pc).map_or_else(String::new, |line| via(program, line));
    let via = if via.is_empty() { String::new() } else { format!(", in {via}") };
    match (line_of(program, t, pc), text.is_empty()) {
        (Some(line), false) => format!(" ({line}: {text}{via})"),
        (None, false) => format!(" ({text}{via})"),
        (Some(line), true) => format!(" ({line}{via})"),
        (None, true) => String::new(),
    }
}

/// The name of a thread's local.
pub(crate) fn local_name(program: &Program, t: ThreadId, l: LocalId) -> &str {
    script(program, t).locals.get(usize::from(l.0)).map_or("?", |n| n)
}

/// The name of a local as the operation at a place knows it: a callee has its own.
pub(crate) fn local_at(program: &Program, t: ThreadId, pc: u16, l: LocalId) -> &str {
    let (script, pc) = program.script_at(t, pc);
    script.local_name(pc, l)
}

/// The object in the scenario's words.
pub(crate) fn object_name(program: &Program, id: ObjId) -> &str {
    program.name_of(id)
}

/// The object as its author knows it: a reservation has the name of its lock.
pub(crate) fn authors_name(program: &Program, id: ObjId) -> &str {
    referred(program, id)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., end] => format!("{} {last} {end}", init.join(", ")),
    }
}

/// How many columns of a terminal a text takes: every character here is one wide.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// `1 step`, `2 steps`.
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_words_are_errors_if_they_have_a_name() {
        assert_eq!(word(-35), "-EDEADLK");
        assert_eq!(word(-9999), "-9999");
        assert_eq!(word(35), "35");
        assert_eq!(word(i32::MIN), "-2147483648");
    }

    #[test]
    fn lists_read_as_a_sentence() {
        let names: Vec<String> = ["a", "b", "c"].map(String::from).into();
        assert_eq!(list(&names, "and"), "a, b and c");
        assert_eq!(list(&names[..1], "and"), "a");
    }
}
