//! What a script may do with page tables, and with user memory behind them.

use super::{
    Entry, How, PteOp, RDONLY,
    access::{Touch, Who},
    cached,
};
use crate::{
    Errno, LocalId, Machine, ObjId, Op, Operand, Place, Property, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Needs, Row, Shows},
    },
    machine::Fault,
    memory::{self, kind::Caching},
    program::CalleeId,
};
use std::fmt;

/// `insert-pfn`, `pte-mkwrite`, `pte-wrprotect`, `zap`, `frames-left`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pte {
    /// Which of them.
    pub how: How,
    /// The page table.
    pub table: Place,
    /// The number of the first page; of no meaning for `frames-left`.
    pub address: Operand,
    /// How many pages or frames.
    pub n: Operand,
    /// The frame, or the entry.
    pub entry: Operand,
    /// It must not be written.
    pub readonly: bool,
    /// How it is cached, if that is said.
    pub caching: Option<Caching>,
}

/// What a program's hash is made of: an entry of which it is not said how it is cached is told from others by nothing
/// new.
impl fmt::Debug for Pte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pte { how, table, address, n, entry, readonly, caching } = self;
        let mut out = f.debug_struct("Pte");
        out.field("how", how).field("table", table).field("address", address).field("n", n).field("entry", entry);
        out.field("readonly", readonly);
        if let Some(caching) = caching {
            out.field("caching", caching);
        }
        out.finish()
    }
}

/// The lock of a page table.
fn lock_of(with: &Resolver<'_>, first: ObjId) -> ObjId {
    let table = with.program.page_tables.iter().find(|table| table.first == first);
    table.map_or_else(ObjId::default, |table| table.lock)
}

/// The entry of a page, so that there are as many from there on.
fn entry_of(with: &Resolver<'_>, table: Place, address: Operand, n: u8) -> Resolved<Entry> {
    let (first, len) = with.words(table)?;
    let outside = Fault::new(Property::OUT_OF_BOUNDS, Some(first));
    let page = u8::try_from(with.word(address)?).map_err(|_| outside)?;
    match page.checked_add(n) {
        Some(end) if end <= len && (n > 0 || page < len) => {
            Ok(Entry { lock: lock_of(with, first), word: first.offset(usize::from(page)), page })
        }
        _ => Err(outside),
    }
}

impl Pte {
    /// A frame's number fits below the bits of an entry, and is not 0, which is none.
    fn frame(self, with: &Resolver<'_>) -> Resolved<i32> {
        let frame = with.word(self.entry)?;
        let fits = (1..RDONLY).contains(&frame);
        if fits { Ok(frame) } else { Err(Fault::new(Property::CAPACITY_EXCEEDED, None)) }
    }

    fn count(self, with: &Resolver<'_>) -> Resolved<u8> {
        let n = with.word(self.n)?;
        u8::try_from(n).map_err(|_| Fault::new(Property::OUT_OF_BOUNDS, None))
    }
}

