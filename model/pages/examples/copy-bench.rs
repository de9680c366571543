//! Measures the page-copy engine: GB/s for each pair of kinds of memory, beside `memcpy` and a loop written by hand.
//!
//! `copy-bench [--quick] [--json] [--rounds N] [--threads N]... [--kib N]... [--mib N]...`

use fenceweave_pages::{
    MAX_WORKERS, PageCount,
    bench::{Config, Row, run},
};
use std::process::ExitCode;

const USAGE: &str = "copy-bench [--quick] [--json] [--rounds N] [--threads N]... [--kib N]... [--mib N]...

  --quick     up to 16 MiB, three rounds
  --json      JSON instead of a table
  --rounds N  paired rounds for each figure (9)
  --threads N so many threads only (1 and 2); can be given more than once
  --kib N     this size only, a multiple of 4; can be given more than once
  --mib N     likewise";

/// The most that can be asked for.
const MAX_MIB: u32 = 4096;
const MAX_ROUNDS: usize = 1000;

fn parse(mut args: impl Iterator<Item = String>) -> Option<(Config, bool)> {
    let (mut config, mut json, mut sizes, mut threads) = (Config::default(), false, Vec::new(), Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = true,
            "--quick" => {
                config.sizes.retain(|pages| pages.0 <= 4096);
                config.rounds = 3;
            }
            "--rounds" => config.rounds = args.next()?.parse().ok().filter(|n| (1..=MAX_ROUNDS).contains(n))?,
            "--threads" => threads.push(args.next()?.parse().ok().filter(|n| (1..=MAX_WORKERS).contains(n))?),
            "--kib" => {
                let kib = args.next()?.parse().ok().filter(|n: &u32| (4..=MAX_MIB << 10).contains(n))?;
                sizes.push(PageCount(kib.is_multiple_of(4).then_some(kib / 4)?));
            }
            "--mib" => {
                let mib: u32 = args.next()?.parse().ok().filter(|n| (1..=MAX_MIB).contains(n))?;
                sizes.push(PageCount(mib << 8));
            }
            _ => return None,
        }
    }
    if !sizes.is_empty() {
        config.sizes = sizes;
    }
    if !threads.is_empty() {
        config.threads = threads;
    }
    Some((config, json))
}

fn main() -> ExitCode {
    let Some((config, json)) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if !json {
        println!("{}", Row::HEADING);
    }
    let told = run(&config, &mut |row| {
        if !json {
            println!("{}", row.line());
        }
    });
    match told {
        Ok(report) if json => println!("{:#}", report.json()),
        Ok(_) => {}
        Err(error) => {
            eprintln!("copy-bench: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
