//! Which device reaches which, as the hardware has it and as the kernel believes, as a matrix.

use fenceweave_kernel::pci::{
    NodeId, Tree,
    hardware::{self, Route},
    p2pdma::{self, Belief, MapType, RuleSet},
};
use serde::Serialize;
use std::fmt::Write as _;

/// A device that accesses another one's memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Pair {
    /// Who accesses: the client.
    pub from: String,
    /// Whose memory: the provider.
    pub to: String,
    /// In hops, as `calc_map_type_and_dist()` counts them.
    pub distance: u32,
    /// What the kernel believes: `bus-address`, `through-host-bridge`, `not-supported`.
    pub kernel: &'static str,
    /// Whether a write arrives; if not, why.
    pub write: Result<String, String>,
    /// Whether a read is answered; if not, why.
    pub read: Result<String, String>,
}

impl Pair {
    fn of(tree: &Tree, rules: RuleSet, from: NodeId, to: NodeId) -> Pair {
        let Belief { map, distance } = p2pdma::belief(tree, rules, to, from);
        let kernel = match map {
            MapType::NotSupported => "not-supported",
            MapType::BusAddr => "bus-address",
            MapType::ThruHostBridge => "through-host-bridge",
        };
        let by = |route: Route| match route {
            Route::Below(bridge) => format!("below {}", tree.name(bridge)),
            Route::HostBridge(bridge) => format!("by {}", tree.name(bridge)),
        };
        let (write, read) = (hardware::write(tree, from, to), hardware::read(tree, from, to));
        let said = |outcome: Result<Route, hardware::Fails>| outcome.map(by).map_err(|fails| fails.said(tree));
        let (from, to) = (tree.name(from).to_owned(), tree.name(to).to_owned());
        Pair { from, to, distance, kernel, write: said(write), read: said(read) }
    }

    /// Whether the kernel sets up what then does not work.
    pub fn is_believed_too_much(&self) -> bool {
        self.kernel != "not-supported" && (self.write.is_err() || self.read.is_err())
    }

    /// Whether it refuses what would work.
    pub fn is_believed_too_little(&self) -> bool {
        self.kernel == "not-supported" && self.write.is_ok() && self.read.is_ok()
    }

    /// Whether the kernel takes a way for the bus's own that goes by the host bridge, where addresses are translated.
    fn is_another_way(&self) -> bool {
        let ways = [&self.write, &self.read];
        let by_host = ways.iter().any(|way| way.as_ref().is_ok_and(|way| way.starts_with("by ")));
        self.kernel == "bus-address" && by_host
    }

    /// Where belief and truth differ, in words.
    fn remarks(&self) -> Vec<String> {
        let mut all = vec![];
        if let (Err(write), Err(read)) = (&self.write, &self.read)
            && write == read
        {
            all.push(format!("neither: {write}"));
        } else {
            all.extend(self.write.as_ref().err().map(|why| format!("no write: {why}")));
            all.extend(self.read.as_ref().err().map(|why| format!("no read: {why}")));
        }
        if self.is_believed_too_much() {
            all.push("the kernel believes it works".to_owned());
        } else if self.is_believed_too_little() {
            all.push("the kernel does not believe it, and it works".to_owned());
        }
        if self.is_another_way() {
            all.push("the kernel takes it to stay below a common bridge, and it goes by the host bridge".to_owned());
        }
        all
    }
}

/// Every ordered pair of two devices.
pub fn pairs(tree: &Tree, rules: RuleSet) -> Vec<Pair> {
    let all = || tree.devices();
    all().flat_map(|from| all().filter(move |to| *to != from).map(move |to| Pair::of(tree, rules, from, to))).collect()
}

/// The matrix of a tree, for people; `clients` are those for whom the closest provider is looked for.
pub fn text(name: &str, about: &str, tree: &Tree, rules: RuleSet, clients: &[NodeId]) -> String {
    let mut out = if about.is_empty() { format!("{name}\n") } else { format!("{name}: {about}\n") };
    let pairs = pairs(tree, rules);
    let yes = |way: &Result<String, String>| if way.is_ok() { "yes" } else { "no" }.to_owned();
    let row = |p: &Pair| {
        [p.from.clone(), p.to.clone(), p.distance.to_string(), yes(&p.write), yes(&p.read), p.kernel.to_owned()]
    };
    let head = ["from", "to", "distance", "write", "read", "kernel"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(pairs.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("  {cell:width$}"));
        let mark = match at.checked_sub(1).and_then(|at| pairs.get(at)) {
            Some(pair) if pair.is_believed_too_much() => "  !",
            Some(pair) if pair.is_believed_too_little() => "  ?",
            _ => "",
        };
        let _ = writeln!(out, "{}", format!("{}{mark}", cells.collect::<String>()).trim_end());
    }
    for pair in &pairs {
        for remark in pair.remarks() {
            let _ = writeln!(out, "  {} to {}: {remark}", pair.from, pair.to);
        }
    }
    closest(tree, rules, clients, &mut out);
    out
}

fn closest(tree: &Tree, rules: RuleSet, clients: &[NodeId], out: &mut String) {
    if clients.is_empty() {
        return;
    }
    let names: Vec<&str> = clients.iter().map(|client| tree.name(*client)).collect();
    let found = p2pdma::closest(tree, rules, clients);
    let nearest: Vec<&str> = found.iter().map(|(device, _)| tree.name(*device)).collect();
    let told = match found.first() {
        None => "no published memory is compatible with all of them".to_owned(),
        Some((_, distance)) if nearest.len() == 1 => format!("{}, {distance} hops together", nearest[0]),
        Some((_, distance)) => format!("any of {}, {distance} hops together", nearest.join(", ")),
    };
    let _ = writeln!(out, "  closest to {}: {told}", names.join(", "));
}

/// The same as JSON, on a line.
pub fn json(name: &str, tree: &Tree, rules: RuleSet, clients: &[NodeId]) -> String {
    let said: Vec<PairOut> = pairs(tree, rules).into_iter().map(PairOut::of).collect();
    let closest = p2pdma::closest(tree, rules, clients).into_iter();
    let closest = closest.map(|(device, distance)| Closest { device: tree.name(device).to_owned(), distance });
    let out = Out { format: 1, tree: name, pairs: said, closest: closest.collect() };
    crate::json::text(serde_json::to_string(&out))
}

#[derive(Serialize)]
struct Out<'a> {
    format: u32,
    tree: &'a str,
    pairs: Vec<PairOut>,
    closest: Vec<Closest>,
}

#[derive(Serialize)]
struct Closest {
    device: String,
    distance: u32,
}

/// A pair: whether each works, and if not why.
#[derive(Serialize)]
struct PairOut {
    from: String,
    to: String,
    distance: u32,
    kernel: &'static str,
    write: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_write: Option<String>,
    read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_read: Option<String>,
    believed_too_much: bool,
    believed_too_little: bool,
}

impl PairOut {
    fn of(pair: Pair) -> PairOut {
        let (believed_too_much, believed_too_little) = (pair.is_believed_too_much(), pair.is_believed_too_little());
        let Pair { from, to, distance, kernel, write, read } = pair;
        PairOut {
            from,
            to,
            distance,
            kernel,
            write: write.is_ok(),
            no_write: write.err(),
            read: read.is_ok(),
            no_read: read.err(),
            believed_too_much,
            believed_too_little,
        }
    }
}