impl Operation for Pte {
    fn row(&self) -> Row {
        let address = (self.how != How::Leave).then_some(self.address);
        let result = if self.how == How::Leave { Shows::Success } else { Shows::Answer };
        let no_room = "for a page frame of that number: they are from 1 to 1048575";
        let needs = Needs { caching: self.caching.is_some(), ..Needs::NOTHING };
        Row { needs, result, no_room, never_waits: true, ..Row::of([address, Some(self.n), Some(self.entry), None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let n = self.count(with)?;
        let Entry { lock, word: first, .. } = match self.how {
            How::Leave => entry_of(with, self.table, Operand::Const(Value::Word(0)), 1)?,
            _ => entry_of(with, self.table, self.address, n)?,
        };
        let entry = match self.how {
            How::Insert => {
                self.frame(with)? | if self.readonly { RDONLY } else { 0 } | cached(self.caching.unwrap_or_default())
            }
            How::Leave => self.frame(with)?,
            How::MkWrite => with.word(self.entry)?,
            How::WrProtect | How::Zap => 0,
        };
        Ok(PteOp { how: self.how, lock, first, n, entry }.into())
    }
}

/// `user-access`; `copy-from-user` and `copy-to-user` of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Whose it is.
    pub who: Who,
    /// It writes.
    pub writes: bool,
    /// The page table.
    pub table: Place,
    /// The number of the page.
    pub address: Operand,
    /// The handler of page faults.
    pub fault: Option<CalleeId>,
    /// What a write writes.
    pub value: Operand,
    /// Where goes what a read reads.
    pub tag: Option<LocalId>,
}

impl Operation for Access {
    fn row(&self) -> Row {
        let handled = self.fault.is_some() && self.who != Who::Inatomic;
        let needs = Needs { loops: handled, ..Needs::NOTHING };
        let no_room = "for what is written: it is a number from 0 to 1073741823";
        let chooses = Some((Fall::Cache, 1));
        Row {
            needs,
            result: Shows::Answer,
            no_room,
            chooses,
            never_waits: !handled,
            ..Row::on_both(self.address, self.value)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let at = entry_of(with, self.table, self.address, 1)?;
        let value = with.word(self.value)?;
        if !(0..=memory::frame::MAX_TAG).contains(&value) {
            return Err(Fault::new(Property::CAPACITY_EXCEEDED, None));
        }
        Ok(Touch::new(self.who, self.writes, at, self.fault).of(value, self.tag).into())
    }
}

const TABLE: Param = operand("table", Takes::PageTable);
const ADDRESS: Param = operand("address", Takes::Value);
const FRAME: Param = operand("frame", Takes::Value);
const ENTRY: Param = operand("entry", Takes::Value);
const ONE: Operand = Operand::Const(Value::Word(1));

const PAGES: Opt = option("n", Takes::Value, "how many pages, one without it");
const FRAMES: Opt = option("n", Takes::Value, "how many frames in a row, one without it");
const CACHING: Opt = option(
    "caching",
    Takes::OneOf(Caching::WORDS),
    "through which it is cached, write-combined or uncached: where anything says so, all that lead to a frame have to agree",
);
const READONLY: Opt = flag("readonly", "it must not be written");
const FAULT: Opt = option(
    "fault",
    Takes::Proc(2),
    "what is called where the entry is missing, or read-only and to be written: with the address and the error code (PROT 1, \
     WRITE 2, USER 4), in the thread's place. It returns 0, and the access is made again; or what that ends with",
);
const VALUE: Opt =
    option("value", Takes::Value, "what a write writes into the whole page, where that is a frame's; 1 without it");
const TAG: Opt = option("tag", Takes::Local, "where goes what a read finds in the page, where that is a frame's");
const INATOMIC: Opt = flag("inatomic", "with page faults disabled: legal anywhere, and -EFAULT where it would fault");

fn pte(args: &Args, how: How) -> Op {
    let (n, entry) = (args.optional("n").unwrap_or(ONE), args.optional("entry").or(args.optional("frame")));
    let entry = entry.unwrap_or(ONE);
    let readonly = args.flag("readonly");
    let caching = args.word("caching").map(|word| Caching::named(Some(word)));
    Pte { how, table: args.place("table"), address: args.object("address"), n, entry, readonly, caching }.into()
}

fn access(args: &Args, who: Who, writes: bool) -> Op {
    let (table, address) = (args.place("table"), args.object("address"));
    let value = args.optional("value").unwrap_or(ONE);
    let tag = args.flag("tag").then(|| args.local("tag"));
    Access { who, writes, table, address, fault: args.callee("fault"), value, tag }.into()
}

fn copy(args: &Args, writes: bool) -> Op {
    access(args, if args.flag("inatomic") { Who::Inatomic } else { Who::Copy }, writes)
}

const EFAULT: Value = Value::Word(-Errno::EFAULT.0);
const RETURNS: &str = "0; else what the handler returned, or -EFAULT without one";

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "insert-pfn",
        &[TABLE, ADDRESS, FRAME],
        "maps a page frame at a page that has none; an entry that is there stays",
        "insert_pfn() vm_insert_pfn() set_pte_at()",
        |args| pte(args, How::Insert),
    )
    .options(&[READONLY, CACHING])
    .returns("the entry that was there, 0 if none"),
    OpSpec::new(
        "pte-mkwrite",
        &[TABLE, ADDRESS, ENTRY],
        "makes an entry writable if it is still the one that the fault was about",
        "finish_mkwrite_fault() pte_mkwrite()",
        |args| pte(args, How::MkWrite),
    )
    .returns("1 if it was, else 0"),
    OpSpec::new(
        "pte-wrprotect",
        &[TABLE, ADDRESS],
        "makes the entries of some pages read-only, in one step, which ends with the flush of the TLBs",
        "wp_shared_mapping_range() ptep_modify_prot_start()",
        |args| pte(args, How::WrProtect),
    )
    .options(&[PAGES])
    .returns("how many were writable"),
    OpSpec::new(
        "zap",
        &[TABLE, ADDRESS],
        "takes the entries of some pages away, in one step, which ends with the flush of the TLBs",
        "zap_page_range_single() unmap_page_range()",
        |args| pte(args, How::Zap),
    )
    .options(&[PAGES])
    .returns("how many there were"),
    OpSpec::new(
        "frames-left",
        &[TABLE, FRAME],
        "says that the object which had these frames has others now: an entry that still leads to one is told",
        "",
        |args| pte(args, How::Leave),
    )
    .options(&[FRAMES]),
    OpSpec::new(
        "user-access",
        &[TABLE, ADDRESS],
        "an instruction of user space reads or writes a page: translation and touch in one step. Where it cannot, it faults, and is \
         made again",
        "",
        |args| access(args, if args.flag("kernel") { Who::Kernel } else { Who::User }, args.flag("write")),
    )
    .options(&[
        flag("write", "writes; without it reads"),
        flag("kernel", "of the kernel's, without might_fault(): raw_copy_from_user()"),
        VALUE,
        TAG,
        FAULT,
    ])
    .returns(RETURNS)
    .fails(EFAULT),
    OpSpec::new(
        "copy-from-user",
        &[TABLE, ADDRESS],
        "reads a page of user memory: where it is not there the fault is handled in place",
        "__copy_from_user() __get_user()",
        |args| copy(args, false),
    )
    .options(&[INATOMIC, TAG, FAULT])
    .returns(RETURNS)
    .fails(EFAULT),
    OpSpec::new(
        "copy-to-user",
        &[TABLE, ADDRESS],
        "writes a page of user memory: where it is not there, or is read-only, the fault is handled in place",
        "__copy_to_user() __put_user()",
        |args| copy(args, true),
    )
    .options(&[INATOMIC, VALUE, FAULT])
    .returns(RETURNS)
    .fails(EFAULT),
];
