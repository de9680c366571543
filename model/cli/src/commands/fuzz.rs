//! `fenceweave fuzz`: scenarios that nobody wrote, held against what must be true of every one.

use super::{Exit, complain, usage, write};
use crate::{args::FuzzArgs, files};
use fenceweave_fuzz::{
    campaign::{self, Campaign, Counts, Failed},
    oracle::Bounds,
    second::Sort,
    shrink,
};
use fenceweave_scenario::{
    generate::{Size, from_seed},
    malformed,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fmt::Write as _,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long without `--seconds` and `--count`.
const SECONDS: Duration = Duration::from_secs(10);

pub(super) fn fuzz(args: &FuzzArgs) -> Exit {
    if let Some(count) = args.malformed {
        return spoil(count, args);
    }
    let size = Size { threads: args.threads.into(), ops: args.ops.into(), objects: args.objects.into() };
    if let Some(number) = args.show {
        let made = from_seed(campaign::scenario_seed(args.seed, number), &size);
        return super::tell(&fenceweave_scenario::format("generated.kdl", &made.text).unwrap_or(made.text));
    }
    let campaign = Campaign {
        seed: args.seed,
        count: args.count,
        time: args.seconds.or((args.count.is_none() && args.each.is_none()).then_some(SECONDS)),
        jobs: args.jobs.into(),
        size,
        judge: args.judge,
        bounds: Bounds { loom: if args.no_loom { 0 } else { Bounds::default().loom }, ..Bounds::default() },
        ..Campaign::default()
    };
    if let Some(each) = args.each {
        return judge_each(each, args, &campaign);
    }
    let bar = bar(args.count);
    let started = Instant::now();
    let (counts, failed) = campaign::run(&campaign, &|counts| {
        bar.set_position(counts.scenarios);
        bar.set_message(format!("{} limited, {} failed", counts.limited, counts.failures));
    });
    bar.finish_and_clear();
    let mut out = summary(&counts);
    if args.stats {
        let seconds = started.elapsed().as_secs_f64();
        let each = 1e3 * seconds / counts.scenarios.max(1) as f64;
        let _ = writeln!(out, "  {seconds:.1} s, {each:.1} ms a scenario with {} at once", args.jobs);
    }
    // What could not be written decides the exit code.
    let _ = write(&out);
    let looked_at = counts.scenarios + counts.judged.iter().map(|t| t.equal).sum::<u64>();
    conclude(&failed, looked_at > 0, args, &campaign)
}

/// Keeps what failed, and says how it went.
fn conclude(failed: &[Failed], enough: bool, args: &FuzzArgs, campaign: &Campaign) -> Exit {
    for failed in failed {
        if let Err(why) = keep(failed, args, campaign) {
            return usage(&why);
        }
    }
    match (failed.is_empty(), enough) {
        (false, _) => Exit::Unexpected,
        (true, false) => Exit::Incomplete,
        (true, true) => Exit::Success,
    }
}

/// `--each N`: until so many programs of each sort are equal.
fn judge_each(each: u64, args: &FuzzArgs, campaign: &Campaign) -> Exit {
    let bar = bar(each.checked_mul(Sort::ALL.len() as u64));
    let (counts, spent, failed) = campaign::run_each(campaign, each, &|counts| {
        bar.set_position(counts.judged.iter().map(|t| t.equal).sum());
        bar.set_message(format!("{} failed", counts.failures));
    });
    bar.finish_and_clear();
    let mut out = String::new();
    judged(&counts, &mut out);
    if args.stats {
        for (sort, spent) in Sort::ALL.iter().zip(&spent) {
            let _ = writeln!(out, "  {:>7.1} s         {}", spent.as_secs_f64(), sort.name());
        }
    }
    // What could not be written decides the exit code.
    let _ = write(&out);
    conclude(&failed, counts.judged.iter().all(|t| t.equal >= each), args, campaign)
}

fn bar(count: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr_with_hz(4));
    let template = "{spinner} {elapsed}  {human_pos} scenarios, {per_sec}  {msg}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What was counted, the same for the same seed and count.
fn summary(counts: &Counts) -> String {
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    let n = counts.scenarios;
    let mut out = format!("{n} scenarios, {} failed\n", counts.failures);
    let mut line = |number: u64, of: u64, what: &str| {
        let _ = writeln!(out, "  {number:>9}  {:>5.1} %  {what}", percent(number, of));
    };
    line(counts.contended, n, "with contention: more than one outcome, or somebody who waits");
    line(counts.violated, n, "violate a property");
    line(counts.disciplined, n, "keep to the rules, and must not");
    line(counts.limited, n, "limited: no search of them was complete");
    let searches = counts.compared + counts.partial;
    line(counts.compared, searches, "other searches held against a complete one, and equal");
    line(counts.partial, searches, "other searches stopped by a limit");
    let _ = writeln!(out, "  {:>9}           counterexamples taken again", counts.replayed);
    let _ = writeln!(out, "  {:>9}           states", counts.states);
    let (merged, fine) = counts.merged;
    let _ = writeln!(out, "  {merged:>9}           of them where quiet accesses are no steps; {fine} where they are");
    judged(counts, &mut out);
    let checked = if cfg!(debug_assertions) { "checked" } else { "not checked: build with `--profile fuzz`" };
    let _ = writeln!(out, "  footprints {checked}");
    out
}

/// What the judge had to say, a line a sort.
fn judged(counts: &Counts, out: &mut String) {
    let _ = writeln!(out, "  held against the judge, equal:");
    for (sort, tally) in Sort::ALL.iter().zip(&counts.judged) {
        let (equal, name, ends, hangs) = (tally.equal, sort.name(), tally.ends, tally.hangs);
        let _ = write!(out, "  {equal:>9}           {name}, {ends} ends, in {hangs} of them somebody may hang");
        let _ = match (tally.large, tally.different) {
            (0, 0) => writeln!(out),
            (large, 0) => writeln!(out, "; {large} too large"),
            (large, different) => writeln!(out, "; {large} too large, {different} DIFFERENT"),
        };
    }
}

/// Shrinks what failed, and writes it where it can be looked at.
fn keep(failed: &Failed, args: &FuzzArgs, campaign: &Campaign) -> Result<(), String> {
    complain(&format!("scenario {} failed: {}\n", failed.number, failed.failure.check));
    if failed.judged {
        return store(failed, args, &failed.text).map(|path| complain(&format!("  {}\n", path.display())));
    }
    let fails = shrink::same_failure(failed.failure.clone(), failed.disciplined, campaign.bounds);
    let options = shrink::Options { trials: args.trials, coarse: failed.disciplined, ..shrink::Options::default() };
    let small = campaign::quietly(|| shrink::shrink(&failed.text, &fails, &options));
    let (text, sizes) = match small {
        Ok(small) => (small.text, small.statements),
        Err(_) => (failed.text.clone(), (0, 0)),
    };
    tell_kept(&store(failed, args, &text)?, sizes);
    Ok(())
}

/// Writes it, with what was seen.
fn store(failed: &Failed, args: &FuzzArgs, text: &str) -> Result<PathBuf, String> {
    let about = format!("// Seed {}, scenario {}: {}\n", args.seed, failed.number, failed.failure.check);
    let detail: String = failed.failure.detail.lines().map(|line| format!("// {line}\n")).collect();
    std::fs::create_dir_all(&args.out).map_err(|e| format!("{}: {e}", args.out.display()))?;
    let kind = if failed.judged { "judged-" } else { "" };
    let path = args.out.join(format!("seed-{}-{kind}{}.kdl", args.seed, failed.number));
    files::write_whole(&path, &format!("{about}{detail}{text}")).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

fn tell_kept(path: &Path, (before, after): (usize, usize)) {
    complain(&format!("  {before} statements shrunk to {after}: {}\n", path.display()));
}

/// Texts that nobody meant, for the parser.
fn spoil(count: u64, args: &FuzzArgs) -> Exit {
    let bar = bar(Some(count));
    let result =
        campaign::quietly(|| malformed::survive_all(args.seed, count, args.jobs.into(), &|n| bar.set_position(n)));
    bar.finish_and_clear();
    match result {
        Ok(well_formed) => {
            let _ = write(&format!("{count} spoilt texts answered, {well_formed} of them well-formed after all\n"));
            Exit::Success
        }
        Err(text) => {
            complain(&format!("the parser failed on this text:\n{text}\n"));
            Exit::Unexpected
        }
    }
}
