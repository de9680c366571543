//! Generated moves: real bytes, tags and a naive reference agree, on what is refused, where a kernel's variant stops,
//! and what every page of every memory holds afterwards.

use crate::reference::{Bytes, Memory, PAGE, START, list_of_bytes, numbered, page_offsets, tags_of};
use arbitrary::{Arbitrary, Result, Unstructured};
use arbtest::arbtest;
use fenceweave_pages::*;
use std::{collections::BTreeMap, sync::Arc};

const CASES: u64 = if cfg!(miri) { 24 } else { 100_000 };
const SYSTEM: u32 = 4;
const APERTURE: u32 = 6;

#[derive(Arbitrary, Clone, Copy, PartialEq, Debug)]
enum Which {
    A,
    B,
}

#[derive(Arbitrary, Clone, Copy, PartialEq, Debug)]
enum Bits {
    Bits32,
    Bits64,
}

#[derive(Clone, Copy, Debug)]
struct Flags {
    zero_alloc: bool,
    swapped: bool,
}

/// One side: which of the memories, and what of it.
#[derive(Clone, Debug)]
enum SideCase {
    System {
        which: Which,
        maps_tt: bool,
    },
    /// A buffer without pages.
    Empty {
        maps_tt: bool,
    },
    Scatter {
        which: Which,
        segments: Vec<(i64, u64)>,
    },
    Linear {
        which: Which,
        first: u64,
        len: u64,
    },
}

#[derive(Clone, Debug)]
struct Case {
    dst: SideCase,
    src: SideCase,
    /// What the resource says, where it says something else than there is.
    stated: Option<u32>,
    /// A manager that says something else than the iterator.
    odd_manager: bool,
    range: Option<(u32, u32, u32)>,
    tt: Option<Flags>,
    variant: Variant,
    bits: Bits,
    streaming: bool,
    past_cache: bool,
}

/// Whole pages mostly, mostly inside, mostly apart; and each of these sometimes not.
fn segments(u: &mut Unstructured<'_>) -> Result<Vec<(i64, u64)>> {
    let (mut next, mut segments) = (u.int_in_range(0..=2_i64)?, Vec::new());
    for _ in 0..u.int_in_range(1..=3)? {
        let pages = u.int_in_range(1..=2_u64)?;
        let (mut at, mut len) = (next << 12, pages << 12);
        next += pages as i64 + u.int_in_range(0..=1)?;
        if u.ratio(1, 24)? {
            at += *u.choose(&[8, 16, 512, -4096, -512, 1 << 12, 6 << 12])?;
        }
        if u.ratio(1, 24)? {
            len = len.wrapping_add_signed(*u.choose(&[512, -512, -4096, 4096, 16])?);
        }
        segments.push((at, len));
    }
    if u.arbitrary()? {
        segments.reverse();
    }
    Ok(segments)
}

impl<'a> Arbitrary<'a> for SideCase {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=8)? {
            0..=2 => SideCase::System { which: u.arbitrary()?, maps_tt: u.arbitrary()? },
            3 => SideCase::Empty { maps_tt: u.ratio(3, 4)? },
            4..=6 => SideCase::Scatter { which: u.arbitrary()?, segments: segments(u)? },
            _ => {
                let (first, pages) = (u.int_in_range(0..=3_u64)?, u.int_in_range(1..=4_u64)?);
                let odd = if u.ratio(1, 16)? { *u.choose(&[16, 512])? } else { 0 };
                SideCase::Linear { which: u.arbitrary()?, first: first * PAGE + odd, len: pages * PAGE }
            }
        })
    }
}

impl<'a> Arbitrary<'a> for Flags {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Flags { zero_alloc: u.arbitrary()?, swapped: u.ratio(1, 8)? })
    }
}

