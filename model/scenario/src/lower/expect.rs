//! Expectations: verdicts and conditions, over everything that can be seen.

use fenceweave_kernel::observe::facet_names;
use fenceweave_kernel::program::FieldName;
use fenceweave_kernel::{
    Condition, Expr as Compiled, ExprNode, Leaf as Seen, Moment, ObjId, Program, Property, ThreadId, Type, fixed,
    observe::Path,
};

use super::declare::element_name;
use super::exprs::{Leaf, postfix};
use super::names::{Symbol, is_name, parts};
use super::operands::reference;
use super::{Lower, list};
use crate::expectations::{Engine, Expectations, Expected, Verdict};
use crate::expr::{self, Binary, Expr, ExprKind, Quantifier};
use crate::mistakes::{Span, did_you_mean};
use crate::syntax::{Node, Value as Written, ValueKind};
use crate::warnings::WARNINGS;

/// The clauses of `expect`: the word, how it is written, what it means.
pub(crate) const CLAUSES: &[(&str, &str, &str)] = &[
    ("holds", "holds", "no property is violated; so it is if nothing is said"),
    (
        "violates",
        "violates PROPERTY…",
        "exactly these properties are violated, each by some execution; a clause that has a name (`never \"E\" as=NAME`) is \
         one of them: named here, it is expected not to hold",
    ),
    ("never", "never \"E\"… [as=NAME]", "no execution passes through a state where this is true"),
    ("always", "always \"E\"… [as=NAME]", "this is true in every state in which it can be said"),
    (
        "at-end",
        "at-end \"E\"… [as=NAME]",
        "this is true at the end of every execution that ends well, when teardown is over; the other clauses look at the states from the end of setup to that of the last thread",
    ),
    ("sometimes", "sometimes \"E\"… [as=NAME]", "some execution passes through a state where this is true"),
    (
        "eventually",
        "eventually \"E\"… [as=NAME]",
        "every execution passes through a state where this is true, if no thread that can run is held back for ever; \
         what was never set is not true yet (judged by `explicit`)",
    ),
    (
        "settles",
        "settles \"E\"… [as=NAME]",
        "from some point on this stays true in every execution, if no thread that can run is held back for ever; one that ends \
         does so where it is true. What breaks it is called `never-settles` where it has no other name, and shown as a round \
         that can be gone for ever, with the values on it (judged by `explicit`)",
    ),
    ("unreached", "unreached \"why\"", "code that never runs, and conditions that always fall the same way, are meant"),
    ("allow", "allow WARNING \"why\"", "what this warning tells of is meant; the warnings are below"),
];

/// What a `settles` without a name of its own is called where it is broken.
const NEVER_SETTLES: &str = "never-settles";

/// Whether a clause can have a name: those that are about states.
fn has_name(clause: &Node) -> bool {
    CLAUSES.iter().any(|(name, ..)| *name == clause.name.text)
        && !matches!(clause.name.text.as_str(), "holds" | "violates")
}

fn clause_names() -> impl Iterator<Item = &'static str> {
    CLAUSES.iter().map(|(name, ..)| *name)
}

impl<'a> Lower<'a> {
    /// Lowers the `expect` blocks of a case.
    pub(super) fn expectations(&mut self, nodes: &[&'a Node]) -> Expectations {
        let mut expectations = Expectations::default();
        let mut general = None;
        self.clauses = self.named_clauses(nodes);
        for node in nodes.iter().filter(|node| node.name.text == "expect" && !node.broken) {
            if !node.entries.is_empty() || node.block.is_none() {
                self.mistakes
                    .add("expect", node.head, "`expect` takes a block and nothing else")
                    .expected("`expect { … }`");
            }
            for clause in self.visible(node.children()) {
                self.clause(clause, &mut expectations, &mut general);
            }
        }
        expectations
    }

    /// The clauses that have a name: `never "E" as=NAME`.
    fn named_clauses(&mut self, nodes: &[&'a Node]) -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for node in nodes.iter().filter(|node| node.name.text == "expect" && !node.broken) {
            for clause in self.visible(node.children()) {
                if clause.name.text == "settles" && clause.option("as").is_none() {
                    names.push(NEVER_SETTLES.to_owned());
                }
                let Some(value) = clause.option("as").filter(|_| has_name(clause)) else { continue };
                let said = value.span.of(self.text);
                let problem = match () {
                    () if !is_name(said) => "cannot be a name".to_owned(),
                    () if Property::from_name(said).is_some() => "is a property of its own".to_owned(),
                    () if names.iter().any(|other| other == said) => "is the name of another clause".to_owned(),
                    () => String::new(),
                };
                if problem.is_empty() {
                    names.push(said.to_owned());
                } else {
                    self.mistakes
                        .add("clause-name", value.span, format!("`{said}` {problem}"))
                        .expected("another name: letters, digits, `-` and `_`, beginning with a letter");
                }
            }
        }
        names
    }

    fn clause_name(&self, node: &Node) -> Option<&'a str> {
        let own = node.option("as").map(|value| value.span.of(self.text));
        own.or((node.name.text == "settles").then_some(NEVER_SETTLES))
    }

