//! The states of a small program and the steps between them, in DOT, which Graphviz draws.
//!
//! A state has a number, in the order in which it was first seen; one in which a thread sleeps or is done says so. An
//! arrow is a step: whose, and what it does in the kernel's words.

use crate::words;
use fenceweave_kernel::{Action, Program, State, thread::Run};
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
};

/// A graph in the making.
#[derive(Debug)]
pub struct Graph<'a> {
    program: &'a Program,
    /// The number of each state, by what it is written down as.
    numbers: HashMap<Vec<u8>, usize>,
    nodes: Vec<Node>,
    arrows: BTreeSet<(usize, usize, String)>,
}

/// What is said of a state.
#[derive(Debug)]
struct Node {
    text: String,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    Between,
    Ended,
    Bad,
}

impl<'a> Graph<'a> {
    /// The state in which threads begin, and nothing else yet.
    pub fn new(program: &'a Program) -> Graph<'a> {
        let mut graph = Graph { program, numbers: HashMap::new(), nodes: vec![], arrows: BTreeSet::new() };
        graph.number(&State::initial(program));
        graph
    }

    /// A step was seen.
    pub fn see(&mut self, before: &State, action: Action, after: &State) {
        let (from, to) = (self.number(before), self.number(after));
        let thread = before.thread(action.thread);
        let way =
            if before.ways(self.program, action.thread) > 1 { format!(" #{}", action.choice) } else { String::new() };
        let name = self.program.thread_name(action.thread);
        self.arrows.insert((from, to, format!("{name}: {}{way}", thread.machine().label())));
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.nodes.len()
    }

    fn number(&mut self, state: &State) -> usize {
        let (mut encoding, mut own) = (vec![], state.clone());
        own.encode(self.program, &mut encoding);
        if let Some(number) = self.numbers.get(&encoding) {
            return *number;
        }
        let number = self.nodes.len();
        self.numbers.insert(encoding, number);
        self.nodes.push(node(self.program, state, number));
        number
    }

    /// The graph's source.
    pub fn source(&self) -> String {
        let mut out = format!("digraph {} {{\n", quoted(&self.program.name));
        out.push_str(
            "    node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\", fontsize=10];\n",
        );
        out.push_str("    edge [fontname=\"sans-serif\", fontsize=9];\n");
        for (number, node) in self.nodes.iter().enumerate() {
            let look = match node.look {
                Look::Between => "",
                Look::Ended => ", fillcolor=\"#d7f0dc\"",
                Look::Bad => ", fillcolor=\"#f8d3d3\"",
            };
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(out, "    s{number} [label={}{look}];", quoted(&node.text));
        }
        for (from, to, label) in &self.arrows {
            let _ = writeln!(out, "    s{from} -> s{to} [label={}];", quoted(label));
        }
        out.push_str("}\n");
        out
    }
}

/// What is said of a state, and how it looks.
fn node(program: &Program, state: &State, number: usize) -> Node {
    let mut lines = vec![number.to_string()];
    for t in program.threads() {
        let name = program.thread_name(t);
        match state.thread(t).run() {
            Run::Asleep(on, _) if !state.is_awake(t) => {
                lines.push(format!("{name} asleep on {}", words::object_name(program, on)))
            }
            Run::Done => lines.push(format!("{name} done")),
            _ => {}
        }
    }
    let look = match state.violation() {
        Some(v) => {
            lines.push(v.property.name().to_owned());
            Look::Bad
        }
        None if state.is_finished(program) => Look::Ended,
        None if state.enabled(program).is_empty() => {
            lines.push("nobody can go on".to_owned());
            Look::Bad
        }
        None => Look::Between,
    };
    Node { text: lines.join("\n"), look }
}

/// An identifier between quotes, in which a backslash has a meaning, too.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace(|c: char| c.is_control(), " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs;
    use fenceweave_explore::walk;

    fn graph(program: &Program) -> Graph<'_> {
        let mut graph = Graph::new(program);
        assert!(walk::walk(program, 10_000, |before, action, after| graph.see(before, action, after)));
        graph
    }

    /// Reads the source as far as it is written here: statements with attributes, arrows between declared nodes.
    fn is_dot(text: &str) {
        let body = text.strip_prefix("digraph \"").and_then(|t| t.strip_suffix("}\n")).expect("a graph");
        let mut nodes = BTreeSet::new();
        for line in body.lines().skip(1) {
            let line = line.strip_suffix("];").unwrap_or_else(|| panic!("{line}")).trim_start();
            let (what, attributes) = line.split_once(" [").unwrap_or_else(|| panic!("{line}"));
            let quotes = attributes.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            assert_eq!(quotes % 2, 0, "{line}");
            match what.split_once(" -> ") {
                Some((from, to)) => assert!(nodes.contains(from) && nodes.contains(to), "{line}"),
                None => assert!(nodes.insert(what), "{line}"),
            }
        }
    }

    #[test]
    fn a_deadlock_is_a_red_state_without_a_way_on() {
        let program = programs::two_spinlocks();
        let graph = graph(&program);
        let source = graph.source();
        is_dot(&source);
        let bad: Vec<usize> = (0..graph.states()).filter(|n| graph.nodes[*n].look == Look::Bad).collect();
        assert!(!bad.is_empty() && source.contains("nobody can go on"), "{source}");
        assert!(graph.arrows.iter().all(|(from, ..)| !bad.contains(from)));
        assert!(graph.nodes.iter().any(|n| n.look == Look::Ended));
    }

    #[test]
    fn what_is_between_quotes_stays_there() {
        assert_eq!(quoted("a \"b\\\n"), "\"a \\\"b\\\\\\n\"");
        let mut program = programs::racy_increment();
        program.name = "a \"}\" [".into();
        is_dot(&graph(&program).source());
    }
}
