//! How much memory there is: a search that would ask for more is incomplete before the system ends it.
//!
//! Rust ends the process when an allocation fails, so the tables ask before they grow, and the limit of a search is
//! kept below what this process may have: its address space (`ulimit -v`), its control group's, and what is free.

use std::{fs, path::Path};

/// What a search may take if nobody says, where there is as much.
pub const DEFAULT: u64 = 4 << 30;

/// Of what there is a search gets so many hundredths: its result is turned into text after it.
const SHARE: u64 = 60;
/// However little there is, a search begins.
const LEAST: u64 = 16 << 20;

/// What each of so many searches at once may take if nobody says, in bytes.
pub fn default_limit(at_once: u64) -> u64 {
    match available() {
        Some(free) => (free / 100 * SHARE / at_once.max(1)).clamp(LEAST, DEFAULT),
        None => DEFAULT,
    }
}

/// What this process may still allocate, as far as the system says: on Linux, the least of several limits.
fn available() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let space = address_space(&read("/proc/self/limits")).map(|most| {
        let taken = pages(&read("/proc/self/statm")).unwrap_or(0) * PAGE;
        most.saturating_sub(taken)
    });
    [space, free(&read("/proc/meminfo")), group(&read("/proc/self/cgroup"))].into_iter().flatten().min()
}

/// The least page there is: of a larger one, what is taken is guessed too small by what other limits forgive.
const PAGE: u64 = 4096;

/// The soft limit of the line `Max address space  1073741824  unlimited  bytes`.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|l| l.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The first number of `/proc/self/statm`: pages of address space.
fn pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().next()?.parse().ok()
}

/// `MemAvailable:  8049132 kB`.
fn free(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// What the control group (version 2) of the line `0::/path` leaves.
fn group(cgroup: &str) -> Option<u64> {
    let below = cgroup.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let folder = Path::new("/sys/fs/cgroup").join(below);
    let number = |file: &str| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    Some(number("memory.max")?.saturating_sub(number("memory.current").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_words_are_understood() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max cpu time              unlimited            unlimited            seconds\n\
                      Max address space         1073741824           unlimited            bytes\n";
        assert_eq!(address_space(limits), Some(1 << 30));
        assert_eq!(address_space(&limits.replace("1073741824", "unlimited")), None);
        assert_eq!(free("MemTotal: 16 kB\nMemFree: 2 kB\nMemAvailable:    8049132 kB\n"), Some(8_049_132 << 10));
        assert_eq!(pages("1234 500 300 1 0 90 0\n"), Some(1234));
        assert_eq!((address_space(""), free(""), group("")), (None, None, None));
    }

    #[test]
    fn several_at_once_share() {
        assert!(default_limit(1) <= DEFAULT && default_limit(8) >= LEAST);
        assert!(default_limit(8) <= default_limit(1));
    }
}
