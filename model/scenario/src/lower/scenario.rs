//! A scenario and its cases: the door of `lower`, which says what is looked at before what. `SECTIONS` is what stands
//! in a scenario besides declarations, as the reference page has it.

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::program::{Role, TooLarge};
use fenceweave_kernel::{Errno, MAX_THREADS, Program, ThreadId};

use super::names::{self, Names, Symbol, Words, is_name};
use super::{Lower, list};
use crate::decls;
use crate::expectations::{Engine, Expectations};
use crate::inputs::{Fixed, Tuple, Tuples};
use crate::kernel_names;
use crate::library::{self, Gathered, Read};
use crate::load::{Case, Limits, Scenario};
use crate::mistakes::{Mistakes, Span, did_you_mean, place_of};
use crate::ops;
use crate::syntax::{Name, Node, ValueKind};

/// Statements looked at in one file, those of calls and unrolled loops counted each time, and those of every case.
const BUDGET: usize = 50_000;
/// Cases of one scenario.
const CASES_MAX: usize = 16;

/// What a scenario consists of besides declarations: the word, how it is written, what it means.
pub(crate) const SECTIONS: &[(&str, &str, &str)] = &[
    ("about", "about \"…\"", "a line that says what the scenario is about"),
    ("case", "case NAME…", "its cases: each is explored by itself"),
    ("only", "only CASE… { … }", "what is in the block is there in these cases only; anywhere in a scenario"),
    ("except", "except CASE… { … }", "what is in the block is there in all cases but these; anywhere in a scenario"),
    (
        "use",
        "use NAME|\"./FILE.kdl\" [OPTION=VALUE]… [PARAMETER=E]…",
        "the functions and declarations of a library, as far as this scenario reaches them; what it may choose is the \
         library's to say (`fenceweave library NAME`). A file of one's own is named from where this one is",
    ),
    (
        "override",
        "override fn NAME ARGUMENT… { … }",
        "in the place of that function of a library: a posted patch, as it is",
    ),
    (
        "const",
        "const NAME=E…",
        "a number with a name: `const PAGE=4096 PAGES=\"SIZE / PAGE\"`; it may stand wherever a number may, and uses those above it",
    ),
    (
        "enum",
        "enum NAME { A; B 5; C; … }",
        "names for numbers, from 0 on or as said, each the next one, and a type (`local NAME x`, `type=NAME`) whose numbers \
         are printed by these names",
    ),
    (
        "flags",
        "flags NAME { A; B; C \"A | B\"; … }",
        "the same for bits, each the next one: a number of that type is printed as `A|B`",
    ),
    (
        "input",
        "input NAME [from=E] to=E",
        "a constant that has each of these values, one after the other: a scenario with inputs is a program for each *tuple* \
         of them, and `sweep FILE` explores all. `input NAME compositions=E [max-parts=E]` is E cut into parts in every way \
         (`NAME.len`, `NAME.0`, and on; `var a len=4 init=NAME`), `input NAME among=\"A B …\"` one of some numbers or names. \
         Bounds may use the inputs and constants above",
    ),
    ("where", "where \"E\"", "only tuples of which this is true, an expression over inputs and constants above"),
    ("setup", "setup { … }", "runs alone, before the threads; what it queues or arms is pending when they begin"),
    (
        "thread",
        "thread NAME [count=N] [may-stop] [mm=MM] { … }",
        "a thread; with a count, that many, named `NAME.0`, `NAME.1`, and so on. It runs in the address space `mm=`. With `may-stop`, after any of its `syscall` \
         blocks it may stay in user space for ever: nobody's wait may depend on the next one",
    ),
    (
        "irq",
        "irq NAME on=THREAD|any [count=N] { … }",
        "an interrupt handler: runs once, at any moment, on that thread's CPU, and nothing else runs there meanwhile",
    ),
    (
        "device",
        "device NAME [count=N] { … }",
        "a scripted hardware engine: a thread without rules of locking and sleeping, but for what the fences call that it \
         signals. `device NAME [ARGUMENT] queue=fifo { … }` runs once for each `submit NAME x`, in their order, and has \
         nothing to do between them",
    ),
    (
        "work",
        "work NAME [ARGUMENT] [queue=WORKQUEUE] { … }",
        "a work item and what it does, every time that it was queued; its argument is what `queue-work` gave as `data=`. Or \
         `work NAME fn=F [queue=WORKQUEUE]`: a worker of the queue (`system_wq` if none is named) calls F with the item and \
         the data",
    ),
    (
        "delayed-work",
        "delayed-work NAME [ARGUMENT] [queue=WORKQUEUE] { … }",
        "a work item with a timer, and what it does; it is pending from when it is queued until it starts, and nobody can \
         say when the timer expires. Or `delayed-work NAME fn=F [queue=WORKQUEUE]`",
    ),
    (
        "timer",
        "timer NAME [ARGUMENT] { … }",
        "a timer and what its handler does, in soft interrupt context, every time that it expires; its argument is what \
         `mod-timer` gave as `data=`. Or `timer NAME fn=F`: F gets the timer and the data. Such timers have no thread of \
         their own: two CPUs, one if there is one timer, call their functions, so that at most two run at once; at most 16 \
         timers",
    ),
    (
        "shrinker",
        "shrinker NAME [unregistered] { … }",
        "what a blocking allocation may have to run, in its own place, to find memory; unregistered, it runs from \
         `shrinker-register` on",
    ),
    (
        "hook",
        "hook OBJECT… release=PROC [enable-signaling=PROC] [signaled=PROC] [wait=PROC]",
        "what the kernel calls: `release` when the last reference to a fence or to an object of a struct is dropped, \
         `enable-signaling` when somebody first wants a fence signalled (it returns 0 to have it signalled at once), \
         `signaled` when somebody asks about a fence that is not signalled yet (if it returns 1, the one who asked signals it), \
         `wait` in the place of the kernel's own wait, with the fence and whether a signal may end it (its result is the \
         wait's)",
    ),
    (
        "lock-order",
        "lock-order LOCK LOCK…",
        "a documented order: to wait for a lock with one held that stands after it is a violation",
    ),
    (
        "teardown",
        "teardown { … }",
        "runs alone, when all threads are done and nothing is queued, armed or to be called back any more; what may still be pending when a driver goes is a thread's to find",
    ),
    (
        super::dma::TREE,
        "pci-tree NAME { host-bridge … { port … { device … } } }",
        "the machine's PCI devices, of which a `dma-device` and a `memory` say by `at=` which they are: what a device sends to another \
         one's memory takes the way that the hardware has (`dma-path`), whatever the kernel believes of it (`p2p-distance`). \
         `fenceweave topology` prints the whole of such a tree",
    ),
    (
        "irq-line",
        "irq-line NAME [handler=FUNCTION] [thread=FUNCTION] [on=THREAD|any] [oneshot=yes]",
        "the line of an interrupt that comes when it is raised (`raise-irq NAME [with=X]`): each time the handler is called on the \
         CPU of that thread, or of any, with what it was raised with; it returns IRQ_NONE, IRQ_HANDLED or IRQ_WAKE_THREAD. A \
         thread function runs in a thread of its own and may sleep; without a handler each interrupt wakes it, and `oneshot=yes`, \
         which is then so, keeps the line masked until it is done (`request_threaded_irq()`)",
    ),
    ("proc", "proc NAME ARGUMENT… { … }", "statements under a name; called as `NAME ARGUMENT…`"),
    (
        "fn",
        "fn NAME ARGUMENT… { … }",
        "a function: called as `NAME ARGUMENT… into=R`, or `into=\"R S\"` for several results, from threads, procs, callees and \
         functions, itself too. An argument is a name, a local, a word or a quoted expression. Its locals are its own and no part \
         of an outcome, and the call is no step. Up to 24 calls may be open at once",
    ),
    (
        "ops-type",
        "ops-type NAME { SLOT ARGUMENT… [optional] [{ … }]; SLOT type=TYPE; … }",
        "what tables of functions have: of each slot the arguments that it is called with, and whether it may be NULL; or of which \
         type it is, if it is a word. In a slot's block stands what it asks of locks, over its arguments (`map attach { \
         assert-held attach.dmabuf.resv; might-sleep }`): `assert-held L [write]`, `assert-not-held L`, `might-lock L`, \
         `might-sleep`. Whoever calls it is judged before the call, whoever fills it when he returns, about the same locks; what is \
         not so is the violation `slot-contract`",
    ),
    (
        "ops",
        "ops NAME [type=OPS-TYPE] [module=MODULE] { SLOT FUNCTION; … }",
        "a table of functions; its name is its address, as that of a function is (`var funcs init=NAME`, `store b.funcs NAME`). \
         `call b.funcs.SLOT ARGUMENT…` calls what is in a slot, which never changes; in a `fn` an expression may read it. A slot \
         may be NULL, or have a word. The table of a module (`module=M`, or in its block) is gone with that",
    ),
    (
        "inject",
        "inject OP at=THREAD may-fail[=V]|always-fails=V|fail-nth=N [error=V]",
        "every operation or call of that name in that thread fails as if that were written there; of several the N-th in \
         all. What stands at an operation itself wins",
    ),
    ("expect", "expect { … }", "what must come out, below"),
    ("limits", "limits [states=N] [executions=N] [preemptions=N]", "how far engines go"),
    (
        "grain",
        "grain coarse|fine|fine=\"FAMILY…\"",
        "how coarse the steps of primitives are: in `coarse` grain an operation on a fence, a reservation or a mutex is a \
         step or two, what others see of it before, and after; races inside of one are seen in `fine` grain only. A scenario \
         that says nothing is fine. `fine=\"fence resv\"` is coarse but for these; the \
         families are `fence`, `resv`, `mutex` and `completion`",
    ),
    ("engines", "engines ENGINE…", "no other engine runs it"),
    ("no-engine", "no-engine ENGINE… because=\"…\"", "these engines do not run it"),
];