    fn clause(&mut self, node: &'a Node, all: &mut Expectations, general: &mut Option<Span>) {
        if node.broken {
            return;
        }
        match node.name.text.as_str() {
            "unreached" => return self.check_reason(node),
            "allow" => return self.check_allowed(node),
            _ => {}
        }
        let engine = self.clause_engine(node);
        let moment = match node.name.text.as_str() {
            "holds" | "violates" => return self.verdict(node, engine, all, general),
            "never" => Moment::Never,
            "always" => Moment::Always,
            "at-end" => Moment::AtEnd,
            "sometimes" => Moment::Sometimes,
            "eventually" if engine.is_none_or(|engine| engine == Engine::Explicit) => Moment::Eventually,
            "settles" if engine.is_none_or(|engine| engine == Engine::Explicit) => Moment::Settles,
            name @ ("eventually" | "settles") => {
                let what = if name == "settles" { "what settles" } else { "what happens `eventually`" };
                self.mistakes
                    .add("eventually", node.head, format!("this engine does not judge {what}"))
                    .expected("`engine=explicit`, or no `engine=`")
                    .help("that takes the whole graph of states, which `explicit` alone has");
                return;
            }
            other => {
                self.mistakes
                    .add("unknown-clause", node.name.span, format!("`{other}` is no expectation"))
                    .expected(list(clause_names()))
                    .help_if(did_you_mean(other, clause_names()));
                return;
            }
        };
        let mut conditions = Vec::new();
        for value in node.values() {
            match &value.kind {
                ValueKind::Text { inner, .. } => conditions.extend(self.condition_at(*inner, value.span)),
                _ => self.tell_bare_condition(node, value),
            }
        }
        if node.values().next().is_none() {
            self.mistakes
                .add("condition", node.head, format!("`{}` takes a condition", node.name.text))
                .expected("`\"EXPRESSION\"`, or several, which must be true together");
        }
        all.conditions.push(Expected {
            condition: Condition { moment, all: conditions },
            text: self.line_text(node.head),
            line: self.line_of(node.head),
            column: self.place_of(node.head).column,
            engine,
            name: self.clause_name(node).map(str::to_owned),
        });
    }

    /// `allow WARNING "why"`
    fn check_allowed(&mut self, node: &Node) {
        let [kind, why] = node.entries.as_slice() else {
            self.mistakes
                .add("allow", node.head, "`allow` takes the name of a warning, and says why")
                .expected("`allow WARNING \"why\"`");
            return;
        };
        let said = kind.span().of(self.text);
        if !WARNINGS.iter().any(|(name, _)| *name == said) {
            let known = || WARNINGS.iter().map(|(name, _)| *name);
            self.mistakes
                .add("allow", kind.span(), format!("there is no warning `{said}`"))
                .expected(list(known()))
                .help_if(did_you_mean(said, known()));
        }
        if why.key.is_some() || !matches!(why.value.kind, ValueKind::Text { .. }) {
            self.mistakes.add("allow", why.span(), "the reason is a quoted text").expected("`\"why\"`");
        }
    }

    fn tell_bare_condition(&mut self, node: &Node, value: &Written) {
        let said = value.span.of(self.text);
        self.mistakes
            .add("condition", value.span, "a condition is quoted")
            .expected("`\"EXPRESSION\"`")
            .help(format!("write `{} \"{said}\"`", node.name.text));
    }

