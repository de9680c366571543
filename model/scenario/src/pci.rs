//! Trees of PCI devices as text: `pci-tree NAME { host-bridge … { port … { device … } } }`.

use crate::{
    mistakes::{Mistakes, Report, Span, did_you_mean},
    syntax::{self, Node, Value, ValueKind},
};
use fenceweave_kernel::pci::{Acs, Allowed, MAX_NODES, NodeId, Part, Peers, Tree};

/// A tree, and what its author says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PciTree {
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// The devices, and what is above them.
    pub tree: Tree,
}

/// Most levels of a tree.
const MAX_DEPTH: usize = 32;

/// The words that say how much is passed on or answered.
const PEERS: [(&str, Peers); 3] = [("nothing", Peers::Nothing), ("writes", Peers::Writes), ("all", Peers::All)];
const ALLOWED: [(&str, Allowed); 3] = [("no", Allowed::No), ("same", Allowed::Same), ("any", Allowed::Any)];

/// What may stand in a tree, each with what it may say.
const NODES: [(&str, &[&str]); 4] = [
    ("host-bridge", &["allowed", "forwards", "across"]),
    ("upstream-port", &[]),
    ("port", &["acs"]),
    ("device", &["target", "p2pmem"]),
];

/// Reads the trees of a file.
///
/// # Errors
///
/// Every mistake of the text.
pub fn pci_trees(name: &str, source: &str) -> Result<Vec<PciTree>, Report> {
    let mut mistakes = Mistakes::new(name, source);
    let file = syntax::parse(source, &mut mistakes);
    mistakes.end_of_syntax();
    let mut trees = vec![];
    for node in &file.nodes {
        if node.name.text != "pci-tree" {
            mistakes
                .add("unknown-declaration", node.head, format!("`{}` is no tree", node.name.text))
                .expected("`pci-tree NAME { … }`");
            continue;
        }
        trees.push(pci_tree(node, source, &mut mistakes));
    }
    if file.nodes.is_empty() {
        mistakes.add("unknown-declaration", Span::default(), "there is no tree here").expected("`pci-tree NAME { … }`");
    }
    mistakes.take_back_guesses();
    mistakes.into_result(trees)
}

/// `pci-tree NAME { … }`
pub(crate) fn pci_tree(node: &Node, source: &str, mistakes: &mut Mistakes) -> PciTree {
    let mut reader = Reader { tree: Tree::default(), about: String::new(), source, mistakes };
    let name = reader.name_of(node);
    reader.options(node, &["cpu"]);
    reader.tree.any_host_bridge = reader.word(node, "cpu", &[("zen", true), ("other", false)]).unwrap_or_default();
    reader.children(node, None, 0);
    PciTree { name, about: reader.about, tree: reader.tree }
}

struct Reader<'m> {
    tree: Tree,
    about: String,
    source: &'m str,
    mistakes: &'m mut Mistakes,
}

