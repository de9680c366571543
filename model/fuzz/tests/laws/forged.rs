//! What somebody can do who writes himself what a search keeps, with sums that are right: bytes of something good are
//! changed, and the search goes on from that. It is refused, or it finds what it would have found. Where no state is
//! looked at once more, as it is behind the first ones of a large search, it is refused or ends like any other, and
//! never in a panic. On shipped scenarios of every subject and on generated programs.
//!
//! `FORGED_EACH=N` changes more of each, `FORGED_GENERATED=N` looks at more programs.

use super::{conditions_of, generated, kept::Every, limit, some_of_each_subject};
use fenceweave_explore::{
    Exploration, Limits, Task,
    explicit::{self, Options},
};
use fenceweave_scenario::Case;
use std::io;

/// What became of what was changed.
#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    changed: u64,
    refused: u64,
    same: u64,
    /// Without a second look.
    refused_unseen: u64,
    same_unseen: u64,
    cut_unseen: u64,
    other_unseen: u64,
    /// Panics that became a reason.
    caught: Vec<String>,
    caught_unseen: u64,
}

fn gone_on(task: &Task<'_>, options: Options, bytes: &[u8]) -> Result<Exploration, String> {
    let (mut from, never) = (bytes, Every::new(u64::MAX));
    let from = Some((&mut from as &mut dyn io::Read, bytes.len() as u64));
    explicit::explore_kept(task, &Limits::default(), options, (&(), &never), from)
}

/// Something that is changed somewhere, and its sum.
fn forged(good: &[u8], mut next: impl FnMut(u64) -> u64) -> Vec<u8> {
    let (sum, mut bytes) = (16, good.to_vec());
    bytes.truncate(good.len() - sum);
    for _ in 0..=next(2) {
        let at = next(bytes.len() as u64) as usize;
        match next(6) {
            0 => bytes[at] ^= 1 << next(8),
            1 => bytes[at] = next(256) as u8,
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => bytes[at] = 0,
            4 => _ = bytes.remove(at),
            _ => {
                let number = [0, 1, u64::from(u32::MAX), u64::MAX, next(1 << 16)][next(5) as usize];
                let to = bytes.len().min(at + 8);
                bytes[at..to].copy_from_slice(&number.to_le_bytes()[..to - at]);
            }
        }
    }
    let own = explicit::sum(&bytes).to_le_bytes();
    bytes.extend_from_slice(&own);
    bytes
}

fn hold(case: &Case, seen: &mut Seen) {
    let (conditions, name) = (conditions_of(case), &case.program.name);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = Limits { states: 400, ..Limits::default() };
    let options = Options { symmetry: 2, exact: seen.programs.is_multiple_of(5), ..Options::default() };
    let keeper = Every::new(5);
    let whole = explicit::explore_kept(&task, &limits, options, (&(), &keeper), None).expect("it begins");
    let kept = keeper.kept.into_inner().expect("nobody has panicked");
    if kept.is_empty() || !whole.coverage.is_complete() {
        return;
    }
    seen.programs += 1;
    let mut state = seen.programs;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for _ in 0..limit("FORGED_EACH", 12) {
        let good = &kept[next(kept.len() as u64) as usize];
        let bytes = forged(good, &mut next);
        if bytes == *good {
            continue;
        }
        seen.changed += 1;
        match gone_on(&task, options, &bytes) {
            Ok(found) => {
                seen.same += 1;
                let of_memory = !found.coverage.is_complete() && format!("{:?}", found.coverage).contains("memory");
                assert!(found == whole || of_memory, "{name}, {options:?}:\n{found:#?}\n{whole:#?}");
            }
            Err(why) => {
                seen.refused += 1;
                seen.caught.extend(why.contains("mistake of ours").then(|| format!("{name}: {why}")));
            }
        }
        match gone_on(&task, Options { again: 0, ..options }, &bytes) {
            Ok(found) if found == whole => seen.same_unseen += 1,
            Ok(found) if !found.coverage.is_complete() => seen.cut_unseen += 1,
            Ok(_) => seen.other_unseen += 1,
            Err(why) => {
                seen.refused_unseen += 1;
                seen.caught_unseen += u64::from(why.contains("mistake of ours"));
            }
        }
    }
}

#[test]
fn what_was_changed_in_shipped_scenarios_is_refused_or_finds_the_same() {
    let mut seen = Seen::default();
    some_of_each_subject(1).for_each(|case| hold(case, &mut seen));
    println!("shipped: {seen:?}");
    assert!(seen.programs > 20 && seen.refused > seen.changed / 2 && seen.caught.is_empty(), "{seen:?}");
}

#[test]
fn what_was_changed_in_generated_programs_is_refused_or_finds_the_same() {
    let mut seen = Seen::default();
    generated(limit("FORGED_GENERATED", 60)).for_each(|case| hold(&case, &mut seen));
    println!("generated: {seen:?}");
    assert!(seen.programs > 5 && seen.refused > seen.changed / 2 && seen.caught.is_empty(), "{seen:?}");
}
