//! What the kernel believes of two devices: `drivers/pci/p2pdma.c`, and what came before it.

use super::{Acs, Allowed, NodeId, Part, Tree};

/// By which rule the kernel decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RuleSet {
    /// `calc_map_type_and_dist()` as it has been since 5.4: with a list of host bridges, and all of AMD's since Zen.
    #[default]
    Upstream,
    /// `upstream_bridge_distance()` of 5.0: nothing that goes by a host bridge.
    V5_0,
    /// The first posting of peer-to-peer over dma-buf (2018): some bridge is above both, whatever its ports do.
    CommonUpstream,
}

impl RuleSet {
    /// Each by its name on the command line.
    pub const ALL: [(&'static str, RuleSet); 3] =
        [("upstream", RuleSet::Upstream), ("v5_0", RuleSet::V5_0), ("common-upstream", RuleSet::CommonUpstream)];
}

/// `enum pci_p2pdma_map_type`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapType {
    /// `PCI_P2PDMA_MAP_NOT_SUPPORTED`
    NotSupported,
    /// `PCI_P2PDMA_MAP_BUS_ADDR`: it never comes to the host bridge, so its addresses are the bus's.
    BusAddr,
    /// `PCI_P2PDMA_MAP_THRU_HOST_BRIDGE`
    ThruHostBridge,
}

/// What the kernel believes of a provider and a client: how, and how far apart they are, in hops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Belief {
    /// How a transfer is mapped.
    pub map: MapType,
    /// The hops up from either side to the bridge above both; to the roots if there is none.
    pub distance: u32,
}

/// `pci_bridge_has_acs_redir()`
fn has_acs_redir(tree: &Tree, node: NodeId) -> bool {
    let redirects = |acs: Acs| acs.request_redirect || acs.completion_redirect || acs.egress_control;
    matches!(tree.part(node), Part::Port(acs) if redirects(acs))
}

/// What the kernel believes of a client that accesses a provider's memory.
pub fn belief(tree: &Tree, rules: RuleSet, provider: NodeId, client: NodeId) -> Belief {
    let bridges = |node: NodeId| std::iter::successors(Some(node), |at| tree.upstream_bridge(*at));
    let (a, b): (Vec<NodeId>, Vec<NodeId>) = (bridges(provider).collect(), bridges(client).collect());
    let common = a.iter().position(|node| b.contains(node));
    let Some(dist_a) = common else {
        return Belief { map: host_bridge(tree, rules, provider, client), distance: (a.len() + b.len()) as u32 };
    };
    let dist_b = b.iter().position(|node| *node == a[dist_a]).unwrap_or_default();
    // The common bridge is looked at from the provider's side only.
    let redirects = a[..=dist_a].iter().chain(&b[..dist_b]).any(|node| has_acs_redir(tree, *node));
    let map = match rules {
        RuleSet::CommonUpstream => MapType::BusAddr,
        _ if !redirects => MapType::BusAddr,
        _ => host_bridge(tree, rules, provider, client),
    };
    Belief { map, distance: (dist_a + dist_b) as u32 }
}

/// `map_through_host_bridge`: the processor, or the list.
fn host_bridge(tree: &Tree, rules: RuleSet, provider: NodeId, client: NodeId) -> MapType {
    let (a, b) = (tree.host_bridge(provider), tree.host_bridge(client));
    let allowed = |bridge: NodeId| match tree.part(bridge) {
        Part::HostBridge { allowed, .. } => allowed,
        _ => Allowed::No,
    };
    let is_listed =
        if a == b { allowed(a) != Allowed::No } else { allowed(a) == Allowed::Any && allowed(b) == Allowed::Any };
    if rules == RuleSet::Upstream && (tree.any_host_bridge || is_listed) {
        MapType::ThruHostBridge
    } else {
        MapType::NotSupported
    }
}

/// `pci_p2pdma_distance_many()`: how far a provider is from all clients together; `None` if it is not compatible with
/// one of them, or there is none.
pub fn distance_many(tree: &Tree, rules: RuleSet, provider: NodeId, clients: &[NodeId]) -> Option<u32> {
    let of = |client: &NodeId| {
        let belief = belief(tree, rules, provider, *client);
        (belief.map != MapType::NotSupported).then_some(belief.distance)
    };
    if clients.is_empty() { None } else { clients.iter().map(of).sum() }
}

