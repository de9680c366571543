//! Counterexamples as they are drawn.

use super::*;
use crate::{programs, style::Style};

/// Every counterexample of a program, one after the other.
fn all(program: &Program) -> String {
    let found = programs::explore(program).found;
    let texts: Vec<String> = found.iter().map(|f| render(&Counterexample::of(program, f), &Sheet::default())).collect();
    assert!(texts.iter().flat_map(|t| t.lines()).all(|l| words::width(l) <= 120));
    texts.join("\n")
}

#[test]
fn two_spinlocks_in_two_orders() {
    insta::assert_snapshot!(all(&programs::two_spinlocks()));
}

#[test]
fn two_mutexes_in_two_orders() {
    insta::assert_snapshot!(all(&programs::two_mutexes()));
}

#[test]
fn a_back_off_that_is_missing() {
    insta::assert_snapshot!(all(&programs::no_back_off()));
}

#[test]
fn a_wakeup_that_is_lost() {
    insta::assert_snapshot!(all(&programs::lost_wakeup()));
}

#[test]
fn a_fence_that_nobody_signals() {
    insta::assert_snapshot!(all(&programs::unsignaled_fence()));
}

#[test]
fn a_reference_that_leaks_if_a_choice_falls_so() {
    insta::assert_snapshot!(all(&programs::leak()));
}

/// Every counterexample of a program with loops.
fn for_ever(program: &Program) -> String {
    let found = programs::liveness(program).found;
    let texts: Vec<String> = found.iter().map(|f| render(&Counterexample::of(program, f), &Sheet::default())).collect();
    texts.join("\n")
}

#[test]
fn a_back_off_that_goes_on_for_ever() {
    insta::assert_snapshot!(for_ever(&programs::back_off()));
}

#[test]
fn a_thread_without_an_end_beside_some_that_wait() {
    insta::assert_snapshot!("endless_unmarked", for_ever(&programs::endless(false)));
    insta::assert_snapshot!("endless_marked", for_ever(&programs::endless(true)));
}

/// The way that a token stands for.
fn way(program: &Program, schedule: &str) -> String {
    let trace = token::decode(program, schedule).expect("a token");
    render(&Counterexample::way(program, &trace), &Sheet::default())
}

#[test]
fn a_sleeper_that_is_woken_goes_on_where_it_was() {
    insta::assert_snapshot!(way(&programs::two_mutexes(), "E2F2E3F5"));
}

#[test]
fn more_threads_than_fit() {
    insta::assert_snapshot!(way(&programs::crowd(), "S4U3B2M2I9S7U20"));
}

#[test]
fn a_schedule_of_another_program_says_where_it_ends() {
    insta::assert_snapshot!(way(&programs::two_spinlocks(), "C1G1C1G1"));
}

#[test]
fn colours_do_not_move_anything() {
    let program = programs::two_mutexes();
    let found = &programs::explore(&program).found[0];
    let [plain, ansi] = [Style::Plain, Style::Ansi]
        .map(|s| render(&Counterexample::of(&program, found), &Sheet { style: s, ..Sheet::default() }));
    let mut shown = String::new();
    for part in ansi.split('\u{1b}') {
        shown.push_str(part.strip_prefix('[').and_then(|p| p.split_once('m')).map_or(part, |(_, text)| text));
    }
    assert_ne!(plain, ansi);
    assert_eq!(shown, plain);
}

#[test]
fn a_wait_that_nobody_can_end() {
    insta::assert_snapshot!(all(&programs::forgotten_fence()));
}

#[test]
fn a_local_that_is_computed_stands_beside_the_step_before() {
    insta::assert_snapshot!(way(&programs::racy_increment(), "A1B2A1"));
}

/// The way that a token stands for, on another sheet.
fn on(sheet: &Sheet<'_>, program: &Program, schedule: &str) -> String {
    let trace = token::decode(program, schedule).expect("a token");
    render(&Counterexample::way(program, &trace), sheet)
}

const CROWD: &str = "S4U3B2M2I9S7U20";

#[test]
fn a_list_has_a_step_a_line() {
    let sheet = Sheet { layout: Layout::List, lines: Some("crowd.kdl"), ..Sheet::default() };
    insta::assert_snapshot!(on(&sheet, &programs::crowd(), CROWD));
}

#[test]
fn a_list_is_taken_where_columns_are_too_narrow() {
    let (program, narrow) = (programs::crowd(), Sheet { width: 60, ..Sheet::default() });
    let list = on(&Sheet { layout: Layout::List, ..narrow }, &program, CROWD);
    assert_eq!(on(&narrow, &program, CROWD), list);
    let columns = on(&Sheet { layout: Layout::Columns, ..narrow }, &program, CROWD);
    assert!(columns != list && columns.contains("  #      submitter0"), "{columns}");
}

#[test]
fn no_line_of_a_table_is_longer_than_the_sheet_is_wide() {
    let ways = [
        (programs::crowd(), CROWD),
        (programs::two_mutexes(), "E2F2E3F5"),
        (programs::racy_increment(), "A1B2A1"),
        (programs::peeking(), "C4G2"),
    ];
    for (program, schedule) in &ways {
        for layout in [Layout::Fitting, Layout::Columns, Layout::List] {
            for (width, lines) in (60..130).flat_map(|width| [(width, None), (width, Some("some-name.kdl"))]) {
                let text = on(&Sheet { width, layout, lines, ..Sheet::default() }, program, schedule);
                let table = text.lines().take_while(|l| !l.starts_with(|c: char| c.is_alphabetic()));
                let longest = table.map(words::width).max().unwrap_or(0);
                assert!(longest <= width, "{longest} of {width}, {layout:?}:\n{text}");
            }
        }
    }
}

#[test]
fn a_row_in_a_proc_says_where_it_is() {
    let sheet = Sheet { lines: Some("peek.kdl"), expand: true, ..Sheet::default() };
    insta::assert_snapshot!(on(&sheet, &programs::peeking(), "C4G2"));
}

#[test]
fn a_call_that_leaves_all_as_it_was_is_one_row() {
    insta::assert_snapshot!(on(&Sheet::default(), &programs::peeking(), "C4"));
    // Not one that is not over.
    for schedule in ["C2", "C3"] {
        let text = on(&Sheet::default(), &programs::peeking(), schedule);
        assert!(text.contains("> peek: spin-lock b") && !text.contains("as it was"), "{text}");
    }
}