    /// `engine=loom` restricts a clause.
    fn clause_engine(&mut self, node: &Node) -> Option<Engine> {
        let known: &[&str] = if has_name(node) { &["engine", "as"] } else { &["engine"] };
        for key in node.entries.iter().filter_map(|entry| entry.key.as_ref()) {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let expected: Vec<String> = known.iter().map(|name| format!("`{name}=`")).collect();
            self.mistakes
                .add("unknown-option", key.span, format!("`{}` has no option `{}`", node.name.text, key.text))
                .expected(expected.join(" or "))
                .help_if(did_you_mean(&key.text, known.iter().copied()));
        }
        let value = node.option("engine")?;
        let engine = Engine::from_name(value.span.of(self.text));
        if engine.is_none() {
            self.tell_unknown_engine(value);
        }
        engine
    }

    fn verdict(&mut self, node: &Node, engine: Option<Engine>, all: &mut Expectations, general: &mut Option<Span>) {
        let mut properties = Vec::new();
        for value in node.values() {
            let said = value.span.of(self.text);
            if node.name.text == "violates" && self.clauses.iter().any(|name| name == said) {
                all.broken.push((engine, said.to_owned()));
                continue;
            }
            match Property::from_name(said).filter(|_| node.name.text == "violates") {
                Some(property) => properties.push(property),
                None => {
                    let clauses: Vec<&str> = self.clauses.iter().map(String::as_str).collect();
                    let names = || Property::ALL.iter().map(|property| property.name()).chain(clauses.iter().copied());
                    let expected = if node.name.text == "holds" {
                        "nothing after `holds`"
                    } else {
                        "the name of a property, or of a clause (`as=NAME`)"
                    };
                    self.mistakes
                        .add("unknown-property", value.span, format!("`{said}` is no property"))
                        .expected(expected)
                        .help_if(match said {
                            NEVER_SETTLES => Some(
                                "that is how a `settles \"E\"` without `as=` is broken: there is none in this case"
                                    .to_owned(),
                            ),
                            _ => did_you_mean(said, names()).or(Some("`fenceweave properties` lists them".to_owned())),
                        });
                }
            }
        }
        if node.name.text == "violates" && node.values().next().is_none() {
            self.mistakes
                .add("unknown-property", node.head, "which properties are violated?")
                .expected("`violates PROPERTY…`");
        }
        properties.sort();
        properties.dedup();
        let verdict = if properties.is_empty() { Verdict::Holds } else { Verdict::Violates(properties) };
        let earlier = match engine {
            None => general.replace(node.head),
            Some(engine) => all.verdicts.iter().any(|(of, _)| *of == engine).then_some(node.head),
        };
        if let Some(earlier) = earlier {
            self.mistakes
                .add("two-verdicts", node.head, "a case has one verdict for an engine")
                .expected("one `holds` or `violates P Q…`")
                .seen(earlier, "the other one")
                .help("name all violated properties in one `violates`");
        }
        match engine {
            None => all.verdict = verdict,
            Some(engine) => all.verdicts.push((engine, verdict)),
        }
    }

    fn condition_at(&mut self, inner: Span, whole: Span) -> Option<Compiled<Seen>> {
        let expr = expr::parse(self.text, inner, self.mistakes)?;
        let expr = self.expand(expr)?;
        let mut nodes = Vec::new();
        postfix(&expr, &mut nodes, &mut |leaf, span| self.seen(leaf, span))?;
        let program = &self.program;
        let types: Vec<(Seen, Type)> = nodes
            .iter()
            .filter_map(|node| match node {
                ExprNode::Read(seen) => Some((*seen, type_of(program, *seen))),
                _ => None,
            })
            .collect();
        let of = |seen| types.iter().find(|(known, _)| *known == seen).map_or(Type::S64, |(_, ty)| *ty);
        let compiled = Compiled::from_postfix(self.settled(nodes, whole, of)?.nodes);
        if compiled.is_none() {
            self.tell_too_deep(whole);
        }
        compiled
    }

