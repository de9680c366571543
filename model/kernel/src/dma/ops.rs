//! What a script may do with the addresses of devices.

use super::{AccessOp, Address, Does, MapOp};
use crate::{
    Handle, Machine, Op, Operand, Property, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Row, Shows},
    },
    machine::{Fault, Nothing},
    memory::{frame::MAX_TAG, ops::frame_of},
    pci::p2pdma::{self, RuleSet},
    program::Kind,
};

fn small(with: &Resolver<'_>, o: Operand) -> Resolved<u8> {
    u8::try_from(with.word(o)?).map_err(|_| Fault::new(Property::OUT_OF_BOUNDS, None))
}

/// NULL is nobody.
fn perhaps(with: &Resolver<'_>, o: Option<Operand>) -> Resolved<Option<Handle>> {
    match o {
        Some(o) if with.value(o)? != Value::Null => {
            let of = with.handle(o)?;
            // The address of a word is that of no object.
            if of.obj.as_var().is_some() { Err(Fault::new(Property::WRONG_KIND, None)) } else { Ok(Some(of)) }
        }
        _ => Ok(None),
    }
}

fn address_of(with: &Resolver<'_>, o: Operand) -> Resolved<Address> {
    let obj = with.of_kind(o, Kind::DmaAddress)?;
    let named = matches!(o, Operand::Object(_));
    Ok(Address { at: if named { Handle::place(obj) } else { with.handle(o)? }, named })
}

/// `dma-map`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmaMap {
    /// The device.
    pub device: Operand,
    /// The first page.
    pub frame: Operand,
    /// How many.
    pub pages: Operand,
    /// Which way data goes.
    pub direction: Operand,
    /// For which attachment.
    pub of: Option<Operand>,
    /// Caches are somebody else's affair.
    pub skips: bool,
}

impl Operation for DmaMap {
    fn row(&self) -> Row {
        let operands = [Some(self.device), Some(self.frame), Some(self.pages), self.of];
        Row { chooses: Some((Fall::Cache, 1)), ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let device = with.of_kind(self.device, Kind::DmaDevice)?;
        let run = (frame_of(with, self.frame)?, small(with, self.pages)?);
        let direction = with.word(self.direction)?;
        Ok(MapOp::map(device, run, direction, perhaps(with, self.of)?).skipping(self.skips).into())
    }
}

/// `dma-unmap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmaUnmap {
    /// The address.
    pub address: Operand,
    /// How many pages.
    pub pages: Operand,
    /// Which way data went.
    pub direction: Operand,
    /// For which attachment.
    pub of: Option<Operand>,
    /// Caches are somebody else's affair.
    pub skips: bool,
}

impl Operation for DmaUnmap {
    fn row(&self) -> Row {
        let operands = [Some(self.address), Some(self.pages), Some(self.direction), self.of];
        Row { chooses: Some((Fall::Cache, 1)), ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (address, pages) = (address_of(with, self.address)?, small(with, self.pages)?);
        let of = perhaps(with, self.of)?;
        Ok(MapOp::unmap(address, pages, with.word(self.direction)?, of).skipping(self.skips).into())
    }
}

/// `dma-invalidate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmaInvalidate {
    /// The address.
    pub address: Operand,
    /// The reservation that knows the jobs which go on.
    pub resv: Option<Operand>,
}

impl Operation for DmaInvalidate {
    fn row(&self) -> Row {
        Row::of([Some(self.address), self.resv, None, None])
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let address = address_of(with, self.address)?;
        let resv = self.resv.map(|resv| with.of_kind(resv, Kind::Resv).map(Handle::place)).transpose()?;
        Ok(MapOp::invalidate(address, resv).into())
    }
}

/// `device-read`, `device-write`, `device-job`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceAccess {
    /// What it does.
    pub does: Does,
    /// By which address.
    pub address: Operand,
    /// Which page of the mapping.
    pub at: Operand,
    /// What is written.
    pub contents: Operand,
    /// The fence of the job.
    pub under: Option<Operand>,
}

impl Operation for DeviceAccess {
    fn row(&self) -> Row {
        let operands = [Some(self.address), Some(self.at), Some(self.contents), self.under];
        let result = if self.does == Does::Read { Shows::Answer } else { Shows::Success };
        let no_room = "for what is written: it is a number from 0 to 1073741823";
        Row { result, no_room, chooses: Some((Fall::Cache, 1)), ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let address = address_of(with, self.address)?;
        let tag = with.word(self.contents)?;
        if !(0..=MAX_TAG).contains(&tag) {
            return Err(Fault::new(Property::CAPACITY_EXCEEDED, None));
        }
        let under = match self.under {
            Some(under) if with.value(under)? != Value::Null => {
                with.of_kind(under, Kind::Fence)?;
                Some(with.handle(under)?)
            }
            _ => None,
        };
        Ok(AccessOp::new(self.does, address, (small(with, self.at)?, tag as u32), under).into())
    }
}

/// `p2p-distance`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct P2pDistance {
    /// Whose memory.
    pub provider: Operand,
    /// Who goes there.
    pub client: Operand,
    /// By which rule the kernel decides.
    pub rules: RuleSet,
}

impl Operation for P2pDistance {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, ..Row::on_both(self.provider, self.client) }
    }

    /// Nothing of it changes: the tree is fixed.
    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let place = |o| {
            let device = with.of_kind(o, Kind::DmaDevice)?;
            Ok(with.program.pci_place(device))
        };
        // What is no PCI device must not.
        let both = place(self.provider)?.zip(place(self.client)?).zip(with.program.pci.as_deref());
        let distance =
            both.and_then(|((provider, client), tree)| p2pdma::distance_many(tree, self.rules, provider, &[client]));
        let distance = distance.and_then(|distance| i32::try_from(distance).ok()).unwrap_or(-1);
        Ok(Nothing { result: Value::Word(distance) }.into())
    }
}

