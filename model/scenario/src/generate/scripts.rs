//! Scripts out of idioms and single operations, and the sections that a scenario has around its threads.

use super::{
    idioms,
    line::Line,
    scene::{Scene, Section},
};
use crate::ops::OpSpec;
use arbitrary::Result;
use fenceweave_kernel::{
    Kind, Type,
    idioms::{IDIOMS, Idiom, RESERVATION},
};

/// Blocks inside blocks.
const DEPTH_MAX: usize = 3;

/// What is known about the script being written.
#[derive(Default)]
pub(super) struct Script {
    /// Locals that something has set on the way.
    set: Vec<String>,
    /// What has to be looked up before anything else.
    prelude: Vec<Line>,
    /// What is held around the line at hand: what is taken inside comes later in the order.
    held: Vec<(u8, String)>,
    /// Sleeping is forbidden here.
    pub(super) atomic: bool,
    /// It interrupts others, or runs in their place: it takes no lock that those may hold.
    handler: bool,
    depth: usize,
}

impl Script {
    /// Whether the local is set by now.
    pub(super) fn knows(&self, local: &str) -> bool {
        self.set.iter().any(|known| known == local)
    }

    /// In how many holes it is.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// From here on the local is set.
    pub(super) fn set(&mut self, local: &str) {
        if !self.knows(local) {
            self.set.push(local.to_owned());
        }
    }

    /// The same, of an object of that kind, if that is one or inside of one.
    pub(super) fn find_owner(&mut self, kind: Kind, name: &str) {
        match name.split_once('.') {
            Some((object, _)) => self.find(object),
            None if kind == Kind::Struct => self.find(name),
            None => {}
        }
    }

    /// The local of a struct's object, which everybody finds in a table.
    pub(super) fn find(&mut self, object: &str) {
        if !self.knows(object) {
            self.set(object);
            let table = object.replace('o', "table");
            self.prelude.push(Line::new(format!("load {table} into={object}")));
        }
    }

    /// Where a result goes: references and cursors apart from words.
    pub(super) fn result_of(&mut self, spec: &OpSpec, scene: &mut Scene<'_, '_>) -> Result<String> {
        let local = match spec.returns {
            "the cursor" => "it".to_owned(),
            text if text.contains("fence") || text.contains("reference") => "ref".to_owned(),
            _ => format!("r{}", scene.below(2)?),
        };
        self.set(&local);
        Ok(local)
    }

    /// A local that holds a cursor.
    pub(super) fn cursor(&mut self, scene: &mut Scene<'_, '_>) -> Result<String> {
        if !self.knows("it") {
            let resv = scene.object(Kind::Resv, &[])?;
            let unlocked = if scene.coin()? { " unlocked" } else { "" };
            self.prelude.push(Line::new(format!("iter-begin {resv} usage=read{unlocked} into=it")));
            self.set("it");
        }
        Ok("it".to_owned())
    }

    /// A local that holds a number.
    pub(super) fn counter(&mut self) -> String {
        if !self.knows("i") {
            self.prelude.push(Line::new("let i=0".to_owned()));
            self.set("i");
        }
        "i".to_owned()
    }

    /// A word to store or to compare with, if one is at hand.
    pub(super) fn some_word(&mut self, scene: &mut Scene<'_, '_>) -> Result<Option<String>> {
        let words: Vec<&String> = self.set.iter().filter(|local| local.starts_with('r') && *local != "ref").collect();
        if words.is_empty() { Ok(None) } else { Ok(Some(words[scene.below(words.len())?].clone())) }
    }
}

/// The whole of a scenario.
pub(super) fn scenario(scene: &mut Scene<'_, '_>) -> Result<Vec<Line>> {
    let mut sections = vec![];
    let meeting = MEETINGS[scene.below(MEETINGS.len())?];
    for name in scene.threads.clone() {
        let ops = scene.dice.int_in_range(2..=scene.size.ops.max(2))?;
        let mut body = body(scene, &mut Script::default(), ops)?;
        meet(scene, meeting, &mut body)?;
        sections.push(Line::with(format!("thread {name}"), body));
    }
    sections.extend(around(scene)?);
    if scene.coin()? {
        functions(scene, &mut sections)?;
    }
    // A body may name what has none yet.
    while let Some((section, name)) = scene.bodiless.pop() {
        sections.push(deferred(scene, section, &name)?);
    }
    let mut lines = std::mem::take(&mut scene.declarations);
    if !scene.setup.is_empty() {
        lines.push(Line::with("setup", std::mem::take(&mut scene.setup)));
    }
    lines.append(&mut sections);
    Ok(vec![Line::with("scenario generated", lines)])
}

