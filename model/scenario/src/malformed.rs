//! Inputs that nobody meant: whatever comes in, the parser ends, does not panic, and has something to say whenever the
//! text is not well-formed.

use crate::{
    expr, fmt, load,
    mistakes::{Mistakes, Span},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Texts of one stretch, which one thread makes from one seed.
const STRETCH: u64 = 5_000;

/// Texts to cut, splice and spoil. They have every construct of the syntax.
const SEEDS: [&str; 10] = [
    r#"scenario s { struct o slots=1 { refs 1; n NULL }; var x init=A len=2; lock l; fence f; resv b
acquire-ctx c per-thread; proc p a { repeat 3 { new o into=q }; return a }
thread t count=2 { lock-all b ctx=c into=r; when r is=-EINTR { goto e }; p 1 into=y; load q.n into=q
choose 1 A into=z; while "z < 3 && any" { break }; reserve b may-fail; wait b usage=read timeout=0; label e }
expect { never "any t.r == 1" "b.owner != NULL"; violates deadlock engine=loom } }"#,
    r#"scenario s { about "a\n\u{e9}"; case a b
    var x init=0 len=4 /* c /* d */ */
    thread t count=2 { lock fb into=r; when "r == -EDEADLK" { goto out }; else { x } // y
        label out } /-thread u { /-lock fb /-x=1 }
    expect { only a { never "w.0.x != NULL && (a | b) >> 2 <= 0x1f" } } }"#,
    r#"scenario f { const N=2 M="N << 1"; enum place { SYSTEM; VRAM 5; }; flags f { A; B; C "A | B" }
struct o slots=N { refs 1; ops NULL; at VRAM type=place }; lock l; var v init=NULL type=f; ops-type t { get o; put o optional }
ops tab type=t { get take; put NULL }; fn take o { local errno ret; do { lock l; defer { unlock l }
when "o.ops && o.at == VRAM ? !o.ops.put : v" { return 0 } else when o.at is=SYSTEM { break }; continue } while "v & C"
call o.ops.get o into="r"; let f=take; call f o into=r; label x; goto x; return o.at }
thread t { new o into=q; take q into=z }; expect { never "v == (A | B) || t.z == take" } }"#,
    r#"scenario g { case a b; only a { use drm_gem kernel=v6_1 HANDLES=1 }; except a { use drm_gem HANDLES="1 + 1" }
use "./none.kdl" x=1; override fn drm_gem_object_lookup handle { return NULL }; struct bo slots=1 { base type=drm_gem_object }
ops f type=drm_gem_object_funcs { free drop }; fn drop obj { container-of obj bo.base into=b; free b }
thread t { new bo into=b; let obj=&b.base; drm_gem_private_object_init obj f; drm_gem_handle_create obj into=h
drm_gem_object_lookup h into=o; drm_gem_handle_delete h into=r; idr_find h; drm_gem_object_put obj } }"#,
    r#"source file="a.c" version="v6.13" commit="01"; about "b"; option kernel new old; option fault up posted requires kernel="old new"
param N=1 M="N * 2"; use drm_gem kernel=v6_1; static lock l; internal fn f a { only kernel=old fault="up posted" { lock l } }
override fn drm_gem_handle_delete handle { except kernel=new { f handle }; return 0 }; static fn g { drm_gem_object_get 1 }"#,
    "thread cpu {\n    fault fb page=0 allow-retry \\ // why\n        into=r /-{ a } { b }\n}\n",
    "about \"\"\"\n    a\n\n      b \\\\ c\n    \"\"\"\nlock p->seq &x -5 +0x1f 0b1_0 pte.0 -EINTR\n",
    "if (r == 0) { a } else if (x) { b; } while (i < n) { i++; } r = lock(fb); out:\n#define X\n",
    "a; b {}; c { d }; else { }\n\n\n// e\n/* f\n g */ h\n\u{feff}\r\ni \u{a0} j true 5us",
    "a /-b \"c\" /* d */ e=\"f\" {g;h{i}}/-{j}\n/- k { l }\n",
];

/// What mutations put in: every sign that means something to somebody.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "\\",
    "\n",
    ";",
    "=",
    "/-",
    "/*",
    "*/",
    "//",
    "#",
    "-",
    "=\"",
    " ",
    "\t",
    "\r",
    "\0",
    "\u{85}",
    "é",
    "a",
    "if ",
    "else",
    "5",
    "0x",
    ".",
    "->",
    "&&",
    "<",
    "!",
    "any ",
    "[",
    ",",
    "1_000",
    "99999999999999999999",
    "\\u{110000}",
    "true",
];

/// xorshift64*: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len())]
    }
}

fn bytes(random: &mut Random) -> String {
    let bytes: Vec<u8> = (0..random.below(60)).map(|_| random.next() as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn soup(random: &mut Random) -> String {
    (0..random.below(30)).map(|_| random.pick(&PIECES)).collect()
}

fn mutated(random: &mut Random) -> String {
    let mut chars: Vec<char> = random.pick(&SEEDS).chars().collect();
    for _ in 0..1 + random.below(6) {
        let at = random.below(chars.len());
        let end = (at + random.below(8)).min(chars.len());
        match random.below(4) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let copy: Vec<char> = chars[at..end].to_vec();
                let to = random.below(chars.len());
                chars.splice(to..to, copy);
            }
            2 => drop(chars.splice(at..at, random.pick(&PIECES).chars())),
            _ => drop(chars.splice(at..end, random.pick(&PIECES).chars())),
        }
    }
    chars.into_iter().collect()
}

