//! What an operation is given: its operands and options, each as its row in the table says.

use super::EVERYWHERE;
use crate::{
    lower::{
        Lower,
        inject::{ALWAYS_FAILS, ERROR},
        names,
        options::Options,
        script::Unit,
    },
    mistakes::did_you_mean,
    ops::{self, Args, Given, OpSpec, Opt, Takes},
    syntax::{Node, Value as Written, ValueKind},
};
use fenceweave_kernel::{Instr, Kind, Operand, Value};

impl<'a> Lower<'a> {
    /// All that an operation is given; `None` if a mistake was told.
    pub(super) fn arguments(
        &mut self,
        unit: &mut Unit<'a>,
        node: &'a Node,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
    ) -> Option<Args> {
        let mut args = Args::default();
        let mut complete = self.require(node, spec.name, spec.options, sorted);
        let mut operands = sorted.operands.as_slice();
        let mut objects = vec![];
        for param in spec.operands {
            let given = match (param.takes, operands) {
                (Takes::Objects(kinds), all) => {
                    operands = &[];
                    self.all_objects(unit, (node, spec), kinds, all)
                }
                (Takes::Fences, all) => {
                    operands = &[];
                    self.all_fences(unit, node, all)
                }
                (_, []) => {
                    self.tell_missing_operand(node, spec, param.name);
                    return None;
                }
                (Takes::Object(_), [value, ..]) if spec.name == "wait-event" && self.is_pointer_read(unit, value) => {
                    self.tell_queue_read_again(value);
                    return None;
                }
                (takes, [value, rest @ ..]) => {
                    operands = rest;
                    let given = self.argument(unit, takes, value, sorted);
                    if let Some(Given::Operand(operand)) = given {
                        objects.push((operand, value.span));
                    }
                    given
                }
            };
            complete &= given.is_some();
            given.into_iter().for_each(|given| args.give(param.name, given));
        }
        complete &= operands.is_empty() && self.are_of_it(&objects);
        self.tell_extra_operands(spec, operands);
        if sorted.has("into") {
            args.give("into", Given::Flag);
        }
        complete &= self.options_given(unit, spec, sorted, &mut args);
        complete.then_some(args)
    }

    fn argument(&mut self, unit: &mut Unit<'a>, takes: Takes, value: &Written, sorted: &Options<'_>) -> Option<Given> {
        match takes {
            Takes::Callback => self.callback_of(unit, value),
            Takes::Place => self.place(unit, value, sorted.value("at")).map(Given::Place),
            // `wait-event` reads it itself, again and again.
            Takes::Shared => Some(Given::Flag),
            Takes::Value if self.is_calculated(unit, value) => self.calculated(unit, value),
            Takes::Condition => self.condition_on_word(unit, value, sorted.operands[0]).map(Given::Expr),
            takes => self.given(Some(unit), takes, value),
        }
    }

    /// The options; whether all are as they should be.
    fn options_given(
        &mut self,
        unit: &mut Unit<'a>,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
        args: &mut Args,
    ) -> bool {
        let (mut first, mut complete) = (None, true);
        for (opt, span, value) in sorted.all() {
            if EVERYWHERE.iter().any(|everywhere| everywhere.name == opt.name) {
                continue;
            }
            let Some(own) = spec.options.iter().find(|own| own.name == opt.name) else {
                complete = false;
                self.mistakes
                    .add("unknown-option", span, format!("`{}` has no `{}` here", spec.name, opt.name))
                    .expected(format!("`{}`", ops::synopsis(spec)));
                continue;
            };
            if let Some(before) = first.replace(own.name).filter(|_| spec.one_option) {
                complete = false;
                self.mistakes
                    .add("two-options", span, format!("`{}` takes `{before}` or `{}`", spec.name, own.name))
                    .expected("one of them")
                    .help("remove the one that is not meant");
            }
            let given = match (own.takes, value) {
                (Some(takes), Some(value)) => self.given(Some(unit), takes, value),
                _ => Some(Given::Flag),
            };
            complete &= given.is_some();
            given.into_iter().for_each(|given| args.give(own.name, given));
        }
        complete
    }

