//! How fast moves are, beside `memcpy` of as many bytes in the same run, and beside a loop written by hand: `memcpy` of
//! a page, for each of the very pages that the move copies, by their bare addresses. A ratio that the loop does not
//! better is the machine's.
//!
//! Each figure is the median of paired rounds: in every round the move is timed, then its baseline twice, then the move
//! again, so that whatever else the machine does falls on both, and each is once the first to find its bytes out of the
//! cache. Likewise the loop and the baseline, in rounds of their own: what the loop leaves in the cache would be the
//! move's to clear away.
//! The ratio is the median of the rounds' ratios, not the ratio of the medians. A round in which this thread was
//! preempted is made again (where one thread copies), as often as there are rounds.
#![allow(unsafe_code)]

use crate::{
    aperture::Aperture,
    bulk::Pair,
    contents::Tag,
    error::Error,
    io::Capability,
    kmap::{IoPages, SystemWriter, Walk},
    plan::Request,
    region::Region,
    run::{Buffer, Move},
    runs::Addresses,
    scatter::{ScatterList, Segment},
    side::Kind,
    system::{Arena, Layout, SystemPages},
    units::{BusAddress, ByteLen, ByteOffset, PAGE_SIZE, Page, PageCount},
};
use std::{
    fmt::Write,
    ptr::NonNull,
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
    /// The middle half of the rounds' ratios lies between these.
    pub spread: (f64, f64),
    /// How many times as fast as the baseline a loop written by hand over the same pages is.
    pub by_hand: f64,
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

/// Pages for the loop written by hand.
#[derive(Clone)]
struct ByHand(Vec<Pair>);

// SAFETY: addresses, used while their setup lives; each thread has pages of its own.
unsafe impl Send for ByHand {}

impl ByHand {
    fn copy(&self) {
        for pair in &self.0 {
            // SAFETY: pages of two buffers that the setup keeps; no move of them runs meanwhile, and nobody else knows
            // them.
            unsafe { pair.to.copy_from_nonoverlapping(pair.from, 1) }
            std::hint::black_box(pair.to);
        }
    }
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
            let hand = self.by_hand(&self.dst)?;
            let words = self.moves_to(&to, Capability::words_only())?;
            rows.push(self.row(self.moves(able)?, Baseline::Words, true, |_| Timed::Moves(words), hand));
        }
        Ok(rows)
    }

    fn against_memcpy(&self, capability: Capability, streaming: bool) -> Result<Row, Error> {
        let hand = self.by_hand(&self.dst)?;
        Ok(self.row(self.moves(capability)?, Baseline::Memcpy, streaming, Timed::Memcpy, hand))
    }

    /// The pages of a move to `dst`, cut among the threads.
    fn by_hand(&self, dst: &Buffer) -> Result<Vec<ByHand>, Error> {
        let (to, from) = (addresses(dst)?, addresses(&self.src)?);
        let pairs: Vec<Pair> = to.into_iter().zip(from).map(|(to, from)| Pair { to, from }).collect();
        let cut = |(first, pages): (u32, PageCount)| {
            pairs.iter().skip(first as usize).take(pages.0 as usize).copied().collect()
        };
        Ok(self.parts().into_iter().map(|part| ByHand(cut(part))).collect())
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
    ByHand(Vec<ByHand>),
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
            Timed::ByHand(parts) => time_parts(parts.iter().cloned().map(|part| move || part.copy()).collect(), repeat),
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
        by_hand: Vec<ByHand>,
    ) -> Row {
        // Small moves are repeated, so that a round lasts longer than the clock's grain.
        let repeat = (4 << 20_u32) / (self.pages.bytes().0 as u32).clamp(1, 4 << 20);
        let mut other = other(self);
        let (ours, theirs) = self.paired(&mut Timed::Moves(moves), &mut other, repeat);
        let (hand, hands) = self.paired(&mut Timed::ByHand(by_hand), &mut other, repeat);
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours).collect();
        let by_hand = hand.iter().zip(&hands).map(|(hand, theirs)| theirs / hand).collect();
        let gbps = |seconds: f64| self.pages.bytes().0 as f64 / seconds / 1e9;
        Row {
            to: self.to,
            from: self.from,
            layout: self.layout,
            streaming,
            pages: self.pages,
            threads: self.threads,
            gbps: gbps(quantile(ours, 2)),
            baseline,
            baseline_gbps: gbps(quantile(theirs, 2)),
            ratio: quantile(ratios.clone(), 2),
            spread: (quantile(ratios.clone(), 1), quantile(ratios, 3)),
            by_hand: quantile(by_hand, 2),
        }
    }

    /// How many seconds each takes, round by round.
    fn paired(&self, one: &mut Timed<'_>, other: &mut Timed<'_>, repeat: u32) -> (Vec<f64>, Vec<f64>) {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        // One round more, the first, for the caches.
        let (mut round, mut again) = (0, self.rounds);
        while round <= self.rounds {
            let before = preemptions();
            let first = one.time(repeat);
            let (b, a) = (other.time(repeat) + other.time(repeat), first + one.time(repeat));
            if self.threads == 1 && again > 0 && preemptions() != before {
                again -= 1;
                continue;
            }
            if round > 0 {
                ones.push(a.as_secs_f64() / 2.0);
                others.push(b.as_secs_f64() / 2.0);
            }
            round += 1;
        }
        (ones, others)
    }
}

/// So many quarters of some figures lie below this: two, and it is the median.
fn quantile(mut figures: Vec<f64>, quarters: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() * quarters / 4).copied().unwrap_or(f64::NAN)
}

/// How often this thread was made to give up its CPU, where the system says so.
fn preemptions() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?.trim().parse().ok()
}

/// Where a buffer's pages lie.
fn addresses(buffer: &Buffer) -> Result<Vec<NonNull<Page>>, Error> {
    let side = buffer.side();
    let all = |pages: &mut dyn Addresses| {
        side.stated.indices().filter_map(|page| pages.stretch(page, 1).ok().map(|found| found.at)).collect()
    };
    Ok(match buffer {
        Buffer::Tt(system) | Buffer::Memory(system) => all(&mut SystemWriter::new(&mut system.write()?)),
        Buffer::Scatter(aperture, _) | Buffer::Linear(aperture, ..) => {
            all(&mut IoPages::of(aperture, Walk::over(&side, None)))
        }
    })
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
    pub const HEADING: &str = "     size  threads  from    to      layout      reads        GB/s   baseline         ratio  (spread)      loop";

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
            "{size:>9}  {:>7}  {:<6}  {:<6}  {:<10}  {reads:<9}  {:>7.2}   {:<6} {:>7.2}  {:>5.2}  ({:.2}-{:.2})  {:>5.2}",
            self.threads,
            self.from.word(),
            self.to.word(),
            self.layout.word(),
            self.gbps,
            self.baseline.word(),
            self.baseline_gbps,
            self.ratio,
            self.spread.0,
            self.spread.1,
            self.by_hand
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
                "ratio_spread": [row.spread.0, row.spread.1],
                "loop_ratio": row.by_hand,
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
        assert!(report.rows.iter().all(|row| row.gbps > 0.0 && row.ratio > 0.0 && row.by_hand > 0.0));
        assert_eq!(report.table().lines().count(), told + 1);
        assert_eq!(report.json()["rows"].as_array().unwrap().len(), told);
    }
}
