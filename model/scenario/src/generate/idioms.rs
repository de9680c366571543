//! What fills in the kernel's idioms (`registry::idioms`): names in the place of `$a:KIND`.

use super::{scene::Scene, scripts::Script};
use arbitrary::Result;
use fenceweave_kernel::Kind;

/// The lines of one use.
pub(super) struct Filled {
    pub(super) lines: Vec<String>,
    /// The first object that it names.
    pub(super) subject: Option<String>,
}

/// Whether something may stand in it.
pub(super) fn has_hole(text: &str) -> bool {
    text.contains("...")
}

/// The kinds of object that it names.
pub(super) fn kinds(text: &'static str) -> impl Iterator<Item = Kind> {
    let named = |word: &'static str| {
        let (_, kind) = word.split_once(':').filter(|_| word.contains('$'))?;
        Kind::named(kind.trim_end_matches(['"', ')']))
    };
    text.split_whitespace().filter_map(named)
}

/// Names in the place of `$`; `None` if what it takes would be out of order here.
pub(super) fn fill(text: &str, rank: u8, scene: &mut Scene<'_, '_>, script: &mut Script) -> Result<Option<Filled>> {
    let (mut known, mut subject): (Vec<(String, String)>, _) = (vec![], None);
    let mut lines = vec![];
    for line in text.lines() {
        let mut words = vec![];
        for word in line.split_whitespace() {
            let mut word = word.to_owned();
            while let Some(at) = word.find('$') {
                let rest = &word[at + 1..];
                let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-')));
                let hole = &rest[..len.unwrap_or(rest.len())];
                let (name, kind) = hole.split_once(':').unwrap_or((hole, ""));
                let value = match known.iter().find(|(known, _)| known == name) {
                    Some((_, value)) => value.clone(),
                    None => {
                        let taken: Vec<String> = known.iter().map(|(_, value)| value.clone()).collect();
                        let value = name_one(scene, script, kind, &taken)?;
                        known.push((name.to_owned(), value.clone()));
                        if Kind::named(kind).is_some() || kind.starts_with("guard-") {
                            subject.get_or_insert_with(|| value.clone());
                        }
                        value
                    }
                };
                word = word.replacen(&format!("${hole}"), &value, 1);
            }
            words.push(word);
        }
        lines.push(words.join(" "));
    }
    let taken = subject.clone().unwrap_or_default();
    let in_order = !scene.disciplined || rank == 0 || script.comes_after(rank, &taken);
    Ok(in_order.then_some(Filled { lines, subject }))
}

/// What stands for a name of the idiom.
fn name_one(scene: &mut Scene<'_, '_>, script: &mut Script, kind: &str, taken: &[String]) -> Result<String> {
    Ok(match kind {
        "var" => scene.var()?,
        "guard-lock" => scene.guard(Kind::Lock)?,
        "guard-mutex" => scene.guard(Kind::Mutex)?,
        "guarded" => scene.guarded(taken)?,
        "local" => {
            let local = format!("r{}", scene.below(2)?);
            script.set(&local);
            local
        }
        // What is in the hole around it or inside of it has another depth.
        "own" => format!("own{}", script.depth()),
        "word" => scene.below(3)?.to_string(),
        "usage" => ["kernel", "write", "read", "bookkeep"][scene.below(4)?].to_owned(),
        "thread" => {
            let at = scene.below(scene.threads.len())?;
            scene.threads[at].clone()
        }
        "page-table" => scene.page_table(),
        "slab" => {
            scene.object(Kind::Struct, &[])?;
            scene.structs.first().cloned().unwrap_or_default()
        }
        kind => match Kind::named(kind) {
            Some(kind) => {
                let name = scene.object(kind, taken)?;
                script.find_owner(kind, &name);
                name
            }
            None => String::new(),
        },
    })
}
