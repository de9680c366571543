//! What a script may do with a slot of a GPU's MMU.

use super::{Access as AccessMachine, Command as CommandMachine, How, MAX_PAGES};
use crate::{
    Errno, LocalId, Machine, ObjId, Op, Operand, Place, Property, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Ends, Fall, Row, Shows},
    },
    machine::Fault,
    memory,
    program::Kind,
};

/// `as-enable`, `as-disable`, `as-lock`, `as-flush`, `as-unlock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    /// Which of them.
    pub how: How,
    /// The slot.
    pub slot: Operand,
    /// The page table of `as-enable`.
    pub table: Option<Place>,
    /// The first page of `as-lock`.
    pub page: Operand,
    /// How many.
    pub n: Operand,
}

/// A number of pages.
fn pages(with: &Resolver<'_>, o: Operand) -> Resolved<u8> {
    u8::try_from(with.word(o)?).map_err(|_| Fault::new(Property::OUT_OF_BOUNDS, None))
}

impl Operation for Command {
    fn row(&self) -> Row {
        let ends = match self.how {
            How::Disable | How::Unlock => Ends::Releases(self.slot),
            How::Enable | How::Lock | How::Flush => Ends::Nothing,
        };
        let pages = [Some(self.slot), Some(self.page), Some(self.n), None];
        Row { ends, never_waits: true, ..Row::of(pages) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let slot = with.of_kind(self.slot, Kind::GpuAs)?;
        let table = self.table.map(|table| with.words(table)).transpose()?.map(|(first, _)| first);
        let (first, n) = (pages(with, self.page)?, pages(with, self.n)?);
        if n == 0 || first.saturating_add(n) > MAX_PAGES {
            return Err(Fault::new(Property::OUT_OF_BOUNDS, Some(slot)));
        }
        let (from, to) = CommandMachine::region(first, n);
        Ok(CommandMachine { at: self.how.begins(), slot, table, from, to }.into())
    }
}

/// `gpu-access`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// The slot.
    pub slot: Operand,
    /// The number of the page.
    pub page: Operand,
    /// It writes.
    pub writes: bool,
    /// What a write writes.
    pub value: Operand,
    /// Where goes what a read reads.
    pub tag: Option<LocalId>,
}

impl Operation for Access {
    fn row(&self) -> Row {
        let operands = [Some(self.slot), Some(self.page), Some(self.value), None];
        let no_room = "for what is written: it is a number from 0 to 1073741823";
        let chooses = Some((Fall::Translation, 1));
        Row { result: Shows::Answer, no_room, chooses, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let slot = with.of_kind(self.slot, Kind::GpuAs)?;
        let page = pages(with, self.page)?;
        let value = with.word(self.value)?;
        if page >= MAX_PAGES {
            return Err(Fault::new(Property::OUT_OF_BOUNDS, Some(slot)));
        }
        if !(0..=memory::frame::MAX_TAG).contains(&value) {
            return Err(Fault::new(Property::CAPACITY_EXCEEDED, None::<ObjId>));
        }
        Ok(AccessMachine::new((slot, page), self.writes, value, self.tag).into())
    }
}

const SLOT: Param = operand("slot", Takes::Object(&[Kind::GpuAs]));
const TABLE: Param = operand("table", Takes::PageTable);
const PAGE: Param = operand("page", Takes::Value);
const ONE: Operand = Operand::Const(Value::Word(1));
const ZERO: Operand = Operand::Const(Value::Word(0));

const PAGES: Opt = option("n", Takes::Value, "how many pages, one without it");
const WRITE: Opt = flag("write", "writes; without it reads");
const VALUE: Opt =
    option("value", Takes::Value, "what a write writes into the whole page, where that is a frame's; 1 without it");
const TAG: Opt = option("tag", Takes::Local, "where goes what a read finds in the page, where that is a frame's");

fn command(args: &Args, how: How) -> Op {
    let table = (how == How::Enable).then(|| args.place("table"));
    let page = args.optional("page").unwrap_or(ZERO);
    Command { how, slot: args.object("slot"), table, page, n: args.optional("n").unwrap_or(ONE) }.into()
}

fn access(args: &Args) -> Op {
    let tag = args.flag("tag").then(|| args.local("tag"));
    let value = args.optional("value").unwrap_or(ONE);
    Access { slot: args.object("slot"), page: args.object("page"), writes: args.flag("write"), value, tag }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "as-enable",
        &[SLOT, TABLE],
        "has a slot translate by a page table from here on",
        "panthor_mmu_as_enable()",
        |args| command(args, How::Enable),
    ),
    OpSpec::new(
        "as-disable",
        &[SLOT],
        "has every access of a slot fault; what it keeps it keeps until it is flushed",
        "panthor_mmu_as_disable()",
        |args| command(args, How::Disable),
    ),
    OpSpec::new(
        "as-lock",
        &[SLOT, PAGE],
        "locks the smallest region that has these pages, a power of two and naturally aligned, in the place of one that was locked: \
         accesses in there wait",
        "lock_region() panthor_vm_lock_region()",
        |args| command(args, How::Lock),
    )
    .options(&[PAGES]),
    OpSpec::new(
        "as-flush",
        &[SLOT],
        "drops the translations that a slot keeps, of the locked region or, if none is, of everything",
        "panthor_gpu_flush_caches()",
        |args| command(args, How::Flush),
    ),
    OpSpec::new(
        "as-unlock",
        &[SLOT],
        "ends the lock of a region: who waits goes on",
        "panthor_vm_unlock_region()",
        |args| command(args, How::Unlock),
    ),
    OpSpec::new(
        "gpu-access",
        &[SLOT, PAGE],
        "a job reads or writes a page: by the page table, or by the translation that its slot keeps. It waits while that is locked",
        "",
        access,
    )
    .options(&[WRITE, VALUE, TAG])
    .returns("0; -EFAULT where nothing is mapped, or the slot is disabled")
    .fails(Value::Word(-Errno::EFAULT.0)),
];