/// What every thread does at some time: who comes first is told by the result.
const MEETINGS: [&str; 8] = [
    "lock $l:lock\nadd $x:var 1 into=met\nunlock $l",
    "lock $l:lock irqsave\nadd $x:var 1 into=met\nunlock $l irqrestore",
    "add $x:var 1 into=met",
    "xchg $x:var 1 into=met",
    "cmpxchg $x:var 0 1 into=met",
    "check-and-signal $f:fence into=met",
    "try-wait-for-completion $d:completion into=met\ncomplete $d",
    "trylock $l:lock into=met\nwhen met is=1 {\nunlock $l\n}",
];

fn meet(scene: &mut Scene<'_, '_>, meeting: &'static str, body: &mut Vec<Line>) -> Result<()> {
    let Some(filled) = idioms::fill(meeting, 0, scene, &mut Script::default())? else { return Ok(()) };
    let mut lines = filled.lines.iter().map(String::as_str);
    let lines = nest(scene, &mut Script::default(), &mut lines, 0)?;
    let at = match scene.disciplined {
        // In the middle something may be held.
        true => [0, body.len()][scene.below(2)?],
        // What comes first may be all that happens.
        false if scene.dice.ratio(4, 5)? => 0,
        false => scene.below(body.len() / 2 + 1)?,
    };
    body.splice(at..at, lines);
    Ok(())
}

/// Sections that a scenario need not have.
fn around(scene: &mut Scene<'_, '_>) -> Result<Vec<Line>> {
    let mut sections = vec![];
    if scene.one_in(8)? {
        let on = if scene.coin()? { "any".to_owned() } else { scene.threads[0].clone() };
        let mut script = Script { atomic: true, handler: true, ..Script::default() };
        sections.push(Line::with(format!("irq irq0 on={on}"), body(scene, &mut script, 1)?));
    }
    if scene.one_in(8)? {
        let body = body(scene, &mut Script::default(), 2)?;
        sections.push(Line::with("device hw", body));
    }
    if !scene.disciplined && scene.one_in(12)? {
        sections.push(Line::with("shrinker shrink", body(scene, &mut Script::default(), 1)?));
    }
    if !scene.disciplined && scene.one_in(10)? {
        let objects: Vec<String> = scene.structs.iter().chain(scene.declared(Kind::Fence)).cloned().collect();
        if let Some(object) = objects.first() {
            let free = if object.starts_with('s') { "free a" } else { "fence-free a" };
            let mut script = Script { atomic: true, handler: true, ..Script::default() };
            let mut release = body(scene, &mut script, 1)?;
            release.push(Line::new(free));
            sections.push(Line::new(format!("hook {object} release=on-release")));
            sections.push(Line::with("proc on-release a", release));
        }
    }
    if !scene.disciplined && scene.one_in(10)? {
        let locks: Vec<String> =
            [Kind::Mutex, Kind::RwSem, Kind::Resv].iter().flat_map(|k| scene.declared(*k)).cloned().collect();
        if let [first, second, ..] = locks.as_slice() {
            sections.push(Line::new(format!("lock-order {first} {second}")));
        }
    }
    if !scene.disciplined && scene.one_in(16)? {
        sections.push(Line::new("inject lock at=t0 may-fail"));
    }
    if scene.one_in(10)? {
        let var = scene.var()?;
        sections.push(Line::with("teardown", vec![Line::new(format!("load {var} into=r0"))]));
    }
    Ok(sections)
}

