//! Schedules as tokens: what is written is read again, and what is no token is told.

use super::*;
use crate::programs;
use fenceweave_kernel::Family;

#[test]
fn every_thread_has_a_letter_of_its_own() {
    assert_eq!(letters(&programs::racy_increment()), ['A', 'B', 'N']);
    assert_eq!(letters(&programs::two_spinlocks()), ['C', 'G']);
}

#[test]
fn a_schedule_survives_being_written_and_read() {
    for program in [programs::two_mutexes(), programs::leak(), programs::lost_wakeup()] {
        for found in programs::explore(&program).found {
            let text = encode(&program, &found.trace.steps);
            assert_eq!(decode(&program, &text), Ok(found.trace));
        }
    }
}

#[test]
fn a_choice_ends_its_run() {
    let program = programs::leak();
    let steps = [0, 1].map(|choice| Action { thread: ThreadId(0), choice });
    assert_eq!(encode(&program, &steps), format!("C2=1@{}", hash(&program)));
    assert_eq!(decode(&program, " c2=1 "), Ok(Trace::of(steps.into())));
}

#[test]
fn a_token_says_in_which_grain_it_was_found() {
    let mut program = programs::leak();
    let steps = [Action { thread: ThreadId(0), choice: 1 }];
    assert_eq!(grain_of(&encode(&program, &steps)), Some(Grain::FINE));
    for grain in [Grain::COARSE, Grain::COARSE.but(Family::Resv).but(Family::Mutex)] {
        program.grain = grain;
        let token = encode(&program, &steps);
        assert!(token.ends_with(&format!("@{}:{grain}", hash(&program))), "{token}");
        assert_eq!(grain_of(&token), Some(grain));
        // Its steps are accesses, and the same program's in whatever grain.
        program.grain = Grain::FINE;
        assert_eq!(decode(&program, &token), Ok(Trace::of(steps.into())));
    }
    assert_eq!(grain_of("C2=1"), None);
    let other = decode(&program, &format!("C2@{}:middling", hash(&program)));
    assert_eq!(other, Err(TokenError::UnknownGrain { given: "middling".into() }));
}

#[test]
fn the_hash_is_the_same_everywhere_and_tells_programs_apart() {
    let program = programs::two_spinlocks();
    let mut moved = program.clone();
    moved.scripts[0].lines[0].line += 7;
    assert_eq!(hash(&program), hash(&moved));
    assert_ne!(hash(&program), hash(&programs::two_mutexes()));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let program = programs::two_spinlocks();
    let tokens = ["C1X2", "C", "C0", "C1=", "C1=999", "C1,G1", "C9999999999", "C1@abcdef", "C1@", "é"];
    let told = tokens.map(|t| format!("{t}: {}", decode(&program, t).expect_err("a mistake")));
    insta::assert_snapshot!(told.join("\n").replace(&hash(&program), "HASH"));
}
