//! Whatever comes in, the parser and the formatter end, do not panic, and have something to say.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    fenceweave_scenario::malformed::survives(text);
});
