//! What is fixed about a device that goes to memory by itself, and about one of its addresses.

use crate::{
    Kind, ObjId, Program, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Takes, flag, option},
    pci::NodeId,
};

/// Most addresses that a device has at once.
pub const MAX_ADDRESSES: u8 = 8;
/// How many it has if nothing is said.
pub const ADDRESSES: u8 = 4;

/// A `struct device`, as far as it goes to memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DmaDevice {
    /// The first of its addresses.
    pub first: ObjId,
    /// How many there are.
    pub count: u8,
    /// It looks into the CPUs' caches.
    pub coherent: bool,
    /// The device that has its power.
    pub engine: Option<ObjId>,
}

impl DmaDevice {
    /// Each of its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = ObjId> + use<> {
        self.first.row(usize::from(self.count))
    }
}

/// A `dma_addr_t` of a device: where its IOMMU has pages for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmaAddress {
    /// Whose it is.
    pub device: ObjId,
}

impl Program {
    /// Where in the machine's tree of PCI devices something is.
    pub(crate) fn pci_place(&self, of: ObjId) -> Option<NodeId> {
        self.pci_places.iter().find(|(placed, _)| *placed == of).map(|(_, node)| *node)
    }
}

impl Declared for DmaDevice {
    const ROW: KindRow = KindRow {
        name: "dma-device",
        one: "a dma-device",
        sample: Some(("bus-master", "")),
        runs_out: "for another address of a device (`addresses=`)",
        decls: &[DeclRow {
            name: "dma-device",
            kind: Some(Kind::DmaDevice),
            options: &[
                option(
                    "addresses",
                    Takes::Number { min: 1, max: MAX_ADDRESSES as i32 },
                    "how many mappings it has at once, 4 without it",
                ),
                option("at", Takes::Value, "which device of the `pci-tree` it is"),
                option(
                    "engine",
                    Takes::Object(&[Kind::Device]),
                    "the device whose power it has: switched off it goes nowhere",
                ),
                flag("coherent", "it looks into the CPUs' caches"),
            ],
            meaning: "a device that goes to memory by itself, by the addresses that it was given by `dma-map`",
            kernel: "struct device, struct iommu_domain",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::DmaDevice<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::DmaDevice<R> {
        super::DmaDevice::new()
    }
}

impl Declared for DmaAddress {
    const ROW: KindRow = KindRow {
        name: "dma-address",
        one: "a dma-address",
        facets: &["mapped", "invalidated", "jobs"],
        runs_out: "to tell a new mapping's address from those before",
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::DmaAddress<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::DmaAddress<R> {
        super::DmaAddress::new(self.device)
    }

    fn gate(&self) -> Option<ObjId> {
        Some(self.device)
    }
}
