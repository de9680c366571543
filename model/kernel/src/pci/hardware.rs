//! What the hardware does with a transfer between two devices.

use super::{NodeId, Part, Peers, Tree};

/// A packet between two devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Packet {
    /// Memory Write: a posted request.
    Write,
    /// Memory Read: a request.
    Read,
    /// What a read is answered with.
    Completion,
}

impl Packet {
    /// What somebody has to pass on, or answer, for this to come through.
    fn needs(self) -> Peers {
        if self == Packet::Write { Peers::Writes } else { Peers::All }
    }

    fn name(self) -> &'static str {
        match self {
            Packet::Write => "write",
            Packet::Read => "read",
            Packet::Completion => "completion",
        }
    }
}

/// A way that a packet takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// It turns below a bridge and never comes to the host bridge.
    Below(NodeId),
    /// By the host bridge of who sends it.
    HostBridge(NodeId),
}

/// Why a transfer does not work: who does not do what, and of which packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fails {
    /// A port lets nothing through to a peer.
    Blocked(NodeId),
    /// A port was redirected from below what leads back there, and does not send it on.
    SentBack(NodeId, NodeId),
    /// A host bridge does not pass it on.
    NotForwarded(NodeId, &'static str, Option<NodeId>),
    /// A host bridge sends nothing of the sort to another one, or takes it from one.
    NotAcross(NodeId, &'static str),
    /// The device does not answer peers so.
    NotAnswered(NodeId, &'static str),
}

impl Fails {
    /// In words.
    pub fn said(&self, tree: &Tree) -> String {
        match self {
            Fails::Blocked(port) => format!("{} lets nothing through to a peer (egress control)", tree.name(*port)),
            Fails::SentBack(port, by) => {
                let (port, by) = (tree.name(*port), tree.name(*by));
                format!("{by} redirects it upwards, and {port} does not forward what was redirected below it")
            }
            Fails::NotForwarded(bridge, packet, by) => {
                let redirected = by.map_or(String::new(), |by| format!(", to which {} redirects it", tree.name(by)));
                format!("{} forwards no {packet} of a peer{redirected}", tree.name(*bridge))
            }
            Fails::NotAcross(bridge, packet) => {
                format!("{} has no {packet} of a peer go to or come from another host bridge", tree.name(*bridge))
            }
            Fails::NotAnswered(device, packet) => format!("{} answers no {packet} of a peer", tree.name(*device)),
        }
    }
}

/// Whether a device can write another one's memory, and by which way.
///
/// # Errors
///
/// The first thing on the way that does not let it.
pub fn write(tree: &Tree, from: NodeId, to: NodeId) -> Result<Route, Fails> {
    let route = carry(tree, from, to, Packet::Write)?;
    answers(tree, to, Packet::Write).map(|()| route)
}

/// Whether a device can read another one's memory; the way is that of the request.
///
/// # Errors
///
/// The first thing on the way, or on the completion's way back, that does not let it.
pub fn read(tree: &Tree, from: NodeId, to: NodeId) -> Result<Route, Fails> {
    let route = carry(tree, from, to, Packet::Read)?;
    answers(tree, to, Packet::Read)?;
    carry(tree, to, from, Packet::Completion).map(|_| route)
}

fn answers(tree: &Tree, device: NodeId, packet: Packet) -> Result<(), Fails> {
    match tree.part(device) {
        Part::Device { target, .. } if target < packet.needs() => Err(Fails::NotAnswered(device, packet.name())),
        _ => Ok(()),
    }
}

/// One packet: up to the first bridge that is above both, and down; or by the host bridge.
fn carry(tree: &Tree, from: NodeId, to: NodeId, packet: Packet) -> Result<Route, Fails> {
    let down: Vec<NodeId> = tree.way_up(to).collect();
    let up: Vec<NodeId> = tree.way_up(from).collect();
    let Some(turn) = up.iter().position(|node| down.contains(node)) else { return across(tree, from, to, packet) };
    // What comes to the bridge on whose other side the peer is; a device's own functions know no port between them.
    let ingress = turn.checked_sub(1).map(|below| up[below]);
    let mut redirected = None;
    if let Some(port) = ingress
        && let Part::Port(acs) = tree.part(port)
    {
        if acs.egress_control {
            return Err(Fails::Blocked(port));
        }
        let redirects = if packet == Packet::Completion { acs.completion_redirect } else { acs.request_redirect };
        redirected = redirects.then_some(port);
    }
    let is_root = matches!(tree.part(up[turn]), Part::HostBridge { .. });
    if redirected.is_none() && !is_root {
        return Ok(Route::Below(up[turn]));
    }
    if let Some(by) = redirected {
        let sends_back = |port: &&NodeId| matches!(tree.part(**port), Part::Port(acs) if !acs.upstream_forward);
        if let Some(port) = up[turn..].iter().find(sends_back) {
            return Err(Fails::SentBack(*port, by));
        }
    }
    let bridge = tree.host_bridge(from);
    match tree.part(bridge) {
        Part::HostBridge { forwards, .. } if forwards < packet.needs() => {
            Err(Fails::NotForwarded(bridge, packet.name(), redirected.filter(|_| !is_root)))
        }
        _ => Ok(Route::HostBridge(bridge)),
    }
}

/// From below one host bridge to below another.
fn across(tree: &Tree, from: NodeId, to: NodeId, packet: Packet) -> Result<Route, Fails> {
    for node in tree.way_up(from) {
        if matches!(tree.part(node), Part::Port(acs) if acs.egress_control) {
            return Err(Fails::Blocked(node));
        }
    }
    for bridge in [tree.host_bridge(from), tree.host_bridge(to)] {
        if matches!(tree.part(bridge), Part::HostBridge { across, .. } if across < packet.needs()) {
            return Err(Fails::NotAcross(bridge, packet.name()));
        }
    }
    Ok(Route::HostBridge(tree.host_bridge(from)))
}