/// Lowers every scenario of a file.
pub(crate) fn scenarios(read: &Read, mistakes: &mut Mistakes) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let file = &read.tree;
    let mut budget = BUDGET;
    for node in &file.nodes {
        if node.name.text != "scenario" {
            tell_not_a_scenario(node, mistakes);
            continue;
        }
        let scenario = scenario(read, node, &mut budget, mistakes);
        if mistakes.is_full() {
            break;
        }
        if scenarios.iter().any(|other| !other.name.is_empty() && other.name == scenario.name) {
            mistakes
                .add("declared-twice", node.head, format!("there is a scenario `{}` already", scenario.name))
                .expected("another name");
        }
        scenarios.push(scenario);
    }
    if file.nodes.is_empty() && mistakes.is_empty() {
        mistakes
            .add("no-scenario", Default::default(), "there is no scenario in this file")
            .expected("`scenario NAME { … }`")
            .help("begin with `scenario NAME { … }`; `fenceweave reference` prints the language");
    }
    scenarios
}

fn tell_not_a_scenario(node: &Node, mistakes: &mut Mistakes) {
    if node.broken {
        return;
    }
    let name = &node.name.text;
    let help = match did_you_mean(name, ["scenario"]) {
        Some(help) => help,
        None => "everything stands inside `scenario NAME { … }`".to_owned(),
    };
    mistakes
        .add("not-a-scenario", node.name.span, format!("`{name}` does not stand at the top of a file"))
        .expected("`scenario NAME { … }`")
        .help(help);
}

