//! The whole path: bytes to a scenario, the scenario through every engine, the engines against each other.
#![no_main]

use fenceweave_fuzz::oracle::{self, Bounds};
use fenceweave_scenario::generate::{Size, generate};
use libfuzzer_sys::{Corpus, arbitrary::Unstructured, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(made) = generate(&mut Unstructured::new(bytes), &Size::default()) else { return Corpus::Reject };
    match oracle::judge(&made.text, made.disciplined, &Bounds::default()) {
        Ok(_) => Corpus::Keep,
        Err(failure) => panic!("{}\n{}\n{}", failure.check, failure.detail, made.text),
    }
});