const ADDRESS: Param = operand("address", Takes::Object(&[Kind::DmaAddress]));
const ONE: Operand = Operand::Const(Value::Word(1));
const ZERO: Operand = Operand::Const(Value::Word(0));

const PAGES: Opt = option("n", Takes::Value, "how many pages, at most 4, one without it");
const DIRECTION: Opt = Opt {
    required: true,
    ..option(
        "dir",
        Takes::Value,
        "which way data goes: 0 both, 1 the device reads, 2 it writes (`enum dma_data_direction`)",
    )
};
const FOR: Opt =
    option("for", Takes::Value, "the attachment that it is made for, which must not go before it is taken down");
const SKIP: Opt = flag(
    "skip-cpu-sync",
    "leaves caches alone (`DMA_ATTR_SKIP_CPU_SYNC`); without it they are cleaned for a device that does not look there, and what \
     they have of a page that it wrote is dropped at the end",
);
const AT: Opt = option("page", Takes::Value, "which page of the mapping, the first without it");
const UNDER: Opt =
    option("under", Takes::Value, "the fence of the job that it is in, which must not have signalled; or NULL");

fn access(args: &Args, does: Does) -> Op {
    let at = args.optional("page").unwrap_or(ZERO);
    let contents = args.optional("contents").unwrap_or(ZERO);
    DeviceAccess { does, address: args.object("address"), at, contents, under: args.optional("under") }.into()
}

fn rules_of(args: &Args) -> RuleSet {
    let said = args.word("rules");
    RuleSet::ALL.iter().find(|(name, _)| Some(*name) == said).map_or(RuleSet::Upstream, |(_, rules)| *rules)
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "dma-map",
        &[operand("device", Takes::Object(&[Kind::DmaDevice])), operand("frame", Takes::Object(&[Kind::Frame]))],
        "maps pages for a device, one after the other from a frame on",
        "dma_map_page() dma_map_sgtable() dma_map_resource()",
        |args| {
            let pages = args.optional("n").unwrap_or(ONE);
            let direction = args.optional("dir").unwrap_or(ZERO);
            let (device, frame) = (args.object("device"), args.object("frame"));
            let skips = args.flag("skip-cpu-sync");
            DmaMap { device, frame, pages, direction, of: args.optional("for"), skips }.into()
        },
    )
    .options(&[PAGES, DIRECTION, FOR, SKIP])
    .returns("the address, which is the device's until `dma-unmap`; NULL where it may fail (`dma_mapping_error()`)")
    .fails(Value::Null),
    OpSpec::new(
        "dma-unmap",
        &[ADDRESS],
        "takes a mapping down, as what it was made; no job may use it any more",
        "dma_unmap_page() dma_unmap_sgtable()",
        |args| {
            let pages = args.optional("n").unwrap_or(ONE);
            let direction = args.optional("dir").unwrap_or(ZERO);
            let (of, skips) = (args.optional("for"), args.flag("skip-cpu-sync"));
            DmaUnmap { address: args.object("address"), pages, direction, of, skips }.into()
        },
    )
    .options(&[PAGES, DIRECTION, FOR, SKIP]),
    OpSpec::new(
        "dma-invalidate",
        &[ADDRESS],
        "says of a mapping that the buffer is somewhere else: only jobs that use it now go on",
        "dma_buf_invalidate_mappings() dma_buf_move_notify()",
        |args| DmaInvalidate { address: args.object("address"), resv: args.optional("resv") }.into(),
    )
    .options(&[option("resv", Takes::Object(&[Kind::Resv]), "where those jobs are to be known, whose lock the caller has")]),
    OpSpec::new("device-read", &[ADDRESS], "a device reads a page", "", |args| access(args, Does::Read))
        .options(&[AT, UNDER])
        .returns("the number of what it finds"),
    OpSpec::new(
        "device-write",
        &[ADDRESS, operand("contents", Takes::Value)],
        "a device writes a page, with what this number stands for",
        "",
        |args| access(args, Does::Write),
    )
    .options(&[AT, UNDER]),
    OpSpec::new(
        "device-job",
        &[ADDRESS],
        "a job goes to all pages of a mapping from here on, until its fence has signalled",
        "",
        |args| access(args, if args.flag("write") || args.flag("contents") { Does::Writes } else { Does::Reads }),
    )
    .options(&[
        Opt { required: true, ..option("under", Takes::Object(&[Kind::Fence]), "its fence") },
        flag("write", "it writes; without it it reads"),
        option("contents", Takes::Value, "the number of what it writes, which it then does"),
    ]),
    OpSpec::new(
        "p2p-distance",
        &[operand("provider", Takes::Object(&[Kind::DmaDevice])), operand("client", Takes::Object(&[Kind::DmaDevice]))],
        "what the kernel believes of a device that goes to another one's memory; whether the hardware carries it is another matter",
        "pci_p2pdma_distance()",
        |args| {
            let (provider, client) = (args.object("provider"), args.object("client"));
            P2pDistance { provider, client, rules: rules_of(args) }.into()
        },
    )
    .options(&[option("rules", Takes::OneOf(&["upstream", "v5_0", "common-upstream"]), "by which rule, `upstream` without it")])
    .returns("how far apart they are, in hops; -1 if it must not"),
];