/// Formats and loads; says whether the text was well-formed. `thorough` also loads and formats again what was
/// well-formed, which takes most of the time.
fn survive(text: &str, thorough: bool) -> bool {
    let formatted = fmt::format("m.kdl", text);
    if formatted.is_err() || thorough {
        let loaded = load("m.kdl", text);
        assert!(formatted.is_ok() || loaded.is_err(), "loaded, though not well-formed: {text:?}");
        if let Err(report) = loaded {
            assert!(!report.mistakes().is_empty() && !report.plain().is_empty(), "{text:?}");
        }
    }
    match &formatted {
        Ok(once) if thorough => {
            let twice = fmt::format("m.kdl", once).unwrap_or_else(|r| panic!("{text:?}\n{}", r.plain()));
            assert_eq!(*once, twice, "not idempotent: {text:?}");
        }
        Ok(_) => {}
        Err(report) => {
            assert!(!report.mistakes().is_empty(), "{text:?}");
            let internal = ["formatter-bug", "not-kdl"];
            let ours = report.mistakes().iter().find(|m| internal.contains(&m.kind()));
            assert!(ours.is_none(), "{text:?}\n{}", report.plain());
        }
    }
    formatted.is_ok()
}

fn survive_as_expression(text: &str) {
    let mut mistakes = Mistakes::new("m.kdl", text);
    let read = expr::parse(text, Span::new(0, text.len()), &mut mistakes);
    assert_eq!(read.is_some(), mistakes.is_empty(), "{text:?}");
}

/// The text of a round.
fn make(random: &mut Random, round: u64) -> String {
    match round % 4 {
        0 => bytes(random),
        1 => soup(random),
        _ => mutated(random),
    }
}

/// Reads a text as a file, and its beginning as an expression.
///
/// # Panics
///
/// If the parser or the formatter breaks what it promises.
pub fn survives(text: &str) -> bool {
    let survived = survive(text, true);
    let short: String = text.chars().take(40).collect();
    survive_as_expression(&short);
    survived
}

/// How many of a stretch of texts are well-formed after all; the text on which the parser fails.
fn survive_many(seed: u64, count: u64) -> Result<u64, String> {
    let mut random = Random(seed);
    let mut well_formed = 0;
    for round in 0..count {
        let text = make(&mut random, round);
        let one = AssertUnwindSafe(|| {
            let survived = survive(&text, round % 16 < 4);
            let short: String = text.chars().take(40).collect();
            survive_as_expression(&short);
            survived
        });
        well_formed += u64::from(catch_unwind(one).map_err(|_| text.clone())?);
    }
    Ok(well_formed)
}

/// So many texts from a seed, on several threads: how many are well-formed after all. `watch` is told how many are
/// done.
///
/// # Errors
///
/// A text on which the parser or the formatter panics, or breaks what they promise.
pub fn survive_all(seed: u64, count: u64, jobs: usize, watch: &(dyn Fn(u64) + Sync)) -> Result<u64, String> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Ok(0));
    let lock = || total.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        loop {
            let begin = next.fetch_add(STRETCH, Ordering::Relaxed);
            if begin >= count || lock().is_err() {
                return;
            }
            let size = STRETCH.min(count - begin);
            // A seed of the generator must not be 0.
            let from = (seed.wrapping_add(begin) | 1 << 63).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let result = survive_many(from, size);
            watch(done.fetch_add(size, Ordering::Relaxed) + size);
            let mut total = lock();
            match (&mut *total, result) {
                (Ok(sum), Ok(well_formed)) => *sum += well_formed,
                (Ok(_), Err(text)) => *total = Err(text),
                (Err(_), _) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.max(1) {
            scope.spawn(worker);
        }
        worker();
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{survive, survive_all, survive_as_expression};

    fn are_answered(inputs: u64) {
        let well_formed = survive_all(1, inputs, 4, &|_| {}).unwrap();
        assert!(well_formed < inputs / 2, "most inputs are malformed");
        assert!(well_formed > inputs / 100, "some mutations leave a text well-formed");
    }

    #[test]
    fn malformed_inputs_are_answered() {
        are_answered(10_000);
    }

    #[test]
    #[ignore = "what the one above looks at every day, ten times as long"]
    fn a_hundred_thousand_malformed_inputs_are_answered() {
        are_answered(100_000);
    }

    /// What longer runs have found.
    #[test]
    fn texts_that_once_were_not_answered() {
        for text in ["about \"\"\"\n    a\n      b \\\t\n    \"\"\"\n", "about \"\"\"\n  a\\ \n  b\n  \"\"\"\n"] {
            assert!(!survive(text, true), "KDL has no such text: {text:?}");
        }
        assert!(survive("about \"\"\"\n  a\\\\ \n  b\n  \"\"\"\n", true), "a backslash and a blank");
        for text in ["do { a } /-while \"v\"\nb", "when \"v\" { a } /-else { b }; c\nd"] {
            assert!(survive(text, true), "what goes on is disabled: {text:?}");
        }
    }

    #[test]
    fn nesting_and_length_have_bounds() {
        let deep = 100_000;
        for text in [
            "a {".repeat(deep),
            "{".repeat(deep),
            "/-".repeat(deep),
            "/-a {".repeat(deep / 3),
            "(".repeat(deep),
            "/*".repeat(deep),
            format!("/*{}*/ a", "*".repeat(deep)),
            "a;".repeat(deep / 2),
            "a ".repeat(deep),
            "\"".repeat(deep),
            "a /-{".repeat(20),
            format!("{}{}", "a /-{ b /-{}".repeat(15), " }".repeat(15)),
            format!("{}{}", "/-a /-{ /-b".repeat(15), " }".repeat(15)),
            "!".repeat(deep),
            "\n".repeat(deep),
            "a\\\n".repeat(deep / 3),
            "x".repeat(300 * 1024),
        ] {
            survive(&text, true);
            survive_as_expression(&text[..text.len().min(100_000)]);
        }
    }
}
