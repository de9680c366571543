//! What a script may do with an xarray.

use super::{Given, How, XarrayOp, kind};
use crate::{
    LocalId, Machine, Op, Operand, Property, Value,
    ground::{
        op::{Args, ENOMEM, OpSpec, Operation, Opt, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Fall, Gives, Row, Shows},
    },
    machine::Fault,
    primitives::{
        alloc::{Gfp, ops::GFP},
        spinlock,
    },
    program::Kind,
};

/// `xa-load`, `xa-store`, `xa-alloc` and the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Xarray {
    /// Which of them.
    pub how: How,
    /// The xarray.
    pub xarray: Operand,
    /// The index; of `xa-alloc` none.
    pub index: Option<Operand>,
    /// The local that the index goes back to.
    pub home: Option<LocalId>,
    /// The new entry.
    pub entry: Operand,
    /// What `xa-cmpxchg` expects.
    pub old: Operand,
    /// How a node is to be had.
    pub gfp: Gfp,
    /// Who calls has the lock.
    pub locked: bool,
    /// A node is missing.
    pub grows: bool,
}

impl Xarray {
    /// An index of the kernel's is any number; the model has an entry for each of the first.
    fn index(self, with: &Resolver<'_>, first: u8) -> Resolved<u16> {
        let Some(index) = self.index else { return Ok(u16::from(first)) };
        match with.value(index)?.integer() {
            Some(at) => Ok(u16::try_from(at).unwrap_or(u16::MAX)),
            None => Err(Fault::new(Property::WRONG_KIND, None)),
        }
    }

    /// NULL by whatever name.
    fn entry_of(with: &Resolver<'_>, entry: Operand) -> Resolved<Value> {
        let value = with.value(entry)?;
        Ok(if value == Value::Word(0) { Value::Null } else { value })
    }
}

impl Operation for Xarray {
    fn row(&self) -> Row {
        let looks = matches!(self.how, How::Load | How::Find);
        let chooses = self.grows.then_some((Fall::Memory, 1));
        let result = if matches!(self.how, How::Insert | How::Store) { Shows::Success } else { Shows::Answer };
        Row { spin: !looks, chooses, result, gives: Gives::IfKept, ..Row::on(self.xarray) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let xarray = with.of_kind(self.xarray, Kind::Xarray)?;
        let of = kind::of(with.program, xarray);
        let given = Given {
            index: self.index(with, of.first)?,
            home: self.home,
            entry: Xarray::entry_of(with, self.entry)?,
            old: Xarray::entry_of(with, self.old)?,
            gfp: self.gfp,
            locked: self.locked,
            grows: self.grows,
        };
        Ok(XarrayOp::new(self.how, (xarray, of.lock), given).into())
    }
}

/// `xa-lock`, `xa-unlock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct XarrayLock {
    /// Which of them.
    pub how: spinlock::How,
    /// The xarray.
    pub xarray: Operand,
}

