//! Sweeps: the reduction loses nothing, and what a small sweep finds is what is there.

use super::*;
use std::collections::BTreeMap;

fn plan(over: &str, objects: &[(&str, usize)], threads: usize, ops: usize) -> Plan {
    let over: Vec<String> = over.split(',').map(String::from).collect();
    let objects: Vec<(String, usize)> = objects.iter().map(|(k, n)| (k.to_string(), *n)).collect();
    Plan::new(threads, ops, &over, &objects).expect("a plan")
}

fn swept(programs: &Programs<'_>, each: impl Iterator<Item = Program>) -> Tally {
    let mut tally = Tally::default();
    each.for_each(|p| programs.check(&p, &mut tally));
    tally
}

/// Programs that are the same but for names are explored once and counted for all.
#[test]
fn the_reduction_finds_what_all_programs_find() {
    let plans = [
        plan("lock,unlock", &[("mutex", 2)], 2, 2),
        plan("wait,signal,add-fence,reserve", &[("fence", 2)], 2, 1),
        plan("lock+ctx,unlock", &[("ww-mutex", 2)], 2, 2),
        plan("complete,wait-for-completion", &[], 3, 1),
        Plan { balanced: true, ..plan("down-read,down-write,up-read,up-write", &[("rwsem", 2)], 2, 2) },
    ];
    for plan in plans {
        let programs = Programs::new(&plan).expect("few scripts");
        let reduced = swept(&programs, programs.each());
        let all = swept(&programs, programs.each_labelled());
        assert!(reduced.programs < all.programs, "{plan}: nothing was reduced");
        assert_eq!(reduced.labelled, all.programs, "{plan}: orbits add up");
        assert_eq!(programs.labelled(), all.programs, "{plan}");
        let weights = |t: &Tally| -> Vec<(String, u64, (usize, usize))> {
            t.clusters.iter().map(|(key, c)| (key.clone(), c.labelled, c.size)).collect()
        };
        assert_eq!(all.clusters.is_empty(), plan.balanced, "{plan}: what is wrong is wrong by itself, here");
        assert_eq!(weights(&reduced), weights(&all), "{plan}: the same clusters");
    }
}

