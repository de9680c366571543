//! Devices that go to memory by themselves, their addresses, and where they are among the machine's PCI devices.

use super::{Lower, declare::Open, names::Symbol, options::Options};
use crate::{
    mistakes::did_you_mean,
    pci::pci_tree,
    syntax::{Name, Node},
};
use fenceweave_kernel::{
    Kind, ObjId, Operand,
    dma::kind::ADDRESSES,
    fixed,
    op::{Given, Takes},
};
use std::sync::Arc;

/// The machine's devices.
pub(super) const TREE: &str = "pci-tree";

impl Lower<'_> {
    /// `pci-tree NAME { … }`
    pub(super) fn pci(&mut self, nodes: &[&Node]) {
        let mut trees = nodes.iter().filter(|node| node.name.text == TREE && !node.broken);
        let Some(first) = trees.next() else { return };
        let tree = pci_tree(first, self.text, self.mistakes);
        self.program.pci = Some(Arc::new(tree.tree));
        if let Some(second) = trees.next() {
            self.mistakes
                .add("declared-twice", second.head, "there is a machine already")
                .expected("one `pci-tree`, with all devices")
                .seen(first.head, "declared here");
        }
    }

    /// `dma-device NAME [addresses=N] [at=PCI-DEVICE] [engine=DEVICE] [coherent]`
    pub(super) fn dma_device(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let count = options.number("addresses").and_then(|n| u8::try_from(n).ok()).unwrap_or(ADDRESSES);
        let first = ObjId::object(self.program.objects.len() + 1);
        let coherent = options.has("coherent");
        let id = self.object(name.text.clone(), fixed::DmaDevice { first, count, coherent, engine: None });
        for at in 0..count {
            let address = Name { text: format!("{}-dma{at}", name.text), span: name.span };
            let of = self.object(address.text.clone(), fixed::DmaAddress { device: id });
            self.declare_name(&address, Symbol::Object { id: of, kind: Kind::DmaAddress });
        }
        Symbol::Object { id, kind: Kind::DmaDevice }
    }

    /// Where it is among the machine's devices; and where a memory is.
    pub(super) fn complete_dma(&mut self, declared: &Open<'_>, id: ObjId) {
        if !matches!(declared.spec.name, "dma-device" | "memory") {
            return;
        }
        let Some(at) = declared.node.option("at") else { return };
        let said = at.span.of(self.text);
        let tree = self.program.pci.clone();
        let devices = || tree.iter().flat_map(|tree| tree.devices().map(|node| tree.name(node)));
        match tree.as_ref().and_then(|tree| tree.devices().find(|node| tree.name(*node) == said)) {
            Some(node) => self.program.pci_places.push((id, node)),
            None => {
                let help = did_you_mean(said, devices());
                self.mistakes
                    .add("pci", at.span, format!("there is no device `{said}` in a `pci-tree`"))
                    .expected("the name of a `device` in the scenario's `pci-tree`")
                    .help_if(help);
            }
        }
    }

    /// Whose power each has, when those that have a queue are known.
    pub(super) fn dma_engines(&mut self, nodes: &[&Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "dma-device" && !node.broken) {
            let Some(value) = node.option("engine") else { continue };
            let engine = match self.given(None, Takes::Object(&[Kind::Device]), value) {
                Some(Given::Operand(Operand::Object(engine))) => Some(engine),
                _ => continue,
            };
            for name in node.values().map(|name| name.span.of(self.text)) {
                if let Some((Symbol::Object { id, kind: Kind::DmaDevice }, _)) = self.names.find(name)
                    && let Some(device) = self.program.fixed_mut::<fixed::DmaDevice>(id)
                {
                    device.engine = engine;
                    self.needs_power = true;
                }
            }
        }
    }
}
