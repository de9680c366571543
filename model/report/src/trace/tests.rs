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