impl Reader<'_> {
    fn children(&mut self, node: &Node, above: Option<NodeId>, depth: usize) {
        if node.children().is_empty() && !node.broken && above.is_none() {
            self.mistakes.add("unknown-declaration", node.head, "this tree is empty").expected("a `host-bridge`");
        }
        for child in node.children().iter().filter(|child| !child.broken) {
            match child.values().next().map(|value| &value.kind) {
                Some(ValueKind::Text { said, .. }) if child.name.text == "about" && above.is_none() => {
                    self.about = said.split_whitespace().collect::<Vec<_>>().join(" ");
                }
                _ => self.node(child, above, depth),
            }
        }
    }

    fn node(&mut self, node: &Node, above: Option<NodeId>, depth: usize) {
        let what = node.name.text.as_str();
        let Some((_, options)) = NODES.iter().find(|(known, _)| *known == what) else {
            let known = NODES.map(|(known, _)| known);
            self.mistakes
                .add("unknown-declaration", node.name.span, format!("`{what}` is nothing that a tree has"))
                .expected(crate::lower::list(known))
                .help_if(did_you_mean(what, known));
            return;
        };
        let fits = match above.map(|above| self.tree.part(above)) {
            None => what == "host-bridge",
            Some(Part::HostBridge { .. }) => matches!(what, "port" | "device"),
            Some(Part::Switch) => what == "port",
            Some(Part::Port(_)) => matches!(what, "upstream-port" | "device"),
            Some(Part::Device { .. }) => false,
        };
        if !fits || depth > MAX_DEPTH {
            self.mistakes.add("unknown-declaration", node.head, format!("a `{what}` is not below that")).expected(
                "`host-bridge` at the top; below it root ports (`port`) and devices; below a port an `upstream-port` of a switch, or \
                 devices; below that its downstream ports",
            );
            return;
        }
        self.options(node, options);
        let name = self.name_of(node);
        if self.tree.named(&name).is_some() {
            self.mistakes
                .add("unknown-declaration", node.head, format!("there are two called `{name}`"))
                .expected("a name of its own");
        }
        let kind = self.kind(node);
        match self.tree.add(&name, kind, above) {
            Some(id) => self.children(node, Some(id), depth + 1),
            None => {
                self.mistakes
                    .add("too-large", node.head, "the tree is too large")
                    .expected(format!("at most {MAX_NODES} nodes"));
            }
        }
    }

    fn kind(&mut self, node: &Node) -> Part {
        match node.name.text.as_str() {
            "host-bridge" => Part::HostBridge {
                allowed: self.word(node, "allowed", &ALLOWED).unwrap_or_default(),
                forwards: self.word(node, "forwards", &PEERS).unwrap_or(Peers::Nothing),
                across: self.word(node, "across", &PEERS).unwrap_or(Peers::Nothing),
            },
            "upstream-port" => Part::Switch,
            "port" => Part::Port(self.acs(node)),
            _ => Part::Device {
                target: self.word(node, "target", &PEERS).unwrap_or_default(),
                p2pmem: self.word(node, "p2pmem", &[("published", true), ("none", false)]).unwrap_or_default(),
            },
        }
    }

    /// `acs="request-redirect completion-redirect"`
    fn acs(&mut self, node: &Node) -> Acs {
        let mut acs = Acs::default();
        let Some(value) = node.option("acs") else { return acs };
        let said = match &value.kind {
            ValueKind::Word(said) | ValueKind::Text { said, .. } => said.as_str(),
            ValueKind::Int(_) => "",
        };
        for word in said.split_whitespace() {
            match word {
                "request-redirect" => acs.request_redirect = true,
                "completion-redirect" => acs.completion_redirect = true,
                "upstream-forward" => acs.upstream_forward = true,
                "egress-control" => acs.egress_control = true,
                _ => {
                    let known = ["request-redirect", "completion-redirect", "upstream-forward", "egress-control"];
                    self.mistakes
                        .add("unknown-declaration", value.span, format!("`{word}` is no control of ACS"))
                        .expected(crate::lower::list(known))
                        .help_if(did_you_mean(word, known));
                }
            }
        }
        acs
    }

    /// The one word behind the name of a statement.
    fn name_of(&mut self, node: &Node) -> String {
        let mut values = node.values();
        match (values.next().map(|value| &value.kind), values.next()) {
            (Some(ValueKind::Word(name)), None) => name.clone(),
            _ => {
                self.mistakes
                    .add("unknown-declaration", node.head, "this has no name")
                    .expected(format!("`{} NAME`", node.name.text));
                String::new()
            }
        }
    }

    fn options(&mut self, node: &Node, known: &[&str]) {
        for key in node.entries.iter().filter_map(|entry| entry.key.as_ref()) {
            if !known.contains(&key.text.as_str()) {
                let expected =
                    if known.is_empty() { "none".to_owned() } else { crate::lower::list(known.iter().copied()) };
                self.mistakes
                    .add("option", key.span, format!("a `{}` has no option `{}`", node.name.text, key.text))
                    .expected(expected)
                    .help_if(did_you_mean(&key.text, known.iter().copied()));
            }
        }
    }

    /// What an option says, by its word.
    fn word<T: Copy>(&mut self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        let Value { span, .. } = node.option(key)?;
        let said = span.of(self.source);
        let found = words.iter().find(|(word, _)| *word == said).map(|(_, value)| *value);
        if found.is_none() {
            let known = || words.iter().map(|(word, _)| *word);
            self.mistakes
                .add("option", *span, format!("`{key}` is never `{said}`"))
                .expected(crate::lower::list(known()))
                .help_if(did_you_mean(said, known()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_tree_is_there() {
        let text = "pci-tree t cpu=zen {\n about \"two\"\n host-bridge h allowed=same forwards=writes {\n port p \
                    acs=\"request-redirect\" { upstream-port s { port d { device a target=nothing; device b p2pmem=published } } } } }";
        let trees = pci_trees("t.kdl", text).unwrap_or_else(|report| panic!("{}", report.plain()));
        let PciTree { name, about, tree } = &trees[0];
        assert_eq!((name.as_str(), about.as_str(), tree.any_host_bridge), ("t", "two", true));
        let kind = |name: &str| tree.part(tree.named(name).expect("it is there"));
        assert_eq!(
            kind("h"),
            Part::HostBridge { allowed: Allowed::Same, forwards: Peers::Writes, across: Peers::Nothing }
        );
        assert_eq!(kind("p"), Part::Port(Acs { request_redirect: true, ..Acs::default() }));
        assert_eq!(kind("a"), Part::Device { target: Peers::Nothing, p2pmem: false });
        assert_eq!(tree.devices().map(|d| tree.name(d)).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn every_mistake_is_told_with_what_is_expected() {
        let told = |text: &str| pci_trees("t.kdl", text).expect_err("it is wrong").plain();
        assert!(told("pci-tree t { port p }").contains("a `port` is not below that"));
        assert!(told("pci-tree t { host-bridge h { prot p } }").contains("port"));
        assert!(told("pci-tree t { host-bridge h forwards=read }").contains("`forwards` is never `read`"));
        assert!(told("pci-tree t { host-bridge h { device a; device a } }").contains("two called `a`"));
        assert!(told("pci-tree t { host-bridge h { port p acs=redirect } }").contains("no control of ACS"));
        assert!(told("pci-tree t { host-bridge h { device } }").contains("no name"));
        assert!(told("scenario s { }").contains("is no tree"));
        assert!(told("").contains("no tree here"));
    }
}