/// `pci_p2pmem_find_many()`: the published memories that are nearest to all clients together; of several the kernel
/// takes any.
pub fn closest(tree: &Tree, rules: RuleSet, clients: &[NodeId]) -> Vec<(NodeId, u32)> {
    let published = tree.devices().filter(|device| matches!(tree.part(*device), Part::Device { p2pmem: true, .. }));
    let fit: Vec<(NodeId, u32)> =
        published.filter_map(|device| Some((device, distance_many(tree, rules, device, clients)?))).collect();
    let least = fit.iter().map(|(_, distance)| *distance).min();
    fit.into_iter().filter(|(_, distance)| Some(*distance) == least).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Peers, *};

    fn bridge(allowed: Allowed) -> Part {
        Part::HostBridge { allowed, forwards: Peers::All, across: Peers::Nothing }
    }

    const DEVICE: Part = Part::Device { target: Peers::All, p2pmem: true };
    const PLAIN: Part = Part::Port(Acs {
        request_redirect: false,
        completion_redirect: false,
        upstream_forward: false,
        egress_control: false,
    });

    /// The tree in the comment of `calc_map_type_and_dist()`, and a second function of its first device.
    fn switched(acs: Acs, allowed: Allowed) -> (Tree, [NodeId; 4]) {
        let mut tree = Tree::default();
        let mut add = |name, kind, above| tree.add(name, kind, above).expect("few nodes");
        let root = add("root", bridge(allowed), None);
        let port = add("port", PLAIN, Some(root));
        let switch = add("switch", Part::Switch, Some(port));
        let (down0, down1) = (add("down0", Part::Port(acs), Some(switch)), add("down1", PLAIN, Some(switch)));
        let (a, a1) = (add("a", DEVICE, Some(down0)), add("a1", DEVICE, Some(down0)));
        let b = add("b", DEVICE, Some(down1));
        let other = add("other", PLAIN, Some(root));
        let c = add("c", DEVICE, Some(other));
        (tree, [a, a1, b, c])
    }

    #[test]
    fn distances_are_those_of_the_kernels_comment() {
        let (tree, [a, a1, b, c]) = switched(Acs::default(), Allowed::No);
        let of = |x, y| belief(&tree, RuleSet::Upstream, x, y);
        assert_eq!(of(a, a), Belief { map: MapType::BusAddr, distance: 0 });
        assert_eq!(of(a, a1), Belief { map: MapType::BusAddr, distance: 2 });
        assert_eq!(of(a, b), Belief { map: MapType::BusAddr, distance: 4 });
        assert_eq!(of(a, c), Belief { map: MapType::NotSupported, distance: 6 });
    }

    #[test]
    fn what_is_redirected_needs_a_host_bridge_of_the_list() {
        let redirects = Acs { request_redirect: true, ..Acs::default() };
        for (allowed, map) in [(Allowed::No, MapType::NotSupported), (Allowed::Same, MapType::ThruHostBridge)] {
            let (tree, [a, _, b, c]) = switched(redirects, allowed);
            assert_eq!(belief(&tree, RuleSet::Upstream, a, b), Belief { map, distance: 4 });
            assert_eq!(belief(&tree, RuleSet::Upstream, c, b).map, map);
            assert_eq!(belief(&tree, RuleSet::V5_0, a, b).map, MapType::NotSupported);
            assert_eq!(belief(&tree, RuleSet::CommonUpstream, a, b).map, MapType::BusAddr);
        }
    }

    #[test]
    fn the_nearest_provider_is_that_of_all_clients_together() {
        let (tree, [a, a1, b, c]) = switched(Acs::default(), Allowed::Any);
        assert_eq!(closest(&tree, RuleSet::Upstream, &[b]), [(b, 0)]);
        assert_eq!(closest(&tree, RuleSet::Upstream, &[a, b]), [(a, 4), (b, 4)]);
        assert_eq!(distance_many(&tree, RuleSet::Upstream, c, &[a1, b]), Some(12));
        assert_eq!(closest(&tree, RuleSet::V5_0, &[a, c]), []);
    }
}