    /// Replaces `any w.x` and `all w.x` by what they stand for: the smallest
    /// condition around them, for one or for each of the threads.
    fn expand(&mut self, expr: Expr) -> Option<Expr> {
        let span = expr.span;
        match expr.kind {
            ExprKind::Binary(operator @ (Binary::And | Binary::Or), left, right) => {
                let left = self.expand(*left);
                let right = self.expand(*right);
                Some(Expr { kind: ExprKind::Binary(operator, Box::new(left?), Box::new(right?)), span })
            }
            ExprKind::Unary(operator @ expr::Unary::Not, inner) => {
                let inner = self.expand(*inner)?;
                Some(Expr { kind: ExprKind::Unary(operator, Box::new(inner)), span })
            }
            kind => {
                let expr = Expr { kind, span };
                let mut quantified = Vec::new();
                quantifiers(&expr, &mut quantified);
                match quantified.as_slice() {
                    [] => Some(expr),
                    [(quantifier, name, of)] => self.for_each(&expr, *quantifier, name, *of),
                    [_, (.., second), ..] => {
                        self.mistakes
                            .add("quantifier", *second, "one condition has one `any` or `all`")
                            .expected("a local of one thread")
                            .help("join two conditions by `&&` or `||`");
                        None
                    }
                }
            }
        }
    }

    fn for_each(&mut self, expr: &Expr, quantifier: Quantifier, name: &str, span: Span) -> Option<Expr> {
        let group = parts(name).swap_remove(0);
        let Some((Symbol::Thread { count: Some(count), .. }, _)) = self.names.find(&group) else {
            self.mistakes
                .add("quantifier", span, format!("`{group}` is not a number of identical threads"))
                .expected("a local of a `thread NAME count=N`");
            return None;
        };
        let rest = name.strip_prefix(&group).unwrap_or_default();
        let operator = if quantifier == Quantifier::Any { Binary::Or } else { Binary::And };
        let one = |i: u8| substitute(expr, &format!("{group}.{i}{rest}"));
        let join = |all, i| {
            let kind = ExprKind::Binary(operator, Box::new(all), Box::new(one(i)));
            Expr { kind, span: expr.span }
        };
        Some((1..count).fold(one(0), join))
    }

    fn seen(&mut self, leaf: Leaf<'_>, span: Span) -> Option<ExprNode<Seen>> {
        let name = match leaf {
            Leaf::Number(number) => {
                return self.word(number, span).map(ExprNode::Const);
            }
            Leaf::Name(name) => name,
        };
        if let Some(node) = self.constant_leaf(name) {
            return Some(node);
        }
        let parts = self.with_elements(parts(name));
        let first = match self.names.find(&parts[0]) {
            Some((Symbol::Thread { count: None, .. } | Symbol::Var { len: Some(_), .. }, _)) => 2,
            Some((Symbol::Struct(of), _)) => 3 + self.inside_at(of, &parts),
            Some((Symbol::Thread { count: Some(_), .. }, _)) => 3,
            Some((Symbol::Var { len: None, .. }, _)) => 1,
            _ => parts.len(),
        };
        // A number is a place in an array, which no pointer has.
        let is_field = |name: &String| !name.starts_with(|c: char| c.is_ascii_digit());
        if let Some(fields) = parts.get(first..).filter(|fields| fields.first().is_some_and(is_field)) {
            return self.seen_through(&parts[..first], fields, span);
        }
        self.seen_by_name(name, &parts, span)
    }

    /// `pages.1` is one word of an array.
    fn with_elements(&self, parts: Vec<String>) -> Vec<String> {
        let mut joined: Vec<String> = vec![];
        for part in parts {
            let at = part.parse::<u8>().ok().filter(|_| joined.len() > 1);
            match (at, joined.last_mut()) {
                (Some(at), Some(array)) if self.is_array(array) => *array = element_name(array, at),
                _ => joined.push(part),
            }
        }
        joined
    }