fn scenario(read: &Read, node: &Node, budget: &mut usize, mistakes: &mut Mistakes) -> Scenario {
    let text = read.sources.text();
    let about = about(node, mistakes);
    let whole = Whole::of(read, node, mistakes);
    let mut lowered = Vec::new();
    for case in whole.each() {
        let smallest = (&Fixed::default(), 1);
        let tuples = begin((read, &whole), case, Tuple::default(), budget, mistakes).tuples(node, case.1, smallest);
        let tuple = tuples.all.into_iter().next().unwrap_or_default();
        lowered.push(begin((read, &whole), case, tuple, budget, mistakes).case(node, case.1));
    }
    tell_too_large(*budget, node, mistakes);
    let line = place_of(text, node.head.start).line;
    let named = whole.gathered.iter().flat_map(Gathered::named).collect();
    let uses = || whole.gathered.iter().flat_map(Gathered::uses);
    let needed: BTreeSet<Span> = uses().filter(|(_, needed)| *needed).map(|(span, _)| span).collect();
    let idle = uses().map(|(span, _)| span).filter(|span| !needed.contains(span)).collect();
    Scenario { name: whole.name, about, line, words: whole.words, named, idle, cases: lowered }
}

fn tell_too_large(budget: usize, node: &Node, mistakes: &mut Mistakes) {
    if budget == 0 {
        mistakes
            .add("too-large", node.head, "this file asks for too much")
            .expected(format!("at most {BUDGET} statements, those of procs and short loops counted at every turn"));
    }
}

