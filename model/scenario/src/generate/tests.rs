//! What is generated: every word of the language, and nothing that does not load.

use super::{Generated, NOTHING, Size, from_seed, scene};
use crate::{fmt, load, ops};
use fenceweave_kernel::{Kind, idioms::IDIOMS};
use std::{collections::BTreeSet, sync::LazyLock};

/// Scenarios of one test.
const MANY: u64 = 1_200;

/// The first of all sizes, made once for all tests.
static FIRST: LazyLock<Vec<Generated>> =
    LazyLock::new(|| (0..MANY).map(|seed| from_seed(seed, &Size::default())).collect());

#[test]
fn every_operation_of_the_table_is_generated() {
    let mut drawn: BTreeSet<usize> = FIRST.iter().flat_map(|made| made.drawn.iter().copied()).collect();
    for seed in MANY..3 * MANY {
        drawn.extend(from_seed(seed, &Size::default()).drawn);
    }
    let missing: Vec<String> =
        ops::all().enumerate().filter(|(at, _)| !drawn.contains(at)).map(|(_, op)| ops::synopsis(op)).collect();
    assert!(missing.is_empty(), "never generated: {missing:#?}");
}

#[test]
fn what_is_generated_loads_and_is_formatted_once() {
    let (mut nothing, mut pruned) = (0, 0);
    for (seed, made) in (0..MANY / 4).zip(FIRST.iter()) {
        assert_eq!(*made, from_seed(seed, &Size::default()), "the same bytes are the same scenario");
        if let Err(report) = load("g.kdl", &made.text) {
            panic!("seed {seed}:\n{}\n{}", made.text, report.plain());
        }
        let once = fmt::format("g.kdl", &made.text).unwrap();
        assert_eq!(once, fmt::format("g.kdl", &once).unwrap());
        nothing += u32::from(made.text == NOTHING);
        pruned += u32::from(made.pruned > 0);
    }
    assert!(nothing <= 2, "{nothing} came to nothing");
    assert!(u64::from(pruned) < MANY / 12, "the parser had to prune {pruned} of {}", MANY / 4);
}

/// A kind that is in neither would never be declared.
#[test]
fn a_kind_has_a_sample_or_is_made_by_hand() {
    let by_hand: Vec<Kind> = scene::BY_HAND.iter().map(|(kind, _)| *kind).collect();
    let without: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.row().sample.is_none()).collect();
    assert_eq!(by_hand, without);
}

#[test]
fn every_statement_of_the_language_is_generated() {
    let text: String = FIRST.iter().map(|made| made.text.as_str()).collect();
    // Jumps and functions are not generated, `continue` only makes livelocks, and what nothing comes to is no part of a
    // good scenario.
    let hand_written = ["continue", "goto", "label", "unreached", "survives"];
    for (word, ..) in crate::lower::STATEMENTS.iter().filter(|(word, ..)| !hand_written.contains(word)) {
        let begins = |line: &str| line.split_whitespace().next() == Some(word);
        assert!(text.lines().any(begins), "`{word}` is never generated");
    }
}

#[test]
fn the_size_is_kept() {
    let small = Size { threads: 2, ops: 2, objects: 1 };
    for seed in 0..200 {
        let text = from_seed(seed, &small).text;
        let threads = text.lines().filter(|line| line.starts_with("thread ")).count();
        assert!(threads <= 2, "{text}");
    }
}

#[test]
fn every_hole_of_an_idiom_is_filled() {
    let known = [
        "var",
        "local",
        "own",
        "word",
        "usage",
        "thread",
        "slab",
        "guard-lock",
        "guard-mutex",
        "guarded",
        "page-table",
    ];
    for idiom in IDIOMS {
        for part in idiom.text.split('$').skip(1) {
            let end = part.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))).unwrap_or(part.len());
            let Some((name, kind)) = part[..end].split_once(':') else {
                let named = format!("${}:", &part[..end]);
                assert!(idiom.text.contains(&named), "`${}` is named nowhere: {}", &part[..end], idiom.text);
                continue;
            };
            assert!(known.contains(&kind) || Kind::named(kind).is_some(), "`${name}:{kind}` in {}", idiom.text);
        }
    }
}

/// What `srcu_read_lock()` returned is for its own unlock, whatever is inside of the section.
#[test]
fn a_local_of_its_own_is_not_written_in_the_hole() {
    let mut nested = 0;
    for made in FIRST.iter().filter(|made| made.disciplined) {
        let mut open: Vec<String> = vec![];
        for line in made.text.lines().map(str::trim) {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["srcu-read-lock", of, into] => {
                    let own = format!("{of} {}", into.trim_start_matches("into="));
                    let local = |section: &String| section.split(' ').nth(1).map(str::to_owned);
                    assert!(open.iter().all(|around| local(around) != local(&own)), "{}", made.text);
                    open.push(own);
                    nested += usize::from(open.len() > 1);
                }
                ["srcu-read-unlock", of, local] => {
                    assert_eq!(open.pop(), Some(format!("{of} {local}")), "{}", made.text);
                }
                _ => {}
            }
        }
    }
    assert!(nested > 0, "no section is ever inside of another");
}