    /// How much of `bo.0.base.next.size` stays inside of the slot after its number.
    fn inside_at(&self, of: usize, parts: &[String]) -> usize {
        let Some(decl) = self.program.structs.get(of) else { return 0 };
        let slot = ObjId::numbered(decl.slots.start);
        let path = parts.get(2..).unwrap_or_default();
        let leads = |len: &usize| {
            let name = path[..*len].join(".");
            let at = self.program.field_names.iter().position(|known| *known == name);
            let field = at.and_then(|at| u8::try_from(at).ok()).map(FieldName);
            field.is_some_and(|field| self.program.member(slot, field).is_some())
        };
        (1..=path.len()).rev().find(leads).unwrap_or(0)
    }

    /// `thread.local.field`: what the pointer leads to.
    fn seen_through(&mut self, first: &[String], fields: &[String], span: Span) -> Option<ExprNode<Seen>> {
        let ExprNode::Read(from) = self.seen_by_name(&first.join("."), first, span)? else { return None };
        let known = |program: &Program, name: &String| {
            let at = program.field_names.iter().position(|known| known == name);
            let of_a_struct = |at| program.structs.iter().any(|s| s.fields.iter().any(|(f, _)| usize::from(f.0) == at));
            let facet = || program.objects.iter().any(|o| facet_names(&o.kind).contains(&name.as_str()));
            let inside =
                |at| program.structs.iter().any(|s| s.members.named.iter().any(|(f, _)| usize::from(f.0) == at));
            at.is_some_and(|at| of_a_struct(at) || inside(at)) || facet()
        };
        if let Some(unknown) = fields.iter().find(|name| !known(&self.program, name)) {
            self.mistakes
                .add(
                    "unknown-field",
                    span,
                    format!("nothing that `{}` could refer to has a field `{unknown}`", first.join(".")),
                )
                .expected("a field of a `struct`, or what an object shows");
            return None;
        }
        let fields = fields.iter().map(|name| self.field(name)).collect();
        let path = Path { from, fields };
        let at = self.program.paths.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.program.paths.push(path);
            self.program.paths.len() - 1
        });
        Some(ExprNode::Read(Seen::Through(u16::try_from(at).unwrap_or(u16::MAX))))
    }

    fn seen_by_name(&mut self, name: &str, parts: &[String], span: Span) -> Option<ExprNode<Seen>> {
        match self.names.find(&parts[0]) {
            Some((Symbol::Thread { .. }, _)) => self.seen_local(parts, span),
            Some((Symbol::Var { first, len }, _)) => self.seen_var(first, len, parts, span),
            Some((Symbol::Object { id, .. }, _)) if parts.len() == 1 => Some(ExprNode::Const(reference(id))),
            Some((Symbol::Object { id, .. }, _)) => self.seen_facet(id, parts, span),
            Some((Symbol::Struct(of), _)) => self.seen_field(of, parts, span),
            Some((Symbol::PerThread(_), declared)) => {
                self.mistakes
                    .add("not-seen", span, format!("`{}` is a thread's own", parts[0]))
                    .expected("a variable, `thread.local` or `object.facet`")
                    .seen(declared, "declared here");
                None
            }
            Some((symbol @ (Symbol::Number(_) | Symbol::Numbers | Symbol::Type(_) | Symbol::Table(_)), declared)) => {
                self.mistakes
                    .add("not-seen", span, format!("`{}` is {}", parts[0], symbol.one()))
                    .expected("a variable, `thread.local` or `object.facet`")
                    .seen(declared, "declared here");
                None
            }
            None => {
                if let Some(value) = self.function_value(name) {
                    return Some(ExprNode::Const(value));
                }
                self.tell_unseen(name, parts, span);
                None
            }
        }
    }

    fn tell_unseen(&mut self, name: &str, parts: &[String], span: Span) {
        let threads: Vec<String> = self
            .program
            .scripts
            .iter()
            .filter(|script| script.locals.contains(&parts[0]))
            .map(|script| format!("{}.{name}", script.name))
            .collect();
        if let [first, ..] = threads.as_slice() {
            self.mistakes
                .add("not-seen", span, format!("whose `{name}`?"))
                .expected(list(threads.iter().map(String::as_str)))
                .help(format!("write `{first}`"));
        } else {
            self.tell_unknown_name(&parts[0], span, &[]);
        }
    }

    fn seen_local(&mut self, parts: &[String], span: Span) -> Option<ExprNode<Seen>> {
        let (thread, local) = match parts {
            [name, local] => (self.thread_named(std::slice::from_ref(name)), local),
            [name, number, local] => (self.thread_named(&[name.clone(), number.clone()]), local),
            _ => (None, &parts[0]),
        };
        let Some(thread) = thread else {
            let example = match self.names.find(&parts[0]) {
                Some((Symbol::Thread { count: Some(count), .. }, _)) => {
                    format!("`{0}.0.LOCAL` to `{0}.{1}.LOCAL`, `any {0}.LOCAL` or `all {0}.LOCAL`", parts[0], count - 1)
                }
                _ => format!("`{}.LOCAL`", parts[0]),
            };
            self.mistakes
                .add("not-seen", span, format!("`{}` is no local of a thread", parts.join(".")))
                .expected(example);
            return None;
        };
        self.local_of(thread, local, span)
    }

    fn local_of(&mut self, thread: ThreadId, local: &str, span: Span) -> Option<ExprNode<Seen>> {
        let script = self.program.scripts.get(thread.index())?;
        let found = script.locals.iter().position(|name| name == local);
        if let Some(at) = found {
            let local = fenceweave_kernel::LocalId(u8::try_from(at).unwrap_or(super::operands::NO_LOCAL.0));
            return Some(ExprNode::Read(Seen::Local(thread, local)));
        }
        let known: Vec<&str> = script.locals.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let expected = match known.as_slice() {
            [] => "a local, which this thread has none of".to_owned(),
            known => list(known.iter().copied()),
        };
        self.mistakes
            .add("unknown-local", span, format!("the thread `{}` has no local `{local}`", script.name))
            .expected(expected)
            .help_if(did_you_mean(local, known.iter().copied()));
        None
    }

    fn seen_var(&mut self, first: ObjId, len: Option<u16>, parts: &[String], span: Span) -> Option<ExprNode<Seen>> {
        let index = parts.get(1).map(|index| index.parse::<u16>());
        let at = match (len, index, parts.len()) {
            (None, None, _) => Some(0),
            (Some(len), Some(Ok(index)), 2) if index < len => Some(index),
            _ => None,
        };
        if let Some(at) = at {
            return Some(ExprNode::Read(Seen::Var(first.offset(usize::from(at)))));
        }
        let expected = match len {
            Some(len) => format!("`{0}.0` to `{0}.{1}`", parts[0], len - 1),
            None => format!("`{}`", parts[0]),
        };
        self.mistakes.add("not-seen", span, format!("`{}` is no variable", parts.join("."))).expected(expected);
        None
    }

    /// `group.0.state`: the word of a field of a slot.
    fn seen_field(&mut self, of: usize, parts: &[String], span: Span) -> Option<ExprNode<Seen>> {
        let decl = self.program.structs.get(of)?.clone();
        let names: Vec<String> = decl
            .fields
            .iter()
            .filter_map(|(name, _)| self.program.field_names.get(usize::from(name.0)))
            .cloned()
            .collect();
        let slot =
            parts.get(1).and_then(|slot| slot.parse::<u16>().ok()).filter(|slot| usize::from(*slot) < decl.slots.len());
        let field = parts.get(2).and_then(|field| names.iter().position(|name| name == field));
        if let (Some(slot), Some(field), 3) = (slot, field, parts.len()) {
            let word = usize::from(decl.first_var) + usize::from(slot) * names.len() + field;
            return Some(ExprNode::Read(Seen::Var(ObjId::var(word.min(fenceweave_kernel::MAX_VARS - 1)))));
        }
        if let Some(slot) = slot.map(|slot| ObjId::numbered(decl.slots.start.saturating_add(slot)))
            && let Some(seen) = self.seen_inside(slot, parts, span)
        {
            return seen;
        }
        let example = names.first().map_or("FIELD", String::as_str);
        let expected = format!("`{0}.0.{example}` to `{0}.{1}.{example}`", parts[0], decl.slots.len().max(1) - 1);
        let help = parts.get(2).and_then(|field| did_you_mean(field, names.iter().map(String::as_str)));
        self.mistakes
            .add("not-seen", span, format!("`{}` is no field of a slot", parts.join(".")))
            .expected(expected)
            .help_if(help);
        None
    }

    /// `bo.0.lock.owner`, `bo.0.base.size`: what is inside of a slot. `None` if nothing of that path is.
    fn seen_inside(&mut self, slot: ObjId, parts: &[String], span: Span) -> Option<Option<ExprNode<Seen>>> {
        let (last, path) = parts.get(2..)?.split_last()?;
        let path = self.program.field_names.iter().position(|name| *name == path.join("."))?;
        let member = self.program.member(slot, FieldName(u8::try_from(path).ok()?))?;
        if self.program.is::<fixed::Slot>(member) {
            let field = self.field(last);
            return self.program.field_var(member, field).map(|word| Some(ExprNode::Read(Seen::Var(word))));
        }
        Some(self.seen_facet(member, &[parts[..parts.len() - 1].join("."), last.clone()], span))
    }

    /// `f.signaled`; a reservation has the facets of its lock, too.
    fn seen_facet(&mut self, id: ObjId, parts: &[String], span: Span) -> Option<ExprNode<Seen>> {
        let kind = &self.program.objects.get(id.index())?.kind;
        let own = facet_names(kind);
        let lock = kind.lock().unwrap_or(id);
        let locks = kind.lock().map_or(&[][..], |lock| facet_names(self.program.kind(lock)));
        let facet = parts.get(1).filter(|_| parts.len() == 2);
        let found = facet.and_then(|facet| {
            let has = |names: &[&str]| names.contains(&facet.as_str());
            if has(own) { Some((id, facet)) } else { has(locks).then_some((lock, facet)) }
        });
        if let Some((id, facet)) = found {
            let name = self.field(facet);
            return Some(ExprNode::Read(Seen::Facet(id, name)));
        }
        let known = || own.iter().chain(locks).copied();
        // Some objects keep a word of their own, which is a variable with a name below theirs: what is in a syncobj.
        let word = self.program.vars.iter().position(|var| var.name == parts.join("."));
        if let Some(word) = word {
            return Some(ExprNode::Read(Seen::Var(ObjId::var(word.min(fenceweave_kernel::MAX_VARS - 1)))));
        }
        // A work item and a timer have a thread of their own, with locals.
        let runs = kind.runs();
        let locals =
            runs.and_then(|runs| self.program.scripts.get(runs.index())).map(|script| script.locals.as_slice());
        if let (Some(runs), Some(local)) = (runs, facet.filter(|name| locals.is_some_and(|l| l.contains(name)))) {
            return self.local_of(runs, local, span);
        }
        let locals = locals.unwrap_or_default().iter().map(String::as_str).filter(|name| !name.is_empty());
        let locals: Vec<&str> = locals.collect();
        let known = || known().chain(locals.iter().copied());
        let help = facet.and_then(|facet| did_you_mean(facet, known()));
        let expected =
            if known().next().is_none() { "something else: it shows nothing".to_owned() } else { list(known()) };
        self.mistakes
            .add("unknown-facet", span, format!("`{}` has no `{}`", parts[0], parts[1..].join(".")))
            .expected(expected)
            .help_if(help);
        None
    }
}

fn quantifiers(expr: &Expr, found: &mut Vec<(Quantifier, String, Span)>) {
    match &expr.kind {
        ExprKind::Of(quantifier, name) => found.push((*quantifier, name.clone(), expr.span)),
        _ => expr.parts().into_iter().for_each(|part| quantifiers(part, found)),
    }
}

/// The expression with `name` for what is quantified in it.
fn substitute(expr: &Expr, name: &str) -> Expr {
    match &expr.kind {
        ExprKind::Of(..) => Expr { kind: ExprKind::Name(name.to_owned()), span: expr.span },
        _ => expr.map(&mut |part| substitute(part, name)),
    }
}

/// The type of what an expectation looks at.
fn type_of(program: &Program, seen: Seen) -> Type {
    match seen {
        Seen::Local(thread, local) => program.scripts.get(thread.index()).map_or(Type::S64, |s| s.local_type(local)),
        Seen::Var(var) => program.var_type(var),
        Seen::Facet(..) => Type::S64,
        Seen::Through(path) => {
            let last = program.paths.get(usize::from(path)).and_then(|path| path.fields.last());
            last.map_or(Type::S64, |field| program.field_type(*field))
        }
    }
}