/// What is known of a scenario before any of its cases is lowered, if the file has one of this name.
pub(crate) fn whole(read: &Read, scenario: &str, mistakes: &mut Mistakes) -> Option<Whole> {
    scenario_named(read, scenario).map(|node| Whole::of(read, node, mistakes))
}

/// The tuples of inputs of one case, at most so many of those that are wanted.
pub(crate) fn tuples(
    (read, whole): (&Read, &Whole),
    case: Option<&str>,
    wanted: (&Fixed, usize),
    mistakes: &mut Mistakes,
) -> Tuples {
    let mut budget = BUDGET;
    let Some(node) = scenario_named(read, &whole.name) else { return Tuples::default() };
    let Some(case) = whole.each().find(|(name, _)| *name == case) else { return Tuples::default() };
    begin((read, whole), case, Tuple::default(), &mut budget, mistakes).tuples(node, case.1, wanted)
}

/// One case with the values of a tuple; `None` if there is no such case.
pub(crate) fn case_of(
    (read, whole): (&Read, &Whole),
    case: Option<&str>,
    tuple: &Tuple,
    mistakes: &mut Mistakes,
) -> Option<Case> {
    let mut budget = BUDGET;
    let node = scenario_named(read, &whole.name)?;
    let case = whole.each().find(|(name, _)| *name == case)?;
    let lowered = begin((read, whole), case, tuple.clone(), &mut budget, mistakes).case(node, case.1);
    tell_too_large(budget, node, mistakes);
    Some(lowered)
}

fn scenario_named<'r>(read: &'r Read, name: &str) -> Option<&'r Node> {
    let name_of = |node: &&Node| node.entries.first().is_some_and(|e| e.value.span.of(read.sources.text()) == name);
    read.tree.nodes.iter().filter(|node| node.name.text == "scenario").find(name_of)
}

/// What is known of a scenario before any of its cases is lowered.
pub(crate) struct Whole {
    name: String,
    cases: Vec<Name>,
    /// What each case has of libraries.
    gathered: Vec<Gathered>,
    words: Words,
    errnos: Vec<Errno>,
}

impl Whole {
    fn of(read: &Read, node: &Node, mistakes: &mut Mistakes) -> Whole {
        let text = read.sources.text();
        let name = named(text, node, mistakes);
        let cases = cases(text, node, mistakes);
        let names: Vec<Option<&str>> = names_of(&cases).collect();
        let gather = |name: &Option<&str>| {
            let case = library::Case { name: *name, whole: read.whole };
            library::gather(&read.libraries, text, node, case, mistakes)
        };
        let gathered: Vec<Gathered> = names.iter().map(gather).collect();
        // A word is the same number in all cases.
        let all = || node.children().iter().chain(gathered.iter().flat_map(Gathered::all));
        let (words, errnos) = (Words::collect(all), names::errnos(all));
        Whole { name, cases, gathered, words, errnos }
    }