/// Functions with types, shared words in their expressions and calls of themselves, and threads that call them by their
/// names and by their values. Where the rules are kept nothing is held around a call.
fn functions(scene: &mut Scene<'_, '_>, sections: &mut Vec<Line>) -> Result<()> {
    let many = 1 + scene.below(2)?;
    for at in 0..many {
        let (ty, var) = (Type::NAMES[scene.below(Type::NAMES.len())?].0, scene.var()?);
        let mut lines = vec![Line::new(format!("local {ty} t")), Line::new("let t=a")];
        let ops = 1 + scene.below(2)?;
        let inside = body(scene, &mut Script { depth: 1, ..Script::default() }, ops)?;
        match scene.below(3)? {
            0 => lines.push(Line::with(format!("when \"a && {var} || t > {var}\""), inside)),
            1 => lines.extend([Line::new(format!("let t=\"{var} ? {var} : t\"")), Line::with("defer", inside)]),
            _ => lines.extend(inside),
        }
        if scene.one_in(3)? {
            let again = Line::new(format!("g{at} \"a - 1\" into=t"));
            lines.push(Line::with("when \"a > 0\"", vec![again]));
        }
        // Loom has no such step: few have one.
        if scene.one_in(8)? {
            let both = vec![Line::new(format!("load {var} into=t")), Line::new(format!("store {var} t"))];
            lines.push(Line::with("atomic \"nothing comes in between\"", both));
        }
        if !scene.disciplined && scene.one_in(4)? {
            let says = if scene.coin()? { "warn-on \"t == 1\"" } else { "bug-on \"t > 1\"" };
            lines.push(Line::new(says));
        }
        if scene.one_in(3)? {
            lines.insert(0, by_exit(scene)?);
        }
        lines.push(Line::new("return t"));
        sections.push(Line::with(format!("fn g{at} a"), lines));
    }
    for section in sections.iter_mut().filter(|section| section.head.starts_with("thread ")) {
        let at = scene.below(many)?;
        let lines = match scene.below(4)? {
            0 => vec![],
            1 => vec![format!("let gv=g{at}"), "call gv 1 into=r1".to_owned()],
            _ => vec![format!("g{at} 1 into=r1")],
        };
        let body = section.block.get_or_insert_default();
        let place = [0, body.len()][scene.below(2)?];
        body.splice(place..place, lines.into_iter().map(Line::new));
    }
    Ok(())
}

/// A row of a function's table of locks by exit. What is taken in a function is released there, if the rules are kept.
fn by_exit(scene: &mut Scene<'_, '_>) -> Result<Line> {
    let kind = [Kind::Mutex, Kind::Lock][scene.below(2)?];
    let lock = scene.object(kind, &[])?;
    let exits = ["return == a", "return != a", "return >= 0 || a"][scene.below(3)?];
    let held = if !scene.disciplined && scene.coin()? { "assert-held" } else { "assert-not-held" };
    Ok(Line::with(format!("on-return \"{exits}\""), vec![Line::new(format!("{held} {lock}"))]))
}

/// A timer or a work item whose function is called with it and its data: by the CPU on which the timer expires, or by a
/// worker of the queue.
fn called(scene: &mut Scene<'_, '_>, section: Section, name: &str, lines: Vec<Line>) -> Result<Line> {
    let item = match section {
        Section::Timer => format!("timer {name} fn={name}-fn"),
        Section::DelayedWork => format!("delayed-work {name} fn={name}-fn"),
        _ => format!("work {name} fn={name}-fn"),
    };
    let queue = if section != Section::Timer && scene.coin()? {
        format!(" queue={}", scene.object(Kind::Workqueue, &[])?)
    } else {
        String::new()
    };
    scene.declarations.push(Line::new(item + &queue));
    Ok(Line::with(format!("fn {name}-fn item data"), lines))
}

/// What was named before it had a body.
fn deferred(scene: &mut Scene<'_, '_>, section: Section, name: &str) -> Result<Line> {
    let atomic = !matches!(section, Section::Work | Section::DelayedWork);
    let mut script = Script { atomic, handler: atomic, depth: DEPTH_MAX, ..Script::default() };
    let head = match section {
        Section::Work if scene.coin()? => format!("work {name} queue={}", scene.object(Kind::Workqueue, &[])?),
        Section::Work => format!("work {name}"),
        Section::DelayedWork => format!("delayed-work {name}"),
        Section::Shrinker => format!("shrinker {name} unregistered"),
        Section::Device => format!("device {name} queue=fifo"),
        Section::Timer => format!("timer {name}"),
        Section::Irq => format!("irq {name} on={}", scene.threads[0]),
        Section::Proc(arguments) => {
            let names: Vec<&str> = ["a", "b", "c"].into_iter().take(arguments).collect();
            format!("proc {name} {}", names.join(" "))
        }
    };
    let mut lines = body(scene, &mut script, 1)?;
    if section == Section::Proc(1) {
        lines.push(Line::new("free a"));
    }
    let has_function = matches!(section, Section::Timer | Section::Work | Section::DelayedWork);
    if has_function && scene.one_in(3)? {
        return called(scene, section, name, lines);
    }
    Ok(Line::with(head, lines))
}

