//! Another version of a scenario's text, to be held against it: an option of a library chosen otherwise, or one more
//! library, such as a posted patch. Lines stay where they are.

use crate::{
    library::library_files,
    load::{folder_of, read},
    mistakes::Span,
    outline::{Statement, outline},
};
use std::path::{Component, Path, PathBuf};

/// What a text uses whose option is chosen.
struct Choice {
    /// Where the choice is written, or where it has to be.
    at: Span,
    /// What is written there.
    text: String,
}

/// The text with each library that has such a value of an option used with it. `axis` says which option, if more than
/// one may have it.
///
/// # Errors
///
/// The mistakes of the text, or that nothing which it uses has such a value.
pub fn with_option(path: &Path, source: &str, axis: Option<&str>, value: &str) -> Result<String, String> {
    let tree = outline(&path.display().to_string(), source).map_err(|report| report.plain())?;
    let mut choices = vec![];
    for used in uses(&tree) {
        let Some(library) = used.entries.first() else { continue };
        let axes = axes_of(path, &library.value)?;
        let fits = |(name, values): &&(String, Vec<String>)| {
            axis.is_none_or(|axis| axis == name) && values.iter().any(|known| known == value)
        };
        let Some((name, _)) = axes.iter().find(fits) else { continue };
        let said = used.entries.iter().find(|entry| entry.key.as_deref() == Some(name));
        let last = used.entries.last().map_or(library.span.end, |entry| entry.span.end);
        choices.push(match said {
            Some(entry) => Choice { at: entry.span, text: format!("{name}={value}") },
            None => Choice { at: Span { start: last, end: last }, text: format!(" {name}={value}") },
        });
    }
    if choices.is_empty() {
        let what = axis.map_or_else(|| format!("`{value}`"), |axis| format!("`{axis}={value}`"));
        return Err(format!("nothing that {} uses has an option that may be {what}", path.display()));
    }
    Ok(edited(source, choices))
}

/// The text with one more library in each scenario: a file or folder, from the working directory as `path` is.
///
/// # Errors
///
/// The mistakes of the text, that there is no scenario in it, or that the file is not there.
pub fn with_library(path: &Path, source: &str, library: &Path) -> Result<String, String> {
    let tree = outline(&path.display().to_string(), source).map_err(|report| report.plain())?;
    let told = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let to = library.canonicalize().map_err(|e| told(library, e))?;
    let folder = path.canonicalize().map_err(|e| told(path, e))?;
    let beside = beside(folder_of(&folder), &to);
    let mut choices = vec![];
    for scenario in tree.iter().filter(|statement| statement.name == "scenario" && statement.block.is_some()) {
        let head = scenario.entries.last().map_or(scenario.span.start, |entry| entry.span.end);
        let Some(open) = source.get(head as usize..).and_then(|rest| rest.find('{')) else { continue };
        let at = head + open as u32 + 1;
        choices.push(Choice { at: Span { start: at, end: at }, text: format!(" use \"{beside}\";") });
    }
    if choices.is_empty() {
        return Err(format!("there is no scenario in {}", path.display()));
    }
    Ok(edited(source, choices))
}

/// Every `use` of a text, whatever cases it is for.
fn uses(tree: &[Statement]) -> Vec<&Statement> {
    let inner = |statement: &'_ Statement| matches!(statement.name.as_str(), "scenario" | "only" | "except");
    let mut all = vec![];
    for statement in tree {
        if statement.name == "use" {
            all.push(statement);
        } else if inner(statement) {
            all.extend(uses(statement.block.as_deref().unwrap_or_default()));
        }
    }
    all
}

/// The options of a library, as a `use` names it, each with its values.
fn axes_of(path: &Path, library: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let texts: Vec<String> = match library.trim_matches('"') {
        said if said.starts_with("./") || said.starts_with("../") => texts_of(&folder_of(path).join(said))?,
        name => library_files(name).into_iter().map(|(_, text)| text.to_owned()).collect(),
    };
    let mut axes = vec![];
    for text in texts {
        let tree = outline(library, &text).map_err(|report| report.plain())?;
        for option in tree.iter().filter(|statement| statement.name == "option") {
            let mut words = option.entries.iter().filter(|entry| entry.key.is_none()).map(|entry| entry.value.clone());
            // What stands behind `requires` has a key.
            axes.extend(words.next().map(|name| (name, words.filter(|word| word != "requires").collect())));
        }
    }
    Ok(axes)
}

/// The texts of a file, or of the files of a folder.
fn texts_of(path: &Path) -> Result<Vec<String>, String> {
    let mut paths = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| format!("{}: {e}", path.display()))?;
        paths = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "kdl"));
    }
    paths.iter().map(|path| read(path).map_err(|report| report.plain())).collect()
}

/// How a file is called from a folder; both are where they are, without links.
fn beside(folder: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[same..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[same..].iter().copied()).collect();
    let said = path.display().to_string();
    if said.starts_with("../") { said } else { format!("./{said}") }
}

/// The text with each stretch said otherwise.
fn edited(source: &str, mut choices: Vec<Choice>) -> String {
    choices.sort_by_key(|choice| choice.at.start);
    let mut text = source.to_owned();
    for Choice { at, text: said } in choices.into_iter().rev() {
        text.replace_range(at.start as usize..at.end as usize, &said);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_chosen_where_it_stands_and_beside_the_library_where_it_does_not() {
        let path = Path::new("s/a.kdl");
        let text = "scenario s {\n    use drm_sched\n    only old { use drm_sched kernel=v6_1 }\n    use mm\n}";
        let new = with_option(path, text, None, "v6_8").expect("drm_sched has it");
        assert_eq!(
            new,
            "scenario s {\n    use drm_sched kernel=v6_8\n    only old { use drm_sched kernel=v6_8 }\n    use mm\n}"
        );
        let why = with_option(path, text, None, "v1_0").expect_err("nobody has it");
        assert_eq!(why, "nothing that s/a.kdl uses has an option that may be `v1_0`");
        assert!(with_option(path, text, Some("stage"), "v6_8").is_err());
    }

    #[test]
    fn a_file_is_named_from_where_the_scenario_is() {
        let named = |folder: &str, to: &str| beside(Path::new(folder), Path::new(to));
        assert_eq!(named("/a/b", "/a/b/c.kdl"), "./c.kdl");
        assert_eq!(named("/a/b/d", "/a/c.kdl"), "../../c.kdl");
        assert_eq!(named("/a/b", "/e/f/c.kdl"), "../../e/f/c.kdl");
    }
}