    /// Each case by its name, with what it has of libraries.
    fn each(&self) -> impl Iterator<Item = (Option<&str>, &Gathered)> {
        names_of(&self.cases).zip(&self.gathered)
    }
}

/// The names of the cases; a scenario without cases is one without a name.
fn names_of(cases: &[Name]) -> impl Iterator<Item = Option<&str>> {
    let none = cases.is_empty().then_some(None);
    none.into_iter().chain(cases.iter().map(|case| Some(case.text.as_str())))
}

/// A case before anything of it is lowered.
fn begin<'a>(
    (read, whole): (&'a Read, &'a Whole),
    (case, _): (Option<&'a str>, &Gathered),
    tuple: Tuple,
    budget: &'a mut usize,
    mistakes: &'a mut Mistakes,
) -> Lower<'a> {
    let (name, words, sources) = (&whole.name, &whole.words, &read.sources);
    let program = Program {
        name: case.map_or_else(|| name.clone(), |case| format!("{name}/{case}")),
        words: words.iter().chain(words.functions()).map(|(word, number)| (number, word.to_owned())).collect(),
        errnos: whole.errnos.clone(),
        files: sources.names().skip(1).map(str::to_owned).collect(),
        ..Program::default()
    };
    Lower {
        text: sources.text(),
        case,
        cases: &whole.cases,
        words,
        tuple,
        mistakes,
        names: Names::default(),
        hidden: Vec::new(),
        procs: BTreeMap::new(),
        called: BTreeSet::new(),
        values: Default::default(),
        callees: Vec::new(),
        everybodys: BTreeSet::new(),
        reach: Default::default(),
        lowered: Default::default(),
        injections: Vec::new(),
        clauses: Vec::new(),
        program,
        structs: BTreeMap::new(),
        circular: BTreeSet::new(),
        item_members: Vec::new(),
        allocations: Vec::new(),
        limits: Limits::default(),
        sources,
        in_library: None,
        budget,
        needs_rcu: false,
        needs_srcu: false,
        needs_power: false,
        mms: BTreeMap::new(),
        leaves_files: false,
        irqs: Vec::new(),
        has_loops: false,
        decided: Vec::new(),
    }
}

/// The name of a scenario; none if it has none.
fn named(text: &str, node: &Node, mistakes: &mut Mistakes) -> String {
    if node.block.is_none() && !node.broken {
        mistakes.add("no-block", node.head, "this scenario is empty").expected("`{ … }` after this");
    }
    match node.entries.as_slice() {
        [entry] if entry.key.is_none() && is_name(entry.value.span.of(text)) => entry.value.span.of(text).to_owned(),
        _ if node.broken => String::new(),
        _ => {
            mistakes
                .add("scenario-name", node.head, "a scenario has one name and no options")
                .expected("`scenario NAME { … }`")
                .help("a name is letters, digits, `-` and `_`, and begins with a letter");
            String::new()
        }
    }
}

fn cases(text: &str, node: &Node, mistakes: &mut Mistakes) -> Vec<Name> {
    let mut cases: Vec<Name> = Vec::new();
    for entry in node.children().iter().filter(|child| child.name.text == "case").flat_map(|child| &child.entries) {
        let span = entry.span();
        let word = span.of(text);
        if !is_name(word) {
            mistakes
                .add("name", span, format!("`{word}` cannot name a case"))
                .expected("letters, digits, `-` and `_`, beginning with a letter");
        } else if cases.iter().any(|case| case.text == word) {
            mistakes
                .add("declared-twice", span, format!("the case `{word}` is there already"))
                .expected("another name");
        } else {
            cases.push(Name { text: word.to_owned(), span });
        }
    }
    if let Some(extra) = cases.get(CASES_MAX) {
        mistakes
            .add("too-many", extra.span, "this scenario has too many cases")
            .expected(format!("at most {CASES_MAX}"));
        cases.truncate(CASES_MAX);
    }
    cases
}