/// Of each side and in all; that fits, mostly.
fn range(u: &mut Unstructured<'_>) -> Result<(u32, u32, u32)> {
    let most = if u.ratio(1, 8)? { 4 } else { 1 };
    Ok((u.int_in_range(0..=most)?, u.int_in_range(0..=most)?, u.int_in_range(0..=most)? + 1))
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Case {
            dst: u.arbitrary()?,
            src: u.arbitrary()?,
            stated: if u.ratio(1, 16)? { Some(u.int_in_range(0..=6)?) } else { None },
            odd_manager: u.ratio(1, 8)?,
            range: if u.ratio(5, 6)? { Some(range(u)?) } else { None },
            tt: u.arbitrary()?,
            variant: *u.choose(&[Variant::Checked, Variant::Checked, Variant::AsPosted, Variant::Upstream])?,
            bits: u.arbitrary()?,
            streaming: u.arbitrary()?,
            past_cache: u.arbitrary()?,
        })
    }
}

/// The memories that all cases use, and what they hold at the start of each.
struct Rig {
    systems: [Memory; 2],
    apertures: [Memory; 2],
    empty: Arc<SystemPages>,
    start: Bytes,
    tags: Tags,
}

impl Rig {
    fn new() -> Rig {
        let arena = Arena::new(PageCount(3 * SYSTEM)).unwrap();
        let systems = [0, 1].map(|_| Memory::system(&arena, SYSTEM));
        let apertures = [0, 1].map(|_| Memory::io(APERTURE));
        let empty = SystemPages::unpopulated(&arena, PageCount(SYSTEM)).unwrap();
        let memories = systems.iter().chain(&apertures).enumerate();
        let start = Bytes(memories.map(|(i, m)| (m.space(), numbered(m.pages, 100 * (1 + i as u32)))).collect());
        let mut tags = Tags::new();
        for (space, bytes) in &start.0 {
            tags = tags.with(*space, PageCount((bytes.len() / PAGE_SIZE) as u32));
            tags_of(bytes).iter().enumerate().for_each(|(i, t)| tags.set_tag(*space, PageIndex(i as u32), *t));
        }
        Rig { systems, apertures, empty, start, tags }
    }

    fn memories(&self) -> impl Iterator<Item = &Memory> {
        self.systems.iter().chain(&self.apertures)
    }

    fn buffer(&self, case: &SideCase) -> Buffer {
        let system = |maps_tt, system: &Arc<SystemPages>| {
            if maps_tt { Buffer::Tt(Arc::clone(system)) } else { Buffer::Memory(Arc::clone(system)) }
        };
        let aperture = |which| Arc::clone(self.apertures[which as usize].aperture());
        match case {
            SideCase::System { which, maps_tt } => system(*maps_tt, self.systems[*which as usize].pages_of()),
            SideCase::Empty { maps_tt } => system(*maps_tt, &self.empty),
            SideCase::Scatter { which, segments } => Buffer::Scatter(aperture(*which), list_of_bytes(segments)),
            SideCase::Linear { which, first, len } => {
                Buffer::Linear(aperture(*which), ByteOffset(*first), ByteLen(*len))
            }
        }
    }

    fn request(&self, case: &Case) -> (Request, Buffer, Buffer) {
        let (dst, src) = (self.buffer(&case.dst), self.buffer(&case.src));
        let (mut to, mut from) = (dst.side(), src.side());
        to.stated = case.stated.map_or(to.stated, PageCount);
        from.manager_uses_tt ^= case.odd_manager;
        let tt = case.tt.map(|Flags { zero_alloc, swapped }| TtFlags { zero_alloc, swapped });
        let bits = if case.bits == Bits::Bits32 { Platform::Bits32 } else { Platform::Bits64 };
        let capability = if case.streaming { Capability::probe() } else { Capability::words_only() };
        let stores = if case.past_cache { Stores::PastCache } else { Stores::Cached };
        let request = Request::new(to, from).tt(tt).variant(case.variant).platform(bits);
        let mut request = request.capability(capability).stores(stores);
        if let Some((dst, src, pages)) = case.range {
            request = request.range(PageIndex(dst), PageIndex(src), PageCount(pages));
        }
        (request, dst, src)
    }
}

/// What ought to become of a case.
#[derive(PartialEq, Debug)]
enum Expected {
    Refused,
    Stopped(u32),
    Done(u32),
}

