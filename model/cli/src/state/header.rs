//! What an exploration's file is of: everything that must be the same for another process to go on from it.

use crate::run::{self, Options};
use fenceweave_explore::explicit::{FORMAT, sum};
use fenceweave_kernel::{Family, Grain, Program};
use fenceweave_scenario::{Case, Engine};
use std::{fs::File, io::Read};

const MAGIC: &[u8] = b"fenceweave exploration\n";
/// Most bytes of the rows: a case's name is the only text in them that others write.
const MOST: usize = 64 << 10;
/// Bytes of a binary that are summed at once.
const BLOCK: u64 = 1 << 20;
/// Bytes of a sum.
const SUM: usize = 16;

/// A line of it.
#[derive(PartialEq, Debug)]
struct Row {
    name: &'static str,
    value: String,
    /// What it means if the values differ; else both are told.
    differs: Option<&'static str>,
}

/// The rows.
#[derive(PartialEq, Debug)]
pub(crate) struct Header(Vec<Row>);

impl Header {
    /// Of a case that is explored so.
    pub(crate) fn of(case: &Case, options: &Options) -> Header {
        let program = Program { grain: Grain::default(), ..case.program.clone() };
        let conditions = run::conditions(case, Engine::Explicit);
        let limits = &options.limits;
        let told = |name, value: &str| Row { name, value: value.to_owned(), differs: None };
        let summed = |name, value: &str, differs| {
            let value = format!("{:032x}", sum(value.as_bytes()));
            Row { name, value, differs: Some(differs) }
        };
        let which = |yes, option, otherwise| if yes { option } else { otherwise };
        let families = |grain: Grain| {
            let coarse = Family::ALL.into_iter().filter(|family| grain.is_coarse(*family));
            let coarse: Vec<&str> = coarse.map(Family::name).collect();
            if coarse.is_empty() { "fine".to_owned() } else { format!("coarse for {}", coarse.join(", ")) }
        };
        Header(vec![
            told("version", env!("FENCEWEAVE_VERSION")),
            Row { name: "build", value: build(), differs: Some("it was written by another build of this version") },
            told("case", &format!("{:?}", case.program.name)),
            summed(
                "program",
                &format!("{program:?} {}", case.has_loops),
                "the scenario has changed since, or a library that it uses",
            ),
            summed("conditions", &format!("{conditions:?}"), "what the scenario expects has changed since"),
            told("identity of states", which(options.exact, "--exact", "fingerprints")),
            told("steps", which(limits.fine, "--fine", "merged")),
            told("threads that are alike", which(limits.no_symmetry, "--no-symmetry", "exchanged")),
            told("grain", &families(case.program.grain)),
        ])
    }

    fn text(&self) -> String {
        self.0.iter().map(|row| format!("{} = {}\n", row.name, row.value)).collect()
    }

    /// As it stands in the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let text = self.text();
        let mut bytes = [MAGIC, &FORMAT.to_le_bytes(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let sum = sum(&bytes).to_le_bytes();
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads the header of a file, which must be this one; the result is how many bytes that were.
    pub(crate) fn expect(&self, from: &mut impl Read) -> Result<u64, String> {
        let (text, read) = read(from)?;
        if text == self.text() {
            return Ok(read);
        }
        let damaged = || Err("is damaged (its head)".to_owned());
        let mut lines = text.lines();
        for row in &self.0 {
            let Some((name, there)) = lines.next().and_then(|line| line.split_once(" = ")) else { return damaged() };
            match (name == row.name, row.differs) {
                (false, _) => return damaged(),
                (true, _) if there == row.value => {}
                (true, Some(why)) => return Err(format!("is of another exploration: {why}")),
                (true, None) => {
                    let (name, here) = (row.name, &row.value);
                    return Err(format!("is of another exploration ({name}): `{there}` there, `{here}` here"));
                }
            }
        }
        damaged()
    }
}

/// The rows of a file as text, and how many bytes there were.
fn read(from: &mut impl Read) -> Result<(String, u64), String> {
    let mut head = [0; MAGIC.len() + 8];
    let early = || "is damaged (it ends too early)".to_owned();
    let mut next = |bytes: &mut [u8]| from.read_exact(bytes).map_err(|_| early());
    if next(&mut head[..MAGIC.len()]).is_err() || !head.starts_with(MAGIC) {
        return Err("is no exploration that fenceweave has kept".into());
    }
    next(&mut head[MAGIC.len()..])?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (format, rows) = (number(MAGIC.len()), number(MAGIC.len() + 4) as usize);
    if format != FORMAT {
        return Err(format!("has format {format}: this fenceweave reads format {FORMAT}"));
    }
    if rows > MOST {
        return Err("is damaged (its head)".into());
    }
    let (mut text, mut own) = (vec![0; rows], [0; SUM]);
    next(&mut text)?;
    next(&mut own)?;
    let all = [&head[..], &text].concat();
    match String::from_utf8(text) {
        Ok(text) if sum(&all) == u128::from_le_bytes(own) => Ok((text, (all.len() + SUM) as u64)),
        _ => Err("is damaged (its head)".into()),
    }
}

/// What tells this binary from others of its version: a sum of its bytes, as far as the system lets it read them.
fn build() -> String {
    let summed = || -> std::io::Result<u128> {
        let mut file = File::open(std::env::current_exe()?)?;
        let (mut all, mut block) = (0u128, vec![]);
        while file.by_ref().take(BLOCK).read_to_end(&mut block)? > 0 {
            block.extend_from_slice(&all.to_le_bytes());
            all = sum(&block);
            block.clear();
        }
        Ok(all)
    };
    summed().map_or_else(|_| "unknown".to_owned(), |sum| format!("{sum:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: &str) -> Header {
        let row = |name, value: &str, differs| Row { name, value: value.to_owned(), differs };
        Header(vec![row("version", version, None), row("build", "1", Some("another build"))])
    }

    #[test]
    fn a_header_reads_itself_and_no_other() {
        let bytes = header("1").bytes();
        assert_eq!(header("1").expect(&mut &bytes[..]), Ok(bytes.len() as u64));
        let why = header("2").expect(&mut &bytes[..]).expect_err("another version");
        assert_eq!(why, "is of another exploration (version): `1` there, `2` here");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(header("1").expect(&mut &changed[..]).is_err(), "byte {at}");
            assert!(header("1").expect(&mut &bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_format_is_told() {
        let mut bytes = header("1").bytes();
        bytes[MAGIC.len()] += 1;
        let why = header("1").expect(&mut &bytes[..]).expect_err("another format");
        assert!(why.contains(&format!("reads format {FORMAT}")), "{why}");
    }

    #[test]
    fn a_binary_is_the_same_whenever_it_is_looked_at() {
        assert_eq!(build(), build());
    }
}