fn about(node: &Node, mistakes: &mut Mistakes) -> String {
    let mut about = String::new();
    for child in node.children().iter().filter(|child| child.name.text == "about" && !child.broken) {
        match child.entries.as_slice() {
            [entry] if entry.key.is_none() && about.is_empty() => match &entry.value.kind {
                ValueKind::Text { said, .. } => about.clone_from(said),
                _ => tell_about(child, mistakes),
            },
            _ => tell_about(child, mistakes),
        }
    }
    about
}

fn tell_about(node: &Node, mistakes: &mut Mistakes) {
    mistakes
        .add("about", node.head, "`about` says once, in one quoted text, what the scenario is about")
        .expected("`about \"…\"`");
}

impl<'a> Lower<'a> {
    fn case(mut self, scenario: &'a Node, gathered: &'a Gathered) -> Case {
        let nodes = gathered.in_place(self.visible(scenario.children()));
        let nodes = self.with_modules(nodes);
        self.pci(&nodes);
        self.declare(&nodes);
        self.declare_threads(&nodes);
        self.declare_deferred(&nodes);
        self.dma_engines(&nodes);
        self.hooks(&nodes);
        self.lock_orders(&nodes);
        self.grain(&nodes);
        let mut excluded = Vec::new();
        if self.fits(scenario) {
            self.collect_injections(&nodes);
            self.scripts(&nodes);
            self.idle_procs();
        }
        for node in &nodes {
            match node.name.text.as_str() {
                "limits" => self.limits(node),
                "engines" | "no-engine" => self.engines(node, &mut excluded),
                _ => self.section(node),
            }
        }
        let mut expectations = Expectations::default();
        if self.fits(scenario) {
            expectations = self.expectations(&nodes);
            self.link_callees();
            self.idle_injections();
            self.find_mmap_lock();
            self.add_rcu();
            self.link_callees();
            self.add_srcu_work();
            self.add_power();
            self.link_callees();
            self.add_delayed_fput();
            self.link_callees();
            self.settle_shrinkers();
            self.add_irq_lines();
            self.fits(scenario);
        }
        excluded.sort();
        excluded.dedup_by_key(|(engine, _)| *engine);
        Case {
            name: self.case.map(str::to_owned),
            tuple: self.tuple,
            has_loops: self.has_loops,
            decided: self.decided,
            limits: self.limits,
            excluded,
            expectations,
            program: self.program,
        }
    }

    /// Whether what has been declared so far fits into the model. If not, the rest is not looked at: its ids would mean
    /// nothing.
    fn fits(&mut self, scenario: &Node) -> bool {
        let agents: usize = self.program.objects.iter().map(|o| super::deferred::threads_of(&o.kind)).sum();
        let threads: usize = self.names.threads().map(|(_, _, count)| usize::from(count.unwrap_or(1))).sum();
        let threads = threads + agents;
        let size = match self.program.check_size() {
            Ok(()) if threads >= MAX_THREADS => {
                Err(TooLarge { what: "threads and agents", have: threads, limit: MAX_THREADS - 1 })
            }
            size => size,
        };
        if let Err(error) = &size {
            let which = self.largest_function().filter(|_| error.what == "locals of one function");
            self.mistakes
                .add("too-large", scenario.head, error.to_string())
                .expected("a smaller scenario")
                .help("the model has fixed capacities, which keep a state small: use fewer, or split the scenario")
                .help_if(which);
        }
        size.is_ok()
    }

    /// The function with the most locals, by what it calls them: a program has no other names of functions.
    fn largest_function(&self) -> Option<String> {
        let scripts = self.program.scripts.iter().chain([&self.program.setup, &self.program.teardown]);
        let callee = scripts.flat_map(|script| &script.callees).max_by_key(|callee| callee.locals.len())?;
        let locals = callee.locals.join("`, `");
        Some(format!("it is that with the locals `{locals}`: a part of it may be a `fn` of its own"))
    }

