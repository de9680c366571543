//! How fast moves are, beside `memcpy` of as many bytes in the same run.
//!
//! Each figure is the median of paired rounds: in every round the move and its baseline are timed one right after the
//! other, in turns the one or the other first, so that whatever else the machine does falls on both. The ratio is the
//! median of the rounds' ratios, not the ratio of the medians.
#![allow(unsafe_code)]

use crate::{
    aperture::Aperture,
    contents::Tag,
    error::Error,
    io::Capability,
    plan::Request,
    region::Region,
    run::{Buffer, Move},
    scatter::{ScatterList, Segment},
    side::Kind,
    system::{Arena, Layout, SystemPages},
    units::{BusAddress, ByteLen, ByteOffset, PAGE_SIZE, PageCount},
};
use std::{
    fmt::Write,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Sizes, in whole pages.
    pub sizes: Vec<PageCount>,
    /// Numbers of threads that share a move; at least one, at most [`MAX_WORKERS`](crate::MAX_WORKERS).
    pub threads: Vec<usize>,
    /// Paired rounds for each figure.
    pub rounds: usize,
}

impl Default for Config {
    /// 4 KiB to 256 MiB, one and two threads, nine rounds.
    fn default() -> Config {
        let sizes = [1, 16, 256, 4096, 16384, 65536].map(PageCount).to_vec();
        Config { sizes, threads: vec![1, 2], rounds: 9 }
    }
}

/// What a move is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Baseline {
    /// `memcpy` of as many bytes between two contiguous mappings of the same kind, cut among as many threads.
    Memcpy,
    /// The same move by words only ([`Capability::words_only`]).
    Words,
}

/// One figure.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row {
    /// What is written.
    pub to: Kind,
    /// What is read.
    pub from: Kind,
    /// Whether neighbouring pages lie side by side, on both sides.
    pub layout: Layout,
    /// Whether it was made by streaming loads.
    pub streaming: bool,
    /// How many pages.
    pub pages: PageCount,
    /// How many threads shared them.
    pub threads: usize,
    /// 10^9 bytes a second.
    pub gbps: f64,
    /// What it is compared with.
    pub baseline: Baseline,
    /// The baseline's 10^9 bytes a second.
    pub baseline_gbps: f64,
    /// How many times as fast as the baseline.
    pub ratio: f64,
}

/// All figures of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// One for each size, pair of kinds, layout and number of threads.
    pub rows: Vec<Row>,
    /// Paired rounds behind each.
    pub rounds: usize,
}

/// Measures everything, telling each figure as it comes.
///
/// # Errors
/// Of getting the memory.
pub fn run(config: &Config, tell: &mut dyn FnMut(&Row)) -> Result<Report, Error> {
    let mut report = Report { rows: Vec::new(), rounds: config.rounds.max(1) };
    for &pages in &config.sizes {
        for &threads in &config.threads {
            let threads = threads.clamp(1, crate::MAX_WORKERS);
            // A thread's start costs more than copying little.
            if threads > 1 && pages.0 < 256 {
                continue;
            }
            for (to, from) in [Kind::Memory, Kind::Io].into_iter().flat_map(|to| [(to, Kind::Memory), (to, Kind::Io)]) {
                for layout in [Layout::Contiguous, Layout::Scattered] {
                    let setup = Setup::new(to, from, layout, pages, threads, report.rounds)?;
                    for row in setup.measure()? {
                        tell(&row);
                        report.rows.push(row);
                    }
                }
            }
        }
    }
    Ok(report)
}

/// The memory of one figure.
struct Setup {
    to: Kind,
    from: Kind,
    layout: Layout,
    pages: PageCount,
    threads: usize,
    rounds: usize,
    dst: Buffer,
    src: Buffer,
    plain: [Region; 2],
}

impl Setup {
    fn new(
        to: Kind,
        from: Kind,
        layout: Layout,
        pages: PageCount,
        threads: usize,
        rounds: usize,
    ) -> Result<Setup, Error> {
        let plain = [Region::new(pages)?, Region::new(pages)?];
        let bytes = pages.bytes().0 as usize;
        // SAFETY: both regions are ours alone, and so many bytes long.
        unsafe {
            plain[0].base().write_bytes(0x11, bytes);
            plain[1].base().write_bytes(0x22, bytes);
        }
        let (dst, src) = (buffer(to, layout, pages)?, buffer(from, layout, pages)?);
        Ok(Setup { to, from, layout, pages, threads, rounds, dst, src, plain })
    }

    fn measure(&self) -> Result<Vec<Row>, Error> {
        let able = Capability::probe();
        let streams = self.from == Kind::Io && self.to == Kind::Memory && able.streaming().is_some();
        let mut rows = vec![self.against_memcpy(able, streams)?];
        if streams {
            rows.push(self.against_memcpy(Capability::words_only(), false)?);
            // To a destination of its own: the two are in use at once.
            let to = buffer(self.to, self.layout, self.pages)?;
            let words = self.moves_to(&to, Capability::words_only())?;
            rows.push(self.row(self.moves(able)?, Baseline::Words, true, |_| Timed::Moves(words)));
        }
        Ok(rows)
    }

