//! Fair parts and lassos of small random graphs, against the definitions spelled out.

use super::*;
use crate::explicit::liveness::{
    components::leading_to_cycles,
    lasso::{Walk, Wanted},
};
use fenceweave_kernel::Action;

/// Most states of a graph here: every set of them is looked at.
const MAX_STATES: u32 = 7;
const THREADS: u8 = 3;

/// A generator of numbers that are the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }
}

/// Each thread has no step, one, or one with two ways in each state.
fn random_graph(dice: &mut Dice) -> Graph {
    let n = 1 + dice.below(MAX_STATES);
    let mut graph = Graph::default();
    graph.begin_level(0);
    for _ in 0..n {
        graph.begin_state();
        for t in 0..THREADS {
            let ways = [0, 1, 1, 2][dice.below(4) as usize];
            for choice in 0..ways {
                let action = Action { thread: ThreadId(t), choice };
                graph.edge(action, dice.below(5) == 0, dice.below(n));
            }
        }
    }
    graph
}

/// Thread 0 waits for spinlocks whenever it stands still; the others never.
fn spins(_: u32, t: ThreadId) -> bool {
    t.0 == 0
}

fn states_of(set: u32) -> impl Iterator<Item = u32> {
    (0..MAX_STATES).filter(move |s| set >> s & 1 == 1)
}

/// The places of the edges inside of a set of states that a fair choice does not lead out of in the end.
fn inside(graph: &Graph, set: u32, keep: &dyn Fn(Edge) -> bool) -> BTreeSet<usize> {
    let stays = |i: &usize| {
        let e = graph.edge_at(*i);
        set >> e.to & 1 == 1 && keep(e)
    };
    let whole_step = |s: u32, i: &usize| {
        let t = graph.edge_at(*i).action.thread;
        graph.row(s).filter(|k| graph.edge_at(*k).action.thread == t).all(|k| stays(&k))
    };
    states_of(set).flat_map(|s| graph.row(s).filter(move |i| whole_step(s, i))).collect()
}

/// Whether every state of the set is reached from each along these edges, at least one.
fn is_connected(graph: &Graph, set: u32, edges: &BTreeSet<usize>) -> bool {
    let reached = |from: u32| {
        let mut seen = 0;
        let mut open = vec![from];
        while let Some(s) = open.pop() {
            for to in graph.row(s).filter(|i| edges.contains(i)).map(|i| graph.edge_at(i).to) {
                if seen >> to & 1 == 0 {
                    seen |= 1 << to;
                    open.push(to);
                }
            }
        }
        seen
    };
    states_of(set).all(|s| reached(s) == set)
}

/// Nobody who can run is held back.
fn is_fair(graph: &Graph, set: u32, edges: &BTreeSet<usize>) -> bool {
    let stepping = edges.iter().fold(0, |all, i| all | graph.edge_at(*i).thread_bit());
    (0..THREADS).all(|t| {
        let can_run: Vec<bool> = states_of(set).map(|s| graph.enabled(s) >> t & 1 == 1).collect();
        let complains = if spins(0, ThreadId(t)) { can_run.iter().any(|c| *c) } else { can_run.iter().all(|c| *c) };
        stepping >> t & 1 == 1 || !complains
    })
}

/// The largest sets of states that a fair scheduler can go through for ever: the definition, set by set.
fn by_definition(graph: &Graph, keep: &dyn Fn(Edge) -> bool) -> Vec<Vec<u32>> {
    let n = graph.expanded();
    let good: Vec<u32> = (1..1u32 << n)
        .filter(|set| {
            let edges = inside(graph, *set, keep);
            is_connected(graph, *set, &edges) && is_fair(graph, *set, &edges)
        })
        .collect();
    let largest = good.iter().filter(|set| !good.iter().any(|other| other != *set && other & *set == **set));
    let mut sets: Vec<Vec<u32>> = largest.map(|set| states_of(*set).collect()).collect();
    sets.sort();
    sets
}

#[test]
fn fair_parts_are_the_largest_sets_that_a_fair_scheduler_can_stay_in() {
    let (mut dice, mut found) = (Dice(1), 0);
    for case in 0..4_000 {
        let graph = random_graph(&mut dice);
        let all: Vec<u32> = (0..graph.expanded()).collect();
        let keeps: [&dyn Fn(Edge) -> bool; 3] =
            [&|_| true, &|e| !e.progress, &|e| !e.progress || e.action.thread.0 != 1];
        for keep in keeps {
            let parts = Fair::new(&graph, spins).parts(&all, keep);
            let sets: Vec<Vec<u32>> = parts.iter().map(|p| p.states.clone()).collect();
            assert_eq!(sets, by_definition(&graph, keep), "graph {case}");
            found += sets.len();
        }
    }
    assert!(found > 1_000, "only {found} fair parts: these graphs show little");
}

#[test]
fn what_leads_to_no_cycle_is_left_out_and_nothing_else() {
    let mut dice = Dice(2);
    for _ in 0..2_000 {
        let graph = random_graph(&mut dice);
        let all: Vec<u32> = (0..graph.expanded()).collect();
        let cyclic = leading_to_cycles(&graph);
        let of = |members: &[u32]| Components::new(&graph).of(members, |_, _| true);
        assert_eq!(of(&cyclic), of(&all));
        let ends = |s: &u32| graph.row(*s).is_empty();
        assert!(!cyclic.iter().any(ends));
    }
}

/// The loop is closed, inside of the part, fair by itself, and has what was wanted.
#[test]
fn loops_are_fair_by_themselves() {
    let (mut dice, mut walked) = (Dice(3), 0);
    for _ in 0..4_000 {
        let graph = random_graph(&mut dice);
        let all: Vec<u32> = (0..graph.expanded()).collect();
        for part in Fair::new(&graph, spins).parts(&all, |e| !e.progress || e.action.thread.0 != 1) {
            let wanted = Wanted { steps: part.stepping & 1, progress: part.progressing, without: 1 << 1 };
            let entry = part.states[dice.below(part.states.len() as u32) as usize];
            let round = Walk::new(&graph, &part).round(entry, wanted, spins);
            check(&graph, &part, entry, wanted, &round.steps);
            walked += 1;
        }
    }
    assert!(walked > 500, "only {walked} loops: these graphs show little");
}

fn check(graph: &Graph, part: &Part, entry: u32, wanted: Wanted, steps: &[Action]) {
    let (mut at, mut edges, mut passed) = (entry, vec![], 0);
    for step in steps {
        let e = graph.edges(at).find(|e| e.action == *step && part.states.contains(&e.to)).expect("a step inside");
        at = e.to;
        passed |= 1 << at;
        edges.push(e);
    }
    assert_eq!(at, entry);
    assert!(!edges.is_empty() && edges.iter().all(|e| !e.progress || e.action.thread.0 != 1));
    let stepping = edges.iter().fold(0, |all, e| all | e.thread_bit());
    assert_eq!(stepping & wanted.steps, wanted.steps);
    let progress = |e: &Edge| e.progress && wanted.progress & e.thread_bit() != 0;
    assert!(wanted.progress == 0 || edges.iter().any(progress));
    for t in (0..THREADS).filter(|t| stepping >> t & 1 == 0) {
        let can_run: Vec<bool> = states_of(passed).map(|s| graph.enabled(s) >> t & 1 == 1).collect();
        let held_back = if spins(0, ThreadId(t)) { can_run.iter().any(|c| *c) } else { can_run.iter().all(|c| *c) };
        assert!(!held_back, "thread {t} is held back");
    }
}