impl Operation for XarrayLock {
    fn row(&self) -> Row {
        Row { spin: true, needs: crate::program::Needs::READERS, ..Row::on(self.xarray) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let xarray = with.of_kind(self.xarray, Kind::Xarray)?;
        let lock = kind::of(with.program, xarray).lock;
        Ok(spinlock::Spin { how: self.how, lock, nest: None }.into())
    }
}

const XARRAY: Param = operand("xarray", Takes::Object(&[Kind::Xarray]));
const INDEX: Param = operand("index", Takes::Value);
const PLACE: Param = operand("index", Takes::Local);
const OLD: Param = operand("old", Takes::Value);
const ENTRY: Param = operand("entry", Takes::Value);

const LOCKED: Opt = flag("locked", "the caller holds `xa_lock`: `__xa_store()` and its like");
const GROWS: Opt = flag(
    "grows",
    "a node is missing: its allocation may fail, and where it may sleep the lock is dropped meanwhile, even of who holds it",
);
const IRQ: &[Opt] = &[
    flag("irq", "with interrupts off meanwhile"),
    flag("irqsave", "the same, for who does not know whether they are on"),
    flag("bh", "with soft interrupts off meanwhile"),
];

fn xarray(args: &Args, how: How) -> Op {
    let home = (how == How::Find).then(|| args.local("index"));
    let gfp = Gfp::named(args.word("gfp"));
    let (locked, grows) = (args.flag("locked"), args.flag("grows"));
    let (index, entry, old) = (args.optional("index"), args.object("entry"), args.object("old"));
    Xarray { how, xarray: args.object("xarray"), index, home, entry, old, gfp, locked, grows }.into()
}

fn lock(args: &Args, hows: [spinlock::How; 4]) -> Op {
    let [plain, irq, irqsave, bh] = hows;
    let how = match (args.flag("irq"), args.flag("irqsave"), args.flag("bh")) {
        (true, ..) => irq,
        (_, true, _) => irqsave,
        (.., true) => bh,
        _ => plain,
    };
    XarrayLock { how, xarray: args.object("xarray") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "xa-load",
        &[XARRAY, INDEX],
        "looks an entry up, without the lock: what it points to may be freed at once",
        "xa_load()",
        |args| xarray(args, How::Load),
    )
    .returns("the entry, NULL if there is none"),
    OpSpec::new(
        "xa-find",
        &[XARRAY, PLACE],
        "looks for the first entry from an index on, without the lock, and puts its index into the local",
        "xa_find() xa_find_after() xa_for_each()",
        |args| xarray(args, How::Find),
    )
    .returns("the entry, NULL if there is none"),
    OpSpec::new("xa-store", &[XARRAY, INDEX, ENTRY], "stores an entry", "xa_store() __xa_store()", |args| {
        xarray(args, How::Store)
    })
    .options(&[GFP, LOCKED, GROWS])
    .returns("what was there, or an errno")
    .fails(ENOMEM),
    OpSpec::new("xa-erase", &[XARRAY, INDEX], "takes an entry out", "xa_erase() __xa_erase()", |args| {
        xarray(args, How::Erase)
    })
    .options(&[LOCKED])
    .returns("what was there"),
    OpSpec::new(
        "xa-insert",
        &[XARRAY, INDEX, ENTRY],
        "stores an entry where there is none",
        "xa_insert() __xa_insert()",
        |args| xarray(args, How::Insert),
    )
    .options(&[GFP, LOCKED, GROWS])
    .returns("0, -EBUSY if there is one")
    .fails(ENOMEM),
    OpSpec::new(
        "xa-cmpxchg",
        &[XARRAY, INDEX, OLD, ENTRY],
        "stores an entry in the place of another one",
        "xa_cmpxchg() __xa_cmpxchg()",
        |args| xarray(args, How::CmpXchg),
    )
    .options(&[GFP, LOCKED, GROWS])
    .returns("what was there")
    .fails(ENOMEM),
    OpSpec::new(
        "xa-alloc",
        &[XARRAY, ENTRY],
        "stores an entry at the first index that has none",
        "xa_alloc() __xa_alloc()",
        |args| xarray(args, How::Alloc),
    )
    .options(&[GFP, LOCKED, GROWS])
    .returns("the index, -EBUSY if there is none")
    .fails(ENOMEM),
    OpSpec::new(
        "xa-lock",
        &[XARRAY],
        "takes the lock of an xarray",
        "xa_lock() xa_lock_irq() xa_lock_irqsave() xa_lock_bh()",
        |args| {
            use spinlock::How::{Lock, LockBh, LockIrq, LockIrqSave};
            lock(args, [Lock, LockIrq, LockIrqSave, LockBh])
        },
    )
    .one_of(IRQ),
    OpSpec::new(
        "xa-unlock",
        &[XARRAY],
        "releases the lock of an xarray",
        "xa_unlock() xa_unlock_irq() xa_unlock_irqrestore() xa_unlock_bh()",
        |args| {
            use spinlock::How::{Unlock, UnlockBh, UnlockIrq, UnlockIrqRestore};
            lock(args, [Unlock, UnlockIrq, UnlockIrqRestore, UnlockBh])
        },
    )
    .one_of(IRQ),
];