    fn against_memcpy(&self, capability: Capability, streaming: bool) -> Result<Row, Error> {
        Ok(self.row(self.moves(capability)?, Baseline::Memcpy, streaming, Timed::Memcpy))
    }

    /// The move, cut among the threads.
    fn moves(&self, capability: Capability) -> Result<Vec<Move>, Error> {
        self.moves_to(&self.dst, capability)
    }

    fn moves_to(&self, dst: &Buffer, capability: Capability) -> Result<Vec<Move>, Error> {
        let plan = Request::new(dst.side(), self.src.side()).capability(capability).plan()?;
        self.parts()
            .into_iter()
            .map(|(first, pages)| Move::new(plan.part(crate::PageIndex(first), pages)?, dst, &self.src))
            .collect()
    }

    fn parts(&self) -> Vec<(u32, PageCount)> {
        let threads = self.threads as u32;
        let cut = |i: u32| (u64::from(self.pages.0) * u64::from(i) / u64::from(threads)) as u32;
        (0..threads).map(|i| (cut(i), PageCount(cut(i + 1) - cut(i)))).collect()
    }
}

/// What one side of a pair is: moves, or stretches for `memcpy`.
enum Timed<'s> {
    Moves(Vec<Move>),
    Memcpy(&'s Setup),
}

impl Timed<'_> {
    /// How long it takes, once, on as many threads as there are parts.
    fn time(&mut self, repeat: u32) -> Duration {
        match self {
            Timed::Moves(moves) => {
                let parts = moves.iter_mut().map(|planned| {
                    move || {
                        std::hint::black_box(planned.run()).ok();
                    }
                });
                time_parts(parts.collect(), repeat)
            }
            Timed::Memcpy(setup) => {
                let parts = setup.parts();
                let copy = |(first, pages): (u32, PageCount)| {
                    let (to, from) = (&setup.plain[0], &setup.plain[1]);
                    move || {
                        let at = first as usize * PAGE_SIZE;
                        let len = pages.bytes().0 as usize;
                        // SAFETY: the part lies inside both regions, which are two; each part is one thread's alone.
                        unsafe { to.base().add(at).copy_from_nonoverlapping(from.base().add(at), len) }
                        std::hint::black_box(to.base());
                    }
                };
                time_parts(parts.into_iter().map(copy).collect(), repeat)
            }
        }
    }
}

/// How long all parts take, `repeat` times each; one alone on this thread, more on a thread each: from the first one's
/// start to the last one's end, by their own clocks, because whoever waits for them may be woken late.
fn time_parts<F: FnMut() + Send>(mut parts: Vec<F>, repeat: u32) -> Duration {
    if let [part] = parts.as_mut_slice() {
        let start = Instant::now();
        (0..repeat).for_each(|_| part());
        return start.elapsed() / repeat;
    }
    let barrier = Barrier::new(parts.len());
    let timed = |mut part: F| {
        barrier.wait();
        let start = Instant::now();
        (0..repeat).for_each(|_| part());
        (start, Instant::now())
    };
    let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| timed(part))).collect();
        // A part that panicked is missing, and its figure with it; what it panicked of has been told.
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let (start, end) = (times.iter().map(|t| t.0).min(), times.iter().map(|t| t.1).max());
    start.zip(end).map_or(Duration::MAX, |(start, end)| end.duration_since(start)) / repeat
}

