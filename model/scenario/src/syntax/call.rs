//! A call as C writes it, as the statement that a scenario has for it: the word, its operands in their order, its
//! options. What is not sure is answered with the word and what it takes, never with a line that would be wrong.

use crate::{kernel_names, library, lower::STATEMENTS, ops};

/// A statement, and what else has to be said for the call.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) line: String,
    /// What follows the line in a help; empty for most.
    pub(super) also: String,
}

impl Written {
    /// The help that tells it.
    pub(super) fn help(&self) -> String {
        format!("write `{}`{}", self.line, self.also)
    }
}

/// Functions of the kernel, the statement for them, and what else has to be said.
///
/// `$1` is the first argument; `$^1` the object whose member it is; `$#1` the bit of that number, `$~1` all others;
/// `$-1` the number negated; `$"1` the argument as a condition. Further arguments have nothing here. Of several rows of
/// one function the first counts whose places its arguments fit.
type Row = (&'static str, &'static str, &'static str);

/// Those that are not just the word with the same operands.
const ROWS: &[Row] = &[
    ("spin_lock_irqsave raw_spin_lock_irqsave", "lock $1 irqsave", ""),
    ("spin_lock_irq raw_spin_lock_irq", "lock $1 irq", ""),
    ("spin_lock_bh", "lock $1 bh", ""),
    ("spin_unlock_irqrestore raw_spin_unlock_irqrestore", "unlock $1 irqrestore", ""),
    ("spin_unlock_irq raw_spin_unlock_irq", "unlock $1 irq", ""),
    ("spin_unlock_bh", "unlock $1 bh", ""),
    ("raw_spin_lock", "lock $1", ""),
    ("raw_spin_unlock", "unlock $1", ""),
    ("mutex_lock_interruptible mutex_lock_killable", "lock $1 interruptible", ""),
    ("down_read_killable down_read_interruptible", "down-read $1 killable", ""),
    ("down_write_killable", "down-write $1 killable", ""),
    ("dma_resv_lock ww_mutex_lock", "lock $1 ctx=$2", ""),
    ("dma_resv_lock_interruptible ww_mutex_lock_interruptible", "lock $1 ctx=$2 interruptible", ""),
    ("dma_resv_lock_slow ww_mutex_lock_slow", "lock-slow $1 ctx=$2", ""),
    ("dma_resv_lock_slow_interruptible ww_mutex_lock_slow_interruptible", "lock-slow $1 ctx=$2 interruptible", ""),
    ("dma_resv_unlock ww_mutex_unlock", "unlock $1", ""),
    ("ww_mutex_trylock", "trylock $1 ctx=$2", ""),
    ("ww_acquire_init", "acquire-init $1", ""),
    ("dma_resv_reserve_fences", "reserve $1 slots=$2", ""),
    ("kref_get", "get $^1", ""),
    ("kref_get_unless_zero", "get-unless-zero $^1", ""),
    ("kref_put", "put $^1", ", and once in the scenario `hook STRUCT release=$2`"),
    ("drm_gem_object_get", "get $^1", ", of an object of a struct with `refs`"),
    ("drm_gem_object_put", "put $^1", ", of an object of a struct with `refs`"),
    ("list_add", "list-add $2 $^1", ""),
    ("list_add_tail", "list-add-tail $2 $^1", ""),
    ("list_move_tail", "list-move-tail $2 $^1", ""),
    ("list_move", "list-move $2 $^1", ""),
    ("list_del", "list-del $1", ", or `list-del LIST $^1`, LIST the list that it is on, if objects have no nodes"),
    (
        "list_del_init",
        "list-del-init $1",
        ", or `list-del-init LIST $^1`, LIST the list that it is on, if objects have no nodes",
    ),
    ("list_for_each_entry", "list-each $2 into=$1 { … }", ""),
    ("list_for_each_entry_safe", "list-each-safe $3 into=$1 { … }", ""),
    ("list_for_each_entry_reverse", "list-each $2 into=$1 reverse { … }", ""),
    ("rb_add_cached", "rb-add $2 $^1", ""),
    ("rb_erase rb_erase_cached", "rb-erase $2 $^1", ""),
    ("timerqueue_add", "rb-add $1 $^2", ""),
    ("timerqueue_del", "rb-erase $1 $^2 clear", ""),
    ("RB_CLEAR_NODE", "rb-clear-node $1", ""),
    ("RB_EMPTY_NODE", "rb-empty-node $1", ""),
    ("interval_tree_insert", "range-insert $2 $^1", ""),
    ("interval_tree_remove", "range-erase $2 $^1", ""),
    ("queue_work", "queue-work $2", ""),
    ("schedule_work", "queue-work $1", ""),
    ("queue_delayed_work", "queue-delayed-work $2", ""),
    ("schedule_delayed_work", "queue-delayed-work $1", ""),
    ("mod_delayed_work", "mod-delayed-work $2", ""),
    ("mod_timer", "mod-timer $1", ""),
    ("timer_delete del_timer", "del-timer $1", ""),
    ("timer_delete_sync del_timer_sync", "del-timer-sync $1", ""),
    ("task_work_add", "task-work-add $2", ""),
    ("call_rcu", "call-rcu $^1 func=$2", ""),
    ("container_of", "container-of $1 $2.$3", ""),
    ("local_irq_save", "local-irq-save", ""),
    ("local_irq_restore", "local-irq-restore", ""),
    ("wait_event", "wait-event $1 \"$\"2\"", ""),
    ("wait_event_interruptible", "wait-event $1 \"$\"2\" interruptible", ""),
    ("wait_event_killable", "wait-event $1 \"$\"2\" killable", ""),
    ("wait_event_timeout", "wait-event $1 \"$\"2\" timeout", ""),
    ("wait_event_interruptible_timeout", "wait-event $1 \"$\"2\" interruptible timeout", ""),
    ("wait_for_completion_timeout", "wait-for-completion $1 timeout", ""),
    ("wait_for_completion_interruptible", "wait-for-completion $1 interruptible", ""),
    ("set_bit", "or $2 $#1", ""),
    ("set_bit", "let v=\"1 << $1\"`, then `or $2 v", ""),
    ("clear_bit", "and $2 $~1", ""),
    ("clear_bit", "let v=\"~(1 << $1)\"`, then `and $2 v", ""),
    ("change_bit", "xor $2 $#1", ""),
    ("change_bit", "let v=\"1 << $1\"`, then `xor $2 v", ""),
    ("atomic_inc", "add $1 1", ""),
    ("atomic_dec", "add $1 -1", ""),
    ("atomic_add atomic_add_return", "add $2 $1", ""),
    ("atomic_sub", "add $2 $-1", ""),
    ("atomic_or", "or $2 $1", ""),
    ("atomic_and", "and $2 $1", ""),
    ("atomic_xor", "xor $2 $1", ""),
    ("atomic_read", "load $1", ""),
    ("atomic_set", "store $1 $2", ""),
    ("atomic_xchg", "xchg $1 $2", ""),
    ("atomic_cmpxchg", "cmpxchg $1 $2 $3", ""),
    ("smp_load_acquire", "load $1 order=acquire", ""),
    ("smp_store_release rcu_assign_pointer", "store $1 $2 order=release", ""),
    ("rcu_dereference", "load $1", ""),
];

/// What `guard(CLASS)` takes, and what gives it back at the end of the block.
const GUARDS: &[(&str, &str, &str)] = &[
    ("mutex spinlock raw_spinlock", "lock $1", "unlock $1"),
    ("mutex_intr", "lock $1 interruptible", "unlock $1"),
    ("spinlock_irq raw_spinlock_irq", "lock $1 irq", "unlock $1 irq"),
    ("spinlock_irqsave raw_spinlock_irqsave", "lock $1 irqsave", "unlock $1 irqrestore"),
    ("spinlock_bh", "lock $1 bh", "unlock $1 bh"),
    ("rwsem_read", "down-read $1", "up-read $1"),
    ("rwsem_write", "down-write $1", "up-write $1"),
    ("rcu", "rcu-read-lock", "rcu-read-unlock"),
    ("preempt", "preempt-disable", "preempt-enable"),
    ("irq", "local-irq-disable", "local-irq-enable"),
    ("irqsave", "local-irq-save", "local-irq-restore"),
];

/// A piece of C as one statement of the language; the error is what is told instead.
///
/// `text` is the file: what it declares can be called.
pub(super) fn statement(text: &str, c: &str) -> Result<Written, String> {
    let c = c.trim().trim_end_matches(';').trim_end();
    let plain = |line: String| Ok(Written { line, also: String::new() });
    let Some((name, rest)) = c.split_once('(') else {
        return plain(c.replace(',', " ").split_whitespace().collect::<Vec<_>>().join(" "));
    };
    let name = name.trim();
    let Some(inside) = closed(rest) else {
        if let Some((guard, object)) = rest.split_once(')').filter(|_| matches!(name, "guard" | "scoped_guard")) {
            return guarded(guard.trim(), object);
        }
        return Err(
            "what is called is a statement of its own, with its result in a local: `NAME OPERAND… into=r`".into()
        );
    };
    let arguments = arguments(inside);
    if name == "scoped_guard" && arguments.len() == 2 {
        return guarded(arguments[0], &format!("({})", arguments[1]));
    }
    if let Some((object, slot)) = name.rsplit_once("->").or_else(|| name.rsplit_once('.')) {
        let called = format!("{}.{slot}", object.replace("->", "."));
        return match operands(&arguments) {
            Some(operands) => plain(join(&format!("call {called}"), &operands)),
            None => Err(format!("what is in a slot of a table is called by `call {called} ARGUMENT…`")),
        };
    }
    for (names, template, also) in ROWS {
        if names.split_whitespace().any(|known| known == name)
            && let (Some(line), Some(also)) = (filled(template, &arguments), filled(also, &arguments))
        {
            // No context is none said.
            return Ok(Written { line: line.replace(" ctx=NULL", ""), also });
        }
    }
    known(text, name, &arguments)
}

/// A call of what is in no row.
fn known(text: &str, name: &str, arguments: &[&str]) -> Result<Written, String> {
    let ours = !ops::named(name).is_empty()
        || STATEMENTS.iter().any(|(known, ..)| *known == name)
        || declares(text, &["fn", "proc"], name);
    let operands = operands(arguments);
    if let (true, Some(operands)) = (ours, &operands) {
        return Ok(Written { line: join(name, operands), also: String::new() });
    }
    if let [op, ..] = ops::named(name).as_slice() {
        return Err(format!("write `{}`", ops::synopsis(op)));
    }
    if let Some(op) = ops::of_kernel_function(name) {
        let is_first = op.kernel.split_whitespace().next().is_some_and(|first| first.trim_end_matches("()") == name);
        let words = op
            .operands
            .iter()
            .all(|param| !matches!(param.takes, ops::Takes::Condition | ops::Takes::Shared | ops::Takes::OneOf(_)));
        let same = words && op.operands.len() == arguments.len() && !op.options.iter().any(|option| option.required);
        return match operands.filter(|_| is_first && same) {
            Some(operands) => Ok(Written { line: join(op.name, &operands), also: String::new() }),
            None => Err(format!("`{name}()` is written `{}`", ops::synopsis(op))),
        };
    }
    if let Some(answer) = kernel_names::statement(name) {
        return Err(format!("`{name}()`: {answer}"));
    }
    if let Some(whose) = library::whose(name) {
        return Err(format!(
            "{whose}; it is called by `{}`",
            operands.map_or_else(|| name.to_owned(), |o| join(name, &o))
        ));
    }
    let called = operands.map_or_else(|| format!("{name} ARGUMENT…"), |operands| join(name, &operands));
    Err(format!(
        "no operation is called `{name}`: a function of your own is \
         `fn {name} ARGUMENT… {{ … }}`, called by `{called}`"
    ))
}

/// `guard(CLASS)(&object)`
fn guarded(class: &str, object: &str) -> Result<Written, String> {
    let inside = object.trim().strip_prefix('(').and_then(closed).unwrap_or_default();
    let arguments = arguments(inside);
    let row = GUARDS.iter().find(|(classes, ..)| classes.split_whitespace().any(|known| known == class));
    let found = row.and_then(|(_, take, give)| Some((filled(take, &arguments)?, filled(give, &arguments)?)));
    match found {
        Some((line, give)) => Ok(Written { line, also: format!(", and after it `defer {{ {give} }}`") }),
        None => Err("a guard is what takes, and after it `defer { … }` with what gives back".into()),
    }
}

/// What is between a parenthesis and the one that closes it, if that is at the very end.
fn closed(rest: &str) -> Option<&str> {
    let mut depth = 1u32;
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return rest[at + 1..].trim().is_empty().then(|| rest[..at].trim());
        }
    }
    None
}

