//! The file that says where each process listens.

use crate::files;
use fenceweave_explore::explicit::hosts::MOST_HOSTS;
use std::path::Path;

/// The addresses in a file, if this process is one of them.
pub(super) fn read(path: &Path, me: usize) -> Result<(Vec<String>, usize), String> {
    let name = path.display();
    let text = files::read_text(path).map_err(|e| format!("{name}: {e}"))?;
    let addresses = parse(&text).map_err(|why| format!("{name}{why}"))?;
    match me < addresses.len() {
        true => Ok((addresses, me)),
        false => Err(format!("`--process {me}`: {name} has the processes 0 to {}", addresses.len() - 1)),
    }
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = vec![];
    for (at, line) in text.lines().enumerate() {
        let address = line.split('#').next().unwrap_or_default().trim();
        if address.is_empty() {
            continue;
        }
        let at = at + 1;
        let shown: String = address.chars().take(60).collect();
        let Some(port) = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port) else {
            return Err(format!(":{at}: `{shown}` has no port: write HOST:PORT, such as 127.0.0.1:4001"));
        };
        let Ok(port) = port.parse::<u16>() else {
            return Err(format!(":{at}: `{shown}` has no port that there is: they go from 1 to 65535"));
        };
        if address.contains(char::is_whitespace) || address.len() > 255 {
            return Err(format!(":{at}: `{shown}` is more than one address: write one a line"));
        }
        if port == 0 && all.is_empty() {
            return Err(format!(":{at}: process 0 is called by all others: give it a port that is not 0"));
        }
        if let Some(same) = all.iter().position(|other| port != 0 && other == address) {
            return Err(format!(":{at}: {shown} is process {same} already: give each process a port of its own"));
        }
        all.push(address.to_owned());
    }
    match all.len() {
        0 | 1 => Err(format!(" has {} of the two processes that it takes at least: write one a line", all.len())),
        n if n > MOST_HOSTS => Err(format!(" has {n} processes, and {MOST_HOSTS} is the most")),
        _ => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_a_line_each_with_notes_behind_them() {
        let text = "# the rack\n\n10.0.0.1:4001 # the first\n [::1]:4002\nnode-3:0\r\n";
        assert_eq!(parse(text), Ok(vec!["10.0.0.1:4001".into(), "[::1]:4002".into(), "node-3:0".into()]));
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_a_way_out() {
        for (text, why) in [
            ("a:1\nnode", ":2: `node` has no port: write HOST:PORT"),
            (":4", ":1: `:4` has no port"),
            ("a:70000", ":1: `a:70000` has no port that there is"),
            ("a:1\nb c:2", ":2: `b c:2` is more than one address"),
            ("a:0\nb:1", ":1: process 0 is called by all others"),
            ("a:1\nb:2\n\na:1", ":4: a:1 is process 0 already"),
            ("a:1", " has 1 of the two processes"),
            ("", " has 0 of the two processes"),
        ] {
            let told = parse(text).expect_err(text);
            assert!(told.starts_with(why), "{told}");
        }
        let many: String = (1..=65).map(|port| format!("a:{port}\n")).collect();
        assert_eq!(parse(&many), Err(" has 65 processes, and 64 is the most".into()));
    }
}