/// The reference: a side's pages as a kernel or we see them.
struct Seen<'a> {
    side: &'a Side,
    offsets: Vec<u64>,
    size: u64,
}

impl<'a> Seen<'a> {
    fn new(side: &'a Side, bytes: &mut Bytes) -> Seen<'a> {
        let size = if side.is_populated() { bytes.of(side.space).len() as u64 } else { 0 };
        Seen { side, offsets: page_offsets(side), size }
    }

    /// Whether every page is a page, inside, once.
    fn is_good(&self) -> bool {
        let in_bytes = match &self.side.shape {
            Shape::Scatter { list, .. } => {
                list.segments().iter().all(|s| s.len.0 > 0 && s.len.0.is_multiple_of(PAGE) && s.address >= START)
            }
            _ => true,
        };
        let inside = |at: &u64| at.is_multiple_of(PAGE) && (!self.side.is_populated() || *at < self.size);
        let mut sorted = self.offsets.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let once = sorted.len() == self.offsets.len();
        in_bytes && once && self.offsets.iter().all(inside) && self.offsets.len() as u32 == self.side.stated.0
    }

    /// Where a kernel's page is; `None` where it stops.
    fn kernels(&self, page: u32, bits: Bits) -> Option<u64> {
        let mut at = *self.offsets.get(page as usize)?;
        if bits == Bits::Bits32 && matches!(self.side.shape, Shape::Scatter { .. }) {
            at = u64::from(at as u32) / PAGE * PAGE;
        }
        at.checked_add(PAGE).filter(|end| *end <= self.size).map(|_| at)
    }
}

/// The rules, once more, in the plainest words.
fn rule(case: &Case, dst: &Side, src: &Side) -> Option<&'static str> {
    let asks_managers = case.variant == Variant::AsPosted;
    let tt = |side: &Side| if asks_managers { side.manager_uses_tt } else { side.maps_tt() };
    if tt(dst) && tt(src) {
        return Some("nothing");
    }
    if !tt(src) || (case.tt.is_some() && src.is_populated()) {
        return Some("copy");
    }
    match case.tt {
        Some(flags) if flags.swapped && !asks_managers => None,
        Some(flags) if !flags.zero_alloc => Some("leave"),
        _ => Some("clear"),
    }
}

fn expect(case: &Case, dst: &Side, src: &Side, bytes: &mut Bytes) -> Expected {
    let (to, from) = (Seen::new(dst, bytes), Seen::new(src, bytes));
    let Some(rule) = rule(case, dst, src) else { return Expected::Refused };
    let (dst_first, src_first, pages) = case.range.unwrap_or((0, 0, dst.stated.0));
    if case.variant == Variant::Checked {
        let good = to.is_good() && from.is_good() && pages > 0;
        let fits = dst_first + pages <= dst.stated.0 && src_first + pages <= src.stated.0;
        let sized = case.range.is_some() || dst.stated == src.stated;
        if !good || !fits || !sized {
            return Expected::Refused;
        }
        let used = |seen: &Seen<'_>, first: u32| -> Vec<(SpaceId, u64)> {
            (first..first + pages).map(|i| (seen.side.space, seen.offsets[i as usize])).collect()
        };
        let meet = used(&to, dst_first).iter().any(|page| used(&from, src_first).contains(page));
        if rule != "nothing" && !dst.is_populated() || rule == "copy" && (meet || !src.is_populated()) {
            return Expected::Refused;
        }
    }
    if rule == "nothing" || rule == "leave" {
        return Expected::Done(0);
    }
    for i in 0..pages {
        let Some(at) = to.kernels(dst_first + i, case.bits) else { return Expected::Stopped(i) };
        if rule == "clear" {
            bytes.clear((dst.space, at));
            continue;
        }
        let Some(origin) = from.kernels(src_first + i, case.bits) else { return Expected::Stopped(i) };
        bytes.copy((dst.space, at), (src.space, origin));
    }
    Expected::Done(pages)
}

fn outcome(ran: std::result::Result<Done, Stopped>) -> Expected {
    match ran {
        Ok(done) => Expected::Done(done.written.0),
        Err(stopped) => Expected::Stopped(stopped.written.0),
    }
}

