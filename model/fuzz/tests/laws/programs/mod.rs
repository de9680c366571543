//! Programs about fences, reservations and mutexes in which somebody looks at what others are in the middle of: what
//! both grains are held against each other on. Each has one of the stages ([`stages`]): objects, what setup does with
//! them, and what threads do in either of two roles, so that they meet.

mod stages;

use stages::{ANEW, STAGES, Stage};

/// Numbers in a row that look like chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 33) as usize % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const USAGES: [&str; 4] = ["kernel", "write", "read", "bookkeep"];
const KINDS: [&str; 2] = ["wait-die", "wound-wait"];

/// A program in the making.
struct Maker {
    dice: Dice,
    stage: &'static Stage,
    /// The usage that most of it is about.
    usage: &'static str,
    threads: usize,
    out: String,
}

impl Maker {
    /// A text with its choices made: `<a|b>` is one of them, `$T` the thread's number, `$U` a usage, `$K` a kind of
    /// class.
    fn say(&mut self, text: &str, thread: usize) {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '$']) {
            self.out.push_str(&rest[..at]);
            let (mark, behind) = (&rest[at..=at], &rest[at + 1..]);
            rest = match (mark, behind.split_once('>')) {
                ("<", Some((choices, behind))) => {
                    let choices: Vec<&str> = choices.split('|').collect();
                    let chosen = self.dice.pick(&choices);
                    self.say(chosen, thread);
                    behind
                }
                _ => {
                    self.hole(&behind[..1], thread);
                    &behind[1..]
                }
            };
        }
        self.out.push_str(rest);
    }

    fn hole(&mut self, name: &str, thread: usize) {
        let usage = if self.dice.one_in(5) { self.dice.pick(&USAGES) } else { self.usage };
        match name {
            "T" => self.out += &thread.to_string(),
            "U" => self.out += usage,
            "K" => self.out += self.dice.pick(&KINDS),
            _ => panic!("${name} stands for nothing"),
        }
    }

    fn thread(&mut self, thread: usize) {
        self.say("\nthread w$T { let a=0 b=0 c=0 d=0 ref=NULL; ", thread);
        let mine = self.stage.roles[thread % self.stage.roles.len()];
        for _ in 0..1 + self.dice.below(if self.threads == 2 { 3 } else { 2 }) {
            let role = if self.dice.one_in(5) { self.dice.pick(self.stage.roles) } else { mine };
            let deed = self.dice.pick(role);
            self.say(deed, thread);
            self.out += "; ";
        }
        self.out += "}";
    }

    /// What is looked at in every state: where that is what objects show, coarse grain gives up what hangs on nobody
    /// looking.
    fn expect(&mut self) {
        self.out += "\nexpect { holds; ";
        if self.dice.one_in(3) {
            for _ in 0..1 + self.dice.below(2) {
                let facts = [self.dice.pick(self.stage.facts), self.dice.pick(self.stage.facts)];
                self.say(&format!("<sometimes|never> \"{} && {}\"; ", facts[0], facts[1]), 0);
            }
        }
        self.out += "}";
    }
}

/// The program of a number.
pub(crate) fn program(number: u64) -> String {
    on(&STAGES[number as usize % STAGES.len()], number)
}

/// One in which objects are freed or made anew while others look into them.
pub(crate) fn anew(number: u64) -> String {
    on(&ANEW, number)
}

/// The program of a number on a stage.
fn on(stage: &'static Stage, number: u64) -> String {
    let mut dice = Dice(number.wrapping_mul(0xd134_2543_de82_ef95));
    let (usage, threads) = (dice.pick(&USAGES), 2 + usize::from(dice.one_in(3)));
    let mut maker = Maker { dice, stage, usage, threads, out: format!("scenario p{number} {{\n") };
    maker.say(stage.declares, 0);
    for thread in 0..threads {
        maker.say(stage.each, thread);
    }
    maker.say("\nsetup { ", 0);
    maker.say(stage.setup, 0);
    maker.out += " }";
    (0..threads).for_each(|thread| maker.thread(thread));
    for beside in stage.beside {
        if maker.dice.one_in(3) {
            maker.out.push('\n');
            maker.say(beside, 0);
        }
    }
    maker.expect();
    maker.out += "\n}\n";
    // A choice may have been for nothing.
    while let Some(at) = maker.out.find("; ;").or_else(|| maker.out.find("{ ;")) {
        maker.out.replace_range(at + 2..=at + 2, "");
    }
    maker.out
}