    /// The operands of `lock-all`: names only, and of a reservation its lock; of `exec-prepare-array`: reservations.
    fn all_objects(
        &mut self,
        unit: &mut Unit<'a>,
        (node, spec): (&Node, &OpSpec),
        kinds: &'static [Kind],
        values: &[&Written],
    ) -> Option<Given> {
        /// The back-off loop keeps a bit for each.
        const LOCKS_MAX: usize = 16;
        let mut found = Vec::new();
        for value in values {
            let operand = match self.given(Some(unit), Takes::Object(kinds), value)? {
                Given::Operand(Operand::Object(id)) => {
                    Operand::Object(if kinds.contains(&Kind::WwMutex) { self.program.named_by(id) } else { id })
                }
                _ => {
                    self.mistakes
                        .add("wrong-kind", value.span, "this list takes names, not locals")
                        .expected("the name of a reservation or a ww-mutex")
                        .help("lock what a local refers to by `lock`, one after the other");
                    return None;
                }
            };
            found.push(operand);
        }
        if !(1..=LOCKS_MAX).contains(&found.len()) {
            self.mistakes
                .add("missing-operand", node.head, format!("`{}` of {} locks", node.name.text, found.len()))
                .expected(format!("1 to {LOCKS_MAX} reservations or ww-mutexes"));
            return None;
        }
        if spec.each_once {
            // Taken once, though named twice: released once.
            let mut once: Vec<Operand> = Vec::new();
            found.retain(|operand| {
                !once.contains(operand) && {
                    once.push(*operand);
                    true
                }
            });
        }
        Some(Given::Operands(self.pool(&found)))
    }

    /// The operands of `fence-merge`.
    fn all_fences(&mut self, unit: &mut Unit<'a>, node: &Node, values: &[&Written]) -> Option<Given> {
        /// The operation in flight keeps each.
        const FENCES_MAX: usize = 4;
        let mut found = Vec::new();
        for value in values {
            let fence = Takes::Object(&[Kind::Fence]);
            let null = names::constant(value.span.of(self.text)) == Some(Value::Null);
            match self.given(Some(unit), if null { Takes::Value } else { fence }, value)? {
                Given::Operand(operand) => found.push(operand),
                _ => return None,
            }
        }
        if !(1..=FENCES_MAX).contains(&found.len()) {
            self.mistakes
                .add("missing-operand", node.head, format!("`{}` of {} fences", node.name.text, found.len()))
                .expected(format!("1 to {FENCES_MAX} fences"));
            return None;
        }
        Some(Given::Operands(self.pool(&found)))
    }

    /// Whether an operand has to be calculated, or in a function read, before the operation.
    fn is_calculated(&self, unit: &Unit<'a>, value: &Written) -> bool {
        match &value.kind {
            ValueKind::Text { .. } => true,
            ValueKind::Word(word) => self.is_read(unit, word),
            ValueKind::Int(_) => false,
        }
    }

    /// Whether an operand is a pointer, or through one, that has to be read.
    fn is_pointer_read(&self, unit: &Unit<'a>, value: &Written) -> bool {
        matches!(&value.kind, ValueKind::Word(word) if self.is_read(unit, word) && !self.is_member(unit, word))
    }

    /// `___wait_event()` is a macro: what stands for its queue is evaluated at each `prepare_to_wait_event()`.
    fn tell_queue_read_again(&mut self, value: &Written) {
        let said = value.span.of(self.text);
        self.mistakes
            .add("field-operand", value.span, format!("`{said}` would be read again in each round of the wait"))
            .expected("a wait queue, or a path from a local to one, without a pointer on the way")
            .help("load the pointer first: `let b=POINTER`, and wait on `b.QUEUE`");
    }

    /// An operand that is an expression over locals: it is calculated first, which nobody sees.
    fn calculated(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<Given> {
        let expr = self.script_expr(unit, value)?;
        let into = unit.hidden();
        unit.emit(Instr::Let { into, expr });
        unit.calculated.push(into);
        Some(Given::Operand(Operand::Local(into)))
    }

    fn tell_missing_operand(&mut self, node: &Node, spec: &OpSpec, operand: &str) {
        self.mistakes
            .add("missing-operand", node.head, format!("`{}` needs one more operand: {operand}", spec.name))
            .expected(format!("`{}`", ops::synopsis(spec)));
    }

    fn tell_extra_operands(&mut self, spec: &'static OpSpec, operands: &[&Written]) {
        for extra in operands {
            let said = extra.span.of(self.text);
            let valued = spec.options.iter().chain(&EVERYWHERE).find(|opt| opt.name == said && !opt.bare);
            if let Some(opt) = valued {
                let value = option_value(opt);
                self.mistakes
                    .add("no-value", extra.span, format!("`{said}` needs a value"))
                    .expected(format!("`{said}={value}`"));
                continue;
            }
            let flags = spec.options.iter().filter(|opt| opt.bare).map(|opt| opt.name);
            let flag = did_you_mean(said, flags);
            self.mistakes
                .add("extra-operand", extra.span, format!("`{}` takes no more operands", spec.name))
                .expected("the end of the line, or an option")
                .help(flag.unwrap_or_else(|| format!("it is written `{}`", ops::synopsis(spec))));
        }
    }
}

/// What stands for the value of an option where one is missing.
fn option_value(opt: &Opt) -> String {
    match opt.takes {
        Some(Takes::OneOf(words)) => words.join("|"),
        Some(Takes::Number { .. }) => "N".into(),
        _ if opt.name == ALWAYS_FAILS.name || opt.name == ERROR.name => "-ERRNO".into(),
        _ => opt.name.to_uppercase(),
    }
}
