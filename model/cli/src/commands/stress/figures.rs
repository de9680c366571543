//! What threads of the system and real memory have cost, as text and for other programs.

use super::Seen;
use crate::judge::Grade;
use fenceweave_explore::{
    Coverage,
    threads::{Histogram, Memory, Summary},
};
use fenceweave_kernel::{Program, Property};
use fenceweave_report::{
    json::stress::{self as json, Latency},
    summary::grouped,
    token, violation_text,
};
use std::{fmt::Write as _, path::Path};

/// Most characters of a bar.
const BAR: u64 = 40;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// Whose page faults they are.
pub(in crate::commands) fn who_faults(why_software: Option<&str>) -> String {
    match why_software {
        Some(why) => format!("page faults are raised in software: {why}"),
        None => "page faults are the processor's, told by userfaultfd".to_owned(),
    }
}

/// `median 1.2 us, 99 % within 4.0 us, 99.9 % within 12 us, at most 1.3 ms`.
pub(in crate::commands) fn latency(h: &Histogram) -> String {
    if h.count() == 0 {
        return "none".into();
    }
    let [half, most, nearly] = [500, 990, 999].map(|n| nanos(h.per_mille(n)));
    format!("median {half}, 99 % within {most}, 99.9 % within {nearly}, at most {}", nanos(h.most()))
}

fn nanos(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} ns"),
        1_000..1_000_000 => format!("{:.1} us", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", n as f64 / 1e6),
        _ => format!("{:.1} s", n as f64 / 1e9),
    }
}

/// A line for each power of two.
pub(in crate::commands) fn bars(h: &Histogram) -> String {
    let powers = h.by_power();
    let most = powers.iter().map(|(n, _)| *n).max().unwrap_or_default().max(1);
    let mut out = String::new();
    for (n, below) in powers {
        let bar = "#".repeat((n.saturating_mul(BAR).div_ceil(most)) as usize);
        let _ = writeln!(out, "    {:>12} {:>13} {bar}", format!("< {}", nanos(below)), grouped(n));
    }
    out
}

/// What it cost: of real memory always, of the rest if `all` is wanted.
pub(super) fn text(s: &Summary, all: bool) -> String {
    let mut out = String::new();
    let seconds = s.elapsed.as_secs_f64();
    let rate = |n: u64| grouped((n as f64 / seconds.max(1e-9)) as u64);
    if let Some(why) = &s.not_pinned {
        let _ = writeln!(out, "  note: {why}");
    }
    if all {
        let _ = writeln!(out, "  time      {seconds:.1} s, {} runs/s, {} steps/s", rate(s.runs), rate(s.steps));
        let [steps, parked, spun] = [s.steps, s.parked, s.spun].map(grouped);
        let _ = writeln!(out, "  steps     {steps} taken, {parked} parked, {spun} spinlocks found held");
        let [clock, other, none, cut] = [s.at_once, s.searched, s.unexplained(), s.cut].map(grouped);
        let _ =
            writeln!(out, "  order     {clock} runs by the clock, {other} by another order, {none} by none, {cut} cut");
        for (name, h) in [("step", &s.step_time), ("wake-up", &s.wake_time), ("run", &s.run_time)] {
            let _ = writeln!(out, "  {name:<9} {}", latency(h));
        }
    }
    out.push_str(&s.memory.as_ref().map(|memory| memory_text(memory, all)).unwrap_or_default());
    out
}

fn memory_text(m: &Memory, all: bool) -> String {
    let (f, t) = (&m.figures, &m.figures.traffic);
    let mut out = String::new();
    if m.has_faults {
        let _ = writeln!(out, "  memory    {}", who_faults(m.why_software.as_deref()));
        let [touches, faults, retries, out_of] = [t.touches, t.faults, t.retries, t.given_up].map(grouped);
        let _ = writeln!(
            out,
            "  touches   {touches}, {faults} faults, {retries} told to come again, {out_of} given up; {} pages mapped, {} \
             zapped",
            grouped(t.mapped),
            grouped(t.zapped)
        );
    }
    let bytes = (f.copied + f.cleared) * PAGE;
    let speed = bytes as f64 / (f.engine_time.max(1) as f64);
    let [copied, cleared, compared] = [f.copied, f.cleared, f.compared].map(grouped);
    let _ = writeln!(
        out,
        "  moves     {copied} pages copied, {cleared} cleared, {} bytes, {speed:.2} GB/s; {compared} pages compared",
        grouped(bytes)
    );
    if m.has_faults {
        for (name, h) in [("fault", &t.fault_time), ("no fault", &t.touch_time)] {
            let _ = writeln!(out, "  {name:<9} {}", latency(h));
            out.push_str(&if all { bars(h) } else { String::new() });
        }
    }
    out
}

/// All of it on a line.
pub(super) fn document(program: &Program, file: &Path, seen: &Seen) -> String {
    let (s, file) = (&seen.summary, file.display().to_string());
    let Some(run) = seen.run.runs.first() else { return String::new() };
    let why = match &run.coverage {
        Coverage::Refused(why) | Coverage::Incomplete(why) => Some(why.as_str()),
        _ => None,
    };
    let grade = match seen.run.judgement.grade() {
        Grade::AsExpected => "as-expected",
        Grade::Incomplete => "incomplete",
        Grade::NotAsExpected => "not-as-expected",
    };
    let violated = |f: &fenceweave_explore::Found| json::Violated {
        property: f.violation.property.name(),
        message: violation_text(program, f.violation),
        token: token::of_trace(program, &f.trace),
    };
    let differs = run.found.iter().filter(|f| f.violation.property == Property::BYTES_DIFFER).count();
    json::case(&json::Stressed {
        file: &file,
        scenario: &program.name,
        grade,
        why,
        violations: run.found.iter().map(violated).collect(),
        outcomes: run.outcomes.len(),
        runs: s.runs,
        explained: [s.at_once, s.searched, s.unexplained()],
        cut: s.cut,
        steps: s.steps,
        seconds: s.elapsed.as_secs_f64(),
        step: Latency::of(&s.step_time),
        run: Latency::of(&s.run_time),
        memory: s.memory.as_ref().map(|m| memory(m, differs as u64)),
    })
}

fn memory(m: &Memory, corrupted: u64) -> json::Memory<'_> {
    let (f, t) = (&m.figures, &m.figures.traffic);
    json::Memory {
        in_software: m.why_software.as_deref(),
        touches: t.touches,
        faults: t.faults,
        retries: t.retries,
        mapped: t.mapped,
        moves: f.copied + f.cleared,
        bytes: (f.copied + f.cleared) * PAGE,
        seconds: f.engine_time as f64 / 1e9,
        corrupted,
        leaked: None,
        fault: Latency::of(&t.fault_time),
        no_fault: Latency::of(&t.touch_time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_a_line_for_each_power_of_two() {
        let mut h = Histogram::default();
        (0..80).for_each(|_| h.add(1_500));
        h.add(5_000);
        let lines: Vec<String> = bars(&h).lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let long = "#".repeat(40);
        assert_eq!(lines, [format!("< 2.0 us 80 {long}"), "< 4.1 us 0".into(), "< 8.2 us 1 #".into()]);
        assert_eq!(latency(&Histogram::default()), "none");
    }
}
