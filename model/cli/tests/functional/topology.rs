//! `topology`: the six trees of `topologies/`, each held against what was worked out by hand, and mistakes.

use crate::project::Project;
use std::path::PathBuf;

/// A shipped tree.
fn tree(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../topologies").join(name).with_extension("kdl");
    std::fs::read_to_string(path).expect("it is shipped")
}

/// `from to: write read kernel`, a line for each pair.
fn matrix(name: &str, more: &str) -> Vec<String> {
    let ran = Project::new().file("t.kdl", tree(name)).run(&format!("topology t.kdl --json{more}")).exits(0).out;
    let said: serde_json::Value = serde_json::from_str(&ran).expect("a JSON object");
    let pairs = said["pairs"].as_array().expect("pairs");
    let yes = |pair: &serde_json::Value, key: &str| if pair[key] == true { key } else { "-" }.to_owned();
    let word = |pair: &serde_json::Value, key: &str| pair[key].as_str().unwrap_or_default().to_owned();
    let row = |p: &serde_json::Value| {
        let (from, to, kernel) = (word(p, "from"), word(p, "to"), word(p, "kernel"));
        format!("{from} {to} {}: {} {} {kernel}", p["distance"], yes(p, "write"), yes(p, "read"))
    };
    pairs.iter().map(row).collect()
}

#[test]
fn behind_a_switch_that_redirects_nothing_everything_works_and_beyond_it_nothing_is_known() {
    let all = matrix("switch", "");
    assert_eq!(all[0], "nvme rdma 4: write read bus-address");
    assert_eq!(all[2], "rdma nvme 4: write read bus-address");
    // Nothing is said of the root complex: it forwards nothing, and is on no list.
    assert_eq!(all[1], "nvme gpu 6: - - not-supported");
    assert_eq!(all.len(), 6);
}

#[test]
fn what_is_redirected_works_if_the_root_complex_sends_it_back_and_is_believed_by_some_rules_only() {
    assert_eq!(matrix("switch-with-acs", "")[0], "nvme rdma 4: write read not-supported");
    assert_eq!(matrix("switch-with-acs", " --rules v5_0")[0], "nvme rdma 4: write read not-supported");
    assert_eq!(matrix("switch-with-acs", " --rules common-upstream")[0], "nvme rdma 4: write read bus-address");
}

#[test]
fn a_device_that_answers_no_peer_is_believed_in_all_the_same() {
    let all = matrix("laptop-with-apu", "");
    assert_eq!(all, ["apu dgpu 3: write read through-host-bridge", "dgpu apu 3: - - through-host-bridge"]);
    assert_eq!(matrix("laptop-with-apu", " --rules v5_0")[1], "dgpu apu 3: - - not-supported");
}

#[test]
fn reads_are_less_likely_to_work_than_writes_and_one_direction_than_the_other() {
    assert_eq!(matrix("two-root-ports", "")[0], "gpu0 gpu1 4: write - through-host-bridge");
    let all = matrix("one-way", "");
    assert_eq!(all, ["camera gpu 4: write read through-host-bridge", "gpu camera 4: write - through-host-bridge"]);
    let sockets = matrix("two-sockets", "");
    assert_eq!(sockets[0], "gpu0 nic0 4: write read through-host-bridge");
    assert_eq!(sockets[1], "gpu0 gpu1 4: write - through-host-bridge");
}

#[test]
fn where_belief_and_truth_differ_is_said_and_why() {
    let ran = Project::new().file("t.kdl", tree("one-way")).run("topology t.kdl").exits(0).out;
    insta::assert_snapshot!(ran, @r"
    one-way: One port redirects completions, and the root complex forwards writes only: what leaves it as an answer is lost, so reads work in one direction.
      from    to      distance  write  read  kernel
      camera  gpu     4         yes    yes   through-host-bridge
      gpu     camera  4         yes    no    through-host-bridge  !
      gpu to camera: no read: root forwards no completion of a peer, to which down0 redirects it
      gpu to camera: the kernel believes it works
    ");
}

#[test]
fn the_closest_provider_is_that_of_all_clients() {
    let ran = Project::new().file("t.kdl", tree("two-sockets")).run("topology t.kdl --clients gpu0,nic0").exits(0).out;
    assert!(ran.contains("  closest to gpu0, nic0: gpu0, 4 hops together\n"), "{ran}");
    let ran = Project::new().file("t.kdl", tree("switch")).run("topology t.kdl --clients gpu").exits(0).out;
    assert!(ran.contains("closest to gpu: no published memory is compatible"), "{ran}");
    let err = Project::new().file("t.kdl", tree("switch")).run("topology t.kdl --clients gpu9").exits(2).err;
    assert_eq!(err, "error: there is no device `gpu9` in switch\n");
}

#[test]
fn a_mistake_in_a_tree_is_told_in_its_place() {
    let err =
        Project::new().file("t.kdl", "pci-tree t { host-bridge h forward=all }").run("topology t.kdl").exits(2).err;
    assert!(err.contains("has no option `forward`") && err.contains("forwards"), "{err}");
    Project::new().run("topology none.kdl").exits(2);
}