/// One case; a word for what became of it.
fn check(rig: &Rig, case: &Case) -> String {
    let (request, dst, src) = rig.request(case);
    let sides = {
        let mut sides = (dst.side(), src.side());
        sides.0.stated = case.stated.map_or(sides.0.stated, PageCount);
        sides.1.manager_uses_tt ^= case.odd_manager;
        sides
    };
    let mut expected = rig.start.clone();
    // A buffer without pages has no bytes.
    expected.0.push((rig.empty.space(), vec![]));
    let ought = expect(case, &sides.0, &sides.1, &mut expected);
    let Ok(plan) = request.plan() else {
        assert_eq!(ought, Expected::Refused, "refused by the plan alone");
        return format!("{:?} refused", case.variant);
    };
    let mut tags = rig.tags.clone();
    assert_eq!(outcome(plan.run_on(&mut tags)), ought, "on tags");
    for (space, bytes) in &expected.0 {
        let unchanged = bytes.is_empty() || bytes == rig.start.get(*space) && tags.of(*space) == rig.tags.of(*space);
        let told = if unchanged { vec![] } else { tags_of(bytes) };
        for (tag, byte_tag) in tags.of(*space).iter().zip(told) {
            // Torn: nobody can say. That never happens by our rules.
            let told = *tag == byte_tag || *tag == Tag::TORN && case.variant != Variant::Checked;
            assert!(told, "the tags say {tag:?}, the bytes {byte_tag:?}");
        }
    }
    let mut planned = match Move::new(plan.clone(), &dst, &src) {
        Ok(planned) => planned,
        // The kernel's variants may copy system pages onto themselves; on real memory that is not let happen.
        Err(Error::Busy { .. }) if case.variant != Variant::Checked && dst.side().space == src.side().space => {
            return format!("{:?} on itself", case.variant);
        }
        Err(error) => panic!("a good plan was refused: {error}"),
    };
    let ran = planned.run();
    drop(planned);
    let word = format!("{:?} {}", case.variant, format!("{:?}", plan.action()).to_lowercase());
    let word = if ran.is_err() { format!("{word} stopped") } else { word };
    assert!(case.variant != Variant::Checked || ran.is_ok_and(|done| done.wrong_accessor.0 == 0));
    assert_eq!(outcome(ran), ought, "on bytes");
    for memory in rig.memories() {
        let ought = expected.get(memory.space());
        assert!(memory.holds(ought), "bytes of {:?}", memory.space());
        if ought != rig.start.get(memory.space()) {
            memory.set(rig.start.get(memory.space()));
        }
    }
    word
}

#[test]
fn bytes_tags_and_the_reference_agree() {
    let rig = Rig::new();
    rig.memories().for_each(|memory| memory.set(rig.start.get(memory.space())));
    let mut seen = BTreeMap::<String, u32>::new();
    for random in 0..CASES {
        // A seed of arbtest: above, what it draws from; below, how many bytes it draws.
        let seed = random << 32 | 96;
        arbtest(|u| {
            let case = Case::arbitrary(u)?;
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&rig, &case)));
            let word = caught.unwrap_or_else(|_| panic!("seed {seed:#x}: {case:#?}"));
            *seen.entry(word).or_default() += 1;
            Ok(())
        })
        .seed(seed)
        .run();
    }
    // A generator that draws nothing but mistakes would agree on everything.
    let all =
        ["nothing", "leavealone", "clear", "copy(memory)", "copy(toio)", "copy(fromio)", "copy(iotoio)", "refused"];
    for word in all.map(|word| format!("Checked {word}")) {
        assert!(cfg!(miri) || seen.get(&word).is_some_and(|n| *n > 300), "too few of {word}: {seen:#?}");
    }
    for word in ["AsPosted copy(toio) stopped", "Upstream copy(fromio) stopped", "AsPosted clear"] {
        assert!(cfg!(miri) || seen.get(word).is_some_and(|n| *n > 100), "too few of {word}: {seen:#?}");
    }
}