impl Setup {
    fn row<'s>(
        &'s self,
        moves: Vec<Move>,
        baseline: Baseline,
        streaming: bool,
        other: impl FnOnce(&'s Setup) -> Timed<'s>,
    ) -> Row {
        // Small moves are repeated, so that a round lasts longer than the clock's grain.
        let repeat = (4 << 20_u32) / (self.pages.bytes().0 as u32).clamp(1, 4 << 20);
        let (mut moves, mut other) = (Timed::Moves(moves), other(self));
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        // One round more, the first, for the caches.
        for round in 0..=self.rounds {
            let (a, b) = if round % 2 == 0 {
                let a = moves.time(repeat);
                (a, other.time(repeat))
            } else {
                let b = other.time(repeat);
                (moves.time(repeat), b)
            };
            if round > 0 {
                ours.push(a.as_secs_f64());
                theirs.push(b.as_secs_f64());
                ratios.push(b.as_secs_f64() / a.as_secs_f64());
            }
        }
        let gbps = |seconds: f64| self.pages.bytes().0 as f64 / seconds / 1e9;
        Row {
            to: self.to,
            from: self.from,
            layout: self.layout,
            streaming,
            pages: self.pages,
            threads: self.threads,
            gbps: gbps(median(ours)),
            baseline,
            baseline_gbps: gbps(median(theirs)),
            ratio: median(ratios),
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A buffer with contents, that its own pages are touched and no figure pays for their first use.
fn buffer(kind: Kind, layout: Layout, pages: PageCount) -> Result<Buffer, Error> {
    let mut page = [0; PAGE_SIZE];
    if kind == Kind::Memory {
        let arena = Arena::new(pages)?;
        let system = SystemPages::new(&arena, pages, layout)?;
        let mut claim = system.write()?;
        for i in pages.indices() {
            if let Some(page) = claim.page_mut(i) {
                Tag(i.0 + 1).write_to(page);
            }
        }
        drop(claim);
        return Ok(Buffer::Memory(system));
    }
    let aperture = Aperture::new(pages)?;
    for i in pages.indices() {
        Tag(i.0 + 1).write_to(&mut page);
        if let Some(span) = aperture.span(i.offset(), PageCount(1).bytes()) {
            span.write_from(&page);
        }
    }
    if layout == Layout::Contiguous {
        let len = aperture.len();
        return Ok(Buffer::Linear(aperture, ByteOffset(0), len));
    }
    // A page to a segment, in the order in which an arena scatters them.
    let order = SystemPages::new(&Arena::new(pages)?, pages, Layout::Scattered)?;
    let segments: Vec<Segment> = pages
        .indices()
        .filter_map(|i| order.frame(i))
        .map(|frame| Segment {
            address: BusAddress(u64::from(frame) << crate::PAGE_SHIFT),
            len: ByteLen(PAGE_SIZE as u64),
        })
        .collect();
    Ok(Buffer::Scatter(aperture, Arc::new(ScatterList::new(segments, BusAddress(0))?)))
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Memory => "system",
            Kind::Io => "io",
        }
    }
}

impl Baseline {
    fn word(self) -> &'static str {
        match self {
            Baseline::Memcpy => "memcpy",
            Baseline::Words => "words",
        }
    }
}

impl Layout {
    fn word(self) -> &'static str {
        match self {
            Layout::Scattered => "scattered",
            Layout::Contiguous => "contiguous",
        }
    }
}

impl Row {
    /// What the columns of [`line`](Self::line) are.
    pub const HEADING: &str =
        "     size  threads  from    to      layout      reads        GB/s   baseline         ratio";

    /// One line of a table.
    pub fn line(&self) -> String {
        let kib = self.pages.bytes().0 >> 10;
        let size = if kib < 1024 { format!("{kib} KiB") } else { format!("{} MiB", kib >> 10) };
        let reads = match (self.from, self.streaming) {
            (Kind::Memory, _) => "memory",
            (Kind::Io, true) => "streaming",
            (Kind::Io, false) => "words",
        };
        format!(
            "{size:>9}  {:>7}  {:<6}  {:<6}  {:<10}  {reads:<9}  {:>7.2}   {:<6} {:>7.2}  {:>5.2}",
            self.threads,
            self.from.word(),
            self.to.word(),
            self.layout.word(),
            self.gbps,
            self.baseline.word(),
            self.baseline_gbps,
            self.ratio
        )
    }
}

impl Report {
    /// As a table for people.
    pub fn table(&self) -> String {
        let mut table = format!("{}\n", Row::HEADING);
        for row in &self.rows {
            // Writing to a String does not fail.
            let _ = writeln!(table, "{}", row.line());
        }
        table
    }

    /// As JSON for programs.
    pub fn json(&self) -> serde_json::Value {
        let row = |row: &Row| {
            serde_json::json!({
                "bytes": row.pages.bytes().0,
                "threads": row.threads,
                "from": row.from.word(),
                "to": row.to.word(),
                "layout": row.layout.word(),
                "streaming": row.streaming,
                "gb_per_s": row.gbps,
                "baseline": row.baseline.word(),
                "baseline_gb_per_s": row.baseline_gbps,
                "ratio": row.ratio,
            })
        };
        serde_json::json!({ "rounds": self.rounds, "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(miri, ignore = "small moves are repeated a thousand times, and Miri's clock stands still")]
    #[test]
    fn a_run_has_a_row_for_each_pair_layout_size_and_number_of_threads() {
        let config = Config { sizes: vec![PageCount(2), PageCount(256)], threads: vec![1, 2], rounds: 1 };
        let mut told = 0;
        let report = run(&config, &mut |_| told += 1).unwrap();
        let per_figure = if Capability::probe().streaming().is_some() { 12 } else { 8 };
        assert_eq!(report.rows.len(), per_figure * 3);
        assert_eq!(told, report.rows.len());
        assert!(report.rows.iter().all(|row| row.gbps > 0.0 && row.ratio > 0.0));
        assert_eq!(report.table().lines().count(), told + 1);
        assert_eq!(report.json()["rows"].as_array().unwrap().len(), told);
    }
}
