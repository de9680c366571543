//! The judge's programs as scenarios.

use fenceweave_judge::{Class, Op, Patience, Program, Statement};
use std::fmt::Write as _;

/// The name of a local.
pub(super) fn local(number: usize) -> String {
    format!("l{number}")
}

/// Where the calls of a text stand.
pub(super) struct Lines {
    /// For each thread, the line of each of its calls.
    calls: Vec<Vec<usize>>,
    /// How many locals each thread has.
    pub(super) locals: Vec<usize>,
}

impl Lines {
    /// Which call of a thread stands in a line.
    pub(super) fn call_at(&self, thread: usize, line: u32) -> usize {
        self.calls[thread].iter().position(|l| *l == line as usize).unwrap_or(usize::MAX)
    }
}

struct Text {
    out: String,
    line: usize,
    lines: Lines,
}

/// Prints a program, one call a line.
pub(super) fn render(program: &Program) -> (String, Lines) {
    let lines = Lines { calls: vec![], locals: vec![] };
    let mut text = Text { out: String::new(), line: 1, lines };
    text.put("scenario judged {");
    declare(program, &mut text);
    for (t, statements) in program.threads.iter().enumerate() {
        text.lines.calls.push(vec![]);
        text.lines.locals.push(0);
        text.put(&format!("thread T{t} {{"));
        block(statements, &mut text);
        text.put("}");
    }
    text.put("expect { holds }");
    text.put("}");
    (text.out, text.lines)
}

impl Text {
    fn put(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
        self.line += 1;
    }

    fn uses(&mut self, local: usize) {
        if let Some(locals) = self.lines.locals.last_mut() {
            *locals = (*locals).max(local + 1);
        }
    }
}

fn declare(program: &Program, text: &mut Text) {
    for (w, init) in program.words.iter().enumerate() {
        text.put(&format!("var w{w} init={init}"));
    }
    let mut each = |count: usize, what: &dyn Fn(usize) -> String| (0..count).for_each(|i| text.put(&what(i)));
    each(program.spins, &|i| format!("lock s{i}"));
    each(program.rwsems, &|i| format!("lock r{i} kind=rwsem"));
    each(program.completions, &|i| format!("completion c{i}"));
    each(program.queues, &|i| format!("wait-queue q{i}"));
    match program.class {
        None => each(program.mutexes, &|i| format!("lock m{i} kind=mutex")),
        Some(class) => {
            let kind = if class == Class::WaitDie { "wait-die" } else { "wound-wait" };
            each(1, &|_| format!("ww-class K kind={kind} no-lockdep"));
            each(program.mutexes, &|i| format!("ww-mutex m{i} class=K"));
            each(program.contexts.len(), &|i| format!("acquire-ctx a{i} class=K"));
        }
    }
    let begun = program.contexts.iter().enumerate().filter(|(_, c)| c.begun);
    let begun: String = begun.map(|(i, c)| format!("acquire-init a{i} for=T{}; ", c.thread)).collect();
    if !begun.is_empty() {
        text.put(&format!("setup {{ {begun}}}"));
    }
}

fn block(statements: &[Statement], text: &mut Text) {
    for statement in statements {
        match statement {
            Statement::Call(op, into) => {
                if let Some(calls) = text.lines.calls.last_mut() {
                    calls.push(text.line);
                }
                let result = into.map(|l| format!(" into={}", local(l))).unwrap_or_default();
                into.iter().for_each(|l| text.uses(*l));
                text.put(&format!("{}{result}", call(*op)));
            }
            Statement::When(l, value, body) | Statement::WhenNot(l, value, body) => {
                let is = if matches!(statement, Statement::When(..)) { "is" } else { "is-not" };
                text.uses(*l);
                text.put(&format!("when {} {is}={value} {{", local(*l)));
                block(body, text);
                text.put("}");
            }
            Statement::Loop(body) => {
                text.put("loop {");
                block(body, text);
                text.put("}");
            }
            Statement::BreakIfNot(l, value) => {
                text.uses(*l);
                text.put(&format!("when {} is-not={value} {{ break }}", local(*l)));
            }
        }
    }
}

fn call(op: Op) -> String {
    let or = |p: Patience, word: &str| if p.interruptible { format!(" {word}") } else { String::new() };
    let timed = |p: Patience| if p.timeout { " timeout" } else { "" };
    let ctx = |c: Option<usize>| c.map(|c| format!(" ctx=a{c}")).unwrap_or_default();
    match op {
        Op::Load { word } => format!("load w{word}"),
        Op::Store { word, value } => format!("store w{word} {value}"),
        Op::Add { word, value } => format!("add w{word} {value}"),
        Op::Xchg { word, value } => format!("xchg w{word} {value}"),
        Op::Cmpxchg { word, old, new } => format!("cmpxchg w{word} {old} {new}"),
        Op::SpinLock { lock } => format!("lock s{lock}"),
        Op::SpinTryLock { lock } => format!("trylock s{lock}"),
        Op::SpinUnlock { lock } => format!("unlock s{lock}"),
        Op::MutexLock { mutex, ctx: c, slow, patience } => {
            format!("lock{} m{mutex}{}{}", if slow { "-slow" } else { "" }, ctx(c), or(patience, "interruptible"))
        }
        Op::MutexTryLock { mutex, ctx: c } => format!("trylock m{mutex}{}", ctx(c)),
        Op::MutexUnlock { mutex } => format!("unlock m{mutex}"),
        Op::CtxInit { ctx } => format!("acquire-init a{ctx}"),
        Op::CtxFini { ctx } => format!("acquire-fini a{ctx}"),
        Op::DownRead { sem, patience } => format!("down-read r{sem}{}", or(patience, "killable")),
        Op::DownWrite { sem, patience } => format!("down-write r{sem}{}", or(patience, "killable")),
        Op::DownReadTryLock { sem } => format!("down-read-trylock r{sem}"),
        Op::DownWriteTryLock { sem } => format!("down-write-trylock r{sem}"),
        Op::UpRead { sem } => format!("up-read r{sem}"),
        Op::UpWrite { sem } => format!("up-write r{sem}"),
        Op::DowngradeWrite { sem } => format!("downgrade-write r{sem}"),
        Op::WaitForCompletion { completion, patience } => {
            format!("wait-for-completion c{completion}{}{}", or(patience, "interruptible"), timed(patience))
        }
        Op::TryWaitForCompletion { completion } => format!("try-wait-for-completion c{completion}"),
        Op::Complete { completion } => format!("complete c{completion}"),
        Op::CompleteAll { completion } => format!("complete-all c{completion}"),
        Op::ReinitCompletion { completion } => format!("reinit-completion c{completion}"),
        Op::Prepare { queue, exclusive, patience } => {
            let exclusive = if exclusive { " exclusive" } else { "" };
            format!("prepare q{queue}{exclusive}{}", or(patience, "interruptible"))
        }
        Op::Sleep { queue, patience } => format!("sleep q{queue}{}{}", or(patience, "interruptible"), timed(patience)),
        Op::Finish { queue } => format!("finish q{queue}"),
        Op::WakeUp { queue } => format!("wake-one q{queue}"),
        Op::WakeUpAll { queue } => format!("wake-all q{queue}"),
        Op::SendSignal { thread } => format!("raise signal to=T{thread}"),
    }
}