    /// Tells what stands in a scenario and should not.
    fn section(&mut self, node: &Node) {
        let name = node.name.text.as_str();
        if node.broken || SECTIONS.iter().any(|(known, ..)| *known == name) || decls::named(name).is_some() {
            return;
        }
        let known = || SECTIONS.iter().map(|(known, ..)| *known).chain(decls::all().map(|decl| decl.name));
        let is_statement = !ops::named(name).is_empty() || super::flow::is_statement(name);
        let help = match is_statement {
            true => Some("operations stand inside `thread`, `setup` or `teardown`".to_owned()),
            false => match kernel_names::declaration(name) {
                Some(answer) => Some(answer.to_owned()),
                None => did_you_mean(name, known()),
            },
        };
        self.mistakes
            .add("unknown-declaration", node.name.span, format!("`{name}` is nothing that a scenario has"))
            .expected("a declaration, a thread or `expect`")
            .help_if(help);
    }

    /// `limits states=100000 executions=1000 preemptions=2`
    fn limits(&mut self, node: &Node) {
        for entry in &node.entries {
            let key = entry.key.as_ref().map(|key| key.text.as_str());
            let number = match entry.value.kind {
                ValueKind::Int(number) => u64::try_from(number).ok().filter(|number| *number > 0),
                _ => None,
            };
            match (key, number) {
                (Some("states"), Some(_)) => self.limits.states = number,
                (Some("executions"), Some(_)) => self.limits.executions = number,
                (Some("preemptions"), Some(number)) => self.limits.preemptions = u32::try_from(number).ok(),
                _ => {
                    self.mistakes
                        .add("limits", entry.span(), "this is no limit")
                        .expected("states=N, executions=N or preemptions=N")
                        .help("limits are counts, never times, so that a bounded result is the same everywhere");
                }
            }
        }
    }

    /// `engines explicit shuttle`, `no-engine loom because="…"`
    fn engines(&mut self, node: &Node, excluded: &mut Vec<(Engine, String)>) {
        let only = node.name.text == "engines";
        let mut named = Vec::new();
        for value in node.values() {
            match &value.kind {
                ValueKind::Word(word) if Engine::from_name(word).is_some() => named.extend(Engine::from_name(word)),
                _ => self.tell_unknown_engine(value),
            }
        }
        let because = node.option("because").and_then(|value| match &value.kind {
            ValueKind::Text { said, .. } => Some(said.clone()),
            _ => None,
        });
        let nothing = node.values().next().is_none();
        if !node.broken && (nothing || (because.is_none() && !only)) {
            self.mistakes
                .add("engines", node.head, format!("`{}` is incomplete", node.name.text))
                .expected("`engines ENGINE…`, or `no-engine ENGINE… because=\"…\"`");
        }
        let reason = because.unwrap_or_else(|| format!("`{}`", self.line_text(node.head)));
        let out = Engine::ALL.into_iter().filter(|engine| named.contains(engine) != only);
        excluded.extend(out.map(|engine| (engine, reason.clone())));
    }

    /// Tells a word that is no engine.
    pub(super) fn tell_unknown_engine(&mut self, value: &crate::syntax::Value) {
        let said = value.span.of(self.text);
        let engines = Engine::ALL.map(Engine::name);
        self.mistakes
            .add("unknown-engine", value.span, format!("there is no engine `{said}`"))
            .expected(list(engines))
            .help_if(did_you_mean(said, engines));
    }

    fn declare_threads(&mut self, nodes: &[&'a Node]) {
        let mut next = 0usize;
        for node in nodes.iter().filter(|node| super::threads::role(node).is_some() && !node.broken) {
            let Some((name, count)) = self.thread_head(node) else {
                continue;
            };
            let first = ThreadId(u8::try_from(next).unwrap_or(u8::MAX));
            next += usize::from(count.unwrap_or(1));
            if super::threads::role(node) == Some(Role::Irq) {
                self.irqs.push((first, count.unwrap_or(1)));
            }
            self.declare_name(&name, Symbol::Thread { first, count });
            self.run_in(node, &name.text, count);
        }
    }
}