#[test]
fn parts_add_up_to_the_whole_and_survive_their_files() {
    let plan = plan("lock,unlock", &[("lock", 2)], 2, 2);
    let programs = Programs::new(&plan).expect("few scripts");
    let all: Vec<Program> = programs.each().collect();
    let chunks: Vec<Tally> = all.chunks(16).map(|c| swept(&programs, c.iter().cloned())).collect();
    let part = |number, of, finished: bool| {
        let part = Part { number, of };
        let own = chunks.iter().enumerate().filter(|(i, _)| part.has(*i));
        let head = head_lines(&plan.to_string(), part);
        let own: BTreeMap<usize, Tally> = own.map(|(i, t)| (i, t.clone())).collect();
        let text: String = own.iter().map(|(i, t)| chunk_lines(&head, *i, t)).collect();
        let end = if finished { end_line(&head, &own) } else { String::new() };
        (format!("{number}"), head + &text + &end)
    };
    let whole = merge(&[part(1, 1, true)]).expect("one part");
    assert_eq!(whole.tally, swept(&programs, all.into_iter()));
    let two = merge(&[part(2, 2, true), part(1, 2, true)]).expect("two parts");
    assert_eq!(two, whole);
    assert_eq!(two.tally.report(&two.plan), whole.tally.report(&whole.plan));
    for (files, why) in [
        (vec![part(1, 2, true)], "part 2/2 is missing"),
        (vec![part(1, 2, true), part(1, 2, true)], "part 1 is there twice"),
        (vec![part(1, 2, true), part(2, 2, false)], "not finished"),
        (vec![part(1, 2, true), part(2, 3, true)], "one of 3 parts"),
    ] {
        let refused = merge(&files).expect_err("no merge");
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn a_file_cut_short_is_read_up_to_its_last_whole_chunk() {
    let tally = Tally { programs: 3, labelled: 5, holding: 3, ..Tally::default() };
    let head = head_lines("p", Part::WHOLE);
    let chunks = BTreeMap::from([(0, tally.clone()), (1, tally)]);
    let text = chunks.iter().fold(head.clone(), |text, (i, t)| text + &chunk_lines(&head, *i, t));
    for cut in head.len()..text.len() {
        let file = PartFile::read(&text[..cut]).unwrap_or_else(|why| panic!("cut at {cut}: {why}"));
        assert!(file.chunks.len() < 2 && !file.complete && file.whole <= cut);
    }
    let whole = PartFile::read(&(text.clone() + &end_line(&head, &chunks))).expect("a whole file");
    assert!(whole.complete && whole.whole == text.len() && whole.chunks == chunks);
}

#[test]
fn a_file_that_was_altered_anywhere_is_refused() {
    let tally = Tally { programs: 3, labelled: 5, holding: 3, ..Tally::default() };
    let head = head_lines("p", Part::WHOLE);
    let chunks = BTreeMap::from([(0, tally.clone()), (1, tally)]);
    let body = |which: &[usize]| -> String { which.iter().map(|i| chunk_lines(&head, *i, &chunks[i])).collect() };
    let text = format!("{head}{}{}", body(&[0, 1]), end_line(&head, &chunks));
    for at in 0..text.len() - 1 {
        let other = if &text[at..=at] == "7" { "8" } else { "7" };
        let altered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        let read = PartFile::read(&altered);
        assert!(read.is_err(), "byte {at}: {altered}");
    }
    for which in [&[0][..], &[1], &[1, 0], &[0, 0, 1]] {
        let altered = format!("{head}{}{}", body(which), end_line(&head, &chunks));
        let read = PartFile::read(&altered).map(|f| (f.chunks, f.complete));
        assert!(read.is_err() || read == Ok((chunks.clone(), true)) && which == [1, 0], "{altered}");
    }
}

#[test]
fn every_operation_is_understood() {
    for op in operations() {
        let plan = plan(op.name, &[], 1, 1);
        let programs = Programs::new(&plan).expect("one script");
        let tally = swept(&programs, programs.each());
        assert_eq!(tally.programs, 1, "{}", op.name);
    }
}

#[test]
fn what_is_no_plan_is_told() {
    let refused = |over: &str, objects: &[(String, usize)]| {
        let over: Vec<String> = over.split(',').map(String::from).collect();
        Plan::new(2, 2, &over, objects).expect_err("no plan").to_string()
    };
    assert!(refused("lokc", &[]).contains("`lokc` is no operation"));
    assert!(refused("lock,lock", &[]).contains("twice"));
    assert!(refused("lock", &[("fence".into(), 1)]).contains("no operation takes a fence"));
    assert!(refused("lock", &[("mutex".into(), 9)]).contains("1 to 4"));
}

#[test]
fn a_plan_is_read_back_from_its_line() {
    let plan = plan("lock,wait,add-fence", &[("mutex", 2), ("resv", 1)], 3, 2);
    for plan in [Plan { balanced: true, ..plan.clone() }, plan] {
        assert_eq!(Plan::read(&plan.to_string()), Ok(plan));
    }
}

#[test]
fn a_balanced_thread_is_right_once_its_waits_are_over() {
    let plan = Plan { balanced: true, ..plan("lock,unlock,wait-for-completion", &[], 1, 3) };
    let programs = Programs::new(&plan).expect("few scripts");
    let texts: Vec<String> = programs.each().map(|p| programs.text(&p, "p", "holds")).collect();
    assert!(texts.iter().any(|t| t.contains("lock m0\n        wait-for-completion c0\n        unlock m0")));
    assert!(texts.iter().all(|t| t.matches(" lock m0\n").count() == t.matches(" unlock m0\n").count()), "{texts:?}");
}
