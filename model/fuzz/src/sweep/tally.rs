//! What a sweep, or a part of one, has found.

use std::{collections::BTreeMap, fmt::Write};

/// Violations of one property at the same operations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// How many programs have one.
    pub programs: u64,
    /// And how many if every name counts.
    pub labelled: u64,
    /// Operations and threads of the smallest of them, the first of several.
    pub size: (usize, usize),
    /// That program as a scenario.
    pub text: String,
}

/// The sums.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Programs explored.
    pub programs: u64,
    /// Programs that they stand for.
    pub labelled: u64,
    /// In which nothing is violated.
    pub holding: u64,
    /// In which something is.
    pub violating: u64,
    /// That were too large to be explored whole.
    pub incomplete: u64,
    /// Programs that violate each property.
    pub by_property: BTreeMap<String, u64>,
    /// The violations, by property and operations.
    pub clusters: BTreeMap<String, Cluster>,
}

impl Tally {
    /// Adds a program's violation; its program stands for the cluster if it is smaller than what did.
    pub fn cluster(&mut self, key: String, new: Cluster) {
        match self.clusters.get_mut(&key) {
            None => {
                self.clusters.insert(key, new);
            }
            Some(known) => {
                known.programs += new.programs;
                known.labelled += new.labelled;
                // The text decides between two of a size, so that the order of parts does not.
                if (new.size, &new.text) < (known.size, &known.text) {
                    (known.size, known.text) = (new.size, new.text);
                }
            }
        }
    }

    /// Adds what another part has found.
    pub fn add(&mut self, other: &Tally) {
        self.programs += other.programs;
        self.labelled += other.labelled;
        self.holding += other.holding;
        self.violating += other.violating;
        self.incomplete += other.incomplete;
        for (property, n) in &other.by_property {
            *self.by_property.entry(property.clone()).or_default() += n;
        }
        for (key, cluster) in &other.clusters {
            self.cluster(key.clone(), cluster.clone());
        }
    }

    /// The result for people: the same for the same sweep, however it was divided.
    pub fn report(&self, plan: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "every program with {plan}");
        let _ = writeln!(out, "  {:>9} programs, {} with all names", self.programs, self.labelled);
        let _ = writeln!(out, "  {:>9} hold", self.holding);
        let _ = writeln!(out, "  {:>9} violate something", self.violating);
        let _ = writeln!(out, "  {:>9} incomplete", self.incomplete);
        for (property, n) in &self.by_property {
            let _ = writeln!(out, "  {n:>9} {property}");
        }
        let mut clusters: Vec<(&String, &Cluster)> = self.clusters.iter().collect();
        clusters.sort_by_key(|(key, c)| (c.size, *key));
        for (i, (key, c)) in clusters.iter().enumerate() {
            let _ =
                write!(out, "\n{}. {key}: {} programs, {} with all names\n\n{}", i + 1, c.programs, c.labelled, c.text);
        }
        out
    }
}
