//! A tree of PCI devices: which transfers between two of them the hardware carries, and which the kernel believes in.
//!
//! ```text
//!   host bridge ── root port ── switch (its upstream port) ─┬─ downstream port ── device
//!        │                                                  └─ downstream port ── device
//!        └──────── root port ── device
//! ```
//!
//! A write is one request, and nothing comes back; a read is a request and a completion that comes back the other way.
//! Each is routed by itself: up to the first bridge that both are below, and down again. A downstream or root port with
//! ACS may send it further up instead, requests and completions apart, and then the host bridge has to send it back
//! down, which many do not, or for writes only. So of a pair a write may work where a read does not, and in one
//! direction what does not in the other ([`hardware`]).
//!
//! The kernel asks `pci_p2pdma_distance()`, which knows bridges, ACS and a list of host bridges, and makes no
//! difference between directions ([`p2pdma`]). Nothing here has a state.

pub mod hardware;
pub mod p2pdma;

/// A node of a tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u16);

/// How much of what peers send to each other something passes on, or answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Peers {
    /// Nothing of it.
    Nothing,
    /// Writes, which need no answer.
    Writes,
    /// Writes, reads and completions.
    #[default]
    All,
}

/// Access Control Services of a downstream or root port, as they are switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Acs {
    /// P2P Request Redirect: requests for a peer go up to the host bridge.
    pub request_redirect: bool,
    /// P2P Completion Redirect.
    pub completion_redirect: bool,
    /// Upstream Forwarding: what a port further down has redirected goes on up.
    pub upstream_forward: bool,
    /// P2P Egress Control: nothing goes to a peer.
    pub egress_control: bool,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A root complex, as far as one bus below it goes.
    HostBridge {
        /// What the kernel's list says of it (`pci_p2pdma_whitelist[]`).
        allowed: Allowed,
        /// What it sends from one of its ports to another.
        forwards: Peers,
        /// What it sends to another host bridge, and takes from one.
        across: Peers,
    },
    /// The upstream port of a switch.
    Switch,
    /// A downstream port of a switch, or a root port.
    Port(Acs),
    /// A function of a device.
    Device {
        /// What of peers' requests it answers.
        target: Peers,
        /// It has published memory for others (`pci_p2pmem_publish()`).
        p2pmem: bool,
    },
}

/// What the kernel's list of host bridges says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Allowed {
    /// It is not in it.
    #[default]
    No,
    /// `REQ_SAME_HOST_BRIDGE`: between two devices below it.
    Same,
    /// Also with another one that is in it.
    Any,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Node {
    name: String,
    part: Part,
    above: Option<NodeId>,
}

/// A machine's devices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    /// `cpu_supports_p2pdma()`: the processor's host bridges are not asked for; any two devices may.
    pub any_host_bridge: bool,
}

/// Most nodes of a tree.
pub const MAX_NODES: usize = 256;

impl Tree {
    /// Adds a node below another; `None` if there are [`MAX_NODES`].
    pub fn add(&mut self, name: &str, part: Part, above: Option<NodeId>) -> Option<NodeId> {
        let id = NodeId(u16::try_from(self.nodes.len()).ok().filter(|n| usize::from(*n) < MAX_NODES)?);
        self.nodes.push(Node { name: name.to_owned(), part, above });
        Some(id)
    }

    /// What a node is called.
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[usize::from(node.0)].name
    }

    /// What it is.
    pub fn part(&self, node: NodeId) -> Part {
        self.nodes[usize::from(node.0)].part
    }

    /// The node of that name.
    pub fn named(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name).map(|at| NodeId(at as u16))
    }

    /// Every device, in the order in which they were added.
    pub fn devices(&self) -> impl Iterator<Item = NodeId> {
        let is_device = |node: &Node| matches!(node.part, Part::Device { .. });
        self.nodes.iter().enumerate().filter(move |(_, node)| is_device(node)).map(|(at, _)| NodeId(at as u16))
    }

    /// What is directly above a node.
    pub fn above(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[usize::from(node.0)].above
    }

    /// The node and everything above it, the host bridge last.
    pub fn way_up(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(node), |at| self.above(*at))
    }

    /// `pci_upstream_bridge()`: the bridge above, of which a host bridge is none.
    fn upstream_bridge(&self, node: NodeId) -> Option<NodeId> {
        self.above(node).filter(|above| !matches!(self.part(*above), Part::HostBridge { .. }))
    }

    /// `pci_find_host_bridge()`
    fn host_bridge(&self, node: NodeId) -> NodeId {
        self.way_up(node).last().unwrap_or(node)
    }
}
