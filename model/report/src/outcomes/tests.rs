//! Tables of outcomes.

use super::*;
use crate::programs;

fn shown(program: &Program) -> String {
    table(program, &programs::explore(program).outcomes, 120)
}

#[test]
fn one_row_for_each_outcome() {
    insta::assert_snapshot!(shown(&programs::racy_increment()));
}

#[test]
fn violations_come_last_and_what_never_varies_first() {
    insta::assert_snapshot!(shown(&programs::lost_wakeup()));
    insta::assert_snapshot!(shown(&programs::leak()));
    insta::assert_snapshot!(shown(&programs::unsignaled_fence()));
}

#[test]
fn a_long_table_is_cut() {
    let program = programs::racy_increment();
    let outcomes: BTreeSet<Outcome> = (0..50)
        .map(|i| Outcome::Finished {
            locals: vec![vec![Value::Word(i); 2]; 3],
            vars: vec![Value::Word(0)],
            warned: vec![],
        })
        .collect();
    let text = table(&program, &outcomes, 120);
    assert_eq!(text.lines().count(), 43);
    assert_eq!(text.lines().last(), Some("  ... and 10 more"));
}

#[test]
fn what_is_too_wide_for_columns_is_written_as_pairs() {
    let program = programs::racy_increment();
    let outcomes = &programs::explore(&program).outcomes;
    let narrow = table(&program, outcomes, 30);
    assert!(narrow.lines().all(|line| width(line) <= 30) && narrow.contains("  either "), "{narrow}");
}