fn body(scene: &mut Scene<'_, '_>, script: &mut Script, ops: usize) -> Result<Vec<Line>> {
    let lines = block(scene, script, ops)?;
    let mut all = std::mem::take(&mut script.prelude);
    all.extend(lines);
    Ok(all)
}

/// About so many operations.
fn block(scene: &mut Scene<'_, '_>, script: &mut Script, ops: usize) -> Result<Vec<Line>> {
    let (mut lines, mut left) = (vec![], ops);
    while left > 0 {
        let single = !scene.disciplined && scene.dice.ratio(1, 3)?;
        if single {
            lines.push(scene.any_operation(script)?);
            left -= 1;
            continue;
        }
        let Some(idiom) = choose(scene, script)? else { break };
        let inside = if idioms::has_hole(idiom.text) { 1 + scene.below(left.min(3))? } else { 1 };
        let expanded = expand(scene, script, idiom, inside)?;
        lines.extend(expanded);
        left = left.saturating_sub(inside);
    }
    Ok(lines)
}

/// An idiom that may stand here; in a scenario that keeps no rules, any.
fn choose(scene: &mut Scene<'_, '_>, script: &Script) -> Result<Option<&'static Idiom>> {
    let held = script.held.last().map_or(0, |(rank, _)| *rank);
    let may_stand = |idiom: &&&Idiom| {
        let nests = !idioms::has_hole(idiom.text) || script.depth < DEPTH_MAX;
        let rules = match scene.disciplined {
            false => true,
            true => {
                idiom.disciplined
                    && !(script.atomic && idiom.sleeps)
                    && (idiom.rank == 0 || (idiom.rank >= held && !script.handler))
                    && !(idiom.alone && (script.depth > 0 || script.atomic))
            }
        };
        nests && rules
    };
    let fitting: Vec<&Idiom> = IDIOMS.iter().filter(may_stand).copied().collect();
    let about: Vec<&Idiom> =
        fitting.iter().copied().filter(|idiom| idioms::kinds(idiom.text).any(|kind| scene.is_about(kind))).collect();
    let from = if !about.is_empty() && scene.dice.ratio(3, 4)? { about } else { fitting };
    if from.is_empty() {
        return Ok(None);
    }
    Ok(Some(from[scene.below(from.len())?]))
}

/// The lines of an idiom, with a body in its hole.
fn expand(scene: &mut Scene<'_, '_>, script: &mut Script, idiom: &Idiom, inside: usize) -> Result<Vec<Line>> {
    let Some(text) = idioms::fill(idiom.text, idiom.rank, scene, script)? else {
        // In order, nothing is left to take: something that needs no order.
        return Ok(vec![Line::new("smp-mb")]);
    };
    let atomic = script.atomic;
    if let Some(named) = text.subject.filter(|_| idiom.rank > 0) {
        script.held.push((idiom.rank, named));
    } else {
        script.held.push((idiom.rank.max(script.held.last().map_or(0, |(rank, _)| *rank)), String::new()));
    }
    script.depth += 1;
    script.atomic |= idiom.atomic;
    let mut lines = text.lines.iter().map(String::as_str);
    let expanded = nest(scene, script, &mut lines, inside);
    script.atomic = atomic;
    script.depth -= 1;
    script.held.pop();
    expanded
}

/// The lines up to the `}`; somebody forgets one now and then.
fn nest<'t>(
    scene: &mut Scene<'_, '_>,
    script: &mut Script,
    lines: &mut impl Iterator<Item = &'t str>,
    inside: usize,
) -> Result<Vec<Line>> {
    let mut out = vec![];
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line == "}" {
            break;
        }
        if line == "..." {
            out.extend(block(scene, script, inside)?);
            continue;
        }
        let new = match line.strip_suffix('{') {
            Some(head) => Line::with(head.trim(), nest(scene, script, lines, inside)?),
            None => Line::new(line),
        };
        // Without its condition a `do` is no statement.
        let kept = new.block.is_some() || new.head.starts_with("while ");
        if scene.disciplined || kept || !scene.one_in(16)? {
            out.push(new);
        }
    }
    Ok(out)
}

impl Script {
    /// Whether an object comes after all that is held, so that nobody can hold it and wait for those.
    pub(super) fn comes_after(&self, rank: u8, name: &str) -> bool {
        // Of reservations never two, but with a context: who has one takes them in any order.
        let two = rank != RESERVATION;
        self.held.iter().all(|(held, other)| *held < rank || (two && *held == rank && other.as_str() < name))
    }
}
