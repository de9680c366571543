//! `fenceweave topology`: which PCI device reaches which, and what the kernel believes.

use super::{Exit, Unread, usage, write};
use crate::args::TopologyArgs;
use fenceweave_kernel::pci::{NodeId, Tree, p2pdma::RuleSet};
use fenceweave_report::topology;

pub(super) fn topology(args: &TopologyArgs) -> Exit {
    let trees = fenceweave_scenario::read(&args.file)
        .and_then(|text| fenceweave_scenario::pci_trees(&args.file.display().to_string(), &text));
    let trees = match trees {
        Ok(trees) => trees,
        Err(report) => return Unread(report).tell(),
    };
    let rules = RuleSet::ALL.iter().find(|(name, _)| *name == args.rules).map(|(_, rules)| *rules).unwrap_or_default();
    for (at, it) in trees.iter().enumerate() {
        let clients = match clients(&it.tree, args) {
            Ok(clients) => clients,
            Err(name) => return usage(&format!("there is no device `{name}` in {}", it.name)),
        };
        let text = match args.json {
            true => topology::json(&it.name, &it.tree, rules, &clients),
            false => {
                let gap = if at > 0 { "\n" } else { "" };
                format!("{gap}{}", topology::text(&it.name, &it.about, &it.tree, rules, &clients))
            }
        };
        if write(&text).is_err() {
            break;
        }
    }
    Exit::Success
}

/// The devices that are named, or the name of one that there is not.
fn clients<'a>(tree: &Tree, args: &'a TopologyArgs) -> Result<Vec<NodeId>, &'a str> {
    let names = args.clients.iter().flat_map(|names| names.split(',')).map(str::trim);
    names.map(|name| tree.devices().find(|device| tree.name(*device) == name).ok_or(name)).collect()
}
