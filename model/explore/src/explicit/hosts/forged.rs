//! What another process may say: bytes of something true are changed, with sums that are right. The first process
//! refuses it, or takes it in; it never ends in a panic.

use super::{How, Known, Owner, Taking};
use crate::{
    Task,
    explicit::{Options, expand::Expander, late::going_round, saved::sum, shape::Shape, visited::Visited},
    numbers::Numbers,
};
use fenceweave_kernel::{Cover, State};

/// Something that is changed somewhere, and its sum.
fn forged(good: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = good[..good.len() - 16].to_vec();
    for _ in 0..=numbers.below(2) {
        let at = numbers.below(bytes.len() as u64) as usize;
        match numbers.below(3) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.below(256) as u8,
            _ => _ = bytes.remove(at),
        }
    }
    let own = sum(&bytes).to_le_bytes();
    bytes.extend_from_slice(&own);
    bytes
}

/// Takes everything in that was told of so many states; how many steps that were.
fn taken_in(mut taking: Taking, states: usize, found: u32) -> usize {
    let (mut steps, mut next) = (0, found);
    for _ in 0..states {
        let (_, n) = taking.next_state(0);
        for _ in 0..n {
            let step = taking.next_step(0);
            let (to, new) = taking.number(0, &step, next);
            assert!(to < next || new);
            next += u32::from(new);
        }
        steps += n;
    }
    steps
}

#[test]
fn what_was_changed_on_the_way_is_refused_or_taken_in() {
    let program = going_round();
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let mut initial = State::initial(&program);
    let expander = Expander::new(&task, &initial, Options::default(), None);
    let (scripts, how) = (program.scripts.len() + 2, How { exact: false, orbits: false });
    let mut owner = Owner::new(expander, (Cover::new(&program), scripts), 0, 1, how);
    let (mut root, mut known) = (vec![], Known::default());
    initial.encode(&program, &mut root);
    known.add(0, Visited::fingerprint(&root), &[]);
    known.wait(0, &root);
    owner.seed(&known).expect("it is new");
    let expanded = owner.expand(0..1).expect("a report");
    let answer = owner.look_up(&expanded.met, (1 << 30, 0)).expect("an answer");
    let about = (Shape { program: &program, symmetry: None }, 0, scripts);
    let heard = |report: Vec<u8>, answer: Vec<u8>| Taking::heard(&(vec![report], vec![answer]), about, &[vec![0]], 1);
    let good = heard(expanded.report.clone(), answer.clone()).expect("it fits").expect("there is room");
    let steps = taken_in(good, 1, 1);
    let (mut refused, mut numbers) = (0, Numbers(1));
    for n in 0..4_000 {
        let told = match n % 2 {
            0 => heard(forged(&expanded.report, &mut numbers), answer.clone()),
            _ => heard(expanded.report.clone(), forged(&answer, &mut numbers)),
        };
        match told {
            Ok(Ok(taking)) => _ = taken_in(taking, 1, 1),
            Ok(Err(_)) | Err(_) => refused += 1,
        }
    }
    assert!(steps == 2 && refused > 2_000, "{steps} steps, {refused} refused");
}