/// What is between the commas outside of parentheses.
fn arguments(inside: &str) -> Vec<&str> {
    let (mut depth, mut from, mut all) = (0u32, 0, vec![]);
    for (at, c) in inside.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(inside[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(inside[from..].trim());
    all.retain(|argument| !argument.is_empty());
    all
}

/// An argument that can be an operand: a name, a path or a number, without the `&` of an address.
pub(super) fn operand(argument: &str) -> Option<String> {
    let plain = argument.strip_prefix('&').unwrap_or(argument).replace("->", ".");
    let (_, unsigned) = plain.split_at(usize::from(plain.starts_with('-')));
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    unsigned.split('.').all(is_word).then_some(plain)
}

fn operands(arguments: &[&str]) -> Option<Vec<String>> {
    arguments.iter().map(|argument| operand(argument)).collect()
}

fn join(name: &str, operands: &[String]) -> String {
    std::iter::once(name).chain(operands.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// A row's text with the arguments in it, if each fits its place.
fn filled(template: &str, arguments: &[&str]) -> Option<String> {
    let mut pieces = template.split('$');
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        let digit = piece.find(|c: char| c.is_ascii_digit())?;
        let (how, number) = (&piece[..digit], piece[digit..=digit].parse::<usize>().ok()?);
        let argument = arguments.get(number - 1)?;
        let bit = || argument.parse::<u32>().ok().filter(|bit| *bit < 63).map(|bit| 1i64 << bit);
        out.push_str(&match how {
            "" => operand(argument)?,
            "^" => {
                let path = operand(argument)?;
                path.rsplit_once('.').map_or(path.clone(), |(object, _)| object.to_owned())
            }
            "#" => bit()?.to_string(),
            "~" => (!bit()?).to_string(),
            "-" => argument.parse::<i32>().ok()?.checked_neg()?.to_string(),
            _ => argument.replace("->", ".").replace('"', ""),
        });
        out.push_str(&piece[digit + 1..]);
    }
    Some(out)
}

/// Whether the file declares something of that name by one of these words; of several scenarios in it, any.
pub(super) fn declares(text: &str, by: &[&str], name: &str) -> bool {
    text.split(['\n', ';', '{', '}']).any(|said| {
        let mut words = said.split_whitespace();
        let several = by.contains(&"var");
        words.next().is_some_and(|word| by.contains(&word))
            && if several { words.any(|word| word == name) } else { words.next() == Some(name) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_of_a_known_function_and_writes_words_that_exist() {
        for (names, template, _) in ROWS {
            for name in names.split_whitespace() {
                let known = ops::of_kernel_function(name).is_some() || kernel_names::statement(name).is_some();
                assert!(known, "{name} is nobody's function");
            }
            exists(template);
        }
        for (_, take, give) in GUARDS {
            exists(take);
            exists(give);
        }
    }

    /// An operation of that name takes so many operands and has these options; or it is a statement.
    fn exists(template: &str) {
        let words: Vec<&str> = template.split_whitespace().collect();
        let (options, operands): (Vec<&str>, Vec<&str>) = words[1..]
            .iter()
            .partition(|word| !word.contains('$') && word.chars().all(char::is_lowercase) || word.contains('='));
        let option = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
        let fits = |op: &&ops::OpSpec| {
            op.operands.len() == operands.len()
                && options.iter().all(|word| op.options.iter().any(|known| known.name == option(word)))
        };
        let is_statement = STATEMENTS.iter().any(|(known, ..)| *known == words[0]);
        assert!(is_statement || ops::named(words[0]).iter().any(fits), "nothing takes `{template}`");
    }

    #[test]
    fn what_is_written_for_a_call_is_accepted() {
        let calls = [
            "spin_lock_irqsave(&s, flags)",
            "spin_unlock_irqrestore(&s, flags)",
            "mutex_lock_interruptible(&b->lock)",
            "mutex_unlock(&b->lock)",
            "kref_get(&b->refs)",
            "kref_put(&b->refs, done)",
            "list_add_tail(&b->lru, &lru)",
            "queue_work(system_wq, &b->work)",
            "set_bit(0, &b->flags)",
            "clear_bit(1, &b->flags)",
            "atomic_inc(&b->flags)",
            "atomic_set(&x, 2)",
            "smp_store_release(&x, 2)",
            "wait_event_interruptible(q, x > 1)",
            "guard(mutex)(&m)",
            "mine(b, 2)",
        ];
        let declared = "fn mine a y { smp-mb }; fn job w { smp-mb }; lock s; lock m kind=mutex; var x; wait-queue q; \
                        struct bo slots=1 { refs 1; flags 0; lock type=lock kind=mutex; work type=work fn=job }; \
                        list lru";
        let lines = calls.map(|call| statement(declared, call).expect("a statement").line).join("; ");
        let source =
            format!("scenario a {{ {declared}; thread t {{ new bo into=b; {lines}; unlock m }}; expect {{ holds }} }}");
        let told = crate::load("a.kdl", &source).err();
        assert!(
            told.is_none(),
            "{lines}: {:?}",
            told.map(|report| report.mistakes().iter().map(|m| m.plain()).collect::<String>())
        );
    }

    #[test]
    fn a_call_becomes_the_languages_own_statement() {
        let line = |c: &str| statement("fn mine a { }", c).map(|written| written.line);
        assert_eq!(line("spin_lock_irqsave(&b->lock, flags);"), Ok("lock b.lock irqsave".to_owned()));
        assert_eq!(line("atomic_sub(3, &x)"), Ok("add x -3".to_owned()));
        assert_eq!(line("clear_bit(1, &b->flags)"), Ok("and b.flags -3".to_owned()));
        assert_eq!(line("dma_resv_lock(r, NULL)"), Ok("lock r".to_owned()));
        assert_eq!(line("wait_event(q, (a || f(b)) && b->x)"), Ok("wait-event q \"(a || f(b)) && b.x\"".to_owned()));
        assert_eq!(line("mine(b->x)"), Ok("mine b.x".to_owned()));
        for unsure in
            ["theirs(x)", "atomic_sub(n, &x)", "f(a) + g(b)", "spin_lock(&t[i].lock)", "kmalloc(8, GFP_KERNEL)"]
        {
            assert!(line(unsure).is_err(), "{unsure}");
        }
    }
}
